//! The steps of `cargo xtask test`, in the order in which they share most of the build cache.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{
    assets,
    checkout::Checkout,
    prerequisites,
    process::Tool,
    shared::SHARED,
    table::{self, Align},
};

/// What the steps work on.
#[derive(Debug)]
pub struct Job {
    pub checkout: Checkout,
    /// The folder with recordings of real devices, where there is one.
    pub shared: Option<PathBuf>,
}

/// One thing that CI checks.
#[derive(Debug)]
pub struct Step {
    pub name: &'static str,
    /// What it checks, for headlines and lists.
    pub about: &'static str,
    /// Runs only when asked for, by `--long` or by name.
    pub long: bool,
    pub run: fn(&Job) -> Result<()>,
}

/// Every step, in the order of a run.
pub const STEPS: &[Step] = &[
    Step {
        name: "prerequisites",
        about: "the programs that the tests need, installed where that is allowed",
        long: false,
        run: |job| prerequisites::run(&job.checkout),
    },
    Step { name: "fmt", about: "the sources are formatted", long: false, run: fmt },
    Step { name: "clippy", about: "no warning in any target of any crate", long: false, run: clippy },
    Step { name: "build", about: "the debug binary and every test program", long: false, run: build },
    Step { name: "test", about: "unit tests, integration tests, invariants", long: false, run: test },
    Step { name: "long", about: "the long tier of tests", long: true, run: long },
    Step {
        name: "doc-tests",
        about: "examples in the docs, and docs without warnings",
        long: false,
        run: doc_tests,
    },
    Step { name: "ui", about: "the front end: types, unit tests, committed build", long: false, run: ui },
    Step {
        name: "browser",
        about: "the front end in Chromium, on the debug binary",
        long: false,
        run: browser,
    },
    Step { name: "deny", about: "licences, banned crates, sources of crates", long: false, run: deny },
];

/// The names of all steps.
pub fn names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// All steps as a table.
pub fn listing() -> String {
    let rows: Vec<_> = STEPS
        .iter()
        .map(|step| {
            let note = if step.long { " (with --long)" } else { "" };
            vec![step.name.to_owned(), format!("{}{note}", step.about)]
        })
        .collect();
    table::render(&[("step", Align::Left), ("what it checks", Align::Left)], &rows)
}

/// The steps of one run: the named ones, or all, with the long tier if `long`.
pub fn chosen(only: &[String], long: bool) -> Vec<&'static Step> {
    let wanted = |step: &&Step| match only {
        [] => long || !step.long,
        only => only.iter().any(|name| name == step.name) || (long && step.long),
    };
    STEPS.iter().filter(wanted).collect()
}

fn cargo(job: &Job, args: &[&str]) -> Tool {
    Tool::new(job.checkout.root(), "cargo", args)
}

fn fmt(job: &Job) -> Result<()> {
    cargo(job, &["fmt", "--all", "--check"]).run()
}

fn clippy(job: &Job) -> Result<()> {
    cargo(job, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()
}

/// Builds all targets of all crates at once: the same features, so the same dependencies, as the tests' own build.
fn build(job: &Job) -> Result<()> {
    cargo(job, &["build", "--workspace", "--all-targets"]).run()
}

fn test(job: &Job) -> Result<()> {
    cargo(job, &["nextest", "run", "--workspace"]).env_path(SHARED, job.shared.as_deref()).run()?;
    // The simulated `/dev/hidrawN`, which is not in the default build; its tests tell when nothing can be mounted here.
    let with_fuse =
        ["--package", "ohmstead-plant", "--package", "ohmstead-drivers", "--features", "ohmstead-plant/fuse"];
    let its_tests = ["--filterset", "test(fuse::) | test(faults_through_a_file)"];
    cargo(job, &[["nextest", "run"].as_slice(), &with_fuse, &its_tests].concat()).run()
}

fn long(job: &Job) -> Result<()> {
    cargo(job, &["nextest", "run", "--workspace", "--profile", "long", "--no-tests", "warn"])
        .env_path(SHARED, job.shared.as_deref())
        .run()
}

fn doc_tests(job: &Job) -> Result<()> {
    cargo(job, &["test", "--doc", "--workspace"]).env_path(SHARED, job.shared.as_deref()).run()?;
    cargo(job, &["doc", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-D warnings").run()
}

fn npm(job: &Job, args: &[&str]) -> Tool {
    Tool::new(&job.checkout.root().join("ui"), "npm", args)
}

fn ui(job: &Job) -> Result<()> {
    if !job.checkout.root().join("ui/package-lock.json").is_file() {
        bail!("ui/package-lock.json is missing: run `npm install` in ui/ and commit the file");
    }
    npm(job, &["ci", "--no-audit", "--no-fund"]).run()?;
    npm(job, &["run", "check"]).run()?;
    npm(job, &["test"]).run()?;

    let folder = job.checkout.root().join("crates/web/assets");
    let before = assets::content(&folder)?;
    npm(job, &["run", "build"]).run()?;
    let differences = assets::differences(&before, &assets::content(&folder)?);
    if !differences.is_empty() {
        let list = differences.join("\n    ");
        bail!(
            "crates/web/assets was not what ui/ builds:\n    {list}\nThe new build is in place now: look at it and commit it"
        );
    }
    Ok(())
}

fn browser(job: &Job) -> Result<()> {
    if !job.checkout.root().join("ui/node_modules").is_dir() {
        bail!("ui/node_modules is missing: run step ui first (`--only build,ui,browser`)");
    }
    let binary = target_folder(&job.checkout)?.join("debug/ohmstead");
    if !binary.is_file() {
        bail!("{} is missing: run step build first (`--only build,browser`)", binary.display());
    }
    npm(job, &["run", "test:browser"])
        .env("OHMSTEAD_BIN", binary)
        .env_path(SHARED, job.shared.as_deref())
        .run()
}

fn deny(job: &Job) -> Result<()> {
    // The check itself stays offline, so the crates of other platforms must be there before it.
    cargo(job, &["fetch", "--locked"]).run()?;
    cargo(job, &["deny", "--offline", "check", "licenses", "bans", "sources"]).run()
}

/// Where cargo puts what it builds.
pub fn target_folder(checkout: &Checkout) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let text =
        Tool::new(checkout.root(), "cargo", &["metadata", "--no-deps", "--format-version", "1"]).read()?;
    let metadata: Metadata =
        serde_json::from_str(&text).context("cannot read what `cargo metadata` printed")?;
    Ok(metadata.target_directory)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const USUAL: &[&str] =
        &["prerequisites", "fmt", "clippy", "build", "test", "doc-tests", "ui", "browser", "deny"];

    #[rstest]
    #[case::everything(&[], false, USUAL)]
    #[case::in_the_order_of_a_run(&["deny", "fmt"], false, &["fmt", "deny"])]
    #[case::long_by_name(&["long"], false, &["long"])]
    #[case::long_added(&["test"], true, &["test", "long"])]
    fn steps_are_chosen(#[case] only: &[&str], #[case] long: bool, #[case] expected: &[&str]) {
        let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
        let names: Vec<_> = chosen(&only, long).into_iter().map(|step| step.name).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn the_long_tier_comes_with_its_flag() {
        let names: Vec<_> = chosen(&[], true).into_iter().map(|step| step.name).collect();
        assert_eq!(names, super::names());
        assert!(listing().contains("the long tier of tests (with --long)"));
    }
}
