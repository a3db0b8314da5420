//! What arrives: Home Assistant's birth, and commands, which go the one way to the hardware.

use ohmstead_model::{AskError, DeviceId};
use rumqttc::Publish;
use serde_json::Value as Json;

use super::{ASKED_MAX, Publisher};
use crate::command;
use crate::outbox::Lane;
use crate::scheme::{Message, ONLINE};

impl Publisher<'_> {
    pub(super) fn arrived(&mut self, publish: &Publish) {
        let Ok(topic) = std::str::from_utf8(&publish.topic) else { return };
        if topic == self.scheme.birth_topic() {
            // A retained one is from before this connection, which has just announced everything.
            if !publish.retain && publish.payload.as_ref() == ONLINE.as_bytes() {
                tracing::info!(target: "mqtt", "Home Assistant has started; announcing everything again");
                self.announce_everything();
            }
            return;
        }
        let Some(name) = self.scheme.commanded(topic) else { return };
        let Some(device) = self.snapshot.device(name).map(|device| device.info.id.clone()) else {
            self.tell_once(
                "unknown device",
                name,
                "a command for a device that is not configured is ignored",
            );
            return;
        };
        if publish.retain {
            let why = "a retained command is ignored, for it would be carried out at every connection; \
                       publish commands without the retain flag";
            self.tell_once("retained", name, why);
        } else if !publish.payload.is_empty() {
            self.command(device, &publish.payload);
        }
    }

    fn command(&mut self, device: DeviceId, payload: &[u8]) {
        let request = match command::parse(device.clone(), payload) {
            Ok(request) => request,
            Err(error) => {
                self.tell_once("no command", device.as_str(), &format!("a command is refused: {error}"));
                self.answer(&device, &command::refused(&device, None, &error.to_string()));
                return;
            }
        };
        let wish = request.wish.to_string();
        if self.asked.len() >= ASKED_MAX {
            let busy = AskError::Busy;
            self.answer(&device, &command::refused(&device, Some(&wish), &busy.to_string()));
            return;
        }
        let answer = self.links.commands.ask(request);
        self.asked.push(Box::pin(async move {
            let ended = answer.await;
            let json = command::answer(&device, &wish, &ended);
            (device, json)
        }));
    }

    pub(super) fn answer(&self, device: &DeviceId, answer: &Json) {
        if self.connected {
            let topic = self.scheme.device_topic(device, "mode/result");
            self.outbox.put(Lane::Answer, Message::passing(topic, answer.to_string()));
        }
    }

    /// Logs the first message of a kind about a device; what a sender repeats must not fill the log.
    pub(super) fn tell_once(&mut self, kind: &str, device: &str, text: &str) {
        const KINDS_MAX: usize = 256;
        let shown: String = device.chars().take(64).collect();
        if self.told.len() < KINDS_MAX && self.told.insert(format!("{kind} {shown}")) {
            tracing::warn!(target: "mqtt", device = shown, "{text}");
        } else {
            tracing::debug!(target: "mqtt", device = shown, "{text}");
        }
    }
}
