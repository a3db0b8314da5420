//! A pseudo-terminal in the place of a serial line: a run of bytes, reports merge, and nothing is lost.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::OpenptFlags;
use rustix::termios::OptionalActions;
use tokio::io::unix::AsyncFd;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::Wire;
use super::packet::registered;

/// How often a client is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whether the link can be made.
pub(super) fn check(path: &Path) -> io::Result<()> {
    drop(Terminal::open(path)?);
    Ok(())
}

/// A terminal with its link. The link goes with the value.
struct Terminal {
    master: OwnedFd,
    link: PathBuf,
}

impl Terminal {
    fn open(link: &Path) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        // Not kept open: a client that looks who else has its line would find us.
        let slave = rustix::fs::open(
            name.as_c_str(),
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let mut settings = rustix::termios::tcgetattr(&slave)?;
        settings.make_raw();
        rustix::termios::tcsetattr(&slave, OptionalActions::Now, &settings)?;
        rustix::io::ioctl_fionbio(&master, true)?;
        // A link that a crash left behind may be replaced; anything else may not.
        if std::fs::read_link(link).is_ok_and(|to| to.starts_with("/dev/pts")) {
            std::fs::remove_file(link)?;
        }
        std::os::unix::fs::symlink(name.to_string_lossy().as_ref(), link)?;
        Ok(Self { master, link: link.to_owned() })
    }

    /// Bytes from a client; none if it said nothing; an error if there is no client.
    fn read(&self) -> rustix::io::Result<Vec<u8>> {
        let mut buffer = [0; 256];
        match rustix::io::read(&self.master, &mut buffer) {
            Ok(length) => Ok(buffer[..length].to_vec()),
            Err(Errno::AGAIN | Errno::INTR) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.link);
    }
}

/// Serves the unit while it is plugged in.
pub(super) async fn serve(link: PathBuf, mut wire: Wire, stop: CancellationToken) {
    loop {
        let Some(Some(number)) = stop.run_until_cancelled(wire.plugged()).await else { return };
        let terminal = match Terminal::open(&link) {
            Ok(terminal) => terminal,
            Err(error) => {
                tracing::warn!(path = %link.display(), %error, "the simulated inverter's terminal cannot be made");
                return;
            }
        };
        let bytes = wire.clone();
        tokio::select! {
            () = stop.cancelled() => return,
            ended = carry(&terminal, &bytes) => if let Err(error) = ended {
                tracing::warn!(path = %link.display(), %error, "the simulated inverter's terminal broke");
                return;
            },
            () = wire.unplugged(number) => {}
        }
    }
}

/// Carries bytes both ways, for one client after the other. Ends when the unit's end is gone.
async fn carry(terminal: &Terminal, wire: &Wire) -> io::Result<()> {
    let mut reports = wire.reports.subscribe();
    loop {
        let Some(first) = awaited(terminal, &mut reports).await else { return Ok(()) };
        if !first.is_empty() && wire.to_unit.send(first).await.is_err() {
            return Ok(());
        }
        // Registered anew for each client: what once was hung up stays so for the reactor.
        let master = registered(rustix::io::fcntl_dupfd_cloexec(&terminal.master, 0)?)?;
        loop {
            tokio::select! {
                report = reports.recv() => match report {
                    // Nobody reads: a serial line does not wait.
                    Ok(report) => drop(rustix::io::write(&terminal.master, &report)),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(()),
                },
                received = heard(&master, terminal) => {
                    let Ok(bytes) = received else { break };
                    if wire.to_unit.send(bytes).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Waits for a client, and for its first bytes if they are there already. What the unit says meanwhile is heard by nobody,
/// as on a line without a computer. `None` if the unit's end is gone.
async fn awaited(terminal: &Terminal, reports: &mut Receiver<Vec<u8>>) -> Option<Vec<u8>> {
    loop {
        if let Ok(bytes) = terminal.read() {
            return Some(bytes);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            report = reports.recv() => if report == Err(RecvError::Closed) {
                return None;
            },
        }
    }
}

/// The next bytes of the client. An error when it has gone, or when the reactor has to be asked anew: it still says
/// "hung up" after one client has gone and the next is there already.
async fn heard(master: &AsyncFd<OwnedFd>, terminal: &Terminal) -> rustix::io::Result<Vec<u8>> {
    let bytes = terminal.read()?;
    if !bytes.is_empty() {
        return Ok(bytes);
    }
    master.readable().await.map_err(|_| Errno::IO)?.clear_ready();
    let bytes = terminal.read()?;
    if bytes.is_empty() { Err(Errno::AGAIN) } else { Ok(bytes) }
}
