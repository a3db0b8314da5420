//! Sinks over real sockets: a small receiver of our own, and the real servers where they are installed.
#![expect(clippy::print_stdout, reason = "what is skipped for want of a server is said")]

mod house;
mod influxdb;
mod own;
mod postgresql;
mod process;
mod prometheus;
