//! Work that is measured in a process of its own, so that nothing else is in its memory: this program again, with
//! `child NAME FOLDER START_MS`.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use ohmstead_model::UnixMillis;

use crate::measure::{Memory, timed};
use crate::ours;
use crate::queries::{Asked as _, Charts as _};
use crate::station::{DAY_MS, Station};

/// What the child with a full open day says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenDay {
    /// Before the store is opened, with the day open, and the highest with queries; MB.
    pub(crate) before: f64,
    pub(crate) open: f64,
    pub(crate) highest: f64,
}

/// What the child that opens it again says, ms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Restart {
    pub(crate) opened: f64,
    pub(crate) answered: f64,
}

/// A store in `folder` that lives the day after `start` and answers questions.
pub(crate) fn open_day(folder: &Path, start: UnixMillis) -> Result<OpenDay> {
    let [before, open, highest] = ask("open-day", folder, start)?;
    Ok(OpenDay { before, open, highest })
}

/// That store opened again by the next process, until it has told its last values.
pub(crate) fn restart(folder: &Path, start: UnixMillis) -> Result<Restart> {
    let [opened, answered] = ask("restart", folder, start)?;
    Ok(Restart { opened, answered })
}

fn ask<const N: usize>(name: &str, folder: &Path, start: UnixMillis) -> Result<[f64; N]> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["child", name]).arg(folder).arg(start.0.to_string()).stderr(Stdio::inherit());
    let output = command.output()?;
    if !output.status.success() {
        bail!("the process {name} ended with {}", output.status);
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers = text.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    numbers.try_into().ok().with_context(|| format!("the process {name} said {text:?}"))
}

/// The child's side. What it returns is printed.
pub(crate) fn run(args: &[String]) -> Result<Vec<f64>> {
    let [name, folder, start] = args else { bail!("expected child NAME FOLDER START_MS") };
    let (folder, start) = (Path::new(folder), UnixMillis(start.parse()?));
    match &**name {
        "open-day" => live_a_day(folder, start),
        "restart" => open_again(folder),
        other => bail!("no child is named {other}"),
    }
}

fn live_a_day(folder: &Path, start: UnixMillis) -> Result<Vec<f64>> {
    let mut station = Station::new(start);
    let before = Memory::of("self")?;
    let mut history = ours::open(folder)?;
    // All but the last minute: at midnight the day would be sealed.
    let end = UnixMillis(start.0 + DAY_MS - 60_000);
    ours::live(&history, &mut station, start..end, 60_000)?;
    let open = Memory::of("self")?;
    for _ in 0..5 {
        history.last()?;
        history.raw(start, end)?;
        history.hours(UnixMillis(start.0 - 29 * DAY_MS), end)?;
    }
    let asked = Memory::of("self")?;
    // The next process finds it as after a crash, not closed in good order.
    std::mem::forget(history);
    Ok(vec![before.resident, open.resident, asked.highest])
}

fn open_again(folder: &Path) -> Result<Vec<f64>> {
    let (history, opening) = timed(|| ours::open(folder));
    let mut history = history?;
    let (values, asking) = timed(|| history.last());
    values?;
    let (opened, asked) = (opening.wall.as_secs_f64() * 1000.0, asking.wall.as_secs_f64() * 1000.0);
    std::mem::forget(history);
    Ok(vec![opened, opened + asked])
}
