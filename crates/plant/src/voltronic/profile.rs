//! Which unit is simulated: its family, its ratings, what it answers and what it takes.
//!
//! Sources: the vendor's documents of HS/MS/MSX 2014, PIP-GK/MK, MAX 2021, REVO V03, LV5048 2019, `InfiniSolar` V 2017 and
//! 5KW 2016, and captures of real units; where they differ, the table takes the capture.

use std::{fmt, str::FromStr};

/// A unit to be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name is family and model; `about` says it in words")]
pub enum Profile {
    Pi30F17,
    Pi30F21,
    Pi30Mk,
    Pi30Max,
    Pi30Max21,
    Pi41,
    Pi18,
    Pi18Lv5048,
    Pi17,
    Revo,
    Ups,
    Charger,
}

/// How frames look and what fields mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Pi30,
    Pi41,
    Revo,
    Pi18,
    Pi17,
    Ups,
    Charger,
}

/// What field 12 of QPIGS holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field12 {
    /// Current into the battery, whole A: the classic units.
    BatteryAmps,
    /// Current of the panels, whole A.
    PanelAmps,
    /// Current of the panels, tenths of A.
    PanelTenths,
    /// Power of the panels, W: the REVO.
    Watts,
}

/// The facts about one profile.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "model name and number are what the vendor calls QMN and QGMN")]
pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) family: Family,
    /// QMN, QGMN, and the main firmware's version.
    pub(crate) model_name: &'static str,
    pub(crate) model_number: &'static str,
    pub(crate) firmware: &'static str,
    pub(crate) rated_va: f64,
    pub(crate) rated_w: f64,
    pub(crate) battery_v: f64,
    /// Rated voltage and frequency of the AC side.
    pub(crate) ac: (f64, f64),
    pub(crate) gs_fields: usize,
    /// Powers with five digits.
    pub(crate) wide: bool,
    pub(crate) field12: Field12,
    /// Trackers, and the voltage of a string.
    pub(crate) panels: (usize, f64),
    /// QPIRI: fields, digits of field 13 and 14, field 18, digits of field 25.
    pub(crate) rating: (usize, usize, usize, char, usize),
    pub(crate) warnings: usize,
    /// Letters of QFLAG in the order in which they are listed.
    pub(crate) flags: &'static str,
    /// Codes that PCP takes.
    pub(crate) chargers: &'static [u8],
    /// Currents that the setters take, A: all sources, grid.
    pub(crate) currents: (&'static [u16], &'static [u16]),
    /// Mode letters beyond P, S, L, B, F, H.
    pub(crate) modes: &'static str,
    /// Panels and grid can feed the loads together.
    pub(crate) blends: bool,
    /// Extra queries beyond those that every unit of the family has.
    pub(crate) queries: &'static [&'static str],
    /// Extra setters likewise.
    pub(crate) setters: &'static [&'static str],
}

const TO_60: &[u16] = &[10, 20, 30, 40, 50, 60];
const TO_120: &[u16] = &[10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120];
const TO_150: &[u16] = &[10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150];
const GRID_30: &[u16] = &[2, 10, 20, 30];
const GRID_60: &[u16] = &[2, 10, 20, 30, 40, 50, 60];
const GRID_120: &[u16] = &[2, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120];
const MAX_QUERIES: &[&str] = &[
    "QPIGS2", "QSID", "QVFW2", "QVFW3", "QMN", "QGMN", "QT", "QBEQI", "QPGS", "Q1", "QOPPT", "QCHPT", "QLED",
    "QOPM", "QBMS", "QET", "QEY", "QEM", "QED", "QLT", "QLY", "QLM", "QLD", "QCST", "QCVT",
];
const MAX_SETTERS: &[&str] =
    &["PBEQ", "PBATCD", "PBATMAXDISC", "PCVT", "POPLG", "DAT", "RTEY", "RTDL", "PLED", "MNCHGC", "V"];

/// The classic 48 V unit, from which the others differ.
const CLASSIC: Model = Model {
    name: "pi30-21",
    about: "Axpert/PIP 5 kVA 48 V of 2015: 21 fields, current into the battery in field 12",
    family: Family::Pi30,
    model_name: "MKS-5000",
    model_number: "004",
    firmware: "00072.70",
    rated_va: 5_000.0,
    rated_w: 4_000.0,
    battery_v: 48.0,
    ac: (230.0, 50.0),
    gs_fields: 21,
    wide: false,
    field12: Field12::BatteryAmps,
    panels: (1, 104.0),
    rating: (25, 2, 3, '6', 0),
    warnings: 32,
    flags: "abjkuvxyz",
    chargers: &[0, 1, 2, 3],
    currents: (TO_60, GRID_60),
    modes: "",
    blends: false,
    queries: &["QMN", "QGMN", "QVFW2", "QPGS", "QOPM", "QBEQI", "Q1"],
    setters: &["PBEQ", "MNCHGC"],
};

const MODELS: [Model; 12] = [
    Model {
        name: "pi30-17",
        about: "Axpert HS 3 kVA 24 V of 2014: 17 fields, heat sink as a raw A/D value",
        firmware: "00012.03",
        rated_va: 3_000.0,
        rated_w: 2_400.0,
        battery_v: 24.0,
        gs_fields: 17,
        panels: (1, 62.0),
        rating: (25, 2, 2, '-', 0),
        currents: (&[10, 20, 30, 40, 50], GRID_30),
        queries: &[],
        setters: &[],
        ..CLASSIC
    },
    CLASSIC,
    Model {
        name: "pi30-mk",
        about: "Axpert King 5 kW 48 V: QPIRI of 28 fields, QPIWS of 36, modes C, Y, E and D",
        model_name: "KING-5000",
        model_number: "037",
        firmware: "00041.17",
        rated_w: 5_000.0,
        field12: Field12::PanelAmps,
        panels: (1, 118.0),
        rating: (28, 2, 3, '9', 3),
        warnings: 36,
        currents: (&[10, 20, 30, 40, 50, 60, 70, 80], GRID_60),
        modes: "CYED",
        queries: &["QMN", "QGMN", "QVFW2", "QPGS", "QOPM", "QBEQI", "Q1", "QT"],
        setters: &["PBEQ", "PCVT", "POPLG", "MNCHGC", "V"],
        ..CLASSIC
    },
    Model {
        name: "pi30-max",
        about: "Axpert MAX TWIN 11 kW: 24 fields, watts of 5 digits, two trackers, energy counters",
        model_name: "MAX-11000",
        model_number: "061",
        firmware: "00080.11",
        rated_va: 11_000.0,
        rated_w: 11_000.0,
        gs_fields: 24,
        wide: true,
        field12: Field12::PanelTenths,
        panels: (2, 285.0),
        rating: (28, 3, 3, '9', 3),
        warnings: 36,
        flags: "abdjlnkuvxyz",
        chargers: &[1, 2, 3],
        currents: (TO_150, TO_150),
        modes: "D",
        blends: true,
        queries: MAX_QUERIES,
        setters: MAX_SETTERS,
        ..CLASSIC
    },
    Model {
        name: "pi30-max21",
        about: "Axpert MAX II 8 kW: 21 fields, two trackers, energy counters",
        model_name: "MAX2-8000",
        model_number: "044",
        firmware: "00049.05",
        rated_va: 8_000.0,
        rated_w: 8_000.0,
        field12: Field12::PanelTenths,
        panels: (2, 225.0),
        rating: (28, 3, 3, '9', 3),
        warnings: 36,
        chargers: &[1, 2, 3],
        currents: (TO_120, GRID_120),
        modes: "D",
        blends: true,
        queries: MAX_QUERIES,
        setters: MAX_SETTERS,
        ..CLASSIC
    },
    Model {
        name: "pi41",
        about: "LV5048, 120 V split phase: QPIGS is leg 1, QPIGS2 is leg 2",
        family: Family::Pi41,
        model_name: "LV5048",
        model_number: "011",
        firmware: "00021.03",
        rated_w: 5_000.0,
        ac: (120.0, 60.0),
        panels: (2, 96.0),
        rating: (26, 2, 3, '9', 3),
        currents: (TO_120, GRID_60),
        queries: &["QPIGS2", "QVFW2", "QPGS", "QP2GS", "QOPM", "QBEQI"],
        ..CLASSIC
    },
    Model {
        name: "pi18",
        about: "InfiniSolar V 5 kW as documented: PIRI of 25 fields, 16 flags, energies in kWh",
        family: Family::Pi18,
        model_name: "",
        model_number: "",
        firmware: "05220",
        rated_w: 5_000.0,
        rating: (25, 2, 3, '9', 0),
        panels: (2, 240.0),
        chargers: &[0, 1, 2],
        currents: (&[10, 20, 30, 40, 50, 60, 70, 80], GRID_60),
        warnings: 16,
        blends: true,
        queries: &[],
        setters: &[],
        ..CLASSIC
    },
    Model {
        name: "pi18-lv5048",
        about: "LV5048 Hybrid V2 5.6 kW as captured: PIRI of 26 fields, 17 flags, energies in Wh",
        family: Family::Pi18,
        model_name: "",
        model_number: "",
        firmware: "04510",
        rated_va: 5_600.0,
        rated_w: 5_600.0,
        rating: (25, 2, 3, '9', 0),
        panels: (1, 248.0),
        chargers: &[0, 1, 2],
        currents: (&[10, 20, 30, 40, 50, 60, 70, 80, 90], GRID_60),
        warnings: 17,
        blends: true,
        queries: &[],
        setters: &[],
        ..CLASSIC
    },
    Model {
        name: "pi17",
        about: "InfiniSolar 10 kW on three phases: commands without a check, signed battery current",
        family: Family::Pi17,
        model_name: "",
        model_number: "000",
        firmware: "00001.01",
        rated_va: 10_000.0,
        rated_w: 10_000.0,
        panels: (2, 560.0),
        chargers: &[],
        currents: (&[], &[]),
        warnings: 22,
        modes: "C",
        blends: true,
        queries: &[],
        setters: &[],
        ..CLASSIC
    },
    Model {
        name: "revo",
        about: "Sorotec REVO 5.5 kW: PI30 by name, other meanings: watts of the panels in field 12, energy of the day in 15",
        family: Family::Revo,
        model_name: "",
        model_number: "",
        firmware: "00001.18",
        rated_va: 5_500.0,
        rated_w: 5_500.0,
        field12: Field12::Watts,
        panels: (1, 310.0),
        rating: (25, 2, 3, '6', 0),
        chargers: &[],
        currents: (&[], &[]),
        blends: true,
        queries: &["QALL", "PQSE", "QLITH"],
        setters: &["PSET"],
        ..CLASSIC
    },
    Model {
        name: "ups",
        about: "a Megatec UPS behind the same VID:PID: not an inverter, and S or T do harm",
        family: Family::Ups,
        firmware: "V1.00",
        rated_va: 1_000.0,
        rated_w: 600.0,
        battery_v: 24.0,
        panels: (0, 60.0),
        ..CLASSIC
    },
    Model {
        name: "charger",
        about: "an MPPT charge controller behind the same VID:PID: says (PI34 and is not an inverter",
        family: Family::Charger,
        firmware: "00001.04",
        rated_va: 3_000.0,
        rated_w: 3_000.0,
        panels: (1, 96.0),
        ..CLASSIC
    },
];

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 12] = [
        Self::Pi30F17,
        Self::Pi30F21,
        Self::Pi30Mk,
        Self::Pi30Max,
        Self::Pi30Max21,
        Self::Pi41,
        Self::Pi18,
        Self::Pi18Lv5048,
        Self::Pi17,
        Self::Revo,
        Self::Ups,
        Self::Charger,
    ];

    /// The word for it, such as `pi30-max`.
    pub fn name(self) -> &'static str {
        self.model().name
    }

    /// One line for people.
    pub fn about(self) -> &'static str {
        self.model().about
    }

    /// Whether it is an inverter, or a stranger behind the same VID:PID.
    pub fn is_inverter(self) -> bool {
        !matches!(self.model().family, Family::Ups | Family::Charger)
    }

    pub(crate) fn model(self) -> &'static Model {
        static TABLE: [Model; 12] = MODELS;
        &TABLE[self as usize]
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No profile has the name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no inverter profile is called {name:?}; the profiles are {}", names())]
pub struct UnknownProfile {
    /// As written.
    pub name: String,
}

fn names() -> String {
    Profile::ALL.map(Profile::name).join(", ")
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|profile| profile.name() == text);
        found.ok_or_else(|| UnknownProfile { name: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_stands_in_its_row_and_its_word_leads_back() {
        for profile in Profile::ALL {
            assert_eq!(profile.name().parse(), Ok(profile));
            assert!(profile.about().len() > 20);
            let variant: String = format!("{profile:?}").to_ascii_lowercase();
            let word = profile.name().replace('-', "").replace("pi301", "pi30f1").replace("pi302", "pi30f2");
            assert_eq!(variant, word, "another row");
        }
        let error = "axpert".parse::<Profile>().unwrap_err().to_string();
        assert!(
            error.starts_with("no inverter profile is called \"axpert\"; the profiles are pi30-17,"),
            "{error}"
        );
    }

    #[test]
    fn a_unit_lists_a_current_once_and_in_order() {
        for profile in Profile::ALL {
            let (all, grid) = profile.model().currents;
            assert!(all.is_sorted() && grid.is_sorted(), "{profile}");
        }
    }
}
