//! The ports of this machine. What a path is decides how it is spoken to, and whether at all: see [`super::nature`].
//!
//! | path | line |
//! |---|---|
//! | a socket file, or `unixpacket:PATH` | packet socket |
//! | a character device that is a terminal | serial line |
//! | a HID device, or what behaves like it | hidraw |

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Clock;
use rustix::io::Errno;

use super::aside;
use super::hidraw::{self, Hidraw};
use super::line::{Candidate, Line, LineKind, Opener, PortError, Ports};
use super::nature::{self, Nature};
use super::packet::{self, Packet};
use super::serial::{self, Serial};
use super::sysfs::{self, Roots};
use crate::BoxFuture;

/// How long a port is off when it is reset.
const OFF: Duration = Duration::from_millis(500);
/// How often it is tried to switch it on again.
const ON_TRIES: u32 = 5;
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
        let (real, roots) = (Real::of(path), self.roots.clone());
        let opened = aside(move || Ok(real.open(&roots).map_err(|error| error.told(&roots, real.path))));
        let (fd, kind) = opened.await.map_err(other)??;
        let clock = Arc::clone(&self.clock);
        Ok(match kind {
            LineKind::Hidraw => Box::new(Hidraw::new(fd, self.gap, clock).map_err(other)?),
            LineKind::Serial => Box::new(Serial::new(fd, clock).map_err(other)?),
            LineKind::Packet => Box::new(Packet::new(fd, self.gap, clock).map_err(other)?),
        })
    }

    async fn reset_port(&self, usb_port: &str) -> io::Result<()> {
        let (roots, port) = (self.roots.clone(), usb_port.to_owned());
        let off = aside(move || Off::switch(sysfs::authorized(&roots, &port)?)).await?;
        self.bring_back(off).await
    }

    /// A port that stays off is an inverter lost until somebody pulls its plug, so one failure is not the end.
    async fn bring_back(&self, mut off: Off) -> io::Result<()> {
        let mut outcome = Ok(());
        for _ in 0..ON_TRIES {
            self.clock.sleep(OFF).await;
            let work = move || {
                let outcome = off.on();
                Ok((off, outcome))
            };
            (off, outcome) = aside(work).await?;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    async fn switch_on_port(&self, usb_port: &str) -> io::Result<bool> {
        let (roots, port) = (self.roots.clone(), usb_port.to_owned());
        let work = move || {
            let file = sysfs::authorized(&roots, &port)?;
            let was_off = sysfs::is_off(&file);
            if was_off {
                authorize(&file, "1")?;
            }
            Ok(was_off)
        };
        aside(work).await
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

    fn open(&self, roots: &Roots) -> Result<(OwnedFd, LineKind), NotOpened> {
        if self.packet {
            return Ok((packet::connect(&self.path)?, LineKind::Packet));
        }
        let meta = fs::metadata(&self.path).map_err(|error| {
            NotOpened::Failed(error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))
        })?;
        match nature::of(roots, &self.path, &meta).map_err(NotOpened::Unfit)? {
            Nature::Socket => return Ok((packet::connect(&self.path)?, LineKind::Packet)),
            Nature::File => {}
        }
        let fd = hidraw::open_locked(&self.path)?;
        let opened = rustix::fs::fstat(&fd)?;
        if (opened.st_dev, opened.st_ino) != (meta.dev(), meta.ino()) {
            return Err(NotOpened::Unfit("it was exchanged while it was opened".to_owned()));
        }
        if !rustix::termios::isatty(&fd) {
            return Ok((fd, LineKind::Hidraw));
        }
        serial::set_up(&fd)?;
        Ok((fd, LineKind::Serial))
    }
}

/// Why a path was not opened.
enum NotOpened {
    /// It is no port.
    Unfit(String),
    /// The system said no.
    Failed(Errno),
}

impl NotOpened {
    /// The same with what can be seen about it.
    fn told(self, roots: &Roots, path: PathBuf) -> PortError {
        let error = match self {
            Self::Unfit(why) => return PortError::Unfit { path, why },
            Self::Failed(error) => error,
        };
        match error {
            Errno::NOENT | Errno::NODEV | Errno::NXIO | Errno::CONNREFUSED => PortError::Missing { path },
            Errno::ACCESS | Errno::PERM => {
                let meta = fs::metadata(&path).ok();
                let mode = meta.as_ref().map_or(0, |meta| meta.mode() & 0o777);
                let group = meta.map_or_else(|| "unknown".to_owned(), |meta| group_name(meta.gid()));
                PortError::Denied { path, mode, group, source: error.into() }
            }
            Errno::AGAIN | Errno::BUSY => {
                let by = sysfs::openers(roots, &path).into_iter().next();
                PortError::InUse { path, by }
            }
            _ => PortError::Other { path, source: error.into() },
        }
    }
}

impl From<Errno> for NotOpened {
    fn from(error: Errno) -> Self {
        Self::Failed(error)
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

    /// Done only once it has succeeded.
    fn on(&mut self) -> io::Result<()> {
        let Some(file) = &self.0 else { return Ok(()) };
        authorize(file, "1")?;
        self.0 = None;
        Ok(())
    }
}

impl Drop for Off {
    fn drop(&mut self) {
        let _ = self.on();
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

    fn device_file(&self, path: &Path) -> PathBuf {
        let Ok(real) = fs::canonicalize(path) else { return path.to_owned() };
        let listed = real.file_name().map(|name| self.roots.dev.join(name));
        // The folder of the device files may be behind a link itself.
        listed.filter(|listed| fs::canonicalize(listed).is_ok_and(|file| file == real)).unwrap_or(real)
    }

    fn open<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Box<dyn Line>, PortError>> {
        Box::pin(self.open_line(path))
    }

    fn reset<'a>(&'a self, usb_port: &'a str) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.reset_port(usb_port))
    }

    fn may_reset(&self, usb_port: &str) -> bool {
        let file = sysfs::authorized(&self.roots, usb_port);
        file.is_ok_and(|file| rustix::fs::access(file, rustix::fs::Access::WRITE_OK).is_ok())
    }

    fn switch_on<'a>(&'a self, usb_port: &'a str) -> BoxFuture<'a, io::Result<bool>> {
        Box::pin(self.switch_on_port(usb_port))
    }

    fn other_openers(&self, path: &Path) -> Vec<Opener> {
        sysfs::openers(&self.roots, path)
    }
}
