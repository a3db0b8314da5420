//! The driver as it opens real files: packet sockets that look like `/dev/hidrawN` beside a `/sys`, and a terminal. The
//! simulated house runs ten times as fast, so that half a second on the line is over in 50 ms.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_drivers::voltronic::{Inverter, PortPath, Settings};
use ohmstead_drivers::{Context, Device, Report, Reporter as _};
use ohmstead_model::{Clock as _, Metric, Wish};
use ohmstead_plant::voltronic::Front;
use ohmstead_plant::{InverterSetup, Plant, PlantHandle, house};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::{TestClock, Told};

/// Whatever is waited for comes within seconds, or never.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct House {
    pub(crate) handle: PlantHandle,
    tasks: TaskTracker,
    stop: CancellationToken,
    pub(crate) folder: TempDir,
}

impl House {
    fn start(setups: Vec<InverterSetup>, front: impl Fn(&Path, usize) -> Front) -> Self {
        Self::at_speed(10.0, setups, front)
    }

    fn at_speed(speed: f64, setups: Vec<InverterSetup>, front: impl Fn(&Path, usize) -> Front) -> Self {
        Self::try_at_speed(speed, setups, front).expect("the house starts")
    }

    pub(crate) fn try_at_speed(
        speed: f64,
        setups: Vec<InverterSetup>,
        front: impl Fn(&Path, usize) -> Front,
    ) -> Option<Self> {
        Self::later(0, speed, setups, front)
    }

    /// The same, beginning so many hours later in the day.
    pub(crate) fn later(
        hours: i64,
        speed: f64,
        setups: Vec<InverterSetup>,
        front: impl Fn(&Path, usize) -> Front,
    ) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let settings = house::Settings::default();
        let start_unix_ms = settings.start_unix_ms + hours * 3_600_000;
        let mut plant = Plant::builder(house::Settings { start_unix_ms, ..settings }).speed(speed);
        for (number, setup) in setups.into_iter().enumerate() {
            plant = plant.inverter(setup, vec![front(folder.path(), number)]);
        }
        let handle = plant.start(&tasks, stop.clone()).inspect_err(|error| eprintln!("{error}")).ok()?;
        Some(Self { handle, tasks, stop, folder })
    }

    pub(crate) fn setters(&self, name: &str) -> u64 {
        self.handle.with_site(|site| site.inverter_counters(name).unwrap().setters)
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(PATIENCE, self.tasks.wait()).await.expect("everything ends");
    }
}

pub(crate) fn setup(name: &str, profile: &str, node: u32) -> InverterSetup {
    InverterSetup { node, ..InverterSetup::new(name, profile.parse().unwrap()) }
}

/// A machine whose `/sys` and `/dev` are folders of the test.
pub(crate) fn machine(folder: &Path) -> Settings {
    Settings {
        sys_root: folder.join("sys"),
        dev_root: folder.join("dev"),
        interval: "1 s".parse().unwrap(),
        timeout: "1 s".parse().unwrap(),
        ..Settings::default()
    }
}

pub(crate) struct Running {
    pub(crate) device: Inverter,
    pub(crate) told: Arc<Told>,
    pub(crate) clock: Arc<TestClock>,
}

impl Running {
    pub(crate) fn open(settings: Settings) -> Self {
        let (clock, told) = (TestClock::new(1_748_728_800_000), Told::new("a".parse().unwrap()));
        let context = Context {
            clock: Arc::clone(&clock) as _,
            reporter: Arc::clone(&told) as _,
            seed: 1,
            memory: None,
        };
        let device = Inverter::open("a".parse().unwrap(), settings, context).unwrap();
        told.report(Report::Info(device.info()));
        Self { device, told, clock }
    }

    async fn until(&mut self, what: &str, wished: impl Fn(&Told) -> bool) {
        let end = self.clock.now().mono + PATIENCE;
        while !wished(&self.told) {
            assert!(self.clock.now().mono < end, "never: {what}; {:?}", self.told.notices());
            self.clock
                .sleep(self.device.due_in().clamp(Duration::from_millis(10), Duration::from_secs(1)))
                .await;
            if self.device.due_in().is_zero() {
                self.device.poll().await;
            }
        }
    }

    /// Until the unit is online with values that are new.
    async fn until_read(&mut self) {
        self.told.forget_readings();
        let read = |told: &Told| told.state().is_online() && !told.numbers(Metric::BatterySoc).is_empty();
        self.until("values", read).await;
    }
}

#[tokio::test]
async fn an_inverter_is_found_followed_and_written_to_by_packets() {
    let house =
        House::start(vec![setup("ups", "ups", 0), setup("axpert", "pi30-max", 1)], |folder, number| {
            Front::Tree(folder.to_owned(), format!("1-{}", number + 1))
        });
    let mut running = Running::open(machine(house.folder.path()));
    running.until_read().await;
    let info = running.device.info();
    assert!(info.address.ends_with("/dev/hidraw1"), "{info:?}");
    // Under another number.
    house.handle.set_inverter_switch("axpert", "renumber-every=30").unwrap();
    running.until("another number", |told| told.state().info.address.ends_with("/dev/hidraw11")).await;
    house.handle.set_inverter_switch("axpert", "renumber-every=off").unwrap();
    running.until_read().await;
    let wish: Wish = "hold".parse().unwrap();
    let plan = running.device.plan(&wish, None).unwrap();
    let reply = running.device.write(&plan).await.unwrap();
    assert!(reply.accepted, "{reply:?}");
    assert_eq!(running.device.read_back(&wish).await.unwrap().native, "USB");
    assert_eq!((house.setters("axpert"), house.setters("ups")), (1, 0));
    house.end().await;
}

#[tokio::test]
async fn a_wedged_inverter_is_woken_by_its_authorized_file() {
    // A minute of the house in a second and a half: the firmware hangs some minutes after each start.
    let house = House::at_speed(40.0, vec![setup("axpert", "pi30-21", 0)], |folder, _| {
        Front::Tree(folder.to_owned(), "1-1".to_owned())
    });
    house.handle.set_inverter_switch("axpert", "wedge-after=200").unwrap();
    let mut running = Running::open(machine(house.folder.path()));
    running.until_read().await;
    running.until("it hangs", |told| !told.state().is_online()).await;
    running.until_read().await;
    house.end().await;
}

#[tokio::test]
async fn a_socket_by_its_path() {
    let house =
        House::start(vec![setup("axpert", "pi18", 0)], |folder, _| Front::Packet(folder.join("axpert")));
    let path = format!("unixpacket:{}", house.folder.path().join("axpert").display());
    let mut settings = machine(house.folder.path());
    settings.path = PortPath::parse(&path).unwrap();
    let mut running = Running::open(settings);
    running.until_read().await;
    assert_eq!(running.device.info().address, path);
    house.end().await;
}

#[tokio::test]
async fn a_serial_line() {
    let unit = InverterSetup { serial_line: true, ..setup("axpert", "pi41", 0) };
    let house = House::start(vec![unit], |folder, _| Front::Pty(folder.join("tty")));
    let mut settings = machine(house.folder.path());
    settings.path = PortPath::At(house.folder.path().join("tty"));
    let mut running = Running::open(settings);
    running.until_read().await;
    let wish: Wish = "native:sub".parse().unwrap();
    let plan = running.device.plan(&wish, None).unwrap();
    assert!(running.device.write(&plan).await.unwrap().accepted);
    assert_eq!(running.device.read_back(&wish).await.unwrap().native, "SUB");
    house.end().await;
}
