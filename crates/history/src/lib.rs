//! The history: every value that was read, the ledger of attempts, events, and the state of other parts.
//!
//! ```text
//! append --> open day (memory) --commit--> head log (head-a.log, head-b.log)
//!            open day --after local midnight--> parts of time in history.sqlite: times, blocks, summaries per hour
//!            days of an ended month --compact--> one part
//! ```
//! Values are kept as integers of their metric's resolution. Questions merge the database with memory. `docs/decisions/0003` says why it is
//! built so, docs/benchmarks.md what it costs (`cargo xtask bench store`).
//!
//! What is durable when: values with the commit, everything else before the method returns. Nothing here reads a clock or
//! knows an async runtime; all methods block.

#![warn(missing_docs)]

mod backup;
mod block;
mod bucket;
mod bytes;
mod calendar;
mod column;
mod commit;
mod compact;
mod energy;
mod first_version;
mod growth;
mod journal;
mod log;
mod lttb;
mod memory;
mod numbers;
mod open_day;
mod overview;
mod part_writer;
mod parts;
mod point;
mod quarantine;
mod query;
mod registry;
mod replay;
mod rollup;
mod rows;
mod scan;
mod schema;
mod seal;
mod settings;
mod space;
mod store;
#[cfg(test)]
mod tests;

mod times;
mod trouble;
mod upkeep;
mod verify;

pub use compact::Compacted;
pub use energy::Increase;
pub use overview::{LastValue, SeriesInfo, Stats};
pub use query::QueryError;
pub use registry::Refusal;
pub use schema::OpenError;
pub use settings::Settings;
pub use store::{AppendError, CommitError, Committed, History, WriteError};
pub use trouble::{Cause, Trouble, TroubleKind};
pub use verify::{Damage, Verified};
