//! A folder that looks as a machine's `/sys` and `/dev` do to whoever searches for a HID device, and reacts to a reset of its
//! USB port.
//!
//! ```text
//! DIR/sys/class/hidraw/hidraw0 -> ../../devices/platform/hcd.0/usb1/1-1/1-1:1.0/0003:0665:5161.0001/hidraw/hidraw0
//! DIR/sys/devices/platform/hcd.0/usb1/1-1/{idVendor,idProduct,authorized}
//! DIR/sys/bus/usb/devices/1-1 -> ../../../devices/platform/hcd.0/usb1/1-1
//! DIR/dev/hidraw0                                  a packet socket
//!
//! authorized 0: the device goes, the port stays      1: the unit restarts and comes back      unplugged: the port goes too
//! ```
//!
//! Several inverters may share a folder, each on its own port and with its own number.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Wire;
use super::packet::{self, registered};

/// Whether the folder can be made.
pub(super) fn check(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("dev"))?;
    fs::create_dir_all(folder.join("sys/class/hidraw"))
}

/// Keeps the folder as the unit is plugged.
pub(super) async fn serve(
    folder: PathBuf,
    port: String,
    wire: Wire,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let (node, file) = watch::channel(None);
    let place = packet::Place::Numbered(folder.join("dev"));
    let sockets = packet::serve(place, Wire { node: file, ..wire.clone() }, tasks.clone(), stop.clone());
    let sockets = tasks.spawn(sockets);
    let told = folder.clone();
    let mut machine = Machine { folder, port, wire, node, device: None };
    if let Some(Err(error)) = stop.run_until_cancelled(machine.follow()).await {
        tracing::warn!(folder = %told.display(), %error, "the simulated inverter's folder cannot be kept");
    }
    machine.node.send_replace(None);
    stop.cancelled().await;
    let _ = sockets.await;
    machine.clear();
}

/// A machine with one USB port that matters.
struct Machine {
    folder: PathBuf,
    port: String,
    wire: Wire,
    /// The number of the device file: none while the port is off, whatever the unit does.
    node: watch::Sender<Option<u32>>,
    /// What was plugged in last.
    device: Option<Device>,
}

impl Machine {
    /// Ends when the unit is gone for good.
    async fn follow(&mut self) -> io::Result<()> {
        while let Some(number) = self.wire.plugged().await {
            let device = Device { folder: self.folder.clone(), port: self.port.clone(), number };
            let device = self.device.insert(device);
            device.plug()?;
            let authorized = Authorized::watch(device.usb().join("authorized"))?;
            self.node.send_replace(Some(number));
            let off = tokio::select! {
                off = authorized.becomes("0") => { off?; true }
                () = self.wire.unplugged(number) => false,
            };
            self.node.send_replace(None);
            device.unbind();
            if off {
                tokio::select! {
                    on = authorized.becomes("1") => {
                        on?;
                        // The unit restarts; its port stays where it is.
                        let _ = self.wire.reset.send(()).await;
                        self.wire.unplugged(number).await;
                        continue;
                    }
                    () = self.wire.unplugged(number) => {}
                }
            }
            device.unplug();
        }
        Ok(())
    }

    /// Takes away what was made; what others have in the same folder stays.
    fn clear(&self) {
        if let Some(device) = &self.device {
            device.unbind();
            device.unplug();
        }
        let folders = ["sys/class/hidraw", "sys/bus/usb/devices", "sys/devices/platform/hcd.0/usb1", "dev"];
        for folder in folders.iter().flat_map(|folder| Path::new(folder).ancestors()) {
            // One that is not empty stays.
            if folder != Path::new("") {
                let _ = fs::remove_dir(self.folder.join(folder));
            }
        }
    }
}

/// The file by which a USB port is switched.
struct Authorized {
    path: PathBuf,
    events: AsyncFd<OwnedFd>,
}

impl Authorized {
    fn watch(path: PathBuf) -> io::Result<Self> {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        inotify::add_watch(&events, &path, WatchFlags::MODIFY | WatchFlags::CLOSE_WRITE)?;
        Ok(Self { path, events: registered(events)? })
    }

    /// Ends when somebody wrote `state`; never, if the file is gone.
    async fn becomes(&self, state: &str) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match fs::read_to_string(&self.path) {
                Ok(text) if text.trim() == state => return Ok(()),
                Ok(_) => {}
                Err(_) => std::future::pending().await,
            }
            self.events.async_io(Interest::READABLE, |fd| Ok(rustix::io::read(fd, &mut buffer)?)).await?;
        }
    }
}

/// A device on the port.
struct Device {
    folder: PathBuf,
    port: String,
    number: u32,
}

impl Device {
    fn usb(&self) -> PathBuf {
        self.folder.join("sys/devices/platform/hcd.0/usb1").join(&self.port)
    }

    fn interface(&self) -> PathBuf {
        self.usb().join(format!("{}:1.0", self.port))
    }

    fn hid(&self) -> PathBuf {
        self.interface().join(format!("0003:0665:5161.{:04X}", self.number + 1))
    }

    /// The link by which the device is found.
    fn class(&self) -> PathBuf {
        self.folder.join("sys/class/hidraw").join(format!("hidraw{}", self.number))
    }

    /// The link by which the port is found.
    fn bus(&self) -> PathBuf {
        self.folder.join("sys/bus/usb/devices").join(&self.port)
    }

    fn plug(&self) -> io::Result<()> {
        let hidraw = format!("hidraw/hidraw{}", self.number);
        let node = self.hid().join(&hidraw);
        fs::create_dir_all(&node)?;
        fs::create_dir_all(self.folder.join("dev"))?;
        fs::write(self.usb().join("idVendor"), "0665\n")?;
        fs::write(self.usb().join("idProduct"), "5161\n")?;
        fs::write(self.usb().join("authorized"), "1\n")?;
        // The kernel's words for a port leave the bus out: 1-1.2 is usb-hcd.0-1.2.
        let path = self.port.split_once('-').map_or(self.port.as_str(), |(_, path)| path);
        let uevent = format!(
            "DRIVER=hid-generic\nHID_ID=0003:00000665:00005161\nHID_NAME=INNO TECH USB to Serial\n\
             HID_PHYS=usb-hcd.0-{path}/input0\nHID_UNIQ=\nMODALIAS=hid:b0003g0001v00000665p00005161\n"
        );
        fs::write(self.hid().join("uevent"), uevent)?;
        link("../..", &node.join("device"))?;
        let usb = format!("devices/platform/hcd.0/usb1/{}", self.port);
        link(&format!("../../../{usb}"), &self.bus())?;
        let hid = self.hid();
        let below = hid.strip_prefix(self.usb()).unwrap_or(&hid).display();
        link(&format!("../../{usb}/{below}/{hidraw}"), &self.class())
    }

    /// What the driver made goes; the port stays.
    fn unbind(&self) {
        let _ = fs::remove_file(self.class());
        let _ = fs::remove_dir_all(self.interface());
    }

    fn unplug(&self) {
        let _ = fs::remove_file(self.bus());
        let _ = fs::remove_dir_all(self.usb());
    }
}

fn link(target: &str, at: &Path) -> io::Result<()> {
    if let Some(folder) = at.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::remove_file(at) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => symlink(target, at),
    }
}
