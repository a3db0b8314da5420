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
    // Without a place for data nothing is kept over a restart; what is asked for is used all the same.
    let passing = match house.store.dir() {
        Some(_) => None,
        None => tempfile::Builder::new().prefix("ohmstead-outlook-").tempdir().ok(),
    };
    let place = house.store.dir().or(passing.as_ref().map(tempfile::TempDir::path));
    let Some(folder) = place.map(|place| place.join(OUTLOOK)) else {
        tracing::error!(target: "outlook", "nobody is asked for prices and forecasts: there is no place to keep count of it");
        return;
    };
    let links = Links {
        clock: Arc::clone(&house.clock),
        wire,
        folder,
        manual: house.ahead.manual.subscribe(),
        outlook: house.ahead.outlook.clone(),
        seed: seed(config),
    };
    let run = ohmstead_outlook::run(settings, links, stop.clone());
    tracker.spawn(async move {
        run.await;
        drop(passing);
    });
}

/// Not the same for two houses, so that they do not all ask in the same second.
fn seed(config: &Config) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&config.site.name, std::process::id(), config.devices.len()).hash(&mut hasher);
    hasher.finish()
}
