//! What a query of a family gives: a table from fields to names and metrics, and the shape by which its answer is told
//! from that of another question.

use ohmstead_model::catalogue::PollClass;
use ohmstead_model::{Metric, Observation};

use super::decode::{Context, Fields};
use super::frame::Payload;

/// One question and how to read its answer.
#[derive(Debug)]
pub(crate) struct Query {
    /// The command, without frame and checksum: `QPIGS`.
    pub(crate) command: &'static str,
    /// How often it is worth asking.
    pub(crate) class: PollClass,
    /// What an answer looks like.
    pub(crate) shape: Shape,
    /// The fields by position. An answer may have more, which stay raw, or fewer, which are then not reported.
    pub(crate) fields: &'static [Field],
    /// What follows from several fields, or from a whole answer of another form.
    pub(crate) computed: &'static [Computed],
    /// Units of the family may refuse it.
    pub(crate) optional: bool,
    /// The metrics that the answer can give.
    pub(crate) metrics: &'static [Metric],
}

/// Values that follow from several fields, or from earlier answers.
pub(crate) type Computed = fn(&Fields<'_>, &mut Context) -> Vec<(Metric, Observation)>;

/// One field of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Its name in the raw listing.
    pub(crate) name: &'static str,
    /// The metric that it is, if it is one by itself.
    pub(crate) metric: Option<Metric>,
    /// How its text becomes a value.
    pub(crate) read: Read,
}

/// How the text of a field becomes a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Read {
    /// Only listed.
    Raw,
    /// A number, to be multiplied, within limits.
    Number {
        /// What one is worth in the metric's unit.
        scale: f64,
        /// The least that makes sense.
        min: f64,
        /// The most that makes sense.
        max: f64,
    },
    /// A code for a state of the metric.
    State(&'static [(&'static str, &'static str)]),
    /// Text as it is.
    Text,
}

/// A field that is only listed.
pub(crate) const fn raw(name: &'static str) -> Field {
    Field { name, metric: None, read: Read::Raw }
}

/// A field that is a metric as it stands.
pub(crate) const fn number(name: &'static str, metric: Metric, min: f64, max: f64) -> Field {
    Field { name, metric: Some(metric), read: Read::Number { scale: 1.0, min, max } }
}

/// A field in tenths of the metric's unit.
pub(crate) const fn tenths(name: &'static str, metric: Metric, min: f64, max: f64) -> Field {
    Field { name, metric: Some(metric), read: Read::Number { scale: 0.1, min, max } }
}

/// A field with a code.
pub(crate) const fn state(
    name: &'static str,
    metric: Metric,
    codes: &'static [(&'static str, &'static str)],
) -> Field {
    Field { name, metric: Some(metric), read: Read::State(codes) }
}

/// A field with text.
pub(crate) const fn text(name: &'static str, metric: Metric) -> Field {
    Field { name, metric: Some(metric), read: Read::Text }
}

/// What an answer looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Fields between blanks or commas.
    Fields {
        /// At least so many.
        least: usize,
        /// At most so many: several queries of a family differ by little else.
        most: usize,
        /// What some of them look like.
        kinds: &'static [(usize, Kind)],
    },
    /// So many digits.
    Digits {
        /// At least.
        least: usize,
        /// At most.
        most: usize,
    },
    /// One character of flags beside another.
    Flags {
        /// At least.
        least: usize,
        /// At most.
        most: usize,
    },
    /// `E` and `D` with letters: `EabDxyz`.
    Switches,
    /// One letter.
    Letter,
    /// A list of amperes: `010 020 030`.
    Amperes,
}

/// What one field looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With a decimal point.
    Decimal,
    /// Digits only.
    Whole,
    /// So many ones and zeros.
    Bits(usize),
    /// One letter.
    Letter,
    /// So many digits.
    Digits(usize),
    /// So many digits or more.
    Serial(usize),
}

impl Kind {
    fn fits(self, text: &str) -> bool {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Decimal => {
                text.split_once('.').is_some_and(|(a, b)| digits(a.trim_start_matches('-')) && digits(b))
            }
            Self::Whole => digits(text),
            Self::Bits(count) => text.len() == count && text.bytes().all(|byte| matches!(byte, b'0' | b'1')),
            Self::Letter => text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_uppercase()),
            Self::Digits(count) => text.len() == count && digits(text),
            Self::Serial(least) => text.len() >= least && digits(text),
        }
    }
}

/// Whether `payload` can be the whole answer to `query`.
///
/// The checksum alone does not tell: where its second byte is 0x00 and gets lost, the first one fits the text without its
/// last character (this checksum is linear). So a shape looks at the length of what ends an answer.
pub(crate) fn fits(query: &Query, payload: &Payload) -> bool {
    if payload.is_ack() || payload.is_nak() || !payload.is_whole() {
        return false;
    }
    shape_fits(query.shape, payload.body(), payload.is_caret())
}

fn shape_fits(shape: Shape, body: &str, is_caret: bool) -> bool {
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match shape {
        Shape::Fields { least, most, kinds } => {
            let fields = split(body, is_caret);
            (least..=most).contains(&fields.len())
                && kinds.iter().all(|(index, kind)| fields.get(*index).is_none_or(|text| kind.fits(text)))
        }
        Shape::Digits { least, most } | Shape::Flags { least, most } => {
            (least..=most).contains(&body.len()) && all_digits(body)
        }
        Shape::Switches => {
            let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
            body.strip_prefix('E')
                .and_then(|rest| rest.split_once('D'))
                .is_some_and(|(on, off)| letters(on) && letters(off))
        }
        Shape::Letter => Kind::Letter.fits(body),
        Shape::Amperes => {
            let fields = split(body, is_caret);
            (1..=40).contains(&fields.len())
                && fields.iter().all(|text| (2..=3).contains(&text.len()) && all_digits(text))
                && fields.iter().all(|text| fields.first().is_some_and(|first| first.len() == text.len()))
                && (fields.len() > 1 || body.len() == 3)
        }
    }
}

/// The fields of an answer. Some answers end with a blank.
pub(crate) fn split(body: &str, is_caret: bool) -> Vec<&str> {
    if is_caret { body.split(',').collect() } else { body.split_ascii_whitespace().collect() }
}
