//! A simulated inverter behind a file that behaves as `/dev/hidrawN` does, to try clients on that know nothing of us:
//!
//! ```text
//! cargo run -p ohmstead-plant --features fuse --example voltronic_hidraw -- /run/inverter pi30-max late=500
//! mpp-solar -p /run/inverter/hidraw0 -P PI30MAX -c QPIGS
//! ```
//!
//! The first argument is an empty folder, or one that is not there yet; the second the profile; each further one a switch.
//! `set-report-only=false` among them gives the bridge an endpoint that takes long writes in pieces. Needs the right to
//! mount. Runs until standard input ends.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use ohmstead_plant::voltronic::{Bridge, Front};
use ohmstead_plant::{InverterSetup, Plant, Settings};
use std::error::Error;
use tokio::io::AsyncReadExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("a folder is needed")?;
    let profile = arguments.next().as_deref().unwrap_or("pi30-21").parse()?;
    let mut setup = InverterSetup::new("inverter", profile);
    let mut bridge = Bridge::SetReport;
    for argument in arguments {
        match argument.as_str() {
            "set-report-only=false" => bridge = Bridge::OutEndpoint,
            switch => setup.switches.set(switch)?,
        }
    }
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let plant = Plant::builder(Settings::default()).inverter(setup, vec![Front::Fuse(folder.into(), bridge)]);
    let plant = plant.start(&tasks, stop.clone())?;
    for (name, fronts) in plant.inverters() {
        println!("{name} in {}", fronts.iter().map(Front::address).collect::<Vec<_>>().join(", "));
    }
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    println!("{:#?}", plant.with_site(|site| site.inverter_counters("inverter"))?);
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(())
}
