//! Writes on a real bus: what goes out, what comes back, what is refused.

use std::collections::BTreeMap;

use ohmstead_drivers::{Device, DeviceError};
use ohmstead_model::{Metric, Wish};

use crate::support::{Daemon, Leaf, Manner, Service, Unit, leaf};

/// The services of an installation that can be controlled.
struct Installation {
    hub4: Service,
    settings: Service,
    _others: Vec<Service>,
}

fn leaves(rows: &[(&str, Leaf)]) -> BTreeMap<String, Leaf> {
    rows.iter().map(|(path, leaf)| ((*path).to_owned(), leaf.clone())).collect()
}

impl Installation {
    async fn start(daemon: &Daemon) -> Self {
        let address = daemon.address();
        let start = |name: &'static str, rows: Vec<(&'static str, Leaf)>| {
            let address = address.clone();
            async move { Service::start(&address, name, leaves(&rows)).await }
        };
        let hub4 = vec![
            ("/Overrides/Setpoint", Leaf::invalid()),
            ("/Overrides/MaxDischargePower", leaf("d", -1.0)),
            ("/Overrides/ForceCharge", leaf("i", 0)),
        ];
        let settings = vec![
            ("/Settings/CGwacs/Hub4Mode", leaf("i", 1)),
            ("/Settings/CGwacs/BatteryLife/MinimumSocLimit", leaf("d", 10.0)),
            ("/Settings/CGwacs/BatteryLife/State", leaf("i", 10)),
        ];
        let vebus = vec![("/DeviceInstance", leaf("i", 276)), ("/Hub4/AssistantId", leaf("q", 5))];
        let system = vec![
            ("/Dc/Battery/Soc", leaf("i", 60)),
            ("/Dc/Battery/Power", leaf("d", -400.5)),
            ("/Ac/Consumption/NumberOfPhases", leaf("i", 1)),
            ("/Ac/Consumption/L1/Power", leaf("d", 500.0)),
        ];
        let platform = vec![("/Firmware/Installed/Version", leaf("s", "v3.70"))];
        let others = vec![
            start("com.victronenergy.vebus.ttyS4", vebus).await,
            start("com.victronenergy.system", system).await,
            start("com.victronenergy.platform", platform).await,
        ];
        Self {
            hub4: start("com.victronenergy.hub4", hub4).await,
            settings: start("com.victronenergy.settings", settings).await,
            _others: others,
        }
    }
}

async fn ready(daemon: &Daemon) -> (Installation, Unit) {
    let installation = Installation::start(daemon).await;
    let mut unit = Unit::on_bus(&daemon.address());
    unit.until("everything is known", |unit| unit.device.info().modes.iter().any(|mode| mode == "charge"))
        .await;
    (installation, unit)
}

fn wish(text: &str) -> Wish {
    text.parse().expect("a wish")
}

#[tokio::test]
async fn a_charge_is_written_and_read_back() {
    let daemon = Daemon::start();
    let (installation, mut unit) = ready(&daemon).await;
    let charge = wish("charge 800 W");
    let before = unit.device.read_back(&charge).await.expect("it answers");
    assert_eq!((before.native.as_str(), before.soc), ("no override", Some(60.0)));
    assert_eq!(before.power.map(|power| power.supplied().0), Some(400.5));
    let plan = unit.device.plan(&charge, None).expect("possible");
    let reply = unit.device.write(&plan).await.expect("it answers");
    assert!(reply.accepted, "{reply:?}");
    assert_eq!(reply.reply, "0 0 0");
    // A path that had a double gets a double. What is lost on the way is asked for too.
    let written = installation.hub4.calls().set_value;
    assert_eq!(
        written,
        [
            "/Overrides/MaxDischargePower = d 1",
            "/Overrides/ForceCharge = i 0",
            "/Overrides/Setpoint = i 1342"
        ]
    );
    let after = unit.device.read_back(&charge).await.expect("it answers");
    assert_eq!(after.native, plan.expect_word);
    let asked = installation.hub4.calls().get_value;
    assert_eq!(asked.len(), 6, "only what the wish is about is asked for, twice: {asked:?}");
}

#[tokio::test]
async fn auto_ends_every_override() {
    let daemon = Daemon::start();
    let (installation, mut unit) = ready(&daemon).await;
    installation.hub4.change("/Overrides/Setpoint", leaf("i", 1300)).await;
    unit.until("the override is known", |unit| {
        unit.number(Metric::BatterySoc).is_some()
            && unit.row("hub4/0", "/Overrides/Setpoint").as_deref() == Some("1300")
    })
    .await;
    let plan = unit.device.plan(&wish("auto"), None).expect("possible");
    assert!(unit.device.write(&plan).await.expect("it answers").accepted);
    assert_eq!(installation.hub4.leaf("/Overrides/Setpoint"), Some(Leaf::invalid()));
    assert_eq!(unit.device.read_back(&wish("auto")).await.expect("it answers").native, "no override");
}

#[tokio::test]
async fn a_refusal_ends_the_writes_and_says_why() {
    let daemon = Daemon::start();
    let (installation, mut unit) = ready(&daemon).await;
    installation.hub4.refuse("/Overrides/MaxDischargePower", 2);
    let plan = unit.device.plan(&wish("hold"), None).expect("possible");
    let reply = unit.device.write(&plan).await.expect("it answers");
    assert!(!reply.accepted);
    assert_eq!(reply.reply, "2: its owner does not take this value");
    assert_eq!(installation.hub4.calls().set_value.len(), 1);
    installation.settings.refuse("/Settings/CGwacs/BatteryLife/MinimumSocLimit", -1);
    let plan = unit.device.plan(&wish("minimum_soc=20"), None).expect("possible");
    let reply = unit.device.write(&plan).await.expect("it answers");
    assert_eq!((reply.accepted, reply.reply.as_str()), (false, "-1: out of its range, or of another type"));
    assert_eq!(plan.wear.map(|wear| wear.part).as_deref(), Some("minimum_soc"));
}

#[tokio::test]
async fn a_service_that_hangs_is_no_answer() {
    let daemon = Daemon::start();
    let (installation, mut unit) = ready(&daemon).await;
    let plan = unit.device.plan(&wish("hold"), None).expect("possible");
    installation.hub4.set_manner(Manner::Hangs);
    let error = unit.device.write(&plan).await.expect_err("nobody answers");
    assert!(matches!(error, DeviceError::NoAnswer { .. }), "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn without_the_ess_program_nothing_can_be_asked() {
    let daemon = Daemon::start();
    let (installation, mut unit) = ready(&daemon).await;
    installation.hub4.kill().await;
    unit.until("it is gone", |unit| {
        unit.row("hub4/0", "/Overrides/ForceCharge").as_deref() == Some("the device does not answer")
    })
    .await;
    let refused = unit.device.plan(&wish("hold"), None).expect_err("impossible");
    assert_eq!(refused.reason, "the ESS program of the GX device (hub4) does not run");
}
