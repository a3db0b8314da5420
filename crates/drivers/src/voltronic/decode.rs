//! From the fields of an answer to canonical values. Pure: time and what earlier answers told are arguments.

use std::collections::BTreeMap;
use std::time::Duration;

use ohmstead_model::{Metric, Observation, Unknown, Value};

use super::energy::Energy;
use super::families::Family;
use super::faults::Named;
use super::frame::Payload;
use super::table::{self, Field, Query, Read};

/// What earlier answers of the same unit told, as far as others need it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    /// The present, monotonic. Whoever reads an answer sets it to the moment of that answer.
    pub(crate) now: Duration,
    /// Rated apparent power, VA.
    pub(crate) rated_va: Option<f64>,
    /// Rated battery voltage, V.
    pub(crate) rated_battery_v: Option<f64>,
    /// The battery type by its state key.
    pub(crate) battery_type: Option<&'static str>,
    /// Numbers that other answers need, by name, with the moment they were read.
    numbers: BTreeMap<&'static str, (f64, Duration)>,
    /// How long such a number may be of use at all.
    patience: Duration,
    /// Which units the energy counters count in.
    pub(crate) energy: Energy,
    /// Where the solar current flows that the unit tells, once that is known.
    pub(crate) side: Option<Side>,
}

/// On which side of the solar charger a current flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// Out of the panels: it goes with their voltage.
    Panels,
    /// Into the battery: it goes with the battery's voltage.
    Battery,
}

/// A number that another answer told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kept {
    /// At about the same time.
    Together(f64),
    /// In the round before: in this one its turn is still to come.
    Before(f64),
    /// Too long ago, or never.
    Lost,
}

/// Answers that came within such a time are of about the same moment.
const TOGETHER: Duration = Duration::from_secs(20);

impl Context {
    /// What is known of a unit that is asked every `interval`: nothing.
    pub(crate) fn new(interval: Duration) -> Self {
        // Each question keeps to its own turn in a round; where one is late the other's number is one and a half old.
        let patience = interval.saturating_mul(3) / 2;
        Self { patience, energy: Energy::new(patience), ..Self::default() }
    }

    /// Keeps a number for other answers.
    pub(crate) fn keep(&mut self, name: &'static str, number: f64) {
        self.numbers.insert(name, (number, self.now));
    }

    /// A number of another answer.
    pub(crate) fn kept(&self, name: &'static str) -> Kept {
        let Some((number, at)) = self.numbers.get(name) else { return Kept::Lost };
        match self.now.saturating_sub(*at) {
            age if age <= TOGETHER => Kept::Together(*number),
            age if age <= self.patience => Kept::Before(*number),
            _ => Kept::Lost,
        }
    }

    /// Whether the unit has ever told this number.
    pub(crate) fn has(&self, name: &'static str) -> bool {
        self.numbers.contains_key(name)
    }
}

/// What an answer says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Decoded {
    /// Canonical values and those of the family's own.
    pub(crate) values: Vec<(Metric, Observation)>,
    /// Every field as it was received, by name.
    pub(crate) raw: Vec<(String, String)>,
    /// Fields that the table does not know.
    pub(crate) extra: usize,
    /// Faults and warnings that are set; `None` where the answer does not tell.
    pub(crate) states: Option<Vec<&'static Named>>,
}

/// The fields of one answer.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    /// The answer without marker and length.
    pub(crate) body: &'a str,
    texts: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(payload: &'a Payload) -> Self {
        Self { body: payload.body(), texts: table::split(payload.body(), payload.is_caret()) }
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The text of a field; `None` if the answer is too short or the field is empty or dashes.
    pub(crate) fn text(&self, index: usize) -> Option<&'a str> {
        let text = *self.texts.get(index)?;
        let is_blank = text.bytes().all(|byte| matches!(byte, b'-' | b'.'));
        (!is_blank).then_some(text)
    }

    /// The number in a field. Digits, a sign and a point, and nothing else: no `inf`, no exponents.
    pub(crate) fn number(&self, index: usize) -> Result<f64, Unknown> {
        let text = self.text(index).ok_or(Unknown::NotReported)?;
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
        let number = plain.then(|| text.parse::<f64>().ok()).flatten();
        number.ok_or_else(|| Unknown::implausible(format!("{text:?} is no number")))
    }

    /// The number in a field if it is within limits.
    pub(crate) fn number_in(&self, index: usize, min: f64, max: f64) -> Result<f64, Unknown> {
        let number = self.number(index)?;
        within(number, min, max)
    }

    /// A small whole number.
    pub(crate) fn code(&self, index: usize) -> Option<u32> {
        self.text(index)?.parse().ok()
    }
}

/// The number, unless it cannot be.
pub(crate) fn within(number: f64, min: f64, max: f64) -> Result<f64, Unknown> {
    if (min..=max).contains(&number) { Ok(number) } else { Err(Unknown::implausible(number.to_string())) }
}

/// A number as an observation.
pub(crate) fn number(number: Result<f64, Unknown>) -> Observation {
    number.map(Value::Number)
}

/// Reads an answer that fits the query.
pub(crate) fn read(query: &Query, payload: &Payload, context: &mut Context) -> Decoded {
    let fields = Fields::of(payload);
    let mut decoded =
        Decoded { extra: fields.len().saturating_sub(query.fields.len()), ..Decoded::default() };
    if query.fields.is_empty() {
        decoded.extra = 0;
        decoded.raw.push(("value".to_owned(), fields.body.trim_end().to_owned()));
    }
    for (index, text) in fields.texts.iter().enumerate().filter(|_| !query.fields.is_empty()) {
        let name =
            query.fields.get(index).map_or_else(|| format!("field_{index}"), |field| field.name.to_owned());
        decoded.raw.push((name, (*text).to_owned()));
    }
    for (index, field) in query.fields.iter().enumerate() {
        if let Some(metric) = field.metric {
            decoded.values.push((metric, observe(field, index, &fields)));
        }
    }
    for computed in query.computed {
        decoded.values.extend(computed(&fields, context));
    }
    decoded
}

/// Reads an answer of `family` with the states that are set in it.
pub(crate) fn read_of(family: Family, query: &Query, payload: &Payload, context: &mut Context) -> Decoded {
    let mut decoded = read(query, payload, context);
    decoded.states = super::flags::states(family, query.command, payload, context.rated_battery_v);
    if let Some(states) = &decoded.states {
        decoded.values.extend(super::flags::listed(states, query));
    }
    decoded
}

fn observe(field: &Field, index: usize, fields: &Fields<'_>) -> Observation {
    match field.read {
        Read::Raw => Err(Unknown::NotReported),
        Read::Number { scale, min, max } => {
            number(fields.number(index).and_then(|number| within(number * scale, min, max)))
        }
        Read::Text => fields.text(index).map(Value::text).ok_or(Unknown::NotReported),
        Read::State(codes) => {
            let text = fields.text(index).ok_or(Unknown::NotReported)?;
            state(text, codes)
        }
    }
}

/// The state that a code stands for. Leading zeros make no difference: `02` is `2`.
pub(crate) fn state(text: &str, codes: &[(&str, &'static str)]) -> Observation {
    let trimmed = text.trim_start_matches('0');
    let wanted = if trimmed.is_empty() { "0" } else { trimmed };
    let found = codes.iter().find(|(code, _)| *code == wanted);
    found
        .map(|(_, state)| Value::State(state))
        .ok_or_else(|| Unknown::implausible(format!("code {text:?} is not known")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_slow_round_go_together() {
        let age = |interval: u64, age: u64| {
            let mut context = Context::new(Duration::from_secs(interval));
            context.keep("pv1", 5.0);
            context.now = Duration::from_secs(age);
            context.kept("pv1")
        };
        assert_eq!(age(5, 20), Kept::Together(5.0));
        assert_eq!(age(5, 21), Kept::Lost);
        assert_eq!([age(30, 20), age(30, 21)], [Kept::Together(5.0), Kept::Before(5.0)]);
        assert_eq!([age(30, 45), age(30, 46)], [Kept::Before(5.0), Kept::Lost]);
        assert_eq!(Context::default().kept("pv1"), Kept::Lost);
    }
}
