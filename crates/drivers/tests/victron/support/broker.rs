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

/// Files for TLS: an authority, a certificate of it for 127.0.0.1, and one as a GX device makes its own. Their keys are
/// worth nothing.
pub(crate) mod tls {
    pub(crate) const AUTHORITY: &str = include_str!("tls/ca.pem");
    /// Certificate and key.
    pub(crate) const ISSUED: [&str; 2] = [include_str!("tls/broker.pem"), include_str!("tls/broker.key")];
    pub(crate) const OWN: [&str; 2] = [include_str!("tls/own.pem"), include_str!("tls/own.key")];
    pub(crate) const OWN_SHA256: &str =
        "BD:03:22:7E:EF:20:E1:2E:FA:26:F2:B1:48:56:03:37:2D:61:43:31:81:31:C8:E3:60:98:87:6E:63:08:7E:59";
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Broker {
    pub(crate) fn start() -> Self {
        Self::with(free_port(), tempfile::tempdir().unwrap(), "")
    }

    /// One that speaks TLS as well, at the port that is returned.
    pub(crate) fn with_tls([certificate, key]: [&str; 2]) -> (Self, u16) {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let [certificate, key] = [("certificate", certificate), ("key", key)].map(|(name, pem)| {
            let path = folder.path().join(name);
            std::fs::write(&path, pem).unwrap();
            path
        });
        let more = format!(
            "user root\nlistener {port} 127.0.0.1\ncertfile {}\nkeyfile {}\n",
            certificate.display(),
            key.display()
        );
        (Self::with(free_port(), folder, &more), port)
    }

    fn with(port: u16, folder: tempfile::TempDir, more: &str) -> Self {
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n{more}");
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
