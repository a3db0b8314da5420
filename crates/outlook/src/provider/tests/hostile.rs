//! Whatever comes over the wire: nothing panics, nothing absurd gets through, and it takes no time.

use proptest::prelude::*;

use super::*;

const EXAMPLES: &[&[u8]] = &[
    include_bytes!("../../../tests/answers/energy_charts.json"),
    include_bytes!("../../../tests/answers/entsoe.xml"),
    include_bytes!("../../../tests/answers/entsoe_nothing.xml"),
    include_bytes!("../../../tests/answers/awattar.json"),
    include_bytes!("../../../tests/answers/nordpool.json"),
    include_bytes!("../../../tests/answers/octopus.json"),
    include_bytes!("../../../tests/answers/tibber.json"),
    include_bytes!("../../../tests/answers/rte_site.json"),
    include_bytes!("../../../tests/answers/couleur_tempo.json"),
    include_bytes!("../../../tests/answers/rte_api.json"),
    include_bytes!("../../../tests/answers/rte_token.json"),
    include_bytes!("../../../tests/answers/data_gouv.json"),
    include_bytes!("../../../tests/answers/open_meteo.json"),
    include_bytes!("../../../tests/answers/forecast_solar.json"),
    include_bytes!("../../../tests/answers/solcast.json"),
    include_bytes!("../../../tests/answers/vrm.json"),
];

/// Every parser on one body.
fn all(body: &[u8]) -> Vec<Answer> {
    let window = TimeSpan::new(instant("2025-12-10T00:00:00Z"), instant("2025-12-12T00:00:00Z"));
    let _ = rte_api::parse_token(body);
    let answers = [
        energy_charts::parse(body).ok(),
        entsoe::parse(body).ok(),
        awattar::parse(body).ok(),
        nordpool::parse(body, "FR").ok(),
        octopus::parse(body, window).ok().map(|(answer, _)| answer),
        tibber::parse(body).ok(),
        rte_site::parse(body).ok(),
        couleur_tempo::parse(body).ok(),
        rte_api::parse(body).ok(),
        data_gouv::parse(body).ok(),
        open_meteo::parse(body, 0).ok(),
        forecast_solar::parse(body).ok(),
        solcast::parse(body).ok(),
        vrm::parse(body).ok(),
    ];
    answers.into_iter().flatten().collect()
}

fn is_sane(answer: &Answer) -> bool {
    answer.series.iter().all(|(quantity, known)| {
        known.slots().all(|(span, value)| {
            let is_possible = match quantity {
                Quantity::SpotPrice | Quantity::FullPrice => value.abs() <= 10.0,
                Quantity::Irradiance(_) => (0.0..=1500.0).contains(value),
                _ => value.is_finite(),
            };
            is_possible && !span.is_empty()
        })
    })
}

/// Numbers that break what is not careful.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1e308",
    "-1e308",
    "9223372036854775807",
    "1e999",
    "null",
    "\"\"",
    "NaN",
    "[]",
    "{}",
    "true",
];

proptest! {
    #[test]
    fn any_bytes(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        all(&body);
    }

    #[test]
    fn damaged_answers(
        example in 0..EXAMPLES.len(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..8),
    ) {
        let mut body = EXAMPLES[example].to_vec();
        for (at, byte, how) in damage {
            let at = at.index(body.len().max(1)).min(body.len().saturating_sub(1));
            match how {
                _ if body.is_empty() => {}
                0 => body[at] = byte,
                1 => { body.remove(at); }
                _ => body.truncate(at),
            }
        }
        for answer in all(&body) {
            prop_assert!(is_sane(&answer), "{answer:?}");
        }
    }

    #[test]
    fn numbers_that_cannot_be(
        example in 0..EXAMPLES.len(),
        which in any::<prop::sample::Index>(),
        with in 0..NUMBERS.len(),
    ) {
        let body = String::from_utf8(EXAMPLES[example].to_vec()).unwrap();
        let starts: Vec<usize> = body
            .char_indices()
            .filter(|(at, c)| c.is_ascii_digit() && !body[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-'))
            .map(|(at, _)| at)
            .collect();
        let start = starts[which.index(starts.len())];
        let length = body[start..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(1);
        let changed = format!("{}{}{}", &body[..start], NUMBERS[with], &body[start + length..]);
        for answer in all(changed.as_bytes()) {
            prop_assert!(is_sane(&answer), "{changed}: {answer:?}");
        }
    }
}

#[test]
fn more_than_any_answer_has_is_refused() {
    let stamps: Vec<i64> = (0..20_000).map(|index| 1_765_321_200 + index * 900).rev().collect();
    let json =
        serde_json::json!({ "unix_seconds": stamps, "price": vec![1.0; stamps.len()], "unit": "EUR / MWh" });
    assert_eq!(told(energy_charts::parse(json.to_string().as_bytes())), "it has more than 5000 values");
}

#[test]
fn deep_documents_do_not_overflow() {
    all("[".repeat(100_000).as_bytes());
    all("{\"a\":".repeat(100_000).as_bytes());
    all(format!("{}{}", "<a>".repeat(60_000), "</a>".repeat(60_000)).as_bytes());
    all("<a>".repeat(300_000).as_bytes());
}
