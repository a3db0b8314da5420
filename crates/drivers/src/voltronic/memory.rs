//! What is learned about one unit and kept over restarts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::decode::Side;
use super::energy::EnergyUnit;
use super::schedule::Habit;

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// The place and the serial number in the configuration that this is about.
    pub(crate) configured: String,
    /// The family, by name, once proven.
    pub(crate) family: Option<String>,
    /// The unit's serial number.
    pub(crate) serial: Option<String>,
    /// The shorter number that it goes by in a set, where that is another one.
    pub(crate) short_serial: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) firmware: Option<String>,
    /// Where it was last.
    pub(crate) usb_port: Option<String>,
    pub(crate) path: Option<PathBuf>,
    /// The USB port that is being switched off and on, from before the first until after the second.
    pub(crate) switched_off: Option<String>,
    /// A zero in the checksum is sent as 1.
    pub(crate) zero_escaped: bool,
    /// Questions that the unit takes only without a checksum.
    pub(crate) bare: BTreeSet<String>,
    /// The unit's way with each question.
    pub(crate) habits: BTreeMap<String, Habit>,
    /// What the unit's energy counters count, once that is proven.
    pub(crate) energy_unit: Option<EnergyUnit>,
    /// Where the solar current flows that the unit tells, once that is known.
    pub(crate) solar_side: Option<Side>,
}

impl Memory {
    /// What was kept about the unit that `configured` names; nothing where it was another or cannot be read.
    pub(crate) fn read(text: Option<&str>, configured: &str) -> Self {
        let known: Option<Self> = text.and_then(|text| serde_json::from_str(text).ok());
        let known = known.filter(|memory| memory.configured == configured);
        known.unwrap_or_else(|| Self { configured: configured.to_owned(), ..Self::default() })
    }

    /// The numbers by which the unit may be called.
    pub(crate) fn serials(&self) -> impl Iterator<Item = &str> {
        [&self.short_serial, &self.serial].into_iter().filter_map(Option::as_deref)
    }

    pub(crate) fn habit(&self, command: &str) -> Habit {
        self.habits.get(command).copied().unwrap_or_default()
    }

    /// Whether the unit knows the question, or has not been asked it yet.
    pub(crate) fn may_answer(&self, command: &str) -> bool {
        let habit = self.habit(command);
        habit.answered || (habit.refused == 0 && !habit.is_unknown())
    }

    pub(crate) fn habit_mut(&mut self, command: &str) -> &mut Habit {
        self.habits.entry(command.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_about_another_unit_is_forgotten() {
        let mut memory = Memory { configured: "auto".to_owned(), ..Memory::default() };
        memory.serial = Some("92931701100510".to_owned());
        memory.habit_mut("QET").refused = 2;
        let text = serde_json::to_string(&memory).expect("serialises");
        assert_eq!(Memory::read(Some(&text), "auto"), memory);
        assert_eq!(Memory::read(Some(&text), "/dev/hidraw1").serial, None);
        for broken in ["", "{", "null", "[]", "{\"habits\": 5}"] {
            assert_eq!(Memory::read(Some(broken), "x").configured, "x", "{broken}");
        }
    }
}
