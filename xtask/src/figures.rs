//! `cargo xtask figures`: how long files and functions are, and how much of the public API is documented.

use anyhow::Result;

use crate::{
    checkout::{Checkout, SourceFile},
    rust_source::{self, Function},
    table::{self, Align},
};

/// A function longer than this needs a second look; clippy stops it at the same length.
const LONG_FUNCTION: usize = 70;

/// The sizes of one crate, or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sizes {
    /// Lines of each source file.
    files: Vec<usize>,
    /// Product functions: those under `#[cfg(test)]` are not counted.
    functions: Vec<(String, Function)>,
    docs: Docs,
}

/// Public items and fields, and how many of them carry a doc comment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Docs {
    documented: usize,
    public: usize,
}

/// The report over every crate.
pub fn report(checkout: &Checkout) -> Result<String> {
    let mut all = Sizes::default();
    let mut rows = Vec::new();
    for member in checkout.members()? {
        let sizes = Sizes::of(&checkout.sources(&member)?);
        rows.push(sizes.row(&member.name));
        all.add(sizes);
    }
    rows.push(all.row("all"));
    let mut report = table::render(&HEAD, &rows);
    report += "files and functions in lines, median / p90 / longest; functions without those of tests\n";
    let long = all.functions.iter().filter(|(_, function)| function.length > LONG_FUNCTION);
    report.extend(long.map(|(path, Function { name, line, length })| {
        format!("over {LONG_FUNCTION} lines: {path}:{line} {name} ({length})\n")
    }));
    Ok(report)
}

const HEAD: [(&str, Align); 7] = [
    ("crate", Align::Left),
    ("files", Align::Right),
    ("file length", Align::Right),
    ("functions", Align::Right),
    ("function length", Align::Right),
    ("over 70", Align::Right),
    ("documented", Align::Right),
];

impl Sizes {
    fn of(files: &[SourceFile]) -> Self {
        let mut sizes = Self::default();
        for file in files {
            let bare = rust_source::without_tests(&rust_source::bare(&file.text));
            sizes.files.push(file.text.lines().count());
            let functions = rust_source::functions(&bare).into_iter();
            sizes.functions.extend(functions.map(|function| (file.path.clone(), function)));
            sizes.docs.add(docs(&file.text, &bare));
        }
        sizes
    }

    fn add(&mut self, other: Self) {
        self.files.extend(other.files);
        self.functions.extend(other.functions);
        self.docs.add(other.docs);
    }

    fn row(&self, name: &str) -> Vec<String> {
        let lengths: Vec<_> = self.functions.iter().map(|(_, function)| function.length).collect();
        let long = lengths.iter().filter(|length| **length > LONG_FUNCTION).count();
        vec![
            name.to_owned(),
            self.files.len().to_string(),
            spread(&self.files),
            lengths.len().to_string(),
            spread(&lengths),
            share(long, lengths.len()),
            share(self.docs.documented, self.docs.public),
        ]
    }
}

impl Docs {
    fn add(&mut self, other: Self) {
        self.documented += other.documented;
        self.public += other.public;
    }
}

/// The value that `percent` % of the values do not exceed (nearest rank); `None` of nothing.
pub fn percentile(values: &[usize], percent: usize) -> Option<usize> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn spread(values: &[usize]) -> String {
    let parts = [50, 90, 100].map(|percent| percentile(values, percent));
    let parts = parts.map(|part| part.map_or_else(|| "-".to_owned(), |lines| lines.to_string()));
    parts.join(" / ")
}

fn share(part: usize, whole: usize) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

/// Counts the public items and public fields of a file. Re-exports and modules (documented at their head) are left out.
fn docs(text: &str, bare: &str) -> Docs {
    let lines: Vec<_> = text.lines().collect();
    let mut docs = Docs::default();
    for (index, code) in bare.lines().enumerate() {
        let Some(item) = code.trim_start().strip_prefix("pub ") else { continue };
        if item.starts_with("use ") || item.starts_with("mod ") {
            continue;
        }
        docs.public += 1;
        docs.documented += usize::from(is_documented(&lines[..index]));
    }
    docs
}

/// Whether the nearest line above that is no attribute ends a doc comment, or is where a macro puts the one it is given.
fn is_documented(above: &[&str]) -> bool {
    let mut lines = above.iter().rev().map(|line| line.trim());
    lines
        .find(|line| !is_attribute(line))
        .is_some_and(|line| line.starts_with("///") || line.starts_with("$(#["))
}

/// An attribute on one line, or the last line of a longer one.
fn is_attribute(line: &str) -> bool {
    line.starts_with("#[") || line == ")]"
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], 50, None)]
    #[case(&[7], 90, Some(7))]
    #[case(&[3, 1, 2], 50, Some(2))]
    #[case(&[1, 2, 3, 4], 50, Some(2))]
    #[case(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 90, Some(9))]
    #[case(&[4, 9, 1], 100, Some(9))]
    fn percentiles_are_values_that_occur(
        #[case] values: &[usize],
        #[case] percent: usize,
        #[case] expected: Option<usize>,
    ) {
        assert_eq!(percentile(values, percent), expected);
    }

    #[test]
    fn a_crate_is_counted() {
        let text = "//! Head.\n\npub mod a;\npub use b;\n\n/// Said.\n#[derive(Debug)]\npub struct S {\n    /// Said.\n    pub a: u8,\n    pub b: u8,\n}\n\n\
                    pub(crate) fn hidden() {}\n\npub fn unsaid() {\n    let s = \"\npub fn none\";\n}\n\n\
                    #[cfg(test)]\nmod tests {\n    pub fn not_counted() {}\n}\n";
        let sizes = Sizes::of(&[SourceFile { path: "src/lib.rs".to_owned(), text: text.to_owned() }]);
        assert_eq!(sizes.docs, Docs { documented: 2, public: 4 });
        assert!(is_documented(&["$(#[$doc])*", "#[derive(Debug)]"]));
        let row = sizes.row("x");
        expect!["x | 1 | 24 / 24 / 24 | 2 | 1 / 4 / 4 | 0.0 % | 50.0 %"].assert_eq(&row.join(" | "));
    }
}
