//! Figures for Prometheus.

use expect_test::expect_file;
use ohmstead_model::{Metric, Value};

use crate::client::get;
use crate::fake::House;

#[tokio::test]
async fn figures_for_prometheus() {
    let answer = get(&House::new(), "/metrics").await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let mut lines: Vec<&str> = answer.body.lines().collect();
    assert_eq!(lines.pop(), Some("# EOF"));
    // Within a family the library keeps no order; as a set of lines the text is stable.
    lines.sort_unstable();
    expect_file!["metrics.txt"].assert_eq(&(lines.join("\n") + "\n"));
}

/// States, bare numbers and bare counts of an inverter.
#[tokio::test]
async fn figures_of_an_inverter() {
    let figures = get(&House::with_inverter(), "/metrics").await.body;
    let mut lines: Vec<&str> = figures.lines().filter(|line| line.contains(r#"device="axpert""#)).collect();
    let families = ["frames_dropped", "parallel_units", "output_priority", "inverter_load_share"];
    lines.extend(figures.lines().filter(|line| {
        let name = line.strip_prefix("# ").and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        families.iter().any(|family| name.contains(family))
    }));
    lines.sort_unstable();
    expect_file!["inverter-metrics.txt"].assert_eq(&(lines.join("\n") + "\n"));
}

#[tokio::test]
async fn a_label_cannot_break_the_figures() {
    let house = House::new();
    {
        let mut snapshot = house.snapshot.lock().unwrap();
        let info = std::sync::Arc::make_mut(&mut snapshot.device_mut("fase_a").unwrap().info);
        info.model = Some("Venus\"} 1\nevil_total 5".to_owned());
    }
    let figures = get(&house, "/metrics").await.body;
    assert!(!figures.lines().any(|line| line.starts_with("evil")), "{figures}");
}

/// What is told of the house is in the currency of the site everywhere: figures, values, series.
#[tokio::test]
async fn prices_are_in_the_currency_of_the_site() {
    let house = House::new();
    let pound = ohmstead_units::Currency::of_code("GBP").unwrap();
    let price = Metric::ImportPrice.in_currency(pound);
    house.tell("site", vec![(price, Ok(Value::Number(0.25))), (Metric::TempoToday, Ok(Value::State("red")))]);
    let figures = get(&house, "/metrics").await.body;
    for line in [
        "# HELP ohmstead_import_price_gbp_per_kilowatthour Import price.",
        r#"ohmstead_import_price_gbp_per_kilowatthour{device="site"} 0.25"#,
        r#"ohmstead_tempo_today{device="site",state="red"} 1.0"#,
        r#"ohmstead_tempo_today{device="site",state="blue"} 0.0"#,
    ] {
        assert!(figures.lines().any(|other| other == line), "{line}\n{figures}");
    }
    let device = get(&house, "/api/v1/devices/site").await.body;
    assert!(device.contains("GBP/kWh"), "{device}");
    let series = get(&house, "/api/v1/history?device=site&metric=import_price").await.body;
    assert!(series.contains(r#""unit":"GBP/kWh""#), "{series}");
    let catalogue = get(&house, "/api/v1/metrics").await.body;
    assert!(catalogue.contains("GBP/kWh"), "{catalogue}");
    assert!(![figures, device, series, catalogue].concat().to_lowercase().contains("eur_per"));

    // A price that is told no more is absent, never the last one.
    house.tell("site", vec![(price, Err(ohmstead_model::Unknown::Stale))]);
    assert!(!get(&house, "/metrics").await.body.contains("import_price"));
}
