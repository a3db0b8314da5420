//! What was done to the files of a folder, in order, and what a disk may hold when the power goes in between.
//!
//! The rules are those of POSIX, not of a kind file system: what was written to a file since its last sync may be there or
//! not, sector by sector and in any order; a new name, a new place of a name and a removal may be undone as long as the
//! folder was not synced (of several, the later ones first). What was synced is there.

use std::collections::BTreeMap;

use fastrand::Rng;

/// What a disk writes as a whole or not at all, bytes.
const SECTOR: usize = 512;

/// One change; files are known by their number, because names come and go.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Write { file: u64, at: usize, bytes: Vec<u8> },
    Resize { file: u64, length: usize },
    Sync { file: u64 },
    Create { name: String, file: u64 },
    Rename { from: String, to: String },
    Remove { name: String },
    SyncNames,
}

/// The files of a folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    pub(crate) names: BTreeMap<String, u64>,
    pub(crate) files: BTreeMap<u64, Vec<u8>>,
}

impl Image {
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { file, at, bytes } => self.write(*file, *at, bytes),
            Change::Resize { file, length } => self.files.entry(*file).or_default().resize(*length, 0),
            Change::Create { name, file } => {
                self.names.insert(name.clone(), *file);
                self.files.entry(*file).or_default();
            }
            Change::Rename { from, to } => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                }
            }
            Change::Remove { name } => {
                self.names.remove(name);
            }
            Change::Sync { .. } | Change::SyncNames => {}
        }
    }

    fn write(&mut self, file: u64, at: usize, bytes: &[u8]) {
        let content = self.files.entry(file).or_default();
        let end = at + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[at..end].copy_from_slice(bytes);
    }
}

/// A disk while it is written to.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// With every change.
    pub(crate) whole: Image,
    /// With what was synced, and no more.
    synced: Image,
    /// Changes that are not synced yet, in order.
    waiting: Vec<Change>,
}

impl Disk {
    pub(crate) fn apply(&mut self, change: &Change) {
        self.whole.apply(change);
        let now_synced: Box<dyn Fn(&Change) -> bool> = match *change {
            Change::Sync { file } => Box::new(move |other| file_of(other) == Some(file)),
            Change::SyncNames => Box::new(|other| file_of(other).is_none()),
            _ => return self.waiting.push(change.clone()),
        };
        let waiting = std::mem::take(&mut self.waiting);
        for change in waiting {
            if now_synced(&change) { self.synced.apply(&change) } else { self.waiting.push(change) }
        }
    }

    /// What may be there after a power cut now: what was synced, and of the rest what luck will have.
    pub(crate) fn torn(&self, rng: &mut Rng) -> Image {
        let mut image = self.synced.clone();
        let names: Vec<&Change> = self.waiting.iter().filter(|change| file_of(change).is_none()).collect();
        for change in &names[..rng.usize(0..=names.len())] {
            image.apply(change);
        }
        let mut luck = BTreeMap::new();
        for change in &self.waiting {
            let Some(file) = file_of(change) else { continue };
            // Nothing, everything, and some of both.
            let luck = *luck.entry(file).or_insert_with(|| [0.0, 0.3, 0.7, 1.0][rng.usize(0..4)]);
            match change {
                Change::Write { at, bytes, .. } => {
                    for sector in sectors(*at, bytes) {
                        if rng.f64() < luck {
                            image.write(file, sector.0, sector.1);
                        }
                    }
                    let (content, end) = (image.files.entry(file).or_default(), at + bytes.len());
                    if content.len() < end && rng.bool() {
                        // The new length came to the disk before what is in it.
                        content.resize(end, 0);
                    }
                }
                other if rng.f64() < luck => image.apply(other),
                _ => {}
            }
        }
        image
    }
}

/// Whose content it changes; none if it changes names.
fn file_of(change: &Change) -> Option<u64> {
    match change {
        Change::Write { file, .. } | Change::Resize { file, .. } | Change::Sync { file } => Some(*file),
        _ => None,
    }
}

/// The parts of a write that lie in one sector each.
fn sectors(at: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let end = bytes.len().min((at + start) / SECTOR * SECTOR + SECTOR - at);
        let part = (start < end).then(|| (at + start, &bytes[start..end]));
        start = end;
        part
    })
}

#[test]
fn a_write_is_torn_at_the_borders_of_sectors() {
    let parts = |at, length| sectors(at, &[7; 4_096][..length]).map(|(at, part)| (at, part.len())).collect();
    let expected: [Vec<(usize, usize)>; 3] =
        [vec![(0, 512), (512, 88)], vec![(500, 12), (512, 512), (1_024, 1)], vec![]];
    let found: [Vec<(usize, usize)>; 3] = [parts(0, 600), parts(500, 525), parts(512, 0)];
    assert_eq!(found, expected);
}

#[test]
fn what_was_synced_survives_and_nothing_else_must() {
    let write = |at, byte| Change::Write { file: 2, at, bytes: vec![byte; 1_024] };
    let mut disk = Disk::default();
    let create = Change::Create { name: "log".to_owned(), file: 2 };
    for change in [create, Change::SyncNames, write(0, 1), Change::Sync { file: 2 }, write(512, 2)] {
        disk.apply(&change);
    }
    disk.apply(&Change::Remove { name: "log".to_owned() });
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let torn = disk.torn(&mut Rng::with_seed(seed));
        let content = &torn.files[&2];
        assert_eq!(content[..512], [1; 512]);
        let tail: Vec<u8> = content[512..].chunks(SECTOR).map(|sector| sector[0]).collect();
        seen.insert((torn.names.contains_key("log"), tail));
    }
    let tails: [&[u8]; 5] = [&[1], &[1, 0], &[1, 2], &[2], &[2, 2]];
    let with_zeros: &[u8] = &[2, 0];
    let expected = tails
        .into_iter()
        .chain([with_zeros])
        .flat_map(|tail| [true, false].map(|named| (named, tail.to_vec())));
    assert_eq!(seen, expected.collect());
}
