//! A serial line: 2400 baud, 8 data bits, no parity, one stop bit, no flow control, nothing translated.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use ohmstead_model::Clock;
use rustix::termios::{ControlModes, OptionalActions, QueueSelector, SpecialCodeIndex};

use super::fd::Ready;
use super::hidraw::drain;
use super::line::{Line, LineKind};
use crate::BoxFuture;

const BAUD: u32 = 2400;
/// At 2400 baud nothing piles up; a terminal that talks without end must not keep us.
const DRAIN_MAX: usize = 64;

pub(super) struct Serial {
    line: Ready,
}

impl Serial {
    /// Sets the line up and keeps others from opening it.
    pub(super) fn new(fd: OwnedFd, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let mut settings = rustix::termios::tcgetattr(&fd)?;
        settings.make_raw();
        settings.set_speed(BAUD)?;
        settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD | ControlModes::CS8;
        settings.control_modes &= !(ControlModes::PARENB | ControlModes::CSTOPB | ControlModes::CRTSCTS);
        settings.special_codes[SpecialCodeIndex::VMIN] = 1;
        settings.special_codes[SpecialCodeIndex::VTIME] = 0;
        rustix::termios::tcsetattr(&fd, OptionalActions::Now, &settings)?;
        rustix::termios::ioctl_tiocexcl(&fd)?;
        Ok(Self { line: Ready::new(fd, clock)? })
    }

    async fn send_all(&self, mut frame: &[u8]) -> io::Result<()> {
        while !frame.is_empty() {
            let written = self.line.write(frame).await?;
            frame = frame.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

impl Line for Serial {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.send_all(frame))
    }

    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<usize>> {
        Box::pin(self.line.read(buffer))
    }

    fn drain(&mut self) -> io::Result<usize> {
        let dropped = drain(&self.line, DRAIN_MAX)?;
        rustix::termios::tcflush(self.line.as_fd(), QueueSelector::IFlush)?;
        Ok(dropped)
    }

    fn kind(&self) -> LineKind {
        LineKind::Serial
    }
}
