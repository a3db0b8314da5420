//! While `read_only` is true not one frame goes out that would change something: by any way to a device, whoever asks.
//! The simulators count the frames; what they would have refused counts too.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use ohmstead_plant::venus::{Api, Broker as GxBroker};
use ohmstead_plant::voltronic::Front;
use serde_json::{Value, json};

use crate::DEADLINE;
use crate::broker::{Broker, now, pause};
use crate::free_port;
use crate::gx::Gx;
use crate::inverter::Inverter;
use crate::plant::{Batteries, Unit};
use crate::program::{Place, text};

/// The simulated GX is steered by each of its ways, for which it is four devices here.
const GX: [&str; 4] = ["gx", "by_mqtt", "by_http", "by_modbus"];

struct House {
    place: Place,
    broker: Broker,
    batteries: Batteries,
    gx: Gx,
    inverter: Inverter,
    served: u16,
}

impl House {
    fn new() -> Self {
        let place = Place::new();
        let broker = Broker::start(place.path());
        let batteries = Batteries::start(&[Unit("a", "e3-150", &[], 80.0), Unit("b", "e3-150", &[], 40.0)]);
        let own = broker.port;
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let gx = Gx::start("units=8 ai-write", 45_000.0, |venus| {
            venus.api(any, Api::V3).modbus(any).mqtt(GxBroker::new("127.0.0.1", own))
        });
        let inverter = Inverter::at("pi30-21", Front::Packet(place.path().join("unit.sock")));
        Self { place, broker, batteries, gx, inverter, served: free_port() }
    }

    /// Everything that wants something by itself, wants it now.
    fn configure(&self) {
        let Self { place, broker, batteries, gx, served, .. } = self;
        let handle = &gx.handle;
        let (api, modbus) = (handle.api().unwrap(), handle.modbus().unwrap());
        let more = format!(", serve_dbus_api: {{ listen: '127.0.0.1:{served}', write: true }}");
        let devices = [
            batteries.device("a", ""),
            batteries.device("b", ""),
            gx.device(&more),
            format!("  by_mqtt: {{ victron: {{ mqtt: '127.0.0.1:{}' }} }}\n", broker.port),
            format!("  by_http: {{ victron: {{ http: 'http://{api}', interval: 1 s }} }}\n"),
            format!("  by_modbus: {{ victron: {{ modbus: '{modbus}', interval: 1 s }} }}\n"),
            format!(
                "  axpert: {{ voltronic: {{ path: 'unixpacket:{}' }} }}\n",
                place.path().join("unit.sock").display()
            ),
        ];
        let more = format!(
            r#"mqtt: {{ port: {}, compat: [marstek-poller, pv-inverter-monitor] }}
read_only: true
limits: {{ multi_output: {{ max: 30 kW, phases: 3 }}, battery_discharge: {{ max: 1 kW }}, grid_import: {{ max: 1 kW }} }}
schedules: {{ all: {{ from: "00:00", to: "00:00", mode: hold, devices: [by_mqtt, by_http] }} }}
rotation: {{ day: {{ batteries: [a, b], meter: gx }} }}"#,
            broker.port
        );
        place.configure(&devices, &more);
    }

    /// Frames that would change something, by each way.
    fn written(&self) -> [(&'static str, u64); 7] {
        let gx = self.gx.handle.requests();
        [
            ("UDP, battery a", self.batteries.writes("a")),
            ("UDP, battery b", self.batteries.writes("b")),
            ("D-Bus", gx.dbus),
            ("MQTT", gx.mqtt),
            ("port 8088", gx.http),
            ("Modbus", gx.modbus),
            ("inverter", self.inverter.setters()),
        ]
    }

    fn http(port: u16, request: &str, body: &Value) -> String {
        let (mut stream, body) = (TcpStream::connect(("127.0.0.1", port)).unwrap(), body.to_string());
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The outcomes in the ledger, by who asked.
    fn ledger(&self) -> Vec<(String, String)> {
        let rows = self.place.verb(&["ledger", "--json", "--limit", "1000"]);
        let rows: Value = serde_json::from_slice(&rows.stdout).unwrap_or_default();
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        rows.as_array()
            .into_iter()
            .flatten()
            .map(|row| (text(row, "asked_by"), text(row, "outcome")))
            .collect()
    }
}

#[test]
fn not_a_frame_by_any_way_whoever_asks() {
    let house = House::new();
    let mut subscriber = house.broker.subscribe();
    house.configure();
    let daemon = house.place.run();
    for device in ["a", "b", "axpert"].into_iter().chain(GX) {
        subscriber.wait_for(&format!("ohmstead/{device}/availability"), "online");
    }
    let web = house.place.web;
    for device in ["a", "b"].into_iter().chain(GX) {
        let body = json!({ "mode": "discharge", "power_w": 700 });
        House::http(web, &format!("POST /api/v1/devices/{device}/mode"), &body);
        house.broker.publish(&format!("ohmstead/{device}/mode/set"), "hold", &[]);
        house.broker.publish(&format!("ohmstead/{device}/mode/set"), "auto", &[]);
        house.place.verb(&["set", device, "native:ai", "--for", "10m"]);
        house.place.verb(&["set", device, "charge", "500 W"]);
    }
    for device in GX {
        House::http(
            web,
            &format!("PUT /api/v1/devices/{device}/settings/grid_setpoint"),
            &json!({ "value": -300 }),
        );
        house.broker.publish(&format!("ohmstead/{device}/minimum_soc/set"), "33", &[]);
        house.place.verb(&["set", device, "max_discharge_power=1500"]);
    }
    House::http(
        web,
        "PUT /api/v1/devices/axpert/settings/output_priority",
        &json!({ "value": "solar_first" }),
    );
    house.broker.publish("ohmstead/axpert/output_priority/set", "solar_first", &[]);
    house.broker.publish("home/pv/set_mode", "SBU", &[]);
    house.place.verb(&["set", "axpert", "output_priority=utility_first"]);
    let body = json!({ "service": "com.victronenergy.settings", "path": "/Settings/CGwacs/AcPowerSetPoint", "value": -300 });
    assert!(House::http(house.served, "POST /value", &body).starts_with("HTTP/1.1 403"));
    let askers = ["cli", "mqtt", "rest", "rotation", "schedule"];
    let end = now() + DEADLINE;
    while !askers.iter().all(|asker| house.ledger().contains(&((*asker).to_owned(), "dry_run".to_owned()))) {
        assert!(now() < end, "not everybody has asked: {:?}\n{}", house.ledger(), daemon.log());
        pause();
    }
    // The limits are exceeded all the time, and the rotation wants its turn.
    let end = now() + std::time::Duration::from_secs(5);
    while now() < end {
        pause();
    }
    let ledger = house.ledger();
    let done: Vec<_> = ledger
        .iter()
        .filter(|(_, outcome)| ["confirmed", "accepted_unmeasured", "ineffective"].contains(&&**outcome))
        .collect();
    assert!(done.is_empty(), "{done:?}");
    println!("{} rows in the ledger; frames that would change something:", ledger.len());
    for (way, frames) in house.written() {
        println!("  {way:<16} {frames}");
    }
    assert!(house.written().iter().all(|(_, frames)| *frames == 0), "{:?}", house.written());
    let read = text(&house.place.verb(&["read", "gx"]));
    println!("{read}");
    drop(daemon);
    assert!(house.written().iter().all(|(_, frames)| *frames == 0), "at the stop: {:?}", house.written());
}
