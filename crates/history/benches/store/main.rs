//! Measures the store on a simulated station of 300 metrics, beside plain rows in SQLite and, if asked, beside other databases.
//!
//! ```text
//! cargo bench -p ohmstead-history --bench store -- [--year] [--peers] [--peer-days DAYS]
//! ```
//!
//! `--year` adds a year of all metrics, `--peers` what `peers` has; with the path of the release binary in
//! `OHMSTEAD_BINARY` the store is asked through REST too.
//! `cargo xtask bench store` builds what is needed and runs it. The store is filled as the daemon fills it (`append`, then
//! `commit`) with a commit each hour of the station's time; making the data is never in the time.

mod child;
mod flash;
mod http;
mod measure;
mod ours;
mod peers;
mod queries;
mod report;
mod rest;
mod rows;
mod server;
mod stages;
mod station;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use report::Report;

/// What is to be measured.
#[derive(Debug, Default)]
struct Options {
    year: bool,
    peers: bool,
    peer_days: Option<i64>,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("child", rest)) = args.split_first().map(|(first, rest)| (&**first, rest)) {
        report::numbers(&child::run(rest)?);
        return Ok(());
    }
    let options = options(args)?;
    // Beside the build, not in /tmp: that is often memory.
    let folder = tempfile::Builder::new().prefix("store-bench").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut report = Report::default();
    stages::data(&mut report);
    stages::month(&mut report, folder.path())?;
    stages::import(&mut report, folder.path())?;
    let binary = std::env::var_os("OHMSTEAD_BINARY").map(PathBuf::from);
    stages::sixteen(&mut report, folder.path(), binary.as_deref())?;
    stages::rows(&mut report, folder.path())?;
    stages::wear(&mut report, folder.path())?;
    if options.year {
        stages::year(&mut report, folder.path())?;
    }
    if options.peers {
        peers::run(&mut report, folder.path(), options.peer_days.unwrap_or(stages::MONTH))?;
    }
    report.print();
    Ok(())
}

fn options(args: Vec<String>) -> Result<Options> {
    let mut options = Options::default();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match &*arg {
            "--year" => options.year = true,
            "--peers" => options.peers = true,
            "--peer-days" => {
                options.peer_days = Some(args.next().context("--peer-days needs a number")?.parse()?);
            }
            // cargo adds it.
            "--bench" => {}
            other => bail!("{other:?} is no option: --year, --peers, --peer-days DAYS"),
        }
    }
    Ok(options)
}
