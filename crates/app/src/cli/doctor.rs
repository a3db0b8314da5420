//! `doctor`: what on this machine is in the way, and what to do about it.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use ohmstead_config::Config;
use ohmstead_drivers::DeviceSettings;
use ohmstead_drivers::transports::{PortError, Ports};
use ohmstead_drivers::voltronic::{self, PortPath, Settings as Inverter};
use ohmstead_model::{Severity, UnixMillis};
use serde_json::json;

use super::discover::Roots;
use super::table::table;
use super::{Common, real_clock};
use crate::clock::os_unix;
use crate::data_dir::DataDirError;
use crate::failure::{Code, Failure};
use crate::shapes::iso;
use crate::socket::Client;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    roots: Roots,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    /// Stable key.
    id: &'static str,
    severity: Severity,
    /// What is the case.
    text: String,
    /// What to do; empty where nothing is to be done.
    hint: String,
}

impl Finding {
    fn fine(id: &'static str, text: impl Into<String>) -> Self {
        Self { id, severity: Severity::Info, text: text.into(), hint: String::new() }
    }

    fn warning(id: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { id, severity: Severity::Warning, text: text.into(), hint: hint.into() }
    }

    fn alarm(id: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { id, severity: Severity::Alarm, text: text.into(), hint: hint.into() }
    }
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let config = common.load_if_any();
    let known = config.as_ref().ok().and_then(Option::as_ref).map(|(_, config)| config);
    let data_dir = common.data_dir(known);
    let daemon = match &data_dir {
        Ok(dir) => Client::connect(dir).await.is_some(),
        Err(_) => false,
    };
    let mut findings = vec![clock(os_unix())];
    findings.push(configuration(&config));
    findings.push(place(&data_dir));
    findings.extend(data_dir.as_deref().ok().and_then(room));
    findings.push(running(daemon));
    if let Some(config) = known {
        findings.extend(page(config, daemon));
        findings.extend(broker(config).await);
    }
    findings.extend(inverters(&arguments.roots, known, daemon).await);
    let at = iso(os_unix());
    let rows: Vec<_> = findings.iter().map(|finding| row(finding, &at)).collect();
    common.print(&rows.into(), || text(&findings))?;
    match findings.iter().filter(|finding| finding.severity == Severity::Alarm).count() {
        0 => Ok(()),
        alarms => Err(Failure::new(Code::Failed, format!("{alarms} of {} need attention", findings.len()))),
    }
}

fn row(finding: &Finding, at: &str) -> serde_json::Value {
    let Finding { id, severity, text, hint } = finding;
    json!({ "id": id, "at": at, "severity": severity.key(), "text": text, "hint": hint })
}

fn text(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let mark = match finding.severity {
            Severity::Info => "ok",
            Severity::Warning => "look",
            Severity::Alarm => "FAIL",
        };
        vec![mark.to_owned(), finding.id.to_owned(), finding.text.clone()]
    };
    let rows: Vec<_> = findings.iter().map(line).collect();
    let lines = table(&rows, &[]);
    let hinted = lines.lines().zip(findings).flat_map(|(line, finding)| {
        let hint = finding.hint.lines().map(|hint| format!("      {hint}"));
        std::iter::once(line.to_owned()).chain(hint).collect::<Vec<_>>()
    });
    hinted.collect::<Vec<_>>().join("\n")
}

/// This program is younger than any moment before: such a clock has never been set.
const YOUNGEST: UnixMillis = UnixMillis(1_760_000_000_000);

fn clock(now: UnixMillis) -> Finding {
    if now < YOUNGEST {
        return Finding::alarm(
            "clock",
            format!("this machine's clock says {}: it was never set", iso(now)),
            "schedules, tariffs and history need the time: switch on NTP (timedatectl set-ntp true) or set it",
        );
    }
    Finding::fine("clock", format!("{} UTC", iso(now)))
}

fn configuration(config: &Result<Option<(std::path::PathBuf, Config)>, Failure>) -> Finding {
    match config {
        Ok(Some((path, config))) => {
            let read_only = if config.read_only { ", read-only" } else { "" };
            let devices = match config.devices.len() {
                1 => "1 device".to_owned(),
                count => format!("{count} devices"),
            };
            let text = format!("{}: {devices}{read_only}", path.display());
            Finding::fine("configuration", text)
        }
        Ok(None) => Finding::warning(
            "configuration",
            "there is none",
            "`ohmstead discover --yaml` prints a block to start from; `ohmstead demo` needs none",
        ),
        Err(failure) => {
            Finding::alarm("configuration", failure.to_string(), "`ohmstead check` says the same")
        }
    }
}

fn place(data_dir: &Result<std::path::PathBuf, DataDirError>) -> Finding {
    let dir = match data_dir {
        Ok(dir) => dir,
        Err(error) => return Finding::alarm("data_dir", error.to_string(), ""),
    };
    let shown = dir.display();
    if !dir.exists() {
        return Finding::fine("data_dir", format!("{shown} is made at the first start"));
    }
    match tempfile::NamedTempFile::new_in(dir) {
        Ok(_) => Finding::fine("data_dir", format!("{shown} can be written")),
        Err(error) => Finding::alarm(
            "data_dir",
            format!("{shown} cannot be written: {error}"),
            "run this as the user of the service, or give that user the directory (chown)",
        ),
    }
}

/// Below this the store will soon have no room.
const ROOM_LOW_BYTES: u64 = 200 << 20;

fn room(dir: &Path) -> Option<Finding> {
    let there = dir.ancestors().find(|dir| dir.exists())?;
    let free = free_bytes(there)?;
    let text = format!("{} MB free on {}", free >> 20, there.display());
    Some(if free < ROOM_LOW_BYTES {
        Finding::warning("disk", text, "make room, or set `history: { keep_raw: ... }` lower")
    } else {
        Finding::fine("disk", text)
    })
}

#[cfg(unix)]
fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_dir: &Path) -> Option<u64> {
    None
}

fn running(daemon: bool) -> Finding {
    Finding::fine("daemon", if daemon { "runs and answers" } else { "does not run (for this user)" })
}

fn page(config: &Config, daemon: bool) -> Option<Finding> {
    let web = config.web.as_ref().filter(|_| !daemon)?;
    Some(match std::net::TcpListener::bind(web.listen) {
        Ok(_) => Finding::fine("web", format!("{} is free", web.listen)),
        Err(error) => Finding::alarm(
            "web",
            format!("{} cannot be used: {error}", web.listen),
            format!(
                "see who has it: ss -ltnp 'sport = :{}'; or set `web: {{ listen: ... }}`",
                web.listen.port()
            ),
        ),
    })
}

/// A broker in the house answers at once.
const BROKER_WAIT: Duration = Duration::from_secs(3);

async fn broker(config: &Config) -> Option<Finding> {
    let mqtt = config.mqtt.as_ref()?;
    let address = format!("{}:{}", mqtt.host, mqtt.port());
    let clock = real_clock();
    let connected = tokio::select! {
        connected = tokio::net::TcpStream::connect((mqtt.host.as_str(), mqtt.port())) => connected.map_err(|error| error.to_string()),
        () = clock.sleep(BROKER_WAIT) => Err("no answer within 3 s".to_owned()),
    };
    Some(match connected {
        Ok(_) => Finding::fine("mqtt", format!("a broker listens at {address}")),
        Err(error) => Finding::alarm(
            "mqtt",
            format!("no broker at {address}: {error}"),
            "check `mqtt: { host, port }` and that the broker listens on that address (mosquitto needs a `listener`)",
        ),
    })
}

/// The ports of the configured inverters, each on the machine that its settings show, and whatever else is plugged in. A
/// configured house without any inverter, in the file or at a port, needs no advice about them.
async fn inverters(given: &Roots, config: Option<&Config>, daemon: bool) -> Vec<Finding> {
    let mut wanted: Vec<(&str, &Inverter)> = Vec::new();
    for (id, settings) in config.into_iter().flat_map(|config| &config.devices) {
        if let DeviceSettings::Voltronic(inverter) = settings {
            wanted.push((id.as_str(), inverter));
        }
    }
    let mut machines: Vec<Roots> = Vec::new();
    for (_, inverter) in &wanted {
        let roots = roots_of(given, inverter);
        if !machines.contains(&roots) {
            machines.push(roots);
        }
    }
    if machines.is_empty() {
        machines.push(given.clone());
    }
    let mut findings = Vec::new();
    for roots in machines {
        let ports = roots.ports(&real_clock());
        let here: Vec<_> =
            wanted.iter().filter(|(_, inverter)| roots_of(given, inverter) == roots).copied().collect();
        if config.is_some() && here.is_empty() && voltronic::paths(ports.as_ref()).is_empty() {
            continue;
        }
        let plugged = voltronic::diagnose(ports.as_ref()).await;
        findings.extend(plugged.into_iter().filter_map(|finding| plugged_in(finding, &here)));
        for (id, inverter) in here {
            findings.extend(configured_port(id, inverter, ports.as_ref(), daemon).await);
        }
    }
    findings
}

/// The machine that the settings of an inverter show, unless the command line names another.
fn roots_of(given: &Roots, inverter: &Inverter) -> Roots {
    if *given == Roots::default() { Roots::at(&inverter.sys_root, &inverter.dev_root) } else { given.clone() }
}

/// That nothing is plugged in is wrong where an inverter is to be found, and beside the point where each has a path.
fn plugged_in(finding: voltronic::Finding, wanted: &[(&str, &Inverter)]) -> Option<Finding> {
    let voltronic::Finding { id, severity, text, hint } = finding;
    if id != NO_INVERTER || wanted.is_empty() {
        return Some(Finding { id, severity, text, hint });
    }
    let names = wanted.iter().filter(|(_, inverter)| inverter.path == PortPath::Auto).map(|(name, _)| *name);
    let names = names.collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| {
        let text = format!("{text}; configured: {names}");
        Finding::alarm(id, text, format!("plug the cable in and switch the inverter on; {hint}"))
    })
}

/// The driver's word for a machine without any.
const NO_INVERTER: &str = "no_inverter";

/// Whether the path that the configuration names is there and can be opened, which sends nothing. What is there and the
/// running daemon has open is not tried: it says itself how it fares.
async fn configured_port(id: &str, inverter: &Inverter, ports: &dyn Ports, daemon: bool) -> Option<Finding> {
    let PortPath::At(path) = &inverter.path else { return None };
    let listed = voltronic::paths(ports).iter().any(|candidate| candidate.path == *path);
    let is_there = ohmstead_config::file_of(&inverter.path)?.exists();
    if listed || daemon && is_there {
        return None;
    }
    let shown = path.display();
    Some(match ports.open(path).await {
        Ok(_) => match ports.other_openers(path).first() {
            None => Finding::fine("port_ready", format!("{id}: {shown} can be opened")),
            Some(other) => Finding::warning(
                "port_shared",
                format!("{id}: {} (process {}) has {shown} open too", other.name, other.pid),
                "stop the other program: of two at one port, each takes the other's answers",
            ),
        },
        Err(error) => {
            let hint = match &error {
                PortError::Missing { .. } => {
                    "see what is there: ls -l /dev/serial/by-id /dev/hidraw*; `path: auto` finds an inverter on USB by itself"
                }
                PortError::Denied { .. } => "add the service's user to that group, or make a udev rule",
                PortError::InUse { .. } => {
                    "stop the other program: of two at one port, each takes the other's answers"
                }
                PortError::Unfit { .. } | PortError::Other { .. } => {
                    "name the inverter's device file in `path`"
                }
            };
            let error = anyhow::Error::from(error);
            Finding::alarm("port", format!("{id}: {error:#}"), hint)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_clock_that_was_never_set_is_told() {
        assert_eq!(clock(UnixMillis(0)).severity, Severity::Alarm);
        assert_eq!(clock(YOUNGEST).severity, Severity::Info);
    }

    #[test]
    fn what_is_in_the_way_stands_with_its_remedy() {
        let findings = [
            Finding::fine("clock", "now"),
            Finding::warning("disk", "3 MB free", "make room"),
            Finding::alarm("web", "taken", "see who\nhas it"),
        ];
        expect![[r#"
            ok    clock  now
            look  disk   3 MB free
                  make room
            FAIL  web    taken
                  see who
                  has it"#]]
        .assert_eq(&text(&findings));
        let row = row(&findings[1], "2026-11-21T08:00:00.000Z");
        expect![[r#"{"id":"disk","at":"2026-11-21T08:00:00.000Z","severity":"warning","text":"3 MB free","hint":"make room"}"#]]
            .assert_eq(&row.to_string());
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(place(&Ok(folder.path().to_owned())).severity, Severity::Info);
        assert_eq!(place(&Ok(folder.path().join("not yet"))).severity, Severity::Info);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(place(&Ok(file)).severity, Severity::Alarm);
    }
}
