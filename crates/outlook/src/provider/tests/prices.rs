//! Prices.

use std::fmt::Write as _;

use expect_test::expect;
use rstest::rstest;

use super::*;

#[test]
fn energy_charts() {
    let told = told(energy_charts::parse(include_bytes!("../../../tests/answers/energy_charts.json")));
    expect![[r#"
        spot_price
        09 23:00:00 - 10 00:00:00  0.09285
        10 01:00:00 - 10 02:00:00  -0.0055
        currency Some("EUR"), refused 1"#]]
    .assert_eq(&told);
}

#[test]
fn entsoe() {
    let told = told(entsoe::parse(include_bytes!("../../../tests/answers/entsoe.xml")));
    expect![[r#"
        spot_price
        09 23:00:00 - 09 23:15:00  0.1
        09 23:15:00 - 10 00:00:00  -0.00425
        10 00:00:00 - 10 22:00:00  0.08
        currency Some("EUR"), refused 1"#]]
    .assert_eq(&told);
}

#[test]
fn entsoe_points_are_left_out_in_one_kind_of_curve_only() {
    let blocks = include_str!("../../../tests/answers/entsoe.xml").replace("A03", "A01");
    expect![[r#"
        spot_price
        09 23:00:00 - 09 23:15:00  0.1
        09 23:15:00 - 09 23:30:00  -0.00425
        10 00:00:00 - 10 00:15:00  0.08
        currency Some("EUR"), refused 1"#]]
    .assert_eq(&told(entsoe::parse(blocks.as_bytes())));
}

#[test]
fn entsoe_without_data() {
    let nothing = entsoe::parse(include_bytes!("../../../tests/answers/entsoe_nothing.xml"));
    assert_eq!(nothing, Err(ParseError::NothingYet));
    let refused = "<Acknowledgement_MarketDocument><Reason><code>999</code><text>Delivered time interval is not valid</text></Reason></Acknowledgement_MarketDocument>";
    assert_eq!(told(entsoe::parse(refused.as_bytes())), "it says: Delivered time interval is not valid");
    assert_eq!(entsoe::parse(b"<!DOCTYPE html><html></html>"), Err(ParseError::Html));
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><Publication_MarketDocument>&b;</Publication_MarketDocument>"#;
    assert!(matches!(entsoe::parse(bomb.as_bytes()), Err(ParseError::Malformed { form: "XML", .. })));
}

/// A day of 23, 24 and 25 hours; the count follows from the interval.
#[rstest]
#[case::short("2025-03-29T23:00Z", "2025-03-30T22:00Z", 23)]
#[case::ordinary("2025-12-09T23:00Z", "2025-12-10T23:00Z", 24)]
#[case::long("2025-10-25T22:00Z", "2025-10-26T23:00Z", 25)]
fn entsoe_days(#[case] start: &str, #[case] end: &str, #[case] hours: u32) {
    for (resolution, per_hour) in [("PT15M", 4), ("PT30M", 2), ("PT60M", 1)] {
        let mut points = String::new();
        for position in 1..=hours * per_hour {
            write!(
                points,
                "<Point><position>{position}</position><price.amount>{position}</price.amount></Point>"
            )
            .unwrap();
        }
        let xml = format!(
            "<Publication_MarketDocument><TimeSeries><Period><timeInterval><start>{start}</start><end>{end}</end></timeInterval>\
             <resolution>{resolution}</resolution>{points}</Period></TimeSeries></Publication_MarketDocument>"
        );
        let answer = entsoe::parse(xml.as_bytes()).unwrap();
        let prices = &answer.series[&Quantity::SpotPrice];
        let day = TimeSpan::new(instant(&start.replace('Z', ":00Z")), instant(&end.replace('Z', ":00Z")));
        assert_eq!(prices.slots().len(), usize::try_from(hours * per_hour).unwrap());
        assert_eq!((prices.gaps(day), prices.end()), (vec![], Some(day.end)));
        assert_eq!(answer.refused, 0);
    }
}

#[rstest]
#[case::short("2025-03-29T23:00:00Z", 23)]
#[case::long("2025-10-25T22:00:00Z", 25)]
fn energy_charts_days(#[case] start: &str, #[case] hours: i64) {
    for step in [3600, 900] {
        let first = instant(start).0 / 1000;
        let stamps: Vec<_> = (0..hours * 3600 / step).map(|index| first + index * step).collect();
        let json = serde_json::json!({ "unix_seconds": stamps, "price": vec![50.0; stamps.len()], "unit": "EUR / MWh" });
        let answer = energy_charts::parse(json.to_string().as_bytes()).unwrap();
        let prices = &answer.series[&Quantity::SpotPrice];
        assert_eq!(prices.end(), Some(UnixMillis((first + hours * 3600) * 1000)));
        assert_eq!(prices.slots().len(), stamps.len());
    }
}

#[rstest]
#[case::html("<html>maintenance", "it is an HTML page, not data")]
#[case::wrong_json("{\"price\": 3}", "`/unix_seconds` is missing or of another form")]
#[case::broken("{\"price\": [", "it is no JSON: EOF while parsing a list at line 1 column 11")]
#[case::unit(
    "{\"unix_seconds\": [], \"price\": [], \"unit\": \"ct / kWh\"}",
    "`unit` is in \"ct / kWh\", expected \"EUR / MWh\""
)]
#[case::empty("", "it is empty")]
fn what_is_no_answer_is_said(#[case] body: &str, #[case] words: &str) {
    assert_eq!(told(energy_charts::parse(body.as_bytes())), words);
}

#[test]
fn duplicated_and_unordered_stamps_and_nan() {
    let body = r#"{"unix_seconds": [1765324800, 1765321200, 1765324800, "x", 1765328400], "price": [1, 2, 30, 4, NaN], "unit": "EUR/MWh"}"#;
    let told = told(energy_charts::parse(body.as_bytes()));
    expect![[r#"
        spot_price
        09 23:00:00 - 10 00:00:00  0.002
        10 00:00:00 - 10 01:00:00  0.03
        currency Some("EUR"), refused 1"#]]
    .assert_eq(&told);
}

#[test]
fn awattar() {
    let told = told(awattar::parse(include_bytes!("../../../tests/answers/awattar.json")));
    expect![[r#"
        spot_price
        09 23:00:00 - 10 00:00:00  0.09285
        10 00:00:00 - 10 01:00:00  0.0805
        currency Some("EUR"), refused 0"#]]
    .assert_eq(&told);
}

#[test]
fn nordpool() {
    let body = include_bytes!("../../../tests/answers/nordpool.json");
    expect![[r#"
        spot_price
        09 23:00:00 - 09 23:15:00  0.09285
        09 23:30:00 - 09 23:45:00  0.09
        currency Some("EUR"), refused 0"#]]
    .assert_eq(&told(nordpool::parse(body, "FR")));
    assert_eq!(told(nordpool::parse(body, "SE3")), "it has no figures for area SE3");
    let nothing = br#"{"currency": "EUR", "multiAreaEntries": []}"#;
    assert!(nordpool::parse(nothing, "FR").is_ok_and(|answer| answer.is_empty()), "not published yet");
}

#[test]
fn octopus() {
    let window = TimeSpan::new(instant("2025-12-10T00:00:00Z"), instant("2025-12-12T00:00:00Z"));
    let (mut answer, next) =
        octopus::parse(include_bytes!("../../../tests/answers/octopus.json"), window).unwrap();
    assert!(next.is_some_and(|next| next.ends_with("?page=2")));
    let (more, next) =
        octopus::parse(include_bytes!("../../../tests/answers/octopus_2.json"), window).unwrap();
    assert_eq!(next, None);
    answer.join(more);
    expect![[r#"
        full_price
        10 00:00:00 - 10 00:30:00  0.105
        10 00:30:00 - 10 01:00:00  -0.021
        10 01:00:00 - 10 01:30:00  0.231
        11 12:00:00 - 12 00:00:00  0.315
        currency Some("GBP"), refused 0"#]]
    .assert_eq(&told(Ok::<_, ParseError>(answer)));
}

#[test]
fn tibber() {
    expect![[r#"
        spot_price
        09 23:00:00 - 09 23:15:00  0.1125
        full_price
        09 23:00:00 - 09 23:15:00  0.3125
        09 23:15:00 - 09 23:30:00  0.31
        currency Some("EUR"), refused 0"#]]
    .assert_eq(&told(tibber::parse(include_bytes!("../../../tests/answers/tibber.json"))));
}

#[rstest]
#[case::token(r#"{"errors": [{"message": "Context creation failed: invalid token", "extensions": {"code": "UNAUTHENTICATED"}}]}"#, "Tibber does not let us in (it says: Context creation failed: invalid token); check the token")]
#[case::other(
    r#"{"errors": [{"message": "Internal"}], "data": null}"#,
    "its answer cannot be read: it says: Internal"
)]
#[case::no_home(
    r#"{"data": {"viewer": {"home": {"currentSubscription": null}}}}"#,
    "Tibber knows no home with a subscription for this token; check `home`"
)]
fn tibber_errors(#[case] body: &str, #[case] words: &str) {
    assert_eq!(told(tibber::parse(body.as_bytes())), words);
}

/// The one answer that was captured from a real server.
#[test]
fn captured_energy_charts() {
    let Some(shared) = std::env::var_os("OHMSTEAD_SHARED") else {
        println!("skipped: OHMSTEAD_SHARED names no folder with captured answers");
        return;
    };
    let path = std::path::Path::new(&shared).join("data/optim/energy_charts_DE-LU_2024-12-10_11.json");
    let answer = energy_charts::parse(&std::fs::read(path).unwrap()).unwrap();
    let prices = &answer.series[&Quantity::SpotPrice];
    let days = TimeSpan::new(instant("2024-12-09T23:00:00Z"), instant("2024-12-11T23:00:00Z"));
    assert_eq!((prices.slots().len(), prices.gaps(days), answer.refused), (48, vec![], 0));
    assert_eq!(prices.at(instant("2024-12-11T16:30:00Z")), Some(&0.44508));
    assert_eq!(answer.currency.as_deref(), Some("EUR"));
    assert!(answer.licence.is_some_and(|licence| licence.contains("SMARD")));
}

/// A hostile answer has no words that fill a log or move a terminal.
#[test]
fn words_of_an_answer_are_cut() {
    let long = format!("\u{1b}[2J\u{7}{}", "x".repeat(10_000));
    let quoted = serde_json::Value::from(long.as_str()).to_string();
    let bodies = [
        told(energy_charts::parse(
            format!(r#"{{"unix_seconds": [], "price": [], "unit": {quoted}}}"#).as_bytes(),
        )),
        told(energy_charts::parse(
            format!(r#"{{"unix_seconds": [], "price": [], "unit": "{} / MWh"}}"#, "E".repeat(9_000)).as_bytes(),
        )),
        told(awattar::parse(format!(r#"{{"data": [{{"unit": {quoted}}}]}}"#).as_bytes())),
        told(nordpool::parse(format!(r#"{{"currency": {quoted}, "multiAreaEntries": []}}"#).as_bytes(), "FR")),
        told(open_meteo::parse(
            format!(r#"{{"hourly": {{"time": [], "global_tilted_irradiance": []}}, "hourly_units": {{"global_tilted_irradiance": {quoted}}}}}"#)
                .as_bytes(),
            0,
        )),
        told(entsoe::parse(
            format!(
                "<Publication_MarketDocument><TimeSeries><price_Measure_Unit.name>{}</price_Measure_Unit.name></TimeSeries></Publication_MarketDocument>",
                "y".repeat(10_000)
            )
            .as_bytes(),
        )),
        told(entsoe::parse(format!("<a></{}>", "b".repeat(10_000)).as_bytes())),
    ];
    for words in bodies {
        assert!(words.chars().count() < 300 && !words.chars().any(char::is_control), "{words}");
        assert!(!words.contains("u{1b}") && !words.starts_with("currency"), "{words}");
    }
    let body =
        format!(r#"{{"unix_seconds": [], "price": [], "unit": "EUR / MWh", "license_info": {quoted}}}"#);
    let licence = energy_charts::parse(body.as_bytes()).unwrap().licence.unwrap();
    assert!(licence.starts_with("[2Jxxx") && licence.len() == 200, "{licence}");
}

/// A currency is three letters; of another one than was asked for the answer's counts.
#[test]
fn the_currency_is_the_answers() {
    let day = |currency: &str| {
        format!(
            r#"{{"currency": "{currency}", "multiAreaEntries": [{{"deliveryStart": "2025-12-10T00:00:00Z", "deliveryEnd": "2025-12-10T01:00:00Z", "entryPerArea": {{"FR": 700}}}}]}}"#
        )
    };
    let answer = nordpool::parse(day("sek").as_bytes(), "FR").unwrap();
    assert_eq!(answer.currency.as_deref(), Some("SEK"));
    for none in ["", "EURO", "E1R", "\u{20ac}"] {
        let words = told(nordpool::parse(day(none).as_bytes(), "FR"));
        assert!(
            words.starts_with("`currency` is in ") && words.ends_with("expected three letters such as EUR"),
            "{words}"
        );
    }
    let tibber = br#"{"data": {"viewer": {"homes": [{"currentSubscription": {"priceInfo": {"today": [
        {"startsAt": "2025-12-10T00:00:00+01:00", "total": 0.3, "currency": "EUR"},
        {"startsAt": "2025-12-10T01:00:00+01:00", "total": 3, "currency": "NOK"}]}}}]}}}"#;
    assert_eq!(
        told(tibber::parse(tibber)),
        "its answer cannot be read: it says: prices in several currencies"
    );
}
