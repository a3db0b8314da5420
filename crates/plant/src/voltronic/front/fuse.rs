//! A folder with a file `hidrawN` that behaves as `/dev/hidrawN` does, for clients that know nothing of packet sockets. It
//! is served through FUSE, so that it needs the right to mount (root, or `fusermount3`), and is a regular file to `stat`.
//!
//! ```text
//!   client --read, write, poll--> kernel --/dev/fuse--> files (its own threads) --> desk <-- serve --> unit
//! ```
//!
//! What it cannot do as the kernel does: a read that waits is not ended by a signal, it ends with the next report.

mod desk;
mod files;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fuser::{BackgroundSession, Config, MountOption, Session};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::{Bridge, Wire};
use desk::Desk;
use files::Files;

/// Whether the folder can be mounted on: it is empty or not there, and there is FUSE.
pub(super) fn check(folder: &Path) -> io::Result<()> {
    let told = |kind, text: String| Err(io::Error::new(kind, text));
    if let Err(error) = fs::File::options().read(true).write(true).open("/dev/fuse") {
        return told(error.kind(), format!("/dev/fuse cannot be opened: {error}; FUSE needs it"));
    }
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            Some(_) => told(io::ErrorKind::DirectoryNotEmpty, "the folder is not empty".to_owned()),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            let told_so = format!("left mounted by a crash: run `umount {}` first", folder.display());
            told(error.kind(), told_so)
        }
        Err(error) => Err(error),
    }
}

/// Keeps the file as the unit is plugged.
pub(super) async fn serve(folder: PathBuf, bridge: Bridge, mut wire: Wire, stop: CancellationToken) {
    let desk = Arc::new(Desk::new(bridge, wire.to_unit.clone()));
    let (place, shared) = (folder.clone(), Arc::clone(&desk));
    let mounted = tokio::task::spawn_blocking(move || Mounted::new(place, shared)).await;
    let mounted = match mounted.unwrap_or_else(|panicked| Err(io::Error::other(panicked))) {
        Ok(mounted) => mounted,
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "the simulated inverter's folder cannot be mounted");
            return;
        }
    };
    let mut reports = wire.reports.subscribe();
    loop {
        desk.plug(*wire.node.borrow_and_update());
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            report = reports.recv() => match report {
                Ok(report) => desk.report(&report),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            },
            changed = wire.node.changed() => if changed.is_err() {
                break;
            },
        }
    }
    desk.plug(None);
    // Away from the runtime: the kernel may take its time.
    let _ = tokio::task::spawn_blocking(move || drop(mounted)).await;
}

/// The folder while it is mounted.
struct Mounted {
    /// Ends when the folder is unmounted and the last client has closed its file.
    session: Option<BackgroundSession>,
    folder: PathBuf,
    /// The folder was not there before.
    made: bool,
}

impl Mounted {
    fn new(folder: PathBuf, desk: Arc<Desk>) -> io::Result<Self> {
        let made = !folder.exists();
        fs::create_dir_all(&folder)?;
        let mut config = Config::default();
        config.mount_options = vec![
            MountOption::FSName("simulated-inverter".to_owned()),
            MountOption::NoDev,
            MountOption::NoExec,
        ];
        let mut mounted = Self { session: None, folder, made };
        mounted.session = Some(Session::new(Files::new(desk), &mounted.folder, &config)?.spawn()?);
        Ok(mounted)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.session.is_some() {
            // An ordinary unmount is refused while a client has a file open. Without the right to this one, the session
            // asks `fusermount3` for it.
            let _ = rustix::mount::unmount(&self.folder, rustix::mount::UnmountFlags::DETACH);
        }
        drop(self.session.take());
        if self.made {
            let _ = fs::remove_dir(&self.folder);
        }
    }
}
