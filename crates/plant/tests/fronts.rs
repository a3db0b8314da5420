//! The ways to a simulated inverter, used as a stranger's program would use them.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
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
        Self::with_fault(profile, "", front)
    }

    fn with_fault(profile: &str, fault: &str, front: impl FnOnce(&Path) -> Front) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile: Profile = profile.parse().unwrap();
        let mut setup = InverterSetup::new("axpert", profile);
        let front = front(folder.path());
        setup.serial_line = matches!(front, Front::Pty(_));
        if !fault.is_empty() {
            setup.switches.set(fault).unwrap();
        }
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        // Ten times as fast: what takes half a second on the real line is over in 50 ms.
        let plant = Plant::builder(Settings::default()).inverter(setup, vec![front]).speed(10.0);
        let handle = plant.start(&tasks, stop.clone()).expect("the house starts");
        Self { handle, tasks, stop, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the unit has heard.
    fn commands(&self, command: &str) -> u64 {
        self.handle.with_site(|site| {
            let counters = site.inverter_counters("axpert").unwrap();
            counters.commands.get(command).copied().unwrap_or_default()
        })
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

/// The device that is there now, under whatever number.
fn device(running: &Running) -> Option<(PathBuf, OwnedFd)> {
    let entries = std::fs::read_dir(running.path("sys/class/hidraw")).ok()?;
    entries.flatten().find_map(|entry| {
        let path = running.path("dev").join(entry.file_name());
        Some((path.clone(), connect(&path)?))
    })
}

/// Asks QPI until the end of its answer.
async fn asks(fd: &OwnedFd) -> Vec<u8> {
    rustix::io::write(fd, QPI).unwrap();
    let mut answer = Vec::new();
    while !answer.contains(&b'\r') {
        answer.extend(report(fd).await);
    }
    answer
}

#[tokio::test]
async fn a_unit_that_gets_another_number_is_found_under_it() {
    let running = Running::with_fault("pi30-21", "renumber-every=20", |folder| {
        Front::Tree(folder.to_owned(), "1-1".to_owned())
    });
    let (path, fd) = until("the device", || device(&running)).await;
    until("the end of the connection", || read(&fd).filter(Vec::is_empty)).await;
    let (other, again) =
        until("another number", || device(&running).filter(|(other, _)| *other != path)).await;
    assert!(!path.exists(), "{} beside {}", path.display(), other.display());
    assert_eq!(asks(&again).await, b"(PI30\x9a\x0b\r");
    running.end().await;
}

#[tokio::test]
async fn a_unit_that_hangs_lives_again_after_a_reset() {
    let tree = |folder: &Path| Front::Tree(folder.to_owned(), "1-1".to_owned());
    let running = Running::with_fault("pi30-21", "wedge-after=20", tree);
    let started_ms = running.handle.now_ms();
    let (_, fd) = until("the device", || device(&running)).await;
    until("the unit to hang", || (running.handle.now_ms() > started_ms + 21_000).then_some(())).await;
    rustix::io::write(&fd, QPI).unwrap();
    // Five times as long as an answer takes.
    let asked_ms = running.handle.now_ms();
    until("time to pass", || (running.handle.now_ms() > asked_ms + 2_500).then_some(())).await;
    assert_eq!((read(&fd), running.commands("QPI")), (None, 0));
    let authorized = running.path("sys/bus/usb/devices/1-1/authorized");
    std::fs::write(&authorized, "0").unwrap();
    until("the end of the connection", || read(&fd).filter(Vec::is_empty)).await;
    std::fs::write(&authorized, "1").unwrap();
    let (_, again) = until("the device again", || device(&running)).await;
    assert_eq!(asks(&again).await, b"(PI30\x9a\x0b\r");
    running.end().await;
}

#[tokio::test]
async fn a_cable_that_comes_loose_in_an_answer_cuts_the_client_off() {
    let running = Running::with_fault("pi30-21", "cut=100", |folder| Front::Packet(folder.join("inverter")));
    let path = running.path("inverter");
    let client = until("the socket", || connect(&path)).await;
    rustix::io::write(&client, b"QPIGS\xb7\xa9\r").unwrap();
    let mut answer = Vec::new();
    loop {
        let part = report(&client).await;
        if part.is_empty() {
            break;
        }
        answer.extend(part);
    }
    assert!(answer.starts_with(b"(") && !answer.contains(&b'\r'), "{answer:?}");
    until("the socket again", || connect(&path)).await;
    running.end().await;
}

#[tokio::test]
async fn half_a_command_of_one_client_spoils_the_next() {
    let running = Running::start("pi30-21", |folder| Front::Packet(folder.join("inverter")));
    let path = running.path("inverter");
    let client = until("the socket", || connect(&path)).await;
    rustix::io::write(&client, b"QPIRI\xf8T").unwrap();
    drop(client);
    let client = until("a second client", || connect(&path)).await;
    assert_eq!(asks(&client).await[..4], *b"(NAK", "the unit knows nothing of clients");
    assert_eq!(asks(&client).await, b"(PI30\x9a\x0b\r");
    running.end().await;
}

#[cfg(feature = "fuse")]
#[tokio::test]
async fn a_file_behaves_as_the_kernels() {
    use ohmstead_plant::voltronic::Bridge;
    let probe = tempfile::tempdir().unwrap();
    let fuse = std::fs::File::options().read(true).write(true).open("/dev/fuse");
    if fuse.is_err() || !rustix::process::geteuid().is_root() {
        eprintln!("skipped: {} cannot be mounted on", probe.path().display());
        return;
    }
    let running = Running::start("pi30-21", |folder| Front::Fuse(folder.join("dev"), Bridge::SetReport));
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let path = running.path("dev/hidraw0");
    let fd = until("the file", || rustix::fs::open(&path, flags, Mode::empty()).ok()).await;
    assert_eq!(asks(&fd).await, b"(PI30\x9a\x0b\r");
    let folder = running.end().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_way_that_cannot_be_made_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "a file of somebody's").unwrap();
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let setup = InverterSetup::new("axpert", "pi30-21".parse().unwrap());
    let plant =
        Plant::builder(Settings::default()).inverter(setup.clone(), vec![Front::Packet(taken.clone())]);
    let error = plant.start(&tasks, stop.clone()).expect_err("the place is taken");
    assert!(error.to_string().starts_with("axpert cannot be reached at unixpacket:"), "{error}");
    assert!(taken.exists(), "and nothing of it is touched");
    let twice = Front::Pty(folder.path().join("tty"));
    let plant = Plant::builder(Settings::default()).inverter(setup, vec![twice.clone(), twice]);
    assert!(plant.start(&tasks, stop.clone()).is_err(), "one link to two terminals");
    let nobody =
        Plant::builder(Settings::default()).front("nobody", vec![Front::Pty(folder.path().join("tty"))]);
    assert!(nobody.start(&tasks, stop).is_err());
}
