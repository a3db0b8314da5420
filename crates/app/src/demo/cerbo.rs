//! The Cerbo GX of the demo: three Multis with ESS, a Pylontech battery, a grid meter, an MPPT, a PV inverter on the roof.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use ohmstead_plant::venus::value::Value;
use ohmstead_plant::venus::{Api, Gx, InHouse, InPast, Setup, Switches, Venus, VenusHandle};
use ohmstead_plant::{InMemory, PlantHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::Failure;

/// Its name in the configuration.
pub(super) const NAME: &str = "cerbo";
/// A port of its own would be 8088; any free one is not in anybody's way.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(127, 0, 30, 9)), 0);
const SOC_PCT: f64 = 48.0;
/// Panels on the MPPT, as a part of the roof's power.
pub(super) const ON_MPPT: f64 = 0.4;
/// What its owner lets it take and give, as the settings below say it: 40 A at 50 V, and 500 W.
pub(super) const POWER: &str = "cerbo: { charge_max: 2 kW, discharge_max: 500 W }";
/// What its owner has set. It carries the base of the load; what goes beyond is left to the other batteries of the house.
const SETTINGS: [(&str, f64); 3] = [
    ("/Settings/CGwacs/AcPowerSetPoint", 0.0),
    ("/Settings/CGwacs/MaxDischargePower", 500.0),
    ("/Settings/SystemSetup/MaxChargeCurrent", 40.0),
];

/// The GX in a house whose past they live through together.
pub(super) fn installed(site: Arc<Mutex<InMemory>>, now_ms: i64) -> Gx {
    let switches = Switches { ai_write: true, ..Switches::default() };
    let setup = Setup { soc_pct: SOC_PCT, switches, ..Setup::default() };
    let mut gx = Gx::new(setup, Box::new(InPast::new(site, ON_MPPT)), now_ms);
    for (path, value) in SETTINGS {
        gx.write("settings", path, &Value::F64(value));
    }
    gx
}

/// The size of its battery, Wh.
pub(super) fn capacity_wh(gx: &Gx) -> f64 {
    gx.ess().map_or(0.0, |ess| ess.pack.capacity_wh())
}

/// The GX in the served house, on sockets of its own.
pub(super) async fn serve(
    gx: Gx,
    plant: &PlantHandle,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Result<VenusHandle, Failure> {
    let venus = Venus::continuing(gx)
        .around(InHouse::new(plant.clone()).with_panels(ON_MPPT))
        .starting_at(plant.now_ms())
        .api(ANY_PORT, Api::V3)
        .modbus(ANY_PORT);
    Ok(venus.start(tracker, stop.clone()).await?)
}

/// Its line in the configuration: two ways to one device, and the size of its battery, which the Pylontech does not tell in Wh.
pub(super) fn line(gx: &VenusHandle, capacity_wh: f64) -> String {
    let http = gx.api().map(|api| format!(", http: \"http://{api}\"")).unwrap_or_default();
    let modbus = gx.modbus().map(|modbus| format!(", modbus: \"{modbus}\"")).unwrap_or_default();
    format!(
        "  {NAME}: {{ victron: {{ name: Cerbo GX{http}{modbus}, capacity: {capacity_wh:.0} Wh, interval: 2 s }} }}\n"
    )
}
