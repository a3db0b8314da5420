//! Text as a YAML scalar that reads back as the same text.

use std::fmt::Write as _;

/// The text as one line: plain where that is safe, quoted where not. `${` is escaped.
pub(crate) fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Safe in block and flow context, and nothing that some YAML reader takes for a number, a date or a switch.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"];
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    let begins_well =
        text.starts_with(|c: char| c.is_ascii_alphabetic()) || text.parse::<std::net::IpAddr>().is_ok();
    begins_well && text.chars().all(safe) && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.replace("${", "$${").chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' ' => quoted.push(c),
            c if c.is_ascii_graphic() || c.is_alphanumeric() => quoted.push(c),
            c => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
        }
    }
    quoted.push('"');
    quoted
}

/// The text for a comment: one line, nothing that could end it.
pub(crate) fn comment(text: &str) -> String {
    text.chars().filter(|c| *c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric()).take(200).collect()
}
