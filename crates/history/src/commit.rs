//! Making values durable: frames to the head log, and once a day everything to the database.

use ohmstead_model::UnixMillis;
use rusqlite::{Transaction, params};

use crate::memory::Waiting;
use crate::open_day::OpenDay;
use crate::point::Slot;
use crate::registry::SeriesEntry;
use crate::seal;
use crate::store::{CommitError, Committed, History, Writer, begin, lock, try_lock};
use crate::trouble::Trouble;

/// How long nothing is sealed after an attempt that failed, unless there is no more room in memory.
const SEAL_AGAIN_MS: u64 = 600_000;

impl History {
    /// Makes everything appended so far durable. `now` labels the commit, and tells whether a day has ended: then its
    /// values are sealed, which takes longer.
    pub fn commit(&self, now: UnixMillis) -> Result<Committed, CommitError> {
        let committed = self.write_waiting(Some(now)).map_err(|trouble| self.not_committed(trouble))?;
        if let Some(boundary) = self.sealing_is_due(now) {
            // Whoever has the turn may take minutes; a commit waits for nobody, and the next one seals as well.
            let Some(_turn) = try_lock(&self.upkeep) else { return Ok(committed) };
            let sealed = self.seal(boundary, Some(now));
            if let Err(trouble) = sealed {
                let is_news = self.memory().seal_failed.replace(now).is_none();
                if is_news {
                    tracing::warn!(target: "store", error = %crate::trouble::chain(&trouble),
                        "cannot move the values of ended days into the history, will try again");
                }
                // The log has them; only when there are too many of them it is the caller's concern.
                if self.memory().bytes() > self.limits.open_bytes {
                    return Err(self.not_committed(trouble));
                }
            }
        }
        Ok(committed)
    }

    fn not_committed(&self, trouble: Trouble) -> CommitError {
        CommitError { waiting: self.memory().waiting_values(), trouble }
    }

    /// Writes the waiting frames to the log. `now` labels the commit, if somebody asked for one.
    pub(crate) fn write_waiting(&self, now: Option<UnixMillis>) -> Result<Committed, Trouble> {
        self.write_waiting_with(&mut lock(&self.writer), now)
    }

    fn write_waiting_with(&self, writer: &mut Writer, now: Option<UnixMillis>) -> Result<Committed, Trouble> {
        writer.life += 1;
        let waiting = loop {
            self.save_series(writer).map_err(|error| Trouble::new(&self.path, error))?;
            let mut memory = self.memory();
            // A frame must not name a series that the database does not know as it is: its id would go to another.
            if memory.registry.is_saved() {
                break memory.take_waiting(writer.life);
            }
        };
        let Some(waiting) = waiting else { return Ok(Committed::default()) };
        match writer.write(&waiting) {
            Ok(()) => {
                let mut memory = self.memory();
                memory.last_commit = now.or(memory.last_commit);
                Ok(Committed { batches: waiting.readings, values: waiting.values })
            }
            Err(error) => {
                let path = writer.files.path();
                let has_begun = writer.generation == Some(waiting.generation);
                let mut memory = self.memory();
                if has_begun {
                    memory.put_back(waiting);
                } else {
                    memory.lose(&waiting);
                }
                Err(Trouble::of_file(&path, error))
            }
        }
    }

    /// Tells the database of series that are new or became finer.
    fn save_series(&self, writer: &mut Writer) -> Result<(), rusqlite::Error> {
        let unsaved = self.memory().registry.unsaved();
        if unsaved.is_empty() {
            return Ok(());
        }
        let transaction = begin(&mut writer.connection)?;
        write_series(&transaction, &unsaved)?;
        transaction.commit()?;
        let mut memory = self.memory();
        for (slot, entry) in unsaved {
            memory.registry.set_saved(slot, entry.decimals);
        }
        Ok(())
    }

    /// Up to which time values are to be sealed now, if they are: the day has changed, or they are too many. What failed is
    /// tried again after a while: each attempt writes much of a day.
    fn sealing_is_due(&self, now: UnixMillis) -> Option<i64> {
        let sealed_day = lock(&self.writer).sealed_day;
        let memory = self.memory();
        if memory.bytes() > self.limits.open_bytes {
            return Some(i64::MAX);
        }
        // In either direction: a clock may be set back.
        if memory.seal_failed.is_some_and(|failed| failed.0.abs_diff(now.0) < SEAL_AGAIN_MS) {
            return None;
        }
        let today = self.calendar.day(now.0).start;
        let has_older = || memory.open.span().is_some_and(|(first, _)| first < today);
        let is_due = memory.sealing.is_some() || (sealed_day != Some(today) && has_older());
        is_due.then_some(today)
    }

    /// Moves what is older than `boundary` into the database. `upkeep` must be held.
    pub(crate) fn seal(&self, boundary: i64, now: Option<UnixMillis>) -> Result<(), Trouble> {
        crate::space::check(&self.path, self.settings.free_min.0)?;
        // One that failed goes first, because the log of its days must not be overwritten.
        self.finish_sealing(None)?;
        self.rotate(boundary)?;
        self.finish_sealing(now)
    }

    /// Everything is in the log at the moment when what is older than `boundary` goes on to be sealed.
    fn rotate(&self, boundary: i64) -> Result<(), Trouble> {
        let mut writer = lock(&self.writer);
        loop {
            self.write_waiting_with(&mut writer, None)?;
            writer.life += 1;
            let mut memory = self.memory();
            if !memory.is_waiting() {
                memory.rotate(boundary, writer.life);
                return Ok(());
            }
        }
    }

    fn finish_sealing(&self, now: Option<UnixMillis>) -> Result<(), Trouble> {
        let Some(through) = self.memory().sealing.as_ref().map(|sealing| sealing.through) else {
            return Ok(());
        };
        // The rest of the day must be in its own generation of the log before the older one is obsolete.
        self.write_waiting(now)?;
        let database = |error| Trouble::new(&self.path, error);
        let (day, series) = {
            let memory = self.memory();
            let Some(day) = memory.sealing.as_ref().map(|sealing| sealing.day.clone()) else { return Ok(()) };
            let series = seal::series_of(&day, &memory.registry);
            (day, series)
        };
        self.write_blocks(&day, &series).map_err(database)?;
        let today = now.map(|now| self.calendar.day(now.0).start);
        self.transact(|transaction| {
            transaction.execute(
                "UPDATE store SET sealed_generation = ?, sealed_day = coalesce(?, sealed_day)",
                params![through.cast_signed(), today],
            )
        })
        .map_err(database)?;
        let mut writer = lock(&self.writer);
        writer.sealed_day = today.or(writer.sealed_day);
        let mut memory = self.memory();
        memory.sealing = None;
        memory.seal_failed = None;
        Ok(())
    }

    /// Writes the values of `day` into the database.
    pub(crate) fn write_blocks(
        &self,
        day: &OpenDay,
        series: &[seal::Sealing],
    ) -> Result<u64, rusqlite::Error> {
        self.save_series(&mut lock(&self.writer))?;
        seal::write(day, series, &self.calendar, &mut |work| self.transact(|transaction| work(transaction)))
    }
}

impl Writer {
    /// Writes frames to the log; durable when this returns.
    fn write(&mut self, waiting: &Waiting) -> std::io::Result<()> {
        if self.generation == Some(waiting.generation) {
            return self.files.append(&waiting.frames);
        }
        self.files.begin(waiting.generation, &waiting.frames)?;
        self.generation = Some(waiting.generation);
        Ok(())
    }
}

/// Adds series, or notes that they are finer now.
pub(crate) fn write_series(
    transaction: &Transaction<'_>,
    series: &[(Slot, SeriesEntry)],
) -> Result<(), rusqlite::Error> {
    for (_, entry) in series {
        transaction
            .prepare_cached(
                "INSERT INTO series (id, device, metric, kind, decimals) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (id) DO UPDATE SET decimals = excluded.decimals",
            )?
            .execute(params![
                entry.id,
                entry.device.as_str(),
                &*entry.metric,
                entry.class.key(),
                entry.decimals
            ])?;
    }
    Ok(())
}
