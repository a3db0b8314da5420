//! What a GX device costs, over a real `dbus-daemon`: reading it whole, hearing of a change, and following a site that was
//! recorded. The services live in a thread of their own; CPU time is that of the driver's thread alone.
//!
//! The recorded site is found by `OHMSTEAD_SHARED`; without it that figure is left out.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]
#![allow(
    clippy::unwrap_used,
    dead_code,
    unused_imports,
    reason = "the support of the tests, of which this uses a part"
)]

#[path = "../tests/victron/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::Duration;

use ohmstead_drivers::Device as _;
use ohmstead_model::Metric;
use ohmstead_plant::venus::{Setup, Venus};
use rustix::time::{ClockId, clock_gettime};
use support::{Daemon, Leaf, Recording, Service, Unit, leaf, recordings};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A service to be: its name and its values.
type Script = (String, BTreeMap<String, Leaf>);
/// A change: which service, and what.
type Change = (usize, Vec<(String, Leaf)>);

const READS: usize = 40;
const CHANGES: u32 = 4000;
const ANSWERS: usize = 100;
/// How much faster than in life the recorded site is followed.
const SPEED: u32 = 20;

fn main() {
    let daemon = Daemon::start();
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        whole(&daemon).await;
        change(&daemon).await;
        answers().await;
        if let Some(recordings) = recordings() {
            follow(&daemon, recordings).await;
        }
    });
}

/// Services in a thread of their own; they leave with the value.
struct Stage {
    changes: Option<Sender<Change>>,
    thread: Option<JoinHandle<()>>,
}

impl Stage {
    async fn start(daemon: &Daemon, scripts: Vec<Script>) -> Self {
        let (changes, told) = channel(64);
        let (up, is_up) = tokio::sync::oneshot::channel();
        let address = daemon.address();
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(play(&address, scripts, told, up));
        });
        is_up.await.expect("the services are there");
        Self { changes: Some(changes), thread: Some(thread) }
    }

    async fn change(&self, service: usize, values: Vec<(String, Leaf)>) {
        let changes = self.changes.as_ref().expect("it runs");
        changes.send((service, values)).await.expect("the services are there");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.changes.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn play(
    address: &str,
    scripts: Vec<Script>,
    mut told: Receiver<Change>,
    up: tokio::sync::oneshot::Sender<()>,
) {
    let mut services = Vec::new();
    for (name, values) in scripts {
        services.push(Service::start(address, &name, values).await);
    }
    up.send(()).expect("somebody waits");
    while let Some((service, values)) = told.recv().await {
        services[service].change_all(&values).await;
    }
}

/// Five batteries with more than a thousand values in all.
fn five() -> Vec<Script> {
    let values = |instance: i32| {
        let cells = (0..215).map(|i| (format!("/Cell/{i}/Voltage"), leaf("d", 3.3 + f64::from(i) / 1000.0)));
        let mut values: BTreeMap<_, _> = cells.collect();
        values.insert("/DeviceInstance".to_owned(), leaf("i", instance));
        values.insert("/Dc/0/Power".to_owned(), leaf("i", 0));
        values.insert("/Soc".to_owned(), leaf("d", 50.5));
        values
    };
    (0..5).map(|instance| (format!("com.victronenergy.battery.b{instance}"), values(instance))).collect()
}

/// From nothing to every value of five services: connection, login, names, one `GetItems` each.
async fn whole(daemon: &Daemon) {
    let scripts = five();
    let leaves: usize = scripts.iter().map(|(_, values)| values.len()).sum();
    let _stage = Stage::start(daemon, scripts).await;
    let mut spans = Vec::new();
    for _ in 0..READS {
        let mut unit = Unit::on_bus(&daemon.address());
        let before = unit.now();
        unit.until("every value", |unit| unit.told().online == [true]).await;
        spans.push(unit.now().saturating_sub(before));
        assert_eq!(unit.rows(None).len(), leaves, "every value is there");
    }
    spans.sort();
    println!(
        "{leaves} values of 5 services: median {:?}, slowest of {READS} {:?}",
        spans[READS / 2],
        spans[READS - 1]
    );
    figure("D-Bus: everything of five services, median", "ms", 20.0, millis(spans[READS / 2]));
}

/// From a signal of a service to the report of the driver.
async fn change(daemon: &Daemon) {
    let stage = Stage::start(daemon, five()).await;
    let mut unit = Unit::on_bus(&daemon.address());
    unit.until("a battery", |unit| unit.number(Metric::BatterySoc) == Some(50.5)).await;
    let mut spans = Vec::new();
    for power in 1..=CHANGES {
        let before = unit.now();
        stage.change(0, vec![("/Dc/0/Power".to_owned(), leaf("i", power))]).await;
        unit.until("the power", |unit| unit.number(Metric::BatteryPower) == Some(-f64::from(power))).await;
        spans.push(unit.now().saturating_sub(before));
    }
    spans.sort();
    let p99 = spans[spans.len() * 99 / 100];
    println!(
        "a change of a value: median {:?}, p99 {p99:?}, slowest {:?}",
        spans[spans.len() / 2],
        spans[spans.len() - 1]
    );
    figure("D-Bus: change of a value to the driver's report, p99", "ms", 2.0, millis(p99));
}

/// The rows of each service of a simulated GX, as the page and the port-8088 interface ask for them.
async fn answers() {
    let daemon = Daemon::start();
    let stop = CancellationToken::new();
    let gx = Venus::new(Setup::default()).bus(daemon.address());
    let _gx = gx.start(&TaskTracker::new(), stop.clone()).await.expect("it starts");
    let mut unit = Unit::on_bus(&daemon.address());
    unit.until("every value", |unit| unit.told().online == [true]).await;
    let services: std::collections::BTreeSet<_> =
        unit.rows(None).iter().map(|row| row.service.to_string()).collect();
    let mut slowest = (Duration::ZERO, Duration::ZERO, 0, String::new());
    for service in &services {
        let mut spans = Vec::new();
        let mut count = 0;
        for _ in 0..ANSWERS {
            let before = cpu();
            count = unit.rows(Some(service)).len();
            spans.push(cpu().saturating_sub(before));
        }
        spans.sort();
        let (median, most) = (spans[ANSWERS / 2], spans[ANSWERS - 1]);
        if median > slowest.0 {
            slowest = (median, most, count, service.clone());
        }
        println!("{service}: {count} rows, first {:?}", spans[ANSWERS / 2]);
    }
    let (median, most, count, service) = slowest;
    println!(
        "rows of {} services: slowest {service}, {count} rows, median {median:?}, worst {most:?}",
        services.len()
    );
    figure("the rows of one service in memory, slowest median", "ms", 1.0, millis(median));
    stop.cancel();
}

/// The largest recorded site, second by second.
async fn follow(daemon: &Daemon, recordings: Vec<Recording>) {
    let site: Vec<_> =
        recordings.into_iter().filter(|recording| recording.name.starts_with("bct_")).collect();
    let scripts =
        site.iter().map(|recording| (recording.service.clone(), recording.initial.clone())).collect();
    let last = site.iter().flat_map(|recording| recording.seconds.iter().copied()).max().unwrap_or(0);
    let stage = Stage::start(daemon, scripts).await;
    let mut unit = Unit::of(serde_json::json!({ "dbus": daemon.address() }), SPEED);
    unit.until("the site", |unit| unit.told().online == [true]).await;
    let (mut messages, mut values) = (0, 0);
    let before = cpu();
    let started = unit.now();
    for second in 0..=last {
        for (index, recording) in site.iter().enumerate() {
            let changed = of_second(recording, second);
            if !changed.is_empty() {
                (messages, values) = (messages + 1, values + changed.len());
                stage.change(index, changed).await;
            }
        }
        let until = started + Duration::from_secs(second + 1);
        unit.until("the next second", |unit| unit.now() >= until).await;
    }
    let (spent, span) = (cpu().saturating_sub(before), unit.now().saturating_sub(started));
    let share = spent.as_secs_f64() / span.as_secs_f64() * 100.0;
    println!(
        "{} services, {} values, followed for {} s of their time: {messages} messages with {values} changes, {spent:?} of CPU",
        site.len(),
        unit.rows(None).len(),
        span.as_secs()
    );
    figure("D-Bus: CPU at a recorded site's own rate", "% of a core", 1.0, share);
}

fn of_second(recording: &Recording, second: u64) -> Vec<(String, Leaf)> {
    let changes = recording.changes.iter().zip(&recording.seconds);
    let now: BTreeMap<_, _> =
        changes.filter(|(_, at)| **at == second).map(|(change, _)| change.clone()).collect();
    now.into_iter().collect()
}

/// CPU time of this thread: the driver's.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).expect("below a thousand million"))
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn figure(name: &str, unit: &str, at_most: f64, measured: f64) {
    println!(r#"figure {{"name":"{name}","unit":"{unit}","at_most":{at_most},"measured":{measured:.3}}}"#);
}
