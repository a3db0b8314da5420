//! What was off in the last hours says something of the next ones: an oven that is on stays on for a while.
//!
//! Two memories of what was off, a short and a long one; for each step ahead two factors, learned from the past, say how much
//! of either is still there, and how much narrower the band becomes by it.

use crate::Step;

/// How far ahead what was off is carried.
const AHEAD_HOURS: usize = 16;

/// Hours in which the memories fade to a third.
const SHORT_HOURS: f64 = 0.5;
const LONG_HOURS: f64 = 4.0;

/// It is learned from so many days.
const LEARN_DAYS: usize = 100;

/// How firmly nothing is carried until the past says otherwise: like so many hours of history.
const PRIOR_HOURS: f64 = 7.0;

/// Sums of one step ahead: of the memories' products with each other, and with what was off then.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    short: f64,
    both: f64,
    long: f64,
    short_off: f64,
    long_off: f64,
    off: f64,
}

/// What is left of what was off, so many steps ahead.
#[derive(Debug, Clone, Copy)]
struct Carry {
    short: f64,
    long: f64,
    narrowing: f64,
}

pub(super) struct Recent {
    hours: f64,
    short: f64,
    long: f64,
    /// The memories before each of the last steps, the newest last.
    memories: Vec<(f64, f64)>,
    sums: Vec<Sums>,
    carries: Vec<Carry>,
}

impl Recent {
    pub(super) fn new(step: Step) -> Self {
        let steps = step.count(AHEAD_HOURS);
        Self {
            hours: step.hours(),
            short: 0.0,
            long: 0.0,
            memories: Vec::new(),
            sums: vec![Sums::default(); steps],
            carries: Vec::new(),
        }
    }

    /// Takes what was off in the next step, in parts of the mean load; unknown is unknown. `days_ago` is its age.
    pub(super) fn learn(&mut self, off: Option<f64>, days_ago: usize) {
        if days_ago > LEARN_DAYS {
            return;
        }
        self.memories.push((self.short, self.long));
        if let Some(off) = off {
            for (sums, (short, long)) in self.sums.iter_mut().zip(self.memories.iter().rev()) {
                sums.short += short * short;
                sums.both += short * long;
                sums.long += long * long;
                sums.short_off += short * off;
                sums.long_off += long * off;
                sums.off += off * off;
            }
        }
        let off = off.unwrap_or(0.0);
        for (memory, fading_hours) in [(&mut self.short, SHORT_HOURS), (&mut self.long, LONG_HOURS)] {
            let fading = (-self.hours / fading_hours).exp();
            *memory = *memory * fading + off * (1.0 - fading);
        }
    }

    /// Works out what is carried, once all is learned.
    pub(super) fn solve(&mut self) {
        let prior = PRIOR_HOURS / self.hours;
        self.carries = self.sums.iter().map(|sums| sums.carry(prior)).collect();
    }

    /// What to add so many steps ahead, and by what factor the band is narrower.
    pub(super) fn ahead(&self, steps: usize) -> (f64, f64) {
        let Some(carry) = self.carries.get(steps) else { return (0.0, 1.0) };
        (carry.short * self.short + carry.long * self.long, carry.narrowing)
    }
}

impl Sums {
    fn carry(&self, prior: f64) -> Carry {
        let (short, long) = (self.short + prior, self.long + prior);
        let determinant = short * long - self.both * self.both;
        if determinant.is_nan() || determinant <= 0.0 {
            return Carry { short: 0.0, long: 0.0, narrowing: 1.0 };
        }
        let of_short = (self.short_off * long - self.long_off * self.both) / determinant;
        let of_long = (self.long_off * short - self.short_off * self.both) / determinant;
        let explained = of_short * self.short_off + of_long * self.long_off;
        let left = if self.off > 0.0 { 1.0 - explained / self.off } else { 1.0 };
        Carry { short: of_short, long: of_long, narrowing: left.clamp(0.04, 1.0).sqrt() }
    }
}
