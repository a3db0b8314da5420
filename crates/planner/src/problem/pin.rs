//! What was asked of a battery by hand for a stretch of time: no plan says anything else there.

use ohmstead_model::{BatteryMode, TimeSpan, UnixMillis};

use super::{Battery, Problem};

/// A stretch of time in which the mode of a battery is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Pin {
    /// From when until when.
    pub span: TimeSpan,
    /// The mode. A charge that reaches its state of charge takes nothing more.
    pub mode: BatteryMode,
}

impl Battery {
    /// The pin of a slot: the first that holds its middle.
    pub fn pin(&self, slot: TimeSpan) -> Option<&Pin> {
        let middle = UnixMillis(i64::midpoint(slot.start.0, slot.end.0));
        self.pins.iter().find(|pin| pin.span.contains(middle))
    }
}

impl Problem {
    /// Whether anything was asked by hand.
    pub(crate) fn has_pins(&self) -> bool {
        self.batteries.iter().any(|battery| !battery.pins.is_empty())
    }

    /// The mode that is given for a battery in a slot.
    pub(crate) fn pinned(&self, slot: usize, number: usize) -> Option<&BatteryMode> {
        self.batteries[number].pin(self.slots[slot].span).map(|pin| &pin.mode)
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
