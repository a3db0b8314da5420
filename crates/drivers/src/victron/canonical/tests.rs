use super::*;
use crate::victron::native;
use crate::victron::notices::notices;
use crate::victron::testing::{tree, value};
use crate::victron::tree::Told;
use expect_test::{Expect, expect};
use ohmstead_model::Moment;
use proptest::prelude::*;
use rstest::rstest;
use std::fmt::Write as _;
use std::sync::Arc;

/// A house with three phases: ESS, Pylontech battery, meter, a solar charger and a PV inverter.
pub(crate) const HOUSE: &[(&str, &str, &str)] = &[
    ("system", "/VebusService", "com.victronenergy.vebus.ttyS4"),
    ("system", "/ActiveBatteryService", "com.victronenergy.battery/512"),
    ("system", "/ActiveBmsService", "com.victronenergy.battery.can0"),
    ("system", "/Ac/Grid/NumberOfPhases", "3"),
    ("system", "/Ac/Grid/L1/Power", "-1342.12445306"),
    ("system", "/Ac/Grid/L2/Power", "200"),
    ("system", "/Ac/Grid/L3/Power", "42"),
    ("system", "/Ac/Consumption/NumberOfPhases", "3"),
    ("system", "/Ac/Consumption/L1/Power", "700"),
    ("system", "/Ac/Consumption/L2/Power", "300"),
    ("system", "/Ac/Consumption/L3/Power", "142"),
    ("system", "/Ac/PvOnGrid/NumberOfPhases", "1"),
    ("system", "/Ac/PvOnGrid/L1/Power", "1500"),
    ("system", "/Ac/PvOnOutput/NumberOfPhases", ""),
    ("system", "/Dc/Pv/Power", "900"),
    ("system", "/Dc/Battery/Soc", "81"),
    ("system", "/Dc/Battery/Voltage", "51.2"),
    ("system", "/Dc/Battery/Current", "-10.5"),
    ("system", "/Dc/Battery/Power", "-537.6"),
    ("system", "/Dc/Battery/Temperature", "21.5"),
    ("system", "/Control/ActiveSocLimit", "10"),
    ("system", "/SystemState/State", "256"),
    ("vebus.ttyS4", "/DeviceInstance", "276"),
    ("vebus.ttyS4", "/State", "3"),
    ("vebus.ttyS4", "/Mode", "3"),
    ("vebus.ttyS4", "/Hub4/AssistantId", "5"),
    ("vebus.ttyS4", "/Ac/NumberOfPhases", "3"),
    ("vebus.ttyS4", "/Ac/Out/P", "600"),
    ("vebus.ttyS4", "/Ac/Out/L1/V", "231"),
    ("vebus.ttyS4", "/Ac/Out/L1/F", "50.02"),
    ("vebus.ttyS4", "/Ac/ActiveIn/Connected", "1"),
    ("vebus.ttyS4", "/Ac/ActiveIn/P", "-900"),
    ("vebus.ttyS4", "/VebusError", "0"),
    ("battery.can0", "/DeviceInstance", "512"),
    ("battery.can0", "/Soh", "98"),
    ("battery.can0", "/InstalledCapacity", "200"),
    ("battery.can0", "/System/NrOfCellsPerBattery", "15"),
    ("battery.can0", "/Info/MaxChargeVoltage", "53.2"),
    ("battery.can0", "/Info/MaxChargeCurrent", "50"),
    ("battery.can0", "/Info/MaxDischargeCurrent", "100"),
    ("battery.can0", "/System/MinCellVoltage", "3.401"),
    ("battery.can0", "/System/MaxCellVoltage", "3.425"),
    ("battery.ttyO0", "/DeviceInstance", "256"),
    ("battery.ttyO0", "/Soc", "12"),
    ("grid.cg", "/DeviceInstance", "30"),
    ("grid.cg", "/Connected", "1"),
    ("grid.cg", "/Ac/L1/Voltage", "238.5"),
    ("grid.cg", "/Ac/L2/Voltage", "240"),
    ("grid.cg", "/Ac/L3/Voltage", "241.5"),
    ("grid.cg", "/Ac/L1/Power", "-1342"),
    ("grid.cg", "/Ac/L1/Current", "5.6"),
    ("grid.cg", "/Ac/Energy/Forward", "5276.4"),
    ("grid.cg", "/Ac/Energy/Reverse", "8742.1"),
    ("solarcharger.ttyO2", "/DeviceInstance", "258"),
    ("solarcharger.ttyO2", "/Yield/Power", "900"),
    ("solarcharger.ttyO2", "/Yield/System", "100.5"),
    ("solarcharger.ttyO2", "/Pv/V", "90"),
    ("solarcharger.ttyO2", "/MppOperationMode", "2"),
    ("pvinverter.fronius", "/DeviceInstance", "20"),
    ("pvinverter.fronius", "/Ac/Power", "1500"),
    ("pvinverter.fronius", "/Ac/Energy/Forward", "2000"),
    ("settings", "/Settings/CGwacs/Hub4Mode", "1"),
    ("settings", "/Settings/CGwacs/AcPowerSetPoint", "50.0"),
    ("settings", "/Settings/CGwacs/MaxDischargePower", "-1.0"),
    ("settings", "/Settings/CGwacs/MaxFeedInPower", "-1.0"),
    ("settings", "/Settings/CGwacs/BatteryLife/State", "10"),
    ("settings", "/Settings/CGwacs/BatteryLife/MinimumSocLimit", "10.0"),
    ("settings", "/Settings/SystemSetup/MaxChargeCurrent", "40"),
    ("hub4", "/Overrides/Setpoint", ""),
    ("hub4", "/Overrides/MaxDischargePower", "-1.0"),
    ("hub4", "/Overrides/ForceCharge", "0"),
    ("hub4", "/Alarms/NoGridMeter", "0"),
    ("platform", "/Device/Model", "Cerbo GX"),
    ("platform", "/Firmware/Installed/Version", "v3.70"),
    ("platform", "/Firmware/Online/AvailableVersion", "v3.71"),
    ("tank.a", "/DeviceInstance", "3"),
    ("tank.a", "/Level", "40"),
];

/// The house with some paths changed.
pub(crate) fn house_with(changes: &[(&str, &str, &str)]) -> Tree {
    let mut rows: Vec<_> = HOUSE
        .iter()
        .filter(|(service, path, _)| {
            !changes.iter().any(|(other, changed, _)| (service, path) == (other, changed))
        })
        .copied()
        .collect();
    rows.extend(changes);
    tree(&rows)
}

fn shown(values: &Values) -> String {
    let mut text = String::new();
    for (metric, observation) in values {
        let unit = metric.def().unit.map(|unit| format!(" {}", unit.symbol())).unwrap_or_default();
        let shown = match observation {
            Ok(Value::Number(number)) => format!("{number}{unit}"),
            Ok(value) => value.as_str().unwrap_or_default().to_owned(),
            Err(why) => format!("({why})"),
        };
        writeln!(text, "{metric} = {shown}").expect("a string takes it");
    }
    text
}

fn check(tree: &Tree, expected: &Expect) {
    expected.assert_eq(&shown(&values(tree)));
}

#[test]
fn a_house() {
    check(
        &tree(HOUSE),
        &expect![[r#"
            battery_soc = 81 %
            battery_voltage = 51.2 V
            battery_current = 10.5 A
            battery_power = 538 W
            battery_temperature = 21.5 °C
            battery_soh = 98 %
            battery_capacity = 9600 Wh
            battery_cell_voltage_min = 3.401 V
            battery_cell_voltage_max = 3.425 V
            battery_charge_voltage_max = 53.2 V
            charge_current_max = 40 A
            discharge_current_max = 100 A
            battery_charge_power_max = 2048 W
            battery_discharge_power_max = 5120 W
            battery_charge_allowed = yes
            battery_discharge_allowed = yes
            grid_power = -1100 W
            grid_power_l1 = -1342 W
            grid_power_l2 = 200 W
            grid_power_l3 = 42 W
            grid_voltage_l1 = 238.5 V
            grid_current_l1 = -5.6 A
            grid_voltage_l2 = 240 V
            grid_voltage_l3 = 241.5 V
            grid_voltage = 240 V
            grid_import_energy = 5276.4 kWh
            grid_export_energy = 8742.1 kWh
            grid_meter_connected = yes
            pv_power = 2400 W
            pv_energy = 2100.5 kWh
            pv_power_1 = 900 W
            pv_voltage_1 = 90 V
            pv_current_1 = 10 A
            pv_state_1 = working
            pv_power_2 = 1500 W
            load_power = 1142 W
            load_power_l1 = 700 W
            load_power_l2 = 300 W
            load_power_l3 = 142 W
            inverter_power = 1500 W
            inverter_backup_power = 600 W
            inverter_voltage = 231 V
            inverter_frequency = 50.02 Hz
            inverter_mode = line
            inverter_mode_native = Discharging
            inverter_faults = none
            grid_setpoint = 50 W
            max_discharge_power = -1 W
            max_feed_in_power = -1 W
            minimum_soc = 10 %
            max_charge_current = 40 A
            active_soc_limit = 10 %
            ess_mode = phase_compensation
            battery_mode = auto
            battery_mode_native = no override
            ess_state = Optimized without BatteryLife (writable)
            tank_level_1 = 40 %
            device_model = Cerbo GX
            device_firmware = v3.70
            firmware_available = v3.71
            firmware_update = yes
        "#]],
    );
}

#[test]
fn without_a_system_service_the_devices_speak_for_themselves() {
    let rows: Vec<_> = HOUSE
        .iter()
        .filter(|(service, ..)| !matches!(*service, "system" | "settings" | "hub4" | "platform" | "tank.a"))
        .copied()
        .collect();
    check(
        &tree(&rows),
        &expect![[r#"
        battery_soc = 12 %
        battery_soh = 98 %
        battery_capacity = 9600 Wh
        battery_cell_voltage_min = 3.401 V
        battery_cell_voltage_max = 3.425 V
        battery_charge_voltage_max = 53.2 V
        charge_current_max = 50 A
        discharge_current_max = 100 A
        battery_charge_allowed = yes
        battery_discharge_allowed = yes
        grid_power = -1342 W
        grid_power_l1 = -1342 W
        grid_voltage_l1 = 238.5 V
        grid_current_l1 = -5.6 A
        grid_voltage_l2 = 240 V
        grid_voltage_l3 = 241.5 V
        grid_voltage = 240 V
        grid_import_energy = 5276.4 kWh
        grid_export_energy = 8742.1 kWh
        grid_meter_connected = yes
        pv_power = 2400 W
        pv_energy = 2100.5 kWh
        pv_power_1 = 900 W
        pv_voltage_1 = 90 V
        pv_current_1 = 10 A
        pv_state_1 = working
        pv_power_2 = 1500 W
        inverter_power = 1500 W
        inverter_backup_power = 600 W
        inverter_voltage = 231 V
        inverter_frequency = 50.02 Hz
        inverter_mode = line
        inverter_mode_native = Bulk
        inverter_faults = none
    "#]],
    );
}

fn one(tree: &Tree, metric: Metric) -> String {
    let found = values(tree).into_iter().find(|(known, _)| *known == metric);
    match found.map(|(_, observation)| observation) {
        None => "left out".to_owned(),
        Some(Err(why)) => why.to_string(),
        Some(Ok(value)) => value
            .number()
            .map_or_else(|| value.as_str().unwrap_or_default().to_owned(), |number| number.to_string()),
    }
}

#[rstest]
#[case::a_phase_without_value("system", "/Ac/Grid/L2/Power", "", Metric::GridPower, "missing: grid power L2")]
#[case::its_own_phase(
    "system",
    "/Ac/Grid/L2/Power",
    "",
    Metric::GridPowerL2,
    "the device does not report it"
)]
#[case::no_soc("system", "/Dc/Battery/Soc", "", Metric::BatterySoc, "left out")]
#[case::solar_is_a_sum("system", "/Ac/PvOnGrid/L1/Power", "", Metric::PvPower, "missing: Ac/PvOnGrid L1")]
#[case::no_dc_solar_sum("system", "/Dc/Pv/Power", "", Metric::PvPower, "2400")]
#[case::import("system", "/Ac/Grid/L1/Power", "1000", Metric::GridPower, "1242")]
#[case::charging("system", "/Dc/Battery/Power", "800", Metric::BatteryPower, "-800")]
#[case::owner_limits_less(
    "settings",
    "/Settings/SystemSetup/MaxChargeCurrent",
    "-1",
    Metric::ChargeCurrentMax,
    "50"
)]
#[case::owner_limits(
    "settings",
    "/Settings/SystemSetup/MaxChargeCurrent",
    "10",
    Metric::BatteryChargePowerMax,
    "512"
)]
#[case::sixteen_cells("battery.can0", "/System/NrOfCellsPerBattery", "16", Metric::BatteryCapacity, "10240")]
#[case::a_lower_charge_voltage_is_no_fewer_cells(
    "battery.can0",
    "/Info/MaxChargeVoltage",
    "51.6",
    Metric::BatteryCapacity,
    "9600"
)]
#[case::no_number_of_cells(
    "battery.can0",
    "/System/NrOfCellsPerBattery",
    "",
    Metric::BatteryCapacity,
    "left out"
)]
#[case::cells_of_another_kind(
    "battery.can0",
    "/Info/MaxChargeVoltage",
    "62",
    Metric::BatteryCapacity,
    "left out"
)]
#[case::charging_forbidden("battery.can0", "/Info/MaxChargeCurrent", "0", Metric::BatteryChargeAllowed, "no")]
#[case::discharging("system", "/SystemState/State", "256", Metric::InverterModeNative, "Discharging")]
#[case::sustained("system", "/SystemState/State", "257", Metric::InverterModeNative, "Sustain")]
#[case::switched_on_is_no_passthru("vebus.ttyS4", "/Mode", "3", Metric::InverterMode, "line")]
#[case::meter_lost("hub4", "/Alarms/NoGridMeter", "1", Metric::GridPower, "missing: grid meter")]
#[case::load_without_meter("hub4", "/Alarms/NoGridMeter", "1", Metric::LoadPower, "missing: grid meter")]
#[case::passthru("vebus.ttyS4", "/State", "8", Metric::InverterMode, "bypass")]
#[case::charger_only("vebus.ttyS4", "/Mode", "1", Metric::InverterMode, "charging")]
#[case::a_state_nobody_knows("vebus.ttyS4", "/State", "77", Metric::InverterMode, "left out")]
#[case::no_input("vebus.ttyS4", "/Ac/ActiveIn/P", "", Metric::InverterPower, "missing: vebus/276")]
#[case::override_counts("hub4", "/Overrides/Setpoint", "-800", native::GRID_SETPOINT, "-800")]
#[case::held("hub4", "/Overrides/MaxDischargePower", "1.0", Metric::BatteryMode, "hold")]
#[case::held_in_words(
    "hub4",
    "/Overrides/MaxDischargePower",
    "1.0",
    Metric::BatteryModeNative,
    "discharge up to 1 W"
)]
#[case::forced("hub4", "/Overrides/ForceCharge", "1", Metric::BatteryMode, "charge")]
#[case::external("settings", "/Settings/CGwacs/Hub4Mode", "3", Metric::BatteryMode, "native")]
#[case::external_in_words(
    "settings",
    "/Settings/CGwacs/Hub4Mode",
    "3",
    Metric::BatteryModeNative,
    "external control"
)]
#[case::kept_charged("settings", "/Settings/CGwacs/BatteryLife/State", "9", Metric::BatteryMode, "native")]
#[case::held_by_setting("settings", "/Settings/CGwacs/MaxDischargePower", "0", Metric::BatteryMode, "hold")]
fn one_change(
    #[case] service: &str,
    #[case] path: &str,
    #[case] text: &str,
    #[case] metric: Metric,
    #[case] expected: &str,
) {
    assert_eq!(one(&house_with(&[(service, path, text)]), metric), expected);
}

#[test]
fn a_disconnected_input_is_no_unknown_one() {
    let tree =
        house_with(&[("vebus.ttyS4", "/Ac/ActiveIn/P", ""), ("vebus.ttyS4", "/Ac/ActiveIn/Connected", "0")]);
    assert_eq!(one(&tree, Metric::InverterPower), "600");
}

#[rstest]
#[case("platform", "/Network/Wifi/State", "online", native::WIFI_STATE, "online")]
#[case("platform", "/Network/Wifi/SignalStrength", "62", native::WIFI_STRENGTH, "62")]
#[case("platform", "/Firmware/State", "1000", native::FIRMWARE_STATE, "Idle")]
#[case("platform", "/Firmware/State", "7", native::FIRMWARE_STATE, "7")]
#[case("logger", "/Vrm/ConnectionError", "0", native::VRM_ERROR, "none")]
#[case("logger", "/Vrm/ConnectionError", "152", native::VRM_ERROR, "152")]
#[case("logger", "/Buffer/Count", "12", native::VRM_BACKLOG, "12")]
#[case("logger", "/Buffer/FreeDiskSpace", "500000", native::VRM_BUFFER_FREE, "500000")]
#[case("hub4", "/Overrides/FeedInExcess", "0", native::FEED_IN_POLICY, "as_set")]
#[case("hub4", "/Overrides/FeedInExcess", "1", native::FEED_IN_POLICY, "forbidden")]
#[case("hub4", "/Overrides/FeedInExcess", "2", native::FEED_IN_POLICY, "allowed")]
#[case("hub4", "/Overrides/FeedInExcess", "3", native::FEED_IN_POLICY, "left out")]
#[case("hub4", "/PvPowerLimiterActive", "1", native::FEED_IN_LIMITED, "yes")]
#[case("battery.can0", "/System/MinVoltageCellId", "0x0101", native::CELL_VOLTAGE_MIN_ID, "0x0101")]
#[case("battery.can0", "/System/MaxTemperatureCellId", "M2C4", native::CELL_TEMPERATURE_MAX_ID, "M2C4")]
#[case("battery.can0", "/System/NrOfModulesOffline", "1", native::MODULES_OFFLINE, "1")]
#[case("battery.can0", "/System/NrOfModulesBlockingDischarge", "2", native::MODULES_BLOCKING_DISCHARGE, "2")]
#[case("battery.can0", "/ConsumedAmphours", "-52.4", native::CONSUMED_CHARGE, "-52.4")]
#[case("system", "/Dc/Battery/ConsumedAmphours", "-3", native::CONSUMED_CHARGE, "-3")]
#[case("battery.can0", "/Balancer/Status", "0", native::BALANCER, "left out")]
#[case("battery.can0", "/Balancer/Status", "3", native::BALANCER, "imbalance")]
#[case("vebus.ttyS4", "/Ac/Out/L2/V", "232", native::INVERTER_VOLTAGE_L2, "232")]
#[case("vebus.ttyS4", "/Ac/Out/L3/I", "1.5", native::INVERTER_CURRENT_L3, "1.5")]
#[case("vebus.ttyS4", "/Ac/Out/L3/P", "310", native::INVERTER_OUTPUTS[2], "310")]
#[case("evcharger.a", "/Session/Energy", "7.25", native::EV_SESSION_ENERGY, "left out")]
#[case("generator.a", "/Runtime", "3600", native::GENERATOR_RUNTIME, "3600")]
#[case("generator.a", "/Error", "2", native::GENERATOR_ERROR, "Remote fault")]
#[case("tank.a", "/Remaining", "0.12", native::TANKS_REMAINING[0], "0.12")]
#[case("tank.a", "/Capacity", "0.3", native::TANK_CAPACITIES[0], "0.3")]
#[case("tank.a", "/FluidType", "1", native::TANK_FLUIDS[0], "Fresh water")]
#[case("tank.a", "/FluidType", "77", native::TANK_FLUIDS[0], "77")]
fn a_path_of_its_own(
    #[case] service: &str,
    #[case] path: &str,
    #[case] text: &str,
    #[case] metric: Metric,
    #[case] expected: &str,
) {
    assert_eq!(one(&house_with(&[(service, path, text)]), metric), expected);
}

#[test]
fn an_ev_charger_tells_its_session() {
    let row = |path, text| ("evcharger.a", path, text);
    let rows = [
        row("/DeviceInstance", "40"),
        row("/Ac/Power", "7300"),
        row("/Status", "2"),
        row("/Mode", "1"),
        row("/Current", "10.5"),
        row("/Session/Energy", "7.25"),
    ];
    let tree = tree(&rows);
    let shown =
        [native::EV_POWER, native::EV_STATE, native::EV_MODE, native::EV_CURRENT, native::EV_SESSION_ENERGY];
    assert_eq!(shown.map(|metric| one(&tree, metric)), ["7300", "Charging", "Auto", "10.5", "7.25"]);
}

/// Whole minutes by our clock; a device whose clock is ahead was reached just now.
#[rstest]
#[case("1795247395", "600")]
#[case("1795248030", "0")]
#[case("", "left out")]
#[case("0", "left out")]
fn the_last_contact_with_vrm(#[case] last: &str, #[case] expected: &str) {
    let now = Moment { unix: ohmstead_model::UnixMillis(1_795_248_000_000), ..Moment::default() };
    let values = ages(&tree(&[("logger", "/Vrm/TimeLastContact", last)]), now);
    let shown = values.first().and_then(|(_, age)| age.as_ref().ok()?.number());
    assert_eq!(shown.map_or("left out".to_owned(), |age| age.to_string()), expected);
}

#[test]
fn an_error_of_the_vrm_connection_has_its_text() {
    let rows =
        [("logger", "/Vrm/ConnectionError", "152"), ("logger", "/Vrm/ConnectionErrorMessage", "no route")];
    assert_eq!(one(&tree(&rows), native::VRM_ERROR), "152: no route");
}

#[test]
fn every_metric_is_declared() {
    for (metric, _) in values(&tree(HOUSE)) {
        assert!(METRICS.contains(&metric) || native::NATIVE.contains(&metric), "{metric}");
    }
}

/// Services and paths that mean something, with any values.
fn any_tree() -> impl Strategy<Value = Tree> {
    let text = prop_oneof![
        4 => (-400_000i64..400_000).prop_map(|number| number.to_string()),
        2 => any::<f64>().prop_map(|number| number.to_string()),
        2 => Just(String::new()),
        1 => ".{0,8}",
    ];
    let row = (0..HOUSE.len(), 0..HOUSE.len(), text);
    proptest::collection::vec(row, 0..120).prop_map(|rows| {
        let mut tree = Tree::default();
        for (service, path, text) in rows {
            let service = format!("com.victronenergy.{}", HOUSE[service].0);
            let told =
                vec![Told { path: Arc::from(HOUSE[path].1), value: value(&text), text: None, limits: None }];
            if !tree.change(&service, told.clone(), Moment::default()) {
                tree.up(&service, told, Moment::default());
            }
        }
        tree
    })
}

proptest! {
    #[test]
    fn any_tree_is_read(tree in any_tree()) {
        let values = values(&tree);
        for (index, (metric, observation)) in values.iter().enumerate() {
            prop_assert!(values.iter().skip(index + 1).all(|(other, _)| other != metric), "{} twice", metric);
            if let Ok(Value::Number(number)) = observation {
                prop_assert!(number.is_finite(), "{} is {}", metric, number);
            }
        }
        notices(&tree);
    }

    /// A path without a value makes nothing 0: taking values away changes no number into another one.
    #[test]
    fn unknown_is_never_zero(gone in proptest::collection::vec(0..HOUSE.len(), 1..12)) {
        let changes: Vec<_> = gone.iter().map(|index| (HOUSE[*index].0, HOUSE[*index].1, "")).collect();
        let before = values(&tree(HOUSE));
        for (metric, observation) in values(&house_with(&changes)) {
            let was = before.iter().find(|(known, _)| *known == metric).map(|(_, observation)| observation);
            if observation == Ok(Value::Number(0.0)) {
                prop_assert_eq!(was, Some(&Ok(Value::Number(0.0))), "{}", metric);
            }
        }
    }
}

/// Answers and trees of real devices, where they are to be found.
#[test]
fn recorded_trees_are_read() {
    let Some(folder) = std::env::var_os("OHMSTEAD_SHARED")
        .map(|shared| std::path::PathBuf::from(shared).join("data/victron/fixtures"))
        .filter(|folder| folder.is_dir())
    else {
        println!("skipped: OHMSTEAD_SHARED does not lead to the fixtures");
        return;
    };
    let mut tree = Tree::default();
    for file in ["batch.system.json", "batch.vebus.ttyO1.json"] {
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        let items = json["value"].as_object().unwrap().iter();
        let items = items.map(|(path, value)| Told {
            path: format!("/{path}").into(),
            value: crate::victron::value::from_json(value),
            text: None,
            limits: None,
        });
        tree.up(json["service"].as_str().unwrap(), items.collect(), Moment::default());
    }
    check(
        &tree,
        &expect![[r#"
        battery_soc = 100 %
        battery_voltage = 56.97 V
        battery_current = -8 A
        battery_power = -456 W
        battery_temperature = 30 °C
        battery_consumed_charge = 0 Ah
        grid_power = -2349 W
        grid_power_l1 = -1336 W
        grid_power_l2 = -1445 W
        grid_power_l3 = 432 W
        grid_voltage_l1 = 239 V
        grid_current_l1 = -5.64 A
        grid_current_l2 = -6.06 A
        grid_current_l3 = 2.05 A
        grid_voltage = 239 V
        grid_frequency = 50.1 Hz
        pv_power = 240 W
        load_power = 539 W
        load_power_l1 = 107 W
        load_power_l2 = 0 W
        load_power_l3 = 432 W
        inverter_power = -266 W
        inverter_backup_power = 107 W
        inverter_voltage = 239 V
        inverter_current = 0.69 A
        inverter_output_power_l1 = 107 W
        inverter_frequency = 50.03 Hz
        inverter_apparent_power = 100 VA
        inverter_mode = line
        inverter_mode_native = Absorption
        inverter_faults = none
        active_soc_limit = 10 %
    "#]],
    );
}
