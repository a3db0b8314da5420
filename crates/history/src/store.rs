//! [`History`]: opening, appending, committing, keeping and discarding.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ohmstead_model::{DeviceId, Metric, Reading, UnixMillis};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::columns::{Columns, Point, Slot, factor, signed};
use crate::memory::{Memory, Refused, Saving};
use crate::registry::{Class, Refusal, Row, SeriesEntry};
use crate::schema::{self, OpenError};
use crate::settings::{Limits, Settings};
use crate::trouble::Trouble;
use crate::{frame, seal};

/// The name of the database file in the data folder.
const FILE: &str = "history.sqlite";

/// Blocks deleted by one transaction of [`History::retain`], so that it never holds the store up for long.
const RETAIN_CHUNK: i64 = 128;

/// The store. All methods take `&self` and may be called from any thread; they block, so not from an async task.
///
/// Lock order: `writer` or `reader` (never both), then `memory`, which is never held while the disk works.
#[derive(Debug)]
pub struct History {
    pub(crate) path: PathBuf,
    pub(crate) limits: Limits,
    keep_raw: Duration,
    pub(crate) writer: Mutex<Connection>,
    pub(crate) reader: Mutex<Connection>,
    pub(crate) memory: Mutex<Memory>,
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
    /// What the database said.
    #[source]
    pub trouble: Trouble,
}

/// Why something could not be written. Nothing of it was.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {what}")]
pub struct WriteError {
    /// What was to be written.
    pub what: &'static str,
    /// What the database said.
    #[source]
    pub trouble: Trouble,
}

/// What a commit saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Committed {
    /// Readings.
    pub batches: usize,
    /// Values; of several of one series at the same time the last.
    pub values: usize,
}

impl History {
    /// Opens the store in `data_dir`, creating or updating its file. What was committed is there; the file of a newer
    /// version, of another program, or a damaged one is refused and left as it is. `native` are the metrics that there are
    /// beyond the core catalogue: a stored series of any other is kept, but nobody can ask for it.
    pub fn open(data_dir: &Path, settings: &Settings, native: &[Metric]) -> Result<Self, OpenError> {
        Self::open_within(data_dir, settings, native, Limits::PRODUCT)
    }

    pub(crate) fn open_within(
        data_dir: &Path,
        settings: &Settings,
        native: &[Metric],
        limits: Limits,
    ) -> Result<Self, OpenError> {
        let path = data_dir.join(FILE);
        let schema::Connections { writer, reader } = schema::open(&path, limits.busy)?;
        let memory = load(&writer, native).map_err(|error| OpenError::Storage(Trouble::new(&path, error)))?;
        Ok(Self {
            path,
            limits,
            keep_raw: settings.keep_raw.0,
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            memory: Mutex::new(memory),
        })
    }

    /// Takes a reading in. It answers questions from now on and is durable with the next commit. Unknown observations
    /// leave a gap. Touches no disk, and waits for none.
    ///
    /// If commits keep failing, the oldest readings beyond a limit are dropped and counted in
    /// [`Stats::dropped`](crate::Stats::dropped).
    pub fn append(&self, reading: &Reading) -> Result<(), AppendError> {
        let refused = self.memory().append(reading, self.limits.pending_values);
        if refused.is_empty() {
            return Ok(());
        }
        Err(AppendError { device: reading.device.clone(), refused })
    }

    /// Makes everything appended so far durable. `now` labels the commit.
    pub fn commit(&self, now: UnixMillis) -> Result<Committed, CommitError> {
        let mut writer = lock(&self.writer);
        let failed = |error| CommitError {
            waiting: self.memory().pending_values(),
            trouble: Trouble::new(&self.path, error),
        };
        let head_len = self.memory().head_len();
        if head_len >= self.limits.head_values
            && let Err(error) = self.seal_head(&mut writer)
        {
            // Sealing is no hurry, but the head must not grow without end either.
            if head_len >= 4 * self.limits.head_values {
                return Err(failed(error));
            }
            if !std::mem::replace(&mut self.memory().seal_failing, true) {
                tracing::warn!(target: "store", %error, "cannot seal the head of the history, will try again");
            }
        }
        self.save_pending(&mut writer, Some(now)).map_err(failed)
    }

    fn save_pending(
        &self,
        writer: &mut Connection,
        now: Option<UnixMillis>,
    ) -> Result<Committed, rusqlite::Error> {
        let Some(saving) = self.memory().start_commit() else { return Ok(Committed::default()) };
        let transaction = begin(writer)?;
        let rows = seal::save_series(&transaction, &saving.series)?;
        let by_slot: HashMap<Slot, Row> = rows.iter().copied().collect();
        let body = frame::encode(&saving.columns, |slot| by_slot[&slot]);
        let head = transaction
            .prepare_cached("INSERT INTO head (at, body) VALUES (?, ?)")?
            .insert(params![now.map(|now| now.0), body])?;
        transaction.commit()?;
        let committed = Committed { batches: saving.batches, values: saving.columns.len() };
        self.memory().finish_commit(saving, &rows, head, now);
        Ok(committed)
    }

    /// Moves the committed values in memory and in `head` rows into blocks.
    fn seal_head(&self, writer: &mut Connection) -> Result<(), rusqlite::Error> {
        let Some(saving) = self.memory().start_seal() else { return Ok(()) };
        let rows = self.write_blocks(writer, &saving)?;
        self.memory().finish_seal(&rows);
        Ok(())
    }

    fn write_blocks(
        &self,
        writer: &mut Connection,
        saving: &Saving,
    ) -> Result<Vec<(Slot, Row)>, rusqlite::Error> {
        let transaction = begin(writer)?;
        let rows = seal::save_series(&transaction, &saving.series)?;
        seal::write(&transaction, &saving.columns, &rows, self.limits.block_values)?;
        for row in &saving.rows {
            transaction.prepare_cached("DELETE FROM head WHERE id = ?")?.execute([row])?;
        }
        transaction.commit()?;
        Ok(rows)
    }

    /// Stores many readings at once, in large transactions; each is durable when it ends. Values that cannot be kept
    /// are left out and counted in a log line. Returns how many values were stored. Commits wait until it ends; `readings`
    /// must not use this store itself.
    pub fn backfill(&self, readings: impl Iterator<Item = Reading>) -> Result<u64, WriteError> {
        let mut writer = lock(&self.writer);
        let failed = |error| self.write_error("the history", error);
        // What is in memory is older than what comes now, so it goes first.
        self.save_pending(&mut writer, None).map_err(failed)?;
        self.seal_head(&mut writer).map_err(failed)?;
        let (mut stored, mut refused) = (0, 0);
        let mut arrivals = Vec::new();
        for reading in readings {
            let (batch, bad) = self.memory().take_in(&reading);
            refused += bad.len();
            arrivals.extend(batch.points());
            if arrivals.len() >= self.limits.backfill_values {
                stored += self.store_arrivals(&mut writer, &mut arrivals).map_err(failed)?;
            }
        }
        stored += self.store_arrivals(&mut writer, &mut arrivals).map_err(failed)?;
        if refused > 0 {
            tracing::warn!(target: "store", refused, "values that cannot be kept were left out of a backfill");
        }
        Ok(stored)
    }

    fn store_arrivals(
        &self,
        writer: &mut Connection,
        arrivals: &mut Vec<(Slot, Point)>,
    ) -> Result<u64, rusqlite::Error> {
        let columns = Columns::from_arrivals(arrivals.drain(..));
        let stored = columns.len() as u64;
        let saving = self.memory().start_backfill(columns);
        let rows = self.write_blocks(writer, &saving)?;
        self.memory().set_rows(&rows);
        Ok(stored)
    }

    /// Deletes raw values older than the setting `keep_raw`, block by block: a block goes when its newest value is too
    /// old. Returns how many values went. A clock that is ahead of all stored values by more than `keep_raw` is not
    /// believed: nothing is deleted then.
    pub fn retain(&self, now: UnixMillis) -> Result<u64, WriteError> {
        let failed = |error| self.write_error("the deletion of old values", error);
        let cutoff = now.minus(self.keep_raw).0;
        let newest = self.memory().spans().into_iter().flatten().map(|span| span.last).max();
        let mut deleted = 0;
        loop {
            let mut writer = lock(&self.writer);
            let transaction = begin(&mut writer).map_err(failed)?;
            let sealed: Option<i64> =
                transaction.query_row("SELECT max(last) FROM block", (), |row| row.get(0)).map_err(failed)?;
            if newest.max(sealed).is_none_or(|newest| newest < cutoff) {
                tracing::warn!(target: "store", now = now.0, "nothing is as new as the clock says; nothing is deleted");
                return Ok(deleted);
            }
            let (blocks, values) = delete_before(&transaction, cutoff).map_err(failed)?;
            transaction.commit().map_err(failed)?;
            deleted += values;
            if blocks < RETAIN_CHUNK {
                return Ok(deleted);
            }
        }
    }

    pub(crate) fn write_error(&self, what: &'static str, error: rusqlite::Error) -> WriteError {
        WriteError { what, trouble: Trouble::new(&self.path, error) }
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }
}

/// A lock whose holder panicked is taken all the same: the database rolled back, and one lost batch beats a dead store.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn begin(writer: &mut Connection) -> Result<Transaction<'_>, rusqlite::Error> {
    writer.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Deletes at most [`RETAIN_CHUNK`] blocks that end before `cutoff`. Returns blocks and values.
fn delete_before(transaction: &Transaction<'_>, cutoff: i64) -> Result<(i64, u64), rusqlite::Error> {
    // Series by series, because only the index by series knows where the old blocks are.
    let old: Vec<(i64, i64, i64)> = transaction
        .prepare_cached(
            "SELECT block.id, block.times, block.count FROM series JOIN block ON block.series = series.id
             WHERE block.first < ?1 AND block.last < ?1 LIMIT ?2",
        )?
        .query_map([cutoff, RETAIN_CHUNK], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let mut delete = transaction.prepare_cached("DELETE FROM block WHERE id = ?")?;
    for (block, ..) in &old {
        delete.execute([block])?;
    }
    let times: BTreeSet<i64> = old.iter().map(|(_, times, _)| *times).collect();
    seal::release_times(transaction, &times)?;
    Ok((signed(old.len()), old.iter().map(|(.., count)| count.unsigned_abs()).sum()))
}

/// The series and the head, as the last run left them.
fn load(connection: &Connection, native: &[Metric]) -> Result<Memory, rusqlite::Error> {
    let mut memory = Memory::default();
    let mut slots = HashMap::new();
    let mut select =
        connection.prepare("SELECT id, device, metric, kind, decimals FROM series ORDER BY id")?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let (id, device, metric): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (kind, decimals): (String, u8) = (row.get(3)?, row.get(4)?);
        let (Some(named), Some(class)) = (crate::journal::device(&device), Class::by_key(&kind)) else {
            tracing::warn!(target: "store", device, metric, "a series with a name that is none is kept, unused");
            continue;
        };
        let own = || native.iter().copied().find(|known| known.id() == metric);
        let known = Metric::by_id(&metric).or_else(own);
        let row = Some(Row { id, decimals });
        if known.is_none() {
            tracing::info!(target: "store", device, metric, "a series of a metric that the catalogue does not have is kept");
        }
        let entry = SeriesEntry { device: named, metric: metric.into(), known, class, decimals, row };
        slots.insert(id, memory.registry.add(entry));
    }
    load_head(connection, &mut memory, &slots)?;
    Ok(memory)
}

fn load_head(
    connection: &Connection,
    memory: &mut Memory,
    slots: &HashMap<i64, Slot>,
) -> Result<(), rusqlite::Error> {
    let mut select = connection.prepare("SELECT id, body FROM head ORDER BY id")?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let (id, body): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let Ok(series) = frame::decode(&body) else {
            tracing::warn!(target: "store", row = id, "a damaged commit of the history is kept, unused");
            continue;
        };
        let arrivals = series.into_iter().filter_map(|(row, points)| {
            let slot = *slots.get(&row.id)?;
            let finer = factor(memory.registry.get(slot).decimals.saturating_sub(row.decimals));
            Some(points.into_iter().map(move |mut point| {
                point.value.refine(finer);
                (slot, point)
            }))
        });
        let columns = Columns::from_arrivals(arrivals.flatten());
        memory.load_head(id, columns);
    }
    Ok(())
}
