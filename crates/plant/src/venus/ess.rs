//! The physics behind the GX: mains, three Multis, a battery, an MPPT and a PV inverter, stepped by the ESS loop.
//!
//! ```text
//!   mains --grid--+--loads_in       per phase:  grid  = load_in - pv_in + ac_in
//!                 +--pv_in                      ac_in = inverter + load_out - pv_out
//!                 +--ac_in--[Multi]--+--load_out, pv_out
//!                              |     all phases: sum(inverter) = inverter_dc + loss,  loss >= 0
//!                 mppt--+--inverter_dc          battery = mppt + inverter_dc
//! ```
//!
//! Signs are the GX's own: grid import +, into the Multi +, charging +. Every step closes the balance exactly.

mod control;
mod orders;
mod pack;
mod totals;

pub use control::Stage;
pub use orders::{Control, GridSight, Orders, Switch};
pub(crate) use pack::CELLS;
pub use pack::Pack;
pub use totals::Totals;

use control::{EFFICIENCY, Hold, IDLE_W, NOMINAL_W, Seen};

/// The mains at the connection point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mains {
    /// V, L1 to L3.
    pub voltage_v: [f64; 3],
    /// Hz.
    pub frequency_hz: f64,
}

impl Default for Mains {
    fn default() -> Self {
        Self { voltage_v: [231.0, 229.4, 230.2], frequency_hz: 50.0 }
    }
}

/// What the house and the sun offer at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Around {
    /// `None` = power cut.
    pub mains: Option<Mains>,
    /// Loads between the grid meter and the Multi, W. Other batteries and inverters there count negative.
    pub load_in_w: [f64; 3],
    /// Loads behind the Multi, W.
    pub load_out_w: [f64; 3],
    /// What the PV inverter could give, W.
    pub pv_ac_w: [f64; 3],
    /// What the MPPT could give, W.
    pub pv_dc_w: f64,
}

impl Default for Around {
    /// A quiet evening: mains, 900 W of loads, no sun.
    fn default() -> Self {
        Self {
            mains: Some(Mains::default()),
            load_in_w: [250.0, 150.0, 100.0],
            load_out_w: [200.0, 120.0, 80.0],
            pv_ac_w: [0.0; 3],
            pv_dc_w: 0.0,
        }
    }
}

/// What surrounds a GX: the house it stands in, or a test.
pub trait Surroundings: Send {
    /// The state of affairs at a moment; moments come in order.
    fn around(&mut self, now_ms: i64) -> Around;

    /// What flows since then.
    fn told(&mut self, flows: &Flows) {
        let _ = flows;
    }
}

impl Surroundings for Around {
    fn around(&mut self, _: i64) -> Around {
        *self
    }
}

impl<F: FnMut(i64) -> Around + Send> Surroundings for F {
    fn around(&mut self, now_ms: i64) -> Around {
        self(now_ms)
    }
}

/// Where the PV inverter feeds in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PvPosition {
    /// AC input 1, beside the loads.
    #[default]
    Input,
    /// AC output of the Multi.
    Output,
}

/// What flows after a step, W, in the GX's signs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Flows {
    /// At the meter, import +.
    pub grid_w: [f64; 3],
    /// Into the Multi.
    pub ac_in_w: [f64; 3],
    /// Loads before the Multi that are served.
    pub load_in_w: [f64; 3],
    /// Loads behind the Multi that are served.
    pub load_out_w: [f64; 3],
    /// The PV inverter's output.
    pub pv_ac_w: [f64; 3],
    /// Of that, what feeds in before the Multi.
    pub pv_in_w: [f64; 3],
    /// The Multi's power stage, AC to DC +.
    pub inverter_w: [f64; 3],
    /// The same on the DC side.
    pub inverter_dc_w: f64,
    /// Heat.
    pub loss_w: f64,
    /// The MPPT's output.
    pub mppt_w: f64,
    /// Into the battery.
    pub battery_w: f64,
    /// What the PV inverter was told to hold back.
    pub curtailed_w: f64,
}

/// Whether the Multi is connected to the mains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Connection {
    /// Connected.
    On,
    /// The mains are back, the Multi still tests them.
    Waiting {
        /// Until it connects.
        left_s: f64,
    },
    /// Island.
    Lost,
}

/// The site behind the GX.
#[derive(Debug, Clone)]
pub struct Ess {
    /// The battery.
    pub pack: Pack,
    /// What flows since the last step.
    pub flows: Flows,
    /// Connected or not.
    pub connection: Connection,
    /// What the Multi is doing.
    pub stage: Stage,
    /// The mains as last seen.
    pub mains: Option<Mains>,
    /// Energies since the start.
    pub totals: Totals,
    hold: Hold,
    is_shut: bool,
    position: PvPosition,
}

impl Ess {
    /// A site with a battery at a state of charge, everything at rest.
    pub fn new(soc_pct: f64, position: PvPosition) -> Self {
        Self {
            pack: Pack::new(soc_pct),
            flows: Flows::default(),
            connection: Connection::On,
            stage: Stage::Passthru,
            mains: Some(Mains::default()),
            totals: Totals::default(),
            hold: Hold::default(),
            is_shut: false,
            position,
        }
    }

    /// Whether the minimum state of charge holds discharging back.
    pub fn is_sustained(&self) -> bool {
        self.hold.is_low
    }

    /// One step of the loop and of the physics.
    pub fn step(&mut self, dt_s: f64, around: &Around, orders: &Orders) {
        self.mains = around.mains;
        self.pack.units = orders.units;
        self.connect(dt_s, orders);
        let mut flows = Flows { mppt_w: around.pv_dc_w.max(0.0), ..Flows::default() };
        self.sun(around, orders, &mut flows);
        flows.load_out_w = around.load_out_w;
        if self.is_connected(orders) {
            self.on_grid(dt_s, orders, &mut flows);
        } else {
            self.island(orders, &mut flows);
        }
        self.close(around, orders, &mut flows);
        self.pack.step(dt_s, flows.battery_w);
        self.totals.add(dt_s, &flows);
        self.flows = flows;
    }

    fn is_connected(&self, orders: &Orders) -> bool {
        self.connection == Connection::On && matches!(orders.switch, Switch::On | Switch::ChargerOnly)
    }

    fn connect(&mut self, dt_s: f64, orders: &Orders) {
        self.connection = match (self.mains, self.connection) {
            (None, _) => Connection::Lost,
            (Some(_), Connection::Lost) => Connection::Waiting { left_s: orders.reconnect_s },
            (Some(_), Connection::Waiting { left_s }) if left_s > dt_s => {
                Connection::Waiting { left_s: left_s - dt_s }
            }
            (Some(_), _) => Connection::On,
        };
    }

    /// The PV inverter: without a voltage to follow it gives nothing; over its limit it holds back.
    fn sun(&self, around: &Around, orders: &Orders, flows: &mut Flows) {
        let follows = match self.position {
            PvPosition::Input => self.mains.is_some(),
            PvPosition::Output => orders.switch != Switch::Off && !self.is_shut,
        };
        if !follows || orders.pv_disabled {
            return;
        }
        flows.pv_ac_w = around.pv_ac_w.map(|watts| watts.max(0.0));
        hold_back(flows, flows.pv_ac_w.iter().sum::<f64>() - orders.pv_limit_w);
        flows.curtailed_w = 0.0;
    }

    fn on_grid(&mut self, dt_s: f64, orders: &Orders, flows: &mut Flows) {
        self.is_shut = false;
        let seen = Seen {
            inverter_w: self.flows.inverter_w,
            behind_w: self.behind(flows),
            voltage_v: self.mains.unwrap_or_default().voltage_v,
            mppt_w: flows.mppt_w,
            curtailed_w: self.flows.curtailed_w,
            charge_w: self.pack.charge_limit_w(orders.charge_a),
            discharge_w: self.pack.discharge_limit_w(orders.discharge_a),
            soc_pct: self.pack.soc_pct,
            units: orders.units,
        };
        let target = control::target(orders, &seen, &mut self.hold);
        self.stage = target.stage;
        flows.inverter_w = control::ramped(self.flows.inverter_w, &target, orders.ramp_w_per_s * dt_s);
        // What the battery's management forbids is not ramped.
        let total: f64 = flows.inverter_w.iter().sum();
        let (most, least) = seen.reach();
        control::shift(&mut flows.inverter_w, total.clamp(-least, most) - total);
        if let Control::Total | Control::PerPhase = orders.control {
            Self::limit_feed_in(orders, flows);
        }
    }

    /// Holds the PV inverter back as far as the grid must not take more.
    fn limit_feed_in(orders: &Orders, flows: &mut Flows) {
        let Some(cap_w) = orders.feed_in_cap_w() else { return };
        let before: f64 = flows.inverter_w.iter().sum::<f64>() + flows.load_out_w.iter().sum::<f64>();
        let GridSight::Meter(_) = orders.sight else { return };
        let net = before + orders.load_in_w - flows.pv_ac_w.iter().sum::<f64>();
        hold_back(flows, -cap_w - net);
    }

    /// Load behind the Multi less PV there.
    fn behind(&self, flows: &Flows) -> [f64; 3] {
        let pv = if self.position == PvPosition::Output { flows.pv_ac_w } else { [0.0; 3] };
        std::array::from_fn(|phase| flows.load_out_w[phase] - pv[phase])
    }

    /// Without mains: the Multi makes the voltage, the battery follows the loads.
    fn island(&mut self, orders: &Orders, flows: &mut Flows) {
        let can_invert = matches!(orders.switch, Switch::On | Switch::InverterOnly);
        let limit_w = self.pack.discharge_limit_w(orders.discharge_a) + flows.mppt_w;
        let demand: f64 = self.behind(flows).iter().sum();
        let is_too_much = demand / EFFICIENCY + IDLE_W > limit_w;
        let is_empty = self.pack.soc_pct <= 1.0;
        // Once shut down for an empty battery it stays so until there is something to live on.
        self.is_shut = can_invert && (is_too_much || is_empty || self.is_shut && self.pack.soc_pct < 4.0);
        if !can_invert || self.is_shut {
            self.stage = Stage::Off;
            flows.load_out_w = [0.0; 3];
            if self.position == PvPosition::Output {
                flows.pv_ac_w = [0.0; 3];
            }
            return;
        }
        self.stage = Stage::Inverting;
        if self.position == PvPosition::Output {
            // More sun than the battery takes: the frequency goes up and the PV inverter down.
            let room_w =
                self.pack.charge_limit_w(orders.charge_a).min(3.0 * NOMINAL_W * orders.units) / EFFICIENCY;
            hold_back(flows, -demand - room_w);
        }
        flows.inverter_w = self.behind(flows).map(|watts| -watts);
    }

    /// The DC side and the meter follow from the rest.
    fn close(&self, around: &Around, orders: &Orders, flows: &mut Flows) {
        let ac: f64 = flows.inverter_w.iter().sum();
        let idle = if self.stage == Stage::Off { 0.0 } else { IDLE_W };
        flows.inverter_dc_w = flows.inverter_w.iter().map(|watts| dc_of(*watts)).sum::<f64>() - idle;
        flows.loss_w = ac - flows.inverter_dc_w;
        let room_w = self.pack.charge_limit_w(orders.charge_a) - flows.inverter_dc_w;
        flows.mppt_w = flows.mppt_w.min(room_w.max(0.0));
        flows.battery_w = flows.mppt_w + flows.inverter_dc_w;
        let at_input = self.position == PvPosition::Input;
        flows.pv_in_w = if at_input { flows.pv_ac_w } else { [0.0; 3] };
        let behind = self.behind(flows);
        let is_on = !matches!(self.stage, Stage::Off | Stage::Inverting);
        if is_on {
            flows.ac_in_w = std::array::from_fn(|phase| flows.inverter_w[phase] + behind[phase]);
        }
        flows.load_in_w = if self.mains.is_some() { around.load_in_w } else { [0.0; 3] };
        flows.grid_w =
            std::array::from_fn(|phase| flows.load_in_w[phase] - flows.pv_in_w[phase] + flows.ac_in_w[phase]);
    }
}

/// The DC side of a power stage, without its own consumption.
fn dc_of(ac_w: f64) -> f64 {
    if ac_w > 0.0 { ac_w * EFFICIENCY } else { ac_w / EFFICIENCY }
}

/// Takes an excess off the PV inverter, all phases alike.
fn hold_back(flows: &mut Flows, excess_w: f64) {
    let total: f64 = flows.pv_ac_w.iter().sum();
    if excess_w <= 0.0 || total <= 0.0 {
        return;
    }
    let left = (1.0 - excess_w / total).max(0.0);
    flows.pv_ac_w = flows.pv_ac_w.map(|watts| watts * left);
    flows.curtailed_w += total * (1.0 - left);
}
