//! The bus of the GX device: `com.victronenergy.*` services with the interface `com.victronenergy.BusItem`.
//!
//! ```text
//! connect -> AddMatch x3 -> ListNames -> GetItems per service -> signals only
//!    ^                                        ^        |
//!    |                                        +--------+ a new owner, 5 minutes
//!    +--- the bus died, or does not answer (2 s)
//! ```
//!
//! Replies and signals are taken from one queue, in the order in which they came: a signal that is older than a reading
//! cannot overwrite it.

mod decode;
mod services;

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::oneshot;
use zbus::connection::{AuthMechanism, Builder};
use zbus::message::{Message, Type};
use zbus::{Connection, MessageStream};

use super::{Event, Failure, Port, Request, SetReply, Spot};
use crate::victron::tree::PREFIX;
use crate::victron::value::Scalar;
use services::{Reading, Services};

/// How long one call may take; the bus's own limit is two minutes.
const CALL: Duration = Duration::from_secs(2);
/// A reading that comes later still counts, for so long.
const LATE: Duration = Duration::from_secs(10);
/// After this long without any message the bus is asked whether it lives: values are as old as the last sign of life.
const QUIET: Duration = Duration::from_secs(10);
/// The pauses between two tries to connect.
const RECONNECT_MIN: Duration = Duration::from_millis(250);
const RECONNECT_MAX: Duration = Duration::from_secs(5);
/// Messages that wait for the driver; when it is full the bus holds back the rest.
const QUEUED: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";
const ITEM: &str = "com.victronenergy.BusItem";

/// What is subscribed to.
const RULES: [&str; 3] = [
    "type='signal',interface='com.victronenergy.BusItem',member='ItemsChanged'",
    "type='signal',interface='com.victronenergy.BusItem',member='PropertiesChanged'",
    "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0namespace='com.victronenergy'",
];

/// Keeps up a connection to the bus at `address` (the system's own where `None`) for ever.
pub(crate) async fn run(address: Option<String>, mut port: Port) {
    let mut pause = RECONNECT_MIN;
    loop {
        let started = port.clock.now();
        let why = match port.within(CALL, connect(address.as_deref())).await {
            None => "the bus takes no connection".to_owned(),
            Some(Err(error)) => words(&error),
            Some(Ok(connection)) => Session::new(connection).run(&mut port).await,
        };
        if port.clock.now().since(started) > RECONNECT_MAX {
            pause = RECONNECT_MIN;
        }
        port.tell(Event::Lost(why.clone())).await;
        port.pause(pause, &why).await;
        pause = (pause * 2).min(RECONNECT_MAX);
    }
}

async fn connect(address: Option<&str>) -> zbus::Result<Connection> {
    let builder = match address {
        None => Builder::system(),
        // A GX device that opens its bus to the network does so without any login.
        Some(address) if address.starts_with("tcp:") => {
            Builder::address(address).auth_mechanism(AuthMechanism::Anonymous)
        }
        Some(address) => Builder::address(address),
    };
    builder.max_queued(QUEUED).build().await
}

/// A call whose answer is awaited.
enum Call {
    AddMatch,
    ListNames,
    Ping,
    Read(Arc<str>, Reading),
    Set(oneshot::Sender<Result<SetReply, Failure>>),
    Get(oneshot::Sender<Result<Option<Scalar>, Failure>>),
}

struct Pending {
    call: Call,
    until: Duration,
    is_late: bool,
}

/// One connection.
struct Session {
    connection: Connection,
    messages: MessageStream,
    pending: HashMap<NonZeroU32, Pending>,
    services: Services,
    listed: bool,
    complete: bool,
    told_absent: bool,
    heard: Duration,
}

/// Why a session ends.
struct Ended(String);

impl Session {
    fn new(connection: Connection) -> Self {
        Self {
            messages: MessageStream::from(&connection),
            connection,
            pending: HashMap::new(),
            services: Services::default(),
            listed: false,
            complete: false,
            told_absent: false,
            heard: Duration::ZERO,
        }
    }

    /// Works until the connection is of no more use; says why.
    async fn run(mut self, port: &mut Port) -> String {
        self.heard = port.clock.now().mono;
        let Err(Ended(why)) = self.work(port).await;
        for (_, pending) in self.pending.drain() {
            pending.call.fail(Failure::Down(why.clone()));
        }
        why
    }

    async fn work(&mut self, port: &mut Port) -> Result<std::convert::Infallible, Ended> {
        for rule in RULES {
            self.call_bus("AddMatch", &rule, Call::AddMatch, port).await?;
        }
        self.call_bus("ListNames", &(), Call::ListNames, port).await?;
        loop {
            self.read_what_is_due(port).await?;
            let now = port.clock.now().mono;
            let deadline = port.clock.sleep(self.next_deadline().saturating_sub(now));
            tokio::select! {
                biased;
                message = self.messages.next() => {
                    let message = message.ok_or_else(|| Ended("the bus closed the connection".to_owned()))?;
                    let message = message.map_err(|error| Ended(words(&error)))?;
                    self.heard = port.clock.now().mono;
                    self.take(&message, port).await?;
                }
                request = port.request() => self.ask(request, port).await?,
                () = deadline => self.tick(port).await?,
            }
        }
    }

    async fn read_what_is_due(&mut self, port: &mut Port) -> Result<(), Ended> {
        while let Some((name, how)) = self.services.next(port.clock.now().mono) {
            let member = match how {
                Reading::Items => "GetItems",
                Reading::Tree => "GetValue",
            };
            let message = Message::method_call("/", member).destination(&*name).interface(ITEM).build(&());
            match message {
                Ok(message) => self.send(&message, Call::Read(name, how), port).await?,
                // A name that cannot be called is nobody's.
                Err(_) => drop(self.services.gone(&name)),
            }
        }
        if self.listed && !self.complete && self.services.all_tried() {
            self.tell_whether_complete(port).await;
        }
        Ok(())
    }

    /// Any machine may have a bus: only services make it a GX device's.
    async fn tell_whether_complete(&mut self, port: &Port) {
        if self.services.any_up() {
            self.complete = true;
            port.tell(Event::Complete).await;
        } else if !std::mem::replace(&mut self.told_absent, true) {
            let why = "no service of a GX device (com.victronenergy.*) is on this bus";
            port.tell(Event::Absent(why.to_owned())).await;
        }
    }

    fn next_deadline(&self) -> Duration {
        let calls = self.pending.values().map(|pending| pending.until).min();
        [calls, self.services.due(), Some(self.heard + QUIET)].into_iter().flatten().min().unwrap_or(QUIET)
    }

    /// Something took too long, or nothing came for a while.
    async fn tick(&mut self, port: &mut Port) -> Result<(), Ended> {
        let now = port.clock.now().mono;
        let late: Vec<_> = self.pending.extract_if(|_, pending| pending.until <= now).collect();
        for (serial, pending) in late {
            match pending.call {
                Call::Read(..) if pending.is_late => {}
                Call::Read(name, how) => {
                    self.not_read(&name, port).await;
                    let pending = Pending { call: Call::Read(name, how), until: now + LATE, is_late: true };
                    self.pending.insert(serial, pending);
                }
                Call::AddMatch | Call::ListNames | Call::Ping => {
                    return Err(Ended("the bus does not answer".to_owned()));
                }
                call @ (Call::Set(_) | Call::Get(_)) => call.fail(Failure::Silent(CALL)),
            }
        }
        if now.saturating_sub(self.heard) >= QUIET {
            self.heard = now;
            self.call_bus("GetId", &(), Call::Ping, port).await?;
        }
        Ok(())
    }

    async fn take(&mut self, message: &Message, port: &Port) -> Result<(), Ended> {
        let header = message.header();
        match message.message_type() {
            Type::MethodReturn | Type::Error => {
                let pending = header.reply_serial().and_then(|serial| self.pending.remove(&serial));
                match pending {
                    Some(pending) => self.answered(pending.call, message, port).await,
                    None => Ok(()),
                }
            }
            Type::Signal => {
                let member = header.member().map(zbus::names::MemberName::as_str);
                let sender = header.sender().map(zbus::names::UniqueName::as_str).unwrap_or_default();
                match member {
                    Some("NameOwnerChanged") => self.owner_changed(message, port).await,
                    Some("ItemsChanged") => self.changed(sender, decode::items(&message.body()), port).await,
                    Some("PropertiesChanged") => {
                        let path = header.path().map(zbus::ObjectPath::as_str).unwrap_or_default();
                        let told = decode::properties(path, &message.body());
                        self.changed(sender, told.map(|told| told.into_iter().collect()), port).await;
                    }
                    _ => {}
                }
                Ok(())
            }
            Type::MethodCall => Ok(()),
        }
    }

    async fn changed(&mut self, sender: &str, items: Result<Vec<super::Told>, zbus::Error>, port: &Port) {
        let Ok(items) = items else {
            tracing::debug!(sender, "a signal that cannot be read");
            return;
        };
        for service in self.services.heard_from(sender, port.clock.now().mono) {
            if !items.is_empty() {
                port.tell(Event::Changed { service, items: items.clone() }).await;
            }
        }
    }

    async fn owner_changed(&mut self, message: &Message, port: &Port) {
        let body = message.body();
        let Ok((name, _, new)) = body.deserialize::<(&str, &str, &str)>() else { return };
        if !name.starts_with(PREFIX) {
            return;
        }
        if self.services.gone(name) {
            port.tell(Event::Gone { service: Arc::from(name) }).await;
        }
        if !new.is_empty() {
            self.services.named(name, port.clock.now().mono);
        }
    }

    async fn answered(&mut self, call: Call, message: &Message, port: &Port) -> Result<(), Ended> {
        let body = message.body();
        let is_error = message.message_type() == Type::Error;
        match call {
            Call::AddMatch | Call::ListNames if is_error => {
                Err(Ended(format!("the bus refuses: {}", error_words(message))))
            }
            Call::AddMatch => Ok(()),
            Call::Ping => {
                port.tell(Event::Alive).await;
                Ok(())
            }
            Call::ListNames => {
                let names: Vec<&str> = body.deserialize().map_err(|error| Ended(words(&error)))?;
                for name in names.into_iter().filter(|name| name.starts_with(PREFIX)) {
                    self.services.named(name, port.clock.now().mono);
                }
                self.listed = true;
                Ok(())
            }
            Call::Read(name, how) => {
                self.service_answered(&name, how, message, port).await;
                Ok(())
            }
            Call::Set(reply) => {
                let answer = if is_error {
                    Ok(SetReply::Refused(error_words(message)))
                } else {
                    decode::set_reply(&body).map_err(|error| Failure::Refused(words(&error)))
                };
                drop(reply.send(answer));
                Ok(())
            }
            Call::Get(reply) => {
                let answer = if is_error {
                    Err(Failure::Refused(error_words(message)))
                } else {
                    decode::value(&body).map_err(|error| Failure::Refused(words(&error)))
                };
                drop(reply.send(answer));
                Ok(())
            }
        }
    }

    async fn service_answered(&mut self, name: &Arc<str>, how: Reading, message: &Message, port: &Port) {
        let now = port.clock.now().mono;
        if message.message_type() == Type::Error {
            if !(knows_no_items(message) && self.services.is_of_old(name, now)) {
                self.not_read(name, port).await;
            }
            return;
        }
        let items = match how {
            Reading::Items => decode::items(&message.body()),
            Reading::Tree => decode::subtree(&message.body()),
        };
        match items {
            Ok(items) => {
                let header = message.header();
                self.services.read(name, header.sender().map(zbus::names::UniqueName::as_str), now);
                port.tell(Event::Up { service: Arc::clone(name), items }).await;
            }
            Err(error) => {
                tracing::debug!(service = &**name, %error, "an answer that cannot be read");
                self.not_read(name, port).await;
            }
        }
    }

    async fn not_read(&mut self, name: &Arc<str>, port: &Port) {
        if self.services.failed(name, port.clock.now().mono) {
            port.tell(Event::Gone { service: Arc::clone(name) }).await;
        }
    }

    async fn ask(&mut self, request: Request, port: &mut Port) -> Result<(), Ended> {
        let (message, call) = match request {
            Request::Set(spot, value, reply) => {
                (item_call(&spot, "SetValue", &(decode::variant(value.as_ref()),)), Call::Set(reply))
            }
            Request::Get(spot, reply) => (item_call(&spot, "GetValue", &()), Call::Get(reply)),
        };
        match message {
            Ok(message) => self.send(&message, call, port).await,
            Err(error) => {
                call.fail(Failure::Refused(words(&error)));
                Ok(())
            }
        }
    }

    async fn call_bus<B>(&mut self, member: &str, body: &B, call: Call, port: &Port) -> Result<(), Ended>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let message = Message::method_call(BUS_PATH, member).destination(BUS).interface(BUS).build(body);
        let message = message.map_err(|error| Ended(words(&error)))?;
        self.send(&message, call, port).await
    }

    async fn send(&mut self, message: &Message, call: Call, port: &Port) -> Result<(), Ended> {
        let until = port.clock.now().mono + CALL;
        self.pending.insert(message.primary_header().serial_num(), Pending { call, until, is_late: false });
        match port.within(CALL, self.connection.send(message)).await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(Ended(words(&error))),
            None => Err(Ended("the bus takes no more messages".to_owned())),
        }
    }
}

impl Call {
    fn fail(self, failure: Failure) {
        match self {
            Self::Set(reply) => drop(reply.send(Err(failure))),
            Self::Get(reply) => drop(reply.send(Err(failure))),
            Self::AddMatch | Self::ListNames | Self::Ping | Self::Read(..) => {}
        }
    }
}

fn item_call<B>(spot: &Spot, member: &str, body: &B) -> zbus::Result<Message>
where
    B: serde::Serialize + zbus::DynamicType,
{
    Message::method_call(&*spot.path, member).destination(&*spot.service).interface(ITEM).build(body)
}

/// Old services know no `GetItems` and say so in one of several ways.
fn knows_no_items(message: &Message) -> bool {
    let header = message.header();
    let name = header.error_name().map(zbus::names::ErrorName::as_str).unwrap_or_default();
    ["UnknownMethod", "UnknownObject", "UnknownInterface"].iter().any(|word| name.ends_with(word))
}

/// The bus's error in words.
fn error_words(message: &Message) -> String {
    let header = message.header();
    let name = header.error_name().map(zbus::names::ErrorName::as_str).unwrap_or_default();
    match name.rsplit('.').next().unwrap_or_default() {
        "UnknownObject" | "UnknownMethod" => "the path does not exist on this device".to_owned(),
        "ServiceUnknown" | "NameHasNoOwner" => "the service is not there".to_owned(),
        "AccessDenied" => "the bus does not allow it".to_owned(),
        _ => {
            let body = message.body();
            let text = body.deserialize::<&str>().unwrap_or_default();
            format!("{name}: {}", text.chars().take(200).collect::<String>())
        }
    }
}

fn words(error: &zbus::Error) -> String {
    match error {
        zbus::Error::InputOutput(error) => error.to_string(),
        other => other.to_string(),
    }
}
