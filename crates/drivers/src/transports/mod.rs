//! How bytes reach devices: one module per kind of connection, without any knowledge of a protocol.

mod aside;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod fd;
#[cfg(target_os = "linux")]
mod hidraw;
mod line;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod nature;
#[cfg(target_os = "linux")]
mod packet;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod serial;
mod sysfs;
pub mod udp;

pub(crate) use aside::aside;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::Machine;
pub use line::{CHUNK_GAP, Candidate, Line, LineKind, Opener, PortError, Ports};
#[cfg(target_os = "linux")]
pub use machine::Machine;
pub use sysfs::Roots;
