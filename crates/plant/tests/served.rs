//! The plant on real sockets of the loopback, with a client written from the protocol's document alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]

use ohmstead_plant::house::{Mode, Settings};
use ohmstead_plant::marstek::Drop;
use ohmstead_plant::{BatterySetup, ChangeError, Plant, PlantHandle, Profile, SetupError, StartError};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::{net::UdpSocket, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Far beyond any healthy answer at the speeds used here.
const DEADLINE: Duration = Duration::from_secs(10);

fn setup(name: &str, ip: &str, port: u16, profile: Profile) -> BatterySetup {
    BatterySetup::new(name, SocketAddr::new(ip.parse().unwrap(), port), profile)
}

struct Running {
    plant: PlantHandle,
    tasks: TaskTracker,
    stop: CancellationToken,
}

fn start(plant: Plant) -> Running {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let plant = plant.start(&tasks, stop.clone()).unwrap();
    Running { plant, tasks, stop }
}

impl Running {
    async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        timeout(DEADLINE, self.tasks.wait()).await.expect("all tasks end when told");
    }
}

/// One request, one reply with the same id from the address asked, in the manner of the document.
struct Client {
    socket: UdpSocket,
    next_id: u16,
}

impl Client {
    async fn new() -> Self {
        Self { socket: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(), next_id: 1 }
    }

    async fn send(&mut self, to: SocketAddr, method: &str, params: Value) -> u16 {
        self.next_id += 1;
        let request = json!({"id": self.next_id, "method": method, "params": params});
        self.socket.send_to(request.to_string().as_bytes(), to).await.unwrap();
        self.next_id
    }

    async fn datagram(&mut self) -> (Value, SocketAddr) {
        let mut buffer = vec![0; 65_535];
        let (length, from) =
            timeout(DEADLINE, self.socket.recv_from(&mut buffer)).await.expect("a reply").unwrap();
        (serde_json::from_slice(&buffer[..length]).unwrap(), from)
    }

    async fn ask(&mut self, to: SocketAddr, method: &str, params: Value) -> Value {
        let id = self.send(to, method, params).await;
        loop {
            let (reply, from) = self.datagram().await;
            if reply["id"] == id && from == to {
                return reply["result"].clone();
            }
        }
    }

    async fn get(&mut self, to: SocketAddr, method: &str) -> Value {
        self.ask(to, method, json!({"id": 0})).await
    }
}

#[tokio::test]
async fn a_client_from_the_document_lives_with_it() {
    let plant = Plant::builder(Settings::default())
        .battery(setup("a", "127.0.1.2", 0, Profile::E3V148))
        .battery(setup("b", "127.0.1.3", 0, Profile::Hmg50V156))
        .speed(200.0);
    let running = start(plant);
    let (a, b) = (running.plant.address("a").unwrap(), running.plant.address("b").unwrap());
    let mut client = Client::new().await;
    let device = client.ask(a, "Marstek.GetDevice", json!({"ble_mac": "0"})).await;
    assert_eq!((&device["device"], &device["ip"]), (&json!("VNSE3-0"), &json!("127.0.1.2")));
    assert_eq!(client.get(b, "Bat.GetStatus").await["rated_capacity"], 5120.0);
    let order =
        json!({"id": 0, "config": {"mode": "Passive", "passive_cfg": {"power": -800, "cd_time": 86_400}}});
    assert_eq!(client.ask(a, "ES.SetMode", order).await["set_result"], true);
    let settled = async { while client.get(a, "ES.GetMode").await["ongrid_power"] != -800 {} };
    timeout(DEADLINE, settled).await.expect("the battery follows within seconds of house time");
    let truth = running.plant.truth();
    assert_eq!(truth.batteries[0].mode, Mode::Passive);
    let sum: f64 =
        truth.grid_total_w() + truth.pv_w + truth.batteries.iter().map(|b| b.ac_power_w).sum::<f64>();
    assert!((sum - truth.load_w).abs() < 1e-6);
    let counters = running.plant.counters("a").unwrap();
    assert_eq!((counters.writes_received, counters.writes_applied), (1, 1));
    running.end().await;
}

#[tokio::test]
async fn a_broadcast_finds_all_and_each_answers_from_its_own_address() {
    let port = free_port("127.0.2.2").await;
    let plant = Plant::builder(Settings::default())
        .battery(setup("a", "127.0.2.2", port, Profile::E3V150))
        .battery(setup("b", "127.0.2.3", port, Profile::VaV149))
        .battery(setup("elsewhere", "127.0.2.4", 0, Profile::VdV150))
        .speed(50.0);
    let running = start(plant);
    assert!(
        running.plant.broadcast_addresses().contains(&format!("127.255.255.255:{port}").parse().unwrap())
    );
    let mut client = Client::new().await;
    client.socket.set_broadcast(true).unwrap();
    let everyone = SocketAddr::new(Ipv4Addr::new(127, 255, 255, 255).into(), port);
    client.send(everyone, "Marstek.GetDevice", json!({"ble_mac": "0"})).await;
    let mut found = [client.datagram().await, client.datagram().await];
    found.sort_by_key(|(_, from)| *from);
    let names: Vec<_> =
        found.iter().map(|(reply, from)| (reply["result"]["device"].clone(), from.to_string())).collect();
    assert_eq!(
        names,
        [(json!("VenusE 3.0"), format!("127.0.2.2:{port}")), (json!("VenusA"), format!("127.0.2.3:{port}")),]
    );
    assert_eq!(running.plant.counters("elsewhere").unwrap().datagrams, 0);
    running.end().await;
}

async fn free_port(ip: &str) -> u16 {
    UdpSocket::bind((ip, 0)).await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_client_on_the_same_port_lives_beside_it() {
    let running = start(
        Plant::builder(Settings::default()).battery(setup("a", "127.0.3.2", 0, Profile::E3V150)).speed(50.0),
    );
    let a = running.plant.address("a").unwrap();
    running.plant.set_switch("a", "same-port").unwrap();
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket.bind(&SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), a.port()).into()).unwrap();
    let mut client = Client { socket: UdpSocket::from_std(socket.into()).unwrap(), next_id: 7 };
    assert_eq!(client.get(a, "ES.GetMode").await["mode"], "Auto");
    running.end().await;
}

#[tokio::test]
async fn a_unit_moves_closes_comes_back_and_is_reset() {
    let running = start(
        Plant::builder(Settings::default()).battery(setup("a", "127.0.4.2", 0, Profile::E3V150)).speed(50.0),
    );
    let home = running.plant.address("a").unwrap();
    let mut client = Client::new().await;
    let there = running.plant.move_to("a", "127.0.4.9:0".parse().unwrap()).unwrap();
    assert_eq!(client.ask(there, "Marstek.GetDevice", json!({"ble_mac": "0"})).await["ip"], "127.00.04.09");
    assert!(is_closed(home).await, "the old address is closed");
    running.plant.set_switch("a", "move-to=off").unwrap();
    assert_eq!(client.get(home, "ES.GetMode").await["mode"], "Auto");
    running.plant.set_switch("a", "refuse").unwrap();
    assert!(is_closed(home).await, "a closed port answers by ICMP");
    running.plant.set_switch("a", "refuse=off").unwrap();
    assert_eq!(client.get(home, "ES.GetMode").await["mode"], "Auto");
    running.plant.change_switches("a", |switches| switches.freeze_on_empty = true).unwrap();
    client.socket.send_to(b"", home).await.unwrap();
    client.send(home, "ES.GetMode", json!({"id": 0})).await;
    while running.plant.counters("a").unwrap().drops_for(Drop::Frozen) == 0 {
        tokio::task::yield_now().await;
    }
    running.plant.reset("a").unwrap();
    assert_eq!(client.get(home, "ES.GetMode").await["mode"], "Auto");
    running.end().await;
}

/// Whether datagrams to the address come back as unreachable, within the deadline.
async fn is_closed(address: SocketAddr) -> bool {
    let probe = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    probe.connect(address).await.unwrap();
    let refused = async {
        loop {
            // The unit's task may not have closed its socket yet: send until it has.
            if probe.send(b"{}").await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, refused).await.is_ok()
}

#[tokio::test]
async fn a_forgery_arrives_from_the_forger_s_address() {
    let running = start(
        Plant::builder(Settings::default()).battery(setup("a", "127.0.5.2", 0, Profile::E3V150)).speed(50.0),
    );
    let a = running.plant.address("a").unwrap();
    let forger = SocketAddr::new("127.0.5.66".parse().unwrap(), free_port("127.0.5.66").await);
    running.plant.set_switch("a", &format!("spoof={forger}")).unwrap();
    let mut client = Client::new().await;
    client.send(a, "ES.GetMode", json!({"id": 0})).await;
    let first = client.datagram().await;
    let second = client.datagram().await;
    assert_eq!((first.1, second.1), (forger, a));
    assert_eq!(first.0["result"]["bat_soc"], json!(1));
    // The house lives on while the socket is slow: about 50 %, the unit's own, and not the forger's.
    let own = second.0["result"]["bat_soc"].as_f64();
    assert!(own.is_some_and(|soc| (45.0..=50.0).contains(&soc)), "{own:?}");
    running.end().await;
}

#[tokio::test]
async fn a_taken_or_foreign_address_is_named() {
    let running =
        start(Plant::builder(Settings::default()).battery(setup("a", "127.0.6.2", 0, Profile::E3V150)));
    let taken = running.plant.address("a").unwrap();
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let try_start = |setups: Vec<BatterySetup>| {
        let plant = setups.into_iter().fold(Plant::builder(Settings::default()), Plant::battery);
        plant.start(&tasks, stop.clone()).unwrap_err()
    };
    let error = try_start(vec![setup("b", "127.0.6.2", taken.port(), Profile::E3V150)]);
    assert!(matches!(error, StartError::InUse { .. }), "{error}");
    assert!(
        error.to_string().starts_with(&format!("b cannot listen on {taken}/udp: the address is in use;")),
        "{error}"
    );
    let error = try_start(vec![setup("b", "192.0.2.1", 30_000, Profile::E3V150)]);
    assert!(
        error.to_string().contains("this machine does not have the address; use one of 127.0.0.0/8"),
        "{error}"
    );
    let twice = ["b", "c"].map(|name| setup(name, "127.0.6.3", 30_000, Profile::E3V150));
    let error = try_start(twice.to_vec());
    assert!(matches!(error, StartError::Setup(SetupError::Address { .. })), "{error}");
    let namesakes = [2, 3].map(|n| setup("b", &format!("127.0.6.{n}"), 0, Profile::E3V150));
    assert!(try_start(namesakes.to_vec()).to_string().contains("two simulated devices are called \"b\""));
    let error = running.plant.move_to("a", "192.0.2.1:30000".parse().unwrap()).unwrap_err();
    assert!(matches!(error, ChangeError::Socket(StartError::NotAvailable { .. })), "{error}");
    assert_eq!(running.plant.address("a").unwrap(), taken, "it stays where it was");
    let error = running.plant.set_switch("z", "mute").unwrap_err();
    assert_eq!(error.to_string(), "no simulated battery is called \"z\"; there are a");
    assert!(running.plant.set_switch("a", "mut").is_err());
    running.end().await;
    let still = Plant::builder(Settings::default()).speed(0.0).start(&tasks, stop.clone()).unwrap_err();
    assert!(still.to_string().starts_with("speed 0 is not possible"), "{still}");
}

#[tokio::test]
async fn a_past_lived_in_memory_is_served_on() {
    let settings = Settings::default();
    let now_ms = settings.start_unix_ms + 7 * 86_400_000;
    let mut site =
        Plant::builder(settings).battery(setup("a", "127.0.8.2", 0, Profile::E3V150)).in_memory().unwrap();
    site.advance(now_ms);
    let past = site.truth();
    let running = start(Plant::continuing(site).battery(setup("b", "127.0.8.3", 0, Profile::E3V148)));
    let (a, b) = (running.plant.address("a").unwrap(), running.plant.address("b").unwrap());
    let mut client = Client::new().await;
    let given = client.get(a, "ES.GetStatus").await["total_grid_output_energy"].as_f64().unwrap();
    assert!(given > 1_000.0 && (given - past.batteries[0].ac_out_wh).abs() < 2.0, "{given}");
    assert_eq!(client.get(b, "ES.GetStatus").await["total_grid_output_energy"], 0);
    assert!(running.plant.now_ms() >= now_ms);
    running.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_house_follows_the_runtime_s_clock_at_its_speed() {
    let start_unix_ms = Settings::default().start_unix_ms;
    let running = start(
        Plant::builder(Settings::default()).battery(setup("a", "127.0.7.2", 0, Profile::E3V150)).speed(60.0),
    );
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(running.plant.now_ms() - start_unix_ms, 3_600_000);
    assert_eq!(running.plant.truth().unix_ms - start_unix_ms, 3_600_000);
    running.end().await;
}
