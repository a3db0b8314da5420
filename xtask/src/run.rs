//! Goes through the steps of `cargo xtask test`: headline, the step's own output, and a table of results at the end.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::{
    checkout::Checkout,
    console,
    shared::Shared,
    steps::{Job, Step},
    table::{self, Align},
};

/// What a failed step means for those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    Stop,
    GoOn,
}

/// How a step ended.
#[derive(Debug)]
enum Outcome {
    Passed(Duration),
    Failed(Duration, String),
    NotRun,
}

/// Runs the steps in order; an error when one failed.
pub fn all(checkout: Checkout, steps: &[&Step], after_failure: AfterFailure) -> Result<()> {
    let shared = Shared::of_this_run(checkout.root());
    console::print(&shared.told());
    let job = Job { shared: shared.folder().map(Into::into), checkout };

    let mut results = Vec::new();
    let mut stopped = false;
    for step in steps {
        let outcome = if stopped { Outcome::NotRun } else { one(&job, step) };
        stopped |= matches!(outcome, Outcome::Failed(..)) && after_failure == AfterFailure::Stop;
        results.push((step.name, outcome));
    }
    console::headline("summary");
    console::print(&summary(&results));
    verdict(&results)
}

fn one(job: &Job, step: &Step) -> Outcome {
    console::headline(&format!("{}: {}", step.name, step.about));
    let (result, duration) = console::timed(|| (step.run)(job));
    let outcome = match result {
        Ok(()) => Outcome::Passed(duration),
        Err(error) => Outcome::Failed(duration, format!("{error:#}")),
    };
    console::print(&outcome.told(step.name));
    outcome
}

impl Outcome {
    fn told(&self, name: &str) -> String {
        match self {
            Self::Passed(duration) => format!("{name}: ok after {}", console::human(*duration)),
            Self::Failed(duration, why) => {
                format!("{name}: FAILED after {}: {why}", console::human(*duration))
            }
            Self::NotRun => format!("{name}: not run"),
        }
    }

    fn row(&self, name: &str) -> Vec<String> {
        let (result, duration) = match self {
            Self::Passed(duration) => ("ok", Some(duration)),
            Self::Failed(duration, _) => ("FAILED", Some(duration)),
            Self::NotRun => ("not run", None),
        };
        vec![name.to_owned(), result.to_owned(), duration.map(|d| console::human(*d)).unwrap_or_default()]
    }
}

fn summary(results: &[(&str, Outcome)]) -> String {
    let mut rows: Vec<_> = results.iter().map(|(name, outcome)| outcome.row(name)).collect();
    let total = results.iter().map(|(_, outcome)| match outcome {
        Outcome::Passed(duration) | Outcome::Failed(duration, _) => *duration,
        Outcome::NotRun => Duration::ZERO,
    });
    rows.push(vec!["total".to_owned(), String::new(), console::human(total.sum())]);
    table::render(&[("step", Align::Left), ("result", Align::Left), ("time", Align::Right)], &rows)
}

fn verdict(results: &[(&str, Outcome)]) -> Result<()> {
    let failures: Vec<_> = results
        .iter()
        .filter_map(|(name, outcome)| match outcome {
            Outcome::Failed(_, why) => Some((*name, why)),
            _ => None,
        })
        .collect();
    if failures.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = failures.iter().map(|(name, _)| *name).collect();
    let reasons: Vec<_> = failures.iter().map(|(name, why)| format!("\n{name}: {why}")).collect();
    let again = format!("cargo xtask test --only {}", names.join(","));
    bail!("failed: {}{}\nTo run just that again: {again}", names.join(", "), reasons.concat());
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn results() -> Vec<(&'static str, Outcome)> {
        vec![
            ("fmt", Outcome::Passed(Duration::from_millis(900))),
            (
                "clippy",
                Outcome::Failed(Duration::from_secs(61), "`cargo clippy` ended with exit status: 101".into()),
            ),
            ("build", Outcome::NotRun),
        ]
    }

    #[test]
    fn the_summary_tells_what_ran_and_how_long() {
        expect![[r"
            step    result         time
            ------  -------  ----------
            fmt     ok            0.9 s
            clippy  FAILED   1 min 01 s
            build   not run
            total            1 min 01 s
        "]]
        .assert_eq(&summary(&results()));
    }

    #[test]
    fn a_failure_says_how_to_run_just_that() {
        expect![[r"
            failed: clippy
            clippy: `cargo clippy` ended with exit status: 101
            To run just that again: cargo xtask test --only clippy"]]
        .assert_eq(&verdict(&results()).unwrap_err().to_string());
        assert!(verdict(&results()[..1]).is_ok());
    }
}
