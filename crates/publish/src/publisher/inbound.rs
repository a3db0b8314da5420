//! What arrives: Home Assistant's birth, and commands, which go the one way to the hardware.

use ohmstead_model::{Answer, AskError, Asker, DeviceId, LimitName, Part, Request};
use rumqttc::Publish;
use serde_json::Value as Json;

use super::{ASKED_MAX, Answered, Publisher};
use crate::command;
use crate::control::Last;
use crate::monitor::{self, Prefix};
use crate::outbox::Lane;
use crate::scheme::{Message, ONLINE};
use crate::{limits, switches};

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
            self.refused(device, &answer_to, &command::refused(device, None, why));
        }
    }

    fn command(&mut self, device: &DeviceId, what: &str, payload: &[u8], answer_to: String) {
        if let Some(part) = Part::of_key(what).filter(|_| device.is_site()) {
            return self.switch(part, payload, answer_to);
        }
        if let Some(name) = LimitName::of_key(what).filter(|_| device.is_site()) {
            return self.limit(name, payload, answer_to);
        }
        if what == "mode" && command::is_release(payload) {
            return self.release(device, answer_to);
        }
        let settings = self.snapshot.device(device.as_str()).map(|state| state.info.settings.as_slice());
        let parsed = match what {
            "mode" => command::parse(device.clone(), payload),
            _ => command::parse_setting(device.clone(), what, payload, settings.unwrap_or_default()),
        };
        match parsed {
            Ok(request) => self.ask(request, answer_to),
            Err(error) => {
                self.tell_once("no command", device.as_str(), &format!("a command is refused: {error}"));
                self.refused(device, &answer_to, &command::refused(device, None, &error.to_string()));
            }
        }
    }

    fn ask(&mut self, request: Request, answer_to: String) {
        let (device, wish) = (request.device.clone(), request.wish.to_string());
        if self.has_room(&device, &wish, &answer_to) {
            let answer = self.links.commands.ask(request);
            self.follow(device, wish, answer, answer_to);
        }
    }

    /// Ends what was asked of a device by hand.
    fn release(&mut self, device: &DeviceId, answer_to: String) {
        if self.has_room(device, command::RELEASE, &answer_to) {
            let answer = self.links.commands.release(device.clone(), Asker::Mqtt);
            self.follow(device.clone(), command::RELEASE.to_owned(), answer, answer_to);
        }
    }

    /// Whether one more command may be under way; if not, its sender is told.
    fn has_room(&mut self, device: &DeviceId, request: &str, answer_to: &str) -> bool {
        let has_room = self.asked.len() < ASKED_MAX;
        if !has_room {
            let busy = command::refused(device, Some(request), &AskError::Busy.to_string());
            self.refused(device, answer_to, &busy);
        }
        has_room
    }

    /// Shows a command that is under way, and waits for what becomes of it.
    fn follow(&mut self, device: DeviceId, request: String, answer: Answer, answer_to: String) {
        let at = self.links.clock.now().unix;
        self.note(&device, Last::asked(&request, at));
        self.asked.push(Box::pin(async move {
            let ended = answer.await;
            let json = command::answer(&device, &request, &ended);
            Answered { topic: answer_to, json, about: Some((device, at)) }
        }));
    }

    /// Switches a part of control. Its state is published when it has changed, not before.
    fn switch(&mut self, part: Part, payload: &[u8], answer_to: String) {
        let site = DeviceId::site();
        let on = match switches::parse(payload) {
            Ok(on) => on,
            Err(error) => {
                return self.refused(&site, &answer_to, &command::refused(&site, None, &error.to_string()));
            }
        };
        let request = switches::request(part, on);
        if self.switches.is_some_and(|switches| switches.get(part).is_none()) {
            let refused = command::refused(&site, Some(&request), &switches::missing(part));
            return self.refused(&site, &answer_to, &refused);
        }
        if self.has_room(&site, &request, &answer_to) {
            let switched = self.links.commands.switch(part, on, Asker::Mqtt);
            let json = async move { switches::answer(part, on, &switched.await) };
            self.follow_site(&request, json, answer_to);
        }
    }

    /// Lowers a limit. What counts is published when it has changed, not before.
    fn limit(&mut self, name: LimitName, payload: &[u8], answer_to: String) {
        let site = DeviceId::site();
        match limits::parse(payload) {
            Err(error) => {
                self.refused(&site, &answer_to, &command::refused(&site, None, &error.to_string()));
            }
            Ok(max) => {
                let request = limits::request(name, max);
                if self.has_room(&site, &request, &answer_to) {
                    let limited = self.links.commands.limit(name, max, Asker::Mqtt);
                    let asked = request.clone();
                    let json = async move { limits::answer(&asked, &limited.await) };
                    self.follow_site(&request, json, answer_to);
                }
            }
        }
    }

    /// Shows a command for the house that is under way, and waits for what becomes of it.
    fn follow_site(
        &mut self,
        request: &str,
        json: impl Future<Output = Json> + Send + 'static,
        answer_to: String,
    ) {
        let (site, at) = (DeviceId::site(), self.links.clock.now().unix);
        self.note(&site, Last::asked(request, at));
        self.asked.push(Box::pin(async move {
            Answered { topic: answer_to, json: json.await, about: Some((site, at)) }
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
