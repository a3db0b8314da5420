//! Frames to readings.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::{AGAIN, FIRST, KEY, MARKER, Position, TEXTS};
use crate::bytes::{Cursor, Undecodable};
use crate::log::encoder::Named;
use crate::point::Stored;

/// Series in one reading at most; a damaged frame must not ask for more memory.
const SERIES_MAX: usize = 100_000;

/// One value found in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) series: Named,
    pub(crate) at: i64,
    pub(crate) value: Stored,
}

/// What a log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    /// The number of sound frames.
    pub(crate) frames: u64,
    /// Where the last sound frame ends, bytes.
    pub(crate) end: usize,
    /// Where the next frame stands.
    pub(crate) next: Position,
    /// Bytes between sound frames that are not sound.
    pub(crate) damaged: Vec<Range<usize>>,
}

/// Reads the frames in `bytes` (of generation `generation`) and hands over each reading's values.
pub(crate) fn read(bytes: &[u8], generation: u64, mut visit: impl FnMut(Vec<Found>)) -> Read {
    let start = Position { generation, life: 0, sequence: 0 };
    let mut read = Read { frames: 0, end: 0, next: start, damaged: Vec::new() };
    let mut epoch = Epoch::default();
    let mut at = 0;
    while at < bytes.len() {
        let sound = frame(&bytes[at..]).and_then(|(length, checksum, payload)| {
            let position = position(payload, read.next)?;
            (position.checksum(payload) == checksum).then_some((length, position, payload))
        });
        let found = sound
            .and_then(|(length, position, payload)| Some((length, position, epoch.payload(payload).ok()?)));
        if let Some((length, position, values)) = found {
            if read.end < at {
                read.damaged.push(read.end..at);
            }
            visit(values);
            at += length;
            read.frames += 1;
            (read.end, read.next) = (at, Position { sequence: position.sequence + 1, ..position });
        } else {
            // The end, unless a later key is sound.
            let Some(key) = next_key(bytes, at + 1) else { break };
            at = key;
            epoch = Epoch::default();
        }
    }
    read
}

/// Length, checksum and payload of the frame that `bytes` begin with, if they may be one.
fn frame(bytes: &[u8]) -> Option<(usize, u32, &[u8])> {
    let mut cursor = Cursor(bytes);
    let length = cursor.count().ok().filter(|length| *length > 0)?;
    let checksum = cursor.take(4).ok()?.try_into().ok()?;
    let payload = cursor.take(length).ok()?;
    Some((bytes.len() - cursor.0.len(), u32::from_le_bytes(checksum), payload))
}

/// Where a frame stands: the next place, or what a key says. No key leads back to an earlier life or place.
fn position(payload: &[u8], next: Position) -> Option<Position> {
    let Some(key) = payload.strip_prefix(&[KEY]).and_then(|rest| rest.strip_prefix(&MARKER)) else {
        return Some(next);
    };
    let (life, sequence) = key.split_at_checked(8)?;
    let life = u64::from_le_bytes(life.try_into().ok()?);
    let sequence = u64::from_le_bytes(sequence.try_into().ok()?);
    (life >= next.life && sequence >= next.sequence).then_some(Position { life, sequence, ..next })
}

/// Where the next frame begins whose payload begins as a key's does, at `from` or later.
fn next_key(bytes: &[u8], from: usize) -> Option<usize> {
    // Length (one byte: a key is short), checksum, kind.
    const BEFORE: usize = 1 + 4 + 1;
    let rest = bytes.get(from..)?;
    rest.windows(MARKER.len())
        .enumerate()
        .filter(|(_, window)| *window == MARKER)
        .find_map(|(index, _)| (from + index).checked_sub(BEFORE).filter(|start| *start >= from))
}

/// What was said since the last key.
#[derive(Default)]
struct Epoch {
    lists: Vec<List>,
    series: HashMap<i64, Series>,
}

struct List {
    series: Vec<Named>,
    at: i64,
    step: i64,
}

#[derive(Default)]
struct Series {
    number: i64,
    texts: Vec<Arc<str>>,
}

impl Epoch {
    fn payload(&mut self, payload: &[u8]) -> Result<Vec<Found>, Undecodable> {
        let mut cursor = Cursor(payload);
        match cursor.byte()? {
            KEY => {
                *self = Self::default();
                Ok(Vec::new())
            }
            FIRST => self.first(cursor),
            AGAIN => self.again(cursor),
            _ => Err(Undecodable),
        }
    }

    fn first(&mut self, mut cursor: Cursor<'_>) -> Result<Vec<Found>, Undecodable> {
        let at = cursor.signed()?;
        let count = cursor.len()?.min(SERIES_MAX);
        let (mut list, mut found) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut id = 0i64;
        for _ in 0..count {
            id = id.wrapping_add(cursor.signed()?);
            let decimals = cursor.byte()?;
            let series = Named { id, decimals: (decimals != TEXTS).then_some(decimals) };
            let value = self.value(&mut cursor, series)?;
            list.push(series);
            found.push(Found { series, at, value });
        }
        self.lists.push(List { series: list, at, step: 0 });
        Ok(found)
    }

    fn again(&mut self, mut cursor: Cursor<'_>) -> Result<Vec<Found>, Undecodable> {
        let number = cursor.count()?;
        let change = cursor.signed()?;
        let list = self.lists.get_mut(number).ok_or(Undecodable)?;
        list.step = list.step.wrapping_add(change);
        list.at = list.at.wrapping_add(list.step);
        let (at, all) = (list.at, list.series.clone());
        let bits = cursor.take(all.len().div_ceil(8))?;
        let mut found = Vec::with_capacity(all.len());
        for (index, series) in all.into_iter().enumerate() {
            let has_changed = bits[index / 8] >> (index % 8) & 1 == 1;
            let value = if has_changed { self.value(&mut cursor, series)? } else { self.same(series)? };
            found.push(Found { series, at, value });
        }
        Ok(found)
    }

    fn value(&mut self, cursor: &mut Cursor<'_>, series: Named) -> Result<Stored, Undecodable> {
        let known = self.series.entry(series.id).or_default();
        if series.decimals.is_some() {
            known.number = known.number.wrapping_add(cursor.signed()?);
            return Ok(Stored::Number(known.number));
        }
        known.number = cursor.signed()?;
        if known.number == crate::point::signed(known.texts.len()) {
            let text = std::str::from_utf8(cursor.bytes()?).map_err(|_| Undecodable)?;
            known.texts.push(Arc::from(text));
        }
        self.same(series)
    }

    fn same(&self, series: Named) -> Result<Stored, Undecodable> {
        let known = self.series.get(&series.id).ok_or(Undecodable)?;
        if series.decimals.is_some() {
            return Ok(Stored::Number(known.number));
        }
        let text = usize::try_from(known.number).ok().and_then(|index| known.texts.get(index));
        text.cloned().map(Stored::Text).ok_or(Undecodable)
    }
}
