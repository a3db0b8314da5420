//! What the head logs hold when the store is opened.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::log::{Opened, read};
use crate::memory::{Memory, Sealing};
use crate::open_day::OpenDay;
use crate::point::Slot;
use crate::registry::Registry;

/// What the head logs hold.
pub(crate) struct Replayed {
    pub(crate) open: OpenDay,
    pub(crate) sealing: Option<Sealing>,
    /// The generation to go on with.
    pub(crate) generation: u64,
    pub(crate) sequence: u64,
    /// Which file to go on with, and behind how many bytes.
    pub(crate) resume: Option<(usize, usize)>,
}

impl Replayed {
    pub(crate) fn of(
        found: Vec<Opened>,
        sealed: u64,
        registry: &Registry,
        by_id: &HashMap<i64, Slot>,
    ) -> Self {
        let newest = found.iter().filter_map(|opened| opened.generation).max().unwrap_or(0).max(sealed);
        let mut replayed = Self {
            open: OpenDay::default(),
            sealing: None,
            generation: newest.saturating_add(1),
            sequence: 0,
            resume: None,
        };
        for opened in found {
            let Some(generation) = opened.generation.filter(|generation| *generation > sealed) else {
                continue;
            };
            // The one before it was about to be sealed when the program stopped.
            if let Some((before, _)) = replayed.resume.take() {
                debug_assert_ne!(before, opened.index);
                let day = std::mem::take(&mut replayed.open).into();
                replayed.sealing = Some(Sealing { day, through: replayed.generation });
            }
            let read = read(&opened.frames, generation, |values| {
                Memory::found(registry, by_id, &mut replayed.open, values);
            });
            for damaged in &read.damaged {
                put_aside(&opened.path, generation, damaged.start, &opened.frames[damaged.clone()]);
            }
            replayed.generation = generation;
            replayed.sequence = read.next.sequence;
            replayed.resume = Some((opened.index, read.end));
        }
        replayed
    }
}

/// Keeps damaged bytes of a log, once, for whoever wants to look at them.
fn put_aside(path: &Path, generation: u64, start: usize, damaged: &[u8]) {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".damaged-{generation}-{start}"));
    let aside = PathBuf::from(name);
    if aside.exists() {
        return;
    }
    let kept = fs::write(&aside, damaged);
    tracing::warn!(target: "store", log = %path.display(), bytes = damaged.len(), kept_in = %aside.display(),
        is_kept = kept.is_ok(), "a part of a head log is damaged: the values of some minutes are lost");
}
