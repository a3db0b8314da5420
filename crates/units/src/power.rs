//! Directed powers. The sign is fixed here, once: what feeds the house is positive.

use crate::Watts;

/// Power at a battery's AC side. Discharging feeds the house.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct BatteryPower(Watts);

impl BatteryPower {
    /// A battery that takes `power` from the house. `power` is a magnitude; a negative one means discharging.
    pub fn charging(power: Watts) -> Self {
        Self(-power)
    }

    /// A battery that gives `power` to the house. `power` is a magnitude; a negative one means charging.
    pub fn discharging(power: Watts) -> Self {
        Self(power)
    }

    /// Power supplied to the house: discharging positive, charging negative.
    pub fn supplied(self) -> Watts {
        self.0
    }
}

/// Power at the connection to the grid. Import feeds the house.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct GridPower(Watts);

impl GridPower {
    /// Power drawn from the grid.
    pub fn importing(power: Watts) -> Self {
        Self(power)
    }

    /// Power fed into the grid.
    pub fn exporting(power: Watts) -> Self {
        Self(-power)
    }

    /// Power supplied to the house: import positive, export negative.
    pub fn supplied(self) -> Watts {
        self.0
    }
}

/// Power of a photovoltaic generator. Producing feeds the house.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct SolarPower(Watts);

impl SolarPower {
    /// Power produced by the panels.
    pub fn producing(power: Watts) -> Self {
        Self(power)
    }

    /// Power supplied to the house, positive while producing.
    pub fn supplied(self) -> Watts {
        self.0
    }
}

/// What the house consumes: the sum of everything that feeds it.
pub fn load(grid: GridPower, battery: BatteryPower, solar: SolarPower) -> Watts {
    grid.supplied() + battery.supplied() + solar.supplied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn naming_the_direction_fixes_the_sign() {
        assert_eq!(BatteryPower::charging(Watts(800.0)).supplied(), Watts(-800.0));
        assert_eq!(BatteryPower::discharging(Watts(800.0)).supplied(), Watts(800.0));
        assert_eq!(GridPower::importing(Watts(50.0)).supplied(), Watts(50.0));
        assert_eq!(GridPower::exporting(Watts(50.0)).supplied(), Watts(-50.0));
        assert_eq!(SolarPower::producing(Watts(1.5)).supplied(), Watts(1.5));
    }

    #[test]
    fn load_is_what_feeds_the_house() {
        let load = load(
            GridPower::exporting(Watts(200.0)),
            BatteryPower::charging(Watts(1000.0)),
            SolarPower::producing(Watts(1900.0)),
        );
        assert_eq!(load, Watts(700.0));
    }
}
