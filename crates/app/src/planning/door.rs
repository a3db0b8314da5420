//! What lies ahead, as the windows of the house see it: the outlook, the plan, the Tempo tariff, and money.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_config::Config;
use ohmstead_control::plan::Plan;
use ohmstead_model::{Band, Metric, Price, TempoColour, TimeSpan, Timeline, UnixMillis};
use ohmstead_outlook::settings::PriceSource;
use ohmstead_outlook::{Manual, Outlook, SourceStatus};
use ohmstead_planner::settings::Mode;
use ohmstead_tariff::tempo::{Colours, Hours, Odds, Rate, Season, TariffDay};
use ohmstead_tariff::{Tariff, Tariffs};
use ohmstead_units::Currency;
use ohmstead_web::{
    AheadError, AheadSlot, ColourCount, ColourVoice, Expected, Money, MoneyBy, PlannerMode, Planning,
    SourceFigures, TempoDay,
};
use tokio::sync::watch;

use super::lack::Lack;
use super::past::{QUARTER, quarters};
use super::present::is_of_market;
use super::sun::Panels;
use super::{Shown, Site, looking, money};
use crate::control::{Ahead, Tempo};
use crate::store::Store;

/// The ends of everything that lies ahead.
pub(crate) struct Door {
    pub(crate) site: watch::Sender<Site>,
    pub(crate) outlook: watch::Sender<Arc<Outlook>>,
    pub(crate) manual: watch::Sender<Manual>,
    pub(crate) tempo: watch::Sender<Option<Arc<Tempo>>>,
    pub(crate) plan: watch::Sender<Option<Arc<Plan>>>,
    pub(crate) shown: watch::Sender<Arc<Shown>>,
}

impl Site {
    /// What a configuration says.
    pub(crate) fn of(config: &Config) -> Self {
        let tariffs = config.tariffs.as_ref().map(ohmstead_outlook::settings::Tariffs::prices);
        let currency = currency(config).unwrap_or(Currency::EUR);
        Self {
            metrics: metrics(config, tariffs.as_ref(), currency),
            settings: config.planner.clone(),
            tariffs,
            panels: Panels::of(config),
            zone: config.site.timezone.clone(),
            currency: currency.to_string(),
        }
    }

    /// The price grids of the owner, where the site has the Tempo tariff.
    pub(crate) fn grids(&self) -> Option<Vec<ohmstead_tariff::tempo::Grid>> {
        match &self.tariffs.as_ref()?.import {
            Tariff::Tempo(tempo) => Some(tempo.prices.clone()),
            _ => None,
        }
    }
}

/// The currency of a site that has tariffs: the first that is named of those of its prices, the euro where none is.
pub(crate) fn currency(config: &Config) -> Option<Currency> {
    let tariffs = config.tariffs.as_ref()?;
    let prices = [&tariffs.import, &tariffs.export].into_iter().flat_map(Tariff::currencies);
    let market = tariffs.market.0.iter().filter_map(PriceSource::currency);
    let wear = config.tempo.as_ref().and_then(|tempo| tempo.wear.currency);
    let planner = config.planner.currencies().into_iter().map(|(_, currency)| currency);
    Some(prices.chain(market).chain(wear).chain(planner).next().unwrap_or(Currency::EUR))
}

/// What is told of the present.
fn metrics(config: &Config, tariffs: Option<&Tariffs>, currency: Currency) -> Vec<Metric> {
    let mut metrics = Vec::new();
    if let Some(tariffs) = tariffs {
        metrics.extend([Metric::ImportPrice, Metric::ExportPrice, Metric::LoadForecastPower]);
        metrics.extend(is_of_market(tariffs).then_some(Metric::SpotPrice));
        if matches!(tariffs.import, Tariff::Tempo(_)) {
            metrics.extend([Metric::TempoToday, Metric::TempoTomorrow]);
        }
    }
    metrics.extend((!config.forecast.pv.0.is_empty()).then_some(Metric::PvForecastPower));
    metrics.into_iter().map(|metric| metric.in_currency(currency)).collect()
}

impl Door {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            site: watch::Sender::new(Site::of(config)),
            outlook: watch::Sender::new(Arc::default()),
            manual: watch::Sender::new(Manual::default()),
            tempo: watch::Sender::new(None),
            plan: watch::Sender::new(None),
            shown: watch::Sender::new(Arc::default()),
        }
    }

    /// What control looks at.
    pub(crate) fn for_control(&self) -> Ahead {
        Ahead { plan: self.plan.subscribe(), tempo: self.tempo.subscribe() }
    }

    /// Prices, colours and forecasts.
    pub(crate) fn outlook(&self, now: UnixMillis) -> Result<Arc<ohmstead_web::Outlook>, AheadError> {
        let site = self.site.borrow().clone();
        if site.tariffs.is_none() && site.panels.array.is_none() && self.outlook.borrow().sources.is_empty() {
            return Err(NO_TARIFFS);
        }
        let (outlook, shown) = (self.outlook.borrow().clone(), self.shown.borrow().clone());
        let colours = self.tempo.borrow().clone();
        let ahead = &shown.ahead;
        let window = ahead.window.unwrap_or(TimeSpan::lasting(super::past::floor(now), QUARTER));
        let mut slots = Vec::new();
        let mut start = window.start;
        while start < window.end {
            let span = TimeSpan::lasting(start, QUARTER);
            slots.push(slot(span, ahead, colours.as_deref()));
            start = span.end;
        }
        Ok(Arc::new(ohmstead_web::Outlook {
            at: now,
            currency: site.currency,
            offline: outlook.offline,
            slots,
            sources: outlook.sources.iter().map(|(name, status)| source(name, status)).collect(),
            missing: ahead.missing.iter().map(Lack::in_words).collect(),
        }))
    }

    /// The plan, or why there is none. `is_on` is whether the plan is switched on where it may act.
    pub(crate) fn planning(&self, is_on: Option<bool>) -> Planning {
        let (site, shown) = (self.site.borrow(), self.shown.borrow());
        let mode = match site.settings.mode {
            Mode::Off => PlannerMode::Off,
            Mode::Advise => PlannerMode::Advise,
            Mode::Act => PlannerMode::Act,
        };
        Planning {
            mode,
            acting: is_on == Some(true) && self.plan.borrow().is_some(),
            plan: shown.plan.clone(),
            why_none: shown.why_none.as_ref().map(Lack::in_words),
        }
    }

    /// The Tempo tariff.
    pub(crate) fn tempo(&self, now: UnixMillis) -> Result<ohmstead_web::Tempo, AheadError> {
        let known = self.tempo.borrow().clone().ok_or(NO_TEMPO)?;
        let today = TariffDay::at(now).ok_or(NO_TEMPO)?;
        let season = Season::of(today.0);
        let outlook = self.outlook.borrow().clone();
        let said = self.manual.borrow().colours.clone();
        let day = |date: Date| tempo_day(date, &known.colours, &outlook, &said);
        let tally = known.colours.tally(season);
        let count = |colour| ColourCount { colour, used: tally.used(colour), left: tally.left(colour) };
        let grid = known.prices.on(today.0).ok_or(NO_TEMPO)?;
        let price = |colour, hours| grid.price(Rate { colour, hours }).per_kwh;
        Ok(ohmstead_web::Tempo {
            season: season.days().next().unwrap_or(today.0),
            today: day(today.0),
            tomorrow: day(today.0.tomorrow().unwrap_or(today.0)),
            days: season.days().filter(|date| known.colours.get(*date).is_some()).map(day).collect(),
            counts: TempoColour::ALL.map(count),
            prices: TempoColour::ALL
                .map(|colour| [Hours::OffPeak, Hours::Peak].map(|hours| price(colour, hours))),
            prices_since: grid.valid_from,
        })
    }

    /// Says the colour of a day, or takes back what was said.
    pub(crate) async fn set_colour(
        &self,
        store: &Store,
        now: UnixMillis,
        date: Date,
        colour: Option<TempoColour>,
    ) -> Result<ohmstead_web::Tempo, AheadError> {
        let grids = self.site.borrow().grids().ok_or(NO_TEMPO)?;
        let said = looking::say(store, &self.manual, date, colour).await;
        said.map_err(|error| AheadError::Unavailable(format!("it cannot be kept: {error}")))?;
        // Not only when the outlook comes round to it: who asked looks at the answer.
        self.outlook.send_modify(|outlook| *outlook = Arc::new(with_said(outlook, &self.manual.borrow())));
        self.tempo.send_replace(Some(Arc::new(looking::tempo(&self.outlook.borrow(), &grids))));
        self.tempo(now)
    }

    /// What energy came to.
    pub(crate) async fn money(
        &self,
        store: &Store,
        bank: Vec<ohmstead_planner::Battery>,
        from: Date,
        to: Date,
        by: MoneyBy,
    ) -> Result<Money, AheadError> {
        let site = self.site.borrow().clone();
        let tariffs = site.tariffs.clone().ok_or(NO_TARIFFS)?;
        let window = civil_window(from, to, &site.zone)
            .ok_or_else(|| AheadError::Unavailable("that is no span of days".to_owned()))?;
        let read = async |metric| {
            quarters(store, metric, window).await.map_err(|error| AheadError::Unavailable(error.to_string()))
        };
        let measured = money::Measured {
            grid_w: read(Metric::GridPower).await?,
            load_w: read(Metric::LoadPower).await?,
            pv_w: read(Metric::PvPower).await?,
            soc_pct: read(Metric::BatterySoc).await?,
        };
        let computed = self.past_prices(&tariffs, window, &site.zone);
        let stored = stored_prices(&read(Metric::ImportPrice).await?, &read(Metric::ExportPrice).await?);
        let prices = computed.or(&stored);
        let rows = money::money(&measured, &prices, &bank, window, &site.zone, by);
        Ok(Money { currency: site.currency, rows })
    }

    /// The prices of a time that is past, as far as contracts and the outlook know them: nothing is guessed.
    fn past_prices(&self, tariffs: &Tariffs, window: TimeSpan, zone: &TimeZone) -> Timeline<Price> {
        let (outlook, tempo) = (self.outlook.borrow().clone(), self.tempo.borrow().clone());
        let nothing = ohmstead_tariff::Known::nothing();
        let prices = super::problem::prices_of(
            tariffs,
            &outlook,
            &Timeline::default(),
            tempo.as_deref().map_or(nothing.colours, |tempo| &tempo.colours),
            tempo.as_deref().map_or(&[], |tempo| tempo.prices.grids()),
            window,
            zone,
        );
        let known = prices.slots().filter(|(_, price)| !price.estimated);
        Timeline::of(known.map(|(span, price)| (span, *price)))
    }
}

const NO_TARIFFS: AheadError = AheadError::NotConfigured {
    what: "what electricity costs",
    hint: "add tariffs: { import: { fixed: 0.25 EUR/kWh } } to the configuration, or tempo, zones, market",
};

const NO_TEMPO: AheadError = AheadError::NotConfigured {
    what: "the Tempo tariff",
    hint: "add tariffs: { import: { tempo: {} } } to the configuration",
};

/// The prices as they were told at their time, for what the outlook knows no longer.
fn stored_prices(import: &Timeline<f64>, export: &Timeline<f64>) -> Timeline<Price> {
    import.zip(export, |_, import, export| Price {
        import_per_kwh: *import,
        export_per_kwh: *export,
        estimated: false,
        source: ohmstead_model::PriceSource::Market,
    })
}

/// The outlook with what the owner says now; a day of which that was taken back has the colour of its first source again.
fn with_said(outlook: &Outlook, manual: &Manual) -> Outlook {
    let mut changed = outlook.clone();
    changed.colours.retain(|date, day| {
        let taken_back = &*day.source == MANUAL && !manual.colours.contains_key(date);
        let first = day.voices.first().cloned();
        if let (true, Some(voice)) = (taken_back, &first) {
            (day.colour, day.source) = (voice.colour, Arc::clone(&voice.source));
            day.is_provisional = voice.is_provisional;
        }
        !taken_back || first.is_some()
    });
    for (date, colour) in &manual.colours {
        let day = changed.colours.entry(*date).or_insert_with(|| ohmstead_outlook::TempoDay {
            colour: *colour,
            source: Arc::from(MANUAL),
            is_provisional: false,
            voices: Vec::new(),
        });
        (day.colour, day.source, day.is_provisional) = (*colour, Arc::from(MANUAL), false);
    }
    changed
}

/// The source of what the owner says, as the outlook names it.
const MANUAL: &str = "manual";

fn slot(span: TimeSpan, ahead: &super::problem::Ahead, tempo: Option<&Tempo>) -> AheadSlot {
    let middle = span.start.plus(QUARTER / 2);
    let expected = |band: &Band| Expected { mean_w: band.mean, low_w: band.p10, high_w: band.p90 };
    let price = ahead.prices.at(middle);
    let day = TariffDay::at(middle);
    AheadSlot {
        span,
        import_price: price.map(|price| price.import_per_kwh),
        export_price: price.map(|price| price.export_per_kwh),
        price_estimated: price.is_some_and(|price| price.estimated),
        colour: tempo.and_then(|tempo| tempo.colours.get(day?.0)),
        load: ahead.load_w.at(middle).map(expected),
        pv: ahead.pv_w.at(middle).map(expected),
    }
}

fn source(name: &str, status: &SourceStatus) -> SourceFigures {
    SourceFigures {
        name: name.to_owned(),
        kind: status.kind.id().to_owned(),
        fetched_at: status.fetched_at,
        trouble: status.trouble.clone(),
        next_try: status.next_try,
        licence: status.licence.clone(),
    }
}

fn tempo_day(
    date: Date,
    colours: &Colours,
    outlook: &Outlook,
    said: &BTreeMap<Date, TempoColour>,
) -> TempoDay {
    let told = outlook.colours.get(&date);
    let colour = colours.get(date);
    let voice = |voice: &ohmstead_outlook::Voice| ColourVoice {
        source: voice.source.to_string(),
        colour: voice.colour,
        since: voice.since,
        provisional: voice.is_provisional,
    };
    let odds = || {
        let odds = Odds::of(date, colours);
        TempoColour::ALL.map(|colour| odds.get(colour))
    };
    TempoDay {
        date,
        colour,
        provisional: told.is_some_and(|day| day.is_provisional),
        disputed: told.is_some_and(ohmstead_outlook::TempoDay::is_disputed),
        by_hand: said.contains_key(&date),
        voices: told.map(|day| day.voices.iter().map(voice).collect()).unwrap_or_default(),
        odds: colour.is_none().then(odds),
    }
}

/// From the midnight of one date until that of another.
fn civil_window(from: Date, to: Date, zone: &TimeZone) -> Option<TimeSpan> {
    let instant = |date: Date| {
        let zoned = date.to_zoned(zone.clone()).ok()?;
        Some(UnixMillis(zoned.timestamp().as_millisecond()))
    };
    let window = TimeSpan::new(instant(from)?, instant(to)?);
    (!window.is_empty()).then_some(window)
}

#[cfg(test)]
mod tests {
    use ohmstead_model::{DeviceId, Moment, Reading, Value};

    use super::*;
    use crate::data_dir::Holder;
    use crate::store::HistoryConfig;

    /// A day that the outlook has long forgotten.
    const DAY: UnixMillis = UnixMillis(1_795_046_400_000);

    /// 1 kW from the grid for two hours, with what was told of prices.
    async fn cost(tariffs: &str, told: &[(Metric, f64)]) -> (f64, f64) {
        let yaml = format!("site: {{ timezone: UTC }}\ndevices: {{}}\ntariffs: {tariffs}");
        let config = ohmstead_config::parse(&yaml, "test.yaml", &|_| None).expect("a valid configuration");
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().to_owned(), HistoryConfig::of(Some(&config)), Holder::Verb);
        let store = store.expect("it opens");
        let values = [(Metric::GridPower, 1000.0), (Metric::LoadPower, 1000.0)];
        let values: Vec<_> =
            values.iter().chain(told).map(|(metric, value)| (*metric, Ok(Value::Number(*value)))).collect();
        let reading = |quarter: u32| Reading {
            device: DeviceId::site(),
            at: Moment { unix: DAY.plus(QUARTER * quarter), ..Moment::default() },
            values: values.clone(),
        };
        store.backfill((0..8).map(reading).collect()).await.expect("stored");
        let [from, to] = ["2026-11-19", "2026-11-20"].map(|date| date.parse().expect("a date"));
        let money = Door::new(&config).money(&store, Vec::new(), from, to, MoneyBy::Day).await;
        let row = money.expect("tariffs are configured").rows.into_iter().next().expect("a day");
        (row.cost, row.unknown_h)
    }

    #[tokio::test]
    async fn money_of_past_days_is_made_from_the_prices_of_those_days() {
        const MARKET: &str =
            "{ import: { market: {} }, market: { octopus: { product: AGILE-24-10-01, region: A } } }";
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
        let told = [(Metric::ImportPrice, 0.31234), (Metric::ExportPrice, 0.0)];
        near(cost(MARKET, &told).await.0, 2.0 * 0.31234);
        let (cost_of_nothing, unknown_h) = cost(MARKET, &[]).await;
        near(cost_of_nothing, 0.0);
        near(unknown_h, 24.0);
        // What a contract says of that day goes before what was told.
        near(cost("{ import: { fixed: 0.2 } }", &told).await.0, 0.4);
    }

    #[test]
    fn what_is_taken_back_leaves_the_sources_word() {
        let date: Date = "2026-12-02".parse().expect("a date");
        let voice = ohmstead_outlook::Voice {
            source: Arc::from("rte_site"),
            colour: TempoColour::White,
            since: UnixMillis(0),
            last: UnixMillis(0),
            is_provisional: true,
        };
        let told = ohmstead_outlook::TempoDay {
            colour: TempoColour::White,
            source: Arc::from("rte_site"),
            is_provisional: true,
            voices: vec![voice],
        };
        let outlook = Outlook { colours: BTreeMap::from([(date, told)]), ..Outlook::default() };
        let next = date.tomorrow().expect("a date");
        let said = Manual {
            colours: BTreeMap::from([(date, TempoColour::Red), (next, TempoColour::Blue)]),
            ..Manual::default()
        };
        let corrected = with_said(&outlook, &said);
        assert_eq!((corrected.colours[&date].colour, corrected.colours.len()), (TempoColour::Red, 2));
        assert_eq!(with_said(&corrected, &Manual::default()), outlook);
    }
}
