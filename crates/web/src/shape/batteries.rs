//! The answer of marstek-automation's `GET /api/v1/batteries/status`, with its field names and its signs, for programs
//! that were written for it. What is unknown is `null` here; there it was 0.

use ohmstead_model::{DeviceId, DeviceState, Metric, Moment, Role, Snapshot};
use utoipa::ToSchema;

use super::value::{finite, iso};

/// All batteries in the words of marstek-automation.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct BatteriesStatus {
    /// How many batteries are configured.
    total: usize,
    /// How many of them answer.
    online: usize,
    /// The batteries.
    batteries: Vec<BatteryStatus>,
}

/// One battery in the words of marstek-automation.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct BatteryStatus {
    /// Its place in the configuration, from 1.
    id: usize,
    /// Name for people.
    name: String,
    /// Where it is reached.
    ip: String,
    /// UDP or TCP port; `null` where the address has none.
    #[schema(required = true)]
    port: Option<u16>,
    /// Whether it answers; `null` while it has not been asked yet.
    #[schema(required = true)]
    online: Option<bool>,
    /// State of charge, %.
    #[schema(required = true)]
    soc: Option<f64>,
    /// Mode in the device's words.
    #[schema(example = "Auto", required = true)]
    mode: Option<String>,
    /// Battery power, W, **positive while charging**: the opposite of `battery_power` elsewhere.
    #[schema(required = true)]
    bat_power: Option<f64>,
    /// Power at the AC side, W, positive while the device feeds the house.
    #[schema(required = true)]
    ongrid_power: Option<f64>,
    /// Power of its solar inputs, W.
    #[schema(required = true)]
    pv_power: Option<f64>,
    /// Battery temperature, °C.
    #[schema(required = true)]
    bat_temp: Option<f64>,
    /// When it last answered, UTC; `null` if never.
    #[schema(format = DateTime, required = true)]
    timestamp: Option<String>,
}

/// The batteries with their place in the configuration, from 1.
pub(crate) fn batteries<'a>(
    snapshot: &'a Snapshot,
    order: &'a [DeviceId],
) -> impl Iterator<Item = (usize, &'a DeviceState)> {
    let states = order.iter().filter_map(|id| snapshot.device(id.as_str()));
    let batteries = states.filter(|device| device.info.roles.contains(&Role::Battery));
    batteries.enumerate().map(|(place, device)| (place + 1, device.as_ref()))
}

impl BatteriesStatus {
    pub(crate) fn new(snapshot: &Snapshot, order: &[DeviceId], now: Moment) -> Self {
        let batteries: Vec<BatteryStatus> =
            batteries(snapshot, order).map(|(id, device)| BatteryStatus::new(id, device, now)).collect();
        let online = batteries.iter().filter(|battery| battery.online == Some(true)).count();
        Self { total: batteries.len(), online, batteries }
    }
}

impl BatteryStatus {
    fn new(id: usize, device: &DeviceState, now: Moment) -> Self {
        let number = |metric| finite(metric, device.number(metric, now).ok()?);
        let text = |metric| Some(device.value(metric, now).ok()?.value.as_str()?.to_owned());
        let (ip, port) = split(&device.info.address);
        let asked = !matches!(device.online, ohmstead_model::Online::NotAskedYet);
        Self {
            id,
            name: device.info.title.clone(),
            ip,
            port,
            online: asked.then(|| device.is_online()),
            soc: number(Metric::BatterySoc),
            mode: text(Metric::BatteryModeNative).or_else(|| text(Metric::BatteryMode)),
            // Adding zero turns -0.0 into 0.0.
            bat_power: number(Metric::BatteryPower).map(|power| -power + 0.0),
            ongrid_power: number(Metric::InverterPower),
            pv_power: number(Metric::PvPower),
            bat_temp: number(Metric::BatteryTemperature),
            timestamp: device.last_success.map(|at| iso(at.unix)),
        }
    }
}

/// Host and port of an address such as `192.0.2.7:30000` or `[2001:db8::7]:30000`.
fn split(address: &str) -> (String, Option<u16>) {
    if let Ok(socket) = address.parse::<std::net::SocketAddr>() {
        return (socket.ip().to_string(), Some(socket.port()));
    }
    match address.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
        Some((host, Ok(port))) if !host.contains(':') => (host.to_owned(), Some(port)),
        _ => (address.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("192.0.2.7:30000", "192.0.2.7", Some(30000))]
    #[case("[2001:db8::7]:30000", "2001:db8::7", Some(30000))]
    #[case("garage.local:502", "garage.local", Some(502))]
    #[case("/dev/hidraw0", "/dev/hidraw0", None)]
    #[case("2001:db8::7", "2001:db8::7", None)]
    #[case("host:99999", "host:99999", None)]
    fn addresses_are_split(#[case] address: &str, #[case] ip: &str, #[case] port: Option<u16>) {
        assert_eq!(split(address), (ip.to_owned(), port));
    }
}
