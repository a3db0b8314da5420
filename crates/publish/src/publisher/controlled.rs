//! What is published of control: the last command of each device, its mode once that is certain, what is switched on.

use std::sync::Arc;

use ohmstead_model::{DeviceId, DeviceState, LimitName, Moment, Part, UnixMillis};

use super::{Answered, Publisher};
use crate::control::{self, Last};
use crate::discovery::{self, Controls};

impl Publisher<'_> {
    /// Takes in what a device does at present.
    pub(super) fn settle(&mut self, device: &DeviceState, now: Moment) {
        let id = &device.info.id;
        let before = self.modes.get(id).map(String::as_str);
        match control::mode(device, now, self.last.get(id), before) {
            Some(mode) => self.modes.insert(id.clone(), mode),
            None => self.modes.remove(id),
        };
    }

    /// Shows the last command for a device.
    pub(super) fn note(&mut self, device: &DeviceId, last: Last) {
        self.last.insert(device.clone(), last);
        let state = self.snapshot.device(device.as_str()).map(Arc::clone);
        if let Some(state) = state.filter(|_| self.connected) {
            self.show(&state);
        }
    }

    /// A command has been dealt with.
    pub(super) fn answered(&mut self, Answered { topic, json, about }: Answered) {
        self.answer(&topic, &json);
        let Some((device, at)) = about else { return };
        // A newer command is shown instead.
        if self.last.get(&device).is_none_or(|last| last.at <= at) {
            self.note(&device, Last::answered(&json, at));
        }
    }

    /// A command that led to nothing is shown as well.
    pub(super) fn refused(&mut self, device: &DeviceId, answer_to: &str, answer: &serde_json::Value) {
        self.answer(answer_to, answer);
        let at: UnixMillis = self.links.clock.now().unix;
        self.note(device, Last::answered(answer, at));
    }

    /// Something was switched on or off or limited, or there is something else to switch or to limit.
    pub(super) fn switched(&mut self) {
        let before = self.controls();
        self.switches = *self.links.switches.borrow_and_update();
        self.limits.clone_from(&self.links.limits.borrow_and_update());
        if !self.connected {
            return;
        }
        if announces_otherwise(before.as_ref(), self.controls().as_ref()) {
            self.announce();
        }
        let site = self.snapshot.device(DeviceId::site().as_str()).map(Arc::clone);
        if let Some(site) = site {
            self.show(&site);
        }
    }

    /// What is announced of control; `None` as long as that cannot be said: Home Assistant removes an entity that is
    /// missing, with all that its owner made of it.
    pub(super) fn controls(&self) -> Option<Controls> {
        let limits = match &self.limits {
            Some(limits) => limits.clone(),
            // An earlier run has announced limits whose range is not known yet.
            None if self.has_announced_limits() => return None,
            None => Vec::new(),
        };
        Some(Controls { parts: self.parts(), limits })
    }

    fn has_announced_limits(&self) -> bool {
        let site = self.scheme.node_id(&DeviceId::site());
        LimitName::ALL.into_iter().any(|name| self.kept.has_component(&site, &discovery::limit_id(name)))
    }

    /// Whether anything of the house can be steered over MQTT.
    pub(super) fn takes_site_commands(&self) -> bool {
        self.scheme.commands && self.controls().is_some_and(|controls| !controls.is_empty())
    }

    /// The parts of control that are announced. Until it is known which there are, those that an earlier run announced.
    fn parts(&self) -> Vec<Part> {
        if let Some(switches) = self.switches {
            return switches.parts().collect();
        }
        let site = self.scheme.node_id(&DeviceId::site());
        let known = |part: &Part| self.kept.has_component(&site, &discovery::switch_id(*part));
        Part::ALL.into_iter().filter(known).collect()
    }
}

/// Whether two would be announced differently: other parts, other limits, other ranges.
fn announces_otherwise(before: Option<&Controls>, after: Option<&Controls>) -> bool {
    let announced = |controls: &Controls| {
        let ranges = controls.limits.iter().map(|limit| (limit.name, limit.lowest, limit.max));
        (controls.parts.clone(), ranges.collect::<Vec<_>>())
    };
    before.map(announced) != after.map(announced)
}
