//! `cargo xtask`: the project's chores, one word each.

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, builder::PossibleValuesParser};
use xtask::{bench, checkout::Checkout, console, figures, fuzz, run, steps};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "The project's chores",
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run everything that CI runs, one step after the other.
    ///
    /// The first step looks for the programs that the tests need. As root on a Debian system it installs what is
    /// missing; elsewhere it prints the commands for it and fails.
    Test(TestArgs),
    /// Build the release binary, measure it, and print each figure beside its budget.
    Bench(BenchArgs),
    /// Print how long files and functions are, and how much of the public API is documented.
    Figures,
    /// Feed the decoders with what a fuzzer makes up (needs cargo-fuzz and a C++ compiler).
    Fuzz {
        /// Only this one.
        #[arg(value_parser = PossibleValuesParser::new(fuzz::names()))]
        target: Option<String>,
        /// How long each one runs.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
}

#[derive(Args)]
struct BenchArgs {
    #[command(subcommand)]
    part: Option<BenchPart>,
    /// Fail when a figure is over its budget.
    #[arg(long, global = true)]
    enforce: bool,
}

#[derive(Subcommand)]
enum BenchPart {
    /// Only the store, on a simulated station of 300 metrics, beside plain rows in SQLite.
    ///
    /// What it writes to flash is measured on a loop device, which needs root.
    Store {
        /// A year of all metrics too: some minutes, and a folder that grows to some hundred MB.
        #[arg(long)]
        year: bool,
        /// Three other databases too: installed ones, or unpacked from Debian's packages.
        #[arg(long)]
        peers: bool,
    },
}

#[derive(Args)]
struct TestArgs {
    /// Print the steps and stop.
    #[arg(long)]
    list: bool,
    /// Run only these steps (comma-separated, in CI's order).
    #[arg(long, value_name = "STEP", value_delimiter = ',', value_parser = PossibleValuesParser::new(steps::names()))]
    only: Vec<String>,
    /// Go on after a failed step, and fail at the end.
    #[arg(long)]
    keep_going: bool,
    /// Add the long tier: the tests in modules named `long`.
    #[arg(long)]
    long: bool,
}

fn main() -> ExitCode {
    match perform(Cli::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn perform(chore: Chore) -> anyhow::Result<()> {
    let checkout = Checkout::of_this_build()?;
    match chore {
        Chore::Test(TestArgs { list: true, .. }) => {
            console::print(&steps::listing());
            Ok(())
        }
        Chore::Test(args) => {
            let plan = steps::chosen(&args.only, args.long);
            let after_failure =
                if args.keep_going { run::AfterFailure::GoOn } else { run::AfterFailure::Stop };
            run::all(checkout, &plan, after_failure)
        }
        Chore::Bench(BenchArgs { part: None, enforce }) => bench::run(&checkout, enforce),
        Chore::Bench(BenchArgs { part: Some(BenchPart::Store { year, peers }), enforce }) => {
            let wanted = [("--year", year), ("--peers", peers)];
            let args: Vec<_> = wanted.into_iter().filter_map(|(arg, wanted)| wanted.then_some(arg)).collect();
            bench::store(&checkout, &args, enforce)
        }
        Chore::Figures => {
            console::print(&figures::report(&checkout)?);
            Ok(())
        }
        Chore::Fuzz { target, seconds } => fuzz::run(&checkout, target.as_deref(), seconds),
    }
}
