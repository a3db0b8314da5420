//! What a path is, before anything is opened there: a mistyped path must not cost anybody a file.
//!
//! | path | taken for |
//! |---|---|
//! | a socket | packet socket |
//! | a character device: HID of the wanted USB identity, or a terminal | hidraw, serial line |
//! | a file in a FUSE file system, a pipe called `hidrawN` | hidraw: a simulator's |
//! | a file, a folder, a disk, any other device | refused |

use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use super::sysfs::{self, Roots};

/// `f_type` of FUSE.
const FUSE: u64 = 0x6573_5546;
/// The major numbers of pseudo terminals, which sysfs does not list.
const PSEUDO_TERMINALS: std::ops::RangeInclusive<u32> = 136..=143;

/// What may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// A packet socket.
    Socket,
    /// What reads and writes reports, or bytes if it is a terminal.
    File,
}

/// What `path` is, of which `meta` tells; why it is not used.
pub(super) fn of(roots: &Roots, path: &Path, meta: &Metadata) -> Result<Nature, String> {
    let kind = meta.file_type();
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = real.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_hidraw = name.starts_with("hidraw");
    if kind.is_socket() {
        return Ok(Nature::Socket);
    }
    if kind.is_block_device() {
        return Err("it is a disk".to_owned());
    }
    if kind.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if kind.is_file() && !is_fuse(path) {
        return Err("it is an ordinary file".to_owned());
    }
    if kind.is_fifo() && !is_hidraw {
        return Err("it is a pipe".to_owned());
    }
    if kind.is_char_device() && !is_line(roots, name, meta.rdev()) {
        return Err("it is neither a HID device nor a serial line".to_owned());
    }
    match sysfs::foreign_id(roots, name) {
        Some(id) if is_hidraw => Err(format!(
            "it is a HID device of another kind, with the USB identity {id}; inverters have 0665:5161"
        )),
        _ => Ok(Nature::File),
    }
}

/// Whether a character device is a HID device or a terminal: by sysfs, or by its name where sysfs does not know it.
fn is_line(roots: &Roots, name: &str, number: u64) -> bool {
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    if PSEUDO_TERMINALS.contains(&major) {
        return true;
    }
    let link = roots.sys.join(format!("dev/char/{major}:{minor}/subsystem"));
    match fs::read_link(link) {
        Ok(subsystem) => subsystem.file_name().is_some_and(|name| name == "hidraw" || name == "tty"),
        Err(_) => ["hidraw", "tty", "rfcomm"].iter().any(|known| name.starts_with(known)),
    }
}

fn is_fuse(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|told| u64::try_from(told.f_type).is_ok_and(|kind| kind == FUSE))
}
