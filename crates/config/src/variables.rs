//! `${NAME}` and `${NAME:-default}` in values.
//!
//! Substitution happens in scalars, after the YAML was parsed, so that a value can never become structure. Before the
//! parse every reference is [`mask`]ed, character for character: inside `{ ... }` YAML would otherwise take its braces
//! for its own, and with as many characters as before every column of an error is still right. `$${` stands for a
//! literal `${`; a `$` that no `{` follows is an ordinary character.

/// Where the masked characters are: ASCII `c` becomes `MASK + c`, in a private-use block that no keyboard has.
const MASK: u32 = 0x10_F000;

/// How deep defaults may contain references of their own.
const DEPTH_MAX: usize = 8;

/// Hides every reference from the YAML parser. Columns stay as they are.
pub(crate) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        let (before, reference) = rest.split_at(start);
        masked.push_str(before);
        let length = reference_length(reference).unwrap_or(0);
        masked.extend(reference[..length].chars().map(masked_char));
        if length == 0 {
            masked.push('$');
        }
        rest = &reference[length.max(1)..];
    }
    masked.push_str(rest);
    masked
}

/// Undoes [`mask`].
pub(crate) fn unmask(text: &str) -> String {
    text.chars().map(unmasked_char).collect()
}

/// The byte offset of the first character that [`mask`] would produce, if `text` already contains one.
pub(crate) fn reserved_character(text: &str) -> Option<usize> {
    text.find(|c| unmasked_char(c) != c)
}

fn masked_char(plain: char) -> char {
    if plain.is_ascii() { char::from_u32(MASK + u32::from(plain)).unwrap_or(plain) } else { plain }
}

fn unmasked_char(masked: char) -> char {
    match u32::from(masked).checked_sub(MASK) {
        Some(ascii @ 0..=0x7f) => char::from_u32(ascii).unwrap_or(masked),
        _ => masked,
    }
}

/// The length in bytes of the reference that `text` begins with, if it does and ends on the same line.
fn reference_length(text: &str) -> Option<usize> {
    let opening = if text.starts_with("$${") { 3 } else { 2 };
    let inside = text.get(opening..).filter(|_| text[..opening].ends_with("${"))?;
    let name_ends = inside.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ')));
    let after_name = &inside[name_ends?..];
    (after_name.starts_with('}') || after_name.starts_with(":-"))
        .then(|| closing_brace(inside))
        .flatten()
        .map(|close| opening + close + 1)
}

/// A reference is shorter than this; the limit keeps the search for its end from taking quadratic time.
const LENGTH_MAX: usize = 500;

/// The offset of the `}` that ends the reference whose inside is the beginning of `inside`; not past the line.
fn closing_brace(inside: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for (offset, c) in inside.char_indices().take(LENGTH_MAX) {
        match c {
            '\n' | '\r' => return None,
            '{' if previous == '$' => depth += 1,
            '}' if depth == 0 => return Some(offset),
            '}' => depth -= 1,
            _ => {}
        }
        previous = c;
    }
    None
}

/// A reference without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VariableError {
    /// It is not set and there is no default.
    Unset { name: String },
    /// The text between the braces is no name, or the braces do not close.
    Malformed { reference: String },
    /// Defaults within defaults within defaults.
    TooDeep,
}

/// The text with its references replaced; `None` if it has none.
pub(crate) fn expand(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<String>, VariableError> {
    if text.contains("${") { substitute(text, env, 0).map(Some) } else { Ok(None) }
}

fn substitute(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Result<String, VariableError> {
    if depth > DEPTH_MAX {
        return Err(VariableError::TooDeep);
    }
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if rest[..start].ends_with('$') {
            done.push_str(&rest[..start - 1]);
            done.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        done.push_str(&rest[..start]);
        let inside = &rest[start + 2..];
        let close = closing_brace(inside)
            .ok_or_else(|| VariableError::Malformed { reference: shortened(&rest[start..]) })?;
        done.push_str(&value_of(&inside[..close], env, depth)?);
        rest = &inside[close + 1..];
    }
    done.push_str(rest);
    Ok(done)
}

fn value_of(
    inside: &str,
    env: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Result<String, VariableError> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if !is_name(name) {
        return Err(VariableError::Malformed { reference: format!("${{{}}}", shortened(name)) });
    }
    match (env(name).filter(|value| !value.is_empty() || default.is_none()), default) {
        (Some(value), _) => Ok(value),
        (None, Some(default)) => substitute(default, env, depth + 1),
        (None, None) => Err(VariableError::Unset { name: name.to_owned() }),
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The beginning of a reference, long enough to be found again; what follows may be a secret.
fn shortened(text: &str) -> String {
    text.chars().take_while(|c| *c != ':').take(24).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "PORT" => Some("1883".to_owned()),
            "EMPTY" => Some(String::new()),
            "TRICKY" => Some("a: {b, ${PORT}}\nc: d".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn replaces_references() {
        for (text, replaced) in [
            ("${PORT}", "1883"),
            ("x${PORT}y${PORT}", "x1883y1883"),
            ("${NONE:-30 s}", "30 s"),
            ("${NONE:-${PORT}}", "1883"),
            ("${EMPTY:-full}", "full"),
            ("${EMPTY}", ""),
            ("${NONE:-}", ""),
            ("$${PORT}", "${PORT}"),
            ("$$${PORT}", "$${PORT}"),
            ("${TRICKY}", "a: {b, ${PORT}}\nc: d"),
        ] {
            assert_eq!(expand(text, &env), Ok(Some(replaced.to_owned())), "{text}");
        }
        for plain in ["", "pa$$word", "$PORT", "}{", "$"] {
            assert_eq!(expand(plain, &env), Ok(None), "{plain}");
        }
    }

    #[test]
    fn refuses_what_has_no_value() {
        let unset = |name: &str| Err(VariableError::Unset { name: name.to_owned() });
        let malformed = |text: &str| Err(VariableError::Malformed { reference: text.to_owned() });
        assert_eq!(expand("${NONE}", &env), unset("NONE"));
        assert_eq!(expand("${NONE:-${OTHER}}", &env), unset("OTHER"));
        assert_eq!(expand("${}", &env), malformed("${}"));
        assert_eq!(expand("${1A}", &env), malformed("${1A}"));
        assert_eq!(expand("a ${PORT", &env), malformed("${PORT"));
        assert_eq!(expand("${A:-hunter2", &env), malformed("${A"));
        let deep = "${A:-".repeat(20) + &"}".repeat(20);
        assert_eq!(expand(&deep, &env), Err(VariableError::TooDeep));
    }

    #[test]
    fn masking_keeps_every_column_and_hides_only_references() {
        for text in ["{ port: ${PORT}, x: ${A:-b, c: #d} }", "${A:-é}", "$${A} ${", "${A\n}", "'${'", "$$$"]
        {
            let masked = mask(text);
            assert_eq!(unmask(&masked), text);
            assert_eq!(masked.chars().count(), text.chars().count());
        }
        assert!(!mask("${A:-b, c: #d}").contains([',', ':', '#', '{', '}', ' ']));
        assert_eq!(mask("a: '${' # $ ${B\n}"), "a: '${' # $ ${B\n}");
        assert_eq!(reserved_character(&mask("x ${A}")), Some(2));
        assert_eq!(reserved_character("x ${A} é"), None);
    }
}
