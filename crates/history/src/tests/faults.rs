//! Faults of the disk, the folder and the file.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ohmstead_model::{Metric, Points, Resolution, Value};
use rstest::rstest;

use jiff::tz::TimeZone;

use super::{LARGE, NOW, SMALL, open, open_with, power, powers, query, reading, tamper};
use crate::settings::Limits;
use crate::{History, OpenError, Settings, TroubleKind};

fn refusal(folder: &Path) -> OpenError {
    match History::open_within(folder, &Settings::default(), &TimeZone::UTC, &[], SMALL) {
        Ok(_) => panic!("the file was accepted"),
        Err(error) => error,
    }
}

/// The whole chain of causes in one line, as the user reads it.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// What a power cut leaves: the files as they are, of a store that is open and was never closed.
fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        // The index of the log is rebuilt; a power cut leaves nothing of it that counts.
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("space in /tmp");
        }
    }
    copy
}

#[test]
fn after_a_kill_everything_committed_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    let mut committed = 0;
    for at in 0..120 {
        history.append(&power(at, at as f64)).expect("fits");
        if at % 7 == 6 {
            history.commit(NOW).expect("a sound disk");
            committed = at + 1;
        }
        history.put_state("at", &at.to_string()).expect("a sound disk");
        if at % 11 == 0 {
            let copy = copy_of(folder.path());
            let found = open(copy.path());
            assert_eq!(powers(&found), (0..committed).map(|at| (at, at as f64)).collect::<Vec<_>>());
            assert_eq!(found.get_state("at").expect("readable"), Some(at.to_string()));
        }
    }
}

/// A log that ends in the middle of a commit: the commits before it count, it does not.
#[test]
fn a_torn_log_loses_only_the_commit_that_was_being_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    let log = folder.path().join("head-a.log");
    history.append(&power(1, 1.0)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    let used = || fs::read(&log).expect("the log").iter().rposition(|byte| *byte != 0).expect("frames") + 1;
    let whole = used();
    history.append(&power(2, 2.0)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    let more = used();
    for length in whole..=more {
        let copy = copy_of(folder.path());
        let torn = fs::OpenOptions::new().write(true).open(copy.path().join("head-a.log"));
        torn.expect("the copy").set_len(length as u64).expect("shorter");
        let found = open(copy.path());
        assert_eq!(powers(&found).len(), if length == more { 2 } else { 1 }, "at {length} of {more}");
        // What comes next is not confused with what is left of the torn commit.
        found.append(&power(3, 3.0)).expect("fits");
        found.commit(NOW).expect("a sound disk");
        drop(found);
        assert_eq!(powers(&open(copy.path())).last(), Some(&(3, 3.0)));
    }
}

#[test]
fn a_full_disk_keeps_serving_and_recovers() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.append(&power(0, 0.0)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    let set_pages = |most: i64| {
        let writer = crate::store::lock(&history.writer);
        let pages: i64 = writer
            .connection
            .query_row(&format!("PRAGMA max_page_count = {most}"), (), |row| row.get(0))
            .expect("a pragma");
        pages
    };
    set_pages(1);
    // Texts, so that the pages at hand do not suffice.
    let long = |at: i64| {
        let version = (Metric::BatteryModeNative, Ok(Value::text(format!("{at}{}", "v".repeat(4_000)))));
        let watts = (Metric::BatteryPower, Ok(Value::Number(at as f64)));
        reading("b", at, vec![version, watts])
    };
    for at in 1..400 {
        history.append(&long(at)).expect("fits");
    }
    let error = history.commit(NOW).expect_err("no page is left");
    // They are in the log, but there are too many of them to wait for the night.
    assert_eq!((error.trouble.kind, error.waiting), (TroubleKind::DiskFull, 0));
    let text = chain(&error);
    assert!(text.contains("history.sqlite: no space left on the disk; free some space"), "{text}");
    let state = history.put_state("key", &"v".repeat(100_000)).expect_err("no page is left");
    assert_eq!(state.trouble.kind, TroubleKind::DiskFull, "{}", chain(&state));
    assert_eq!(powers(&history).len(), 400, "questions are still answered");
    set_pages(1_000_000);
    history.append(&power(400, 400.0)).expect("fits");
    assert_eq!(history.commit(NOW).expect("space again").values, 1);
    drop(history);
    assert_eq!(powers(&open(folder.path())).len(), 401);
}

#[test]
fn a_disk_that_stays_full_drops_the_oldest_and_counts_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), Limits { open_bytes_max: 4_000, waiting_bytes: 300, ..LARGE });
    for at in 0..20_000 {
        history.append(&power(at, (at % 977) as f64)).expect("fits");
    }
    let left = powers(&history);
    let dropped = history.stats().expect("readable").dropped;
    assert!(dropped > 10_000 && left.len() as u64 + dropped == 20_000, "{dropped} and {}", left.len());
    assert_eq!(left.last(), Some(&(19_999, f64::from(19_999 % 977))));
    history.commit(NOW).expect("a sound disk");
    drop(history);
    assert_eq!(powers(&open(folder.path())), left);
}

/// A small file system of its own; `None`, said aloud, where tests may not mount one.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Self::mount(&["-t", "tmpfs", "-o", "size=3m", "tmpfs"], folder.path());
        if !mounted {
            println!("skipped: mounting a tmpfs is not allowed here");
        }
        mounted.then_some(Self(folder))
    }

    fn mount(options: &[&str], at: &Path) -> bool {
        Command::new("mount").args(options).arg(at).output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[test]
fn a_file_system_without_space_keeps_serving_and_recovers() {
    let Some(disk) = Mounted::new() else { return };
    let folder = disk.0.path();
    let settings = Settings { free_min: "0".parse().expect("a size"), ..Settings::default() };
    let history = History::open_within(folder, &settings, &TimeZone::UTC, &[], SMALL).expect("opens");
    let ballast = folder.join("ballast");
    history.append(&power(0, 0.0)).expect("fits");
    history.commit(NOW).expect("space");
    // Filled to the last page by another program.
    let mut size = 1 << 20;
    while size > 0 {
        let more = fs::OpenOptions::new().append(true).create(true).open(&ballast);
        if std::io::Write::write_all(&mut more.expect("an inode"), &vec![0; size]).is_err() {
            size /= 2;
        }
    }
    let mut failure = None;
    for at in 1..900 {
        history.append(&power(at, 1.0)).expect("fits");
        failure = history.commit(NOW).err().or(failure);
    }
    let failure = failure.expect("the disk is full");
    assert_eq!(failure.trouble.kind, TroubleKind::DiskFull, "{}", chain(&failure));
    let ledger = history.put_state("key", &"v".repeat(100_000)).expect_err("the disk is full");
    assert_eq!(ledger.trouble.kind, TroubleKind::DiskFull, "{}", chain(&ledger));
    assert_eq!(powers(&history).len(), 900, "questions are still answered");
    fs::remove_file(ballast).expect("ours");
    history.commit(NOW).expect("space again");
    drop(history);
    assert_eq!(powers(&open(folder)).len(), 900);
}

#[test]
fn a_disk_with_little_space_is_left_to_others() {
    let Some(disk) = Mounted::new() else { return };
    let folder = disk.0.path();
    let history = open(folder);
    let failures = (0..900).filter(|at| {
        history.append(&power(*at, 1.0)).expect("fits");
        history.commit(NOW).is_err_and(|error| error.trouble.kind == TroubleKind::DiskFull)
    });
    assert!(failures.count() > 100, "3 MB are less than what is left to others");
    history.put_state("key", "value").expect("what must be written is");
    drop(history);
    assert_eq!(powers(&open(folder)).len(), 900, "the log has them");
}

#[test]
fn a_read_only_file_system_is_named() {
    let Some(disk) = Mounted::new() else { return };
    let folder = disk.0.path();
    drop(open(folder));
    assert!(Mounted::mount(&["-o", "remount,ro"], folder), "a mounted tmpfs can be made read-only");
    let error = refusal(folder);
    let text = chain(&error);
    assert!(matches!(&error, OpenError::Storage(trouble) if trouble.kind == TroubleKind::ReadOnly), "{text}");
    assert!(text.contains("history.lock: cannot be written; check the permissions"), "{text}");
}

/// In /proc not even root may make a file.
#[test]
fn a_folder_where_no_file_may_be_made_is_named() {
    let text = chain(&refusal(Path::new("/proc/self")));
    assert!(text.contains("/proc/self/history.lock: cannot be written; check the permissions"), "{text}");
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("nowhere");
    let text = refusal(&missing).to_string();
    assert_eq!(
        text,
        format!("{}: no such folder; create it, or choose another data folder", missing.display())
    );
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.append(&power(1, 1.0)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    drop(history);
    tamper(folder.path(), "PRAGMA user_version = 7");
    let before = fs::read(folder.path().join("history.sqlite")).expect("the file");
    let text = refusal(folder.path()).to_string();
    assert!(
        text.ends_with(
            "history.sqlite: written by a newer version (schema 7, this is 2): update, or move the file away"
        ),
        "{text}"
    );
    assert_eq!(fs::read(folder.path().join("history.sqlite")).expect("the file"), before);
}

#[test]
fn a_negative_schema_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    tamper(folder.path(), "PRAGMA user_version = -1");
    assert!(matches!(refusal(folder.path()), OpenError::Newer { found: -1, .. }));
}

#[rstest]
#[case::text(b"devices:\n  garage: {}\n".repeat(100))]
#[case::half_a_header(b"SQLite format 3\0".to_vec())]
#[case::zeros(vec![0; 8_192])]
fn what_is_no_database_is_named_and_kept(#[case] content: Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.sqlite");
    fs::write(&file, &content).expect("space in /tmp");
    let text = chain(&refusal(folder.path()));
    assert!(text.contains("history.sqlite: not a database, or damaged; nothing was changed"), "{text}");
    assert_eq!(fs::read(&file).expect("the file"), content);
}

#[test]
fn an_empty_file_is_a_new_history() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("history.sqlite"), "").expect("space in /tmp");
    open(folder.path()).put_state("key", "value").expect("a sound disk");
}

#[test]
fn the_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    tamper(folder.path(), "CREATE TABLE guests (name TEXT)");
    let text = refusal(folder.path()).to_string();
    assert!(
        text.ends_with("a database of another program; move it away, or choose another data folder"),
        "{text}"
    );
}

#[test]
fn a_locked_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    let other = rusqlite::Connection::open(folder.path().join("history.sqlite")).expect("the file opens");
    other.pragma_update(None, "locking_mode", "EXCLUSIVE").expect("a pragma");
    other.execute_batch("BEGIN EXCLUSIVE").expect("nobody else has it");
    let text = chain(&refusal(folder.path()));
    assert!(text.contains("history.sqlite: another program keeps it locked"), "{text}");
}

/// Damage inside: what is sound is still answered, and what is not is named and put aside.
#[test]
fn damaged_values_are_left_out_and_put_into_quarantine() {
    const DAY_MS: i64 = 86_400_000;
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.backfill((0..96).map(|hour| power(hour * 3_600_000, 1.0))).expect("a sound disk");
    drop(history);
    tamper(folder.path(), "UPDATE block SET body = x'00ff' WHERE first IN (86400000, 172800000)");
    let history = open(folder.path());
    let days = |history: &History| {
        let days: std::collections::BTreeSet<i64> =
            powers(history).into_iter().map(|(at, _)| at / DAY_MS).collect();
        days.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(days(&history), [0, 3]);
    let hourly = query(Metric::BatteryPower, 0, 4 * DAY_MS, Resolution::Step(Duration::from_secs(3_600)));
    let Points::Buckets(hours) = history.range(&hourly).expect("readable").points else { panic!("a step") };
    assert_eq!(hours.len(), 96, "the summaries are sound");
    // New values of a damaged day, and a check of the other.
    history.backfill([power(DAY_MS + 1, 2.0)].into_iter()).expect("a sound disk");
    assert_eq!(days(&history), [0, 1, 3]);
    let verified = history.verify().expect("readable");
    let named: Vec<_> = verified.damaged.iter().map(|one| (&*one.device, &*one.metric, one.from.0)).collect();
    assert_eq!(named, [("b", "battery_power", 2 * DAY_MS)]);
    assert_eq!(verified.known.len(), 1, "the other one was found before");
    let again = history.verify().expect("readable");
    assert_eq!((again.damaged.len(), again.known.len()), (0, 2));
    let kept = "SELECT count(*) FROM quarantine WHERE body = x'00ff'";
    let writer = crate::store::lock(&history.writer);
    assert_eq!(writer.connection.query_row(kept, (), |row| row.get::<_, i64>(0)).expect("a count"), 2);
}

/// Any one bit of a log: the values of a few minutes may be lost, all others are there, and nothing is wrong.
#[test]
fn a_flipped_bit_in_a_log_costs_what_lies_between_two_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open_with(folder.path(), LARGE);
    for at in 0..20_000 {
        history.append(&power(at, (at * at % 977) as f64)).expect("fits");
    }
    history.commit(NOW).expect("a sound disk");
    let all = powers(&history);
    let log = fs::read(folder.path().join("head-a.log")).expect("the log");
    let used = log.iter().rposition(|byte| *byte != 0).expect("frames");
    for at in (64..used).step_by(used / 19) {
        let copy = copy_of(folder.path());
        let mut damaged = log.clone();
        damaged[at] ^= 0x10;
        fs::write(copy.path().join("head-a.log"), damaged).expect("space in /tmp");
        let found = open_with(copy.path(), LARGE);
        let left = powers(&found);
        assert!(left.len() > all.len() / 2 || at > used / 2, "{} left, bit at {at} of {used}", left.len());
        assert!(left.iter().all(|point| all.contains(point)));
        drop(found);
        assert_eq!(powers(&open_with(copy.path(), LARGE)), left, "read alike the next time");
    }
}
