//! Sun, weather and load.

use expect_test::expect;
use rstest::rstest;

use super::*;

#[test]
fn open_meteo() {
    expect![[r#"
        irradiance_1
        10 09:45:00 - 10 10:00:00  0
        10 10:00:00 - 10 10:15:00  120.5
        air_temperature
        10 10:00:00 - 10 10:15:00  4.5
        10 10:15:00 - 10 10:30:00  4.75
        10 10:30:00 - 10 10:45:00  5
        wind_speed
        10 10:00:00 - 10 10:15:00  2
        10 10:15:00 - 10 10:30:00  2
        10 10:30:00 - 10 10:45:00  2.5
        10 10:45:00 - 10 11:00:00  2.5
        cloud_cover
        10 10:00:00 - 10 10:15:00  100
        10 10:15:00 - 10 10:30:00  90
        10 10:30:00 - 10 10:45:00  80
        10 10:45:00 - 10 11:00:00  70
        currency None, refused 1"#]]
    .assert_eq(&told(open_meteo::parse(include_bytes!("../../../tests/answers/open_meteo.json"), 1)));
}

#[test]
fn open_meteo_by_the_hour_and_of_the_moment() {
    let body = r#"{"utc_offset_seconds": 0, "hourly_units": {"global_tilted_irradiance_instant": "W/m²"},
        "hourly": {"time": [1765360800, 1765364400], "global_tilted_irradiance_instant": [10, 20]}}"#;
    expect![[r#"
        irradiance_0
        10 10:00:00 - 10 11:00:00  10
        10 11:00:00 - 10 12:00:00  20
        currency None, refused 0"#]]
    .assert_eq(&told(open_meteo::parse(body.as_bytes(), 0)));
}

#[rstest]
#[case::error(
    r#"{"error": true, "reason": "Latitude must be in range"}"#,
    "it says: Latitude must be in range"
)]
#[case::local(
    r#"{"utc_offset_seconds": 3600, "hourly": {"time": []}}"#,
    "`timezone` is in \"a local time\", expected GMT"
)]
#[case::unit(
    r#"{"hourly_units": {"temperature_2m": "°F"}, "hourly": {"time": [], "temperature_2m": []}}"#,
    "`temperature_2m` is in \"°F\", expected °C"
)]
#[case::nothing("{}", "`minutely_15` is missing or of another form")]
fn open_meteo_errors(#[case] body: &str, #[case] words: &str) {
    assert_eq!(told(open_meteo::parse(body.as_bytes(), 0)), words);
}

#[test]
fn forecast_solar() {
    let body = include_bytes!("../../../tests/answers/forecast_solar.json");
    expect![[r#"
        pv_power
        10 07:36:51 - 10 08:00:00  136
        10 08:00:00 - 10 09:00:00  489
        10 16:02:25 - 11 07:37:50  0
        11 07:37:50 - 11 08:00:00  50
        currency None, refused 0"#]]
    .assert_eq(&told(forecast_solar::parse(body)));
    let limit = forecast_solar::parse(include_bytes!("../../../tests/answers/forecast_solar_limit.json"));
    assert_eq!(told(limit), "it says: Rate limit for API calls reached.");
}

#[test]
fn solcast() {
    expect![[r#"
        pv_power
        10 11:30:00 - 10 12:00:00  1917.6
        10 12:00:00 - 10 12:30:00  1500
        pv_power_low
        10 11:30:00 - 10 12:00:00  864.4
        pv_power_high
        10 11:30:00 - 10 12:00:00  2045.6
        10 12:00:00 - 10 12:30:00  2000
        currency None, refused 0"#]]
    .assert_eq(&told(solcast::parse(include_bytes!("../../../tests/answers/solcast.json"))));
}

#[test]
fn vrm() {
    expect![[r#"
        pv_power
        10 10:00:00 - 10 11:00:00  120.5
        10 11:00:00 - 10 12:00:00  300
        load_power
        10 10:00:00 - 10 11:00:00  500
        10 11:00:00 - 10 12:00:00  0
        currency None, refused 0"#]]
    .assert_eq(&told(vrm::parse(include_bytes!("../../../tests/answers/vrm.json"))));
    for nothing in [
        r#"{"success": true, "records": []}"#,
        r#"{"success": true, "records": {"solar_yield_forecast": false}}"#,
    ] {
        assert!(vrm::parse(nothing.as_bytes()).unwrap().is_empty(), "{nothing}");
    }
    let error = r#"{"success": false, "errors": "Token is invalid", "error_code": "invalid_token"}"#;
    assert_eq!(told(vrm::parse(error.as_bytes())), "it says: Token is invalid");
}
