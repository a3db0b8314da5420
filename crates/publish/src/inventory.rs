//! What this program keeps at the broker, so that what is no longer configured can be taken back, also by a later run.
//! Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::discovery::Announcement;
use crate::scheme::Message;

/// Retained topics, each with what it announces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inventory {
    topics: BTreeMap<String, Entry>,
}

/// One retained topic. Without an owner it is a value, not an announcement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    components: BTreeMap<String, String>,
}

impl Inventory {
    /// The list that an earlier run saved; empty if it cannot be read, for then nothing is known.
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The list as it is saved.
    pub(crate) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn add_value(&mut self, topic: String) {
        self.topics.insert(topic, Entry::default());
    }

    pub(crate) fn add(&mut self, announcement: &Announcement) {
        let components = announcement.components.iter().map(|(id, kind)| (id.clone(), (*kind).to_owned()));
        let entry = Entry { owner: Some(announcement.owner.clone()), components: components.collect() };
        self.topics.insert(announcement.topic.clone(), entry);
    }

    /// Whether an announcement of `owner` has this component.
    pub(crate) fn has_component(&self, owner: &str, id: &str) -> bool {
        let of_owner = |entry: &&Entry| entry.owner.as_deref() == Some(owner);
        self.topics.values().filter(of_owner).any(|entry| entry.components.contains_key(id))
    }

    /// Everything that is in either.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        for (topic, entry) in &other.topics {
            let merged = union.topics.entry(topic.clone()).or_default();
            merged.owner.clone_from(&entry.owner);
            merged.components.extend(entry.components.clone());
        }
        union
    }

    /// The topics that are here and not in `wanted`, each to be emptied. Values first, announcements last.
    pub(crate) fn emptied(&self, wanted: &Self) -> Vec<Message> {
        let mut gone: Vec<_> =
            self.topics.iter().filter(|(topic, _)| !wanted.topics.contains_key(*topic)).collect();
        gone.sort_by_key(|(_, entry)| entry.owner.is_some());
        gone.into_iter().map(|(topic, _)| Message::emptied(topic.clone())).collect()
    }

    /// The components of `topic` that are here and not in `wanted`: id and platform.
    pub(crate) fn removed_components(&self, wanted: &Self, topic: &str) -> Vec<(String, String)> {
        let (Some(old), Some(new)) = (self.topics.get(topic), wanted.topics.get(topic)) else {
            return Vec::new();
        };
        let gone = old.components.iter().filter(|(id, _)| !new.components.contains_key(*id));
        gone.map(|(id, kind)| (id.clone(), kind.clone())).collect()
    }

    /// Announcements here whose components `wanted` has under another topic, because the kind of discovery changed.
    /// Home Assistant is told to expect the move, so that it keeps names, areas and history of the entities.
    pub(crate) fn migrations(&self, wanted: &Self) -> Vec<Message> {
        let moved = |(topic, old): &(&String, &Entry)| {
            let elsewhere = |new: &Entry| {
                new.owner.is_some()
                    && new.owner == old.owner
                    && new.components.keys().any(|id| old.components.contains_key(id))
            };
            !wanted.topics.contains_key(*topic) && wanted.topics.values().any(elsewhere)
        };
        let topics = self.topics.iter().filter(moved);
        topics.map(|(topic, _)| Message::passing(topic.clone(), r#"{"migrate_discovery":true}"#)).collect()
    }
}
