//! How everything is called: topics, ids, and the settings that shape payloads. Pure.

use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_model::{DeviceId, DeviceInfo, Metric};

use crate::Links;
use crate::settings::{Compat, Discovery, Settings};

/// One message as the broker gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) retain: bool,
}

impl Message {
    /// A message that the broker keeps.
    pub(crate) fn retained(topic: String, payload: impl Into<String>) -> Self {
        Self { topic, payload: payload.into(), retain: true }
    }

    /// A message for those who listen now.
    pub(crate) fn passing(topic: String, payload: impl Into<String>) -> Self {
        Self { topic, payload: payload.into(), retain: false }
    }

    /// Makes the broker forget what it keeps for `topic`.
    pub(crate) fn emptied(topic: String) -> Self {
        Self::retained(topic, "")
    }
}

pub(crate) const ONLINE: &str = "online";
pub(crate) const OFFLINE: &str = "offline";

/// The word of an availability topic.
pub(crate) fn availability_word(is_online: impl Into<bool>) -> &'static str {
    if is_online.into() { ONLINE } else { OFFLINE }
}

/// What all renderers need to know.
#[derive(Debug, Clone)]
pub(crate) struct Scheme {
    base: String,
    base_slug: String,
    discovery_prefix: String,
    compat_prefix: String,
    site_slug: String,
    pub(crate) discovery: Discovery,
    pub(crate) marstek_poller: bool,
    /// The beginning of the topics of pv-inverter-monitor, if they are served.
    pub(crate) inverter_prefix: Option<String>,
    pub(crate) commands: bool,
    pub(crate) language: String,
    pub(crate) version: &'static str,
    pub(crate) time_zone: TimeZone,
    expire_after: Option<Duration>,
    pub(crate) heartbeat: Duration,
}

/// How much later than the last possible repetition Home Assistant drops a value: a reconnection fits in.
const EXPIRY_MARGIN: Duration = Duration::from_secs(30);

impl Scheme {
    pub(crate) fn new(settings: &Settings, links: &Links) -> Self {
        Self {
            base_slug: slug(&settings.topic),
            base: settings.topic.clone(),
            discovery_prefix: settings.discovery_prefix.clone(),
            compat_prefix: settings.state_topic_prefix.clone(),
            site_slug: slug(&links.site_slug),
            discovery: settings.discovery,
            marstek_poller: settings.compat.contains(&Compat::MarstekPoller),
            inverter_prefix: settings
                .compat
                .contains(&Compat::PvInverterMonitor)
                .then(|| settings.inverter_topic_prefix.clone()),
            commands: settings.commands,
            language: links.language.clone(),
            version: links.version,
            time_zone: links.time_zone.clone(),
            expire_after: settings.expire_after.map(Duration::from),
            heartbeat: settings.heartbeat.into(),
        }
    }

    /// Whether this program lives, by last will.
    pub(crate) fn status(&self) -> String {
        format!("{}/status", self.base)
    }

    /// One topic of a device: `state`, `availability`, `info`, `control`, `mode/set`, `mode/result`.
    pub(crate) fn device_topic(&self, device: &DeviceId, leaf: &str) -> String {
        format!("{}/{device}/{leaf}", self.base)
    }

    /// The filter that catches every command.
    pub(crate) fn command_filter(&self) -> String {
        format!("{}/+/+/set", self.base)
    }

    /// The device's name and what is commanded, `mode` or a setting, if `topic` is a command.
    pub(crate) fn commanded<'a>(&self, topic: &'a str) -> Option<(&'a str, &'a str)> {
        let rest = topic.strip_prefix(self.base.as_str())?.strip_prefix('/')?.strip_suffix("/set")?;
        let (device, what) = rest.split_once('/')?;
        (!what.contains('/')).then_some((device, what))
    }

    /// Where Home Assistant tells that it has started.
    pub(crate) fn birth_topic(&self) -> String {
        format!("{}/status", self.discovery_prefix)
    }

    /// Whether anything is announced to Home Assistant at all.
    pub(crate) fn announces(&self) -> bool {
        self.discovery != Discovery::Off || self.marstek_poller || self.inverter_prefix.is_some()
    }

    /// `<prefix>/<kind>/<id>/config`; `id` may hold one slash between node and object.
    pub(crate) fn discovery_topic(&self, kind: &str, id: &str) -> String {
        format!("{}/{kind}/{id}/config", self.discovery_prefix)
    }

    /// A topic of `compat: [marstek-poller]`.
    pub(crate) fn compat_topic(&self, device_id: &str, leaf: &str) -> String {
        format!("{}/{device_id}/{leaf}", self.compat_prefix)
    }

    /// The device's id in discovery. The base topic is in it, so that two instances at one broker stay apart.
    pub(crate) fn node_id(&self, device: &DeviceId) -> String {
        format!("{}_{device}", self.base_slug)
    }

    /// The entity id to suggest to Home Assistant, without the domain.
    pub(crate) fn entity_id(&self, device: &DeviceId, what: &str) -> String {
        let device = if device.is_site() { &self.site_slug } else { device.as_str() };
        entity_slug(&format!("{device}_{what}"))
    }

    /// After how many seconds Home Assistant drops a value of `metric` that is not repeated; `None` for never.
    ///
    /// Longer than both the time for which the value may be used and the time until it is repeated.
    pub(crate) fn expire_after_s(&self, info: &DeviceInfo, metric: Metric) -> Option<u64> {
        self.expiry(info.ttl.of(metric.def().poll).max(self.heartbeat))
    }

    /// The same for what does not age by itself but is repeated at every heartbeat.
    pub(crate) fn repeated_expire_after_s(&self) -> Option<u64> {
        self.expiry(self.heartbeat)
    }

    fn expiry(&self, good_for: Duration) -> Option<u64> {
        let span = self.expire_after.unwrap_or(good_for + EXPIRY_MARGIN);
        (!span.is_zero()).then(|| span.as_secs().max(1))
    }
}

/// `text` with everything that an id in a discovery topic may not hold turned into `_`.
pub(crate) fn slug(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    text.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

/// `text` as the object part of a Home Assistant entity id: `[a-z0-9_]`, no underscore at either end.
pub(crate) fn entity_slug(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let slug: String = lower.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let trimmed = slug.trim_matches('_');
    let mut out = String::with_capacity(trimmed.len());
    for c in trimmed.chars() {
        // Home Assistant refuses an entity id with a double underscore.
        if !(c == '_' && out.ends_with('_')) {
            out.push(c);
        }
    }
    if out.is_empty() { "unnamed".to_owned() } else { out }
}
