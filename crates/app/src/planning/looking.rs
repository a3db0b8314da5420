//! The outlook as a part of the program: who asks, what the owner says besides, and the Tempo tariff as control knows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use ohmstead_model::{Clock, TempoColour};
use ohmstead_outlook::{Manual, Outlook, PriceGrid};
use ohmstead_tariff::tempo::{Colours, Grid, HoursPrice, PriceTable, TariffDay};
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
    today: Date,
    (date, colour): (Date, Option<TempoColour>),
) -> Result<(), NotDurable> {
    let mut said = manual.borrow().colours.clone();
    match colour {
        Some(colour) => said.insert(date, colour),
        None => said.remove(&date),
    };
    said.retain(|day, _| today.since(*day).is_ok_and(|age| i64::from(age.get_days()) < KEPT_DAYS));
    let text: Vec<_> = said.iter().map(|(date, colour)| format!("{date}={colour}")).collect();
    records.put_state(SAID.to_owned(), text.join(",")).await?;
    manual.send_modify(|manual| manual.colours = said);
    Ok(())
}

/// The Tempo tariff as the outlook knows it. `own` are the grids of the configuration. From `today` on a colour that may still
/// change is as good as none: it is counted on by what it may be.
pub(crate) fn tempo(outlook: &Outlook, own: &[Grid], today: Option<Date>) -> Tempo {
    let is_over = |date: Date| today.is_some_and(|today| date < today);
    let told = outlook.colours.iter().filter(|(date, day)| day.is_sure() || is_over(**date));
    let colours: Colours = told.map(|(date, day)| (*date, day.colour)).collect();
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
    clock: Arc<dyn Clock>,
    mut outlook: watch::Receiver<Arc<Outlook>>,
    own: Vec<Grid>,
    told: watch::Sender<Option<Arc<Tempo>>>,
    stop: CancellationToken,
) {
    loop {
        let today = TariffDay::at(clock.now().unix).map(|day| day.0);
        let known = Arc::new(tempo(&outlook.borrow_and_update(), &own, today));
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

#[cfg(test)]
mod tests {
    use ohmstead_model::UnixMillis;
    use ohmstead_outlook::{TempoDay, Voice};
    use rstest::rstest;

    use super::*;

    fn voice(colour: TempoColour, is_provisional: bool) -> Voice {
        let (since, last) = (UnixMillis(0), UnixMillis(0));
        Voice { source: Arc::from("test"), colour, since, last, is_provisional }
    }

    /// What is counted on of a day: before it, and when it is over.
    #[rstest]
    #[case::nobody(&[], None, None)]
    #[case::finally(&[(TempoColour::Blue, false)], Some(TempoColour::Blue), Some(TempoColour::Blue))]
    #[case::a_signal_in_the_morning(&[(TempoColour::Blue, true)], None, Some(TempoColour::Blue))]
    #[case::one_is_late(
        &[(TempoColour::White, true), (TempoColour::Blue, false)],
        Some(TempoColour::Blue),
        Some(TempoColour::Blue)
    )]
    #[case::one_speaks_of_red(&[(TempoColour::Blue, false), (TempoColour::Red, false)], None, Some(TempoColour::Blue))]
    #[case::red_is_red(
        &[(TempoColour::Red, false), (TempoColour::Blue, false)],
        Some(TempoColour::Red),
        Some(TempoColour::Red)
    )]
    fn a_colour_that_may_change_is_not_counted_on(
        #[case] said: &[(TempoColour, bool)],
        #[case] before: Option<TempoColour>,
        #[case] after: Option<TempoColour>,
    ) {
        let date: Date = "2026-12-02".parse().unwrap();
        let voices = said.iter().map(|(colour, provisional)| voice(*colour, *provisional)).collect();
        let colours = TempoDay::of_voices(voices).map(|day| (date, day)).into_iter().collect();
        let outlook = Outlook { colours, ..Outlook::default() };
        let counted = |today: &str| tempo(&outlook, &[], today.parse().ok()).colours.get(date);
        assert_eq!((counted("2026-12-01"), counted("2026-12-02")), (before, before));
        assert_eq!(counted("2026-12-03"), after);
    }

    #[test]
    fn what_the_owner_says_counts() {
        let date: Date = "2026-12-02".parse().unwrap();
        let day = TempoDay::said(TempoColour::Blue, vec![voice(TempoColour::Red, false)]);
        let outlook = Outlook { colours: BTreeMap::from([(date, day)]), ..Outlook::default() };
        assert_eq!(tempo(&outlook, &[], Some(date)).colours.get(date), Some(TempoColour::Blue));
    }
}
