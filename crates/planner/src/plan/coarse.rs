//! A problem with fewer slots: what is far away is uncertain anyway, and a week of quarters would take seconds to solve.

use ohmstead_model::{BatteryMode, TimeSpan};

use crate::problem::{Battery, PerSlot, Problem, Slot};

pub(super) struct Coarse {
    pub(super) problem: Problem,
    /// How many slots of the whole problem each slot stands for.
    merged: Vec<usize>,
}

impl Coarse {
    /// With at most about `slots_max` slots; `None` if it has no more. The first half of them stays as it is.
    pub(super) fn of(problem: &Problem, slots_max: usize) -> Option<Self> {
        let slots = problem.slots.len();
        let slots_max = slots_max.max(2);
        if slots <= slots_max {
            return None;
        }
        let near = slots_max / 2;
        let together = (slots - near).div_ceil(slots_max - near);
        let mut merged = vec![1; near];
        let mut left = slots - near;
        while left > 0 {
            merged.push(together.min(left));
            left -= together.min(left);
        }
        let mut reached = 0;
        let of_merged = merged.iter().map(|count| {
            reached += count;
            mean(&problem.slots[reached - count..reached])
        });
        let slots = of_merged.collect();
        let batteries = problem.batteries.iter().map(|battery| with_merged(battery, &merged)).collect();
        Some(Self { problem: Problem { slots, batteries, ..problem.clone() }, merged })
    }

    /// The modes of the whole problem's slots.
    pub(super) fn spread(&self, modes: &[Vec<BatteryMode>]) -> Vec<Vec<BatteryMode>> {
        let counted = self.merged.iter().zip(modes);
        counted.flat_map(|(count, of_slot)| std::iter::repeat_n(of_slot.clone(), *count)).collect()
    }
}

/// One slot for several: means over their time.
fn mean(slots: &[Slot]) -> Slot {
    let span = TimeSpan::new(slots[0].span.start, slots[slots.len() - 1].span.end);
    let of = |part: fn(&Slot) -> f64| slots.iter().map(|slot| part(slot) * slot.hours()).sum::<f64>() / span.hours();
    Slot {
        span,
        load_w: of(|slot| slot.load_w),
        pv_w: of(|slot| slot.pv_w),
        import_price: of(|slot| slot.import_price),
        export_price: of(|slot| slot.export_price),
    }
}

/// Its reserve is the highest of the slots that are merged.
fn with_merged(battery: &Battery, merged: &[usize]) -> Battery {
    let PerSlot::Each(reserves) = &battery.reserve_wh else { return battery.clone() };
    let mut rest = reserves.as_slice();
    let highest = merged.iter().map(|count| {
        let (these, others) = rest.split_at(*count);
        rest = others;
        these.iter().copied().fold(0.0, f64::max)
    });
    Battery { reserve_wh: PerSlot::Each(highest.collect()), ..battery.clone() }
}
