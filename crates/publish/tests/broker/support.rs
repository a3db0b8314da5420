//! A real broker, a second client that watches it, and a publisher with a small house behind it.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_model::{
    Allowed, Answer, Asker, Clock, Commands, DeviceId, DeviceInfo, DeviceState, LedgerEntry, LimitName,
    LimitRefused, Limited, Metric, Moment, Observation, Online, Outcome, Part, Reading, Request, Role,
    Setting, SiteLimit, Sleep, Snapshot, Switched, Switches, Ttl, UnixMillis, Value, house,
};
use ohmstead_publish::{Links, Remembered, Settings, SettingsError, Status, run};
use ohmstead_units::Watts;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, PublishOptions, QoS};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Generous: a test that waits so long has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A mosquitto of this test alone, stopped when dropped.
pub(crate) struct Broker {
    pub(crate) port: u16,
    dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Broker {
    /// A broker that lets everybody in.
    pub(crate) fn start() -> Self {
        Self::with("allow_anonymous true")
    }

    /// A broker with these lines in its configuration; `DIR` stands for its folder.
    pub(crate) fn with(lines: &str) -> Self {
        let mut broker = Self::prepared(lines);
        broker.restart();
        broker
    }

    /// A broker that is not running yet.
    pub(crate) fn prepared(lines: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        // As root, mosquitto would become another user, who cannot read this folder.
        let lines = lines.replace("DIR", &dir.path().display().to_string());
        let conf = format!("listener {port} 127.0.0.1\npersistence false\nuser root\n{lines}\n");
        std::fs::write(dir.path().join("mosquitto.conf"), conf).expect("written");
        Self { port, dir, child: None }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
    }

    pub(crate) fn restart(&mut self) {
        self.stop();
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(self.dir.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .env("PATH", format!("{}:/usr/sbin:/usr/local/sbin", std::env::var("PATH").unwrap_or_default()))
            .spawn()
            .expect("this test needs mosquitto: install the package \"mosquitto\"");
        self.child = Some(child);
    }

    /// Settings of a publisher at this broker.
    pub(crate) fn settings(&self) -> Settings {
        Settings { host: "127.0.0.1".to_owned(), port: Some(self.port), ..Settings::default() }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// One message as the watcher saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) retained: bool,
}

/// A second client that has subscribed to everything.
pub(crate) struct Watcher {
    client: AsyncClient,
    seen: mpsc::Receiver<Seen>,
    driver: JoinHandle<()>,
}

impl Watcher {
    pub(crate) async fn new(port: u16) -> Self {
        Self::named(port, &format!("watcher-{}", free_port())).await
    }

    pub(crate) async fn named(port: u16, id: &str) -> Self {
        let mut options = MqttOptions::new(id, ("127.0.0.1", port));
        options.set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut events) = AsyncClient::builder(options).capacity(64).build();
        let (into, seen) = mpsc::channel(10_000);
        let (subscribed_in, mut subscribed) = mpsc::channel(8);
        let subscriber = client.clone();
        let driver = TaskTracker::new().spawn(async move {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        subscriber.try_subscribe("#", QoS::AtMostOnce).expect("room for one request");
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => drop(subscribed_in.try_send(())),
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                        let seen = Seen {
                            topic: text(&publish.topic),
                            payload: text(&publish.payload),
                            retained: publish.retain,
                        };
                        if into.send(seen).await.is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    // The broker is not up yet, or is being restarted.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        within(subscribed.recv(), "the watcher's subscription").await.expect("the driver runs");
        Self { client, seen, driver }
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Seen {
        within(self.seen.recv(), "a message").await.expect("the driver runs")
    }

    /// Waits for a message that fits, and returns all up to it.
    pub(crate) async fn until(&mut self, what: &str, fits: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let wait = async {
            let mut all = Vec::new();
            loop {
                let seen = self.seen.recv().await.expect("the driver runs");
                all.push(seen);
                if all.last().is_some_and(&fits) {
                    return all;
                }
            }
        };
        within(wait, what).await
    }

    /// Waits for this payload on this topic.
    pub(crate) async fn until_says(&mut self, topic: &str, payload: &str) -> Vec<Seen> {
        self.until(&format!("{payload:?} on {topic}"), |seen| seen.topic == topic && seen.payload == payload)
            .await
    }

    pub(crate) async fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>, retain: bool) {
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(retain);
        self.client.publish(topic, payload.into(), options).await.expect("queued");
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What the broker retains, by topic.
pub(crate) async fn retained(port: u16) -> std::collections::BTreeMap<String, String> {
    let mut watcher = Watcher::new(port).await;
    let mark = format!("mark/{}", free_port());
    watcher.publish(&mark, "", false).await;
    let mut all = watcher.until("the mark", |seen| seen.topic == mark).await;
    all.pop();
    all.into_iter().filter(|seen| seen.retained).map(|seen| (seen.topic, seen.payload)).collect()
}

pub(crate) async fn within<T>(future: impl Future<Output = T>, what: &str) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come within {DEADLINE:?}"))
}

/// Tokio's clock.
pub(crate) struct TestClock(tokio::time::Instant);

impl Clock for TestClock {
    fn now(&self) -> Moment {
        let mono = self.0.elapsed();
        Moment { mono, unix: UnixMillis(1_795_262_400_000).plus(mono) }
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }
}

/// Takes every request and says that it was accepted, unless it is told otherwise.
pub(crate) struct Taken {
    pub(crate) requests: Mutex<Vec<Request>>,
    /// The devices of which was ended what was asked by hand.
    pub(crate) released: Mutex<Vec<DeviceId>>,
    /// How attempts end.
    pub(crate) outcome: Mutex<Outcome>,
    /// Attempts end as soon as this is true.
    pub(crate) go: watch::Sender<bool>,
    /// What is switched on.
    pub(crate) switches: watch::Sender<Option<Switches>>,
    pub(crate) limits: watch::Sender<Option<Vec<SiteLimit>>>,
}

impl Default for Taken {
    fn default() -> Self {
        Self {
            requests: Mutex::default(),
            released: Mutex::default(),
            outcome: Mutex::new(Outcome::AcceptedUnmeasured),
            go: watch::Sender::new(true),
            switches: watch::Sender::new(Some(Switches::default())),
            limits: watch::Sender::new(Some(Vec::new())),
        }
    }
}

impl Taken {
    fn answer(&self, device: &DeviceId, asked_by: Asker, request: &str) -> Answer {
        let entry = LedgerEntry {
            id: 7,
            at: UnixMillis(1_795_262_400_000),
            device: device.clone(),
            asked_by: asked_by.key().to_owned(),
            request: request.to_owned(),
            old: Some("Manual".to_owned()),
            new: Some("ES.SetMode".to_owned()),
            reply: Some("true".to_owned()),
            read_back: Some("Auto".to_owned()),
            effect: None,
            outcome: *self.outcome.lock().expect("no test panics here"),
            reason: "read back".to_owned(),
        };
        let mut go = self.go.subscribe();
        Box::pin(async move {
            go.wait_for(|go| *go).await.expect("the house is there");
            Ok(entry)
        })
    }
}

impl Commands for Taken {
    fn ask(&self, request: Request) -> Answer {
        let answer = self.answer(&request.device, request.asked_by, &request.wish.to_string());
        self.requests.lock().expect("no test panics here").push(request);
        answer
    }

    fn release(&self, device: DeviceId, asked_by: Asker) -> Answer {
        let answer = self.answer(&device, asked_by, "give back: auto");
        self.released.lock().expect("no test panics here").push(device);
        answer
    }

    fn switch(&self, part: Part, on: bool, _: Asker) -> Switched {
        self.switches.send_modify(|switches| {
            let switches = switches.get_or_insert_default();
            let known = match part {
                Part::Limits => &mut switches.limits,
                Part::Plan => &mut switches.plan,
                Part::Tempo => &mut switches.tempo,
                Part::Schedule => &mut switches.schedule,
                Part::Rotation => &mut switches.rotation,
            };
            *known = known.map(|_| on);
        });
        let switches = self.switches();
        Box::pin(async move { Ok(switches) })
    }

    fn switches(&self) -> Switches {
        self.switches.borrow().unwrap_or_default()
    }

    /// Like control: not below or above what the configuration allows.
    fn limit(&self, name: LimitName, max: Option<Watts>, _: Asker) -> Limited {
        let mut answer = Err(LimitRefused::NotConfigured(name));
        self.limits.send_modify(|limits| {
            let limits = limits.get_or_insert_default();
            let Some(limit) = limits.iter_mut().find(|limit| limit.name == name) else { return };
            answer = match max {
                Some(asked) if !limit.takes(asked) => {
                    Err(LimitRefused::OutOfBounds { asked, lowest: limit.lowest, max: limit.max })
                }
                max => {
                    limit.asked = max;
                    Ok(*limit)
                }
            };
        });
        Box::pin(async move { answer })
    }

    fn limits(&self) -> Vec<SiteLimit> {
        self.limits.borrow().clone().unwrap_or_default()
    }
}

/// Remembers in memory, over the restarts of a publisher.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) Mutex<Option<String>>);

impl Remembered for Memory {
    fn load(&self) -> Option<String> {
        self.0.lock().expect("no test panics here").clone()
    }

    fn save(&self, text: &str) {
        *self.0.lock().expect("no test panics here") = Some(text.to_owned());
    }
}

/// The rest of the program, as far as the publisher sees it.
pub(crate) struct House {
    pub(crate) snapshot: watch::Sender<Arc<Snapshot>>,
    pub(crate) commands: Arc<Taken>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) memory: Arc<Memory>,
}

pub(crate) fn id(name: &str) -> DeviceId {
    name.parse().expect("a valid name")
}

impl House {
    /// A house with these batteries, all of which answer.
    pub(crate) fn new(names: &[&str]) -> Self {
        let clock = Arc::new(TestClock(tokio::time::Instant::now()));
        let mut snapshot = Snapshot::default();
        for name in names {
            let mut info = DeviceInfo::new(id(name), "marstek", "192.0.2.80:30000");
            info.manufacturer = "Marstek";
            info.roles = vec![Role::Battery];
            info.modes = vec!["auto".to_owned(), "hold".to_owned()];
            info.metrics = vec![Metric::BatterySoc, Metric::BatteryMode, Metric::InverterPower];
            let mut device = DeviceState::new(Arc::new(info));
            device.online = Online::Yes(clock.now());
            snapshot.insert(device);
        }
        snapshot.insert(DeviceState::new(Arc::new(house::info("Home", Ttl::default()))));
        let snapshot = watch::channel(Arc::new(snapshot)).0;
        let house = Self { snapshot, commands: Arc::default(), clock, memory: Arc::default() };
        for name in names {
            house.reads(name, 50.0);
        }
        house
    }

    /// A new state of charge of a battery.
    pub(crate) fn reads(&self, name: &str, soc: f64) {
        let reading = Reading {
            device: id(name),
            at: self.clock.now(),
            values: vec![
                (Metric::BatterySoc, Ok(Value::Number(soc))),
                (Metric::BatteryMode, Ok(Value::State("auto"))),
            ],
        };
        self.change(|snapshot| assert!(snapshot.apply(&reading)));
    }

    /// An inverter that answers, with one setting, and of which nothing was read yet.
    pub(crate) fn add_inverter(&self, name: &str) {
        let mut info = DeviceInfo::new(id(name), "voltronic", "/dev/hidraw0");
        info.manufacturer = "Voltronic";
        info.roles = vec![Role::Inverter];
        info.metrics = vec![Metric::LoadPower];
        let priorities = vec!["utility_first", "solar_first", "solar_battery_utility"];
        info.settings =
            vec![Setting { metric: Metric::OutputPriority, allowed: Allowed::States(priorities) }];
        let mut device = DeviceState::new(Arc::new(info));
        device.online = Online::Yes(self.clock.now());
        self.change(|snapshot| snapshot.insert(device));
    }

    /// What a device told just now.
    pub(crate) fn tells(&self, name: &str, values: Vec<(Metric, Observation)>) {
        let reading = Reading { device: id(name), at: self.clock.now(), values };
        self.change(|snapshot| assert!(snapshot.apply(&reading)));
    }

    /// What was asked of devices so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        let requests = self.commands.requests.lock().expect("no test panics here");
        requests.iter().map(|request| format!("{} {}", request.device, request.wish)).collect()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshot.send_modify(|shared| {
            let mut snapshot = Snapshot::clone(shared);
            change(&mut snapshot);
            *shared = Arc::new(snapshot);
        });
    }

    /// Starts a publisher for this house.
    pub(crate) fn publish(&self, settings: Settings) -> Publisher {
        let (status_in, status) = watch::channel(Status::default());
        let links = Links {
            snapshot: self.snapshot.subscribe(),
            commands: self.commands.clone(),
            switches: self.commands.switches.subscribe(),
            limits: self.commands.limits.subscribe(),
            clock: self.clock.clone(),
            site_slug: "home".to_owned(),
            language: "en".to_owned(),
            time_zone: TimeZone::UTC,
            version: "1.2.3",
            remembered: self.memory.clone(),
            status: status_in,
        };
        let stop = CancellationToken::new();
        let task = TaskTracker::new().spawn(run(settings, links, stop.clone()));
        Publisher { status, stop, task }
    }
}

/// A publisher that runs.
pub(crate) struct Publisher {
    pub(crate) status: watch::Receiver<Status>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), SettingsError>>,
}

impl Publisher {
    /// Waits until the status is as wanted.
    pub(crate) async fn until(&mut self, what: &str, fits: impl FnMut(&Status) -> bool) -> Status {
        within(self.status.wait_for(fits), what).await.expect("it runs").clone()
    }

    /// Waits until everything that is to be sent has been sent.
    pub(crate) async fn connected(&mut self) {
        self.until("a connection", |status| status.connected_since.is_some() && status.sent > 0).await;
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        within(self.task, "the end of the publisher").await.expect("no panic").expect("the settings work");
    }

    /// As a crash would: the socket closes, nothing is said.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(within(self.task, "the end of the publisher").await.expect_err("aborted").is_cancelled());
    }
}
