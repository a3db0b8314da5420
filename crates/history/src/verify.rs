//! Checking everything that is stored. What is damaged is named by series and time, and put into quarantine.

use ohmstead_model::UnixMillis;

use crate::log::{self, Files};
use crate::parts::{self, Part, row_id, series_of};
use crate::quarantine;
use crate::query::QueryError;
use crate::registry::Class;
use crate::rollup::Rollup;
use crate::rows::{BlockRow, is_corrupt};
use crate::seal::{Sealing, rollup_of};
use crate::store::{History, lock};
use crate::trouble::Trouble;

/// What a check of the whole store found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Blocks, rollups and frames that are sound.
    pub blocks: u64,
    /// Values in the blocks.
    pub values: u64,
    /// What this check found that cannot be read.
    pub damaged: Vec<Damage>,
    /// What is in quarantine since an earlier one.
    pub known: Vec<Damage>,
}

/// Values that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Whose; empty if that is not known.
    pub device: String,
    /// Of what; empty if that is not known.
    pub metric: String,
    /// From when.
    pub from: UnixMillis,
    /// Until when.
    pub to: UnixMillis,
    /// What is wrong with them.
    pub what: String,
}

/// What is wrong with one series in one part.
enum Fault {
    Values,
    Summary,
    SummaryMissing,
    SummaryLost,
    Page,
}

impl Fault {
    fn words(&self) -> &'static str {
        match self {
            Self::Values => {
                "the values are damaged; they are in quarantine, their summaries per hour are kept"
            }
            Self::Summary => {
                "the summaries per hour were damaged or wrong; they are made anew from the values"
            }
            Self::SummaryLost => "the summaries per hour are damaged, and their values are no longer kept",
            Self::Page => "the database file is damaged there; restore a backup, or move the file away",
            Self::SummaryMissing => "the summaries per hour were missing; they are made anew from the values",
        }
    }
}

impl History {
    /// Checks every block, every summary and every frame. Damaged values go into quarantine, so that they are named once
    /// and hide nothing else; damaged summaries are made anew where the values are there.
    pub fn verify(&self) -> Result<Verified, QueryError> {
        let _turn = lock(&self.upkeep);
        let mut verified = Verified::default();
        self.verify_logs(&mut verified)?;
        let database = |error| self.unreadable(error);
        verified.known = self.known_damage().map_err(database)?;
        let parts = parts::all(&lock(&self.reader)).map_err(database)?;
        for part in &parts {
            let series = match self.series_of_part(part) {
                // The list is damaged: all of them are tried.
                Err(error) if is_corrupt(&error) => self.all_series(),
                series => series.map_err(database)?,
            };
            for series in series {
                match self.verify_series(part, series, &mut verified) {
                    // A page of the database itself: nothing of it can be kept or made anew.
                    Err(error) if is_corrupt(&error) => {
                        verified.damaged.push(self.damage(part, series, &Fault::Page));
                    }
                    checked => checked.map_err(database)?,
                }
            }
        }
        Ok(verified)
    }

    fn all_series(&self) -> Vec<i64> {
        self.memory().registry.iter().map(|(_, entry)| entry.id).collect()
    }

    fn series_of_part(&self, part: &Part) -> Result<Vec<i64>, rusqlite::Error> {
        let rows = part.rows();
        lock(&self.reader)
            .prepare_cached(
                "SELECT id FROM block WHERE id >= ?1 AND id < ?2 UNION SELECT id FROM rollup WHERE id >= ?1 AND id < ?2",
            )?
            .query_map([rows.start, rows.end], |row| Ok(series_of(row.get(0)?)))?
            .collect()
    }

    fn verify_series(
        &self,
        part: &Part,
        series: i64,
        verified: &mut Verified,
    ) -> Result<(), rusqlite::Error> {
        let id = row_id(part.id, series);
        let (block, rollup) = {
            let reader = lock(&self.reader);
            let body = reader
                .prepare_cached("SELECT body FROM rollup WHERE id = ?")?
                .query([id])?
                .next()?
                .map(|row| row.get(0));
            (BlockRow::read(&reader, id)?, body.transpose()?)
        };
        let rollup = rollup.map(|body: Vec<u8>| Rollup::decode(id, &body));
        let Some(block) = block else {
            match rollup {
                Some(Err(_)) => verified.damaged.push(self.damage(part, series, &Fault::SummaryLost)),
                Some(Ok(_)) | None => verified.blocks += 1,
            }
            return Ok(());
        };
        let Ok((_, points)) = block.points() else {
            self.transact(|transaction| quarantine::block(transaction, part, id))?;
            verified.damaged.push(self.damage(part, series, &Fault::Values));
            return Ok(());
        };
        verified.blocks += 1;
        verified.values += points.len() as u64;
        let Some(sealing) = self.sealing(series).filter(|sealing| sealing.class == Class::Number) else {
            return Ok(());
        };
        // A counter stays one, also where the catalogue does not know it at present.
        let is_counter = sealing.is_counter || matches!(&rollup, Some(Ok(found)) if found.is_counter);
        let mut expected = rollup_of(&points, part.span.start, &Sealing { is_counter, ..sealing });
        let fault = match &rollup {
            None => Fault::SummaryMissing,
            Some(Err(_)) => Fault::Summary,
            Some(Ok(found)) if !covers(found, &expected) => Fault::Summary,
            Some(Ok(_)) => {
                verified.blocks += 1;
                return Ok(());
            }
        };
        if let Some(Ok(found)) = rollup {
            expected.keep(found);
        }
        let body = expected.encode(id, crate::numbers::Effort::Seal);
        self.transact(|transaction| crate::rows::write_rollup(transaction, id, &body))?;
        verified.damaged.push(self.damage(part, series, &fault));
        Ok(())
    }

    /// A series as it is sealed.
    pub(crate) fn sealing(&self, series: i64) -> Option<Sealing> {
        let memory = self.memory();
        let found = memory.registry.iter().find(|(_, entry)| entry.id == series);
        found.map(|(slot, entry)| Sealing::new(slot, entry))
    }

    fn damage(&self, part: &Part, series: i64, fault: &Fault) -> Damage {
        let (device, metric) = self.name_of(series);
        let (from, to) = (UnixMillis(part.span.start), UnixMillis(part.span.end));
        Damage { device, metric, from, to, what: fault.words().to_owned() }
    }

    fn name_of(&self, series: i64) -> (String, String) {
        let memory = self.memory();
        let found = memory.registry.iter().find(|(_, entry)| entry.id == series);
        found.map_or((String::new(), String::new()), |(_, entry)| {
            (entry.device.to_string(), entry.metric.to_string())
        })
    }

    /// What was put into quarantine before.
    fn known_damage(&self) -> Result<Vec<Damage>, rusqlite::Error> {
        let rows: Vec<(i64, i64, i64)> = lock(&self.reader)
            .prepare_cached(r#"SELECT series, start, "end" FROM quarantine ORDER BY id LIMIT 1000"#)?
            .query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        let damage = |(series, from, to)| {
            let (device, metric) = self.name_of(series);
            let what = "the values are in quarantine since an earlier check".to_owned();
            Damage { device, metric, from: UnixMillis(from), to: UnixMillis(to), what }
        };
        Ok(rows.into_iter().map(damage).collect())
    }

    /// Reads both head logs as the next start would.
    fn verify_logs(&self, verified: &mut Verified) -> Result<(), QueryError> {
        let folder = self.path.parent().unwrap_or(&self.path);
        // The writer must not add to a file while it is read.
        let writer = lock(&self.writer);
        let header: (i64, i64) = writer
            .connection
            .query_row("SELECT id, sealed_generation FROM store", (), |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(|error| self.unreadable(error))?;
        let found = Files::read(folder, header.0.cast_unsigned())
            .map_err(|error| QueryError::Storage(Trouble::of_file(&writer.files.path(), error)))?;
        for opened in found {
            let Some(generation) =
                opened.generation.filter(|generation| *generation > header.1.cast_unsigned())
            else {
                continue;
            };
            let (mut first, mut last) = (i64::MAX, i64::MIN);
            let read = log::read(&opened.frames, generation, |values| {
                for value in &values {
                    (first, last) = (first.min(value.at), last.max(value.at));
                }
            });
            verified.blocks += read.frames;
            for damaged in read.damaged {
                verified.damaged.push(Damage {
                    device: String::new(),
                    metric: String::new(),
                    from: UnixMillis(first.min(last)),
                    to: UnixMillis(last),
                    what: format!(
                        "{}: {} bytes are damaged: some minutes of this span",
                        opened.path.display(),
                        damaged.len()
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Whether `found` has every hour of `expected` as it should be, or knew more of it.
fn covers(found: &Rollup, expected: &Rollup) -> bool {
    let (mut found, mut expected) = (found.clone(), expected.clone());
    let decimals = found.decimals.max(expected.decimals);
    found.refine(decimals);
    expected.refine(decimals);
    expected.hours.iter().all(|hour| {
        let same = found.hours.binary_search_by_key(&hour.start, |known| known.start);
        same.is_ok_and(|index| {
            found.hours[index] == *hour || found.hours[index].summary.count > hour.summary.count
        })
    })
}
