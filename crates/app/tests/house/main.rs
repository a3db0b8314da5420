//! The whole product: the real binary, a real broker, simulated batteries on real sockets.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod alone;
mod broker;
mod commands;
mod inverter;
mod mqtt;
mod plant;
mod program;

use std::time::Duration;

/// How long something may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
