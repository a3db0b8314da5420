//! `history`: what is stored: asked, exported, imported, compared, looked after.

mod care;
mod compare;
mod export;
mod import;
mod query;
mod restore;
pub(super) mod source;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Common;
use crate::failure::Failure;

pub(super) use care::backup;
pub(super) use restore::run as restore;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print values of one metric
    Query(query::Arguments),
    /// List what is stored: devices, metrics, from when to when, how many values
    Series,
    /// Write values to a file for other programs: CSV, Parquet, or InfluxDB's line protocol
    Export(export::Arguments),
    /// Take in values from a file
    Import(import::Arguments),
    /// Show how what is stored differs from a download of VRM
    Compare(compare::Arguments),
    /// Print how much is stored and how much room it takes
    Stats,
    /// Join small blocks of ended months
    Compact,
    /// Read everything; damage is named by device, metric and day
    Verify,
    /// Copy everything into one new file, while the daemon runs or not
    Backup(File),
    /// Put a backup in the place of the history; not while the daemon runs
    Restore(File),
}

#[derive(Debug, Args)]
pub(super) struct File {
    /// The file of the backup
    file: PathBuf,
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.what {
        What::Query(arguments) => query::run(common, arguments).await,
        What::Series => care::series(common).await,
        What::Export(arguments) => export::run(common, arguments).await,
        What::Import(arguments) => import::run(common, arguments).await,
        What::Compare(arguments) => compare::run(common, arguments).await,
        What::Stats => care::stats(common).await,
        What::Compact => care::compact(common).await,
        What::Verify => care::verify(common).await,
        What::Backup(File { file }) => care::backup(common, file).await,
        What::Restore(File { file }) => restore::run(common, file),
    }
}
