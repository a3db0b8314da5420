//! pv-inverter-monitor's environment: what its container is started with (`docker run --env-file`, or the
//! `Environment=` lines of its unit).
//!
//! ```text
//! MQTT_BROKER, MQTT_PORT -> mqtt{host, port}, compat: [pv-inverter-monitor]
//! POLL_INTERVAL          -> interval of the inverter
//! DEVICE                 -> path of the inverter; without it the inverter is found, as find_inverter.sh does
//! ```
//!
//! Versions before 1.4 had no environment: an empty file stands for their fixed values.

use std::fmt::Write as _;

use ohmstead_drivers::voltronic::PortPath;

use super::Imported;
use crate::config::report;
use crate::error::LoadError;
use crate::file::SIZE_MAX;
use crate::problem::{Fault, What};
use crate::snippet::Source;
use crate::tree::Mark;
use crate::yaml_text::{comment, scalar};

/// The monitor's own defaults.
const BROKER: &str = "localhost";
const INTERVAL_S: f64 = 1.0;

/// Converts the environment of pv-inverter-monitor. What cannot be taken over is left out and noted.
pub fn pv_inverter_monitor(env: &str, source_name: &str) -> Result<Imported, LoadError> {
    if env.len() > SIZE_MAX {
        return Err(LoadError::TooBig { name: source_name.to_owned(), limit: SIZE_MAX });
    }
    let text = env.strip_prefix('\u{feff}').unwrap_or(env);
    let source = Source::new(text);
    let variables = variables(text).map_err(|fault| report(source_name, vec![fault], &source))?;
    let mut wanted = Wanted::default();
    for (key, value) in variables {
        wanted.take(key, value);
    }
    Ok(Imported { yaml: wanted.yaml(source_name), notes: wanted.notes() })
}

/// `KEY=VALUE` lines, with what systemd and shells put around them.
fn variables(text: &str) -> Result<Vec<(&str, &str)>, Fault> {
    let mut variables = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with(';') {
            continue;
        }
        let bare = ["export ", "Environment=", "-e ", "--env "]
            .iter()
            .find_map(|before| line.strip_prefix(before))
            .map_or(line, unquoted);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match bare.split_once('=') {
            Some((key, value)) if !key.is_empty() && key.chars().all(is_name) => {
                variables.push((key, unquoted(value.trim())));
            }
            _ => {
                let mark = Mark { line: index + 1, column: 1, length: line.chars().count().max(1) };
                let what = What::Text("expected KEY=VALUE".to_owned());
                return Err(Fault::at(mark, what).help(
                    "give the file of `docker run --env-file`, with MQTT_BROKER, MQTT_PORT, POLL_INTERVAL; an empty one stands for the defaults",
                ));
            }
        }
    }
    Ok(variables)
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

/// What the environment asks for.
struct Wanted {
    host: String,
    port: Option<u16>,
    interval_s: f64,
    path: Option<String>,
    notes: Vec<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { host: BROKER.to_owned(), port: None, interval_s: INTERVAL_S, path: None, notes: Vec::new() }
    }
}

impl Wanted {
    fn take(&mut self, key: &str, value: &str) {
        let note = match key {
            "MQTT_BROKER" => self.broker(value),
            "MQTT_PORT" => match value.parse::<u16>() {
                Ok(port @ 1..) => {
                    self.port = Some(port);
                    "imported as `mqtt.port`".to_owned()
                }
                _ => "left out, it is no port".to_owned(),
            },
            "POLL_INTERVAL" => match value.parse::<f64>() {
                Ok(seconds) if (0.0..=3600.0).contains(&seconds) => {
                    self.interval_s = seconds.max(INTERVAL_S);
                    let as_is = seconds >= INTERVAL_S;
                    let how =
                        if as_is { "imported" } else { "replaced by 1 s: the line bears no more; imported" };
                    format!("{how} as the inverter's `interval`")
                }
                _ => format!("replaced by {INTERVAL_S} s, the value is no number of seconds up to 3600"),
            },
            "DEVICE" if value.starts_with('/') && PortPath::parse(value).is_some() => {
                self.path = Some(value.to_owned());
                "imported as `path`; `path: auto` finds the inverter again when its number changes".to_owned()
            }
            "DEVICE" => "left out, it is no path of a device".to_owned(),
            _ => "left out, pv-inverter-monitor has no such variable".to_owned(),
        };
        self.notes.push(format!("{}: {note}", comment(key)));
    }

    fn broker(&mut self, value: &str) -> String {
        let settings = ohmstead_publish::Settings { host: value.to_owned(), ..Default::default() };
        match ohmstead_publish::check(&settings) {
            Ok(()) => {
                value.clone_into(&mut self.host);
                "imported as `mqtt.host`".to_owned()
            }
            Err(error) => format!("left out, {}", comment(&error.to_string())),
        }
    }

    fn yaml(&self, source_name: &str) -> String {
        let mut yaml = format!(
            "\
# Made by `ohmstead import pv-inverter-monitor` from {}.
# `ohmstead check --config THIS_FILE --live` reads the inverter once.

site:
  name: Home

devices:
  inverter:
    voltronic:
",
            comment(source_name)
        );
        let _ = match &self.path {
            Some(path) => writeln!(yaml, "      path: {}", scalar(path)),
            None => {
                writeln!(yaml, "      path: auto   # the USB port with the inverter, whatever its number")
            }
        };
        let _ = writeln!(yaml, "      interval: {} s", self.interval_s);
        yaml.push_str(
            "      write: [priorities]   # set_mode needs no more

# The broker. `compat` keeps the topics homeassistant/inverter/... beside Ohmstead's own.
mqtt:
",
        );
        let _ = writeln!(yaml, "  host: {}", scalar(&self.host));
        if let Some(port) = self.port {
            let _ = writeln!(yaml, "  port: {port}");
        }
        yaml.push_str(
            "  compat: [pv-inverter-monitor]

# set_mode may write, as it could before. `true` makes everything a dry run.
read_only: false
",
        );
        yaml
    }

    fn notes(mut self) -> Vec<String> {
        let always = [
            "set_mode writes only what changes something, and reads it back: desired_mode shows what the inverter has, not what was asked",
            "retained messages on set_mode are ignored; set_mode also takes S for solar, grid, battery",
            "stop pv-inverter-monitor before this runs: of two programs on one port, each takes the other's answers",
        ];
        self.notes.extend(always.map(str::to_owned));
        self.notes
    }
}
