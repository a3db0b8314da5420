//! What is published of control: the last command of each device, its mode once that is certain, what is switched on.

use std::sync::Arc;

use ohmstead_model::{DeviceId, DeviceState, Moment, Part, UnixMillis};

use super::{Answered, Publisher};
use crate::control::{self, Last};
use crate::discovery;

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

    /// Something was switched on or off, or there is something else to switch.
    pub(super) fn switched(&mut self) {
        let before = self.parts();
        self.switches = *self.links.switches.borrow_and_update();
        if !self.connected {
            return;
        }
        if self.parts() != before {
            self.announce();
        }
        let site = self.snapshot.device(DeviceId::site().as_str()).map(Arc::clone);
        if let Some(site) = site {
            self.show(&site);
        }
    }

    /// The parts of control that are announced. Until it is known which there are, those that an earlier run announced:
    /// Home Assistant removes an entity that is missing, with all that its owner made of it.
    pub(super) fn parts(&self) -> Vec<Part> {
        if let Some(switches) = self.switches {
            return switches.parts().collect();
        }
        let site = self.scheme.node_id(&DeviceId::site());
        let known = |part: &Part| self.kept.has_component(&site, &discovery::switch_id(*part));
        Part::ALL.into_iter().filter(known).collect()
    }
}
