//! Victron GX devices (Venus OS: Cerbo, Ekrano, Raspberry Pi ...) and everything that is connected to one.
//!
//! ```text
//!  transport (dbus | mqtt | http | modbus) --services, values--> tree --> canonical --> readings
//!      ^                                                          |  \
//!      |                                                          |   +--> vocabulary (every path, on demand)
//!      |                                                          +--> notices, evidence
//!  gx: which way is in use, what is reported when            catalogue: units, meanings, names of states
//!      |
//!      +-- ess: what may be written, and the exact writes for a wish
//! ```
//!
//! One device is the whole installation. Its parts are known by class and device instance (`battery/512`), which survive
//! another port and another name on the bus. A value that does not exist is unknown, never 0.

mod can;
mod canonical;
mod catalogue;
mod discover;
mod ess;
mod firmware;
mod gx;
mod native;
mod notices;
mod roster;
mod settings;
mod site;
#[cfg(test)]
mod testing;
mod transport;
mod tree;
mod value;
mod vocabulary;
mod watch;

pub use catalogue::{KnownPath, known_paths};
pub use discover::discover;
pub use gx::Gx;
pub use settings::{
    Authority, Bus, Empty, Modbus, Mqtt, ServeDbusApi, Settings, Tls, Trust, is_http_address,
};
pub use transport::Kind;
pub use transport::in_process::{InProcess, InProcessEvent, InProcessValue};
pub(crate) use watch::metrics as watched_metrics;
pub use watch::{WATCHES_MAX, Watch, is_watchable};

use crate::Driver;

/// The driver.
pub const DRIVER: Driver = Driver {
    name: "victron",
    about: "Victron GX devices over D-Bus, MQTT, the port-8088 interface or Modbus TCP",
    metrics: canonical::METRICS,
    native: native::NATIVE,
};
