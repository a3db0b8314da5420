//! Everything that can be seen of this crate from outside.

#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod errors;
mod files;
mod import;
mod laws;
mod outlook;
mod reference;
mod values;

use ohmstead_config::{Config, LoadError, parse};

/// The variables that the tests know.
fn env(name: &str) -> Option<String> {
    match name {
        "PORT" => Some("30001".to_owned()),
        "HOST" => Some("192.0.2.9".to_owned()),
        "MQTT_PASSWORD" => Some("hunter2".to_owned()),
        "EMPTY" => Some(String::new()),
        "TRICKY" => Some("x, port: 9 }\nread_only: false # \"'".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> Result<Config, LoadError> {
    parse(text, "ohmstead.yaml", &env)
}

fn good(text: &str) -> Config {
    read(text).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    read(text).map_or_else(|error| error.to_string(), |config| format!("accepted: {config:?}"))
}
