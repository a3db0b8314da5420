//! What arrives: Home Assistant's birth, and commands, which go the one way to the hardware.

use ohmstead_model::{AskError, DeviceId, Request};
use rumqttc::Publish;
use serde_json::Value as Json;

use super::{ASKED_MAX, Publisher};
use crate::command;
use crate::monitor::{self, Prefix};
use crate::outbox::Lane;
use crate::scheme::{Message, ONLINE};

/// Why a retained command is not obeyed.
const RETAINED: &str = "a retained command is ignored, for it would be carried out at every connection; \
                        publish commands without the retain flag";

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
        if let Some((device, prefix)) = self.monitored(topic) {
            return self.monitor_command(&device, &prefix, publish);
        }
        let Some((name, what)) = self.scheme.commanded(topic) else { return };
        let Some(device) = self.snapshot.device(name).map(|device| device.info.id.clone()) else {
            self.tell_once(
                "unknown device",
                name,
                "a command for a device that is not configured is ignored",
            );
            return;
        };
        if publish.retain {
            self.tell_once("retained", name, RETAINED);
        } else if !publish.payload.is_empty() {
            let answer_to = self.scheme.device_topic(&device, &format!("{what}/result"));
            self.command(&device, what, &publish.payload, answer_to);
        }
    }

    /// The inverter that a command in the topics of pv-inverter-monitor is for, and their beginning.
    fn monitored(&self, topic: &str) -> Option<(DeviceId, Prefix)> {
        let prefix = topic.strip_suffix("/set_mode")?;
        let (device, prefix) = self.inverters.iter().find(|(_, known)| known.topic == prefix)?;
        Some((device.clone(), prefix.clone()))
    }

    fn monitor_command(&mut self, device: &DeviceId, prefix: &Prefix, publish: &Publish) {
        if publish.retain {
            return self.tell_once("retained", device.as_str(), RETAINED);
        }
        // Somebody has taken a retained command back.
        if publish.payload.is_empty() {
            return;
        }
        let answer_to = prefix.at("set_mode/result");
        if let Some(request) = monitor::command(device, &publish.payload) {
            self.ask(request, answer_to);
        } else {
            let why = "set_mode takes L, B or S, and nothing else";
            self.tell_once("no command", device.as_str(), why);
            self.answer(&answer_to, &command::refused(device, None, why));
        }
    }

    fn command(&mut self, device: &DeviceId, what: &str, payload: &[u8], answer_to: String) {
        let settings = self.snapshot.device(device.as_str()).map(|state| state.info.settings.as_slice());
        let parsed = match what {
            "mode" => command::parse(device.clone(), payload),
            _ => command::parse_setting(device.clone(), what, payload, settings.unwrap_or_default()),
        };
        match parsed {
            Ok(request) => self.ask(request, answer_to),
            Err(error) => {
                self.tell_once("no command", device.as_str(), &format!("a command is refused: {error}"));
                self.answer(&answer_to, &command::refused(device, None, &error.to_string()));
            }
        }
    }

    fn ask(&mut self, request: Request, answer_to: String) {
        let (device, wish) = (request.device.clone(), request.wish.to_string());
        if self.asked.len() >= ASKED_MAX {
            let busy = AskError::Busy;
            self.answer(&answer_to, &command::refused(&device, Some(&wish), &busy.to_string()));
            return;
        }
        let answer = self.links.commands.ask(request);
        self.asked.push(Box::pin(async move {
            let ended = answer.await;
            let json = command::answer(&device, &wish, &ended);
            (answer_to, json)
        }));
    }

    pub(super) fn answer(&self, topic: &str, answer: &Json) {
        if self.connected {
            self.outbox.put(Lane::Answer, Message::passing(topic.to_owned(), answer.to_string()));
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
