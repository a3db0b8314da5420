//! Simulated batteries on real sockets, in a thread of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use ohmstead_plant::{BatterySetup, Plant, PlantHandle, Settings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// One battery of a test: name, profile, switches, state of charge.
pub(crate) struct Unit(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) &'static [&'static str],
    pub(crate) f64,
);

/// The running batteries.
pub(crate) struct Batteries {
    pub(crate) handle: PlantHandle,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Batteries {
    /// Starts them on free ports of 127.0.41.x.
    pub(crate) fn start(units: &[Unit]) -> Self {
        let plant =
            units.iter().zip(2u8..).fold(Plant::builder(Settings::default()), |plant, (unit, host)| {
                let Unit(name, profile, switches, soc_pct) = unit;
                let listen = SocketAddr::new(Ipv4Addr::new(127, 0, 41, host).into(), 0);
                let mut setup = BatterySetup::new(*name, listen, profile.parse().unwrap());
                setup.soc_pct = *soc_pct;
                setup.ble_mac = format!("0200000041{host:02x}");
                switches.iter().for_each(|text| setup.switches.set(text).unwrap());
                plant.battery(setup)
            });
        let stop = CancellationToken::new();
        let (sender, started) = std::sync::mpsc::sync_channel(1);
        let stopping = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let tracker = TaskTracker::new();
                sender.send(plant.start(&tracker, stopping.clone()).unwrap()).unwrap();
                stopping.cancelled().await;
                tracker.close();
                tracker.wait().await;
            });
        });
        Self { handle: started.recv().unwrap(), stop, thread: Some(thread) }
    }

    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.handle.address(name).unwrap()
    }

    /// `name: { marstek: ... }` with impatient timing, and `more` keys.
    pub(crate) fn device(&self, name: &str, more: &str) -> String {
        device(name, self.address(name), more)
    }

    /// The mode that the first battery is in.
    pub(crate) fn mode(&self) -> String {
        format!("{:?}", self.handle.truth().batteries[0].mode)
    }

    /// `ES.SetMode` requests that reached the battery.
    pub(crate) fn writes(&self, name: &str) -> u64 {
        self.handle.counters(name).unwrap().writes_received
    }
}

/// The configuration of a battery at `address`.
pub(crate) fn device(name: &str, address: SocketAddr, more: &str) -> String {
    format!(
        "  {name}: {{ marstek: {{ host: {}, port: {}, interval: 1 s, timeout: 300 ms, quiet_gap: 20 ms{more} }} }}\n",
        address.ip(),
        address.port()
    )
}

impl Drop for Batteries {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
