//! Looking for inverters: at every port with their USB identity, who is there? Nothing but its kind is asked of anybody
//! who does not prove to be an inverter.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Clock;

use super::families::Stranger;
use super::identify::Identity;
use super::inverter::recognise_at;
use crate::Found;
use crate::transports::{Candidate, PortError, Ports};

/// The ports at which an inverter may be, without a word to anybody.
pub fn paths(ports: &dyn Ports) -> Vec<Candidate> {
    ports.candidates().unwrap_or_default()
}

/// Asks at every port who is there, for at most `window` each. Those that are no inverter are reported as what they are.
pub async fn discover(ports: Arc<dyn Ports>, clock: Arc<dyn Clock>, window: Duration) -> Vec<Found> {
    let mut found = Vec::new();
    for candidate in paths(ports.as_ref()) {
        let recognised = recognise_at(&ports, &clock, &candidate.path, window).await;
        found.push(describe(&candidate, recognised));
    }
    found
}

fn describe(candidate: &Candidate, recognised: Result<Identity, PortError>) -> Found {
    let path = candidate.path.display().to_string();
    let mut settings = vec![("path", path.clone())];
    let (model, firmware, serial) = match recognised {
        Ok(identity) => {
            if let (Some(serial), true) = (&identity.serial, identity.is_proven()) {
                settings = vec![("serial", format!("\"{serial}\""))];
            } else if let Some(port) = &candidate.usb_port {
                settings = vec![("usb_port", format!("\"{port}\""))];
            }
            (model_of(&identity), identity.firmware, identity.serial)
        }
        Err(error) => (format!("not asked: {error}"), None, None),
    };
    Found { driver: super::DRIVER.name, address: path, model, firmware, serial, settings, values: Vec::new() }
}

fn model_of(identity: &Identity) -> String {
    match (identity.stranger, identity.family) {
        (Some(Stranger::Ups), _) => "UPS, not an inverter".to_owned(),
        (Some(Stranger::Charger), _) => "solar charge controller, not an inverter".to_owned(),
        (Some(Stranger::Unknown), _) => "unknown device, not an inverter".to_owned(),
        (None, Some(family)) => match &identity.model {
            Some(model) => format!("{model} ({family})"),
            None => format!("{family} inverter"),
        },
        (None, None) => "nothing that answers".to_owned(),
    }
}
