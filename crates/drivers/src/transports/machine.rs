//! The ports of this machine. What a path is decides how it is spoken to:
//!
//! | path | line |
//! |---|---|
//! | a socket file, or `unixpacket:PATH` | packet socket |
//! | a character device that is a terminal | serial line |
//! | anything else | hidraw, or a file that behaves like it |

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Clock;
use rustix::io::Errno;

use super::fd::aside;
use super::hidraw::{self, Hidraw};
use super::line::{Candidate, Line, LineKind, Opener, PortError, Ports};
use super::packet::{self, Packet};
use super::serial::{self, Serial};
use super::sysfs::{self, Roots};
use crate::BoxFuture;

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
    /// The machine as seen under `roots`; `gap` is the pause between two reports, [`CHUNK_GAP`](super::CHUNK_GAP) as a
    /// rule.
    pub fn new(roots: Roots, clock: Arc<dyn Clock>, gap: Duration) -> Self {
        Self { roots, clock, gap }
    }

    async fn open_line(&self, path: &Path) -> Result<Box<dyn Line>, PortError> {
        let other = |source| PortError::Other { path: path.to_owned(), source };
        let real = Real::of(path);
        let (opened, real) = aside(move || Ok((real.open(), real))).await.map_err(other)?;
        let (fd, kind) = opened.map_err(|error| self.refused(&real.path, error))?;
        let clock = Arc::clone(&self.clock);
        Ok(match kind {
            LineKind::Hidraw => Box::new(Hidraw::new(fd, self.gap, clock).map_err(other)?),
            LineKind::Serial => Box::new(Serial::new(fd, clock).map_err(other)?),
            LineKind::Packet => Box::new(Packet::new(fd, self.gap, clock).map_err(other)?),
        })
    }

    fn refused(&self, path: &Path, error: Errno) -> PortError {
        let path = path.to_owned();
        match error {
            Errno::NOENT | Errno::NODEV | Errno::NXIO | Errno::CONNREFUSED => PortError::Missing { path },
            Errno::ACCESS | Errno::PERM => {
                let meta = fs::metadata(&path).ok();
                let mode = meta.as_ref().map_or(0, |meta| meta.mode() & 0o777);
                let group = meta.map_or_else(|| "unknown".to_owned(), |meta| group_name(meta.gid()));
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
        let file = sysfs::authorized(&self.roots, usb_port)?;
        let off = aside(move || Off::switch(file)).await?;
        self.clock.sleep(OFF).await;
        aside(move || off.on()).await
    }
}

/// What a path stands for.
struct Real {
    path: PathBuf,
    /// It was marked as a packet socket.
    packet: bool,
}

impl Real {
    fn of(path: &Path) -> Self {
        match path.to_str().and_then(|text| text.strip_prefix(PACKET)) {
            Some(socket) => Self { path: socket.into(), packet: true },
            None => Self { path: path.to_owned(), packet: false },
        }
    }

    fn open(&self) -> Result<(OwnedFd, LineKind), Errno> {
        if self.packet || fs::metadata(&self.path).is_ok_and(|meta| meta.file_type().is_socket()) {
            return Ok((packet::connect(&self.path)?, LineKind::Packet));
        }
        let fd = hidraw::open_locked(&self.path)?;
        if !rustix::termios::isatty(&fd) {
            return Ok((fd, LineKind::Hidraw));
        }
        serial::set_up(&fd)?;
        Ok((fd, LineKind::Serial))
    }
}

fn group_name(group: u32) -> String {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let mut named = groups.lines().filter_map(|line| {
        let mut parts = line.split(':');
        let (name, _, number) = (parts.next()?, parts.next()?, parts.next()?);
        Some((name, number.parse::<u32>().ok()?))
    });
    named.find(|(_, number)| *number == group).map_or_else(|| group.to_string(), |(name, _)| name.to_owned())
}

/// A USB port that is switched off. Whatever happens meanwhile, it does not stay so.
struct Off(Option<PathBuf>);

impl Off {
    fn switch(file: PathBuf) -> io::Result<Self> {
        authorize(&file, "0")?;
        Ok(Self(Some(file)))
    }

    fn on(mut self) -> io::Result<()> {
        self.0.take().map_or(Ok(()), |file| authorize(&file, "1"))
    }
}

impl Drop for Off {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            let _ = authorize(&file, "1");
        }
    }
}

/// Writes to a file that must be there.
fn authorize(file: &Path, state: &str) -> io::Result<()> {
    let written = fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(file)
        .and_then(|mut file| io::Write::write_all(&mut file, state.as_bytes()));
    written.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}

impl Ports for Machine {
    fn candidates(&self) -> io::Result<Vec<Candidate>> {
        sysfs::candidates(&self.roots)
    }

    fn open<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Box<dyn Line>, PortError>> {
        Box::pin(self.open_line(path))
    }

    fn reset<'a>(&'a self, usb_port: &'a str) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.reset_port(usb_port))
    }

    fn other_openers(&self, path: &Path) -> Vec<Opener> {
        sysfs::openers(&self.roots, path)
    }
}
