//! The way from a unit to its client: 2400 baud, and on USB reports of eight bytes.

use std::collections::VecDeque;

/// Bytes of a USB report.
pub(crate) const REPORT_BYTES: usize = 8;
/// Ten bits a byte at 2400 baud, microseconds (4166.7).
const BYTE_US: i64 = 4_167;
/// Bytes that wait to be fetched; a client that never reads loses the newest.
const WAITING_MAX: usize = 4_096;

/// Reports or runs of bytes with the moments at which they arrive.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<(i64, Vec<u8>)>,
    /// The line is taken up to here.
    busy_until_ms: i64,
}

impl Outbox {
    /// Sends groups of bytes from a moment on, or later if the line is taken. Gives the moment at which each arrives.
    pub(crate) fn send(&mut self, from_ms: i64, groups: Vec<Group>) -> Vec<i64> {
        let start_ms = from_ms.max(self.busy_until_ms);
        let mut sent_us = 0;
        let mut arrivals = Vec::with_capacity(groups.len());
        for Group { bytes, on_line } in groups {
            sent_us += BYTE_US * i64::from(on_line);
            let due_ms = start_ms + sent_us.div_euclid(1_000);
            arrivals.push(due_ms);
            if self.waiting.len() * REPORT_BYTES < WAITING_MAX {
                self.waiting.push_back((due_ms, bytes));
            }
            self.busy_until_ms = due_ms;
        }
        arrivals
    }

    pub(crate) fn due_ms(&self) -> Option<i64> {
        self.waiting.front().map(|(due_ms, _)| *due_ms)
    }

    /// When the line is free again.
    pub(crate) fn busy_until_ms(&self) -> i64 {
        self.busy_until_ms
    }

    pub(crate) fn take(&mut self, now_ms: i64) -> Vec<Vec<u8>> {
        let due = self.waiting.iter().take_while(|(due_ms, _)| *due_ms <= now_ms).count();
        self.waiting.drain(..due).map(|(_, bytes)| bytes).collect()
    }

    /// What would arrive at this moment or later is lost.
    pub(crate) fn lose_from(&mut self, at_ms: i64) {
        self.waiting.retain(|(due_ms, _)| *due_ms < at_ms);
        self.busy_until_ms = self.busy_until_ms.min(at_ms);
    }
}

/// Bytes that arrive together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// As the client gets them.
    pub(crate) bytes: Vec<u8>,
    /// How many of them came over the slow line; padding did not.
    pub(crate) on_line: u8,
}

/// A frame in groups: reports padded with zeros, or runs as the line's buffer hands them on.
pub(crate) fn groups(frame: &[u8], serial_line: bool) -> Vec<Group> {
    frame.chunks(REPORT_BYTES).map(|chunk| group(chunk, serial_line)).collect()
}

/// One group of at most eight bytes.
pub(crate) fn group(chunk: &[u8], serial_line: bool) -> Group {
    let mut bytes = chunk.to_vec();
    if !serial_line {
        bytes.resize(REPORT_BYTES, 0);
    }
    Group { bytes, on_line: u8::try_from(chunk.len()).unwrap_or(u8::MAX) }
}
