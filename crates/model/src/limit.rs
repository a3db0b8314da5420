//! A limit of the site as it counts at present: what the configuration says, or less where somebody asked for less.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use ohmstead_units::Watts;

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitName {
    /// What the inverters make AC.
    MultiOutput,
    /// What the batteries supply.
    BatteryDischarge,
    /// What goes into the grid.
    FeedIn,
    /// What comes from the grid.
    GridImport,
}

impl LimitName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::MultiOutput, Self::BatteryDischarge, Self::FeedIn, Self::GridImport];

    /// The key in the configuration, in topics, in JSON and on the command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::MultiOutput => "multi_output",
            Self::BatteryDischarge => "battery_discharge",
            Self::FeedIn => "feed_in",
            Self::GridImport => "grid_import",
        }
    }

    /// The limit of that key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.key() == key)
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// One limit that the configuration has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SiteLimit {
    /// Which.
    pub name: LimitName,
    /// What the configuration allows: more never counts.
    pub max: Watts,
    /// The least that can be asked for.
    pub lowest: Watts,
    /// What was asked for while the program runs.
    pub asked: Option<Watts>,
}

impl SiteLimit {
    /// What counts: what was asked for, and never more than the configuration allows, nor less than can be asked for.
    pub fn counts(&self) -> Watts {
        match self.asked {
            Some(asked) if asked < self.lowest => self.lowest,
            Some(asked) if asked < self.max => asked,
            _ => self.max,
        }
    }

    /// Whether a power can be asked for.
    pub fn takes(&self, power: Watts) -> bool {
        power >= self.lowest && power <= self.max
    }
}

/// Why a limit is not changed; what counted before counts.
#[derive(Debug, Clone, PartialEq)]
pub enum LimitRefused {
    /// The configuration has no such limit.
    NotConfigured(LimitName),
    /// It is not between these.
    OutOfBounds {
        /// What was asked for.
        asked: Watts,
        /// The least that can be.
        lowest: Watts,
        /// The most: what the configuration allows.
        max: Watts,
    },
    /// It would not survive a restart; the text says why.
    NotKept(String),
    /// Too much is being asked at once.
    Busy,
    /// The program is stopping.
    Stopping,
}

impl fmt::Display for LimitRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConfigured(name) => write!(f, "the configuration has no limit {name}"),
            Self::OutOfBounds { asked, lowest, max } => {
                write!(f, "{asked} is not between {lowest} and {max}, which the configuration allows")
            }
            Self::NotKept(why) => write!(f, "nothing was changed, for it would not survive a restart: {why}"),
            Self::Busy => f.write_str("too much is being asked at once; try again"),
            Self::Stopping => f.write_str("the program is stopping"),
        }
    }
}

impl std::error::Error for LimitRefused {}

/// The answer to a change of a limit: how it is from then on, or why nothing has changed.
pub type Limited = Pin<Box<dyn Future<Output = Result<SiteLimit, LimitRefused>> + Send>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configurations_max_is_never_exceeded() {
        let limit = |asked: Option<f64>| SiteLimit {
            name: LimitName::FeedIn,
            max: Watts(5000.0),
            lowest: Watts(100.0),
            asked: asked.map(Watts),
        };
        let cases = [
            (None, 5000.0),
            (Some(3000.0), 3000.0),
            (Some(9000.0), 5000.0),
            (Some(50.0), 100.0),
            (Some(f64::NAN), 5000.0),
        ];
        for (asked, counts) in cases {
            assert_eq!(limit(asked).counts(), Watts(counts), "{asked:?}");
        }
        assert!(limit(None).takes(Watts(100.0)) && limit(None).takes(Watts(5000.0)));
        assert!(![-1.0, 99.0, 5001.0, f64::NAN].into_iter().any(|power| limit(None).takes(Watts(power))));
    }

    #[test]
    fn keys_are_read_back() {
        assert!(LimitName::ALL.into_iter().all(|name| LimitName::of_key(name.key()) == Some(name)));
        assert_eq!(LimitName::of_key("export"), None);
    }
}
