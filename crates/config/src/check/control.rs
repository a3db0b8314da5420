//! What rules of control name must be there.

use ohmstead_model::DeviceId;

use super::mark_of;
use crate::config::Config;
use crate::problem::{Fault, What};
use crate::tree::{Mark, Node, Value};

/// Adds what names a device that is not configured.
pub(super) fn judge(config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    for rule in &config.schedules {
        let path = ["schedules", rule.name.as_str(), "devices"];
        for (index, id) in rule.window.devices.iter().enumerate() {
            if let Some(fault) = unknown(config, root, &path, index, id) {
                faults.push(fault);
            }
        }
    }
}

fn unknown(config: &Config, root: &Node, path: &[&str], index: usize, id: &DeviceId) -> Option<Fault> {
    if config.devices.iter().any(|(known, _)| known == id) {
        return None;
    }
    let known: Vec<_> = config.devices.iter().map(|(id, _)| id.as_str()).collect();
    let text = format!("no device `{id}` is configured");
    let help = match crate::nearest::nearest(id.as_str(), known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("configured: {}", known.join(", ")),
    };
    Some(Fault::at(mark_in_list(root, path, index), What::Text(text)).help(help))
}

/// The place of one entry of the list at `path`.
fn mark_in_list(root: &Node, path: &[&str], index: usize) -> Mark {
    let list = path.iter().try_fold(root, |node, key| node.get(key));
    match list.map(|node| &node.value) {
        Some(Value::List(items)) => items.get(index).map_or(Mark::START, |item| item.mark),
        _ => mark_of(root, path),
    }
}
