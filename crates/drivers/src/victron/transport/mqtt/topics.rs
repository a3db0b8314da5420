//! Topics and payloads of a GX device's broker, and the services that they add up to. Pure.
//!
//! ```text
//! N/c0619ab9929a/battery/512/Dc/0/Voltage   {"value":51.2}     null: no value; empty: the path is gone
//!   portal       class   instance path
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::super::{Event, Spot, naming};
use crate::victron::tree::Told;
use crate::victron::value::{Scalar, from_json};

/// More than any device has.
const SERVICES_MAX: usize = 256;
const PATHS_MAX: usize = 8192;

/// What a topic of the device is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Topic<'a> {
    /// A path of a service: class, instance, path with its slash.
    Path(&'a str, &'a str, &'a str),
    /// Everything has been sent once.
    Completed,
    /// A sign of life.
    Life,
    /// The publisher has just started.
    Restarted,
}

/// The portal and the rest of a topic.
pub(super) fn portal_of(topic: &str) -> Option<(&str, &str)> {
    topic.strip_prefix("N/")?.split_once('/')
}

/// What the rest of a topic, behind the portal, is about.
pub(super) fn parse(rest: &str) -> Option<Topic<'_>> {
    match rest {
        "full_publish_completed" => return Some(Topic::Completed),
        "heartbeat" => return Some(Topic::Life),
        "keepalive" => return Some(Topic::Restarted),
        _ => {}
    }
    let (class, rest) = rest.split_once('/')?;
    let slash = rest.find('/')?;
    let (instance, path) = rest.split_at(slash);
    let is_class = !class.is_empty() && class.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_instance = instance.parse::<i64>().is_ok();
    (is_class && is_instance && path.len() > 1 && rest.len() <= 255)
        .then_some(Topic::Path(class, instance, path))
}

/// The topic of a value, behind `N/`, `R/` or `W/`.
pub(super) fn topic_of(portal: &str, spot: &Spot) -> Option<String> {
    let (class, instance) = naming::parts(&spot.service)?;
    Some(format!("{portal}/{class}/{instance}{}", spot.path))
}

/// The value in a payload.
pub(super) fn value(payload: &[u8]) -> Option<Scalar> {
    let json: Json = serde_json::from_slice(payload).ok()?;
    from_json(json.get("value")?)
}

/// A value as a payload.
pub(super) fn payload(value: Option<&Scalar>) -> String {
    let value = match value {
        None => Json::Null,
        Some(Scalar::Int(number)) => (*number).into(),
        Some(Scalar::Float(number)) => (*number).into(),
        Some(Scalar::Bool(truth)) => (*truth).into(),
        Some(Scalar::Text(text) | Scalar::Compound(text)) => (&**text).into(),
    };
    serde_json::json!({ "value": value }).to_string()
}

/// The services that the messages add up to. A new one is told as a whole, once its messages stop coming.
#[derive(Debug, Default)]
pub(super) struct Services {
    /// Paths of the services that were told.
    told: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Values of services that were not.
    new: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Option<Scalar>>>,
    /// Services that were told before everything was asked for anew, and of which nothing came since.
    left: BTreeSet<Arc<str>>,
}

impl Services {
    /// Takes a message in; what is to be told of it now.
    pub(super) fn take(&mut self, service: &str, path: &str, payload: &[u8]) -> Option<Event> {
        let is_gone = payload.is_empty();
        if let Some((name, paths)) = self
            .told
            .get_key_value(service)
            .map(|(name, _)| Arc::clone(name))
            .and_then(|name| Some((Arc::clone(&name), self.told.get_mut(&name)?)))
        {
            if is_gone {
                paths.remove(path);
                if paths.is_empty() {
                    self.told.remove(&name);
                    return Some(Event::Gone { service: name });
                }
            } else if !paths.contains(path) && paths.len() < PATHS_MAX {
                paths.insert(Arc::from(path));
            }
            let told = Told { path: Arc::from(path), value: value(payload), text: None, limits: None };
            return Some(Event::Changed { service: name, items: vec![told] });
        }
        if is_gone {
            // It left before it was told.
            if let Some(paths) = self.new.get_mut(service) {
                paths.remove(path);
                if paths.is_empty() {
                    self.new.remove(service);
                }
            }
        } else if self.new.contains_key(service) || self.new.len() + self.told.len() < SERVICES_MAX {
            let paths = self.new.entry(Arc::from(service)).or_default();
            if paths.len() < PATHS_MAX {
                paths.insert(Arc::from(path), value(payload));
            }
        }
        None
    }

    /// Everything is told again: whoever does not come until the next flush has gone without a word.
    pub(super) fn start_anew(&mut self) {
        self.left.extend(std::mem::take(&mut self.told).into_keys());
    }

    /// Whether there are services to be told.
    pub(super) fn has_new(&self) -> bool {
        !self.new.is_empty()
    }

    /// The new services as a whole, and those that did not come again.
    pub(super) fn flush(&mut self) -> Vec<Event> {
        let new = std::mem::take(&mut self.new);
        let left = std::mem::take(&mut self.left).into_iter().filter(|service| !new.contains_key(service));
        let gone: Vec<_> = left.map(|service| Event::Gone { service }).collect();
        let event = |(service, values): (Arc<str>, BTreeMap<Arc<str>, Option<Scalar>>)| {
            self.told.insert(Arc::clone(&service), values.keys().cloned().collect());
            let mut items: Vec<_> = values
                .into_iter()
                .map(|(path, value)| Told { path, value, text: None, limits: None })
                .collect();
            // The topic knows the instance best.
            let instance = naming::parts(&service).and_then(|(_, instance)| instance.parse().ok());
            if let Some(instance) = instance {
                items.retain(|item| &*item.path != "/DeviceInstance");
                items.push(Told {
                    path: Arc::from("/DeviceInstance"),
                    value: Some(Scalar::Int(instance)),
                    text: None,
                    limits: None,
                });
            }
            Event::Up { service, items }
        };
        gone.into_iter().chain(new.into_iter().map(event)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("N/c0619ab9929a/battery/512/Dc/0/Voltage", Some(Topic::Path("battery", "512", "/Dc/0/Voltage")))]
    #[case("N/c0619ab9929a/full_publish_completed", Some(Topic::Completed))]
    #[case("N/c0619ab9929a/heartbeat", Some(Topic::Life))]
    #[case("N/c0619ab9929a/keepalive", Some(Topic::Restarted))]
    #[case("N/c0619ab9929a/battery/512/", None)]
    #[case("N/c0619ab9929a/battery/512", None)]
    #[case("N/c0619ab9929a/battery/x/Soc", None)]
    #[case("N/c0619ab9929a/bat.tery/512/Soc", None)]
    #[case("R/c0619ab9929a/battery/512/Soc", None)]
    #[case("N//", None)]
    fn topics(#[case] topic: &str, #[case] expected: Option<Topic<'_>>) {
        assert_eq!(portal_of(topic).and_then(|(_, rest)| parse(rest)), expected);
    }

    #[rstest]
    #[case(r#"{"value":51.2}"#, Some(Scalar::Float(51.2)))]
    #[case(r#"{"value":null}"#, None)]
    #[case(r#"{"max":100,"min":0,"value":50}"#, Some(Scalar::Int(50)))]
    #[case("", None)]
    #[case("[1", None)]
    fn payloads(#[case] text: &str, #[case] expected: Option<Scalar>) {
        assert_eq!(value(text.as_bytes()), expected);
    }

    #[test]
    fn a_service_is_told_as_a_whole_and_goes_with_its_last_path() {
        let mut services = Services::default();
        assert_eq!(services.take("com.victronenergy.tank.di3", "/Level", br#"{"value":40}"#), None);
        assert_eq!(services.take("com.victronenergy.tank.di3", "/Status", br#"{"value":0}"#), None);
        assert_eq!(services.flush().len(), 1);
        assert!(matches!(
            services.take("com.victronenergy.tank.di3", "/Level", br#"{"value":39}"#),
            Some(Event::Changed { .. })
        ));
        assert!(matches!(
            services.take("com.victronenergy.tank.di3", "/Level", b""),
            Some(Event::Changed { .. })
        ));
        assert!(matches!(
            services.take("com.victronenergy.tank.di3", "/Status", b""),
            Some(Event::Gone { .. })
        ));
        assert_eq!(services.take("com.victronenergy.tank.di3", "/Status", b""), None);
        assert!(!services.has_new());
    }

    #[test]
    fn who_does_not_come_again_is_gone() {
        let mut services = Services::default();
        for name in ["com.victronenergy.tank.di3", "com.victronenergy.tank.di4"] {
            services.take(name, "/Level", br#"{"value":40}"#);
            services.take(name, "/Status", br#"{"value":0}"#);
        }
        assert_eq!(services.flush().len(), 2);
        services.start_anew();
        services.take("com.victronenergy.tank.di4", "/Level", br#"{"value":50}"#);
        let told = services.flush();
        let [Event::Gone { service }, Event::Up { service: here, items }] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!((&**service, &**here), ("com.victronenergy.tank.di3", "com.victronenergy.tank.di4"));
        assert!(items.iter().all(|item| &*item.path != "/Status"), "a path that did not come is not there");
        assert_eq!(services.flush(), []);
    }

    #[test]
    fn a_service_that_leaves_before_it_was_told_is_not_told() {
        let mut services = Services::default();
        services.take("com.victronenergy.tank.di3", "/Level", br#"{"value":40}"#);
        services.take("com.victronenergy.tank.di3", "/Status", br#"{"value":0}"#);
        services.take("com.victronenergy.tank.di3", "/Level", b"");
        assert!(services.has_new());
        services.take("com.victronenergy.tank.di3", "/Status", b"");
        assert!(!services.has_new());
        assert_eq!(services.flush(), []);
    }

    #[test]
    fn a_place_has_its_topic() {
        let spot = Spot { service: "com.victronenergy.hub4".into(), path: "/Overrides/Setpoint".into() };
        assert_eq!(topic_of("c0", &spot).as_deref(), Some("c0/hub4/0/Overrides/Setpoint"));
        let spot = Spot { service: "com.victronenergy.battery.di512".into(), path: "/Soc".into() };
        assert_eq!(topic_of("c0", &spot).as_deref(), Some("c0/battery/512/Soc"));
        assert_eq!(payload(Some(&Scalar::Int(-800))), r#"{"value":-800}"#);
        assert_eq!(payload(None), r#"{"value":null}"#);
    }

    /// What a real device published after a keepalive, where it is to be found.
    #[test]
    fn a_recorded_publish_adds_up_to_services() {
        let file = std::env::var_os("OHMSTEAD_SHARED").map(|shared| {
            std::path::PathBuf::from(shared).join("data/victron/fixtures/mqtt_full_publish.log.gz")
        });
        let Some(file) = file.filter(|file| file.is_file()) else {
            println!("skipped: OHMSTEAD_SHARED does not lead to the recorded publish");
            return;
        };
        let output = std::process::Command::new("gzip").arg("-dc").arg(file).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (mut services, mut tree, mut paths) =
            (Services::default(), crate::victron::tree::Tree::default(), 0);
        for line in text.lines().filter(|line| line.starts_with("N/")) {
            let (topic, payload) = line.split_once(' ').unwrap_or((line, ""));
            let (_, rest) = portal_of(topic).unwrap();
            match parse(rest) {
                Some(Topic::Path(class, instance, path)) => {
                    paths += 1;
                    services.take(&naming::service(class, instance), path, payload.as_bytes());
                }
                other => assert!(matches!(other, Some(Topic::Completed | Topic::Life)), "{line}"),
            }
        }
        for event in services.flush() {
            let Event::Up { service, items } = event else { panic!("{event:?}") };
            tree.up(&service, items, ohmstead_model::Moment::default());
        }
        let values = crate::victron::canonical::values(&tree);
        let soc = values
            .iter()
            .find(|(metric, _)| metric.id() == "battery_soc")
            .map(|(_, observed)| observed.clone());
        println!("{paths} messages, {} services, {} metrics", tree.parts().count(), values.len());
        assert!(paths > 1000 && tree.parts().count() >= 5, "{paths}");
        assert_eq!(soc, Some(Ok(ohmstead_model::Value::Number(100.0))));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(topic in ".{0,60}", payload in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = value(&payload);
            if let Some(Topic::Path(class, instance, path)) = portal_of(&topic).and_then(|(_, rest)| parse(rest)) {
                let mut services = Services::default();
                services.take(&naming::service(class, instance), path, &payload);
                services.flush();
            }
        }
    }
}
