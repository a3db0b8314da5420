//! A minimal service with `com.victronenergy.BusItem`, written from the description of the interface.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zbus::message::{Message, Type};
use zbus::{Array, Connection, MessageStream, Str, Variant};

const ITEM: &str = "com.victronenergy.BusItem";

/// A value as a recording has it: D-Bus type, value, text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf {
    pub(crate) signature: String,
    pub(crate) value: Json,
    pub(crate) text: String,
}

/// A value with its type and without much of a text.
pub(crate) fn leaf(signature: &str, value: impl Into<Json>) -> Leaf {
    let value = value.into();
    Leaf { signature: signature.to_owned(), text: value.to_string(), value }
}

impl Leaf {
    /// There is no value at present.
    pub(crate) fn invalid() -> Self {
        Self { signature: "ai".to_owned(), value: Json::Array(Vec::new()), text: "---".to_owned() }
    }

    fn variant(&self) -> Variant<'static> {
        let int = || self.value.as_i64().unwrap_or_else(|| panic!("{self:?}"));
        match self.signature.as_str() {
            "y" => Variant::U8(int().try_into().unwrap()),
            "n" => Variant::I16(int().try_into().unwrap()),
            "q" => Variant::U16(int().try_into().unwrap()),
            "i" => Variant::I32(int().try_into().unwrap()),
            "u" => Variant::U32(int().try_into().unwrap()),
            "x" => Variant::I64(int()),
            "d" => Variant::F64(self.value.as_f64().unwrap()),
            "b" => Variant::Bool(self.value.as_bool().unwrap()),
            "s" => Variant::Str(Str::from(self.value.as_str().unwrap().to_owned())),
            array => {
                let element = array.strip_prefix('a').unwrap_or_else(|| panic!("{self:?}"));
                let signature = zbus::Signature::try_from(element).unwrap();
                let mut variant = Array::new(&signature);
                for value in self.value.as_array().unwrap() {
                    let item =
                        Self { signature: element.to_owned(), value: value.clone(), text: String::new() };
                    variant.append(item.variant()).unwrap();
                }
                Variant::Array(variant)
            }
        }
    }
}

/// How a service behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Manner {
    /// As a new one.
    #[default]
    New,
    /// Knows no `GetItems`.
    Old,
    /// Answers nothing.
    Hangs,
}

/// Calls that were received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) get_items: u32,
    /// Every path that was asked for.
    pub(crate) get_value: Vec<String>,
    /// Every write as `path = value`.
    pub(crate) set_value: Vec<String>,
}

#[derive(Default)]
struct State {
    leaves: BTreeMap<String, Leaf>,
    calls: Calls,
    manner: Manner,
    /// Codes for paths that refuse to be written.
    refusals: HashMap<String, i32>,
}

/// A service on the bus; it leaves with the value.
pub(crate) struct Service {
    connection: Connection,
    state: Arc<Mutex<State>>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Service {
    /// Appears on the bus with these values.
    pub(crate) async fn start(address: &str, name: &str, leaves: BTreeMap<String, Leaf>) -> Self {
        Self::with_manner(address, name, leaves, Manner::New).await
    }

    pub(crate) async fn with_manner(
        address: &str,
        name: &str,
        leaves: BTreeMap<String, Leaf>,
        manner: Manner,
    ) -> Self {
        let connection = zbus::connection::Builder::address(address).build().await.expect("the bus is there");
        let messages = MessageStream::from(&connection);
        let state = Arc::new(Mutex::new(State { leaves, manner, ..State::default() }));
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let serving = serve(connection.clone(), messages, Arc::clone(&state));
        tracker.spawn({
            let stop = stop.clone();
            async move { stop.run_until_cancelled(serving).await }
        });
        let name_arguments = (name, 4u32);
        let bus = "org.freedesktop.DBus";
        connection
            .call_method(Some(bus), "/org/freedesktop/DBus", Some(bus), "RequestName", &name_arguments)
            .await
            .expect("the name is free");
        Self { connection, state, stop, tracker }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn calls(&self) -> Calls {
        self.lock().calls.clone()
    }

    pub(crate) fn set_manner(&self, manner: Manner) {
        self.lock().manner = manner;
    }

    pub(crate) fn refuse(&self, path: &str, code: i32) {
        self.lock().refusals.insert(path.to_owned(), code);
    }

    pub(crate) fn leaf(&self, path: &str) -> Option<Leaf> {
        self.lock().leaves.get(path).cloned()
    }

    /// Changes a value and says nothing.
    pub(crate) fn set(&self, path: &str, leaf: Leaf) {
        self.lock().leaves.insert(path.to_owned(), leaf);
    }

    /// Changes a value and says so as old services do.
    pub(crate) async fn change(&self, path: &str, leaf: Leaf) {
        self.lock().leaves.insert(path.to_owned(), leaf.clone());
        let body: HashMap<&str, Variant<'_>> =
            [("Value", leaf.variant()), ("Text", Variant::Str(leaf.text.clone().into()))].into();
        self.connection
            .emit_signal(None::<&str>, path, ITEM, "PropertiesChanged", &body)
            .await
            .expect("the bus takes it");
    }

    /// Changes values and says so as new services do.
    pub(crate) async fn change_all(&self, leaves: &[(String, Leaf)]) {
        let body = items(leaves.iter().map(|(path, leaf)| (path.as_str(), leaf)));
        self.lock().leaves.extend(leaves.iter().cloned());
        self.connection
            .emit_signal(None::<&str>, "/", ITEM, "ItemsChanged", &body)
            .await
            .expect("the bus takes it");
    }

    /// Leaves the bus without a word.
    pub(crate) async fn kill(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        let _ = self.connection.close().await;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

type Items<'a> = HashMap<&'a str, HashMap<&'static str, Variant<'static>>>;

fn items<'a>(leaves: impl Iterator<Item = (&'a str, &'a Leaf)>) -> Items<'a> {
    leaves
        .map(|(path, leaf)| {
            (path, [("Value", leaf.variant()), ("Text", Variant::Str(leaf.text.clone().into()))].into())
        })
        .collect()
}

async fn serve(connection: Connection, mut messages: MessageStream, state: Arc<Mutex<State>>) {
    while let Some(Ok(message)) = messages.next().await {
        if message.message_type() != Type::MethodCall {
            continue;
        }
        let answer = answer(&message, &mut lock(&state));
        if let Some(answer) = answer {
            connection.send(&answer).await.expect("the bus takes it");
        }
    }
}

fn answer(message: &Message, state: &mut State) -> Option<Message> {
    if state.manner == Manner::Hangs {
        return None;
    }
    let header = message.header();
    let path = header.path().map(ToString::to_string).unwrap_or_default();
    let reply = || Message::method_return(&header);
    let error =
        |name: &str| Message::error(&header, format!("org.freedesktop.DBus.Error.{name}")).unwrap_error();
    Some(match header.member().map(zbus::names::MemberName::as_str) {
        Some("GetItems") => {
            if state.manner == Manner::Old {
                return Some(error("UnknownMethod"));
            }
            state.calls.get_items += 1;
            reply().build(&items(state.leaves.iter().map(|(path, leaf)| (path.as_str(), leaf)))).unwrap()
        }
        Some("GetValue") => {
            state.calls.get_value.push(path.clone());
            if path == "/" {
                let tree: HashMap<&str, Variant<'_>> = state
                    .leaves
                    .iter()
                    .map(|(path, leaf)| (path.trim_start_matches('/'), leaf.variant()))
                    .collect();
                return Some(reply().build(&(Variant::from(zbus::Dict::from(tree)),)).unwrap());
            }
            match state.leaves.get(&path) {
                Some(leaf) => reply().build(&(leaf.variant(),)).unwrap(),
                None => error("UnknownObject"),
            }
        }
        Some("SetValue") => set_value(message, &path, state)
            .map_or_else(|| error("UnknownObject"), |code| reply().build(&code).unwrap()),
        _ => error("UnknownMethod"),
    })
}

fn set_value(message: &Message, path: &str, state: &mut State) -> Option<i32> {
    let body = message.body();
    let value: Variant<'_> = body.deserialize().unwrap();
    state.calls.set_value.push(format!("{path} = {}", shown(&value)));
    if let Some(code) = state.refusals.get(path) {
        return Some(*code);
    }
    let leaf = state.leaves.get_mut(path)?;
    *leaf = match &value {
        Variant::I32(number) => self::leaf("i", *number),
        Variant::F64(number) => self::leaf("d", *number),
        Variant::Array(_) => Leaf::invalid(),
        other => panic!("a type that nobody expects: {other:?}"),
    };
    Some(0)
}

fn shown(value: &Variant<'_>) -> String {
    match value {
        Variant::I32(number) => format!("i {number}"),
        Variant::F64(number) => format!("d {number}"),
        Variant::Array(array) if array.is_empty() => "[]".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The end of an error message.
trait UnwrapError {
    fn unwrap_error(self) -> Message;
}

impl UnwrapError for zbus::message::Builder<'_> {
    fn unwrap_error(self) -> Message {
        self.build(&("no",)).unwrap()
    }
}
