//! Looking for units: `Marstek.GetDevice` by broadcast to a list of ports, and the answers of everybody.
//!
//! A unit listens on one port only, which its owner may have changed; many networks drop broadcasts. So the list of
//! ports is asked, and single addresses can be asked directly.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ohmstead_model::{Clock, Metric, Value};

use super::field;
use super::profile::Firmware;
use super::wire::{self, Method};
use crate::Found;
use crate::transports::udp::{DATAGRAM_MAX, Datagrams, Network};

/// The ports that owners use: the vendor's default, the neighbours for further units, and the lowest that the vendor
/// recommends for a change.
pub const PORTS: &[u16] = &[30000, 30001, 30002, 30003, 49200];

/// Where and for how long to look.
#[derive(Debug, Clone)]
pub struct Search {
    /// Broadcast or unicast addresses to ask.
    pub targets: Vec<IpAddr>,
    /// UDP ports to ask at each of them.
    pub ports: Vec<u16>,
    /// How long to wait for answers.
    pub window: Duration,
}

/// Requests carry id 0, which is kept for discovery.
const ID: u16 = 0;
/// A lost datagram is common: everybody is asked twice.
const ROUNDS: u32 = 2;

/// Asks and collects. Each unit is reported once, by its MAC or else its address, in the order of addresses.
pub async fn discover(search: &Search, network: &dyn Network, clock: &dyn Clock) -> io::Result<Vec<Found>> {
    let mut socket = network.open_broadcast().await?;
    let mut found: BTreeMap<SocketAddr, Found> = BTreeMap::new();
    let mut refusal = None;
    let mut addresses = Vec::new();
    for ip in &search.targets {
        addresses.extend(search.ports.iter().map(|port| SocketAddr::new(*ip, *port)));
    }
    for _ in 0..ROUNDS {
        for address in &addresses {
            let request = wire::read_request(ID, Method::GetDevice, 0);
            if let Err(error) = socket.send(request.as_bytes(), *address).await {
                refusal = Some(error);
            }
        }
        collect(socket.as_mut(), search.window / ROUNDS, clock, &mut found).await;
    }
    match refusal {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(once_each(found)),
    }
}

async fn collect(
    socket: &mut dyn Datagrams,
    window: Duration,
    clock: &dyn Clock,
    found: &mut BTreeMap<SocketAddr, Found>,
) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    let mut end = clock.sleep(window);
    // Bounded: a flood must not keep us.
    for _ in 0..4096 {
        let received = tokio::select! {
            () = &mut end => return,
            received = socket.receive(&mut buffer) => received,
        };
        let Ok((length, from)) = received else { continue };
        if let Some(unit) = buffer.get(..length).and_then(|bytes| identify(bytes, from)) {
            found.insert(from, unit);
        }
    }
}

/// The unit that a datagram describes, if it is the answer to a discovery.
fn identify(bytes: &[u8], from: SocketAddr) -> Option<Found> {
    let reply = wire::parse_reply(bytes).ok()?;
    let fields = reply.body.ok()?;
    let src = reply.src.as_deref().unwrap_or_default();
    let model = field::text(&fields, "device").ok().or_else(|| wire::model_of_src(src))?.to_owned();
    let mac =
        field::text(&fields, "ble_mac").ok().and_then(wire::normal_mac).or_else(|| wire::mac_of_src(src));
    let firmware = field::number(&fields, "ver").ok().and_then(Firmware::from_ver).map(|ver| ver.to_string());
    let wifi = field::text(&fields, "wifi_name").ok().map(|name| (Metric::WifiSsid, Value::text(name)));
    Some(Found {
        driver: super::DRIVER.name,
        address: from.to_string(),
        model,
        firmware,
        serial: mac.clone(),
        settings: settings(from, mac.as_deref()),
        values: wifi.into_iter().collect(),
    })
}

/// The MAC names the unit when its address changes.
fn settings(at: SocketAddr, mac: Option<&str>) -> Vec<(&'static str, String)> {
    let port = (at.port() != super::PORT).then(|| ("port", at.port().to_string()));
    let mac = mac.map(|mac| ("ble_mac", format!("\"{mac}\"")));
    [Some(("host", at.ip().to_string())), port, mac].into_iter().flatten().collect()
}

fn once_each(found: BTreeMap<SocketAddr, Found>) -> Vec<Found> {
    let mut macs = std::collections::BTreeSet::new();
    found
        .into_values()
        .filter(|unit| unit.serial.as_ref().is_none_or(|mac| macs.insert(mac.clone())))
        .collect()
}

/// Where a unit that left `host` is looked for: the neighbours of its old address.
pub(crate) fn neighbourhood(host: IpAddr) -> Vec<IpAddr> {
    match host {
        IpAddr::V4(host) if host.is_loopback() => vec![Ipv4Addr::new(127, 255, 255, 255).into()],
        IpAddr::V4(host) if host.is_private() || host.is_link_local() => {
            let [a, b, c, _] = host.octets();
            vec![Ipv4Addr::new(a, b, c, 255).into(), Ipv4Addr::BROADCAST.into()]
        }
        // A unit has no public address and no IPv6.
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_without_macs_and_with_a_leading_zero_is_found() {
        let from: SocketAddr = "192.0.2.9:30001".parse().expect("an address");
        let unit = identify(br#"{"id":0,"src":"VenusC-0200000000Ab","result":{"device":"VenusC","ver":1581,"ip":"192.168.01.50"}}"#, from);
        let unit = unit.expect("a unit");
        assert_eq!(
            (unit.address, unit.model.as_str(), unit.firmware.as_deref(), unit.serial.as_deref()),
            (from.to_string(), "VenusC", Some("158.1"), Some("0200000000ab"))
        );
        assert_eq!(identify(b"{}", from), None);
        assert_eq!(identify(br#"{"id":0,"result":{}}"#, from), None);
    }

    #[test]
    fn the_neighbourhood_of_public_addresses_is_empty() {
        assert!(neighbourhood("203.0.113.9".parse().expect("an address")).is_empty());
        assert_eq!(neighbourhood("192.168.6.80".parse().expect("an address")).len(), 2);
    }
}
