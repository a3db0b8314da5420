//! What was asked by hand, as it survives a restart.

use std::collections::{BTreeMap, BTreeSet};

use ohmstead_control::Override;
use ohmstead_control::overrides::power_beyond_all;
use ohmstead_model::{DeviceId, Part, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::records::{NotDurable, Records};

/// Where it is kept.
const KEY: &str = "overrides";

/// Where it is kept what is switched off.
const OFF_KEY: &str = "control/off";

/// What is switched off: the keys of the parts, with commas between them.
pub(crate) async fn read_off(records: &dyn Records) -> Result<BTreeSet<Part>, NotDurable> {
    let text = records.get_state(OFF_KEY.to_owned()).await?.unwrap_or_default();
    Ok(text.split(',').filter_map(Part::of_key).collect())
}

/// Keeps what is switched off.
pub(crate) async fn write_off(records: &dyn Records, off: &BTreeSet<Part>) -> Result<(), NotDurable> {
    let keys: Vec<_> = off.iter().map(|part| part.key()).collect();
    records.put_state(OFF_KEY.to_owned(), keys.join(",")).await
}

/// What was kept, as far as it can be read.
#[derive(Debug, Default)]
pub(crate) struct Kept<T> {
    /// What can be read.
    pub(crate) value: T,
    /// What of it cannot: names, or why.
    pub(crate) unreadable: Vec<String>,
}

impl<T> Kept<T> {
    /// What can be read; the log says what cannot.
    pub(crate) fn or_warn(self, key: &str) -> T {
        let Self { value, unreadable } = self;
        if !unreadable.is_empty() {
            let unreadable = unreadable.join(", ");
            tracing::warn!(target: "control", key, unreadable, "not everything that was kept can be read");
        }
        value
    }
}

/// Keeps a text that makes no sense under another key, behind what is there already, before something else takes its place.
pub(super) async fn put_aside(records: &dyn Records, key: &str, text: &str) -> Result<(), NotDurable> {
    let aside = aside(key);
    let before = records.get_state(aside.clone()).await?.unwrap_or_default();
    if before.contains(text) {
        return Ok(());
    }
    tracing::warn!(target: "control", key, aside, "what was kept and cannot be read is put aside");
    let all = if before.is_empty() { text.to_owned() } else { format!("{before}\n{text}") };
    records.put_state(aside, all).await
}

/// Where it is kept what could not be read under `key`.
pub(super) fn aside(key: &str) -> String {
    format!("{key}/unreadable")
}

/// One override as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    device: String,
    mode: String,
    asked_by: String,
    since_unix_ms: i64,
    ends_unix_ms: i64,
}

impl Line {
    pub(super) fn of(asked: &Override) -> Self {
        Self {
            device: asked.device.to_string(),
            mode: asked.mode.to_string(),
            asked_by: asked.asked_by.clone(),
            since_unix_ms: asked.since.0,
            ends_unix_ms: asked.ends.0,
        }
    }

    pub(super) fn read(self) -> Option<Override> {
        Some(Override {
            device: self.device.parse().ok()?,
            mode: self.mode.parse().ok().filter(|mode| power_beyond_all(mode).is_none())?,
            asked_by: self.asked_by,
            since: UnixMillis(self.since_unix_ms),
            ends: UnixMillis(self.ends_unix_ms),
            asked_at: None,
        })
    }
}

/// What is in the book; an error where the memory cannot be read at present. A book that makes no sense is empty, and the
/// log says so.
pub(super) async fn read(records: &dyn Records) -> Result<BTreeMap<DeviceId, Override>, NotDurable> {
    let text = records.get_state(KEY.to_owned()).await?.unwrap_or_default();
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    let lines: Vec<Line> = serde_json::from_str(&text).unwrap_or_else(|error| {
        tracing::warn!(target: "control", %error, "what was asked by hand before the start cannot be read");
        Vec::new()
    });
    Ok(lines.into_iter().filter_map(Line::read).map(|asked| (asked.device.clone(), asked)).collect())
}

/// Forgets what was asked by hand of `device`, or of all where there is none, where no control runs that would.
pub(crate) async fn forget(records: &dyn Records, device: Option<&DeviceId>) -> Result<(), NotDurable> {
    let mut overrides = read(records).await?;
    let before = overrides.len();
    overrides.retain(|id, _| device.is_some_and(|device| device != id));
    if overrides.len() == before { Ok(()) } else { write(records, &overrides).await }
}

/// Keeps it.
pub(super) async fn write(
    records: &dyn Records,
    overrides: &BTreeMap<DeviceId, Override>,
) -> Result<(), NotDurable> {
    let lines: Vec<_> = overrides.values().map(Line::of).collect();
    let text = serde_json::to_string(&lines).expect("texts and numbers");
    records.put_state(KEY.to_owned(), text).await
}
