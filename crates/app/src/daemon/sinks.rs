//! A sink that cannot send for long shows on the house, not only in the log.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ohmstead_model::{DeviceId, Notice, Severity};
use tokio_util::sync::CancellationToken;

use crate::house::House;

const CODE: &str = "sink_trouble";

/// So long a sink may be behind before anybody is bothered: a server that restarts is no news.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(30);

/// Keeps one notice on the house for all sinks that have been in trouble for a while.
pub(super) async fn tell_trouble(house: Arc<House>, stop: CancellationToken) {
    let mut told = None;
    loop {
        let text = trouble(&house);
        if text != told {
            let notice = text.as_ref().map(|text| Notice {
                code: CODE,
                severity: Severity::Warning,
                text: text.clone(),
                hint: "nothing is lost: what is in the history is sent when it works again".to_owned(),
            });
            house.hub.notice(DeviceId::site(), CODE, notice).await;
            told = text;
        }
        if stop.run_until_cancelled(house.clock.sleep(LOOK)).await.is_none() {
            return;
        }
    }
}

fn trouble(house: &House) -> Option<String> {
    let sinks = house.sinks.read().unwrap_or_else(PoisonError::into_inner);
    let told = sinks.iter().filter_map(|(name, status)| {
        let status = status.borrow();
        let trouble = status.trouble.as_ref()?;
        // One that is off for its settings never looks how far behind it is.
        let long = status.behind.is_none_or(|behind| behind >= PATIENCE);
        long.then(|| format!("sink {name} sends nothing: {trouble}"))
    });
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then(|| told.join("; "))
}
