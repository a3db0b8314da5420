//! A GX that runs fast, and the servers around it.

use ohmstead_plant::venus::{Setup, Venus, VenusHandle};
use std::{
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) const START_MS: i64 = 1_789_000_000_000;
/// Whatever happens, a test ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A port of this machine, any.
pub(crate) fn any() -> SocketAddr {
    SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)
}

/// A running GX, which ends with the test.
pub(crate) struct Running {
    pub(crate) handle: VenusHandle,
    stop: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Twenty of its seconds in one of ours.
pub(crate) async fn start(ways: impl FnOnce(Venus) -> Venus) -> Running {
    launch(ways(Venus::new(Setup::default()).starting_at(START_MS).speed(20.0))).await
}

/// As it is ordered.
pub(crate) async fn launch(venus: Venus) -> Running {
    let stop = CancellationToken::new();
    let handle = venus.start(&TaskTracker::new(), stop.clone()).await.unwrap();
    Running { handle, stop }
}

/// Another program, which ends with the test.
pub(crate) struct Program {
    child: Child,
    _folder: TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A private bus and its address; `None` where this machine has no `dbus-daemon`.
#[expect(clippy::print_stderr, reason = "says that a test did nothing")]
pub(crate) fn bus() -> Option<(Program, String)> {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("bus.conf");
    let socket = folder.path().join("bus");
    std::fs::write(&config, bus_config(&socket)).unwrap();
    let mut command = Command::new("dbus-daemon");
    command.arg(format!("--config-file={}", config.display())).args(["--nofork", "--print-address"]);
    let Ok(mut child) = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
        eprintln!("skipped: there is no dbus-daemon");
        return None;
    };
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("unix:"), "{line}");
    Some((Program { child, _folder: folder }, format!("unix:path={}", socket.display())))
}

fn bus_config(socket: &Path) -> String {
    format!(
        "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
         <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>\
         <allow own=\"*\"/></policy></busconfig>",
        socket.display()
    )
}

/// A private broker and its port; `None` where this machine has no `mosquitto`.
pub(crate) async fn broker() -> Option<(Program, u16)> {
    for _ in 0..5 {
        let port = std::net::TcpListener::bind(any()).unwrap().local_addr().unwrap().port();
        match broker_on(port).await {
            Some(program) => return Some((program, port)),
            // Someone was faster to the port, or there is no broker at all.
            None if mosquitto().arg("-h").output().is_ok() => {}
            None => break,
        }
    }
    None
}

fn mosquitto() -> Command {
    let usual = Path::new("/usr/sbin/mosquitto");
    Command::new(if usual.exists() { usual } else { Path::new("mosquitto") })
}

/// The same on a port.
#[expect(clippy::print_stderr, reason = "says that a test did nothing")]
pub(crate) async fn broker_on(port: u16) -> Option<Program> {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("mosquitto.conf");
    // Unlimited: a full publish comes at once.
    let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n");
    std::fs::write(&config, text).unwrap();
    let spawned = mosquitto().arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(child) = spawned else {
        eprintln!("skipped: there is no mosquitto");
        return None;
    };
    let mut program = Program { child, _folder: folder };
    for _ in 0..500 {
        if tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
            return Some(program);
        }
        if program.child.try_wait().unwrap().is_some() {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    None
}
