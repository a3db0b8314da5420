//! What a kilowatt hour costs in a stretch of time.

use crate::TempoColour;

/// The price of energy in a stretch of time, all-in, in the site's currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// What a kilowatt hour from the grid costs; negative where one is paid for taking it.
    pub import_per_kwh: f64,
    /// What a kilowatt hour fed into the grid brings; negative where it costs.
    pub export_per_kwh: f64,
    /// Whether either of them is a guess and may still change.
    pub estimated: bool,
    /// Where the import price comes from.
    pub source: PriceSource,
}

/// Where a price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PriceSource {
    /// From the contract: fixed, or by the clock.
    Contract,
    /// From the contract, for the colour of the day.
    Tempo(TempoColour),
    /// The colour is not known: every colour's price, weighted by how likely it is.
    ExpectedColour,
    /// From a market, as published.
    Market,
    /// Not published yet: what it was at this time of other days.
    Profile,
}
