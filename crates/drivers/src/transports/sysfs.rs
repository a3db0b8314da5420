//! What sysfs and procfs tell about HID devices and who has them open. All of it is taken as hostile text.
//!
//! ```text
//! /sys/class/hidraw/hidraw0 -> ../../devices/.../usb1/1-1/1-1.2/1-1.2:1.0/0003:0665:5161.0006/hidraw/hidraw0
//!                       /device/uevent     HID_ID=0003:00000665:00005161, HID_NAME, HID_PHYS, HID_UNIQ
//! /sys/devices/.../usb1/1-1/1-1.2          the USB device: idVendor, authorized (0 = off, 1 = on)
//! ```

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::line::{Candidate, Opener};

/// USB identity of the bridge in these inverters, as `HID_ID` spells it (bus, vendor, product).
const HID_ID: (&str, u32, u32) = ("0003", 0x0665, 0x5161);
/// No file of sysfs is longer.
const FILE_MAX: u64 = 4096;
/// A machine has some dozens of these; a broken tree may have any number.
const ENTRIES_MAX: usize = 1024;
/// Directories between a HID device and the USB device it is on.
const DEPTH_MAX: usize = 32;

/// Where the system describes its devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// sysfs, `/sys`.
    pub sys: PathBuf,
    /// The device files, `/dev`.
    pub dev: PathBuf,
    /// procfs, `/proc`.
    pub proc: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { sys: "/sys".into(), dev: "/dev".into(), proc: "/proc".into() }
    }
}

/// The hidraw devices of the wanted identity, by number.
pub(super) fn candidates(roots: &Roots) -> io::Result<Vec<Candidate>> {
    let class = roots.sys.join("class/hidraw");
    let entries = match fs::read_dir(&class) {
        Ok(entries) => entries,
        // A kernel without HID devices has no such folder.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let names = entries.take(ENTRIES_MAX).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut numbered: Vec<(u32, String)> =
        names.filter_map(|name| Some((name.strip_prefix("hidraw")?.parse().ok()?, name))).collect();
    numbered.sort_unstable();
    Ok(numbered.iter().filter_map(|(_, name)| candidate(roots, &class, name)).collect())
}

fn candidate(roots: &Roots, class: &Path, name: &str) -> Option<Candidate> {
    let device = class.join(name).join("device");
    let uevent = text(&device.join("uevent"))?;
    let value = |key: &str| {
        let mut lines = uevent.lines().filter_map(|line| line.split_once('='));
        lines.find(|(name, _)| *name == key).map(|(_, value)| value.trim().to_owned())
    };
    is_wanted(&value("HID_ID")?).then(|| Candidate {
        path: roots.dev.join(name),
        usb_port: usb_device(&device).and_then(|dir| dir.file_name()?.to_str().map(str::to_owned)),
        hid_name: value("HID_NAME").unwrap_or_default(),
        phys: value("HID_PHYS").unwrap_or_default(),
        uniq: value("HID_UNIQ").unwrap_or_default(),
    })
}

fn is_wanted(id: &str) -> bool {
    numbers(id).is_some_and(|numbers| numbers == (HID_ID.1, HID_ID.2))
        && id.split(':').next() == Some(HID_ID.0)
}

/// Vendor and product of a `HID_ID`.
fn numbers(id: &str) -> Option<(u32, u32)> {
    let mut parts = id.split(':').skip(1);
    let mut number = || u32::from_str_radix(parts.next()?, 16).ok();
    Some((number()?, number()?))
}

/// The USB identity of `hidrawN`, if sysfs knows it and it is not the wanted one.
#[cfg(target_os = "linux")]
pub(super) fn foreign_id(roots: &Roots, name: &str) -> Option<String> {
    let uevent = text(&roots.sys.join("class/hidraw").join(name).join("device/uevent"))?;
    let id = uevent.lines().find_map(|line| line.strip_prefix("HID_ID="))?.trim();
    if is_wanted(id) {
        return None;
    }
    let shown = numbers(id).map(|(vendor, product)| format!("{vendor:04x}:{product:04x}"));
    Some(shown.unwrap_or_else(|| "of no known form".to_owned()))
}

/// The directory of the USB device above a HID device.
fn usb_device(device: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(device).ok()?;
    let mut above = real.ancestors().take(DEPTH_MAX);
    above.find(|dir| dir.join("idVendor").is_file()).map(Path::to_owned)
}

/// The file that switches a USB port, found anew: after a reset the tree is another one.
#[cfg(target_os = "linux")]
pub(super) fn authorized(roots: &Roots, usb_port: &str) -> io::Result<PathBuf> {
    let known =
        candidates(roots)?.into_iter().find(|candidate| candidate.usb_port.as_deref() == Some(usb_port));
    let by_bus = || Some(roots.sys.join("bus/usb/devices").join(usb_port)).filter(|dir| dir.exists());
    let by_hid = || {
        let name = known.as_ref()?.path.file_name()?;
        usb_device(&roots.sys.join("class/hidraw").join(name).join("device"))
    };
    let is_port = usb_port.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    let dir = is_port.then(|| by_hid().or_else(by_bus)).flatten();
    dir.map(|dir| dir.join("authorized"))
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no USB port {usb_port:?}")))
}

/// Whether the file that switches a USB port says that it is off.
#[cfg(target_os = "linux")]
pub(super) fn is_off(authorized: &Path) -> bool {
    text(authorized).is_some_and(|state| state.trim() == "0")
}

/// Who has `path` open besides this process.
pub(super) fn openers(roots: &Roots, path: &Path) -> Vec<Opener> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let Ok(processes) = fs::read_dir(&roots.proc) else { return Vec::new() };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let others = pids.filter(|pid| *pid != std::process::id());
    others.filter(|pid| has_open(roots, *pid, &path)).map(|pid| opener(roots, pid)).collect()
}

fn has_open(roots: &Roots, pid: u32, path: &Path) -> bool {
    let Ok(files) = fs::read_dir(roots.proc.join(pid.to_string()).join("fd")) else { return false };
    files
        .take(65_536)
        .any(|file| file.is_ok_and(|file| fs::read_link(file.path()).is_ok_and(|to| to == path)))
}

fn opener(roots: &Roots, pid: u32) -> Opener {
    let name = text(&roots.proc.join(pid.to_string()).join("comm"));
    Opener { pid, name: name.map_or_else(|| "a program".to_owned(), |name| name.trim().to_owned()) }
}

/// A short text file, whatever is wrong with its bytes.
fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
