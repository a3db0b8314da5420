//! What a poll of an inverter costs beyond the time of the unit: the questions go to one that answers at once, over a real
//! packet socket, with the driver's real waits. Time by the clock, because waits count.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ohmstead_drivers::voltronic::{Inverter, PortPath, Settings};
use ohmstead_drivers::{Context, Device, Report, Reporter};
use ohmstead_model::{Clock, Moment, Sleep, UnixMillis};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType};

const POLLS: usize = 300;
const WARM_UP: usize = 60;

/// Answers of a real 4 kW unit (`jblance/mpp-solar`, `docs`), without their checksums.
const ANSWERS: [(&str, &str); 6] = [
    ("QPI", "(PI30"),
    ("QID", "(9293333010501"),
    ("QMOD", "(B"),
    ("QPIWS", "(00000000000000000000000000000000"),
    (
        "QPIGS",
        "(000.0 00.0 230.0 49.9 0161 0119 003 460 57.50 012 100 0069 0014 103.8 57.45 00000 00110110 00 00 00856 010",
    ),
    (
        "QPIRI",
        "(230.0 21.7 230.0 50.0 21.7 5000 4000 48.0 46.0 42.0 56.4 54.0 0 10 010 1 0 0 6 01 0 0 54.0 0 1",
    ),
];

/// Questions so far.
static ASKED: AtomicU32 = AtomicU32::new(0);

#[expect(clippy::disallowed_methods, reason = "the time of the wall is what is measured")]
fn now() -> Instant {
    Instant::now()
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("hidraw0");
    let listener =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .expect("a socket");
    rustix::net::bind(&listener, &SocketAddrUnix::new(&path).expect("a short path")).expect("a name");
    rustix::net::listen(&listener, 4).expect("a listener");
    std::thread::spawn(move || {
        while let Ok(line) = rustix::net::accept(&listener) {
            answer(&line);
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure(&format!("unixpacket:{}", path.display())));
}

/// Answers each question at once, until the line is closed.
fn answer(line: &OwnedFd) {
    let (mut report, mut asked) = ([0; 64], Vec::new());
    while let Ok((length, _)) = rustix::net::recv(line, &mut report, RecvFlags::empty()) {
        if length == 0 {
            return;
        }
        for byte in report[..length].iter().filter(|byte| **byte != 0) {
            if *byte != b'\r' {
                asked.push(*byte);
                continue;
            }
            let known = ANSWERS.iter().find(|(command, _)| {
                asked.strip_prefix(command.as_bytes()).is_some_and(|checksum| checksum.len() == 2)
            });
            ASKED.fetch_add(1, Ordering::Relaxed);
            asked.clear();
            for chunk in sealed(known.map_or("(NAK", |(_, answer)| answer)).chunks(8) {
                let mut full = [0; 8];
                full[..chunk.len()].copy_from_slice(chunk);
                if rustix::net::send(line, &full, SendFlags::NOSIGNAL).is_err() {
                    return;
                }
            }
        }
    }
}

/// CRC-16/XMODEM; its halves are none of those that the protocol replaces.
fn sealed(text: &str) -> Vec<u8> {
    let crc = text.bytes().fold(0u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    });
    [text.as_bytes(), &crc.to_be_bytes(), b"\r"].concat()
}

/// Sleeps are real; between two polls the clock jumps to the next one.
struct Real {
    start: Instant,
    jumped_ms: AtomicU32,
}

impl Clock for Real {
    fn now(&self) -> Moment {
        let jumped = Duration::from_millis(self.jumped_ms.load(Ordering::Relaxed).into());
        let mono = self.start.elapsed() + jumped;
        Moment { mono, unix: UnixMillis(0).plus(mono) }
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }
}

#[derive(Default)]
struct Readings(AtomicU32);

impl Reporter for Readings {
    fn report(&self, report: Report) {
        if let Report::Reading(_) = report {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn measure(path: &str) {
    let clock = Arc::new(Real { start: now(), jumped_ms: AtomicU32::new(0) });
    let readings = Arc::new(Readings::default());
    let context = Context {
        clock: Arc::clone(&clock) as _,
        reporter: Arc::clone(&readings) as _,
        seed: 1,
        memory: None,
    };
    let settings = Settings { path: PortPath::parse(path).expect("a path"), ..Settings::default() };
    let mut inverter =
        Inverter::open("a".parse().expect("a valid name"), settings, context).expect("opened later");
    let mut times = Vec::new();
    for number in 0..WARM_UP + POLLS {
        let due = u32::try_from(inverter.due_in().as_millis()).expect("soon");
        clock.jumped_ms.fetch_add(due + 1, Ordering::Relaxed);
        let before = readings.0.load(Ordering::Relaxed);
        let start = now();
        inverter.poll().await;
        let took = start.elapsed();
        let read = readings.0.load(Ordering::Relaxed) > before;
        if number >= WARM_UP && read {
            times.push(took);
        }
    }
    let asked = ASKED.load(Ordering::Relaxed) as usize;
    assert!(times.len() > POLLS / 2 && asked >= times.len(), "{} polls, {asked} questions", times.len());
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1000.0;
    println!("a poll of an inverter beyond the unit's own time: median {:.3} ms", at(50));
    println!(
        "figure {{\"name\":\"poll of an inverter beyond the unit's time, p99\",\"unit\":\"ms\",\"at_most\":10,\"measured\":{:.3}}}",
        at(99)
    );
}
