//! Whether this machine is a GX device, or a bus is one's.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ohmstead_model::Clock;

use super::settings::{Bus, Route};
use super::site::Site;
use super::transport::{Event, Way, dbus, within};
use super::tree::Tree;
use crate::Found;

/// Every service of a slow GX device has told its values within this time.
const WINDOW: Duration = Duration::from_secs(6);

/// The GX device at `bus`, if there is one. Nothing is written, and nobody else is asked.
pub async fn discover(bus: &Bus, clock: Arc<dyn Clock>) -> Option<Found> {
    let address = bus.address();
    let mut way = Way::start(Arc::clone(&clock), |port| dbus::run(address, port));
    let tree = RwLock::new(Tree::default());
    let taking = async {
        loop {
            way.spoke().await;
            while let Some(told) = way.take() {
                match told.event {
                    Event::Up { service, items } => {
                        tree.write().unwrap_or_else(PoisonError::into_inner).up(&service, items, told.at);
                    }
                    Event::Complete | Event::Absent(_) | Event::Lost(_) => return,
                    Event::Changed { .. }
                    | Event::Gone { .. }
                    | Event::Alive
                    | Event::Portal(_)
                    | Event::Remark(_) => {}
                }
            }
        }
    };
    // One that is slow has told enough by then.
    within(clock.as_ref(), WINDOW, taking).await;
    found(bus, &tree.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn found(bus: &Bus, tree: &Tree) -> Option<Found> {
    let site = Site::of(tree);
    if site.system.is_none() && site.platform.is_none() && site.inverters.is_empty() {
        return None;
    }
    let text = |path: &str| site.platform.and_then(|part| part.text(path)).map(str::to_owned);
    let inverter = || site.vebus().and_then(|part| part.text("/ProductName")).map(str::to_owned);
    let serial = || site.system.and_then(|part| part.text("/Serial")).map(str::to_owned);
    let quoted = match bus {
        Bus::System => "system".to_owned(),
        Bus::At(address) => format!("{address:?}"),
    };
    Some(Found {
        driver: super::DRIVER.name,
        address: Route::Dbus(bus.clone()).to_string(),
        model: text("/Device/Model").or_else(inverter).unwrap_or_else(|| "GX device".to_owned()),
        firmware: text("/Firmware/Installed/Version"),
        serial: text("/Device/UniqueId").or_else(serial),
        settings: vec![("dbus", quoted)],
        values: super::canonical::values(tree)
            .into_iter()
            .filter_map(|(metric, observation)| Some((metric, observation.ok()?)))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::tree;
    use super::*;

    #[test]
    fn a_gx_device_is_told_from_any_other_bus() {
        assert_eq!(found(&Bus::System, &Tree::default()), None);
        let tree = tree(&[
            ("platform", "/Device/Model", "Cerbo GX"),
            ("platform", "/Device/UniqueId", "c0619ab9929a"),
            ("platform", "/Firmware/Installed/Version", "v3.70"),
        ]);
        let found = found(&Bus::parse("unix:path=/run/x").expect("a bus"), &tree).expect("a GX device");
        assert_eq!((found.model.as_str(), found.address.as_str()), ("Cerbo GX", "unix:path=/run/x"));
        assert_eq!(found.serial.as_deref(), Some("c0619ab9929a"));
        assert_eq!(found.settings, [("dbus", "\"unix:path=/run/x\"".to_owned())]);
    }
}
