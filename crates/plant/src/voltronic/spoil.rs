//! What a bad cable and a bad bridge make of a good answer.

use super::{
    outbox::{Group, REPORT_BYTES, group, groups},
    switches::Switches,
};
use fastrand::Rng;

/// Whether something with a percentage happens this time; nothing is drawn for what is off.
pub(crate) fn happens(rng: &mut Rng, pct: f64) -> bool {
    pct > 0.0 && rng.f64() * 100.0 < pct
}

/// The bytes of an answer as they arrive. `end` is how many bytes terminate it.
pub(crate) fn frame(mut bytes: Vec<u8>, end: usize, switches: &Switches, rng: &mut Rng) -> Vec<u8> {
    let check_at = bytes.len().saturating_sub(end + 2);
    if happens(rng, switches.nao)
        && bytes.len() > 4
        && let Some(at) = bytes[..4].iter().position(|byte| *byte == b'K')
    {
        bytes[at] = b'O';
    }
    if happens(rng, switches.drop_crc) && bytes.len() > end + 2 {
        bytes.remove(check_at + rng.usize(..2));
    }
    if happens(rng, switches.slip) {
        let (from, to) = (bytes.len() / 2, bytes.len().saturating_sub(end));
        // The receiver took a zero inside a character for the start of the next one: three bits late, for the rest.
        for byte in bytes.iter_mut().take(to).skip(from) {
            *byte = (*byte & 0x1f) << 3 | 2;
        }
    }
    if happens(rng, switches.flip) && !bytes.is_empty() {
        let at = rng.usize(..bytes.len());
        bytes[at] ^= 1 << rng.u8(..8);
    }
    if happens(rng, switches.truncate) && bytes.len() > 1 {
        bytes.truncate(rng.usize(1..bytes.len()));
    }
    if happens(rng, switches.double) {
        bytes.extend_from_within(..);
    }
    if happens(rng, switches.garbage) {
        let noise: Vec<u8> = (0..rng.usize(1..=12)).map(|_| noise(rng)).collect();
        bytes.splice(..0, noise);
    }
    bytes
}

/// A byte that is no start, no end and no padding.
fn noise(rng: &mut Rng) -> u8 {
    loop {
        let byte = rng.u8(1..);
        if !matches!(byte, b'(' | b'^' | b'\r' | b'\n') {
            return byte;
        }
    }
}

/// The reports or runs in which the bytes arrive.
pub(crate) fn packed(bytes: &[u8], serial_line: bool, switches: &Switches, rng: &mut Rng) -> Vec<Group> {
    if serial_line || !happens(rng, switches.nul) {
        return groups(bytes, serial_line);
    }
    let mut packed = Vec::new();
    let mut left = bytes;
    while !left.is_empty() {
        for _ in 0..rng.usize(..3) {
            packed.push(Group { bytes: vec![0; REPORT_BYTES], on_line: 0 });
        }
        let (chunk, rest) = left.split_at(rng.usize(1..=REPORT_BYTES).min(left.len()));
        let mut some = group(chunk, false);
        some.bytes.rotate_right(rng.usize(..=REPORT_BYTES - chunk.len()));
        packed.push(some);
        left = rest;
    }
    packed
}
