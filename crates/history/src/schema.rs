//! Opening the database file: whose it is, which version, and the tables.
//!
//! ```text
//! store  (id, opens, sealed_generation, sealed_day)   one row: whose head logs belong to it, and what of them is sealed
//! series (id, device, metric, kind, decimals)         what is stored; numbers are integers of 10^-decimals units
//! part   (id, start, end, changes, has_raw, is_ready) how time is cut, see `parts`
//! block  (id, first, last, count, times, body)        the values of one series in one part, see `block`
//! times  (id, body)                                   their time stamps, shared by all series that were read together
//! rollup (id, body)                                   one summary per hour of a series in a part, see `rollup`
//! quarantine                                          what was damaged
//! ledger, event, state                                written at once, kept for ever
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::trouble::Trouble;

/// `OHMS`: tells our files from other programs' SQLite files.
const APPLICATION_ID: i32 = 0x4F48_4D53;

/// The steps from each schema version to the next; the version of a file is the number of steps it has taken.
/// A step that was released is never edited: append a new one.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        device TEXT NOT NULL,
        metric TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('number', 'text')),
        decimals INTEGER NOT NULL,
        UNIQUE (device, metric, kind)
    ) STRICT;
    CREATE TABLE head (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, body BLOB NOT NULL) STRICT;
    CREATE TABLE times (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE block (
        id INTEGER PRIMARY KEY,
        series INTEGER NOT NULL REFERENCES series (id),
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        count INTEGER NOT NULL,
        times INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX block_span ON block (series, first, last, count);
    CREATE INDEX block_times ON block (times);
    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        device TEXT NOT NULL,
        asked_by TEXT NOT NULL,
        request TEXT NOT NULL,
        old TEXT,
        new TEXT,
        reply TEXT,
        read_back TEXT,
        effect TEXT,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL
    ) STRICT;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        severity TEXT NOT NULL,
        device TEXT,
        code TEXT NOT NULL,
        text TEXT NOT NULL
    ) STRICT;
    CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
",
    // What the first version had of values is read once more, see `first_version`.
    r#"
    ALTER TABLE head RENAME TO first_head;
    ALTER TABLE block RENAME TO first_block;
    ALTER TABLE times RENAME TO first_times;
    DROP INDEX block_span;
    DROP INDEX block_times;
    CREATE TABLE store (
        id INTEGER PRIMARY KEY,
        opens INTEGER NOT NULL,
        sealed_generation INTEGER NOT NULL,
        sealed_day INTEGER
    ) STRICT;
    INSERT INTO store (id, opens, sealed_generation) VALUES (random(), 0, 0);
    CREATE TABLE part (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        start INTEGER NOT NULL,
        "end" INTEGER NOT NULL,
        changes INTEGER NOT NULL,
        has_raw INTEGER NOT NULL,
        is_ready INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE block (
        id INTEGER PRIMARY KEY,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        count INTEGER NOT NULL,
        times INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE times (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE rollup (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE quarantine (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        series INTEGER NOT NULL,
        start INTEGER NOT NULL,
        "end" INTEGER NOT NULL,
        what TEXT NOT NULL,
        body BLOB,
        times BLOB
    ) STRICT;
"#,
];

/// Bytes of a page of a new file.
const PAGE_BYTES: i64 = 1024;

/// Why a store cannot be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder is not there.
    #[error("{}: no such folder; create it, or choose another data folder", .0.display())]
    NoFolder(PathBuf),
    /// The file is of a later version of this program.
    #[error(
        "{}: written by a newer version (schema {found}, this is {ours}): update, or move the file away",
        path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The file's schema version.
        found: i64,
        /// The newest schema version this program knows.
        ours: usize,
    },
    /// Another program has it open.
    #[error("{}: another program uses this history; stop it (is a second instance running?)", .0.display())]
    InUse(PathBuf),
    /// A database of another program.
    #[error("{}: a database of another program; move it away, or choose another data folder", .0.display())]
    Foreign(PathBuf),
    /// SQLite could not open it.
    #[error("cannot open the history")]
    Storage(#[source] Trouble),
}

/// The connections of one store: one writes, the other answers questions meanwhile.
pub(crate) struct Connections {
    pub(crate) writer: Connection,
    pub(crate) reader: Connection,
}

/// Opens the file at `path`, creating or migrating it where that is needed.
pub(crate) fn open(path: &Path, busy: Duration) -> Result<Connections, OpenError> {
    let storage = |error| OpenError::Storage(Trouble::new(path, error));
    if !path.parent().is_some_and(Path::is_dir) {
        return Err(OpenError::NoFolder(path.parent().unwrap_or(path).to_owned()));
    }
    let mut writer = connect(path, busy, OpenFlags::SQLITE_OPEN_CREATE).map_err(storage)?;
    let version = version(&writer, path)?;
    if version == 0 {
        // Rows of a few kB leave less of a small page unused; and a small transaction writes less.
        writer.pragma_update(None, "page_size", PAGE_BYTES).map_err(storage)?;
    }
    set_up(&writer).map_err(storage)?;
    migrate(&mut writer, version).map_err(storage)?;
    let reader = connect(path, busy, OpenFlags::empty()).map_err(storage)?;
    reader.pragma_update(None, "query_only", true).map_err(storage)?;
    Ok(Connections { writer, reader })
}

fn connect(path: &Path, busy: Duration, more: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy)?;
    Ok(connection)
}

/// The schema version of a file that is ours or empty, 0 for empty. Only reads.
fn version(connection: &Connection, path: &Path) -> Result<usize, OpenError> {
    let read = |sql| {
        connection
            .query_row(sql, (), |row| row.get::<_, i64>(0))
            .map_err(|error| OpenError::Storage(Trouble::new(path, error)))
    };
    let tables = read("SELECT count(*) FROM sqlite_schema")?;
    let application = read("PRAGMA application_id")?;
    let found = read("PRAGMA user_version")?;
    if application != i64::from(APPLICATION_ID) {
        let empty = tables == 0 && application == 0 && found == 0;
        return if empty { Ok(0) } else { Err(OpenError::Foreign(path.to_owned())) };
    }
    let ours = MIGRATIONS.len();
    usize::try_from(found).ok().filter(|version| *version <= ours).ok_or_else(|| OpenError::Newer {
        path: path.to_owned(),
        found,
        ours,
    })
}

/// WAL lets questions be answered while a commit is written. `synchronous=FULL` syncs the log at each commit: what was
/// acknowledged survives a power cut (with NORMAL it only survives a crash of this program). At one commit a minute
/// the sync costs nothing that matters.
fn set_up(writer: &Connection) -> Result<(), rusqlite::Error> {
    let mode: String = writer.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        tracing::warn!(target: "store", mode, "this file system has no write-ahead log: queries wait for commits");
    }
    writer.pragma_update(None, "synchronous", "FULL")?;
    // After a large transaction the log shrinks again to this many bytes.
    writer.pragma_update(None, "journal_size_limit", 256 << 10)
}

fn migrate(writer: &mut Connection, from: usize) -> Result<(), rusqlite::Error> {
    for (done, step) in MIGRATIONS.iter().enumerate().skip(from) {
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", i64::try_from(done + 1).unwrap_or(i64::MAX))?;
        transaction.commit()?;
        tracing::info!(target: "store", version = done + 1, "schema");
    }
    Ok(())
}

/// The one row of the table `store`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    /// Whose the head logs are.
    pub(crate) id: i64,
    /// How often the store was opened, this time included.
    pub(crate) opens: i64,
    /// Head logs up to this generation are obsolete.
    pub(crate) sealed_generation: i64,
    /// The start of the day in which values were sealed last.
    pub(crate) sealed_day: Option<i64>,
}

/// Counts this opening of the store.
pub(crate) fn opened(writer: &Connection) -> Result<Header, rusqlite::Error> {
    writer.query_row(
        "UPDATE store SET opens = opens + 1 RETURNING id, opens, sealed_generation, sealed_day",
        (),
        |row| {
            Ok(Header {
                id: row.get(0)?,
                opens: row.get(1)?,
                sealed_generation: row.get(2)?,
                sealed_day: row.get(3)?,
            })
        },
    )
}
