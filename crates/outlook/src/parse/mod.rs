//! What all answers have in common: documents that are not what they should be, stamps, and numbers.

mod json;
mod points;
mod stamps;

pub(crate) use json::{array, document, number, text, whole};
pub(crate) use points::{Left, Points, Spans, sum};
pub(crate) use stamps::{date, instant, season_of, seconds, today};

use ohmstead_units::Currency;

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
    ParseError::Said(short(words))
}

/// Words of somebody else in one line of at most 200 characters, none of which moves a terminal.
pub(crate) fn short(words: &str) -> String {
    // What is cut off need not be looked at: words come in answers of megabytes.
    let head: String = words.chars().take(2_000).collect();
    let line = head.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Not the unit that we know how to read.
pub(crate) fn other_unit(field: &'static str, found: &str, expected: &'static str) -> ParseError {
    ParseError::Unit { field, found: short(found), expected }
}

/// Not of the form that it should have.
pub(crate) fn malformed(form: &'static str, why: impl std::fmt::Display) -> ParseError {
    ParseError::Malformed { form, why: short(&why.to_string()) }
}

/// The currency of this code: three letters, whatever an answer may say.
pub(crate) fn currency(code: &str) -> Result<Currency, ParseError> {
    Currency::of_code(code.trim()).ok_or_else(|| other_unit("currency", code, "three letters such as EUR"))
}
