//! The head log: what was committed and is not sealed yet, in one of two files that take turns.
//!
//! ```text
//! file    header, then frames, then zeros (the file is made longer in advance, so that a commit changes no file system
//!         metadata; after a seal the file is used again as it is)
//! header  "OHMSHEAD", version, generation, store: which seal makes it obsolete, and whose it is; CRC32C
//! frame   length (LEB128), CRC32C of generation, life, sequence and payload, payload
//! payload 0 key    marker, life, sequence     everything after it can be read without anything before it
//!         1 first  at, number of series, for each its id, its decimals (or that it holds texts) and its value
//!         2 again  which list of series, change of the interval, which values changed, their differences
//! ```
//! One frame is one reading. Only what changed is written: a list of series is written out once after each key, then
//! referred to. The sequence counts frames and is not stored in each; the life counts openings of the store. Frames of an
//! earlier use of the file, or left over by a commit that never ended, therefore never pass for new ones.
//!
//! Reading stops at the first frame that is not sound. If a later key is sound, the bytes between are damaged and kept in
//! a file of their own; else they are the torn end of a commit that was never acknowledged.

mod decoder;
mod encoder;
mod file;
#[cfg(test)]
mod tests;

pub(crate) use decoder::{Found, read};
pub(crate) use encoder::{Encoder, Named};
pub(crate) use file::{Files, NAMES, Opened};

const KEY: u8 = 0;
const FIRST: u8 = 1;
const AGAIN: u8 = 2;

/// What a key begins with, so that it can be found behind damaged bytes.
const MARKER: [u8; 8] = *b"OHMS.key";

/// In the place of decimals: the series holds texts.
const TEXTS: u8 = 0xFF;

/// Where in the log a frame stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) generation: u64,
    pub(crate) life: u64,
    pub(crate) sequence: u64,
}

impl Position {
    fn checksum(self, payload: &[u8]) -> u32 {
        let mut place = [0; 24];
        place[..8].copy_from_slice(&self.generation.to_le_bytes());
        place[8..16].copy_from_slice(&self.life.to_le_bytes());
        place[16..].copy_from_slice(&self.sequence.to_le_bytes());
        crc32c::crc32c_append(crc32c::crc32c(&place), payload)
    }
}
