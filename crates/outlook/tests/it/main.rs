//! The outlook as a whole: every source over real loopback sockets, and whole days under paused time.

mod clocks;
mod day;
mod failures;
mod house;
mod server;
mod sources;
mod trouble;
