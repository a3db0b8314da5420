//! Writing columns into sealed blocks.
//!
//! Blocks of a series do not overlap. New points go, gap by gap, into the block before them: appended to it while it has
//! room, merged into it where they fall inside, into a block of their own where there is none. So late values and
//! a clock that jumped back cost a block or two, never the rewriting of a whole series.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::codec::{encode_times, encode_values};
use crate::columns::{Columns, Point, Slot, factor, merge, signed};
use crate::frame::decode_points;
use crate::registry::{Row, SeriesEntry};

/// Gives every series its row, with the decimals it has in memory. Returns the rows.
pub(crate) fn save_series(
    transaction: &Transaction<'_>,
    series: &[(Slot, SeriesEntry)],
) -> Result<Vec<(Slot, Row)>, rusqlite::Error> {
    let mut rows = Vec::with_capacity(series.len());
    for (slot, entry) in series {
        let id = match entry.row {
            Some(row) if row.decimals == entry.decimals => row.id,
            Some(row) => {
                refine(transaction, row, entry.decimals)?;
                row.id
            }
            None => {
                let mut insert = transaction.prepare_cached(
                    "INSERT INTO series (device, metric, kind, decimals) VALUES (?, ?, ?, ?)",
                )?;
                insert.insert(params![
                    entry.device.as_str(),
                    &*entry.metric,
                    entry.class.key(),
                    entry.decimals
                ])?
            }
        };
        rows.push((*slot, Row { id, decimals: entry.decimals }));
    }
    Ok(rows)
}

/// Rewrites the sealed numbers of a series in a finer unit.
fn refine(transaction: &Transaction<'_>, row: Row, decimals: u8) -> Result<(), rusqlite::Error> {
    let finer = factor(decimals.saturating_sub(row.decimals));
    let blocks: Vec<i64> = transaction
        .prepare("SELECT id FROM block WHERE series = ?")?
        .query_map([row.id], |found| found.get(0))?
        .collect::<Result<_, _>>()?;
    for block in blocks {
        let Some(mut points) = read_block(transaction, block)? else { continue };
        for point in &mut points {
            point.value.refine(finer);
        }
        let body = encode_values(points.iter().map(|point| &point.value));
        transaction.execute("UPDATE block SET body = ? WHERE id = ?", params![body, block])?;
    }
    transaction.execute("UPDATE series SET decimals = ? WHERE id = ?", params![decimals, row.id])?;
    Ok(())
}

/// The points of a block; `None`, with a log line, if its bytes are damaged.
fn read_block(transaction: &Transaction<'_>, block: i64) -> Result<Option<Vec<Point>>, rusqlite::Error> {
    let mut select = transaction.prepare_cached(
        "SELECT block.body, times.body FROM block LEFT JOIN times ON times.id = block.times WHERE block.id = ?",
    )?;
    select.query_row([block], |row| {
        let (body, times): (Vec<u8>, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
        Ok(decode_block(block, &body, times.as_deref()))
    })
}

/// The points of a block as stored; `None`, with a log line, if the bytes are damaged.
pub(crate) fn decode_block(block: i64, body: &[u8], times: Option<&[u8]>) -> Option<Vec<Point>> {
    let points = times.and_then(|times| {
        crate::codec::decode_times(times).and_then(|times| decode_points(&times, body)).ok()
    });
    if points.is_none() && is_news(block) {
        tracing::warn!(target: "store", block, "a block of the history is damaged and left out");
    }
    points
}

/// Whether damage of this block was not logged yet; a page that is refreshed must not fill the log.
fn is_news(block: i64) -> bool {
    const REMEMBERED_MAX: usize = 1_000;
    static LOGGED: Mutex<BTreeSet<i64>> = Mutex::new(BTreeSet::new());
    let mut logged = crate::store::lock(&LOGGED);
    logged.len() < REMEMBERED_MAX && logged.insert(block)
}

/// Writes all `columns` into blocks of at most `block_values`.
pub(crate) fn write(
    transaction: &Transaction<'_>,
    columns: &Columns,
    rows: &[(Slot, Row)],
    block_values: usize,
) -> Result<(), rusqlite::Error> {
    let ids: HashMap<Slot, i64> = rows.iter().map(|(slot, row)| (*slot, row.id)).collect();
    let mut sealer = Sealer { transaction, block_values, times: HashMap::new(), released: BTreeSet::new() };
    for (slot, points) in columns.iter() {
        let Some(series) = ids.get(&slot) else { continue };
        sealer.series(*series, points)?;
    }
    release_times(transaction, &sealer.released)
}

/// Deletes those of the time stamps that no block uses any more.
pub(crate) fn release_times(
    transaction: &Transaction<'_>,
    released: &BTreeSet<i64>,
) -> Result<(), rusqlite::Error> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM times WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM block WHERE block.times = ?1)",
    )?;
    for times in released {
        delete.execute([times])?;
    }
    Ok(())
}

struct Sealer<'a> {
    transaction: &'a Transaction<'a>,
    block_values: usize,
    /// The time stamps written so far, by their bytes: series polled together share a row.
    times: HashMap<Vec<u8>, i64>,
    /// Time stamps of blocks that were replaced.
    released: BTreeSet<i64>,
}

/// The block before a point.
struct Neighbour {
    id: i64,
    last: i64,
    count: i64,
    times: i64,
}

impl Sealer<'_> {
    fn series(&mut self, series: i64, mut points: &[Point]) -> Result<(), rusqlite::Error> {
        while let Some(first) = points.first() {
            let end = match self.next_start(series, first.at)? {
                Some(next) => points.partition_point(|point| point.at < next),
                None => points.len(),
            };
            let (run, rest) = points.split_at(end);
            self.run(series, run)?;
            points = rest;
        }
        Ok(())
    }

    /// Writes points between which no block starts.
    fn run(&mut self, series: i64, run: &[Point]) -> Result<(), rusqlite::Error> {
        let before = match run.first() {
            Some(first) => self.block_before(series, first.at)?,
            None => return Ok(()),
        };
        let inside = before.as_ref().is_some_and(|block| run.first().is_some_and(|p| p.at <= block.last));
        let joined = before.filter(|block| inside || block.count < signed(self.block_values));
        let old = match &joined {
            Some(block) => read_block(self.transaction, block.id)?.map(|points| (block, points)),
            None => None,
        };
        let Some((block, older)) = old else { return self.write_blocks(series, run, self.block_values) };
        self.transaction.prepare_cached("DELETE FROM block WHERE id = ?")?.execute([block.id])?;
        self.released.insert(block.times);
        let points = merge(older, run.to_vec());
        // Where points fall inside, even parts leave room for more of them; at the end, full blocks are final.
        let parts = points.len().div_ceil(self.block_values);
        let size = if inside { points.len().div_ceil(parts) } else { self.block_values };
        self.write_blocks(series, &points, size)
    }

    fn write_blocks(&mut self, series: i64, points: &[Point], size: usize) -> Result<(), rusqlite::Error> {
        for chunk in points.chunks(size) {
            let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { continue };
            let times = self.times_row(encode_times(chunk.iter().map(|point| point.at)))?;
            let body = encode_values(chunk.iter().map(|point| &point.value));
            self.transaction
                .prepare_cached(
                    "INSERT INTO block (series, first, last, count, times, body) VALUES (?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![series, first.at, last.at, signed(chunk.len()), times, body])?;
        }
        Ok(())
    }

    fn times_row(&mut self, body: Vec<u8>) -> Result<i64, rusqlite::Error> {
        if let Some(id) = self.times.get(&body) {
            return Ok(*id);
        }
        let id = self.transaction.prepare_cached("INSERT INTO times (body) VALUES (?)")?.insert([&body])?;
        self.times.insert(body, id);
        Ok(id)
    }

    fn block_before(&self, series: i64, at: i64) -> Result<Option<Neighbour>, rusqlite::Error> {
        self.transaction
            .prepare_cached(
                "SELECT id, last, count, times FROM block WHERE series = ? AND first <= ? ORDER BY first DESC LIMIT 1",
            )?
            .query_row([series, at], |row| {
                Ok(Neighbour { id: row.get(0)?, last: row.get(1)?, count: row.get(2)?, times: row.get(3)? })
            })
            .optional()
    }

    fn next_start(&self, series: i64, at: i64) -> Result<Option<i64>, rusqlite::Error> {
        self.transaction
            .prepare_cached("SELECT min(first) FROM block WHERE series = ? AND first > ?")?
            .query_row([series, at], |row| row.get(0))
    }
}
