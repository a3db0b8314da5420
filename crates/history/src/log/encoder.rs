//! Readings to frames.

use std::collections::HashMap;
use std::sync::Arc;

use super::{AGAIN, FIRST, KEY, MARKER, Position, TEXTS};
use crate::bytes::{put_bytes, put_len, put_signed, put_unsigned};
use crate::point::{Slot, Stored};

/// A key is written after so many bytes: damage costs at most what lies between two keys, about half an hour.
const KEY_EVERY: usize = 32 << 10;

/// How a series is named in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named {
    /// Its id in the database.
    pub(crate) id: i64,
    /// Decimals of its numbers; `None` if it holds texts.
    pub(crate) decimals: Option<u8>,
}

/// Turns readings into frames. What it remembers since the last key is what the frames leave out.
#[derive(Debug)]
pub(crate) struct Encoder {
    next: Position,
    since_key: usize,
    lists: HashMap<Vec<Slot>, List>,
    series: HashMap<Slot, Series>,
    payload: Vec<u8>,
}

/// A list of series that were read together.
#[derive(Debug)]
struct List {
    number: usize,
    at: i64,
    step: i64,
}

/// The last value of a series since the key.
#[derive(Debug, Default)]
struct Series {
    number: i64,
    texts: HashMap<Arc<str>, i64>,
}

impl Encoder {
    /// Continues a log: the next frame is a key.
    pub(crate) fn new(next: Position) -> Self {
        Self {
            next,
            since_key: usize::MAX,
            lists: HashMap::new(),
            series: HashMap::new(),
            payload: Vec::new(),
        }
    }

    /// Where the next frame will stand.
    pub(crate) fn next(&self) -> Position {
        self.next
    }

    /// The next frame is a key: the unit of a number changed, or what was written before is lost.
    pub(crate) fn forget(&mut self) {
        self.since_key = usize::MAX;
    }

    /// Appends the frames of a reading to `out`. `values` are in the order of the reading, no slot twice.
    pub(crate) fn reading(
        &mut self,
        out: &mut Vec<u8>,
        at: i64,
        values: &[(Slot, Stored)],
        named: impl Fn(Slot) -> Named,
    ) {
        if self.since_key >= KEY_EVERY {
            self.key(out);
        }
        let start = out.len();
        self.payload.clear();
        let slots: Vec<Slot> = values.iter().map(|(slot, _)| *slot).collect();
        match self.lists.get_mut(&slots) {
            Some(list) => {
                let step = at.wrapping_sub(list.at);
                self.payload.push(AGAIN);
                put_len(&mut self.payload, list.number);
                put_signed(&mut self.payload, step.wrapping_sub(list.step));
                (list.at, list.step) = (at, step);
                self.changed(values);
            }
            None => self.first(at, slots, values, named),
        }
        self.frame(out);
        self.since_key += out.len() - start;
    }

    fn first(&mut self, at: i64, slots: Vec<Slot>, values: &[(Slot, Stored)], named: impl Fn(Slot) -> Named) {
        self.payload.push(FIRST);
        put_signed(&mut self.payload, at);
        put_len(&mut self.payload, slots.len());
        let mut previous = 0;
        for (slot, value) in values {
            let Named { id, decimals } = named(*slot);
            put_signed(&mut self.payload, id - previous);
            previous = id;
            self.payload.push(decimals.unwrap_or(TEXTS));
            put_value(&mut self.payload, self.series.entry(*slot).or_default(), value);
        }
        let number = self.lists.len();
        self.lists.insert(slots, List { number, at, step: 0 });
    }

    /// A bit for each series whether its value changed, then the changes.
    fn changed(&mut self, values: &[(Slot, Stored)]) {
        let bits = self.payload.len();
        self.payload.resize(bits + values.len().div_ceil(8), 0);
        for (index, (slot, value)) in values.iter().enumerate() {
            let series = self.series.entry(*slot).or_default();
            let is_same = match value {
                Stored::Number(number) => series.number == *number,
                Stored::Text(text) => series.texts.get(text) == Some(&series.number),
            };
            if !is_same {
                self.payload[bits + index / 8] |= 1 << (index % 8);
                put_value(&mut self.payload, series, value);
            }
        }
    }

    fn key(&mut self, out: &mut Vec<u8>) {
        (self.since_key, self.lists, self.series) = (0, HashMap::new(), HashMap::new());
        self.payload.clear();
        self.payload.push(KEY);
        self.payload.extend(MARKER);
        self.payload.extend(self.next.life.to_le_bytes());
        self.payload.extend(self.next.sequence.to_le_bytes());
        self.frame(out);
    }

    fn frame(&mut self, out: &mut Vec<u8>) {
        put_unsigned(out, self.payload.len() as u64);
        out.extend(self.next.checksum(&self.payload).to_le_bytes());
        out.extend_from_slice(&self.payload);
        self.next.sequence += 1;
    }
}

/// A number as the difference to the one before; a text by its number, written out where it is new.
fn put_value(out: &mut Vec<u8>, series: &mut Series, value: &Stored) {
    match value {
        Stored::Number(number) => {
            put_signed(out, number.wrapping_sub(series.number));
            series.number = *number;
        }
        Stored::Text(text) => {
            let known = series.texts.get(text).copied();
            let number = known.unwrap_or(crate::point::signed(series.texts.len()));
            put_signed(out, number);
            if known.is_none() {
                put_bytes(out, text.as_bytes());
                series.texts.insert(Arc::clone(text), number);
            }
            series.number = number;
        }
    }
}
