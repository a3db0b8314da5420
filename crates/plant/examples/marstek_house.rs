//! A house with simulated batteries on loopback, to try clients on:
//!
//! ```text
//! cargo run -p ohmstead-plant --example marstek_house -- 60 e3-150 va-148=127.0.0.3:30000:loss-pct=10
//! ```
//!
//! The first argument is the speed; each further one `PROFILE[=ADDRESS[:switches]]`. Runs until standard input ends.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use ohmstead_plant::{BatterySetup, Plant, Profile, Settings, Switches};
use std::{error::Error, net::SocketAddr};
use tokio::io::AsyncReadExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let speed: f64 = arguments.next().as_deref().unwrap_or("1").parse()?;
    let mut plant = Plant::builder(Settings::default()).speed(speed);
    for (index, argument) in arguments.enumerate() {
        let (profile, place) = argument.split_once('=').unwrap_or((&argument, ""));
        let mut parts = place.splitn(3, ':');
        let (ip, port) = (parts.next().unwrap_or(""), parts.next().unwrap_or("30000"));
        let ip = if ip.is_empty() { format!("127.0.0.{}", index + 2) } else { ip.to_owned() };
        let listen: SocketAddr = format!("{ip}:{port}").parse()?;
        let switches: Switches = parts.next().unwrap_or("").parse()?;
        let profile: Profile = profile.parse()?;
        let setup = BatterySetup {
            switches,
            phase: index % 3,
            ..BatterySetup::new(format!("unit{index}"), listen, profile)
        };
        plant = plant.battery(setup);
    }
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let plant = plant.start(&tasks, stop.clone())?;
    for (name, address) in plant.addresses() {
        println!("{name} on {address}");
    }
    println!("broadcasts on {:?}", plant.broadcast_addresses());
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    println!("{:#?}", plant.truth());
    for (name, _) in plant.addresses() {
        println!("{name}: {:?}", plant.counters(&name)?);
    }
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(())
}
