//! A packet socket (`SOCK_SEQPACKET`) in the place of a HID device: one packet is one report of 8 bytes, without the
//! leading 00 that is the kernel's business. A read that is too short loses the rest, as on the real thing.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Clock;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::fd::Ready;
use super::hidraw::drain;
use super::line::{Line, LineKind};
use super::report::reports;
use crate::BoxFuture;

pub(super) struct Packet {
    socket: Ready,
    gap: Duration,
    clock: Arc<dyn Clock>,
}

/// Connects to the socket file.
pub(super) fn connect(path: &Path) -> Result<OwnedFd, rustix::io::Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

impl Packet {
    pub(super) fn new(socket: OwnedFd, gap: Duration, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Ok(Self { socket: Ready::new(socket, Arc::clone(&clock))?, gap, clock })
    }

    async fn send_reports(&self, frame: &[u8]) -> io::Result<()> {
        for (index, report) in reports(frame)?.enumerate() {
            if index > 0 {
                self.clock.sleep(self.gap).await;
            }
            self.socket.write(&report).await?;
        }
        Ok(())
    }
}

impl Line for Packet {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.send_reports(frame))
    }

    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<usize>> {
        Box::pin(self.socket.read(buffer))
    }

    fn drain(&mut self) -> io::Result<usize> {
        drain(&self.socket)
    }

    fn kind(&self) -> LineKind {
        LineKind::Packet
    }
}
