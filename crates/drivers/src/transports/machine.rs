//! The ports of this machine. What a path is decides how it is spoken to:
//!
//! | path | line |
//! |---|---|
//! | a socket file, or `unixpacket:PATH` | packet socket |
//! | a character device that is a terminal | serial line |
//! | anything else | hidraw, or a file that behaves like it |

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Clock;
use rustix::io::Errno;

use super::hidraw::{self, Hidraw};
use super::line::{Candidate, Line, Opener, PortError, Ports};
use super::packet::{self, Packet};
use super::serial::Serial;
use super::sysfs::{self, Roots};
use crate::BoxFuture;

/// The pause between two reports of one frame: peers wait 0 to 50 ms.
pub const CHUNK_GAP: Duration = Duration::from_millis(15);
/// How long a port is off when it is reset.
const OFF: Duration = Duration::from_millis(500);
/// What marks the path of a packet socket.
const PACKET: &str = "unixpacket:";

/// This machine, or the part of it that `roots` shows.
#[derive(Clone)]
pub struct Machine {
    roots: Roots,
    clock: Arc<dyn Clock>,
    gap: Duration,
}

impl Machine {
    /// The machine as seen under `roots`; `gap` is the pause between two reports, see [`CHUNK_GAP`].
    pub fn new(roots: Roots, clock: Arc<dyn Clock>, gap: Duration) -> Self {
        Self { roots, clock, gap }
    }

    fn open_now(&self, path: &Path) -> Result<Box<dyn Line>, PortError> {
        let packet = path.to_str().and_then(|text| text.strip_prefix(PACKET)).map(PathBuf::from);
        let real = packet.as_deref().unwrap_or(path);
        let other = |source| PortError::Other { path: path.to_owned(), source };
        let clock = Arc::clone(&self.clock);
        if packet.is_some() || fs::metadata(real).is_ok_and(|meta| meta.file_type().is_socket()) {
            let socket = packet::connect(real).map_err(|error| self.refused(real, error))?;
            return Ok(Box::new(Packet::new(socket, self.gap, clock).map_err(other)?));
        }
        let fd = hidraw::open_locked(real).map_err(|error| self.refused(real, error))?;
        if rustix::termios::isatty(&fd) {
            return Ok(Box::new(Serial::new(fd, clock).map_err(other)?));
        }
        Ok(Box::new(Hidraw::new(fd, self.gap, clock).map_err(other)?))
    }

    fn refused(&self, path: &Path, error: Errno) -> PortError {
        let path = path.to_owned();
        match error {
            Errno::NOENT | Errno::NODEV | Errno::NXIO | Errno::CONNREFUSED => PortError::Missing { path },
            Errno::ACCESS | Errno::PERM => {
                let meta = fs::metadata(&path).ok();
                let mode = meta.as_ref().map_or(0, |meta| meta.mode() & 0o777);
                let group = meta.map_or(0, |meta| meta.gid());
                PortError::Denied { path, mode, group, source: error.into() }
            }
            Errno::AGAIN | Errno::BUSY => {
                let by = self.other_openers(&path).into_iter().next();
                PortError::InUse { path, by }
            }
            _ => PortError::Other { path, source: error.into() },
        }
    }

    async fn reset_port(&self, usb_port: &str) -> io::Result<()> {
        let off = Off::switch(sysfs::authorized(&self.roots, usb_port)?)?;
        self.clock.sleep(OFF).await;
        off.on()
    }
}

/// A USB port that is switched off. Whatever happens meanwhile, it does not stay so.
struct Off(PathBuf);

impl Off {
    fn switch(file: PathBuf) -> io::Result<Self> {
        fs::write(&file, "0")?;
        Ok(Self(file))
    }

    fn on(self) -> io::Result<()> {
        fs::write(&self.0, "1")
    }
}

impl Drop for Off {
    fn drop(&mut self) {
        // Once more where `on` was called; that changes nothing.
        let _ = fs::write(&self.0, "1");
    }
}

impl Ports for Machine {
    fn candidates(&self) -> io::Result<Vec<Candidate>> {
        sysfs::candidates(&self.roots)
    }

    fn open<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Box<dyn Line>, PortError>> {
        Box::pin(std::future::ready(self.open_now(path)))
    }

    fn reset<'a>(&'a self, usb_port: &'a str) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.reset_port(usb_port))
    }

    fn other_openers(&self, path: &Path) -> Vec<Opener> {
        sysfs::openers(&self.roots, path)
    }
}
