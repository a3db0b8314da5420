//! The loop that watches the house and the broker and decides what is sent when.
//!
//! On a connection, and when Home Assistant tells that it has started: announcements, then availability, then states.
//! After that only what changed, and every state again at each heartbeat. A value that becomes too old is taken back
//! without any news of the device.

mod announce;
mod controlled;
mod inbound;
mod link;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use ohmstead_model::{DeviceId, DeviceState, Moment, SiteLimit, Snapshot, Switches, UnixMillis};
use rumqttc::AsyncClient;
use serde_json::Value as Json;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::compat::{self, Names};
use crate::connection::{self, News};
use crate::control::{self, Last};
use crate::guard::{Guards, Wanted};
use crate::inventory::Inventory;
use crate::monitor::{self, Prefix};
use crate::outbox::{Lane, Outbox};
use crate::render::{self, Said};
use crate::scheme::{Message, OFFLINE, ONLINE, Scheme};
use crate::settings::{Settings, SettingsError};
use crate::trouble::{Broker, Trouble};
use crate::{Links, Status, limits, switches};

/// How long the goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long closing the socket may take.
const HANG_UP: Duration = Duration::from_millis(500);

/// A connection that lasted so long was a good one.
const LASTING: Duration = Duration::from_secs(10);

/// How many commands may be under way; more are refused.
const ASKED_MAX: usize = 16;

/// After oversized messages nothing is subscribed for so long.
const QUARANTINE: Duration = Duration::from_secs(600);

pub(crate) async fn run(
    settings: &Settings,
    links: Links,
    stop: CancellationToken,
) -> Result<(), SettingsError> {
    let scheme = Scheme::new(settings, &links);
    let client_id = settings.client_id_at(&links.site_slug);
    let (client, events) = connection::prepare(settings, &client_id, &scheme.status())?;
    let clock = Arc::clone(&links.clock);
    let outbox = Arc::new(Outbox::default());
    let status = links.status.clone();
    let (news_in, news) = mpsc::channel(32);
    let (guarded, wanted) = watch::channel(Wanted::new());
    let guards = Guards { settings, client_id: &client_id, clock: &*clock };
    let mut guarding = pin!(guards.keep(wanted, news_in.clone()));
    let talk =
        Publisher::new(settings, &client_id, scheme, links, client.clone(), Arc::clone(&outbox), guarded);
    // One task, four concerns: none of them waits for another, and dropping this future drops the sockets.
    let mut talking = pin!(talk.run(news, stop));
    let mut driving = pin!(connection::drive(events, settings, &*clock, news_in));
    tokio::select! {
        () = &mut talking => {
            // The goodbye is said; what is left is to close the sockets, unless that is being waited for, too.
            let closing = async { tokio::join!(&mut driving, &mut guarding) };
            tokio::select! { _ = closing => {}, () = clock.sleep(HANG_UP) => {} }
        }
        () = &mut driving => {}
        () = &mut guarding => {}
        () = connection::pump(&client, &outbox, &status) => {}
    }
    status.send_modify(|status| status.connected_since = None);
    Ok(())
}

/// An answer to a command.
struct Answered {
    topic: String,
    json: Json,
    /// The device that was asked for something, and when.
    about: Option<(DeviceId, UnixMillis)>,
}

/// A command that is under way.
type Asked = Pin<Box<dyn Future<Output = Answered> + Send>>;

struct Publisher<'a> {
    settings: &'a Settings,
    client_id: &'a str,
    scheme: Scheme,
    links: Links,
    client: AsyncClient,
    outbox: Arc<Outbox>,
    connected: bool,
    /// The frozen snapshot that was rendered last.
    snapshot: Arc<Snapshot>,
    names: BTreeMap<DeviceId, Names>,
    /// The beginning of the topics of pv-inverter-monitor, by inverter.
    inverters: BTreeMap<DeviceId, Prefix>,
    /// Topics that have a last will of their own.
    guarded: watch::Sender<Wanted>,
    /// The announcements that the broker has from this connection, by topic.
    announced: HashMap<String, Json>,
    /// The essence of the values that the broker has from this connection, by topic.
    shown: HashMap<String, String>,
    /// The same of what nobody retains: those who listened have heard it, and it is not said twice.
    passed: HashMap<String, String>,
    /// When a value of a device becomes too old.
    expires: BTreeMap<DeviceId, Duration>,
    /// What the broker keeps for certain or possibly, from earlier runs or from this one.
    kept: Inventory,
    /// What the broker keeps once each fence is acknowledged, oldest first.
    fenced: VecDeque<Inventory>,
    next_heartbeat: Duration,
    asked: FuturesUnordered<Asked>,
    /// The last command for each device.
    last: BTreeMap<DeviceId, Last>,
    /// The mode that each device is in for certain, as it was said last.
    modes: BTreeMap<DeviceId, String>,
    /// What is switched on, once that is known.
    switches: Option<Switches>,
    /// The limits as they count, once that is known.
    limits: Option<Vec<SiteLimit>>,
    /// What was logged once and is not logged again.
    told: HashSet<String>,
    connected_since: Option<Moment>,
    /// What was logged since the last good connection.
    troubles: Vec<Trouble>,
    /// Whether connections keep breaking: each one is then no news.
    flapping: bool,
    oversized: u32,
    last_oversized: Option<Moment>,
    subscribed: bool,
}

impl<'a> Publisher<'a> {
    fn new(
        settings: &'a Settings,
        client_id: &'a str,
        scheme: Scheme,
        mut links: Links,
        client: AsyncClient,
        outbox: Arc<Outbox>,
        guarded: watch::Sender<Wanted>,
    ) -> Self {
        let snapshot = Arc::clone(&links.snapshot.borrow_and_update());
        let switches = *links.switches.borrow_and_update();
        let limits = links.limits.borrow_and_update().clone();
        let kept = links.remembered.load().map(|text| Inventory::read(&text)).unwrap_or_default();
        let names = compat::names(&scheme, &snapshot);
        Self {
            settings,
            client_id,
            inverters: monitor::prefixes(&scheme, &snapshot, &names),
            names,
            guarded,
            scheme,
            links,
            client,
            outbox,
            connected: false,
            snapshot,
            announced: HashMap::new(),
            shown: HashMap::new(),
            passed: HashMap::new(),
            expires: BTreeMap::new(),
            kept,
            fenced: VecDeque::new(),
            next_heartbeat: Duration::MAX,
            asked: FuturesUnordered::new(),
            last: BTreeMap::new(),
            modes: BTreeMap::new(),
            switches,
            limits,
            told: HashSet::new(),
            connected_since: None,
            troubles: Vec::new(),
            flapping: false,
            oversized: 0,
            last_oversized: None,
            subscribed: false,
        }
    }

    async fn run(mut self, mut news: mpsc::Receiver<News>, stop: CancellationToken) {
        let (mut hub_is_there, mut control_is_there, mut limits_are_there) = (true, true, true);
        loop {
            let wait = self.wait();
            // Not in a fixed order: a flood of one kind must not keep the others from their turn.
            tokio::select! {
                () = stop.cancelled() => break,
                item = news.recv() => match item {
                    Some(item) => self.hear(item),
                    None => return,
                },
                Some(answered) = self.asked.next() => self.answered(answered),
                changed = self.links.switches.changed(), if control_is_there => match changed {
                    Ok(()) => self.switched(),
                    Err(_) => control_is_there = false,
                },
                changed = self.links.limits.changed(), if limits_are_there => match changed {
                    Ok(()) => self.switched(),
                    Err(_) => limits_are_there = false,
                },
                changed = self.links.snapshot.changed(), if hub_is_there => match changed {
                    Ok(()) => self.look(),
                    // The hub has stopped; this program is about to, too.
                    Err(_) => hub_is_there = false,
                },
                () = self.links.clock.sleep(wait) => self.tick(),
            }
            self.report();
        }
        self.goodbye(&mut news).await;
    }

    /// Until something must be repeated or taken back.
    fn wait(&self) -> Duration {
        let due = self.expires.values().copied().chain([self.next_heartbeat]).min().unwrap_or(Duration::MAX);
        // A value may be used up to and including its time to live.
        let wait = due.saturating_add(Duration::from_millis(1)).saturating_sub(self.links.clock.now().mono);
        wait.min(Duration::from_secs(3600))
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Connected => self.connected(),
            News::Lost(trouble) => self.lost(trouble),
            News::Arrived(publish) => self.arrived(&publish),
            News::Acknowledged => self.acknowledged(),
            News::NotSubscribed => tracing::warn!(
                target: "mqtt",
                user = self.settings.username.as_deref(),
                "{} does not let this client subscribe; allow it {}",
                Broker(self.settings), self.filters().join(", "),
            ),
            News::Guarded(topic) => self.guarded(&topic),
        }
    }

    fn report(&self) {
        let (waiting, dropped) = (self.outbox.waiting(), self.outbox.dropped());
        self.links.status.send_if_modified(|status: &mut Status| {
            let changed = (status.waiting, status.dropped) != (waiting, dropped);
            (status.waiting, status.dropped) = (waiting, dropped);
            changed
        });
    }

    /// A new snapshot: sends what changed.
    fn look(&mut self) {
        let before =
            std::mem::replace(&mut self.snapshot, Arc::clone(&self.links.snapshot.borrow_and_update()));
        if !self.connected {
            return;
        }
        if before.all().next().is_none() {
            self.announce_everything();
            return;
        }
        if announces_otherwise(&before, &self.snapshot) {
            self.announce();
            self.expires.retain(|id, _| self.snapshot.device(id.as_str()).is_some());
            self.last.retain(|id, _| self.snapshot.device(id.as_str()).is_some());
            self.modes.retain(|id, _| self.snapshot.device(id.as_str()).is_some());
        }
        let snapshot = Arc::clone(&self.snapshot);
        for device in snapshot.all() {
            // Nobody changes a device that somebody else holds: the same pointer is the same device.
            let same = before.device(device.info.id.as_str()).is_some_and(|old| Arc::ptr_eq(old, device));
            if !same {
                self.show(device);
            }
        }
    }

    fn tick(&mut self) {
        if !self.connected {
            return;
        }
        let now = self.links.clock.now();
        if now.mono < self.next_heartbeat {
            self.show_all();
            return;
        }
        self.next_heartbeat = now.mono.saturating_add(self.scheme.heartbeat);
        // Availability as well: another client may have overwritten it, or be gone with the same last will.
        self.shown.retain(|topic, _| topic.ends_with("/info"));
        self.outbox.put(Lane::Value, Message::retained(self.scheme.status(), ONLINE));
        self.show_all();
        if !self.subscribed && self.quarantine_is_over(now) {
            self.subscribe();
        }
    }

    fn show_all(&mut self) {
        let snapshot = Arc::clone(&self.snapshot);
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        let now = self.links.clock.now();
        for device in snapshot.all() {
            self.settle(device, now);
            let (said, expires) = self.render(device, now);
            self.expect(device, expires);
            let (availability, others): (Vec<_>, Vec<_>) =
                said.into_iter().partition(|said| said.message.topic.ends_with("/availability"));
            first.extend(availability);
            rest.extend(others);
        }
        first.into_iter().chain(rest).for_each(|said| self.say(said));
    }

    fn show(&mut self, device: &DeviceState) {
        let now = self.links.clock.now();
        self.settle(device, now);
        let (said, expires) = self.render(device, now);
        self.expect(device, expires);
        for said in said {
            self.say(said);
        }
    }

    fn expect(&mut self, device: &DeviceState, expires: Option<Duration>) {
        match expires {
            Some(expires) => self.expires.insert(device.info.id.clone(), expires),
            None => self.expires.remove(&device.info.id),
        };
    }

    /// All values of a device: availabilities, states, control, information; and when one of them becomes too old.
    fn render(&self, device: &DeviceState, now: Moment) -> (Vec<Said>, Option<Duration>) {
        let scheme = &self.scheme;
        let (state, expires) = render::state(scheme, device, now);
        let mut said = vec![render::availability(scheme, device)];
        let names = self.names.get(&device.info.id);
        said.extend(names.map(|names| compat::availability(scheme, device, names)));
        said.push(state);
        // The values of the earlier program are among the device's own, and become too old no earlier than those.
        said.extend(names.map(|names| compat::state(scheme, device, names, now).0));
        if let Some(prefix) = self.inverters.get(&device.info.id) {
            said.push(monitor::availability(device, prefix));
            said.extend(monitor::values(device, prefix, now));
        }
        if control::takes_commands(&device.info) {
            let id = &device.info.id;
            said.push(control::said(
                scheme,
                device,
                self.modes.get(id).map(String::as_str),
                self.last.get(id),
            ));
        }
        if device.info.id.is_site() {
            said.extend(self.switches.map(|switches| switches::said(scheme, switches)).unwrap_or_default());
            said.extend(limits::said(scheme, self.limits.as_deref().unwrap_or_default()));
            if self.takes_site_commands() {
                said.push(control::said_of_site(scheme, self.last.get(&device.info.id)));
            }
        }
        said.push(render::info(scheme, device));
        (said, expires)
    }

    /// A topic with a last will of its own may say `offline` since its last connection was lost.
    fn guarded(&mut self, topic: &str) {
        self.shown.remove(topic);
        if self.connected {
            self.show_all();
        }
    }

    fn say(&mut self, said: Said) {
        let known = if said.message.retain { &mut self.shown } else { &mut self.passed };
        if known.get(&said.message.topic) != Some(&said.essence) {
            known.insert(said.message.topic.clone(), said.essence);
            self.outbox.put(Lane::Value, said.message);
        }
    }

    /// Says that everything is offline and waits until the broker has it, but not for long.
    async fn goodbye(mut self, news: &mut mpsc::Receiver<News>) {
        if !self.connected {
            return self.hang_up();
        }
        let unsent = self.outbox.start_over();
        let mut under_way = self.fenced.len().saturating_sub(unsent);
        for device in self.snapshot.all() {
            let topic = self.scheme.device_topic(&device.info.id, "availability");
            self.outbox.put(Lane::Announcement, Message::retained(topic, OFFLINE));
        }
        for names in self.names.values() {
            let topic = self.scheme.compat_topic(&names.device_id, "availability");
            self.outbox.put(Lane::Announcement, Message::retained(topic, OFFLINE));
        }
        for prefix in self.inverters.values() {
            self.outbox.put(Lane::Announcement, Message::retained(prefix.availability(), OFFLINE));
        }
        self.outbox.put(Lane::Fence, Message::retained(self.scheme.status(), OFFLINE));
        let clock = Arc::clone(&self.links.clock);
        tokio::select! {
            () = async {
                loop {
                    match news.recv().await {
                        Some(News::Acknowledged) if under_way > 0 => {
                            under_way -= 1;
                            self.acknowledged();
                        }
                        Some(News::Acknowledged | News::Lost(_)) | None => return,
                        Some(_) => {}
                    }
                }
            } => {}
            () = clock.sleep(GOODBYE) => {}
        }
        self.hang_up();
    }

    /// Ends the connection; `drive` returns when that is done.
    fn hang_up(&mut self) {
        let _ = self.client.try_disconnect_now();
    }
}

/// Whether the two would be announced differently: other devices, other descriptions, other metrics.
fn announces_otherwise(before: &Snapshot, after: &Snapshot) -> bool {
    let same = |device: &Arc<DeviceState>| {
        before.device(device.info.id.as_str()).is_some_and(|old| {
            Arc::ptr_eq(old, device)
                || ((Arc::ptr_eq(&old.info, &device.info) || old.info == device.info)
                    && old.values.keys().eq(device.values.keys()))
        })
    };
    before.all().count() != after.all().count() || !after.all().all(same)
}
