//! A packet socket in the place of a HID device file: one packet is one report, a short read loses the rest, and every
//! client gets every report.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Wire;

/// How long nobody is let in after somebody could not be.
const REFUSAL_PAUSE: Duration = Duration::from_millis(100);

/// Where the socket file is.
pub(super) enum Place {
    /// Always there.
    At(PathBuf),
    /// `hidrawN` in this folder.
    Numbered(PathBuf),
}

impl Place {
    fn path(&self, number: u32) -> PathBuf {
        match self {
            Self::At(path) => path.clone(),
            Self::Numbered(folder) => folder.join(format!("hidraw{number}")),
        }
    }
}

/// Whether a socket can be made at `path`. What is there already and is no dead socket is not touched.
pub(super) fn check(path: &Path) -> io::Result<()> {
    let listener = listen(path)?;
    drop(listener);
    std::fs::remove_file(path)
}

/// Serves the unit wherever it is plugged in.
pub(super) async fn serve(place: Place, mut wire: Wire, tasks: TaskTracker, stop: CancellationToken) {
    loop {
        let Some(Some(number)) = stop.run_until_cancelled(wire.plugged()).await else { return };
        let path = place.path(number);
        let listener = match listen(&path).and_then(registered) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the simulated inverter's socket cannot be made");
                return;
            }
        };
        let session = stop.child_token();
        let (to_unit, reports) = (wire.to_unit.clone(), wire.reports.clone());
        let accepting = accept(&listener, &to_unit, &reports, &tasks, &session);
        tokio::select! {
            () = stop.cancelled() => {}
            () = accepting => {}
            () = wire.unplugged(number) => {}
        }
        // Whoever is connected is cut off, as by a pulled plug.
        session.cancel();
        let _ = std::fs::remove_file(&path);
        if stop.is_cancelled() {
            return;
        }
    }
}

fn listen(path: &Path) -> io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    if let Err(error) = rustix::net::bind(&socket, &address) {
        let is_socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
        if error != Errno::ADDRINUSE || !is_socket || !is_dead(&address) {
            return Err(error.into());
        }
        std::fs::remove_file(path)?;
        rustix::net::bind(&socket, &address)?;
    }
    rustix::net::listen(&socket, 8)?;
    Ok(socket)
}

/// A socket file that a crash left behind: nobody listens.
fn is_dead(address: &SocketAddrUnix) -> bool {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let probe = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
    probe.is_ok_and(|probe| rustix::net::connect(&probe, address) == Err(Errno::CONNREFUSED))
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for types other than this one: an OwnedFd keeps its descriptor"
)]
pub(super) fn registered(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, Interest::READABLE)
}

async fn accept(
    listener: &AsyncFd<OwnedFd>,
    to_unit: &mpsc::Sender<Vec<u8>>,
    reports: &broadcast::Sender<Vec<u8>>,
    tasks: &TaskTracker,
    session: &CancellationToken,
) {
    loop {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let accepted =
            listener.async_io(Interest::READABLE, |fd| Ok(rustix::net::accept_with(fd, flags)?)).await;
        let Ok(client) = accepted.and_then(registered) else {
            // Too many open files, mostly: that is not over at once.
            tokio::time::sleep(REFUSAL_PAUSE).await;
            continue;
        };
        tasks.spawn(converse(client, to_unit.clone(), reports.subscribe(), session.clone()));
    }
}

/// One client, until it goes or is cut off.
async fn converse(
    client: AsyncFd<OwnedFd>,
    to_unit: mpsc::Sender<Vec<u8>>,
    mut reports: broadcast::Receiver<Vec<u8>>,
    session: CancellationToken,
) {
    let mut buffer = [0; 256];
    loop {
        tokio::select! {
            () = session.cancelled() => return,
            report = reports.recv() => match report {
                // A client that does not read loses reports, as with the kernel's queue.
                Ok(report) => {
                    if let Err(error) = rustix::io::write(client.get_ref(), &report)
                        && error != Errno::AGAIN
                    {
                        return;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
            received = client.async_io(Interest::READABLE, |fd| Ok(rustix::io::read(fd, &mut buffer)?)) => {
                let Ok(length @ 1..) = received else { return };
                if to_unit.send(buffer[..length].to_vec()).await.is_err() {
                    return;
                }
            }
        }
    }
}
