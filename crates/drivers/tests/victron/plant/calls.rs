//! The calls on a bus, as `dbus-monitor` sees them.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::Daemon;

/// A monitor of a bus; it ends with the value.
pub(super) struct Monitor {
    child: Child,
    folder: tempfile::TempDir,
}

/// What was called.
#[derive(Debug, PartialEq)]
pub(super) struct Calls {
    pub(super) get_items: usize,
    /// The paths of `GetValue`.
    pub(super) get_value: Vec<String>,
    /// The paths of `SetValue`.
    pub(super) set_value: Vec<String>,
}

impl Monitor {
    /// Watches from now on.
    pub(super) async fn start(daemon: &Daemon) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("calls")).unwrap();
        let child = Command::new("dbus-monitor")
            .args(["--address", &daemon.address(), "--profile"])
            .arg("type='method_call',interface='com.victronenergy.BusItem'")
            .stdout(file)
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-monitor, of the Debian package dbus, has to be installed for this test");
        let monitor = Self { child, folder };
        while !monitor.text().contains("NameLost") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        monitor
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("calls")).unwrap()
    }

    /// The calls so far.
    pub(super) async fn calls(&self) -> Calls {
        // What was sent before arrives within this time.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let text = self.text();
        // mc <time> <serial> <sender> <destination> <path> <interface> <member>
        let paths = |member: &str| -> Vec<String> {
            let columns = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            let calls =
                columns.filter(|columns| columns.first() == Some(&"mc") && columns.last() == Some(&member));
            calls.map(|columns| columns[columns.len() - 3].to_owned()).collect()
        };
        Calls {
            get_items: paths("GetItems").len(),
            get_value: paths("GetValue"),
            set_value: paths("SetValue"),
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
