//! A GX on real sockets: what is ordered, what runs, and what it can be told while it runs.

use super::{
    ess::{Around, Surroundings},
    front::{
        dbus::{self, BusError},
        http, modbus, mqtt,
    },
    gx::{Gx, Requests, Setup, Wear},
    switches::SwitchError,
};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use http::Api;
pub use mqtt::Broker;

/// The house's second, however fast it passes; faster than this nobody could follow.
const TICK_MIN: Duration = Duration::from_millis(5);

/// A GX to be started.
pub struct Venus {
    origin: Origin,
    around: Box<dyn Surroundings>,
    start_unix_ms: i64,
    speed: f64,
    bus: Option<String>,
    api: Option<(SocketAddr, Api)>,
    modbus: Option<SocketAddr>,
    mqtt: Option<Broker>,
}

impl std::fmt::Debug for Venus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Venus").field("speed", &self.speed).finish_non_exhaustive()
    }
}

/// Where a GX comes from.
enum Origin {
    New(Box<Setup>),
    Continued(Box<Gx>),
}

/// Why a GX does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Nobody could follow.
    #[error("a speed of {speed} is none; 0.01 to 1000 are possible")]
    Speed {
        /// As asked for.
        speed: f64,
    },
    /// Without any front nobody could see it.
    #[error("a GX needs a way to it: a bus, an HTTP or Modbus address, or a broker")]
    NoFront,
    /// The services cannot be put on the bus.
    #[error("cannot put the services on the bus {address}")]
    Bus {
        /// The bus.
        address: String,
        /// Why not.
        #[source]
        source: BusError,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}/tcp for {what}")]
    Listen {
        /// Which front.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// What the tasks share.
pub(super) struct Shared {
    gx: Mutex<Gx>,
    origin: Instant,
    start_unix_ms: i64,
    speed: f64,
    /// Told at every step and write; the number itself means nothing.
    changed: watch::Sender<u64>,
}

impl Shared {
    fn now_ms(&self) -> i64 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a cast from float saturates after 292 million years"
        )]
        let elapsed_ms = (self.origin.elapsed().as_secs_f64() * 1_000.0 * self.speed) as i64;
        self.start_unix_ms.saturating_add(elapsed_ms)
    }

    /// The GX as it stands. A panic elsewhere leaves it between two steps: it can be used on.
    pub(super) fn gx(&self) -> MutexGuard<'_, Gx> {
        self.gx.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes up at every step and write.
    pub(super) fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Something changed outside of a step.
    pub(super) fn tell_all(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn advance(&self) {
        if self.gx().advance(self.now_ms()) {
            self.tell_all();
        }
    }

    /// How long a span of the house's time is in ours.
    pub(super) fn scaled(&self, span: Duration) -> Duration {
        span.div_f64(self.speed).max(TICK_MIN)
    }
}

impl Venus {
    /// A GX in a quiet evening, in real time, without any way to it yet.
    pub fn new(setup: Setup) -> Self {
        Self::of(Origin::New(Box::new(setup)))
    }

    /// A GX that goes on with the batteries and counters that it has come to.
    pub fn continuing(gx: Gx) -> Self {
        Self::of(Origin::Continued(Box::new(gx)))
    }

    fn of(origin: Origin) -> Self {
        Self {
            origin,
            around: Box::new(Around::default()),
            start_unix_ms: 0,
            speed: 1.0,
            bus: None,
            api: None,
            modbus: None,
            mqtt: None,
        }
    }

    /// The house that it stands in.
    #[must_use]
    pub fn around(mut self, around: impl Surroundings + 'static) -> Self {
        self.around = Box::new(around);
        self
    }

    /// Its clock at the start, Unix ms.
    #[must_use]
    pub fn starting_at(mut self, unix_ms: i64) -> Self {
        self.start_unix_ms = unix_ms;
        self
    }

    /// How much faster than real time it lives.
    #[must_use]
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// Puts its services on a bus: `system`, `session`, or an address such as `unix:path=/tmp/bus`.
    #[must_use]
    pub fn bus(mut self, address: impl Into<String>) -> Self {
        self.bus = Some(address.into());
        self
    }

    /// Serves the port-8088 HTTP API.
    #[must_use]
    pub fn api(mut self, listen: SocketAddr, version: Api) -> Self {
        self.api = Some((listen, version));
        self
    }

    /// Serves Modbus TCP.
    #[must_use]
    pub fn modbus(mut self, listen: SocketAddr) -> Self {
        self.modbus = Some(listen);
        self
    }

    /// Publishes on a broker.
    #[must_use]
    pub fn mqtt(mut self, broker: Broker) -> Self {
        self.mqtt = Some(broker);
        self
    }

    /// Opens every way and starts the tasks; they end when `stop` is cancelled.
    pub async fn start(
        self,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<VenusHandle, StartError> {
        if !(0.01..=1_000.0).contains(&self.speed) {
            return Err(StartError::Speed { speed: self.speed });
        }
        if self.bus.is_none() && self.api.is_none() && self.modbus.is_none() && self.mqtt.is_none() {
            return Err(StartError::NoFront);
        }
        let stop = stop.child_token();
        let api = match self.api {
            Some((address, version)) => Some((listen("the HTTP API", address).await?, version)),
            None => None,
        };
        let modbus = match self.modbus {
            Some(address) => Some(listen("Modbus TCP", address).await?),
            None => None,
        };
        let shared = Arc::new(Shared {
            gx: Mutex::new(match self.origin {
                Origin::New(setup) => Gx::new(*setup, self.around, self.start_unix_ms),
                Origin::Continued(gx) => gx.moved(self.around),
            }),
            origin: Instant::now(),
            start_unix_ms: self.start_unix_ms,
            speed: self.speed,
            changed: watch::Sender::new(0),
        });
        if let Some(bus) = &self.bus {
            dbus::start(&shared, bus, tasks, &stop).await.inspect_err(|_| stop.cancel())?;
        }
        let mut handle = VenusHandle { shared: Arc::clone(&shared), api: None, modbus: None };
        if let Some(((listener, address), version)) = api {
            handle.api = Some(address);
            tasks.spawn(http::run(Arc::clone(&shared), listener, version, stop.clone()));
        }
        if let Some((listener, address)) = modbus {
            handle.modbus = Some(address);
            modbus::start(&shared, listener, tasks, &stop);
        }
        if let Some(broker) = self.mqtt {
            tasks.spawn(mqtt::run(Arc::clone(&shared), broker, stop.clone()));
        }
        tasks.spawn(tick(shared, stop));
        Ok(handle)
    }
}

async fn listen(what: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { what, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// The loop's second.
async fn tick(shared: Arc<Shared>, stop: CancellationToken) {
    let mut beat = tokio::time::interval(shared.scaled(Duration::from_secs(1)));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(beat.tick()).await.is_some() {
        shared.advance();
    }
}

/// A running GX. Clones are handles to the same one.
#[derive(Clone)]
pub struct VenusHandle {
    shared: Arc<Shared>,
    api: Option<SocketAddr>,
    modbus: Option<SocketAddr>,
}

impl std::fmt::Debug for VenusHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VenusHandle")
            .field("api", &self.api)
            .field("modbus", &self.modbus)
            .finish_non_exhaustive()
    }
}

impl VenusHandle {
    /// Where the HTTP API listens, as bound.
    pub fn api(&self) -> Option<SocketAddr> {
        self.api
    }

    /// Where Modbus TCP listens, as bound.
    pub fn modbus(&self) -> Option<SocketAddr> {
        self.modbus
    }

    /// Sets a switch from `name=value`; it acts at once.
    pub fn set_switch(&self, text: &str) -> Result<(), SwitchError> {
        let done = self.shared.gx().set_switch(text);
        self.shared.tell_all();
        done
    }

    /// A driver crashes. Gives whether there is such a service.
    pub fn kill(&self, service: &str) -> bool {
        let done = self.shared.gx().kill(service);
        self.shared.tell_all();
        done
    }

    /// It comes back, perhaps on another port.
    pub fn revive(&self, service: &str, connection: Option<&str>) -> bool {
        let done = self.shared.gx().revive(service, connection);
        self.shared.tell_all();
        done
    }

    /// Restarts the GX: it is away for 80 of its seconds, and its volatile values are lost.
    pub fn reboot(&self) {
        self.shared.gx().reboot();
        self.shared.tell_all();
    }

    /// How often settings were written.
    pub fn wear(&self) -> Wear {
        self.shared.gx().wear()
    }

    /// How often clients wanted to change something.
    pub fn requests(&self) -> Requests {
        self.shared.gx().requests()
    }

    /// Looks into the GX, or changes it, at this moment. It waits meanwhile: a call of another method of the handle from
    /// inside would wait for ever.
    pub fn with<T>(&self, look: impl FnOnce(&mut Gx) -> T) -> T {
        let result = look(&mut self.shared.gx());
        self.shared.tell_all();
        result
    }
}
