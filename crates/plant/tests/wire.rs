//! What each model says, with fixtures written by hand from the documents and the reports of users.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which may fail loudly")]

mod common;

use common::{auto, bench, passive, pretty, slot};
use expect_test::{Expect, expect};
use ohmstead_plant::marstek::{Cast, Drop, Profile};
use rstest::rstest;
use serde_json::{Value, json};

fn text(profile: &str, method: &str) -> String {
    let mut bench = bench(profile, "");
    let answers = bench.request(method, &json!({"id": 0}));
    answers.first().map_or_else(|| "(silent)".to_owned(), |a| String::from_utf8(a.bytes.clone()).unwrap())
}

fn check(profile: &str, method: &str, expected: &Expect) {
    expected.assert_eq(&text(profile, method));
}

#[test]
fn a_reply_is_printed_as_the_firmware_prints_it() {
    check(
        "e3-150",
        "Marstek.GetDevice",
        &expect![[r#"
            {
            	"id":	2,
            	"src":	"VenusE 3.0-020000000001",
            	"result":	{
            		"device":	"VenusE 3.0",
            		"ver":	150,
            		"ble_mac":	"020000000001",
            		"wifi_mac":	"020000000002",
            		"wifi_name":	"MY_HOME",
            		"ip":	"192.168.01.50"
            	}
            }"#]],
    );
    check(
        "e3-139",
        "Bat.GetStatus",
        &expect![[r#"
            {
            	"id":	2,
            	"src":	"VenusE 3.0-020000000001",
            	"result":	{
            		"id":	0,
            		"soc":	50,
            		"charg_flag":	true,
            		"dischrg_flag":	true,
            		"bat_temp":	197.0,
            		"bat_capacity":	256.0,
            		"rated_capacity":	5120.0
            	}
            }"#]],
    );
}

#[test]
fn an_error_is_printed_as_the_firmware_prints_it() {
    check(
        "e3-150",
        "PV.GetStatus",
        &expect![[r#"
            {
            	"id":	2,
            	"src":	"VenusE 3.0-020000000001",
            	"error":	{
            		"code":	-32601,
            		"message":	"Method not found",
            		"data":	424
            	}
            }"#]],
    );
}

/// A: answers, -: silent, the number of an error otherwise (with its data).
fn survey(profile: Profile) -> String {
    const METHODS: [&str; 14] = [
        "Marstek.GetDevice",
        "Wifi.GetStatus",
        "BLE.GetStatus",
        "Bat.GetStatus",
        "PV.GetStatus",
        "ES.GetStatus",
        "ES.GetMode",
        "EM.GetStatus",
        "DOD.SET",
        "Led.Ctrl",
        "Ble.Adv",
        "Set.Ver",
        "Reset.Factory",
        "Wifi.SetConfig",
    ];
    let mut columns = vec![format!("{:<10}", profile.name())];
    for method in METHODS {
        let mut bench = bench(profile.name(), "");
        columns.push(match bench.get(method) {
            None => "  -".to_owned(),
            Some(reply) if reply["error"].is_null() => "  A".to_owned(),
            Some(reply) => match reply["error"]["data"].as_i64() {
                None => " NF".to_owned(),
                Some(data) => format!(" {data}"),
            },
        });
    }
    columns.concat()
}

#[test]
fn each_profile_answers_its_own_methods() {
    let table: Vec<_> = Profile::all().map(survey).collect();
    // Columns: GetDevice Wifi BLE Bat PV ES.GetStatus ES.GetMode EM DOD Led Ble.Adv Set.Ver Reset Wifi.SetConfig
    expect![[r"
        rev-1.0     A  A  A  A  A  A  A  A NF NF NF NF NF NF
        hmg50-153   A  A  A  A NF  A  A NF NF NF NF NF NF  A
        hmg50-155   A  A  A  A NF  A  A  A NF NF NF NF NF  A
        hmg50-156   A  A  A  A NF  A  A  A NF NF NF NF NF  A
        e3-139      A  A  A  A NF  -  A  A NF NF NF NF NF NF
        e3-144      A  A  A  A NF  A  A  A NF NF NF NF NF NF
        e3-148      A  A  A  A NF  A  A  A NF NF NF NF NF NF
        e3-150      A  A  A  A 424  A  A  A  A  A  A  A  A 424
        va-147      A  A  A  A  A  A  A  A NF NF NF NF NF NF
        va-148      A  A  A  A  A  A  A  A NF NF NF NF NF NF
        va-149      A  A  A  A  A  A  A  A NF NF NF  A  A NF
        va-150      A  A  A  A  A  A  A  A  A  A  A  A  A 424
        vd-147      A  A  A  A  A  A  A  A NF NF NF NF NF NF
        vd-148      A  A  A  A  A  A  A  A NF NF NF  A NF NF
        vd-149      A  A  A  A  A  A  A  A NF NF NF  A  A NF
        vd-150      A  A  A  A  A  A  A  A  A  A  A  A  A 424
        mini-300    A  A  A  A NF  A  A  A NF NF NF NF NF NF"]]
    .assert_eq(&table.join("\n"));
}

/// The fields of a result, in order.
fn fields(profile: &str, method: &str) -> String {
    let reply: Value = serde_json::from_str(&text(profile, method)).unwrap();
    let names: Vec<_> = reply["result"].as_object().unwrap().keys().cloned().collect();
    names.join(" ")
}

#[rstest]
#[case("hmg50-153", "ES.GetStatus", expect!["id bat_soc bat_cap pv_power ongrid_power offgrid_power bat_power total_pv_energy total_grid_output_energy total_grid_input_energy total_load_energy"])]
#[case("hmg50-155", "ES.GetStatus", expect!["id bat_soc bat_cap pv_power ongrid_power offgrid_power total_grid_output_energy total_grid_input_energy"])]
#[case("e3-150", "ES.GetStatus", expect!["id bat_soc bat_cap pv_power ongrid_power offgrid_power total_pv_energy total_grid_output_energy total_grid_input_energy total_load_energy"])]
#[case("e3-148", "ES.GetMode", expect!["id mode ongrid_power offgrid_power bat_soc"])]
#[case("e3-150", "ES.GetMode", expect!["id mode ongrid_power offgrid_power bat_soc ct_state a_power b_power c_power total_power input_energy output_energy"])]
#[case("vd-150", "EM.GetStatus", expect!["id ct_state a_power b_power c_power total_power input_energy output_energy parse_state"])]
#[case("e3-148", "EM.GetStatus", expect!["id ct_state a_power b_power c_power total_power"])]
#[case("hmg50-155", "Bat.GetStatus", expect!["id soc charg_flag dischrg_flag bat_temp bat_capacity rated_capacity bat_voltage bat_current error_code"])]
#[case("rev-1.0", "PV.GetStatus", expect!["id pv_power pv_voltage pv_current"])]
#[case("hmg50-153", "Wifi.GetStatus", expect!["id wifi_mac ssid rssi sta_ip sta_gate sta_mask sta_dns"])]
fn each_profile_has_its_own_fields(#[case] profile: &str, #[case] method: &str, #[case] expected: Expect) {
    expected.assert_eq(&fields(profile, method));
}

/// Raw values of one and the same state: 40 %, 2048 of 5120 Wh, 21 C, 80 W out, 12 kWh given, panels 100 W each, 3 kWh.
#[rstest]
#[case("hmg50-153", expect!["bat_temp 21.0 bat_capacity 204800.0 bat_power 3200 out 1200 pv_energy 0"])]
#[case("hmg50-156", expect!["bat_temp 2.0 bat_capacity 2048.0 out 120 pv_energy 0"])]
#[case("e3-144", expect!["bat_temp 21.0 bat_capacity 2048.0 out 12000 pv_energy 0"])]
#[case("va-148", expect!["bat_temp 21.0 bat_capacity 2048.0 out 12000 pv_energy 0 pv1 1000 pv2 100"])]
#[case("va-149", expect!["bat_temp 21.0 bat_capacity 2048.0 out 12000 pv_energy 300 pv1 1000 pv2 100"])]
#[case("vd-150", expect!["bat_temp 21.0 bat_capacity 2048.0 out 12000 pv_energy 300 pv1 1000 pv2 100"])]
fn each_profile_has_its_own_scales(#[case] profile: &str, #[case] expected: Expect) {
    let mut bench = bench(profile, "");
    let mut state = ohmstead_plant::marstek::Readings::of(&bench.house, bench.device.battery());
    (state.soc_pct, state.stored_wh, state.temperature_c) = (40.0, 2_048.0, 21.0);
    (state.ac_out_wh, state.pv_wh, state.ongrid_w, state.bat_w) = (12_000.0, 3_000.0, 80.0, 320.0);
    for panel in &mut state.panels {
        (panel.power_w, panel.voltage_v, panel.current_a) = (100.0, 33.0, 3.03);
    }
    bench.device.pinned = Some(state);
    let (bat, es) = (bench.result("Bat.GetStatus"), bench.result("ES.GetStatus"));
    let pv = bench.get("PV.GetStatus").unwrap();
    let parts = [
        ("bat_temp", &bat["bat_temp"]),
        ("bat_capacity", &bat["bat_capacity"]),
        ("bat_power", &es["bat_power"]),
        ("out", &es["total_grid_output_energy"]),
        ("pv_energy", &es["total_pv_energy"]),
        ("pv1", &pv["result"]["pv1_power"]),
        ("pv2", &pv["result"]["pv2_power"]),
    ];
    let line: Vec<_> =
        parts.iter().filter(|(_, raw)| !raw.is_null()).map(|(name, raw)| format!("{name} {raw}")).collect();
    expected.assert_eq(&line.join(" "));
}

#[rstest]
#[case::not_json("{\"id\":1,", -32_700, 0)]
#[case::no_method(r#"{"id":7,"params":{}}"#, -32_600, 7)]
#[case::no_object("[]", -32_600, 0)]
#[case::unknown_method(r#"{"id":7,"method":"ES.Dance","params":{"id":0}}"#, -32_601, 7)]
#[case::no_params(r#"{"id":7,"method":"Bat.GetStatus"}"#, -32_602, 7)]
#[case::params_no_object(r#"{"id":7,"method":"ES.GetMode","params":[0]}"#, -32_602, 7)]
#[case::no_config(r#"{"id":7,"method":"ES.SetMode","params":{"id":0}}"#, -32_602, 7)]
fn a_bad_request_has_its_error(#[case] request: &str, #[case] code: i64, #[case] id: i64) {
    let answers = bench("hmg50-155", "").send(request.as_bytes());
    let reply: Value = serde_json::from_slice(&answers[0].bytes).unwrap();
    assert_eq!((reply["error"]["code"].as_i64(), reply["id"].as_i64()), (Some(code), Some(id)), "{reply}");
}

#[rstest]
#[case::wraps("65536", "0")]
#[case::wraps_further("65545", "9")]
#[case::text_is_echoed("\"abc\"", "\"abc\"")]
fn the_id_comes_back_in_sixteen_bits(#[case] sent: &str, #[case] echoed: &str) {
    let request = format!(r#"{{"id":{sent},"method":"ES.GetMode","params":{{"id":0}}}}"#);
    let answers = bench("hmg50-155", "").send(request.as_bytes());
    let reply: Value = serde_json::from_slice(&answers[0].bytes).unwrap();
    assert_eq!(reply["id"].to_string(), echoed);
}

#[rstest]
#[case("ES.GetMode", true)]
#[case("Bat.GetStatus", true)]
#[case("EM.GetStatus", false)]
fn e3_139_ignores_text_ids_for_two_methods(#[case] method: &str, #[case] silent: bool) {
    let mut bench = bench("e3-139", "");
    let request = json!({"id": "ha-1", "method": method, "params": {"id": 0}});
    assert_eq!(bench.send(request.to_string().as_bytes()).is_empty(), silent);
    assert_eq!(bench.device.counters().drops_for(Drop::TextId), u64::from(silent));
}

#[test]
fn methods_are_case_sensitive() {
    let mut bench = bench("e3-150", "");
    assert!(bench.get("Wifi.GetStatus").is_some());
    assert!(bench.get("wifi.GetStatus").is_none());
    assert_eq!(bench.device.counters().drops_for(Drop::SilentMethod), 1);
}

#[test]
fn a_reply_goes_to_the_request_s_source() {
    let request = br#"{"id":1,"method":"ES.GetMode","params":{"id":0}}"#;
    let answers = bench("e3-150", "").send_from("10.1.2.3:4567", request);
    assert_eq!(answers[0].to, "10.1.2.3:4567".parse().unwrap());
    assert!((60..200).contains(&answers[0].after_ms), "about a tenth of a second: {}", answers[0].after_ms);
}

#[rstest]
#[case::anyone("0", true)]
#[case::this_unit("0200000000ab", true)]
#[case::upper_case("0200000000AB", true)]
#[case::another("020000000099", false)]
fn a_search_finds_the_unit_it_names(#[case] mac: &str, #[case] found: bool) {
    let mut bench = bench("hmg50-155", "ble-mac=0200000000ab");
    let request = json!({"id": 0, "method": "Marstek.GetDevice", "params": {"ble_mac": mac}}).to_string();
    let from = common::CLIENT.parse().unwrap();
    let answers =
        bench.device.receive_cast(bench.now_ms, from, request.as_bytes(), Cast::Broadcast, &mut bench.house);
    assert_eq!(!answers.is_empty(), found);
}

#[test]
fn a_broadcast_of_anything_else_is_not_answered() {
    let mut bench = bench("hmg50-155", "");
    let request = br#"{"id":1,"method":"ES.GetMode","params":{"id":0}}"#;
    let from = common::CLIENT.parse().unwrap();
    let answers = bench.device.receive_cast(bench.now_ms, from, request, Cast::Broadcast, &mut bench.house);
    assert!(answers.is_empty());
    assert_eq!(bench.device.counters().drops_for(Drop::Broadcast), 1);
}

#[test]
fn a_request_beyond_the_module_s_buffer_is_dropped() {
    let mut bench = bench("e3-150", "");
    let request =
        format!(r#"{{"id":1,"method":"ES.GetMode","params":{{"id":0,"x":"{}"}}}}"#, "y".repeat(1_500));
    assert!(bench.send(request.as_bytes()).is_empty());
    assert_eq!(bench.device.counters().drops_for(Drop::Oversized), 1);
}

#[test]
fn an_a_without_panels_is_silent_about_them_and_a_d_says_zero() {
    for (profile, silent) in [("va-148", true), ("vd-148", false)] {
        let mut bench = bench(profile, "");
        bench.house.battery_mut(bench.device.battery()).settings.pv_peak_w = None;
        assert_eq!(bench.get("PV.GetStatus").is_none(), silent, "{profile}");
    }
}

#[test]
fn passive_is_obeyed_and_read_back() {
    let mut bench = bench("e3-148", "");
    assert!(bench.set_mode(&passive(-800, 300)));
    bench.wait(30_000);
    let mode = bench.result("ES.GetMode");
    assert_eq!(mode["mode"], "Passive");
    assert_eq!(mode["ongrid_power"], -800, "charging is negative");
    assert!(mode.get("passive_cfg").is_none());
    bench.wait(300_000);
    assert_eq!(bench.result("ES.GetMode")["ongrid_power"], 0, "the countdown is over");
}

#[test]
fn the_active_mode_is_refused_by_e3_150_only() {
    assert!(!bench("e3-150", "").set_mode(&auto()));
    assert!(bench("e3-148", "").set_mode(&auto()));
    let mut bench = bench("e3-150", "");
    assert!(bench.set_mode(&passive(500, 60)));
    assert!(bench.set_mode(&passive(500, 60)), "Passive has to be renewed");
}

#[test]
fn forgotten_slots_keep_running_until_they_are_cleared() {
    let mut bench = bench("e3-148", "");
    // It is 02:00 in Paris. The app left a slot; Manual is entered with a disabled placeholder in another one.
    assert!(bench.set_mode(&slot(3, "00:00", "12:00", -1_500)));
    assert!(bench.set_mode(&auto()));
    let mut placeholder = slot(9, "00:00", "00:00", 0);
    placeholder["manual_cfg"]["enable"] = json!(0);
    assert!(bench.set_mode(&placeholder));
    bench.wait(60_000);
    assert!(bench.ac_power_w() < -1_400.0);
    let mut cleared = slot(3, "00:00", "12:00", -1_500);
    cleared["manual_cfg"]["enable"] = json!(0);
    assert!(bench.set_mode(&cleared));
    bench.wait(60_000);
    assert!(bench.ac_power_w().abs() < 1.0);
}

#[test]
fn the_mini_acknowledges_a_slot_without_manual_set_and_does_nothing() {
    let mut bench = bench("mini-300", "");
    assert!(bench.set_mode(&slot(0, "00:00", "12:00", -500)));
    assert_eq!(bench.result("ES.GetMode")["mode"], "Auto");
    let counters = bench.device.counters();
    assert_eq!((counters.writes_received, counters.writes_applied), (1, 0));
    let mut complete = slot(0, "00:00", "12:00", -500);
    complete["manual_cfg"]["manual_set"] = json!(1);
    assert!(bench.set_mode(&complete));
    bench.wait(60_000);
    assert!((bench.ac_power_w() + 500.0).abs() < 1.0);
    assert!(!bench.set_mode(&passive(100, 60)), "the mini has no Passive");
}

#[test]
fn depth_power_version_and_factory_reset_act_on_the_battery() {
    let mut bench = bench("e3-150", "");
    let write = |bench: &mut common::Bench, method: &str, params: Value| {
        let answers = bench.request(method, &params);
        serde_json::from_slice::<Value>(&answers[0].bytes).unwrap()["result"]["set_result"] == true
    };
    assert!(write(&mut bench, "DOD.SET", json!({"id": 0, "value": 60})));
    assert!(!write(&mut bench, "DOD.SET", json!({"id": 0, "value": 95})));
    assert!((bench.house.truth().batteries[0].floor_pct - 39.5).abs() < 1e-9);
    assert!(write(&mut bench, "Set.Ver", json!({"id": 0, "version": 800})));
    assert!(!write(&mut bench, "Set.Ver", json!({"id": 0, "version": 900})));
    assert!(bench.set_mode(&passive(-2_000, 600)));
    bench.wait(60_000);
    assert!((bench.ac_power_w() + 800.0).abs() < 1.0, "the power version limits: {}", bench.ac_power_w());
    assert!(bench.result("ES.GetStatus")["total_grid_input_energy"].as_i64().unwrap() >= 12);
    assert!(write(&mut bench, "Reset.Factory", json!({"id": 0, "type": 1})));
    assert!(bench.get("ES.GetMode").is_none(), "the API is off on delivery");
    bench.device.reset(bench.now_ms);
    assert_eq!(bench.result("ES.GetStatus")["total_grid_input_energy"], 0);
}

#[test]
fn counters_tell_what_happened() {
    let mut bench = bench("hmg50-156", "");
    bench.result("ES.GetMode");
    bench.result("ES.GetMode");
    bench.set_mode(&json!({"mode": "Auto"}));
    bench.send(b"junk");
    for n in 0..200 {
        bench.get(&format!("No.Such{n}"));
    }
    let counters = bench.device.counters();
    assert_eq!(counters.requests_of("ES.GetMode"), 2);
    assert_eq!((counters.writes_received, counters.writes_applied), (1, 0));
    assert_eq!((counters.datagrams, counters.replies), (204, 204));
    assert!(
        counters.requests.len() <= 65 && counters.requests_of("(other)") > 100,
        "names from outside are bounded"
    );
}

proptest::proptest! {
    #[test]
    fn no_datagram_makes_it_panic_and_every_answer_is_small(bytes: Vec<u8>, config in "[ -~]{0,60}") {
        let mut bench = bench("va-150", "");
        bench.send(&bytes);
        let request = format!(r#"{{"id":1,"method":"ES.SetMode","params":{{"id":0,"config":{config}}}}}"#);
        for answer in bench.send(request.as_bytes()) {
            proptest::prop_assert!(answer.bytes.len() <= 1_460);
            let reply: Value = serde_json::from_slice(&answer.bytes).unwrap();
            proptest::prop_assert_eq!(pretty(&reply, 0).into_bytes(), answer.bytes);
        }
    }
}
