//! A line on which anything may come: nothing breaks, nothing spins, nothing is believed.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ohmstead_drivers::transports::{Candidate, Line, LineKind, Opener, PortError, Ports};
use ohmstead_drivers::voltronic::{Inverter, Settings};
use ohmstead_drivers::{BoxFuture, Context, Device};
use ohmstead_model::Clock;
use rstest::rstest;

use crate::support::{TestClock, Told, lock, secs};

/// What comes, however much is asked.
#[derive(Debug, Clone, Copy)]
enum Noise {
    /// Random bytes, as fast as they are read.
    Flood,
    /// Markers and carriage returns, as fast as they are read.
    Frames,
    /// Zeros, as fast as they are read.
    Zeros,
    /// A frame that never ends, as fast as a line carries it.
    Endless,
    /// Every answer to every question, right checksums and all, at random.
    Answers,
    /// The line ends at the first read.
    End,
}

struct Hostile {
    noise: Noise,
    clock: Arc<TestClock>,
    luck: Mutex<fastrand::Rng>,
    sent: Mutex<Vec<Vec<u8>>>,
}

struct Pipe(Arc<Hostile>);

const ANSWERS: &[&str] = &[
    "(NAK",
    "(ACK",
    "^1",
    "^0",
    "(PI30",
    "(PI41",
    "(PI34",
    "^D00518",
    "^D00517",
    "(92931701100510",
    "(B",
    "(00238800",
    "(230.0 50.0 230.0 50.0 99999 99999 999 999 99.99 999 999 9999 9999 999.9 99.99 99999 11111111 99 99 99999 111",
    "(230.0 21.7 230.0 50.0 21.7 5000 4000 48.0 46.0 42.0 56.4 54.0 9 999 999 9 9 9 - 99 9 9 99.9 9 9",
    "(11111111111111111111111111111111",
    "(EabcDxyz",
    "(010 020 030",
    "(",
    "^D",
    "^D999",
    "(VERFW:",
    "(  ",
    "(-",
    "(---.-",
];

impl Hostile {
    fn bytes(&self) -> Vec<u8> {
        let mut luck = lock(&self.luck);
        match self.noise {
            Noise::Flood => (0..8).map(|_| luck.u8(..)).collect(),
            Noise::Frames => (0..8).map(|_| *luck.choice(b"(^\r\n 0PIDNAK").unwrap()).collect(),
            Noise::Zeros => vec![0; 8],
            Noise::Endless => vec![b'('; 8],
            Noise::Answers => frame(luck.choice(ANSWERS).unwrap()),
            Noise::End => Vec::new(),
        }
    }
}

fn frame(text: &str) -> Vec<u8> {
    let step = |crc: u16| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
    let crc = text.bytes().fold(0, |crc, byte| (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| step(crc)));
    let check = crc.to_be_bytes().map(|byte| if b"(\r\n".contains(&byte) { byte + 1 } else { byte });
    [text.as_bytes(), &check, b"\r"].concat()
}

impl Line for Pipe {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, io::Result<()>> {
        lock(&self.0.sent).push(frame.to_vec());
        Box::pin(std::future::ready(Ok(())))
    }

    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<usize>> {
        Box::pin(async move {
            match self.0.noise {
                Noise::Endless => self.0.clock.sleep(Duration::from_millis(33)).await,
                Noise::Answers => self.0.clock.sleep(Duration::from_millis(200)).await,
                Noise::End => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => {}
            }
            let bytes = self.0.bytes();
            let length = bytes.len().min(buffer.len());
            buffer[..length].copy_from_slice(&bytes[..length]);
            Ok(length)
        })
    }

    fn drain(&mut self) -> io::Result<usize> {
        Ok(0)
    }

    fn kind(&self) -> LineKind {
        LineKind::Hidraw
    }
}

struct Socket(Arc<Hostile>);

impl Ports for Socket {
    fn candidates(&self) -> io::Result<Vec<Candidate>> {
        Ok(vec![Candidate {
            path: "/dev/hidraw0".into(),
            usb_port: Some("1-1".to_owned()),
            hid_name: String::new(),
            phys: String::new(),
            uniq: String::new(),
        }])
    }

    fn open<'a>(&'a self, _path: &'a Path) -> BoxFuture<'a, Result<Box<dyn Line>, PortError>> {
        Box::pin(std::future::ready(Ok(Box::new(Pipe(Arc::clone(&self.0))) as Box<dyn Line>)))
    }

    fn reset<'a>(&'a self, _usb_port: &'a str) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn other_openers(&self, _path: &Path) -> Vec<Opener> {
        Vec::new()
    }
}

#[rstest]
#[case(Noise::Flood)]
#[case(Noise::Frames)]
#[case(Noise::Zeros)]
#[case(Noise::Endless)]
#[case(Noise::Answers)]
#[case(Noise::End)]
#[tokio::test(start_paused = true)]
async fn whatever_comes_does_no_harm(#[case] noise: Noise, #[values(1, 2, 3)] seed: u64) {
    let clock = TestClock::new(1_748_728_800_000);
    let hostile = Arc::new(Hostile {
        noise,
        clock: Arc::clone(&clock),
        luck: Mutex::new(fastrand::Rng::with_seed(seed)),
        sent: Mutex::default(),
    });
    let told = Told::new("a".parse().unwrap());
    let context =
        Context { clock: Arc::clone(&clock) as _, reporter: Arc::clone(&told) as _, seed, memory: None };
    let mut inverter = Inverter::with_ports(
        "a".parse().unwrap(),
        Settings::default(),
        context,
        Arc::new(Socket(Arc::clone(&hostile))),
    );
    let mut polls = 0;
    while clock.now().mono < secs(3600) {
        let due = inverter.due_in();
        clock.sleep(due.max(Duration::from_millis(10))).await;
        if inverter.due_in().is_zero() {
            inverter.poll().await;
            polls += 1;
        }
    }
    // One exchange in 300 ms is as fast as any unit can be; what fails costs a pause.
    assert!(polls < 3600 * 4, "{polls} polls in an hour");
    let sent = lock(&hostile.sent);
    if !matches!(noise, Noise::Answers) {
        assert!(told.readings().is_empty(), "nothing of this is a value");
        let kinds = [frame("QPI"), frame("^P005PI"), b"^P003PI\r".to_vec()];
        assert!(sent.iter().all(|frame| kinds.contains(frame)), "nobody here is an inverter");
    }
    let changes = sent.iter().filter(|frame| frame.starts_with(b"^S") || frame.starts_with(b"P")).count();
    assert_eq!(changes, 0);
}
