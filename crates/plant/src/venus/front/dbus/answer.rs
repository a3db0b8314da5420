//! What a call is answered with.

use super::{
    ITEM,
    wire::{Of, attributes, bound, dict, value, variant},
};
use crate::venus::{
    gx::{Gx, NewSetting, Reply},
    serve::Shared,
    tree::{Attributes, Service},
    value::Value,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
};
use zbus::{
    Str, Variant,
    message::{Flags, Header, Message},
};

const SETTINGS: &str = "com.victronenergy.Settings";
const PEER: &str = "org.freedesktop.DBus.Peer";
const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";

const UNKNOWN_OBJECT: &str = "org.freedesktop.DBus.Error.UnknownObject";
const UNKNOWN_METHOD: &str = "org.freedesktop.DBus.Error.UnknownMethod";
const INVALID_ARGS: &str = "org.freedesktop.DBus.Error.InvalidArgs";

/// An error's name and words.
type Refusal = (&'static str, String);

/// Answers in the making: a message, or an error to be sent.
type Made = Result<zbus::Result<Message>, Refusal>;

/// The answer to a call, `None` where none is wanted, and whether something was written.
pub(super) fn answer(shared: &Shared, index: usize, call: &Message) -> (zbus::Result<Option<Message>>, bool) {
    let header = call.header();
    let mut gx = shared.gx();
    let before = gx.tree().revision();
    let made = made(&mut gx, index, call, &header);
    let wrote = gx.tree().revision() != before;
    drop(gx);
    if header.primary().flags().contains(Flags::NO_REPLY_EXPECTED) {
        return (Ok(None), wrote);
    }
    let reply = match made {
        Ok(reply) => reply,
        Err((name, words)) => Message::error(&header, name).build(&words.as_str()),
    };
    (reply.map(Some), wrote)
}

fn made(gx: &mut Gx, index: usize, call: &Message, header: &Header<'_>) -> Made {
    let path = header.path().map_or("/", |path| path.as_str()).to_owned();
    let member = header.member().map_or("", |member| member.as_str()).to_owned();
    let interface = header.interface().map(|interface| interface.as_str().to_owned());
    if matches!(&*member, "SetValue" | "SetDefault" | "AddSettings" | "AddSetting" | "AddSilentSetting") {
        gx.requests.dbus += 1;
    }
    let unknown = || (UNKNOWN_METHOD, format!("Method \"{member}\" does not exist at {path}"));
    match interface.as_deref() {
        Some(PEER) => match member.as_str() {
            "Ping" => Ok(Message::method_return(header).build(&())),
            "GetMachineId" => Ok(Message::method_return(header).build(&"02fc0000000102fc0000000102fc0000")),
            _ => Err(unknown()),
        },
        Some(INTROSPECTABLE) if member == "Introspect" => {
            let text = introspection(&gx.tree().services()[index], &path).ok_or_else(|| no_object(&path))?;
            Ok(Message::method_return(header).build(&text.as_str()))
        }
        Some(SETTINGS) => {
            settings(gx, index, call, header, (&path, &member)).unwrap_or_else(|| Err(unknown()))
        }
        // A call without an interface is for whoever knows the method.
        None | Some(ITEM) => {
            item(gx, index, call, header, (&path, &member)).unwrap_or_else(|| Err(unknown()))
        }
        Some(_) => Err(unknown()),
    }
}

fn no_object(path: &str) -> Refusal {
    (UNKNOWN_OBJECT, format!("No such object path '{path}'"))
}

/// `com.victronenergy.BusItem`; `None` = no such method here.
fn item(
    gx: &mut Gx,
    index: usize,
    call: &Message,
    header: &Header<'_>,
    (path, member): (&str, &str),
) -> Option<Made> {
    let service = &gx.tree().services()[index];
    let reply = || Message::method_return(header);
    if path == "/" || service.item(path).is_none() {
        if path != "/" && service.below(path).next().is_none() {
            return Some(Err(no_object(path)));
        }
        return match member {
            "GetItems" if path == "/" => {
                let items: HashMap<&str, _> = service
                    .items()
                    .map(|(path, item)| (path, attributes(service, item, Of::Items)))
                    .collect();
                Some(Ok(reply().build(&items)))
            }
            "GetValue" => {
                let values = service.below(path).map(|(key, item)| (key.to_owned(), variant(item.value())));
                Some(Ok(reply().build(&Variant::Dict(dict(values)))))
            }
            "GetText" => {
                let text = |item| Variant::Str(Str::from(service.text_of(item)));
                let texts = service.below(path).map(|(key, item)| (key.to_owned(), text(item)));
                Some(Ok(reply().build(&Variant::Dict(dict(texts)))))
            }
            _ => None,
        };
    }
    let item = service.item(path)?;
    match member {
        "GetValue" => Some(Ok(reply().build(&variant(item.value())))),
        "GetText" => Some(Ok(reply().build(&service.text_of(item).as_str()))),
        "GetDescription" => Some(Ok(reply().build(&"No description given"))),
        "SetValue" => Some(set_value(gx, index, call, header, path)),
        "GetMin" | "GetMax" | "GetDefault" => {
            item.attributes.as_ref().map(|own| Ok(reply().build(&attribute(own, member))))
        }
        "SetDefault" => {
            item.attributes.as_ref()?;
            let code = gx.reset_setting(index, path).code().unwrap_or(-1);
            Some(Ok(reply().build(&code)))
        }
        _ => None,
    }
}

fn attribute(own: &Attributes, member: &str) -> Variant<'static> {
    match member {
        "GetMin" => bound(&own.min),
        "GetMax" => bound(&own.max),
        _ => bound(&own.default),
    }
}

fn set_value(gx: &mut Gx, index: usize, call: &Message, header: &Header<'_>, path: &str) -> Made {
    let body = call.body();
    let argument: Variant<'_> =
        body.deserialize().map_err(|error| (INVALID_ARGS, format!("SetValue takes a variant: {error}")))?;
    let is_setting = gx.tree().services()[index].item(path).is_some_and(|item| item.attributes.is_some());
    let reply = match value(&argument) {
        Some(value) => gx.write_at(index, path, &value),
        None if is_setting => Reply::OutOfRange,
        None => Reply::ReadOnly,
    };
    match reply.code() {
        Some(code) => Ok(Message::method_return(header).build(&code)),
        None => Err(no_object(path)),
    }
}

/// `com.victronenergy.Settings`, on localsettings only: of a group, or of one setting.
fn settings(
    gx: &mut Gx,
    index: usize,
    call: &Message,
    header: &Header<'_>,
    (path, member): (&str, &str),
) -> Option<Made> {
    let service = &gx.tree().services()[index];
    if service.class != "settings" {
        return None;
    }
    if let Some(own) = service.item(path).and_then(|item| item.attributes.as_ref()) {
        return described(own, header, member);
    }
    if !matches!(path, "/" | "/Settings") {
        return None;
    }
    match member {
        "AddSettings" => Some(add_settings(gx, index, call, header)),
        "AddSetting" | "AddSilentSetting" => Some(add_setting(gx, index, call, header, member)),
        "RemoveSettings" => Some(remove_settings(gx, index, call, header)),
        _ => None,
    }
}

/// What one setting tells of itself: default, bounds, and whether its changes are not logged.
fn described(own: &Attributes, header: &Header<'_>, member: &str) -> Option<Made> {
    let silent = i32::from(own.silent);
    let reply = Message::method_return(header);
    match member {
        "GetAttributes" => {
            Some(Ok(reply.build(&(bound(&own.default), bound(&own.min), bound(&own.max), silent))))
        }
        "GetSilent" => Some(Ok(reply.build(&silent))),
        _ => None,
    }
}

fn remove_settings(gx: &mut Gx, index: usize, call: &Message, header: &Header<'_>) -> Made {
    let body = call.body();
    let paths: Vec<&str> =
        body.deserialize().map_err(|error| (INVALID_ARGS, format!("RemoveSettings takes as: {error}")))?;
    let codes: Vec<i32> = paths.into_iter().map(|path| gx.remove_setting(index, path)).collect();
    Ok(Message::method_return(header).build(&codes))
}

fn add_settings(gx: &mut Gx, index: usize, call: &Message, header: &Header<'_>) -> Made {
    let body = call.body();
    let entries: Vec<HashMap<&str, Variant<'_>>> =
        body.deserialize().map_err(|error| (INVALID_ARGS, format!("AddSettings takes aa{{sv}}: {error}")))?;
    let mut replies = Vec::new();
    for entry in entries {
        let get = |key: &str| entry.get(key).and_then(value);
        let path = get("path").and_then(|path| path.text().map(str::to_owned)).unwrap_or_default();
        let new = NewSetting {
            path,
            default: get("default").unwrap_or(Value::Invalid),
            min: get("min").unwrap_or(Value::Invalid),
            max: get("max").unwrap_or(Value::Invalid),
            silent: get("silent").and_then(|silent| silent.number()).is_some_and(|silent| silent > 0.0),
        };
        let added = gx.add_setting(index, &new);
        replies.push(HashMap::from([
            ("path", Variant::Str(Str::from(added.path))),
            ("error", Variant::I32(added.error)),
            ("value", variant(&added.value)),
        ]));
    }
    Ok(Message::method_return(header).build(&replies))
}

/// `AddSetting(group, name, default, type, min, max)`: the type is one of `i`, `f`, `s`.
fn add_setting(gx: &mut Gx, index: usize, call: &Message, header: &Header<'_>, member: &str) -> Made {
    type Arguments<'a> = (&'a str, &'a str, Variant<'a>, &'a str, Variant<'a>, Variant<'a>);
    let body = call.body();
    let (group, name, default, kind, min, max): Arguments<'_> =
        body.deserialize().map_err(|error| (INVALID_ARGS, format!("{member} takes ssvsvv: {error}")))?;
    let number = value(&default).and_then(|default| default.number());
    let default = match (kind, number) {
        ("i", Some(number)) => crate::venus::value::Kind::I32.of(number),
        ("f", Some(number)) => Value::F64(number),
        ("s", _) => value(&default).unwrap_or(Value::Invalid),
        _ => Value::Invalid,
    };
    let path = [group, name].map(|part| part.trim_matches('/')).join("/");
    let new = NewSetting {
        path: path.trim_start_matches('/').to_owned(),
        default,
        min: value(&min).unwrap_or(Value::Invalid),
        max: value(&max).unwrap_or(Value::Invalid),
        silent: member == "AddSilentSetting",
    };
    Ok(Message::method_return(header).build(&gx.add_setting(index, &new).error))
}

/// The nodes below a path, for tools that look around. `None` = no such node.
fn introspection(service: &Service, path: &str) -> Option<String> {
    let children: BTreeSet<&str> =
        service.below(path).filter_map(|(below, _)| below.split('/').next()).collect();
    if children.is_empty() && service.item(path).is_none() && path != "/" {
        return None;
    }
    let mut methods = BTreeMap::from([
        ("GetValue", r#"<arg type="v" direction="out"/>"#),
        ("GetText", r#"<arg type="v" direction="out"/>"#),
    ]);
    if path == "/" {
        methods.insert("GetItems", r#"<arg type="a{sa{sv}}" direction="out"/>"#);
    } else if service.item(path).is_some() {
        methods.insert("GetText", r#"<arg type="s" direction="out"/>"#);
        methods.insert("SetValue", r#"<arg type="v" direction="in"/><arg type="i" direction="out"/>"#);
    }
    let mut text = format!("<node><interface name=\"{ITEM}\">");
    for (name, arguments) in methods {
        let _ = write!(text, "<method name=\"{name}\">{arguments}</method>");
    }
    text.push_str("</interface>");
    for child in children {
        let _ = write!(text, "<node name=\"{child}\"/>");
    }
    text.push_str("</node>");
    Some(text)
}
