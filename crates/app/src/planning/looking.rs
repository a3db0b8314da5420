//! The outlook as a part of the program: who asks, what the owner says besides, and the Tempo tariff as control knows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use ohmstead_model::TempoColour;
use ohmstead_outlook::{Manual, Outlook, PriceGrid};
use ohmstead_tariff::tempo::{Colours, Grid, HoursPrice, PriceTable};
use ohmstead_units::EnergyPrice;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::control::Tempo;
use crate::records::{NotDurable, Records};

/// Where the colours are kept that the owner said.
const SAID: &str = "tempo/said";

/// Colours that were said for days that are longer past than this are forgotten.
const KEPT_DAYS: i64 = 400;

/// What the owner said of the colours, as it was kept.
pub(crate) async fn said(records: &dyn Records) -> Result<BTreeMap<Date, TempoColour>, NotDurable> {
    let text = records.get_state(SAID.to_owned()).await?.unwrap_or_default();
    // One that cannot be read is as good as none.
    let known = text.split(',').filter_map(|entry| {
        let (date, colour) = entry.split_once('=')?;
        Some((date.parse().ok()?, colour.parse().ok()?))
    });
    Ok(known.collect())
}

/// Keeps what the owner says, and says it.
pub(crate) async fn say(
    records: &dyn Records,
    manual: &watch::Sender<Manual>,
    date: Date,
    colour: Option<TempoColour>,
) -> Result<(), NotDurable> {
    let mut said = manual.borrow().colours.clone();
    match colour {
        Some(colour) => said.insert(date, colour),
        None => said.remove(&date),
    };
    said.retain(|day, _| date.since(*day).is_ok_and(|age| i64::from(age.get_days()) < KEPT_DAYS));
    let text: Vec<_> = said.iter().map(|(date, colour)| format!("{date}={colour}")).collect();
    records.put_state(SAID.to_owned(), text.join(",")).await?;
    manual.send_modify(|manual| manual.colours = said);
    Ok(())
}

/// The Tempo tariff as the outlook knows it. `own` are the grids of the configuration.
pub(crate) fn tempo(outlook: &Outlook, own: &[Grid]) -> Tempo {
    let colours: Colours = outlook.colours.iter().map(|(date, day)| (*date, day.colour)).collect();
    let published: Vec<Grid> = outlook.grids.iter().map(grid).collect();
    Tempo { colours, prices: PriceTable::with(&published, own) }
}

fn grid(published: &PriceGrid) -> Grid {
    let [blue, white, red] = published
        .prices
        .map(|[hc, hp]| HoursPrice { hc: EnergyPrice::per_kwh(hc), hp: EnergyPrice::per_kwh(hp) });
    Grid { valid_from: published.from, blue, white, red }
}

/// Keeps the Tempo tariff up to what the outlook says.
pub(crate) async fn follow(
    mut outlook: watch::Receiver<Arc<Outlook>>,
    own: Vec<Grid>,
    told: watch::Sender<Option<Arc<Tempo>>>,
    stop: CancellationToken,
) {
    loop {
        let known = Arc::new(tempo(&outlook.borrow_and_update(), &own));
        told.send_if_modified(|before| {
            let is_news = before.as_deref() != Some(&*known);
            if is_news {
                *before = Some(Arc::clone(&known));
            }
            is_news
        });
        match stop.run_until_cancelled(outlook.changed()).await {
            Some(Ok(())) => {}
            Some(Err(_)) | None => return,
        }
    }
}
