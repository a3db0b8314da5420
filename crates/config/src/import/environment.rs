//! Environment files: `KEY=VALUE` lines, with what Docker, systemd and shells put around them.

use crate::tree::Mark;
use crate::yaml_text::comment;

/// A variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Variable<'t> {
    /// The number of its line, from 1.
    pub(super) line: usize,
    pub(super) key: &'t str,
    pub(super) value: &'t str,
}

impl Variable<'_> {
    /// What is said of one that stands again further down.
    pub(super) fn superseded_by(self, later: Self) -> String {
        format!(
            "{} in line {}: left out, it stands again in line {}, and the last one counts",
            comment(self.key),
            self.line,
            later.line
        )
    }
}

/// The variables of a text, and the places of lines that are none. Empty lines and comments are neither.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Result<Variable<'_>, Mark>> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let speaking =
        numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#') && !line.starts_with(';'));
    speaking.map(|(line, text)| {
        let mark = Mark { line, column: 1, length: text.chars().count().max(1) };
        variable(line, text).ok_or(mark)
    })
}

fn variable(line: usize, text: &str) -> Option<Variable<'_>> {
    let bare = ["export ", "Environment=", "-e ", "--env "]
        .iter()
        .find_map(|before| text.strip_prefix(before))
        .map_or(text, unquoted);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (key, value) = bare.split_once('=')?;
    let named = !key.is_empty() && key.chars().all(is_name);
    named.then(|| Variable { line, key, value: unquoted(without_comment(value.trim())) })
}

/// Each variable with the last one of the same name further down, which is the one that Docker and systemd keep.
pub(super) fn with_later<'v, 't>(
    variables: &'v [Variable<'t>],
) -> impl Iterator<Item = (Variable<'t>, Option<Variable<'t>>)> + 'v {
    variables.iter().enumerate().map(|(index, variable)| {
        let later = variables.iter().skip(index + 1).rfind(|later| later.key == variable.key);
        (*variable, later.copied())
    })
}

/// The value without what is said about it behind a `#`, which within quotes or a word is part of it.
fn without_comment(value: &str) -> &str {
    let quoted = |quote: char| {
        let end = value.strip_prefix(quote)?.find(quote)? + 2;
        value.get(..end)
    };
    if let Some(quoted) = quoted('"').or_else(|| quoted('\'')) {
        return quoted;
    }
    if value.starts_with('#') {
        return "";
    }
    let cut = value.match_indices('#').find(|(at, _)| value[..*at].ends_with(char::is_whitespace));
    cut.map_or(value, |(at, _)| value[..at].trim_end())
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text)
}
