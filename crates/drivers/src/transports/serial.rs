//! A serial line: 2400 baud, 8 data bits, no parity, one stop bit, no flow control, nothing translated.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use ohmstead_model::Clock;
use rustix::io::Errno;
use rustix::termios::{ControlModes, InputModes, OptionalActions, QueueSelector, SpecialCodeIndex};

use super::fd::Ready;
use super::hidraw::drain;
use super::line::{Line, LineKind};
use super::report::{FRAME_MAX, too_long};
use crate::BoxFuture;

const BAUD: u32 = 2400;

pub(super) struct Serial {
    line: Ready,
}

impl Serial {
    /// A line that is set up.
    pub(super) fn new(fd: OwnedFd, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Ok(Self { line: Ready::new(fd, clock)? })
    }

    async fn send_all(&self, mut frame: &[u8]) -> io::Result<()> {
        if frame.len() > FRAME_MAX {
            return Err(too_long(frame));
        }
        while !frame.is_empty() {
            let written = self.line.write(frame).await?;
            frame = frame.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Sets a terminal up and keeps others from opening it.
pub(super) fn set_up(fd: &OwnedFd) -> Result<(), Errno> {
    let mut settings = rustix::termios::tcgetattr(fd)?;
    settings.make_raw();
    settings.set_speed(BAUD)?;
    settings.input_modes &= !(InputModes::IXON | InputModes::IXOFF | InputModes::IXANY);
    settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD | ControlModes::CS8;
    settings.control_modes &= !(ControlModes::PARENB | ControlModes::CSTOPB | ControlModes::CRTSCTS);
    settings.special_codes[SpecialCodeIndex::VMIN] = 1;
    settings.special_codes[SpecialCodeIndex::VTIME] = 0;
    rustix::termios::tcsetattr(fd, OptionalActions::Now, &settings)?;
    rustix::termios::ioctl_tiocexcl(fd)
}

impl Line for Serial {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.send_all(frame))
    }

    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<usize>> {
        Box::pin(self.line.read(buffer))
    }

    fn drain(&mut self) -> io::Result<usize> {
        let dropped = drain(&self.line)?;
        rustix::termios::tcflush(self.line.as_fd(), QueueSelector::IFlush)?;
        Ok(dropped)
    }

    fn kind(&self) -> LineKind {
        LineKind::Serial
    }
}
