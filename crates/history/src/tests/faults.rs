//! Faults of the disk, the folder and the file.

use std::fs;
use std::path::Path;
use std::process::Command;

use ohmstead_model::{Metric, Value};
use rstest::rstest;

use super::{NOW, SMALL, all, open, power, powers, reading, tamper};
use crate::settings::Limits;
use crate::{History, OpenError, Settings, TroubleKind};

fn refusal(folder: &Path) -> OpenError {
    match History::open_within(folder, &Settings::default(), &[], SMALL) {
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
    let log = folder.path().join("history.sqlite-wal");
    history.append(&power(1, 1.0)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    let whole = fs::metadata(&log).expect("the log").len();
    history.append(&power(2, 2.0)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    let more = fs::metadata(&log).expect("the log").len();
    for length in [whole, whole + 1, u64::midpoint(whole, more), more - 1, more] {
        let copy = copy_of(folder.path());
        let log = fs::OpenOptions::new().write(true).open(copy.path().join("history.sqlite-wal"));
        log.expect("the copy").set_len(length).expect("shorter");
        let found = powers(&open(copy.path())).len();
        assert_eq!(found, if length == more { 2 } else { 1 }, "at {length} of {more}");
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
    for at in 1..40 {
        history.append(&long(at)).expect("fits");
    }
    let error = history.commit(NOW).expect_err("no page is left");
    assert_eq!((error.trouble.kind, error.waiting), (TroubleKind::DiskFull, 78));
    let text = chain(&error);
    assert!(text.contains("they wait in memory") && text.contains("free some space"), "{text}");
    assert_eq!(powers(&history).len(), 40, "questions are still answered");
    set_pages(1_000_000);
    assert_eq!(history.commit(NOW).expect("space again").values, 78);
    drop(history);
    assert_eq!(powers(&open(folder.path())).len(), 40);
}

#[test]
fn a_disk_that_stays_full_drops_the_oldest_and_counts_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { pending_values: 30, ..SMALL };
    let history =
        History::open_within(folder.path(), &Settings::default(), &[], limits).expect("a folder of our own");
    for at in 0..100 {
        history.append(&power(at, 1.0)).expect("fits");
    }
    assert_eq!(powers(&history).first(), Some(&(70, 1.0)));
    assert_eq!(history.commit(NOW).expect("a sound disk").values, 30);
    assert_eq!(history.stats().expect("readable").dropped, 70);
}

/// A small file system of its own; `None`, said aloud, where tests may not mount one.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Self::mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], folder.path());
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
    let history = open(folder);
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
    for at in 1..200 {
        history.append(&power(at, 1.0)).expect("fits");
        failure = history.commit(NOW).err().or(failure);
    }
    let failure = failure.expect("the disk is full");
    assert_eq!(failure.trouble.kind, TroubleKind::DiskFull, "{}", chain(&failure));
    let ledger = history.put_state("key", &"v".repeat(100_000)).expect_err("the disk is full");
    assert_eq!(ledger.trouble.kind, TroubleKind::DiskFull, "{}", chain(&ledger));
    assert_eq!(powers(&history).len(), 200, "questions are still answered");
    fs::remove_file(ballast).expect("ours");
    history.commit(NOW).expect("space again");
    drop(history);
    assert_eq!(powers(&open(folder)).len(), 200);
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
    assert!(text.contains("history.sqlite: cannot be written; check the permissions"), "{text}");
}

/// In /proc not even root may make a file.
#[test]
fn a_folder_where_no_file_may_be_made_is_named() {
    let text = chain(&refusal(Path::new("/proc/self")));
    assert!(text.contains("/proc/self/history.sqlite: cannot be written; check the permissions"), "{text}");
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
            "history.sqlite: written by a newer version (schema 7, this is 1): update, or move the file away"
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

/// Damage inside: what is sound is still answered, and a seal neither fails nor destroys.
#[test]
fn damaged_blocks_and_commits_are_left_out_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.backfill((0..20).map(|at| power(at, 1.0))).expect("a sound disk");
    history.append(&power(30, 1.0)).expect("fits");
    history.commit(NOW).expect("a sound disk");
    drop(history);
    tamper(
        folder.path(),
        "UPDATE block SET body = x'00ff' WHERE first = 5 OR last = 19; UPDATE head SET body = x'0107'",
    );
    let history = open(folder.path());
    let times = |history: &History| powers(history).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
    let sound: Vec<i64> = (0..5).chain(10..15).collect();
    assert_eq!(times(&history), sound);
    for at in 40..60 {
        history.append(&power(at, 1.0)).expect("fits");
        history.commit(NOW).expect("a sound disk");
    }
    assert_eq!(times(&history), sound.into_iter().chain(40..60).collect::<Vec<_>>());
    assert_eq!(all(&history, Metric::BatterySoc), []);
    let writer = crate::store::lock(&history.writer);
    let kept =
        "SELECT (SELECT count(*) FROM block WHERE body = x'00ff') + (SELECT count(*) FROM head WHERE id = 1)";
    assert_eq!(writer.query_row(kept, (), |row| row.get::<_, i64>(0)).expect("a count"), 3);
}
