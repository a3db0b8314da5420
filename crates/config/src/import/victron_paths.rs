//! A list of a GX device's paths with intervals and alarm limits, as JSON: what the diagnostics for the port-8088
//! interface are configured with, and what `ohmstead export paths --json` writes.
//!
//! ```text
//! metadata.api_endpoint                        -> http of the device
//! SECTION.NAME{service, path, poll_interval_seconds} -> watch[name, path, interval]
//! SECTION.NAME{critical_threshold_low, ...}    -> a rule, in a comment
//! anomaly_detection_rules.rules[name, trigger, ...] -> a note
//! ```
//!
//! What the driver tells by itself is not watched a second time.

mod limits;

use std::collections::HashMap;
use std::fmt::Write as _;

use ohmstead_drivers::victron::{self, WATCHES_MAX};
use ohmstead_model::Metric;

use super::Imported;
use crate::config::{read_tree, report};
use crate::error::LoadError;
use crate::file::SIZE_MAX;
use crate::problem::{Fault, What};
use crate::snippet::Source;
use crate::tree::{Mark, Node, Value};
use crate::yaml_text::{comment, scalar};

/// The device in the result.
const DEVICE: &str = "gx";
/// Intervals that the device bears and the configuration takes, s.
const INTERVALS: std::ops::RangeInclusive<f64> = 1.0..=86_400.0;

/// Converts a list of paths. What cannot be taken over is left out and noted.
pub fn victron_paths(json: &str, source_name: &str) -> Result<Imported, LoadError> {
    if json.len() > SIZE_MAX {
        return Err(LoadError::TooBig { name: source_name.to_owned(), limit: SIZE_MAX });
    }
    let text = json.strip_prefix('\u{feff}').unwrap_or(json);
    let source = Source::new(text);
    let refused = |fault: Fault| report(source_name, vec![fault], &source);
    let root = read_tree(text, &source).map_err(refused)?;
    let mut list = List::default();
    for (section, node) in root.entries() {
        for (name, entry) in node.entries() {
            list.take(&section.text, &name.text, entry);
        }
    }
    if list.found == 0 {
        let what = "no entry has a `service` and a `path`: this is no list of paths";
        let help = "an entry is written as \"NAME\": { \"service\": \"com.victronenergy.system\", \"path\": \"/Dc/Battery/Soc\" }";
        return Err(refused(Fault::at(Mark::START, What::Text(what.to_owned())).help(help)).into());
    }
    list.rules(&root);
    let endpoint = root.get("metadata").and_then(|metadata| text_of(metadata, "api_endpoint"));
    Ok(Imported { yaml: list.yaml(endpoint, source_name), notes: list.notes() })
}

fn text_of<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key)?.text().filter(|text| !text.is_empty())
}

fn number_of(node: &Node, key: &str) -> Option<f64> {
    node.get(key)?.text()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// What is watched in the end.
#[derive(Default)]
struct List {
    found: usize,
    /// `(name, path, interval in s)`.
    watches: Vec<(String, String, Option<f64>)>,
    rules: Vec<String>,
    notes: Vec<String>,
    /// The one service of each class.
    services: HashMap<String, String>,
}

impl List {
    fn take(&mut self, section: &str, name: &str, entry: &Node) {
        let (Some(service), Some(path)) = (text_of(entry, "service"), text_of(entry, "path")) else { return };
        self.found += 1;
        match self.place(service, path) {
            Err(why) => self.note(&format!("{section}.{name}"), &why),
            Ok(place) => {
                let metric = self.watch(section, name, place, entry);
                if let Some(metric) = metric {
                    self.rules.extend(limits::rules(&format!("{DEVICE}.{metric}"), name, path, entry));
                }
            }
        }
    }

    /// `CLASS/PATH` for a service as it is named on the bus.
    fn place(&mut self, service: &str, path: &str) -> Result<String, String> {
        let name = service.strip_prefix("com.victronenergy.").unwrap_or(service);
        let class = name.split('.').next().unwrap_or(name);
        let place = format!("{class}{path}");
        if !path.starts_with('/') || !victron::is_watchable(&place) {
            return Err(format!("left out, {} of {} is no path", comment(path), comment(service)));
        }
        let first = self.services.entry(class.to_owned()).or_insert_with(|| service.to_owned());
        if first != service {
            return Err(format!(
                "left out, {first} has the class {class} too: name the one that is meant by its instance, as {class}/INSTANCE{path}"
            ));
        }
        Ok(place)
    }

    /// The metric that shows it: one that the driver has anyway, or a watched one.
    fn watch(&mut self, section: &str, name: &str, place: String, entry: &Node) -> Option<String> {
        let key = format!("{section}.{name}");
        let id = metric_id(name);
        let own = victron::DRIVER.metrics.iter().chain(victron::DRIVER.native);
        if own.into_iter().any(|metric| metric.id() == id) {
            self.note(&key, &format!("not watched, it is reported as `{id}` anyway"));
            return Some(id);
        }
        let id = if Metric::by_id(&id).is_some() { format!("gx_{id}") } else { id };
        if self.watches.iter().any(|(known, other, _)| *known == id || *other == place) {
            self.note(&key, "left out, the list has it twice");
            return None;
        }
        if self.watches.len() >= WATCHES_MAX {
            self.note(&key, &format!("left out, {WATCHES_MAX} paths are watched at most"));
            return None;
        }
        let interval = number_of(entry, "poll_interval_seconds");
        let good = interval.filter(|seconds| INTERVALS.contains(seconds));
        if interval.is_some() && good.is_none() {
            self.note(&key, "watched at its usual interval, for the one given is not between 1 s and 1 d");
        }
        self.watches.push((id.clone(), place, good));
        Some(id)
    }

    /// Rules in words: each becomes a note.
    fn rules(&mut self, root: &Node) {
        let rules = root.get("anomaly_detection_rules").and_then(|rules| rules.get("rules"));
        let Some(Node { value: Value::List(rules), .. }) = rules else { return };
        for rule in rules {
            let name = text_of(rule, "name").unwrap_or("a rule without a name");
            let trigger = text_of(rule, "trigger").unwrap_or_default();
            let path = text_of(rule, "path").unwrap_or_default();
            let key = format!("anomaly_detection_rules: {} ({})", comment(name), comment(trigger));
            self.note(&key, &limits::told_anyway(path));
        }
    }

    fn note(&mut self, key: &str, what: &str) {
        self.notes.push(format!("{}: {what}", comment(key)));
    }

    fn yaml(&self, endpoint: Option<&str>, source_name: &str) -> String {
        let mut yaml = format!(
            "\
# Made by `ohmstead import victron-paths` from {}.
# `ohmstead check --config THIS_FILE --live` reads the device once.

site:
  name: Home

devices:
  {DEVICE}:
    victron:
",
            comment(source_name)
        );
        let _ = match endpoint.filter(|endpoint| victron::is_http_address(endpoint)) {
            Some(endpoint) => writeln!(
                yaml,
                "      http: {}   # on the device itself `dbus: system` is better",
                scalar(endpoint)
            ),
            None => writeln!(yaml, "      dbus: system   # on another machine mqtt, http or modbus"),
        };
        if !self.watches.is_empty() {
            yaml.push_str("      # Besides what the driver reports by itself. Each becomes a metric of the device.\n      watch:\n");
        }
        for (name, place, interval) in &self.watches {
            let interval = interval.map(|seconds| format!(", interval: {seconds} s")).unwrap_or_default();
            let _ = writeln!(yaml, "        - {{ path: {}, name: {name}{interval} }}", scalar(place));
        }
        if !self.rules.is_empty() {
            yaml.push_str("\n# Limits of the list. This version has no rules of the owner's own yet: they stand here so that none is lost.\n# alerts:\n#   rules:\n");
            for rule in &self.rules {
                let _ = writeln!(yaml, "#     - {rule}");
            }
        }
        yaml.push_str("\n# Nothing is written to the device. `false` allows it.\nread_only: true\n");
        yaml
    }

    fn notes(mut self) -> Vec<String> {
        let always = [
            "watched values keep the device's own signs; reported ones follow Ohmstead's: grid import +, battery discharge +",
            "services are named by their class: the name on the bus changes with the port, class and instance do not",
            "the intervals are how often a value is told; over D-Bus and MQTT the device itself speaks, nothing is polled path by path",
        ];
        self.notes.extend(always.map(str::to_owned));
        self.notes
    }
}

/// The name in the list as the id of a metric: small letters, digits and `_`.
fn metric_id(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut id = words.collect::<Vec<_>>().join("_").to_ascii_lowercase();
    if !id.starts_with(|c: char| c.is_ascii_lowercase()) {
        id.insert_str(0, "gx_");
    }
    id.truncate(60);
    id
}
