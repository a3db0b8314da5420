//! Every known sample of the protocol, decoded; the real captures with the values that their notes give. The samples are
//! not part of this repository: the folder that holds them is named by `OHMSTEAD_SHARED`.

use std::collections::BTreeMap;

use ohmstead_drivers::marstek::{Explained, Method, explain};
use ohmstead_model::{Observation, Value as Known};
use serde_json::Value;

/// Sample, and the values that must come out of it.
const CAPTURES: &[(&str, &[(&str, f64)])] = &[
    ("real-e3-150-getmode", &[("battery_soc", 38.0), ("inverter_power", -135.0), ("battery_power", -135.0)]),
    (
        "real-e3-150-esstatus",
        &[
            ("battery_soc", 38.0),
            ("inverter_power", -166.0),
            ("battery_power", -166.0),
            ("battery_capacity", 5120.0),
        ],
    ),
    (
        "real-e3-139-bat",
        &[
            ("battery_soc", 86.0),
            ("battery_temperature", 31.4),
            ("battery_energy_remaining", 4410.0),
            ("battery_capacity", 5120.0),
        ],
    ),
    ("real-hmg50-155-esstatus", &[("battery_soc", 14.0)]),
    ("real-hmg50-156-esstatus", &[("battery_soc", 11.0)]),
    (
        "real-hmg50-156-bat",
        &[("battery_soc", 11.0), ("battery_temperature", 20.0), ("battery_energy_remaining", 563.0)],
    ),
    (
        "real-va-147-esstatus-night",
        &[
            ("battery_soc", 21.0),
            ("inverter_power", 185.0),
            ("inverter_output_energy", 69.505),
            ("inverter_input_energy", 1.598),
        ],
    ),
    ("real-va-147-esstatus-pv", &[("battery_soc", 27.0), ("inverter_power", 0.0)]),
    (
        "real-va-147-pv",
        &[
            ("pv_power_1", 26.8),
            ("pv_power_2", 29.0),
            ("pv_power_3", 29.0),
            ("pv_power_4", 25.0),
            ("pv_power", 109.8),
        ],
    ),
    ("real-va-148-counters", &[("inverter_output_energy", 270.18), ("inverter_input_energy", 100.547)]),
    (
        "real-va-148-getmode",
        &[
            ("battery_soc", 15.0),
            ("inverter_power", -133.0),
            ("grid_power_l1", -810.0),
            ("grid_power_l2", 86.0),
            ("grid_power_l3", 839.0),
            ("grid_import_energy", 210.8),
            ("grid_export_energy", 307.5),
        ],
    ),
];

fn samples() -> Option<Vec<Value>> {
    let folder = std::env::var_os("OHMSTEAD_SHARED").map(std::path::PathBuf::from);
    let text = folder.and_then(|folder| std::fs::read(folder.join("data/marstek/messages.json")).ok());
    if text.is_none() {
        eprintln!("skipped: OHMSTEAD_SHARED names no folder with data/marstek/messages.json");
    }
    let all: Value = serde_json::from_slice(&text?).unwrap();
    Some(all["samples"].as_array().unwrap().clone())
}

fn decode(sample: &Value) -> Explained {
    let method = Method::by_name(sample["method"].as_str().unwrap());
    let model = sample["model"].as_str();
    let bytes = sample["response"].to_string();
    explain(bytes.as_bytes(), method, model, sample["firmware"].as_f64())
        .unwrap_or_else(|error| panic!("{}: {error}", sample["id"]))
}

#[test]
fn every_sample_is_understood() {
    let Some(samples) = samples() else { return };
    assert!(samples.len() >= 35, "{}", samples.len());
    for sample in &samples {
        let id = sample["id"].as_str().unwrap();
        if sample["request"].is_object() {
            let request = explain(sample["request"].to_string().as_bytes(), None, None, None).unwrap();
            assert_eq!(request.what, format!("a request: {}", sample["method"].as_str().unwrap()), "{id}");
        }
        if sample["response"]["error"].is_object() {
            let refusal = explain(sample["response"].to_string().as_bytes(), None, None, None).unwrap_err();
            assert!(refusal.to_string().starts_with("the device answers with error -32"), "{id}: {refusal}");
            continue;
        }
        let explained = decode(sample);
        let fields = sample["response"]["result"].as_object().unwrap().len();
        assert_eq!(explained.raw.len(), fields, "{id}");
        let reads = Method::by_name(sample["method"].as_str().unwrap()).is_some();
        assert_eq!(!explained.values.is_empty(), reads, "{id}: {explained:?}");
        for (metric, observation) in &explained.values {
            assert!(
                !matches!(observation, Err(ohmstead_model::Unknown::Implausible(_))),
                "{id}: {metric} {observation:?}"
            );
        }
    }
}

#[test]
fn the_real_captures_have_their_values() {
    let Some(samples) = samples() else { return };
    for (id, expected) in CAPTURES {
        let sample =
            samples.iter().find(|sample| sample["id"] == *id).unwrap_or_else(|| panic!("no sample {id}"));
        let values: BTreeMap<_, _> =
            decode(sample).values.into_iter().map(|(metric, value)| (metric.id(), value)).collect();
        for (metric, number) in *expected {
            let seen = values.get(metric).and_then(known_number);
            assert!(
                seen.is_some_and(|seen| (seen - number).abs() < 1e-6),
                "{id}: {metric} {:?}",
                values.get(metric)
            );
        }
    }
}

fn known_number(observation: &Observation) -> Option<f64> {
    observation.as_ref().ok().and_then(Known::number)
}
