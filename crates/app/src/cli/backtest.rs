//! `backtest`: what the past would have cost under another strategy, another tariff, or with another battery.

mod past;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_backtest::{Home, Planning, Published, Replay, Strategy, Sun, TempoRule, replay};
use ohmstead_config::Config;
use ohmstead_forecast::Step;
use ohmstead_model::{TempoColour, TimeSpan, Timeline, UnixMillis};
use ohmstead_planner::{Battery, Problem, Tuning};
use ohmstead_tariff::Tariff;
use ohmstead_tariff::tempo::{Colours, PriceTable};
use ohmstead_units::{Percent, WattHours, Watts};
use serde_json::{Value, json};

use super::Common;
use super::ahead::headed;
use super::history::source::{Source, Wanted};
use crate::failure::{Code, Failure};
use crate::socket::{AheadPart, Client, Question};
use past::Past;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The first day [default: 30 days before --to]
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// The day after the last one [default: today]
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Which strategies; all where none is named
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME,...")]
    strategy: Vec<Name>,
    /// Load and sun out of this file instead of the history: its columns are `utc_start,load_w,pv_w`
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Colours of Tempo days out of this file: its columns are `date,colour` [default: what the daemon knows]
    #[arg(long, value_name = "FILE")]
    colours: Option<PathBuf>,
    /// Capacity of the battery [default: all those of planner.batteries together]
    #[arg(long, value_name = "ENERGY")]
    capacity: Option<WattHours>,
    /// What it takes and gives [default: as configured, else half its capacity per hour]
    #[arg(long, value_name = "POWER")]
    power: Option<Watts>,
    /// What comes out of what goes in, AC to AC
    #[arg(long, value_name = "SHARE", default_value = "88 %")]
    efficiency: Percent,
    /// How empty it may become
    #[arg(long, value_name = "SHARE", default_value = "10 %")]
    min: Percent,
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
    let tariffs = section.prices();
    let window = window(arguments, &zone)?;
    let past = past(common, arguments, window).await?;
    let colours = colours(common, arguments).await?;
    let nothing = Timeline::default();
    let published = Published {
        tariffs: &tariffs,
        colours: &colours,
        grids: &[],
        import_spot_per_kwh: &nothing,
        export_spot_per_kwh: &nothing,
        zone: &zone,
    };
    // What is guessed is no price of the past.
    let prices = published.exact(window);
    let known = prices.slots().filter(|(_, price)| !price.estimated).map(|(span, price)| (span, *price));
    let prices = Timeline::of(known);
    let left_eur_kwh = LEFT_OVER * mean(&prices);
    let home = Home {
        load_w: &past.load_w,
        pv_w: &past.pv_w,
        prices: &prices,
        site: site(arguments, &config)?,
        step: Step::HalfHour,
        zone: zone.clone(),
        left_eur_kwh,
    };
    let own = match &tariffs.import {
        Tariff::Tempo(tempo) => tempo.prices.clone(),
        _ => Vec::new(),
    };
    let table = PriceTable::with(&[], &own);
    let tempo = config.tempo.clone().unwrap_or_default();
    let rule = TempoRule { settings: &tempo, foresight: &published, prices: &table };
    let planning = Planning {
        foresight: &published,
        sun: Sun::LastDays(7),
        every: Duration::from_secs(3 * 3600),
        horizon: config.planner.horizon.0,
        futures: 7,
        tuning: Tuning::default(),
    };
    let mut rows = Vec::new();
    for name in wanted(arguments, matches!(tariffs.import, Tariff::Tempo(_))) {
        let strategy = match name {
            Name::None => Strategy::NoBattery,
            Name::SelfConsumption => Strategy::SelfConsumption,
            Name::Night => Strategy::NightCharge,
            Name::Tempo => Strategy::Tempo(rule),
            Name::Plan => Strategy::Plan(planning),
            Name::Perfect => Strategy::Perfect,
        };
        let replayed = replay(&home, window, strategy).map_err(|error| Failure::of(Code::Failed, error))?;
        rows.push((strategy.name(), replayed));
    }
    let answer = json(&rows, &zone);
    common.print(&answer, || text(&rows))
}

/// The mean import price of what is known.
fn mean(prices: &Timeline<ohmstead_model::Price>) -> f64 {
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

fn window(arguments: &Arguments, zone: &TimeZone) -> Result<TimeSpan, Failure> {
    let wrong = || Failure::new(Code::Usage, "no span of days: --from is before --to, both in the past");
    let today = super::real_clock().now().unix;
    let today = jiff::Timestamp::from_millisecond(today.0).map_err(|_| wrong())?;
    let to = arguments.to.unwrap_or_else(|| zone.to_datetime(today).date());
    let from = match arguments.from {
        Some(from) => from,
        None => to.checked_sub(jiff::ToSpan::days(30)).map_err(|_| wrong())?,
    };
    let instant =
        |date: Date| date.to_zoned(zone.clone()).map(|at| UnixMillis(at.timestamp().as_millisecond()));
    let window = TimeSpan::new(instant(from).map_err(|_| wrong())?, instant(to).map_err(|_| wrong())?);
    if window.is_empty() { Err(wrong()) } else { Ok(window) }
}

async fn past(common: &Common, arguments: &Arguments, window: TimeSpan) -> Result<Past, Failure> {
    if let Some(path) = &arguments.csv {
        let past = past::of_file(path);
        return past.map_err(|error| Failure::new(Code::Usage, format!("{}: {error}", path.display())));
    }
    let mut source = Source::open(common, Wanted::Existing).await?;
    // Forecasts learn from what was before.
    let learned = TimeSpan::new(window.start.minus(Duration::from_secs(60 * 86_400)), window.end);
    past::of_history(&mut source, learned).await
}

async fn colours(common: &Common, arguments: &Arguments) -> Result<Colours, Failure> {
    if let Some(path) = &arguments.colours {
        let wrong = |what: String| Failure::new(Code::Usage, format!("{}: {what}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let lines = text.lines().zip(1..).skip(1).filter(|(line, _)| !line.trim().is_empty());
        return lines
            .map(|(line, number)| {
                day_of(line)
                    .ok_or_else(|| wrong(format!("line {number}: expected DATE,COLOUR, found {line:?}")))
            })
            .collect();
    }
    let config = common.load_if_any()?.map(|(_, config)| config);
    let dir = common.data_dir(config.as_ref())?;
    let Some(mut client) = Client::connect(&dir).await else { return Ok(Colours::default()) };
    let question = Question::Ahead { part: AheadPart::Tempo, lang: None };
    // A house without Tempo has no colours.
    let Ok(answer) = client.ask(&question).await else { return Ok(Colours::default()) };
    let days = answer["days"].as_array().into_iter().flatten();
    Ok(days
        .filter_map(|day| Some((day["date"].as_str()?.parse().ok()?, day["colour"].as_str()?.parse().ok()?)))
        .collect())
}

fn day_of(line: &str) -> Option<(Date, TempoColour)> {
    let (date, colour) = line.split_once(',')?;
    Some((date.trim().parse().ok()?, colour.trim().parse().ok()?))
}

/// The batteries that are configured, as one; or the one that is asked about.
fn site(arguments: &Arguments, config: &Config) -> Result<Problem, Failure> {
    let configured: f64 = config
        .planner
        .batteries
        .values()
        .filter_map(|battery| battery.capacity)
        .map(|capacity| capacity.0)
        .sum();
    let capacity_wh = arguments.capacity.map_or(configured, |capacity| capacity.0);
    if capacity_wh <= 0.0 {
        let text = "how large is the battery? say --capacity \"5 kWh\", or planner.batteries.NAME.capacity in the configuration";
        return Err(Failure::new(Code::Usage, text));
    }
    let power_w = arguments.power.map_or(capacity_wh / 2.0, |power| power.0);
    let one_way = (arguments.efficiency.0 / 100.0).clamp(0.01, 1.0).sqrt();
    let min_wh = capacity_wh * arguments.min.0 / 100.0;
    let battery = Battery {
        name: "battery".to_owned(),
        capacity_wh,
        now_wh: min_wh,
        min_wh,
        max_wh: capacity_wh,
        charge_max_w: power_w,
        discharge_max_w: power_w,
        eff_charge: one_way,
        eff_discharge: one_way,
        ..Battery::default()
    };
    Ok(Problem { batteries: vec![battery], ..Problem::default() })
}

fn json(rows: &[(&str, Replay)], zone: &TimeZone) -> Value {
    let base = rows.first().map(|(_, replay)| replay);
    let of = |(name, replay): &(&str, Replay)| {
        json!({
            "strategy": name,
            "cost": replay.cost_eur(),
            "saving": base.map(|base| replay.saving_eur(base)),
            "import_kwh": replay.whole.import_kwh,
            "export_kwh": replay.whole.export_kwh,
            "charged_kwh": replay.whole.charged_kwh,
            "discharged_kwh": replay.whole.discharged_kwh,
            "cycles": replay.whole.cycles,
            "unknown_h": replay.missing.iter().map(|span| span.hours()).sum::<f64>(),
        })
    };
    json!({ "zone": zone.iana_name(), "rows": rows.iter().map(of).collect::<Vec<_>>() })
}

fn text(rows: &[(&str, Replay)]) -> String {
    let base = rows.first().map(|(_, replay)| replay);
    let lines = rows.iter().map(|(name, replay)| {
        vec![
            (*name).to_owned(),
            format!("{:.2}", replay.cost_eur()),
            base.map(|base| format!("{:.2}", replay.saving_eur(base))).unwrap_or_default(),
            format!("{:.1}", replay.whole.import_kwh),
            format!("{:.1}", replay.whole.export_kwh),
            format!("{:.1}", replay.whole.discharged_kwh),
            format!("{:.1}", replay.whole.cycles),
        ]
    });
    let head = ["strategy", "cost", "saved", "import kWh", "export kWh", "discharged kWh", "cycles"];
    let table = headed(&head, lines, &[1, 2, 3, 4, 5, 6]);
    let unknown: f64 = base.map_or(0.0, |replay| replay.missing.iter().map(|span| span.hours()).sum::<f64>());
    if unknown < 0.5 {
        return table;
    }
    format!("{table}\n{unknown:.0} h are in no figure: load, sun or price is not known")
}
