//! The part of the store that is in memory: values that are not sealed, and the frames that wait for a commit.
//!
//! ```text
//! append --> open day (columns) and waiting frames --commit--> head log
//!            open day --at midnight--> being sealed --> database
//! ```
//! Questions look at the open day, at what is being sealed, and at the database, in this order of precedence.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ohmstead_model::{DeviceId, Metric, Reading, UnixMillis};

use crate::log::{Encoder, Found, Position};
use crate::open_day::OpenDay;
use crate::overview::Span;
use crate::point::{Point, Slot, Stored, factor, merge};
use crate::registry::{Refusal, Registry, to_stored};
use crate::rollup::HOUR_MS;
use crate::settings::Limits;

/// One value that was refused: the metric's id and the reason.
pub(crate) type Refused = (&'static str, Refusal);

/// Lists of metrics remembered for one device.
const LISTS_MAX: usize = 16;

/// See the module.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) registry: Registry,
    pub(crate) open: OpenDay,
    pub(crate) sealing: Option<Sealing>,
    lists: HashMap<DeviceId, Vec<List>>,
    encoder: Encoder,
    /// The frames that wait for a commit.
    waiting: Waiting,
    /// The frames of the open day are not in the log as they were encoded, and must be written anew.
    is_lost: bool,
    pub(crate) dropped: u64,
    /// When the last attempt to seal failed, if it did: the log says it once, and it is not tried again at once.
    pub(crate) seal_failed: Option<UnixMillis>,
    pub(crate) last_commit: Option<UnixMillis>,
}

/// What is moved into the database.
#[derive(Debug, Clone)]
pub(crate) struct Sealing {
    pub(crate) day: Arc<OpenDay>,
    /// The last generation of the head log that it makes obsolete.
    pub(crate) through: u64,
}

/// Frames on their way to the log.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Which generation they belong to.
    pub(crate) generation: u64,
    pub(crate) frames: Vec<u8>,
    pub(crate) readings: usize,
    pub(crate) values: usize,
}

/// The metrics of a device that come together, with their places.
#[derive(Debug)]
struct List {
    metrics: Vec<Metric>,
    slots: Vec<Slot>,
}

impl Memory {
    pub(crate) fn new(registry: Registry, open: OpenDay, sealing: Option<Sealing>, next: Position) -> Self {
        Self {
            registry,
            open,
            sealing,
            lists: HashMap::new(),
            encoder: Encoder::new(next),
            waiting: Waiting { generation: next.generation, ..Waiting::default() },
            is_lost: false,
            dropped: 0,
            seal_failed: None,
            last_commit: None,
        }
    }

    /// Takes a reading in. Returns what was refused.
    pub(crate) fn append(&mut self, reading: &Reading, limits: &Limits) -> Vec<Refused> {
        let (at, values, refused) = self.take_in(reading);
        if values.is_empty() {
            return refused;
        }
        for (slot, value) in &values {
            self.open.push(*slot, at, value);
        }
        self.waiting.readings += 1;
        self.waiting.values += values.len();
        if !self.is_lost {
            self.encode(at, &values);
        }
        if self.waiting.frames.len() > limits.waiting_bytes {
            // They are still in the open day, and are written from there when the disk is back.
            self.waiting.frames = Vec::new();
            self.is_lost = true;
        }
        if self.open.bytes_bound() > limits.open_bytes_max {
            self.dropped += self.open.shrink(limits.open_bytes_max / 2) as u64;
        }
        refused
    }

    fn encode(&mut self, at: i64, values: &[(Slot, Stored)]) {
        let registry = &self.registry;
        self.encoder.reading(&mut self.waiting.frames, at, values, |slot| registry.get(slot).named());
    }

    /// A reading as it is stored; the series it needs are made.
    pub(crate) fn take_in(&mut self, reading: &Reading) -> (i64, Vec<(Slot, Stored)>, Vec<Refused>) {
        let mut values = Vec::with_capacity(reading.values.len());
        let mut refused = Vec::new();
        let slots = self.slots(reading);
        for ((metric, observation), slot) in reading.values.iter().zip(slots) {
            let Ok(value) = observation else { continue };
            let Some(slot) = slot else {
                refused.push((metric.id(), Refusal::TooMany));
                continue;
            };
            match to_stored(value, *metric, self.registry.get(slot).decimals) {
                Ok(stored) => values.push((slot, stored)),
                Err(refusal) => refused.push((metric.id(), refusal)),
            }
        }
        (reading.at.unix.0, values, refused)
    }

    /// The places of a reading's metrics. Most readings repeat the list of an earlier one.
    fn slots(&mut self, reading: &Reading) -> Vec<Option<Slot>> {
        let lists = self.lists.get(&reading.device).map(Vec::as_slice).unwrap_or_default();
        // The same definitions, not only the same names: one may have become finer.
        let same = |list: &&List| {
            let known = list.metrics.iter().zip(&reading.values);
            list.metrics.len() == reading.values.len() && { known }
                .all(|(known, (metric, _))| std::ptr::eq(known.def(), metric.def()))
        };
        if let Some(list) = lists.iter().find(same) {
            return list.slots.iter().copied().map(Some).collect();
        }
        let mut slots = Vec::with_capacity(reading.values.len());
        for (metric, _) in &reading.values {
            let slot = self.registry.find_or_add(&reading.device, *metric);
            if let Some(slot) = slot {
                self.refine(slot, metric.def().decimals);
            }
            slots.push(slot);
        }
        if let Some(known) = slots.iter().copied().collect::<Option<Vec<Slot>>>() {
            let lists = self.lists.entry(reading.device.clone()).or_default();
            if lists.len() == LISTS_MAX {
                lists.remove(0);
            }
            lists.push(List {
                metrics: reading.values.iter().map(|(metric, _)| *metric).collect(),
                slots: known,
            });
        }
        slots
    }

    /// Gives a series at least `decimals`: the catalogue may have become finer since the values were stored.
    fn refine(&mut self, slot: Slot, decimals: u8) {
        if self.registry.get(slot).number_decimals().is_none() {
            return;
        }
        let more = self.registry.refine(slot, decimals);
        if more == 0 {
            return;
        }
        self.open.refine(slot, factor(more));
        if let Some(sealing) = &mut self.sealing {
            Arc::make_mut(&mut sealing.day).refine(slot, factor(more));
        }
        self.encoder.forget();
    }

    /// What was found in the log when the store is opened.
    pub(crate) fn found(
        registry: &Registry,
        by_id: &HashMap<i64, Slot>,
        day: &mut OpenDay,
        found: Vec<Found>,
    ) {
        for Found { series, at, mut value } in found {
            let Some(slot) = by_id.get(&series.id) else { continue };
            let entry = registry.get(*slot);
            let is_finer = series.decimals > Some(entry.decimals);
            if series.decimals.is_some() != entry.number_decimals().is_some() || is_finer {
                continue;
            }
            value.refine(factor(entry.decimals.saturating_sub(series.decimals.unwrap_or(entry.decimals))));
            day.push(*slot, at, &value);
        }
    }

    /// The frames to be committed; `None` if nothing waits. `life` is one that the log has not seen.
    pub(crate) fn take_waiting(&mut self, life: u64) -> Option<Waiting> {
        if self.is_lost {
            self.rewrite(life, self.encoder.next().generation);
        }
        if self.waiting.frames.is_empty() {
            return None;
        }
        let generation = self.waiting.generation;
        Some(std::mem::replace(&mut self.waiting, Waiting { generation, ..Waiting::default() }))
    }

    /// A commit failed: the frames wait again, before those that came since.
    pub(crate) fn put_back(&mut self, mut failed: Waiting) {
        failed.frames.append(&mut self.waiting.frames);
        failed.readings += self.waiting.readings;
        failed.values += self.waiting.values;
        self.waiting = failed;
    }

    /// A commit failed in a way that its frames cannot be given again.
    pub(crate) fn lose(&mut self, failed: &Waiting) {
        self.waiting.frames = Vec::new();
        self.waiting.readings += failed.readings;
        self.waiting.values += failed.values;
        self.is_lost = true;
    }

    /// Encodes the whole open day anew.
    fn rewrite(&mut self, life: u64, generation: u64) {
        self.is_lost = false;
        let sequence =
            if generation == self.encoder.next().generation { self.encoder.next().sequence } else { 0 };
        self.encoder = Encoder::new(Position { generation, life, sequence });
        self.waiting.generation = generation;
        self.waiting.frames.clear();
        let Some((first, last)) = self.open.span() else { return };
        let slots: Vec<Slot> = self.open.slots().collect();
        let mut from = first;
        while from <= last {
            let to = from.saturating_add(HOUR_MS);
            let mut readings: BTreeMap<i64, Vec<(Slot, Stored)>> = BTreeMap::new();
            for slot in &slots {
                for point in self.open.points(*slot, from, to) {
                    readings.entry(point.at).or_default().push((*slot, point.value));
                }
            }
            for (at, values) in &readings {
                self.encode(*at, values);
            }
            // Over a gap at once: a clock that was in another century must not cost an hour of loops.
            if to == i64::MAX {
                break;
            }
            let next = slots.iter().filter_map(|slot| self.open.column(*slot)?.next_from(to)).min();
            from = next.unwrap_or(i64::MAX).max(to);
        }
    }

    /// Everything before `boundary` is to be sealed, and a new generation of the log begins with the rest.
    pub(crate) fn rotate(&mut self, boundary: i64, life: u64) {
        let generation = self.encoder.next().generation;
        let rest = self.open.split(boundary);
        let day = Arc::new(std::mem::replace(&mut self.open, rest));
        self.sealing = Some(Sealing { day, through: generation });
        self.rewrite(life, generation.saturating_add(1));
        self.is_lost = false;
    }

    /// Whether anything waits for a commit.
    pub(crate) fn is_waiting(&self) -> bool {
        self.is_lost || !self.waiting.frames.is_empty()
    }

    /// Bytes of memory for values, about.
    pub(crate) fn bytes(&self) -> usize {
        self.open.bytes() + self.sealing.as_ref().map_or(0, |sealing| sealing.day.bytes())
    }

    pub(crate) fn waiting_values(&self) -> usize {
        self.waiting.values
    }

    /// The points of a series with `from <= at < to` that are in memory, oldest first.
    pub(crate) fn points(&self, slot: Slot, from: i64, to: i64) -> Vec<Point> {
        let open = self.open.points(slot, from, to);
        match &self.sealing {
            Some(sealing) => merge(sealing.day.points(slot, from, to), open),
            None => open,
        }
    }

    /// The newest point of each series that has one in memory, by slot.
    pub(crate) fn last_points(&self) -> Vec<Option<Point>> {
        let last = |(slot, _)| {
            let days = [Some(&self.open), self.sealing.as_ref().map(|sealing| &*sealing.day)];
            let newest = days.into_iter().flatten().filter_map(|day| {
                let (_, last, _) = day.column(slot)?.span()?;
                day.points(slot, last, last.saturating_add(1)).pop()
            });
            newest.reduce(|one, other| if other.at > one.at { other } else { one })
        };
        self.registry.iter().map(last).collect()
    }

    /// First time, last time and count of each series in memory, by slot.
    pub(crate) fn spans(&self) -> Vec<Option<Span>> {
        let span = |day: &OpenDay, slot| {
            let (first, last, points) = day.column(slot)?.span()?;
            Some(Span::of(first, last, points))
        };
        let of_slot = |(slot, _)| {
            let sealing = self.sealing.as_ref().and_then(|sealing| span(&sealing.day, slot));
            span(&self.open, slot).map(|open| open.with(sealing)).or(sealing)
        };
        self.registry.iter().map(of_slot).collect()
    }
}
