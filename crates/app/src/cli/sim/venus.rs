//! `sim venus`: a Victron GX device.

mod orders;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use ohmstead_plant::house::House;
use ohmstead_plant::venus::tree::Service;
use ohmstead_plant::venus::{
    Alone, Api, Broker, PORTAL_ID, Recording, SWITCHES, Setup, StartError, Switches, Venus,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Common;
use crate::clock::os_unix;
use crate::failure::{Code, Failure};

const MQTT_PORT: u16 = 1883;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("front").required(true).multiple(true))]
pub(super) struct Arguments {
    /// Put the services on a D-Bus: `system`, `session` or an address such as unix:path=/tmp/bus
    #[arg(long, value_name = "ADDRESS", group = "front")]
    bus: Option<String>,
    /// Serve the HTTP API of port 8088
    #[arg(long, value_name = "[HOST:]PORT", group = "front", value_parser = listen)]
    api: Option<SocketAddr>,
    /// Publish on a broker, as the GX's own does
    #[arg(long, value_name = "HOST[:PORT]", group = "front", value_parser = broker)]
    mqtt: Option<(String, u16)>,
    /// Serve Modbus TCP
    #[arg(long, value_name = "[HOST:]PORT", group = "front", value_parser = listen)]
    modbus: Option<SocketAddr>,
    /// Which generation of the HTTP API: v1 reads, v3 also writes
    #[arg(long, value_name = "v1|v3", default_value = "v3", requires = "api")]
    api_version: Api,
    /// The id of the site in MQTT topics
    #[arg(long, value_name = "ID", default_value = PORTAL_ID, requires = "mqtt", value_parser = portal)]
    portal: String,
    /// Repeat a recording, or all in a folder, in place of the simulated site
    #[arg(long, value_name = "FILE|DIR")]
    recording: Option<PathBuf>,
    /// A fault, as NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "recording")]
    switch: Vec<String>,
    /// State of charge of the battery at the start, %
    #[arg(long, value_name = "PERCENT", default_value_t = 62.0, value_parser = percent, conflicts_with = "recording")]
    soc: f64,
    /// How much faster than real time the house lives, or the recording runs
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Everything random in the house follows from it
    #[arg(long, default_value_t = 1, conflicts_with = "recording")]
    seed: u64,
}

/// A port alone is one of this machine.
fn listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse() {
        return Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    }
    text.parse().map_err(|_| "expected a port, or an address and a port such as 127.0.0.2:8088".to_owned())
}

fn broker(text: &str) -> Result<(String, u16), String> {
    let wrong = || "expected a host, or a host and a port such as localhost:1883".to_owned();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
        None => (text, MQTT_PORT),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || port == 0 || host.contains(char::is_whitespace) {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}

/// It stands in topics.
fn portal(text: &str) -> Result<String, String> {
    let is_plain = !text.is_empty() && text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric());
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err("expected letters and digits, such as 02fc00000001".to_owned())
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "expected 0 to 100".to_owned())
}

pub(super) fn switches_help() -> String {
    let rows: Vec<_> = SWITCHES
        .iter()
        .map(|switch| {
            let value = if switch.value.is_empty() { String::new() } else { format!("={}", switch.value) };
            vec![format!("  {}{value}", switch.name), switch.help.to_owned()]
        })
        .collect();
    format!("Switches:\n{}\n\n{}", super::super::table::table(&rows, &[]), orders::HELP)
}

/// Runs the GX until told to stop.
pub(super) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let venus = venus(&arguments)?;
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let handle = venus.start(&tracker, stop.clone()).await.map_err(|error| match error {
        StartError::Speed { .. } => Failure::of(Code::Usage, error),
        error => error.into(),
    })?;
    let services: Vec<String> =
        handle.with(|gx| gx.tree().services().iter().map(Service::bus_name).collect());
    let ways = ways(&arguments, handle.api(), handle.modbus());
    let json = json!({
        "services": services,
        "ways": ways.iter().map(|(_, json)| json).collect::<Vec<_>>(),
        "wear": orders::wear_json(&handle),
    });
    common.print(&json, || {
        let count = services.len();
        let ways = ways.iter().map(|(text, _)| format!("gx ({count} services) {text}"));
        ways.chain(["Ctrl-C stops".to_owned()]).collect::<Vec<_>>().join("\n")
    })?;
    tokio::select! {
        stopped = crate::daemon::until_told_to_stop() => stopped?,
        failed = orders::obey(common, &handle) => failed?,
    }
    super::end(common, &tracker, &stop).await;
    common.print(&json!({ "wear": orders::wear_json(&handle) }), || orders::wear(&handle))
}

/// Each way to the GX, in words and as data.
fn ways(arguments: &Arguments, api: Option<SocketAddr>, modbus: Option<SocketAddr>) -> Vec<(String, Value)> {
    let mut ways = Vec::new();
    if let Some(bus) = &arguments.bus {
        ways.push((format!("on the bus {bus}"), json!({ "bus": bus })));
    }
    if let Some(api) = api {
        ways.push((format!("at http://{api}"), json!({ "api": format!("http://{api}") })));
    }
    if let Some(modbus) = modbus {
        ways.push((format!("at Modbus TCP {modbus}"), json!({ "modbus": modbus })));
    }
    if let Some((host, port)) = &arguments.mqtt {
        let (portal, broker) = (&arguments.portal, format!("{host}:{port}"));
        let words = format!("on the broker {broker} as {portal}");
        ways.push((words, json!({ "mqtt": broker, "portal": portal })));
    }
    ways
}

fn venus(arguments: &Arguments) -> Result<Venus, Failure> {
    let mut switches = Switches::default();
    for text in &arguments.switch {
        switches.set(text).map_err(|error| Failure::of(Code::Usage, error))?;
    }
    let recordings = match &arguments.recording {
        Some(path) => Recording::load(path)?,
        None => Vec::new(),
    };
    let setup = Setup { soc_pct: arguments.soc, switches, recordings, ..Setup::default() };
    let mut venus = Venus::new(setup)
        .around(Alone::new(House::new(super::settings(arguments.seed))?))
        .starting_at(os_unix().0)
        .speed(arguments.speed);
    if let Some(bus) = &arguments.bus {
        venus = venus.bus(bus);
    }
    if let Some(api) = arguments.api {
        venus = venus.api(api, arguments.api_version);
    }
    if let Some(modbus) = arguments.modbus {
        venus = venus.modbus(modbus);
    }
    if let Some((host, port)) = &arguments.mqtt {
        venus = venus.mqtt(Broker { portal: arguments.portal.clone(), ..Broker::new(host, *port) });
    }
    Ok(venus)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::super::{Cli, Verb};
    use super::super::Family;
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, String> {
        let line = format!("ohmstead sim venus {line}");
        match Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?.verb {
            Verb::Sim(super::super::Arguments { family: Family::Venus(arguments) }) => Ok(arguments),
            _ => panic!("another verb"),
        }
    }

    #[test]
    fn a_port_alone_is_on_this_machine() {
        let arguments = parsed("--api 8088 --modbus [::1]:502 --mqtt localhost").unwrap();
        assert_eq!(arguments.api, Some("127.0.0.1:8088".parse().unwrap()));
        assert_eq!(arguments.modbus, Some("[::1]:502".parse().unwrap()));
        assert_eq!(arguments.mqtt, Some(("localhost".to_owned(), 1883)));
        assert_eq!(parsed("--mqtt [::1]:7").unwrap().mqtt, Some(("::1".to_owned(), 7)));
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        for (line, words) in [
            ("", "required"),
            ("--api here", "expected a port"),
            ("--modbus 127.0.0.1:99999", "expected a port"),
            ("--mqtt :1883", "expected a host"),
            ("--mqtt a:b", "expected a host"),
            ("--api 1 --soc 101", "expected 0 to 100"),
            ("--api 1 --api-version v2", "expected v1 or v3"),
            ("--bus x --api-version v1", "--api"),
            ("--mqtt a --portal a/b", "letters and digits"),
            ("--bus x --recording y --switch frozen", "cannot be used with"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }

    #[test]
    fn wrong_switches_and_missing_recordings_are_told() {
        let told = |line: &str| match venus(&parsed(line).unwrap()) {
            Err(failure) => format!("{failure}"),
            Ok(_) => panic!("{line:?} was accepted"),
        };
        assert!(told("--api 1 --switch deaf").contains("no switch of a GX is called"));
        assert!(told("--api 1 --recording /nonexistent/file").contains("cannot read /nonexistent/file"));
    }

    #[test]
    fn every_switch_is_in_the_help() {
        let help = switches_help();
        assert!(SWITCHES.iter().all(|switch| help.contains(switch.name) && help.contains(switch.help)));
    }
}
