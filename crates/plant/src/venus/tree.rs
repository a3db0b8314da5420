//! The services of a GX and the paths below them, with the revision at which each last changed.

use super::{
    style::Style,
    value::{Kind, Value},
};
use std::collections::BTreeMap;

/// Whether a client may write a path.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// `SetValue` answers 1.
    Read,
    /// `SetValue` answers 0, or 2 where the owner refuses the value.
    Write(fn(&Value) -> bool),
}

/// What a setting has beside its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributes {
    /// Lower bound; invalid = none.
    pub min: Value,
    /// Upper bound; invalid = none.
    pub max: Value,
    /// Its value before anyone set it; the type of the setting follows from it.
    pub default: Value,
    /// Changes are not logged.
    pub silent: bool,
}

/// A leaf of a service.
#[derive(Debug, Clone)]
pub struct Item {
    /// The type that its owner gives it.
    pub kind: Kind,
    value: Value,
    /// What is shown instead of the value, while a switch says so.
    pinned: Option<Value>,
    /// The text of a recording, which has its own formatter.
    recorded_text: Option<String>,
    /// The formatter.
    pub style: Style,
    /// Whether clients may write it.
    pub access: Access,
    /// Present on settings only.
    pub attributes: Option<Attributes>,
    revision: u64,
    /// When its attributes last changed.
    described: u64,
}

impl Item {
    /// A leaf with a value.
    pub fn new(kind: Kind, value: Value, style: Style) -> Self {
        Self {
            kind,
            value,
            pinned: None,
            recorded_text: None,
            style,
            access: Access::Read,
            attributes: None,
            revision: 0,
            described: 0,
        }
    }

    /// Whether its attributes changed after a revision.
    pub fn is_described_since(&self, revision: u64) -> bool {
        self.described > revision
    }

    /// What clients see.
    pub fn value(&self) -> &Value {
        self.pinned.as_ref().unwrap_or(&self.value)
    }

    /// What the owner holds, whatever is shown.
    pub fn own_value(&self) -> &Value {
        &self.value
    }
}

/// A D-Bus service.
#[derive(Debug, Clone)]
pub struct Service {
    /// `vebus`, `battery` and so on.
    pub class: String,
    /// What follows the class in the bus name, such as `ttyS4`.
    pub connection: Option<String>,
    /// `/DeviceInstance`, 0 for services without one.
    pub instance: u32,
    /// Whether it is on the bus.
    pub present: bool,
    /// How often it has come to the bus; another life has another unique name.
    pub life: u32,
    /// The text of an invalid value: `---` from velib, nothing from the C++ drivers.
    pub none: &'static str,
    items: BTreeMap<String, Item>,
    revision: u64,
}

impl Service {
    /// A service without paths.
    pub fn new(class: impl Into<String>, connection: Option<String>, instance: u32) -> Self {
        Self {
            class: class.into(),
            connection,
            instance,
            present: true,
            life: 1,
            none: "---",
            items: BTreeMap::new(),
            revision: 1,
        }
    }

    /// `com.victronenergy.<class>` and, where there is one, `.<connection>`.
    pub fn bus_name(&self) -> String {
        match &self.connection {
            Some(connection) => format!("com.victronenergy.{}.{connection}", self.class),
            None => format!("com.victronenergy.{}", self.class),
        }
    }

    /// Adds a leaf.
    pub fn insert(&mut self, path: impl Into<String>, mut item: Item) {
        item.revision = self.revision;
        self.items.insert(path.into(), item);
    }

    /// Gives a setting other attributes, of which listeners are told.
    pub fn describe(&mut self, path: &str, attributes: Attributes) {
        let revision = self.revision;
        if let Some(item) = self.items.get_mut(path) {
            item.attributes = Some(attributes);
            (item.revision, item.described) = (revision, revision);
        }
    }

    /// Takes a leaf away.
    pub fn remove(&mut self, path: &str) {
        self.items.remove(path);
    }

    /// A leaf.
    pub fn item(&self, path: &str) -> Option<&Item> {
        self.items.get(path)
    }

    /// A leaf, to change what it is; its value is changed with [`Service::set`].
    pub fn item_mut(&mut self, path: &str) -> Option<&mut Item> {
        self.items.get_mut(path)
    }

    /// All leaves in the order of their paths.
    pub fn items(&self) -> impl Iterator<Item = (&str, &Item)> {
        self.items.iter().map(|(path, item)| (path.as_str(), item))
    }

    /// The leaves below an inner node, with their paths relative to it; empty where there is no such node.
    pub fn below<'a>(&'a self, node: &str) -> impl Iterator<Item = (&'a str, &'a Item)> {
        let prefix = format!("{}/", node.trim_end_matches('/'));
        let skip = prefix.len();
        self.items
            .range(prefix.clone()..)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(move |(path, item)| (&path[skip..], item))
    }

    /// The leaves that changed after a revision.
    pub fn changed_since(&self, revision: u64) -> impl Iterator<Item = (&str, &Item)> {
        self.items().filter(move |(_, item)| item.revision > revision)
    }

    /// The text of a leaf.
    pub fn text_of(&self, item: &Item) -> String {
        match (&item.recorded_text, &item.pinned) {
            (Some(text), None) => text.clone(),
            _ => item.style.text(item.value(), self.none),
        }
    }

    /// The number at a path.
    pub fn number(&self, path: &str) -> Option<f64> {
        self.item(path).and_then(|item| item.own_value().number())
    }

    /// Sets a value as it is. Gives whether it changed.
    pub fn set(&mut self, path: &str, value: Value) -> bool {
        let revision = self.revision;
        let Some(item) = self.items.get_mut(path) else {
            debug_assert!(false, "no path {path} in {}", self.class);
            return false;
        };
        if item.value == value {
            return false;
        }
        item.value = value;
        if item.pinned.is_none() {
            item.revision = revision;
        }
        true
    }

    /// Sets a value that is told to whoever asks, and never by signal.
    pub fn set_quietly(&mut self, path: &str, value: Value) {
        if let Some(item) = self.items.get_mut(path) {
            item.value = value;
        }
    }

    /// Sets a value and its text, as a recording has them.
    pub fn set_recorded(&mut self, path: &str, value: Value, text: String) {
        let revision = self.revision;
        let item = self.items.entry(path.to_owned()).or_insert_with(|| {
            Item::new(value.kind().unwrap_or(Kind::Compound), Value::Invalid, Style::Plain)
        });
        if item.value != value || item.recorded_text.as_ref() != Some(&text) {
            item.value = value;
            item.recorded_text = Some(text);
            item.revision = revision;
        }
    }

    /// Sets a number in the path's own type; not a number = invalid.
    pub fn put(&mut self, path: &str, number: f64) {
        let kind = self.items.get(path).map_or(Kind::F64, |item| item.kind);
        self.set(path, kind.of(number));
    }

    /// Sets a number, or invalid.
    pub fn put_or_clear(&mut self, path: &str, number: Option<f64>) {
        self.put(path, number.unwrap_or(f64::NAN));
    }

    /// Sets a text.
    pub fn put_text(&mut self, path: &str, text: &str) {
        self.set(path, Value::from(text));
    }

    /// Shows another value than the owner's, or the owner's again.
    pub fn pin(&mut self, path: &str, value: Option<Value>) {
        let revision = self.revision;
        if let Some(item) = self.items.get_mut(path)
            && item.pinned != value
        {
            item.pinned = value;
            item.revision = revision;
        }
    }

    /// Off the bus: nobody is told anything.
    pub fn vanish(&mut self) {
        self.present = false;
    }

    /// Back on the bus, as another process and perhaps under another name.
    pub fn return_as(&mut self, connection: Option<String>) {
        self.present = true;
        self.life += 1;
        self.connection = connection;
    }
}

/// All services.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    services: Vec<Service>,
    revision: u64,
}

impl Tree {
    /// Adds a service.
    pub fn push(&mut self, service: Service) {
        self.services.push(service);
    }

    /// All services, present or not.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The same, to change them.
    pub fn services_mut(&mut self) -> &mut [Service] {
        &mut self.services
    }

    /// The revision that changes made now belong to.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Opens another revision: what changes from now on is newer than all before.
    pub fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        for service in &mut self.services {
            service.revision = self.revision;
        }
        self.revision
    }

    /// Where a service is, by its bus name, by `class/instance`, or by the class of the first one.
    pub fn index(&self, name: &str) -> Option<usize> {
        let by = |fits: &dyn Fn(&Service) -> bool| self.services.iter().position(fits);
        if name.starts_with("com.victronenergy.") {
            return by(&|service| service.bus_name() == name);
        }
        match name.split_once('/') {
            Some((class, instance)) => {
                let instance: u32 = instance.parse().ok()?;
                by(&|service| service.class == class && service.instance == instance)
            }
            None => by(&|service| service.class == name),
        }
    }

    /// A service, by the names that [`Tree::index`] knows.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.index(name).map(|index| &self.services[index])
    }

    /// The same, to change it.
    pub fn service_mut(&mut self, name: &str) -> Option<&mut Service> {
        self.index(name).map(|index| &mut self.services[index])
    }
}
