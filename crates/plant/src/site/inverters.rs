//! The inverters of a site: each a unit, and the power stage of the house that it commands.

use super::{InMemory, SetupError, UnitError};
use crate::{
    house::{House, InverterId},
    voltronic::{Counters, InverterSetup, UNITS_MAX, Unit},
};

/// One inverter.
#[derive(Debug)]
pub(super) struct Inverter {
    name: String,
    stage: InverterId,
    unit: Unit,
}

impl Inverter {
    /// The firmware's orders go to the power stage before it steps.
    pub(super) fn command(&self, house: &mut House) {
        house.inverter_mut(self.stage).orders = self.unit.orders();
    }

    /// The firmware sees what the power stage has done.
    pub(super) fn see(&mut self, house: &House) {
        self.unit.tick(house.now_ms(), house.civil(), house.inverter_truth(self.stage));
    }
}

impl InMemory {
    /// The same site with inverters.
    pub fn with_inverters(mut self, setups: Vec<InverterSetup>) -> Result<Self, SetupError> {
        setups.into_iter().try_for_each(|setup| self.install_inverter(setup))?;
        Ok(self)
    }

    /// Installs an inverter with its bank, panels and loads.
    pub fn install_inverter(&mut self, setup: InverterSetup) -> Result<(), SetupError> {
        let taken = |name: &str| name == setup.name;
        if self.names().any(taken) || self.inverter_names().any(taken) {
            return Err(SetupError::Name { name: setup.name });
        }
        if !(1..=UNITS_MAX).contains(&setup.units) {
            return Err(SetupError::Units { name: setup.name, units: setup.units });
        }
        let digits = setup.serial.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !(1..=20).contains(&setup.serial.len()) {
            return Err(SetupError::Serial { name: setup.name, serial: setup.serial });
        }
        let stage = self.house.add_inverter(setup.hardware())?;
        // Each unit has its own luck.
        let seed = self.seed.wrapping_add((self.inverters.len() as u64 + 1) * 104_729);
        let seen = self.house.inverter_truth(stage);
        let unit = Unit::new(&setup, seen, self.house.civil(), self.house.now_ms(), seed);
        self.inverters.push(Inverter { name: setup.name, stage, unit });
        Ok(())
    }

    /// The inverters' names in the order of [`Truth::inverters`](crate::Truth).
    pub fn inverter_names(&self) -> impl Iterator<Item = &str> {
        self.inverters.iter().map(|inverter| inverter.name.as_str())
    }

    /// An inverter's firmware.
    pub fn inverter(&self, name: &str) -> Result<&Unit, UnitError> {
        self.inverter_index(name).map(|index| &self.inverters[index].unit)
    }

    /// An inverter's firmware, to change its switches, to pin its readings, or as a [`Port`](crate::Port).
    pub fn inverter_mut(&mut self, name: &str) -> Result<&mut Unit, UnitError> {
        self.inverter_index(name).map(|index| &mut self.inverters[index].unit)
    }

    /// The power stage of an inverter, for [`House::inverter_mut`].
    pub fn inverter_stage(&self, name: &str) -> Result<InverterId, UnitError> {
        self.inverter_index(name).map(|index| self.inverters[index].stage)
    }

    /// What reached an inverter.
    pub fn inverter_counters(&self, name: &str) -> Result<Counters, UnitError> {
        self.inverter(name).map(|unit| unit.counters().clone())
    }

    /// Sets a switch of an inverter from `name=value`.
    pub fn set_inverter_switch(&mut self, name: &str, text: &str) -> Result<(), UnitError> {
        let unit = self.inverter_mut(name)?;
        unit.switches.set(text).map_err(|source| UnitError::InverterSwitch { name: name.to_owned(), source })
    }

    fn inverter_index(&self, name: &str) -> Result<usize, UnitError> {
        self.inverters.iter().position(|inverter| inverter.name == name).ok_or_else(|| {
            UnitError::UnknownInverter {
                name: name.to_owned(),
                known: self.inverter_names().collect::<Vec<_>>().join(", "),
            }
        })
    }
}
