//! One line of the log.
//!
//! ```text
//! 2026-11-21T08:00:00.123Z INFO driver.marstek: Fase A answers device=fase_a      console, file
//! <6>driver.marstek: Fase A answers device=fase_a                                 journald has time and level itself
//! ```

use std::fmt::{self, Write as _};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{DefaultFields, FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use super::areas::area;
use crate::clock::os_unix;

/// What stands at the beginning of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// Time and level.
    Time,
    /// The level as systemd's journal reads it; it adds the time.
    Journal,
}

/// The format of all lines.
pub(super) struct Line {
    pub(super) head: Head,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        match self.head {
            Head::Journal => write!(to, "<{}>", syslog(level))?,
            Head::Time => {
                let time = time_words(os_unix().0);
                if to.has_ansi_escapes() {
                    write!(to, "\x1b[2m{time}\x1b[0m {}{level:<5}\x1b[0m ", colour(level))?;
                } else {
                    write!(to, "{time} {level:<5} ")?;
                }
            }
        }
        let mut fields = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut fields), event)?;
        writeln!(to, "{}: {}", area(event.metadata().target()), one_entry(&fields))
    }
}

/// Text from a device may hold anything: further lines are indented, so that none looks like an entry of its own, and
/// control characters are shown.
fn one_entry(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        match c {
            '\n' => shown.push_str("\n    "),
            '\t' => shown.push(c),
            c if c.is_control() => {
                let _ = write!(shown, "{}", c.escape_default());
            }
            c => shown.push(c),
        }
    }
    shown
}

fn time_words(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms).map(|time| format!("{time:.3}")).unwrap_or_default()
}

/// The priorities of syslog.
fn syslog(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        _ => "\x1b[34m",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::logs::{LevelControl, Levels};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(head: Head, levels: &LevelControl, log: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Line { head })
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::Registry::default().with(levels.clone()).with(layer);
        tracing::subscriber::with_default(subscriber, log);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_has_its_area_and_its_values() {
        let text = logged(Head::Journal, &LevelControl::default(), || {
            tracing::warn!(target: "mqtt", device = "a", tries = 3, "the broker refused: {}", "bad password");
        });
        assert_eq!(text, "<4>mqtt: the broker refused: bad password device=\"a\" tries=3\n");
    }

    #[test]
    fn the_console_has_the_time() {
        let text = logged(Head::Time, &LevelControl::default(), || tracing::info!("hello"));
        let (time, rest) = text.split_once(' ').unwrap();
        assert_eq!(rest, "INFO  app: hello\n");
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    }

    #[test]
    fn text_of_others_cannot_forge_a_line() {
        let evil = "x\n<3>control: all is lost\x1b[2J\r";
        let text = logged(Head::Journal, &LevelControl::default(), || tracing::info!("{evil}"));
        assert_eq!(text.lines().count(), 2);
        assert!(text.lines().nth(1).unwrap().starts_with("    <3>"), "{text:?}");
        assert!(!text.contains('\x1b') && !text.contains('\r'), "{text:?}");
    }

    #[test]
    fn levels_change_while_the_program_runs() {
        let control = LevelControl::new(Levels::default());
        let text = logged(Head::Journal, &control, || {
            let line = || tracing::debug!(target: "web", "seen");
            line();
            control.set("info,web=debug".parse().unwrap());
            line();
            control.set(Levels::quiet());
            line();
        });
        assert_eq!(text, "<7>web: seen\n");
    }
}
