//! Rules on Rust sources.

use crate::{checkout::SourceFile, rust_source};

/// The simulated house behind `ohmstead` + this word is ordinary configuration for everything but `app`: no other
/// crate may know that it runs in it.
const ONLY_IN_APP: &str = "demo";

/// A longer file wants to be two.
const FILE_LINES_MAX: usize = 700;

/// Files that may be longer, with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Lines of a crate other than `app` that speak of the demonstration house, in code, comment or text.
pub fn mentions_of_demo(file: &SourceFile) -> Vec<String> {
    let lines = file.text.lines().enumerate();
    let found = lines.filter(|(_, line)| words(line).any(|word| word.eq_ignore_ascii_case(ONLY_IN_APP)));
    found
        .map(|(index, _)| format!("{}:{}: only crates/app may know of `{ONLY_IN_APP}`", file.path, index + 1))
        .collect()
}

/// The words of a line; `a_b`, `a-b` and `aB` are two each.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric()).flat_map(humps)
}

/// `DemoHouse` -> `Demo`, `House`; `DEMO` stays whole.
fn humps(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let pairs = word.char_indices().zip(word.chars().skip(1));
    for ((at, this), next) in pairs {
        let end = at + this.len_utf8();
        if !this.is_uppercase() && next.is_uppercase() {
            parts.push(&word[start..end]);
            start = end;
        }
    }
    parts.push(&word[start..]);
    parts
}

/// `#[allow(...)]` and `#[expect(...)]` that do not say why.
pub fn exceptions_without_reason(file: &SourceFile) -> Vec<String> {
    let bare = rust_source::bare(&file.text);
    let silent =
        rust_source::lint_exceptions(&bare).into_iter().filter(|(_, exception)| !has_reason(exception));
    silent
        .map(|(line, exception)| format!("{}:{line}: `{exception}` needs a `reason = \"...\"`", file.path))
        .collect()
}

fn has_reason(exception: &str) -> bool {
    exception.split(['(', ',']).any(|part| part.trim_start().starts_with("reason") && part.contains('='))
}

/// The file's length, when it is over the limit and not excepted.
pub fn too_long(file: &SourceFile) -> Option<String> {
    let lines = file.text.lines().count();
    let excepted = LONG_FILES.iter().any(|(path, _)| *path == file.path);
    let too_long = lines > FILE_LINES_MAX && !excepted;
    too_long.then(|| {
        format!(
            "{}: {lines} lines, the limit is {FILE_LINES_MAX}: split it, or name it with the reason in \
             xtask/src/invariants/sources.rs",
            file.path
        )
    })
}

/// Exceptions for files that are gone or have become short enough.
pub fn stale_exceptions(files: &[SourceFile]) -> Vec<String> {
    let stale = LONG_FILES.iter().filter(|(path, _)| {
        let file = files.iter().find(|file| file.path == *path);
        file.is_none_or(|file| file.text.lines().count() <= FILE_LINES_MAX)
    });
    stale.map(|(path, _)| format!("{path}: the exception for a long file is no longer needed")).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn file(text: &str) -> SourceFile {
        SourceFile { path: "a.rs".to_owned(), text: text.to_owned() }
    }

    #[rstest]
    #[case("let x = democracy();", false)]
    #[case("demodulate demos predemo", false)]
    #[case("fn demo() {}", true)]
    #[case("// The Demo.", true)]
    #[case("const DEMO_PORT: u16 = 1;", true)]
    #[case("struct DemoHouse;", true)]
    #[case("fn isDemo() {}", true)]
    #[case("let is_demo = 1;", true)]
    #[case("\"--demo\"", true)]
    #[case("größeDemo", true)]
    fn demo_is_found_as_a_word(#[case] line: &str, #[case] found: bool) {
        let expected: &[&str] = if found { &["a.rs:2: only crates/app may know of `demo`"] } else { &[] };
        assert_eq!(mentions_of_demo(&file(&format!("fine\n{line}\n"))), expected);
    }

    #[rstest]
    #[case("#[allow(dead_code)]", false)]
    #[case("#![expect(unused, clippy::all)]", false)]
    #[case("#[cfg_attr(test, allow(dead_code))]", false)]
    #[case("#[allow(reasonable)] // reason = \"no\"", false)]
    #[case("#[allow(dead_code, reason = \"wire layout\")]", true)]
    #[case("#[expect(\n    dead_code,\n    reason = \"wire (layout)\"\n)]", true)]
    #[case("x.expect(\"said\"); // #[allow(x)]", true)]
    fn an_exception_says_why(#[case] text: &str, #[case] fine: bool) {
        assert_eq!(exceptions_without_reason(&file(text)).is_empty(), fine);
    }

    #[test]
    fn a_file_has_a_limit() {
        assert_eq!(too_long(&file(&"x\n".repeat(FILE_LINES_MAX))), None);
        assert!(too_long(&file(&"x\n".repeat(FILE_LINES_MAX + 1))).unwrap().starts_with("a.rs: 701 lines"));
    }
}
