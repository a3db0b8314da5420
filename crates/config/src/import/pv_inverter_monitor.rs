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
use super::environment::{self, Variable};
use crate::config::report;
use crate::error::LoadError;
use crate::file::SIZE_MAX;
use crate::problem::{Fault, What};
use crate::snippet::Source;
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
    for (variable, later) in environment::with_later(&variables) {
        match later {
            Some(later) => wanted.notes.push(variable.superseded_by(later)),
            None => wanted.take(variable.key, variable.value),
        }
    }
    Ok(Imported { yaml: wanted.yaml(source_name), notes: wanted.notes() })
}

/// The variables, where every line is one.
fn variables(text: &str) -> Result<Vec<Variable<'_>>, Fault> {
    environment::lines(text)
        .map(|line| {
            line.map_err(|mark| {
                Fault::at(mark, What::Text("expected KEY=VALUE".to_owned())).help(
                    "give the file of `docker run --env-file`, with MQTT_BROKER, MQTT_PORT, POLL_INTERVAL; an empty one stands for the defaults",
                )
            })
        })
        .collect()
}

/// What the environment asks for.
struct Wanted {
    host: String,
    port: Option<u16>,
    /// The port that stood behind the host; `port` is another word, which counts.
    port_of_host: Option<u16>,
    tls: bool,
    interval_s: f64,
    path: Option<String>,
    notes: Vec<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            host: BROKER.to_owned(),
            port: None,
            port_of_host: None,
            tls: false,
            interval_s: INTERVAL_S,
            path: None,
            notes: Vec::new(),
        }
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

    /// The host, as it is or as people write addresses: with a scheme in front and a port behind.
    fn broker(&mut self, value: &str) -> String {
        let (scheme, rest) = value.split_once("://").map_or(("", value), |(scheme, rest)| (scheme, rest));
        let tls = match scheme {
            "" | "tcp" | "mqtt" => false,
            "ssl" | "tls" | "mqtts" => true,
            _ => return format!("left out, {} is no way to reach a broker over TCP", comment(scheme)),
        };
        let (host, port) = host_and_port(rest.trim_end_matches('/'));
        let settings = ohmstead_publish::Settings { host: host.to_owned(), ..Default::default() };
        if let Err(error) = ohmstead_publish::check(&settings) {
            return format!("left out, {}", comment(&error.to_string()));
        }
        host.clone_into(&mut self.host);
        (self.port_of_host, self.tls) = (port, tls);
        let tls = if tls { " with `mqtt.tls`" } else { "" };
        match port {
            Some(port) => format!(
                "imported as `mqtt.host`{tls}, its port {port} as `mqtt.port` unless MQTT_PORT is there"
            ),
            None => format!("imported as `mqtt.host`{tls}"),
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
        if let Some(port) = self.port.or(self.port_of_host) {
            let _ = writeln!(yaml, "  port: {port}");
        }
        if self.tls {
            yaml.push_str("  tls: {}\n");
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

/// `host:port`, `[ip]:port`, or a host alone.
fn host_and_port(text: &str) -> (&str, Option<u16>) {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port != 0);
    if let Some((ip, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return (ip, rest.strip_prefix(':').and_then(port));
    }
    match text.split_once(':') {
        Some((host, behind)) if !behind.contains(':') => match port(behind) {
            Some(port) => (host, Some(port)),
            None => (text, None),
        },
        _ => (text, None),
    }
}
