//! `cargo xtask bench`: the figures that the project has promised, measured, each beside its budget.
//!
//! Figures come from three places. [`MEASURES`] are functions here that need only the release binary; [`gx_bench`] runs it
//! with a simulated device on a bus. Benchmark programs are the `[[bench]]` targets (`harness = false`) of the crates; each prints one line for a figure, anything else on
//! its output is for the reader:
//!
//! ```text
//! figure {"name": "CPU per poll", "unit": "ms", "at_most": 0.1, "measured": 0.042}
//! ```
//!
//! What was not measured is not in the table.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{
    checkout::Checkout,
    console, daemon_bench, gx_bench,
    process::Tool,
    steps::target_folder,
    table::{self, Align},
};

/// One promised figure, and what it is today.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Figure {
    pub name: String,
    /// The unit of both numbers: `MB` (10^6 bytes), `ms`, `points/s`.
    pub unit: String,
    #[serde(flatten)]
    pub budget: Budget,
    pub measured: f64,
}

/// The bound that a figure keeps.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    AtMost(f64),
    AtLeast(f64),
}

/// Measures one figure on the release binary.
pub type Measure = fn(binary: &Path) -> Result<Figure>;

/// What is measured on the release binary alone. A new figure is one function and one entry.
pub const MEASURES: &[Measure] = &[
    binary_size,
    daemon_bench::memory,
    daemon_bench::first_discovery,
    daemon_bench::cpu_per_poll,
    daemon_bench::polls_per_second,
];

/// Builds, measures, prints the table; with `enforce`, fails when a figure is over its budget.
pub fn run(checkout: &Checkout, enforce: bool) -> Result<()> {
    let binary = release_binary(checkout)?;
    let mut figures = MEASURES.iter().map(|measure| measure(&binary)).collect::<Result<Vec<_>>>()?;
    figures.extend(gx_bench::figures(&binary)?);
    for program in programs(checkout)? {
        figures.extend(program.figures(checkout, &binary, &[])?);
    }
    conclude(&figures, enforce)
}

/// The same for the program of the store alone, which takes arguments.
pub fn store(checkout: &Checkout, args: &[&str], enforce: bool) -> Result<()> {
    let binary = release_binary(checkout)?;
    let program = Program { package: "ohmstead-history".to_owned(), bench: "store".to_owned() };
    conclude(&program.figures(checkout, &binary, args)?, enforce)
}

fn release_binary(checkout: &Checkout) -> Result<PathBuf> {
    Tool::new(checkout.root(), "cargo", &["build", "--release", "--package", "ohmstead-app"]).run()?;
    Ok(target_folder(checkout)?.join("release").join("ohmstead"))
}

fn conclude(figures: &[Figure], enforce: bool) -> Result<()> {
    console::headline("figures");
    console::print(&listing(figures));
    let missed: Vec<_> =
        figures.iter().filter(|figure| !figure.is_kept()).map(|figure| &*figure.name).collect();
    if enforce && !missed.is_empty() {
        bail!("out of budget: {}", missed.join(", "));
    }
    Ok(())
}

/// The stripped release binary as it lies on disk.
fn binary_size(binary: &Path) -> Result<Figure> {
    let metadata = std::fs::metadata(binary).with_context(|| format!("cannot see {}", binary.display()))?;
    Ok(Figure {
        name: "binary".to_owned(),
        unit: "MB".to_owned(),
        budget: Budget::AtMost(18.0),
        measured: metadata.len() as f64 / 1e6,
    })
}

impl Figure {
    /// Whether the figure is within its budget. A measurement that is no number is not.
    pub fn is_kept(&self) -> bool {
        match self.budget {
            Budget::AtMost(bound) => self.measured <= bound,
            Budget::AtLeast(bound) => self.measured >= bound,
        }
    }

    fn row(&self) -> Vec<String> {
        let (sign, bound) = match self.budget {
            Budget::AtMost(bound) => ("<=", bound),
            Budget::AtLeast(bound) => (">=", bound),
        };
        let verdict = if self.is_kept() { "ok" } else { "OUT OF BUDGET" };
        let Self { name, unit, measured, .. } = self;
        vec![
            name.clone(),
            format!("{sign} {bound} {unit}"),
            format!("{} {unit}", three_digits(*measured)),
            verdict.to_owned(),
        ]
    }
}

/// Three significant digits are what a benchmark on a busy machine can promise.
fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

fn listing(figures: &[Figure]) -> String {
    let head =
        [("figure", Align::Left), ("budget", Align::Right), ("measured", Align::Right), ("", Align::Left)];
    table::render(&head, &figures.iter().map(Figure::row).collect::<Vec<_>>())
}

/// A `[[bench]]` target of a crate.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    package: String,
    bench: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

fn programs(checkout: &Checkout) -> Result<Vec<Program>> {
    let args = ["metadata", "--no-deps", "--format-version", "1"];
    programs_in(&Tool::new(checkout.root(), "cargo", &args).read()?)
}

fn programs_in(metadata: &str) -> Result<Vec<Program>> {
    let metadata: Metadata =
        serde_json::from_str(metadata).context("cannot read what `cargo metadata` printed")?;
    let mut programs = Vec::new();
    for package in metadata.packages {
        let benches =
            package.targets.into_iter().filter(|target| target.kind.iter().any(|kind| kind == "bench"));
        programs.extend(benches.map(|target| Program { package: package.name.clone(), bench: target.name }));
    }
    Ok(programs)
}

impl Program {
    /// Builds and runs the program, shows what it prints, and keeps its figures. Where the release binary is stands in
    /// `OHMSTEAD_BINARY`.
    fn figures(&self, checkout: &Checkout, binary: &Path, own_args: &[&str]) -> Result<Vec<Figure>> {
        console::headline(&format!("{} {}", self.package, self.bench));
        let args = ["bench", "--package", &self.package, "--bench", &self.bench, "--"];
        let tool = Tool::new(checkout.root(), "cargo", &[&args, own_args].concat());
        let printed = tool.env("OHMSTEAD_BINARY", binary).read()?;
        console::print(&printed);
        figures_in(&printed)
            .with_context(|| format!("in what bench {} of {} printed", self.bench, self.package))
    }
}

fn figures_in(printed: &str) -> Result<Vec<Figure>> {
    let lines = printed.lines().filter_map(|line| line.strip_prefix("figure "));
    lines.map(|line| serde_json::from_str(line).with_context(|| format!("not a figure: {line}"))).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use rstest::rstest;

    use super::*;

    fn figure(budget: Budget, measured: f64) -> Figure {
        Figure { name: "x".to_owned(), unit: "ms".to_owned(), budget, measured }
    }

    #[rstest]
    #[case(Budget::AtMost(5.0), 5.0, true)]
    #[case(Budget::AtMost(5.0), 5.1, false)]
    #[case(Budget::AtLeast(5.0), 5.0, true)]
    #[case(Budget::AtLeast(5.0), 4.9, false)]
    #[case(Budget::AtMost(5.0), f64::NAN, false)]
    #[case(Budget::AtLeast(5.0), f64::NAN, false)]
    fn a_budget_is_a_bound(#[case] budget: Budget, #[case] measured: f64, #[case] kept: bool) {
        assert_eq!(figure(budget, measured).is_kept(), kept);
    }

    #[test]
    fn a_program_reports_by_lines_of_its_output() {
        let printed = "warming up\nfigure {\"name\": \"CPU per poll\", \"unit\": \"ms\", \"at_most\": 0.1, \"measured\": 0.0421}\n\
                       figure {\"name\": \"ingest\", \"unit\": \"points/s\", \"at_least\": 5000000, \"measured\": 4200000.4}\nfigures done\n";
        expect![[r"
            figure                     budget          measured
            ------------  -------------------  ----------------  -------------
            CPU per poll            <= 0.1 ms         0.0421 ms  ok
            ingest        >= 5000000 points/s  4200000 points/s  OUT OF BUDGET
        "]]
        .assert_eq(&listing(&figures_in(printed).unwrap()));
    }

    #[rstest]
    #[case("figure {\"name\": \"x\", \"unit\": \"ms\", \"measured\": 1}")]
    #[case("figure {\"name\": \"x\", \"unit\": \"ms\", \"at_most\": 1}")]
    #[case("figure x")]
    fn a_broken_line_is_an_error_and_not_left_out(#[case] printed: &str) {
        let error = figures_in(printed).unwrap_err();
        assert!(error.to_string().starts_with("not a figure: "), "{error}");
    }

    #[test]
    fn bench_targets_are_found() {
        let metadata = r#"{"packages": [{"name": "ohmstead-history", "targets": [
            {"name": "ohmstead_history", "kind": ["lib"]}, {"name": "ingest", "kind": ["bench"]}]}]}"#;
        let expected = Program { package: "ohmstead-history".to_owned(), bench: "ingest".to_owned() };
        assert_eq!(programs_in(metadata).unwrap(), [expected]);
    }

    #[test]
    fn a_binary_is_weighed_in_megabytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![0; 1_500_000]).unwrap();
        let figure = binary_size(file.path()).unwrap();
        assert!((figure.measured - 1.5).abs() < 1e-9);
        assert!(binary_size(Path::new("/no-such-file")).is_err());
    }
}
