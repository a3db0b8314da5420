//! What rules, strategies and plans name must be there.

use ohmstead_drivers::DeviceSettings;
use ohmstead_model::DeviceId;
use ohmstead_outlook::settings::Tariffs;
use ohmstead_planner::settings::Mode;

use super::mark_of;
use crate::config::Config;
use crate::nearest::nearest;
use crate::problem::{Fault, What};
use crate::tree::{Mark, Node, Value};

/// Adds what names a device that is not configured, and what a plan cannot keep to.
pub(super) fn judge(config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    for rule in &config.schedules {
        let path = ["schedules", rule.name.as_str(), "devices"];
        strangers(config, root, &path, &rule.window.devices, faults);
    }
    if let Some(tempo) = &config.tempo {
        strangers(config, root, &["tempo", "batteries"], &tempo.batteries, faults);
        if config.tariffs.as_ref().is_some_and(Tariffs::is_tempo) {
            faults.extend(of_no_known_power(config, root, tempo));
        } else {
            let text =
                "`tempo` prepares for dear days of the Tempo tariff, and no tariff is Tempo".to_owned();
            let help = "write `tariffs: { import: { tempo: {} } }`, or take `tempo` out";
            faults.push(Fault::at(mark_of(root, &["tempo"]), What::Text(text)).help(help));
        }
    }
    planner(config, root, faults);
}

fn planner(config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    let planner = &config.planner;
    strangers(config, root, &["planner", "devices"], &planner.devices, faults);
    if planner.mode == Mode::Act && config.tariffs.is_none() {
        let text = "`mode: act` has no prices to plan with: nothing is said of what a kilowatt hour costs"
            .to_owned();
        let help = "add `tariffs`, such as `tariffs: { import: { tempo: {} } }`, or write `mode: advise`";
        faults.push(Fault::at(mark_of(root, &["planner", "mode"]), What::Text(text)).help(help));
    }
    faults.extend(of_no_known_size(config, root));
    for id in planner.batteries.keys() {
        faults.extend(stranger(config, id, mark_of(root, &["planner", "batteries", id.as_str()])));
    }
    for wrong in planner.wrong() {
        let path: Vec<_> = std::iter::once("planner").chain(wrong.path.iter().map(String::as_str)).collect();
        faults.push(Fault::at(mark_of(root, &path), What::Text(wrong.text)).help(wrong.help));
    }
}

/// A battery that is to be filled and takes no order without a power: a Marstek does not tell what it can take.
fn of_no_known_power(
    config: &Config,
    root: &Node,
    tempo: &ohmstead_control::tempo::Settings,
) -> Option<Fault> {
    if tempo.power.is_some() {
        return None;
    }
    let is_meant = |id: &DeviceId| tempo.batteries.is_empty() || tempo.batteries.contains(id);
    let (id, _) = config.devices.iter().find(|(id, settings)| {
        is_meant(id) && matches!(settings, DeviceSettings::Marstek(it) if it.power_max.is_none())
    })?;
    let text = format!("`tempo` cannot fill `{id}`: a Marstek battery must be told with how much power");
    let help = format!("write `tempo: {{ power: 2.5 kW }}`, or `power_max` of `devices.{id}`");
    Some(Fault::at(mark_of(root, &["tempo"]), What::Text(text)).help(help))
}

/// The batteries that a plan is to steer and cannot: an inverter does not know how large the battery behind it is.
fn of_no_known_size(config: &Config, root: &Node) -> Vec<Fault> {
    let planner = &config.planner;
    let is_unknown = |id: &DeviceId| {
        let of_device = config.devices.iter().any(|(known, settings)| {
            known == id && matches!(settings, DeviceSettings::Voltronic(it) if it.capacity.is_none())
        });
        of_device && planner.battery(id).capacity.is_none()
    };
    let fault = |(index, id): (usize, &DeviceId)| {
        let mark = mark_in_list(root, &["planner", "devices"], index);
        let text = format!("a plan cannot steer `{id}`: the inverter does not tell how large its battery is");
        let help = format!("give its `capacity`, such as `batteries: {{ {id}: {{ capacity: 4.8 kWh }} }}`");
        Fault::at(mark, What::Text(text)).help(help)
    };
    planner.devices.iter().enumerate().filter(|(_, id)| is_unknown(id)).map(fault).collect()
}

/// The devices of the list at `path` that are not configured.
fn strangers(config: &Config, root: &Node, path: &[&str], ids: &[DeviceId], faults: &mut Vec<Fault>) {
    let found = ids
        .iter()
        .enumerate()
        .filter_map(|(index, id)| stranger(config, id, mark_in_list(root, path, index)));
    faults.extend(found);
}

fn stranger(config: &Config, id: &DeviceId, mark: Mark) -> Option<Fault> {
    if config.devices.iter().any(|(known, _)| known == id) {
        return None;
    }
    let known: Vec<_> = config.devices.iter().map(|(id, _)| id.as_str()).collect();
    let text = format!("no device `{id}` is configured");
    let help = match nearest(id.as_str(), known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("configured: {}", known.join(", ")),
    };
    Some(Fault::at(mark, What::Text(text)).help(help))
}

/// The place of one entry of the list at `path`.
fn mark_in_list(root: &Node, path: &[&str], index: usize) -> Mark {
    let list = path.iter().try_fold(root, |node, key| node.get(key));
    match list.map(|node| &node.value) {
        Some(Value::List(items)) => items.get(index).map_or(Mark::START, |item| item.mark),
        _ => mark_of(root, path),
    }
}
