//! What a device cannot have, and what two devices must not share.

use std::collections::HashMap;
use std::path::Path;

use ohmstead_drivers::DeviceSettings;
use ohmstead_drivers::voltronic::{PortPath, Settings as Inverter};

use super::mark_of;
use crate::config::Config;
use crate::problem::{Fault, What};
use crate::tree::Node;

/// One value that cannot be meant: its key, what is wrong with it, what to write instead.
struct Wrong {
    key: &'static str,
    text: String,
    help: &'static str,
}

/// Adds what is wrong with each device and with each two of them.
pub(super) fn judge(config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    for (id, settings) in &config.devices {
        for Wrong { key, text, help } in wrong(settings) {
            let mark = mark_of(root, &["devices", id.as_str(), settings.driver(), key]);
            faults.push(Fault::at(mark, What::Text(format!("device `{id}`: {text}"))).help(help));
        }
    }
    identities(config, root, faults);
    unnamed(config, root, faults);
}

fn wrong(settings: &DeviceSettings) -> Vec<Wrong> {
    let capacity = match settings {
        DeviceSettings::Marstek(battery) => battery.capacity,
        DeviceSettings::Victron(gx) => gx.capacity,
        DeviceSettings::Voltronic(inverter) => inverter.capacity,
    };
    let quantities = match settings {
        DeviceSettings::Marstek(battery) => {
            vec![("power_max", battery.power_max), ("pv_peak", battery.pv_peak)]
        }
        DeviceSettings::Victron(_) | DeviceSettings::Voltronic(_) => Vec::new(),
    };
    let mut wrong = Vec::new();
    let mut not_above_0 = |key: &'static str, number: Option<f64>| {
        if number.is_some_and(|number| number.is_nan() || number <= 0.0) {
            let text = format!("`{key}` is not above 0");
            wrong.push(Wrong { key, text, help: "give the real one, or leave the key out" });
        }
    };
    not_above_0("capacity", capacity.map(|capacity| capacity.0));
    for (key, watts) in quantities {
        not_above_0(key, watts.map(|watts| watts.0));
    }
    if let DeviceSettings::Voltronic(inverter) = settings {
        wrong.extend(wrong_of_inverter(inverter));
    }
    wrong
}

fn wrong_of_inverter(inverter: &Inverter) -> Vec<Wrong> {
    let empty = |key, value: &Option<String>, help| {
        let is_empty = value.as_ref().is_some_and(|text| text.trim().is_empty());
        is_empty.then(|| Wrong { key, text: format!("`{key}` is empty"), help })
    };
    let relative = |key, path: &Path| {
        let text =
            || format!("`{key}` is {:?}, which does not begin with a slash", path.display().to_string());
        (!path.is_absolute()).then(|| Wrong {
            key,
            text: text(),
            help: "give the whole path, such as /sys or /dev",
        })
    };
    let serial_line = match &inverter.path {
        PortPath::At(path) if inverter.usb_port.is_some() => is_no_usb(path),
        _ => None,
    };
    [
        empty("serial", &inverter.serial, "give the number on the unit's plate, or leave the key out"),
        empty("usb_port", &inverter.usb_port, "give one such as 1-1.2, or leave the key out"),
        relative("sys_root", &inverter.sys_root),
        relative("dev_root", &inverter.dev_root),
        serial_line.map(|what| Wrong {
            key: "usb_port",
            text: format!("`usb_port` does not go with a `path` that is {what}"),
            help: "keep one of the two: usb_port finds the unit among the hidraw devices",
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn is_no_usb(path: &Path) -> Option<&'static str> {
    if path.to_str()?.starts_with("unixpacket:") {
        return Some("a packet socket");
    }
    let name = path.file_name()?.to_str()?;
    (name.starts_with("tty") || path.starts_with("/dev/serial")).then_some("a serial line")
}

/// What tells one unit from all others is given once.
fn identities(config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    let mut seen: HashMap<(&'static str, &str), &str> = HashMap::new();
    for (id, settings) in &config.devices {
        let known: [(&'static str, Option<&str>); 2] = match settings {
            DeviceSettings::Marstek(battery) => [("ble_mac", battery.ble_mac.as_deref()), ("", None)],
            DeviceSettings::Victron(_) => [("", None), ("", None)],
            DeviceSettings::Voltronic(inverter) => {
                [("serial", inverter.serial.as_deref()), ("usb_port", inverter.usb_port.as_deref())]
            }
        };
        for (key, value) in known {
            let Some(value) = value.filter(|value| !value.trim().is_empty()) else { continue };
            let Some(first) = seen.insert((key, value), id.as_str()) else { continue };
            let mark = mark_of(root, &["devices", id.as_str(), settings.driver(), key]);
            let text = format!("devices `{first}` and `{id}` have the same `{key}` {value}");
            faults.push(Fault::at(mark, What::Text(text)).help("a device is configured once"));
        }
    }
}

/// Inverters that are both to be found by themselves would take each other's port.
fn unnamed(config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    let mut seen: HashMap<(&Path, &Path), &str> = HashMap::new();
    for (id, settings) in &config.devices {
        let DeviceSettings::Voltronic(inverter) = settings else { continue };
        if inverter.path != PortPath::Auto || inverter.serial.is_some() || inverter.usb_port.is_some() {
            continue;
        }
        let Some(first) = seen.insert((&inverter.sys_root, &inverter.dev_root), id.as_str()) else {
            continue;
        };
        let mark = mark_of(root, &["devices", id.as_str(), settings.driver(), "path"]);
        let text = format!(
            "nothing tells the inverters `{first}` and `{id}` apart: both are to be found on any USB port"
        );
        faults.push(Fault::at(mark, What::Text(text)).help(
            "give each its `serial`, `usb_port` or `path`; `ohmstead discover voltronic --yaml` prints them",
        ));
    }
}
