//! How soon a limit acts: from a change on the bus of a GX device to the `SetValue` that it leads to, through the whole
//! program (driver, hub, control, actuator, store), over a real `dbus-daemon`.
//!
//! The simulated device shows what it is told to show. The first change beyond the limit after a quiet time finds the
//! program with nothing in its hands: it has to store what was there before it writes. Those that follow do not.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on says where")]

#[path = "../../drivers/tests/victron/support/daemon.rs"]
#[expect(dead_code, reason = "the support of tests, of which this uses a part")]
mod daemon;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use daemon::Daemon;
use ohmstead_plant::venus::{Setup, Venus, VenusHandle};
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const ROUNDS: u64 = 25;
const FOLLOWING: i64 = 5;
/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(10);

/// The program, killed with the value.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    let (bus, folder) = (Daemon::start(), tempfile::tempdir().unwrap());
    let gx = simulated(&bus);
    show(&gx, 2_000);
    configure(&folder, &bus, "");
    let program = Program(
        Command::new(env!("CARGO_BIN_EXE_ohmstead"))
            .args(["run", "--log", "warn", "--config"])
            .arg(folder.path().join("ohmstead.yaml"))
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    wait(Duration::from_secs(5));
    let rounds = (0..ROUNDS).map(|round| limited(&program, &folder, &bus, &gx, round));
    let (first, following): (Vec<_>, Vec<_>) = rounds.unzip();
    report("the first after a quiet time", first);
    report("those that follow", following.concat());
}

fn simulated(bus: &Daemon) -> VenusHandle {
    let (address, (up, is_up)) = (bus.address(), std::sync::mpsc::sync_channel(1));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
            let gx = Venus::new(Setup::default()).bus(address).start(&tasks, stop.clone()).await.unwrap();
            up.send(gx).unwrap();
            stop.cancelled().await;
        });
    });
    is_up.recv().unwrap()
}

/// What the Multis give, W, whatever they really give.
fn show(gx: &VenusHandle, watts: i64) {
    gx.set_switch(&format!("pin=vebus:/Ac/Out/P:0,vebus:/Ac/ActiveIn/P:{}", -watts)).unwrap();
}

fn configure(folder: &tempfile::TempDir, bus: &Daemon, limits: &str) {
    let text = format!(
        "site: {{ timezone: UTC }}\nweb: off\nread_only: false\ndevices: {{ gx: {{ victron: {{ dbus: '{}' }} }} }}\n{limits}",
        bus.address()
    );
    let file = |name: &str| Path::new(folder.path()).join(name);
    std::fs::write(file("new"), text).unwrap();
    std::fs::rename(file("new"), file("ohmstead.yaml")).unwrap();
}

fn reload(program: &Program, folder: &tempfile::TempDir, bus: &Daemon, limits: &str) {
    configure(folder, bus, limits);
    kill_process(Pid::from_child(&program.0), Signal::HUP).unwrap();
    wait(Duration::from_millis(500));
}

/// One limit, from its first excess on, and some changes on its way down. Then it is taken out, and the program forgets.
fn limited(
    program: &Program,
    folder: &tempfile::TempDir,
    bus: &Daemon,
    gx: &VenusHandle,
    round: u64,
) -> (Duration, Vec<Duration>) {
    show(gx, 2_000);
    reload(program, folder, bus, "limits: { multi_output: { max: 10 kW, step: 1 kW } }");
    // At any moment of the second.
    wait(Duration::from_millis(400 + 137 * round % 1000));
    let first = answered(gx, 20_000);
    let next = |change: i64| {
        wait(Duration::from_millis(150));
        answered(gx, 20_000 + 500 * change)
    };
    let following = (1..=FOLLOWING).map(next).collect();
    reload(program, folder, bus, "");
    let bound =
        || gx.with(|gx| gx.tree().service("hub4")?.item("/Overrides/MaxDischargePower")?.value().number());
    while bound() != Some(-1.0) {
        wait(Duration::from_millis(50));
    }
    // Given back is proven, which takes a while too.
    wait(Duration::from_millis(2_500));
    (first, following)
}

/// From a change on the bus to the write that follows.
fn answered(gx: &VenusHandle, watts: i64) -> Duration {
    let (before, start) = (gx.requests().dbus, now());
    show(gx, watts);
    while gx.requests().dbus == before {
        assert!(now().saturating_sub(start) < LONG, "nothing was written");
        std::thread::yield_now();
    }
    now().saturating_sub(start)
}

fn report(what: &str, mut spans: Vec<Duration>) {
    spans.sort();
    let at = |share: usize| spans[(spans.len() * share / 100).min(spans.len() - 1)];
    println!(
        "{what}: {} changes, median {:?}, p90 {:?}, p99 {:?}, slowest {:?}",
        spans.len(),
        at(50),
        at(90),
        at(99),
        at(100)
    );
    let p99 = at(99).as_secs_f64() * 1e3;
    println!(
        r#"figure {{"name":"D-Bus: change to SetValue, {what}, p99","unit":"ms","at_most":5,"measured":{p99:.3}}}"#
    );
}

fn now() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap())
}

#[expect(clippy::disallowed_methods, reason = "a measurement of a real process in real time")]
fn wait(span: Duration) {
    std::thread::sleep(span);
}
