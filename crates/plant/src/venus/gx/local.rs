//! localsettings: bounds, types, truncation, and settings that clients add.

use super::{Gx, Reply, SAVE_AFTER_MS};
use crate::venus::{
    style::Style,
    tree::{Access, Attributes, Item},
    value::{Kind, Value},
};

/// A setting that a client wants to have.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSetting {
    /// Below `/Settings`, or with it.
    pub path: String,
    /// Its type decides: int32, double or text.
    pub default: Value,
    /// Lower bound; invalid or equal to the upper one = none.
    pub min: Value,
    /// Upper bound.
    pub max: Value,
    /// Changes are not logged.
    pub silent: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct AddReply {
    /// As asked for.
    pub path: String,
    /// 0, or -2 underscore, -3 type, -4 path, -5 another type is there, -7 default out of range, -8 a group, -9 not below
    /// `/Settings`.
    pub error: i32,
    /// The value that it has now.
    pub value: Value,
}

impl Gx {
    /// `SetValue` of localsettings: an integer setting truncates, a text that is a number is one, bounds hold.
    pub(super) fn write_setting(&mut self, index: usize, path: &str, value: &Value) -> Reply {
        let service = &self.tree.services()[index];
        let Some((item, attributes)) =
            service.item(path).and_then(|item| Some((item, item.attributes.as_ref()?)))
        else {
            return Reply::NoPath;
        };
        let Some(value) = as_setting(item.kind, value) else { return Reply::OutOfRange };
        if !is_within(&value, attributes) {
            return Reply::OutOfRange;
        }
        if value == *item.own_value() || self.switches.ignore_writes {
            return Reply::Taken;
        }
        self.tree.next_revision();
        self.tree.services_mut()[index].set(path, value);
        self.touched();
        Reply::Taken
    }

    /// `SetDefault` back to where it was born; also the effect of `SetValue` with the default.
    pub fn reset_setting(&mut self, index: usize, path: &str) -> Reply {
        let default =
            self.tree.services().get(index).and_then(|service| service.item(path)?.attributes.clone());
        match default {
            Some(attributes) => self.write_setting(index, path, &attributes.default),
            None => Reply::NoPath,
        }
    }

    /// `AddSettings`, one entry. A setting that exists keeps its value and gets the new bounds and default.
    pub fn add_setting(&mut self, index: usize, new: &NewSetting) -> AddReply {
        let path = whole_path(&new.path);
        let error = self.try_add(index, &path, new).err().unwrap_or(0);
        let value = self
            .tree
            .services()
            .get(index)
            .and_then(|service| service.item(&path))
            .map_or(Value::Invalid, |item| item.own_value().clone());
        AddReply { path: new.path.clone(), error, value }
    }

    fn try_add(&mut self, index: usize, path: &str, new: &NewSetting) -> Result<(), i32> {
        let names: Vec<&str> = path.split('/').skip(1).collect();
        if names.iter().any(|name| name.starts_with('_')) {
            return Err(-2);
        }
        let plain = |name: &&str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        };
        if names.len() < 2 || names.len() > 16 || path.len() > 250 || !names.iter().all(plain) {
            return Err(-4);
        }
        let (kind, attributes) = described(new)?;
        let service = self.tree.services().get(index).ok_or(-4)?;
        if let Some(existing) = service.item(path) {
            if existing.kind != kind {
                return Err(-5);
            }
            if existing.attributes.as_ref() == Some(&attributes) {
                return Ok(());
            }
        } else {
            let mut parents = path.rmatch_indices('/').map(|(at, _)| &path[..at]);
            let is_below_a_leaf = parents.any(|parent| service.item(parent).is_some());
            if service.below(path).next().is_some() || is_below_a_leaf {
                return Err(-8);
            }
        }
        self.tree.next_revision();
        let service = &mut self.tree.services_mut()[index];
        if service.item(path).is_none() {
            let mut item = Item::new(kind, attributes.default.clone(), Style::Plain);
            item.access = Access::Write(|_| true);
            service.insert(path.to_owned(), item);
        }
        service.describe(path, attributes);
        self.touched();
        Ok(())
    }

    /// `RemoveSettings`, one entry: 0, or -1 where there is none. The file is written anew in either case.
    pub fn remove_setting(&mut self, index: usize, path: &str) -> i32 {
        let path = whole_path(path);
        self.touched();
        self.tree.next_revision();
        let service = self.tree.services_mut().get_mut(index);
        match service.filter(|service| service.item(&path).is_some()) {
            Some(service) => {
                service.remove(&path);
                0
            }
            None => -1,
        }
    }

    fn touched(&mut self) {
        self.wear.changes += 1;
        self.save_due_ms.get_or_insert(self.now_ms + SAVE_AFTER_MS);
    }
}

fn whole_path(path: &str) -> String {
    if path.starts_with("/Settings/") || path == "/Settings" {
        path.to_owned()
    } else {
        format!("/Settings/{}", path.trim_start_matches('/'))
    }
}

/// The type and the attributes of a new setting, or the error's number.
fn described(new: &NewSetting) -> Result<(Kind, Attributes), i32> {
    let kind = match &new.default {
        Value::Text(_) => Kind::Text,
        Value::F64(number) if number.is_finite() => Kind::F64,
        Value::F64(_) => return Err(-6),
        Value::I32(_)
        | Value::Bool(_)
        | Value::Byte(_)
        | Value::I16(_)
        | Value::U16(_)
        | Value::U32(_)
        | Value::I64(_)
        | Value::U64(_) => Kind::I32,
        _ => return Err(-3),
    };
    let attributes = attributes(kind, new);
    let default = as_setting(kind, &new.default).ok_or(-6)?;
    if !is_within(&default, &attributes) {
        return Err(-7);
    }
    Ok((kind, Attributes { default, ..attributes }))
}

fn attributes(kind: Kind, new: &NewSetting) -> Attributes {
    let bounds = new.min.number().zip(new.max.number());
    #[expect(clippy::float_cmp, reason = "min = max = 0 is how a client says that there are none")]
    let (min, max) = match bounds {
        Some((min, max)) if min != max && kind != Kind::Text => (kind.of(min), kind.of(max)),
        _ => (Value::Invalid, Value::Invalid),
    };
    Attributes { min, max, default: Value::Invalid, silent: new.silent }
}

/// A value in a setting's type.
fn as_setting(kind: Kind, value: &Value) -> Option<Value> {
    if kind == Kind::Text {
        return match value {
            Value::Text(text) => Some(Value::Text(text.clone())),
            Value::Invalid => None,
            // Python's str().
            other => Some(Value::Text(Style::Plain.text(other, ""))),
        };
    }
    let number = value.number().or_else(|| value.text()?.trim().parse().ok())?;
    let number = if kind == Kind::I32 { number.trunc() } else { number };
    let fits =
        number.is_finite() && (kind != Kind::I32 || (-2_147_483_648.0..=2_147_483_647.0).contains(&number));
    fits.then(|| kind.of(number))
}

fn is_within(value: &Value, attributes: &Attributes) -> bool {
    let Some(number) = value.number() else { return true };
    attributes.min.number().is_none_or(|min| number >= min)
        && attributes.max.number().is_none_or(|max| number <= max)
}
