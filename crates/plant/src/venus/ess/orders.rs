//! What the loop is told, gathered from settings, overrides, the battery's management and the switches.

/// `/Mode` of the Multi.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// 1.
    ChargerOnly,
    /// 2.
    InverterOnly,
    /// 3.
    On,
    /// 4.
    Off,
}

/// Who decides what the Multi does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Control {
    /// `Hub4Mode` 1: all phases together are held at the setpoint.
    Total,
    /// `Hub4Mode` 2: each phase is.
    PerPhase,
    /// `Hub4Mode` 3: someone outside says what each phase of the Multi takes in; `None` = nobody has for too long.
    External(Option<[f64; 3]>),
    /// No ESS assistant: a charger.
    Charger,
}

/// What the loop knows of the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GridSight {
    /// As the meter's service shows it, W.
    Meter([f64; 3]),
    /// The Multi's own input stands in for a meter.
    Without,
    /// A meter is required and is not there.
    Missing,
}

/// One second's orders.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent items on the bus, each 0 or 1")]
pub struct Orders {
    /// `/Mode`.
    pub switch: Switch,
    /// Who decides.
    pub control: Control,
    /// What is known of the grid.
    pub sight: GridSight,
    /// Loads before the Multi, all phases, W: what the limiter of the PV inverters counts with.
    pub load_in_w: f64,
    /// Grid setpoint, import +, W.
    pub setpoint_w: f64,
    /// Most that may be inverted, W.
    pub max_discharge_w: Option<f64>,
    /// Most that may be fed in, W.
    pub max_feed_in_w: Option<f64>,
    /// Whether power of the MPPT that nobody needs may be fed in.
    pub feeds_in_dc: bool,
    /// Whether power of the PV inverter that nobody needs may be fed in.
    pub feeds_in_ac: bool,
    /// No discharge below, %.
    pub min_soc_pct: f64,
    /// `BatteryLife/State` 9.
    pub keeps_charged: bool,
    /// `/Overrides/ForceCharge`.
    pub forces_charge: bool,
    /// `/Hub4/DisableCharge`.
    pub disables_charge: bool,
    /// `/Hub4/DisableFeedIn`.
    pub disables_feed_in: bool,
    /// Lowest of all charge current limits beside the battery's own, A.
    pub charge_a: Option<f64>,
    /// A discharge current limit beside the battery's own, A.
    pub discharge_a: Option<f64>,
    /// `/Ac/In/1/CurrentLimit`, A per phase.
    pub input_limit_a: f64,
    /// `/Ac/PowerLimit` of the PV inverter, W.
    pub pv_limit_w: f64,
    /// `/Pv/Disable`.
    pub pv_disabled: bool,
    /// How fast a Multi changes its power, W per second and phase.
    pub ramp_w_per_s: f64,
    /// Power per phase below which a Multi does nothing, W.
    pub deadband_w: f64,
    /// How long the mains are tested before the Multi connects, s.
    pub reconnect_s: f64,
    /// Multis in parallel on each phase, with as many batteries.
    pub units: f64,
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            switch: Switch::On,
            control: Control::Total,
            sight: GridSight::Meter([0.0; 3]),
            load_in_w: 0.0,
            setpoint_w: 50.0,
            max_discharge_w: None,
            max_feed_in_w: None,
            feeds_in_dc: false,
            feeds_in_ac: true,
            min_soc_pct: 10.0,
            keeps_charged: false,
            forces_charge: false,
            disables_charge: false,
            disables_feed_in: false,
            charge_a: None,
            discharge_a: None,
            input_limit_a: 32.0,
            pv_limit_w: f64::INFINITY,
            pv_disabled: false,
            ramp_w_per_s: 1_000.0,
            deadband_w: 33.0,
            reconnect_s: 60.0,
            units: 1.0,
        }
    }
}

impl Orders {
    /// Most that the PV inverter may put into the grid, W.
    pub fn feed_in_cap_w(&self) -> Option<f64> {
        if self.feeds_in_ac { self.max_feed_in_w } else { Some(0.0) }
    }
}
