//! What is wrong at one place of the file, and how it is shown: position, line, caret, and what to do.

use std::fmt;

use crate::nearest::nearest;
use crate::snippet::{Source, without_secrets};
use crate::tree::Mark;

/// One thing that is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, in one line.
    pub message: String,
    /// What can be done, one line each; may be empty.
    pub help: Vec<String>,
    /// The line with a caret under it; values of secrets are blanked out.
    pub snippet: String,
}

impl Problem {
    pub(crate) fn new(fault: &Fault, source: &Source<'_>) -> Self {
        let mark = source.within(fault.mark.unwrap_or(Mark::START));
        let (message, help) = fault.describe();
        Self { line: mark.line, column: mark.column, message, help, snippet: source.snippet(mark) }
    }
}

impl fmt::Display for Problem {
    /// Without the name of the file, which the report knows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        f.write_str(&self.snippet)?;
        for line in &self.help {
            write!(f, "\n  = {line}")?;
        }
        Ok(())
    }
}

/// A problem before it is rendered: the deserializers' error type.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// Where; the innermost place that is known.
    pub(crate) mark: Option<Mark>,
    /// The keys from the root to that place.
    pub(crate) path: Option<Box<[String]>>,
    pub(crate) what: What,
    /// Lines of advice that the place knows, not the fault.
    pub(crate) help: Vec<String>,
}

/// What is wrong.
#[derive(Debug, Clone)]
pub(crate) enum What {
    UnknownKey { key: String, known: &'static [&'static str] },
    UnknownChoice { word: String, known: &'static [&'static str] },
    Missing { key: String },
    Invalid { found: String, expected: String },
    Text(String),
}

impl Fault {
    pub(crate) fn new(what: What) -> Self {
        Self { mark: None, path: None, what, help: Vec::new() }
    }

    pub(crate) fn at(mark: Mark, what: What) -> Self {
        Self { mark: Some(mark), ..Self::new(what) }
    }

    /// Adds a line of advice.
    pub(crate) fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    /// Names the place, unless a place further inside already did.
    pub(crate) fn or_at(mut self, mark: Mark, path: impl FnOnce() -> Vec<String>) -> Self {
        self.mark.get_or_insert(mark);
        self.path.get_or_insert_with(|| path().into_boxed_slice());
        self
    }

    /// Replaces what the user's value says by `shown`, wherever the fault repeats it.
    pub(crate) fn without_value(mut self, value: &str, shown: &str) -> Self {
        match &mut self.what {
            What::Invalid { found, .. } => shown.clone_into(found),
            What::UnknownChoice { word, .. } => shown.clone_into(word),
            What::Text(text) if !value.is_empty() => {
                let escaped = value.escape_debug().to_string();
                *text = text.replace(&escaped, shown).replace(value, shown);
            }
            What::Text(_) | What::UnknownKey { .. } | What::Missing { .. } => {}
        }
        self
    }

    fn describe(&self) -> (String, Vec<String>) {
        let path = self.path.as_deref().unwrap_or_default();
        let (message, advice) = match &self.what {
            What::UnknownKey { key, known } => (
                format!("unknown key `{}`{}{}", without_secrets(key), within(path), did_you_mean(key, known)),
                list("known keys here", known),
            ),
            What::UnknownChoice { word, known } => unknown_choice(word, known, path),
            What::Missing { key } => (format!("missing key `{key}`{}", within(path)), None),
            What::Invalid { found, expected } => {
                (format!("invalid value {}{}: expected {expected}", without_secrets(found), of(path)), None)
            }
            What::Text(text) => (text.clone(), None),
        };
        (one_line(&message), self.help.iter().cloned().chain(advice).map(|line| one_line(&line)).collect())
    }
}

fn unknown_choice(word: &str, known: &[&str], path: &[String]) -> (String, Option<String>) {
    let hint = did_you_mean(word, known);
    let word = without_secrets(word);
    match path {
        [section, device] if section == "devices" => (
            format!("unknown driver `{word}` for device `{device}`{hint}"),
            Some(format!("write `{device}: {{ DRIVER: {{ ... }} }}`; drivers: {}", known.join(", "))),
        ),
        _ => (format!("unknown value `{word}`{}{hint}", of(path)), list("expected one of", known)),
    }
}

/// Such as: in device garage; in mqtt.tls; at the top level.
fn within(path: &[String]) -> String {
    match path {
        [] => " at the top level".to_owned(),
        [section, device] if section == "devices" => format!(" in device `{device}`"),
        [section, device, _driver] if section == "devices" => format!(" in device `{device}`"),
        [section, device, _driver, inner @ ..] if section == "devices" => {
            format!(" in `{}` of device `{device}`", inner.join("."))
        }
        _ => format!(" in `{}`", path.join(".")),
    }
}

/// Such as: for interval in device garage.
fn of(path: &[String]) -> String {
    match path {
        [] => String::new(),
        [key] => format!(" for `{key}`"),
        [section, _] if section == "devices" => String::new(),
        [map @ .., key] => format!(" for `{key}`{}", within(map)),
    }
}

fn did_you_mean(word: &str, known: &[&str]) -> String {
    nearest(word, known.iter().copied()).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn list(title: &str, names: &[&str]) -> Option<String> {
    (!names.is_empty()).then(|| format!("{title}: {}", names.join(", ")))
}

/// Keeps hostile text from drawing on the terminal or faking further lines.
fn one_line(text: &str) -> String {
    const LENGTH_MAX: usize = 600;
    let mut line = String::with_capacity(text.len());
    for c in text.chars().take(LENGTH_MAX) {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    if text.chars().nth(LENGTH_MAX).is_some() {
        line.push_str("...");
    }
    line
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe().0)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(What::Text(message.to_string()))
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::invalid_value(found, expected)
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        use serde::de::Unexpected;
        let found = match found {
            Unexpected::Str(text) => format!("{text:?}"),
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Unsigned(value) => format!("`{value}`"),
            Unexpected::Signed(value) => format!("`{value}`"),
            Unexpected::Float(value) => format!("`{value}`"),
            other => other.to_string(),
        };
        Self::new(What::Invalid { found, expected: expected.to_string() })
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(What::UnknownKey { key: field.to_owned(), known: expected })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(What::UnknownChoice { word: variant.to_owned(), known: expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(What::Missing { key: field.to_owned() })
    }
}
