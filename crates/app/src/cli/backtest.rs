//! `backtest`: what the past would have cost under another strategy, another tariff, or with another battery.

mod answer;
mod bank;
mod known;
mod missing;
mod money;
mod past;
mod window;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use ohmstead_backtest::{Home, Planning, Published, Replay, ReplayError, Strategy, Sun, TempoRule, replay};
use ohmstead_config::Config;
use ohmstead_forecast::Step;
use ohmstead_model::{DeviceId, Price, TimeSpan, Timeline};
use ohmstead_tariff::tempo::PriceTable;
use ohmstead_tariff::{Tariff, Tariffs};
use ohmstead_units::{Percent, WattHours, Watts};

use super::Common;
use super::history::source::{Source, Wanted};
use crate::control::Tempo;
use crate::failure::{Code, Failure};
use answer::{Answer, unknown_h};
use missing::Wanted as Missing;
use money::Money;
use past::Past;
use window::Named;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The first day [default: 30 days before --to; with --csv the first of the file]
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// The day after the last one [default: today; with --csv the end of the file]
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Which strategies; all where none is named
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME,...")]
    strategy: Vec<Name>,
    /// Load and sun out of this file instead of the history: its columns are `utc_start,load_w,pv_w`
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Colours of Tempo days out of this file: its columns are `date,colour` [default: what the services told, and the owner]
    #[arg(long, value_name = "FILE")]
    colours: Option<PathBuf>,
    /// Capacity of the battery, at least 100 Wh [default: all those of the house together, as configured or as they tell]
    #[arg(long, value_name = "ENERGY", value_parser = bank::capacity, allow_negative_numbers = true)]
    capacity: Option<WattHours>,
    /// What it takes and gives [default: as configured, or as it tells, else half its capacity per hour]
    #[arg(long, value_name = "POWER", value_parser = bank::power, allow_negative_numbers = true)]
    power: Option<Watts>,
    /// What comes out of what goes in, AC to AC, 50 % to 100 % [default: as configured]
    #[arg(long, value_name = "SHARE", value_parser = bank::efficiency, allow_negative_numbers = true)]
    efficiency: Option<Percent>,
    /// How empty it may become [default: as configured: `min` or the `reserve`, whichever is more]
    #[arg(long, value_name = "SHARE", value_parser = bank::min, allow_negative_numbers = true)]
    min: Option<Percent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Without batteries
    None,
    /// The batteries follow the house
    SelfConsumption,
    /// Charged to the full every night
    Night,
    /// Filled before dear days of Tempo
    Tempo,
    /// The planner, with what was known and foretold
    Plan,
    /// The planner, with everything known before: nothing does better
    Perfect,
}

/// What a kWh that is left in the battery counts as, as a part of the mean price.
const LEFT_OVER: f64 = 0.8;

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let (_, config) = common.load()?;
    let zone = config.site.timezone.clone();
    let Some(section) = &config.tariffs else {
        let text = "the configuration does not say what electricity costs: add `tariffs:`";
        return Err(Failure::new(Code::Config, text));
    };
    let (house, money) = house(common, arguments, &config, &section.prices()).await?;
    let House { past, window, .. } = &house;
    let prices = money.prices(*window, &zone);
    let asked = bank::Asked {
        capacity: arguments.capacity,
        power: arguments.power,
        efficiency: arguments.efficiency,
        min: arguments.min,
    };
    let (site, mut notes) = bank::site(&asked, &config.planner, &house.told)?;
    let home = Home {
        load_w: &past.load_w,
        pv_w: &past.pv_w,
        prices: &prices,
        site,
        step: Step::HalfHour,
        zone: zone.clone(),
        left_eur_kwh: LEFT_OVER * mean(&prices),
    };
    let missing =
        Missing { window: *window, past, prices: &prices, of_prices: &money.in_words(), zone: &zone };
    let rows = replays(arguments, &config, &home, *window, &money.published(&zone));
    let rows = rows.map_err(|error| match error {
        ReplayError::NothingKnown => Failure::new(Code::Failed, missing.nothing()),
        other => Failure::of(Code::Failed, other),
    })?;
    let unknown_h = rows.first().map_or(0.0, |(_, replay)| unknown_h(replay));
    notes.extend(money.note(*window, &zone));
    notes.extend(
        past.pv_reach.is_none().then(|| "the house never told of panels: replayed without".to_owned()),
    );
    let answer = Answer {
        rows: &rows,
        prices: if money.is_stored() { "stored" } else { "contract" },
        unknown: (unknown_h >= 0.5).then(|| missing.some(unknown_h)),
        notes,
    };
    common.print(&answer.json(&zone), || answer.text())
}

/// The house that is replayed.
struct House {
    past: Past,
    window: TimeSpan,
    told: BTreeMap<DeviceId, bank::Told>,
}

/// Forecasts learn from what was before.
const LEARNED: Duration = Duration::from_secs(60 * 86_400);

/// Everything that is known of the house and of its prices: out of files where they are named, else out of the history.
async fn house(
    common: &Common,
    arguments: &Arguments,
    config: &Config,
    contract: &Tariffs,
) -> Result<(House, Money), Failure> {
    let zone = &config.site.timezone;
    let named = Named { from: arguments.from, to: arguments.to };
    let now = jiff::Timestamp::from_millisecond(super::real_clock().now().unix.0)?;
    let today = zone.to_datetime(now).date();
    let file = arguments.csv.as_deref().map(|path| past::of_file(path).map_err(|error| broken(path, &error)));
    let file = file.transpose()?;
    let window = window::window(named, file.as_ref().and_then(|file| file.load_reach), today, zone)?;
    // What a file does not say, a history may.
    let mut source = match (Source::open(common, Wanted::Existing).await, &file) {
        (Ok(source), _) => Some(source),
        (Err(_), Some(_)) => None,
        (Err(failure), None) => return Err(failure),
    };
    let tempo = tempo(common, arguments, config, source.as_ref()).await?;
    let learned = TimeSpan::new(window.start.minus(LEARNED), window.end);
    let Some(source) = &mut source else {
        let house = House { past: file.unwrap_or_default(), window, told: BTreeMap::new() };
        return Ok((house, Money::of(contract, tempo, Default::default())));
    };
    let series = past::series(source).await?;
    let past = match file {
        Some(past) => past,
        None => past::of_history(source, &series, learned).await?,
    };
    let devices: Vec<_> = config.devices.iter().map(|(id, _)| id.clone()).collect();
    let told = past::told(source, &series, &devices).await?;
    let stored =
        if money::is_of_market(contract) { past::prices(source, learned).await? } else { Default::default() };
    Ok((House { past, window, told }, Money::of(contract, tempo, stored)))
}

/// What is known of the Tempo tariff; colours are those of a file where one is named.
async fn tempo(
    common: &Common,
    arguments: &Arguments,
    config: &Config,
    source: Option<&Source>,
) -> Result<Tempo, Failure> {
    let colours = arguments.colours.as_deref();
    let colours =
        colours.map(|path| known::of_file(path).map_err(|error| broken(path, &error))).transpose()?;
    let said = match source {
        Some(source) => source.colours_said().await,
        None => BTreeMap::new(),
    };
    let tempo = known::tempo(config, common.data_dir(Some(config)).ok(), said).await;
    Ok(match colours {
        Some(colours) => Tempo { colours, ..tempo },
        None => tempo,
    })
}

/// A file that cannot be used: the command line is right.
fn broken(path: &Path, error: &impl std::fmt::Display) -> Failure {
    Failure::new(Code::Failed, format!("{}: {error}", path.display()))
}

/// The replays, by the name of the strategy.
fn replays(
    arguments: &Arguments,
    config: &Config,
    home: &Home<'_>,
    window: TimeSpan,
    published: &Published<'_>,
) -> Result<Vec<(&'static str, Replay)>, ReplayError> {
    let own: &[_] = match &published.tariffs.import {
        Tariff::Tempo(tempo) => &tempo.prices,
        _ => &[],
    };
    let table = PriceTable::with(published.grids, own);
    let tempo = config.tempo.clone().unwrap_or_default();
    let rule = TempoRule { settings: &tempo, foresight: published, prices: &table };
    let planning = Planning {
        foresight: published,
        sun: Sun::LastDays(7),
        every: Duration::from_secs(3 * 3600),
        horizon: config.planner.horizon.0,
        futures: 7,
        tuning: config.planner.tuning(),
    };
    let all = wanted(arguments, matches!(published.tariffs.import, Tariff::Tempo(_))).into_iter();
    all.map(|name| {
        let strategy = match name {
            Name::None => Strategy::NoBattery,
            Name::SelfConsumption => Strategy::SelfConsumption,
            Name::Night => Strategy::NightCharge,
            Name::Tempo => Strategy::Tempo(rule),
            Name::Plan => Strategy::Plan(planning),
            Name::Perfect => Strategy::Perfect,
        };
        Ok((strategy.name(), replay(home, window, strategy)?))
    })
    .collect()
}

/// The mean import price of what is known.
fn mean(prices: &Timeline<Price>) -> f64 {
    let (hours, cost) = prices.slots().fold((0.0, 0.0), |(hours, cost), (span, price)| {
        (hours + span.hours(), cost + span.hours() * price.import_per_kwh)
    });
    if hours > 0.0 { cost / hours } else { 0.0 }
}

/// All strategies that make sense for the tariff, or those that are named; that without batteries is what others are compared with.
fn wanted(arguments: &Arguments, is_tempo: bool) -> Vec<Name> {
    let all = [Name::None, Name::SelfConsumption, Name::Night, Name::Tempo, Name::Plan, Name::Perfect];
    let chosen = all.into_iter().filter(|name| {
        let named = arguments.strategy.contains(name);
        let fits = *name != Name::Tempo || is_tempo;
        *name == Name::None || named || (arguments.strategy.is_empty() && fits)
    });
    chosen.collect()
}

#[cfg(test)]
mod tests;
