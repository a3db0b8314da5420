//! The ways to a GX, each a client's only way to know it.

pub(super) mod dbus;
pub(super) mod http;
pub(super) mod modbus;
pub(super) mod mqtt;
