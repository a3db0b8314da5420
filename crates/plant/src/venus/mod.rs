//! A Victron GX device (Cerbo) with a three-phase ESS behind it, as its clients see it.
//!
//! ```text
//!   ess     physics and the loop: mains, Multis, battery, MPPT, PV inverter; no paths
//!   own     the services of the site and their paths, as they stand at the start
//!   tree    services, paths, values, and what changed since when
//!   gx      all of it in steps of a second: orders from the tree -> ess -> values into the tree; writes; faults
//!   recording   services that repeat what real ones said instead
//!   front   D-Bus, MQTT, the port-8088 HTTP API, Modbus TCP
//!   serve   the same on real sockets = `Venus`
//! ```
//!
//! Signs below here are the GX's own: grid import +, into the Multi +, battery charging +.

pub mod ess;
mod front;
pub mod gx;
mod in_house;
mod own;
mod recording;
mod serve;
pub mod style;
pub mod switches;
pub mod tree;
pub mod value;

pub use front::dbus::BusError;
pub use gx::{Gx, PORTAL_ID, Reply, Requests, Setup, Wear};
pub use in_house::{Alone, InHouse, InPast};
pub use recording::{Recording, RecordingError};
pub use serve::{Api, Broker, StartError, Venus, VenusHandle};
pub use switches::{SWITCHES, Switches};
