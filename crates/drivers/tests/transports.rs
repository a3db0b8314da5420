//! Lines and ports over real sockets, terminals and files, and on trees that look as sysfs does.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]

use std::fs;
use std::future::Future;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ohmstead_drivers::transports::{CHUNK_GAP, Line, LineKind, Machine, PortError, Ports, Roots};
use ohmstead_model::{Clock, Moment, Sleep};
use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustix::pty::OpenptFlags;
use tempfile::TempDir;

/// Tokio's clock, which tests may pause.
struct TestClock(tokio::time::Instant);

impl Clock for TestClock {
    fn now(&self) -> Moment {
        Moment { mono: self.0.elapsed(), ..Moment::default() }
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }
}

fn machine(root: &Path) -> Machine {
    let roots = Roots { sys: root.join("sys"), dev: root.join("dev"), proc: root.join("proc") };
    let clock = Arc::new(TestClock(tokio::time::Instant::now()));
    Machine::new(roots, clock, CHUNK_GAP)
}

async fn open(path: &Path) -> Result<Box<dyn Line>, PortError> {
    machine(Path::new("/nonexistent")).open(path).await
}

/// Nothing here takes long; a test that hangs is a failure.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it never came")
}

async fn receive(line: &mut dyn Line, room: usize) -> std::io::Result<Vec<u8>> {
    let mut buffer = vec![0xaa; room];
    let length = soon(line.receive(&mut buffer)).await?;
    buffer.truncate(length);
    Ok(buffer)
}

/// A listening packet socket.
fn listen(path: &Path) -> OwnedFd {
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .unwrap();
    rustix::net::bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    rustix::net::listen(&socket, 4).unwrap();
    socket
}

async fn packets() -> (TempDir, Box<dyn Line>, OwnedFd) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hidraw0");
    let listener = listen(&path);
    let line = open(&path).await.unwrap();
    let peer = rustix::net::accept(&listener).unwrap();
    (folder, line, peer)
}

fn read(fd: &OwnedFd) -> Vec<u8> {
    let mut buffer = [0xaa; 256];
    let length = rustix::io::read(fd, &mut buffer).unwrap();
    buffer[..length].to_vec()
}

#[tokio::test]
async fn a_frame_goes_out_as_padded_reports() {
    let (_folder, mut line, peer) = packets().await;
    assert_eq!(line.kind(), LineKind::Packet);
    soon(line.send(b"PBDV48.0\x01\x02\r")).await.unwrap();
    assert_eq!(read(&peer), b"PBDV48.0");
    assert_eq!(read(&peer), b"\x01\x02\r\0\0\0\0\0");
}

#[tokio::test]
async fn what_is_no_command_is_not_sent() {
    let (folder, mut line, peer) = packets().await;
    let error = soon(line.send(&[b'Q'; 256])).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    soon(line.send(b"")).await.unwrap();
    rustix::io::ioctl_fionbio(&peer, true).unwrap();
    assert!(rustix::io::read(&peer, &mut [0; 8]).is_err(), "not a byte has left");
    let path = folder.path().join("hidraw1");
    pipe(&path);
    let other =
        rustix::fs::open(&path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let mut file = open(&path).await.unwrap();
    assert!(soon(file.send(&[b'Q'; 256])).await.is_err());
    assert!(rustix::io::read(&other, &mut [0; 8]).is_err(), "nor here");
}

#[tokio::test]
async fn a_read_that_is_given_up_loses_nothing() {
    let (_folder, mut line, peer) = packets().await;
    let mut buffer = [0; 8];
    for _ in 0..3 {
        let pause = tokio::time::sleep(Duration::from_millis(1));
        tokio::select! {
            biased;
            _ = line.receive(&mut buffer) => panic!("nothing was sent"),
            () = pause => {}
        }
    }
    rustix::io::write(&peer, b"(230.0 5").unwrap();
    assert_eq!(receive(line.as_mut(), 8).await.unwrap(), b"(230.0 5");
}

#[tokio::test]
async fn a_short_read_loses_the_rest_and_the_end_is_an_error() {
    let (_folder, mut line, peer) = packets().await;
    rustix::io::write(&peer, b"(230.0 5").unwrap();
    rustix::io::write(&peer, b"0.0 230.").unwrap();
    assert_eq!(receive(line.as_mut(), 3).await.unwrap(), b"(23");
    assert_eq!(receive(line.as_mut(), 64).await.unwrap(), b"0.0 230.");
    drop(peer);
    assert_eq!(receive(line.as_mut(), 8).await.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn draining_takes_what_is_there_and_does_not_wait() {
    let (_folder, mut line, peer) = packets().await;
    assert_eq!(line.drain().unwrap(), 0);
    for _ in 0..5 {
        rustix::io::write(&peer, b"(230.0 5").unwrap();
    }
    assert_eq!(line.drain().unwrap(), 40);
    assert_eq!(line.drain().unwrap(), 0);
}

#[tokio::test]
async fn draining_ends_where_the_other_side_never_does() {
    let (_folder, mut line, peer) = packets().await;
    rustix::io::ioctl_fionbio(&peer, true).unwrap();
    let mut sent = 0;
    while rustix::io::write(&peer, b"(230.0 5").is_ok() {
        sent += 1;
    }
    assert!(sent > 64, "the socket holds {sent}");
    assert_eq!(line.drain().unwrap(), 64 * 8);
}

#[tokio::test]
async fn a_terminal_is_a_raw_line() {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    rustix::pty::grantpt(&master).unwrap();
    rustix::pty::unlockpt(&master).unwrap();
    let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
    let path = PathBuf::from(name.to_str().unwrap());
    let mut line = open(&path).await.unwrap();
    assert_eq!(line.kind(), LineKind::Serial);
    // Whatever a terminal would translate, echo or take for a signal.
    let odd = b"QPI\xbe\xac\r\n\x03\x04\x11\x13\x7f\xff\0";
    soon(line.send(odd)).await.unwrap();
    assert_eq!(read(&master), odd);
    rustix::io::write(&master, odd).unwrap();
    assert_eq!(receive(line.as_mut(), 64).await.unwrap(), odd);
    let settings = rustix::termios::tcgetattr(&master).unwrap();
    assert_eq!(settings.output_speed(), 2400);
    drop(master);
    assert!(receive(line.as_mut(), 8).await.is_err(), "the cable is out");
}

/// A pipe takes what is written to it and can be locked, as a device file can.
fn pipe(path: &Path) {
    let mode = Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

#[tokio::test]
async fn a_hid_report_is_written_with_its_number_in_front() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hidraw0");
    pipe(&path);
    let other = rustix::fs::open(&path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let mut line = open(&path).await.unwrap();
    assert_eq!(line.kind(), LineKind::Hidraw);
    soon(line.send(b"\0QPIGS\xb7\xa9\r")).await.unwrap();
    let mut seen = read(&other);
    while seen.len() < 18 {
        seen.extend(read(&other));
    }
    assert_eq!(seen, b"\0\0QPIGS\xb7\xa9\0\r\0\0\0\0\0\0\0");
}

#[tokio::test]
async fn a_port_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hidraw0");
    pipe(&path);
    let first = open(&path).await.unwrap();
    let refused = open(&path).await.err().expect("held").to_string();
    assert_eq!(refused, format!("{} is held by another program", path.display()));
    assert!(matches!(
        machine(folder.path()).open(&path).await.err(),
        Some(PortError::InUse { by: None, .. })
    ));
    drop(first);
    assert!(open(&path).await.is_ok());
}

/// A process in a tree that looks as procfs does.
fn process(root: &Path, pid: u32, name: &str, opened: &Path) {
    let files = root.join("proc").join(pid.to_string()).join("fd");
    fs::create_dir_all(&files).unwrap();
    symlink("/dev/null", files.join("0")).unwrap();
    symlink(opened, files.join("3")).unwrap();
    fs::write(root.join("proc").join(pid.to_string()).join("comm"), format!("{name}\n")).unwrap();
}

#[tokio::test]
async fn whoever_holds_a_port_is_named() {
    let root = tempfile::tempdir().unwrap();
    let (path, link) = (root.path().join("hidraw0"), root.path().join("inverter"));
    pipe(&path);
    symlink(&path, &link).unwrap();
    process(root.path(), 4711, "mpp-solar", &path);
    process(root.path(), 4712, "sleep", Path::new("/dev/tty"));
    process(root.path(), std::process::id(), "ourselves", &path);
    fs::create_dir_all(root.path().join("proc/self/fd")).unwrap();
    let machine = machine(root.path());
    let openers = machine.other_openers(&link);
    assert_eq!(
        openers.iter().map(|one| (one.pid, one.name.as_str())).collect::<Vec<_>>(),
        [(4711, "mpp-solar")]
    );
    let held = machine.open(&path).await.expect("an open file alone keeps nobody out");
    let refused = machine.open(&link).await.err().expect("held").to_string();
    assert_eq!(refused, format!("{} is held by mpp-solar (pid 4711)", link.display()));
    drop(held);
}

#[tokio::test]
async fn a_lack_of_permission_tells_whose_the_port_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hidraw0");
    pipe(&path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o060)).unwrap();
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: root may open everything");
        return;
    }
    let told = open(&path).await.err().expect("not ours").to_string();
    assert!(
        told.starts_with(&format!("no permission for {}: it belongs to group ", path.display())),
        "{told}"
    );
    assert!(told.ends_with("(mode 060)"), "{told}");
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("hidraw7");
    assert!(matches!(open(&missing).await.err(), Some(PortError::Missing { .. })));
    let dead = folder.path().join("dead.sock");
    drop(listen(&dead));
    assert!(matches!(open(&dead).await.err(), Some(PortError::Missing { .. })), "nobody listens");
    let packet = PathBuf::from(format!("unixpacket:{}", folder.path().join("none").display()));
    assert!(matches!(open(&packet).await.err(), Some(PortError::Missing { .. })));
}

/// Nobody's file is written into because its path was mistyped.
#[tokio::test]
async fn what_is_no_port_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let told = async |path: &Path| match open(path).await.err() {
        Some(PortError::Unfit { why, .. }) => why,
        other => panic!("{}: {other:?}", path.display()),
    };
    for name in ["letter.txt", "hidraw0"] {
        let (path, link) = (folder.path().join(name), folder.path().join(format!("{name}.link")));
        fs::write(&path, "Dear Sir").unwrap();
        symlink(&path, &link).unwrap();
        for path in [&path, &link] {
            assert_eq!(told(path).await, "it is an ordinary file");
        }
        assert_eq!(fs::read(&path).unwrap(), b"Dear Sir");
    }
    assert_eq!(told(folder.path()).await, "it is a folder");
    let pipe_elsewhere = folder.path().join("initctl");
    pipe(&pipe_elsewhere);
    assert_eq!(told(&pipe_elsewhere).await, "it is a pipe");
    assert_eq!(told(Path::new("/dev/null")).await, "it is neither a HID device nor a serial line");
    if rustix::process::geteuid().is_root() {
        let disk = folder.path().join("hidraw1");
        let mode = Mode::from_raw_mode(0o600);
        let made = rustix::fs::mknodat(
            rustix::fs::CWD,
            &disk,
            rustix::fs::FileType::BlockDevice,
            mode,
            rustix::fs::makedev(7, 200),
        );
        if made.is_ok() {
            assert_eq!(told(&disk).await, "it is a disk");
        }
    }
}

/// What the system says about a HID device counts, whatever the path is called.
#[tokio::test]
async fn a_hid_device_of_another_kind_is_refused() {
    let root = tempfile::tempdir().unwrap();
    plug(root.path(), 3, "1-1", "0003:0000046D:0000C52B");
    plug(root.path(), 4, "1-2", INVERTER);
    let dev = root.path().join("dev");
    fs::create_dir_all(&dev).unwrap();
    for name in ["hidraw3", "hidraw4"] {
        pipe(&dev.join(name));
        symlink(name, dev.join(format!("inverter-{name}"))).unwrap();
    }
    let machine = machine(root.path());
    for name in ["hidraw3", "inverter-hidraw3"] {
        let told = machine.open(&dev.join(name)).await.err().expect("a mouse").to_string();
        assert!(told.contains("046d:c52b") && told.contains("0665:5161"), "{told}");
    }
    assert!(machine.open(&dev.join("inverter-hidraw4")).await.is_ok());
}

/// A HID device in a tree that looks as sysfs does.
fn plug(root: &Path, number: u32, port: &str, id: &str) -> PathBuf {
    let usb = root.join("sys/devices/platform/hcd/usb1").join(port);
    let hid = usb.join(format!("{port}:1.0")).join(format!("0003:0665:5161.{number:04X}"));
    let node = hid.join(format!("hidraw/hidraw{number}"));
    fs::create_dir_all(&node).unwrap();
    fs::write(usb.join("idVendor"), "0665\n").unwrap();
    fs::write(usb.join("authorized"), "1\n").unwrap();
    let uevent = format!(
        "DRIVER=hid-generic\nHID_ID={id}\nHID_NAME=INNO TECH USB to Serial\nHID_PHYS=usb-hcd-{port}/input0\nHID_UNIQ=\n"
    );
    fs::write(hid.join("uevent"), uevent).unwrap();
    symlink("../..", node.join("device")).unwrap();
    let class = root.join("sys/class/hidraw");
    fs::create_dir_all(&class).unwrap();
    symlink(&node, class.join(format!("hidraw{number}"))).unwrap();
    usb
}

const INVERTER: &str = "0003:00000665:00005161";

#[tokio::test]
async fn devices_are_found_by_their_usb_identity() {
    let root = tempfile::tempdir().unwrap();
    let machine = machine(root.path());
    assert!(machine.candidates().unwrap().is_empty(), "a machine without HID");
    plug(root.path(), 10, "1-1.4", INVERTER);
    plug(root.path(), 2, "1-1.2", INVERTER);
    plug(root.path(), 0, "1-1.1", "0003:0000046D:0000C52B");
    plug(root.path(), 1, "1-1.3", "0005:00000665:00005161");
    fs::write(root.path().join("sys/class/hidraw/hidrawX"), "").unwrap();
    symlink("hidraw9", root.path().join("sys/class/hidraw/hidraw9")).unwrap();
    let found = machine.candidates().unwrap();
    let seen: Vec<_> = found.iter().map(|one| (one.path.clone(), one.usb_port.as_deref())).collect();
    let dev = |name| root.path().join("dev").join(name);
    assert_eq!(seen, [(dev("hidraw2"), Some("1-1.2")), (dev("hidraw10"), Some("1-1.4"))]);
    assert_eq!(
        (found[0].hid_name.as_str(), found[0].phys.as_str()),
        ("INNO TECH USB to Serial", "usb-hcd-1-1.2/input0")
    );
}

#[tokio::test]
async fn hostile_texts_do_no_harm() {
    let root = tempfile::tempdir().unwrap();
    for (number, id) in ["", ":::::", "0003:zzzz:5161", "\u{fffd}\u{0}", &"9".repeat(9000)].iter().enumerate()
    {
        plug(root.path(), u32::try_from(number).unwrap(), &format!("1-{number}"), id);
    }
    let looped = plug(root.path(), 9, "1-9", INVERTER);
    fs::remove_file(looped.join("idVendor")).unwrap();
    symlink("idVendor", looped.join("idVendor")).unwrap();
    let found = machine(root.path()).candidates().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].usb_port, None, "a port that cannot be told is unknown");
}

/// The owner's names for a device file, wherever the folder of the device files really is.
#[tokio::test]
async fn a_link_is_the_listed_device_that_it_leads_to() {
    let root = tempfile::tempdir().unwrap();
    plug(root.path(), 3, "1-1.2", INVERTER);
    let real = root.path().join("real/dev");
    fs::create_dir_all(&real).unwrap();
    symlink("real/dev", root.path().join("dev")).unwrap();
    pipe(&real.join("hidraw3"));
    symlink("hidraw3", real.join("inverter-1-1.2")).unwrap();
    let machine = machine(root.path());
    let listed = machine.candidates().unwrap()[0].path.clone();
    for path in ["dev/inverter-1-1.2", "real/dev/inverter-1-1.2", "real/dev/hidraw3", "dev/hidraw3"] {
        assert_eq!(machine.device_file(&root.path().join(path)), listed, "{path}");
    }
    let missing = root.path().join("dev/inverter-1-9");
    assert_eq!(machine.device_file(&missing), missing);
}

/// The tree behind a port is torn down and built up by a reset: the file may be away for a moment.
#[tokio::test(start_paused = true)]
async fn a_port_that_cannot_be_switched_on_at_once_is_tried_again() {
    let root = tempfile::tempdir().unwrap();
    let authorized = plug(root.path(), 3, "1-1.2", INVERTER).join("authorized");
    let machine = machine(root.path());
    let mut reset = std::pin::pin!(machine.reset("1-1.2"));
    for file_is_there in [true, false] {
        let pause = tokio::time::sleep(Duration::from_millis(400));
        tokio::select! {
            biased;
            done = &mut reset => panic!("{done:?} although it is off"),
            () = pause => {}
        }
        if file_is_there {
            assert_eq!(fs::read_to_string(&authorized).unwrap(), "0");
            fs::remove_file(&authorized).unwrap();
        }
    }
    fs::write(&authorized, "0\n").unwrap();
    reset.await.unwrap();
    assert_eq!(fs::read_to_string(&authorized).unwrap(), "1");
}

#[tokio::test]
async fn a_port_that_was_left_off_is_switched_on() {
    let root = tempfile::tempdir().unwrap();
    let authorized = plug(root.path(), 3, "1-1.2", INVERTER).join("authorized");
    let machine = machine(root.path());
    assert!(!machine.switch_on("1-1.2").await.unwrap(), "it is on");
    fs::write(&authorized, "0\n").unwrap();
    assert!(machine.switch_on("1-1.2").await.unwrap());
    assert_eq!(fs::read_to_string(&authorized).unwrap(), "1");
    assert!(machine.switch_on("1-9").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_port_is_switched_off_and_on_again() {
    let root = tempfile::tempdir().unwrap();
    let authorized = plug(root.path(), 3, "1-1.2", INVERTER).join("authorized");
    let machine = machine(root.path());
    let state = || fs::read_to_string(&authorized).unwrap();
    {
        let mut reset = std::pin::pin!(machine.reset("1-1.2"));
        let pause = tokio::time::sleep(Duration::from_millis(100));
        tokio::select! {
            biased;
            _ = &mut reset => panic!("the port was not off for a moment"),
            () = pause => assert_eq!(state(), "0"),
        }
    }
    assert_eq!(state(), "1", "whoever gives up half-way leaves the port on");
    machine.reset("1-1.2").await.unwrap();
    assert_eq!(state(), "1");
    for port in ["1-9", "../../x", ""] {
        assert!(machine.reset(port).await.is_err(), "{port:?}");
    }
    fs::remove_file(&authorized).unwrap();
    let told = machine.reset("1-1.2").await.unwrap_err().to_string();
    assert!(told.starts_with(authorized.to_str().unwrap()), "{told}");
    assert!(!authorized.exists(), "nothing is made up");
}
