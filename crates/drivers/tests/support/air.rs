//! The network in memory. Harsher than a real one: a socket hears everybody who sends to its port, whoever it talks to.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ohmstead_drivers::BoxFuture;
use ohmstead_drivers::transports::udp::{Datagrams, Network, SourcePort};
use ohmstead_model::Clock as _;
use ohmstead_plant::{BatteryTruth, InMemory};
use tokio::time::Instant;

use super::{TestClock, lock};

/// This machine.
const US: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 250);

/// A request as it left the driver.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) at: Duration,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) text: String,
    /// What was really the case with the unit asked, and the house's meter, at that moment.
    pub(crate) truth: Option<(BatteryTruth, Meter)>,
    /// The unit asked.
    pub(crate) unit: Option<String>,
}

/// The house's meter: power in W, energy bought and sold in Wh.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    pub(crate) power: f64,
    pub(crate) import: f64,
    pub(crate) export: f64,
}

impl Request {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn method(&self) -> String {
        self.json()["method"].as_str().unwrap_or_default().to_owned()
    }
}

type Mail = Reverse<(Instant, u64, SocketAddr, Option<Vec<u8>>)>;

/// A test's own words: the datagrams that follow a request, each after a time and from an address; none is an
/// unreachable port. They come in addition to the simulator's.
type Extra = Box<dyn FnMut(&Request) -> Vec<(Duration, SocketAddr, Option<Vec<u8>>)> + Send>;

#[derive(Default)]
struct Sockets {
    open: BTreeMap<u64, (SocketAddr, BinaryHeap<Mail>)>,
    count: u64,
    names: BTreeMap<String, SocketAddr>,
    occupied: Vec<u16>,
}

/// The network.
pub(crate) struct Air {
    site: Arc<Mutex<InMemory>>,
    clock: Arc<TestClock>,
    sockets: Mutex<Sockets>,
    requests: Mutex<Vec<Request>>,
    extra: Mutex<Option<Extra>>,
    ports: AtomicU16,
}

impl Air {
    pub(crate) fn new(site: Arc<Mutex<InMemory>>, clock: Arc<TestClock>) -> Arc<Self> {
        Arc::new(Self {
            site,
            clock,
            sockets: Mutex::default(),
            requests: Mutex::default(),
            extra: Mutex::default(),
            ports: AtomicU16::new(40_000),
        })
    }

    pub(crate) fn site<T>(&self, look: impl FnOnce(&mut InMemory) -> T) -> T {
        let mut site = lock(&self.site);
        site.advance(self.clock.now().unix.0);
        look(&mut site)
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.requests).clone()
    }

    pub(crate) fn forget_requests(&self) {
        lock(&self.requests).clear();
    }

    /// From now on the test answers too.
    pub(crate) fn answer(
        &self,
        extra: impl FnMut(&Request) -> Vec<(Duration, SocketAddr, Option<Vec<u8>>)> + Send + 'static,
    ) {
        *lock(&self.extra) = Some(Box::new(extra));
    }

    /// Forgets requests whose answers have long come.
    pub(crate) fn forget_old_requests(&self) {
        let old = self.clock.now().mono.saturating_sub(Duration::from_secs(180));
        lock(&self.requests).retain(|request| request.at > old);
    }

    pub(crate) fn name(&self, name: &str, address: &str) {
        lock(&self.sockets).names.insert(name.to_owned(), address.parse().unwrap());
    }

    /// Another program has this port.
    pub(crate) fn occupy(&self, port: u16) {
        lock(&self.sockets).occupied.push(port);
    }

    fn open_socket(self: &Arc<Self>, port: u16) -> Box<dyn Datagrams> {
        let mut sockets = lock(&self.sockets);
        sockets.count += 1;
        let number = sockets.count;
        let local = SocketAddr::new(US.into(), port);
        sockets.open.insert(number, (local, BinaryHeap::new()));
        Box::new(Socket { air: Arc::clone(self), number, local })
    }

    fn send(&self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let now = self.clock.now();
        let text = String::from_utf8(bytes.to_vec()).expect("requests are text");
        let deliveries = lock(&self.site).deliver(now.unix.0, from, to, bytes);
        let (unit, truth) = self.truth(to).unzip();
        let request = Request { at: now.mono, from, to, text, truth, unit };
        for delivery in deliveries {
            let after = Duration::from_millis(delivery.after_ms);
            self.post(after, delivery.from, delivery.to, Some(&delivery.bytes));
        }
        if self.is_closed(to) {
            self.post(Duration::from_millis(2), to, from, None);
        }
        if let Some(extra) = lock(&self.extra).as_mut() {
            for (after, sender, bytes) in extra(&request) {
                self.post(after, sender, from, bytes.as_deref());
            }
        }
        lock(&self.requests).push(request);
    }

    fn truth(&self, unit: SocketAddr) -> Option<(String, (BatteryTruth, Meter))> {
        let site = lock(&self.site);
        let index = site.names().position(|name| site.address(name).is_ok_and(|address| address == unit))?;
        let truth = site.truth();
        let meter = Meter { power: truth.grid_total_w(), import: truth.import_wh, export: truth.export_wh };
        let name = site.names().nth(index)?.to_owned();
        truth.batteries.into_iter().nth(index).map(|battery| (name, (battery, meter)))
    }

    /// Whether a host is there that refuses the port.
    fn is_closed(&self, to: SocketAddr) -> bool {
        let site = lock(&self.site);
        let mut names = site.names();
        names.any(|name| {
            site.address(name).is_ok_and(|at| at == to)
                && site.device(name).is_ok_and(|device| device.switches.refuse)
        })
    }

    fn post(&self, after: Duration, from: SocketAddr, to: SocketAddr, bytes: Option<&[u8]>) {
        let mut sockets = lock(&self.sockets);
        sockets.count += 1;
        let number = sockets.count;
        for (_, mail) in sockets.open.values_mut().filter(|(local, _)| *local == to) {
            mail.push(Reverse((Instant::now() + after, number, from, bytes.map(<[u8]>::to_vec))));
        }
    }
}

struct Socket {
    air: Arc<Air>,
    number: u64,
    local: SocketAddr,
}

impl Socket {
    fn due(&self) -> Option<Instant> {
        lock(&self.air.sockets).open[&self.number].1.peek().map(|Reverse((due, ..))| *due)
    }

    async fn next(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        // Whatever comes follows from what this socket sent before.
        let Some(due) = self.due() else { return std::future::pending().await };
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        }
        let mail = lock(&self.air.sockets).open.get_mut(&self.number).and_then(|(_, mail)| mail.pop());
        let Reverse((_, _, from, bytes)) = mail.expect("it was there before the wait");
        let bytes = bytes.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        Ok((length, from))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        lock(&self.air.sockets).open.remove(&self.number);
    }
}

impl Datagrams for Socket {
    fn send<'a>(&'a mut self, bytes: &'a [u8], to: SocketAddr) -> BoxFuture<'a, io::Result<()>> {
        self.air.send(self.local, to, bytes);
        Box::pin(std::future::ready(Ok(())))
    }

    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<(usize, SocketAddr)>> {
        Box::pin(self.next(buffer))
    }
}

/// The driver's way into the network.
pub(crate) struct Client(pub(crate) Arc<Air>);

impl Network for Client {
    fn open(&self, device: SocketAddr, source: SourcePort) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        let occupied = lock(&self.0.sockets).occupied.contains(&device.port());
        let socket = match source {
            SourcePort::Ephemeral => Ok(self.0.open_socket(self.0.ports.fetch_add(1, Ordering::Relaxed))),
            SourcePort::SameAsDevice if occupied => Err(io::ErrorKind::AddrInUse.into()),
            SourcePort::SameAsDevice => Ok(self.0.open_socket(device.port())),
        };
        Box::pin(std::future::ready(socket))
    }

    fn open_broadcast(&self) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        let socket = self.0.open_socket(self.0.ports.fetch_add(1, Ordering::Relaxed));
        Box::pin(std::future::ready(Ok(socket)))
    }

    fn resolve<'a>(&'a self, host: &'a str, _port: u16) -> BoxFuture<'a, io::Result<SocketAddr>> {
        let address = lock(&self.0.sockets).names.get(host).copied();
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no such name");
        Box::pin(std::future::ready(address.ok_or_else(missing)))
    }
}
