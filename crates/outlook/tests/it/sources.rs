//! Every source once over a real socket: what it is asked, and what becomes of its answer.

use ohmstead_model::TempoColour;
use std::collections::BTreeMap;

use expect_test::expect;
use ohmstead_outlook::Quantity;

use crate::clocks::{Hand, instant};
use crate::house::{House, all_have_tried, everything, pause, secrets, source};
use crate::server::{Canned, Heard, Server};

/// The documented answer of whoever is asked.
pub(crate) fn documented(heard: &Heard) -> Canned {
    let path = heard.line.split_once(' ').map_or("", |(_, path)| path);
    let answers: [(&str, &[u8]); 15] = [
        ("/energy_charts", include_bytes!("../answers/energy_charts.json")),
        ("/entsoe", include_bytes!("../answers/entsoe.xml")),
        ("/awattar", include_bytes!("../answers/awattar.json")),
        ("/nordpool", include_bytes!("../answers/nordpool.json")),
        ("/tibber", include_bytes!("../answers/tibber.json")),
        ("/rte_site", include_bytes!("../answers/rte_site.json")),
        ("/couleur_tempo", include_bytes!("../answers/couleur_tempo.json")),
        ("/rte_api", include_bytes!("../answers/rte_api.json")),
        ("/rte_token", include_bytes!("../answers/rte_token.json")),
        ("/data_gouv", include_bytes!("../answers/data_gouv.json")),
        ("/open_meteo", include_bytes!("../answers/open_meteo.json")),
        ("/forecast_solar", include_bytes!("../answers/forecast_solar.json")),
        ("/solcast", include_bytes!("../answers/solcast.json")),
        ("/vrm", include_bytes!("../answers/vrm.json")),
        ("/v1/products", include_bytes!("../answers/octopus.json")),
    ];
    if path.starts_with("/v1/products") && path.contains("page=2") {
        return Canned::ok(include_bytes!("../answers/octopus_2.json"));
    }
    // The day after is not published yet.
    if path.starts_with("/nordpool") && path.contains("2025-12-11") {
        return Canned::Answer(204, "", Vec::new());
    }
    let found = answers.iter().find(|(prefix, _)| path.starts_with(prefix));
    found.map_or(Canned::Answer(404, "", Vec::new()), |(_, body)| Canned::ok(*body))
}

#[tokio::test]
async fn every_source_is_asked_as_documented_and_understood() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(documented).await;
    let clock = Hand::at(instant("2025-12-10T12:00:00+01:00"));
    let yaml = everything(server.port, &secrets(folder.path()));
    let mut house = House::on_sockets(&yaml, &clock, folder.path());
    let outlook = house.until(&clock, all_have_tried).await;
    for (name, status) in &outlook.sources {
        assert_eq!((status.trouble.as_deref(), status.failures), (None, 0), "{name}");
    }
    let mut lines: Vec<String> = server.heard().iter().map(shown).collect();
    lines.sort();
    expect![[r#"
        GET /awattar?start=1765321200000&end=1765494000000
        GET /couleur_tempo?dateJour%5B%5D=2025-12-09&dateJour%5B%5D=2025-12-10&dateJour%5B%5D=2025-12-11
        GET /data_gouv?page_size=20&P_SOUSCRITE__exact=6&__id__sort=desc
        GET /energy_charts?bzn=FR&start=2025-12-10&end=2025-12-11
        GET /entsoe?securityToken=TOP%2BSECRET%2F1&documentType=A44&in_Domain=10YFR-RTE------C&out_Domain=10YFR-RTE------C&periodStart=202512092300&periodEnd=202512112300
        GET /forecast_solar/TOP+SECRET%2F1/estimate/48.8/2.3/30/0/6.5?time=utc
        GET /nordpool?market=DayAhead&date=2025-12-10&deliveryArea=FR&currency=EUR
        GET /nordpool?market=DayAhead&date=2025-12-11&deliveryArea=FR&currency=EUR
        GET /open_meteo?latitude=48.8&longitude=2.3&tilt=30&azimuth=0&minutely_15=global_tilted_irradiance%2Ctemperature_2m%2Cwind_speed_10m%2Ccloud_cover&forecast_days=3&timezone=GMT&timeformat=unixtime&wind_speed_unit=ms
        GET /open_meteo?latitude=48.8&longitude=2.3&tilt=90&azimuth=-90&minutely_15=global_tilted_irradiance%2Ctemperature_2m%2Cwind_speed_10m%2Ccloud_cover&forecast_days=3&timezone=GMT&timeformat=unixtime&wind_speed_unit=ms
        GET /rte_api?start_date=2025-09-01T00%3A00%3A00%2B02%3A00&end_date=2025-12-12T00%3A00%3A00%2B01%3A00
           authorization: Bearer the-access-token
        GET /rte_site?season=2025-2026
        GET /solcast/rooftop_sites/abcd-1234/forecasts?format=json&hours=96&period=PT30M
           authorization: Bearer TOP+SECRET/1
        GET /v1/products/AGILE-24-10-01/electricity-tariffs/E-1R-AGILE-24-10-01-C/standard-unit-rates/?page=2
        GET /v1/products/AGILE-24-10-01/electricity-tariffs/E-1R-AGILE-24-10-01-C/standard-unit-rates/?period_from=2025-12-10T00%3A00%3A00Z&period_to=2025-12-12T00%3A00%3A00Z&page_size=1500
        GET /vrm/v2/installations/4711/stats?type=forecast&interval=hours&start=1765364400&end=1765623600
           x-authorization: Token TOP+SECRET/1
        POST /rte_token
           authorization: Basic bWU6VE9QK1NFQ1JFVC8x
        POST /tibber
           authorization: Bearer TOP+SECRET/1
           {"query":"{ viewer { homes { id currentSubscription { priceInfo(resolution: QUARTER_HOURLY) { today { startsAt total energy currency } tomorrow { startsAt total energy currency } } } } } }"}"#]].assert_eq(&lines.join("\n"));

    let colours: BTreeMap<_, _> =
        outlook.colours.iter().map(|(day, it)| (day.to_string(), it.colour)).collect();
    assert_eq!(colours["2025-12-11"], TempoColour::Red);
    let tomorrow = &outlook.colours[&"2025-12-11".parse().expect("a date")];
    assert_eq!((tomorrow.voices.len(), tomorrow.is_provisional, tomorrow.is_disputed()), (3, false, false));
    let price = |at: &str| {
        let figure = outlook.series[&Quantity::SpotPrice].at(instant(at)).cloned();
        figure.map(|figure| ((figure.value * 1e6).round() / 1e6, figure.source.to_string()))
    };
    assert_eq!(price("2025-12-09T23:30:00Z"), Some((0.09285, "prices.energy_charts".to_owned())));
    assert_eq!(
        price("2025-12-10T00:30:00Z"),
        Some((0.08, "prices.entsoe".to_owned())),
        "a null is filled up"
    );
    assert_eq!(outlook.currency.as_deref(), Some("EUR"));
    assert!(
        outlook.series.contains_key(&Quantity::Irradiance(1))
            && outlook.series.contains_key(&Quantity::PvPowerLow)
    );
    assert_eq!(outlook.grids.len(), 3);
    assert_eq!(source(&outlook, "prices.energy_charts").refused, 1);
    assert!(source(&outlook, "prices.energy_charts").licence.is_some());
    house.stop().await;
    server_is_left_alone_after_a_restart(&server, &yaml, folder.path(), &clock).await;
}

/// What was fetched is known at once, with its age, and nobody is asked again for it.
async fn server_is_left_alone_after_a_restart(
    server: &Server,
    yaml: &str,
    folder: &std::path::Path,
    clock: &std::sync::Arc<Hand>,
) {
    let (before, asked_at) = (server.heard().len(), instant("2025-12-10T12:00:00+01:00"));
    clock.advance(std::time::Duration::from_secs(60));
    let mut house = House::on_sockets(yaml, clock, folder);
    let outlook = house.until(clock, all_have_tried).await;
    assert_eq!(server.heard().len(), before, "nothing is asked");
    for (name, status) in &outlook.sources {
        let fetched = status.fetched_at.expect("known");
        assert!((asked_at.0..asked_at.0 + 60_000).contains(&fetched.0), "{name}: {fetched:?}");
        assert!(pause(status).as_secs() >= 600, "{name}");
    }
    assert_eq!(outlook.colours.len(), 4);
    house.stop().await;
}

fn shown(heard: &Heard) -> String {
    let mut text = heard.line.clone();
    let is_wanted =
        |line: &&str| ["authorization:", "x-authorization:"].iter().any(|name| line.starts_with(name));
    for line in
        heard.headers.lines().filter(is_wanted).chain(Some(heard.body.as_str()).filter(|it| !it.is_empty()))
    {
        text = format!("{text}\n   {line}");
    }
    text
}
