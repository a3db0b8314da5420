//! `demo`: a simulated house on real sockets, and an ordinary `run` that reads it. Nothing else in the product knows that
//! the house is simulated; the configuration is printed, and `run` would do the same with it.

mod cerbo;
mod past;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use ohmstead_config::Config;
use ohmstead_model::UnixMillis;
use ohmstead_plant::house::Panels;
use ohmstead_plant::venus::{Gx, VenusHandle};
use ohmstead_plant::voltronic::Front;
use ohmstead_plant::{
    BatterySetup, InMemory, InverterSetup, Plant, PlantHandle, Profile, Settings, SetupError, open_meteo,
    tempo,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::{Code, Failure};

pub(crate) use past::backfill;

/// A battery of the simulated house.
struct Unit {
    key: &'static str,
    title: &'static str,
    profile: &'static str,
    phase: usize,
    soc_pct: f64,
    capacity_wh: f64,
    pv_peak_w: Option<f64>,
}

const UNITS: [Unit; 3] = [
    Unit {
        key: "garage",
        title: "Garage",
        profile: "e3-150",
        phase: 0,
        soc_pct: 55.0,
        capacity_wh: 5_120.0,
        pv_peak_w: None,
    },
    Unit {
        key: "cellar",
        title: "Cellar",
        profile: "vd-150",
        phase: 1,
        soc_pct: 40.0,
        capacity_wh: 2_560.0,
        pv_peak_w: Some(2_800.0),
    },
    Unit {
        key: "balcony",
        title: "Balcony",
        profile: "vd-150",
        phase: 2,
        soc_pct: 70.0,
        capacity_wh: 2_560.0,
        pv_peak_w: Some(2_800.0),
    },
];

/// An inverter of the house with a battery and panels of its own, in the workshop.
const INVERTER: &str = "workshop";
const INVERTER_PROFILE: &str = "pi30-max21";
const INVERTER_BATTERY_WH: f64 = 4_800.0;
const INVERTER_PANELS_W: f64 = 2_400.0;
const INVERTER_POWER: &str = "workshop: { charge_max: 2 kW, discharge_max: 2 kW }";

/// Latitude and longitude.
const PLACE: (f64, f64) = (43.1, 5.9);

/// The roof, with an inverter that the Cerbo GX reads: everything that feeds the house is measured.
const ROOF_W: f64 = 3_000.0;
/// All panels of the house lie alike.
const TILT_DEG: f64 = 30.0;
const AZIMUTH_DEG: f64 = 0.0;
const MEAN_LOAD_W: f64 = 750.0;

/// The house with everything in it, before it is served.
pub(crate) struct Demo {
    site: Arc<Mutex<InMemory>>,
    gx: Gx,
    seed: u64,
}

impl Demo {
    /// The house `days` before `now`, not yet lived in.
    pub(crate) fn new(now: UnixMillis, days: i64, seed: u64) -> Result<Self, SetupError> {
        let site = Arc::new(Mutex::new(house(now, days, seed)?));
        let gx = cerbo::installed(Arc::clone(&site), now.0 - days * 86_400_000);
        Ok(Self { site, gx, seed })
    }

    /// Looks into the house.
    fn site<T>(&self, look: impl FnOnce(&mut InMemory) -> T) -> T {
        look(&mut self.site.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets time pass: house and GX together.
    pub(crate) fn live(&mut self, to: UnixMillis) {
        self.gx.live(to.0, past::STEP_MS);
        self.site(|site| site.advance(to.0));
    }

    /// Puts everything on real sockets; that of the inverter is a file in `folder`.
    pub(crate) async fn serve(
        self,
        folder: &Path,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Served, Failure> {
        let cerbo_wh = cerbo::capacity_wh(&self.gx);
        // The GX lets go of the house, which is then the plant's alone.
        let gx = self.gx.moved(Box::new(ohmstead_plant::venus::ess::Around::default()));
        let site = Arc::into_inner(self.site).context("the simulated house is in use")?;
        let socket = Front::Packet(socket_in(folder));
        let site = site.into_inner().unwrap_or_else(PoisonError::into_inner);
        let plant = Plant::continuing(site).front(INVERTER, vec![socket]).start(tracker, stop.clone())?;
        let gx = cerbo::serve(gx, &plant, tracker, stop).await?;
        let (colours, weather) = services(self.seed, &plant, tracker, stop).await?;
        Ok(Served { plant, gx, cerbo_wh, colours, weather })
    }
}

/// Everything on its sockets.
pub(crate) struct Served {
    plant: PlantHandle,
    gx: VenusHandle,
    /// The size of the battery at the GX.
    cerbo_wh: f64,
    /// Where the colours of Tempo are told.
    colours: SocketAddr,
    /// Where the weather above the house is foretold.
    weather: SocketAddr,
}

/// The colours are the same every time.
const COLOURS_SEED: u64 = 2026;

/// What stands in for the services of the outside: the colours of Tempo, and the weather.
async fn services(
    seed: u64,
    plant: &PlantHandle,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(SocketAddr, SocketAddr), Failure> {
    let anywhere = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    let colours = tempo::serve(anywhere, COLOURS_SEED, plant.clock(), tracker, stop.clone());
    let colours = colours.await.context("cannot serve the colours of Tempo")?;
    let weather = open_meteo::serve(anywhere, seed, plant.clock(), tracker, stop.clone());
    let weather = weather.await.context("cannot serve the forecast of the weather")?;
    Ok((colours, weather))
}

fn house(now: UnixMillis, days: i64, seed: u64) -> Result<InMemory, SetupError> {
    let start_unix_ms = now.0 - days * 86_400_000;
    let roof = Panels { peak_w: ROOF_W, tilt_deg: TILT_DEG, azimuth_deg: AZIMUTH_DEG };
    // The south of France: something happens in winter too.
    let (latitude_deg, longitude_deg) = PLACE;
    let place = Settings { latitude_deg, longitude_deg, ..Settings::default() };
    let settings = Settings { seed, start_unix_ms, roof, mean_load_w: MEAN_LOAD_W, ..place };
    let plant = UNITS.iter().zip(2u8..).fold(Plant::builder(settings), |plant, (unit, host)| {
        // Any free port: the house must not be in the way of anything, and nothing in its way.
        let listen = SocketAddr::new(Ipv4Addr::new(127, 0, 30, host).into(), 0);
        let profile: Profile = unit.profile.parse().expect("the names of the table are profiles");
        plant.battery(BatterySetup {
            phase: unit.phase,
            soc_pct: unit.soc_pct,
            capacity_wh: unit.capacity_wh,
            pv_peak_w: unit.pv_peak_w,
            ble_mac: format!("02000000000{host}"),
            ..BatterySetup::new(unit.key, listen, profile)
        })
    });
    let inverter = InverterSetup {
        phase: 1,
        battery_wh: INVERTER_BATTERY_WH,
        pv_peak_w: INVERTER_PANELS_W,
        load_mean_w: 180.0,
        ..InverterSetup::new(INVERTER, INVERTER_PROFILE.parse().expect("a profile of the plant"))
    };
    plant.inverter(inverter, Vec::new()).in_memory()
}

/// The socket of the inverter. The system takes no path longer than 107 bytes for one.
fn socket_in(folder: &Path) -> PathBuf {
    const LONGEST: usize = 100;
    let path = folder.join("workshop.usb");
    if path.as_os_str().len() <= LONGEST {
        return path;
    }
    std::env::temp_dir().join(format!("ohmstead-workshop-{}.usb", std::process::id()))
}

/// The zone of the house.
const ZONE: &str = "Europe/Paris";

/// The zone of the house.
pub(crate) fn zone() -> TimeZone {
    TimeZone::get(ZONE).unwrap_or(TimeZone::UTC)
}

/// The configuration for the house, as its owner would write it.
pub(crate) fn config_text(served: &Served, port: u16, data_dir: &Path) -> Result<String, Failure> {
    let Served { plant, gx, cerbo_wh, colours, weather } = served;
    let (latitude, longitude) = PLACE;
    let batteries = UNITS.iter().map(|unit| device_line(unit, plant)).collect::<Result<String, _>>()?;
    let powers: Vec<_> =
        UNITS.iter().map(power_of).chain([INVERTER_POWER, cerbo::POWER].map(str::to_owned)).collect();
    let powers = powers.join(", ");
    let devices = batteries + &inverter_line(plant) + &cerbo::line(gx, *cerbo_wh);
    let data_dir = serde_json::Value::from(data_dir.display().to_string());
    let panels = format!("{{ peak: {} Wp, tilt: {TILT_DEG}, azimuth: {AZIMUTH_DEG} }}", panels_w());
    Ok(format!(
        "site: {{ name: Demo house, timezone: {ZONE}, latitude: {latitude}, longitude: {longitude}, languages: [en, fr, nl, et, de] }}\n\
         devices:\n{devices}\
         tariffs: {{ import: {{ tempo: {{}} }}, export: {{ fixed: 4 ct/kWh }}, colours: {{ rte_site: {{ url: \"http://{colours}/tempo\" }} }} }}\n\
         forecast: {{ pv: {{ open_meteo: {{ planes: [{panels}], url: \"http://{weather}/v1/forecast\" }} }} }}\n\
         planner: {{ mode: advise, batteries: {{ {powers} }} }}\n\
         web: {{ listen: 127.0.0.1:{port} }}\n\
         read_only: false\n\
         data_dir: {data_dir}\n"
    ))
}

/// All panels of the house.
fn panels_w() -> f64 {
    let of_units: f64 = UNITS.iter().filter_map(|unit| unit.pv_peak_w).sum();
    ROOF_W * (1.0 + cerbo::ON_MPPT) + INVERTER_PANELS_W + of_units
}

/// What a unit takes and gives, which it does not tell.
fn power_of(unit: &Unit) -> String {
    let most = if unit.capacity_wh > 4_000.0 { "2.5 kW" } else { "800 W" };
    format!("{}: {{ charge_max: {most}, discharge_max: {most} }}", unit.key)
}

fn device_line(unit: &Unit, plant: &PlantHandle) -> Result<String, Failure> {
    let address = plant.address(unit.key)?;
    let solar = unit.pv_peak_w.map(|peak| format!(", pv_peak: {peak} Wp")).unwrap_or_default();
    Ok(format!(
        "  {}: {{ marstek: {{ name: {}, host: {}, port: {}, interval: 5 s, quiet_gap: 300 ms, phase: L{}{solar} }} }}\n",
        unit.key,
        unit.title,
        address.ip(),
        address.port(),
        unit.phase + 1,
    ))
}

fn inverter_line(plant: &PlantHandle) -> String {
    let way = plant.inverters().iter().flat_map(|(_, fronts)| fronts).next();
    let path = serde_json::Value::from(way.map_or_else(|| "auto".to_owned(), Front::address));
    format!(
        "  {INVERTER}: {{ voltronic: {{ name: Workshop, path: {path}, interval: 5 s, phase: L2, capacity: {INVERTER_BATTERY_WH} Wh }} }}\n"
    )
}

/// The printed configuration, read as `run` reads a file.
pub(crate) fn config(text: &str) -> Result<Config, Failure> {
    ohmstead_config::parse(text, "demo", &|_| None).map_err(|error| Failure::of(Code::Config, error))
}

#[cfg(test)]
mod tests {
    use ohmstead_drivers::DeviceSettings;
    use ohmstead_model::DeviceId;

    use super::*;

    #[tokio::test]
    async fn the_printed_configuration_is_an_ordinary_one() {
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let folder = tempfile::tempdir().expect("a folder");
        let demo = Demo::new(UnixMillis(1_750_000_000_000), 1, 1).expect("a house");
        let served = demo.serve(folder.path(), &tracker, &stop).await.expect("sockets");
        let text = config_text(&served, 0, Path::new("/tmp/a \"b\"")).expect("three batteries");
        let config = config(&text).expect("a configuration");
        assert_eq!(config.devices.len(), 5);
        assert!(config.mqtt.is_none());
        // Everything that a plan over all its batteries needs.
        assert_eq!(config.forecast.pv.0.len(), 1);
        let is_planned = |id: &DeviceId, settings: &DeviceSettings| {
            let tells_capacity = match settings {
                DeviceSettings::Marstek(_) => true,
                DeviceSettings::Victron(gx) => gx.capacity.is_some_and(|capacity| capacity.0 > 1_000.0),
                DeviceSettings::Voltronic(inverter) => inverter.capacity.is_some(),
            };
            tells_capacity && config.planner.battery(id).charge_max.is_some()
        };
        for (id, settings) in &config.devices {
            assert!(is_planned(id, settings), "{id}");
        }
        assert_eq!(config.data_dir.as_deref(), Some(Path::new("/tmp/a \"b\"")));
        stop.cancel();
        tracker.close();
        tracker.wait().await;
    }
}
