//! What one poll of a battery costs: the question, the answer, its decoding, and the snapshot that listeners see. The network
//! is a function and waits take no time, so that only work is left; CPU time, because the machine may be busy.
//!
//! And what one answer of an inverter costs: frame, checksum, fields, canonical values and every field by name.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ohmstead_drivers::marstek::{Battery, Method, Settings};
use ohmstead_drivers::transports::udp::{Datagrams, Network, SourcePort};
use ohmstead_drivers::voltronic::{Family, explain};
use ohmstead_drivers::{BoxFuture, Context, Device, Report, Reporter};
use ohmstead_model::{Clock, DeviceInfo, DeviceState, Metric, Moment, Sleep, Snapshot, UnixMillis};
use rustix::time::{ClockId, clock_gettime};

const POLLS: u32 = 20_000;
const WARM_UP: u32 = 1_000;

/// Every look is a second later; every wait is over at once, but for the time limit of an answer.
#[derive(Default)]
struct Jumping(Mutex<Duration>);

impl Clock for Jumping {
    fn now(&self) -> Moment {
        let mut mono = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *mono += Duration::from_secs(1);
        Moment { mono: *mono, unix: UnixMillis(0).plus(*mono) }
    }

    fn sleep(&self, _span: Duration) -> Sleep {
        Box::pin(std::future::ready(()))
    }
}

/// A healthy unit: each question is answered at once.
struct Wire;

#[derive(Default)]
struct Answering(Option<String>);

impl Datagrams for Answering {
    fn send<'a>(&'a mut self, bytes: &'a [u8], _to: SocketAddr) -> BoxFuture<'a, io::Result<()>> {
        let text = String::from_utf8_lossy(bytes);
        let id = text.split([':', ',']).nth(1).unwrap_or("0");
        self.0 = Some(answer(id));
        Box::pin(std::future::ready(Ok(())))
    }

    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<(usize, SocketAddr)>> {
        match self.0.take() {
            Some(answer) => {
                buffer[..answer.len()].copy_from_slice(answer.as_bytes());
                Box::pin(std::future::ready(Ok((answer.len(), device()))))
            }
            None => Box::pin(std::future::pending()),
        }
    }
}

impl Network for Wire {
    fn open(&self, _: SocketAddr, _: SourcePort) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        Box::pin(std::future::ready(Ok(Box::new(Answering::default()) as Box<dyn Datagrams>)))
    }

    fn open_broadcast(&self) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        Box::pin(std::future::ready(Err(io::ErrorKind::Unsupported.into())))
    }

    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> BoxFuture<'a, io::Result<SocketAddr>> {
        Box::pin(std::future::ready(Ok(device())))
    }
}

fn device() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], 30000))
}

/// The longest form of the answer, as firmware 150 prints it.
fn answer(id: &str) -> String {
    let fields = [
        ("id", "0"),
        ("mode", "\"Auto\""),
        ("ongrid_power", "-135"),
        ("offgrid_power", "0"),
        ("bat_soc", "38"),
        ("ct_state", "1"),
        ("a_power", "-810"),
        ("b_power", "86"),
        ("c_power", "839"),
        ("total_power", "115"),
        ("input_energy", "2108000"),
        ("output_energy", "3075000"),
    ];
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\t\t\"{name}\":\t{value}")).collect();
    format!(
        "{{\n\t\"id\":\t{id},\n\t\"src\":\t\"VenusE 3.0-020000000001\",\n\t\"result\":\t{{\n{}\n\t}}\n}}",
        fields.join(",\n")
    )
}

#[derive(Default)]
struct Board(Mutex<(Snapshot, u32)>);

impl Reporter for Board {
    fn report(&self, report: Report) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Report::Reading(reading) = report {
            assert!(board.0.apply(&reading), "the device is on the board");
            board.1 += 1;
        }
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).expect("below a thousand million"))
}

/// `QPIGS` of a real 4 kW unit, as it was captured (`jblance/mpp-solar`, `docs`), with its own checksum.
const STATUS: &[u8] =
    b"(000.0 00.0 230.0 49.9 0161 0119 003 460 57.50 012 100 0069 0014 103.8 57.45 00000 00110110 00 00 00856 010";

fn sealed(text: &[u8]) -> Vec<u8> {
    // CRC-16/XMODEM; its halves are none of those that the protocol replaces.
    let crc = text.iter().fold(0u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    });
    [text, &crc.to_be_bytes(), b"\r"].concat()
}

fn status() {
    let frame = sealed(STATUS);
    let decode = |count: u32| {
        for _ in 0..count {
            let explained = explain(std::hint::black_box(&frame), Some("QPIGS"), Some(Family::Pi30));
            let count = explained.expect("a good frame").values.len();
            assert!(count > 15, "{count} values");
        }
    };
    decode(WARM_UP);
    let before = cpu();
    decode(POLLS);
    let measured = cpu().saturating_sub(before).as_secs_f64() * 1000.0 / f64::from(POLLS);
    println!(
        "figure {{\"name\":\"CPU per decoded QPIGS\",\"unit\":\"ms\",\"at_most\":0.005,\"measured\":{measured:.5}}}"
    );
}

fn main() {
    battery();
    status();
}

fn battery() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    let board = Arc::new(Board::default());
    let info = DeviceInfo::new("a".parse().expect("a valid name"), "marstek", "");
    board.0.lock().unwrap_or_else(PoisonError::into_inner).0.insert(DeviceState::new(Arc::new(info)));
    let context = Context {
        clock: Arc::new(Jumping::default()),
        reporter: Arc::clone(&board) as _,
        seed: 1,
        memory: None,
    };
    let settings = Settings { methods: Some(vec![Method::EsMode]), ..Settings::at("192.0.2.7", 30000) };
    let id = "a".parse().expect("a valid name");
    let mut battery =
        Battery::with_network(id, settings, context, Arc::new(Wire)).expect("nothing is opened yet");
    let mut polls = |count: u32| {
        runtime.block_on(async {
            for _ in 0..count {
                battery.poll().await;
            }
        });
    };
    polls(WARM_UP);
    let before = cpu();
    polls(POLLS);
    let measured = cpu().saturating_sub(before).as_secs_f64() * 1000.0 / f64::from(POLLS);
    let board = board.0.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(board.1, WARM_UP + POLLS, "each poll gave a reading");
    let soc = board.0.device("a").and_then(|device| device.values.get(&Metric::BatterySoc));
    assert!(soc.is_some_and(|soc| soc.observation.is_ok()), "and a state of charge");
    println!(
        "figure {{\"name\":\"CPU per decoded ES.GetMode\",\"unit\":\"ms\",\"at_most\":0.1,\"measured\":{measured:.5}}}"
    );
}
