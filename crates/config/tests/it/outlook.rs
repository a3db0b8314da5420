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
#[case::a_kind_of_tariff("tariffs: { import: { tempi: {} } }", expect![[r#"
    ohmstead.yaml:2:22: unknown value `tempi` for `import` in `tariffs`; did you mean `tempo`?
      |
    2 | tariffs: { import: { tempi: {} } }
      |                      ^^^^^
      = expected one of: fixed, zones, tempo, market"#]])]
#[case::two_kinds_of_tariff("tariffs: { import: { fixed: 1, tempo: {} } }", expect![[r#"
    ohmstead.yaml:2:12: invalid value (a map of keys) for `import` in `tariffs`: expected exactly one of `fixed`, `zones`, `tempo`, `market`
      |
    2 | tariffs: { import: { fixed: 1, tempo: {} } }
      |            ^^^^^^"#]])]
#[case::two_sources_in_one("tariffs: { import: { market: {} }, market: [{ tibber: {}, octopus: {} }] }", expect![[r#"
    ohmstead.yaml:2:36: invalid value (a map of keys) for `market` in `tariffs`: expected exactly one of `energy_charts`, `entsoe`, `awattar`, `nordpool`, `octopus`, `tibber`
      |
    2 | tariffs: { import: { market: {} }, market: [{ tibber: {}, octopus: {} }] }
      |                                    ^^^^^^"#]])]
#[case::a_price_without_energy("tariffs: { import: { fixed: 0.25 EUR } }", expect![[r#"
    ohmstead.yaml:2:29: invalid value "0.25 EUR" for `fixed` in `tariffs.import`: expected a price of energy such as 0.2516, "0.2516 EUR/kWh", "25.16 ct/kWh" or "95.2 EUR/MWh"
      |
    2 | tariffs: { import: { fixed: 0.25 EUR } }
      |                             ^^^^^^^^"#]])]
#[case::no_import("tariffs: { export: { fixed: 1 } }", expect![[r#"
    ohmstead.yaml:2:1: missing key `import` in `tariffs`
      |
    2 | tariffs: { export: { fixed: 1 } }
      | ^^^^^^^"#]])]
#[case::tempo_for_export("tariffs: { import: { tempo: {} }, export: { tempo: {} } }", expect![[r#"
    ohmstead.yaml:2:35: tempo has no price for what is fed into the grid: expected fixed, zones or market
      |
    2 | tariffs: { import: { tempo: {} }, export: { tempo: {} } }
      |                                   ^^^^^^"#]])]
#[case::a_key_deep_within("tariffs:\n  import:\n    market:\n      zones:\n        - { price: 1 ct/kWh, hour: \"7-22\" }", expect![[r#"
    ohmstead.yaml:6:30: unknown key `hour` in `tariffs.import.market.zones`; did you mean `hours`?
      |
    6 |         - { price: 1 ct/kWh, hour: "7-22" }
      |                              ^^^^
      = known keys here: price, days, hours, months"#]])]
#[case::market_without_a_source("tariffs: { import: { market: { add: 8.5 ct/kWh } } }", expect![[r#"
    ohmstead.yaml:2:12: `tariffs.import`: a tariff made of market prices needs a source of them
      |
    2 | tariffs: { import: { market: { add: 8.5 ct/kWh } } }
      |            ^^^^^^
      = name one: `market: { energy_charts: { zone: FR } }` beside `import`"#]])]
#[case::a_source_without_market("tariffs:\n  import: { fixed: 0.25 }\n  market: { energy_charts: { zone: FR } }", expect![[r#"
    ohmstead.yaml:4:3: `tariffs.market`: no tariff is made of market prices, so nobody would use these
      |
    4 |   market: { energy_charts: { zone: FR } }
      |   ^^^^^^
      = take them out, or write `import: { market: { add: 8.5 ct/kWh } }`"#]])]
#[case::colours_without_tempo("tariffs:\n  import: { fixed: 0.25 }\n  colours: [rte_site: {}]", expect![[r#"
    ohmstead.yaml:4:3: `tariffs.colours`: no tariff is Tempo, so nobody would use its colours
      |
    4 |   colours: [rte_site: {}]
      |   ^^^^^^^
      = take them out, or write `import: { tempo: {} }`"#]])]
#[case::official_prices_without_tempo("tariffs:\n  import: { fixed: 0.25 }\n  official_prices: { data_gouv: { power_kva: 6 } }", expect![[r#"
    ohmstead.yaml:4:3: `tariffs.official_prices`: no tariff is Tempo, so nobody would use its prices
      |
    4 |   official_prices: { data_gouv: { power_kva: 6 } }
      |   ^^^^^^^^^^^^^^^
      = take them out, or write `import: { tempo: {} }`"#]])]
#[case::an_unknown_source("tariffs: { import: { tempo: {} }, colours: { rte: {} } }", expect![[r#"
    ohmstead.yaml:2:46: unknown value `rte` for `colours` in `tariffs`; did you mean `rte_api`?
      |
    2 | tariffs: { import: { tempo: {} }, colours: { rte: {} } }
      |                                              ^^^
      = expected one of: rte_site, api_couleur_tempo, rte_api"#]])]
#[case::two_sources_in_one_map("tariffs: { import: { tempo: {} }, colours: { rte_site: {}, api_couleur_tempo: {} } }", expect![[r#"
    ohmstead.yaml:2:35: more than one source in one map: write a list in the order of trust, such as `[a: {}, b: {}]`
      |
    2 | tariffs: { import: { tempo: {} }, colours: { rte_site: {}, api_couleur_tempo: {} } }
      |                                   ^^^^^^^"#]])]
#[case::a_source_that_is_a_word("tariffs: { import: { tempo: {} }, colours: rte_site }", expect![[r#"
    ohmstead.yaml:2:44: invalid value "rte_site" for `colours` in `tariffs`: expected a source such as `name: {}`, or a list of sources
      |
    2 | tariffs: { import: { tempo: {} }, colours: rte_site }
      |                                            ^^^^^^^^"#]])]
#[case::a_value_of_the_second_source("tariffs:\n  import: { market: {} }\n  market:\n    - energy_charts: { zone: FR }\n    - nordpool: { area: FR, currency: EURO }", expect![[r#"
    ohmstead.yaml:6:39: tariffs.market.nordpool.currency: "EURO" is no currency; expected an ISO code such as EUR or SEK
      |
    6 |     - nordpool: { area: FR, currency: EURO }
      |                                       ^^^^"#]])]
#[case::a_secret_in_the_file("tariffs: { import: { market: {} }, market: { tibber: { token: s3cr3t } } }", expect![[r#"
    ohmstead.yaml:2:56: unknown key `token` in `tariffs.market.tibber`; did you mean `token_file`?
      |
    2 | tariffs: { import: { market: {} }, market: { tibber: { token: *******} } }
      |                                                        ^^^^^
      = known keys here: token_file, home, url"#]])]
#[case::a_key_of_a_service("site: { latitude: 1, longitude: 1 }\nforecast: { pv: { forecast_solar: { planes: [], key: s3cr3t } } }", expect![[r#"
    ohmstead.yaml:3:49: unknown key `key` in `forecast.pv.forecast_solar`; did you mean `key_file`?
      |
    3 | forecast: { pv: { forecast_solar: { planes: [], key: *******} } }
      |                                                 ^^^
      = known keys here: planes, key_file, every, url"#]])]
#[case::a_password_in_an_address("tariffs: { import: { tempo: {} }, colours: { rte_site: { url: \"ftp://me:s3cr3t@h/\" } } }", expect![[r#"
    ohmstead.yaml:2:63: tariffs.colours.rte_site.url: "ftp://*********@h/" does not begin with http:// or https:// and a host
      |
    2 | tariffs: { import: { tempo: {} }, colours: { rte_site: { url: "ftp://*********@h/" } } }
      |                                                               ^^^^^^^^^^^^^^^^^^^^"#]])]
#[case::panels_nobody_knows_where("forecast:\n  pv:\n    open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] }", expect![[r#"
    ohmstead.yaml:4:19: forecast.pv.open_meteo.planes: `site.latitude` and `site.longitude` are missing: it has to know where the panels are
      |
    4 |     open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] }
      |                   ^^^^^^"#]])]
#[case::a_tilt("site: { latitude: 1, longitude: 1 }\nforecast: { pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 300, azimuth: 0 }] } } }", expect![[r#"
    ohmstead.yaml:3:63: 300 is out of range: expected a tilt from 0 (level) to 90 (upright)
      |
    3 | forecast: { pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 300, azimuth: 0 }] } } }
      |                                                               ^^^"#]])]
#[case::two_currencies("tariffs:\n  import: { fixed: 0.25 EUR/kWh }\n  export: { fixed: 0.5 SEK/kWh }", expect![[r#"
    ohmstead.yaml:4:3: a price in SEK, where others are in EUR
      |
    4 |   export: { fixed: 0.5 SEK/kWh }
      |   ^^^^^^
      = a site has one currency: give all prices in it"#]])]
#[case::a_market_in_another_currency("tariffs:\n  import: { market: { add: 1 SEK/kWh } }\n  market: [ energy_charts: { zone: SE3 } ]", expect![[r#"
    ohmstead.yaml:4:13: a price in EUR, where others are in SEK
      |
    4 |   market: [ energy_charts: { zone: SE3 } ]
      |             ^^^^^^^^^^^^^
      = a site has one currency: give all prices in it"#]])]
#[case::wear_in_another_currency("tariffs: { import: { fixed: 0.25 EUR/kWh } }\nplanner: { keep_within: 1 SEK, batteries: { garage: { wear: 1 SEK/kWh } } }", expect![[r#"
    ohmstead.yaml:3:25: a price in SEK, where others are in EUR
      |
    3 | planner: { keep_within: 1 SEK, batteries: { garage: { wear: 1 SEK/kWh } } }
      |                         ^^^^^
      = a site has one currency: give all prices in it

    ohmstead.yaml:3:61: a price in SEK, where others are in EUR
      |
    3 | planner: { keep_within: 1 SEK, batteries: { garage: { wear: 1 SEK/kWh } } }
      |                                                             ^^^^^^^^^
      = a site has one currency: give all prices in it"#]])]
#[case::tempo_without_the_tariff("tempo: { red: 100 % }", expect![[r#"
    ohmstead.yaml:2:1: `tempo` prepares for dear days of the Tempo tariff, and no tariff is Tempo
      |
    2 | tempo: { red: 100 % }
      | ^^^^^
      = write `tariffs: { import: { tempo: {} } }`, or take `tempo` out"#]])]
#[case::tempo_without_a_power("tariffs: { import: { tempo: {} } }\ntempo: {}", expect![[r#"
    ohmstead.yaml:3:1: `tempo` cannot fill `garage`: a Marstek battery must be told with how much power
      |
    3 | tempo: {}
      | ^^^^^
      = write `tempo: { power: 2.5 kW }`, or `power_max` of `devices.garage`"#]])]
#[case::tempo_with_no_power("tariffs: { import: { tempo: {} } }\ntempo: { power: -500 W }", expect![[r#"
    ohmstead.yaml:3:17: expected a power to charge with, 50 W or more, such as 2.5 kW
      |
    3 | tempo: { power: -500 W }
      |                 ^^^^^^"#]])]
#[case::tempo_with_a_part_for_per_cent("tariffs: { import: { tempo: {} } }\ntempo: { power: 2 kW, red: 0.9 }", expect![[r#"
    ohmstead.yaml:3:28: 0.9 is less than one per cent: expected 0 % to 100 %, such as 90 %
      |
    3 | tempo: { power: 2 kW, red: 0.9 }
      |                            ^^^"#]])]
#[case::tempo_for_a_stranger("tariffs: { import: { tempo: {} } }\ntempo: { power: 800 W, batteries: [garage, gaarge] }", expect![[r#"
    ohmstead.yaml:3:44: no device `gaarge` is configured
      |
    3 | tempo: { power: 800 W, batteries: [garage, gaarge] }
      |                                            ^^^^^^
      = did you mean `garage`?"#]])]
#[case::a_plan_for_a_stranger("tariffs: { import: { fixed: 0.25 } }\nplanner: { mode: act, devices: [gaarge] }", expect![[r#"
    ohmstead.yaml:3:33: no device `gaarge` is configured
      |
    3 | planner: { mode: act, devices: [gaarge] }
      |                                 ^^^^^^
      = did you mean `garage`?"#]])]
#[case::a_battery_that_is_a_stranger("planner: { batteries: { attic: { min: 11 % } } }", expect![[r#"
    ohmstead.yaml:2:25: no device `attic` is configured
      |
    2 | planner: { batteries: { attic: { min: 11 % } } }
      |                         ^^^^^
      = configured: garage"#]])]
#[case::a_plan_for_nobody("tariffs: { import: { fixed: 0.25 } }\nplanner: { mode: act }", expect![[r#"
    ohmstead.yaml:3:18: `mode: act` names no battery that a plan may steer
      |
    3 | planner: { mode: act }
      |                  ^^^
      = name at least one, such as `devices: [garage]`, or write `mode: advise`"#]])]
#[case::a_plan_without_prices("planner: { mode: act, devices: [garage] }", expect![[r#"
    ohmstead.yaml:2:18: `mode: act` has no prices to plan with: nothing is said of what a kilowatt hour costs
      |
    2 | planner: { mode: act, devices: [garage] }
      |                  ^^^
      = add `tariffs`, such as `tariffs: { import: { tempo: {} } }`, or write `mode: advise`"#]])]
#[case::a_market_for_export_without_a_source("tariffs: { import: { fixed: 0.25 }, export: { market: { factor: 0.9 } } }", expect![[r#"
    ohmstead.yaml:2:37: `tariffs.export`: a tariff made of market prices needs a source of them
      |
    2 | tariffs: { import: { fixed: 0.25 }, export: { market: { factor: 0.9 } } }
      |                                     ^^^^^^
      = name one: `market: { energy_charts: { zone: FR } }` beside `import`"#]])]
#[case::panels_of_forecast_solar_nobody_knows_where("site: { timezone: Europe/Paris }\nforecast: { pv: { forecast_solar: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] } } }", expect![[r#"
    ohmstead.yaml:3:37: forecast.pv.forecast_solar.planes: `site.latitude` and `site.longitude` are missing: it has to know where the panels are
      |
    3 | forecast: { pv: { forecast_solar: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] } } }
      |                                     ^^^^^^"#]])]
#[case::a_mode_of_the_planner("planner: { mode: on }", expect![[r#"
    ohmstead.yaml:2:18: unknown value `on` for `mode` in `planner`
      |
    2 | planner: { mode: on }
      |                  ^^
      = expected one of: off, advise, act"#]])]
#[case::a_horizon("planner: { horizon: 2 h }", expect![[r#"
    ohmstead.yaml:2:21: invalid value "2 h" for `horizon` in `planner`: expected a span from 6 h to 7 d
      |
    2 | planner: { horizon: 2 h }
      |                     ^^^"#]])]
#[case::too_often("planner: { every: 1 min }", expect![[r#"
    ohmstead.yaml:2:19: invalid value "1 min" for `every` in `planner`: expected a span from 5 min to 60 min
      |
    2 | planner: { every: 1 min }
      |                   ^^^^^"#]])]
#[case::a_band("planner: { batteries: { garage: { min: 60 %, max: 50 % } } }", expect![[r#"
    ohmstead.yaml:2:40: battery `garage` has `min` 60 % at or above `max` 50 %
      |
    2 | planner: { batteries: { garage: { min: 60 %, max: 50 % } } }
      |                                        ^^^^
      = a battery is used between `min` and `max`, shares of its capacity"#]])]
#[case::a_key_of_a_battery("planner: { batteries: { garage: { min_soc: 11 % } } }", expect![[r#"
    ohmstead.yaml:2:35: unknown key `min_soc` in `planner.batteries.garage`; did you mean `min`?
      |
    2 | planner: { batteries: { garage: { min_soc: 11 % } } }
      |                                   ^^^^^^^
      = known keys here: capacity, min, max, charge_max, discharge_max, efficiency, wear, grid_charge"#]])]
#[case::offline("outlook: { offline: maybe }", expect![[r#"
    ohmstead.yaml:2:21: invalid value "maybe" for `offline` in `outlook`: expected true or false
      |
    2 | outlook: { offline: maybe }
      |                     ^^^^^"#]])]
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
    expect![[r#"
        DIR/ohmstead.yaml:6:29: tariffs.market.tibber.token_file: DIR/secrets/tibber cannot be read: No such file or directory (os error 2)
          |
        6 |     - tibber: { token_file: secrets/tibber }
          |                             ^^^^^^^^^^^^^^"#]].assert_eq(&error);
    std::fs::create_dir(folder.path().join("secrets")).expect("made");
    std::fs::write(folder.path().join("secrets/tibber"), "t0ken\n").expect("written");
    load(&path, &env).unwrap_or_else(|error| panic!("{error}"));
}
