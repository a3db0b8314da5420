//! A pseudo-terminal in the place of a serial line: a run of bytes, reports merge, and nothing is lost.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::OpenptFlags;
use rustix::termios::OptionalActions;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::Wire;
use super::packet::registered;

/// Whether the link can be made.
pub(super) fn check(path: &Path) -> io::Result<()> {
    drop(Terminal::open(path)?);
    Ok(())
}

/// A terminal with its link. The link goes with the value.
struct Terminal {
    master: OwnedFd,
    /// Held open: without any client the master would see a hang-up.
    _slave: OwnedFd,
    link: PathBuf,
}

impl Terminal {
    fn open(link: &Path) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
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
        Ok(Self { master, _slave: slave, link: link.to_owned() })
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
        let opened = Terminal::open(&link).and_then(|terminal| {
            let master = rustix::io::fcntl_dupfd_cloexec(&terminal.master, 0)?;
            Ok((terminal, registered(master)?))
        });
        let (terminal, master) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(path = %link.display(), %error, "the simulated inverter's terminal cannot be made");
                return;
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = carry(&master, &wire) => {}
            () = unplugged(wire.node.clone(), number) => {}
        }
        drop(terminal);
    }
}

async fn unplugged(mut node: tokio::sync::watch::Receiver<Option<u32>>, number: u32) {
    let _ = node.wait_for(|node| *node != Some(number)).await;
}

/// Carries bytes both ways until the unit's end is gone.
async fn carry(master: &AsyncFd<OwnedFd>, wire: &Wire) {
    let mut reports = wire.reports.subscribe();
    let mut buffer = [0; 256];
    loop {
        tokio::select! {
            report = reports.recv() => match report {
                Ok(report) => match rustix::io::write(master.get_ref(), &report) {
                    // Nobody reads: a serial line does not wait.
                    Ok(_) | Err(Errno::AGAIN) => {}
                    Err(_) => return,
                },
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            received = master.async_io(Interest::READABLE, |fd| Ok(rustix::io::read(fd, &mut buffer)?)) => {
                let Ok(length) = received else { return };
                // A unit on USB takes at most a report at once.
                for report in buffer[..length].chunks(8) {
                    if wire.to_unit.send(report.to_vec()).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}
