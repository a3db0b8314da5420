//! What is wrong is seen, said, and tried again as soon as it may be well: refused tokens, figures that cannot be, a folder that
//! cannot be written.

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Clock as _;
use ohmstead_outlook::Quantity;

use crate::clocks::{Paused, instant};
use crate::day::{Outside, Script, ok, quarters, start};
use crate::house::{House, secrets, settings, source};

const HOUR: Duration = Duration::from_secs(3600);

/// A token that was refused is not tried again for hours, and a corrected one at once: while the program runs, and after a
/// restart, which shows what was wrong before it. The token itself is not kept.
#[tokio::test(start_paused = true)]
async fn a_corrected_token_is_tried_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T14:00:00+01:00"));
    let token = secrets(folder.path());
    let yaml = format!(
        "prices: {{ entsoe: {{ area: 10YFR-RTE------C, token_file: {}, url: 'http://x/e' }} }}",
        token.display()
    );
    let wire = Script::of(&clock, |path, _| match path {
        path if path.contains("RIGHT") => ok(include_str!("../answers/entsoe.xml")),
        _ => Outside::Says(401, "no".to_owned()),
    });
    let words = "x does not let us in (401: no); check the key or token";
    let trouble = |house: &House| source(&house.now(), "prices.entsoe").trouble.clone();
    let house = start(&yaml, &clock, &wire, folder.path());
    clock.sleep(HOUR / 2).await;
    house.kill().await;
    let house = start(&yaml, &clock, &wire, folder.path());
    clock.sleep(HOUR / 4).await;
    assert_eq!(trouble(&house).as_deref(), Some(words), "it is shown after the restart");
    assert_eq!(wire.asked("/e").len(), 1, "the same token is not tried again so soon");
    std::fs::write(&token, "OTHER").expect("written");
    clock.sleep(HOUR / 30).await;
    assert_eq!(wire.asked("/e").len(), 2, "another one is, while it runs");
    house.kill().await;
    std::fs::write(&token, "RIGHT").expect("written");
    let house = start(&yaml, &clock, &wire, folder.path());
    clock.sleep(HOUR / 120).await;
    assert_eq!((wire.asked("/e").len(), trouble(&house)), (3, None), "and after a restart");
    house.stop().await;
    let kept = std::fs::read_to_string(folder.path().join("outlook/prices.entsoe.json")).expect("kept");
    assert!(!kept.contains("RIGHT"), "{kept}");
}

/// Settings that were corrected are tried with the next start too.
#[tokio::test(start_paused = true)]
async fn corrected_settings_are_tried_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T14:00:00+01:00"));
    let wire = Script::of(&clock, |path, _| match path {
        path if path.starts_with("/right") => ok(r#"{"values": {"2025-12-11": "RED"}}"#),
        _ => Outside::Says(404, String::new()),
    });
    for (path, asked) in [("wrong", 1), ("wrong", 1), ("right", 2)] {
        let yaml = format!("tempo: {{ rte_site: {{ url: 'http://x/{path}' }} }}");
        let house = start(&yaml, &clock, &wire, folder.path());
        clock.sleep(HOUR / 60).await;
        house.kill().await;
        assert_eq!(wire.asked("/").len(), asked, "{path}");
    }
}

/// An answer of figures that cannot be is a trouble that says so, and is tried again soon: it tells nothing of what is published.
#[tokio::test(start_paused = true)]
async fn figures_that_cannot_be_are_a_trouble() {
    let table: [(&str, &str, &str); 9] = [
        (
            "prices: { energy_charts: { zone: FR, url: 'http://x/' } }",
            r#"{"unix_seconds": [1765321200, 1765322100], "price": [null, NaN], "unit": "EUR / MWh"}"#,
            "nothing in its answer can be used: 2 values are no numbers",
        ),
        (
            "prices: { energy_charts: { zone: FR, url: 'http://x/' } }",
            r#"{"unix_seconds": [1765321200, 1765322100, 1765323000], "price": [1e308, -1e308, null], "unit": "EUR / MWh"}"#,
            "nothing in its answer can be used: 2 values were refused as absurd, 1 value is no number",
        ),
        (
            "prices: { energy_charts: { zone: FR, url: 'http://x/' } }",
            r#"{"unix_seconds": [-7, 9e18], "price": [50, 50], "unit": "EUR / MWh"}"#,
            "nothing in its answer can be used: 2 values were refused as absurd",
        ),
        (
            "prices: { energy_charts: { zone: FR, url: 'http://x/' } }",
            r#"{"unix_seconds": [1799881200, 1799882100], "price": [50, 50], "unit": "EUR / MWh"}"#,
            "the figures in its answer are of other days than these",
        ),
        (
            "prices: { nordpool: { area: FR, url: 'http://x/' } }",
            r#"{"currency": "EUR", "multiAreaEntries": [{"deliveryStart": "2025-12-10T00:00:00Z", "deliveryEnd": "2025-12-10T01:00:00Z", "entryPerArea": {"DE": 1}}]}"#,
            "its answer cannot be read: it has no figures for area FR",
        ),
        (
            "prices: { entsoe: { area: 10YFR-RTE------C, token_file: SECRET, url: 'http://x/' } }",
            "<Publication_MarketDocument><TimeSeries><Period><timeInterval><start>2025-12-11T23:00Z</start><end>2025-12-10T23:00Z</end></timeInterval><resolution>PT60M</resolution><Point><position>1</position><price.amount>50</price.amount></Point></Period></TimeSeries></Publication_MarketDocument>",
            "nothing in its answer can be used: 1 value was refused as absurd",
        ),
        (
            "pv: { forecast_solar: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }], url: 'http://x/' } }",
            r#"{"result": {"watts": {"2025-12-10T10:00:00Z": 9e9, "2025-12-10T11:00:00Z": 9e9}}, "message": {"code": 0}}"#,
            "nothing in its answer can be used: 1 value was refused as absurd",
        ),
        (
            "pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }], url: 'http://x/' } }",
            r#"{"hourly": {"time": [1765368000], "global_tilted_irradiance": [null], "temperature_2m": [3]}}"#,
            "no irradiance: nothing in its answer can be used: 1 value is no number",
        ),
        (
            "tempo: { rte_site: { url: 'http://x/' } }",
            r#"{"values": {"2025-12-10": "PURPLE"}}"#,
            "nothing in its answer can be used: 1 value was refused as absurd",
        ),
    ];
    for (yaml, body, words) in table {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = secrets(folder.path());
        let yaml = yaml.replace("SECRET", &secret.display().to_string());
        let clock = Paused::at(instant("2025-12-10T09:00:00+01:00"));
        let wire = Script::of(&clock, move |_, _| ok(body));
        let house = start(&yaml, &clock, &wire, folder.path());
        clock.sleep(HOUR).await;
        let outlook = house.now();
        let status = outlook.sources.values().next().expect("one");
        assert_eq!(status.trouble.as_deref(), Some(words), "{body}");
        assert!(status.failures >= 3, "{body}: {status:?}");
        house.stop().await;
    }
}

/// A data folder that cannot be written is read all the same, its counts of calls too, and they go on in memory.
#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_written_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T14:00:00+01:00"));
    let wire = Script::of(&clock, |_, _| ok(quarters(&["2025-12-10", "2025-12-11"], 50.0)));
    let yaml = "prices: { energy_charts: { zone: FR, url: 'http://x/' } }";
    let house = start(yaml, &clock, &wire, folder.path());
    clock.sleep(HOUR / 60).await;
    house.stop().await;
    let file = folder.path().join("outlook/prices.energy_charts.json");
    let before = std::fs::read(&file).expect("kept");
    let house = House::keeping_if(
        Arc::new(|| false),
        settings(yaml),
        Arc::clone(&clock) as _,
        Arc::clone(&wire) as _,
        folder.path(),
    );
    clock.sleep(HOUR / 60).await;
    assert_eq!(house.now().figures(Quantity::SpotPrice).slots().len(), 192, "it is known from the cache");
    assert_eq!(wire.asked("/").len(), 1, "and not asked again");
    clock.sleep(HOUR * 23).await;
    let asked = wire.asked("/").len();
    assert!((2..=20).contains(&asked), "{asked}");
    house.stop().await;
    assert_eq!(std::fs::read(&file).expect("still there"), before);
}
