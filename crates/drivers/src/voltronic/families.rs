//! The families of protocols, and the table of each.

mod pi17;
mod pi18;
pub(super) mod pi30;
mod pi30max;
mod pi41;
mod revo;
#[cfg(test)]
mod tests;

use ohmstead_model::Metric;

use super::frame::Dialect;
use super::table::Query;

/// A family of protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Axpert HS, MS, KS, VM, King, MK, GK, MG and their many rebrands.
    Pi30,
    /// Axpert MAX: a second tracker, energy counters.
    Pi30Max,
    /// Sorotec REVO: alike frames, other meanings.
    Revo,
    /// LV5048: split phase.
    Pi41,
    /// Infini V, Axpert MKS IV and others: commas, scaled integers.
    Pi18,
    /// Three-phase hybrids.
    Pi17,
}

/// Something at the same USB identity that is no inverter of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// A UPS of the Megatec kind.
    Ups,
    /// A solar charge controller.
    Charger,
    /// It answers, but as nothing known.
    Unknown,
}

/// The other units of a parallel set, asked for once the unit says that it works in one.
const MEMBERS: &[Query] = &[
    Query { command: "QPGS1", ..pi30::QPGS0 },
    Query { command: "QPGS2", ..pi30::QPGS0 },
    Query { command: "QPGS3", ..pi30::QPGS0 },
    Query { command: "QPGS4", ..pi30::QPGS0 },
    Query { command: "QPGS5", ..pi30::QPGS0 },
    Query { command: "QPGS6", ..pi30::QPGS0 },
    Query { command: "QPGS7", ..pi30::QPGS0 },
    Query { command: "QPGS8", ..pi30::QPGS0 },
];

/// The same for PI41: each unit has two halves, also the first one.
const SPLIT_MEMBERS: &[Query] = &[
    pi41::QP2GS0,
    Query { command: "QPGS1", ..pi30::QPGS0 },
    Query { command: "QP2GS1", ..pi41::QP2GS0 },
    Query { command: "QPGS2", ..pi30::QPGS0 },
    Query { command: "QP2GS2", ..pi41::QP2GS0 },
    Query { command: "QPGS3", ..pi30::QPGS0 },
    Query { command: "QP2GS3", ..pi41::QP2GS0 },
    Query { command: "QPGS4", ..pi30::QPGS0 },
    Query { command: "QP2GS4", ..pi41::QP2GS0 },
    Query { command: "QPGS5", ..pi30::QPGS0 },
    Query { command: "QP2GS5", ..pi41::QP2GS0 },
    Query { command: "QPGS6", ..pi30::QPGS0 },
    Query { command: "QP2GS6", ..pi41::QP2GS0 },
    Query { command: "QPGS7", ..pi30::QPGS0 },
    Query { command: "QP2GS7", ..pi41::QP2GS0 },
    Query { command: "QPGS8", ..pi30::QPGS0 },
    Query { command: "QP2GS8", ..pi41::QP2GS0 },
];

/// The same for PI18.
const CARET_MEMBERS: &[Query] = &[
    Query { command: "PGS1", ..pi18::PGS0 },
    Query { command: "PGS2", ..pi18::PGS0 },
    Query { command: "PGS3", ..pi18::PGS0 },
    Query { command: "PGS4", ..pi18::PGS0 },
    Query { command: "PGS5", ..pi18::PGS0 },
    Query { command: "PGS6", ..pi18::PGS0 },
    Query { command: "PGS7", ..pi18::PGS0 },
    Query { command: "PGS8", ..pi18::PGS0 },
];

impl Family {
    /// Every family.
    pub const ALL: [Self; 6] = [Self::Pi30, Self::Pi30Max, Self::Revo, Self::Pi41, Self::Pi18, Self::Pi17];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pi30 => "PI30",
            Self::Pi30Max => "PI30MAX",
            Self::Revo => "PI30REVO",
            Self::Pi41 => "PI41",
            Self::Pi18 => "PI18",
            Self::Pi17 => "PI17",
        }
    }

    /// The family of that name, in whatever case.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::Pi30 | Self::Pi30Max | Self::Revo | Self::Pi41 => Dialect::Paren,
            Self::Pi18 => Dialect::Caret18,
            Self::Pi17 => Dialect::Caret17,
        }
    }

    /// The questions of the family in the order of their importance.
    pub(crate) fn queries(self) -> &'static [Query] {
        match self {
            Self::Pi30 => pi30::QUERIES,
            Self::Pi30Max => pi30max::QUERIES,
            Self::Revo => revo::QUERIES,
            Self::Pi41 => pi41::QUERIES,
            Self::Pi18 => pi18::QUERIES,
            Self::Pi17 => pi17::QUERIES,
        }
    }

    /// The questions about the other units of a parallel set.
    pub(crate) fn members(self) -> &'static [Query] {
        match self {
            Self::Pi30 | Self::Pi30Max => MEMBERS,
            Self::Pi41 => SPLIT_MEMBERS,
            Self::Pi18 => CARET_MEMBERS,
            Self::Revo | Self::Pi17 => &[],
        }
    }

    pub(crate) fn query(self, command: &str) -> Option<&'static Query> {
        self.queries().iter().find(|query| query.command == command)
    }

    /// Whether units of the family are ever written to.
    pub(crate) fn is_controllable(self) -> bool {
        !matches!(self, Self::Revo | Self::Pi17)
    }

    /// Every metric that a unit of the family may report.
    pub(crate) fn metrics(self) -> Vec<Metric> {
        let mut metrics: Vec<_> = self.queries().iter().flat_map(|query| query.metrics).copied().collect();
        metrics.sort_unstable();
        metrics.dedup();
        metrics
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
