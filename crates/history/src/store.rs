//! [`History`]: opening it, and taking readings in.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_model::{DeviceId, Metric, Reading};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::calendar::Calendar;
use crate::log::{Files, Position};
use crate::memory::{Memory, Refused};
use crate::point::Slot;
use crate::registry::{Class, Refusal, Registry, SeriesEntry};
use crate::replay::Replayed;
use crate::schema::{self, OpenError};
use crate::settings::{Limits, Settings};
use crate::trouble::Trouble;

/// The name of the database file in the data folder.
pub(crate) const FILE: &str = "history.sqlite";

/// The name of the empty file that is locked while the store is open: two writers would not see each other's head logs.
const LOCK: &str = "history.lock";

/// The store. All methods take `&self` and may be called from any thread; they block, so not from an async task.
///
/// Lock order: `upkeep`, then `writer` or `reader` (never both), then `memory`, which is never held while the disk works.
#[derive(Debug)]
pub struct History {
    pub(crate) path: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
    pub(crate) limits: Limits,
    pub(crate) settings: Settings,
    pub(crate) calendar: Calendar,
    /// Held by what takes long: sealing, deleting, joining.
    pub(crate) upkeep: Mutex<()>,
    pub(crate) writer: Mutex<Writer>,
    pub(crate) reader: Mutex<Connection>,
    pub(crate) memory: Mutex<Memory>,
}

/// What writes to the disk.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) files: Files,
    /// The generation that `files` writes, if one has begun.
    pub(crate) generation: Option<u64>,
    /// The last life of the log that was used.
    pub(crate) life: u64,
    /// The start of the day in which values were sealed last.
    pub(crate) sealed_day: Option<i64>,
}

/// Some values of a reading could not be kept; the others were.
#[derive(Debug, thiserror::Error)]
#[error("{device}: not stored: {}", list(refused))]
pub struct AppendError {
    /// Whose reading.
    pub device: DeviceId,
    /// The ids of the metrics and why their values were refused.
    pub refused: Vec<(&'static str, Refusal)>,
}

fn list(refused: &[Refused]) -> String {
    refused.iter().map(|(metric, why)| format!("{metric} ({why})")).collect::<Vec<_>>().join(", ")
}

/// Why values could not be made durable. They stay in memory and are tried again with the next commit.
#[derive(Debug, thiserror::Error)]
#[error("cannot save {waiting} values of the history, they wait in memory")]
pub struct CommitError {
    /// How many values wait.
    pub waiting: usize,
    /// What the disk said.
    #[source]
    pub trouble: Trouble,
}

/// Why something could not be written. Nothing of it was.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {what}")]
pub struct WriteError {
    /// What was to be written.
    pub what: &'static str,
    /// What the disk said.
    #[source]
    pub trouble: Trouble,
}

/// What a commit saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Committed {
    /// Readings.
    pub batches: usize,
    /// Values.
    pub values: usize,
}

impl History {
    /// Opens the store in `data_dir`, creating or updating its files. What was committed is there; the file of a newer
    /// version, of another program, or a damaged one is refused and left as it is. `zone` is the site's: days begin at its
    /// midnight. `native` are the metrics that there are beyond the core catalogue: a stored series of any other is kept,
    /// but nobody can ask for it.
    pub fn open(
        data_dir: &Path,
        settings: &Settings,
        zone: &TimeZone,
        native: &[Metric],
    ) -> Result<Self, OpenError> {
        Self::open_within(data_dir, settings, zone, native, Limits::PRODUCT)
    }

    pub(crate) fn open_within(
        data_dir: &Path,
        settings: &Settings,
        zone: &TimeZone,
        native: &[Metric],
        limits: Limits,
    ) -> Result<Self, OpenError> {
        let path = data_dir.join(FILE);
        let lock = take(data_dir)?;
        let schema::Connections { writer: connection, reader } = schema::open(&path, limits.busy)?;
        let storage = |error| OpenError::Storage(Trouble::new(&path, error));
        let header = schema::opened(&connection).map_err(storage)?;
        let (registry, by_id) = load_series(&connection, native).map_err(storage)?;
        let log = |error| OpenError::Storage(Trouble::of_file(&data_dir.join(crate::log::NAMES[0]), error));
        let (mut files, found) = Files::open(data_dir, header.id.cast_unsigned()).map_err(log)?;
        let life = header.opens.cast_unsigned() << 32;
        let sealed = u64::try_from(header.sealed_generation).unwrap_or(0);
        let replayed = Replayed::of(found, sealed, &registry, &by_id);
        let next = Position { generation: replayed.generation, life, sequence: replayed.sequence };
        if let Some((index, end)) = replayed.resume {
            files.resume(index, end).map_err(log)?;
        }
        let generation = replayed.resume.map(|_| replayed.generation);
        let history = Self {
            path: path.clone(),
            _lock: lock,
            limits,
            settings: settings.clone(),
            calendar: Calendar(zone.clone()),
            upkeep: Mutex::default(),
            writer: Mutex::new(Writer { connection, files, generation, life, sealed_day: header.sealed_day }),
            reader: Mutex::new(reader),
            memory: Mutex::new(Memory::new(registry, replayed.open, replayed.sealing, next)),
        };
        history.take_over_first_version().map_err(storage)?;
        Ok(history)
    }

    /// Takes a reading in. It answers questions from now on and is durable with the next commit. Unknown observations
    /// leave a gap. Touches no disk, and waits for none.
    ///
    /// If nothing can be written for days, the oldest values beyond a limit are dropped and counted in
    /// [`Stats::dropped`](crate::Stats::dropped).
    pub fn append(&self, reading: &Reading) -> Result<(), AppendError> {
        let refused = self.memory().append(reading, &self.limits);
        if refused.is_empty() {
            return Ok(());
        }
        Err(AppendError { device: reading.device.clone(), refused })
    }

    pub(crate) fn write_error(&self, what: &'static str, error: rusqlite::Error) -> WriteError {
        WriteError { what, trouble: Trouble::new(&self.path, error) }
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }

    pub(crate) fn keep_raw(&self) -> Duration {
        self.settings.keep_raw.0
    }

    /// Runs one transaction.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        let mut writer = lock(&self.writer);
        let transaction = begin(&mut writer.connection)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

/// A lock whose holder panicked is taken all the same: the database rolled back, and one lost batch beats a dead store.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same without waiting.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

pub(crate) fn begin(writer: &mut Connection) -> Result<Transaction<'_>, rusqlite::Error> {
    writer.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Locks the folder; nobody waits for another program.
fn take(data_dir: &Path) -> Result<File, OpenError> {
    if !data_dir.is_dir() {
        return Err(OpenError::NoFolder(data_dir.to_owned()));
    }
    let path = data_dir.join(LOCK);
    let storage = |error| OpenError::Storage(Trouble::of_file(&path, error));
    let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(storage)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::InUse(data_dir.join(FILE))),
        // A file system without locks: the data folder has one of its own.
        Err(fs::TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => Ok(file),
        Err(fs::TryLockError::Error(error)) => Err(storage(error)),
    }
}

/// All series, as the last run left them.
fn load_series(
    connection: &Connection,
    native: &[Metric],
) -> Result<(Registry, HashMap<i64, Slot>), rusqlite::Error> {
    let (mut registry, mut by_id) = (Registry::default(), HashMap::new());
    let mut select =
        connection.prepare("SELECT id, device, metric, kind, decimals FROM series ORDER BY id")?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let Ok((device, metric, kind, decimals)) = names(row) else {
            tracing::warn!(target: "store", series = id, "the name of a series is damaged: its values are kept, unused");
            registry.reserve(id);
            continue;
        };
        let named = crate::journal::device(&device).zip(Class::by_key(&kind));
        let Some((named, class)) = named else {
            tracing::warn!(target: "store", device, metric, "a series with a name that is none is kept, unused");
            registry.reserve(id);
            continue;
        };
        let own = || native.iter().copied().find(|known| known.id() == metric);
        let known = own().or_else(|| Metric::by_id(&metric));
        if known.is_none() {
            tracing::info!(target: "store", device, metric, "a series of a metric that the catalogue does not have is kept");
        }
        let saved = Some(decimals);
        let entry = SeriesEntry { device: named, metric: metric.into(), known, class, decimals, id, saved };
        by_id.insert(id, registry.add(entry));
    }
    Ok((registry, by_id))
}

fn names(row: &rusqlite::Row<'_>) -> Result<(String, String, String, u8), rusqlite::Error> {
    Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}
