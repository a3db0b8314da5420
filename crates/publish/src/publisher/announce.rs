//! Announcing, taking back what no longer holds, and remembering what the broker keeps.

use crate::compat;
use crate::discovery::{self, Announcement, Controls};
use crate::guard::Wanted;
use crate::inventory::Inventory;
use crate::monitor::{self, Prefix};
use crate::outbox::Lane;
use crate::scheme::{Message, ONLINE};
use crate::switches;

use super::Publisher;

impl Publisher<'_> {
    /// Everything that Home Assistant must know, from the beginning.
    pub(super) fn announce_everything(&mut self) {
        let unsent = self.outbox.start_over();
        self.fenced.truncate(self.fenced.len().saturating_sub(unsent));
        self.announced.clear();
        self.shown.clear();
        self.expires.clear();
        self.announce();
        self.next_heartbeat = self.links.clock.now().mono.saturating_add(self.scheme.heartbeat);
        self.show_all();
    }

    /// Sends the announcements that are new or changed, and takes back those that no longer hold.
    pub(super) fn announce(&mut self) {
        if self.snapshot.all().next().is_none() {
            return;
        }
        let Some(controls) = self.controls() else { return };
        self.names = compat::names(&self.scheme, &self.snapshot);
        let renamed: Vec<_> =
            self.names.iter().filter(|(_, names)| names.renamed).map(|(id, _)| id.clone()).collect();
        for device in renamed {
            let why = "another device has the same device_id, entity_id or name; this one gets its key appended \
                       in the topics and entities of marstek-poller";
            self.tell_once("renamed", device.as_str(), why);
        }
        self.announce_inverters();
        let announcements = self.announcements(&controls);
        let wanted = self.wanted(&announcements, &controls);
        let put = |message| self.outbox.put(Lane::Announcement, message);
        self.kept.migrations(&wanted).into_iter().for_each(put);
        for announcement in &announcements {
            if self.announced.get(&announcement.topic) == Some(&announcement.payload) {
                continue;
            }
            let gone = self.kept.removed_components(&wanted, &announcement.topic);
            if !gone.is_empty() {
                announcement.with_removed(&gone).into_iter().for_each(put);
            }
            put(announcement.message());
        }
        for message in self.kept.emptied(&wanted) {
            self.shown.remove(&message.topic);
            self.outbox.put(Lane::Announcement, message);
        }
        self.announced = announcements.into_iter().map(|one| (one.topic, one.payload)).collect();
        self.remember(wanted);
        // The last of the announcement and the first of the availabilities.
        self.outbox.put(Lane::Fence, Message::retained(self.scheme.status(), ONLINE));
    }

    /// The inverters with topics of pv-inverter-monitor may be others than before.
    fn announce_inverters(&mut self) {
        let inverters = monitor::prefixes(&self.scheme, &self.snapshot, &self.names);
        if self.inverters != inverters {
            self.inverters = inverters;
            // Their command topics are others now.
            if self.subscribed {
                self.subscribe();
            }
        }
        let told: Vec<_> = self
            .inverters
            .iter()
            .filter(|(_, prefix)| prefix.renamed)
            .map(|(id, prefix)| {
                let why = format!(
                    "mqtt.inverter_topic_prefix is taken; the topics of pv-inverter-monitor for this inverter begin with \
                     {}, and its entities are not announced for it",
                    prefix.topic
                );
                (id.clone(), why)
            })
            .collect();
        for (device, why) in told {
            self.tell_once("renamed", device.as_str(), &why);
        }
        let wanted: Wanted = self.inverters.values().map(Prefix::availability).collect();
        self.guarded.send_if_modified(|known| {
            let other = *known != wanted;
            *known = wanted;
            other
        });
    }

    fn announcements(&self, controls: &Controls) -> Vec<Announcement> {
        let native =
            self.snapshot.all().flat_map(|device| discovery::announcements(&self.scheme, device, controls));
        let marstek = self.names.iter().filter_map(|(id, names)| {
            let device = self.snapshot.device(id.as_str())?;
            Some(compat::announcements(&self.scheme, &device.info, names))
        });
        let inverters = self.inverters.iter().filter_map(|(id, prefix)| {
            let device = self.snapshot.device(id.as_str())?;
            Some(monitor::announcements(&self.scheme, device, prefix))
        });
        native.chain(marstek.flatten()).chain(inverters.flatten()).collect()
    }

    /// Everything that the broker should keep for this program.
    fn wanted(&self, announcements: &[Announcement], controls: &Controls) -> Inventory {
        let mut wanted = Inventory::default();
        wanted.add_value(self.scheme.status());
        for announcement in announcements {
            wanted.add(announcement);
        }
        // Also while their states are not known yet.
        for part in &controls.parts {
            wanted.add_value(switches::state_topic(&self.scheme, *part));
        }
        let now = self.links.clock.now();
        for device in self.snapshot.all() {
            let (said, _) = self.render(device, now);
            for said in said.into_iter().filter(|said| said.message.retain) {
                wanted.add_value(said.message.topic);
            }
        }
        wanted
    }

    /// Saves what the broker may keep before it is sent; what is certain is known when the fence is acknowledged.
    fn remember(&mut self, wanted: Inventory) {
        let possible = self.kept.union(&wanted);
        if possible != self.kept {
            self.links.remembered.save(&possible.write());
            self.kept = possible;
        }
        self.fenced.push_back(wanted);
    }

    pub(super) fn acknowledged(&mut self) {
        let Some(certain) = self.fenced.pop_front() else { return };
        // A newer announcement is still under way: what it added may be there already.
        let possible = self.fenced.iter().fold(certain, |sum, later| sum.union(later));
        if possible != self.kept {
            self.links.remembered.save(&possible.write());
            self.kept = possible;
        }
    }
}
