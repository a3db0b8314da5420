//! What each model and firmware does: its name, its methods, its fields and the scale of each raw value.
//!
//! Sources: the vendor's Open API documents Rev 1.0 and 3.1, and the users' reports and captures named beside the facts
//! (jaapp/ha-marstek-local-api, taurgis/has-marstek-local-api). Scales multiply the raw value: raw = physical / scale.

use std::str::FromStr;

/// A model with its firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name is model and firmware; `help` says it in words")]
pub enum Profile {
    Rev10,
    Hmg50V153,
    Hmg50V155,
    Hmg50V156,
    E3V139,
    E3V144,
    E3V148,
    E3V150,
    VaV147,
    VaV148,
    VaV149,
    VaV150,
    VdV147,
    VdV148,
    VdV149,
    VdV150,
    Mini300,
}

/// Hardware of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// The unit of the vendor's first document, which nobody has seen.
    Document,
    /// The control board of Venus C and Venus E 1 and 2.
    Hmg50,
    /// Venus E 3.0.
    E3,
    /// Venus A, with four panel inputs.
    A,
    /// Venus D, with four panel inputs.
    D,
    /// Venus E mini.
    Mini,
}

/// Every profile with its CLI word, family, firmware, the `device` string and the `ver` number it reports.
///
/// Device strings and four-digit versions vary between real units of one model (a display name with or without a space,
/// or the SKU; 1476 means 147.6): the table spreads the forms seen over the profiles.
const TABLE: &[(Profile, &str, Family, u16, &str, u32)] = &[
    (Profile::Rev10, "rev-1.0", Family::Document, 111, "VenusC", 111),
    (Profile::Hmg50V153, "hmg50-153", Family::Hmg50, 153, "VenusE", 153),
    (Profile::Hmg50V155, "hmg50-155", Family::Hmg50, 155, "VenusE", 155),
    (Profile::Hmg50V156, "hmg50-156", Family::Hmg50, 156, "VenusE", 156),
    (Profile::E3V139, "e3-139", Family::E3, 139, "VenusE 3.0", 139),
    (Profile::E3V144, "e3-144", Family::E3, 144, "VenusE 3.0", 144),
    (Profile::E3V148, "e3-148", Family::E3, 148, "VNSE3-0", 148),
    (Profile::E3V150, "e3-150", Family::E3, 150, "VenusE 3.0", 150),
    (Profile::VaV147, "va-147", Family::A, 147, "VenusA", 147),
    (Profile::VaV148, "va-148", Family::A, 148, "Venus A", 148),
    (Profile::VaV149, "va-149", Family::A, 149, "VenusA", 1492),
    (Profile::VaV150, "va-150", Family::A, 150, "VNSA-0", 1509),
    (Profile::VdV147, "vd-147", Family::D, 147, "VenusD", 1476),
    (Profile::VdV148, "vd-148", Family::D, 148, "Venus D", 1487),
    (Profile::VdV149, "vd-149", Family::D, 149, "VenusD", 149),
    (Profile::VdV150, "vd-150", Family::D, 150, "VNSD-0", 150),
    (Profile::Mini300, "mini-300", Family::Mini, 300, "VNSEM-0", 300),
];

/// How a method is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Support {
    Answers,
    NotFound,
    Silent,
}

/// The raw scales of the fields that differ: physical = raw x scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scales {
    pub(crate) bat_temp: f64,
    pub(crate) bat_capacity: f64,
    pub(crate) bat_power: f64,
    pub(crate) grid_energy: f64,
    pub(crate) pv1_power: f64,
    /// Scale of the panels' counter; `None` = the counter stays 0.
    pub(crate) pv_energy: Option<f64>,
}

impl Profile {
    /// All profiles, oldest hardware first.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// The CLI word.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// One line for a CLI's help.
    pub fn help(self) -> String {
        let (_, name, family, firmware, device, _) = self.row();
        let model = match family {
            Family::Document => "the unit of the vendor's document Rev 1.0",
            Family::Hmg50 => "Venus C or E 1/2 (HMG-50 board)",
            Family::E3 => "Venus E 3.0",
            Family::A => "Venus A",
            Family::D => "Venus D",
            Family::Mini => "Venus E mini",
        };
        format!("{name}: {model}, firmware {firmware}, calls itself {device:?}")
    }

    /// The `device` string.
    pub fn device(self) -> &'static str {
        self.row().4
    }

    /// The `ver` number as sent, three or four digits.
    pub fn ver(self) -> u32 {
        self.row().5
    }

    pub(crate) fn family(self) -> Family {
        self.row().2
    }

    fn firmware(self) -> u16 {
        self.row().3
    }

    /// The firmware in tenths, so that 148.7 and 149 compare.
    fn tenths(self) -> u32 {
        let ver = self.ver();
        if ver >= 1_000 { ver } else { ver * 10 }
    }

    fn row(self) -> &'static (Self, &'static str, Family, u16, &'static str, u32) {
        TABLE.iter().find(|row| row.0 == self).expect("a test checks that each profile has its row")
    }

    fn solar(self) -> bool {
        matches!(self.family(), Family::A | Family::D)
    }

    /// Firmware 150 of the newer boards, with the document's Rev 3.1.
    pub(crate) fn rev31(self) -> bool {
        matches!(self.family(), Family::E3 | Family::A | Family::D) && self.firmware() >= 150
    }

    /// How a known method is met; `panels` = whether the unit has panels connected.
    pub(crate) fn support(self, method: &str, panels: bool) -> Support {
        let found = |yes: bool| if yes { Support::Answers } else { Support::NotFound };
        match method {
            // Silent on 137 and 139 (jaapp#31: 3 of 3 timed out).
            "ES.GetStatus" if self == Self::E3V139 => Support::Silent,
            // One Venus A without panels never answered.
            "PV.GetStatus" if self.family() == Family::A && !panels => Support::Silent,
            "PV.GetStatus" => found(self.solar() || self.family() == Family::Document),
            "EM.GetStatus" => found(self != Self::Hmg50V153),
            "DOD.SET" | "Led.Ctrl" | "Ble.Adv" => found(self.rev31()),
            "Set.Ver" => found(match self.family() {
                Family::E3 => self.firmware() >= 149,
                Family::A | Family::D => self.tenths() >= 1_487,
                _ => false,
            }),
            "Reset.Factory" => found(match self.family() {
                Family::E3 | Family::A | Family::D => self.firmware() >= 149,
                _ => false,
            }),
            "Wifi.SetConfig" => found(self.family() == Family::Hmg50),
            _ => Support::Answers,
        }
    }

    pub(crate) fn scales(self) -> Scales {
        let plain = Scales {
            bat_temp: 1.0,
            bat_capacity: 1.0,
            bat_power: 1.0,
            grid_energy: 1.0,
            pv1_power: 1.0,
            pv_energy: None,
        };
        match self.family() {
            Family::Document => Scales { pv_energy: Some(1.0), ..plain },
            Family::Hmg50 if self == Self::Hmg50V153 => {
                Scales { bat_capacity: 0.01, bat_power: 0.1, grid_energy: 10.0, ..plain }
            }
            Family::Hmg50 => Scales { bat_temp: 10.0, grid_energy: 100.0, ..plain },
            // 314 = 31.4 C and 441 = 4410 Wh (86 % of 5120), jaapp#31.
            Family::E3 if self == Self::E3V139 => Scales { bat_temp: 0.1, bat_capacity: 10.0, ..plain },
            Family::E3 | Family::Mini => plain,
            // Channel 1 alone is in deciwatts, 147 to 150.9 (taurgis#11, #57; seen on A, and taken for D, whose board it
            // shares). The panels' counter is dead before 149 and counts 10 Wh from then on (taurgis#35).
            Family::A | Family::D => {
                Scales { pv1_power: 0.1, pv_energy: (self.firmware() >= 149).then_some(10.0), ..plain }
            }
        }
    }

    /// `error.data` of "Method not found": seen at firmware 150.
    pub(crate) fn not_found_data(self) -> Option<i64> {
        self.rev31().then_some(424)
    }

    /// `error.data` of "Parse error": seen on E 3.0 from 144 (jaapp#85).
    pub(crate) fn parse_error_data(self) -> Option<i64> {
        (matches!(self.family(), Family::E3 | Family::A | Family::D) && self.firmware() >= 144).then_some(403)
    }

    /// Whether now and then a reply is sent twice.
    pub(crate) fn duplicates(self) -> bool {
        match self.family() {
            Family::Hmg50 => self.firmware() < 156,
            Family::E3 | Family::A | Family::D => self.firmware() < 150,
            Family::Document | Family::Mini => false,
        }
    }

    /// Strings as id are ignored for ES.GetMode and Bat.GetStatus (jaapp#5).
    pub(crate) fn ignores_text_ids(self) -> bool {
        self == Self::E3V139
    }

    /// Setting the mode that is active already answers `set_result: false` (seen on E 3.0 at 150).
    pub(crate) fn refuses_active_mode(self) -> bool {
        self == Self::E3V150
    }

    /// UPS mode exists from firmware 150 of the newer boards.
    pub(crate) fn has_ups(self) -> bool {
        self.rev31()
    }

    /// Number of Manual slots.
    pub(crate) fn slots(self) -> usize {
        if self.family() == Family::Mini { 6 } else { 10 }
    }

    /// ES.GetStatus carries `bat_power`: the document, and HMG-50 at 153 only.
    pub(crate) fn has_bat_power(self) -> bool {
        matches!(self, Self::Rev10 | Self::Hmg50V153)
    }

    /// ES.GetStatus carries the panels' and the load's counters (the capture at 155 lacks them).
    pub(crate) fn has_all_counters(self) -> bool {
        self != Self::Hmg50V155
    }

    /// Bat.GetStatus carries voltage and current (x100) and an error code, as some HMG-50 firmware does.
    pub(crate) fn has_cell_fields(self) -> bool {
        self == Self::Hmg50V155
    }

    /// ES.GetMode and EM.GetStatus carry the house meter's values and counters (Rev 3.x).
    pub(crate) fn has_meter_fields(self) -> bool {
        match self.family() {
            Family::A | Family::D => self.firmware() >= 148,
            Family::E3 => self.firmware() >= 150,
            Family::Mini => true,
            Family::Document | Family::Hmg50 => false,
        }
    }

    /// EM.GetStatus carries `parse_state` on some units.
    pub(crate) fn has_parse_state(self) -> bool {
        self == Self::VdV150
    }

    /// The search answer pads the address with zeros, 192.168.01.50: seen on E 3.0 at 150 and on A at 148 (taurgis#28).
    pub(crate) fn pads_ip(self) -> bool {
        matches!(self, Self::E3V150 | Self::VaV148)
    }

    /// Wifi.GetStatus carries `wifi_mac`: all real units; the document's example lacks it.
    pub(crate) fn has_wifi_mac(self) -> bool {
        self != Self::Rev10
    }
}

/// A word that is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no battery profile is called {0:?}; the profiles are {names}", names = Profile::all().map(Profile::name).collect::<Vec<_>>().join(", "))]
pub struct UnknownProfile(pub String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        TABLE.iter().find(|row| row.1 == word).map(|row| row.0).ok_or_else(|| UnknownProfile(word.to_owned()))
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_profile_has_one_row_and_its_word_leads_back() {
        let all = [
            Profile::Rev10,
            Profile::Hmg50V153,
            Profile::Hmg50V155,
            Profile::Hmg50V156,
            Profile::E3V139,
            Profile::E3V144,
            Profile::E3V148,
            Profile::E3V150,
            Profile::VaV147,
            Profile::VaV148,
            Profile::VaV149,
            Profile::VaV150,
            Profile::VdV147,
            Profile::VdV148,
            Profile::VdV149,
            Profile::VdV150,
            Profile::Mini300,
        ];
        assert_eq!(Profile::all().collect::<Vec<_>>(), all);
        assert_eq!(all.iter().map(|p| p.name()).collect::<HashSet<_>>().len(), all.len());
        for profile in all {
            assert_eq!(profile.name().parse(), Ok(profile));
        }
    }

    #[test]
    fn an_unknown_word_names_the_known_ones() {
        let error = "venus".parse::<Profile>().unwrap_err().to_string();
        assert!(
            error.starts_with("no battery profile is called \"venus\"; the profiles are rev-1.0, hmg50-153,"),
            "{error}"
        );
    }
}
