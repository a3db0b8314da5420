//! The ways by which clients reach a simulated unit: each carries the reports of one [`Port`](super::Port).
//!
//! ```text
//!            bytes from clients                        packet  one client a connection, each gets every report
//!   unit <------------------------- cable <----------> pty     a terminal: a run of bytes
//!        ------------------------->        node, reports  tree    packet sockets at DIR/dev/hidrawN, beside a DIR/sys
//!            reports, node number                         fuse    DIR/hidrawN, a file as the kernel makes it
//! ```
//!
//! When the unit is unplugged its clients lose their connection and the file goes; when it comes back, under whatever
//! number, the file is there again.

#[cfg(feature = "fuse")]
mod fuse;
mod packet;
mod pty;
#[cfg(test)]
mod tests;
mod tree;

use std::io;
use std::path::PathBuf;

use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A way to a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Front {
    /// A socket file for packets (`SOCK_SEQPACKET`): one packet is one report of 8 bytes.
    Packet(PathBuf),
    /// A link to a pseudo-terminal.
    Pty(PathBuf),
    /// A folder with `sys` and `dev` that look as a machine's do, with a packet socket in the place of `/dev/hidrawN`; its
    /// USB port is the one given, such as `1-1`.
    Tree(PathBuf, String),
    /// A folder, mounted through FUSE, with a file `hidrawN` that behaves as `/dev/hidrawN` does. Needs the feature `fuse`
    /// and the right to mount.
    Fuse(PathBuf, Bridge),
}

/// What the bridge between USB and the unit makes of reports that are longer than eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bridge {
    /// They come as one transfer by `SET_REPORT`, of which the unit's buffer takes eight bytes.
    #[default]
    SetReport,
    /// They come through an interrupt endpoint, eight bytes after eight bytes.
    OutEndpoint,
}

impl Front {
    /// Where a client finds it, for people: `unixpacket:PATH`, the terminal's path, or the folder in
    /// which it looks.
    pub fn address(&self) -> String {
        match self {
            Self::Packet(path) => format!("unixpacket:{}", path.display()),
            Self::Pty(path) | Self::Tree(path, _) | Self::Fuse(path, _) => path.display().to_string(),
        }
    }

    /// Whether it can be made at all: told before anything runs.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self {
            Self::Packet(path) => packet::check(path),
            Self::Pty(path) => pty::check(path),
            Self::Tree(folder, _) => tree::check(folder),
            #[cfg(feature = "fuse")]
            Self::Fuse(folder, _) => fuse::check(folder),
            #[cfg(not(feature = "fuse"))]
            Self::Fuse(..) => {
                let told = "this build knows no FUSE: build ohmstead-plant with its feature `fuse`";
                Err(io::Error::new(io::ErrorKind::Unsupported, told))
            }
        }
    }

    /// Serves until `stop`; what was made is taken away then.
    pub(crate) fn serve(self, wire: Wire, tasks: &TaskTracker, stop: CancellationToken) {
        let tracker = tasks.clone();
        match self {
            Self::Packet(path) => tasks.spawn(packet::serve(packet::Place::At(path), wire, tracker, stop)),
            Self::Pty(path) => tasks.spawn(pty::serve(path, wire, stop)),
            Self::Tree(folder, port) => tasks.spawn(tree::serve(folder, port, wire, tracker, stop)),
            #[cfg(feature = "fuse")]
            Self::Fuse(folder, bridge) => tasks.spawn(fuse::serve(folder, bridge, wire, stop)),
            #[cfg(not(feature = "fuse"))]
            Self::Fuse(..) => return,
        };
    }
}

/// What a front end is told and tells.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    /// Bytes from clients to the unit.
    pub(crate) to_unit: mpsc::Sender<Vec<u8>>,
    /// Reports of the unit to every client.
    pub(crate) reports: broadcast::Sender<Vec<u8>>,
    /// The number of the unit's device file; `None` while it is unplugged.
    pub(crate) node: watch::Receiver<Option<u32>>,
    /// Somebody resets the USB port.
    pub(crate) reset: mpsc::Sender<()>,
}

impl Wire {
    /// Waits until the unit is plugged in, and under which number; `None` if it never will be again.
    pub(crate) async fn plugged(&mut self) -> Option<u32> {
        self.node.wait_for(Option::is_some).await.ok().and_then(|node| *node)
    }

    /// Ends when the unit is no longer there under this number.
    pub(crate) async fn unplugged(&mut self, number: u32) {
        let _ = self.node.wait_for(|node| *node != Some(number)).await;
    }
}

/// Reports that wait for a slow front end.
pub(crate) const REPORTS_KEPT: usize = 64;
/// Writes of clients that wait for the unit.
pub(crate) const WRITES_KEPT: usize = 64;
