//! Half-duplex lines that carry command frames to one device, and the ports of this machine on which there are such lines.
//!
//! ```text
//!  Ports (what is plugged in, opening, resetting)          Machine: this machine, by sysfs and /dev
//!    open --> Line (send a frame, receive bytes, drain)    hidraw | serial line | packet socket
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::BoxFuture;

/// The pause between two reports of one frame: peers wait 0 to 50 ms.
pub const CHUNK_GAP: Duration = Duration::from_millis(15);

/// What a line runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// A HID device's raw reports, 8 bytes each way.
    Hidraw,
    /// A serial line: a run of bytes.
    Serial,
    /// A packet socket of a simulator or a bridge: reports as on USB HID.
    Packet,
}

impl LineKind {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Hidraw => "USB HID",
            Self::Serial => "serial line",
            Self::Packet => "packet socket",
        }
    }
}

/// A half-duplex line to one device. One owner; whoever opened it has it alone.
pub trait Line: Send {
    /// Sends one whole frame of at most 255 bytes. Over HID and packets it goes out as zero-padded reports of 8 bytes.
    /// Given up half-way, the rest is not sent.
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, io::Result<()>>;

    /// The next bytes as one read gave them, padding included. The end of the line is an error. Cancel-safe.
    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<usize>>;

    /// Throws away what is waiting, 64 reports at most, without waiting for more. How many bytes that were.
    fn drain(&mut self) -> io::Result<usize>;

    /// What the line runs over.
    fn kind(&self) -> LineKind;
}

/// A port on which a device of the wanted USB identity is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The device file.
    pub path: PathBuf,
    /// The USB port, such as `1-1.2`, which stays when the file gets another number.
    pub usb_port: Option<String>,
    /// `HID_NAME` of the kernel: maker and product, often empty.
    pub hid_name: String,
    /// `HID_PHYS`: the port as the kernel describes it.
    pub phys: String,
    /// `HID_UNIQ`: a serial number, which these devices do not have.
    pub uniq: String,
}

/// Another process that has a port open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opener {
    /// Its process id.
    pub pid: u32,
    /// Its name.
    pub name: String,
}

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// It is not there.
    #[error("{path} does not exist: is the cable plugged in?")]
    Missing {
        /// The device file.
        path: PathBuf,
    },
    /// This user may not.
    #[error("no permission for {path}: it belongs to group {group} (mode {mode:03o})")]
    Denied {
        /// The device file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Its group, by name where it has one.
        group: String,
        /// The refusal.
        #[source]
        source: io::Error,
    },
    /// Another program holds it.
    #[error("{path} is held by {}", .by.as_ref().map_or_else(|| "another program".to_owned(), |by| format!("{} (pid {})", by.name, by.pid)))]
    InUse {
        /// The device file.
        path: PathBuf,
        /// Who, where that can be seen.
        by: Option<Opener>,
    },
    /// It is no port at all, or somebody else's.
    #[error("{path} is not used: {why}")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What it is.
        why: String,
    },
    /// Something else.
    #[error("cannot open {path}")]
    Other {
        /// The device file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The ports that there are: this machine's, or a test's.
pub trait Ports: Send + Sync {
    /// The ports with a device of the USB identity 0665:5161, in the order of their numbers.
    fn candidates(&self) -> io::Result<Vec<Candidate>>;

    /// The device file that a path leads to, spelt as in [`Ports::candidates`]: links are the owner's names.
    fn device_file(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    /// Opens a port for ourselves alone.
    fn open<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Box<dyn Line>, PortError>>;

    /// Switches a USB port off and on, as pulling the plug would.
    fn reset<'a>(&'a self, usb_port: &'a str) -> BoxFuture<'a, io::Result<()>>;

    /// Whether this user may reset a USB port, as far as the system tells.
    fn may_reset(&self, _usb_port: &str) -> bool {
        true
    }

    /// Switches a USB port on that a reset left switched off; `false` if it was on.
    fn switch_on<'a>(&'a self, _usb_port: &'a str) -> BoxFuture<'a, io::Result<bool>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    /// Who else has the port open, as far as this user may see.
    fn other_openers(&self, path: &Path) -> Vec<Opener>;
}
