//! What a sound file means.

use ohmstead_config::{Language, Level};
use ohmstead_drivers::DeviceSettings;
use ohmstead_units::Timespan;
use rstest::rstest;

use crate::{good, refused};

fn battery(text: &str) -> ohmstead_drivers::marstek::Settings {
    let config = good(&format!("devices: {{ a: {{ marstek: {text} }} }}"));
    let (_, DeviceSettings::Marstek(settings)) = config.devices.into_iter().next().expect("one device")
    else {
        panic!("another driver")
    };
    settings
}

#[test]
fn little_is_needed() {
    let config = good("devices: { garage: { marstek: { host: 192.0.2.7 } } }");
    assert!(config.read_only, "nothing is written unless the file allows it");
    assert!(config.mqtt.is_none());
    assert_eq!(config.web, Some(ohmstead_web::Settings::default()));
    assert_eq!(config.site.name, "Home");
    assert_eq!(config.site.languages, [Language::En]);
    assert_eq!((config.log.level, config.log.max_size, config.log.keep), (Level::Info, 10_000_000, 3));
    assert_eq!(config.data_dir, None);
    assert_eq!(config.devices[0].0.as_str(), "garage");
}

#[test]
fn a_limit_of_the_site() {
    let config =
        good("devices: {}\nlimits: { multi_output: { max: 30 kW, floor: 1 kW, step: 1 kW, phases: 3 } }");
    let limit = config.limits.multi_output.expect("it is set");
    assert_eq!((limit.max.0, limit.step.0, limit.phases), (30_000.0, 1000.0, Some(3)));
    assert_eq!(good("devices: {}\nlimits:").limits, ohmstead_control::limiter::Settings::default());
    let named = good("devices: { gx: { victron: {} } }\nlimits: { feed_in: { max: 0, devices: [gx] } }");
    assert!(named.limits.feed_in.is_some());
}

#[test]
fn devices_keep_the_order_of_the_file() {
    let names = ["zeta", "alpha", "Mid-1", "0"];
    let lines: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, name)| format!("\n  {name}: {{ marstek: {{ host: 192.0.2.{n} }} }}"))
        .collect();
    let lines = lines.concat();
    let devices = good(&format!("devices:{lines}")).devices;
    assert_eq!(devices.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), names);
}

#[test]
fn everything_of_a_section_is_read() {
    let config = good(
        "
site: { name: Chez nous, timezone: europe/paris, latitude: 48.8, longitude: -2, languages: [fr, en, fr] }
devices: {}
mqtt: { host: broker, username: u, password: 0123, discovery: off, compat: [marstek-poller], state_topic_prefix: home/energy }
web: { listen: 127.0.0.1:9 }
history: { keep_raw: 1 y, commit: 10 s }
read_only: no
log: { level: warn, levels: { driver.marstek: debug }, file: null, max_size: 1 MB, keep: 2 }
data_dir: /var/lib/ohmstead
",
    );
    assert_eq!(config.site.timezone.iana_name(), Some("Europe/Paris"));
    assert_eq!((config.site.latitude, config.site.longitude), (Some(48.8), Some(-2.0)));
    assert_eq!(config.site.languages, [Language::Fr, Language::En]);
    let mqtt = config.mqtt.expect("an mqtt section");
    assert_eq!(mqtt.password.expect("a password").expose(), "0123", "a password is no number");
    assert_eq!(mqtt.discovery, ohmstead_publish::Discovery::Off);
    assert_eq!(config.web.expect("a web section").listen.port(), 9);
    assert_eq!(config.history.commit, Timespan::from_secs(10));
    assert!(!config.read_only);
    assert_eq!(config.log.levels["driver.marstek"], Level::Debug);
    assert_eq!(config.log.file, None);
    assert_eq!(config.data_dir.as_deref(), Some("/var/lib/ohmstead".as_ref()));
}

#[rstest]
#[case::off("web: off", false)]
#[case::no_value("web:", true)]
#[case::empty("web: {}", true)]
fn the_page_can_be_switched_off(#[case] line: &str, #[case] on: bool) {
    assert_eq!(good(&format!("devices: {{}}\n{line}\n")).web.is_some(), on);
}

#[rstest]
#[case::absent("", false)]
#[case::no_value("mqtt:", false)]
#[case::off("mqtt: off", false)]
#[case::defaults("mqtt: {}", true)]
fn the_broker_is_optional(#[case] line: &str, #[case] on: bool) {
    assert_eq!(good(&format!("devices: {{}}\n{line}\n")).mqtt.is_some(), on);
}

#[rstest]
#[case::number("{ host: h, port: ${PORT} }")]
#[case::quoted("{ host: h, port: \"${PORT}\" }")]
#[case::default("{ host: h, port: ${UNSET:-30001} }")]
#[case::nested("{ host: h, port: ${UNSET:-${PORT}} }")]
#[case::part("{ host: h, port: 300${UNSET:-01} }")]
fn variables_become_numbers(#[case] text: &str) {
    assert_eq!(battery(text).port, 30001);
}

#[test]
fn variables_become_text_and_nothing_else() {
    let settings = battery(
        "{ host: \"${HOST}\", name: ${TRICKY}, entity_id: 'a $${HOST} $HOST $$', device_id: ${EMPTY} }",
    );
    assert_eq!(settings.host, "192.0.2.9");
    assert_eq!(settings.name.as_deref(), Some("x, port: 9 }\nread_only: false # \"'"));
    assert_eq!(settings.port, 30000);
    assert_eq!(settings.entity_id.as_deref(), Some("a ${HOST} $HOST $$"));
    assert_eq!(settings.device_id, None, "an empty variable is as if nothing stood there");
    let units =
        battery("{ host: h, interval: ${UNSET:-5 min}, timeout: ${UNSET:-2}, name: ${UNSET:-a, b: #c} }");
    assert_eq!((units.interval, units.timeout), (Timespan::from_secs(300), Timespan::from_secs(2)));
    assert_eq!(units.name.as_deref(), Some("a, b: #c"));
}

#[test]
fn a_comment_may_mention_any_variable() {
    good("devices: {} # ${NOT_SET} ${\n# '${'\n");
}

#[test]
fn shared_settings_can_be_merged() {
    let config = good(
        "
devices:
  a: { marstek: &all { host: 192.0.2.1, interval: 60 s } }
  b: { marstek: { <<: *all, host: 192.0.2.2 } }
",
    );
    let (_, DeviceSettings::Marstek(second)) = &config.devices[1] else { panic!("another driver") };
    assert_eq!((second.host.as_str(), second.interval), ("192.0.2.2", Timespan::from_secs(60)));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    let config = good("\u{feff}devices: {}\r\nread_only: false\r\n");
    assert!(!config.read_only);
    assert!(refused("devices: {}\r\nsite: 1\r\n").starts_with("ohmstead.yaml:2:7:"));
}

#[test]
fn secrets_are_not_printed() {
    let text = "devices: {}\nmqtt: { username: u, password: \"${MQTT_PASSWORD}\" }\nweb: { token: correct-horse-battery }";
    let config = good(text);
    assert_eq!(
        config.mqtt.as_ref().and_then(|mqtt| mqtt.password.as_ref()).map(ohmstead_publish::Secret::expose),
        Some("hunter2")
    );
    let shown = format!("{config:?} {config:#?}");
    assert!(!shown.contains("hunter2") && !shown.contains("correct-horse"), "{shown}");
}

#[test]
fn groups_of_batteries_keep_the_order_of_the_file() {
    let config = good(
        "devices: { fase_a: { marstek: { host: h } }, b: { marstek: { host: i } }, gx: { victron: { dbus: system } } }\n\
         rotation: { night: { batteries: [b], night: {} }, day: { batteries: [fase_a], meter: gx } }\n",
    );
    let names: Vec<_> = config.rotation.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["night", "day"]);
    let (_, day) = &config.rotation[1];
    assert_eq!(day.meter.as_ref().map(ohmstead_model::DeviceId::as_str), Some("gx"));
    assert!(config.rotation[0].1.night.is_some() && day.night.is_none());
    assert!(good("devices: {}\nrotation:\n").rotation.is_empty());
}
