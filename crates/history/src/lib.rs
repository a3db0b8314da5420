//! The history: every value that was read, the ledger of attempts, events, and the state of other parts. One SQLite
//! file, `history.sqlite` in the data folder.
//!
//! Values are kept as integers of their metric's resolution. A commit writes one row with all that came since the last
//! one, its time stamps once for all series read together (`frame`); the same values stay in memory. When enough have
//! gathered, they are moved into blocks of up to 8,192 values of one series (`seal`, `codec`). Why so: one row for each
//! value, clustered by series, cost 25 bytes in an earlier measurement and rewrites a page of flash for each series at
//! each commit; one row for each batch makes a question about one metric read all others. Here a commit appends one row,
//! and a day of one metric is one or two blocks. A later version may replace the `head` table by an append-only log file
//! behind the same methods.
//!
//! Measured with `examples/store_bench` (simulated: five devices, 370 series, 1.1 million values a day, noise in every
//! gauge; x86-64, release build, two shared cores, a virtual disk whose sync is cheap: an SD card's is not). Not measured:
//! bytes written to flash, memory, a small ARM gateway, a cut of the power itself.
//!
//! | what | figure |
//! |---|---|
//! | bytes a value after one day of commits (4 MB of it the log) | 5.7 |
//! | bytes a value after a month, file and log | 1.15 |
//! | append | 0.06 us a value |
//! | one commit a minute, synced | 0.3 ms; 31 ms when it seals |
//! | backfill | 4.1 million values/s |
//! | 24 h of one metric, raw | 0.2 ms |
//! | a month of one metric at 1 h | 2.7 ms |
//! | last values of all 370 series | 7 ms |
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
mod parts;
mod point;
mod quarantine;
mod query;
mod registry;
mod rollup;
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
