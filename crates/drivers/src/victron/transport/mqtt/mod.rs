//! The MQTT broker of a GX device.
//!
//! ```text
//! connect --> N/+/system/0/Serial --> portal --> keepalive with a token --> everything, then the token --> changes
//!    ^                                              every 30 s (the device stops after 60 s without)        |
//!    +---------------------------- nothing for 20 s, not even the heartbeat --------------------------------+
//! ```
//!
//! Nothing answers a write: what is published of the path afterwards tells.

mod portal;
mod tls;
mod topics;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{AsyncClient, Event as Packet, EventLoop, MqttOptions, PublishOptions, QoS, Transport};
use tokio::sync::{mpsc, oneshot};

use super::{Event, Failure, Port, Request, SetReply, naming};
use crate::victron::settings::Mqtt;
use crate::victron::value::Scalar;
use portal::{Known, Portals};
use topics::{Services, Topic};

/// How often the device is asked to go on.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How often it is asked while it has not told everything: it may have come to the broker after us.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// The heartbeat comes every 3 s.
const SILENCE: Duration = Duration::from_secs(20);
/// A device that does not know the token has told everything after so much silence.
const SETTLED: Duration = Duration::from_secs(3);
/// New services are told once so long nothing new has come.
const GATHER: Duration = Duration::from_millis(500);
/// How long a value that was asked for may take.
const READ: Duration = Duration::from_secs(2);
/// The pauses between two tries to connect.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Messages from the broker that wait for the driver.
const QUEUED: usize = 256;
/// Larger messages end the connection.
const PACKET_MAX: usize = 512 * 1024;

/// Keeps up a connection to the broker for ever. `last` is the portal that was used before.
pub(crate) async fn run(settings: Mqtt, last: Option<String>, mut port: Port) {
    let mut known = Known { last, silent: None };
    let mut pause = RETRY_MIN;
    let mut turn = 0u32;
    loop {
        let started = port.clock.now();
        turn = turn.wrapping_add(1);
        let why = match connection(&settings) {
            Err(why) => why,
            Ok((client, events)) => {
                let (tell, messages) = mpsc::channel(QUEUED);
                let driving = drive(events, tell);
                let session = Session::new(
                    client,
                    messages,
                    &settings,
                    format!("ohmstead{turn}"),
                    port.clock.now().mono,
                );
                tokio::select! {
                    why = driving => why,
                    why = session.run(&mut known, &mut port) => why,
                }
            }
        };
        // A broker that was there is there again soon.
        if port.clock.now().since(started) >= SILENCE {
            pause = RETRY_MIN;
        }
        port.tell(Event::Lost(why.clone())).await;
        port.pause(pause, &why).await;
        pause = (pause * 2).min(RETRY_MAX);
    }
}

fn connection(settings: &Mqtt) -> Result<(AsyncClient, EventLoop), String> {
    // Two clients of one name throw each other out.
    let name = format!("ohmstead-gx-{}-{:08x}", std::process::id(), fastrand::u32(..));
    let mut options = MqttOptions::new(name, (settings.broker.host.as_str(), settings.broker.port));
    options.set_keep_alive(20).set_max_packet_size(PACKET_MAX, PACKET_MAX);
    if let Some(wanted) = &settings.tls {
        options.set_transport(Transport::tls_with_config(tls::configuration(&wanted.trust)?));
    }
    if let Some(user) = &settings.username {
        match password(settings)? {
            Some(password) => options.set_credentials(user, password.into_bytes()),
            None => options.set_username(user),
        };
    }
    Ok(AsyncClient::builder(options).capacity(16).build())
}

fn password(settings: &Mqtt) -> Result<Option<String>, String> {
    let from_file = |file: &Path| {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("cannot read the password in {}: {error}", file.display()))?;
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    };
    settings.password.clone().map(Ok).or_else(|| settings.password_file.as_deref().map(from_file)).transpose()
}

/// What the broker sent.
enum Message {
    Connected,
    Subscribed,
    Arrived(rumqttc::Publish),
}

/// Works on the connection until it ends; says why.
async fn drive(mut events: EventLoop, tell: mpsc::Sender<Message>) -> String {
    loop {
        let message = match events.poll().await {
            Ok(Packet::Incoming(rumqttc::Packet::ConnAck(_))) => Message::Connected,
            Ok(Packet::Incoming(rumqttc::Packet::SubAck(_))) => Message::Subscribed,
            Ok(Packet::Incoming(rumqttc::Packet::Publish(publish))) => Message::Arrived(publish),
            Ok(_) => continue,
            Err(error) => return error.to_string(),
        };
        if tell.send(message).await.is_err() {
            return "nobody listens".to_owned();
        }
    }
}

/// A value that somebody waits for.
struct Wanted {
    topic: String,
    until: Duration,
    reply: oneshot::Sender<Result<Option<Scalar>, Failure>>,
}

struct Session {
    client: AsyncClient,
    messages: mpsc::Receiver<Message>,
    portals: Portals,
    /// Comes back when everything was sent.
    token: String,
    services: Services,
    /// Subscriptions that the broker has not confirmed: what is published before that is lost.
    unconfirmed: u32,
    complete: bool,
    heard: Duration,
    /// When the newest path of a new service came.
    grew: Duration,
    kept_alive: Option<Duration>,
    wanted: Vec<Wanted>,
}

impl Session {
    fn new(
        client: AsyncClient,
        messages: mpsc::Receiver<Message>,
        settings: &Mqtt,
        token: String,
        now: Duration,
    ) -> Self {
        Self {
            client,
            messages,
            portals: Portals::new(settings.portal.clone(), now),
            token,
            services: Services::default(),
            unconfirmed: 1,
            complete: false,
            heard: now,
            grew: now,
            kept_alive: None,
            wanted: Vec::new(),
        }
    }

    async fn run(mut self, known: &mut Known, port: &mut Port) -> String {
        loop {
            let now = port.clock.now().mono;
            if self.portals.decide(known, now)
                && let Err(why) = self.use_portal(port).await
            {
                return why;
            }
            if let Err(why) = self.keep_alive(now) {
                return why;
            }
            if now.saturating_sub(self.heard) >= SILENCE {
                return self.silence(known);
            }
            self.settle(now, known, port).await;
            let deadline = port.clock.sleep(self.deadline(now));
            tokio::select! {
                biased;
                message = self.messages.recv() => match message {
                    Some(message) => if let Err(why) = self.take(message, known, port).await { return why },
                    None => return "the connection ended".to_owned(),
                },
                request = port.request() => self.ask(request, port.clock.now().mono),
                () = deadline => {}
            }
        }
    }

    fn silence(&self, known: &mut Known) -> String {
        let Some(portal) = &self.portals.used else {
            return "no GX device publishes on this broker (N/+/system/0/Serial)".to_owned();
        };
        if !self.complete {
            known.silent = Some(portal.clone());
        }
        format!("the GX device {portal} has fallen silent")
    }

    /// Listens to the portal that was decided on.
    async fn use_portal(&mut self, port: &Port) -> Result<(), String> {
        let Some(portal) = &self.portals.used else { return Ok(()) };
        let filter = format!("N/{portal}/#");
        self.heard = port.clock.now().mono;
        self.subscribe(filter)?;
        self.tell_remark(port).await;
        Ok(())
    }

    async fn tell_remark(&self, port: &Port) {
        if let Some(remark) = self.portals.remark() {
            port.tell(Event::Remark(remark)).await;
        }
    }

    /// Until something is to be done without a message.
    fn deadline(&self, now: Duration) -> Duration {
        let keep = self.kept_alive.map(|at| at + self.keep_alive_after());
        let gathered = self.services.has_new().then_some(self.grew + GATHER);
        let wanted = self.wanted.iter().map(|wanted| wanted.until).min();
        let due = [Some(self.heard + SILENCE), keep, gathered, wanted, self.portals.due()];
        let due = due.into_iter().flatten().min();
        due.map_or(KEEP_ALIVE, |due| due.saturating_sub(now)).max(Duration::from_millis(10))
    }

    async fn take(&mut self, message: Message, known: &mut Known, port: &Port) -> Result<(), String> {
        match message {
            Message::Connected => {
                self.unconfirmed = 0;
                self.portals.connected(port.clock.now().mono);
                let filter = self
                    .portals
                    .used
                    .as_ref()
                    .map_or("N/+/system/0/Serial".to_owned(), |portal| format!("N/{portal}/#"));
                self.subscribe(filter)
            }
            Message::Subscribed => {
                self.unconfirmed = self.unconfirmed.saturating_sub(1);
                Ok(())
            }
            Message::Arrived(publish) => self.arrived(&publish, known, port).await,
        }
    }

    async fn arrived(
        &mut self,
        publish: &rumqttc::Publish,
        known: &mut Known,
        port: &Port,
    ) -> Result<(), String> {
        let topic = std::str::from_utf8(&publish.topic).unwrap_or_default();
        let Some((portal, rest)) = topics::portal_of(topic) else { return Ok(()) };
        let had_one = self.portals.used.is_some();
        if self.portals.used.as_deref() != Some(portal) {
            // Another device on the same broker: nothing of it may get in between.
            if self.portals.spoke(portal, known) {
                if had_one {
                    self.tell_remark(port).await;
                } else {
                    return self.use_portal(port).await;
                }
            }
            return Ok(());
        }
        let now = port.clock.now().mono;
        self.heard = now;
        self.answer_wanted(topic, &publish.payload);
        self.take_topic(rest, &publish.payload, now, known, port).await;
        Ok(())
    }

    async fn take_topic(
        &mut self,
        rest: &str,
        payload: &[u8],
        now: Duration,
        known: &mut Known,
        port: &Port,
    ) {
        match topics::parse(rest) {
            None => {}
            Some(Topic::Restarted) => {
                // It remembers no keepalive of ours, and what it had told may have changed.
                let asked = self.kept_alive.filter(|at| now.saturating_sub(*at) >= ASK_AGAIN);
                if self.complete && asked.is_some() {
                    (self.complete, self.kept_alive) = (false, None);
                    self.services.start_anew();
                    self.grew = now;
                }
                port.tell(Event::Alive).await;
            }
            Some(Topic::Life) => port.tell(Event::Alive).await,
            Some(Topic::Completed) => {
                // The end of somebody else's request says nothing about ours; a device without tokens sends none.
                let text = std::str::from_utf8(payload).unwrap_or_default();
                if !text.contains("full-publish-completed-echo") || text.contains(&self.token) {
                    self.tell_all(known, port).await;
                }
            }
            Some(Topic::Path(class, instance, path)) => {
                let event = self.services.take(&naming::service(class, instance), path, payload);
                match event {
                    Some(event) => port.tell(event).await,
                    None => self.grew = now,
                }
            }
        }
    }

    /// Tells new services once they have stopped growing.
    async fn settle(&mut self, now: Duration, known: &mut Known, port: &Port) {
        let quiet = now.saturating_sub(self.grew);
        if self.services.has_new() && (self.complete && quiet >= GATHER || quiet >= SETTLED) {
            self.tell_all(known, port).await;
        }
        for wanted in self.wanted.extract_if(.., |wanted| wanted.until <= now) {
            drop(wanted.reply.send(Err(Failure::Silent(READ))));
        }
    }

    async fn tell_all(&mut self, known: &mut Known, port: &Port) {
        for event in self.services.flush() {
            port.tell(event).await;
        }
        if !self.complete {
            self.complete = true;
            *known = Known { last: self.portals.used.clone(), silent: None };
            if let Some(portal) = &self.portals.used {
                port.tell(Event::Portal(Arc::from(portal.as_str()))).await;
            }
            port.tell(Event::Complete).await;
        }
    }

    fn answer_wanted(&mut self, topic: &str, payload: &[u8]) {
        let topic = topic.strip_prefix("N/").unwrap_or(topic);
        for wanted in self.wanted.extract_if(.., |wanted| wanted.topic == topic) {
            drop(wanted.reply.send(Ok(topics::value(payload))));
        }
    }

    fn keep_alive_after(&self) -> Duration {
        // What is still coming shows that the request was heard.
        if self.complete || self.services.has_new() { KEEP_ALIVE } else { ASK_AGAIN }
    }

    /// Asks the device to go on. Nothing is asked for before the broker has confirmed that we hear the answer.
    fn keep_alive(&mut self, now: Duration) -> Result<(), String> {
        let Some(portal) = self.portals.used.as_ref().filter(|_| self.unconfirmed == 0) else {
            return Ok(());
        };
        if self.kept_alive.is_some_and(|at| now.saturating_sub(at) < self.keep_alive_after()) {
            return Ok(());
        }
        let option = if self.complete {
            serde_json::json!("suppress-republish")
        } else {
            serde_json::json!({ "full-publish-completed-echo": self.token })
        };
        let payload = serde_json::json!({ "keepalive-options": [option] }).to_string();
        let topic = format!("R/{portal}/keepalive");
        self.kept_alive = Some(now);
        self.publish(topic, payload)
    }

    fn ask(&mut self, request: Request, now: Duration) {
        let Some(portal) = self.portals.used.clone().filter(|_| self.complete) else {
            return request.fail(Failure::Down("the GX device has not told everything yet".to_owned()));
        };
        match request {
            Request::Set(spot, value, reply) => {
                let sent = topics::topic_of(&portal, &spot)
                    .ok_or_else(|| "the place has no topic".to_owned())
                    .and_then(|topic| self.publish(format!("W/{topic}"), topics::payload(value.as_ref())));
                drop(reply.send(sent.map(|()| SetReply::Unanswered).map_err(Failure::Down)));
            }
            Request::Get(spot, reply) => match topics::topic_of(&portal, &spot) {
                None => drop(reply.send(Err(Failure::Unable("the place has no topic")))),
                Some(topic) => match self.publish(format!("R/{topic}"), String::new()) {
                    Ok(()) => self.wanted.push(Wanted { topic, until: now + READ, reply }),
                    Err(why) => drop(reply.send(Err(Failure::Down(why)))),
                },
            },
        }
    }

    fn subscribe(&mut self, filter: String) -> Result<(), String> {
        self.unconfirmed += 1;
        self.client.try_subscribe(filter, QoS::AtMostOnce).map_err(|error| error.to_string())
    }

    fn publish(&self, topic: String, payload: String) -> Result<(), String> {
        self.client
            .try_publish(topic, payload, PublishOptions::new(QoS::AtMostOnce))
            .map_err(|error| error.to_string())
    }
}
