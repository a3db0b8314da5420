//! Taking over what the first version of the store kept in tables of its own: `first_head`, a row per commit, and
//! `first_block` and `first_times`. Days are written as a backfill writes them; the old tables go when all is written, so
//! that to be interrupted costs nothing but time.
//!
//! ```text
//! head body    version 1, then groups until the end: length and bytes of the times, number of series,
//!              then for each its id, its decimals, length and bytes of its values
//! times        count, first, then for each the change of the interval
//! values 0     first, then differences
//!        1     the same, a zero difference followed by how many more
//!        2     dictionary (count, then length and bytes of each), then the indices as numbers
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use crate::bytes::{Cursor, Undecodable};
use crate::open_day::OpenDay;
use crate::point::{Point, Slot, Stored, factor};
use crate::seal;
use crate::store::{History, lock};

const RUNS: u8 = 1;
const TEXTS: u8 = 2;

/// Values that are gathered before they are written.
const AT_ONCE: usize = 1_000_000;

impl History {
    /// Moves the first version's values, if there are any.
    pub(crate) fn take_over_first_version(&self) -> Result<(), rusqlite::Error> {
        let is_there: Option<i64> = lock(&self.writer)
            .connection
            .query_row("SELECT 1 FROM sqlite_schema WHERE name = 'first_block'", (), |row| row.get(0))
            .optional()?;
        if is_there.is_none() {
            return Ok(());
        }
        let slots: HashMap<i64, (Slot, u8)> = {
            let memory = self.memory();
            memory.registry.iter().map(|(slot, entry)| (entry.id, (slot, entry.decimals))).collect()
        };
        let moved = self.move_blocks(&slots)? + self.move_head(&slots)?;
        self.transact(|transaction| {
            transaction.execute_batch("DROP TABLE first_block; DROP TABLE first_times; DROP TABLE first_head")
        })?;
        if moved > 0 {
            tracing::info!(target: "store", values = moved, "the values of the first version were taken over");
        }
        Ok(())
    }

    fn move_blocks(&self, slots: &HashMap<i64, (Slot, u8)>) -> Result<u64, rusqlite::Error> {
        let mut after = (i64::MIN, i64::MIN);
        let (mut day, mut moved) = (OpenDay::default(), 0);
        loop {
            let next = { first_block(&lock(&self.writer).connection, after)? };
            let is_end = next.is_none();
            if let Some((first, id, series, body, times)) = next {
                after = (first, id);
                let points =
                    times.ok_or(Undecodable).and_then(|times| decode_points(&decode_times(&times)?, &body));
                if let (Ok(points), Some((slot, _))) = (points, slots.get(&series)) {
                    for point in points {
                        day.push(*slot, point.at, &point.value);
                    }
                } else {
                    self.keep_damaged(id)?;
                    tracing::warn!(target: "store", block = id, "a damaged block of the first version is put aside");
                }
            }
            if is_end || day.len() > AT_ONCE {
                let ready = std::mem::take(&mut day);
                let series = seal::series_of(&ready, &self.memory().registry);
                moved += self.write_blocks(&ready, &series)?;
            }
            if is_end {
                return Ok(moved);
            }
        }
    }

    /// A block that cannot be read, or of a series that nobody can ask for, is kept as it is.
    fn keep_damaged(&self, block: i64) -> Result<(), rusqlite::Error> {
        self.transact(|transaction| {
            transaction.execute(
                r#"INSERT INTO quarantine (series, start, "end", what, body, times)
                   SELECT series, first, last + 1, 'first version', first_block.body, first_times.body FROM first_block
                   LEFT JOIN first_times ON first_times.id = first_block.times WHERE first_block.id = ?"#,
                [block],
            )
        })?;
        Ok(())
    }

    fn move_head(&self, slots: &HashMap<i64, (Slot, u8)>) -> Result<u64, rusqlite::Error> {
        let bodies: Vec<Vec<u8>> = {
            let writer = lock(&self.writer);
            let mut select = writer.connection.prepare("SELECT body FROM first_head ORDER BY id")?;
            select.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        let mut day = OpenDay::default();
        for body in bodies {
            let Ok(series) = decode_head(&body) else {
                tracing::warn!(target: "store", "a damaged commit of the first version is left out");
                continue;
            };
            for (id, decimals, points) in series {
                let Some((slot, now)) = slots.get(&id) else { continue };
                let finer = factor(now.saturating_sub(decimals));
                for mut point in points {
                    point.value.refine(finer);
                    day.push(*slot, point.at, &point.value);
                }
            }
        }
        let series = seal::series_of(&day, &self.memory().registry);
        self.write_blocks(&day, &series)
    }
}

type FirstBlock = (i64, i64, i64, Vec<u8>, Option<Vec<u8>>);

/// The next block in order of time: first, id, series, body, times.
fn first_block(connection: &Connection, after: (i64, i64)) -> Result<Option<FirstBlock>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT first, first_block.id, series, first_block.body, first_times.body FROM first_block
             LEFT JOIN first_times ON first_times.id = first_block.times
             WHERE (first, first_block.id) > (?, ?) ORDER BY first, first_block.id LIMIT 1",
        )?
        .query_row([after.0, after.1], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()
}

fn decode_head(bytes: &[u8]) -> Result<Vec<(i64, u8, Vec<Point>)>, Undecodable> {
    let mut cursor = Cursor(bytes);
    if cursor.byte()? != 1 {
        return Err(Undecodable);
    }
    let mut series = Vec::new();
    while !cursor.0.is_empty() {
        let times = decode_times(cursor.bytes()?)?;
        for _ in 0..cursor.len()? {
            let (id, decimals) = (cursor.signed()?, cursor.byte()?);
            series.push((id, decimals, decode_points(&times, cursor.bytes()?)?));
        }
    }
    Ok(series)
}

fn decode_times(bytes: &[u8]) -> Result<Vec<i64>, Undecodable> {
    let mut cursor = Cursor(bytes);
    let count = cursor.len()?;
    let mut times: Vec<i64> = Vec::with_capacity(count);
    let (mut previous, mut interval) = (0i64, 0i64);
    for _ in 0..count {
        interval = interval.wrapping_add(cursor.signed()?);
        previous = previous.wrapping_add(interval);
        if times.last().is_some_and(|last| *last >= previous) {
            return Err(Undecodable);
        }
        times.push(previous);
    }
    Ok(times)
}

fn decode_points(times: &[i64], values: &[u8]) -> Result<Vec<Point>, Undecodable> {
    let mut cursor = Cursor(values);
    let mut tag = cursor.byte()?;
    let mut texts: Vec<Arc<str>> = Vec::new();
    let has_texts = tag == TEXTS;
    if has_texts {
        for _ in 0..cursor.len()? {
            texts.push(Arc::from(std::str::from_utf8(cursor.bytes()?).map_err(|_| Undecodable)?));
        }
        tag = cursor.byte()?;
    }
    let numbers = decode_numbers(tag, &mut cursor, times.len())?;
    let stored = |number: i64| {
        if !has_texts {
            return Ok(Stored::Number(number));
        }
        let text = usize::try_from(number).ok().and_then(|index| texts.get(index));
        text.cloned().map(Stored::Text).ok_or(Undecodable)
    };
    times.iter().zip(numbers).map(|(at, number)| Ok(Point { at: *at, value: stored(number)? })).collect()
}

fn decode_numbers(tag: u8, cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<i64>, Undecodable> {
    if tag > RUNS {
        return Err(Undecodable);
    }
    let mut values = Vec::with_capacity(count);
    let mut previous = 0i64;
    while values.len() < count {
        let difference = cursor.signed()?;
        previous = previous.wrapping_add(difference);
        values.push(previous);
        if tag == RUNS && difference == 0 {
            let more = cursor.count()?;
            if more > count - values.len() {
                return Err(Undecodable);
            }
            values.resize(values.len() + more, previous);
        }
    }
    Ok(values)
}
