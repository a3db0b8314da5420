//! What all answers have in common: documents that are not what they should be, stamps, and numbers.

mod json;
mod points;
mod stamps;

pub(crate) use json::{array, document, number, text, whole};
pub(crate) use points::{Left, Points, Spans, sum};
pub(crate) use stamps::{date, instant, season_of, seconds, today};

/// Why an answer cannot be read. Bad single values are not among it: they are left out and counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A page for people, mostly an error page of something in between.
    #[error("it is an HTML page, not data")]
    Html,
    /// Not the form that was expected.
    #[error("it is no {form}: {why}")]
    Malformed {
        /// What it should be.
        form: &'static str,
        /// Where and why not.
        why: String,
    },
    /// A part that everything hangs on is not there.
    #[error("`{0}` is missing or of another form")]
    Missing(&'static str),
    /// The unit is not the one we know how to read.
    #[error("`{field}` is in {found:?}, expected {expected}")]
    Unit {
        /// The field.
        field: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// More values than any answer of this kind can have.
    #[error("it has more than {0} values")]
    TooMany(usize),
    /// The answer is an error message.
    #[error("it says: {0}")]
    Said(String),
    /// What we ask for is not among what it tells.
    #[error("it has no figures for {0}")]
    NotAmong(String),
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// In order, and there is nothing in it yet.
    #[error("not published yet")]
    NothingYet,
}

/// What a provider says, short enough for one line.
pub(crate) fn said(words: &str) -> ParseError {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    ParseError::Said(line.chars().filter(|c| !c.is_control()).take(200).collect())
}
