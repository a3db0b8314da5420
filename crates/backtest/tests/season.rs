//! A season of a real home in France on the Tempo tariff: published rules come out as they were published, and the product's own
//! strategies are measured against them and against perfect foresight.
#![expect(clippy::unwrap_used, reason = "a table that cannot be read fails the test, as it should")]
#![expect(clippy::print_stdout, reason = "the table is what one runs this for")]

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ohmstead_backtest::{Comparison, Home, Planning, Published, Row, Strategy, Sun, TempoRule, replay};
use ohmstead_control::tempo;
use ohmstead_forecast::Step;
use ohmstead_model::{BatteryMode, Price, TempoColour, TimeSpan, Timeline, UnixMillis};
use ohmstead_planner::{Battery, Problem, Settings};
use ohmstead_tariff::Tariffs;
use ohmstead_tariff::tempo::{Colours, Hours, PriceTable, Rate, TariffDay};
use ohmstead_units::{EnergyPrice, Percent};

const HALF_HOUR: Duration = Duration::from_secs(1800);

/// What is measured and what was published.
struct Season {
    load_w: Timeline<f64>,
    pv_w: Timeline<f64>,
    colours: Colours,
    tariffs: Tariffs,
    window: TimeSpan,
    zone: TimeZone,
    nothing: Timeline<f64>,
}

fn read(name: &str) -> Option<String> {
    let Some(shared) = std::env::var_os("OHMSTEAD_SHARED") else {
        println!("skipped: OHMSTEAD_SHARED is not set");
        return None;
    };
    let path = std::path::Path::new(&shared).join("data/optim").join(name);
    Some(std::fs::read_to_string(path).expect("the season's data"))
}

impl Season {
    /// Gaps of the load are interpolated and an unknown sun is none, as in the study.
    fn read() -> Option<Self> {
        let text = read("home_fr_30min_2024-09_2025-02.csv")?;
        let mut rows = Vec::new();
        for line in text.lines().skip(1) {
            let columns: Vec<_> = line.split(',').collect();
            let start: Timestamp = columns[0].parse().unwrap();
            let span = TimeSpan::lasting(UnixMillis(start.as_millisecond()), HALF_HOUR);
            rows.push((span, columns[1].parse::<f64>().ok(), columns[2].parse::<f64>().unwrap_or(0.0)));
        }
        let window = TimeSpan::new(rows[0].0.start, rows[rows.len() - 1].0.end);
        let load = interpolated(&rows.iter().map(|row| row.1).collect::<Vec<_>>());
        let colours = read("tempo_colours_2024-2025.csv")?;
        let colours = colours.lines().skip(1).map(|line| {
            let (date, colour) = line.split_once(',').unwrap();
            (date.parse().unwrap(), colour.parse().unwrap())
        });
        let eve = std::iter::once(("2024-08-31".parse().unwrap(), TempoColour::Blue));
        Some(Self {
            load_w: Timeline::of(rows.iter().zip(load).map(|(row, load)| (row.0, load))),
            pv_w: Timeline::of(rows.iter().map(|row| (row.0, row.2))),
            colours: eve.chain(colours).collect(),
            tariffs: serde_saphyr::from_str("import: { tempo: {} }").unwrap(),
            window,
            zone: TimeZone::get("Europe/Paris").unwrap(),
            nothing: Timeline::default(),
        })
    }

    fn published(&self) -> Published<'_> {
        Published {
            tariffs: &self.tariffs,
            colours: &self.colours,
            grids: &[],
            import_spot_per_kwh: &self.nothing,
            export_spot_per_kwh: &self.nothing,
            zone: &self.zone,
        }
    }

    fn home<'h>(&'h self, prices: &'h Timeline<Price>, size: Size) -> Home<'h> {
        Home {
            load_w: &self.load_w,
            pv_w: &self.pv_w,
            prices,
            site: Problem { batteries: vec![size.battery()], ..Problem::default() },
            step: Step::HalfHour,
            zone: self.zone.clone(),
            left_eur_kwh: 0.14,
        }
    }
}

/// On a straight line between what is known on either side.
fn interpolated(values: &[Option<f64>]) -> Vec<f64> {
    let known: Vec<usize> = (0..values.len()).filter(|place| values[*place].is_some()).collect();
    let at = |place: usize| {
        let after = known.partition_point(|known| *known < place).min(known.len() - 1);
        let (left, right) = (known[after.saturating_sub(1)], known[after]);
        let (from, to) = (values[left].unwrap(), values[right].unwrap());
        let part = if right > left { (place as f64 - left as f64) / (right - left) as f64 } else { 1.0 };
        from + (to - from) * part.clamp(0.0, 1.0)
    };
    (0..values.len()).map(at).collect()
}

#[derive(Debug, Clone, Copy)]
struct Size {
    kwh: f64,
    kw: f64,
}

const SMALL: Size = Size { kwh: 5.12, kw: 2.5 };
const LARGE: Size = Size { kwh: 15.36, kw: 7.5 };

impl Size {
    fn battery(self) -> Battery {
        let wh = self.kwh * 1000.0;
        Battery {
            name: "battery".to_owned(),
            capacity_wh: wh,
            now_wh: 0.11 * wh,
            min_wh: 0.11 * wh,
            max_wh: wh,
            charge_max_w: self.kw * 1000.0,
            discharge_max_w: self.kw * 1000.0,
            eff_charge: 0.94,
            eff_discharge: 0.94,
            ..Battery::default()
        }
    }
}

/// Charges in the off-peak hours before days of these colours, and else follows the house.
fn before(colours: &Colours, dear: &[TempoColour], now: UnixMillis) -> BatteryMode {
    let today = TariffDay::at(now).unwrap();
    let [(peak, _), _] = today.periods(TempoColour::Blue).unwrap();
    let tomorrow = colours.get(today.0.tomorrow().unwrap()).unwrap_or(TempoColour::Blue);
    if !peak.contains(now) && dear.contains(&tomorrow) {
        return BatteryMode::Charge { power: None, until: None };
    }
    BatteryMode::Auto
}

fn compare(season: &Season, size: Size) -> Comparison {
    let published = season.published();
    let prices = published.exact(season.window);
    let home = season.home(&prices, size);
    let table = PriceTable::with(&[], &[]);
    let settings = tempo::Settings {
        efficiency: Percent(88.36),
        wear: EnergyPrice::per_kwh(0.0),
        ..tempo::Settings::default()
    };
    let red = |now| before(&season.colours, &[TempoColour::Red], now);
    let dear = |now| before(&season.colours, &[TempoColour::Red, TempoColour::White], now);
    let planning = Planning {
        foresight: &published,
        sun: Sun::LastDays(7),
        every: Duration::from_secs(3 * 3600),
        horizon: Duration::from_secs(48 * 3600),
        futures: 14,
        settings: Settings::default(),
    };
    let mut strategies = vec![
        ("no battery".to_owned(), Strategy::NoBattery),
        ("self-consumption".to_owned(), Strategy::SelfConsumption),
        ("charged every night".to_owned(), Strategy::NightCharge),
        ("before red".to_owned(), Strategy::Rule(&red)),
        ("before red and white".to_owned(), Strategy::Rule(&dear)),
        (
            "tempo".to_owned(),
            Strategy::Tempo(TempoRule { settings: &settings, foresight: &published, prices: &table }),
        ),
        ("perfect foresight".to_owned(), Strategy::Perfect),
    ];
    let suns = [7];
    for futures in [0, 7, 14] {
        strategies
            .push((format!("plan futures {futures}"), Strategy::Plan(Planning { futures, ..planning })));
    }
    strategies.push((
        "h36".to_owned(),
        Strategy::Plan(Planning { horizon: Duration::from_secs(36 * 3600), ..planning }),
    ));
    for days in &suns[..0] {
        for keep in [0.02] {
            let settings = Settings { keep_within_eur: keep, ..Settings::default() };
            strategies.push((
                format!("plan sun {days} keep {keep}"),
                Strategy::Plan(Planning { sun: Sun::LastDays(*days), settings, ..planning }),
            ));
        }
    }
    strategies.push((
        "plan true sun".to_owned(),
        Strategy::Plan(Planning { sun: Sun::Forecast(&season.pv_w), ..planning }),
    ));
    let _ = (Hours::Peak, Rate { colour: TempoColour::Red, hours: Hours::Peak });
    let rows = strategies.into_iter().map(|(name, strategy)| {
        let t = std::time::Instant::now();
        let replay = replay(&home, season.window, strategy).unwrap();
        println!("{name} {:?}", t.elapsed());
        Row { name, replay }
    });
    Comparison { rows: rows.collect(), perfect: Some(6) }
}

#[test]
fn explore() {
    let Some(season) = Season::read() else { return };
    let Ok(spec) = std::env::var("BT") else { return };
    for spec in spec.split(';') {
        let v: Vec<f64> = spec.split(',').map(|it| it.parse().unwrap()).collect();
        let size = if v[0] == 0.0 { SMALL } else { LARGE };
        let published = season.published();
        let prices = published.exact(season.window);
        let home = season.home(&prices, size);
        let none = replay(&home, season.window, Strategy::NoBattery).unwrap();
        let table = PriceTable::with(&[], &[]);
        let settings = tempo::Settings {
            efficiency: Percent(88.36),
            wear: EnergyPrice::per_kwh(0.0),
            ..tempo::Settings::default()
        };
        let rule = replay(
            &home,
            season.window,
            Strategy::Tempo(TempoRule { settings: &settings, foresight: &published, prices: &table }),
        )
        .unwrap();
        let planning = Planning {
            foresight: &published,
            sun: if v[4] == 0.0 { Sun::Forecast(&season.pv_w) } else { Sun::LastDays(v[4] as u32) },
            every: Duration::from_secs((v[1] * 3600.0) as u64),
            horizon: Duration::from_secs((v[2] * 3600.0) as u64),
            futures: v[3] as usize,
            settings: Settings { keep_within_eur: v[5], ..Settings::default() },
        };
        let t = std::time::Instant::now();
        let plan = replay(&home, season.window, Strategy::Plan(planning)).unwrap();
        let mut by = std::collections::BTreeMap::new();
        for ((date, a), (_, b)) in plan.days.iter().zip(&rule.days) {
            let key = format!(
                "{:?} {:?}",
                season.colours.get(date.yesterday().unwrap()).unwrap(),
                season.colours.get(*date).unwrap()
            );
            *by.entry(key).or_insert(0.0) += a.cost_eur - b.cost_eur;
        }
        println!(
            "{spec}: rule {:.2} plan {:.2} discharged {:.0} {:?}\n  {by:.2?}\n  {:.2?}",
            rule.saving_eur(&none),
            plan.saving_eur(&none),
            plan.whole.discharged_kwh,
            t.elapsed(),
            plan.months
                .iter()
                .zip(&rule.months)
                .map(|(a, b)| a.1.cost_eur - b.1.cost_eur)
                .collect::<Vec<_>>()
        );
    }
}
