//! `export`: what this program knows, for other programs.

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use ohmstead_drivers::victron::{KnownPath, known_paths};
use serde_json::{Map, Value, json};

use super::Common;
use super::table::table;
use crate::failure::{Code, Failure};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The paths of Victron's GX devices with units, intervals, states and meanings
    Paths(Paths),
}

#[derive(Debug, Args)]
struct Paths {
    /// Only these classes of services, such as battery; may be repeated
    #[arg(long, value_name = "CLASS")]
    class: Vec<String>,
}

pub(super) fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let What::Paths(Paths { class }) = &arguments.what;
    let classes: BTreeSet<_> = known_paths().map(|path| path.class).collect();
    if let Some(wrong) = class.iter().find(|class| !classes.contains(class.as_str())) {
        let known = classes.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Failure::new(Code::Usage, format!("no class {wrong:?} is known; known: {known}")));
    }
    let wanted = |path: &KnownPath| class.is_empty() || class.iter().any(|class| class == path.class);
    let paths: Vec<_> = known_paths().filter(wanted).collect();
    common.print(&json_of(&paths), || text(&paths))
}

/// The form that `import victron-paths` and the tools for the port-8088 interface read.
fn json_of(paths: &[KnownPath]) -> Value {
    let mut sections = Map::new();
    let metadata = json!({ "version": "1.0", "made_by": concat!("ohmstead ", env!("CARGO_PKG_VERSION")) });
    sections.insert("metadata".to_owned(), metadata);
    for path in paths {
        let section = sections.entry(path.class).or_insert_with(|| Value::Object(Map::new()));
        section[name(path.path)] = entry(path);
    }
    Value::Object(sections)
}

/// The path as a name: `Dc_0_Voltage`.
fn name(path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

fn entry(path: &KnownPath) -> Value {
    let mut entry = json!({
        "service": format!("com.victronenergy.{}", path.class),
        "path": path.path,
        "poll_interval_seconds": path.every_s,
        "description": path.meaning,
        "writable": path.is_writable,
    });
    if let Some(unit) = path.unit {
        entry["unit"] = json!(unit);
    }
    if path.is_text {
        entry["type"] = json!("string");
    }
    if !path.states.is_empty() {
        let states = path.states.iter().map(|(number, word)| (number.to_string(), json!(word)));
        entry["enum"] = Value::Object(states.collect());
    }
    entry
}

fn text(paths: &[KnownPath]) -> String {
    let rows: Vec<_> = paths
        .iter()
        .map(|path| {
            let unit = path.unit.unwrap_or_default().to_owned();
            let every = format!("{} s", path.every_s);
            vec![format!("{}{}", path.class, path.path), unit, every, path.meaning.to_owned()]
        })
        .collect();
    table(&rows, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exported_can_be_imported() {
        let battery: Vec<_> = known_paths().filter(|path| path.class == "battery").collect();
        let exported = json_of(&battery);
        assert_eq!(exported["battery"]["Soc"]["path"], "/Soc");
        assert_eq!(exported["battery"]["Soc"]["poll_interval_seconds"], 10);
        let imported = ohmstead_config::import::victron_paths(&exported.to_string(), "test").expect("a list");
        let config = ohmstead_config::parse(&imported.yaml, "test", &|_| None).expect("a configuration");
        assert_eq!(config.devices.len(), 1);
        assert!(imported.yaml.contains("path: battery/System/MinCellVoltage"), "{}", imported.yaml);
    }

    #[test]
    fn every_path_has_a_name_of_its_own() {
        let paths: Vec<_> = known_paths().collect();
        let names: BTreeSet<_> = paths.iter().map(|path| (path.class, name(path.path))).collect();
        assert!(paths.len() - names.len() < 5, "{} of {}", names.len(), paths.len());
    }
}
