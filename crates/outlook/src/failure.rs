//! Why a source gave nothing, and what that means for the next try.

use std::time::Duration;

use crate::parse::ParseError;

/// What became of an ask that brought no figures. The words are for the owner; no secret is in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The settings cannot work as they are: asking again soon changes nothing.
    #[error("{0}")]
    Refused(String),
    /// It asks us to come back later.
    #[error("{said}")]
    Busy {
        /// What it says.
        said: String,
        /// How long it wants us to wait.
        after: Option<Duration>,
    },
    /// No answer, or a fault over there.
    #[error("{0}")]
    Unreachable(String),
    /// The answer is longer than anything this source has to say.
    #[error("the answer is larger than {bytes_max} bytes and was not read")]
    TooLarge {
        /// The most that is read.
        bytes_max: usize,
    },
    /// An answer came, and what we ask for is not in it yet.
    #[error("not published yet")]
    NotYet,
    /// An answer came, and no value in it can be.
    #[error("nothing in its answer can be used: {}", left_out(*refused, *blank))]
    Absurd {
        /// Values that are absurd, or have a stamp that is none.
        refused: usize,
        /// Values that are null, or no number.
        blank: usize,
    },
    /// An answer came, and it is not what was asked for.
    #[error("{0}")]
    Useless(String),
    /// The answer could not be understood.
    #[error("its answer cannot be read: {0}")]
    Unreadable(ParseError),
}

/// The sort of a trouble: while it stays the same, the log has nothing new to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// See [`Failure::Refused`].
    Refused,
    /// See [`Failure::Busy`].
    Busy,
    /// See [`Failure::Unreachable`].
    Unreachable,
    /// See [`Failure::NotYet`].
    NotYet,
    /// An answer that is of no use: too large, no data, no figures that can be.
    Unreadable,
}

impl FailureKind {
    /// Its name, as it stands in the cache.
    pub fn id(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::NotYet => "not_yet",
            Self::Unreadable => "unreadable",
        }
    }

    /// The kind of a name.
    pub fn named(id: &str) -> Option<Self> {
        let all = [Self::Refused, Self::Busy, Self::Unreachable, Self::NotYet, Self::Unreadable];
        all.into_iter().find(|kind| kind.id() == id)
    }
}

impl Failure {
    /// Its sort.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Busy { .. } => FailureKind::Busy,
            Self::Unreachable(_) => FailureKind::Unreachable,
            Self::NotYet => FailureKind::NotYet,
            Self::TooLarge { .. } | Self::Absurd { .. } | Self::Useless(_) | Self::Unreadable(_) => {
                FailureKind::Unreadable
            }
        }
    }
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::NothingYet => Self::NotYet,
            // Some say it with a status of success, where asking again soon changes as little.
            ParseError::Said(words) if is_about_access(&words) => {
                Self::Refused(format!("it does not let us in ({words}); check the key or token"))
            }
            other => Self::Unreadable(other),
        }
    }
}

/// Whether words are about who asks, and not about what is asked.
fn is_about_access(words: &str) -> bool {
    let words = words.to_lowercase();
    let has = |any: &[&str]| any.iter().any(|part| words.contains(part));
    let access =
        ["unauthori", "not authori", "unauthenticated", "not authenticated", "forbidden", "access denied"];
    let keys = ["token", "api key", "api-key", "apikey", "credential"];
    let faults = ["invalid", "not valid", "missing", "expired", "revoked", "wrong", "unknown", "bad"];
    has(&access) || (has(&keys) && has(&faults))
}

/// `96 values were refused as absurd, 1 value is no number`.
fn left_out(refused: usize, blank: usize) -> String {
    let told = |count: usize, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("1 value {one}")),
        _ => Some(format!("{count} values {more}")),
    };
    let parts = [
        told(refused, "was refused as absurd", "were refused as absurd"),
        told(blank, "is no number", "are no numbers"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Unauthorized. Missing or invalid security token.", FailureKind::Refused)]
    #[case("invalid token", FailureKind::Refused)]
    #[case("No valid access token: it has expired", FailureKind::Refused)]
    #[case("Context creation failed: Not Authorized", FailureKind::Refused)]
    #[case("Delivered time interval is not valid", FailureKind::Unreadable)]
    #[case("Syntax Error: Unexpected token", FailureKind::Unreadable)]
    #[case("internal server error", FailureKind::Unreadable)]
    fn who_is_not_let_in(#[case] words: &str, #[case] kind: FailureKind) {
        assert_eq!(Failure::from(ParseError::Said(words.to_owned())).kind(), kind);
    }
}
