//! What a kilowatt hour costs, and when: Tempo, prices by the clock, market prices with what is added to them, and what
//! measured energy came to.
//!
//! ```text
//! settings ----------------+
//! Tempo colours (outlook) --+--> prices() --> Timeline<Price> --> planner, bill()
//! market prices (outlook) --+        ^
//!                                    +-- missing: hours that are not published yet, from other days
//! ```
//!
//! Everything here is a plain function of its arguments. Times are civil times of a zone: a day has 23, 24 or 25 hours.

#![warn(missing_docs)]

mod bill;
mod civil;
mod formula;
mod missing;
mod resolve;
mod settings;
pub mod tempo;
mod zones;

pub use bill::{Bill, Cost, Metered, Month, bill};
pub use formula::Formula;
pub use missing::fill_missing;
pub use resolve::{Known, OneWay, prices};
pub use settings::{Tariff, Tariffs};
pub use zones::{Days, Hours, Months, Zone, Zones};
