//! From a frame to a decision: which family hears what, and who answers it.

use super::{
    crc, pi17, pi18, pi30,
    profile::{Family, Model},
    reply::{Effect, Reply, View},
    revo, strangers,
    switches::Switches,
};

/// A frame as the firmware understood it.
pub(crate) struct Heard {
    /// The command without check and length, or the answer to a frame that is none.
    pub(crate) command: Result<String, Reply>,
    /// Whether it would change something.
    pub(crate) sets: bool,
    /// Whether its check was the REVO's single byte.
    pub(crate) summed: bool,
    /// All of it, for those who echo.
    pub(crate) raw: Vec<u8>,
}

/// Takes a frame apart; it comes without its CR.
pub(crate) fn hear(frame: &[u8], model: &Model) -> Heard {
    let sets = sets(frame, model.family);
    let (command, summed) = match model.family {
        Family::Ups => (Ok(strangers::text(frame)), false),
        Family::Pi18 => (pi18::command(frame), false),
        Family::Pi17 => (pi17::command(frame), false),
        Family::Revo if summed(frame).is_some() => (summed(frame).ok_or(Reply::Nak), true),
        _ => (checked(frame).or_else(|| unchecked(frame, model)).ok_or(Reply::Nak), false),
    };
    Heard { command, sets, summed, raw: frame.to_vec() }
}

/// What the setters of all families begin with; what begins otherwise only asks.
fn sets(frame: &[u8], family: Family) -> bool {
    match frame {
        [b'^', kind, ..] => *kind == b'S',
        [b'Q'] => family == Family::Ups,
        [b'F' | b'I'] => family != Family::Ups,
        [b'P', b'Q', b'S', ..] => family != Family::Revo,
        [b'Q', ..] | [] => false,
        [first, ..] => first.is_ascii_alphabetic(),
    }
}

/// A command before a CRC that fits.
fn checked(frame: &[u8]) -> Option<String> {
    let (text, check) = frame.split_last_chunk::<2>()?;
    let readable = !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
    (readable && crc::fits(text, *check)).then(|| String::from_utf8_lossy(text).into_owned())
}

/// The MAX takes some commands without a CRC as well.
fn unchecked(frame: &[u8], model: &Model) -> Option<String> {
    let taken = ["QT", "QLED"].into_iter().find(|text| text.as_bytes() == frame)?;
    model.queries.contains(&taken).then(|| taken.to_owned())
}

/// A command before a sum that fits.
fn summed(frame: &[u8]) -> Option<String> {
    let (check, text) = frame.split_last()?;
    let readable = text.len() > 2 && text.iter().all(u8::is_ascii_graphic);
    (readable && crc::sum(text) == *check).then(|| String::from_utf8_lossy(text).into_owned())
}

/// The answer to a question.
pub(crate) fn query(heard: &Heard, text: &str, view: &View<'_>) -> Reply {
    match view.model.family {
        Family::Pi30 | Family::Pi41 => pi30::query(text, view),
        Family::Revo => revo::query(text, heard.summed, view),
        Family::Pi18 => pi18::query(text, view),
        Family::Pi17 => pi17::query(text, view),
        Family::Ups => strangers::ups(text, &heard.raw, view),
        Family::Charger => strangers::charger(text, view),
    }
}

/// What a setter brings about; `None` = refused.
pub(crate) fn set(text: &str, view: &View<'_>) -> Option<Effect> {
    match view.model.family {
        Family::Pi30 | Family::Pi41 => pi30::set(text, view),
        Family::Pi18 => pi18::set(text, view),
        Family::Pi17 => pi17::set(text, view),
        Family::Ups => strangers::harm(text),
        Family::Revo | Family::Charger => None,
    }
}

/// Whether the answer shows the settings, so that "configuration changed" has done its duty.
pub(crate) fn tells_settings(text: &str) -> bool {
    matches!(text, "QPIRI" | "PIRI")
}

/// The answer to a setter that is refused.
pub(crate) fn refusal(heard: &Heard, model: &Model, switches: &Switches) -> Reply {
    if model.family == Family::Ups { strangers::unknown(&heard.raw, switches.stranger) } else { Reply::Nak }
}

/// The answer to a setter that is obeyed.
pub(crate) fn consent(model: &Model) -> Reply {
    // A UPS does what it is told without a word.
    if model.family == Family::Ups { Reply::Silence } else { Reply::Ack }
}
