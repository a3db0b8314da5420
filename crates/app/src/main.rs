//! Ohmstead: reads, controls and diagnoses home battery systems on the gateway itself.
//!
//! ```text
//! cli --> daemon (run) --> hub <--reports-- device tasks --> drivers
//!   |                      |                    ^
//!   |                      +--> store, MQTT, web, socket     actuator: the one gate for writes
//!   +--> socket, or one device opened for one verb
//! ```

mod actuator;
mod archive;
mod cli;
mod clock;
mod control;
mod daemon;
mod data_dir;
mod demo;
mod device_task;
mod exchange;
mod failure;
mod house;
mod hub;
mod logs;
mod one_shot;
mod planning;
mod print;
mod records;
mod shapes;
mod socket;
mod store;
#[cfg(test)]
mod testing;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print::err(format!("error: {failure}"));
            failure.exit_code()
        }
    }
}
