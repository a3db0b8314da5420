//! What is worth an entry in the event list, in words.

use std::time::Duration;

use ohmstead_model::{DeviceInfo, Event, Moment, Notice, Online, Severity};

use super::words::span_words;

/// A device began or ceased to answer; `before` is what was known until now.
pub(super) fn online_changed(info: &DeviceInfo, before: Online, answers: bool, at: Moment) -> Event {
    let title = &info.title;
    let (severity, code, text) = match (answers, before) {
        (true, Online::No(since)) => {
            let gone = span_words(at.since(since));
            (Severity::Info, "device_online", format!("{title} answers again after {gone}"))
        }
        (true, _) => (Severity::Info, "device_online", format!("{title} answers")),
        (false, Online::NotAskedYet) => {
            let text = format!("{title} does not answer at {}", info.address);
            (Severity::Warning, "device_offline", text)
        }
        (false, _) => {
            let text = format!("{title} no longer answers at {}", info.address);
            (Severity::Warning, "device_offline", text)
        }
    };
    event(info, severity, code, text, at)
}

/// What appeared or went between two lists of notices.
pub(super) fn notices_changed(
    info: &DeviceInfo,
    before: &[Notice],
    after: &[Notice],
    at: Moment,
) -> Vec<Event> {
    let has = |list: &[Notice], notice: &Notice| list.iter().any(|other| other.code == notice.code);
    let appeared = after.iter().filter(|notice| !has(before, notice)).map(|notice| {
        let text = format!("{}: {}; {}", info.title, notice.text, notice.hint);
        event(info, notice.severity, notice.code, text, at)
    });
    let gone = before.iter().filter(|notice| !has(after, notice)).map(|notice| {
        event(info, Severity::Info, notice.code, format!("{}: no longer: {}", info.title, notice.text), at)
    });
    appeared.chain(gone).collect()
}

/// The wall clock was set; `jump` in ms.
pub(super) fn clock_jumped(jump: i64, at: Moment) -> Event {
    let span = span_words(Duration::from_millis(jump.unsigned_abs()));
    let direction = if jump > 0 { "forward" } else { "back" };
    Event {
        id: 0,
        at: at.unix,
        severity: Severity::Info,
        device: None,
        code: "clock_jumped".to_owned(),
        text: format!("the clock was set {direction} by {span}; values before keep their old labels"),
    }
}

fn event(info: &DeviceInfo, severity: Severity, code: &str, text: String, at: Moment) -> Event {
    Event { id: 0, at: at.unix, severity, device: Some(info.id.clone()), code: code.to_owned(), text }
}
