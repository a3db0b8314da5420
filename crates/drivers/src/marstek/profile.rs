//! What is known about a unit from its model and firmware: which methods exist, which raw units it sends, what is risky.
//!
//! Sources: vendor document Rev 3.1; compatibility tables and issue threads of the public integrations, digested in
//! `docs/marstek.md`. They conflict, so a scale here is only the first guess; [`super::scale`] checks it against the data.

use super::wire::Method;

/// Hardware families that behave alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    /// HMG-50 control board: Venus C, Venus E generation 1 and 2.
    Hmg50,
    /// Venus E 3.0 (VNSE3-0).
    VenusE3,
    /// Venus A (VNSA-0), with PV inputs.
    VenusA,
    /// Venus D (VNSD-0), with PV inputs.
    VenusD,
    /// Venus E mini (VNSEM-0).
    Mini,
    /// A name we do not know.
    Unknown,
}

impl Family {
    /// The family that a model name or SKU stands for, with or without spaces.
    pub(crate) fn of(model: &str) -> Self {
        let name: String =
            model.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        match name.as_str() {
            _ if name.starts_with("vnsem") || name.contains("mini") => Self::Mini,
            _ if name.starts_with("vnse3") || name.starts_with("venuse3") => Self::VenusE3,
            _ if name.starts_with("vnsa") || name.starts_with("venusa") => Self::VenusA,
            _ if name.starts_with("vnsd") || name.starts_with("venusd") => Self::VenusD,
            _ if name.starts_with("venuse") || name.starts_with("venusc") || name.starts_with("hmg") => {
                Self::Hmg50
            }
            _ => Self::Unknown,
        }
    }

    /// Whether the unit has PV inputs of its own.
    pub(crate) fn has_pv(self) -> bool {
        matches!(self, Self::VenusA | Self::VenusD)
    }

    /// The power in watts that no unit of the family exceeds; a socket or country setting may be lower.
    pub(crate) fn power_max_w(self) -> f64 {
        match self {
            Self::VenusA => 1500.0,
            Self::VenusD => 2200.0,
            Self::Mini => 1200.0,
            Self::Hmg50 | Self::VenusE3 | Self::Unknown => 2500.0,
        }
    }
}

/// A firmware version as the vendor counts: 150.9 for the raw 1509 or 150.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Firmware(pub(crate) f64);

impl Firmware {
    /// From the raw `ver`: four digits carry one decimal (1476 means 147.6).
    pub(crate) fn from_ver(ver: f64) -> Option<Self> {
        (1.0..100_000.0).contains(&ver).then(|| Self(if ver >= 1000.0 { ver / 10.0 } else { ver }))
    }
}

impl std::fmt::Display for Firmware {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A unit's family and firmware, as far as known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Profile {
    pub(crate) family: Family,
    pub(crate) firmware: Option<Firmware>,
}

impl Profile {
    pub(crate) const UNKNOWN: Self = Self { family: Family::Unknown, firmware: None };

    fn below(self, version: f64) -> bool {
        self.firmware.is_none_or(|firmware| firmware.0 < version)
    }

    /// Firmware that switches its API off or resets itself when polled, as the vendor's own fix notes admit.
    /// Unknown firmware counts as risky.
    pub(crate) fn is_risky(self) -> bool {
        match self.family {
            Family::Hmg50 => self.below(156.0),
            Family::VenusE3 | Family::VenusA | Family::VenusD => self.below(150.0),
            Family::Mini => false,
            Family::Unknown => true,
        }
    }

    /// The first firmware of this family without the known faults.
    pub(crate) fn safe_firmware(self) -> Option<u16> {
        match self.family {
            Family::Hmg50 => Some(156),
            Family::VenusE3 | Family::VenusA | Family::VenusD => Some(150),
            Family::Mini | Family::Unknown => None,
        }
    }

    /// HMG-50 boards share one radio between the API and the reader of the house meter: every request costs the
    /// self-consumption some accuracy.
    pub(crate) fn polling_disturbs_meter(self) -> bool {
        self.family == Family::Hmg50
    }

    /// Whether it is worth asking this unit for `method` at all. Learning takes over from here.
    pub(crate) fn may_answer(self, method: Method) -> bool {
        match method {
            Method::Pv => self.family.has_pv() || self.family == Family::Unknown,
            Method::Bat => !self.is_risky(),
            Method::Em => self.family != Family::Hmg50,
            _ => true,
        }
    }

    /// First guess: raw temperature times this is degrees Celsius. `None` where two units make sense of `raw` and the
    /// firmware, which would decide, is not known.
    pub(crate) fn temperature_scale(self, raw: f64) -> Option<f64> {
        let small = (-2.0..=7.0).contains(&raw);
        match self.family {
            Family::Hmg50 | Family::Unknown if self.firmware.is_none() && small => None,
            Family::Hmg50 if !self.below(154.0) => Some(10.0),
            Family::VenusE3 if !self.below(139.0) && self.below(144.0) => Some(0.1),
            _ => Some(1.0),
        }
    }

    /// Raw energy counter times this is watt hours; `None` where the sources disagree and only the data can tell.
    pub(crate) fn counter_scale(self) -> Option<f64> {
        match self.family {
            Family::VenusE3 | Family::VenusA | Family::VenusD => Some(1.0),
            Family::Hmg50 | Family::Mini | Family::Unknown => None,
        }
    }

    /// Raw total solar energy times this is watt hours; `None` where the counter is not known to work.
    pub(crate) fn pv_counter_scale(self) -> Option<f64> {
        (self.family.has_pv() && !self.below(149.0)).then_some(10.0)
    }

    /// Raw `pv1_power` times this is watts: the first channel alone is in tenths of a watt on every firmware seen.
    pub(crate) fn pv1_scale(self) -> f64 {
        if self.family.has_pv() { 0.1 } else { 1.0 }
    }

    /// Raw `bat_power` times this is watts.
    pub(crate) fn bat_power_scale(self) -> f64 {
        if self.family == Family::Hmg50 && self.below(154.0) { 0.1 } else { 1.0 }
    }

    /// Whether `ES.SetMode` knows UPS.
    pub(crate) fn has_ups(self) -> bool {
        matches!(self.family, Family::VenusE3 | Family::VenusA | Family::VenusD) && !self.below(150.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_skus_and_spaces_lead_to_the_family() {
        for (model, family) in [
            ("VenusE 3.0", Family::VenusE3),
            ("VNSE3-0", Family::VenusE3),
            ("VenusE", Family::Hmg50),
            ("VenusC", Family::Hmg50),
            ("Venus A", Family::VenusA),
            ("VenusA", Family::VenusA),
            ("VNSD-0", Family::VenusD),
            ("VNSEM-0", Family::Mini),
            ("Jupiter", Family::Unknown),
            ("", Family::Unknown),
        ] {
            assert_eq!(Family::of(model), family, "{model:?}");
        }
    }

    #[test]
    fn four_digit_versions_carry_a_decimal() {
        for (ver, shown) in [(150.0, "150"), (1476.0, "147.6"), (1509.0, "150.9"), (1581.0, "158.1")] {
            assert_eq!(Firmware::from_ver(ver).expect("a version").to_string(), shown);
        }
        for ver in [0.0, -3.0, f64::NAN, 1e9] {
            assert_eq!(Firmware::from_ver(ver), None);
        }
    }

    #[test]
    fn risk_ends_with_the_fixed_firmware_and_unknown_is_risky() {
        let profile = |family, ver| Profile { family, firmware: Firmware::from_ver(ver) };
        assert!(profile(Family::VenusE3, 148.0).is_risky());
        assert!(!profile(Family::VenusE3, 150.0).is_risky());
        assert!(profile(Family::VenusA, 1492.0).is_risky());
        assert!(profile(Family::Hmg50, 155.0).is_risky());
        assert!(!profile(Family::Hmg50, 156.0).is_risky());
        assert!(Profile { family: Family::VenusE3, firmware: None }.is_risky());
        assert!(Profile::UNKNOWN.is_risky());
    }
}
