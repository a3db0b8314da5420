//! Each bad habit: off it is not there, on it shows.

mod common;

use common::{Bench, auto, bench, passive, slot};
use ohmstead_plant::house::Mode;
use ohmstead_plant::marstek::{Drop, SWITCHES};
use rstest::rstest;
use serde_json::{Value, json};

/// A unit without the profile's own duplicates and refusals.
fn unit(switches: &str) -> Bench {
    bench("hmg50-156", switches)
}

/// How many of a hundred requests are answered.
fn answered(bench: &mut Bench) -> usize {
    (0..100).filter(|_| bench.get("ES.GetMode").is_some()).count()
}

/// How many of a hundred replies have a property.
fn share(bench: &mut Bench, method: &str, is_so: impl Fn(&Value) -> bool) -> usize {
    (0..100).filter(|_| bench.get(method).is_some_and(|reply| is_so(&reply))).count()
}

#[test]
fn loss_hits_requests_and_replies() {
    assert_eq!(answered(&mut unit("")), 100);
    let mut bench = unit("loss-pct=40");
    let answered = answered(&mut bench);
    assert!((45..=75).contains(&answered), "{answered}");
    let counters = bench.device.counters();
    assert!(counters.drops_for(Drop::RequestLost) > 8 && counters.drops_for(Drop::ReplyLost) > 8);
}

#[test]
fn a_write_whose_reply_is_lost_was_obeyed() {
    let mut bench = unit("loss-pct=100");
    let sent = |bench: &mut Bench| {
        (0..40).find(|_| {
            bench.request("ES.SetMode", &json!({"id": 0, "config": passive(-500, 600)}));
            bench.device.counters().writes_applied == 1
        })
    };
    assert!(sent(&mut bench).is_some());
    bench.wait(20_000);
    assert!(bench.ac_power_w() < -400.0);
    assert_eq!(bench.device.counters().replies, 0);
}

#[test]
fn latency_has_a_median_and_a_spread() {
    let mut bench = unit("latency-ms=400 jitter-ms=50");
    let mut delays: Vec<_> =
        (0..101).map(|_| bench.request("ES.GetMode", &json!({"id": 0}))[0].after_ms).collect();
    delays.sort_unstable();
    assert!((380..=420).contains(&delays[50]), "{delays:?}");
    assert!(delays[100] - delays[0] > 100, "{delays:?}");
    let mut sharp = unit("latency-ms=400 jitter-ms=0");
    assert_eq!(sharp.request("ES.GetMode", &json!({"id": 0}))[0].after_ms, 400);
}

#[test]
fn some_replies_are_late() {
    let mut bench = unit("late-pct=30 late-ms=9000");
    let late =
        (0..100).filter(|_| bench.request("ES.GetMode", &json!({"id": 0}))[0].after_ms > 5_000).count();
    assert!((15..=45).contains(&late), "{late}");
}

#[rstest]
#[case::off("hmg50-156", "", 0, 0)]
#[case::on("hmg50-156", "duplicate-pct=50", 30, 70)]
#[case::of_the_firmware("hmg50-155", "", 1, 20)]
fn some_replies_come_twice(
    #[case] profile: &str,
    #[case] switches: &str,
    #[case] low: usize,
    #[case] high: usize,
) {
    let mut bench = bench(profile, switches);
    let twice = (0..100)
        .filter(|_| {
            let answers = bench.request("ES.GetMode", &json!({"id": 0}));
            assert!(
                answers
                    .windows(2)
                    .all(|pair| pair[0].bytes == pair[1].bytes && pair[0].after_ms < pair[1].after_ms)
            );
            answers.len() == 2
        })
        .count();
    assert!((low..=high).contains(&twice), "{twice}");
}

#[test]
fn a_request_within_the_quiet_gap_is_dropped() {
    let mut bench = unit("quiet-gap-ms=2500");
    assert!(bench.get("ES.GetMode").is_some());
    bench.wait(2_000);
    assert!(bench.get("ES.GetMode").is_none());
    bench.wait(1_000);
    assert!(bench.get("ES.GetMode").is_some());
    assert_eq!(bench.device.counters().drops_for(Drop::QuietGap), 1);
}

#[test]
fn a_valid_request_gets_a_parse_error_with_id_zero() {
    let mut bench = unit("parse-error-pct=30");
    let errors =
        share(&mut bench, "ES.GetMode", |reply| reply["error"]["code"] == -32_700 && reply["id"] == 0);
    assert!((15..=45).contains(&errors), "{errors}");
}

#[test]
fn a_method_can_be_silent() {
    let mut bench = unit("silent=ES.GetStatus,EM.GetStatus");
    assert!(bench.get("ES.GetStatus").is_none() && bench.get("EM.GetStatus").is_none());
    assert!(bench.get("ES.GetMode").is_some());
}

#[rstest]
#[case("param-id=0", true, false)]
#[case("param-id=1", false, true)]
#[case("param-id=any", true, true)]
fn only_one_params_id_may_be_heard(#[case] switches: &str, #[case] zero: bool, #[case] one: bool) {
    let mut bench = unit(switches);
    assert_eq!(!bench.request("ES.GetMode", &json!({"id": 0})).is_empty(), zero);
    assert_eq!(!bench.request("ES.GetMode", &json!({"id": 1})).is_empty(), one);
    assert!(
        !bench.request("Marstek.GetDevice", &json!({"ble_mac": "0"})).is_empty(),
        "a search has no params.id"
    );
}

#[test]
fn only_the_same_source_port_may_be_heard() {
    let mut bench = unit("same-port");
    let request = br#"{"id":1,"method":"ES.GetMode","params":{"id":0}}"#;
    assert!(bench.send_from("192.168.1.9:40000", request).is_empty());
    assert_eq!(bench.send_from("192.168.1.9:30000", request).len(), 1);
    assert_eq!(bench.device.counters().drops_for(Drop::SourcePort), 1);
}

#[test]
fn too_many_requests_lock_it_up_until_reset() {
    let mut bench = unit("lockup=5/10");
    for _ in 0..5 {
        assert!(bench.get("ES.GetMode").is_some());
    }
    assert!(bench.get("ES.GetMode").is_none());
    bench.wait(600_000);
    assert!(bench.get("ES.GetMode").is_none(), "time does not help");
    bench.device.reset(bench.now_ms);
    assert!(bench.get("ES.GetMode").is_some());
    let mut slow = unit("lockup=5/10");
    for _ in 0..30 {
        assert!(slow.get("ES.GetMode").is_some());
        slow.wait(3_000);
    }
}

#[rstest]
#[case("", false)]
#[case("freeze-on-empty", true)]
fn an_empty_datagram_may_freeze_it(#[case] switches: &str, #[case] frozen: bool) {
    let mut bench = unit(switches);
    assert!(bench.send(b"").is_empty());
    assert_eq!(bench.get("ES.GetMode").is_none(), frozen);
    bench.device.reset(bench.now_ms);
    assert!(bench.get("ES.GetMode").is_some());
}

#[test]
fn the_api_may_switch_itself_off_and_wipe_the_schedule() {
    let mut bench = unit("api-off-after-s=600");
    assert!(bench.set_mode(&slot(0, "00:00", "12:00", -900)));
    bench.wait(590_000);
    assert!(bench.get("ES.GetMode").is_some());
    bench.wait(20_000);
    assert!(bench.get("ES.GetMode").is_none());
    bench.device.reset(bench.now_ms);
    assert_eq!(bench.result("ES.GetMode")["mode"], "Manual");
    bench.wait(20_000);
    assert!(bench.ac_power_w().abs() < 1.0, "the slots are gone");
}

#[test]
fn passive_may_be_left_in_silence() {
    let mut bench = unit("passive-exit-s=120");
    assert!(bench.set_mode(&passive(-800, 3_600)));
    bench.wait(100_000);
    assert_eq!(bench.result("ES.GetMode")["ongrid_power"], -800);
    bench.wait(60_000);
    let mode = bench.result("ES.GetMode");
    assert_eq!(
        (&mode["mode"], &mode["ongrid_power"]),
        (&json!("Passive"), &json!(0)),
        "it still reads Passive"
    );
}

#[test]
fn the_first_sendings_of_an_order_may_be_swallowed() {
    let mut bench = unit("swallow-writes=1");
    assert!(bench.set_mode(&passive(-800, 300)), "acknowledged");
    bench.wait(20_000);
    assert_eq!(bench.result("ES.GetMode")["mode"], "Auto", "not applied");
    assert!(bench.set_mode(&passive(-800, 300)));
    bench.wait(20_000);
    assert_eq!(bench.result("ES.GetMode")["ongrid_power"], -800);
    let counters = bench.device.counters();
    assert_eq!((counters.writes_received, counters.writes_applied), (2, 1));
}

#[test]
fn set_result_may_be_false_for_three_reasons() {
    assert!(!unit("refuse-active").set_mode(&auto()));
    assert!(unit("").set_mode(&auto()));
    let mut stubborn = unit("refuse-writes");
    assert!(!stubborn.set_mode(&passive(1, 60)));
    assert_eq!(stubborn.result("ES.GetMode")["mode"], "Auto");
    let mut busy = unit("busy-ms=3000");
    assert!(busy.set_mode(&passive(1, 60)));
    busy.wait(1_000);
    assert!(!busy.set_mode(&passive(2, 60)));
    busy.wait(4_000);
    assert!(busy.set_mode(&passive(2, 60)));
}

#[test]
fn units_may_be_wrong() {
    let plain = unit("").result("Bat.GetStatus");
    let wrong = unit("wrong-unit=bat_capacity:0.1,bat_temp:-1").result("Bat.GetStatus");
    assert_eq!(plain["bat_capacity"], 2560.0);
    assert_eq!(wrong["bat_capacity"], 256.0);
    assert_eq!(wrong["bat_temp"].as_f64(), plain["bat_temp"].as_f64().map(|t| -t));
    assert_eq!(wrong["rated_capacity"], 5120.0);
}

#[test]
fn soc_may_read_zero_now_and_then() {
    let mut bench = unit("soc-zero-pct=20");
    let zero = share(&mut bench, "ES.GetMode", |reply| reply["result"]["bat_soc"] == 0);
    assert!((8..=35).contains(&zero), "{zero}");
    let zero = share(&mut bench, "Bat.GetStatus", |reply| reply["result"]["soc"] == 0);
    assert!((8..=35).contains(&zero), "{zero}");
}

#[test]
fn counters_may_dip_and_freeze() {
    let mut bench = bench("e3-150", "counter-dip-pct=20");
    bench.set_mode(&passive(2_000, 3_600));
    bench.wait(1_800_000);
    let given = bench.house.truth().batteries[0].ac_out_wh.round();
    let dips = share(&mut bench, "ES.GetStatus", |reply| {
        reply["result"]["total_grid_output_energy"].as_f64().unwrap() < given * 0.95
    });
    assert!((8..=35).contains(&dips), "{dips}");
    bench.device.switches = "counter-freeze".parse().unwrap();
    let before = bench.result("ES.GetStatus")["total_grid_output_energy"].clone();
    bench.wait(600_000);
    assert_eq!(bench.result("ES.GetStatus")["total_grid_output_energy"], before);
    bench.device.switches.set("counter-freeze=off").unwrap();
    let after = bench.result("ES.GetStatus")["total_grid_output_energy"].clone();
    assert!(after.as_f64() > before.as_f64());
    bench.device.switches.set("counter-freeze").unwrap();
    assert_eq!(
        bench.result("ES.GetStatus")["total_grid_output_energy"],
        after,
        "it stands where it is, not where it was"
    );
}

#[test]
fn the_identity_may_be_odd() {
    let plain = unit("").result("Marstek.GetDevice");
    assert_eq!((&plain["ip"], &plain["ble_mac"]), (&json!("192.168.1.50"), &json!("020000000001")));
    assert_eq!(unit("padded-ip").result("Marstek.GetDevice")["ip"], "192.168.01.50");
    let bare = unit("no-macs").result("Marstek.GetDevice");
    assert!(bare.get("ble_mac").is_none() && bare.get("wifi_mac").is_none() && bare.get("ver").is_some());
    let mut stranger = unit("ble-mac=02:00:00:00:00:ff");
    assert_eq!(stranger.result("Marstek.GetDevice")["ble_mac"], "0200000000ff");
    assert_eq!(stranger.result("Marstek.GetDevice")["wifi_mac"], "020000000100");
    assert_eq!(stranger.result("BLE.GetStatus")["ble_mac"], "0200000000ff");
    assert_eq!(stranger.get("ES.GetMode").unwrap()["src"], "VenusE-0200000000ff");
    assert!(unit("omit=bat_soc").result("ES.GetMode").get("bat_soc").is_none());
}

#[test]
fn the_firmware_may_change() {
    let mut bench = bench("e3-139", "");
    assert!(bench.get("ES.GetStatus").is_none());
    bench.device.switches.set("firmware=e3-150").unwrap();
    assert_eq!(bench.result("Marstek.GetDevice")["ver"], 150);
    assert!(bench.get("ES.GetStatus").is_some());
    bench.device.switches.set("firmware=1509").unwrap();
    assert_eq!(bench.result("Marstek.GetDevice")["ver"], 1509);
    assert!(bench.get("ES.GetStatus").is_none(), "only the number changed");
}

#[rstest]
#[case("garbage=strings", "\"bat_soc\":\t\"50\"")]
#[case("garbage=nulls", "\"bat_soc\":\tnull")]
#[case("garbage=nan", "\"bat_soc\":\tnan")]
#[case("garbage=huge", "\"bat_soc\":\t1e999")]
fn numbers_may_be_garbage(#[case] switches: &str, #[case] expected: &str) {
    let mut bench = unit(switches);
    let bytes = bench.request("ES.GetMode", &json!({"id": 0}))[0].bytes.clone();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(expected) && text.contains("\"id\":\t0"), "{text}");
}

#[rstest]
#[case("malformed=truncated", |bytes: &[u8]| bytes.len() > 50 && serde_json::from_slice::<Value>(bytes).is_err())]
#[case("malformed=oversized", |bytes: &[u8]| bytes.len() == 60_000)]
#[case("malformed=non-utf8", |bytes: &[u8]| std::str::from_utf8(bytes).is_err())]
#[case("malformed=empty", |bytes: &[u8]| bytes.is_empty())]
#[case("malformed=not-json", |bytes: &[u8]| bytes.starts_with(b"HM"))]
fn datagrams_may_be_spoilt(#[case] switches: &str, #[case] is_so: fn(&[u8]) -> bool) {
    assert!(is_so(&unit(switches).request("ES.GetMode", &json!({"id": 0}))[0].bytes));
    let mut half = unit(&format!("{switches}:50"));
    let spoilt = (0..100).filter(|_| is_so(&half.request("ES.GetMode", &json!({"id": 0}))[0].bytes)).count();
    assert!((30..=70).contains(&spoilt), "{spoilt}");
}

#[test]
fn a_forgery_comes_first_and_from_elsewhere() {
    let mut bench = unit("spoof=127.0.0.66:30000");
    let answers = bench.request("ES.GetMode", &json!({"id": 0}));
    let bodies: Vec<Value> = answers.iter().map(|a| serde_json::from_slice(&a.bytes).unwrap()).collect();
    assert_eq!(answers[0].forged_from, Some("127.0.0.66:30000".parse().unwrap()));
    assert!(answers[1].forged_from.is_none() && answers[0].after_ms < answers[1].after_ms);
    assert_eq!(bodies[0]["id"], bodies[1]["id"]);
    assert_eq!((&bodies[0]["result"]["bat_soc"], &bodies[1]["result"]["bat_soc"]), (&json!(1), &json!(50)));
    assert_eq!(bench.device.counters().replies, 1);
}

#[test]
fn it_may_be_mute_or_refuse() {
    let mut bench = unit("mute");
    assert_eq!(answered(&mut bench), 0);
    bench.device.switches = "refuse".parse().unwrap();
    assert_eq!(answered(&mut bench), 0);
    let counters = bench.device.counters();
    assert_eq!((counters.drops_for(Drop::Mute), counters.drops_for(Drop::Refused)), (100, 100));
}

#[test]
fn mode_may_be_a_number_and_the_sensor_may_be_lost() {
    let mut bench = bench("e3-150", "integer-mode");
    assert_eq!(bench.result("ES.GetMode")["mode"], 0);
    bench.house.battery_mut(bench.device.battery()).mode = Mode::Ups;
    assert_eq!(bench.result("ES.GetMode")["mode"], 4);
    bench.device.switches = "ct-lost".parse().unwrap();
    let meter = bench.result("EM.GetStatus");
    assert_eq!(
        (&meter["ct_state"], &meter["a_power"], &meter["total_power"]),
        (&json!(0), &json!(0), &json!(0))
    );
}

#[test]
fn what_the_documents_leave_open_can_go_either_way() {
    let idle_after = |switches: &str, config: &Value, wait_ms: i64| {
        let mut bench = unit(switches);
        assert!(bench.set_mode(config));
        bench.wait(wait_ms);
        bench.ac_power_w().abs() < 1.0
    };
    let zero = slot(0, "00:00", "23:59", 0);
    assert!(idle_after("", &zero, 120_000));
    assert!(!idle_after("manual-zero=auto", &zero, 120_000));
    // 02:00 in Paris, inside a span that began at 22:00.
    let night = slot(0, "22:00", "06:00", -700);
    assert!(!idle_after("", &night, 120_000));
    assert!(idle_after("no-midnight-span", &night, 120_000));
    assert!(idle_after("", &passive(-700, 60), 180_000));
    assert!(!idle_after("passive-end=auto", &passive(-700, 60), 180_000));
}

#[test]
fn each_switch_has_a_test_here_or_on_the_sockets() {
    let here = include_str!("switches.rs");
    let served = include_str!("served.rs");
    for switch in SWITCHES {
        let used = |text: &str| {
            text.contains(&format!("\"{}", switch.name)) || text.contains(&format!(" {}=", switch.name))
        };
        assert!(used(here) || used(served), "{} is tested nowhere", switch.name);
    }
}
