//! What every part needs that talks to programs of others: secrets that are never printed, whom a TLS connection believes,
//! and an error with its causes in one line.

#![warn(missing_docs)]

mod causes;
mod secret;
pub mod tls;

pub use causes::in_one_line;
pub use secret::Secret;
