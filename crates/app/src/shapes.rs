//! JSON and times as the verbs print them and the socket carries them.

use ohmstead_model::{LedgerEntry, UnixMillis};
use serde_json::{Value, json};

/// `2026-11-21T08:00:00.123Z`.
pub(crate) fn iso(at: UnixMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |at| format!("{at:.3}"))
}

/// One row of `ledger --json`.
pub(crate) fn ledger_json(entry: &LedgerEntry) -> Value {
    json!({
        "id": entry.id,
        "at": iso(entry.at),
        "device": entry.device.as_str(),
        "asked_by": entry.asked_by,
        "request": entry.request,
        "old": entry.old,
        "new": entry.new,
        "reply": entry.reply,
        "read_back": entry.read_back,
        "effect": entry.effect,
        "outcome": entry.outcome.key(),
        "reason": entry.reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_and_bad_clocks_break_nothing() {
        assert_eq!(iso(UnixMillis(1_795_248_000_120)), "2026-11-21T08:00:00.120Z");
        assert_eq!(iso(UnixMillis(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(UnixMillis(i64::MAX)), i64::MAX.to_string());
    }
}
