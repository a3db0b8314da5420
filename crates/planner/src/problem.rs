//! What a plan is made for: the stretches of time ahead with what the house needs, what the sun gives and what energy
//! costs, the batteries, and the limits of the site.

mod check;
mod pin;
mod terminal;

pub use check::{Place, ProblemError};
pub use pin::Pin;
pub use terminal::{EndWorth, Worth};

use ohmstead_model::TimeSpan;

/// A stretch of time in which everything is taken as constant.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// When it is. Slots may be of any, mixed length.
    pub span: TimeSpan,
    /// Mean power that the house needs without its batteries, W, not negative.
    pub load_w: f64,
    /// Mean power that the sun could give, W, not negative.
    pub pv_w: f64,
    /// What a kWh out of the grid costs, EUR; may be negative.
    pub import_price: f64,
    /// What a kWh into the grid brings, EUR; may be negative, and may exceed the import price.
    pub export_price: f64,
}

impl Slot {
    /// Its length in hours.
    pub fn hours(&self) -> f64 {
        self.span.hours()
    }

    /// What the house lacks without its batteries, W: load less sun, negative where the sun gives more.
    pub fn net_w(&self) -> f64 {
        self.load_w - self.pv_w
    }

    /// Whether it pays to waste energy or to turn it in a circle: a price below nothing, or an export that brings more
    /// than the import costs. There a linear program would charge and discharge at once.
    pub fn is_odd(&self) -> bool {
        self.import_price < 0.0 || self.export_price > self.import_price
    }
}

/// A value that is the same in all slots, or one for each.
#[derive(Debug, Clone, PartialEq)]
pub enum PerSlot {
    /// The same in all slots.
    Constant(f64),
    /// One for each slot, in their order.
    Each(Vec<f64>),
}

impl PerSlot {
    /// The value of a slot; beyond the end of a list, its last.
    pub fn at(&self, slot: usize) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Each(values) => values.get(slot).or(values.last()).copied().unwrap_or(0.0),
        }
    }
}

/// From a state of charge upwards a battery takes less. Between two points the limit is on the line between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaperPoint {
    /// Stored energy, Wh.
    pub stored_wh: f64,
    /// What it takes at this state of charge at most, W at the AC side.
    pub charge_w: f64,
}

/// A battery as the house sees it: powers are those at the AC side, energies those that are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Battery {
    /// Its name, by which an earlier plan is matched.
    pub name: String,
    /// What it can store, Wh. With 0 it can do nothing, which is no error.
    pub capacity_wh: f64,
    /// The stored energy at the first slot's start, Wh, as measured: it may lie outside the band.
    pub now_wh: f64,
    /// The lower end of the band that is to be kept, Wh. Soft: below it the plan leads back as soon as it can.
    pub min_wh: f64,
    /// The upper end of the band that is to be kept, Wh. Soft as well.
    pub max_wh: f64,
    /// What is to be in it at the end of each slot beyond the lower end of the band, for a grid that fails. Soft.
    pub reserve_wh: PerSlot,
    /// What is to be in it at the end of the last slot, Wh: neither more nor less, as far as that can be reached.
    pub final_wh: Option<f64>,
    /// What a kWh in it is worth at the end, EUR. `None`: it counts to the bank, see [`Problem::end_worth`].
    pub end_price: Option<f64>,
    /// The most it takes at the AC side, W.
    pub charge_max_w: f64,
    /// The most it gives at the AC side, W.
    pub discharge_max_w: f64,
    /// The part of the charged AC energy that is stored, 0 to 1.
    pub eff_charge: f64,
    /// The part of the stored energy that arrives at the AC side, 0 to 1.
    pub eff_discharge: f64,
    /// The part of the stored energy that is lost per hour without doing anything.
    pub idle_loss_per_h: f64,
    /// What discharging a kWh at the AC side costs in wear, EUR.
    pub wear_eur_kwh: f64,
    /// Its charge limit near full: rising states of charge, a limit that falls ever faster. Empty: none.
    pub taper: Vec<TaperPoint>,
    /// Whether it may be charged with more than the sun leaves over.
    pub may_charge_from_grid: bool,
    /// Whether it can be commanded at all. If not, it rests in every plan.
    pub available: bool,
    /// What was asked of it by hand: a slot whose middle is in one has its mode in every plan.
    pub pins: Vec<Pin>,
}

impl Default for Battery {
    /// Without losses, without wear, without capacity.
    fn default() -> Self {
        Self {
            name: String::new(),
            capacity_wh: 0.0,
            now_wh: 0.0,
            min_wh: 0.0,
            max_wh: 0.0,
            reserve_wh: PerSlot::Constant(0.0),
            final_wh: None,
            end_price: None,
            charge_max_w: 0.0,
            discharge_max_w: 0.0,
            eff_charge: 1.0,
            eff_discharge: 1.0,
            idle_loss_per_h: 0.0,
            wear_eur_kwh: 0.0,
            taper: Vec::new(),
            may_charge_from_grid: true,
            available: true,
            pins: Vec::new(),
        }
    }
}

impl Battery {
    /// The most it takes, W; nothing if it cannot be commanded or cannot store anything.
    pub fn charge_limit_w(&self) -> f64 {
        if self.is_usable() { self.charge_max_w } else { 0.0 }
    }

    /// The most it gives, W; nothing if it cannot be commanded or cannot store anything.
    pub fn discharge_limit_w(&self) -> f64 {
        if self.is_usable() { self.discharge_max_w } else { 0.0 }
    }

    /// What is to be in it at the end of a slot at least, Wh: the band's lower end or the reserve, whichever is more.
    pub fn floor_wh(&self, slot: usize) -> f64 {
        self.min_wh.max(self.reserve_wh.at(slot)).min(self.ceiling_wh())
    }

    /// What may be in it at most, Wh.
    pub fn ceiling_wh(&self) -> f64 {
        self.max_wh.min(self.capacity_wh)
    }

    /// What is physically possible, Wh. A measurement beyond the capacity is believed.
    pub fn physical_wh(&self) -> f64 {
        self.capacity_wh.max(self.now_wh)
    }

    /// What is left of its energy after `hours` of rest, as a part.
    pub fn kept(&self, hours: f64) -> f64 {
        (-self.idle_loss_per_h * hours).exp()
    }

    /// The lines `charge_w <= at_zero_w - fall_w_per_wh * stored_wh` that its taper consists of.
    pub(crate) fn taper_lines(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.taper.windows(2).map(|pair| {
            let fall = (pair[0].charge_w - pair[1].charge_w) / (pair[1].stored_wh - pair[0].stored_wh);
            (pair[0].charge_w + fall * pair[0].stored_wh, fall)
        })
    }

    fn is_usable(&self) -> bool {
        self.available && self.capacity_wh > 0.0
    }
}

/// A home and the time ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The time ahead, in order, without holes or overlaps.
    pub slots: Vec<Slot>,
    /// The bank.
    pub batteries: Vec<Battery>,
    /// The most that may come out of the grid, W. Soft: a house that needs more gets it.
    pub import_max_w: f64,
    /// The most that may go into the grid, W; 0 for a site that must not export.
    pub export_max_w: f64,
    /// The most that sun and batteries together carry through one inverter, in either direction, W.
    pub inverter_max_w: Option<f64>,
    /// Whether energy of the batteries may go into the grid.
    pub allow_battery_export: bool,
    /// Whether the sun's power can be reduced.
    pub curtail: bool,
    /// What stored energy of the bank is worth at the end, for all batteries without a price or an end of their own.
    pub end_worth: EndWorth,
}

impl Default for Problem {
    /// Nothing ahead, no battery, no limit.
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            batteries: Vec::new(),
            import_max_w: f64::INFINITY,
            export_max_w: f64::INFINITY,
            inverter_max_w: None,
            allow_battery_export: false,
            curtail: false,
            end_worth: EndWorth::default(),
        }
    }
}

impl Problem {
    /// Whether it can be planned for: every number makes sense, and the time is in order.
    pub fn check(&self) -> Result<(), ProblemError> {
        check::check(self)
    }

    /// Whether a battery's energy at the end counts to the bank, see [`Problem::end_worth`].
    pub(crate) fn counts_to_bank(&self, battery: usize) -> bool {
        let battery = &self.batteries[battery];
        battery.end_price.is_none() && battery.final_wh.is_none()
    }

    /// What a kWh costs that a promise is broken by: more than any price could make up for.
    pub(crate) fn penalty_eur_kwh(&self) -> f64 {
        let prices = self.slots.iter().flat_map(|slot| [slot.import_price.abs(), slot.export_price.abs()]);
        let ends = self.batteries.iter().filter_map(|battery| battery.end_price).map(f64::abs);
        let worths = self.end_worth.pieces().iter().map(|piece| piece.eur_per_kwh.abs());
        50.0 * prices.chain(ends).chain(worths).fold(0.1, f64::max)
    }

    /// Whether a slot needs more than a linear program: see [`Slot::is_odd`]; or power that the sun gives and nobody may
    /// have or pays for, where it cannot be reduced.
    pub(crate) fn is_odd(&self, slot: usize) -> bool {
        let slot = &self.slots[slot];
        let unwanted = slot.export_price < 0.0 || -slot.net_w() > self.export_max_w;
        slot.is_odd() || (!self.curtail && unwanted && slot.net_w() < 0.0)
    }
}
