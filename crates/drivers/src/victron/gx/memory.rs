//! What is kept over restarts: the parts of the installation, and what the device was once offered as.

use std::sync::PoisonError;

use ohmstead_model::{Allowed, Moment, Role, Setting};
use serde::{Deserialize, Serialize};

use super::portal::Used;
use super::{Gx, read};
use crate::victron::native;
use crate::victron::roster::{Kind, Roster};
use crate::victron::site::Site;

/// Every role that a GX device can have.
const ROLES: [Role; 5] = [Role::Battery, Role::Inverter, Role::GridMeter, Role::Pv, Role::LoadMeter];

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// Of which GX device, once known.
    serial: Option<String>,
    /// What the owner had taken away when it was written.
    removed: Vec<String>,
    /// The roles it was seen in, by their keys.
    roles: Vec<String>,
    /// The modes and settings that it was last offered with: it is announced with them before its first answer.
    modes: Vec<String>,
    settings: Vec<Range>,
    /// The CAN buses in the order of their numbers.
    pub(super) can: Vec<String>,
    roster: Roster,
    /// Which device of a broker it is.
    portal: Option<Used>,
}

/// A setting that takes a range of numbers, as all of a GX device's do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Range {
    id: String,
    min: f64,
    max: f64,
    step: f64,
}

impl Range {
    fn of(setting: &Setting) -> Option<Self> {
        let Allowed::Range { min, max, step } = setting.allowed else { return None };
        Some(Self { id: setting.metric.id().to_owned(), min, max, step })
    }

    fn setting(&self) -> Option<Setting> {
        let metric = native::NATIVE.iter().copied().find(|metric| metric.id() == self.id)?;
        Some(Setting { metric, allowed: Allowed::Range { min: self.min, max: self.max, step: self.step } })
    }
}

impl Memory {
    /// What was kept, as far as it still holds.
    pub(super) fn open(kept: Option<&str>, removed: &[String]) -> Self {
        let mut memory: Self = kept.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        if memory.removed != removed {
            // The panels may be what was taken away.
            memory.roles.clear();
            memory.removed = removed.to_vec();
        }
        memory
    }

    /// The roles that it was seen in, those of earlier runs too.
    pub(super) fn roles(&self) -> Vec<Role> {
        ROLES.into_iter().filter(|role| self.roles.iter().any(|known| known == role.key())).collect()
    }

    pub(super) fn modes(&self) -> &[String] {
        &self.modes
    }

    pub(super) fn settings(&self) -> Vec<Setting> {
        self.settings.iter().filter_map(Range::setting).collect()
    }

    /// Nothing at present is no reason to forget what is possible.
    pub(super) fn offers(&mut self, modes: &[String], settings: &[Setting]) {
        if !modes.is_empty() {
            self.modes = modes.to_vec();
        }
        if !settings.is_empty() {
            self.settings = settings.iter().filter_map(Range::of).collect();
        }
    }

    fn saw(&mut self, roles: &[Role]) {
        for role in roles.iter().map(|role| role.key()) {
            if !self.roles.iter().any(|known| known == role) {
                self.roles.push(role.to_owned());
            }
        }
    }

    /// Another GX device has another installation.
    fn is_of_another(&self, serial: Option<&str>) -> bool {
        self.serial.as_deref().zip(serial).is_some_and(|(known, told)| known != told)
    }
}

impl Gx {
    /// Takes in what is new in the installation, and lets the way in use know what it lacks.
    pub(super) fn keep_memory(&mut self, now: Moment) {
        let tree = self.tree();
        let mut tree = tree.write().unwrap_or_else(PoisonError::into_inner);
        let site = Site::of(&tree);
        let serial = serial_of(&site).map(str::to_owned);
        if self.memory.is_of_another(serial.as_deref()) {
            self.memory = Memory::open(None, &self.settings.removed);
        }
        self.memory.serial = serial.or_else(|| self.memory.serial.take());
        // Modbus tells instances by a table that may be wrong: what another way has told counts.
        if !tree.zero_is_none() || self.slots.len() == 1 {
            self.memory.saw(&roles(&site));
            self.memory.roster.enrol(&tree, now);
        }
        self.memory.roster.remove(&self.settings.removed, &tree);
        tree.follow(&self.memory.roster);
    }

    pub(super) fn memory_text(&self) -> Option<String> {
        let portal = self.used_portal().or_else(|| self.memory.portal.clone());
        serde_json::to_string(&Memory { can: self.can.names().to_vec(), portal, ..self.memory.clone() }).ok()
    }

    /// The roles that it has: once it was seen in one, its part in the house is unknown without it, not nothing.
    pub(super) fn roles(&self) -> Vec<Role> {
        let tree = self.tree();
        let tree = read(&tree);
        let seen = self.memory.roles();
        let now = roles(&Site::of(&tree));
        ROLES.into_iter().filter(|role| seen.contains(role) || now.contains(role)).collect()
    }
}

/// The identity of the GX device itself.
pub(super) fn serial_of<'a>(site: &Site<'a>) -> Option<&'a str> {
    let own = site.platform.and_then(|part| part.text("/Device/UniqueId"));
    own.or_else(|| site.system.and_then(|part| part.text("/Serial")))
}

/// The roles that it is seen in.
fn roles(site: &Site<'_>) -> Vec<Role> {
    let roster = &site.tree.roster;
    let has = |class: &str| site.tree.first(class).is_some();
    let has_grid = site.grid.is_some()
        || roster.has(Kind::Grid)
        || site.system_number("/Ac/Grid/NumberOfPhases").is_some_and(|phases| phases > 0.0);
    let has_battery = site.battery.is_some() || site.system_number("/Dc/Battery/Voltage").is_some();
    let has_solar = has("solarcharger")
        || has("pvinverter")
        || roster.has(Kind::Panels)
        || site.system_number("/Dc/Pv/Power").is_some();
    [
        (Role::Battery, has_battery),
        (Role::Inverter, !site.inverters.is_empty()),
        (Role::GridMeter, has_grid),
        (Role::Pv, has_solar),
        (Role::LoadMeter, site.system.is_some_and(|part| part.has("/Ac/Consumption/L1/Power"))),
    ]
    .into_iter()
    .filter_map(|(role, is_there)| is_there.then_some(role))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(memory: &Memory) -> String {
        serde_json::to_string(memory).expect("plain data")
    }

    #[test]
    fn roles_are_kept_until_something_is_taken_away() {
        let mut memory = Memory::open(None, &[]);
        memory.saw(&[Role::Pv, Role::Battery]);
        memory.saw(&[Role::Battery]);
        let again = Memory::open(Some(&kept(&memory)), &[]);
        assert_eq!(again.roles(), [Role::Battery, Role::Pv]);
        let removed = ["solarcharger/258".to_owned()];
        let without = Memory::open(Some(&kept(&memory)), &removed);
        assert_eq!(without.roles(), []);
        assert_eq!(Memory::open(Some(&kept(&without)), &removed), without);
    }

    #[test]
    fn what_was_offered_is_kept() {
        let allowed = Allowed::Range { min: -1.0, max: 300.0, step: 1.0 };
        let settings = [Setting { metric: native::MAX_DISCHARGE_POWER, allowed }];
        let mut memory = Memory::open(None, &[]);
        memory.offers(&["auto".to_owned()], &settings);
        memory.offers(&[], &[]);
        let again = Memory::open(Some(&kept(&memory)), &[]);
        assert_eq!((again.modes(), again.settings()), (&["auto".to_owned()][..], settings.to_vec()));
    }

    #[test]
    fn what_makes_no_sense_is_forgotten() {
        for text in ["", "[]", "{\"roster\": 5}", "{\"roster\": {\"slots\": {\"x\": []}}}"] {
            assert_eq!(Memory::open(Some(text), &[]), Memory::default(), "{text}");
        }
    }

    #[test]
    fn another_gx_device_has_another_installation() {
        let memory = Memory { serial: Some("c0619ab9929a".to_owned()), ..Memory::default() };
        assert!(memory.is_of_another(Some("c0619ab9929b")));
        assert!(!memory.is_of_another(Some("c0619ab9929a")));
        assert!(!memory.is_of_another(None));
        assert!(!Memory::default().is_of_another(Some("c0619ab9929a")));
    }
}
