//! Frames cut into the reports of a HID device.

use std::io;

/// Bytes of the longest frame; the longest command of these protocols has some thirty.
pub(super) const FRAME_MAX: usize = 255;
/// Bytes of a report.
const REPORT: usize = 8;

/// A frame as zero-padded reports.
pub(super) fn reports(frame: &[u8]) -> io::Result<impl Iterator<Item = [u8; REPORT]>> {
    if frame.len() > FRAME_MAX {
        return Err(too_long(frame));
    }
    Ok(frame.chunks(REPORT).map(|chunk| {
        let mut report = [0; REPORT];
        report[..chunk.len()].copy_from_slice(chunk);
        report
    }))
}

/// Nothing of such a frame is sent.
pub(super) fn too_long(frame: &[u8]) -> io::Error {
    let told = format!("a frame of {} bytes; {FRAME_MAX} is the most", frame.len());
    io::Error::new(io::ErrorKind::InvalidInput, told)
}
