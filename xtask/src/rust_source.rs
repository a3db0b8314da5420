//! A small reading of Rust source: enough to count and to find, not to compile.
//!
//! Everything here works on *bare* text: the source with comments and the insides of string and character literals
//! blanked out, byte for byte and line for line, so that a brace in a string is not a brace.

/// A function and its extent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// Line of the `fn` keyword, from 1.
    pub line: usize,
    /// Lines from the `fn` keyword to the closing brace.
    pub length: usize,
}

/// Blanks comments and the insides of literals; keeps length, lines and everything else.
pub fn bare(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let (end, blank) = token(bytes, at);
        for byte in &mut out[blank] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Only whole comments and literals were blanked, so multi-byte characters are either kept or gone.
    String::from_utf8_lossy(&out).into_owned()
}

/// The token that starts at `at`: where it ends, and which part of it is to be blanked.
fn token(bytes: &[u8], at: usize) -> (usize, std::ops::Range<usize>) {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        let end = at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        return (end, at..end);
    }
    if rest.starts_with(b"/*") {
        let end = at + block_comment(rest);
        return (end, at..end);
    }
    let starts_word = at == 0 || !is_word(bytes[at - 1]);
    if starts_word && let Some(end) = raw_string(rest) {
        return (at + end, at..at + end);
    }
    match rest[0] {
        b'"' => match quoted(rest, b'"') {
            Some(length) => (at + length, at + 1..at + length - 1),
            None => (bytes.len(), at + 1..bytes.len()),
        },
        b'\'' if is_char_literal(rest) => {
            let end = at + quoted(rest, b'\'').unwrap_or(rest.len());
            (end, at..end)
        }
        _ => (at + 1, at..at),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// Length of a block comment; they nest.
fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// Length of `r"..."`, `r#"..."#`, `br"..."`, `cr"..."`, if that is what stands here.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = usize::from(matches!(rest[0], b'b' | b'c'));
    if rest.get(prefix) != Some(&b'r') {
        return None;
    }
    let hashes = rest[prefix + 1..].iter().take_while(|b| **b == b'#').count();
    let open = prefix + 1 + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let inside = &rest[open + 1..];
    let length = inside.windows(close.len()).position(|window| window == close);
    Some(length.map_or(rest.len(), |length| open + 1 + length + close.len()))
}

/// Length of a literal between two of `quote`, backslash escapes skipped; `None` when it never closes.
fn quoted(rest: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// Tells `'x'` and `'\n'` from the lifetime `'x`.
fn is_char_literal(rest: &[u8]) -> bool {
    let Some(first) = rest.get(1) else { return false };
    if *first == b'\\' {
        return true;
    }
    let width = match first {
        0x00..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    };
    *first != b'\'' && rest.get(1 + width) == Some(&b'\'')
}

/// The byte just after the bracket that closes the one at `open`; `None` when it never closes.
pub fn closing(bare: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in bare.as_bytes()[open..].iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(open + offset + 1);
        }
    }
    None
}

/// The line of a byte, from 1.
pub fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes()[..byte].split(|b| *b == b'\n').count()
}

/// Blanks every item under `#[cfg(test)]`: tests are not counted as product code.
pub fn without_tests(bare: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = bare.as_bytes().to_vec();
    let mut from = 0;
    while let Some(found) = bare[from..].find(MARK) {
        let start = from + found;
        let end = item_end(bare, start + MARK.len()).unwrap_or(bare.len());
        for byte in &mut out[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        from = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where the item that starts at `from` ends: at its `;`, or at the brace that closes its body.
fn item_end(bare: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match bare.as_bytes().get(at)? {
            b';' => return Some(at + 1),
            b'{' => return closing(bare, at),
            b'(' | b'[' => at = closing(bare, at)?,
            _ => at += 1,
        }
    }
}

/// All functions with a body, nested ones and methods too.
pub fn functions(bare: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (start, _) in bare.match_indices("fn ") {
        let starts_word = start == 0 || !is_word(bare.as_bytes()[start - 1]);
        let name: String =
            bare[start + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !starts_word || name.is_empty() {
            continue;
        }
        let Some(end) = item_end(bare, start).filter(|end| bare[..*end].ends_with('}')) else { continue };
        let line = line_of(bare, start);
        found.push(Function { name, line, length: line_of(bare, end - 1) - line + 1 });
    }
    found
}

/// The `allow(...)` and `expect(...)` inside attributes, with their line.
pub fn lint_exceptions(bare: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (start, _) in bare.match_indices('#') {
        let open = start + 1 + usize::from(bare[start + 1..].starts_with('!'));
        if !bare[open..].starts_with('[') {
            continue;
        }
        let Some(end) = closing(bare, open) else { continue };
        let attribute = &bare[open..end];
        for word in ["allow(", "expect("] {
            for (at, _) in attribute.match_indices(word) {
                // `.expect(` is a method call in some macro's attribute, not a lint.
                let before = attribute.as_bytes()[at - 1];
                if is_word(before) || before == b'.' {
                    continue;
                }
                let paren = open + at + word.len() - 1;
                if let Some(end) = closing(bare, paren) {
                    found.push((line_of(bare, open + at), &bare[open + at..end]));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a // b\nc", "a     \nc")]
    #[case("a /* x /* y */ z */ b", "a                   b")]
    #[case(r#"f("a{b\"c")"#, r#"f("      ")"#)]
    #[case(r##"r#"a"b"# + 1"##, "         + 1")]
    #[case("var\"x\"", "var\" \"")]
    #[case("'{' 'a", "    'a")]
    #[case("'\\'' }", "     }")]
    #[case("'é' b", "     b")]
    #[case("<'a>(x: &'a str)", "<'a>(x: &'a str)")]
    #[case("\"open {", "\"      ")]
    fn literals_and_comments_are_blanked(#[case] source: &str, #[case] expected: &str) {
        // A multi-byte character becomes as many blanks as it has bytes: offsets hold.
        assert_eq!(bare(source).len(), source.len());
        assert_eq!(bare(source).trim_end(), expected.trim_end());
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_length_and_lines(source in "[a-z\"'/*#r{}\\\\\né ]{0,60}") {
            let bare = bare(&source);
            prop_assert_eq!(bare.len(), source.len());
            prop_assert_eq!(bare.matches('\n').count(), source.matches('\n').count());
            functions(&without_tests(&bare));
            lint_exceptions(&bare);
        }
    }

    #[test]
    fn functions_are_measured_from_keyword_to_brace() {
        let source = "pub fn one() {}\n\ntrait T {\n    fn none(&self, a: [u8; 2]);\n    fn two(\n        &self,\n    ) -> [u8; 3] {\n        \
                      let s = \"}\";\n    }\n}\n";
        let found: Vec<_> =
            functions(&bare(source)).into_iter().map(|f| (f.name, f.line, f.length)).collect();
        assert_eq!(found, [("one".to_owned(), 1, 1), ("two".to_owned(), 5, 5)]);
    }

    #[test]
    fn tests_are_not_product_code() {
        let source = "fn kept() {}\n#[cfg(test)]\nmod tests {\n    fn gone() { let x = [1; 2]; }\n}\n#[cfg(test)]\nuse x;\nfn also() {}\n";
        let names: Vec<_> = functions(&without_tests(&bare(source))).into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["kept", "also"]);
    }

    #[test]
    fn lint_exceptions_are_found_in_attributes_only() {
        let source = "#![allow(dead_code)]\n#[cfg_attr(test, expect(x, reason = \"y\"))]\nfn f() { a.expect(\"b\"); allow(1); }\n\
                      #[case(a.expect(\"b\"))]\n";
        assert_eq!(
            lint_exceptions(&bare(source)),
            [(1, "allow(dead_code)"), (2, "expect(x, reason = \" \")")]
        );
    }
}
