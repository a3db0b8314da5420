//! The Unix socket in the data directory: how a verb on the command line talks to the running program.
//!
//! ```text
//! -> {"verb":"read","device":"fase_a"}\n
//! <- {"ok":{...}}\n            or            {"error":{"code":"unknown_device","message":"...","hint":"..."}}\n
//! ```
//!
//! One JSON object a line, each answered by one line, in order. The socket belongs to the program's user alone (mode
//! 0600), and a peer may be hostile all the same: lines, connections and idle time are bounded.

mod client;
#[cfg(unix)]
mod desk;
mod protocol;
mod server;

pub(crate) use client::{AskFailed, Client};
pub(crate) use desk::{not_limited, not_there};
pub(crate) use protocol::{AheadPart, Failure, Question};
pub(crate) use server::serve;

/// The socket's name in the data directory.
pub(crate) const NAME: &str = "ohmstead.sock";

#[cfg(test)]
#[cfg(unix)]
mod tests;
