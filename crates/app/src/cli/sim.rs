//! `sim`: devices of the simulated house on real sockets, for trying things without hardware.

mod venus;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use ohmstead_plant::voltronic::{self as inverter, Front};
use ohmstead_plant::{BatterySetup, InverterSetup, Plant, Profile, SWITCHES, Settings, Switches};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Common;
use crate::clock::os_unix;
use crate::failure::{Code, Failure};
use crate::print;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    family: Family,
}

#[derive(Debug, Subcommand)]
enum Family {
    /// Marstek batteries with the local UDP API
    #[command(after_help = switches_help())]
    Marstek(Marstek),
    /// A Voltronic (Axpert) inverter behind a packet socket, a terminal or a folder that looks like a machine
    #[command(after_help = inverter_help())]
    Voltronic(Voltronic),
    /// A Victron GX device with a three-phase ESS: on a D-Bus, behind its HTTP API, Modbus TCP and MQTT
    #[command(after_help = venus::switches_help())]
    Venus(venus::Arguments),
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("way").required(true).multiple(true))]
struct Voltronic {
    /// Make a socket file for packets of 8 bytes, as a HID device has them: `path: unixpacket:PATH`
    #[arg(long, value_name = "PATH", group = "way")]
    packet: Vec<PathBuf>,
    /// Make a link to a terminal, as a serial line has it
    #[arg(long, value_name = "PATH", group = "way")]
    pty: Vec<PathBuf>,
    /// Make a folder with `sys` and `dev` as a machine has them, for discovery, re-enumeration and port resets
    #[arg(long, value_name = "DIR", group = "way")]
    tree: Vec<PathBuf>,
    /// Make a folder with a file `hidrawN` that behaves as a machine's does, for programs that know no sockets
    #[cfg(feature = "fuse")]
    #[arg(long, value_name = "DIR", group = "way")]
    fuse: Vec<PathBuf>,
    /// Model of the unit
    #[arg(long, value_name = "NAME", default_value = "pi30-21")]
    profile: inverter::Profile,
    /// A fault, as NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    switch: Vec<String>,
    /// Units in parallel
    #[arg(long, default_value_t = 1)]
    units: u8,
    /// How much faster than real time the house lives
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Everything random follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn inverter_help() -> String {
    let profiles: Vec<_> = inverter::Profile::ALL
        .iter()
        .map(|profile| vec![format!("  {}", profile.name()), profile.about().to_owned()])
        .collect();
    let switches: Vec<_> = inverter::SWITCHES
        .iter()
        .map(|switch| {
            let value = if switch.value.is_empty() { String::new() } else { format!("={}", switch.value) };
            vec![format!("  {}{value}", switch.name), switch.help.to_owned()]
        })
        .collect();
    let table = |rows: &[Vec<String>]| super::table::table(rows, &[]);
    format!("Profiles:\n{}\n\nSwitches:\n{}", table(&profiles), table(&switches))
}

#[derive(Debug, Args)]
struct Marstek {
    /// Address of a battery, such as 127.0.0.2:30000; once per battery
    #[arg(long, required = true, value_name = "ADDRESS:PORT")]
    listen: Vec<SocketAddr>,
    /// Model and firmware of the battery in the same place of the list; the last one counts for the rest
    #[arg(long, value_name = "NAME", default_value = "e3-150")]
    profile: Vec<Profile>,
    /// A fault of every battery, as NAME=VALUE; of the second battery only as 2:NAME=VALUE
    #[arg(long, value_name = "[N:]NAME=VALUE")]
    switch: Vec<String>,
    /// How much faster than real time the house lives
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Everything random follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where broadcasts are heard [default: 127.255.255.255 or 0.0.0.0, on each battery's port]
    #[arg(long, value_name = "ADDRESS:PORT")]
    broadcast: Option<SocketAddr>,
}

fn switches_help() -> String {
    let rows: Vec<_> = SWITCHES
        .iter()
        .map(|switch| {
            let value = if switch.value.is_empty() { String::new() } else { format!("={}", switch.value) };
            vec![format!("  {}{value}", switch.name), switch.help.to_owned()]
        })
        .collect();
    format!("Switches:\n{}", super::table::table(&rows, &[]))
}

pub(super) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    match arguments.family {
        Family::Marstek(arguments) => {
            let batteries = batteries(&arguments).map_err(|message| Failure::new(Code::Usage, message))?;
            let plant = Plant::builder(settings(arguments.seed))
                .speed(arguments.speed)
                .broadcast(arguments.broadcast);
            simulate(common, batteries.into_iter().fold(plant, Plant::battery)).await
        }
        Family::Venus(arguments) => venus::run(common, arguments).await,
        Family::Voltronic(arguments) => {
            let (setup, fronts) =
                an_inverter(&arguments).map_err(|message| Failure::new(Code::Usage, message))?;
            let plant = Plant::builder(settings(arguments.seed)).speed(arguments.speed);
            simulate(common, plant.inverter(setup, fronts)).await
        }
    }
}

fn settings(seed: u64) -> Settings {
    Settings { seed, start_unix_ms: os_unix().0, ..Settings::default() }
}

fn an_inverter(arguments: &Voltronic) -> Result<(InverterSetup, Vec<Front>), String> {
    let mut setup = InverterSetup::new("inverter", arguments.profile);
    setup.units = arguments.units;
    // A terminal carries a run of bytes; the other ways carry reports.
    setup.serial_line = arguments.pty.len() == ways(arguments).len();
    for text in &arguments.switch {
        setup.switches.set(text).map_err(|error| error.to_string())?;
    }
    Ok((setup, ways(arguments)))
}

fn ways(arguments: &Voltronic) -> Vec<Front> {
    let packets = arguments.packet.iter().cloned().map(Front::Packet);
    let terminals = arguments.pty.iter().cloned().map(Front::Pty);
    let trees = arguments.tree.iter().cloned().map(|folder| Front::Tree(folder, "1-1".to_owned()));
    let ways = packets.chain(terminals).chain(trees);
    #[cfg(feature = "fuse")]
    let ways = ways
        .chain(arguments.fuse.iter().cloned().map(|folder| Front::Fuse(folder, inverter::Bridge::default())));
    ways.collect()
}

/// Runs the house until told to stop.
async fn simulate(common: &Common, plant: Plant) -> Result<(), Failure> {
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let plant = plant.start(&tracker, stop.clone())?;
    let addresses: Vec<_> = plant.addresses();
    let ways: Vec<_> = plant
        .inverters()
        .iter()
        .flat_map(|(name, fronts)| fronts.iter().map(move |front| (name, front.address())))
        .collect();
    let batteries = addresses.iter().map(|(name, address)| json!({ "name": name, "address": address }));
    let inverters = ways.iter().map(|(name, address)| json!({ "name": name, "address": address }));
    let json = json!({
        "devices": batteries.chain(inverters).collect::<Vec<_>>(),
        "broadcast": plant.broadcast_addresses(),
    });
    common.print(&json, || {
        let batteries = addresses.iter().map(|(name, address)| format!("{name} at marstek://{address}"));
        let inverters = ways.iter().map(|(name, address)| format!("{name} at {address}"));
        batteries.chain(inverters).chain(["Ctrl-C stops".to_owned()]).collect::<Vec<_>>().join("\n")
    })?;
    until_stopped(common, &tracker, &stop).await
}

/// Waits for Ctrl-C, and for all tasks to end.
async fn until_stopped(
    common: &Common,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    crate::daemon::until_told_to_stop().await?;
    end(common, tracker, stop).await;
    Ok(())
}

/// Ends all tasks.
async fn end(common: &Common, tracker: &TaskTracker, stop: &CancellationToken) {
    stop.cancel();
    tracker.close();
    tracker.wait().await;
    if !common.json {
        print::err("stopped");
    }
}

/// Listeners, profiles and switches, paired by their order.
fn batteries(arguments: &Marstek) -> Result<Vec<BatterySetup>, String> {
    if arguments.profile.len() > arguments.listen.len() {
        return Err("more --profile than --listen: give each battery an address".to_owned());
    }
    let mut batteries = Vec::new();
    for (index, listen) in arguments.listen.iter().enumerate() {
        let profile = arguments.profile.get(index).or(arguments.profile.last()).copied();
        let profile = profile.ok_or("a battery needs a --profile")?;
        let mut battery = BatterySetup::new(format!("battery{}", index + 1), *listen, profile);
        battery.phase = index % 3;
        battery.switches = switches_of(index + 1, &arguments.switch)?;
        batteries.push(battery);
    }
    let strays = arguments
        .switch
        .iter()
        .filter_map(|text| owner(text))
        .find(|(number, _)| *number > batteries.len() || *number == 0);
    match strays {
        Some((number, text)) => Err(format!("--switch {number}:{text}: there is no battery {number}")),
        None => Ok(batteries),
    }
}

fn switches_of(number: usize, all: &[String]) -> Result<Switches, String> {
    let mut switches = Switches::default();
    for text in all {
        let (whose, text) = owner(text).map_or((number, text.as_str()), |(whose, text)| (whose, text));
        if whose == number {
            switches.set(text).map_err(|error| error.to_string())?;
        }
    }
    Ok(switches)
}

/// `2:loss=10` is the second battery's.
fn owner(text: &str) -> Option<(usize, &str)> {
    let (number, rest) = text.split_once(':')?;
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Vec<BatterySetup>, String> {
        use clap::Parser as _;
        let line = format!("ohmstead sim marstek {line}");
        let cli = super::super::Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
        match cli.verb {
            super::super::Verb::Sim(Arguments { family: Family::Marstek(arguments) }) => {
                batteries(&arguments)
            }
            _ => panic!("another verb"),
        }
    }

    #[test]
    fn options_are_paired_by_order() {
        let batteries = parsed(
            "--listen 127.0.0.2:1 --profile e3-150 --listen 127.0.0.3:1 --profile hmg50-155 --listen 127.0.0.4:1 --switch 2:mute",
        )
        .unwrap();
        let profiles: Vec<_> = batteries.iter().map(|battery| battery.profile.name()).collect();
        assert_eq!(profiles, ["e3-150", "hmg50-155", "hmg50-155"]);
        let mute: Vec<_> = batteries.iter().map(|battery| battery.switches.mute).collect();
        assert_eq!(mute, [false, true, false]);
        assert_eq!(batteries.iter().map(|battery| battery.phase).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn what_does_not_pair_is_refused() {
        for line in [
            "--listen 127.0.0.2:1 --profile e3-150 --profile e3-150",
            "--listen 127.0.0.2:1 --switch 2:mute",
            "--listen 127.0.0.2:1 --switch nonsense=1",
            "--listen 127.0.0.2:1 --profile nonsense",
            "--listen here",
            "",
        ] {
            assert!(parsed(line).is_err(), "{line:?} was accepted");
        }
    }
}
