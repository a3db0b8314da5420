//! How bytes reach devices: one module per kind of connection, without any knowledge of a protocol.

pub mod udp;
