//! What a GX device has told: services by their identity, and their paths.
//!
//! A service's name on the bus changes when a cable is plugged into another port; its class and device instance do not.
//! A part is therefore `battery/512`, and it stays when its service goes: its values are unknown then, and they come back.

use std::collections::BTreeMap;
use std::sync::Arc;

use ohmstead_model::{Moment, NativeLimits};

use super::catalogue::catalogue;
use super::roster::Roster;
use super::value::Scalar;

/// More services than any installation has.
const PARTS_MAX: usize = 256;
/// More paths than any service has.
const ITEMS_MAX: usize = 8192;
/// What every name of a service begins with.
pub(crate) const PREFIX: &str = "com.victronenergy.";
/// Where a service says which of its class it is.
const INSTANCE: &str = "/DeviceInstance";

/// A value with its text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// Where.
    pub(crate) path: Arc<str>,
    /// The value; `None` where there is none at present.
    pub(crate) value: Option<Scalar>,
    /// The device's own text for it; `None` where it was not told.
    pub(crate) text: Option<Arc<str>>,
    /// What the device lets it be; `None` where it was not told.
    pub(crate) limits: Option<Arc<NativeLimits>>,
}

/// A path's newest value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    /// The value; `None` where there is none at present.
    pub(crate) value: Option<Scalar>,
    /// The device's own text for it.
    pub(crate) text: Option<Arc<str>>,
    /// What the device lets it be.
    pub(crate) limits: Option<Arc<NativeLimits>>,
    /// When it was last told.
    pub(crate) at: Moment,
}

/// One service.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// `battery`.
    pub(crate) class: Arc<str>,
    /// Which one of its class.
    pub(crate) instance: i64,
    /// Its name on the bus at present, or as it was last.
    pub(crate) service: Arc<str>,
    /// Whether it is there.
    pub(crate) is_here: bool,
    /// When all its values were last read.
    pub(crate) read_at: Moment,
    /// Its paths.
    pub(crate) items: BTreeMap<Arc<str>, Item>,
}

/// Everything that was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    parts: BTreeMap<Arc<str>, Part>,
    /// Values that did not find room.
    pub(crate) dropped: u64,
    /// What belongs to the installation, there or not.
    pub(crate) roster: Roster,
    zero_is_none: bool,
}

impl Tree {
    /// For a way that has no other word for "no value" than 0.
    pub(crate) fn of_zeros() -> Self {
        Self { zero_is_none: true, ..Self::default() }
    }

    /// Whether a value that is not there may have been a 0.
    pub(crate) fn zero_is_none(&self) -> bool {
        self.zero_is_none
    }

    /// A service with all its values: it is new, or it was read again. What it does not have any more is gone.
    pub(crate) fn up(&mut self, service: &str, items: Vec<Told>, at: Moment) {
        let Some(class) = class_of(service) else { return };
        let told =
            |path: &str| items.iter().find(|item| &*item.path == path).and_then(|item| item.value.as_ref());
        let instance =
            if has_no_instance(class) { 0 } else { told(INSTANCE).and_then(Scalar::int).unwrap_or(0) };
        let key = self.key_for(class, instance, service);
        if !self.parts.contains_key(&key) && self.parts.len() >= PARTS_MAX {
            self.parts.retain(|_, part| part.is_here);
            if self.parts.len() >= PARTS_MAX {
                self.dropped += items.len() as u64;
                return;
            }
        }
        self.forget_other_keys(service, &key);
        let mut part = Part {
            class: Arc::from(class),
            instance,
            service: Arc::from(service),
            is_here: true,
            read_at: at,
            items: BTreeMap::new(),
        };
        let before = self.parts.remove(&key);
        for item in items {
            // Names repeat with every reading: the ones that are known are kept.
            let path = before
                .as_ref()
                .and_then(|part| part.items.get_key_value(&item.path))
                .map_or(item.path.clone(), |(path, _)| Arc::clone(path));
            self.dropped += u64::from(!part.put(Told { path, ..item }, at));
        }
        self.parts.insert(key, part);
    }

    /// Values of a service changed. `false` where the service is not known.
    pub(crate) fn change(&mut self, service: &str, items: Vec<Told>, at: Moment) -> bool {
        let Some(part) = self.parts.values_mut().find(|part| part.is_here && &*part.service == service)
        else {
            return false;
        };
        for item in items {
            self.dropped += u64::from(!part.put(item, at));
        }
        true
    }

    /// A service is not there any more: of what it told nothing is known.
    pub(crate) fn gone(&mut self, service: &str) {
        for part in self.parts.values_mut().filter(|part| &*part.service == service) {
            part.is_here = false;
        }
    }

    /// Nothing is there any more.
    pub(crate) fn all_gone(&mut self) {
        for part in self.parts.values_mut() {
            part.is_here = false;
        }
    }

    /// Every part with its key, those that are gone too.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Arc<str>, &Part)> {
        self.parts.iter()
    }

    /// The parts of a class that are there, the lowest instance first.
    pub(crate) fn of_class<'a>(&'a self, class: &str) -> impl Iterator<Item = &'a Part> + use<'a> {
        let mut found: Vec<_> =
            self.parts.values().filter(|part| part.is_here && &*part.class == class).collect();
        found.sort_by_key(|part| part.instance);
        found.into_iter()
    }

    /// The one of a class of which there is one, or the first.
    pub(crate) fn first(&self, class: &str) -> Option<&Part> {
        self.parts
            .values()
            .filter(|part| part.is_here && &*part.class == class)
            .min_by_key(|part| part.instance)
    }

    /// When the one of these parts was read whose reading is the longest ago.
    pub(crate) fn oldest_reading(&self, mut counts: impl FnMut(&Part) -> bool) -> Option<Moment> {
        let parts = self.parts.values().filter(|part| part.is_here && counts(part));
        parts.map(|part| part.read_at).min_by_key(|at| at.mono)
    }

    /// Whether a part of a class was there during this run and is not any more.
    pub(crate) fn has_lost(&self, class: &str) -> bool {
        self.parts.values().any(|part| !part.is_here && &*part.class == class)
    }

    /// The part whose service has this name, if it is there.
    pub(crate) fn service(&self, name: &str) -> Option<&Part> {
        self.parts.values().find(|part| part.is_here && &*part.service == name)
    }

    /// The part with this key (`battery/512`), if it is there.
    pub(crate) fn part(&self, key: &str) -> Option<&Part> {
        self.parts.get(key).filter(|part| part.is_here)
    }

    /// Two services of one class may claim one instance: the second keeps its connection in its name.
    fn key_for(&self, class: &str, instance: i64, service: &str) -> Arc<str> {
        let key = format!("{class}/{instance}");
        let taken =
            self.parts.get(key.as_str()).is_some_and(|part| part.is_here && &*part.service != service);
        let connection = service
            .strip_prefix(PREFIX)
            .and_then(|name| name.split_once('.'))
            .map(|(_, connection)| connection);
        match connection.filter(|_| taken) {
            Some(connection) => Arc::from(format!("{key}:{connection}")),
            None => Arc::from(key),
        }
    }

    /// A service that tells another instance than before is another part.
    fn forget_other_keys(&mut self, service: &str, key: &str) {
        self.parts.retain(|known, part| &**known == key || &*part.service != service || !part.is_here);
    }
}

impl Part {
    /// The value of `path`, if there is one.
    pub(crate) fn value(&self, path: &str) -> Option<&Scalar> {
        self.items.get(path)?.value.as_ref()
    }

    /// The number at `path`, if there is one.
    pub(crate) fn number(&self, path: &str) -> Option<f64> {
        self.value(path)?.number()
    }

    /// The whole number at `path`, if there is one.
    pub(crate) fn int(&self, path: &str) -> Option<i64> {
        self.value(path)?.int()
    }

    /// The text at `path`, if it says something.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.value(path)?.as_text()
    }

    /// Whether the service has the path at all, with a value or without.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.items.contains_key(path)
    }

    /// Whether there was room.
    fn put(&mut self, told: Told, at: Moment) -> bool {
        let value = told.value.filter(|value| !is_sentinel(&self.class, &told.path, value));
        if let Some(item) = self.items.get_mut(&told.path) {
            let is_same = item.value == value;
            // A text that was not sent along belongs to the old value.
            let text = told.text.or_else(|| item.text.take().filter(|_| is_same));
            let limits = told.limits.or_else(|| item.limits.take());
            *item = Item { value, text, limits, at };
            return true;
        }
        let has_room = self.items.len() < ITEMS_MAX;
        if has_room {
            self.items.insert(told.path, Item { value, text: told.text, limits: told.limits, at });
        }
        has_room
    }
}

/// The class of a service: `battery` of `com.victronenergy.battery.ttyO0`.
pub(crate) fn class_of(service: &str) -> Option<&str> {
    let name = service.strip_prefix(PREFIX)?;
    let class = name.split(['.', '/']).next().unwrap_or(name);
    (!class.is_empty()).then_some(class)
}

/// The services of which there is one, and whose instance says nothing.
fn has_no_instance(class: &str) -> bool {
    matches!(class, "settings" | "platform" | "hub4" | "vecan")
}

/// Numbers that some drivers send for "not set", as far as the way that tells them goes: a register of hundreds of watts
/// has 32800 for 32766.
fn is_sentinel(class: &str, path: &str, value: &Scalar) -> bool {
    let sentinel = if path.starts_with("/BatteryOperationalLimits/") {
        655.35
    } else if path.starts_with("/Hub4/") && path.ends_with("/MaxFeedInPower") {
        32_766.0
    } else {
        return false;
    };
    let registers = catalogue().find(class, path).map_or(&[][..], |row| &row.registers);
    let step = registers.iter().map(|register| 1.0 / register.scale.abs()).fold(1e-3, f64::max);
    value.number().is_some_and(|number| (number - sentinel).abs() < step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn at(seconds: u64) -> Moment {
        Moment::default().plus(Duration::from_secs(seconds))
    }

    fn told(path: &str, value: Option<Scalar>) -> Told {
        Told { path: Arc::from(path), value, text: None, limits: None }
    }

    fn battery(instance: i64, soc: f64) -> Vec<Told> {
        vec![told(INSTANCE, Some(Scalar::Int(instance))), told("/Soc", Some(Scalar::Float(soc)))]
    }

    #[test]
    fn a_part_survives_a_new_name_on_the_bus() {
        let mut tree = Tree::default();
        tree.up("com.victronenergy.battery.ttyO0", battery(512, 80.0), at(0));
        tree.gone("com.victronenergy.battery.ttyO0");
        assert!(tree.part("battery/512").is_none());
        tree.up("com.victronenergy.battery.ttyUSB3", battery(512, 79.0), at(9));
        let part = tree.part("battery/512").expect("it is back");
        assert_eq!((&*part.service, part.number("/Soc")), ("com.victronenergy.battery.ttyUSB3", Some(79.0)));
        assert_eq!(tree.parts().count(), 1);
    }

    #[test]
    fn two_services_that_claim_one_instance_are_kept_apart() {
        let mut tree = Tree::default();
        tree.up("com.victronenergy.battery.a", battery(1, 80.0), at(0));
        tree.up("com.victronenergy.battery.b", battery(1, 20.0), at(0));
        tree.up("com.victronenergy.battery.a", battery(1, 81.0), at(1));
        let parts: Vec<_> = tree.parts().map(|(key, part)| (key.to_string(), part.number("/Soc"))).collect();
        assert_eq!(parts, [("battery/1".to_owned(), Some(81.0)), ("battery/1:b".to_owned(), Some(20.0))]);
    }

    #[test]
    fn a_text_does_not_outlive_its_value() {
        let mut tree = Tree::default();
        let soc = |value, text: Option<&str>| {
            vec![Told {
                path: "/Soc".into(),
                value: Some(Scalar::Int(value)),
                text: text.map(Arc::from),
                limits: None,
            }]
        };
        tree.up("com.victronenergy.battery.a", soc(80, Some("80 %")), at(0));
        tree.change("com.victronenergy.battery.a", soc(80, None), at(1));
        let text = |tree: &Tree| tree.part("battery/0").and_then(|part| part.items.get("/Soc")?.text.clone());
        assert_eq!(text(&tree).as_deref(), Some("80 %"));
        tree.change("com.victronenergy.battery.a", soc(79, None), at(1));
        assert_eq!(text(&tree), None);
    }

    #[test]
    fn sentinels_are_no_values() {
        let mut tree = Tree::default();
        let items = vec![
            told("/BatteryOperationalLimits/BatteryLowVoltage", Some(Scalar::Float(655.35))),
            told("/Hub4/L1/MaxFeedInPower", Some(Scalar::Int(32_766))),
            told("/Hub4/L2/MaxFeedInPower", Some(Scalar::Float(32_800.0))),
            told("/Hub4/L3/MaxFeedInPower", Some(Scalar::Float(32_600.0))),
            told("/Ac/Out/P", Some(Scalar::Int(32_766))),
        ];
        tree.up("com.victronenergy.vebus.ttyS4", items, at(0));
        let part = tree.first("vebus").expect("it is there");
        assert_eq!(part.value("/BatteryOperationalLimits/BatteryLowVoltage"), None);
        assert_eq!(part.value("/Hub4/L1/MaxFeedInPower"), None);
        // As a register of hundreds of watts has it.
        assert_eq!(part.value("/Hub4/L2/MaxFeedInPower"), None);
        assert_eq!(part.number("/Hub4/L3/MaxFeedInPower"), Some(32_600.0));
        assert_eq!(part.number("/Ac/Out/P"), Some(32_766.0));
    }

    #[test]
    fn a_flood_of_names_finds_an_end() {
        let mut tree = Tree::default();
        for i in 0..2 * PARTS_MAX {
            tree.up(
                &format!("com.victronenergy.tank.t{i}"),
                battery(i64::try_from(i).unwrap_or(0), 1.0),
                at(0),
            );
        }
        assert_eq!(tree.parts().count(), PARTS_MAX);
        let flood = (0..2 * ITEMS_MAX).map(|i| told(&format!("/x/{i}"), None)).collect();
        tree.change("com.victronenergy.tank.t0", flood, at(0));
        assert_eq!(tree.part("tank/0").map(|part| part.items.len()), Some(ITEMS_MAX));
        assert!(tree.dropped > 0);
    }

    proptest! {
        /// Whatever order services come, change and go in: what is gone has no values, what is there has its last one.
        #[test]
        fn the_last_word_counts(steps in proptest::collection::vec((0..3u8, 0..4u8, 0..100i64), 0..60)) {
            let mut tree = Tree::default();
            let mut model: BTreeMap<String, i64> = BTreeMap::new();
            for (step, which, value) in steps {
                let service = format!("com.victronenergy.battery.b{which}");
                let items = vec![told(INSTANCE, Some(Scalar::Int(i64::from(which)))), told("/Soc", Some(Scalar::Int(value)))];
                match step {
                    0 => { tree.up(&service, items, at(0)); model.insert(service, value); }
                    1 => if tree.change(&service, items, at(0)) { model.insert(service, value); },
                    _ => { tree.gone(&service); model.remove(&service); }
                }
            }
            let here: BTreeMap<_, _> = tree.of_class("battery").map(|part| (part.service.to_string(), part.int("/Soc").unwrap_or(-1))).collect();
            prop_assert_eq!(here, model);
        }
    }
}
