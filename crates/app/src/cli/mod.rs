//! The command line: one module per verb. The list of verbs, their help and the completions derive from [`Verb`].

mod ahead;
mod backtest;
mod backup;
mod check;
mod completions;
mod control;
mod decode;
mod demo;
mod discover;
mod doctor;
mod export;
mod history;
mod import;
mod ledger;
mod plan;
mod read;
mod release;
mod run;
mod set;
mod sim;
mod table;
mod target;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use ohmstead_config::Config;
use ohmstead_model::Clock;

use crate::clock::WallClock;
use crate::data_dir::{self, DataDirError, Surroundings};
use crate::failure::{CODES, Code, Failure};
use crate::logs::{self, LevelControl, Levels};
use crate::print;

/// Reads and controls home batteries: on MQTT for Home Assistant, on a page of its own, and here.
#[derive(Debug, Parser)]
#[command(name = "ohmstead", version, after_help = CODES, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb understands.
#[derive(Debug, Clone, Args)]
struct Common {
    /// Configuration [default: ./ohmstead.yaml, /etc/ohmstead/ohmstead.yaml, /data/ohmstead/ohmstead.yaml]
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where history, socket and lock are [default: as configured, else the state directory of the user or service]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Print data as JSON
    #[arg(long, global = true)]
    json: bool,
    /// What to log: LEVEL or AREA=LEVEL, several with commas, such as info,driver.marstek=debug
    #[arg(long, global = true, value_name = "LEVELS", value_parser = log_levels)]
    log: Option<String>,
}

fn log_levels(text: &str) -> Result<String, logs::ParseLevelsError> {
    text.parse::<Levels>().map(|_| text.to_owned())
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the daemon: poll, store, publish, serve
    Run,
    /// See the whole product on a simulated house: no configuration, no network, no other server
    Demo(demo::Arguments),
    /// Check the configuration; with --live also ask each device once
    Check(check::Arguments),
    /// Look for devices in this network
    Discover(discover::Arguments),
    /// Look for what is in the way on this machine: permissions, ports, clock, disk
    Doctor(doctor::Arguments),
    /// Print what a device tells
    Read(read::Arguments),
    /// Ask a device for a mode or a setting, and prove that it obeys
    Set(set::Arguments),
    /// Print what is wanted of which device; switch a part of it; lower a limit
    Control(control::Arguments),
    /// End what was asked by hand and give devices back; without a name all of them, with everything off
    Release(release::Arguments),
    /// Print what the batteries are going to do; with --why also for which reasons
    Plan(plan::Arguments),
    /// Print who was asked for prices and forecasts, and what is missing
    Outlook(ahead::OutlookArguments),
    /// Print the colours of the Tempo tariff and what is left of the season; say the colour of a day
    Tempo(ahead::TempoArguments),
    /// Replay the past under other strategies, with another battery, and print what it would have cost
    Backtest(backtest::Arguments),
    /// Print the last attempts to change a device
    Ledger(ledger::Arguments),
    /// Ask, export, import, compare and look after what is stored
    History(history::Arguments),
    /// Copy the history into one file, or put such a file in its place
    Backup(backup::Arguments),
    /// Explain one captured datagram or frame
    Decode(decode::Arguments),
    /// Simulate devices on real sockets
    Sim(sim::Arguments),
    /// Convert the configuration of another program
    Import(import::Arguments),
    /// Print what is known, for other programs
    Export(export::Arguments),
    /// Print the completions for a shell
    Completions(completions::Arguments),
}

/// Reads the command line and does what it says.
pub(crate) fn run() -> Result<(), Failure> {
    let Cli { common, verb } = Cli::parse();
    if !matches!(verb, Verb::Run | Verb::Demo(_)) {
        // A verb prints its result; what is logged besides is only what fails, unless more is asked for.
        let levels = common.log.as_deref().map_or(Ok(Levels::quiet()), |log| Levels::quiet().with(log))?;
        logs::start(&LevelControl::new(levels), None);
    }
    match verb {
        Verb::Run => run::run(&common),
        Verb::Demo(arguments) => demo::run(&common, &arguments),
        Verb::Check(arguments) => runtime()?.block_on(check::run(&common, &arguments)),
        Verb::Discover(arguments) => runtime()?.block_on(discover::run(&common, &arguments)),
        Verb::Doctor(arguments) => runtime()?.block_on(doctor::run(&common, &arguments)),
        Verb::Decode(arguments) => decode::run(&common, &arguments),
        Verb::Read(arguments) => runtime()?.block_on(read::run(&common, &arguments)),
        Verb::Set(arguments) => runtime()?.block_on(set::run(&common, &arguments)),
        Verb::Control(arguments) => runtime()?.block_on(control::run(&common, &arguments)),
        Verb::Release(arguments) => runtime()?.block_on(release::run(&common, &arguments)),
        Verb::Plan(arguments) => runtime()?.block_on(plan::run(&common, &arguments)),
        Verb::Outlook(arguments) => runtime()?.block_on(ahead::outlook(&common, &arguments)),
        Verb::Tempo(arguments) => runtime()?.block_on(ahead::tempo(&common, &arguments)),
        Verb::Backtest(arguments) => runtime()?.block_on(backtest::run(&common, &arguments)),
        Verb::Ledger(arguments) => runtime()?.block_on(ledger::run(&common, &arguments)),
        Verb::History(arguments) => runtime()?.block_on(history::run(&common, &arguments)),
        Verb::Backup(arguments) => runtime()?.block_on(backup::run(&common, &arguments)),
        Verb::Sim(arguments) => runtime()?.block_on(sim::run(&common, arguments)),
        Verb::Import(arguments) => import::run(&common, &arguments),
        Verb::Export(arguments) => export::run(&common, &arguments),
        Verb::Completions(arguments) => completions::run(&arguments),
    }
}

/// Threads that wait for disks and name servers.
const BLOCKING_THREADS: usize = 8;
/// Their stacks: SQLite and the resolver need little.
const STACK_BYTES: usize = 1 << 20;

/// One thread for everything that does not block: a house is little work, and memory is dear on a gateway.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_stack_size(STACK_BYTES)
        .build()?;
    Ok(runtime)
}

fn real_clock() -> Arc<dyn Clock> {
    Arc::new(WallClock::real())
}

impl Common {
    /// The configuration and where it was found.
    fn load(&self) -> Result<(PathBuf, Config), Failure> {
        let path = ohmstead_config::find(self.config.as_deref()).map_err(|error| {
            let hint = "`ohmstead demo` shows everything on a simulated house, without a configuration";
            Failure::new(Code::Config, format!("{error}\n{hint}"))
        })?;
        let config = ohmstead_config::load(&path, &|name| std::env::var(name).ok())
            .map_err(|error| Failure::of(Code::Config, error))?;
        Ok((path, config))
    }

    /// The configuration if there is one. A wrong one is an error, an absent one only if it was asked for.
    fn load_if_any(&self) -> Result<Option<(PathBuf, Config)>, Failure> {
        match ohmstead_config::find(self.config.as_deref()) {
            Err(_) => Ok(None),
            Ok(_) => self.load().map(Some),
        }
    }

    /// The data directory.
    fn data_dir(&self, config: Option<&Config>) -> Result<PathBuf, DataDirError> {
        let configured = config.and_then(|config| config.data_dir.as_deref());
        data_dir::choose(self.data_dir.as_deref().or(configured), &Surroundings::here())
    }

    /// Prints JSON with `--json`, else the text.
    fn print(&self, json: &serde_json::Value, text: impl FnOnce() -> String) -> Result<(), Failure> {
        let printed = if self.json { format!("{json:#}") } else { text() };
        Ok(print::out(printed)?)
    }
}

#[cfg(test)]
mod tests;
