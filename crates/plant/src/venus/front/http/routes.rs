//! What each address answers.

use super::{Api, request::Request};
use crate::venus::{
    gx::{Gx, Reply},
    serve::Shared,
    tree::{Item, Service},
    value::Value,
};
use serde_json::{Map, Value as Json, json};
use std::sync::{Mutex, PoisonError};

/// The API's name for no value.
const NONE: Json = Json::Array(Vec::new());
const CONFIG_FILE: &str = "/data/dbus-api/config.json";

/// What is sent, and what it cost.
pub(super) struct Answer {
    pub(super) status: u16,
    /// `None` = no content, or a method that Python's server does not know.
    pub(super) json: Option<Json>,
    /// Calls on the bus.
    pub(super) calls: u64,
    /// Whether something on the bus changed.
    pub(super) wrote: bool,
}

impl Answer {
    fn new(status: u16, json: Json) -> Self {
        Self { status, json: Some(json), calls: 1, wrote: false }
    }

    fn ok(json: Json) -> Self {
        Self::new(200, json)
    }

    fn error(status: u16, words: impl Into<String>) -> Self {
        Self::new(status, json!({ "error": words.into(), "success": false }))
    }

    fn after(mut self, calls: u64) -> Self {
        self.calls = calls;
        self
    }
}

/// The server's own memory.
pub(super) struct Server {
    version: Api,
    started_ms: i64,
    config: Mutex<Option<Json>>,
}

impl Server {
    pub(super) fn new(version: Api, started_ms: i64) -> Self {
        Self { version, started_ms, config: Mutex::new(None) }
    }

    pub(super) fn route(&self, shared: &Shared, request: &Request) -> Answer {
        let mut gx = shared.gx();
        match (request.method.as_str(), self.version) {
            ("GET", _) => self.get(&gx, request),
            ("OPTIONS", _) => Answer { status: 204, json: None, calls: 0, wrote: false },
            ("POST", Api::V3) => self.post(&mut gx, request),
            _ => Answer { status: 501, json: None, calls: 0, wrote: false },
        }
    }

    fn get(&self, gx: &Gx, request: &Request) -> Answer {
        match (request.path.as_str(), self.version) {
            ("/" | "", _) => self.root(gx),
            ("/health", _) => self.health(gx),
            ("/services", _) => services(gx),
            ("/settings", _) => settings(gx),
            ("/value", _) => self.look(gx, request, "value"),
            ("/text", _) => self.look(gx, request, "text"),
            ("/ai-write-status", Api::V3) => write_status(gx),
            ("/config", Api::V3) => self.config(),
            _ => Answer::error(404, "Not found").after(0),
        }
    }

    fn root(&self, gx: &Gx) -> Answer {
        if self.version == Api::V1 {
            return Answer::ok(json!({
                "name": "Victron DBus API Server",
                "version": "1.0.0",
                "mode": "read-only",
                "endpoints": {
                    "GET /": "API information",
                    "GET /settings": "Get all settings from com.victronenergy.settings",
                    "GET /services": "List all Victron dbus services",
                    "GET /value?service=X&path=Y": "Get value from specific dbus path",
                    "GET /text?service=X&path=Y": "Get text representation of value",
                    "GET /health": "Health check",
                },
            }))
            .after(0);
        }
        let permit = Permit::of(gx);
        Answer::ok(json!({
            "name": "Victron DBus API Server",
            "version": "3.2.0",
            "mode": "read-write",
            "ai_write_enabled": permit.is_given,
            "ai_write_status": permit.message,
            "control_port": 8089,
            "endpoints": {
                "GET /": "API information",
                "GET /health": "Health check with uptime",
                "GET /services": "List all Victron dbus services",
                "GET /settings": "Get all settings from com.victronenergy.settings",
                "GET /value?service=X&path=Y": "Get value from specific dbus path",
                "GET /text?service=X&path=Y": "Get text representation of value",
                "GET /ai-write-status": "Check AI write switch status",
                "GET /config": "Get stored agent configuration",
                "POST /value": "Set value (requires AI_write switch ON)",
                "POST /config": "Save agent configuration",
            },
        }))
        .after(5)
    }

    fn health(&self, gx: &Gx) -> Answer {
        let json = match self.version {
            Api::V1 => json!({ "status": "healthy", "success": true }),
            Api::V3 => {
                let started =
                    jiff::Timestamp::from_millisecond(self.started_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
                json!({
                    "service": "dbus-api-server",
                    "version": "3.2.0",
                    "status": "healthy",
                    "started_at": started.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
                    "uptime_seconds": gx.now_ms().saturating_sub(self.started_ms) / 1_000,
                    "success": true,
                })
            }
        };
        Answer::ok(json).after(0)
    }

    /// `/value` and `/text`: a leaf, or all below a node.
    fn look(&self, gx: &Gx, request: &Request, what: &str) -> Answer {
        let (name, path) = (request.parameter("service"), request.parameter("path"));
        if name.is_empty() || path.is_empty() {
            return Answer::error(400, "Missing service or path parameter").after(0);
        }
        let found = match (on_bus(gx, name), is_object_path(path)) {
            (_, false) => Err(format!("Invalid object path '{path}'")),
            (None, true) => Err(format!(
                "org.freedesktop.DBus.Error.ServiceUnknown: The name {name} was not provided by any .service files"
            )),
            (Some(service), true) => read(service, path, what).ok_or_else(|| {
                format!("org.freedesktop.DBus.Error.UnknownObject: No such object path '{path}'")
            }),
        };
        match (found, self.version) {
            (Ok(value), _) => {
                Answer::ok(json!({ "service": name, "path": path, what: value, "success": true }))
            }
            (Err(words), Api::V1) => Answer::error(500, words),
            (Err(words), Api::V3) => Answer::new(
                404,
                json!({ "service": name, "path": path, what: null, "error": words, "success": false }),
            ),
        }
    }

    fn config(&self) -> Answer {
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        let json = match &*config {
            Some(config) => json!({ "config": config, "path": CONFIG_FILE, "success": true }),
            None => json!({
                "config": {}, "path": CONFIG_FILE, "message": "No configuration file found", "success": true,
            }),
        };
        Answer::ok(json).after(0)
    }

    fn post(&self, gx: &mut Gx, request: &Request) -> Answer {
        if request.body.is_empty() {
            return Answer::error(400, "Request body is required").after(0);
        }
        let body: Json = match serde_json::from_slice(&request.body) {
            Ok(body) => body,
            Err(error) => return Answer::error(400, format!("Invalid JSON: {error}")).after(0),
        };
        match request.path.as_str() {
            "/value" => set_value(gx, &body),
            "/config" => {
                let config = body.get("config").unwrap_or(&body).clone();
                *self.config.lock().unwrap_or_else(PoisonError::into_inner) = Some(config);
                let json = json!({ "message": "Configuration saved", "path": CONFIG_FILE, "success": true });
                Answer::ok(json).after(0)
            }
            _ => Answer::error(404, "Not found").after(0),
        }
    }
}

/// What a path shows.
fn read(service: &Service, path: &str, what: &str) -> Option<Json> {
    let shown = |item| match what {
        "text" => Json::from(service.text_of(item)),
        _ => item.value().json(&NONE),
    };
    if let Some(item) = service.item(path) {
        return Some(shown(item));
    }
    if service.below(path).next().is_none() && path != "/" {
        return None;
    }
    if what == "text" {
        return Some(pictured(service, path).into());
    }
    Some(Json::Object(service.below(path).map(|(key, item)| (key.to_owned(), shown(item))).collect()))
}

/// `/text` of an inner node: the original makes a string of the dictionary, and gets Python's picture of it.
fn pictured(service: &Service, path: &str) -> String {
    let quoted = |text: &str| {
        let escaped = text.replace('\\', "\\\\");
        if text.contains('\'') && !text.contains('"') {
            format!("\"{escaped}\"")
        } else {
            format!("'{}'", escaped.replace('\'', "\\'"))
        }
    };
    let entry = |(key, item): (&str, &Item)| {
        let text = quoted(&service.text_of(item));
        format!("dbus.String({}): dbus.String({text}, variant_level=1)", quoted(key))
    };
    let entries: Vec<String> = service.below(path).map(entry).collect();
    format!("dbus.Dictionary({{{}}}, signature=dbus.Signature('sv'))", entries.join(", "))
}

fn on_bus<'a>(gx: &'a Gx, name: &str) -> Option<&'a Service> {
    gx.tree().services().iter().find(|service| service.present && service.bus_name() == name)
}

fn is_object_path(path: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    path == "/" || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(plain))
}

fn services(gx: &Gx) -> Answer {
    let mut names: Vec<_> =
        gx.tree().services().iter().filter(|service| service.present).map(Service::bus_name).collect();
    names.sort();
    Answer::ok(json!({ "services": names, "count": names.len(), "success": true }))
}

fn settings(gx: &Gx) -> Answer {
    let Some(service) = gx.tree().service("settings").filter(|service| service.present) else {
        return Answer::error(
            500,
            "org.freedesktop.DBus.Error.ServiceUnknown: The name com.victronenergy.settings was not provided by any .service files",
        );
    };
    let mut all = Map::new();
    for (path, item) in service.items() {
        let mut one = Map::new();
        one.insert("Value".to_owned(), item.value().json(&NONE));
        one.insert("Text".to_owned(), service.text_of(item).into());
        if let Some(own) = &item.attributes {
            for (name, value) in [("Min", &own.min), ("Max", &own.max), ("Default", &own.default)] {
                if !value.is_invalid() {
                    one.insert(name.to_owned(), value.json(&NONE));
                }
            }
        }
        all.insert(path.to_owned(), Json::Object(one));
    }
    Answer::ok(json!({ "settings": all, "success": true }))
}

/// Whether writes are allowed: a virtual switch of Node-RED decides.
struct Permit {
    is_given: bool,
    message: &'static str,
    switch: Option<String>,
    details: Json,
}

impl Permit {
    fn of(gx: &Gx) -> Self {
        let setting = |path: &str| gx.tree().service("settings").and_then(|service| service.number(path));
        let is_large = setting("/Settings/System/ImageType").is_some_and(|kind| kind > 0.5);
        let has_node_red = setting("/Settings/Services/NodeRed").is_some_and(|on| on > 0.5);
        let named = |service: &&Service| {
            service.present
                && service.bus_name().contains("switch.virtual")
                && service
                    .item("/CustomName")
                    .and_then(|item| item.value().text())
                    .is_some_and(|name| name.eq_ignore_ascii_case("ai_write"))
        };
        let switch = gx.tree().services().iter().find(named);
        let state = switch.and_then(|switch| switch.number("/SwitchableOutput/output_1/State"));
        let details = json!({
            "venus_image_type": if is_large { "Large" } else { "Normal" },
            "nodered_enabled": has_node_red,
            "nodered_running": switch.is_some(),
            "switch_found": switch.is_some(),
            "switch_state": state.map(|state| state > 0.5).map(i32::from),
        });
        let message = match (is_large, has_node_red, switch.is_some(), state) {
            (false, ..) => {
                "Venus OS Normal image does not include NodeRED. Install Venus OS Large to use AI_write switch."
            }
            (_, false, ..) => {
                "NodeRED is disabled. Enable it in Remote Console > Settings > Services > NodeRED."
            }
            (_, _, false, _) => {
                "NodeRED is not running yet. It may still be starting (takes ~60s after boot). Please wait."
            }
            (.., Some(state)) if state > 0.5 => "AI_write is enabled",
            _ => "AI_write switch is OFF. Enable it in NodeRED or VRM to allow write operations.",
        };
        let is_given = message == "AI_write is enabled";
        Self { is_given, message, switch: switch.map(Service::bus_name), details }
    }
}

fn write_status(gx: &Gx) -> Answer {
    let permit = Permit::of(gx);
    Answer::ok(json!({
        "enabled": permit.is_given,
        "message": permit.message,
        "switch_service": permit.switch,
        "details": permit.details,
        "faq": {
            "create_switch": "In NodeRED, add a victron-virtual-switch node with CustomName set to \"AI_write\"",
            "toggle_switch": "Control the switch via VRM dashboard, Remote Console, or NodeRED flows",
        },
        "success": true,
    }))
    .after(5)
}

fn set_value(gx: &mut Gx, body: &Json) -> Answer {
    gx.requests.http += 1;
    let permit = Permit::of(gx);
    if !permit.is_given {
        let json = json!({
            "error": "AI write is disabled",
            "message": permit.message,
            "details": permit.details,
            "hint": "Enable the AI_write virtual switch in VRM or NodeRED to allow write operations",
            "success": false,
        });
        return Answer::new(403, json).after(5);
    }
    let text = |key: &str| body.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (name, path) = (text("service"), text("path"));
    if name.is_empty() || path.is_empty() {
        return Answer::error(400, "Missing service or path in request body").after(5);
    }
    let wanted = body.get("value").cloned().unwrap_or_default();
    if wanted.is_null() {
        return Answer::error(400, "Missing value in request body").after(5);
    }
    let before = on_bus(gx, &name).and_then(|service| read(service, &path, "value"));
    let index = gx.tree().services().iter().position(|service| service.present && service.bus_name() == name);
    let reply = match (index, Value::from_json(&wanted)) {
        (None, _) => Reply::NoService,
        (Some(_), None) => Reply::ReadOnly,
        (Some(index), Some(value)) => gx.write_at(index, &path, &value),
    };
    let reason = match reply {
        Reply::Taken => {
            let after = on_bus(gx, &name).and_then(|service| read(service, &path, "value"));
            let json = json!({
                "service": name, "path": path, "value": after, "previous_value": before, "success": true,
            });
            return Answer { wrote: true, ..Answer::ok(json).after(8) };
        }
        Reply::NoService => {
            let words = format!(
                "org.freedesktop.DBus.Error.ServiceUnknown: The name {name} was not provided by any .service files"
            );
            return Answer::error(500, words).after(7);
        }
        Reply::NoPath => {
            let words = format!("org.freedesktop.DBus.Error.UnknownObject: No such object path '{path}'");
            return Answer::error(500, words).after(7);
        }
        Reply::ReadOnly => "Path is not writable or the value has the wrong type",
        Reply::Rejected => "The service rejected the value",
        Reply::OutOfRange => "Value is out of range or of an invalid type",
    };
    let json = json!({
        "error": "Failed to set value (value may be out of range or invalid type)",
        "reason": reason,
        "requested_value": wanted,
        "success": false,
    });
    Answer::new(400, json).after(7)
}
