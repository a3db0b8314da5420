//! How a simulated inverter is ordered: its profile, its faults, and the bank, panels and loads around it.

use super::{eeprom::Eeprom, profile::Profile, switches::Switches};
use crate::house::{Blending, InverterSettings};

/// The most units that one parallel set can have.
pub const UNITS_MAX: u8 = 9;

/// An inverter to be simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct InverterSetup {
    /// How tests and the CLI call it.
    pub name: String,
    /// Which unit.
    pub profile: Profile,
    /// Its faults at the start.
    pub switches: Switches,
    /// The phase of the house that its AC input hangs on: 0, 1, 2 = L1, L2, L3.
    pub phase: usize,
    /// Largest power of one unit's output, W.
    pub rated_w: f64,
    /// Energy of full cells, Wh.
    pub battery_wh: f64,
    /// State of charge at the start, %.
    pub soc_pct: f64,
    /// Peak power of all its panels, W; the trackers share them evenly.
    pub pv_peak_w: f64,
    /// Mean of the loads behind its output, W.
    pub load_mean_w: f64,
    /// Serial number of the (first) unit, up to twenty digits.
    pub serial: String,
    /// Units in parallel behind this port, 1..=9, each with the rated power.
    pub units: u8,
    /// The N of /dev/hidrawN at the start.
    pub node: u32,
    /// A serial line (runs of bytes) instead of USB (reports of eight).
    pub serial_line: bool,
}

impl InverterSetup {
    /// A healthy unit of a profile with a bank, panels and loads that fit its size, on USB.
    pub fn new(name: impl Into<String>, profile: Profile) -> Self {
        let name = name.into();
        let model = profile.model();
        let inverter = profile.is_inverter();
        Self {
            switches: Switches::default(),
            phase: 0,
            rated_w: model.rated_w,
            battery_wh: model.rated_w * 2.0,
            soc_pct: 60.0,
            pv_peak_w: if model.panels.0 == 0 { 0.0 } else { model.rated_w },
            load_mean_w: if inverter { model.rated_w * 0.08 } else { 0.0 },
            serial: serial(&name, profile),
            units: 1,
            node: 0,
            serial_line: false,
            name,
            profile,
        }
    }

    /// The power stage for it; in a parallel set one that stands for all.
    pub(crate) fn hardware(&self) -> InverterSettings {
        let model = self.profile.model();
        let (trackers, pv_v) = model.panels;
        let units = f64::from(self.units);
        let share_w = if trackers == 0 { 0.0 } else { self.pv_peak_w / trackers as f64 };
        InverterSettings {
            rated_w: self.rated_w * units,
            nominal_v: model.battery_v,
            battery_wh: self.battery_wh,
            soc_pct: self.soc_pct,
            pv_peak_w: std::array::from_fn(|tracker| if tracker < trackers { share_w } else { 0.0 }),
            pv_v,
            load_mean_w: self.load_mean_w,
            phase: self.phase,
            blending: if model.blends { Blending::WithGrid } else { Blending::Never },
            orders: Eeprom::installed(model).orders,
        }
    }
}

/// Fourteen digits as the vendor's: 9293, and ten that follow from name and profile, so that two units differ.
fn serial(name: &str, profile: Profile) -> String {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = name.bytes().chain(profile.name().bytes()).fold(0xcbf2_9ce4_8422_2325, mix);
    format!("9293{:010}", hash % 10_000_000_000)
}
