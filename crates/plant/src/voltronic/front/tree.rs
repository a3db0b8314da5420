//! A folder that looks as a machine's `/sys` and `/dev` do to whoever searches for a HID device, and reacts to a reset of its
//! USB port.
//!
//! ```text
//! DIR/sys/class/hidraw/hidraw0 -> ../../devices/platform/hcd.0/usb1/1-1/1-1:1.0/0003:0665:5161.0001/hidraw/hidraw0
//! DIR/sys/devices/platform/hcd.0/usb1/1-1/{idVendor,idProduct,authorized}
//! DIR/dev/hidraw0                                  a packet socket
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Wire, packet};

/// How often somebody is looked for who wrote to `authorized`.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whether the folder can be made.
pub(super) fn check(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("dev"))?;
    fs::create_dir_all(folder.join("sys/class/hidraw"))
}

/// Keeps the folder as the unit is plugged.
pub(super) async fn serve(
    folder: PathBuf,
    port: String,
    mut wire: Wire,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let sockets = Wire {
        to_unit: wire.to_unit.clone(),
        reports: wire.reports.clone(),
        node: wire.node.clone(),
        reset: wire.reset.clone(),
    };
    let place = packet::Place::Numbered(folder.join("dev"));
    tasks.spawn(packet::serve(place, sockets, tasks.clone(), stop.clone()));
    loop {
        let Some(Some(number)) = stop.run_until_cancelled(wire.plugged()).await else { return };
        let device = Device { folder: &folder, port: &port, number };
        if let Err(error) = device.plug() {
            tracing::warn!(folder = %folder.display(), %error, "the simulated inverter's folder cannot be made");
            return;
        }
        let (authorized, reset) = (device.usb().join("authorized"), wire.reset.clone());
        tokio::select! {
            () = stop.cancelled() => {}
            () = watch(&authorized, &reset) => {}
            () = wire.unplugged(number) => {}
        }
        device.unplug();
        if stop.is_cancelled() {
            return;
        }
        // Between two looks of whoever searches: a tree that is there again at once was never away.
        wire.unplugged(number).await;
    }
}

/// Ends when the port was switched off and on.
async fn watch(authorized: &Path, reset: &tokio::sync::mpsc::Sender<()>) {
    let mut off = false;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match fs::read_to_string(authorized).as_deref().map(str::trim) {
            Ok("0") => off = true,
            Ok("1") if off => {
                let _ = reset.send(()).await;
                return;
            }
            _ => {}
        }
    }
}

struct Device<'a> {
    folder: &'a Path,
    port: &'a str,
    number: u32,
}

impl Device<'_> {
    fn usb(&self) -> PathBuf {
        self.folder.join("sys/devices/platform/hcd.0/usb1").join(self.port)
    }

    fn hid(&self) -> PathBuf {
        let interface = format!("{}:1.0", self.port);
        self.usb().join(interface).join(format!("0003:0665:5161.{:04X}", self.number + 1))
    }

    fn class(&self) -> PathBuf {
        self.folder.join("sys/class/hidraw").join(format!("hidraw{}", self.number))
    }

    fn plug(&self) -> io::Result<()> {
        let node = self.hid().join(format!("hidraw/hidraw{}", self.number));
        fs::create_dir_all(&node)?;
        fs::write(self.usb().join("idVendor"), "0665\n")?;
        fs::write(self.usb().join("idProduct"), "5161\n")?;
        fs::write(self.usb().join("authorized"), "1\n")?;
        let uevent = format!(
            "DRIVER=hid-generic\nHID_ID=0003:00000665:00005161\nHID_NAME=INNO TECH USB to Serial\n\
             HID_PHYS=usb-hcd.0-{}/input0\nHID_UNIQ=\nMODALIAS=hid:b0003g0001v00000665p00005161\n",
            self.port
        );
        fs::write(self.hid().join("uevent"), uevent)?;
        let _ = std::os::unix::fs::symlink("../..", node.join("device"));
        let _ = fs::remove_file(self.class());
        let target = Path::new("../..").join(node.strip_prefix(self.folder.join("sys")).unwrap_or(&node));
        std::os::unix::fs::symlink(target, self.class())
    }

    fn unplug(&self) {
        let _ = fs::remove_file(self.class());
        let _ = fs::remove_dir_all(self.usb());
    }
}
