//! The driver beside the simulated house over each real transport, faster than time: a part of a day, and in the long tier
//! a whole one, with every fault of units and cables. What the unit measures moves all the time; each published value is
//! compared with what was the case when the unit heard the question.

use std::time::Duration;

use ohmstead_drivers::Device as _;
use ohmstead_drivers::voltronic::{PortPath, Settings};
use ohmstead_model::Clock as _;
use ohmstead_plant::InverterSetup;
use ohmstead_plant::voltronic::{Bridge, Front, Switches};

use crate::sockets::{House, PATIENCE, Running, machine, setup};
use crate::support::{Compared, Heard, Times, Told, compare_with};

/// What the unit or its cable suffers, one after the other.
const FAULTS: [&str; 16] = [
    "mute",
    "late=3000:50",
    "late=9000:50",
    "shift",
    "second-reader",
    "flip=100",
    "flip=40",
    "truncate=30",
    "drop-crc=40",
    "nao=50",
    "nul=60",
    "garbage=60",
    "double=50",
    "slip=30",
    "cut=3",
    "flip=20 late=5000:20 truncate=20 garbage=20 slip=20",
];
/// What only a machine's USB ports have: a unit that hangs until its port is reset, and another number.
const OF_USB: [&str; 2] = [HANGS, "renumber-every=30"];
/// The unit hangs when it has been awake for as many seconds as it takes to be known again.
const HANGS: &str = "wedge-after";
const AWAKE_S: f64 = 4.0;
/// In the driver's time. An answer that got lost when the port was closed is taken for the next one, which is newer.
const TIMES: Times = Times { together: Duration::from_secs(25), late: Duration::from_secs(25) };
/// The hour at which a part of a day begins: the sun rises, the loads of the morning come and go.
const MORNING: i64 = 7;

/// A way to the unit.
struct Way {
    name: &'static str,
    profile: &'static str,
    serial_line: bool,
    front: fn(&std::path::Path) -> Front,
    /// Where the driver looks; by itself if that is `None`.
    path: Option<&'static str>,
}

const PACKETS: Way = Way {
    name: "packet socket",
    profile: "pi30-max",
    serial_line: false,
    front: |folder| Front::Tree(folder.to_owned(), "1-1".to_owned()),
    path: None,
};
const TERMINAL: Way = Way {
    name: "terminal",
    profile: "pi41",
    serial_line: true,
    front: |folder| Front::Pty(folder.join("tty")),
    path: Some("tty"),
};
/// A file that behaves as `/dev/hidrawN` does, where the machine lets itself be mounted one.
const FILE: Way = Way {
    name: "file",
    profile: "pi30-21",
    serial_line: false,
    front: |folder| Front::Fuse(folder.join("dev"), Bridge::SetReport),
    path: Some("dev/hidraw0"),
};

/// How fast, and how long.
#[derive(Clone, Copy)]
struct Pace {
    /// Seconds of the house in a second.
    speed: f64,
    /// How long a fault lasts, in seconds of the house.
    fault_s: f64,
    /// For how long of the house's time.
    span: Duration,
    /// The hour at which it begins.
    from: i64,
}

impl Pace {
    /// How long so many seconds of the house take.
    fn real(self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds / self.speed)
    }
}

/// Each fault once.
const PART: Pace = Pace { speed: 40.0, fault_s: 24.0, span: Duration::from_secs(0), from: MORNING };
/// Each fault many times.
const DAY: Pace = Pace { speed: 500.0, fault_s: 500.0, span: Duration::from_secs(86_400), from: 0 };

/// One run over one way.
struct Run {
    house: House,
    running: Running,
    heard: Vec<Heard>,
    compared: Compared,
}

impl Run {
    fn start(way: &Way, pace: Pace) -> Option<Self> {
        let unit = InverterSetup { serial_line: way.serial_line, ..setup("axpert", way.profile, 0) };
        let house = House::later(pace.from, pace.speed, vec![unit], |folder, _| (way.front)(folder))?;
        house.handle.with_site(|site| site.inverter_mut("axpert").unwrap().keep_diary());
        let mut settings = machine(house.folder.path());
        if let Some(path) = way.path {
            settings.path = PortPath::At(house.folder.path().join(path));
        }
        let settings =
            Settings { interval: "20 ms".parse().unwrap(), timeout: "200 ms".parse().unwrap(), ..settings };
        let running = Running::open(settings);
        Some(Self { house, running, heard: Vec::new(), compared: Compared::default() })
    }

    /// Seconds of the house since 1970.
    fn now_s(&self) -> i64 {
        self.house.handle.now_ms() / 1000
    }

    /// Asks what is due, and compares what came of it.
    async fn step(&mut self) {
        const NAP: Duration = Duration::from_millis(1);
        let due = self.running.device.due_in().clamp(NAP, 50 * NAP);
        self.running.clock.sleep(due).await;
        let at = self.running.clock.now();
        if self.running.device.due_in().is_zero() {
            self.running.device.poll().await;
        }
        let (notes, profile, plate) = self.house.handle.with_site(|site| {
            let unit = site.inverter_mut("axpert").unwrap();
            (unit.take_diary(), unit.profile(), unit.nameplate.clone())
        });
        let notes = notes.into_iter();
        self.heard.extend(notes.map(|note| Heard {
            at,
            unit: "axpert".to_owned(),
            text: note.text,
            truth: note.truth,
        }));
        self.compared += compare_with(&self.running.told, &self.heard, profile, &plate, TIMES);
        let old = at.mono.saturating_sub(TIMES.together);
        self.heard.retain(|heard| heard.at.mono >= old);
    }

    async fn for_a_while(&mut self, span: Duration) {
        let end = self.running.clock.now().mono + span;
        while self.running.clock.now().mono < end {
            self.step().await;
        }
    }

    async fn until(&mut self, what: &str, wished: impl Fn(&Told) -> bool) {
        let end = self.running.clock.now().mono + PATIENCE;
        while !wished(&self.running.told) {
            let told = &self.running.told;
            assert!(self.running.clock.now().mono < end, "never: {what}; {:?}", told.notices());
            self.step().await;
        }
    }

    /// Until values come again that are new.
    async fn until_read(&mut self, after: &str) {
        let before = self.compared.values;
        self.until(after, |told| told.state().is_online()).await;
        let end = self.running.clock.now().mono + PATIENCE;
        while self.compared.values <= before {
            assert!(self.running.clock.now().mono < end, "no values {after}");
            self.step().await;
        }
    }

    async fn suffer(&mut self, fault: &str, pace: Pace) {
        let hangs = format!("{HANGS}={:.0}", AWAKE_S * pace.speed);
        for switch in fault.split(' ') {
            let switch = if switch == HANGS { &hangs } else { switch };
            self.house.handle.set_inverter_switch("axpert", switch).unwrap();
        }
        if fault == HANGS {
            // It hangs, and nothing but the reset of its port wakes it: the switch stays on.
            self.until(fault, |told| !told.state().is_online()).await;
            self.until_read("after the reset of the port").await;
        } else {
            self.for_a_while(pace.real(pace.fault_s)).await;
        }
        self.house.handle.with_site(|site| {
            site.inverter_mut("axpert").unwrap().switches = Switches::default();
        });
    }
}

/// Suffers every fault that the way can have, at least once, and tells the figures.
async fn suffers_everything(way: &Way, pace: Pace) {
    let Some(mut run) = Run::start(way, pace) else {
        return eprintln!("skipped: {} cannot be had here, or the plant is built without it", way.name);
    };
    run.until_read("at the start").await;
    let begin_s = run.now_s();
    run.for_a_while(pace.real(pace.fault_s)).await;
    let usb = if way.path.is_none() { &OF_USB[..] } else { &[] };
    let (mut faults, mut slowest) = (0, Duration::ZERO);
    let span_s = i64::try_from(pace.span.as_secs()).unwrap();
    while faults == 0 || run.now_s() - begin_s < span_s {
        // A port is not reset twice in ten minutes of the driver's time, in which a day of the house is over: what needs
        // the reset comes first, and once.
        let first = faults == 0;
        for fault in usb.iter().chain(&FAULTS).filter(|fault| first || **fault != HANGS) {
            run.suffer(fault, pace).await;
            let healed = run.running.clock.now().mono;
            run.until_read(&format!("after {fault}")).await;
            slowest = slowest.max(run.running.clock.now().mono.saturating_sub(healed));
            run.for_a_while(pace.real(pace.fault_s / 4.0)).await;
            faults += 1;
        }
    }
    let minutes = (run.now_s() - begin_s) / 60;
    eprintln!(
        "{} ({}): {minutes} minutes of the house, {faults} faults, {} values of {} readings compared, 0 wrong, {} unknown; back at most {:.0} s of the house after a fault",
        way.name,
        way.profile,
        run.compared.values,
        run.compared.readings,
        run.compared.unknown(),
        slowest.as_secs_f64() * pace.speed,
    );
    assert!(run.compared.values > 1_000, "{} values", run.compared.values);
    assert_eq!(run.house.setters("axpert"), 0);
    run.house.end().await;
}

#[tokio::test]
async fn faults_through_packets() {
    suffers_everything(&PACKETS, PART).await;
}

#[tokio::test]
async fn faults_on_a_terminal() {
    suffers_everything(&TERMINAL, PART).await;
}

#[tokio::test]
async fn faults_through_a_file() {
    suffers_everything(&FILE, PART).await;
}

mod long {
    use super::{DAY, FILE, PACKETS, TERMINAL, suffers_everything};

    #[tokio::test]
    async fn a_day_through_packets() {
        suffers_everything(&PACKETS, DAY).await;
    }

    #[tokio::test]
    async fn a_day_on_a_terminal() {
        suffers_everything(&TERMINAL, DAY).await;
    }

    #[tokio::test]
    async fn a_day_through_a_file() {
        suffers_everything(&FILE, DAY).await;
    }
}
