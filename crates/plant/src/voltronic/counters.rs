//! What reached one unit, for tests and for the curious.

use std::collections::BTreeMap;

/// Distinct command texts that are kept apart; further ones count as `(other)`.
const COMMANDS_MAX: usize = 128;

/// Counts since the unit was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that ended with a CR, by their command text; what fails its check is not here.
    pub commands: BTreeMap<String, u64>,
    /// Every frame that would change something, accepted or not, its check right or wrong.
    pub setters: u64,
    /// Setters that were obeyed.
    pub setters_accepted: u64,
    /// Frames whose check does not fit, or whose length is wrong.
    pub bad_crc: u64,
    /// Settings written to the EEPROM, equal ones included.
    pub eeprom_writes: u64,
    /// Answers that were sent, spoilt ones included.
    pub answers: u64,
    /// USB reports longer than eight bytes, of which only eight arrived.
    pub long_reports: u64,
}

impl Counters {
    /// How often one command came.
    pub fn count(&self, command: &str) -> u64 {
        self.commands.get(command).copied().unwrap_or(0)
    }

    pub(crate) fn command(&mut self, text: &str) {
        let room = self.commands.contains_key(text) || self.commands.len() < COMMANDS_MAX;
        let name = if room && text.len() <= 48 { text } else { "(other)" };
        *self.commands.entry(name.to_owned()).or_default() += 1;
    }
}
