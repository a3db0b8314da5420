//! What a connection that is made or lost means: subscriptions, the log, oversized messages.

use std::time::Duration;

use ohmstead_model::{DeviceId, LimitName, Moment, Part};
use rumqttc::{PublishOptions, QoS, SubscribeFilterInput};

use super::{LASTING, Publisher, QUARANTINE};
use crate::trouble::{Broker, Trouble};

impl Publisher<'_> {
    pub(super) fn connected(&mut self) {
        if self.flapping {
            tracing::debug!(target: "mqtt", "connected to {} once more", Broker(self.settings));
        } else {
            tracing::info!(target: "mqtt", client_id = self.client_id, "connected to {}", Broker(self.settings));
        }
        self.connected = true;
        let now = self.links.clock.now();
        self.connected_since = Some(now);
        self.links.status.send_modify(|status| {
            status.connected_since = Some(now);
            status.connections += 1;
            status.trouble = None;
        });
        self.subscribed = false;
        if self.oversized < 2 || self.quarantine_is_over(now) {
            self.subscribe();
        }
        self.announce_everything();
    }

    pub(super) fn lost(&mut self, trouble: Trouble) {
        let now = self.links.clock.now();
        if trouble == Trouble::Oversized {
            self.oversized += 1;
            self.last_oversized = Some(now);
        }
        self.connected = false;
        self.outbox.clear();
        self.fenced.clear();
        self.expires.clear();
        self.next_heartbeat = Duration::MAX;
        let told = trouble.told(self.settings, self.client_id);
        self.tell_trouble(trouble, &told, now);
        self.links.status.send_modify(|status| {
            status.connected_since = None;
            status.trouble = Some(told);
        });
    }

    /// Logs a trouble, but each kind only once until a connection has lasted: an attempt every 2 s is no news.
    fn tell_trouble(&mut self, trouble: Trouble, told: &str, now: Moment) {
        const TROUBLES_MAX: usize = 16;
        let lasted = self.connected_since.take().map(|since| now.since(since) >= LASTING);
        if lasted == Some(true) {
            self.troubles.clear();
            self.flapping = false;
        }
        if !self.troubles.contains(&trouble) && self.troubles.len() < TROUBLES_MAX {
            tracing::warn!(target: "mqtt", "{told}; trying again");
            self.troubles.push(trouble);
        } else if lasted == Some(false) && !self.flapping {
            tracing::warn!(target: "mqtt", "the connection keeps breaking: {told}; trying again");
            self.flapping = true;
        }
    }

    pub(super) fn quarantine_is_over(&mut self, now: Moment) -> bool {
        let over = self.last_oversized.is_none_or(|last| now.since(last) >= QUARANTINE);
        if over {
            self.oversized = 0;
        }
        over
    }

    /// Asks for commands and for Home Assistant's birth.
    ///
    /// A retained message of more than this program takes would end every connection anew. After the first one the
    /// command topics are emptied, for nothing that is retained there is ever obeyed; after the second nothing is
    /// subscribed for a while.
    pub(super) fn subscribe(&mut self) {
        if self.oversized > 0 && self.scheme.commands {
            for topic in self.command_topics() {
                // Not through the outbox: it must be on its way before the subscription.
                let options = PublishOptions::new(QoS::AtMostOnce).retained();
                let _ = self.client.try_publish(topic, "", options);
            }
        }
        let filters: Vec<_> = self
            .filters()
            .into_iter()
            .map(|filter| SubscribeFilterInput::new(filter, QoS::AtLeastOnce))
            .collect();
        // The control channel is empty right after a connection; a failure would show as a lost connection.
        self.subscribed = filters.is_empty() || self.client.try_subscribe_many(filters).is_ok();
    }

    /// Every topic on which a command may come.
    fn command_topics(&self) -> Vec<String> {
        let mut topics = Vec::new();
        for device in self.snapshot.devices() {
            let settings = device.info.settings.iter().map(|setting| setting.metric.id());
            let own = std::iter::once("mode").chain(settings);
            topics.extend(own.map(|what| self.scheme.device_topic(&device.info.id, &format!("{what}/set"))));
            topics.extend(self.inverters.get(&device.info.id).map(|prefix| prefix.at("set_mode")));
        }
        let parts = Part::ALL.map(|part| format!("{}/set", part.key()));
        let limits = LimitName::ALL.map(|name| format!("{name}/set"));
        let leaves = parts.into_iter().chain(limits);
        topics.extend(leaves.map(|leaf| self.scheme.device_topic(&DeviceId::site(), &leaf)));
        topics
    }

    /// What is listened to.
    pub(super) fn filters(&self) -> Vec<String> {
        let mut filters = Vec::new();
        if self.scheme.commands {
            filters.push(self.scheme.command_filter());
            filters.extend(self.inverters.values().map(|prefix| prefix.at("set_mode")));
        }
        if self.scheme.announces() {
            filters.push(self.scheme.birth_topic());
        }
        filters
    }
}
