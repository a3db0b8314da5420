//! Measures the store on a simulated station of 300 metrics, beside plain rows in SQLite and, if asked, beside other databases.
//!
//! ```text
//! cargo bench -p ohmstead-history --bench store -- [--year] [--peers] [--peer-days DAYS] [--only PART,..]
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

/// The parts of a run, in their order.
const PARTS: [&str; 7] = ["month", "import", "sixteen", "rows", "flash", "year", "peers"];

/// What is to be measured.
#[derive(Debug, Default)]
struct Options {
    /// Nothing but these, if there are any.
    only: Vec<String>,
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
    let folder = folder.path();
    let binary = std::env::var_os("OHMSTEAD_BINARY").map(PathBuf::from);
    let peer_days = options.peer_days.unwrap_or(stages::MONTH);
    stages::data(&mut report);
    for part in PARTS.iter().filter(|part| options.wants(part)) {
        match *part {
            "month" => stages::month(&mut report, folder),
            "import" => stages::import(&mut report, folder),
            "sixteen" => stages::sixteen(&mut report, folder, binary.as_deref()),
            "rows" => stages::rows(&mut report, folder),
            "flash" => stages::wear(&mut report, folder),
            "year" => stages::year(&mut report, folder),
            _ => peers::run(&mut report, folder, peer_days),
        }?;
    }
    report.print();
    Ok(())
}

impl Options {
    fn wants(&self, part: &str) -> bool {
        if !self.only.is_empty() {
            return self.only.iter().any(|only| only == part);
        }
        match part {
            "year" => self.year,
            "peers" => self.peers,
            _ => true,
        }
    }
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
            "--only" => {
                let names = args.next().context("--only needs names")?;
                options.only = names.split(',').map(str::to_owned).collect();
                if let Some(unknown) = options.only.iter().find(|name| !PARTS.contains(&&***name)) {
                    bail!("{unknown:?} is no part: {}", PARTS.join(", "));
                }
            }
            // cargo adds it.
            "--bench" => {}
            other => bail!("{other:?} is no option: --year, --peers, --peer-days DAYS, --only PART,.."),
        }
    }
    Ok(options)
}
