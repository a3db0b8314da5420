//! The raw reports of a HID device: `/dev/hidrawN`, or a file that behaves like one.
//!
//! ```text
//! write: 00 | 8 bytes, zero padded     one write is one report; the kernel takes the leading 00 as "no report number"
//! read:       8 bytes                  one read is one report; what a shorter buffer does not take is gone
//! ```
//!
//! Measured on Linux 6.1 with a gadget of the same descriptors: without the leading 00 a report that begins with 00 loses
//! that byte; a longer write reaches devices without an OUT endpoint as one transfer, which their firmware cuts off. Of
//! reports that nobody reads 63 are kept. After the plug is pulled a read gives EIO and a write ENODEV.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Clock;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::aside;
use super::fd::Ready;
use super::line::{Line, LineKind};
use super::report::reports;
use crate::BoxFuture;

/// One more than the kernel keeps.
pub(super) const DRAIN_MAX: usize = 64;

pub(super) struct Hidraw {
    file: Ready,
    /// The same open file, for writes.
    writer: Arc<OwnedFd>,
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
        let writer = Arc::new(rustix::io::fcntl_dupfd_cloexec(&fd, 0)?);
        Ok(Self { file: Ready::new(fd, Arc::clone(&clock))?, writer, gap, clock })
    }

    async fn send_reports(&self, frame: &[u8]) -> io::Result<()> {
        for (index, report) in reports(frame)?.enumerate() {
            if index > 0 {
                self.clock.sleep(self.gap).await;
            }
            let mut numbered = [0; 9];
            numbered[1..].copy_from_slice(&report);
            let writer = Arc::clone(&self.writer);
            let written = aside(move || {
                rustix::io::retry_on_intr(|| rustix::io::write(&*writer, &numbered)).map_err(Into::into)
            })
            .await?;
            if written < numbered.len() {
                let told = format!("{written} of 9 bytes written");
                return Err(io::Error::new(io::ErrorKind::WriteZero, told));
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
        drain(&self.file)
    }

    fn kind(&self) -> LineKind {
        LineKind::Hidraw
    }
}

/// Reads what is there; a line that talks without end does not keep us.
pub(super) fn drain(file: &Ready) -> io::Result<usize> {
    let mut dropped = 0;
    let mut buffer = [0; 64];
    for _ in 0..DRAIN_MAX {
        match file.read_now(&mut buffer)? {
            Some(length) => dropped += length,
            None => break,
        }
    }
    Ok(dropped)
}

#[cfg(test)]
mod tests {
    use ohmstead_model::{Moment, Sleep};

    use super::*;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Moment {
            Moment::default()
        }

        fn sleep(&self, span: Duration) -> Sleep {
            Box::pin(tokio::time::sleep(span))
        }
    }

    /// A file of a FUSE file system need not tell when there is something to read.
    #[tokio::test]
    async fn a_file_that_cannot_tell_is_looked_at() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hidraw0");
        std::fs::write(&path, "").expect("a file");
        let fd = open_locked(&path).expect("opens");
        let mut line = Hidraw::new(fd, Duration::ZERO, Arc::new(Still)).expect("a line");
        line.send(b"QPI\xbe\xac\r").await.expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"\0QPI\xbe\xac\r\0\0");
        let mut buffer = [0; 8];
        let end = line.receive(&mut buffer).await.expect_err("the end");
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    }
}
