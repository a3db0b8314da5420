//! The season of 2024-2025 lived through day by day, with what was known each morning before the next colour was published.
#![expect(clippy::unwrap_used, reason = "a table that cannot be read fails the test, as it should")]

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::{TempoColour, UnixMillis};
use ohmstead_tariff::tempo::{Assumed, Colours, Odds, Season, known_at};

fn colours() -> Option<Colours> {
    let shared = std::env::var_os("OHMSTEAD_SHARED")?;
    let path = std::path::Path::new(&shared).join("data/optim/tempo_colours_2024-2025.csv");
    let text = std::fs::read_to_string(path).expect("the table of colours");
    let days = text.lines().skip(1).map(|line| {
        let (date, colour) = line.split_once(',').unwrap();
        (date.parse().unwrap(), colour.parse().unwrap())
    });
    Some(days.collect())
}

fn paris(date: Date, hour: i8, minute: i8) -> UnixMillis {
    let zone = TimeZone::get("Europe/Paris").unwrap();
    UnixMillis(date.at(hour, minute, 0, 0).to_zoned(zone).unwrap().timestamp().as_millisecond())
}

#[test]
fn odds_of_a_season_were_fair() {
    let Some(colours) = colours() else {
        println!("skipped: OHMSTEAD_SHARED is not set");
        return;
    };
    let tally = colours.tally(Season::of("2024-09-01".parse().unwrap()));
    assert_eq!(TempoColour::ALL.map(|colour| tally.used(colour)), [300, 43, 22]);
    assert_eq!((tally.unknown, TempoColour::ALL.map(|colour| tally.left(colour))), (0, [0; 3]));
    let (mut expected, mut surprise, mut plain) = ([0.0; 3], 0.0, 0.0);
    for (date, colour) in colours.iter() {
        let known = known_at(&colours, paris(date.yesterday().unwrap(), 10, 0));
        assert_eq!(known.get(date), None);
        let odds = Odds::of(date, &known);
        assert!(odds.get(colour) > 0.0, "{date} was {colour}, which was held impossible: {odds:?}");
        surprise -= odds.get(colour).ln();
        plain -= ([300.0, 43.0, 22.0][colour as usize] / 365.0_f64).ln();
        for (sum, each) in expected.iter_mut().zip(TempoColour::ALL) {
            *sum += odds.get(each);
        }
    }
    println!("days expected of blue, white, red: {expected:.1?} (300, 43 and 22 came)");
    println!("mean surprise {:.3}, without calendar and counts {:.3}", surprise / 365.0, plain / 365.0);
    assert!((15.0..30.0).contains(&expected[2]) && (33.0..53.0).contains(&expected[1]), "{expected:?}");
    assert!(surprise < 0.5 * plain, "{surprise} {plain}");
}

/// A source that never tells a colour costs needless charging on days that may be red, and on no other.
#[test]
fn a_silent_source_makes_eligible_days_red_for_the_charge() {
    let Some(colours) = colours() else {
        println!("skipped: OHMSTEAD_SHARED is not set");
        return;
    };
    let nothing = Colours::default();
    for (date, colour) in colours.iter() {
        let assumed = nothing.assumed(date, paris(date.yesterday().unwrap(), 21, 45));
        if colour == TempoColour::Red {
            assert_eq!(assumed, Assumed::TakenForRed, "{date}");
        }
        let is_winter = date.month() >= 11 || date.month() <= 3;
        assert!(is_winter || assumed != Assumed::TakenForRed, "{date}");
        // A day that the rules allow no other colour is known, whoever is silent.
        let is_sunday = date.weekday() == jiff::civil::Weekday::Sunday;
        assert!(!is_sunday || assumed == Assumed::Known(TempoColour::Blue), "{date}: {assumed:?}");
    }
}
