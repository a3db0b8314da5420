//! marstek-poller's `config.yaml`.
//!
//! ```text
//! batteries[name, ip, entity_id, device_id]   -> devices, one marstek each
//! polling{interval_seconds, timeout_seconds}  -> interval, timeout of each device
//! api{port}                                   -> port of each device
//! mqtt{host, port, username, password, discovery_prefix, state_topic_prefix} -> mqtt, compat: [marstek-poller]
//! logging{level}                              -> log.level
//! ```
//!
//! The poller asked with `ES.GetMode` alone and never wrote; the result does the same.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::Imported;
use crate::config::{read_tree, report};
use crate::error::LoadError;
use crate::file::SIZE_MAX;
use crate::problem::{Fault, What};
use crate::snippet::Source;
use crate::tree::{Mark, Node, Value};
use crate::yaml_text::{comment, scalar};

/// The poller's defaults where its file says nothing.
const INTERVAL_S: f64 = 30.0;
const TIMEOUT_S: f64 = 3.0;

/// Converts the configuration of marstek-poller. What cannot be taken over is left out and noted.
pub fn marstek_poller(yaml: &str, source_name: &str) -> Result<Imported, LoadError> {
    if yaml.len() > SIZE_MAX {
        return Err(LoadError::TooBig { name: source_name.to_owned(), limit: SIZE_MAX });
    }
    let text = yaml.strip_prefix('\u{feff}').unwrap_or(yaml);
    let source = Source::new(text);
    let refused = |fault: Fault| report(source_name, vec![fault], &source);
    let root = read_tree(text, &source).map_err(refused)?;
    let batteries = batteries(&root).map_err(refused)?;
    let mut notes = Notes::default();
    let common = Common::of(&root, &mut notes);
    let mut yaml = head(source_name);
    devices(batteries, &common, &mut yaml, &mut notes);
    mqtt(root.get("mqtt"), &mut yaml, &mut notes);
    log(root.get("logging"), &mut yaml, &mut notes);
    yaml.push_str(TAIL);
    notes.unknown(&root, "", &["batteries", "polling", "api", "mqtt", "logging"]);
    notes.add(
        "the file is read-only as the poller was: nothing is written to a battery until `read_only: false`",
    );
    notes.add(
        "stop the poller before this runs: both would ask the same batteries, which answer one at a time",
    );
    Ok(Imported { yaml, notes: notes.0 })
}

fn batteries(root: &Node) -> Result<&[Node], Fault> {
    let what = |text: &str| What::Text(format!("{text}: this is no configuration of marstek-poller"));
    match root.entry("batteries") {
        Some((_, Node { value: Value::List(items), .. })) => Ok(items),
        Some((key, _)) => Err(Fault::at(key.mark, what("`batteries` is no list"))),
        None => Err(Fault::at(Mark::START, what("there is no `batteries`"))),
    }
}

#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn add(&mut self, text: impl Into<String>) {
        self.0.push(text.into());
    }

    /// Notes every key of `node` that is not `known`.
    fn unknown(&mut self, node: &Node, place: &str, known: &[&str]) {
        for (key, _) in node.entries().iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            self.add(format!("{place}{}: left out, marstek-poller has no such key", comment(&key.text)));
        }
    }
}

/// What the poller had once for all batteries.
struct Common {
    interval_s: f64,
    timeout_s: f64,
    port: u16,
}

impl Common {
    fn of(root: &Node, notes: &mut Notes) -> Self {
        let seconds = |key: &str, default: f64, notes: &mut Notes| {
            let value = root.get("polling").and_then(|polling| polling.get(key)).and_then(Node::text);
            let number =
                value.map(|text| text.trim().parse::<f64>().ok().filter(|n| (0.5..=86_400.0).contains(n)));
            let ours = key.trim_end_matches("_seconds");
            match number {
                Some(Some(number)) => {
                    notes.add(format!("polling.{key}: imported as `{ours}` of each battery"));
                    number
                }
                Some(None) => {
                    notes.add(format!("polling.{key}: replaced by {default} s, the value is no number of seconds from 0.5 to 86400"));
                    default
                }
                None => default,
            }
        };
        let interval_s = seconds("interval_seconds", INTERVAL_S, notes);
        let timeout_s = seconds("timeout_seconds", TIMEOUT_S, notes);
        if let Some(polling) = root.get("polling") {
            notes.unknown(polling, "polling.", &["interval_seconds", "timeout_seconds"]);
        }
        let api = root.get("api");
        let port = api.and_then(|api| api.get("port")).and_then(Node::text).map(str::parse::<u16>);
        match &port {
            Some(Ok(1..)) => notes.add("api.port: imported as `port` of each battery; the poller also sent from it, which is not needed"),
            Some(_) => notes.add("api.port: replaced by 30000, the value is no port"),
            None => {}
        }
        if let Some(api) = api {
            notes.unknown(api, "api.", &["port"]);
        }
        let port =
            port.and_then(Result::ok).filter(|port| *port > 0).unwrap_or(ohmstead_drivers::marstek::PORT);
        Self { interval_s, timeout_s, port }
    }
}

fn head(source_name: &str) -> String {
    format!(
        "\
# Made by `ohmstead import marstek-poller` from {}.
# `ohmstead check --config THIS_FILE --live` reads each battery once, as the poller's --test did.

site:
  name: Home
  # The zone of the times in the poller's topics. Without it, the zone of this machine.
  # timezone: Europe/Brussels

# The batteries. Each key is the name of a device in commands, topics and addresses.
devices:",
        comment(source_name)
    )
}

const TAIL: &str = "
# Nothing is written to a battery while this is true. The poller only read, too.
read_only: true
";

fn devices(batteries: &[Node], common: &Common, yaml: &mut String, notes: &mut Notes) {
    let mut used = Used::default();
    for (index, battery) in batteries.iter().enumerate() {
        let place = format!("batteries[{index}]");
        match device(battery, index, common, &mut used) {
            Ok((text, note)) => {
                yaml.push_str(&text);
                notes.add(format!("{place}: {note}"));
                notes.unknown(battery, &format!("{place}."), &["name", "ip", "entity_id", "device_id"]);
            }
            Err(reason) => notes.add(format!("{place}: left out, {reason}")),
        }
    }
    yaml.push_str(if used.addresses.is_empty() { " {}\n" } else { "\n" });
}

#[derive(Default)]
struct Used {
    keys: HashSet<String>,
    addresses: HashSet<String>,
}

fn device(
    battery: &Node,
    index: usize,
    common: &Common,
    used: &mut Used,
) -> Result<(String, String), String> {
    let text =
        |key: &str| battery.get(key).and_then(Node::text).map(str::trim).filter(|text| !text.is_empty());
    let host = text("ip").ok_or("it has no `ip`")?;
    let is_host = host.len() <= 253
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    if !is_host {
        return Err("its `ip` is no address".to_owned());
    }
    if !used.addresses.insert(host.to_ascii_lowercase()) {
        return Err(format!("another battery has the same `ip`, {host}"));
    }
    let fallback = format!("Battery {}", index + 1);
    let name = text("name").unwrap_or(&fallback);
    let key = used.key_for(name, index);
    let device_id = text("device_id").map_or_else(|| name.to_lowercase().replace(' ', "_"), str::to_owned);
    let mut yaml = format!("\n  {key}:\n    marstek:\n");
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(yaml, "      {key}: {value}");
    };
    line("name", &scalar(name));
    line("host", &scalar(host));
    line("port", &common.port.to_string());
    line("interval", &format!("{} s", common.interval_s));
    line("timeout", &format!("{} s", common.timeout_s));
    line(
        "methods",
        "[ES.GetMode]   # what the poller asked with; without this line, more is read where the battery answers",
    );
    if let Some(entity_id) = text("entity_id") {
        line("entity_id", &scalar(entity_id));
    }
    line("device_id", &scalar(&device_id));
    Ok((yaml.trim_end().to_owned(), note(battery, &key)))
}

fn note(battery: &Node, key: &str) -> String {
    let mut note = format!("imported as device `{key}`");
    if battery.get("entity_id").is_none() {
        note.push_str("; it has no `entity_id`, so its entities get the usual ids");
    }
    if battery.get("device_id").is_none() {
        note.push_str("; `device_id` made from the name as the poller did");
    }
    note
}

impl Used {
    /// A device name that nobody has yet: `Fase A` becomes `fase_a`.
    fn key_for(&mut self, name: &str, index: usize) -> String {
        let spaced: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' })
            .collect();
        let mut base: String = spaced.split_whitespace().collect::<Vec<_>>().join("_");
        base.truncate(48);
        if base.is_empty()
            || base == "site"
            || base.parse::<f64>().is_ok()
            || crate::yaml_text::scalar(&base) != base
        {
            base = format!("battery_{}", index + 1);
        }
        let mut key = base.clone();
        let mut count = 1;
        while self.keys.contains(&key) {
            count += 1;
            key = format!("{base}_{count}");
        }
        self.keys.insert(key.clone());
        key
    }
}

fn mqtt(node: Option<&Node>, yaml: &mut String, notes: &mut Notes) {
    let Some(node) = node else {
        notes.add("mqtt: absent, so nothing is published; add `mqtt: { host: ... }`");
        return;
    };
    yaml.push_str(
        "\n# The broker. `compat` keeps the poller's topics and entities beside Ohmstead's own.\nmqtt:\n",
    );
    let text = |key: &str| node.get(key).and_then(Node::text).filter(|text| !text.trim().is_empty());
    for key in ["host", "discovery_prefix", "state_topic_prefix"] {
        let Some(value) = text(key) else { continue };
        match probe(key, value) {
            Ok(()) => {
                let _ = writeln!(yaml, "  {key}: {}", scalar(value));
                notes.add(format!("mqtt.{key}: imported"));
            }
            Err(error) => notes.add(format!("mqtt.{key}: left out, {}", comment(&error))),
        }
    }
    match text("port").map(|port| port.trim().parse::<u16>()) {
        Some(Ok(port @ 1..)) => {
            let _ = writeln!(yaml, "  port: {port}");
            notes.add("mqtt.port: imported");
        }
        Some(_) => notes.add("mqtt.port: left out, it is no port"),
        None => {}
    }
    credentials(text("username"), text("password"), yaml, notes);
    yaml.push_str("  compat: [marstek-poller]\n");
    notes.unknown(
        node,
        "mqtt.",
        &["host", "port", "username", "password", "discovery_prefix", "state_topic_prefix"],
    );
}

/// Whether the publisher takes the value.
fn probe(key: &str, value: &str) -> Result<(), String> {
    let mut settings = ohmstead_publish::Settings {
        compat: vec![ohmstead_publish::Compat::MarstekPoller],
        ..ohmstead_publish::Settings::default()
    };
    match key {
        "host" => value.clone_into(&mut settings.host),
        "discovery_prefix" => value.clone_into(&mut settings.discovery_prefix),
        _ => value.clone_into(&mut settings.state_topic_prefix),
    }
    ohmstead_publish::check(&settings).map_err(|error| error.to_string())
}

fn credentials(username: Option<&str>, password: Option<&str>, yaml: &mut String, notes: &mut Notes) {
    match (username, password) {
        (Some(username), password) => {
            let _ = writeln!(yaml, "  username: {}", scalar(username));
            notes.add("mqtt.username: imported");
            if let Some(password) = password {
                yaml.push_str("  # Better in a file of its own, readable only for the service: password_file: /etc/ohmstead/mqtt\n");
                let _ = writeln!(yaml, "  password: {}", scalar(password));
                notes.add("mqtt.password: imported as it is; `password_file` keeps it out of this file");
            }
        }
        (None, Some(_)) => notes.add("mqtt.password: left out, there is no username to go with it"),
        (None, None) => {}
    }
}

fn log(node: Option<&Node>, yaml: &mut String, notes: &mut Notes) {
    let Some(node) = node else { return };
    notes.unknown(node, "logging.", &["level"]);
    let Some(level) = node.get("level").and_then(Node::text) else { return };
    let level = match level.trim().to_ascii_uppercase().as_str() {
        "DEBUG" => "debug",
        "INFO" => "info",
        "WARN" | "WARNING" => "warn",
        "ERROR" | "CRITICAL" | "FATAL" => "error",
        _ => {
            notes.add("logging.level: left out, it is no level");
            return;
        }
    };
    let _ = write!(yaml, "\nlog:\n  level: {level}\n");
    notes.add(format!("logging.level: imported as `log.level: {level}`"));
}
