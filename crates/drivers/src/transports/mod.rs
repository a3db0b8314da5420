//! How bytes reach devices: one module per kind of connection, without any knowledge of a protocol.

mod fd;
mod hidraw;
mod line;
mod machine;
mod packet;
mod serial;
mod sysfs;
pub mod udp;

pub use line::{Candidate, Line, LineKind, Opener, PortError, Ports};
pub use machine::{CHUNK_GAP, Machine};
pub use sysfs::Roots;
