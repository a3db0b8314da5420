//! `import`: the configuration of another program, as one of ours.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use ohmstead_config::LoadError;
use ohmstead_config::import::{self, Imported};
use serde_json::json;

use super::Common;
use crate::failure::{Code, Failure};
use crate::print;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    /// The .env of marstek-automation
    MarstekAutomation(File),
    /// The config.yaml of marstek-poller
    MarstekPoller(File),
    /// The environment file of pv-inverter-monitor (KEY=VALUE lines); /dev/null for versions without one
    PvInverterMonitor(File),
    /// The config.py of venus-export-limiter; it is read, not run
    VenusExportLimiter(File),
    /// A JSON list of a GX device's paths with intervals and limits, as `export paths --json` writes one
    VictronPaths(File),
}

#[derive(Debug, Args)]
struct File {
    /// Its configuration
    file: PathBuf,
    /// Write there instead of printing; an existing file is never overwritten
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What reads another program's configuration.
type Convert = fn(&str, &str) -> Result<Imported, LoadError>;

pub(super) fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let (convert, File { file, output }): (Convert, _) = match &arguments.from {
        From::MarstekAutomation(file) => (import::marstek_automation, file),
        From::MarstekPoller(file) => (import::marstek_poller, file),
        From::PvInverterMonitor(file) => (import::pv_inverter_monitor, file),
        From::VenusExportLimiter(file) => (import::venus_export_limiter, file),
        From::VictronPaths(file) => (import::victron_paths, file),
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(|error| Failure::of(Code::Config, error))?;
    let imported =
        convert(&text, &file.display().to_string()).map_err(|error| Failure::of(Code::Config, error))?;
    if let Some(output) = output {
        write_new(output, &imported.yaml)?;
    }
    let json = json!({ "yaml": imported.yaml, "notes": imported.notes, "output": output });
    if common.json {
        return common.print(&json, String::new);
    }
    // The notes go beside the configuration, so that `> ohmstead.yaml` gives a clean one.
    imported.notes.iter().for_each(|note| print::err(format!("note: {note}")));
    match output {
        None => Ok(print::out(&imported.yaml)?),
        Some(output) => {
            Ok(print::out(format!("written to {}; check it with `ohmstead check --live`", output.display()))?)
        }
    }
}

/// A configuration may hold passwords: only its owner reads it.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}
