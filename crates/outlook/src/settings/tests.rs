//! Sources and sections as they are written.

use expect_test::{Expect, expect};
use rstest::rstest;
use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "printed")]
struct Page {
    #[serde(default)]
    pv: Sources<PvSource>,
    #[serde(default)]
    tempo: Sources<TempoSource>,
    #[serde(default)]
    prices: Sources<PriceSource>,
}

fn read(yaml: &str) -> String {
    match serde_saphyr::from_str::<Page>(yaml) {
        Ok(page) => format!("{page:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn one_source_or_a_list() {
    let one = read("pv: { open_meteo: { planes: [{ peak: 6 kWp, tilt: 30, azimuth: 0 }] } }");
    expect![[r#"Page { pv: Sources([OpenMeteo(OpenMeteo { planes: [Plane { peak: Watts(6000.0), tilt: 30.0, azimuth: 0.0 }], api_key_file: None, every: Timespan(3600s), url: None })]), tempo: Sources([]), prices: Sources([]) }"#]].assert_eq(&one);
    let many = read("tempo: [ rte_site: {}, api_couleur_tempo: { url: 'http://192.0.2.1/' } ]");
    expect![[r#"Page { pv: Sources([]), tempo: Sources([RteSite(Public { url: None }), ApiCouleurTempo(Public { url: Some("http://192.0.2.1/") })]), prices: Sources([]) }"#]].assert_eq(&many);
}

#[test]
fn two_public_sources_are_usual() {
    let yaml = "[ rte_site: {}, api_couleur_tempo: {} ]";
    assert_eq!(serde_saphyr::from_str::<Sources<TempoSource>>(yaml).unwrap(), TempoSource::usual());
}

#[rstest]
#[case::unknown_source("tempo: { rte: {} }", expect![[r#"
    error: line 1 column 10: unknown variant `rte`, expected one of rte_site, api_couleur_tempo, rte_api
     --> <input>:1:10
      |
    1 | tempo: { rte: {} }
      |          ^ unknown variant `rte`, expected one of rte_site, api_couleur_tempo, rte_api"#]])]
#[case::unknown_key("prices:\n  - energy_charts: { zone: FR }\n  - awattar: { country: de, zone: x }", expect![[r#"
    error: line 3 column 29: unknown field `zone`, expected one of country, url
     --> <input>:3:29
      |
    1 | prices:
    2 |   - energy_charts: { zone: FR }
    3 |   - awattar: { country: de, zone: x }
      |                             ^ unknown field `zone`, expected one of country, url"#]])]
#[case::missing_key("prices: { entsoe: { area: x } }", expect![[r#"
    error: line 1 column 21: missing field `token_file`
     --> <input>:1:21
      |
    1 | prices: { entsoe: { area: x } }
      |                     ^ missing field `token_file`"#]])]
#[case::wrong_peak("pv:\n  open_meteo: { planes: [{ peak: 6 kVA, tilt: 30, azimuth: 0 }] }", expect![[r#"
    error: line 2 column 28: invalid value: string "6 kVA", expected a power such as 3000, "3000 W" or "3 kW"
     --> <input>:2:28
      |
    1 | pv:
    2 |   open_meteo: { planes: [{ peak: 6 kVA, tilt: 30, azimuth: 0 }] }
      |                            ^ invalid value: string "6 kVA", expected a power such as 3000, "3000 W" or "3 kW""#]])]
#[case::no_source("tempo: 3", expect![[r#"
    error: line 1 column 1: invalid type: integer `3`, expected a source such as `name: {}`, or a list of sources
     --> <input>:1:1
      |
    1 | tempo: 3
      | ^ invalid type: integer `3`, expected a source such as `name: {}`, or a list of sources"#]])]
fn errors_name_the_place(#[case] yaml: &str, #[case] expected: Expect) {
    expected.assert_eq(&read(yaml));
}
