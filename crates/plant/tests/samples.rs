//! Every known sample of the protocol: its request in, its reply out, byte for byte, with the device put in its state.
//!
//! The samples are not part of this repository: the folder that holds them is named by `OHMSTEAD_SHARED`.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]

mod common;

use common::{Bench, bench, pretty};
use ohmstead_plant::house::Mode;
use ohmstead_plant::marstek::{Panel, Readings};
use serde_json::Value;
use std::path::Path;

/// A sample and the state of the device it was taken from, in physical units.
#[derive(Clone, Copy)]
struct Sample {
    id: &'static str,
    profile: &'static str,
    switches: &'static str,
    /// `src` where it is not `<device>-<mac>`: the document's placeholders.
    src: Option<&'static str>,
    state: fn(&mut Readings),
}

const fn sample(id: &'static str, profile: &'static str, state: fn(&mut Readings)) -> Sample {
    Sample { id, profile, switches: "", src: None, state }
}

const fn document(id: &'static str, src: &'static str, state: fn(&mut Readings)) -> Sample {
    Sample { id, profile: "rev-1.0", switches: "", src: Some(src), state }
}

const fn rev31(id: &'static str) -> Sample {
    Sample { id, profile: "e3-150", switches: "", src: Some("Venus-mac"), state: |_| {} }
}

const fn with(switches: &'static str, sample: Sample) -> Sample {
    Sample { switches, ..sample }
}

const NO_METER: &str = "omit=ct_state,a_power,b_power,c_power,total_power,input_energy,output_energy";

const SAMPLES: &[Sample] = &[
    document("doc10-getdevice", "VenusC-123456789012", |_| {}),
    document("doc10-wifi", "VenusC-mac", |_| {}),
    document("doc10-ble", "VenusC-123456789012", |_| {}),
    document("doc10-bat", "VenusC-mac", |r| {
        (r.soc_pct, r.temperature_c, r.stored_wh, r.capacity_wh) = (98.0, 25.0, 2_508.0, 2_560.0);
    }),
    document("doc10-pv", "VenusC-mac", |r| r.panels[0] = panel(580.0, 40.0, 12.0)),
    document("doc10-esstatus", "VenusC-mac", |r| {
        (r.soc_pct, r.capacity_wh, r.ongrid_w) = (98.0, 2_560.0, 100.0);
        (r.ac_out_wh, r.ac_in_wh) = (844.0, 1_607.0);
    }),
    document("doc10-getmode", "VenusC-mac", |r| {
        (r.mode, r.ongrid_w, r.soc_pct) = (Mode::Passive, 100.0, 98.0);
    }),
    document("doc10-em", "VenusC-mac", |r| r.meter_connected = false),
    document("doc10-setmode-auto", "Venus-mac", |_| {}),
    document("doc10-setmode-ai", "Venus-mac", |_| {}),
    document("doc10-setmode-manual", "Venus-mac", |_| {}),
    document("doc10-setmode-passive", "Venus-mac", |_| {}),
    document("doc10-parse-error", "device", |_| {}),
    rev31("rev31-setmode-ups"),
    rev31("rev31-dod.set"),
    rev31("rev31-ble.adv"),
    rev31("rev31-led.ctrl"),
    rev31("rev31-set.ver"),
    rev31("rev31-reset.factory"),
    sample("real-e3-150-getdevice", "e3-150", |_| {}),
    with(NO_METER, sample("real-e3-150-getmode", "e3-150", |r| (r.ongrid_w, r.soc_pct) = (-135.0, 38.0))),
    sample("real-e3-150-setmode-nocfg", "e3-150", |_| {}),
    with(
        "omit=offgrid_power,total_pv_energy,total_grid_output_energy,total_grid_input_energy,total_load_energy",
        sample("real-e3-150-esstatus", "e3-150", |r| (r.ongrid_w, r.soc_pct) = (-166.0, 38.0)),
    ),
    sample("real-e3-150-pv", "e3-150", |_| {}),
    with("parse-error-pct=100", sample("real-e3-144-parse-error", "e3-144", |_| {})),
    sample("real-e3-139-bat", "e3-139", |r| {
        (r.soc_pct, r.temperature_c, r.stored_wh) = (86.0, 31.4, 4_410.0);
    }),
    sample("real-hmg50-155-esstatus", "hmg50-155", |r| {
        (r.soc_pct, r.ac_out_wh, r.ac_in_wh) = (14.0, 70_300.0, 91_900.0);
    }),
    sample("real-hmg50-156-esstatus", "hmg50-156", |r| {
        (r.soc_pct, r.ac_out_wh, r.ac_in_wh) = (11.0, 18_400.0, 1_219_200.0);
    }),
    sample("real-hmg50-156-bat", "hmg50-156", |r| {
        (r.soc_pct, r.temperature_c, r.stored_wh) = (11.0, 20.0, 563.0);
    }),
    sample("real-va-147-esstatus-night", "va-147", |r| {
        (r.soc_pct, r.capacity_wh, r.ongrid_w) = (21.0, 2_080.0, 185.0);
        (r.ac_out_wh, r.ac_in_wh) = (69_505.0, 1_598.0);
    }),
    sample("real-va-147-esstatus-pv", "va-147", |r| {
        // The sun shines, and the answer says 0.
        (r.soc_pct, r.capacity_wh, r.panels[1]) = (27.0, 2_080.0, panel(110.0, 46.0, 2.4));
        (r.ac_out_wh, r.ac_in_wh, r.pv_wh) = (69_711.0, 1_967.0, 5_000.0);
    }),
    sample("real-va-147-pv", "va-147", |r| {
        r.panels =
            [panel(26.8, 33.0, 0.8), panel(29.0, 46.0, 0.6), panel(29.0, 33.0, 0.9), panel(25.0, 46.0, 0.5)];
    }),
    with(
        "omit=bat_soc,bat_cap,ongrid_power,offgrid_power",
        sample("real-va-148-counters", "va-148", |r| (r.ac_out_wh, r.ac_in_wh) = (270_180.0, 100_547.0)),
    ),
    sample("real-mini-300-setmode", "mini-300", |_| {}),
    with(
        "omit=total_power",
        sample("real-va-148-getmode", "va-148", |r| {
            (r.ongrid_w, r.soc_pct, r.grid_w) = (-133.0, 15.0, [-810.0, 86.0, 839.0]);
            (r.import_wh, r.export_wh) = (210_800.0, 307_500.0);
        }),
    ),
];

fn panel(power_w: f64, voltage_v: f64, current_a: f64) -> Panel {
    Panel { power_w, voltage_v, current_a }
}

fn in_state(sample: &Sample) -> Bench {
    let mut bench = bench(sample.profile, sample.switches);
    let mut readings = Readings {
        soc_pct: 50.0,
        stored_wh: 2_560.0,
        capacity_wh: 5_120.0,
        temperature_c: 25.0,
        may_charge: true,
        may_discharge: true,
        ongrid_w: 0.0,
        offgrid_w: 0.0,
        bat_w: 0.0,
        panels: [Panel::default(); 4],
        has_panels: true,
        pv_wh: 0.0,
        ac_out_wh: 0.0,
        ac_in_wh: 0.0,
        mode: Mode::Auto,
        meter_connected: true,
        grid_w: [0.0; 3],
        import_wh: 0.0,
        export_wh: 0.0,
    };
    (sample.state)(&mut readings);
    bench.device.pinned = Some(readings);
    let identity = &mut bench.device.identity;
    identity.src = sample.src.map(str::to_owned);
    match sample.id {
        "doc10-getdevice" | "doc10-ble" => {
            "123456789012".clone_into(&mut identity.ble_mac);
            "123456789012".clone_into(&mut identity.wifi_mac);
            bench.device.address = "192.168.1.11:30000".parse().unwrap();
        }
        "doc10-wifi" => {
            "Hame".clone_into(&mut identity.wifi_name);
            bench.device.address = "192.168.137.41:30000".parse().unwrap();
        }
        "real-e3-150-getdevice" => "MY_WIFI".clone_into(&mut identity.wifi_name),
        _ => {}
    }
    bench
}

#[test]
fn every_sample_is_reproduced_byte_for_byte() {
    let Some(shared) = std::env::var_os("OHMSTEAD_SHARED") else {
        println!("skipped: OHMSTEAD_SHARED names no folder with the samples");
        return;
    };
    let path = Path::new(&shared).join("data/marstek/messages.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is absent", path.display());
        return;
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    let found = file["samples"].as_array().unwrap();
    let mut wrong = Vec::new();
    for entry in found {
        let id = entry["id"].as_str().unwrap();
        let Some(sample) = SAMPLES.iter().find(|sample| sample.id == id) else {
            wrong.push(format!("{id}: no state is known for it"));
            continue;
        };
        let request = if entry["request"].is_null() { "{".to_owned() } else { entry["request"].to_string() };
        let answers = in_state(sample).send(request.as_bytes());
        let ours = answers
            .first()
            .map_or_else(String::new, |answer| String::from_utf8(answer.bytes.clone()).unwrap());
        let theirs = pretty(&entry["response"], 0);
        if ours != theirs {
            wrong.push(format!("{id}\n--- ours\n{ours}\n--- theirs\n{theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{} samples differ\n{}", wrong.len(), wrong.join("\n\n"));
    assert_eq!(found.len(), SAMPLES.len(), "a sample is gone");
    println!("{} samples reproduced", found.len());
}
