//! `reference.md` names the keys that the parser takes: all of them, and no others. The examples can be loaded.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{good, refused};

/// The keys in the tables of `reference.md`.
fn documented() -> BTreeSet<String> {
    include_str!("../../reference.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(key, _)| key.to_owned()))
        .collect()
}

/// The keys that the parser itself lists when it meets an unknown one in the map that `text` opens.
fn known(prefix: &str, text: &str) -> Vec<String> {
    let message = refused(&text.replace("HERE", "unknown_key_of_the_test: 1"));
    let list = message.split("known keys here: ").nth(1).unwrap_or_else(|| panic!("no list in: {message}"));
    list.lines().next().unwrap_or_default().split(", ").map(|key| format!("{prefix}{key}")).collect()
}

/// The kinds of tariff, which the parser lists when it meets another one.
fn kinds_of_tariff() -> Vec<String> {
    choices("tariffs.import.", "devices: {}\ntariffs: { import: { unknown_kind_of_the_test: 1 } }")
}

/// The keys of each source of each kind.
fn sources() -> Vec<String> {
    let kinds =
        [("tariffs", "market"), ("tariffs", "colours"), ("tariffs", "official_prices"), ("forecast", "pv")];
    let of_kind = |(section, kind): (&str, &str)| {
        let start = if section == "tariffs" { "import: { fixed: 1 }, " } else { "" };
        let with = |source: &str| format!("devices: {{}}\n{section}: {{ {start}{kind}: {{ {source} }} }}");
        let names = choices("", &with("unknown_source_of_the_test: 1"));
        let keys = names
            .into_iter()
            .map(|name| known(&format!("{section}.{kind}.{name}."), &with(&format!("{name}: {{ HERE }}"))));
        keys.flatten().collect::<Vec<_>>()
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

/// The words that the parser lists when it meets an unknown one.
fn choices(prefix: &str, text: &str) -> Vec<String> {
    let message = refused(text);
    let list = message.split("expected one of: ").nth(1).unwrap_or_else(|| panic!("no list in: {message}"));
    list.lines().next().unwrap_or_default().split(", ").map(|word| format!("{prefix}{word}")).collect()
}

#[test]
fn every_key_is_documented_and_every_documented_key_exists() {
    let accepted: BTreeSet<String> = [
        ("", "devices: {}\nHERE"),
        ("site.", "devices: {}\nsite: { HERE }"),
        ("devices.NAME.marstek.", "devices: { a: { marstek: { host: h, HERE } } }"),
        ("devices.NAME.victron.", "devices: { a: { victron: { HERE } } }"),
        ("devices.NAME.victron.mqtt.", "devices: { a: { victron: { mqtt: { host: h, HERE } } } }"),
        (
            "devices.NAME.victron.mqtt.tls.",
            "devices: { a: { victron: { mqtt: { host: h, tls: { HERE } } } } }",
        ),
        ("devices.NAME.victron.modbus.", "devices: { a: { victron: { modbus: { host: h, HERE } } } }"),
        (
            "devices.NAME.victron.watch.",
            "devices: { a: { victron: { watch: [{ path: vebus/Mode, HERE }] } } }",
        ),
        (
            "devices.NAME.victron.serve_dbus_api.",
            "devices: { a: { victron: { serve_dbus_api: { listen: \"127.0.0.1:8088\", HERE } } } }",
        ),
        ("devices.NAME.voltronic.", "devices: { a: { voltronic: { HERE } } }"),
        ("schedules.NAME.", "devices: {}\nschedules: { a: { HERE } }"),
        ("overrides.", "devices: {}\noverrides: { HERE }"),
        ("mqtt.", "devices: {}\nmqtt: { HERE }"),
        ("mqtt.tls.", "devices: {}\nmqtt: { tls: { HERE } }"),
        ("web.", "devices: {}\nweb: { HERE }"),
        ("history.", "devices: {}\nhistory: { HERE }"),
        ("sinks.NAME.influxdb.", "devices: {}\nsinks: { a: { influxdb: { HERE } } }"),
        ("sinks.NAME.influxdb.tls.", "devices: {}\nsinks: { a: { influxdb: { tls: { HERE } } } }"),
        ("sinks.NAME.prometheus.", "devices: {}\nsinks: { a: { prometheus: { HERE } } }"),
        ("sinks.NAME.prometheus.tls.", "devices: {}\nsinks: { a: { prometheus: { tls: { HERE } } } }"),
        ("sinks.NAME.postgresql.", "devices: {}\nsinks: { a: { postgresql: { HERE } } }"),
        ("sinks.NAME.postgresql.tls.", "devices: {}\nsinks: { a: { postgresql: { tls: { HERE } } } }"),
        ("limits.", "devices: {}\nlimits: { HERE }"),
        ("limits.multi_output.", "devices: {}\nlimits: { multi_output: { max: 1, HERE } }"),
        ("log.", "devices: {}\nlog: { HERE }"),
        ("rotation.NAME.", "devices: {}\nrotation: { day: { HERE } }"),
        ("rotation.NAME.stop.", "devices: {}\nrotation: { day: { stop: { HERE } } }"),
        ("rotation.NAME.start.", "devices: {}\nrotation: { day: { start: { HERE } } }"),
        ("rotation.NAME.overflow.", "devices: {}\nrotation: { day: { overflow: { HERE } } }"),
        ("rotation.NAME.night.", "devices: {}\nrotation: { day: { night: { HERE } } }"),
        ("rotation.NAME.night.weekend.", "devices: {}\nrotation: { day: { night: { weekend: { HERE, from: \"11:00\", to: \"17:00\" } } } }"),
        ("rotation.NAME.share.", "devices: {}\nrotation: { day: { share: { HERE } } }"),
        ("rotation.NAME.share.oscillation.", "devices: {}\nrotation: { day: { share: { oscillation: { HERE } } } }"),
        ("tariffs.", "devices: {}\ntariffs: { import: { fixed: 1 }, HERE }"),
        ("tariffs.import.zones.", "devices: {}\ntariffs: { import: { zones: { price: 1, HERE } } }"),
        ("tariffs.import.zones.zones.", "devices: {}\ntariffs: { import: { zones: { price: 1, zones: [{ price: 1, HERE }] } } }"),
        ("tariffs.import.tempo.", "devices: {}\ntariffs: { import: { tempo: { HERE } } }"),
        ("tariffs.import.tempo.prices.", "devices: {}\ntariffs: { import: { tempo: { prices: [{ HERE }] } } }"),
        ("tariffs.import.tempo.prices.blue.", "devices: {}\ntariffs: { import: { tempo: { prices: [{ blue: { HERE } }] } } }"),
        ("tariffs.import.market.", "devices: {}\ntariffs: { import: { market: { HERE } } }"),
        ("forecast.", "devices: {}\nforecast: { HERE }"),
        ("forecast.pv.open_meteo.planes.", "devices: {}\nforecast: { pv: { open_meteo: { planes: [{ HERE }] } } }"),
        ("outlook.", "devices: {}\noutlook: { HERE }"),
        ("tempo.", "devices: {}\ntempo: { HERE }"),
        ("planner.", "devices: {}\nplanner: { HERE }"),
        ("planner.batteries.NAME.", "devices: {}\nplanner: { batteries: { a: { HERE } } }"),
    ]
    .into_iter()
    .flat_map(|(prefix, text)| known(prefix, text))
    .chain(kinds_of_tariff())
    .chain(sources())
    .collect();
    let documented = documented();
    let missing: Vec<_> = accepted.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&accepted).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "not in reference.md: {missing:?}; only there: {stale:?}"
    );
}

#[test]
fn every_example_can_be_loaded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the folder examples") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let config = good(&std::fs::read_to_string(&path).expect("an example"));
            assert!(!config.devices.is_empty() && config.read_only, "{}", path.display());
            names.push(path.file_name().expect("a name").to_string_lossy().into_owned());
        }
    }
    names.sort();
    assert_eq!(
        names,
        [
            "axpert.yaml",
            "home-assistant.yaml",
            "market.yaml",
            "minimal.yaml",
            "sinks.yaml",
            "tempo.yaml",
            "three-marstek.yaml"
        ]
    );
}
