//! Conversion of the configurations of earlier programs.

mod environment;
mod marstek_automation;
mod marstek_poller;
mod pv_inverter_monitor;
mod venus_export_limiter;
mod victron_paths;

pub use marstek_automation::marstek_automation;
pub use marstek_poller::marstek_poller;
pub use pv_inverter_monitor::pv_inverter_monitor;
pub use venus_export_limiter::venus_export_limiter;
pub use victron_paths::victron_paths;

/// A converted configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// A commented `ohmstead.yaml`. [`crate::parse`] accepts it. It holds the secrets that the original held.
    pub yaml: String,
    /// What became of each key, one line each: imported, replaced or left out, and why.
    pub notes: Vec<String>,
}
