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
    /// The answer could not be understood.
    #[error("its answer cannot be read: {0}")]
    Unreadable(ParseError),
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::NothingYet => Self::NotYet,
            other => Self::Unreadable(other),
        }
    }
}
