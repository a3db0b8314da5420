//! A power cut at any moment: every change of the files of a run is recorded, and the store is opened on what a disk
//! may hold after each of them.
//!
//! Two disks: one on which everything asked for so far has happened, and one that keeps what was synced and loses what
//! it may of the rest (`tape`). On both, everything acknowledged before must be there.

mod recorder;
mod tape;

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Stdio;

use fastrand::Rng;

use crate::known::Known;
use crate::script::Script;
use crate::writer::Ending;
use crate::{damage, open, writer};
use recorder::Recorder;
use tape::{Change, Disk, Image};

/// The operations of the recorded run, 66 days, and where the program ends: what the next start repairs is recorded too.
const RUNS: [(Range<u64>, Ending); 4] = [
    (0..150, Ending::Abrupt),
    (150..151, Ending::Orderly),
    (151..520, Ending::Abrupt),
    (520..800, Ending::Orderly),
];
/// The file in the recorded folder that takes what the writer says: so acknowledgements have their place among the
/// changes. No part of the store.
const ACKS: &str = "acknowledged";
/// Where images are built: memory, if there is some, because nobody gains from syncing them.
const MEMORY: &str = "/dev/shm";
/// Stretches of zeros are left out of the built files.
const STRETCH: usize = 4_096;

/// Cuts that are tried.
#[derive(Clone, Copy, Debug)]
enum Cuts {
    /// About so many, half of them beside a sync.
    Some(usize),
    All,
}

#[test]
fn what_was_acknowledged_survives_a_power_cut_at_some_moments() {
    try_cuts(Cuts::Some(120), 3);
}

mod long {
    use super::{Cuts, try_cuts};

    #[test]
    fn what_was_acknowledged_survives_a_power_cut_at_every_moment() {
        try_cuts(Cuts::All, 4);
    }
}

fn try_cuts(cuts: Cuts, seed: u64) {
    let script = Script::new(seed, "house");
    let changes = match record(&script) {
        Ok(changes) => changes,
        Err(error) => {
            println!("skipped: a file system cannot be mounted through FUSE here ({error})");
            return;
        }
    };
    let chosen = choose(&changes, cuts, &mut Rng::with_seed(seed));
    // Each thread follows the whole run and looks at its share of the cuts.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    std::thread::scope(|scope| {
        for share in 0..threads {
            let mine: Vec<bool> =
                chosen.iter().enumerate().map(|(at, chosen)| *chosen && at % threads == share).collect();
            let (changes, script) = (&changes, script.clone());
            scope.spawn(move || follow(changes, script, &mine));
        }
    });
    let tried = chosen.iter().filter(|chosen| **chosen).count();
    let syncs = changes.iter().filter(|change| is_sync(change)).count();
    let (all, operations) = (changes.len() + 1, end());
    println!("{tried} of {all} cuts tried, each on two disks; {operations} operations, {syncs} syncs");
}

/// Repeats the run on a disk, and cuts the power where it is chosen.
fn follow(changes: &[Change], script: Script, chosen: &[bool]) {
    let mut known = Known::new(script);
    let (mut disk, mut said) = (Disk::default(), String::new());
    for (at, cut) in chosen.iter().enumerate() {
        if *cut {
            check(&known, &disk.whole, &format!("the power cut after {at} changes"));
            let torn = disk.torn(&mut Rng::with_seed(at as u64));
            check(&known, &torn, &format!("the power cut after {at} changes, torn"));
        }
        let Some(change) = changes.get(at) else { break };
        disk.apply(change);
        if let Change::Write { file, bytes, .. } = change
            && disk.whole.names.get(ACKS) == Some(file)
        {
            said += &String::from_utf8_lossy(bytes);
            acknowledge(&mut known, &mut said);
        }
    }
    assert_eq!(known.next(), end(), "the writer came to its end");
}

/// Lets the writer run on a recording folder, several times.
fn record(script: &Script) -> io::Result<Vec<Change>> {
    let folder = tempfile::tempdir()?;
    let recorder = Recorder::mount(folder.path())?;
    let acks = File::create(folder.path().join(ACKS))?;
    for (range, ending) in RUNS {
        let mut child = writer::start(script, range, ending, folder.path(), Stdio::from(acks.try_clone()?));
        assert!(child.wait()?.success(), "the writer failed on the recording folder");
    }
    drop(acks);
    recorder.end()
}

/// How many operations there are.
fn end() -> u64 {
    RUNS[RUNS.len() - 1].0.end
}

/// Takes whole lines out of what the writer said.
fn acknowledge(known: &mut Known, said: &mut String) {
    while let Some(end) = said.find('\n') {
        let line: String = said.drain(..=end).collect();
        if let Some(n) = writer::ack(line.trim_end()) {
            assert_eq!(n, known.next(), "operations are acknowledged in their order");
            known.acknowledge(1);
        }
    }
}

fn is_sync(change: &Change) -> bool {
    matches!(change, Change::Sync { .. } | Change::SyncNames)
}

/// Whether to cut before each change, and after the last.
fn choose(changes: &[Change], cuts: Cuts, rng: &mut Rng) -> Vec<bool> {
    let Cuts::Some(count) = cuts else { return vec![true; changes.len() + 1] };
    let mut chosen = vec![false; changes.len() + 1];
    let syncs: Vec<usize> = (0..changes.len()).filter(|at| is_sync(&changes[*at])).collect();
    for _ in 0..count / 4 {
        // Before and after one; and anywhere, twice.
        let sync = syncs[rng.usize(0..syncs.len())];
        for at in [sync, sync + 1, rng.usize(0..chosen.len()), rng.usize(0..chosen.len())] {
            chosen[at] = true;
        }
    }
    chosen[..6].fill(true);
    chosen[changes.len()] = true;
    chosen
}

fn check(known: &Known, image: &Image, when: &str) {
    let folder = tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir()).expect("a folder");
    build(image, folder.path()).expect("space");
    let mut differences = match open(folder.path()) {
        Ok(history) => known.differences(&history),
        Err(error) => vec![format!("the store does not open: {error:?}")],
    };
    differences.extend(damage(folder.path()));
    let told = differences.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    let next = known.next();
    assert!(
        differences.is_empty(),
        "{when}, before operation {next}, {} differences:\n{told}",
        differences.len()
    );
}

fn build(image: &Image, folder: &Path) -> io::Result<()> {
    for (name, file) in &image.names {
        if name == ACKS {
            continue;
        }
        let content = image.files.get(file).map_or(&[][..], Vec::as_slice);
        let built = fs::OpenOptions::new().write(true).create_new(true).open(folder.join(name))?;
        built.set_len(content.len() as u64)?;
        for (index, stretch) in content.chunks(STRETCH).enumerate() {
            if stretch.iter().any(|byte| *byte != 0) {
                built.write_all_at(stretch, (index * STRETCH) as u64)?;
            }
        }
    }
    Ok(())
}
