//! The whole product: the real binary, a real broker, simulated batteries on real sockets.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod alone;
mod broker;
#[path = "../../../drivers/tests/victron/support/daemon.rs"]
#[expect(dead_code, reason = "the support of other tests, of which this uses a part")]
mod bus;
mod commands;
mod dry_run;
mod gx;
mod inverter;
mod killed;
mod mqtt;
mod plant;
mod program;
mod sinks;

use std::time::Duration;

/// How long something may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
