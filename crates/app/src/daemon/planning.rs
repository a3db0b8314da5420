//! Starts what looks ahead: the outlook, the Tempo tariff as control knows it, and planning.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use ohmstead_config::Config;
use ohmstead_outlook::http::Internet;
use ohmstead_outlook::{Links, Manual};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::data_dir::OUTLOOK;
use crate::house::House;
use crate::planning::present::{self, Present};
use crate::planning::{self, Planning, looking};

/// Starts everything that the configuration asks for.
pub(super) async fn start(
    house: &Arc<House>,
    config: &Config,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) {
    match looking::said(&house.store).await {
        Ok(colours) => drop(house.ahead.manual.send_replace(Manual { colours, ..Manual::default() })),
        Err(error) => tracing::warn!(target: "outlook", %error, "what was said of colours cannot be read"),
    }
    start_outlook(house, config, tracker, stop);
    if let Some(own) = house.ahead.site.borrow().grids() {
        let (outlook, told) = (house.ahead.outlook.subscribe(), house.ahead.tempo.clone());
        tracker.spawn(looking::follow(Arc::clone(&house.clock), outlook, own, told, stop.clone()));
    }
    let parts = present::Parts {
        clock: Arc::clone(&house.clock),
        hub: house.hub.clone(),
        site: house.ahead.site.subscribe(),
        outlook: house.ahead.outlook.subscribe(),
        tempo: house.ahead.tempo.subscribe(),
        shown: house.ahead.shown.subscribe(),
    };
    // What is told is announced before the publisher starts: what that does not find announced it takes back.
    let present = Present::begin(parts).await;
    house.hub.ping().await;
    tracker.spawn(present.run(stop.clone()));
    let parts = planning::Parts {
        clock: Arc::clone(&house.clock),
        hub: house.hub.clone(),
        store: house.store.clone(),
        site: house.ahead.site.subscribe(),
        outlook: house.ahead.outlook.subscribe(),
        tempo: house.ahead.tempo.subscribe(),
        by_hand: house.commander.watch_by_hand(),
        plan: house.ahead.plan.clone(),
        shown: house.ahead.shown.clone(),
    };
    tracker.spawn(Planning::new(parts).run(stop.clone()));
}

/// The outlook, where there is a source to ask.
fn start_outlook(house: &Arc<House>, config: &Config, tracker: &TaskTracker, stop: &CancellationToken) {
    let settings = config.outlook_settings();
    if settings.names_nobody() {
        return;
    }
    let wire = match Internet::new() {
        Ok(wire) => Arc::new(wire),
        Err(error) => {
            tracing::error!(target: "outlook", "nobody can be asked for prices and forecasts: {error}");
            return;
        }
    };
    // What a folder holds that cannot be written is of use all the same; it is written as soon as it is this program's.
    let store = house.store.clone();
    let links = Links {
        clock: Arc::clone(&house.clock),
        wire,
        folder: house.store.place().map(|place| place.join(OUTLOOK)),
        may_keep: Arc::new(move || store.dir().is_some()),
        manual: house.ahead.manual.subscribe(),
        outlook: house.ahead.outlook.clone(),
        seed: seed(config),
    };
    tracker.spawn(ohmstead_outlook::run(settings, links, stop.clone()));
}

/// Not the same for two houses, so that they do not all ask in the same second.
fn seed(config: &Config) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&config.site.name, std::process::id(), config.devices.len()).hash(&mut hasher);
    hasher.finish()
}
