//! A private mosquitto on a port of its own.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The broker; it ends with the value.
pub(crate) struct Broker {
    child: Child,
    pub(crate) port: u16,
    folder: tempfile::TempDir,
}

impl Broker {
    pub(crate) fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n");
        std::fs::write(folder.path().join("mosquitto.conf"), text).unwrap();
        Self { child: spawn(&folder), port, folder }
    }

    /// Kills it, as when a GX device loses its broker.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Starts it again on the same port; it has forgotten everything.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.folder);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &tempfile::TempDir) -> Child {
    let usual = Path::new("/usr/sbin/mosquitto");
    Command::new(if usual.exists() { usual } else { Path::new("mosquitto") })
        .arg("-c")
        .arg(folder.path().join("mosquitto.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("mosquitto, of the Debian package of this name, has to be installed for these tests")
}
