//! A writer that is killed at any moment, many times over the same store.

use std::fs;
use std::io::BufRead;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fastrand::Rng;

use crate::known::Known;
use crate::script::Script;
use crate::writer::Ending;
use crate::{damage, open, writer};

/// More operations than a writer does before it is killed.
const OPERATIONS: u64 = 100_000;
/// Acknowledgements that are read before the kill, at most.
const ACKS: usize = 120;

#[test]
fn nothing_acknowledged_is_lost_by_30_kills() {
    survive(30, 1);
}

mod long {
    #[test]
    fn nothing_acknowledged_is_lost_by_1000_kills() {
        super::survive(1_000, 2);
    }
}

fn survive(kills: u32, seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let script = Script::new(seed, "house");
    let mut known = Known::new(script.clone());
    let mut rng = Rng::with_seed(seed);
    let mut slowest = Duration::ZERO;
    for kill in 1..=kills {
        let first = known.next();
        known.acknowledge(write_and_kill(&script, first, folder.path(), &mut rng));
        known.interrupt();
        // Every other time a copy is looked at, so that the next writer finds what the kill left.
        let copy = rng.bool().then(|| copy_of(folder.path()));
        let place = copy.as_ref().map_or(folder.path(), tempfile::TempDir::path);
        let (differences, took) = reopened(&known, place);
        let told = differences.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
        assert!(
            differences.is_empty(),
            "kill {kill}, after operation {}, {} differences:\n{told}",
            known.next(),
            differences.len()
        );
        slowest = slowest.max(took);
    }
    println!("{kills} kills, {} operations, all there; the slowest restart took {slowest:.1?}", known.next());
    assert!(known.next() > u64::from(kills) * 10, "the writer hardly got anywhere");
}

/// Returns how many operations were acknowledged.
fn write_and_kill(script: &Script, first: u64, folder: &Path, rng: &mut Rng) -> u64 {
    let mut child = writer::start(script, first..first + OPERATIONS, Ending::Orderly, folder, Stdio::piped());
    let mut output = writer::output(&mut child);
    // Some are killed while they start, most in the middle of whatever follows an acknowledgement.
    let (acks, turns) = if rng.u8(0..8) == 0 { (0, 400_000) } else { (rng.usize(1..ACKS), 20_000) };
    let mut count = writer::acknowledged(&mut output, first, acks);
    for _ in 0..rng.u32(0..turns) {
        std::hint::spin_loop();
    }
    child.kill().expect("it is ours");
    count += writer::acknowledged(&mut output, first + count, usize::MAX);
    assert_eq!(child.wait().expect("ours").signal(), Some(9), "the writer ended by itself");
    assert!(output.fill_buf().is_ok_and(<[u8]>::is_empty), "all that it said was read");
    count
}

fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("space");
    }
    copy
}

/// What is wrong, and how long it took until the store answered.
#[expect(clippy::disallowed_methods, reason = "how long a restart takes in real life is printed")]
fn reopened(known: &Known, folder: &Path) -> (Vec<String>, Duration) {
    let start = std::time::Instant::now();
    let history = open(folder).expect("the store opens");
    history.last_values().expect("readable");
    let took = start.elapsed();
    let mut differences = known.differences(&history);
    drop(history);
    differences.extend(damage(folder));
    (differences, took)
}
