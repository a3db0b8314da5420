//! What was asked of a battery by hand for a stretch of time: no plan says anything else there.

use ohmstead_model::{BatteryMode, TimeSpan, UnixMillis};

use super::{Battery, Problem};
use crate::modes::simulate_modes;

/// A charge that is nearer than this to its state of charge has reached it, Wh.
const REACHED_WH: f64 = 1.0;

/// A stretch of time in which the mode of a battery is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Pin {
    /// From when until when.
    pub span: TimeSpan,
    /// The mode. A charge that reaches its state of charge takes nothing more; see [`Problem::settle_pins`].
    pub mode: BatteryMode,
}

impl Battery {
    /// The pin of a slot: the first that holds its middle.
    pub fn pin(&self, slot: TimeSpan) -> Option<&Pin> {
        self.pins.iter().find(|pin| pin.span.contains(middle(slot)))
    }
}

fn middle(span: TimeSpan) -> UnixMillis {
    UnixMillis(i64::midpoint(span.start.0, span.end.0))
}

impl Problem {
    /// Ends each charge at the slot in which it reaches its state of charge, as the simulator has it with batteries that follow
    /// the house before: whoever asked for `charge until 80 %` asked for no more, and the time after that can be planned.
    pub fn settle_pins(&mut self) {
        if !self.has_pins() {
            return;
        }
        let followed = simulate_modes(self, &[]);
        for (number, battery) in self.batteries.iter_mut().enumerate() {
            let capacity_wh = battery.capacity_wh;
            for pin in &mut battery.pins {
                let BatteryMode::Charge { until: Some(until), .. } = pin.mode else { continue };
                let goal_wh = until.0 / 100.0 * capacity_wh - REACHED_WH;
                let slots = followed.slots.iter().filter(|slot| pin.span.contains(middle(slot.span)));
                let reached =
                    slots.filter(|slot| slot.soc_wh[number] >= goal_wh).map(|slot| slot.span.end).next();
                pin.span.end = pin.span.end.min(reached.unwrap_or(pin.span.end));
            }
        }
    }

    /// Whether anything was asked by hand.
    pub(crate) fn has_pins(&self) -> bool {
        self.batteries.iter().any(|battery| !battery.pins.is_empty())
    }

    /// The mode that is given for a battery in a slot.
    pub(crate) fn pinned(&self, slot: usize, number: usize) -> Option<&BatteryMode> {
        self.batteries[number].pin(self.slots[slot].span).map(|pin| &pin.mode)
    }

    /// Which modes are given, for each slot and battery.
    pub(crate) fn by_hand(&self) -> Vec<Vec<bool>> {
        let of_slot =
            |slot| (0..self.batteries.len()).map(|number| self.pinned(slot, number).is_some()).collect();
        (0..self.slots.len()).map(of_slot).collect()
    }

    /// Puts the modes that are given in the place of those of a plan, for each slot and battery.
    pub(crate) fn put_pins(&self, modes: &mut [Vec<BatteryMode>]) {
        if !self.has_pins() {
            return;
        }
        for (slot, of_slot) in modes.iter_mut().enumerate() {
            for (number, mode) in of_slot.iter_mut().enumerate() {
                if let Some(pinned) = self.pinned(slot, number) {
                    mode.clone_from(pinned);
                }
            }
        }
    }
}
