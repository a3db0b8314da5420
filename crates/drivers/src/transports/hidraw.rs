//! The raw reports of a HID device: `/dev/hidrawN`, or a file that behaves like one.
//!
//! ```text
//! write: 00 | 8 bytes, zero padded     one write is one report; the kernel takes the leading 00 as "no report number"
//! read:       8 bytes                  one read is one report; what a shorter buffer does not take is gone
//! ```
//!
//! Measured on Linux 6.1 with a gadget of the same descriptors: without the leading 00 a report that begins with 00 loses
//! that byte; a longer write reaches devices without an OUT endpoint as one transfer, which their firmware cuts off. Of
//! reports that nobody reads 63 are kept.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Clock;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::fd::Ready;
use super::line::{Line, LineKind};
use crate::BoxFuture;

/// Bytes of a report.
pub(super) const REPORT: usize = 8;
/// More reports than the kernel keeps.
const DRAIN_MAX: usize = 64;

pub(super) struct Hidraw {
    file: Ready,
    gap: Duration,
    clock: Arc<dyn Clock>,
}

/// Opens the file and locks it for this process.
pub(super) fn open_locked(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let fd = rustix::fs::open(path, flags, Mode::empty())?;
    match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
        // A file system without locks is no reason to do without the device.
        Ok(()) | Err(Errno::NOSYS | Errno::OPNOTSUPP) => Ok(fd),
        Err(error) => Err(error),
    }
}

impl Hidraw {
    pub(super) fn new(fd: OwnedFd, gap: Duration, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Ok(Self { file: Ready::new(fd, Arc::clone(&clock))?, gap, clock })
    }

    async fn send_reports(&self, frame: &[u8]) -> io::Result<()> {
        for (index, chunk) in frame.chunks(REPORT).enumerate() {
            if index > 0 {
                self.clock.sleep(self.gap).await;
            }
            let mut report = [0; REPORT + 1];
            report[1..=chunk.len()].copy_from_slice(chunk);
            let written = self.file.write(&report).await?;
            if written < report.len() {
                return Err(io::Error::new(
                    io::ErrorKind::WriteZero,
                    format!("{written} of 9 bytes written"),
                ));
            }
        }
        Ok(())
    }
}

impl Line for Hidraw {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.send_reports(frame))
    }

    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<usize>> {
        Box::pin(self.file.read(buffer))
    }

    fn drain(&mut self) -> io::Result<usize> {
        drain(&self.file, DRAIN_MAX)
    }

    fn kind(&self) -> LineKind {
        LineKind::Hidraw
    }
}

/// Reads what is there, at most so many times.
pub(super) fn drain(file: &Ready, reads_max: usize) -> io::Result<usize> {
    let mut dropped = 0;
    let mut buffer = [0; 64];
    for _ in 0..reads_max {
        match file.read_now(&mut buffer)? {
            Some(length) => dropped += length,
            None => break,
        }
    }
    Ok(dropped)
}
