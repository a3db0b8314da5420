//! The driver on real sockets of the loopback, against the simulated batteries on theirs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ohmstead_drivers::marstek::{Battery, Method, Search, Settings, discover};
use ohmstead_drivers::transports::udp::{Host, Network as _, SourcePort};
use ohmstead_drivers::{Context, Device};
use ohmstead_model::{Clock, Metric, Moment, Sleep, UnixMillis};
use ohmstead_plant::marstek::Drop as Dropped;
use ohmstead_plant::{BatterySetup, Plant, PlantHandle, Profile, house};
use tokio::time::{Instant, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::support::Told;

/// Far beyond what any of these takes.
const DEADLINE: Duration = Duration::from_secs(60);
/// How much faster than real time driver and house live. An answer takes 110 ms of their time: 5 ms of ours.
const SPEED: f64 = 20.0;

struct FastClock(Instant);

impl Clock for FastClock {
    fn now(&self) -> Moment {
        let mono = self.0.elapsed().mul_f64(SPEED);
        Moment { mono, unix: UnixMillis(0).plus(mono) }
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span.div_f64(SPEED)))
    }
}

struct Running {
    plant: PlantHandle,
    tasks: TaskTracker,
    stop: CancellationToken,
    clock: Arc<FastClock>,
}

fn start(batteries: &[(&str, &str, u16, Profile)]) -> Running {
    let setups = batteries.iter().map(|(name, ip, port, profile)| {
        BatterySetup::new(*name, SocketAddr::new(ip.parse().unwrap(), *port), *profile)
    });
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let plant = setups.fold(Plant::builder(house::Settings::default()), Plant::battery).speed(SPEED);
    let plant = plant.start(&tasks, stop.clone()).unwrap();
    Running { plant, tasks, stop, clock: Arc::new(FastClock(Instant::now())) }
}

/// A port that nobody has at this address.
fn free_port(ip: &str) -> u16 {
    std::net::UdpSocket::bind((ip, 0)).unwrap().local_addr().unwrap().port()
}

struct Unit {
    device: Battery,
    told: Arc<Told>,
}

impl Running {
    fn unit(&self, name: &str) -> Unit {
        let address = self.plant.address(name).unwrap();
        let told = Told::new(name.parse().unwrap());
        let context = Context {
            clock: Arc::clone(&self.clock) as _,
            reporter: Arc::clone(&told) as _,
            seed: 3,
            memory: None,
        };
        let settings = Settings::at(address.ip().to_string(), address.port());
        Unit { device: Battery::open(name.parse().unwrap(), settings, context).unwrap(), told }
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        timeout(DEADLINE, self.tasks.wait()).await.expect("all tasks end when told");
    }
}

impl Unit {
    /// Polls whenever something is due until the state is as wished.
    async fn until(&mut self, clock: &FastClock, what: &str, wished: impl Fn(&Told) -> bool) {
        let polls = async {
            while !wished(&self.told) {
                clock.sleep(self.device.due_in().max(Duration::from_millis(10))).await;
                self.device.poll().await;
            }
        };
        let done = timeout(DEADLINE, polls).await;
        assert!(done.is_ok(), "{what}: {:?}", self.told.state());
    }
}

fn has_notice(told: &Told, code: &str) -> bool {
    told.notices().iter().any(|notice| notice.code == code)
}

#[tokio::test]
async fn all_methods_are_read() {
    let running = start(&[("a", "127.0.21.2", 0, Profile::VaV150)]);
    let mut unit = running.unit("a");
    let clock = Arc::clone(&running.clock);
    let wanted = [
        Metric::BatterySoc,
        Metric::BatteryPower,
        Metric::PvPower,
        Metric::GridPower,
        Metric::InverterOutputEnergy,
        Metric::BatteryTemperature,
        Metric::WifiSignal,
        Metric::BluetoothConnected,
        Metric::DeviceFirmware,
    ];
    unit.until(&clock, "everything is read", |told| {
        let state = told.state();
        wanted
            .iter()
            .all(|metric| state.values.get(metric).is_some_and(|observed| observed.observation.is_ok()))
    })
    .await;
    let counters = running.plant.counters("a").unwrap();
    assert!(Method::ALL.iter().all(|method| counters.requests_of(method.name()) > 0), "{counters:?}");
    // Read up to half a minute ago, in which a small battery gives a percent.
    let soc = unit.told.state().number(Metric::BatterySoc, clock.now()).unwrap();
    let truth = running.plant.truth().batteries[0].soc_pct;
    assert!((soc - truth).abs() < 3.0, "{soc}, in truth {truth}");
    running.end().await;
}

#[tokio::test]
async fn a_broadcast_finds_all_and_each_once() {
    let port = free_port("127.0.22.2");
    let running = start(&[
        ("a", "127.0.22.2", port, Profile::E3V150),
        ("b", "127.0.22.3", port, Profile::VaV149),
        ("c", "127.0.22.4", port, Profile::Hmg50V156),
    ]);
    let search = Search {
        targets: vec![Ipv4Addr::new(127, 255, 255, 255).into()],
        ports: vec![port],
        window: Duration::from_secs(10),
    };
    let found = discover(&search, &Host, running.clock.as_ref()).await.unwrap();
    let seen: Vec<_> = found.iter().map(|unit| (unit.address.clone(), unit.model.as_str())).collect();
    assert_eq!(
        seen,
        [
            (format!("127.0.22.2:{port}"), "VenusE 3.0"),
            (format!("127.0.22.3:{port}"), "VenusA"),
            (format!("127.0.22.4:{port}"), "VenusE")
        ]
    );
    assert!(found.iter().all(|unit| unit.serial.is_some() && unit.firmware.is_some()));
    // One address can be asked directly.
    let one = Search { targets: vec!["127.0.22.3".parse::<IpAddr>().unwrap()], ..search };
    assert_eq!(discover(&one, &Host, running.clock.as_ref()).await.unwrap().len(), 1);
    running.end().await;
}

/// Two units that insist on the port of their own share it in this process, and each gets its own answers.
#[tokio::test]
async fn the_same_source_port_is_shared_by_two_units() {
    let port = free_port("127.0.23.2");
    let running =
        start(&[("a", "127.0.23.2", port, Profile::E3V150), ("b", "127.0.23.3", port, Profile::Hmg50V156)]);
    for name in ["a", "b"] {
        running.plant.set_switch(name, "same-port").unwrap();
    }
    running.plant.with_site(|site| {
        crate::answers::pin_soc(site, &[("a", 11.0), ("b", 99.0)]);
    });
    let (mut a, mut b) = (running.unit("a"), running.unit("b"));
    let clock = Arc::clone(&running.clock);
    let five = |told: &Told| told.numbers(Metric::BatterySoc).len() >= 5;
    tokio::join!(a.until(&clock, "a is read", five), b.until(&clock, "b is read", five));
    assert!(a.told.numbers(Metric::BatterySoc).iter().all(|soc| (soc - 11.0).abs() < 1e-9));
    assert!(b.told.numbers(Metric::BatterySoc).iter().all(|soc| (soc - 99.0).abs() < 1e-9));
    assert!(
        running.plant.counters("a").unwrap().drops_for(Dropped::SourcePort) > 0,
        "the ephemeral port came first"
    );
    // Bound exclusively, and let go when nobody needs it.
    assert!(std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_err());
    drop((a, b));
    assert!(std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    running.end().await;
}

/// What comes for one unit while the other's answer is awaited is kept for it; what comes from strangers is not.
#[tokio::test]
async fn a_shared_port_hands_each_unit_its_own_datagrams() {
    let port = free_port("127.0.29.2");
    let units =
        ["127.0.29.2", "127.0.29.3", "127.0.29.66"].map(|ip| std::net::UdpSocket::bind((ip, port)).unwrap());
    let [a, b, stranger] = &units;
    let share = async |unit: &std::net::UdpSocket| {
        Host.open(unit.local_addr().unwrap(), SourcePort::SameAsDevice).await.unwrap()
    };
    let (mut from_a, mut from_b) = (share(a).await, share(b).await);
    for (unit, words) in [(stranger, "stranger"), (b, "b1"), (b, "b2"), (a, "a1")] {
        unit.send_to(words.as_bytes(), (Ipv4Addr::LOCALHOST, port)).unwrap();
    }
    let mut buffer = [0; 16];
    for words in ["a1", "b1", "b2"] {
        let link = if words == "a1" { &mut from_a } else { &mut from_b };
        let (length, _) = timeout(DEADLINE, link.receive(&mut buffer)).await.expect("it was sent").unwrap();
        assert_eq!(&buffer[..length], words.as_bytes());
    }
}

#[tokio::test]
async fn another_program_on_the_fixed_port_is_named() {
    let port = free_port("127.0.24.2");
    let running = start(&[("a", "127.0.24.2", port, Profile::E3V150)]);
    running.plant.set_switch("a", "same-port").unwrap();
    let other = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let mut unit = running.unit("a");
    let clock = Arc::clone(&running.clock);
    unit.until(&clock, "the conflict is told", |told| has_notice(told, "port_in_use")).await;
    drop(other);
    unit.until(&clock, "it is found", |told| told.state().is_online()).await;
    unit.until(&clock, "the notice goes", |told| !has_notice(told, "port_in_use")).await;
    running.end().await;
}

#[tokio::test]
async fn a_closed_port_is_an_unreachable_one() {
    let running = start(&[("a", "127.0.25.2", 0, Profile::E3V150)]);
    let mut unit = running.unit("a");
    let clock = Arc::clone(&running.clock);
    unit.until(&clock, "it is there", |told| !told.numbers(Metric::BatterySoc).is_empty()).await;
    running.plant.set_switch("a", "refuse").unwrap();
    unit.until(&clock, "the closed port is told", |told| has_notice(told, "api_closed")).await;
    unit.until(&clock, "it is offline", |told| !told.state().is_online()).await;
    running.plant.set_switch("a", "refuse=off").unwrap();
    unit.until(&clock, "it is back", |told| told.state().is_online() && told.notices().is_empty()).await;
    running.end().await;
}

#[tokio::test]
async fn a_unit_that_moved_is_found_by_its_mac() {
    let port = free_port("127.0.26.2");
    let running =
        start(&[("a", "127.0.26.2", port, Profile::E3V150), ("b", "127.0.26.3", port, Profile::E3V150)]);
    let mut unit = running.unit("a");
    let clock = Arc::clone(&running.clock);
    unit.until(&clock, "it is there", |told| !told.numbers(Metric::BatterySoc).is_empty()).await;
    running.plant.move_to("a", SocketAddr::new("127.0.26.77".parse().unwrap(), port)).unwrap();
    unit.until(&clock, "it is gone", |told| !told.state().is_online()).await;
    unit.until(&clock, "it is found", |told| told.state().is_online() && has_notice(told, "moved")).await;
    assert_eq!(unit.device.info().address, format!("127.0.26.77:{port}"));
    running.end().await;
}

/// Late answers are still in the socket at the next exchange, and are taken then.
#[tokio::test]
async fn late_answers_are_taken_at_the_next_exchange() {
    let running = start(&[("a", "127.0.27.2", 0, Profile::E3V150)]);
    running.plant.set_switch("a", "late-pct=100").unwrap();
    running.plant.set_switch("a", "late-ms=14000").unwrap();
    let mut unit = running.unit("a");
    let clock = Arc::clone(&running.clock);
    unit.until(&clock, "late answers count", |told| told.numbers(Metric::BatterySoc).len() >= 2).await;
    running.end().await;
}

#[tokio::test]
async fn a_forger_on_another_address_is_not_heard() {
    let running = start(&[("a", "127.0.28.2", 0, Profile::E3V150)]);
    let forger = SocketAddr::new("127.0.28.66".parse().unwrap(), free_port("127.0.28.66"));
    running.plant.set_switch("a", &format!("spoof={forger}")).unwrap();
    let mut unit = running.unit("a");
    let clock = Arc::clone(&running.clock);
    unit.until(&clock, "it is read", |told| told.numbers(Metric::BatterySoc).len() >= 6).await;
    assert!(unit.told.numbers(Metric::BatterySoc).iter().all(|soc| *soc > 30.0));
    running.end().await;
}
