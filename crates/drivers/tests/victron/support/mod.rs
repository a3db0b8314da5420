//! A bus, services on it, and the driver under test.

mod broker;
mod daemon;
mod recording;
mod service;
mod unit;

pub(crate) use broker::{Broker, tls};
pub(crate) use daemon::Daemon;
pub(crate) use recording::{Recording, recordings};
pub(crate) use service::{Leaf, Manner, Service, leaf};
pub(crate) use unit::Unit;

use std::time::Duration;

/// Longer than anything here takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);
