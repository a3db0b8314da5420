//! The lines that go over the socket.

#![cfg_attr(not(unix), allow(dead_code, reason = "the daemon's end needs Unix sockets"))]

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::archive::HistoryQuestion;

/// What a verb asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Question {
    /// One device with its values.
    Read {
        /// Its name.
        device: String,
    },
    /// What one device tells in its own words.
    Native {
        /// Its name.
        device: String,
    },
    /// All devices.
    Devices {},
    /// A mode or a setting for a device.
    Set {
        /// Its name.
        device: String,
        /// What is asked, in words: `charge 800 W until 90 %`, `output_priority=solar_first`.
        wish: String,
        /// For how many seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_s: Option<u64>,
    },
    /// The last attempts to change a device, newest first.
    Ledger {
        /// At most so many.
        limit: usize,
        /// Only those of this device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<String>,
        /// Only those that ended so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
        /// Only those that were asked then or later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since_unix_ms: Option<i64>,
    },
    /// What control wants, and its switches.
    Control {},
    /// A part of control is to be switched.
    Switch {
        /// Its key.
        part: String,
        /// To what.
        on: bool,
    },
    /// A limit of the site is to be lowered.
    Limit {
        /// Its key.
        name: String,
        /// To what; back to what the configuration says where it is `null`. Absent it is an error: that would raise the limit.
        #[serde(deserialize_with = "Option::deserialize")]
        max_w: Option<f64>,
    },
    /// What was asked by hand is to end, and the device to be given back.
    Release {
        /// Its name; all of them, and every part of control off, where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<String>,
    },
    /// Something of the history.
    History {
        /// What.
        ask: HistoryQuestion,
    },
    /// What lies ahead.
    Ahead {
        /// What of it.
        part: AheadPart,
        /// The language of sentences; the first of the site's where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lang: Option<String>,
    },
    /// A battery is to be in a mode in a stretch of time ahead.
    AskAhead {
        /// Its name.
        device: String,
        /// The mode in words: "charge 800 W until 90 %".
        mode: String,
        /// When that begins.
        from_unix_ms: i64,
        /// When it ends.
        to_unix_ms: i64,
    },
    /// What was asked by hand for a time to come.
    AskedAhead {},
    /// One of it is taken back.
    TakeBack {
        /// Its number.
        id: u32,
    },
    /// Somebody says the colour of a day of the Tempo tariff.
    SetColour {
        /// The day.
        date: String,
        /// Its colour; what was said is taken back where it is `null`.
        #[serde(deserialize_with = "Option::deserialize")]
        colour: Option<String>,
    },
    /// How the program is doing.
    Status {},
}

/// What can be asked for of what lies ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AheadPart {
    /// Prices, colours, forecasts and who was asked for them.
    Outlook,
    /// The plan.
    Plan,
    /// The Tempo tariff.
    Tempo,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// Stable key.
    pub(crate) code: String,
    /// One sentence.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: String,
}

impl Failure {
    pub(crate) fn new(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), hint: hint.into() }
    }
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The answer; its shape is the question's.
    Ok(Value),
    /// Why there is none.
    Error(Failure),
}

impl From<Result<Value, Failure>> for Reply {
    fn from(result: Result<Value, Failure>) -> Self {
        match result {
            Ok(value) => Self::Ok(value),
            Err(failure) => Self::Error(failure),
        }
    }
}

/// Reads a line of a peer.
pub(super) fn question(line: &[u8]) -> Result<Question, Failure> {
    serde_json::from_slice(line).map_err(|error| {
        let hint = "one JSON object a line, such as {\"verb\":\"read\",\"device\":\"NAME\"}; is this the version of the daemon?";
        Failure::new("bad_request", format!("not a request: {error}"), hint)
    })
}

/// The line of an answer.
pub(super) fn line(result: Result<Value, Failure>) -> Vec<u8> {
    let mut line =
        serde_json::to_vec(&Reply::from(result)).expect("maps have text keys and numbers are finite");
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_survive_the_line() {
        for question in [
            Question::Read { device: "a".to_owned() },
            Question::Native { device: "a".to_owned() },
            Question::Devices {},
            Question::Set { device: "a".to_owned(), wish: "charge 800 W".to_owned(), for_s: Some(60) },
            Question::Set { device: "a".to_owned(), wish: "auto".to_owned(), for_s: None },
            Question::Ledger { limit: 3, device: None, outcome: None, since_unix_ms: None },
            Question::Ledger {
                limit: 3,
                device: Some("a".to_owned()),
                outcome: Some("failed".to_owned()),
                since_unix_ms: Some(7),
            },
            Question::Control {},
            Question::Switch { part: "schedule".to_owned(), on: false },
            Question::Limit { name: "feed_in".to_owned(), max_w: Some(1500.0) },
            Question::Limit { name: "feed_in".to_owned(), max_w: None },
            Question::Release { device: Some("a".to_owned()) },
            Question::Release { device: None },
            Question::History { ask: HistoryQuestion::Stats {} },
            Question::History { ask: HistoryQuestion::Span { from: None, to: Some("-24h".to_owned()) } },
            Question::Status {},
        ] {
            let line = serde_json::to_vec(&question).unwrap();
            assert_eq!(super::question(&line), Ok(question));
        }
    }

    #[test]
    fn a_limit_without_a_power_is_not_raised() {
        let line = |max: &str| question(format!(r#"{{"verb":"limit","name":"feed_in"{max}}}"#).as_bytes());
        assert_eq!(line(r#","max_w":null"#), Ok(Question::Limit { name: "feed_in".to_owned(), max_w: None }));
        assert_eq!(line("").unwrap_err().code, "bad_request");
    }

    #[test]
    fn the_shape_is_the_documented_one() {
        let set = Question::Set { device: "a".to_owned(), wish: "auto".to_owned(), for_s: None };
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"{"verb":"set","device":"a","wish":"auto"}"#);
        let refused = Failure::new("unknown_device", "no device b", "known: a");
        let line = String::from_utf8(line(Err(refused))).unwrap();
        assert_eq!(
            line,
            "{\"error\":{\"code\":\"unknown_device\",\"message\":\"no device b\",\"hint\":\"known: a\"}}\n"
        );
    }
}
