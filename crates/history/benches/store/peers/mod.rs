//! Others on the same data: started on this machine with a folder of their own, filled, asked over HTTP, stopped. What is not on
//! this machine is unpacked from Debian's package, without installing it; what cannot be had is reported and left out.
//!
//! States are told by their number and texts as 0.

mod influxdb;
mod prometheus;
mod victoria;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::measure::{bytes_of, wait};
use crate::report::{Report, say};
use crate::station::JUNE;
use ohmstead_model::UnixMillis;

/// Fills and asks one: its folder, the end of the data, how many days they are.
type Peer = fn(&Path, UnixMillis, i64, &mut Report) -> Result<()>;

/// All of them, one after the other.
pub(crate) fn run(report: &mut Report, folder: &Path, days: i64) -> Result<()> {
    let end = UnixMillis(JUNE.0 + days * crate::station::DAY_MS);
    let peers: [(&str, Peer); 3] =
        [("influxdb", influxdb::run), ("victoria-metrics", victoria::run), ("prometheus", prometheus::run)];
    for (name, peer) in peers {
        let own = folder.join(name);
        fs::create_dir_all(&own)?;
        say(name);
        if let Err(error) = peer(&own, end, days, report) {
            report.fact(name, format!("skipped: {error:#}"));
        }
        fs::remove_dir_all(&own)?;
    }
    Ok(())
}

/// Where the program of a Debian package is: on the search path, or unpacked in `folder`.
fn program(folder: &Path, package: &str, name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if let Some(installed) = installed {
        return Ok(installed);
    }
    let unpacked = folder.join("package");
    let file = unpacked.join("usr/bin").join(name);
    if !file.is_file() {
        fs::create_dir_all(&unpacked)?;
        quiet(Command::new("apt-get").args(["-q", "download", package]).current_dir(folder))
            .with_context(|| format!("{name} is not installed, and the package {package} cannot be had"))?;
        let archive = fs::read_dir(folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"));
        let archive = archive.with_context(|| format!("no package {package} was downloaded"))?;
        quiet(Command::new("dpkg-deb").arg("-x").arg(archive).arg(&unpacked))?;
    }
    if !file.is_file() {
        bail!("the package {package} has no {name}");
    }
    Ok(file)
}

fn quiet(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// The size of a folder when it has not changed for twenty seconds: merges go on for a while.
fn settled(folder: &Path) -> Result<u64> {
    let (mut bytes, mut same) = (bytes_of(folder)?, 0);
    for _ in 0..150 {
        wait(Duration::from_secs(2));
        let now = bytes_of(folder)?;
        same = if now == bytes { same + 1 } else { 0 };
        bytes = now;
        if same == 10 {
            break;
        }
    }
    Ok(bytes)
}
