//! What the ESS loop is told in this second: settings, overrides, the battery's management and the meter, as the bus
//! shows them.

use super::Gx;
use crate::venus::{
    ess::{Around, Control, GridSight, Orders, Switch},
    tree::Service,
};

/// A setpoint of mode 3 holds so long unless told otherwise, s.
const SETPOINT_TTL_S: u64 = 60;

const ESS: &str = "/Settings/CGwacs";

impl Gx {
    pub(super) fn orders(&self, around: &Around) -> Orders {
        let settings = self.tree.service("settings");
        let setting = |name: &str| settings.and_then(|service| service.number(&format!("{ESS}/{name}")));
        let has_hub4 = self.tree.service("hub4").filter(|service| service.present);
        let order = |path: &str| has_hub4.and_then(|service| service.number(path));
        let limit = |number: Option<f64>| number.filter(|number| *number >= 0.0);
        let feed_in = order("/Overrides/FeedInExcess").unwrap_or(0.0);
        let standard = Orders::default();
        let units = self.switches.units.unwrap_or(standard.units).max(1.0);
        Orders {
            switch: self.switch(),
            control: self.control(setting("Hub4Mode")),
            sight: self.sight(setting("RunWithoutGridMeter")),
            load_in_w: around.load_in_w.iter().sum(),
            setpoint_w: order("/Overrides/Setpoint").or(setting("AcPowerSetPoint")).unwrap_or(50.0),
            max_discharge_w: limit(order("/Overrides/MaxDischargePower"))
                .or(limit(setting("MaxDischargePower"))),
            max_feed_in_w: limit(setting("MaxFeedInPower")),
            feeds_in_dc: is_one(setting("OvervoltageFeedIn")) && !is_one(Some(feed_in)) || feed_in > 1.5,
            feeds_in_ac: !is_one(setting("PreventFeedback")) && !is_one(Some(feed_in)) || feed_in > 1.5,
            min_soc_pct: setting("BatteryLife/MinimumSocLimit").unwrap_or(10.0),
            keeps_charged: setting("BatteryLife/State").is_some_and(|state| (8.5..9.5).contains(&state)),
            forces_charge: is_one(order("/Overrides/ForceCharge")),
            disables_charge: self.flag("vebus", "/Hub4/DisableCharge"),
            disables_feed_in: self.flag("vebus", "/Hub4/DisableFeedIn"),
            charge_a: self.charge_a(),
            discharge_a: self.shown("battery/512", "/Info/MaxDischargeCurrent"),
            input_limit_a: self.shown("vebus", "/Ac/In/1/CurrentLimit").unwrap_or(32.0) * units,
            pv_limit_w: self.pv_limit_w(),
            pv_disabled: is_one(order("/Pv/Disable")) || self.flag("vebus", "/PvInverter/Disable"),
            ramp_w_per_s: self.switches.ramp_w_per_s.unwrap_or(standard.ramp_w_per_s) * units,
            units,
            deadband_w: self.switches.deadband_w.unwrap_or(standard.deadband_w),
            reconnect_s: self.switches.reconnect_s.map_or(standard.reconnect_s, |seconds| seconds as f64),
        }
    }

    /// The number that clients see at a path of a service on the bus.
    fn shown(&self, service: &str, path: &str) -> Option<f64> {
        self.tree.service(service).filter(|service| service.present)?.item(path)?.value().number()
    }

    fn flag(&self, service: &str, path: &str) -> bool {
        is_one(self.tree.service(service).and_then(|service| service.number(path)))
    }

    fn switch(&self) -> Switch {
        // The Multi goes on in its mode whether its driver lives or not.
        match self.tree.service("vebus").and_then(|service| service.number("/Mode")) {
            Some(mode) if mode < 1.5 => Switch::ChargerOnly,
            Some(mode) if mode < 2.5 => Switch::InverterOnly,
            Some(mode) if mode > 3.5 => Switch::Off,
            _ => Switch::On,
        }
    }

    fn control(&self, mode: Option<f64>) -> Control {
        let Some(vebus) = self.tree.service("vebus") else { return Control::Charger };
        if vebus.item("/Hub4/AssistantId").is_none_or(|item| item.value().is_invalid()) {
            return Control::Charger;
        }
        // Without its driver nobody tells the Multi anything: the assistant goes to passthru.
        if !vebus.present {
            return Control::External(None);
        }
        match mode {
            Some(mode) if mode > 2.5 => Control::External(self.external(vebus)),
            Some(mode) if mode > 1.5 => Control::PerPhase,
            _ => Control::Total,
        }
    }

    /// The setpoints of mode 3, while the youngest of them is young enough.
    fn external(&self, vebus: &Service) -> Option<[f64; 3]> {
        let limit_s = self.switches.setpoint_ttl_s.unwrap_or(SETPOINT_TTL_S);
        let path = |phase: usize| format!("/Hub4/L{}/AcPowerSetpoint", phase + 1);
        let youngest_ms = (0..3).filter_map(|phase| self.age_ms("vebus", &path(phase))).min()?;
        if u64::try_from(youngest_ms).unwrap_or(0) >= limit_s.saturating_mul(1_000) {
            return None;
        }
        Some(std::array::from_fn(|phase| vebus.number(&path(phase)).unwrap_or(0.0)))
    }

    fn sight(&self, without: Option<f64>) -> GridSight {
        let phases = [1, 2, 3].map(|phase| self.shown("grid", &format!("/Ac/L{phase}/Power")));
        match phases {
            [Some(one), Some(two), Some(three)] => GridSight::Meter([one, two, three]),
            _ if is_one(without) => GridSight::Without,
            _ => GridSight::Missing,
        }
    }

    /// The lowest of the battery's own limit and the one of DVCC.
    fn charge_a(&self) -> Option<f64> {
        let user = self
            .tree
            .service("settings")
            .and_then(|service| service.number("/Settings/SystemSetup/MaxChargeCurrent"));
        let battery = self.shown("battery/512", "/Info/MaxChargeCurrent");
        [user.filter(|amperes| *amperes >= 0.0), battery].into_iter().flatten().reduce(f64::min)
    }

    /// The PV inverter goes on with its last limit until it forgets it.
    fn pv_limit_w(&self) -> f64 {
        self.tree
            .service("pvinverter")
            .and_then(|service| service.number("/Ac/PowerLimit"))
            .unwrap_or(f64::INFINITY)
    }
}

fn is_one(number: Option<f64>) -> bool {
    number.is_some_and(|number| (0.5..1.5).contains(&number))
}
