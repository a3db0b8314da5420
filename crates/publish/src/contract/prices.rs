//! Prices, colours and forecasts of the house, as Home Assistant is told of them: in the currency of the site.

use ohmstead_units::Currency;

use super::*;

const TOLD: [Metric; 6] = [
    Metric::ImportPrice,
    Metric::ExportPrice,
    Metric::TempoToday,
    Metric::TempoTomorrow,
    Metric::PvForecastPower,
    Metric::LoadForecastPower,
];

/// The house with what is told of its present in a currency.
pub(super) fn told(code: &str) -> Snapshot {
    let currency = Currency::of_code(code).expect("three letters");
    let own = |metric: Metric| metric.in_currency(currency);
    let mut info = house::info("Home", Ttl::default());
    info.metrics.extend(TOLD.map(own));
    let mut snapshot = Snapshot::default();
    snapshot.insert(DeviceState::new(Arc::new(info)));
    let values = vec![
        (own(Metric::ImportPrice), Ok(Value::Number(0.187_123_4))),
        (own(Metric::ExportPrice), Ok(Value::Number(-0.01))),
        (Metric::TempoToday, Ok(Value::State("red"))),
        (Metric::TempoTomorrow, Err(Unknown::missing("the colour of that day is not announced yet"))),
        (Metric::PvForecastPower, Ok(Value::Number(1234.4))),
        (Metric::LoadForecastPower, Ok(Value::Number(420.0))),
    ];
    assert!(snapshot.apply(&Reading { device: DeviceId::site(), at: NOW, values }));
    snapshot
}

#[rstest]
#[case::euro("EUR", "en", expect_file!["../../contracts/prices-eur.txt"])]
#[case::pound("GBP", "de", expect_file!["../../contracts/prices-gbp.txt"])]
fn prices_are_in_the_currency_of_the_site(
    #[case] code: &str,
    #[case] language: &str,
    #[case] expected: ExpectFile,
) {
    let scheme = scheme(&Settings { commands: false, ..Settings::default() }, language);
    let snapshot = told(code);
    let all = announcements(&scheme, &snapshot);
    let components = &all[0].payload["components"];
    let mut text = String::new();
    for metric in TOLD {
        let config = serde_json::to_string_pretty(&components[metric.id()]).expect("JSON");
        writeln!(text, "{metric} {config}").expect("a String takes everything");
    }
    let said = values(&scheme, &snapshot);
    let state = said.iter().find(|message| message.topic.ends_with("/state")).expect("it is told");
    writeln!(text, "{}", state.payload).expect("a String takes everything");
    expected.assert_eq(&text);
    assert!(code == "EUR" || !format!("{text}{all:?}").contains("EUR"), "{text}");
}

/// The energy dashboard takes a sensor as a price by its unit alone: the currency of Home Assistant, `/`, `kWh`.
#[test]
fn the_energy_dashboard_takes_the_prices() {
    let scheme = scheme(&Settings::default(), "en");
    for id in ["import_price", "export_price"] {
        let config = &announcements(&scheme, &told("EUR"))[0].payload["components"][id];
        assert_eq!(config["unit_of_measurement"], "EUR/kWh", "{id}");
        assert_eq!(config["state_class"], "measurement", "{id}");
        assert!(config.get("device_class").is_none(), "{id}");
        assert_eq!(config["default_entity_id"], format!("sensor.home_{id}"), "{id}");
    }
}
