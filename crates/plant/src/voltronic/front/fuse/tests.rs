//! The file against what was measured on the kernel's own (Linux 6.1, a gadget with 8-byte reports).

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::super::tests::{Unit, open, read, soon, until};
use super::super::{Bridge, Front};
use super::{Desk, Mounted, check};

/// A unit behind the file, if this machine lets us mount.
fn unit(bridge: Bridge) -> Option<Unit> {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("dev");
    let (to_unit, _) = tokio::sync::mpsc::channel(1);
    let desk = std::sync::Arc::new(Desk::new(bridge, to_unit));
    match check(&place).and_then(|()| Mounted::new(place, desk)) {
        Ok(mounted) => drop(mounted),
        Err(error) => {
            eprintln!("skipped: FUSE cannot be mounted here: {error}");
            return None;
        }
    }
    Some(Unit::behind(|folder| Front::Fuse(folder.join("dev"), bridge)))
}

async fn client(path: &Path) -> OwnedFd {
    until("the file", || open(path).ok()).await
}

/// So that what the unit says from now on is heard: opening is known to the desk at once.
async fn opened(unit: &mut Unit) -> OwnedFd {
    let fd = client(&unit.path("dev/hidraw0")).await;
    rustix::io::write(&fd, b"\0QPI\xbe\xac\r\0\0").unwrap();
    assert_eq!(unit.hears().await, b"QPI\xbe\xac\r\0\0");
    fd
}

#[tokio::test]
async fn writes_are_reports_with_their_number_in_front() {
    let Some(mut unit) = unit(Bridge::SetReport) else { return };
    let fd = opened(&mut unit).await;
    for (written, heard) in [
        (b"QPIGS\xb7\xa9\r".as_slice(), b"QPIGS\xb7\xa9\r".as_slice()),
        (b"\0QPIGS\xb7\xa9\r", b"QPIGS\xb7\xa9\r"),
        (b"QMOD\x49\xc1\r", b"QMOD\x49\xc1\r"),
        // Without the number a report that begins with 00 loses that byte.
        (b"\0\x90\r\0\0\0\0\0", b"\x90\r\0\0\0\0\0"),
        // One transfer, which the unit's buffer cuts off.
        (b"\0PBDV48.0\x01\x02\r", b"PBDV48.0"),
    ] {
        assert_eq!(rustix::io::write(&fd, written), Ok(written.len()));
        assert_eq!(unit.hears().await, heard);
    }
    assert_eq!(rustix::io::write(&fd, b"Q"), Err(Errno::INVAL));
    assert!(!rustix::termios::isatty(&fd));
    unit.end().await;
}

#[tokio::test]
async fn an_endpoint_takes_long_reports_in_pieces() {
    let Some(mut unit) = unit(Bridge::OutEndpoint) else { return };
    let fd = opened(&mut unit).await;
    rustix::io::write(&fd, b"\0PBDV48.0\x01\x02\r").unwrap();
    assert_eq!((unit.hears().await, unit.hears().await), (b"PBDV48.0".to_vec(), b"\x01\x02\r".to_vec()));
    unit.end().await;
}

#[tokio::test]
async fn reads_are_reports_for_everyone() {
    let Some(mut unit) = unit(Bridge::SetReport) else { return };
    let (one, two) = (opened(&mut unit).await, opened(&mut unit).await);
    assert_eq!(read(&one, 8), Err(Errno::AGAIN));
    unit.says(b"(230.0 5");
    unit.says(b"0.0 230.");
    for fd in [&one, &two] {
        assert_eq!(until("a part of a report", || read(fd, 3).ok()).await, b"(23");
        assert_eq!(
            until("a report", || read(fd, 64).ok()).await,
            b"0.0 230.",
            "the rest of the first is gone"
        );
        assert_eq!(read(fd, 8), Err(Errno::AGAIN));
    }
    unit.end().await;
}

#[tokio::test]
async fn the_oldest_reports_are_kept() {
    let Some(mut unit) = unit(Bridge::SetReport) else { return };
    let (lazy, busy) = (opened(&mut unit).await, opened(&mut unit).await);
    for number in 0..100_u64 {
        unit.says(&number.to_be_bytes());
        // One at a time: the way to the file has no room for all.
        until("a report", || read(&busy, 8).ok()).await;
    }
    let kept: Vec<_> = std::iter::from_fn(|| read(&lazy, 8).ok()).collect();
    assert_eq!((kept.len(), kept[62].clone()), (63, 62_u64.to_be_bytes().to_vec()));
    unit.end().await;
}

#[tokio::test]
async fn a_read_may_wait_beside_a_write_and_ends_when_the_plug_is_pulled() {
    let Some(mut unit) = unit(Bridge::SetReport) else { return };
    drop(opened(&mut unit).await);
    let fd =
        rustix::fs::open(unit.path("dev/hidraw0"), OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let fd = std::sync::Arc::new(fd);
    let reading = |fd: &std::sync::Arc<OwnedFd>| {
        let fd = std::sync::Arc::clone(fd);
        tokio::task::spawn_blocking(move || read(&fd, 8))
    };
    let first = reading(&fd);
    rustix::io::write(&*fd, b"\0QPI\xbe\xac\r\0\0").unwrap();
    unit.hears().await;
    unit.says(b"(PI30\x9a\x0b\r");
    assert_eq!(soon("a report", first).await.unwrap(), Ok(b"(PI30\x9a\x0b\r".to_vec()));
    let second = reading(&fd);
    unit.node.send_replace(None);
    assert_eq!(soon("the end of the read", second).await.unwrap(), Err(Errno::IO));
    unit.end().await;
}

#[tokio::test]
#[expect(deprecated, reason = "its successor is unsafe; an OwnedFd keeps its descriptor")]
async fn readiness_is_told() {
    let Some(mut unit) = unit(Bridge::SetReport) else { return };
    let fd = AsyncFd::with_interest(opened(&mut unit).await, Interest::READABLE).unwrap();
    for number in 0..5_u64 {
        assert_eq!(read(fd.get_ref(), 8), Err(Errno::AGAIN));
        let waiting = fd.async_io(Interest::READABLE, |fd| Ok(read(fd, 8)?));
        let said = async {
            tokio::task::yield_now().await;
            unit.says(&number.to_be_bytes());
        };
        let (report, ()) = soon("a report", async { tokio::join!(waiting, said) }).await;
        assert_eq!(report.unwrap(), number.to_be_bytes());
    }
    let waiting = fd.async_io(Interest::READABLE, |fd| Ok(read(fd, 8)?));
    let pulled = async {
        tokio::task::yield_now().await;
        unit.node.send_replace(None);
    };
    let (gone, ()) = soon("the hang-up", async { tokio::join!(waiting, pulled) }).await;
    assert_eq!(gone.unwrap_err().raw_os_error(), Some(Errno::IO.raw_os_error()));
    unit.end().await;
}

#[tokio::test]
async fn the_plug_is_pulled_and_the_file_comes_back_as_another() {
    let Some(mut unit) = unit(Bridge::SetReport) else { return };
    let fd = opened(&mut unit).await;
    unit.says(b"(230.0 5");
    until("the report to be there", || report_waits(&fd).then_some(())).await;
    unit.node.send_replace(None);
    until("the file to go", || (!unit.path("dev/hidraw0").exists()).then_some(())).await;
    assert_eq!(read(&fd, 8), Ok(b"(230.0 5".to_vec()), "what was there before is still read");
    assert_eq!(read(&fd, 8), Err(Errno::IO));
    assert_eq!(rustix::io::write(&fd, b"\0QPI\xbe\xac\r\0\0"), Err(Errno::NODEV));
    assert_eq!(std::fs::read_dir(unit.path("dev")).unwrap().count(), 0);
    unit.node.send_replace(Some(1));
    let again = client(&unit.path("dev/hidraw1")).await;
    rustix::io::write(&again, b"\0QPI\xbe\xac\r\0\0").unwrap();
    unit.hears().await;
    assert_eq!(read(&fd, 8), Err(Errno::IO), "an old file stays dead");
    let names: Vec<_> =
        std::fs::read_dir(unit.path("dev")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["hidraw1"]);
    unit.end().await;
}

/// Whether a report waits, without taking it.
fn report_waits(fd: &OwnedFd) -> bool {
    let mut polled = [rustix::event::PollFd::new(fd, rustix::event::PollFlags::IN)];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::poll(&mut polled, Some(&now)).is_ok_and(|ready| ready == 1)
}

#[tokio::test]
async fn the_end_takes_the_folder_away_even_from_an_open_client() {
    let Some(mut unit) = unit(Bridge::SetReport) else { return };
    let fd = opened(&mut unit).await;
    let folder = unit.end().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "unmounted and removed");
    assert_eq!(read(&fd, 8), Err(Errno::IO));
    drop(fd);
}
