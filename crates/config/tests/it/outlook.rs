//! Tariffs, forecasts, Tempo and the planner: what is meant, and each mistake with the exact words that its author reads.

use expect_test::{Expect, expect};
use ohmstead_config::load;
use ohmstead_outlook::settings::TempoSource;
use rstest::rstest;

use crate::{env, good, refused};

/// A file with one battery.
fn with(sections: &str) -> String {
    format!("devices: {{ garage: {{ marstek: {{ host: h }} }} }}\n{sections}\n")
}

#[test]
fn the_example_of_the_design_is_taken() {
    let config = good(
        r#"
site: { name: Home, timezone: Europe/Paris, latitude: 48.8, longitude: 2.3, languages: [fr, en] }
devices:
  fase_a: { marstek: { host: 192.0.2.80, port: 30000, interval: 30 s, timeout: 3 s, phase: L1, entity_id: marstek_venuse_d828_state_of_charge, device_id: marstek_fasea_d828 } }
  axpert: { voltronic: { path: auto } }
  gx:     { victron: { dbus: system } }
mqtt: { host: localhost, username: ohmstead, password_file: /etc/ohmstead/mqtt, discovery_prefix: homeassistant, compat: [marstek-poller, pv-inverter-monitor], state_topic_prefix: marstek }
web: { listen: 127.0.0.1:8230 }
history: { keep_raw: 2 y, commit: 60 s }
read_only: false
limits: { multi_output: { max: 30 kW, floor: 1 kW, step: 1 kW, phases: 3 } }
schedules: { day: { from: "06:00", to: "22:00", mode: auto }, night: { from: "22:00", to: "06:00", mode: hold } }
rotation: { day: { batteries: [fase_a], meter: gx } }
tariffs: { import: { tempo: {} }, export: { fixed: 0 EUR/kWh } }
forecast: { pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] } } }
planner: { mode: advise }
log: { level: info, levels: { driver.marstek: debug }, file: null }
"#,
    );
    let outlook = config.outlook_settings();
    assert_eq!(outlook.tempo, TempoSource::usual());
    assert_eq!((outlook.pv.0.len(), outlook.prices.0.len(), outlook.offline), (1, 0, false));
    assert_eq!((outlook.site.latitude, outlook.site.longitude), (Some(48.8), Some(2.3)));
    assert_eq!(outlook.site.zone.iana_name(), Some("Europe/Paris"));
    assert!(!config.planner.acts() && config.tempo.is_none());
}

#[test]
fn nothing_of_it_is_needed() {
    let config = good("devices: {}\ntariffs:\nforecast:\noutlook:\ntempo:\nplanner:\n");
    assert!(config.tariffs.is_none() && config.tempo.is_none());
    assert_eq!(config.planner, ohmstead_planner::Settings::default());
    let outlook = config.outlook_settings();
    assert!(outlook.tempo.0.is_empty() && outlook.prices.0.is_empty() && outlook.pv.0.is_empty());
}

#[test]
fn everything_of_it_is_read() {
    let config = good(&with(
        "site: { latitude: 48.8, longitude: 2.3 }
tariffs:
  import: { market: { add: 8.5 ct/kWh, vat: 20 %, zones: [{ price: 9 ct/kWh, months: 6, hours: \"7-22\", days: [sat, sun] }] } }
  export: { fixed: 0.04 EUR/kWh }
  market: [ energy_charts: { zone: FR }, entsoe: { area: 10YFR-RTE------C, token_file: /t } ]
forecast: { pv: [ open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] }, vrm: { site: 7, token_file: /t } ] }
outlook: { offline: true }
planner: { mode: act, devices: [garage], keep_within: 2 ct, batteries: { garage: { capacity: 5.12 kWh, min: 11 % } } }",
    ));
    assert!(config.planner.acts());
    assert_eq!(config.planner.batteries.len(), 1);
    let outlook = config.outlook_settings();
    assert_eq!((outlook.prices.0.len(), outlook.pv.0.len(), outlook.offline), (2, 2, true));
    let tempo = good(&with(
        "tariffs: { import: { tempo: {} }, colours: { api_couleur_tempo: {} } }\ntempo: { batteries: [garage], power: 2 kW, white: 0 }",
    ));
    assert_eq!(tempo.outlook_settings().tempo.0.len(), 1);
    assert_eq!(tempo.tempo.map(|tempo| tempo.white.0), Some(0.0));
}

#[rstest]
#[case::a_kind_of_tariff("tariffs: { import: { tempi: {} } }", expect![""])]
#[case::two_kinds_of_tariff("tariffs: { import: { fixed: 1, tempo: {} } }", expect![""])]
#[case::a_price_without_energy("tariffs: { import: { fixed: 0.25 EUR } }", expect![""])]
#[case::no_import("tariffs: { export: { fixed: 1 } }", expect![""])]
#[case::tempo_for_export("tariffs: { import: { tempo: {} }, export: { tempo: {} } }", expect![""])]
#[case::a_key_deep_within("tariffs:\n  import:\n    market:\n      zones:\n        - { price: 1 ct/kWh, hour: \"7-22\" }", expect![""])]
#[case::market_without_a_source("tariffs: { import: { market: { add: 8.5 ct/kWh } } }", expect![""])]
#[case::a_source_without_market("tariffs:\n  import: { fixed: 0.25 }\n  market: { energy_charts: { zone: FR } }", expect![""])]
#[case::colours_without_tempo("tariffs:\n  import: { fixed: 0.25 }\n  colours: [rte_site: {}]", expect![""])]
#[case::official_prices_without_tempo("tariffs:\n  import: { fixed: 0.25 }\n  official_prices: { data_gouv: { power_kva: 6 } }", expect![""])]
#[case::an_unknown_source("tariffs: { import: { tempo: {} }, colours: { rte: {} } }", expect![""])]
#[case::two_sources_in_one_map("tariffs: { import: { tempo: {} }, colours: { rte_site: {}, api_couleur_tempo: {} } }", expect![""])]
#[case::a_source_that_is_a_word("tariffs: { import: { tempo: {} }, colours: rte_site }", expect![""])]
#[case::a_value_of_the_second_source("tariffs:\n  import: { market: {} }\n  market:\n    - energy_charts: { zone: FR }\n    - nordpool: { area: FR, currency: EURO }", expect![""])]
#[case::a_secret_in_the_file("tariffs: { import: { market: {} }, market: { tibber: { token: s3cr3t } } }", expect![""])]
#[case::a_key_of_a_service("site: { latitude: 1, longitude: 1 }\nforecast: { pv: { forecast_solar: { planes: [], key: s3cr3t } } }", expect![""])]
#[case::a_password_in_an_address("tariffs: { import: { tempo: {} }, colours: { rte_site: { url: \"ftp://me:s3cr3t@h/\" } } }", expect![""])]
#[case::panels_nobody_knows_where("forecast:\n  pv:\n    open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] }", expect![""])]
#[case::a_tilt("site: { latitude: 1, longitude: 1 }\nforecast: { pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 300, azimuth: 0 }] } } }", expect![""])]
#[case::two_currencies("tariffs:\n  import: { fixed: 0.25 EUR/kWh }\n  export: { fixed: 0.5 SEK/kWh }", expect![""])]
#[case::a_market_in_another_currency("tariffs:\n  import: { market: { add: 1 SEK/kWh } }\n  market: [ energy_charts: { zone: SE3 } ]", expect![""])]
#[case::wear_in_another_currency("tariffs: { import: { fixed: 0.25 EUR/kWh } }\nplanner: { keep_within: 1 SEK, batteries: { garage: { wear: 1 SEK/kWh } } }", expect![""])]
#[case::tempo_without_the_tariff("tempo: { red: 100 % }", expect![""])]
#[case::tempo_for_a_stranger("tariffs: { import: { tempo: {} } }\ntempo: { batteries: [garage, gaarge] }", expect![""])]
#[case::a_plan_for_a_stranger("planner: { mode: act, devices: [gaarge] }", expect![""])]
#[case::a_battery_that_is_a_stranger("planner: { batteries: { attic: { min: 11 % } } }", expect![""])]
#[case::a_plan_for_nobody("planner: { mode: act }", expect![""])]
#[case::a_mode_of_the_planner("planner: { mode: on }", expect![""])]
#[case::a_horizon("planner: { horizon: 2 h }", expect![""])]
#[case::too_often("planner: { every: 1 min }", expect![""])]
#[case::a_band("planner: { batteries: { garage: { min: 60 %, max: 50 % } } }", expect![""])]
#[case::a_key_of_a_battery("planner: { batteries: { garage: { min_soc: 11 % } } }", expect![""])]
#[case::offline("outlook: { offline: maybe }", expect![""])]
fn a_mistake_is_explained(#[case] sections: &str, #[case] message: Expect) {
    let refused = refused(&with(sections));
    assert!(!refused.contains("s3cr3t"), "{refused}");
    message.assert_eq(&refused);
}

#[test]
fn secrets_of_sources_start_at_the_folder_of_the_file_and_are_tried() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("ohmstead.yaml");
    let text = with(
        "tariffs:\n  import: { market: {} }\n  market:\n    - energy_charts: { zone: FR }\n    - tibber: { token_file: secrets/tibber }",
    );
    std::fs::write(&path, text).expect("written");
    let error = load(&path, &env).expect_err("the secret is not there").to_string();
    let error = error.replace(&folder.path().display().to_string(), "DIR");
    expect![""].assert_eq(&error);
    std::fs::create_dir(folder.path().join("secrets")).expect("made");
    std::fs::write(folder.path().join("secrets/tibber"), "t0ken\n").expect("written");
    load(&path, &env).unwrap_or_else(|error| panic!("{error}"));
}
