//! Modes in words: what the ledger, a read back and the page show.

use ohmstead_model::Metric;

use super::{ESS_STATE, FORCE_CHARGE, HOLD_W, MAX_DISCHARGE, MAX_DISCHARGE_SETTING, SETPOINT, rules};
use crate::victron::site::Site;

/// What the overrides are, or are to be. A negative limit is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Overrides {
    /// Grid power to aim at, W, import positive.
    pub(crate) setpoint: Option<f64>,
    /// The most to discharge with, W.
    pub(crate) max_discharge: Option<f64>,
    /// 1 while charging is forced.
    pub(crate) force_charge: Option<f64>,
}

impl Overrides {
    fn of(site: &Site<'_>) -> Option<Self> {
        let hub4 = rules::volatile(site, MAX_DISCHARGE)?;
        Some(Self {
            setpoint: hub4.number(SETPOINT),
            max_discharge: hub4.number(MAX_DISCHARGE),
            force_charge: hub4.number(FORCE_CHARGE),
        })
    }

    fn limit(self) -> Option<f64> {
        self.max_discharge.filter(|watts| *watts >= 0.0)
    }

    fn forces(self) -> bool {
        self.force_charge.is_some_and(|force| force > 0.0)
    }

    /// `no override`, or what there is: `set point -800 W, discharge up to 800 W`.
    pub(crate) fn word(self) -> String {
        let parts = [
            self.setpoint.map(|watts| format!("set point {} W", watts.round() + 0.0)),
            self.limit().map(|watts| format!("discharge up to {} W", watts.round() + 0.0)),
            self.forces().then(|| "force charge".to_owned()),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "no override".to_owned() } else { parts.join(", ") }
    }

    /// The mode that these make.
    fn mode(self) -> &'static str {
        match (self.setpoint, self.limit()) {
            _ if self.forces() => "charge",
            (None, None) => "auto",
            (None, Some(limit)) if limit <= HOLD_W => "hold",
            (Some(_), Some(limit)) if limit <= HOLD_W => "charge",
            (Some(setpoint), Some(_)) if setpoint < 0.0 => "discharge",
            _ => "native",
        }
    }
}

/// What the setting alone makes, in words.
pub(super) fn setting_word(max_discharge: Option<f64>) -> String {
    match max_discharge {
        None => "limit unknown".to_owned(),
        Some(watts) if watts < 0.0 => "no limit".to_owned(),
        Some(watts) => format!("discharge up to {} W", watts.round() + 0.0),
    }
}

/// The watts of [`setting_word`], where it is a limit.
pub(super) fn limit_of(word: &str) -> Option<&str> {
    word.strip_prefix("discharge up to ")?.strip_suffix(" W")
}

/// The present mode in words, those of a plan.
pub(crate) fn mode_word(site: &Site<'_>) -> Option<String> {
    if site.setting("/Settings/CGwacs/Hub4Mode") == Some(3.0) {
        return Some("external control".to_owned());
    }
    if let Some(overrides) = Overrides::of(site) {
        return Some(overrides.word());
    }
    site.settings
        .filter(|_| !site.hides_overrides())
        .filter(|part| part.has(MAX_DISCHARGE_SETTING))
        .map(|part| setting_word(part.number(MAX_DISCHARGE_SETTING)))
}

/// The present mode as the catalogue has it.
pub(crate) fn battery_mode(site: &Site<'_>) -> Option<&'static str> {
    let settings = site.settings?;
    let keeps_charged = settings.int(ESS_STATE) == Some(9);
    if settings.int("/Settings/CGwacs/Hub4Mode")? == 3 || keeps_charged {
        return Some("native");
    }
    if let Some(overrides) = Overrides::of(site).filter(|overrides| overrides.mode() != "auto") {
        return Some(overrides.mode());
    }
    if site.hides_overrides() {
        return None;
    }
    Some(if settings.number(MAX_DISCHARGE_SETTING) == Some(0.0) { "hold" } else { "auto" })
}

/// A number with its unit, or that there is none.
pub(crate) fn shown(metric: Option<Metric>, number: Option<f64>) -> String {
    let Some(number) = number else { return "none".to_owned() };
    let unit = metric
        .and_then(|metric| metric.def().unit)
        .map(|unit| format!(" {}", unit.symbol()))
        .unwrap_or_default();
    let rounded = metric.map_or(number, |metric| metric.round(number));
    format!("{rounded}{unit}")
}
