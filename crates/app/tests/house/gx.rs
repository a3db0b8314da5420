//! A simulated GX device on a bus of its own, in a thread of its own, in real time.

use std::thread::JoinHandle;

use ohmstead_plant::venus::ess::Around;
use ohmstead_plant::venus::{Setup, Venus, VenusHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bus::Daemon;

/// The device and its bus.
pub(crate) struct Gx {
    pub(crate) handle: VenusHandle,
    bus: Daemon,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Gx {
    /// A three-phase site with these switches, by further ways too.
    pub(crate) fn start(switches: &str, demand_w: f64, ways: impl FnOnce(Venus) -> Venus) -> Self {
        let bus = Daemon::start();
        let load_in_w = [demand_w / 3.0; 3];
        let around = Around { load_in_w, load_out_w: [0.0; 3], ..Around::default() };
        let setup = Setup { switches: switches.parse().unwrap(), ..Setup::default() };
        let venus = ways(Venus::new(setup).around(around).bus(bus.address()));
        let stop = CancellationToken::new();
        let (sender, started) = std::sync::mpsc::sync_channel(1);
        let stopping = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let tracker = TaskTracker::new();
                sender.send(venus.start(&tracker, stopping.clone()).await.unwrap()).unwrap();
                stopping.cancelled().await;
                tracker.close();
                tracker.wait().await;
            });
        });
        Self { handle: started.recv().unwrap(), bus, stop, thread: Some(thread) }
    }

    /// `gx: { victron: ... }` over D-Bus, with `more` keys.
    pub(crate) fn device(&self, more: &str) -> String {
        format!("  gx: {{ victron: {{ dbus: \"{}\"{more} }} }}\n", self.bus.address())
    }

    pub(crate) fn number(&self, service: &str, path: &str) -> Option<f64> {
        self.handle.with(|gx| gx.tree().service(service)?.item(path)?.value().number())
    }

    /// The most that the overrides let it discharge with, W.
    pub(crate) fn bound(&self) -> Option<f64> {
        self.number("hub4", "/Overrides/MaxDischargePower").filter(|watts| *watts >= 0.0)
    }

    /// Every override and setting that is ever written.
    pub(crate) fn levers(&self) -> Vec<Option<f64>> {
        let hub4 = ["Setpoint", "MaxDischargePower", "ForceCharge"].map(|path| format!("/Overrides/{path}"));
        let settings = ["MaxDischargePower", "AcPowerSetPoint", "BatteryLife/State", "MaxFeedInPower"]
            .map(|path| format!("/Settings/CGwacs/{path}"));
        let hub4 = hub4.iter().map(|path| self.number("hub4", path));
        hub4.chain(settings.iter().map(|path| self.number("settings", path))).collect()
    }
}

impl Drop for Gx {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
