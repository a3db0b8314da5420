//! Replies as units send them, and what becomes of them. The fixtures are written by hand after the vendor's document
//! and public captures.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use ohmstead_model::UnixMillis;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn at(seconds: u64) -> Moment {
    Moment { mono: Duration::from_secs(seconds), unix: UnixMillis(0) }
}

fn interpreter(model: &str, ver: f64) -> Interpreter {
    let mut interpreter = Interpreter::new(Scales::default(), None, Duration::from_secs(100));
    interpreter.profile = Profile { family: Family::of(model), firmware: Firmware::from_ver(ver) };
    interpreter
}

fn fields(reply: &serde_json::Value) -> Fields {
    reply.as_object().expect("an object").clone()
}

fn print(values: &Values) -> String {
    let mut text = String::new();
    for (metric, observation) in values {
        match observation {
            Ok(Value::Number(number)) => {
                let unit = metric.def().unit.map_or("", ohmstead_model::catalogue::Unit::symbol);
                writeln!(text, "{metric} = {} {unit}", metric.round(*number)).expect("a string takes it");
            }
            Ok(value) => writeln!(text, "{metric} = {}", value.as_str().unwrap_or_default())
                .expect("a string takes it"),
            Err(why) => writeln!(text, "{metric}: {why}").expect("a string takes it"),
        }
    }
    text
}

fn check(interpreter: &mut Interpreter, method: Method, reply: &serde_json::Value, expect: &Expect) {
    expect.assert_eq(&print(&interpreter.read(method, &fields(reply), at(1000))));
}

#[test]
fn mode_of_a_charging_venus_e3() {
    check(
        &mut interpreter("VenusE 3.0", 150.0),
        Method::EsMode,
        &json!({"id":0,"mode":"Auto","ongrid_power":-135,"offgrid_power":0,"bat_soc":38}),
        &expect![[r#"
            battery_mode_native = Auto
            battery_mode = auto
            battery_soc = 38 %
            inverter_power = -135 W
            inverter_backup_power = 0 W
            battery_power = -135 W
        "#]],
    );
}

#[test]
fn mode_with_the_meter_of_a_venus_a() {
    let mut venus = interpreter("Venus A", 148.0);
    venus.read(Method::Pv, &fields(&json!({"pv1_power":1000,"pv2_power":50})), at(990));
    check(
        &mut venus,
        Method::EsMode,
        &json!({"id":0,"mode":2,"ongrid_power":-133,"offgrid_power":0,"bat_soc":15,"ct_state":1,
            "a_power":-810,"b_power":86,"c_power":839,"total_power":115,"input_energy":2_108_000,"output_energy":3_075_000}),
        &expect![[r#"
            battery_mode_native = Manual
            battery_mode = manual
            battery_soc = 15 %
            inverter_power = -133 W
            inverter_backup_power = 0 W
            grid_power = 115 W
            grid_power_l1 = -810 W
            grid_power_l2 = 86 W
            grid_power_l3 = 839 W
            grid_import_energy = 210.8 kWh
            grid_export_energy = 307.5 kWh
            grid_meter_connected = yes
            battery_power = -283 W
        "#]],
    );
}

#[test]
fn zeros_of_the_meter_in_mode_are_not_believed() {
    check(
        &mut interpreter("VenusE 3.0", 150.0),
        Method::EsMode,
        &json!({"mode":"AI","ongrid_power":0,"offgrid_power":0,"bat_soc":38,"ct_state":1,
            "a_power":0,"b_power":0,"c_power":0,"total_power":0,"input_energy":0,"output_energy":0}),
        &expect![[r#"
            battery_mode_native = AI
            battery_mode = native
            battery_soc = 38 %
            inverter_power = 0 W
            inverter_backup_power = 0 W
            battery_power = 0 W
        "#]],
    );
}

#[test]
fn status_of_a_venus_e3_counts_watt_hours() {
    check(
        &mut interpreter("VenusE 3.0", 150.0),
        Method::EsStatus,
        &json!({"bat_soc":98,"bat_cap":5120,"pv_power":0,"ongrid_power":100,"offgrid_power":20,"total_pv_energy":0,
            "total_grid_output_energy":69505,"total_grid_input_energy":1598,"total_load_energy":0}),
        &expect![[r#"
            battery_soc = 98 %
            battery_capacity = 5120 Wh
            inverter_power = 100 W
            inverter_backup_power = 20 W
            battery_discharge_energy = 69.51 kWh
            inverter_output_energy = 69.51 kWh
            battery_charge_energy = 1.6 kWh
            inverter_input_energy = 1.6 kWh
            battery_power = 120 W
        "#]],
    );
}

#[test]
fn counters_of_an_hmg50_wait_for_the_proof_of_their_unit() {
    let mut hmg = interpreter("VenusE", 155.0);
    let mut status = |seconds: u64| {
        let energy = 0.5 * f64::from(u32::try_from(seconds).expect("small")) / 3.6 / 1000.0 * 3.6;
        // 1800 W of discharge: 0.5 Wh a second; the counter ticks in 100 Wh.
        let ticks = 700.0 + (energy * 1000.0 / 100.0).floor();
        let reply = json!({"bat_soc":60,"ongrid_power":1800,"offgrid_power":0,"total_grid_output_energy":ticks,"total_grid_input_energy":919});
        print(&hmg.read(Method::EsStatus, &fields(&reply), at(seconds)))
    };
    let first = status(0);
    assert!(
        first.contains("inverter_output_energy: missing: the unit of total_grid_output_energy"),
        "{first}"
    );
    let last = (1..40).map(|poll| status(poll * 30)).last().expect("39 polls");
    assert!(last.contains("inverter_output_energy = 70.5 kWh"), "{last}");
    assert!(last.contains("battery_charge_energy = 91.9 kWh"), "{last}");
}

#[test]
fn battery_of_an_e3_139_in_odd_units() {
    check(
        &mut interpreter("VenusE 3.0", 139.0),
        Method::Bat,
        &json!({"id":0,"soc":86,"charg_flag":true,"dischrg_flag":true,"bat_temp":314.0,"bat_capacity":441.0,"rated_capacity":5120.0}),
        &expect![[r#"
            battery_soc = 86 %
            battery_charge_allowed = yes
            battery_discharge_allowed = yes
            battery_temperature = 31.4 °C
            battery_capacity = 5120 Wh
            battery_energy_remaining = 4410 Wh
        "#]],
    );
}

#[test]
fn battery_of_an_hmg50_156() {
    check(
        &mut interpreter("VenusE", 156.0),
        Method::Bat,
        &json!({"soc":11,"charg_flag":1,"dischrg_flag":"0","bat_temp":2.0,"bat_capacity":563.0,"rated_capacity":5120.0,"bat_voltage":5211}),
        &expect![[r#"
            battery_soc = 11 %
            battery_charge_allowed = yes
            battery_discharge_allowed = no
            battery_temperature = 20 °C
            battery_capacity = 5120 Wh
            battery_voltage = 52.11 V
            battery_energy_remaining = 563 Wh
        "#]],
    );
}

#[test]
fn solar_of_a_venus_a_with_deciwatts_on_the_first_channel() {
    check(
        &mut interpreter("VenusA", 147.0),
        Method::Pv,
        &json!({"id":0,"pv1_power":268,"pv1_voltage":33,"pv1_current":0,"pv1_state":1,"pv2_power":29,"pv2_voltage":46,"pv2_current":0,"pv2_state":1}),
        &expect![[r#"
            pv_power_1 = 27 W
            pv_power_2 = 29 W
            pv_power = 56 W
            pv_voltage_1 = 33 V
            pv_current_1 = 0 A
            pv_state_1 = working
            pv_voltage_2 = 46 V
            pv_current_2 = 0 A
            pv_state_2 = working
        "#]],
    );
}

#[test]
fn solar_as_in_the_first_document() {
    check(
        &mut interpreter("VenusX", 1.0),
        Method::Pv,
        &json!({"pv_power":580.0,"pv_voltage":40.0,"pv_current":12.0}),
        &expect![[r#"
            pv_power = 580 W
            pv_voltage_1 = 40 V
            pv_current_1 = 12 A
        "#]],
    );
}

#[test]
fn a_first_channel_in_watts_is_recognised_by_its_current() {
    let mut venus = interpreter("VenusD", 160.0);
    let reply = json!({"pv1_power":400,"pv1_voltage":40,"pv1_current":10});
    assert!(print(&venus.read(Method::Pv, &fields(&reply), at(0))).starts_with("pv_power_1 = 400 W"));
}

#[test]
fn a_meter_that_is_not_connected_is_unknown_not_0() {
    check(
        &mut interpreter("VenusE 3.0", 150.0),
        Method::Em,
        &json!({"id":0,"ct_state":0,"a_power":0,"b_power":0,"c_power":0,"total_power":0}),
        &expect![[r#"
            grid_power: missing: the meter is not connected to the unit
            grid_meter_connected = no
        "#]],
    );
}

#[test]
fn identity_and_network() {
    let mut unit = interpreter("", 0.0);
    check(
        &mut unit,
        Method::GetDevice,
        &json!({"device":"Venus A","ver":1492,"ble_mac":"020000000001","wifi_name":"MY_WIFI","ip":"192.168.01.50"}),
        &expect![[r#"
            device_model = Venus A
            device_firmware = 149.2
        "#]],
    );
    assert_eq!(unit.profile.family, Family::VenusA);
    check(
        &mut unit,
        Method::Wifi,
        &json!({"id":0,"ssid":null,"rssi":-59,"sta_ip":"192.0.2.41","sta_gate":"192.0.2.1"}),
        &expect![[r#"
            wifi_ssid: the device does not report it
            wifi_signal = -59 dBm
            device_address = 192.0.2.41
        "#]],
    );
    check(
        &mut unit,
        Method::Ble,
        &json!({"id":0,"state":"connect","ble_mac":"123456789012"}),
        &expect![[r#"
            bluetooth_connected = yes
        "#]],
    );
}

#[test]
fn null_string_numbers_and_nonsense() {
    check(
        &mut interpreter("VenusE 3.0", 150.0),
        Method::EsMode,
        &json!({"mode":"Turbo","ongrid_power":null,"offgrid_power":"12","bat_soc":"NaN"}),
        &expect![[r#"
            battery_mode_native = Turbo
            battery_mode = native
            battery_soc: implausible: bat_soc = "NaN"
            inverter_power: the device does not report it
            inverter_backup_power = 12 W
        "#]],
    );
}

#[test]
fn battery_power_of_a_solar_unit_needs_its_solar_power() {
    let mut venus = interpreter("VenusD", 150.0);
    let reply = json!({"mode":"Auto","ongrid_power":500,"offgrid_power":0,"bat_soc":50});
    let alone = print(&venus.read(Method::EsMode, &fields(&reply), at(1000)));
    assert!(alone.contains("battery_power: missing: pv_power"), "{alone}");
    venus.read(Method::Pv, &fields(&json!({"pv1_power":8000,"pv2_power":0})), at(1000));
    let split = print(&venus.read(Method::EsMode, &fields(&reply), at(1003)));
    assert!(split.contains("battery_power = -300 W"), "{split}");
    let apart = print(&venus.read(Method::EsMode, &fields(&reply), at(1050)));
    assert!(!apart.contains("battery_power"), "{apart}");
    let sun = print(&venus.read(Method::Pv, &fields(&json!({"pv1_power":6000,"pv2_power":0})), at(1053)));
    assert!(sun.contains("battery_power = -100 W"), "{sun}");
    let stale = print(&venus.read(Method::EsMode, &fields(&reply), at(1154)));
    assert!(stale.contains("battery_power: missing: pv_power"), "{stale}");
}

#[test]
fn every_row_of_the_tables_is_announced() {
    for rows in [ES_MODE, ES_STATUS, BAT, METER, PV, WIFI, BLE, DEVICE] {
        for (name, metric, _) in rows {
            assert!(METRICS.contains(metric), "{name} gives {metric}, which METRICS lacks");
        }
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        ".{0,12}".prop_map(serde_json::Value::from),
    ]
}

proptest! {
    /// Whatever a unit puts into its fields: no crash, only finite numbers, nothing twice.
    #[test]
    fn hostile_fields_never_give_a_wild_value(
        method in 0..Method::ALL.len(),
        values in proptest::collection::vec(json_value(), 40),
        model in prop_oneof![Just("VenusE"), Just("VenusA"), Just("VenusE 3.0")],
    ) {
        let names = [ES_MODE, ES_STATUS, BAT, METER, PV, WIFI, BLE, DEVICE].concat();
        let extra = ["ct_state", "pv1_power", "pv2_power", "pv_power", "bat_capacity", "ver", "bat_power"];
        let names = names.iter().map(|(name, ..)| *name).chain(extra);
        let reply: Fields = names.zip(values.iter().cycle()).map(|(name, value)| (name.to_owned(), value.clone())).collect();
        let mut unit = interpreter(model, 150.0);
        for seconds in [0, 30, 60] {
            let read = unit.read(Method::ALL[method], &reply, at(seconds));
            for (index, (metric, observation)) in read.iter().enumerate() {
                if let Ok(Value::Number(number)) = observation {
                    prop_assert!(number.is_finite(), "{metric} = {number}");
                }
                prop_assert!(!read[..index].iter().any(|(earlier, _)| earlier == metric) || metric.id().starts_with("pv_"), "{metric} twice");
            }
        }
    }
}
