//! The front ends before a unit that does as it is told.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tempfile::TempDir;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Front, REPORTS_KEPT, WRITES_KEPT, Wire};

/// The unit's end of a front end.
pub(super) struct Unit {
    from_clients: mpsc::Receiver<Vec<u8>>,
    reports: broadcast::Sender<Vec<u8>>,
    pub(super) node: watch::Sender<Option<u32>>,
    resets: mpsc::Receiver<()>,
    tasks: TaskTracker,
    stop: CancellationToken,
    pub(super) folder: TempDir,
}

impl Unit {
    /// Plugged in as number 0.
    pub(super) fn behind(front: impl FnOnce(&Path) -> Front) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (to_unit, from_clients) = mpsc::channel(WRITES_KEPT);
        let (reset, resets) = mpsc::channel(4);
        let (reports, _) = broadcast::channel(REPORTS_KEPT);
        let (node, plug) = watch::channel(Some(0));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let front = front(folder.path());
        front.check().unwrap();
        let wire = Wire { to_unit, reports: reports.clone(), node: plug, reset };
        front.serve(wire, &tasks, stop.clone());
        Self { from_clients, reports, node, resets, tasks, stop, folder }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a client wrote.
    pub(super) async fn hears(&mut self) -> Vec<u8> {
        soon("a write", self.from_clients.recv()).await.unwrap()
    }

    pub(super) fn says(&self, report: &[u8]) {
        self.reports.send(report.to_vec()).unwrap();
    }

    pub(super) async fn end(self) -> TempDir {
        self.stop.cancel();
        self.tasks.close();
        soon("the end", self.tasks.wait()).await;
        self.folder
    }
}

pub(super) async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(Duration::from_secs(20), coming).await;
    waited.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Waits for something that comes soon or never.
pub(super) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    soon(what, looking).await
}

pub(super) fn open(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
}

fn connect(path: &Path) -> Option<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).ok()?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path).ok()?).ok()?;
    Some(socket)
}

async fn client(path: &Path) -> OwnedFd {
    until("the socket", || connect(path)).await
}

pub(super) fn read(fd: &OwnedFd, room: usize) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0xaa; room];
    let length = rustix::io::read(fd, &mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

async fn report(fd: &OwnedFd) -> Vec<u8> {
    until("a report", || read(fd, 64).ok()).await
}

#[tokio::test]
async fn packets_go_both_ways_as_they_are() {
    let mut unit = Unit::behind(|folder| Front::Packet(folder.join("unit")));
    let (one, two) = (client(&unit.path("unit")).await, client(&unit.path("unit")).await);
    for client in [&one, &two] {
        rustix::io::write(client, b"QPIGS\xb7\xa9\r").unwrap();
        assert_eq!(unit.hears().await, b"QPIGS\xb7\xa9\r");
    }
    unit.says(b"(230.0 5");
    unit.says(b"0.0 230.");
    for client in [&one, &two] {
        assert_eq!(until("a part of a report", || read(client, 3).ok()).await, b"(23");
        assert_eq!(report(client).await, b"0.0 230.", "the rest of the first is gone");
    }
    let path = unit.path("unit");
    let _folder = unit.end().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_client_that_vanishes_in_a_frame_harms_nobody() {
    let mut unit = Unit::behind(|folder| Front::Packet(folder.join("unit")));
    let (one, two) = (client(&unit.path("unit")).await, client(&unit.path("unit")).await);
    rustix::io::write(&two, b"QMOD\x49\xc1\r\0").unwrap();
    unit.hears().await;
    rustix::io::write(&one, b"QPIRI\xf8T").unwrap();
    assert_eq!(unit.hears().await, b"QPIRI\xf8T");
    unit.says(b"(230.0 2");
    drop(one);
    unit.says(b"1.7 230.");
    assert_eq!((report(&two).await, report(&two).await), (b"(230.0 2".to_vec(), b"1.7 230.".to_vec()));
    rustix::io::write(&two, b"QPI\xbe\xac\r\0\0").unwrap();
    assert_eq!(unit.hears().await, b"QPI\xbe\xac\r\0\0");
    unit.end().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_nobody_up() {
    let mut unit = Unit::behind(|folder| Front::Packet(folder.join("unit")));
    let (lazy, busy) = (client(&unit.path("unit")).await, client(&unit.path("unit")).await);
    for client in [&lazy, &busy] {
        rustix::io::write(client, b"QPI\xbe\xac\r\0\0").unwrap();
        unit.hears().await;
    }
    for burst in 0..64_u64 {
        (0..32).for_each(|number| unit.says(&(32 * burst + number).to_be_bytes()));
        for number in 0..32 {
            assert_eq!(report(&busy).await, (32 * burst + number).to_be_bytes());
        }
    }
    let heard = std::iter::from_fn(|| read(&lazy, 8).ok()).count();
    assert!((1..2048).contains(&heard), "{heard} of 2048 fit into its socket");
    unit.end().await;
}

#[tokio::test]
async fn a_socket_comes_and_goes_with_the_plug() {
    let unit = Unit::behind(|folder| Front::Packet(folder.join("unit")));
    let first = client(&unit.path("unit")).await;
    unit.node.send_replace(None);
    until("the end of the connection", || read(&first, 8).ok().filter(Vec::is_empty)).await;
    until("the socket to go", || (!unit.path("unit").exists()).then_some(())).await;
    unit.node.send_replace(Some(4));
    client(&unit.path("unit")).await;
    unit.end().await;
}

#[tokio::test]
async fn what_a_crash_left_is_replaced_and_what_lives_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unit");
    let address = SocketAddrUnix::new(&path).unwrap();
    let dead = rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
    rustix::net::bind(&dead, &address).unwrap();
    drop(dead);
    Front::Packet(path.clone()).check().expect("a dead socket may go");
    let live = rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
    rustix::net::bind(&live, &address).unwrap();
    rustix::net::listen(&live, 1).unwrap();
    Front::Packet(path.clone()).check().expect_err("somebody listens there");
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    Front::Pty(file.clone()).check().expect_err("a file of somebody's");
    assert!(path.exists() && file.exists());
}

#[tokio::test]
async fn a_terminal_is_a_run_of_bytes_and_its_link_is_renewed() {
    let mut unit = Unit::behind(|folder| Front::Pty(folder.join("tty")));
    let path = unit.path("tty");
    let line = until("the terminal", || open(&path).ok()).await;
    // What a terminal that is not raw would make something else of.
    let odd = b"QPI\xbe\xac\r\n\x03\x04\x11\x13\x7f\xff\0";
    rustix::io::write(&line, odd).unwrap();
    let mut written = Vec::new();
    while written.len() < odd.len() {
        written.extend(unit.hears().await);
    }
    assert_eq!(written, odd);
    unit.says(b"(PI30\x9a\x0b\r");
    unit.says(odd);
    let mut heard = Vec::new();
    while heard.len() < 8 + odd.len() {
        heard.extend(report(&line).await);
    }
    assert_eq!(heard, [b"(PI30\x9a\x0b\r".as_slice(), odd].concat());
    let first = std::fs::read_link(&path).unwrap();
    unit.node.send_replace(None);
    until("the hang-up", || (read(&line, 8) == Ok(Vec::new())).then_some(())).await;
    until("the link to go", || (!path.is_symlink()).then_some(())).await;
    unit.node.send_replace(Some(1));
    let again = until("the terminal again", || open(&path).ok()).await;
    assert_ne!(std::fs::read_link(&path).unwrap(), first, "the old one is still open here");
    rustix::io::write(&again, b"QMOD\x49\xc1\r").unwrap();
    assert_eq!(unit.hears().await, b"QMOD\x49\xc1\r");
    let _folder = unit.end().await;
    assert!(!path.is_symlink());
}

#[tokio::test]
async fn clients_of_a_terminal_come_and_go() {
    let mut unit = Unit::behind(|folder| Front::Pty(folder.join("tty")));
    let path = unit.path("tty");
    for _ in 0..20 {
        let line = until("the terminal", || open(&path).ok()).await;
        let settings = rustix::termios::tcgetattr(&line).unwrap();
        assert!(!settings.local_modes.contains(rustix::termios::LocalModes::ECHO), "still raw");
        rustix::io::write(&line, b"QMOD\x49\xc1\r").unwrap();
        let mut written = Vec::new();
        while written.len() < 7 {
            written.extend(unit.hears().await);
        }
        assert_eq!(written, b"QMOD\x49\xc1\r");
        unit.says(b"(B\xe7\xc9\r\0\0\0");
        assert_eq!(report(&line).await[..2], *b"(B");
    }
    soon("what is said to nobody to be lost", async {
        loop {
            tokio::time::sleep(Duration::from_millis(30)).await;
            unit.says(b"(NAKss\r\0");
            until("it to be taken", || unit.reports.is_empty().then_some(())).await;
            if read(&open(&path).unwrap(), 8) == Err(Errno::AGAIN) {
                return;
            }
        }
    })
    .await;
    let terminal = std::fs::read_link(&path).unwrap();
    let mut files = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let is_held = files.any(|file| std::fs::read_link(file.path()).is_ok_and(|to| to == terminal));
    assert!(!is_held, "a client that looks who else has its line finds nobody");
    unit.end().await;
}

#[tokio::test]
async fn a_folder_shows_the_port_and_the_device() {
    let mut unit = Unit::behind(|folder| Front::Tree(folder.to_owned(), "1-1.2".to_owned()));
    let first = client(&unit.path("dev/hidraw0")).await;
    rustix::io::write(&first, b"QPI\xbe\xac\r\0\0").unwrap();
    assert_eq!(unit.hears().await, b"QPI\xbe\xac\r\0\0");
    let device = std::fs::canonicalize(unit.path("sys/class/hidraw/hidraw0/device")).unwrap();
    assert!(device.ends_with("usb1/1-1.2/1-1.2:1.0/0003:0665:5161.0001"), "{}", device.display());
    let uevent = std::fs::read_to_string(device.join("uevent")).unwrap();
    assert!(uevent.contains("\nHID_PHYS=usb-hcd.0-1.2/input0\n"), "{uevent}");
    let port = std::fs::canonicalize(unit.path("sys/bus/usb/devices/1-1.2")).unwrap();
    assert_eq!(std::fs::read_to_string(port.join("idVendor")).unwrap(), "0665\n");

    unit.node.send_replace(Some(7));
    until("the end of the connection", || read(&first, 8).ok().filter(Vec::is_empty)).await;
    client(&unit.path("dev/hidraw7")).await;
    assert!(!unit.path("dev/hidraw0").exists() && !unit.path("sys/class/hidraw/hidraw0").is_symlink());
    assert!(unit.path("sys/class/hidraw/hidraw7/device/uevent").is_file());

    unit.node.send_replace(None);
    until("the port to go", || (!port.exists()).then_some(())).await;
    until("the socket to go", || (!unit.path("dev/hidraw7").exists()).then_some(())).await;
    unit.node.send_replace(Some(7));
    client(&unit.path("dev/hidraw7")).await;
    let folder = unit.end().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
}

#[tokio::test]
async fn a_port_that_is_switched_off_hides_the_device_and_switched_on_restarts_it() {
    let mut unit = Unit::behind(|folder| Front::Tree(folder.to_owned(), "1-1".to_owned()));
    let first = client(&unit.path("dev/hidraw0")).await;
    let authorized = unit.path("sys/bus/usb/devices/1-1/authorized");
    std::fs::write(&authorized, "0").unwrap();
    until("the end of the connection", || read(&first, 8).ok().filter(Vec::is_empty)).await;
    until("the device to go", || (!unit.path("sys/class/hidraw/hidraw0").is_symlink()).then_some(())).await;
    until("the socket to go", || (!unit.path("dev/hidraw0").exists()).then_some(())).await;
    assert!(authorized.exists(), "the port stays, or nobody could switch it on again");
    assert!(unit.resets.try_recv().is_err(), "off is not yet on again");
    std::fs::write(&authorized, "1").unwrap();
    soon("the reset", unit.resets.recv()).await.unwrap();
    unit.node.send_replace(None);
    tokio::task::yield_now().await;
    unit.node.send_replace(Some(0));
    client(&unit.path("dev/hidraw0")).await;
    assert!(unit.path("sys/class/hidraw/hidraw0/device/uevent").is_file());
    assert!(unit.resets.try_recv().is_err(), "one reset is one reset");
    unit.end().await;
}

#[tokio::test]
async fn two_units_share_a_machine() {
    let one = Unit::behind(|folder| Front::Tree(folder.to_owned(), "1-1".to_owned()));
    let folder = one.folder.path().to_owned();
    let two = Unit::behind(|_| Front::Tree(folder.clone(), "1-2".to_owned()));
    two.node.send_replace(Some(1));
    let kept = client(&folder.join("dev/hidraw1")).await;
    client(&folder.join("dev/hidraw0")).await;
    let _folder = one.end().await;
    assert!(folder.join("sys/class/hidraw/hidraw1/device/uevent").is_file(), "the other one is still there");
    assert_eq!(read(&kept, 8), Err(Errno::AGAIN));
    two.end().await;
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[cfg(not(feature = "fuse"))]
#[test]
fn a_build_without_fuse_says_so() {
    let front = Front::Fuse("/tmp/inverter".into(), super::Bridge::SetReport);
    let told = front.check().unwrap_err().to_string();
    assert!(told.contains("feature `fuse`"), "{told}");
}
