//! A simulated GX with every way to it, and what it knows.

use std::net::{Ipv4Addr, SocketAddr};

use ohmstead_plant::venus::ess::Around;
use ohmstead_plant::venus::{Api, Broker as GxBroker, Setup, Venus, VenusHandle};
use serde_json::{Value as Json, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::support::{Broker, Daemon, Unit};

/// The clock of the house at the start, Unix ms.
const START_MS: i64 = 1_789_000_000_000;

/// The ways to a GX, in the order in which the driver prefers them.
pub(super) const WAYS: [&str; 4] = ["dbus", "mqtt", "http", "modbus"];

/// A GX, its bus and its broker.
pub(super) struct Rig {
    pub(super) daemon: Daemon,
    pub(super) broker: Broker,
    pub(super) gx: VenusHandle,
    speed: u32,
    _stop: DropGuard,
}

impl Rig {
    /// In this house, so many of its seconds in one of ours.
    pub(super) async fn start(around: Around, speed: u32) -> Self {
        Self::with(Setup::default(), around, speed).await
    }

    pub(super) async fn with(setup: Setup, around: Around, speed: u32) -> Self {
        let (daemon, broker, stop) = (Daemon::start(), Broker::start(), CancellationToken::new());
        let any = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
        let gx = Venus::new(setup)
            .around(around)
            .starting_at(START_MS)
            .speed(f64::from(speed))
            .bus(daemon.address())
            .api(any, Api::V3)
            .modbus(any)
            .mqtt(GxBroker::new("127.0.0.1", broker.port))
            .start(&TaskTracker::new(), stop.clone())
            .await
            .expect("it starts");
        gx.set_switch("ai-write").expect("a switch");
        Self { daemon, broker, gx, speed, _stop: stop.drop_guard() }
    }

    /// A driver on one of the ways.
    pub(super) fn unit(&self, way: &str) -> Unit {
        let mut settings = json!({ "interval": "1 s" });
        settings[way] = self.address(way);
        self.unit_of(settings)
    }

    /// The same, started again with what an earlier run has left.
    pub(super) fn unit_again(&self, way: &str, memory: Option<String>) -> Unit {
        let mut settings = json!({ "interval": "1 s" });
        settings[way] = self.address(way);
        Unit::again(settings, self.speed, memory)
    }

    pub(super) fn unit_of(&self, settings: Json) -> Unit {
        Unit::of(settings, self.speed)
    }

    pub(super) fn address(&self, way: &str) -> Json {
        match way {
            "dbus" => self.daemon.address().into(),
            "mqtt" => format!("127.0.0.1:{}", self.broker.port).into(),
            "http" => format!("http://{}", self.gx.api().expect("it listens")).into(),
            "modbus" => self.gx.modbus().expect("it listens").to_string().into(),
            other => panic!("no way is called {other}"),
        }
    }

    /// The number that a service holds, whatever is shown.
    pub(super) fn number(&self, service: &str, path: &str) -> Option<f64> {
        self.gx.with(|gx| gx.tree().service(service)?.number(path))
    }
}

/// A sunny morning: loads on both sides, panels on both sides, all phases different.
pub(super) fn morning() -> Around {
    Around {
        load_in_w: [620.0, 310.0, 180.0],
        load_out_w: [240.0, 160.0, 90.0],
        pv_ac_w: [300.0, 300.0, 300.0],
        pv_dc_w: 1_150.0,
        ..Around::default()
    }
}
