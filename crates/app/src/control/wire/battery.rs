//! A Marstek unit over UDP that does not do as it says: never is that called done, and whoever has to know is told in time.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ohmstead_model::{ControlPhase, Outcome, Severity};
use ohmstead_plant::{BatterySetup, Plant, PlantHandle, Settings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::rig::Program;
use crate::clock::WallClock;
use crate::testing::START;

const SPEED: f64 = 10.0;

/// A battery with these faults, and the program.
struct Scene {
    plant: PlantHandle,
    stop: CancellationToken,
    program: Program,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new(switches: &[&str], more: &str) -> Self {
        let listen = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
        let mut setup = BatterySetup::new("garage", listen, "e3-150".parse().expect("a profile"));
        for text in switches {
            setup.switches.set(text).expect("a switch");
        }
        let stop = CancellationToken::new();
        let plant = Plant::builder(Settings::default()).battery(setup).speed(SPEED);
        let plant = plant.start(&TaskTracker::new(), stop.clone()).expect("it starts");
        let address = plant.address("garage").expect("it is there");
        let folder = tempfile::tempdir().expect("a folder");
        let yaml = format!(
            "read_only: false\ndevices: {{ garage: {{ marstek: {{ host: {}, port: {}, interval: 5 s, timeout: 5 s, quiet_gap: 1 s }} }} }}\n{more}",
            address.ip(),
            address.port()
        );
        let program = Program::at(folder.path(), WallClock::scaled(START, SPEED), &yaml).await;
        program.online().await;
        Self { plant, stop, program, _folder: folder }
    }

    fn phase(&self) -> Option<ControlPhase> {
        self.program.device()?.control.map(|control| control.phase)
    }

    /// Whether the owner is alarmed by this.
    fn alarms(&self, code: &str) -> bool {
        let device = self.program.device();
        let notices = device.iter().flat_map(|device| &device.notices);
        notices.into_iter().any(|notice| notice.code == code && notice.severity == Severity::Alarm)
    }

    /// How long until it is so; it must never look done meanwhile.
    async fn never_ok_until(&self, what: &str, within_s: u64, is_so: impl Fn(&Self) -> bool) -> Duration {
        let start = self.program.clock.now();
        let ok = [ControlPhase::Confirmed, ControlPhase::AcceptedUnmeasured];
        self.program
            .until(what, within_s, || {
                assert!(self.phase().is_none_or(|phase| !ok.contains(&phase)), "it looks done");
                is_so(self)
            })
            .await;
        let took = self.program.clock.now().since(start);
        println!("{what}: {took:?}, {:?}, {} writes", self.phase(), self.writes());
        took
    }

    fn writes(&self) -> u64 {
        self.plant.counters("garage").expect("it is there").writes_received
    }

    async fn end(self) {
        self.program.stop().await;
        self.stop.cancel();
    }
}

const ALWAYS: &str = r#"schedules: { all: { from: "00:00", to: "00:00", mode: idle } }"#;

#[tokio::test]
async fn one_that_acknowledges_and_does_nothing() {
    let scene = Scene::new(&["swallow-writes=1000"], "").await;
    let entry = scene.program.ask("charge 500 W", Some(3600));
    scene
        .never_ok_until("it acknowledges and does nothing", 60, |scene| {
            scene.phase() == Some(ControlPhase::Ineffective) && scene.alarms("control_ineffective")
        })
        .await;
    let entry = entry.await.expect("an answer");
    assert_eq!(entry.outcome, Outcome::Ineffective, "{}", entry.reason);
    scene.end().await;
}

#[tokio::test]
async fn one_that_leaves_passive_in_silence() {
    let scene = Scene::new(&["passive-exit-s=30"], "").await;
    let entry = scene.program.asked("charge 500 W", Some(3600)).await;
    assert_eq!(entry.outcome, Outcome::Confirmed, "{}", entry.reason);
    let at = scene.program.clock.now();
    let is_told = || scene.phase() == Some(ControlPhase::Ineffective) && scene.alarms("control_ineffective");
    scene.program.until("it is told", 130, is_told).await;
    println!("it left Passive 30 s after it was set; told {:?} after", scene.program.clock.now().since(at));
    scene
        .program
        .until("it is given up and given back", 400, || scene.phase() == Some(ControlPhase::Unset))
        .await;
    assert!(scene.writes() < 12, "{} writes", scene.writes());
    scene.end().await;
}

#[tokio::test]
async fn one_that_refuses() {
    let scene = Scene::new(&["refuse-writes"], ALWAYS).await;
    scene
        .never_ok_until("it refuses", 60, |scene| {
            scene.phase() == Some(ControlPhase::NotControllable) && scene.alarms("control_refused")
        })
        .await;
    scene.program.sleep_ms(140_000).await;
    let writes = scene.writes();
    scene.program.sleep_ms(60_000).await;
    assert_eq!(scene.writes(), writes, "it is left in peace");
    assert!(writes <= 6, "three tries, each sent twice at most: {writes}");
    assert!(scene.alarms("control_refused"));
    scene.end().await;
}
