//! Device drivers: each turns a device's replies into canonical readings, and wishes for a battery mode into writes.
//!
//! A driver converts units and signs; nobody else does. A new device family is one module, one line in [`DRIVERS`] and
//! one variant of [`DeviceSettings`]. Whoever owns a [`Device`] drives it from a single task: there is never more than
//! one exchange under way. Only the binary's actuator calls [`Device::write`].

#![warn(missing_docs)]

mod device;
pub mod marstek;
pub mod transports;

pub use device::{
    BoxFuture, Context, Device, DeviceError, DeviceSettings, Driver, Found, ModeNow, OpenError, Plan,
    PlanError, Report, Reporter, WriteReply,
};

/// Every driver, in alphabetical order: the one list that discovery, documentation and tests go through.
pub const DRIVERS: &[Driver] = &[marstek::DRIVER];
