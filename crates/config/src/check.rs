//! What can be wrong with settings that are each valid alone, and the checks that other crates own.

mod control;
mod devices;
mod outlook;
mod rotation;

use std::collections::HashMap;

use ohmstead_model::DeviceId;
use ohmstead_outside::in_one_line;

use crate::config::Config;
use crate::place::place as place_of;
use crate::problem::{Fault, What};
use crate::tree::{Mark, Node};

/// Adds to `faults` what is wrong with the whole. Files are looked at only `with_files`.
pub(crate) fn whole(config: &Config, root: &Node, with_files: bool, faults: &mut Vec<Fault>) {
    addresses(config, root, faults);
    devices::judge(config, root, faults);
    control::judge(config, root, faults);
    rotation::judge(config, root, faults);
    outlook::judge(config, root, with_files, faults);
    place(config, root, faults);
    mqtt(config, root, with_files, faults);
    web(config, root, with_files, faults);
    sinks(config, root, with_files, faults);
    dbus_apis(config, root, with_files, faults);
    limits(config, root, faults);
}

/// Limits that can hold, for devices that are there.
fn limits(config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    for error in config.limits.errors() {
        let path = ["limits", error.limit.key(), error.key];
        let text = format!("`limits.{}`: {}", error.limit, error.what);
        faults.push(Fault::at(mark_of(root, &path), What::Text(text)));
    }
    for (name, limit) in config.limits.limits() {
        let is_configured = |id: &DeviceId| config.devices.iter().any(|(configured, _)| configured == id);
        let missing = limit.devices.iter().flatten().filter(|id| !is_configured(id));
        for id in missing {
            let known: Vec<_> = config.devices.iter().map(|(id, _)| id.as_str()).collect();
            let text = format!("`limits.{name}` names `{id}`, which is not configured");
            let fault = Fault::at(mark_of(root, &["limits", name.key(), "devices"]), What::Text(text));
            faults.push(fault.help(format!("configured devices: {}", known.join(", "))));
        }
    }
}

/// Two devices at one address are one device configured twice: each would take the other's answers.
fn addresses(config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (id, settings) in &config.devices {
        let Some(place) = place_of(settings) else { continue };
        let Some(first) = seen.insert(place.clone(), id.as_str()) else { continue };
        let mark = mark_of(root, &["devices", id.as_str(), settings.driver(), settings.place_key()]);
        let text = format!("devices `{first}` and `{id}` have the same address {place}");
        faults.push(
            Fault::at(mark, What::Text(text))
                .help("a device is configured once; behind one address, each needs a `port` of its own"),
        );
    }
}

fn place(config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    let missing = match (config.site.latitude, config.site.longitude) {
        (Some(_), None) => "longitude",
        (None, Some(_)) => "latitude",
        _ => return,
    };
    let text = format!("`site` has no `{missing}`: latitude and longitude belong together");
    faults.push(Fault::at(mark_of(root, &["site"]), What::Text(text)));
}

fn mqtt(config: &Config, root: &Node, with_files: bool, faults: &mut Vec<Fault>) {
    let Some(mut settings) = config.mqtt.clone() else { return };
    if !with_files {
        if settings.password_file.take().is_some() {
            settings.password.get_or_insert_with(|| ohmstead_publish::Secret::new("not read now"));
        }
        settings.tls = None;
    }
    if let Err(error) = ohmstead_publish::check(&settings) {
        faults.push(refused(root, "mqtt", &error));
    }
}

fn web(config: &Config, root: &Node, with_files: bool, faults: &mut Vec<Fault>) {
    let Some(mut settings) = config.web.clone() else { return };
    if !with_files && settings.token_file.take().is_some() {
        settings.token.get_or_insert_with(|| "a-token-that-is-not-read-now".to_owned().into());
    }
    if let Err(error) = ohmstead_web::check(&settings) {
        faults.push(refused(root, "web", &error));
    }
}

fn sinks(config: &Config, root: &Node, with_files: bool, faults: &mut Vec<Fault>) {
    for (name, settings) in &config.sinks {
        let mut settings = settings.clone();
        if !with_files {
            settings.without_files();
        }
        if let Err(error) = ohmstead_sinks::check(name, &settings) {
            faults.push(refused(root, "sinks", &error));
        }
    }
}

/// The port-8088 interfaces: each on a port of its own, none open to strangers.
fn dbus_apis(config: &Config, root: &Node, with_files: bool, faults: &mut Vec<Fault>) {
    let mut taken: Vec<_> = config.web.iter().map(|web| web.listen).collect();
    for mut api in config.dbus_apis() {
        let listen = api.access.listen;
        let path = ["devices", api.device.as_str(), "victron", "serve_dbus_api", "listen"];
        let mark = mark_of(root, &path);
        if taken.contains(&listen) {
            let text = format!("`serve_dbus_api` listens on {listen}, where something else listens already");
            faults.push(Fault::at(mark, What::Text(text)).help("give it a port of its own, such as 8088"));
        }
        taken.push(listen);
        if !listen.ip().to_canonical().is_loopback() && api.access.token_file.is_none() {
            let text = format!(
                "`serve_dbus_api` listens on {listen}, which others in the network can reach, without a token"
            );
            let help = "make one with `openssl rand -hex 16 > FILE` and name it: `{ listen: ..., token_file: FILE }`; or listen on 127.0.0.1";
            faults.push(Fault::at(mark, What::Text(text)).help(help));
            continue;
        }
        if !with_files && api.access.token_file.take().is_some() {
            api.access.token.get_or_insert_with(|| "a-token-that-is-not-read-now".to_owned().into());
        }
        if let Err(error) = ohmstead_web::check(&api.access) {
            faults.push(Fault::at(mark, What::Text(in_one_line(&error))));
        }
    }
}

/// A section that its own crate refuses. The place is the first key of the section that the message mentions.
fn refused(root: &Node, section: &str, error: &dyn std::error::Error) -> Fault {
    let text = in_one_line(error);
    let mut path = vec![section];
    let mut node = root.get(section);
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        if let Some((key, value)) = node.and_then(|node| node.entry(word)) {
            path.push(&key.text);
            node = Some(value);
        }
    }
    Fault::at(mark_of(root, &path), What::Text(text))
}

/// The place of the value at `path`, or of the nearest key above it that is there.
fn mark_of(root: &Node, path: &[&str]) -> Mark {
    let mut mark = Mark::START;
    let mut node = root;
    for key in path {
        let Some((key, value)) = node.entry(key) else { return mark };
        mark = if value.text().is_some() { value.mark } else { key.mark };
        node = value;
    }
    mark
}
