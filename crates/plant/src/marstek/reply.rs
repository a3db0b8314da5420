//! The body of a reply: a result or an error, without its envelope.

use super::{
    Profile, instance,
    wire::{Fields, Json},
};
use serde_json::{Map, Value};

/// What stands beside `id` and `src`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Result(Fields),
    Error { error: Fields, id_lost: bool },
}

impl Reply {
    pub(super) fn error(code: i64, message: &str, data: Option<i64>) -> Self {
        let mut error = vec![("code", Json::Int(code)), ("message", Json::text(message))];
        error.extend(data.map(|data| ("data", Json::Int(data))));
        Self::Error { error, id_lost: false }
    }

    /// What cannot be parsed has no id: the answer says 0, even when the request was fine.
    pub(super) fn parse_error(profile: Profile) -> Self {
        match Self::error(-32_700, "Parse error", profile.parse_error_data()) {
            Self::Error { error, .. } => Self::Error { error, id_lost: true },
            reply @ Self::Result(_) => reply,
        }
    }

    pub(super) fn set_result(params: &Map<String, Value>, done: bool) -> Self {
        Self::Result(vec![("id", Json::Int(instance(params))), ("set_result", Json::Bool(done))])
    }
}
