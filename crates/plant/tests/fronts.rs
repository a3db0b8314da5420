//! The ways to a simulated inverter, used as a stranger's program would use them.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use ohmstead_plant::voltronic::{Front, Profile};
use ohmstead_plant::{InverterSetup, Plant, PlantHandle, Settings};
use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

struct Running {
    handle: PlantHandle,
    tasks: TaskTracker,
    stop: CancellationToken,
    folder: TempDir,
}

impl Running {
    fn start(profile: &str, front: impl FnOnce(&Path) -> Front) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile: Profile = profile.parse().unwrap();
        let setup = InverterSetup::new("axpert", profile);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        // Ten times as fast: what takes half a second on the real line is over in 50 ms.
        let plant =
            Plant::builder(Settings::default()).inverter(setup, vec![front(folder.path())]).speed(10.0);
        let handle = plant.start(&tasks, stop.clone()).expect("the house starts");
        Self { handle, tasks, stop, folder }
    }

    async fn end(self) -> TempDir {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(Duration::from_secs(10), self.tasks.wait()).await.expect("everything ends");
        self.folder
    }
}

/// Waits for something that comes soon or never.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..2000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

fn connect(path: &Path) -> Option<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).ok()?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path).ok()?).ok()?;
    Some(socket)
}

const QPI: &[u8] = b"QPI\xbe\xac\r\0\0";

fn read(fd: &OwnedFd) -> Option<Vec<u8>> {
    let mut buffer = [0; 64];
    let length = rustix::io::read(fd, &mut buffer).ok()?;
    Some(buffer[..length].to_vec())
}

async fn report(fd: &OwnedFd) -> Vec<u8> {
    until("a report", || read(fd)).await
}

#[tokio::test]
async fn a_packet_is_a_report_and_every_client_gets_it() {
    let running = Running::start("pi30-21", |folder| Front::Packet(folder.join("inverter")));
    let path = running.folder.path().join("inverter");
    let first = until("the socket", || connect(&path)).await;
    let second = until("a second client", || connect(&path)).await;
    // Both are counted in before anything is said.
    rustix::io::write(&second, b"\0\0\0\0\0\0\0\0").unwrap();
    rustix::io::write(&first, QPI).unwrap();
    assert_eq!(report(&first).await, b"(PI30\x9a\x0b\r");
    assert_eq!(report(&second).await[..5], *b"(PI30");
    let folder = running.end().await;
    assert!(!path.exists(), "what was made is taken away");
    drop(folder);
}

#[tokio::test]
async fn a_client_is_cut_off_when_the_plug_is_pulled_and_finds_it_again() {
    let running = Running::start("pi30-21", |folder| Front::Packet(folder.join("inverter")));
    let path = running.folder.path().join("inverter");
    let client = until("the socket", || connect(&path)).await;
    running.handle.with_site(|site| {
        let now_ms = site.now_ms();
        ohmstead_plant::Port::reset(site.inverter_mut("axpert").unwrap(), now_ms);
    });
    until("the end of the connection", || read(&client).filter(Vec::is_empty)).await;
    let again = until("the socket again", || connect(&path)).await;
    rustix::io::write(&again, QPI).unwrap();
    assert_eq!(report(&again).await[..5], *b"(PI30");
    running.end().await;
}

#[tokio::test]
async fn a_terminal_carries_a_run_of_bytes() {
    let running = Running::start("pi18", |folder| Front::Pty(folder.join("tty")));
    let path = running.folder.path().join("tty");
    let line = until("the terminal", || {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::open(&path, flags, Mode::empty()).ok()
    })
    .await;
    rustix::io::write(&line, b"^P005PI\x71\x8b\r").unwrap();
    let mut answer = Vec::new();
    while !answer.contains(&b'\r') {
        answer.extend(report(&line).await);
    }
    let answer: Vec<u8> = answer.into_iter().filter(|byte| *byte != 0).collect();
    assert!(answer.starts_with(b"^D00518"), "{answer:?}");
    running.end().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_folder_looks_like_a_machine_and_obeys_a_reset() {
    let running = Running::start("pi30-max", |folder| Front::Tree(folder.to_owned(), "1-1".to_owned()));
    let root = running.folder.path().to_owned();
    let uevent = root.join("sys/class/hidraw/hidraw0/device/uevent");
    let text = until("sysfs", || std::fs::read_to_string(&uevent).ok()).await;
    assert!(text.contains("HID_ID=0003:00000665:00005161"), "{text}");
    let client = until("the device", || connect(&root.join("dev/hidraw0"))).await;
    rustix::io::write(&client, QPI).unwrap();
    assert_eq!(report(&client).await[..5], *b"(PI30");
    let authorized = root.join("sys/devices/platform/hcd.0/usb1/1-1/authorized");
    std::fs::write(&authorized, "0").unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    std::fs::write(&authorized, "1").unwrap();
    until("the end of the connection", || read(&client).filter(Vec::is_empty)).await;
    until("the device again", || {
        let entries = std::fs::read_dir(root.join("dev")).ok()?;
        entries.flatten().find_map(|entry| connect(&entry.path()))
    })
    .await;
    running.end().await;
}

#[tokio::test]
async fn a_way_that_cannot_be_made_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "a file of somebody's").unwrap();
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let setup = InverterSetup::new("axpert", "pi30-21".parse().unwrap());
    let plant = Plant::builder(Settings::default()).inverter(setup, vec![Front::Packet(taken.clone())]);
    let error = plant.start(&tasks, stop).expect_err("the place is taken");
    assert!(error.to_string().starts_with("axpert cannot be reached at unixpacket:"), "{error}");
    assert!(taken.exists(), "and nothing of it is touched");
}
