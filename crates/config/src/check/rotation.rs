//! Groups of batteries that take turns: of devices that there are, and each battery in one group.

use std::collections::HashMap;

use ohmstead_control::rotation::Group;
use ohmstead_model::DeviceId;

use super::mark_of;
use crate::config::Config;
use crate::nearest::nearest;
use crate::problem::{Fault, What};
use crate::tree::{Mark, Node, Value};

/// Adds what is wrong with each group and with each two of them.
pub(super) fn judge(config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    let mut taken: HashMap<&DeviceId, &str> = HashMap::new();
    for (name, group) in &config.rotation {
        if let Some((key, text, help)) = group.wrong() {
            let mark = mark_of(root, &["rotation", name, key]);
            faults.push(Fault::at(mark, What::Text(format!("group `{name}` {text}"))).help(help));
        }
        meter(name, group, config, root, faults);
        for (index, battery) in group.batteries.iter().enumerate() {
            let mark = mark_of_battery(root, name, index);
            if let Some(fault) = unknown(name, battery, "battery", config, mark) {
                faults.push(fault);
            } else if let Some(first) = taken.insert(battery, name) {
                faults.push(twice(battery, first, name, mark));
            }
        }
    }
}

fn meter(name: &str, group: &Group, config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    let Some(meter) = &group.meter else { return };
    let mark = mark_of(root, &["rotation", name, "meter"]);
    faults.extend(unknown(name, meter, "meter", config, mark));
}

fn unknown(group: &str, device: &DeviceId, role: &str, config: &Config, mark: Mark) -> Option<Fault> {
    let names = || config.devices.iter().map(|(id, _)| id.as_str());
    if names().any(|name| name == device.as_str()) {
        return None;
    }
    let near = nearest(device.as_str(), names());
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let text = format!("group `{group}` has the {role} `{device}`, which is no device{near}");
    let known: Vec<_> = names().collect();
    Some(Fault::at(mark, What::Text(text)).help(format!("devices here: {}", known.join(", "))))
}

fn twice(battery: &DeviceId, first: &str, second: &str, mark: Mark) -> Fault {
    let text = if first == second {
        format!("group `{second}` has the battery `{battery}` twice")
    } else {
        format!("groups `{first}` and `{second}` have the battery `{battery}` in common")
    };
    Fault::at(mark, What::Text(text)).help("a battery has its turn in one group")
}

/// The place of one name in the list of batteries.
fn mark_of_battery(root: &Node, group: &str, index: usize) -> Mark {
    let list =
        root.get("rotation").and_then(|groups| groups.get(group)).and_then(|group| group.get("batteries"));
    match list.map(|list| &list.value) {
        Some(Value::List(items)) if index < items.len() => items[index].mark,
        _ => mark_of(root, &["rotation", group, "batteries"]),
    }
}
