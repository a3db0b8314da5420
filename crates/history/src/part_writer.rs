//! Writing the rows of one part of time: blocks, the lists of times that they share, and summaries per hour.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use rusqlite::Transaction;

use crate::block::{self, Values};
use crate::numbers::Effort;
use crate::parts::{Part, row_id};
use crate::point::{Point, factor, merge};
use crate::quarantine;
use crate::registry::Class;
use crate::rows::{BlockRow, open_times, read_rollup, seal_times, write_block, write_rollup};
use crate::seal::{Sealing, rollup_of};

/// Times in the lists of a part that are looked at when it is written again: those of a day, not of a month of polls.
const TIMES_KNOWN: usize = 100_000;

/// Lists of times that are compared with those of the next series.
const COMPARED: usize = 12;

/// Writes the rows of one part.
pub(crate) struct PartWriter {
    pub(crate) part: Part,
    effort: Effort,
    is_new: bool,
    lists: Vec<(Rc<Vec<i64>>, i64)>,
    list_of: HashMap<Rc<Vec<i64>>, i64>,
    next_list: Option<i64>,
    /// Whether the lists that the part has are in `lists`.
    knows_lists: bool,
    /// Lists of blocks that were replaced.
    released: BTreeSet<i64>,
}

impl PartWriter {
    pub(crate) fn new(part: Part, effort: Effort) -> Self {
        let is_new = part.changes == 0;
        let (lists, list_of, released) = (Vec::new(), HashMap::new(), BTreeSet::new());
        Self { part, effort, is_new, lists, list_of, next_list: None, knows_lists: is_new, released }
    }

    /// Merges the newer `points` of a series, in order, into the part.
    pub(crate) fn add(
        &mut self,
        transaction: &Transaction<'_>,
        sealing: &Sealing,
        points: Vec<Point>,
    ) -> Result<(), rusqlite::Error> {
        let id = row_id(self.part.id, sealing.id);
        let points = match self.older(transaction, id, sealing)? {
            Some(older) => merge(older, points),
            None => points,
        };
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(()) };
        let span = (first.at, last.at);
        let (list, skips) = self.list(transaction, points.iter().map(|point| point.at).collect())?;
        let values = Values::of(sealing.decimals, skips, points.iter().map(|point| &point.value));
        write_block(transaction, id, span, points.len(), list, &values.encode(id, self.effort))?;
        if sealing.class == Class::Number { self.roll_up(transaction, id, sealing, &points) } else { Ok(()) }
    }

    /// What the part has of a series, in the unit of `sealing`. A damaged block is put into quarantine.
    fn older(
        &mut self,
        transaction: &Transaction<'_>,
        id: i64,
        sealing: &Sealing,
    ) -> Result<Option<Vec<Point>>, rusqlite::Error> {
        if self.is_new {
            return Ok(None);
        }
        let Some(row) = BlockRow::read(transaction, id)? else { return Ok(None) };
        self.released.insert(row.times);
        let Ok((decimals, mut points)) = row.points() else {
            quarantine::block(transaction, &self.part, id)?;
            return Ok(None);
        };
        let finer = factor(sealing.decimals.saturating_sub(decimals));
        if finer > 1 {
            for point in &mut points {
                point.value.refine(finer);
            }
        }
        Ok(Some(points))
    }

    /// The id of a list of times, written if it is new, and which of its times are skipped.
    fn list(
        &mut self,
        transaction: &Transaction<'_>,
        times: Vec<i64>,
    ) -> Result<(i64, Vec<usize>), rusqlite::Error> {
        self.learn_lists(transaction)?;
        if let Some(id) = self.list_of.get(&times) {
            return Ok((*id, Vec::new()));
        }
        let recent = self.lists.iter().rev().take(COMPARED);
        let fits = recent.filter_map(|(list, id)| Some((*id, block::skips(list, &times)?)));
        if let Some(best) = fits.min_by_key(|(_, skips)| skips.len()) {
            return Ok(best);
        }
        let id = self.write_list(transaction, |id, effort| seal_times(id, &times, effort))?;
        self.remember(id, times);
        Ok((id, Vec::new()))
    }

    fn remember(&mut self, id: i64, times: Vec<i64>) {
        let times = Rc::new(times);
        self.lists.push((Rc::clone(&times), id));
        self.list_of.insert(times, id);
    }

    /// The newest lists that the part has already, so that what comes series by series (an import) shares them too.
    fn learn_lists(&mut self, transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        if std::mem::replace(&mut self.knows_lists, true) {
            return Ok(());
        }
        let rows = self.part.rows();
        let mut select = transaction
            .prepare_cached("SELECT id, body FROM times WHERE id >= ? AND id < ? ORDER BY id DESC")?;
        let mut known = Vec::new();
        let mut found = select.query([rows.start, rows.end])?;
        let mut room = TIMES_KNOWN;
        while let Some(row) = found.next()? {
            let (id, body): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let Ok(times) = open_times(id, &body) else { continue };
            let Some(left) = room.checked_sub(times.len()) else { break };
            room = left;
            known.push((id, times));
        }
        for (id, times) in known.into_iter().rev() {
            self.remember(id, times);
        }
        Ok(())
    }

    /// Writes a new list of times; `body` makes its bytes.
    pub(crate) fn write_list(
        &mut self,
        transaction: &Transaction<'_>,
        body: impl FnOnce(i64, Effort) -> Vec<u8>,
    ) -> Result<i64, rusqlite::Error> {
        let rows = self.part.rows();
        let next = match self.next_list {
            Some(next) => next,
            None => transaction
                .prepare_cached("SELECT max(id) FROM times WHERE id >= ? AND id < ?")?
                .query_row([rows.start, rows.end], |row| row.get::<_, Option<i64>>(0))?
                .map_or(rows.start, |last| last + 1),
        };
        self.next_list = Some(next + 1);
        transaction
            .prepare_cached("INSERT INTO times (id, body) VALUES (?, ?)")?
            .execute(rusqlite::params![next, body(next, self.effort)])?;
        Ok(next)
    }

    fn roll_up(
        &self,
        transaction: &Transaction<'_>,
        id: i64,
        sealing: &Sealing,
        points: &[Point],
    ) -> Result<(), rusqlite::Error> {
        let older = if self.is_new { None } else { read_rollup(transaction, id)? };
        let is_counter = sealing.is_counter || older.as_ref().is_some_and(|older| older.is_counter);
        let mut rollup = rollup_of(points, self.part.span.start, &Sealing { is_counter, ..*sealing });
        if let Some(older) = older {
            rollup.keep(older);
        }
        write_rollup(transaction, id, &rollup.encode(id, self.effort))
    }

    /// Notes that the part changed.
    pub(crate) fn touch(&self, transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        transaction
            .prepare_cached("UPDATE part SET changes = changes + 1, has_raw = 1 WHERE id = ?")?
            .execute([self.part.id])?;
        Ok(())
    }

    /// Deletes the lists of times that nothing uses any more.
    pub(crate) fn release(&self, transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        if self.released.is_empty() {
            return Ok(());
        }
        let rows = self.part.rows();
        let used: BTreeSet<i64> = transaction
            .prepare_cached("SELECT DISTINCT times FROM block WHERE id >= ? AND id < ?")?
            .query_map([rows.start, rows.end], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut delete = transaction.prepare_cached("DELETE FROM times WHERE id = ?")?;
        for list in self.released.difference(&used) {
            delete.execute([list])?;
        }
        Ok(())
    }
}
