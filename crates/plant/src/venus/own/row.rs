//! The rows of which the own tree is made.

use crate::venus::{
    style::Style,
    tree::Access,
    value::{Kind, Value},
};

/// One path, or several of a kind.
pub(super) struct Row {
    pub(super) path: &'static str,
    pub(super) start: Start,
    pub(super) style: Style,
    pub(super) access: Access,
}

/// Type and value at the start.
#[derive(Clone, Copy)]
pub(super) enum Start {
    B(bool),
    Y(u8),
    Q(u16),
    I(i32),
    U(u32),
    D(f64),
    S(&'static str),
    /// Invalid, of a type that shows later or never.
    No(Kind),
    /// A list with nothing in it.
    NoList,
}

impl Start {
    pub(super) fn value(self) -> (Kind, Value) {
        match self {
            Self::B(on) => (Kind::Bool, Value::Bool(on)),
            Self::Y(number) => (Kind::Byte, Value::Byte(number)),
            Self::Q(number) => (Kind::U16, Value::U16(number)),
            Self::I(number) => (Kind::I32, Value::I32(number)),
            Self::U(number) => (Kind::U32, Value::U32(number)),
            Self::D(number) => (Kind::F64, Value::F64(number)),
            Self::S(text) => (Kind::Text, Value::from(text)),
            Self::No(kind) => (kind, Value::Invalid),
            Self::NoList => (Kind::Compound, Value::List(Vec::new())),
        }
    }
}

/// A setting; equal bounds are none.
pub(super) struct Setting {
    pub(super) path: &'static str,
    pub(super) default: Start,
    pub(super) min: f64,
    pub(super) max: f64,
}

pub(super) const fn setting(path: &'static str, default: Start, min: f64, max: f64) -> Setting {
    Setting { path, default, min, max }
}

/// A path that no client may write.
pub(super) const fn row(path: &'static str, start: Start, style: Style) -> Row {
    Row { path, start, style, access: Access::Read }
}

impl Row {
    /// A path that clients may write, with the owner's opinion of values.
    pub(super) const fn writable(mut self, accepts: fn(&Value) -> bool) -> Self {
        self.access = Access::Write(accepts);
        self
    }
}

/// Any number.
pub(super) fn any_number(value: &Value) -> bool {
    value.number().is_some_and(f64::is_finite)
}

/// Any number, or none.
pub(super) fn number_or_none(value: &Value) -> bool {
    value.is_invalid() || any_number(value)
}

/// One of a few whole numbers.
pub(super) fn one_of(value: &Value, choices: &[i32]) -> bool {
    let is = |choice: &i32| value.is_same(&Value::I32(*choice));
    choices.iter().any(is)
}

/// 0 or 1.
pub(super) fn flag(value: &Value) -> bool {
    one_of(value, &[0, 1])
}

/// `{1,2,3}` and `{0-4}` in a path, several times if need be.
pub(super) fn expand(template: &str) -> Vec<String> {
    let Some((head, rest)) = template.split_once('{') else { return vec![template.to_owned()] };
    let Some((choices, tail)) = rest.split_once('}') else { return vec![template.to_owned()] };
    let choices: Vec<String> = match choices.split_once('-') {
        Some((first, last)) => {
            let number = |text: &str| text.parse::<u32>().unwrap_or(0);
            (number(first)..=number(last)).map(|number| number.to_string()).collect()
        }
        None => choices.split(',').map(str::to_owned).collect(),
    };
    let tails = expand(tail);
    let all = |choice: &String| tails.iter().map(|tail| format!("{head}{choice}{tail}")).collect::<Vec<_>>();
    choices.iter().flat_map(all).collect()
}

pub(super) const W: Style = Style::Unit(0, "W");
pub(super) const VA: Style = Style::Unit(0, "VA");
pub(super) const A: Style = Style::Unit(1, "A");
pub(super) const HZ: Style = Style::Unit(1, "Hz");
pub(super) const V0: Style = Style::Unit(0, "V");
pub(super) const V: Style = Style::Unit(2, "V");
pub(super) const V3: Style = Style::Unit(3, "V");
pub(super) const KWH: Style = Style::Unit(2, "kWh");
pub(super) const PCT: Style = Style::Unit(1, "%");
pub(super) const AH: Style = Style::Unit(1, "Ah");
pub(super) const C: Style = Style::Unit(1, "C");
pub(super) const SECONDS: Style = Style::Unit(0, "s");
pub(super) const PLAIN: Style = Style::Plain;
pub(super) const ALARM: Style = Style::Words(&[(0, "ok"), (1, "warning"), (2, "alarm")]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_name_every_path() {
        assert_eq!(expand("/A/L{1,2}/P{0-2}").len(), 6);
        assert_eq!(expand("/A/L{1,2}/P{0-2}")[3], "/A/L2/P0");
        assert_eq!(expand("/Soc"), ["/Soc"]);
    }
}
