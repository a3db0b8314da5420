//! `history restore`: a backup in the place of the history. The files that were there are moved aside, never deleted.
//!
//! ```text
//! take the lock -> copy the backup into a folder beside the store -> open and verify it there
//!   -> what protects the devices at present (their originals, their wear) replaces what the backup has of it
//!   -> old files get a dated name -> the restored ones get theirs
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use ohmstead_history::History;
use serde_json::json;

use super::super::{Common, real_clock};
use crate::data_dir::{self, Holder};
use crate::failure::{Code, Failure};
use crate::store::HistoryConfig;

/// What the store's files begin with.
const NAMES: [&str; 2] = ["history.sqlite", "head-"];

/// What must not go back in time with the history: how devices were before they were changed, what was being written to
/// them, and how often what wears out was.
const PRESENT: [&str; 3] = ["original/", "attempt/", "wear/"];

pub(in crate::cli) fn run(common: &Common, file: &Path) -> Result<(), Failure> {
    let config = common.load_if_any()?.map(|(_, config)| config);
    let dir = common.data_dir(config.as_ref())?;
    let settings = HistoryConfig::of(config.as_ref());
    if !file.is_file() {
        return Err(Failure::new(Code::Usage, format!("there is no file {}", file.display())));
    }
    let _lock = data_dir::take(&dir, Holder::Verb).map_err(|error| Failure::of(Code::InUse, error))?;
    let beside = tempfile::Builder::new().prefix("restore-").tempdir_in(&dir);
    let beside = beside.with_context(|| format!("cannot make a folder in {}", dir.display()))?;
    let values = checked_copy(file, beside.path(), &settings)?;
    let kept = keep_present(&dir, beside.path(), &settings)?;
    let stamp = stamp();
    let aside = move_aside(&dir, &stamp)?;
    for path in store_files(beside.path())? {
        let target = dir.join(path.file_name().unwrap_or_default());
        fs::rename(&path, &target).with_context(|| {
            format!("cannot put {} in its place; what was there ends in .{stamp}", target.display())
        })?;
    }
    sync(&dir)?;
    let json = json!({ "file": file, "values": values, "moved_aside": aside, "kept_states": kept });
    common.print(&json, || {
        let mut lines = vec![format!("{} with {values} values is the history now", file.display())];
        lines.extend(aside.iter().map(|path| format!("what was there is kept as {}", path.display())));
        if kept > 0 {
            lines.push(format!("{kept} notes on how devices were before they were changed were kept"));
        }
        lines.join("\n")
    })
}

/// Copies the backup and reads all of it. Returns how many values it has.
fn checked_copy(file: &Path, to: &Path, settings: &HistoryConfig) -> Result<u64, Failure> {
    let copy = to.join("history.sqlite");
    fs::copy(file, &copy).with_context(|| format!("cannot copy {}", file.display()))?;
    let refuse = |error: anyhow::Error| {
        let context = format!("{} is no backup that can be restored; nothing was changed", file.display());
        Failure::from(error.context(context))
    };
    let history = open(to, settings).map_err(refuse)?;
    let found = history.verify().map_err(|error| refuse(error.into()))?;
    if let Some(damage) = found.damaged.first() {
        let what = format!("{}.{}: {}", damage.device, damage.metric, damage.what);
        return Err(refuse(anyhow!("{} parts of it are damaged, the first is {what}", found.damaged.len())));
    }
    Ok(history.stats().map_err(|error| refuse(error.into()))?.points)
}

/// Carries over what protects the devices at present. A store that cannot be read has nothing to carry.
fn keep_present(from: &Path, to: &Path, settings: &HistoryConfig) -> Result<u64, Failure> {
    if !from.join("history.sqlite").exists() {
        return Ok(0);
    }
    let Ok(present) = open(from, settings) else { return Ok(0) };
    let restored = open(to, settings)?;
    let mut kept = 0;
    for prefix in PRESENT {
        for key in restored.state_keys(prefix)? {
            restored.remove_state(&key)?;
        }
        for key in present.state_keys(prefix)? {
            if let Some(value) = present.get_state(&key)? {
                restored.put_state(&key, &value)?;
                kept += 1;
            }
        }
    }
    Ok(kept)
}

fn open(dir: &Path, settings: &HistoryConfig) -> Result<History, anyhow::Error> {
    Ok(History::open(dir, &settings.settings, &settings.zone, &settings.metrics())?)
}

/// Gives every file of the store a name with the date.
fn move_aside(dir: &Path, stamp: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut aside = Vec::new();
    for path in store_files(dir)? {
        let mut name = path.clone().into_os_string();
        name.push(format!(".{stamp}"));
        fs::rename(&path, &name).with_context(|| format!("cannot move {} aside", path.display()))?;
        aside.push(PathBuf::from(name));
    }
    Ok(aside)
}

/// The files of the store in `dir`, those that were moved aside not among them.
fn store_files(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let cannot = || format!("cannot read {}", dir.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_store = NAMES.iter().any(|known| name.starts_with(known)) && !is_aside(&name);
        if is_store && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a name ends in a date of [`stamp`].
fn is_aside(name: &str) -> bool {
    let date = name.rsplit_once('.').map_or("", |(_, date)| date);
    date.len() == 16 && date.ends_with('Z') && date.as_bytes()[8] == b'T'
}

/// `20261121T080000Z`.
fn stamp() -> String {
    let now = jiff::Timestamp::from_millisecond(real_clock().now().unix.0).unwrap_or_default();
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The names are on the disk when this returns.
fn sync(dir: &Path) -> Result<(), Failure> {
    let synced = fs::File::open(dir).and_then(|dir| dir.sync_all());
    Ok(synced.with_context(|| format!("cannot write {}", dir.display()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_moved_aside_is_not_moved_again() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "history.sqlite",
            "history.sqlite-wal",
            "head-a.log",
            "history.sqlite.20261121T080000Z",
            "ohmstead.lock",
        ];
        for name in names {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let found: Vec<_> = store_files(folder.path())
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(found, ["head-a.log", "history.sqlite", "history.sqlite-wal"]);
        let aside = move_aside(folder.path(), &stamp()).unwrap();
        assert_eq!(aside.len(), 3);
        assert!(store_files(folder.path()).unwrap().is_empty());
    }
}
