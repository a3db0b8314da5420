//! Whether a GX device can be controlled, and what of it.

use ohmstead_model::{Evidence, Metric, Observation, Value};

use super::{ESS_STATE, FORCE_CHARGE, MAX_DISCHARGE, SETPOINT};
use crate::victron::canonical::{values, word_of};
use crate::victron::site::Site;
use crate::victron::transport::Kind;
use crate::victron::tree::Part;

/// From this version on overrides are made for others than Victron's own programs.
const OVERRIDES_SINCE: (u32, u32) = (3, 50);

/// Why nothing can be written to this device over this way at present, if so.
pub(crate) fn precondition(site: &Site<'_>, kind: Kind) -> Result<(), String> {
    if kind == Kind::Modbus {
        return Err("Modbus TCP is only read: it cannot write \"no value\", which is how an override ends; configure dbus or mqtt as well".to_owned());
    }
    let Some(vebus) = site.vebus() else {
        let reason = match site.inverters.first() {
            Some(part) => {
                format!("only Multis and Quattros on VE.Bus can be controlled so far, not a {}", part.class)
            }
            None => "no Multi or Quattro is connected to the GX device".to_owned(),
        };
        return Err(reason);
    };
    match vebus.int("/Hub4/AssistantId") {
        Some(4 | 5) => {}
        Some(other) => return Err(format!("the inverter has an assistant that is not ESS (number {other})")),
        None => {
            return Err(
                "the inverter has no ESS assistant: it must be installed with VEConfigure first".to_owned()
            );
        }
    }
    match site.settings.and_then(|part| part.int("/Settings/CGwacs/Hub4Mode")) {
        Some(1 | 2) => {}
        Some(3) => {
            return Err(
                "ESS is set to external control: the GX device leaves control to another program".to_owned()
            );
        }
        Some(other) => return Err(format!("ESS is in a mode that is not known ({other})")),
        None => return Err("the GX device has not told its ESS mode yet".to_owned()),
    }
    if site.hub4.is_none() {
        return Err("the ESS program of the GX device (hub4) does not run".to_owned());
    }
    Ok(())
}

/// Why the battery is somebody else's at present: a program of Victron's own steers it. Nothing keeps from taking back
/// what was ours.
pub(super) fn is_free(site: &Site<'_>) -> Result<(), String> {
    let acts = |path: &str| site.system_number(path).is_some_and(|value| value > 0.0);
    let others = [
        ("/DynamicEss/Active", "Dynamic ESS"),
        ("/Control/ScheduledCharge", "a scheduled charge of the GX device"),
    ];
    match others.into_iter().find(|(path, _)| acts(path)) {
        Some((_, other)) => {
            Err(format!("{other} is in control of the battery: it is left alone until that ends"))
        }
        None => Ok(()),
    }
}

/// Why ESS could not do as asked at present, whatever is written.
pub(super) fn works(site: &Site<'_>) -> Result<(), String> {
    if site.lost_meter().is_some() {
        return Err("ESS does not measure the grid at present: its meter is lost".to_owned());
    }
    let Some(vebus) = site.vebus() else { return Ok(()) };
    match vebus.int("/State") {
        Some(0) => return Err("the inverter is off".to_owned()),
        Some(2) => return Err("the inverter is in fault".to_owned()),
        _ => {}
    }
    if vebus.int("/Ac/ActiveIn/Connected") == Some(0) {
        return Err("the inverter is not connected to the grid at present".to_owned());
    }
    if vebus.int("/Alarms/BmsConnectionLost").is_some_and(|alarm| alarm > 0) {
        return Err("the inverter has lost the battery's BMS".to_owned());
    }
    if site.bms.is_none() && site.tree.has_lost("battery") {
        return Err("the battery's BMS does not answer at present".to_owned());
    }
    Ok(())
}

/// The service with this override, if it can be used.
pub(super) fn volatile<'a>(site: &Site<'a>, path: &str) -> Option<&'a Part> {
    let known = site.platform.and_then(|part| part.text("/Firmware/Installed/Version")).and_then(version);
    let is_new_enough = known.is_none_or(|version| version >= OVERRIDES_SINCE);
    site.hub4.filter(|part| is_new_enough && part.has(path))
}

/// The first two numbers of `v3.70~33`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim_start_matches('v').split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Whether the BMS lets any current through; a battery without BMS has no say.
pub(super) fn bms_allows(site: &Site<'_>, path: &str, what: &str) -> Result<(), String> {
    match site.bms.and_then(|part| part.number(path)) {
        Some(amperes) if amperes <= 0.0 => {
            Err(format!("the battery's BMS allows no {what} at present (0 A)"))
        }
        _ => Ok(()),
    }
}

/// Whether ESS would discharge at all.
pub(super) fn above_minimum(site: &Site<'_>) -> Result<(), String> {
    let soc = site.system_number("/Dc/Battery/Soc");
    let limit = site.system_number("/Control/ActiveSocLimit");
    let limit = limit.or_else(|| site.setting("/Settings/CGwacs/BatteryLife/MinimumSocLimit"));
    match (soc, limit) {
        (Some(soc), Some(limit)) if soc <= limit => {
            Err(format!("the battery is at {soc} %, and ESS does not discharge it below {limit} %"))
        }
        (None, _) => Err("the battery's state of charge is not known".to_owned()),
        _ => Ok(()),
    }
}

/// Of what goes into the inverter so much comes out, either way, about; and what is left of it is its own use.
const EFFICIENCY: f64 = 0.95;
/// No inverter takes more than this for itself, W.
const OWN_USE_MAX: f64 = 300.0;

/// What flows in the house at present, W.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct House {
    pub(super) load: f64,
    /// Panels on the AC side.
    pub(super) ac_solar: f64,
    /// Panels on the battery's side.
    pub(super) dc_solar: f64,
    /// What the inverter takes for itself.
    pub(super) own_use: f64,
}

impl House {
    pub(super) fn of(site: &Site<'_>) -> Result<Self, String> {
        let values = values(site.tree);
        let number =
            |metric: Metric| values.iter().find(|(known, _)| *known == metric).map(|(_, observed)| observed);
        let watts = |observed: &Observation| observed.as_ref().ok().and_then(Value::number);
        let load = number(Metric::LoadPower).and_then(watts);
        let load = load.ok_or("the consumption of the house is not known, so no set point can be told; a charge without a power needs none")?;
        let solar = match number(Metric::PvPower) {
            None => 0.0,
            Some(observed) => watts(observed).ok_or("the solar power is not known")?,
        };
        let dc_solar = site.system_number("/Dc/Pv/Power").unwrap_or(0.0).max(0.0);
        Ok(Self { load, ac_solar: solar - dc_solar, dc_solar, own_use: own_use(site) })
    }

    /// The power on the AC side of the inverter, into it positive, at which the battery is charged with `watts`.
    pub(super) fn ac_for(&self, watts: f64) -> f64 {
        let dc = watts - self.dc_solar + self.own_use;
        if dc > 0.0 { dc / EFFICIENCY } else { dc * EFFICIENCY }
    }

    /// What the battery gives where the inverter gives `ac`.
    pub(super) fn battery_at(&self, ac: f64) -> f64 {
        ac / EFFICIENCY + self.own_use - self.dc_solar
    }
}

/// What is lost at present beside what is converted.
fn own_use(site: &Site<'_>) -> f64 {
    let Some(vebus) = site.vebus() else { return 0.0 };
    let flows = || {
        let (input, output) = (vebus.number("/Ac/ActiveIn/P")?, vebus.number("/Ac/Out/P")?);
        let (ac, dc) = (input - output, vebus.number("/Dc/0/Power")?);
        Some(if ac > 0.0 { ac * EFFICIENCY - dc } else { ac / EFFICIENCY - dc })
    };
    flows().unwrap_or(0.0).clamp(0.0, OWN_USE_MAX)
}

/// The power that the BMS lets through, W.
pub(super) fn bms_power(site: &Site<'_>, metric: Metric) -> Option<f64> {
    let values = values(site.tree);
    let (_, observed) = values.into_iter().find(|(known, _)| *known == metric)?;
    observed.ok()?.number()
}

/// The most that is fed into the grid, W, where there is a limit.
pub(super) fn feed_in_max(site: &Site<'_>) -> Option<f64> {
    site.setting("/Settings/CGwacs/MaxFeedInPower").filter(|watts| *watts >= 0.0)
}

/// What decides about controlling the device, as it was seen.
pub(crate) fn evidence(site: &Site<'_>, kind: Kind) -> Vec<Evidence> {
    let mut found = Vec::new();
    let mut tell = |what: &str, seen: Option<String>, means: &str| {
        let seen = seen.unwrap_or_else(|| "no value".to_owned());
        found.push(Evidence { what: what.to_owned(), seen, means: means.to_owned() });
    };
    if let Some(vebus) = site.vebus() {
        let means = match vebus.int("/Hub4/AssistantId") {
            Some(5) => "ESS",
            Some(4) => "Hub-4, the ESS of before",
            _ => "no ESS: it cannot be controlled",
        };
        tell("vebus /Hub4/AssistantId", vebus.value("/Hub4/AssistantId").map(ToString::to_string), means);
    }
    if let Some(settings) = site.settings {
        let mode = settings.value("/Settings/CGwacs/Hub4Mode").map(ToString::to_string);
        tell(
            "settings /Settings/CGwacs/Hub4Mode",
            mode,
            word_of(settings, "/Settings/CGwacs/Hub4Mode").unwrap_or_default(),
        );
        tell(
            &format!("settings {ESS_STATE}"),
            settings.value(ESS_STATE).map(ToString::to_string),
            word_of(settings, ESS_STATE).unwrap_or_default(),
        );
    }
    if let Some(platform) = site.platform {
        let installed = platform.text("/Firmware/Installed/Version");
        let means = match installed.and_then(version) {
            Some(version) if version >= OVERRIDES_SINCE => "has volatile overrides",
            Some(_) => "before 3.50: settings only",
            None => "what there is of overrides is used",
        };
        tell("platform /Firmware/Installed/Version", installed.map(str::to_owned), means);
    }
    if let Some(hub4) = site.hub4 {
        let has: Vec<_> =
            [SETPOINT, MAX_DISCHARGE, FORCE_CHARGE].into_iter().filter(|path| hub4.has(path)).collect();
        tell("hub4 overrides", Some(if has.is_empty() { "none".to_owned() } else { has.join(", ") }), "");
    }
    let verdict = precondition(site, kind);
    let means = if verdict.is_ok() { "can be controlled" } else { "cannot be controlled" };
    tell("control", Some(verdict.err().unwrap_or_else(|| format!("over {kind}"))), means);
    found
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_compare_by_their_numbers() {
        assert_eq!(version("v3.70~33"), Some((3, 70)));
        assert_eq!(version("3.5"), Some((3, 5)));
        assert_eq!(version("v2.94"), Some((2, 94)));
        assert_eq!(version("beta"), None);
    }
}
