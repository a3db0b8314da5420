//! `discover`: the devices that answer in this network, ready to be pasted into a configuration.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use ohmstead_drivers::marstek::{self, Search};
use ohmstead_drivers::transports::udp::Host;
use ohmstead_drivers::transports::{self, CHUNK_GAP, Machine, Ports};
use ohmstead_drivers::victron::{self, Bus};
use ohmstead_drivers::{DRIVERS, Found, voltronic};
use ohmstead_model::Clock;
use ohmstead_units::Timespan;
use serde_json::json;

use super::table::table;
use super::{Common, real_clock};
use crate::failure::{Code, Failure};
use crate::print;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    family: Option<Family>,
    #[command(flatten)]
    marstek: Marstek,
    /// Print a `devices:` block for ohmstead.yaml
    #[arg(long, global = true, conflicts_with = "json")]
    yaml: bool,
}

#[derive(Debug, Subcommand)]
enum Family {
    /// Marstek batteries, by UDP broadcast
    Marstek,
    /// A Victron GX device: this machine, or the one whose bus is given
    Victron(Victron),
    /// Voltronic (Axpert) inverters on this machine's USB ports
    Voltronic(Voltronic),
}

#[derive(Debug, Clone, Args)]
struct Victron {
    /// The bus: `system`, or an address such as unix:path=/run/dbus/bus or tcp:host=192.0.2.9,port=78
    #[arg(long, value_name = "ADDRESS", default_value = "system", value_parser = bus)]
    bus: Bus,
}

fn bus(text: &str) -> Result<Bus, String> {
    Bus::parse(text).ok_or_else(|| {
        "expected system, or a bus address such as unix:path=/run/dbus/bus or tcp:host=192.0.2.9,port=78"
            .to_owned()
    })
}

#[derive(Debug, Clone, Args)]
struct Voltronic {
    /// Print the device file of the inverter's port and nothing else; exit 1 if there is none. Each port is asked who is
    /// there, for UPSs have the same USB number; one that cannot be asked, or does not answer, may be the inverter
    #[arg(long, conflicts_with_all = ["yaml", "json"])]
    path_only: bool,
    #[command(flatten)]
    roots: Roots,
}

/// Where to look; for containers and tests.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(super) struct Roots {
    /// Where the system describes its devices
    #[arg(long, value_name = "DIR", default_value = "/sys")]
    sys_root: PathBuf,
    /// Where the device files are
    #[arg(long, value_name = "DIR", default_value = "/dev")]
    dev_root: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { sys_root: "/sys".into(), dev_root: "/dev".into() }
    }
}

impl Roots {
    /// The machine that is seen there.
    pub(super) fn at(sys_root: &Path, dev_root: &Path) -> Self {
        Self { sys_root: sys_root.to_owned(), dev_root: dev_root.to_owned() }
    }

    /// The ports there.
    pub(super) fn ports(&self, clock: &Arc<dyn Clock>) -> Arc<dyn Ports> {
        let roots = transports::Roots {
            sys: self.sys_root.clone(),
            dev: self.dev_root.clone(),
            ..transports::Roots::default()
        };
        Arc::new(Machine::new(roots, Arc::clone(clock), CHUNK_GAP))
    }
}

#[derive(Debug, Args)]
struct Marstek {
    /// Broadcast address, or the address of one unit; may be repeated
    #[arg(long, global = true, value_name = "ADDRESS", default_values_t = [IpAddr::from(Ipv4Addr::BROADCAST)])]
    broadcast: Vec<IpAddr>,
    /// UDP port to ask; may be repeated
    #[arg(long, global = true, value_name = "PORT", default_values_t = marstek::PORTS.iter().copied())]
    port: Vec<u16>,
    /// How long to wait for answers
    #[arg(long, global = true, value_name = "TIME", default_value = "4 s")]
    wait: Timespan,
}

/// An inverter that is slow and at a bad line is recognised within this time.
const RECOGNISE: Duration = Duration::from_secs(30);

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let clock = real_clock();
    if let Some(Family::Voltronic(Voltronic { path_only: true, roots })) = &arguments.family {
        return first_path(roots, &clock).await;
    }
    let (found, silence) = match &arguments.family {
        Some(Family::Marstek) => (batteries(&arguments.marstek, &clock).await?, nobody(&arguments.marstek)),
        Some(Family::Victron(options)) => (gx(&options.bus, &clock).await, no_gx(&options.bus)),
        Some(Family::Voltronic(options)) => (inverters(&options.roots, &clock).await, no_port()),
        None => {
            let here = [gx(&Bus::System, &clock).await, inverters(&Roots::default(), &clock).await].concat();
            let batteries = match batteries(&arguments.marstek, &clock).await {
                // Without a network there may be something on this machine all the same.
                Err(_) if !here.is_empty() => Vec::new(),
                batteries => batteries?,
            };
            ([batteries, here].concat(), nobody(&arguments.marstek))
        }
    };
    if arguments.yaml {
        print::out(yaml(&found))?;
    } else {
        let rows: Vec<_> = found.iter().map(json_of).collect();
        common.print(&rows.into(), || text(&found))?;
    }
    match found.iter().any(is_usable) {
        true => Ok(()),
        false if found.is_empty() => Err(silence),
        false => Err(Failure::new(
            Code::NoAnswer,
            "what was found is nothing that can be read: `ohmstead doctor` looks at this machine's ports",
        )),
    }
}

/// Whether there is a device of a known driver, and not only a port with the right number. The driver has told what else
/// it is in the place of the model.
fn is_usable(found: &Found) -> bool {
    !is_stranger(found) && found.model != "nothing that answers" && !found.model.starts_with("not asked: ")
}

/// Whether something else has answered.
fn is_stranger(found: &Found) -> bool {
    found.model.ends_with(", not an inverter")
}

async fn batteries(options: &Marstek, clock: &Arc<dyn Clock>) -> Result<Vec<Found>, Failure> {
    let search =
        Search { targets: options.broadcast.clone(), ports: options.port.clone(), window: options.wait.0 };
    marstek::discover(&search, &Host, clock.as_ref()).await.map_err(|error| {
        Failure::new(
            Code::Failed,
            format!("cannot ask {}: {error}; give your network's broadcast address with --broadcast, such as 192.168.1.255", list(&options.broadcast)),
        )
    })
}

async fn gx(bus: &Bus, clock: &Arc<dyn Clock>) -> Vec<Found> {
    victron::discover(bus, Arc::clone(clock)).await.into_iter().collect()
}

fn no_gx(bus: &Bus) -> Failure {
    let message = format!(
        "no Victron service answers on the bus ({bus}). On another machine than the GX device itself, name it by its \
         address: `ohmstead read victron+mqtt://192.0.2.9`, victron+http://192.0.2.9:8088 or victron+modbus://192.0.2.9"
    );
    Failure::new(Code::NoAnswer, message)
}

async fn inverters(roots: &Roots, clock: &Arc<dyn Clock>) -> Vec<Found> {
    voltronic::discover(roots.ports(clock), Arc::clone(clock), RECOGNISE).await
}

/// What `find_inverter.sh` did: scripts and units stand on it.
async fn first_path(roots: &Roots, clock: &Arc<dyn Clock>) -> Result<(), Failure> {
    let found = inverters(roots, clock).await;
    if found.is_empty() {
        return Err(Failure::new(Code::Failed, no_port()));
    }
    // In a container the system may list what was not passed in.
    let is_there = |found: &&Found| Path::new(&found.address).exists();
    let there: Vec<_> = found.iter().filter(is_there).collect();
    let likeliest = there.iter().find(|found| is_usable(found));
    let likeliest = likeliest.or_else(|| there.iter().find(|found| !is_stranger(found)));
    match likeliest {
        Some(found) => Ok(print::out(&found.address)?),
        None => Err(Failure::new(Code::Failed, no_inverter(&found))),
    }
}

/// What is at the ports instead of an inverter.
fn no_inverter(found: &[Found]) -> String {
    let what = |found: &Found| {
        let missing = !Path::new(&found.address).exists();
        let what =
            if missing { "the device file does not exist (pass it in to a container)" } else { &found.model };
        format!("{}: {what}", found.address)
    };
    let ports: Vec<_> = found.iter().map(what).collect();
    format!("no inverter at any USB port with its number (0665:5161): {}", ports.join("; "))
}

fn no_port() -> Failure {
    let message = "no USB port has an inverter (0665:5161): is the cable plugged in? `ohmstead doctor` looks further; a serial \
                   line is not searched: read voltronic:///dev/ttyUSB0";
    Failure::new(Code::NoAnswer, message)
}

fn list(items: &[impl ToString]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn nobody(options: &Marstek) -> Failure {
    let message = format!(
        "no unit answered at {} (UDP ports {}). Is the local API switched on in the vendor's app, and its port in the list? \
         Many networks drop broadcasts: try --broadcast with the address of the unit itself",
        list(&options.broadcast),
        list(&options.port),
    );
    Failure::new(Code::NoAnswer, message)
}

fn json_of(unit: &Found) -> serde_json::Value {
    json!({
        "id": unit.serial,
        "driver": unit.driver,
        "address": unit.address,
        "model": unit.model,
        "firmware": unit.firmware,
        "serial": unit.serial,
    })
}

fn text(found: &[Found]) -> String {
    let unknown = || "unknown".to_owned();
    let rows: Vec<_> = found
        .iter()
        .map(|unit| {
            let firmware =
                unit.firmware.as_ref().map_or_else(unknown, |firmware| format!("firmware {firmware}"));
            let serial = unit.serial.clone().unwrap_or_else(unknown);
            vec![format!("{}://{}", unit.driver, unit.address), unit.model.clone(), firmware, serial]
        })
        .collect();
    table(&rows, &[])
}

/// A block to paste. The key is made of model and MAC, so that it stays when the address changes.
fn yaml(found: &[Found]) -> String {
    if found.is_empty() {
        let drivers: Vec<_> = DRIVERS.iter().map(|driver| driver.name).collect();
        return format!("# nothing found; known drivers: {}\ndevices: {{}}\n", list(&drivers));
    }
    let usable = found.iter().any(is_usable);
    let lines = found.iter().map(|unit| {
        if !is_usable(unit) {
            let line = format!("{}://{}: {}", unit.driver, unit.address, unit.model);
            return format!("  # {}\n", line.replace(char::is_control, " "));
        }
        let parts = keys(unit).join(", ");
        format!("  {}: {{ {}: {{ {parts} }} }}\n", name_of(unit), unit.driver)
    });
    let head = if usable { "devices:\n" } else { "devices: {}\n" };
    std::iter::once(head.to_owned()).chain(lines).collect()
}

fn name_of(unit: &Found) -> String {
    let model = unit.model.to_ascii_lowercase();
    let model: String = model.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    let tail = unit.serial.as_deref().and_then(|mac| mac.get(mac.len().saturating_sub(4)..));
    format!("{model}_{}", tail.map_or_else(|| address_tail(&unit.address), str::to_owned))
}

fn keys(unit: &Found) -> Vec<String> {
    unit.settings.iter().map(|(key, value)| format!("{key}: {value}")).collect()
}

/// The address as a part of a name: its last two numbers.
fn address_tail(address: &str) -> String {
    let parts: Vec<_> =
        address.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    parts.get(parts.len().saturating_sub(2)..).unwrap_or_default().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn found(address: &str, serial: Option<&str>, settings: &[(&'static str, &str)]) -> Found {
        Found {
            driver: "marstek",
            address: address.to_owned(),
            model: "VenusE 3.0".to_owned(),
            firmware: Some("150".to_owned()),
            serial: serial.map(str::to_owned),
            settings: settings.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
            values: Vec::new(),
        }
    }

    #[test]
    fn the_block_is_a_configuration() {
        let mac = ("ble_mac", "\"020000000001\"");
        let units = [
            found("192.0.2.7:30000", Some("020000000001"), &[("host", "192.0.2.7"), mac]),
            found("192.0.2.8:30001", None, &[("host", "192.0.2.8"), ("port", "30001")]),
        ];
        let block = yaml(&units);
        expect![[r#"
            devices:
              venuse30_0001: { marstek: { host: 192.0.2.7, ble_mac: "020000000001" } }
              venuse30_8_30001: { marstek: { host: 192.0.2.8, port: 30001 } }
        "#]]
        .assert_eq(&block);
        let config = ohmstead_config::parse(&block, "test", &|_| None).expect("pasteable");
        assert_eq!(config.devices.len(), 2);
    }

    #[test]
    fn what_is_no_inverter_is_a_comment() {
        let port = |address: &str, model: &str| Found {
            driver: "voltronic",
            model: model.to_owned(),
            ..found(address, None, &[("usb_port", "\"1-1\"")])
        };
        let strangers = [
            port("/dev/hidraw0", "UPS, not an inverter"),
            port("/dev/hidraw1", "nothing that answers"),
            port("/dev/hidraw2", "not asked: no permission for /dev/hidraw2"),
        ];
        expect![[r#"
            devices: {}
              # voltronic:///dev/hidraw0: UPS, not an inverter
              # voltronic:///dev/hidraw1: nothing that answers
              # voltronic:///dev/hidraw2: not asked: no permission for /dev/hidraw2
        "#]]
        .assert_eq(&yaml(&strangers));
        let some = [&strangers[..1], &[port("/dev/hidraw3", "VMIII (PI30)")]].concat();
        expect![[r#"
            devices:
              # voltronic:///dev/hidraw0: UPS, not an inverter
              vmiiipi30_dev_hidraw3: { voltronic: { usb_port: "1-1" } }
        "#]]
        .assert_eq(&yaml(&some));
        for block in [yaml(&strangers), yaml(&some)] {
            assert!(ohmstead_config::parse(&block, "test", &|_| None).is_ok(), "{block}");
        }
    }

    #[test]
    fn nothing_found_is_still_a_configuration() {
        assert!(ohmstead_config::parse(&yaml(&[]), "test", &|_| None).is_ok());
    }
}
