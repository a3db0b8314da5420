//! The house and its prices out of a history.

use ohmstead_model::{Metric, Moment, Reading, UnixMillis, Value};

use super::*;
use crate::data_dir::Holder;
use crate::store::{HistoryConfig, Store};

const QUARTER: Duration = Duration::from_secs(900);
/// 2025-06-01, UTC.
const START: UnixMillis = UnixMillis(1_748_736_000_000);

fn arguments(from: &str, to: &str) -> Arguments {
    Arguments {
        from: from.parse().ok(),
        to: to.parse().ok(),
        strategy: Vec::new(),
        csv: None,
        colours: None,
        capacity: None,
        power: None,
        efficiency: None,
        min: None,
    }
}

/// A day of a house with one battery and without panels, in a data directory.
async fn stored(folder: &Path) {
    let store = Store::open(folder.to_owned(), HistoryConfig::of(None), Holder::Verb).unwrap();
    let reading = |device: DeviceId, quarter: u32, values: &[(Metric, f64)]| Reading {
        device,
        at: Moment { unix: START.plus(QUARTER * quarter), ..Moment::default() },
        values: values.iter().map(|(metric, value)| (*metric, Ok(Value::Number(*value)))).collect(),
    };
    let of_site = [(Metric::LoadPower, 400.0), (Metric::ImportPrice, 0.31), (Metric::ExportPrice, 0.08)];
    let of_battery = [(Metric::BatteryCapacity, 5120.0), (Metric::BatteryChargePowerMax, 2400.0)];
    let of_another = [(Metric::BatteryCapacity, 9999.0)];
    let readings = (0..96).flat_map(|quarter| {
        [
            reading(DeviceId::site(), quarter, &of_site),
            reading("a".parse().unwrap(), quarter, &of_battery),
            reading("sold".parse().unwrap(), quarter, &of_another),
        ]
    });
    store.backfill(readings.collect()).await.unwrap();
}

#[tokio::test]
async fn the_own_past_its_batteries_and_its_market_prices_come_out_of_the_history() {
    let folder = tempfile::tempdir().unwrap();
    stored(folder.path()).await;
    let yaml = "site: { timezone: UTC }\ndevices: { a: { marstek: { host: 127.0.0.1 } } }\n\
        tariffs: { import: { market: { add: 9 ct/kWh } }, export: { fixed: 0.05 }, market: { energy_charts: { zone: FR } } }\n";
    let config = ohmstead_config::parse(yaml, "test.yaml", &|_| None).unwrap();
    let data_dir = Some(folder.path().to_owned());
    let common = Common { config: None, data_dir, json: false, log: None };
    let contract = config.tariffs.as_ref().unwrap().prices();
    let (house, money) =
        house(&common, &arguments("2025-06-01", "2025-06-02"), &config, &contract).await.unwrap();
    assert_eq!(house.past.load_w.mean(house.window), Some(400.0));
    assert_eq!((house.past.pv_reach, house.past.pv_w.mean(house.window)), (None, Some(0.0)));
    let told: Vec<_> = house.told.iter().map(|(id, told)| (id.as_str(), *told)).collect();
    let expected =
        bank::Told { capacity_wh: Some(5120.0), charge_max_w: Some(2400.0), discharge_max_w: None };
    assert_eq!(told, [("a", expected)]);
    let prices = money.prices(house.window, &config.site.timezone);
    assert!((mean(&prices) - 0.31).abs() < 1e-9 && prices.gaps(house.window).is_empty(), "{prices:?}");
}
