//! The device's own paths, looked up in its tree when somebody asks: nothing is copied with every reading.

use std::sync::{Arc, PoisonError, RwLock};

use ohmstead_model::{NativeKind, NativeRow, NativeSetting, Natives, Unknown, Value};

use super::catalogue::catalogue;
use super::site::Site;
use super::tree::{Item, Part, Tree};
use super::value::Scalar;

/// The paths of the way in use.
pub(crate) struct Vocabulary {
    tree: RwLock<Arc<RwLock<Tree>>>,
}

impl Vocabulary {
    pub(crate) fn new(tree: Arc<RwLock<Tree>>) -> Self {
        Self { tree: RwLock::new(tree) }
    }

    /// The tree in use.
    pub(crate) fn tree(&self) -> Arc<RwLock<Tree>> {
        Arc::clone(&self.tree.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn use_tree(&self, tree: Arc<RwLock<Tree>>) {
        *self.tree.write().unwrap_or_else(PoisonError::into_inner) = tree;
    }
}

impl Natives for Vocabulary {
    fn rows(&self, of: Option<&str>) -> Vec<NativeRow> {
        let tree = self.tree();
        let tree = tree.read().unwrap_or_else(PoisonError::into_inner);
        // A name on the bus may have belonged to another part before.
        let is_taken = of.is_some_and(|of| tree.service(of).is_some());
        let has_name = |part: &Part, of: &str| of == &*part.service && (part.is_here || !is_taken);
        let wanted = |key: &str, part: &Part| {
            of.is_none_or(|of| of == key || of == &*part.class || has_name(part, of))
        };
        let parts = tree.parts().filter(|(key, part)| wanted(key, part));
        parts
            .flat_map(|(key, part)| part.items.iter().map(|(path, item)| row(key, part, path, item)))
            .collect()
    }

    fn setting(&self, service: &str, path: &str) -> Option<NativeSetting> {
        let tree = self.tree();
        let tree = tree.read().unwrap_or_else(PoisonError::into_inner);
        let (metric, spot) = super::ess::setting_at(super::tree::class_of(service)?, path, &Site::of(&tree))?;
        Some(NativeSetting { metric, service: spot.service, path: spot.path })
    }
}

fn kind(value: Option<&Scalar>) -> NativeKind {
    match value {
        None => NativeKind::Nothing,
        Some(Scalar::Int(_)) => NativeKind::Int,
        Some(Scalar::Float(_)) => NativeKind::Float,
        Some(Scalar::Bool(_)) => NativeKind::Bool,
        Some(Scalar::Text(_)) => NativeKind::Text,
        Some(Scalar::Compound(_)) => NativeKind::Json,
    }
}

fn row(key: &Arc<str>, part: &Part, path: &Arc<str>, item: &Item) -> NativeRow {
    let known = catalogue().find(&part.class, path);
    let observation = match &item.value {
        _ if !part.is_here => Err(Unknown::Offline),
        None => Err(Unknown::NotReported),
        Some(value) => Ok(match value {
            Scalar::Text(text) | Scalar::Compound(text) => Value::Text(Arc::clone(text)),
            other => other.number().map_or_else(|| Value::text(other.to_string()), Value::Number),
        }),
    };
    let state = item.value.as_ref().and_then(Scalar::int);
    NativeRow {
        part: Arc::clone(key),
        service: Arc::clone(&part.service),
        path: Arc::clone(path),
        observation,
        kind: kind(item.value.as_ref()),
        limits: item.limits.clone(),
        text: item.text.clone(),
        unit: known.and_then(|row| row.unit),
        meaning: known.map_or("", |row| row.meaning),
        word: known.zip(state).and_then(|(row, state)| catalogue().word(row, state)),
        at: item.at,
    }
}

#[cfg(test)]
mod tests {
    use super::super::canonical::tests::house_with;
    use super::super::testing::tree;
    use super::*;
    use std::fmt::Write as _;

    use expect_test::expect;

    /// What stands for a path of `service`, and where it is written.
    fn written(house: &Arc<RwLock<Tree>>, service: &str, path: &str) -> Option<String> {
        let setting = Vocabulary::new(Arc::clone(house)).setting(service, path)?;
        Some(format!("{} at {} {}", setting.metric, setting.service, setting.path))
    }

    #[test]
    fn a_setting_is_written_in_one_place() {
        let settings = "com.victronenergy.settings";
        let setpoint = "/Settings/CGwacs/AcPowerSetPoint";
        let house = |changes| Arc::new(RwLock::new(house_with(changes)));
        let new = house(&[]);
        let at_override = "grid_setpoint at com.victronenergy.hub4 /Overrides/Setpoint";
        assert_eq!(written(&new, settings, setpoint).as_deref(), Some(at_override));
        assert_eq!(
            written(&new, "com.victronenergy.hub4", "/Overrides/Setpoint").as_deref(),
            Some(at_override)
        );
        let old = house(&[("platform", "/Firmware/Installed/Version", "v3.22")]);
        let at_setting = "grid_setpoint at com.victronenergy.settings /Settings/CGwacs/AcPowerSetPoint";
        assert_eq!(written(&old, settings, setpoint).as_deref(), Some(at_setting));
        assert_eq!(written(&new, settings, "/Settings/System/AutoUpdate"), None);
    }

    #[test]
    fn rows_say_what_they_are() {
        let tree = tree(&[
            ("vebus.ttyS4", "/Mode", "3"),
            ("vebus.ttyS4", "/Ac/Out/P", "125"),
            ("vebus.ttyS4", "/Made/Up", "x"),
            ("battery.can0", "/DeviceInstance", "512"),
            ("battery.can0", "/Soc", ""),
        ]);
        let vocabulary = Vocabulary::new(Arc::new(RwLock::new(tree)));
        let mut shown = String::new();
        for row in vocabulary.rows(None) {
            let value = row.observation.map_or_else(|why| why.to_string(), |value| format!("{value:?}"));
            writeln!(
                shown,
                "{} {} {value} {} {:?} {:?}",
                row.part,
                row.path,
                row.unit.unwrap_or("-"),
                row.word,
                row.meaning
            )
            .expect("a string");
        }
        expect![[r#"
            battery/512 /DeviceInstance Number(512.0) - None "VRM device instance, unique per service class"
            battery/512 /Soc the device does not report it % None "State of charge"
            vebus/0 /Ac/Out/P Number(125.0) W None "active power"
            vebus/0 /Made/Up Text("x") - None ""
            vebus/0 /Mode Number(3.0) - Some("On") "Switch Position"
        "#]]
        .assert_eq(&shown);
        assert_eq!(vocabulary.rows(Some("battery/512")).len(), 2);
        assert_eq!(vocabulary.rows(Some("com.victronenergy.vebus.ttyS4")).len(), 3);
        assert!(vocabulary.rows(Some("nothing")).is_empty());
    }
}
