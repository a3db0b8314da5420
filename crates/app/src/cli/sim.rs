//! `sim`: devices of the simulated house on real sockets, for trying things without hardware.

use std::net::SocketAddr;

use clap::{Args, Subcommand};
use ohmstead_plant::{BatterySetup, Plant, Profile, SWITCHES, Settings, Switches};
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
    let Family::Marstek(arguments) = arguments.family;
    let batteries = batteries(&arguments).map_err(|message| Failure::new(Code::Usage, message))?;
    let house = Settings { seed: arguments.seed, start_unix_ms: os_unix().0, ..Settings::default() };
    let plant = Plant::builder(house).speed(arguments.speed).broadcast(arguments.broadcast);
    let plant = batteries.into_iter().fold(plant, Plant::battery);
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let plant = plant.start(&tracker, stop.clone())?;
    let addresses: Vec<_> = plant.addresses();
    let json = json!({
        "devices": addresses.iter().map(|(name, address)| json!({ "name": name, "address": address })).collect::<Vec<_>>(),
        "broadcast": plant.broadcast_addresses(),
    });
    common.print(&json, || {
        let lines = addresses.iter().map(|(name, address)| format!("{name} at marstek://{address}"));
        lines.chain(["Ctrl-C stops".to_owned()]).collect::<Vec<_>>().join("\n")
    })?;
    crate::daemon::until_told_to_stop().await?;
    stop.cancel();
    tracker.close();
    tracker.wait().await;
    if !common.json {
        print::err("stopped");
    }
    Ok(())
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
        let super::super::Verb::Sim(Arguments { family: Family::Marstek(arguments) }) = cli.verb else {
            panic!("another verb")
        };
        batteries(&arguments)
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
