//! The house: two batteries, an inverter with loads of its own and a GX device, all in one simulated house.

use std::sync::{Arc, Mutex};

use ohmstead_model::UnixMillis;
use ohmstead_plant::house::Mode;
use ohmstead_plant::venus::Switches;
use ohmstead_plant::voltronic::{InverterSetup, Port as _};
use ohmstead_plant::{BatterySetup, InMemory, house};

use super::TestClock;
use super::air::Air;
use super::cable::Cables;
use super::cerbo::Cerbo;
use super::lock;
use super::luck::Fault;

/// The batteries, which take turns.
pub(super) const BATTERIES: [(&str, &str); 2] = [("a", "192.168.1.2"), ("b", "192.168.1.3")];
/// The inverter.
pub(super) const INVERTER: &str = "axpert";

/// The house with the wires to it. It outlives the program. One of the batteries and the inverter are set to something else
/// than their own automatic: what is given back is what the owner had.
pub(super) struct House {
    pub(super) clock: Arc<TestClock>,
    pub(super) site: Arc<Mutex<InMemory>>,
    pub(super) air: Arc<Air>,
    pub(super) cables: Arc<Cables>,
    pub(super) cerbo: Arc<Cerbo>,
    /// How everything was before the program's first start.
    pub(super) before: Vec<String>,
}

impl House {
    /// A house where chance falls by `seed`.
    pub(super) fn new(seed: u64) -> Self {
        let settings = house::Settings { seed, ..house::Settings::default() };
        let start_ms = settings.start_unix_ms;
        let clock = Arc::new(TestClock::scaled(UnixMillis(start_ms), 1.0));
        let batteries = BATTERIES.into_iter().zip([70.0, 40.0]).map(|((name, ip), soc_pct)| {
            let address = format!("{ip}:30000").parse().expect("an address");
            let profile = "e3-150".parse().expect("a profile");
            BatterySetup { soc_pct, ..BatterySetup::new(name, address, profile) }
        });
        let inverter = InverterSetup::new(INVERTER, "pi30-21".parse().expect("a profile"));
        let site = InMemory::new(settings, batteries.collect())
            .and_then(|site| site.with_inverters(vec![inverter]))
            .expect("a possible house");
        let mut site = site;
        let (resting, _) = BATTERIES[1];
        let battery = site.device(resting).expect("a battery").battery();
        site.house_mut().battery_mut(battery).mode = Mode::Manual;
        let site = Arc::new(Mutex::new(site));
        let air = Air::new(Arc::clone(&site), Arc::clone(&clock));
        let cables = Cables::new(Arc::clone(&site), Arc::clone(&clock));
        cables.plug(INVERTER, "1-1");
        let cerbo = Cerbo::new(Arc::clone(&site), Arc::clone(&clock), "");
        // The owner's choice, and not what the unit does of its own accord: POP00, the grid first.
        cables.unit(INVERTER, |unit| unit.receive(start_ms, b"POP00\xc2\x48\r"));
        let mut house = Self { clock, site, air, cables, cerbo, before: Vec::new() };
        house.before = house.levers();
        house
    }

    /// Something goes wrong.
    pub(super) fn suffer(&self, fault: Fault) {
        match fault {
            Fault::Battery(unit, switches) => {
                for switch in switches.split(' ') {
                    self.site(|site| site.set_switch(unit, switch)).expect("a switch");
                }
            }
            Fault::Inverter(switch) => {
                self.cables.unit(INVERTER, |unit| unit.switches.set(switch)).expect("a switch");
            }
            Fault::Unplugged => self.cables.pull(INVERTER),
            Fault::Gx(switch) => self.cerbo.gx(|gx| gx.set_switch(switch)).expect("a switch"),
            Fault::GxAway => self.cerbo.away(true),
            Fault::GridLost => self.site(|site| site.house_mut().set_grid(false)),
            Fault::DiskFull | Fault::Crash | Fault::Restart => {}
        }
    }

    /// Nothing is wrong any more.
    pub(super) fn heal(&self) {
        for (unit, _) in BATTERIES {
            self.site(|site| {
                let device = site.device_mut(unit).expect("a battery");
                device.switches = ohmstead_plant::Switches::default();
            });
        }
        self.cables.unit(INVERTER, |unit| unit.switches = ohmstead_plant::voltronic::Switches::default());
        self.cables.plug(INVERTER, "1-1");
        self.cerbo.gx(|gx| gx.change_switches(|switches| *switches = Switches::default()));
        self.cerbo.away(false);
        self.site(|site| site.house_mut().set_grid(true));
    }

    /// Everything that may ever be written, as it is in the devices.
    pub(super) fn levers(&self) -> Vec<String> {
        let batteries = self.site(|site| site.truth()).batteries;
        let mut levers: Vec<_> = batteries.iter().map(|battery| format!("{:?}", battery.mode)).collect();
        let truth = self.cables.unit(INVERTER, |unit| unit.truth());
        levers.push(format!("{:?} {:?}", truth.output_priority, truth.charger_priority));
        for path in ["Setpoint", "MaxDischargePower", "ForceCharge"] {
            levers.push(format!("{path} {:?}", self.cerbo.number("hub4", &format!("/Overrides/{path}"))));
        }
        for path in ["MaxDischargePower", "AcPowerSetPoint", "BatteryLife/State", "MaxFeedInPower"] {
            levers.push(format!(
                "{path} {:?}",
                self.cerbo.number("settings", &format!("/Settings/CGwacs/{path}"))
            ));
        }
        levers
    }

    /// Looks at the house at this moment, or changes it.
    pub(super) fn site<T>(&self, look: impl FnOnce(&mut InMemory) -> T) -> T {
        look(&mut lock(&self.site))
    }
}
