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
use ohmstead_planner::{Battery, Problem, Tuning};
use ohmstead_tariff::Tariffs;
use ohmstead_tariff::tempo::{Colours, PriceTable, TariffDay};
use ohmstead_units::{EnergyPrice, Percent};
use rstest::rstest;

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

/// The places of the rows of [`compare`].
const RULES: std::ops::RangeInclusive<usize> = 1..=4;
const TEMPO: usize = 5;
const PERFECT: usize = 6;
const PLAN: usize = 7;

/// The rules of the study, the proposer for Tempo without wear, and, where `futures` is given, perfect foresight and the planner.
fn compare(season: &Season, size: Size, futures: Option<usize>) -> Comparison {
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
    let rule = TempoRule { settings: &settings, foresight: &published, prices: &table };
    let mut strategies = vec![
        ("no battery", Strategy::NoBattery),
        ("self-consumption", Strategy::SelfConsumption),
        ("charged every night", Strategy::NightCharge),
        ("before red", Strategy::Rule(&red)),
        ("before red and white", Strategy::Rule(&dear)),
        ("tempo, no wear", Strategy::Tempo(rule)),
    ];
    if let Some(futures) = futures {
        let planning = Planning {
            foresight: &published,
            sun: Sun::LastDays(7),
            every: Duration::from_secs(3600),
            horizon: Duration::from_secs(36 * 3600),
            futures,
            tuning: Tuning::default(),
        };
        strategies.extend([("perfect foresight", Strategy::Perfect), ("plan", Strategy::Plan(planning))]);
    }
    let rows = strategies.into_iter().map(|(name, strategy)| {
        let replay = replay(&home, season.window, strategy).unwrap();
        Row { name: name.to_owned(), replay }
    });
    Comparison { rows: rows.collect(), perfect: futures.map(|_| PERFECT) }
}

/// The study interpolates gaps a little differently: the bill without a battery is 0.10 EUR lower there.
const SAME_EUR: f64 = 0.12;

#[rstest]
#[case::small(SMALL, [96.15, 128.64, 149.39, 152.28], [480.0, 969.0, 572.0, 730.0])]
#[case::large(LARGE, [135.39, 251.83, 293.17, 299.52], [719.0, 1898.0, 988.0, 1440.0])]
fn rules_come_out_as_they_were_published(
    #[case] size: Size,
    #[case] savings_eur: [f64; 4],
    #[case] discharged_kwh: [f64; 4],
) {
    let Some(season) = Season::read() else { return };
    let table = compare(&season, size, None);
    let bill = table.rows[0].replay.cost_eur();
    assert!((bill - 918.61).abs() < SAME_EUR, "{bill}");
    for ((row, expected_eur), expected_kwh) in RULES.zip(savings_eur).zip(discharged_kwh) {
        let saving = table.saving_eur(row).unwrap();
        assert!((saving - expected_eur).abs() < SAME_EUR, "{expected_eur}\n{table}");
        let discharged = table.rows[row].replay.whole.discharged_kwh;
        assert!((discharged - expected_kwh).abs() < 4.0, "{expected_kwh}\n{table}");
    }
    // The proposer that steers a house is the best of the rules.
    let tempo = table.saving_eur(TEMPO).unwrap();
    assert!(tempo > savings_eur[3], "{table}");
    assert!(table.rows[0].replay.missing.is_empty());
}

mod long {
    use super::*;

    /// With tomorrow's colour from 10:30 on, the home's own load forecast and the sun of the last seven days.
    #[rstest]
    #[case::small(SMALL, 157.40, 152.28)]
    #[case::large(LARGE, 310.75, 299.52)]
    fn a_plan_reaches_nine_tenths_of_what_is_possible(
        #[case] size: Size,
        #[case] possible_eur: f64,
        #[case] best_rule_eur: f64,
    ) {
        let Some(season) = Season::read() else { return };
        let table = compare(&season, size, Some(14));
        println!("{} kWh, {} kW\n{table}", size.kwh, size.kw);
        let saving = |row| table.saving_eur(row).unwrap();
        assert!((saving(PERFECT) - possible_eur).abs() < SAME_EUR, "{table}");
        let least_eur = 0.9 * possible_eur;
        assert!(saving(PLAN) > least_eur && saving(TEMPO) > least_eur, "{table}");
        assert!(saving(PLAN) > best_rule_eur, "{table}");
        assert!(saving(PLAN) < saving(PERFECT), "{table}");
    }
}
