//! Conversion of marstek-poller's configuration.

use expect_test::expect;
use ohmstead_config::import::{marstek_poller, victron_paths};
use ohmstead_drivers::DeviceSettings;
use ohmstead_units::Timespan;
use proptest::prelude::*;

use crate::good;

const POLLER: &str = r#"
batteries:
  - name: "Phase A"
    ip: "192.0.2.80"
    entity_id: "marstek_venuse_aaaa_state_of_charge"
    device_id: "marstek_phasea_aaaa"
  - name: "Phase B"
    ip: "192.0.2.81"
    entity_id: "marstek_venuse_bbbb_state_of_charge"
  - name: "phase-b"
    ip: 192.0.2.82
    colour: red
  - { name: Twin, ip: 192.0.2.80 }
  - { name: Nowhere }
mqtt:
  host: "192.0.2.1"
  port: 1883
  username: "mqtt_user"
  password: "p: \"${x}\" #"
  discovery_prefix: "homeassistant"
  state_topic_prefix: "home/energy/batteries"
  tls: true
polling: { interval_seconds: 180, timeout_seconds: 5 }
api: { port: 30001 }
logging: { level: "WARNING" }
extra: 1
"#;

#[test]
fn a_whole_configuration() {
    let imported = marstek_poller(POLLER, "/opt/marstek-poller/config.yaml").expect("a sound file");
    expect![[r##"
        # Made by `ohmstead import marstek-poller` from /opt/marstek-poller/config.yaml.
        # `ohmstead check --config THIS_FILE --live` reads each battery once, as the poller's --test did.

        site:
          name: Home
          # The zone of the times in the poller's topics. Without it, the zone of this machine.
          # timezone: Europe/Brussels

        # The batteries. Each key is the name of a device in commands, topics and addresses.
        devices:
          phase_a:
            marstek:
              name: "Phase A"
              host: 192.0.2.80
              port: 30001
              interval: 180 s
              timeout: 5 s
              methods: [ES.GetMode]   # what the poller asked with; without this line, more is read where the battery answers
              entity_id: marstek_venuse_aaaa_state_of_charge
              device_id: marstek_phasea_aaaa
          phase_b:
            marstek:
              name: "Phase B"
              host: 192.0.2.81
              port: 30001
              interval: 180 s
              timeout: 5 s
              methods: [ES.GetMode]   # what the poller asked with; without this line, more is read where the battery answers
              entity_id: marstek_venuse_bbbb_state_of_charge
              device_id: phase_b
          phase_b_2:
            marstek:
              name: phase-b
              host: 192.0.2.82
              port: 30001
              interval: 180 s
              timeout: 5 s
              methods: [ES.GetMode]   # what the poller asked with; without this line, more is read where the battery answers
              device_id: phase-b

        # The broker. `compat` keeps the poller's topics and entities beside Ohmstead's own.
        mqtt:
          host: 192.0.2.1
          discovery_prefix: homeassistant
          state_topic_prefix: home/energy/batteries
          port: 1883
          username: mqtt_user
          # Better in a file of its own, readable only for the service: password_file: /etc/ohmstead/mqtt
          password: "p: \"$${x}\" #"
          compat: [marstek-poller]

        log:
          level: warn

        # Nothing is written to a battery while this is true. The poller only read, too.
        read_only: true
    "##]].assert_eq(&imported.yaml);
}

#[test]
fn every_key_is_accounted_for() {
    let imported = marstek_poller(POLLER, "config.yaml").expect("a sound file");
    expect![[r#"
        polling.interval_seconds: imported as `interval` of each battery
        polling.timeout_seconds: imported as `timeout` of each battery
        api.port: imported as `port` of each battery; the poller also sent from it, which is not needed
        batteries[0]: imported as device `phase_a`
        batteries[1]: imported as device `phase_b`; `device_id` made from the name as the poller did
        batteries[2]: imported as device `phase_b_2`; it has no `entity_id`, so its entities get the usual ids; `device_id` made from the name as the poller did
        batteries[2].colour: left out, marstek-poller has no such key
        batteries[3]: left out, another battery has the same `ip`, 192.0.2.80
        batteries[4]: left out, it has no `ip`
        mqtt.host: imported
        mqtt.discovery_prefix: imported
        mqtt.state_topic_prefix: imported
        mqtt.port: imported
        mqtt.username: imported
        mqtt.password: imported as it is; `password_file` keeps it out of this file
        mqtt.tls: left out, marstek-poller has no such key
        logging.level: imported as `log.level: warn`
        extra: left out, marstek-poller has no such key
        the file is read-only as the poller was: nothing is written to a battery until `read_only: false`
        stop the poller before this runs: both would ask the same batteries, which answer one at a time"#]].assert_eq(&imported.notes.join("\n"));
}

#[test]
fn the_result_means_what_the_original_meant() {
    let imported = marstek_poller(POLLER, "config.yaml").expect("a sound file");
    let config = good(&imported.yaml);
    assert!(config.read_only);
    assert_eq!(config.mqtt.and_then(|mqtt| mqtt.password).expect("a password").expose(), "p: \"${x}\" #");
    let names: Vec<_> = config.devices.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(names, ["phase_a", "phase_b", "phase_b_2"]);
    let (_, DeviceSettings::Marstek(second)) = &config.devices[1] else { panic!("another driver") };
    assert_eq!((second.port, second.interval), (30001, Timespan::from_secs(180)));
    assert_eq!(second.device_id.as_deref(), Some("phase_b"));
    assert_eq!(second.methods.as_ref().map(Vec::len), Some(1));
}

#[test]
fn a_file_of_something_else() {
    let error = |text: &str| marstek_poller(text, "config.yaml").expect_err("not the poller's").to_string();
    expect![[r#"
        config.yaml:1:1: there is no `batteries`: this is no configuration of marstek-poller
          |
        1 | devices: {}
          | ^"#]]
    .assert_eq(&error("devices: {}\n"));
    expect![[r#"
        config.yaml:1:1: `batteries` is no list: this is no configuration of marstek-poller
          |
        1 | batteries: 3
          | ^^^^^^^^^"#]]
    .assert_eq(&error("batteries: 3\n"));
    expect![[r#"
        config.yaml:2:7: no valid YAML: unclosed bracket '{'
          |
        2 | mqtt: { password: *******
          |       ^"#]]
    .assert_eq(&error("batteries: [\nmqtt: { password: hunter2\n"));
}

/// The example in the poller's own documentation.
#[test]
fn the_pollers_example() {
    let Some(folder) = std::env::var_os("OHMSTEAD_SHARED") else {
        println!("skipped: OHMSTEAD_SHARED is not set");
        return;
    };
    let path = std::path::Path::new(&folder).join("reference/R2-marstek-poller.md");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return;
    };
    let example =
        text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let imported = marstek_poller(example, "config.yaml").expect("the example is sound");
    let config = good(&imported.yaml);
    let names: Vec<_> = config.devices.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(names, ["fase_a", "fase_b", "fase_c"]);
    assert_eq!(config.mqtt.map(|mqtt| mqtt.state_topic_prefix).as_deref(), Some("marstek"));
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}".prop_map(|text| format!("'{}'", text.replace('\'', "''"))),
        any::<i32>().prop_map(|number| number.to_string()),
        prop_oneof![
            Just("site"),
            Just("\"\""),
            Just("~"),
            Just("\"a\\nb: c\""),
            Just("192.0.2.1"),
            Just("'${A}'"),
            Just("'#'"),
            Just("[1]"),
            Just("{}"),
            Just("'éà'"),
            Just("1e400"),
            Just("off"),
            Just("'null'"),
            Just("'\u{1F50B} x'"),
            Just("\"\\u0085\\u2028\\ufeff\\U0010F041\""),
        ]
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn the_result_can_always_be_loaded(
        batteries in prop::collection::vec((value(), value(), value(), value()), 0..4),
        values in prop::collection::vec(value(), 10),
    ) {
        let batteries: Vec<_> = batteries
            .iter()
            .map(|(name, ip, entity_id, device_id)| {
                format!("{{ name: {name}, ip: {ip}, entity_id: {entity_id}, device_id: {device_id} }}")
            })
            .collect();
        let keys = ["host", "port", "username", "password", "discovery_prefix", "state_topic_prefix"];
        let mqtt: Vec<_> = keys.iter().zip(&values).map(|(key, value)| format!("  {key}: {value}")).collect();
        let text = format!(
            "batteries: [{}]\nmqtt:\n{}\npolling: {{ interval_seconds: {}, timeout_seconds: {} }}\n\
             api: {{ port: {} }}\nlogging: {{ level: {} }}\n",
            batteries.join(", "), mqtt.join("\n"), values[6], values[7], values[8], values[9],
        );
        if let Ok(imported) = marstek_poller(&text, "config.yaml") {
            let read = crate::read(&imported.yaml);
            prop_assert!(read.is_ok(), "{text}\n---\n{}\n---\n{}", imported.yaml, read.expect_err("just seen"));
        }
    }
}

mod monitor {
    use super::*;
    use ohmstead_config::import::pv_inverter_monitor;

    #[test]
    fn a_whole_environment() {
        let env = "# how it was started\nMQTT_BROKER=192.0.2.1\nexport MQTT_PORT='1884'\nEnvironment=\"POLL_INTERVAL=2.5\"\n\
                   DEVICE=/dev/hidraw2\nTZ=Europe/Kyiv\n";
        let imported = pv_inverter_monitor(env, "/etc/inverter.env").expect("a sound file");
        expect![[r##"
            # Made by `ohmstead import pv-inverter-monitor` from /etc/inverter.env.
            # `ohmstead check --config THIS_FILE --live` reads the inverter once.

            site:
              name: Home

            devices:
              inverter:
                voltronic:
                  path: "/dev/hidraw2"
                  interval: 2.5 s
                  write: [priorities]   # set_mode needs no more

            # The broker. `compat` keeps the topics homeassistant/inverter/... beside Ohmstead's own.
            mqtt:
              host: 192.0.2.1
              port: 1884
              compat: [pv-inverter-monitor]

            # set_mode may write, as it could before. `true` makes everything a dry run.
            read_only: false
        "##]]
        .assert_eq(&imported.yaml);
        expect![[r#"
            MQTT_BROKER: imported as `mqtt.host`
            MQTT_PORT: imported as `mqtt.port`
            POLL_INTERVAL: imported as the inverter's `interval`
            DEVICE: imported as `path`; `path: auto` finds the inverter again when its number changes
            TZ: left out, pv-inverter-monitor has no such variable
            set_mode writes only what changes something, and reads it back: desired_mode shows what the inverter has, not what was asked
            retained messages on set_mode are ignored; set_mode also takes S for solar, grid, battery
            stop pv-inverter-monitor before this runs: of two programs on one port, each takes the other's answers"#]].assert_eq(&imported.notes.join("\n"));
        good(&imported.yaml);
    }

    #[test]
    fn an_empty_one_stands_for_the_fixed_values_of_old_versions() {
        let imported = pv_inverter_monitor("", "/dev/null").expect("nothing is needed");
        assert!(imported.yaml.contains("path: auto") && imported.yaml.contains("host: localhost"));
        good(&imported.yaml);
    }

    #[rstest::rstest]
    #[case(
        "MQTT_BROKER=broker # the one in the cellar\nPOLL_INTERVAL=5 # s\n",
        "host: broker",
        "interval: 5 s"
    )]
    #[case("MQTT_BROKER=\"broker\" # quoted\n", "host: broker\n  compat", "")]
    #[case("MQTT_BROKER=three:1884\n", "host: three\n  port: 1884\n", "")]
    #[case("MQTT_BROKER=tcp://10.0.0.2:1884\n", "host: 10.0.0.2\n  port: 1884\n", "")]
    #[case("MQTT_PORT=1885\nMQTT_BROKER=[fe80::1]:1884\n", "host: \"fe80::1\"\n  port: 1885\n", "")]
    #[case("MQTT_BROKER=mqtts://broker\n", "host: broker\n  tls: {}\n", "")]
    #[case("MQTT_BROKER=ws://broker\n", "host: localhost\n", "")]
    #[case("MQTT_BROKER=one\nMQTT_BROKER=two\n", "host: two\n", "")]
    fn brokers_as_people_write_them(#[case] env: &str, #[case] broker: &str, #[case] more: &str) {
        let imported = pv_inverter_monitor(env, "x.env").expect("a sound file");
        assert!(imported.yaml.contains(broker) && imported.yaml.contains(more), "{}", imported.yaml);
        ohmstead_config::parse(&imported.yaml, "imported", &|_| None).expect("what is written is accepted");
    }

    #[test]
    fn of_a_key_that_stands_twice_the_last_counts_and_that_is_told() {
        let imported = pv_inverter_monitor("MQTT_PORT=1\nTZ=x\nMQTT_PORT=1884\n", "x.env").expect("sound");
        assert!(imported.yaml.contains("port: 1884\n"), "{}", imported.yaml);
        let told = "MQTT_PORT in line 1: left out, it stands again in line 3, and the last one counts";
        assert_eq!(imported.notes[0], told);
    }

    #[test]
    fn what_is_no_environment_is_refused_with_its_line() {
        let error = pv_inverter_monitor("A=1\nmqtt: { host: x }\n", "x.env").expect_err("YAML").to_string();
        expect![[r#"
            x.env:2:1: expected KEY=VALUE
              |
            2 | mqtt: { host: x }
              | ^^^^^^^^^^^^^^^^^
              = give the file of `docker run --env-file`, with MQTT_BROKER, MQTT_PORT, POLL_INTERVAL; an empty one stands for the defaults"#]].assert_eq(&error);
    }

    proptest! {
        #[test]
        fn whatever_is_imported_is_a_configuration(broker in ".{0,30}", port in ".{0,8}", poll in ".{0,8}", device in "/?.{0,30}") {
            let env = format!("MQTT_BROKER={broker}\nMQTT_PORT={port}\nPOLL_INTERVAL={poll}\nDEVICE={device}\n");
            if let Ok(imported) = pv_inverter_monitor(&env, "a\nb") {
                good(&imported.yaml);
            }
        }
    }
}

mod limiter {
    use super::*;
    use ohmstead_config::import::venus_export_limiter;
    use ohmstead_units::Watts;

    const CONFIG: &str = r#"# config.py
"""What is
limited."""
import os
MAX_MULTIPLUS_OUTPUT_W = 30_000      # Maksimaalne Multiplus väljundvõimsus (W)
PHASE_COUNT=3
MIN_OUTPUT_LIMIT_W: int = 1000          # Minimaalne väljund (W)

MAX_POWER_CHANGE_PER_STEP = 1500.0   # W
GRADUAL_ADJUSTMENT = True
DEVICE_PATH = 'com.victronenergy.vebus.ttyS4'  # = old
if os.name:
    PHASE_COUNT = 1
"#;

    #[test]
    fn a_whole_configuration() {
        let imported = venus_export_limiter(CONFIG, "/data/dbus-limit/config.py").expect("a sound file");
        expect![[r#"
            # Made by `ohmstead import venus-export-limiter` from /data/dbus-limit/config.py.
            # `ohmstead check --config THIS_FILE --live` reads the device once.

            site:
              name: Home

            # The GX device that this runs on. From another machine: `mqtt: ADDRESS`.
            devices:
              gx:
                victron:
                  dbus: system

            # A bound for discharging keeps them: see docs/limits.md for what can be limited and what cannot.
            limits:
              multi_output: { max: 30 kW, floor: 1 kW, step: 1500 W, phases: 3 }

            # Limits may write, as they were meant to. `true` makes everything a dry run.
            read_only: false
        "#]]
        .assert_eq(&imported.yaml);
        expect![[r#"
            line 4: left out, it is no assignment, and nothing is run
            line 12: left out, it is no assignment, and nothing is run
            line 13: left out, it belongs to something that would have to be run
            MAX_MULTIPLUS_OUTPUT_W: imported as `limits.multi_output.max`
            PHASE_COUNT: imported as `phases`, which is compared with what the device shows
            MIN_OUTPUT_LIMIT_W: imported as `floor`
            MAX_POWER_CHANGE_PER_STEP: imported as `step`, which is for each second: the original ran once in each start
            GRADUAL_ADJUSTMENT: imported: the bound goes by `step`
            DEVICE_PATH: left out, nothing here needs it
            the paths that it wrote for a Multi (/Ac/PowerLimit, /Ac/Out/L1/PowerLimit, /Settings/MaxPower) do not exist on any: the limit for discharging is used instead, and a bound without measured effect is given back and told
            what is limited is measured every second, with a reserve of 500 W (`hysteresis`) before the bound is lifted
            remove venus-export-limiter before this runs: of two programs that write one limit, each undoes the other's"#]].assert_eq(&imported.notes.join("\n"));
        let limit = good(&imported.yaml).limits.multi_output.expect("the limit");
        assert_eq!((limit.max, limit.step, limit.phases), (Watts(30_000.0), Watts(1500.0), Some(3)));
    }

    #[rstest::rstest]
    #[case::of_master(
        "MAX_GRID_EXPORT_W = 15000",
        "  feed_in: { max: 15 kW, floor: 1 kW, step: 1 kW }\n",
        "imported as `limits.feed_in.max`"
    )]
    #[case::no_feed_in("MAX_GRID_EXPORT_W = 0", "  feed_in: { max: 0 W,", "imported as `limits.feed_in.max`")]
    #[case::not_gradual(
        "MAX_MULTIPLUS_OUTPUT_W = 5e3\nGRADUAL_ADJUSTMENT = False",
        "max: 5 kW, floor: 1 kW, step: 1 MW }",
        "at once"
    )]
    #[case::two_phases(
        "MAX_MULTIPLUS_OUTPUT_W=5500\nPHASE_COUNT = 2",
        "max: 5500 W, floor: 1 kW, step: 1 kW }",
        "PHASE_COUNT: left out, it is neither 1 nor 3"
    )]
    #[case::a_high_floor(
        "MAX_MULTIPLUS_OUTPUT_W = 800",
        "max: 800 W, floor: 800 W",
        "the least output of 1000 W is above the limit of 800 W"
    )]
    #[case::twice(
        "MAX_MULTIPLUS_OUTPUT_W = 1\nMAX_MULTIPLUS_OUTPUT_W = 4000",
        "max: 4 kW",
        "in line 1: left out, it stands again in line 2"
    )]
    #[case::a_sum(
        "MAX_MULTIPLUS_OUTPUT_W = 4000\nMIN_OUTPUT_LIMIT_W = 5 * 100",
        "floor: 1 kW",
        "MIN_OUTPUT_LIMIT_W: left out, it is no plain number, and nothing is computed"
    )]
    #[case::a_text(
        "MAX_MULTIPLUS_OUTPUT_W = 4000\nMAX_POWER_CHANGE_PER_STEP = '#5'",
        "step: 1 kW",
        "MAX_POWER_CHANGE_PER_STEP: left out, it is a text"
    )]
    #[case::no_step(
        "MAX_MULTIPLUS_OUTPUT_W = 4000\nMAX_POWER_CHANGE_PER_STEP = 0",
        "step: 1 kW",
        "MAX_POWER_CHANGE_PER_STEP: left out, it is 0"
    )]
    #[case::a_call(
        "print('x')\nMAX_MULTIPLUS_OUTPUT_W = 4000",
        "max: 4 kW",
        "line 1: left out, it is no assignment, and nothing is run"
    )]
    fn values_as_people_write_them(#[case] python: &str, #[case] yaml: &str, #[case] note: &str) {
        let imported = venus_export_limiter(python, "config.py").expect("it has a limit");
        assert!(imported.yaml.contains(yaml), "{}", imported.yaml);
        assert!(imported.notes.iter().any(|line| line.contains(note)), "{:#?}", imported.notes);
        good(&imported.yaml);
    }

    #[test]
    fn without_a_limit_it_is_refused() {
        let python = "MAX_MULTIPLUS_OUTPUT_W = os.environ['MAX']\n";
        let error = venus_export_limiter(python, "config.py").expect_err("no number").to_string();
        expect![[r#"
            config.py:1:1: no limit is set: neither MAX_MULTIPLUS_OUTPUT_W nor MAX_GRID_EXPORT_W has a power (MAX_MULTIPLUS_OUTPUT_W: left out, it is no plain number, and nothing is computed)
              |
            1 | MAX_MULTIPLUS_OUTPUT_W = os.environ['MAX']
              | ^
              = give the config.py of venus-export-limiter, with a line such as MAX_MULTIPLUS_OUTPUT_W = 30000"#]].assert_eq(&error);
        for text in [
            "",
            "devices: {}",
            "{\"a\": 1}",
            "MAX_MULTIPLUS_OUTPUT_W = -5",
            "MAX_MULTIPLUS_OUTPUT_W = nan",
            "MAX_GRID_EXPORT_W = 1e9",
            "MAX_GRID_EXPORT_W == 5",
        ] {
            assert!(venus_export_limiter(text, "config.py").is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_imported_is_a_configuration(
            max in "[0-9]{1,6}", key in ".{0,30}", floor in ".{0,8}", step in "[0-9._e-]{0,8}", phases in "[0-9]{0,2}", more in "\\PC{0,40}"
        ) {
            let python = format!(
                "MAX_MULTIPLUS_OUTPUT_W = {max}\nMAX_GRID_EXPORT_W = {step}\nMIN_OUTPUT_LIMIT_W = {floor}\n\
                 MAX_POWER_CHANGE_PER_STEP = {step}\nPHASE_COUNT = {phases}\n{key} = {more}\n{more}\n"
            );
            if let Ok(imported) = venus_export_limiter(&python, "a\nb") {
                good(&imported.yaml);
            }
        }
    }
}

const PATHS: &str = r#"{
  "metadata": {"version": "1.0", "api_endpoint": "http://192.0.2.88:8088", "device": "Cerbo GX"},
  "critical_paths": {
    "battery_soc": {"service": "com.victronenergy.system", "path": "/Dc/Battery/Soc", "type": "float", "unit": "%", "poll_interval_seconds": 10, "critical_threshold_low": 10, "warning_threshold": 20},
    "grid_lost_alarm": {"service": "com.victronenergy.vebus.ttyS4", "path": "/Alarms/GridLost", "poll_interval_seconds": 5, "critical": true},
    "inverter_state": {"service": "com.victronenergy.vebus.ttyS4", "path": "/State", "poll_interval_seconds": 0.1}
  },
  "health": {
    "min_cell_voltage": {"service": "com.victronenergy.battery.socketcan_can0", "path": "/System/MinCellVoltage", "unit": "V", "poll_interval_seconds": 60, "warning_threshold": 3.1, "critical_threshold": 3.0},
    "battery temp": {"service": "com.victronenergy.battery.socketcan_can0", "path": "/Dc/0/Temperature", "unit": "C", "warning_threshold": 50, "critical_threshold": 55},
    "other_battery": {"service": "com.victronenergy.battery.ttyO0", "path": "/Soc"},
    "twice": {"service": "com.victronenergy.battery.socketcan_can0", "path": "/Dc/0/Temperature"},
    "strange": {"service": "com.victronenergy.battery.socketcan_can0", "path": "x: ] #"},
    "spread": {"service": "", "path": ""}
  },
  "anomaly_detection_rules": {"rules": [
    {"name": "Grid Lost", "trigger": "GridLost == 1", "path": "/Alarms/GridLost"},
    {"name": "Low", "trigger": "Soc < 10%", "path": "/Dc/Battery/Soc"}
  ]}
}"#;

#[test]
fn a_list_of_paths() {
    let imported = victron_paths(PATHS, "paths.json").expect("a list");
    expect![[r##"
        # Made by `ohmstead import victron-paths` from paths.json.
        # `ohmstead check --config THIS_FILE --live` reads the device once.

        site:
          name: Home

        devices:
          gx:
            victron:
              http: "http://192.0.2.88:8088"   # on the device itself `dbus: system` is better
              # Besides what the driver reports by itself. Each becomes a metric of the device.
              watch:
                - { path: vebus/Alarms/GridLost, name: grid_lost_alarm, interval: 5 s }
                - { path: vebus/State, name: inverter_state }
                - { path: battery/System/MinCellVoltage, name: min_cell_voltage, interval: 60 s }
                - { path: battery/Dc/0/Temperature, name: battery_temp }

        # Limits of the list. This version has no rules of the owner's own yet: they stand here so that none is lost.
        # alerts:
        #   rules:
        #     - { name: battery_soc_critical, when: "gx.battery_soc < 10 %" }
        #     - { name: battery_soc_warning, when: "gx.battery_soc < 20 %" }
        #     - { name: min_cell_voltage_warning, when: "gx.min_cell_voltage < 3.1 V" }
        #     - { name: min_cell_voltage_critical, when: "gx.min_cell_voltage < 3 V" }
        #     - { name: battery_temp_warning, when: "gx.battery_temp > 50 °C" }
        #     - { name: battery_temp_critical, when: "gx.battery_temp > 55 °C" }

        # Nothing is written to the device. `false` allows it.
        read_only: true
    "##]].assert_eq(&imported.yaml);
    expect![[r#"
        critical_paths.battery_soc: not watched, it is reported as `battery_soc` anyway
        critical_paths.inverter_state: watched at its usual interval, for the one given is not between 1 s and 1 d
        health.other_battery: left out, com.victronenergy.battery.socketcan_can0 has the class battery too: name the one that is meant by its instance, as battery/INSTANCE/Soc
        health.twice: left out, the list has it twice
        health.strange: left out, x: ] # of com.victronenergy.battery.socketcan_can0 is no path
        anomaly_detection_rules: Grid Lost (GridLost == 1): the driver tells it by itself, as the notice `grid_lost`
        anomaly_detection_rules: Low (Soc < 10%): left out, this version has no rules of the owner's own yet
        watched values keep the device's own signs; reported ones follow Ohmstead's: grid import +, battery discharge +
        services are named by their class: the name on the bus changes with the port, class and instance do not
        the intervals are how often a value is told; over D-Bus and MQTT the device itself speaks, nothing is polled path by path"#]].assert_eq(&imported.notes.join("\n"));
    let config = good(&imported.yaml);
    let DeviceSettings::Victron(settings) = &config.devices[0].1 else { panic!("a GX device") };
    assert_eq!(settings.watch.len(), 4);
}

#[test]
fn what_is_no_list_of_paths_is_refused() {
    for text in ["{}", "[]", "", "{\"a\": {\"b\": 1}}", "devices: {}\n"] {
        assert!(victron_paths(text, "paths.json").is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_list_of_paths_breaks_the_result(name in "\\PC{0,20}", service in "\\PC{0,30}", path in "\\PC{0,30}", seconds in any::<f64>()) {
        let seconds = if seconds.is_finite() { seconds } else { 1.0 };
        let text = serde_json::json!({"s": {name.as_str(): {"service": service, "path": path, "poll_interval_seconds": seconds}}}).to_string();
        if let Ok(imported) = victron_paths(&text, "paths.json") {
            good(&imported.yaml);
        }
    }
}

mod automation {
    use super::*;
    use ohmstead_config::import::marstek_automation;
    use ohmstead_control::schedule::Window;

    /// The keys of its template, with secrets that must not be seen again.
    const ENV: &str = "# marstek-automation\nPOSTGRES_USER=marstek\nPOSTGRES_PASSWORD=hunter2\nPOSTGRES_DB=db\n\
        DATABASE_URL=postgresql://marstek:hunter2@postgres:5432/db\nREDIS_URL=redis://:hunter2@redis:6379/0\nAPP_NAME=x\nAPP_ENV=production\n\
        LOG_LEVEL=INFO\nTIMEZONE=Europe/Brussels\nBATTERY_1_IP=192.0.2.100\nBATTERY_1_PORT=30001\nBATTERY_2_IP=192.0.2.101\n\
        BATTERY_3_IP=\nBATTERY_3_PORT=30003\nAUTO_MODE_START_HOUR=7\nAUTO_MODE_END_HOUR=23\nMANUAL_MODE_START_HOUR=23\nMANUAL_MODE_END_HOUR=7\n\
        TEMPO_ENABLED=true\nTEMPO_API_URL=https://hunter2.example\nTEMPO_CONTRACT_NUMBER=hunter2\nTEMPO_TIMEOUT=10\nNOTIFICATIONS_ENABLED=true\n\
        NOTIFICATION_URLS=tgram://hunter2/1\nTELEGRAM_ENABLED=true\nTELEGRAM_BOT_TOKEN=hunter2\nTELEGRAM_CHAT_ID=hunter2\nAPI_HOST=0.0.0.0\nAPI_PORT=8000\n\
        STREAMLIT_SERVER_PORT=8501\nRQ_WORKER_COUNT=2\nALLOWED_ORIGINS=http://localhost:8501\nhunter2-that-was-cut-off\nEXTRA=hunter2\n";

    /// Takes the schedule out, which is read apart.
    fn without_schedules(yaml: &str) -> (String, Vec<(String, Window)>) {
        let (before, rest) = yaml.split_once("schedules:\n").expect("a schedule");
        let (windows, after) = rest.split_once("\n\n").expect("what follows");
        let window = |line: &str| {
            let (name, window) = line.trim().split_once(": ").expect("a name");
            (name.to_owned(), serde_saphyr::from_str(window).expect("a window"))
        };
        (format!("{before}\n{after}"), windows.lines().map(window).collect())
    }

    #[test]
    fn a_whole_environment() {
        let imported = marstek_automation(ENV, "/srv/marstek/.env").expect("a sound file");
        expect![[r##"
            # Made by `ohmstead import marstek-automation` from /srv/marstek/.env.
            # `ohmstead check --config THIS_FILE --live` reads each battery once.

            site:
              name: Home
              timezone: Europe/Brussels

            # The batteries. Each key is the name of a device in commands, topics and addresses.
            devices:
              battery_1:
                marstek:
                  name: "Battery 1"
                  host: 192.0.2.100
                  port: 30001
              battery_2:
                marstek:
                  name: "Battery 2"
                  host: 192.0.2.101
                  port: 30002

            # All batteries, civil time of the site. What is wanted follows from the clock, so a start that was missed does
            # not matter.
            schedules:
              day: { from: "07:00", to: "23:00", mode: auto }
              night: { from: "23:00", to: "07:00", mode: idle }

            # The page and the REST interface, for programs on this machine.
            web:
              listen: 127.0.0.1:8000

            log:
              level: info

            # Nothing is written to a battery while this is true: the schedule is a dry run. Set it to false once the
            # readings are right and marstek-automation is stopped.
            read_only: true
        "##]].assert_eq(&imported.yaml);
    }

    #[test]
    fn every_variable_is_accounted_for() {
        let imported = marstek_automation(ENV, "/srv/marstek/.env").expect("a sound file");
        expect![[r#"
            line 34: left out, it is no KEY=VALUE
            POSTGRES_USER: replaced by the store of this one program, see `history`
            POSTGRES_PASSWORD: replaced by the store of this one program, see `history`
            POSTGRES_DB: replaced by the store of this one program, see `history`
            DATABASE_URL: replaced by the store of this one program, see `history`
            REDIS_URL: replaced by the store of this one program, see `history`
            APP_NAME: left out, it changed nothing that is seen
            APP_ENV: left out, it changed nothing that is seen
            LOG_LEVEL: imported as `log.level: info`
            TIMEZONE: imported as `site.timezone`
            BATTERY_1_IP: imported as `host` of device `battery_1`
            BATTERY_1_PORT: imported as `port` of device `battery_1`
            BATTERY_2_IP: imported as `host` of device `battery_2`
            BATTERY_3_IP: left out, it is empty
            BATTERY_3_PORT: imported as `port` of device `battery_3`
            AUTO_MODE_START_HOUR: imported as `schedules.day.from`
            AUTO_MODE_END_HOUR: imported as `schedules.day.to`
            MANUAL_MODE_START_HOUR: imported as `schedules.night.from`
            MANUAL_MODE_END_HOUR: imported as `schedules.night.to`
            TEMPO_ENABLED: left out, there is nothing for Tempo in the configuration yet
            TEMPO_API_URL: left out, there is nothing for Tempo in the configuration yet
            TEMPO_CONTRACT_NUMBER: left out, the automation itself did not read it
            TEMPO_TIMEOUT: left out, there is nothing for Tempo in the configuration yet
            NOTIFICATIONS_ENABLED: left out, there are no notifications yet
            NOTIFICATION_URLS: left out, there are no notifications yet
            TELEGRAM_ENABLED: left out, there are no notifications yet
            TELEGRAM_BOT_TOKEN: left out, there are no notifications yet
            TELEGRAM_CHAT_ID: left out, there are no notifications yet
            API_HOST: replaced by this machine alone: to be reached by others, `web` needs `listen` and `token_file`
            API_PORT: imported as the port of `web.listen`, on this machine alone
            STREAMLIT_SERVER_PORT: replaced by the page at `web.listen`
            RQ_WORKER_COUNT: left out, this one program needs no workers
            ALLOWED_ORIGINS: left out, the page comes from the same address; pages elsewhere stand in `web.allowed_origins`
            EXTRA: left out, marstek-automation has no such variable
            battery_2: `port` 30002, as before where none is given
            battery_3: left out, it has a port but no address
            the automation itself always switched at 6 and 22, whatever the hours said; here they count
            the night was Manual with power 0, which is `idle` here; before a red day it charged, or discharged where the power was positive: nothing of that is taken over
            the file is read-only: the schedule is a dry run until `read_only: false`
            stop marstek-automation before this runs: both would ask the same batteries, which answer one at a time"#]].assert_eq(&imported.notes.join("\n"));
    }

    #[test]
    fn the_result_means_what_the_original_meant() {
        let imported = marstek_automation(ENV, ".env").expect("a sound file");
        let (yaml, windows) = without_schedules(&imported.yaml);
        let config = good(&yaml);
        assert!(config.read_only);
        assert_eq!(config.site.timezone.iana_name(), Some("Europe/Brussels"));
        let addresses: Vec<_> = config
            .devices
            .iter()
            .map(|(id, settings)| {
                let DeviceSettings::Marstek(settings) = settings else { panic!("another driver") };
                format!("{id} {}:{}", settings.host, settings.port)
            })
            .collect();
        assert_eq!(addresses, ["battery_1 192.0.2.100:30001", "battery_2 192.0.2.101:30002"]);
        let shown: Vec<_> = windows
            .iter()
            .map(|(name, window)| format!("{name} {} {} {}", window.from, window.to, window.mode))
            .collect();
        assert_eq!(shown, ["day 07:00:00 23:00:00 auto", "night 23:00:00 07:00:00 idle"]);
    }

    #[test]
    fn secrets_are_not_repeated() {
        let imported = marstek_automation(ENV, ".env").expect("a sound file");
        assert!(!imported.yaml.contains("hunter2"), "{}", imported.yaml);
        assert!(!imported.notes.join("\n").contains("hunter2"), "{:?}", imported.notes);
        let error = marstek_automation("TOKEN=hunter2\nhunter2\n", ".env").expect_err("foreign").to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_file_of_something_else() {
        let error = marstek_automation("MQTT_BROKER=x\n", ".env").expect_err("foreign").to_string();
        expect![[r#"
            .env:1:1: no variable of marstek-automation: this is not its environment file
              |
            1 |
              | ^
              = give its .env, with BATTERY_1_IP, AUTO_MODE_START_HOUR, TIMEZONE"#]]
        .assert_eq(&error);
    }

    #[rstest::rstest]
    #[case("AUTO_MODE_START_HOUR=25", "replaced by 6, the value is no hour")]
    #[case("AUTO_MODE_START_HOUR=8", "day and night do not fill 24 hours exactly")]
    #[case("TIMEZONE=Paris", "replaced by Europe/Paris, the value is no time zone")]
    #[case("BATTERY_1_IP=a b", "left out, it is no address")]
    #[case("BATTERY_1_PORT=30001", "battery_1: left out, it has a port but no address")]
    #[case("BATTERY_1_IP=h\nBATTERY_1_PORT=0", "replaced by 30001, the value is no port")]
    #[case(
        "BATTERY_1_IP=h\nBATTERY_2_IP=H\nBATTERY_2_PORT=30001",
        "battery_2: left out, another battery has the same address"
    )]
    #[case("BATTERY_0_IP=h\nAPP_ENV=x", "BATTERY_0_IP: left out, marstek-automation has no such variable")]
    #[case("API_PORT=1\nAPI_PORT=8000", "API_PORT in line 1: left out, it stands again in line 2")]
    fn what_does_not_fit_is_told(#[case] env: &str, #[case] note: &str) {
        let imported = marstek_automation(env, ".env").expect("a sound file");
        assert!(imported.notes.iter().any(|told| told.contains(note)), "{:?}", imported.notes);
        good(&without_schedules(&imported.yaml).0);
    }

    proptest! {
        #[test]
        fn whatever_is_imported_is_a_configuration(
            ip in ".{0,20}", port in ".{0,8}", zone in ".{0,12}", hour in ".{0,4}", level in ".{0,8}",
        ) {
            let env = format!(
                "BATTERY_1_IP={ip}\nBATTERY_1_PORT={port}\nTIMEZONE={zone}\nAUTO_MODE_END_HOUR={hour}\nAPI_PORT={port}\nLOG_LEVEL={level}\n"
            );
            let imported = marstek_automation(&env, "a\nb").expect("a variable of its own");
            let (yaml, windows) = without_schedules(&imported.yaml);
            good(&yaml);
            prop_assert_eq!(windows.len(), 2);
        }
    }
}
