//! The plant on real UDP sockets: one per device address, one listener per port for broadcasts.
//!
//! ```text
//!   client --unicast----> 127.0.0.2:30000       device task --answer, delayed--> client
//!   client --broadcast--> 127.255.255.255:30000 listener --> every device with that port answers from its own socket
//! ```
//!
//! A socket bound to a unicast address hears no broadcasts, hence the listener. All sockets set `SO_REUSEADDR`, so that a
//! client bound to `0.0.0.0` and the same port can live beside them (real clients do that).
//!
//! Inverters have no address but [ways](Front) to them; `cable` carries between each and its unit.

mod cable;
mod socket;
mod unit;

pub use socket::StartError;

use crate::{
    house::{Settings, Truth},
    marstek::{Cast, Counters, Switches},
    site::{BatterySetup, Delivery, InMemory, SetupError, UnitError},
    voltronic::{Front, InverterSetup},
};
use socket::{Claim, bind, broadcast_address};
use std::{
    collections::BTreeSet,
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Orders that may wait for one device's task.
const ORDERS_MAX: usize = 16;
/// How often the house moves on when nobody asks.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// A plant to be started.
#[derive(Debug)]
pub struct Plant {
    origin: Origin,
    batteries: Vec<BatterySetup>,
    inverters: Vec<InverterSetup>,
    /// The ways to an inverter, by its name.
    fronts: Vec<(String, Vec<Front>)>,
    speed: f64,
    broadcast: Option<SocketAddr>,
}

/// Where a plant begins.
#[derive(Debug)]
enum Origin {
    New(Settings),
    Continued(Box<InMemory>),
}

/// What the tasks share.
#[derive(Debug)]
struct Shared {
    site: Mutex<InMemory>,
    clock: Clock,
    /// One sender per device, in the order of the site.
    mail: Vec<mpsc::Sender<Mail>>,
}

/// What a device's task is told.
#[derive(Debug)]
enum Mail {
    /// From now on this socket.
    Open(UdpSocket),
    /// The port is closed.
    Close,
    /// Datagrams to be sent when their time comes.
    Send(Vec<Delivery>),
}

/// The house's time: the runtime's clock, scaled.
#[derive(Debug, Clone, Copy)]
struct Clock {
    origin: Instant,
    start_unix_ms: i64,
    speed: f64,
}

impl Clock {
    fn now_ms(&self) -> i64 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a cast from float saturates after 292 million years"
        )]
        let elapsed_ms = (self.origin.elapsed().as_secs_f64() * 1_000.0 * self.speed) as i64;
        self.start_unix_ms.saturating_add(elapsed_ms)
    }

    fn due(&self, after_ms: u64) -> Instant {
        Instant::now() + Duration::from_secs_f64(after_ms as f64 / 1_000.0 / self.speed)
    }
}

impl Plant {
    /// A plant with a house and no batteries yet, in real time.
    pub fn builder(settings: Settings) -> Self {
        Self {
            origin: Origin::New(settings),
            batteries: Vec::new(),
            inverters: Vec::new(),
            fronts: Vec::new(),
            speed: 1.0,
            broadcast: None,
        }
    }

    /// A plant that goes on where a site in memory has come to: its past can be lived quickly, then served.
    pub fn continuing(site: InMemory) -> Self {
        Self {
            origin: Origin::Continued(Box::new(site)),
            batteries: Vec::new(),
            inverters: Vec::new(),
            fronts: Vec::new(),
            speed: 1.0,
            broadcast: None,
        }
    }

    /// Adds a battery.
    #[must_use]
    pub fn battery(mut self, setup: BatterySetup) -> Self {
        self.batteries.push(setup);
        self
    }

    /// Adds an inverter.
    #[must_use]
    pub fn inverter(mut self, setup: InverterSetup, fronts: Vec<Front>) -> Self {
        self = self.front(&setup.name, fronts);
        self.inverters.push(setup);
        self
    }

    /// Adds ways to an inverter that is there already, by its name.
    #[must_use]
    pub fn front(mut self, name: &str, fronts: Vec<Front>) -> Self {
        self.fronts.push((name.to_owned(), fronts));
        self
    }

    /// How much faster than real time the house lives.
    #[must_use]
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// Where broadcasts are heard. `None`: 127.255.255.255 if every battery is on loopback, 0.0.0.0 if not, on each
    /// battery's port. A port of 0 also means each battery's port.
    #[must_use]
    pub fn broadcast(mut self, address: Option<SocketAddr>) -> Self {
        self.broadcast = address;
        self
    }

    /// The same plant without sockets.
    pub fn in_memory(self) -> Result<InMemory, SetupError> {
        match self.origin {
            Origin::New(settings) => InMemory::new(settings, self.batteries)?.with_inverters(self.inverters),
            Origin::Continued(mut site) => {
                site.install_all(self.batteries)?;
                site.with_inverters(self.inverters)
            }
        }
    }

    /// Binds the sockets and starts the tasks; they end when `stop` is cancelled.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the caller's token, as every task of the product takes it"
    )]
    pub fn start(self, tasks: &TaskTracker, stop: CancellationToken) -> Result<PlantHandle, StartError> {
        let (speed, broadcast, fronts) = (self.speed, self.broadcast, self.fronts.clone());
        if !(0.001..=100_000.0).contains(&speed) {
            return Err(StartError::Setup(SetupError::Speed { speed }));
        }
        let stop = stop.child_token();
        let mut site = self.in_memory().map_err(StartError::Setup)?;
        check_fronts(&site, &fronts)?;
        let (mut sockets, mut ours) = (Vec::new(), BTreeSet::new());
        for index in 0..site.len() {
            if !site.is_open(index) {
                sockets.push(None);
                continue;
            }
            let (socket, bound) = bind(site.name_at(index), site.address_at(index), Claim::Alone)?;
            site.settle(index, bound);
            ours.insert(bound);
            sockets.push(Some(socket));
        }
        let clock = Clock { origin: Instant::now(), start_unix_ms: site.now_ms(), speed };
        let (mail, boxes): (Vec<_>, Vec<_>) = sockets.iter().map(|_| mpsc::channel(ORDERS_MAX)).unzip();
        let shared = Arc::new(Shared { site: Mutex::new(site), clock, mail });
        for (index, (inbox, socket)) in boxes.into_iter().zip(sockets).enumerate() {
            tasks.spawn(unit::run(Arc::clone(&shared), index, socket, inbox, stop.clone()));
        }
        tasks.spawn(heartbeat(Arc::clone(&shared), stop.clone()));
        for (name, fronts) in &fronts {
            cable::start(&shared, name, fronts.clone(), tasks, &stop);
        }
        let handle = PlantHandle {
            fronts: Arc::new(fronts),
            shared,
            tasks: tasks.clone(),
            stop,
            broadcast,
            listening: Arc::default(),
            ours: Arc::new(Mutex::new(ours)),
        };
        handle.listen_for_broadcasts().inspect_err(|_| handle.stop.cancel())?;
        Ok(handle)
    }
}

/// Whether every inverter can be reached as ordered: told before anything runs.
fn check_fronts(site: &InMemory, fronts: &[(String, Vec<Front>)]) -> Result<(), StartError> {
    let mut taken = Vec::new();
    for (name, front) in
        fronts.iter().flat_map(|(name, fronts)| fronts.iter().map(move |front| (name, front)))
    {
        site.inverter(name).map_err(|error| StartError::Inverter { source: error })?;
        let checked = if taken.contains(&front) {
            Err(std::io::Error::new(
                std::io::ErrorKind::AlreadyExists,
                "it is the way to an inverter already",
            ))
        } else {
            front.check()
        };
        checked.map_err(|source| StartError::Front { who: name.clone(), front: front.address(), source })?;
        taken.push(front);
    }
    Ok(())
}

/// A running plant. Clones are handles to the same plant.
#[derive(Debug, Clone)]
pub struct PlantHandle {
    fronts: Arc<Vec<(String, Vec<Front>)>>,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    stop: CancellationToken,
    broadcast: Option<SocketAddr>,
    /// Where broadcasts are heard already.
    listening: Arc<Mutex<BTreeSet<SocketAddr>>>,
    /// Every address that a device of this plant ever had.
    ours: Arc<Mutex<BTreeSet<SocketAddr>>>,
}

impl PlantHandle {
    /// Names and addresses, as bound.
    pub fn addresses(&self) -> Vec<(String, SocketAddr)> {
        let site = self.shared.site();
        (0..site.len()).map(|index| (site.name_at(index).to_owned(), site.address_at(index))).collect()
    }

    /// The inverters and the ways to each.
    pub fn inverters(&self) -> &[(String, Vec<Front>)] {
        &self.fronts
    }

    /// Sets a switch of an inverter from `name=value`.
    pub fn set_inverter_switch(&self, name: &str, text: &str) -> Result<(), UnitError> {
        self.shared.present().set_inverter_switch(name, text)
    }

    /// Where one battery is now.
    pub fn address(&self, name: &str) -> Result<SocketAddr, UnitError> {
        self.shared.site().address(name)
    }

    /// Where broadcasts are heard.
    pub fn broadcast_addresses(&self) -> Vec<SocketAddr> {
        lock(&self.listening).iter().copied().collect()
    }

    /// The house's present, Unix ms.
    pub fn now_ms(&self) -> i64 {
        self.shared.clock.now_ms()
    }

    /// The house's clock, Unix ms, for what stands beside it.
    pub fn clock(&self) -> crate::tempo::Now {
        let shared = Arc::clone(&self.shared);
        Arc::new(move || shared.clock.now_ms())
    }

    /// What is really going on at this moment.
    pub fn truth(&self) -> Truth {
        self.shared.present().truth()
    }

    /// The switches of a battery as they stand.
    pub fn switches(&self, name: &str) -> Result<Switches, UnitError> {
        self.shared.site().device(name).map(|device| device.switches.clone())
    }

    /// Sets a switch of a battery from `name=value`; `move-to` and `refuse` act on its socket at once.
    pub fn set_switch(&self, name: &str, text: &str) -> Result<(), ChangeError> {
        self.change(name, |site| site.set_switch(name, text))
    }

    /// Changes the switches of a battery.
    pub fn change_switches(&self, name: &str, change: impl FnOnce(&mut Switches)) -> Result<(), ChangeError> {
        self.change(name, |site| site.device_mut(name).map(|device| change(&mut device.switches)))
    }

    /// Gives a battery another address, as DHCP does. The old one is closed.
    pub fn move_to(&self, name: &str, address: SocketAddr) -> Result<SocketAddr, ChangeError> {
        self.change(name, |site| {
            site.device_mut(name).map(|device| device.switches.move_to = Some(address))
        })?;
        Ok(self.address(name)?)
    }

    /// What happened on a battery's socket.
    pub fn counters(&self, name: &str) -> Result<Counters, UnitError> {
        self.shared.site().counters(name)
    }

    /// Turns a battery off and on again.
    pub fn reset(&self, name: &str) -> Result<(), UnitError> {
        self.shared.present().reset(name)
    }

    /// Looks into the site, or changes it, at this moment: pinned readings, orders to the house. The plant waits
    /// meanwhile: a call of another method of the handle from inside would wait for ever.
    pub fn with_site<T>(&self, look: impl FnOnce(&mut InMemory) -> T) -> T {
        look(&mut self.shared.present())
    }

    /// Applies a change, then makes the socket follow. If it cannot, the old switches come back.
    fn change(
        &self,
        name: &str,
        change: impl FnOnce(&mut InMemory) -> Result<(), UnitError>,
    ) -> Result<(), ChangeError> {
        let mut site = self.shared.present();
        let index = site.index(name)?;
        let before = (site.address_at(index), site.is_open(index));
        let switches = site.device(name)?.switches.clone();
        change(&mut site)?;
        let after = (site.address_at(index), site.is_open(index));
        if before == after {
            return Ok(());
        }
        let mail = if after.1 {
            match self.rebind(&mut site, index, after.0) {
                Ok(socket) => Mail::Open(socket),
                Err(error) => {
                    site.device_mut(name)?.switches = switches;
                    return Err(error.into());
                }
            }
        } else {
            Mail::Close
        };
        drop(site);
        self.shared.mail[index].try_send(mail).map_err(|_| ChangeError::Busy { name: name.to_owned() })?;
        self.listen_for_broadcasts()?;
        Ok(())
    }

    /// A socket for a device that moved or came back.
    fn rebind(
        &self,
        site: &mut InMemory,
        index: usize,
        address: SocketAddr,
    ) -> Result<UdpSocket, StartError> {
        let occupied = (0..site.len()).any(|other| other != index && site.address_at(other) == address);
        let claim = if lock(&self.ours).contains(&address) { Claim::Beside } else { Claim::Alone };
        if occupied {
            return Err(StartError::InUse { who: site.name_at(index).to_owned(), address });
        }
        let (socket, bound) = bind(site.name_at(index), address, claim)?;
        site.settle(index, bound);
        lock(&self.ours).insert(bound);
        Ok(socket)
    }

    /// One listener for each port in use, as far as there is none yet.
    fn listen_for_broadcasts(&self) -> Result<(), StartError> {
        let addresses: Vec<_> = self.addresses().into_iter().map(|(_, address)| address).collect();
        let loopback = addresses.iter().all(|address| address.ip().is_loopback());
        for port in addresses
            .iter()
            .filter(|address| address.is_ipv4())
            .map(SocketAddr::port)
            .collect::<BTreeSet<_>>()
        {
            let address = broadcast_address(self.broadcast, loopback, port);
            if port == 0 || lock(&self.listening).contains(&address) {
                continue;
            }
            let (socket, _) = bind("the broadcast listener", address, Claim::Beside)?;
            lock(&self.listening).insert(address);
            self.tasks.spawn(unit::listen(Arc::clone(&self.shared), socket, port, self.stop.clone()));
        }
        Ok(())
    }
}

/// Why a change of a running plant did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No such battery, or no such switch.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// The new address cannot be had.
    #[error(transparent)]
    Socket(#[from] StartError),
    /// The device's task has more waiting than it may, or has ended.
    #[error("battery {name:?} takes no change now: its task is busy or has ended")]
    Busy {
        /// The battery.
        name: String,
    },
}

impl Shared {
    fn site(&self) -> MutexGuard<'_, InMemory> {
        lock(&self.site)
    }

    /// The site, brought up to this moment.
    fn present(&self) -> MutexGuard<'_, InMemory> {
        let mut site = self.site();
        site.advance(self.clock.now_ms());
        site
    }

    fn unicast(&self, index: usize, from: SocketAddr, bytes: &[u8]) -> Vec<Delivery> {
        let now_ms = self.clock.now_ms();
        let mut site = self.present();
        site.receive(index, now_ms, from, bytes, Cast::Unicast)
    }

    /// Hands each answer to a broadcast to the task of the device that gives it.
    fn broadcast(&self, from: SocketAddr, port: u16, bytes: &[u8]) {
        let now_ms = self.clock.now_ms();
        let mut site = self.present();
        for index in 0..site.len() {
            if site.address_at(index).port() == port {
                let answers = site.receive(index, now_ms, from, bytes, Cast::Broadcast);
                if self.mail[index].try_send(Mail::Send(answers)).is_err() {
                    tracing::debug!(
                        device = site.name_at(index),
                        "answer to a broadcast dropped: the device is busy"
                    );
                }
            }
        }
    }
}

/// A panic elsewhere leaves the site as it was between two steps: it can be used on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the house moving when nobody asks, so that a question after an hour is not answered from a leap.
async fn heartbeat(shared: Arc<Shared>, stop: CancellationToken) {
    let mut beat = tokio::time::interval(HEARTBEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while stop.run_until_cancelled(beat.tick()).await.is_some() {
        drop(shared.present());
    }
}
