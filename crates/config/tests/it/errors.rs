//! Every kind of mistake with the exact words that its author reads.

use expect_test::{Expect, expect};
use rstest::rstest;

use crate::refused;

#[rstest]
#[case::unknown_key_in_a_device("devices:\n  garage:\n    marstek:\n      host: 192.0.2.7\n      interal: 30 s\n", expect![[r#"
    ohmstead.yaml:5:7: unknown key `interal` in device `garage`; did you mean `interval`?
      |
    5 |       interal: 30 s
      |       ^^^^^^^
      = known keys here: host, port, name, interval, timeout, retries, quiet_gap, methods, phase, capacity, power_max, pv_peak, ble_mac, entity_id, device_id, rediscover, read_only"#]])]
#[case::unknown_key_at_the_top("devices: {}\nreadonly: true\n", expect![[r#"
    ohmstead.yaml:2:1: unknown key `readonly` at the top level; did you mean `read_only`?
      |
    2 | readonly: true
      | ^^^^^^^^
      = known keys here: site, devices, schedules, rotation, limits, tariffs, forecast, outlook, tempo, planner, overrides, mqtt, web, history, sinks, read_only, log, data_dir"#]])]
#[case::a_rule_for_a_stranger("devices: { garage: { marstek: { host: h } } }\nschedules:\n  night: { from: \"22:00\", to: \"06:00\", mode: hold, devices: [garage, gaarge] }\n", expect![[r#"
    ohmstead.yaml:3:70: no device `gaarge` is configured
      |
    3 |   night: { from: "22:00", to: "06:00", mode: hold, devices: [garage, gaarge] }
      |                                                                      ^^^^^^
      = did you mean `garage`?"#]])]
#[case::a_rule_with_a_wrong_time("devices: {}\nschedules: { night: { from: 22, to: \"06:00\", mode: hold } }\n", expect![[r#"
    ohmstead.yaml:2:29: "22" is no time of day such as "06:30"
      |
    2 | schedules: { night: { from: 22, to: "06:00", mode: hold } }
      |                             ^^"#]])]
#[case::a_rule_with_a_wrong_mode("devices: {}\nschedules: { night: { from: \"22:00\", to: \"06:00\", mode: off } }\n", expect![[r#"
    ohmstead.yaml:2:57: "off" is no battery mode: expected auto, hold, hold_charge, charge [POWER], discharge [POWER], idle or native:NAME
      |
    2 | schedules: { night: { from: "22:00", to: "06:00", mode: off } }
      |                                                         ^^^"#]])]
#[case::a_rule_on_no_day("devices: {}\nschedules: { night: { from: \"22:00\", to: \"06:00\", mode: hold, days: [funday] } }\n", expect![[r#"
    ohmstead.yaml:2:63: "funday" is no day: expected mon, tue, wed, thu, fri, sat, sun, weekdays, weekend, holidays or all
      |
    2 | schedules: { night: { from: "22:00", to: "06:00", mode: hold, days: [funday] } }
      |                                                               ^^^^"#]])]
#[case::no_rules("devices: {}\nschedules: night\n", expect![[r#"
    ohmstead.yaml:2:12: `schedules` is a single value, not a map of rules by name
      |
    2 | schedules: night
      |            ^^^^^
      = a rule is written as `night: { from: "22:00", to: "06:00", mode: hold }`"#]])]
#[case::unknown_key_in_a_section("devices: {}\nmqtt:\n  hostname: broker\n", expect![[r#"
    ohmstead.yaml:3:3: unknown key `hostname` in `mqtt`; did you mean `host`?
      |
    3 |   hostname: broker
      |   ^^^^^^^^
      = known keys here: host, port, username, password, password_file, client_id, keep_alive, tls, topic, discovery_prefix, discovery, expire_after, heartbeat, compat, state_topic_prefix, inverter_topic_prefix, commands"#]])]
#[case::unknown_key_in_a_map_of_a_section("devices: {}\nmqtt: { tls: { cafile: /etc/ca.pem } }\n", expect![[r#"
    ohmstead.yaml:2:16: unknown key `cafile` in `mqtt.tls`; did you mean `ca_file`?
      |
    2 | mqtt: { tls: { cafile: /etc/ca.pem } }
      |                ^^^^^^
      = known keys here: ca_file, cert_file, key_file"#]])]
#[case::unknown_driver("devices:\n  garage: { marstk: { host: 192.0.2.7 } }\n", expect![[r#"
    ohmstead.yaml:2:13: unknown driver `marstk` for device `garage`; did you mean `marstek`?
      |
    2 |   garage: { marstk: { host: 192.0.2.7 } }
      |             ^^^^^^
      = write `garage: { DRIVER: { ... } }`; drivers: marstek, victron, voltronic"#]])]
#[case::driver_left_out("devices:\n  garage: { host: 192.0.2.7 }\n", expect![[r#"
    ohmstead.yaml:2:13: unknown driver `host` for device `garage`
      |
    2 |   garage: { host: 192.0.2.7 }
      |             ^^^^
      = write `garage: { DRIVER: { ... } }`; drivers: marstek, victron, voltronic"#]])]
#[case::driver_left_out_with_more_keys("devices:\n  garage:\n    host: 192.0.2.7\n    port: 30000\n", expect![[r#"
    ohmstead.yaml:2:3: device `garage` has 2 keys where exactly one, its driver, is expected
      |
    2 |   garage:
      |   ^^^^^^
      = write `garage: { DRIVER: { ... } }`; drivers: marstek, victron, voltronic"#]])]
#[case::device_without_anything("devices:\n  garage:\n", expect![[r#"
    ohmstead.yaml:2:3: device `garage` names no driver
      |
    2 |   garage:
      |   ^^^^^^
      = write `garage: { DRIVER: { ... } }`; drivers: marstek, victron, voltronic"#]])]
#[case::wrong_unit("devices: { garage: { marstek: { host: 192.0.2.7, power_max: 3 kVA } } }\n", expect![[r#"
    ohmstead.yaml:1:61: invalid value "3 kVA" for `power_max` in device `garage`: expected a power such as 3000, "3000 W" or "3 kW"
      |
    1 | devices: { garage: { marstek: { host: 192.0.2.7, power_max: 3 kVA } } }
      |                                                             ^^^^^"#]])]
#[case::negative_span("devices: { garage: { marstek: { host: 192.0.2.7, interval: -5 s } } }\n", expect![[r#"
    ohmstead.yaml:1:60: invalid value `-5` for `interval` in device `garage`: expected a span of time such as 30, "30 s", "5 min", "1 h", "7 d" or "2 y"
      |
    1 | devices: { garage: { marstek: { host: 192.0.2.7, interval: -5 s } } }
      |                                                            ^^^^"#]])]
#[case::port_out_of_range("devices: { garage: { marstek: { host: 192.0.2.7, port: 99999 } } }\n", expect![[r#"
    ohmstead.yaml:1:56: invalid value "99999" for `port` in device `garage`: expected a whole number from 0 to 65535
      |
    1 | devices: { garage: { marstek: { host: 192.0.2.7, port: 99999 } } }
      |                                                        ^^^^^"#]])]
#[case::text_where_true_or_false_is_expected("devices: {}\nread_only: maybe\n", expect![[r#"
    ohmstead.yaml:2:12: invalid value "maybe" for `read_only`: expected true or false
      |
    2 | read_only: maybe
      |            ^^^^^"#]])]
#[case::missing_host("devices:\n  garage:\n    marstek:\n      port: 30000\n", expect![[r#"
    ohmstead.yaml:3:5: missing key `host` in device `garage`
      |
    3 |     marstek:
      |     ^^^^^^^"#]])]
#[case::host_without_a_value("devices:\n  garage:\n    marstek:\n      host:\n", expect![[r#"
    ohmstead.yaml:4:7: `host` has no value
      |
    4 |       host:
      |       ^^^^"#]])]
#[case::misspelt_host_is_one_problem("devices: { garage: { marstek: { hots: 192.0.2.7 } } }\n", expect![[r#"
    ohmstead.yaml:1:33: unknown key `hots` in device `garage`; did you mean `host`?
      |
    1 | devices: { garage: { marstek: { hots: 192.0.2.7 } } }
      |                                 ^^^^
      = known keys here: host, port, name, interval, timeout, retries, quiet_gap, methods, phase, capacity, power_max, pv_peak, ble_mac, entity_id, device_id, rediscover, read_only"#]])]
#[case::list_where_text_is_expected("devices: { garage: { marstek: { host: [a] } } }\n", expect![[r#"
    ohmstead.yaml:1:33: invalid value (a list) for `host` in device `garage`: expected a text
      |
    1 | devices: { garage: { marstek: { host: [a] } } }
      |                                 ^^^^"#]])]
#[case::text_where_keys_are_expected("devices: {}\nmqtt: localhost\n", expect![[r#"
    ohmstead.yaml:2:7: invalid value "localhost" for `mqtt`: expected a map of keys such as `host`, `port`, `username`, `password`
      |
    2 | mqtt: localhost
      |       ^^^^^^^^^"#]])]
#[case::text_where_a_list_is_expected("devices: { g: { marstek: { host: h, methods: ES.GetMode } } }\n", expect![[r#"
    ohmstead.yaml:1:46: invalid value "ES.GetMode" for `methods` in device `g`: expected a list such as [a, b]
      |
    1 | devices: { g: { marstek: { host: h, methods: ES.GetMode } } }
      |                                              ^^^^^^^^^^"#]])]
#[case::unknown_choice_in_a_list("devices: { g: { marstek: { host: h, methods: [ES.GetMod] } } }\n", expect![[r#"
    ohmstead.yaml:1:47: unknown value `ES.GetMod` for `methods` in device `g`; did you mean `ES.GetMode`?
      |
    1 | devices: { g: { marstek: { host: h, methods: [ES.GetMod] } } }
      |                                               ^^^^^^^^^
      = expected one of: Marstek.GetDevice, ES.GetMode, ES.GetStatus, EM.GetStatus, PV.GetStatus, Bat.GetStatus, Wifi.GetStatus, BLE.GetStatus"#]])]
#[case::unknown_language("devices: {}\nsite: { languages: [en, es] }\n", expect![[r#"
    ohmstead.yaml:2:25: unknown value `es` for `languages` in `site`
      |
    2 | site: { languages: [en, es] }
      |                         ^^
      = expected one of: en, fr, nl, et, de"#]])]
#[case::bad_address_in_a_list("devices: { g: { marstek: { host: h, rediscover: [192.0.2.0/24] } } }\n", expect![[r#"
    ohmstead.yaml:1:50: invalid value "192.0.2.0/24" for `rediscover` in device `g`: expected an IP address such as 192.0.2.7
      |
    1 | devices: { g: { marstek: { host: h, rediscover: [192.0.2.0/24] } } }
      |                                                  ^^^^^^^^^^^^"#]])]
#[case::unknown_zone("devices: {}\nsite: { timezone: Europe/Pari }\n", expect![[r#"
    ohmstead.yaml:2:19: unknown time zone "Europe/Pari": did you mean `Europe/Paris`? expected an IANA name such as Europe/Paris
      |
    2 | site: { timezone: Europe/Pari }
      |                   ^^^^^^^^^^^"#]])]
#[case::city_as_zone("devices: {}\nsite: { timezone: tallinn }\n", expect![[r#"
    ohmstead.yaml:2:19: unknown time zone "tallinn": did you mean `Europe/Tallinn`? expected an IANA name such as Europe/Paris
      |
    2 | site: { timezone: tallinn }
      |                   ^^^^^^^"#]])]
#[case::latitude_out_of_range("devices: {}\nsite: { latitude: 148.8, longitude: 2.3 }\n", expect![[r#"
    ohmstead.yaml:2:19: invalid value `148.8` for `latitude` in `site`: expected a latitude from -90 to 90 (degrees north)
      |
    2 | site: { latitude: 148.8, longitude: 2.3 }
      |                   ^^^^^"#]])]
#[case::a_limit_without_power("devices: {}\nlimits: { multi_output: { floor: 1 kW } }\n", expect![[r#"
    ohmstead.yaml:2:11: missing key `max` in `limits.multi_output`
      |
    2 | limits: { multi_output: { floor: 1 kW } }
      |           ^^^^^^^^^^^^"#]])]
#[case::a_limit_of_two_phases("devices: {}\nlimits: { multi_output: { max: 3 kW, phases: 2 } }\n", expect![[r#"
    ohmstead.yaml:2:46: 2 phases: expected 1 or 3
      |
    2 | limits: { multi_output: { max: 3 kW, phases: 2 } }
      |                                              ^"#]])]
#[case::a_floor_above_the_limit("devices: {}\nlimits:\n  multi_output:\n    max: 500 W\n    floor: 1 kW\n", expect![[r#"
    ohmstead.yaml:5:12: `limits.multi_output`: `floor` (1000 W) is above `max` (500 W)
      |
    5 |     floor: 1 kW
      |            ^^^^"#]])]
#[case::a_limit_below_0("devices: {}\nlimits: { feed_in: { max: -3 kW } }\n", expect![[r#"
    ohmstead.yaml:2:27: `limits.feed_in`: `max` is below 0: the direction is in the limit's name
      |
    2 | limits: { feed_in: { max: -3 kW } }
      |                           ^^^^^"#]])]
#[case::a_limit_for_a_device_that_is_not_there("devices: { gx: { victron: {} } }\nlimits: { feed_in: { max: 0, devices: [gy] } }\n", expect![[r#"
    ohmstead.yaml:2:30: `limits.feed_in` names `gy`, which is not configured
      |
    2 | limits: { feed_in: { max: 0, devices: [gy] } }
      |                              ^^^^^^^
      = configured devices: gx"#]])]
#[case::half_a_place("devices: {}\nsite:\n  latitude: 48.8\n", expect![[r#"
    ohmstead.yaml:2:1: `site` has no `longitude`: latitude and longitude belong together
      |
    2 | site:
      | ^^^^"#]])]
#[case::bad_device_name("devices:\n  fase a: { marstek: { host: h } }\n", expect![[r#"
    ohmstead.yaml:2:3: "fase a" is no device name: expected 1 to 64 letters, digits, '_' or '-', and not "site"
      |
    2 |   fase a: { marstek: { host: h } }
      |   ^^^^^^"#]])]
#[case::reserved_device_name("devices:\n  site: { marstek: { host: h } }\n", expect![[r#"
    ohmstead.yaml:2:3: "site" is no device name: expected 1 to 64 letters, digits, '_' or '-', and not "site"
      |
    2 |   site: { marstek: { host: h } }
      |   ^^^^"#]])]
#[case::device_names_that_differ_by_case("devices:\n  a: { marstek: { host: h } }\n  A: { marstek: { host: i } }\n", expect![[r#"
    ohmstead.yaml:3:3: device `A` differs from the one in line 2 only by case
      |
    3 |   A: { marstek: { host: i } }
      |   ^
      = names are parts of topics and file names"#]])]
#[case::device_twice("devices:\n  a: { marstek: { host: h } }\n  a: { marstek: { host: i } }\n", expect![[r#"
    ohmstead.yaml:3:3: the key `a` is given twice; keep one
      |
    3 |   a: { marstek: { host: i } }
      |   ^"#]])]
#[case::key_twice("devices: { a: { marstek: { host: h, host: i } } }\n", expect![[r#"
    ohmstead.yaml:1:37: the key `host` is given twice; keep one
      |
    1 | devices: { a: { marstek: { host: h, host: i } } }
      |                                     ^"#]])]
#[case::same_address_twice("devices:\n  a: { marstek: { host: h } }\n  b:\n    marstek:\n      host: H\n      port: 30000\n", expect![[r#"
    ohmstead.yaml:5:13: devices `a` and `b` have the same address h:30000
      |
    5 |       host: H
      |             ^
      = a device is configured once; behind one address, each needs a `port` of its own"#]])]
#[case::wildcard_in_a_topic("devices: {}\nmqtt: { state_topic_prefix: \"home/#\" }\n", expect![[r#"
    ohmstead.yaml:2:29: mqtt.state_topic_prefix: "home/#" cannot begin a topic: '+' and '#' are wildcards
      |
    2 | mqtt: { state_topic_prefix: "home/#" }
      |                             ^^^^^^^^"#]])]
#[case::web_open_to_all("devices: {}\nweb: { listen: 0.0.0.0:8230 }\n", expect![[r#"
    ohmstead.yaml:2:16: web.listen is 0.0.0.0:8230, which others in the network can reach, and no token is set: make one with `openssl rand -hex 16 > FILE`, keep it readable only for the service, and set web.token_file to it; or listen on 127.0.0.1
      |
    2 | web: { listen: 0.0.0.0:8230 }
      |                ^^^^^^^^^^^^"#]])]
#[case::no_listen_address("devices: {}\nweb:\n  listen: 8230\n", expect![[r#"
    ohmstead.yaml:3:11: invalid value "8230" for `listen` in `web`: expected an address with a port such as "127.0.0.1:8230", "0.0.0.0:8230" or "[::1]:8230"
      |
    3 |   listen: 8230
      |           ^^^^"#]])]
#[case::log_level("devices: {}\nlog: { level: INFO }\n", expect![[r#"
    ohmstead.yaml:2:15: unknown value `INFO` for `level` in `log`; did you mean `info`?
      |
    2 | log: { level: INFO }
      |               ^^^^
      = expected one of: off, error, warn, info, debug, trace"#]])]
#[case::log_size("devices: {}\nlog: { max_size: 10 mb }\n", expect![[r#"
    ohmstead.yaml:2:18: invalid value "10 mb" for `max_size` in `log`: expected a size such as 10000000, "500 kB", "10 MB" or "8 MiB"
      |
    2 | log: { max_size: 10 mb }
      |                  ^^^^^"#]])]
#[case::log_file_too_small("devices: {}\nlog: { max_size: 0 }\n", expect![[r#"
    ohmstead.yaml:2:18: 0 bytes are too few for a log file: give at least 10 kB
      |
    2 | log: { max_size: 0 }
      |                  ^"#]])]
#[case::no_language("devices: {}\nsite: { languages: [] }\n", expect![[r#"
    ohmstead.yaml:2:9: `languages` is empty: give at least one of en, fr, nl, et, de
      |
    2 | site: { languages: [] }
      |         ^^^^^^^^^"#]])]
#[case::log_target("devices: {}\nlog: { levels: { \"a=b,c\": debug } }\n", expect![[r#"
    ohmstead.yaml:2:8: "a=b,c" is no log target: expected a name such as driver.marstek, mqtt, web, store or control
      |
    2 | log: { levels: { "a=b,c": debug } }
      |        ^^^^^^"#]])]
#[case::a_plan_for_an_inverter_of_no_known_size("devices:\n  axpert: { voltronic: { path: auto } }\n  gx: { victron: { dbus: system } }\ntariffs: { import: { fixed: 0.25 } }\nplanner: { mode: act, devices: [gx, axpert] }\n", expect![[r#"
    ohmstead.yaml:5:37: a plan cannot steer `axpert`: the inverter does not tell how large its battery is
      |
    5 | planner: { mode: act, devices: [gx, axpert] }
      |                                     ^^^^^^
      = give its `capacity`, such as `batteries: { axpert: { capacity: 4.8 kWh } }`"#]])]
#[case::several_problems_in_one_run("site: { nam: x }\ndevices:\n  a: { marstek: { hostt: 1.2.3.4, foo: 1, bar: 2 } }\n  b: { marstek: { host: h, port: x } }\nmqt: {}\nread_only: 7\n", expect![[r#"
    ohmstead.yaml:1:9: unknown key `nam` in `site`; did you mean `name`?
      |
    1 | site: { nam: x }
      |         ^^^
      = known keys here: name, timezone, latitude, longitude, holidays, languages

    ohmstead.yaml:3:19: unknown key `hostt` in device `a`; did you mean `host`?
      |
    3 |   a: { marstek: { hostt: 1.2.3.4, foo: 1, bar: 2 } }
      |                   ^^^^^
      = known keys here: host, port, name, interval, timeout, retries, quiet_gap, methods, phase, capacity, power_max, pv_peak, ble_mac, entity_id, device_id, rediscover, read_only

    ohmstead.yaml:3:35: unknown key `foo` in device `a`
      |
    3 |   a: { marstek: { hostt: 1.2.3.4, foo: 1, bar: 2 } }
      |                                   ^^^
      = known keys here: host, port, name, interval, timeout, retries, quiet_gap, methods, phase, capacity, power_max, pv_peak, ble_mac, entity_id, device_id, rediscover, read_only

    ohmstead.yaml:3:43: unknown key `bar` in device `a`
      |
    3 |   a: { marstek: { hostt: 1.2.3.4, foo: 1, bar: 2 } }
      |                                           ^^^
      = known keys here: host, port, name, interval, timeout, retries, quiet_gap, methods, phase, capacity, power_max, pv_peak, ble_mac, entity_id, device_id, rediscover, read_only

    ohmstead.yaml:4:34: invalid value "x" for `port` in device `b`: expected a whole number from 0 to 65535
      |
    4 |   b: { marstek: { host: h, port: x } }
      |                                  ^

    ohmstead.yaml:5:1: unknown key `mqt` at the top level; did you mean `mqtt`?
      |
    5 | mqt: {}
      | ^^^
      = known keys here: site, devices, schedules, rotation, limits, tariffs, forecast, outlook, tempo, planner, overrides, mqtt, web, history, sinks, read_only, log, data_dir

    ohmstead.yaml:6:12: invalid value "7" for `read_only`: expected true or false
      |
    6 | read_only: 7
      |            ^"#]])]
#[case::empty_file("", expect![[r#"
    ohmstead.yaml:1:1: the file is empty
      |
    1 |
      | ^
      = `ohmstead discover --yaml` writes a configuration with the devices that answer in this network"#]])]
#[case::only_comments("# nothing\n\n# yet\n", expect![[r#"
    ohmstead.yaml:1:1: the file is empty
      |
    1 | # nothing
      | ^
      = `ohmstead discover --yaml` writes a configuration with the devices that answer in this network"#]])]
#[case::no_devices("site: { name: x }\n", expect![[r#"
    ohmstead.yaml:1:1: missing key `devices`
      |
    1 | site: { name: x }
      | ^
      = a device is written as `devices: { garage: { marstek: { host: 192.0.2.7 } } }`"#]])]
#[case::devices_as_a_list("devices:\n  - marstek: { host: h }\n", expect![[r#"
    ohmstead.yaml:2:3: `devices` is a list, not a map of devices by name
      |
    2 |   - marstek: { host: h }
      |   ^
      = a device is written as `garage: { marstek: { host: 192.0.2.7 } }`"#]])]
#[case::file_is_a_list("- a\n- b\n", expect![[r#"
    ohmstead.yaml:1:1: a list where a map of keys such as `devices:` is expected
      |
    1 | - a
      | ^"#]])]
#[case::file_is_a_word("devices\n", expect![[r#"
    ohmstead.yaml:1:1: a single value where a map of keys such as `devices:` is expected
      |
    1 | devices
      | ^^^^^^^"#]])]
#[case::tab("devices:\n\tgarage: {}\n", expect![[r#"
    ohmstead.yaml:2:1: a tab at the beginning of the line; YAML allows only spaces there
      |
    2 | →garage: {}
      | ^"#]])]
#[case::bracket_left_open("devices: { garage: { marstek: { host: 192.0.2.7 }\nread_only: true\n", expect![[r#"
    ohmstead.yaml:2:1: no valid YAML: while parsing a flow mapping, did not find expected ',' or '}'
      |
    2 | read_only: true
      | ^"#]])]
#[case::quote_left_open("devices: {}\nsite: { name: \"Home }\n", expect![[r#"
    ohmstead.yaml:2:15: no valid YAML: unclosed quote
      |
    2 | site: { name: "Home }
      |               ^"#]])]
#[case::wrong_indentation("devices:\n  garage:\n    marstek:\n      host: h\n     port: 1\n", expect![[r#"
    ohmstead.yaml:5:6: no valid YAML: while parsing a block mapping, did not find expected key
      |
    5 |      port: 1
      |      ^"#]])]
#[case::second_document("devices: {}\n---\ndevices: {}\n", expect![[r#"
    ohmstead.yaml:3:1: a second document begins; the file is one YAML document
      |
    3 | devices: {}
      | ^"#]])]
#[case::unknown_alias("devices: { a: *b }\n", expect![[r#"
    ohmstead.yaml:1:15: an alias (`*name`) without an anchor (`&name`) before it
      |
    1 | devices: { a: *b }
      |               ^"#]])]
#[case::nesting_bomb(&format!("devices: {}{}\n", "[".repeat(40), "]".repeat(40)), expect![[r#"
    ohmstead.yaml:1:41: too much: the nesting or the repetition by aliases goes beyond what a configuration may have
      |
    1 | devices: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
      |                                         ^"#]])]
#[case::alias_bomb("a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n", expect![[r#"
    ohmstead.yaml:5:5: too much: the nesting or the repetition by aliases goes beyond what a configuration may have
      |
    5 | e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]
      |     ^"#]])]
#[case::variable_not_set("devices:\n  a: { marstek: { host: 192.0.2.7, port: ${MARSTEK_PORT} } }\n", expect![[r#"
    ohmstead.yaml:2:42: the environment variable `MARSTEK_PORT` is not set
      |
    2 |   a: { marstek: { host: 192.0.2.7, port: ${MARSTEK_PORT} } }
      |                                          ^^^^^^^^^^^^^^
      = set it, or give a default: `${MARSTEK_PORT:-...}`"#]])]
#[case::variable_with_a_wrong_name("devices: { a: { marstek: { host: \"${my-host}\" } } }\n", expect![[r#"
    ohmstead.yaml:1:35: `${my-host}` is no reference to an environment variable
      |
    1 | devices: { a: { marstek: { host: "${my-host}" } } }
      |                                   ^^^^^^^^^^
      = expected `${NAME}` or `${NAME:-default}`; `$${` stands for a literal `${`"#]])]
#[case::variable_left_open("devices: { a: { marstek: { host: \"x ${HOST\" } } }\n", expect![[r#"
    ohmstead.yaml:1:37: `${HOST` is no reference to an environment variable
      |
    1 | devices: { a: { marstek: { host: "x ${HOST" } } }
      |                                     ^^^^^^
      = expected `${NAME}` or `${NAME:-default}`; `$${` stands for a literal `${`"#]])]
#[case::variable_with_a_wrong_value("devices: { a: { marstek: { host: h, port: ${HOST} } } }\n", expect![[r#"
    ohmstead.yaml:1:43: invalid value from ${HOST} for `port` in device `a`: expected a whole number from 0 to 65535
      |
    1 | devices: { a: { marstek: { host: h, port: ${HOST} } } }
      |                                           ^^^^^^^"#]])]
#[case::variable_with_a_wrong_quantity("devices: { a: { marstek: { host: h, power_max: \"${MQTT_PASSWORD}\" } } }\n", expect![[r#"
    ohmstead.yaml:1:48: invalid value from ${MQTT_PASSWORD} for `power_max` in device `a`: expected a power such as 3000, "3000 W" or "3 kW"
      |
    1 | devices: { a: { marstek: { host: h, power_max: "${MQTT_PASSWORD}" } } }
      |                                                ^^^^^^^^^^^^^^^^^^"#]])]
#[case::variable_as_a_choice("devices: {}\nlog: { level: ${MQTT_PASSWORD} }\n", expect![[r#"
    ohmstead.yaml:2:15: unknown value `from ${MQTT_PASSWORD}` for `level` in `log`
      |
    2 | log: { level: ${MQTT_PASSWORD} }
      |               ^^^^^^^^^^^^^^^^
      = expected one of: off, error, warn, info, debug, trace"#]])]
#[case::private_use_character("devices: {}\nsite: { name: \"a\u{10f041}\" }\n", expect![[r#"
    ohmstead.yaml:2:17: a private-use character that has no meaning here
      |
    2 | site: { name: "a􏁁" }
      |                 ^"#]])]
#[case::control_characters_do_not_reach_the_terminal("devices: {}\n\"\\e[31mred\": 1\n", expect![[r#"
    ohmstead.yaml:2:1: unknown key `\u{1b}[31mred` at the top level
      |
    2 | "\e[31mred": 1
      | ^^^^^^^^^^^
      = known keys here: site, devices, schedules, rotation, limits, tariffs, forecast, outlook, tempo, planner, overrides, mqtt, web, history, sinks, read_only, log, data_dir"#]])]
#[case::secret_in_the_line_of_another_problem("devices: {}\nmqtt: { username: u, password: hunter2, topik: x }\n", expect![[r#"
    ohmstead.yaml:2:41: unknown key `topik` in `mqtt`; did you mean `topic`?
      |
    2 | mqtt: { username: u, password: *******, topik: x }
      |                                         ^^^^^
      = known keys here: host, port, username, password, password_file, client_id, keep_alive, tls, topic, discovery_prefix, discovery, expire_after, heartbeat, compat, state_topic_prefix, inverter_topic_prefix, commands"#]])]
#[case::sink_with_an_unknown_key("devices: {}\nsinks: { a: { postgresql: { tabel: x } } }\n", expect![[r#"
    ohmstead.yaml:2:29: unknown key `tabel` in `sinks.a.postgresql`; did you mean `table`?
      |
    2 | sinks: { a: { postgresql: { tabel: x } } }
      |                             ^^^^^
      = known keys here: host, port, database, user, password, password_file, table, tls, metrics, devices, snap, every, max_batch, catch_up_per_s, from"#]])]
#[case::sink_of_an_unknown_kind("devices: {}\nsinks: { a: { influx: {} } }\n", expect![[r#"
    ohmstead.yaml:2:15: unknown value `influx` for `a` in `sinks`; did you mean `influxdb`?
      |
    2 | sinks: { a: { influx: {} } }
      |               ^^^^^^
      = expected one of: influxdb, prometheus, postgresql"#]])]
#[case::sink_without_a_place("devices: {}\nsinks:\n  a:\n    influxdb:\n      url: ftp://x\n", expect![[r#"
    ohmstead.yaml:5:12: sinks.a.influxdb.url: expected a URL that begins with http:// or https://
      |
    5 |       url: ftp://x
      |            ^^^^^^^"#]])]
#[case::secret_as_the_wrong_kind("devices: {}\nmqtt: { username: u, password: [hunter2] }\n", expect![[r#"
    ohmstead.yaml:2:22: invalid value (a list) for `password` in `mqtt`: expected a text
      |
    2 | mqtt: { username: u, password: **********}
      |                      ^^^^^^^^"#]])]
#[case::secret_too_short("devices: {}\nweb:\n  token: hunter2\n", expect![[r#"
    ohmstead.yaml:3:10: the web token has 7 characters, at least 16 are needed: make one with `openssl rand -hex 16`
      |
    3 |   token: *******
      |          ^^^^^^^"#]])]
#[case::secret_on_a_broken_line("devices: {}\nmqtt:\n  password: \"hunter2\n  username: u\n", expect![[r#"
    ohmstead.yaml:4:3: no valid YAML: invalid indentation in multiline quoted scalar
      |
    4 |   ********* *
      |   ^"#]])]
#[case::secret_in_a_block("devices: {}\nmqtt:\n  password: |\n    hunter2\n   bad: x\n", expect![[r#"
    ohmstead.yaml:5:4: no valid YAML: while parsing a block mapping, did not find expected key
      |
    5 |    **** *
      |    ^"#]])]
#[case::secret_of_two_lines("devices: {}\nmqtt:\n  password:\n    - hunter2\n    - x\n", expect![[r#"
    ohmstead.yaml:3:3: invalid value (a list) for `password` in `mqtt`: expected a text
      |
    3 |   password:
      |   ^^^^^^^^"#]])]
#[case::password_without_user("devices: {}\nmqtt: { password: hunter2 }\n", expect![[r#"
    ohmstead.yaml:2:19: mqtt: there is a password but no username; MQTT cannot send one without the other
      |
    2 | mqtt: { password: ********}
      |                   ^^^^^^^"#]])]
#[case::long_line(&format!("devices: {{ a: {{ marstek: {{ host: h, name: {}, foo: 1, entity_id: {} }} }} }}\n", "x".repeat(200), "y".repeat(200)), expect![[r#"
    ohmstead.yaml:1:245: unknown key `foo` in device `a`
      |
    1 | ...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, foo: 1, entity_id: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy...
      |                                                           ^^^
      = known keys here: host, port, name, interval, timeout, retries, quiet_gap, methods, phase, capacity, power_max, pv_peak, ble_mac, entity_id, device_id, rediscover, read_only"#]])]
#[case::open_dbus_api("devices:\n  gx: { victron: { serve_dbus_api: 0.0.0.0:8088 } }\n", expect![[r#"
    ohmstead.yaml:2:36: `serve_dbus_api` listens on 0.0.0.0:8088, which others in the network can reach, without a token
      |
    2 |   gx: { victron: { serve_dbus_api: 0.0.0.0:8088 } }
      |                                    ^^^^^^^^^^^^
      = make one with `openssl rand -hex 16 > FILE` and name it: `{ listen: ..., token_file: FILE }`; or listen on 127.0.0.1"#]])]
#[case::dbus_api_where_the_page_is("devices:\n  gx:\n    victron:\n      serve_dbus_api: 127.0.0.1:8230\n", expect![[r#"
    ohmstead.yaml:4:23: `serve_dbus_api` listens on 127.0.0.1:8230, where something else listens already
      |
    4 |       serve_dbus_api: 127.0.0.1:8230
      |                       ^^^^^^^^^^^^^^
      = give it a port of its own, such as 8088"#]])]
#[case::dbus_api_without_a_port("devices:\n  gx: { victron: { serve_dbus_api: { listen: localhost, write: true } } }\n", expect![[r#"
    ohmstead.yaml:2:20: invalid value "localhost" for `serve_dbus_api` in device `gx`: expected an address with a port such as 127.0.0.1:8088
      |
    2 |   gx: { victron: { serve_dbus_api: { listen: localhost, write: true } } }
      |                    ^^^^^^^^^^^^^^"#]])]
#[case::watched_nothing("devices:\n  gx:\n    victron:\n      watch:\n        - vebus/Mode\n        - /Dc/0/Voltage\n", expect![[r#"
    ohmstead.yaml:6:11: invalid value "/Dc/0/Voltage" for `watch` in device `gx`: expected a path such as vebus/Ac/ActiveIn/L1/F or battery/512/System/MaxCellVoltage (CLASS/INSTANCE/PATH); `ohmstead read NAME --native` lists them
      |
    6 |         - /Dc/0/Voltage
      |           ^^^^^^^^^^^^^"#]])]
#[case::watched_under_a_name_of_the_catalogue("devices:\n  gx: { victron: { watch: [{ path: vebus/Mode, name: battery_soc }] } }\n", expect![[r#"
    ohmstead.yaml:2:20: invalid value "battery_soc" for `watch` in device `gx`: expected another name: this one is a metric of its own
      |
    2 |   gx: { victron: { watch: [{ path: vebus/Mode, name: battery_soc }] } }
      |                    ^^^^^"#]])]
#[case::watched_twice("devices:\n  gx: { victron: { watch: [vebus/Mode, vebus/Mode] } }\n", expect![[r#"
    ohmstead.yaml:2:20: two paths have the name gx_vebus_mode: give one of them another `name`
      |
    2 |   gx: { victron: { watch: [vebus/Mode, vebus/Mode] } }
      |                    ^^^^^"#]])]
#[case::two_gx_at_one_bus("devices:\n  a: { victron: { dbus: system } }\n  b: { victron: {} }\n", expect![[r#"
    ohmstead.yaml:3:8: devices `a` and `b` have the same address system
      |
    3 |   b: { victron: {} }
      |        ^^^^^^^
      = a device is configured once; behind one address, each needs a `port` of its own"#]])]
#[case::negative_capacity("devices: { a: { voltronic: { capacity: -5 kWh } } }\n", expect![[r#"
    ohmstead.yaml:1:40: device `a`: `capacity` is not above 0
      |
    1 | devices: { a: { voltronic: { capacity: -5 kWh } } }
      |                                        ^^^^^^
      = give the real one, or leave the key out"#]])]
#[case::no_capacity("devices: { a: { marstek: { host: h, capacity: 0, power_max: 0 } } }\n", expect![[r#"
    ohmstead.yaml:1:47: device `a`: `capacity` is not above 0
      |
    1 | devices: { a: { marstek: { host: h, capacity: 0, power_max: 0 } } }
      |                                               ^
      = give the real one, or leave the key out

    ohmstead.yaml:1:61: device `a`: `power_max` is not above 0
      |
    1 | devices: { a: { marstek: { host: h, capacity: 0, power_max: 0 } } }
      |                                                             ^
      = give the real one, or leave the key out"#]])]
#[case::empty_serial("devices: { a: { voltronic: { serial: \"\" } } }\n", expect![[r#"
    ohmstead.yaml:1:38: device `a`: `serial` is empty
      |
    1 | devices: { a: { voltronic: { serial: "" } } }
      |                                      ^^
      = give the number on the unit's plate, or leave the key out"#]])]
#[case::no_write_at_all("devices: { a: { victron: { writes_per_day: 0 } } }\n", expect![[r#"
    ohmstead.yaml:1:44: invalid value `0` for `writes_per_day` in device `a`: expected 1 to 96 writes a day: each change of a setting rewrites a file in the GX device's flash; `read_only: true` forbids all
      |
    1 | devices: { a: { victron: { writes_per_day: 0 } } }
      |                                            ^"#]])]
#[case::a_write_a_second("devices: { a: { victron: { write_interval: 0 s } } }\n", expect![[r#"
    ohmstead.yaml:1:44: invalid value "0 ms" for `write_interval` in device `a`: expected 10 s to 24 h between two writes: each change of a setting rewrites a file in the GX device's flash
      |
    1 | devices: { a: { victron: { write_interval: 0 s } } }
      |                                            ^^^"#]])]
#[case::tls_in_a_scheme("devices: { a: { victron: { mqtt: { host: \"mqtts://gx\", password: p } } } }\n", expect![[r#"
    ohmstead.yaml:1:28: invalid value "mqtts://gx" for `mqtt` in device `a`: expected a host name or IP address, without a scheme or with mqtt://; TLS is asked for with `tls:`
      |
    1 | devices: { a: { victron: { mqtt: { host: "mqtts://gx", password: **} } } }
      |                            ^^^^"#]])]
#[case::tls_without_whom_to_trust("devices: { a: { victron: { mqtt: { host: gx, tls: {} } } } }\n", expect![[r#"
    ohmstead.yaml:1:46: invalid value map for `tls` in `mqtt` of device `a`: expected a map with ca_file or fingerprint_sha256, one of the two: whose certificate is believed
      |
    1 | devices: { a: { victron: { mqtt: { host: gx, tls: {} } } } }
      |                                              ^^^"#]])]
#[case::tls_where_there_is_none("devices: { a: { victron: { http: \"https://gx\" } } }\n", expect![[r#"
    ohmstead.yaml:1:34: invalid value "https://gx" for `http` in device `a`: expected a host with a port, such as gx:8088 or http://gx:8088
      |
    1 | devices: { a: { victron: { http: "https://gx" } } }
      |                                  ^^^^^^^^^^^^"#]])]
#[case::relative_root("devices: { a: { voltronic: { sys_root: relative } } }\n", expect![[r#"
    ohmstead.yaml:1:40: device `a`: `sys_root` is "relative", which does not begin with a slash
      |
    1 | devices: { a: { voltronic: { sys_root: relative } } }
      |                                        ^^^^^^^^
      = give the whole path, such as /sys or /dev"#]])]
#[case::usb_port_of_a_serial_line("devices: { a: { voltronic: { path: /dev/ttyUSB0, usb_port: 1-1.2 } } }\n", expect![[r#"
    ohmstead.yaml:1:60: device `a`: `usb_port` does not go with a `path` that is a serial line
      |
    1 | devices: { a: { voltronic: { path: /dev/ttyUSB0, usb_port: 1-1.2 } } }
      |                                                            ^^^^^
      = keep one of the two: usb_port finds the unit among the hidraw devices"#]])]
#[case::nothing_tells_them_apart("devices:\n  a: { voltronic: {} }\n  b: { voltronic: { path: auto } }\n", expect![[r#"
    ohmstead.yaml:3:27: nothing tells the inverters `a` and `b` apart: both are to be found on any USB port
      |
    3 |   b: { voltronic: { path: auto } }
      |                           ^^^^
      = give each its `serial`, `usb_port` or `path`; `ohmstead discover voltronic --yaml` prints them"#]])]
#[case::one_serial_twice("devices:\n  a: { voltronic: { serial: \"9293\" } }\n  b: { voltronic: { serial: \"9293\" } }\n", expect![[r#"
    ohmstead.yaml:3:29: devices `a` and `b` have the same `serial` 9293
      |
    3 |   b: { voltronic: { serial: "9293" } }
      |                             ^^^^^^
      = a device is configured once"#]])]
#[case::one_path_in_two_spellings("devices:\n  a: { voltronic: { path: /dev/hidraw0 } }\n  b: { voltronic: { path: /dev/../dev/hidraw0 } }\n", expect![[r#"
    ohmstead.yaml:3:27: devices `a` and `b` have the same address /dev/hidraw0
      |
    3 |   b: { voltronic: { path: /dev/../dev/hidraw0 } }
      |                           ^^^^^^^^^^^^^^^^^^^
      = a device is configured once; behind one address, each needs a `port` of its own"#]])]
#[case::one_socket_in_two_spellings("devices:\n  a: { voltronic: { path: /run/x.sock } }\n  b: { voltronic: { path: \"unixpacket:/run/x.sock\" } }\n", expect![[r#"
    ohmstead.yaml:3:27: devices `a` and `b` have the same address /run/x.sock
      |
    3 |   b: { voltronic: { path: "unixpacket:/run/x.sock" } }
      |                           ^^^^^^^^^^^^^^^^^^^^^^^^
      = a device is configured once; behind one address, each needs a `port` of its own"#]])]
#[case::a_broker_with_its_port("devices: {}\nmqtt: { host: \"three:1884\" }\n", expect![[r#"
    ohmstead.yaml:2:15: mqtt.host: "three:1884" is no host name or address: the port has a key of its own, `port`
      |
    2 | mqtt: { host: "three:1884" }
      |               ^^^^^^^^^^^^"#]])]
#[case::a_broker_with_a_comment("devices: {}\nmqtt: { host: \"broker # comment\" }\n", expect![[r#"
    ohmstead.yaml:2:15: mqtt.host: "broker # comment" is no host name or address: it holds characters that no name has
      |
    2 | mqtt: { host: "broker # comment" }
      |               ^^^^^^^^^^^^^^^^^^"#]])]
#[case::a_battery_that_is_no_device("devices: { fase_a: { marstek: { host: h } } }\nrotation: { day: { batteries: [fase_a, fase_x] } }\n", expect![[r#"
    ohmstead.yaml:2:40: group `day` has the battery `fase_x`, which is no device; did you mean `fase_a`?
      |
    2 | rotation: { day: { batteries: [fase_a, fase_x] } }
      |                                        ^^^^^^
      = devices here: fase_a"#]])]
#[case::a_meter_that_is_no_device("devices: { a: { marstek: { host: h } } }\nrotation: { day: { batteries: [a], meter: gx } }\n", expect![[r#"
    ohmstead.yaml:2:43: group `day` has the meter `gx`, which is no device
      |
    2 | rotation: { day: { batteries: [a], meter: gx } }
      |                                           ^^
      = devices here: a"#]])]
#[case::a_battery_in_two_groups("devices: { a: { marstek: { host: h } } }\nrotation:\n  day: { batteries: [a] }\n  other: { batteries: [a] }\n", expect![[r#"
    ohmstead.yaml:4:24: groups `day` and `other` have the battery `a` in common
      |
    4 |   other: { batteries: [a] }
      |                        ^
      = a battery has its turn in one group"#]])]
#[case::a_group_without_batteries("devices: {}\nrotation: { day: { lock: 5 min } }\n", expect![[r#"
    ohmstead.yaml:2:13: group `day` names no battery
      |
    2 | rotation: { day: { lock: 5 min } }
      |             ^^^
      = name the devices: `batteries: [fase_a, fase_b]`"#]])]
#[case::a_lock_that_is_too_short("devices: { a: { marstek: { host: h } } }\nrotation: { day: { batteries: [a], lock: 10 s } }\n", expect![[r#"
    ohmstead.yaml:2:42: invalid value "10 s" for `lock` in `rotation.day`: expected a span from 1 min to 30 min
      |
    2 | rotation: { day: { batteries: [a], lock: 10 s } }
      |                                          ^^^^"#]])]
#[case::a_threshold_of_no_use("devices: { a: { marstek: { host: h } } }\nrotation: { day: { batteries: [a], low: 20 % } }\n", expect![[r#"
    ohmstead.yaml:2:41: group `day` has `low` 20 % at or above `useful` 15 %
      |
    2 | rotation: { day: { batteries: [a], low: 20 % } }
      |                                         ^^^^
      = a battery that has just handed over would be switched back to at once"#]])]
#[case::unknown_key_in_a_group("devices: { a: { marstek: { host: h } } }\nrotation: { day: { batteries: [a], night: { energie: 3 kWh } } }\n", expect![[r#"
    ohmstead.yaml:2:45: unknown key `energie` in `rotation.day.night`; did you mean `energy`?
      |
    2 | rotation: { day: { batteries: [a], night: { energie: 3 kWh } } }
      |                                             ^^^^^^^
      = known keys here: from, to, weekend, energy, power_max, expected_pv, capacity"#]])]
#[case::groups_in_a_list("devices: {}\nrotation: [a]\n", expect![[r#"
    ohmstead.yaml:2:11: `rotation` is a list, not a map by name
      |
    2 | rotation: [a]
      |           ^
      = write `day: { batteries: [fase_a, fase_b], meter: gx }`"#]])]
fn a_mistake_is_explained(#[case] text: &str, #[case] message: Expect) {
    message.assert_eq(&refused(text));
}

#[test]
fn more_windows_than_there_are_numbers_for() {
    let windows = |count: usize| {
        let window = |number| format!("  w{number}: {{ from: \"22:00\", to: \"06:00\", mode: hold }}\n");
        format!("devices: {{}}\nschedules:\n{}", (0..count).map(window).collect::<String>())
    };
    let message = refused(&windows(1001));
    assert!(message.contains("`schedules` has 1001 windows, more than 1000"), "{message}");
    assert!(ohmstead_config::parse(&windows(1000), "ohmstead.yaml", &|_| None).is_ok());
}
