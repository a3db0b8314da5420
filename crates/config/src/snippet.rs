//! The line an error is about, with a caret under the place. What stands behind a key that holds a secret is blanked
//! out, also where the YAML around it is broken: it is found in the text, not in the tree.

use std::ops::Range;

use crate::tree::Mark;

/// Characters shown of a long line.
const WIDTH: usize = 110;

/// A text by lines.
pub(crate) struct Source<'t> {
    lines: Vec<&'t str>,
}

/// Whether a value under `key` must never be shown. A `*_file` holds a path, not the secret.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    [
        "password",
        "passwd",
        "passphrase",
        "pass",
        "pwd",
        "token",
        "secret",
        "key",
        "apikey",
        "pin",
        "credentials",
    ]
    .iter()
    .any(|word| key == *word || key.ends_with(&format!("_{word}")) || key.ends_with(&format!("-{word}")))
}

impl<'t> Source<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { lines: split_lines(text) }
    }

    /// The mark, moved into the text: a parser reports the end of the file one line too far.
    pub(crate) fn within(&self, mark: Mark) -> Mark {
        let filled = |line: usize| self.lines.get(line - 1).is_some_and(|text| !text.trim().is_empty());
        let mut line = mark.line.clamp(1, self.lines.len().max(1));
        while line > 1 && !filled(line) {
            line -= 1;
        }
        let length = self.lines.get(line - 1).map_or(0, |text| text.chars().count());
        if line == mark.line && mark.column <= length + 1 {
            return mark;
        }
        Mark { line, column: length + 1, length: 1 }
    }

    /// Moves the mark onto the first `needle` at or behind it, on its line.
    pub(crate) fn narrowed(&self, mark: Mark, needle: &str) -> Mark {
        let line = self.lines.get(mark.line - 1).copied().unwrap_or_default();
        let start = line.char_indices().nth(mark.column - 1).map_or(line.len(), |(offset, _)| offset);
        match line[start..].find(needle) {
            Some(offset) => Mark {
                column: mark.column + line[start..start + offset].chars().count(),
                length: needle.chars().count().max(1),
                ..mark
            },
            None => mark,
        }
    }

    /// The line with a caret, as compilers print it.
    pub(crate) fn snippet(&self, mark: Mark) -> String {
        let line = self.shown_line(mark.line);
        let total = line.chars().count();
        let first = if mark.column > WIDTH { mark.column - WIDTH / 2 } else { 1 };
        let mut shown: String = line.chars().skip(first - 1).take(WIDTH).map(printable).collect();
        if first > 1 {
            shown.insert_str(0, "...");
        }
        if total >= first + WIDTH {
            shown.push_str("...");
        }
        let before = mark.column - first + if first > 1 { 3 } else { 0 };
        let carets = mark.length.min((total + 1).saturating_sub(mark.column)).clamp(1, WIDTH);
        let number = mark.line.to_string();
        let margin = " ".repeat(number.len());
        format!(
            "{margin} |\n{}\n{margin} | {}{}",
            format!("{number} | {shown}").trim_end(),
            " ".repeat(before),
            "^".repeat(carets)
        )
    }

    /// The line without its secrets, as many characters as before.
    fn shown_line(&self, number: usize) -> String {
        let line = self.lines.get(number - 1).copied().unwrap_or_default();
        if self.continues_a_secret(number) {
            return line.chars().map(|c| if c.is_whitespace() { c } else { '*' }).collect();
        }
        without_secrets(line)
    }

    /// Whether the line is a further line of a value whose key holds a secret.
    fn continues_a_secret(&self, number: usize) -> bool {
        let Some(line) = self.lines.get(number - 1) else { return false };
        let mut indentation = indentation_of(line);
        let mut directly_above = true;
        for above in self.lines[..number - 1].iter().rev().filter(|line| !line.trim().is_empty()) {
            let hidden = secret_ranges(above);
            let reaches_the_end = hidden.last().is_some_and(|range| range.end == above.len());
            if reaches_the_end && (indentation_of(above) < indentation || (directly_above && is_open(above)))
            {
                return true;
            }
            directly_above = false;
            indentation = indentation.min(indentation_of(above));
            if indentation == 0 {
                return false;
            }
        }
        false
    }
}

/// Whether a value that goes on in the next line begins at the end of `line`: nothing behind the colon, or one quote.
fn is_open(line: &str) -> bool {
    let value = line.rsplit_once(':').map_or("", |(_, value)| value.trim());
    value.is_empty()
        || value.starts_with(['|', '>'])
        || ['"', '\''].iter().any(|quote| value.starts_with(*quote) && value.matches(*quote).count() == 1)
}

/// The text of one line without its secrets, as many characters as before.
pub(crate) fn without_secrets(line: &str) -> String {
    let hidden = secret_ranges(line);
    let mut shown = String::with_capacity(line.len());
    for (offset, c) in line.char_indices() {
        let is_hidden = hidden.iter().any(|range| range.contains(&offset));
        shown.push(if is_hidden { '*' } else { c });
    }
    shown
}

/// The byte ranges of `line` that hold secrets: from behind a secret's colon to the end of its value.
fn secret_ranges(line: &str) -> Vec<Range<usize>> {
    // A line that mentions secrets that often is no line of a configuration.
    const MENTIONS_MAX: usize = 50;
    // Also a key inside the value of another: who knows which of them the broken line means.
    let mut ranges: Vec<Range<usize>> = line
        .match_indices(':')
        .filter(|(colon, _)| is_secret(key_before(&line[..*colon])))
        .map(|(colon, _)| value_start(line, colon + 1)..value_end(line, colon + 1))
        .take(MENTIONS_MAX)
        .collect();
    ranges.extend(credentials_in_urls(line).take(MENTIONS_MAX));
    if ranges.len() >= MENTIONS_MAX {
        let first = ranges.iter().map(|range| range.start).min().unwrap_or(0);
        ranges = std::iter::once(first..line.len()).collect();
    }
    ranges.sort_by_key(|range| range.end);
    ranges
}

/// The user and password of every `scheme://user:password@host`.
fn credentials_in_urls(line: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    line.match_indices("://").filter_map(|(offset, separator)| {
        let start = offset + separator.len();
        let rest = &line[start..];
        let authority = &rest
            [..rest.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'')).unwrap_or(rest.len())];
        authority.rfind('@').map(|at| start..start + at)
    })
}

/// The word that ends where a colon begins.
fn key_before(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(['"', '\'']);
    let start = text
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
        .map_or(0, |offset| offset + text[offset..].chars().next().map_or(1, char::len_utf8));
    &text[start..]
}

fn value_start(line: &str, start: usize) -> usize {
    line.len() - line[start..].trim_start().len()
}

/// Where the value that begins at `start` ends. In doubt, at the end of the line.
fn value_end(line: &str, start: usize) -> usize {
    let text = line[start..].trim_start();
    let inside_braces = line[..start].contains('{');
    let length = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted_end(text, quote),
        _ if inside_braces => text.find([',', '}']),
        _ => None,
    };
    length.map_or(line.len(), |length| value_start(line, start) + length)
}

/// The length of a quoted text, quotes included, if it ends on this line.
fn quoted_end(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((offset, c)) = chars.next() {
        let escape = quote == '"' && c == '\\';
        let doubled = quote == '\'' && c == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'');
        if escape || doubled {
            chars.next();
        } else if c == quote {
            return Some(offset + 1);
        }
    }
    None
}

fn indentation_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn printable(c: char) -> char {
    match c {
        '\t' => '→',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// YAML's line breaks: LF, CR LF and a lone CR.
fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        lines.push(&rest[..end]);
        let width = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[end + width..];
    }
    lines.push(rest);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_keys_of_secrets() {
        for key in ["password", "Token", "key", "api_key", "mqtt_password", "client-secret"] {
            assert!(is_secret(key), "{key}");
        }
        for key in ["password_file", "token_file", "key_file", "keys", "path", "compass", "entity_id", "keep"]
        {
            assert!(!is_secret(key), "{key}");
        }
    }

    #[test]
    fn blanks_out_secrets_and_nothing_else() {
        for (line, shown) in [
            ("  password: hunter2", "  password: *******"),
            ("password: 'a, b' # x", "password: ****** # x"),
            ("{ password: 'it''s', port: 1 }", "{ password: *******, port: 1 }"),
            ("{ password: \"a\\\" b\", port: 1 }", "{ password: *******, port: 1 }"),
            ("{ port: 1, token: abc }", "{ port: 1, token: ****}"),
            ("password: a, b: c", "password: *******"),
            ("password: \"open, b: c", "password: ***********"),
            ("\"password\" : x", "\"password\" : *"),
            ("password_file: /etc/x", "password_file: /etc/x"),
            ("url: mqtt://me:pw@host/x", "url: mqtt://*****@host/x"),
            ("host: 192.0.2.7", "host: 192.0.2.7"),
        ] {
            assert_eq!(without_secrets(line), shown);
            assert_eq!(shown.chars().count(), line.chars().count());
        }
    }

    #[test]
    fn a_place_behind_the_end_is_moved_into_the_text() {
        let source = Source::new("a: 1\n\n");
        let mark = source.within(Mark { line: 9, column: 1, length: 1 });
        assert_eq!((mark.line, mark.column), (1, 5));
        assert_eq!(Source::new("").within(mark).line, 1);
    }
}
