//! The broker of a GX (dbus-flashmq): every path a topic, as long as someone keeps it alive.
//!
//! ```text
//!   N/<portal>/<class>/<instance>/<path>  {"value": 5}      null = invalid, nothing at all = the device is gone
//!   R/<portal>/keepalive                  all topics, then N/<portal>/full_publish_completed; holds for 60 s
//!   R/<portal>/<class>/<instance>/<path>  the same topics again
//!   W/<portal>/<class>/<instance>/<path>  {"value": 5}      never answered
//! ```
//!
//! On a real GX this is part of the broker; here it is a client of one.

use crate::venus::{
    gx::{Gx, PORTAL_ID},
    serve::Shared,
    tree::{Item, Service},
    value::Value,
};
use rumqttc::{AsyncClient, Event, EventLoop, Incoming, MqttOptions, PublishOptions, QoS, SubscribeFilter};
use serde_json::{Map, Value as Json, json};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// A keepalive holds so long.
const ALIVE: Duration = Duration::from_secs(60);
/// Of the house's time.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// Full publishes in a second; more requests are ignored.
const PUBLISHES_MAX: usize = 3;
/// Requests of clients that may wait; more are lost, as they may be.
const WAITING_MAX: usize = 1_024;
/// Messages to the broker that may wait.
const CAPACITY: usize = 256;
const AGAIN: Duration = Duration::from_secs(1);

/// Where a broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The GX's id in all topics.
    pub portal: String,
}

impl Broker {
    /// A broker with the simulated site's usual id.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, portal: PORTAL_ID.to_owned() }
    }
}

/// How things stand with the broker.
#[derive(Debug, Clone, Copy)]
enum Link {
    Lost,
    /// Connected a moment ago.
    New,
    /// Requests arrive. The client library sends subscriptions after what was published behind them.
    Heard,
}

/// A message of a client.
struct Request {
    topic: String,
    payload: Vec<u8>,
}

/// Publishes until told to stop.
pub(in crate::venus) async fn run(shared: Arc<Shared>, broker: Broker, stop: CancellationToken) {
    let mut options =
        MqttOptions::new(format!("venus-{}", broker.portal), (broker.host.as_str(), broker.port));
    options.set_keep_alive(20);
    let (client, events) = AsyncClient::builder(options).capacity(CAPACITY).build();
    let (sender, requests) = mpsc::channel(WAITING_MAX);
    let (links, link) = watch::channel(Link::Lost);
    let publisher = Publisher {
        client,
        portal: broker.portal,
        alive_until: None,
        revision: 0,
        lives: Vec::new(),
        published: Vec::new(),
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = listen(events, links, sender) => {}
        () = publisher.run(&shared, link, requests) => {}
    }
}

/// Keeps the connection up and hands requests on. It never waits for the publisher, which waits for it.
async fn listen(mut events: EventLoop, links: watch::Sender<Link>, requests: mpsc::Sender<Request>) {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Incoming::ConnAck(_))) => _ = links.send_replace(Link::New),
            Ok(Event::Incoming(Incoming::SubAck(_))) => _ = links.send_replace(Link::Heard),
            Ok(Event::Incoming(Incoming::Publish(message))) => {
                let topic = String::from_utf8_lossy(&message.topic).into_owned();
                let request = Request { topic, payload: message.payload.to_vec() };
                if requests.try_send(request).is_err() {
                    tracing::debug!("a request to the simulated GX is lost: too many wait");
                }
            }
            Ok(_) => {}
            Err(error) => {
                links.send_replace(Link::Lost);
                tracing::debug!(%error, "the simulated GX has no broker");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

struct Publisher {
    client: AsyncClient,
    portal: String,
    alive_until: Option<Instant>,
    revision: u64,
    /// Life and presence of each service as last told.
    lives: Vec<Option<u32>>,
    /// When full publishes were made lately.
    published: Vec<Instant>,
}

/// A topic below the portal and its payload.
type Told = (String, String);

impl Publisher {
    async fn run(
        mut self,
        shared: &Shared,
        mut link: watch::Receiver<Link>,
        mut requests: mpsc::Receiver<Request>,
    ) {
        let mut changed = shared.changed();
        let mut heart = tokio::time::interval(shared.scaled(HEARTBEAT));
        heart.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                told = link.changed() => {
                    let now = *link.borrow_and_update();
                    match (told, now) {
                        (Err(_), _) => return,
                        (Ok(()), Link::New) => self.subscribe().await,
                        (Ok(()), Link::Heard) => self.introduce(shared).await,
                        (Ok(()), Link::Lost) => {}
                    }
                }
                told = changed.changed() => match told {
                    // The broker restarts with the GX: silence, and no keepalive is remembered.
                    Ok(()) if shared.gx().is_down() => self.alive_until = None,
                    Ok(()) if self.is_alive() => self.changes(shared).await,
                    Ok(()) => {}
                    Err(_) => return,
                },
                request = requests.recv() => match request {
                    Some(request) => self.request(shared, request).await,
                    None => return,
                },
                _ = heart.tick() => if self.is_alive() {
                    let value = json!({ "value": shared.gx().now_ms() / 1_000 }).to_string();
                    self.send("heartbeat", value, false).await;
                },
            }
        }
    }

    fn is_alive(&self) -> bool {
        self.alive_until.is_some_and(|until| Instant::now() < until)
    }

    async fn send(&self, topic: &str, payload: String, retain: bool) {
        let topic = format!("N/{}/{topic}", self.portal);
        if let Err(error) =
            self.client.publish(topic, payload, PublishOptions::at_most_once().retain(retain)).await
        {
            tracing::debug!(%error, "the simulated GX cannot publish");
        }
    }

    async fn send_all(&self, all: Vec<Told>) {
        for (topic, payload) in all {
            self.send(&topic, payload, false).await;
        }
    }

    async fn subscribe(&self) {
        let topics =
            ["R", "W"].map(|kind| SubscribeFilter::new(format!("{kind}/{}/#", self.portal), QoS::AtMostOnce));
        if let Err(error) = self.client.subscribe_many(topics).await {
            tracing::debug!(%error, "the simulated GX cannot subscribe");
        }
    }

    /// The one topic by which clients find the portal, once they are heard.
    async fn introduce(&self, shared: &Shared) {
        let serial = {
            let gx = shared.gx();
            let system = gx.tree().service("system");
            system.and_then(|system| system.item("/Serial")).map(|item| item.value().json(&Json::Null))
        };
        let serial = serial.unwrap_or_else(|| Json::from(self.portal.as_str()));
        self.send("system/0/Serial", json!({ "value": serial }).to_string(), true).await;
        self.send("keepalive", "1".to_owned(), false).await;
    }

    /// What changed since the last time, and who came and went.
    async fn changes(&mut self, shared: &Shared) {
        let mut all = Vec::new();
        {
            let gx = shared.gx();
            self.lives.resize(gx.tree().services().len(), None);
            for (service, told) in gx.tree().services().iter().zip(&mut self.lives) {
                let now = service.present.then_some(service.life);
                match (*told, now) {
                    (Some(before), Some(life)) if before == life => {
                        all.extend(
                            service
                                .changed_since(self.revision)
                                .map(|(path, item)| telling(service, path, item)),
                        );
                    }
                    (_, Some(_)) => all.extend(everything(service)),
                    (Some(_), None) => {
                        all.extend(service.items().map(|(path, _)| (topic(service, path), String::new())));
                    }
                    (None, None) => {}
                }
                *told = now;
            }
            self.revision = gx.tree().revision();
        }
        self.send_all(all).await;
    }

    async fn request(&mut self, shared: &Shared, request: Request) {
        let mut parts = request.topic.splitn(3, '/');
        let (Some(kind), Some(_), Some(rest)) = (parts.next(), parts.next(), parts.next()) else { return };
        if shared.gx().is_down() {
            return;
        }
        let slow_ms = shared.gx().slow_ms();
        if let Some(ms) = slow_ms {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        match (kind, rest) {
            ("R", "keepalive") => self.keepalive(shared, &request.payload).await,
            ("R", rest) => {
                let all = again(&shared.gx(), rest);
                self.send_all(all).await;
            }
            ("W", rest) => {
                let mut gx = shared.gx();
                gx.requests.mqtt += 1;
                write(&mut gx, rest, &request.payload);
                drop(gx);
                shared.tell_all();
            }
            _ => {}
        }
    }

    async fn keepalive(&mut self, shared: &Shared, payload: &[u8]) {
        let options = Options::read(payload);
        let was_alive = self.is_alive();
        self.alive_until = Some(Instant::now() + ALIVE);
        if options.is_quiet && was_alive {
            return;
        }
        if options.is_quiet {
            // What changes from here on is told; what stands is not.
            let gx = shared.gx();
            self.revision = gx.tree().revision();
            self.lives =
                gx.tree().services().iter().map(|service| service.present.then_some(service.life)).collect();
            return;
        }
        self.published.retain(|at| at.elapsed() < Duration::from_secs(1));
        if self.published.len() >= PUBLISHES_MAX {
            return;
        }
        self.published.push(Instant::now());
        self.lives.clear();
        self.changes(shared).await;
        let mut done = Map::new();
        if let Some(echo) = options.echo {
            done.insert("full-publish-completed-echo".to_owned(), echo);
        }
        done.insert("value".to_owned(), (shared.gx().now_ms() / 1_000).into());
        self.send("full_publish_completed", Json::Object(done).to_string(), false).await;
    }
}

/// `{"keepalive-options": ["suppress-republish", {"full-publish-completed-echo": "token"}]}`.
#[derive(Debug, Default, PartialEq)]
struct Options {
    is_quiet: bool,
    echo: Option<Json>,
}

impl Options {
    fn read(payload: &[u8]) -> Self {
        let json: Json = serde_json::from_slice(payload).unwrap_or_default();
        let all = json["keepalive-options"].as_array().cloned().unwrap_or_default();
        Self {
            is_quiet: all.iter().any(|option| option == "suppress-republish"),
            echo: all.iter().find_map(|option| option.get("full-publish-completed-echo").cloned()),
        }
    }
}

fn topic(service: &Service, path: &str) -> String {
    format!("{}/{}/{}", service.class, service.instance, path.trim_start_matches('/'))
}

fn telling(service: &Service, path: &str, item: &Item) -> Told {
    let mut payload = Map::new();
    if let Some(own) = &item.attributes {
        for (name, bound) in [("max", &own.max), ("min", &own.min)] {
            if !bound.is_invalid() {
                payload.insert(name.to_owned(), bound.json(&Json::Null));
            }
        }
    }
    payload.insert("value".to_owned(), item.value().json(&Json::Null));
    (topic(service, path), Json::Object(payload).to_string())
}

fn everything(service: &Service) -> Vec<Told> {
    service.items().map(|(path, item)| telling(service, path, item)).collect()
}

/// `class/instance/path`: the service and the path with its slash.
fn place<'a>(gx: &Gx, rest: &'a str) -> Option<(usize, String)> {
    let mut parts = rest.splitn(3, '/');
    let (class, instance): (&'a str, u32) = (parts.next()?, parts.next()?.parse().ok()?);
    let path = parts.next().unwrap_or_default();
    let fits = |service: &Service| service.present && service.class == class && service.instance == instance;
    Some((gx.tree().services().iter().position(fits)?, format!("/{path}")))
}

/// The leaf that was asked for, or all below the node.
fn again(gx: &Gx, rest: &str) -> Vec<Told> {
    let Some((index, path)) = place(gx, rest) else { return Vec::new() };
    let service = &gx.tree().services()[index];
    if let Some(item) = service.item(&path) {
        return vec![telling(service, &path, item)];
    }
    let node = path.trim_end_matches('/');
    service.below(node).map(|(key, item)| telling(service, &format!("{node}/{key}"), item)).collect()
}

/// Whatever is wrong with a write, nobody is told.
fn write(gx: &mut Gx, rest: &str, payload: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Json>(payload) else { return };
    let Some(value) = json.get("value").and_then(Value::from_json) else { return };
    if let Some((index, path)) = place(gx, rest) {
        gx.write_at(index, &path, &value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venus::{ess::Around, gx::Setup};

    fn gx() -> Gx {
        Gx::new(Setup::default(), Box::new(Around::default()), 1_789_000_000_000)
    }

    #[test]
    fn keepalive_options_are_read() {
        let quiet = br#"{"keepalive-options":["suppress-republish"]}"#;
        let echo = br#"{"keepalive-options":[{"full-publish-completed-echo":"tok"}]}"#;
        assert_eq!(Options::read(b""), Options::default());
        assert!(Options::read(quiet).is_quiet);
        assert_eq!(Options::read(echo).echo, Some("tok".into()));
        for nonsense in [&b"[1]"[..], b"{\"keepalive-options\":7}", b"\xFF"] {
            assert_eq!(Options::read(nonsense), Options::default());
        }
    }

    #[test]
    fn topics_are_read_again() {
        let gx = gx();
        assert_eq!(
            again(&gx, "battery/512/Soc"),
            [("battery/512/Soc".to_owned(), r#"{"value":62}"#.to_owned())]
        );
        let setting = again(&gx, "settings/0/Settings/CGwacs/Hub4Mode");
        assert_eq!(setting[0].1, r#"{"max":3,"min":1,"value":1}"#);
        assert!(again(&gx, "battery/512/Dc/0").len() >= 4);
        assert_eq!(again(&gx, "battery/512/Serial")[0].1, r#"{"value":null}"#);
        for nothing in ["battery/513/Soc", "battery/512/Nothing", "battery", "", "battery/x/Soc"] {
            assert!(again(&gx, nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn writes_happen_or_not_in_silence() {
        let mut gx = gx();
        let mode = |gx: &Gx| {
            gx.tree().service("settings").and_then(|local| local.number("/Settings/CGwacs/Hub4Mode"))
        };
        let topic = "settings/0/Settings/CGwacs/Hub4Mode";
        for payload in
            [&b"{\"value\": 9}"[..], b"{\"value\": \"x\"}", b"{\"value\":", b"2", b"", b"{\"value\":null}"]
        {
            write(&mut gx, topic, payload);
            assert_eq!(mode(&gx), Some(1.0));
        }
        write(&mut gx, "settings/7/Settings/CGwacs/Hub4Mode", b"{\"value\": 2}");
        assert_eq!(mode(&gx), Some(1.0));
        write(&mut gx, topic, b"{\"value\": 2}");
        assert_eq!(mode(&gx), Some(2.0));
        write(&mut gx, "hub4/0/Overrides/Setpoint", b"{\"value\": 4200}");
        write(&mut gx, "hub4/0/Overrides/Setpoint", b"{\"value\": null}");
        assert!(gx.tree().service("hub4").unwrap().item("/Overrides/Setpoint").unwrap().value().is_invalid());
    }
}
