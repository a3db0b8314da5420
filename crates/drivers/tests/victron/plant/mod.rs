//! The driver against the simulated GX, over real sockets: bus, broker, port-8088 interface and Modbus TCP at once.
//!
//! What the simulator knows is the truth; what the driver reports is held against it.

mod calls;
mod control;
mod faults;
mod lost;
mod recovery;
mod rig;
mod transports;
