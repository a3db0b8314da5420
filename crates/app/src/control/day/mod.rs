//! A day of the whole house in virtual time: batteries, an inverter and a GX device behind the real drivers, on wires in
//! memory, and everything of the program that steers them. Faults and wishes fall by seed; what holds whatever comes is in
//! `laws`.

#[path = "../../../../drivers/tests/support/air.rs"]
#[expect(dead_code, reason = "the support of other tests, of which this uses a part")]
mod air;
#[path = "../../../../drivers/tests/voltronic/support/cable.rs"]
#[expect(dead_code, reason = "the support of other tests, of which this uses a part")]
mod cable;
mod cerbo;
mod house;
mod laws;
mod luck;
mod plans;
mod program;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use house::House;
use laws::{Laws, Seen};
use luck::{Fault, Luck};
use ohmstead_model::Outcome;
use program::{Mood, Program};

/// The clock of the wires.
type TestClock = crate::clock::WallClock;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time of day, UTC.
fn time(unix_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(unix_ms).expect("a time");
    at.strftime("%d. %H:%M:%S").to_string()
}

/// Between two looks at what must hold.
const LOOK_S: u64 = 20;
/// At the end nothing goes wrong for so long: what was given up is tried again, and what was asked by hand has ended.
const QUIET_S: u64 = 3 * 3_600;
/// Each of so many parts of a day has its fault, which lasts for a part of it, and its wish.
const PART_S: u64 = 1_200;

/// A house with its program, and what happens to them.
struct Story {
    house: House,
    program: Option<Program>,
    luck: Luck,
    laws: Laws,
    /// What has happened.
    diary: Vec<String>,
}

impl Story {
    async fn begin(seed: u64, mood: Mood) -> Self {
        let house = House::new(seed);
        let program = Some(Program::start(&house, mood).await);
        Self { house, program, luck: Luck::new(seed), laws: Laws::default(), diary: Vec::new() }
    }

    fn program(&self) -> &Program {
        self.program.as_ref().expect("it runs")
    }

    fn now_ms(&self) -> i64 {
        use ohmstead_model::Clock as _;
        self.house.clock.now().unix.0
    }

    /// Lives on, and looks.
    async fn live(&mut self, seconds: u64) {
        for _ in 0..seconds / LOOK_S {
            self.program().sleep_s(LOOK_S).await;
            let program = self.program.as_ref().expect("it runs");
            let span_ms = i64::try_from(LOOK_S * 1_000).expect("small");
            if let Err(broken) = self.laws.look(&self.house, program, span_ms) {
                panic!("{broken}\n{}", self.so_far());
            }
        }
    }

    fn note(&mut self, what: &impl std::fmt::Debug) {
        let at = time(self.now_ms());
        self.diary.push(format!("{at} {what:?}"));
    }

    /// What has happened of late, for whoever finds a law broken.
    fn so_far(&self) -> String {
        let ledger = self.program().ledger();
        let rows = ledger.iter().rev().take(20).rev().map(|row| {
            format!(
                "{} {} {}: {}: {}: {}",
                time(row.at.0),
                row.device,
                row.asked_by,
                row.request,
                row.outcome.key(),
                row.reason
            )
        });
        let snapshot = self.program().hub.snapshot();
        let devices = snapshot
            .devices()
            .map(|device| format!("{}: {:?} {:?}", device.info.id, device.online, device.control));
        let diary = self.diary.iter().rev().take(12).rev().cloned();
        let heard = self.program().heard.0.lock().expect("whole");
        let events =
            heard.iter().rev().take(12).rev().map(|event| {
                format!("{} {:?} {}: {}", time(event.at.0), event.device, event.code, event.text)
            });
        let parts = [
            vec![format!("now {}", time(self.now_ms()))],
            diary.collect(),
            rows.collect(),
            events.collect(),
            devices.collect(),
            self.house.levers(),
        ];
        parts.concat().join("\n")
    }

    /// One part of a day: a fault for a while, and somebody who wants something.
    async fn part(&mut self) {
        let fault = self.luck.fault();
        self.note(&fault);
        self.strike(fault).await;
        if self.luck.rng.bool() {
            let wish = self.luck.wish();
            self.note(&wish);
            self.program.as_mut().expect("it runs").wish(wish);
        }
        let lasts_s = self.luck.rng.u64(1..=9) * 60;
        self.live(lasts_s).await;
        self.house.heal();
        self.note(&"healed");
        self.excuse(fault);
        self.live(PART_S - lasts_s).await;
    }

    async fn strike(&mut self, fault: Fault) {
        self.excuse(fault);
        match fault {
            Fault::Crash | Fault::Restart => {
                // At any moment of a second.
                let program = self.program.take().expect("it runs");
                program.sleep_ms(self.luck.rng.u64(0..1_000)).await;
                let (mood, records) = (program.mood, Arc::clone(&program.records));
                if fault == Fault::Crash {
                    program.crash().await;
                } else {
                    program.stop().await;
                }
                self.laws.begin_anew(&self.house);
                self.program = Some(Program::again(&self.house, mood, records).await);
            }
            Fault::DiskFull => self.program().fill_disk(true),
            fault => self.house.suffer(fault),
        }
    }

    fn excuse(&mut self, fault: Fault) {
        let now_ms = self.now_ms();
        if fault == Fault::DiskFull {
            self.program().fill_disk(false);
        }
        for device in fault.concerns() {
            self.laws.excuse(device, now_ms);
        }
    }

    /// The program stops, and everything is as it was before its first start.
    async fn end(mut self) -> Seen {
        self.house.heal();
        self.program().fill_disk(false);
        self.live(QUIET_S).await;
        let program = self.program.take().expect("it runs");
        self.laws.seen.dry_runs =
            program.ledger().iter().filter(|row| row.outcome == Outcome::DryRun).count() as u64;
        println!("{:?}; {}", self.laws.seen, program.summary());
        program.stop().await;
        assert_eq!(self.house.levers(), self.house.before, "as before the first start");
        self.laws.seen
    }
}

/// Days of the house, from the program's first start to its last stop: what was seen.
fn days(count: u64, seed: u64, mood: Mood) -> Seen {
    // Nothing here waits for a socket, and asking for sockets costs as much as the rest of the runtime.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let mut story = Story::begin(seed, mood).await;
        for _ in 0..(count * 86_400 - QUIET_S) / PART_S {
            story.part().await;
        }
        story.end().await
    })
}

#[test]
fn a_day_of_the_house() {
    let seen = days(1, 1, Mood::Active);
    assert!(seen.limited_s > 3_600 && seen.told_s < 600 && seen.turns > 2, "{seen:?}");
    assert!(
        seen.bounds > 100 && seen.mode_writes > 50 && seen.setters > 2,
        "something has happened: {seen:?}"
    );
}

/// Whoever asks and whatever wants something: nothing that would change a device leaves the program.
#[test]
fn a_day_in_which_nothing_may_be_written() {
    let seen = days(1, 3, Mood::ReadOnly);
    assert_eq!((seen.writes, seen.mode_writes, seen.setters), (0, 0, 0), "{seen:?}");
    assert!(seen.dry_runs > 20, "something was wanted: {seen:?}");
}

mod long {
    #[test]
    fn a_year_of_the_house() {
        super::days(365, 2, super::Mood::Active);
    }
}
