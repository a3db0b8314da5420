//! What is kept over restarts: which GX device of a broker is meant.

use std::sync::Arc;

use super::Gx;
use crate::victron::settings::{Mqtt, Route};

/// What is kept.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Memory {
    /// The broker that this is about.
    broker: String,
    portal: String,
}

/// The broker, where the owner does not say which device is meant.
fn undecided(route: &Route) -> Option<&Mqtt> {
    match route {
        Route::Mqtt(mqtt) if mqtt.portal.is_none() => Some(mqtt),
        _ => None,
    }
}

/// The portal that was used on this way before; nothing where it was another broker, or cannot be read.
pub(super) fn portal(text: Option<&str>, route: &Route) -> Option<Arc<str>> {
    let memory: Memory = serde_json::from_str(text?).ok()?;
    let broker = undecided(route)?.broker.to_string();
    (memory.broker == broker).then(|| Arc::from(memory.portal))
}

impl Gx {
    pub(super) fn to_remember(&self) -> Option<String> {
        let memory = self.slots.iter().find_map(|slot| {
            let broker = undecided(&slot.route)?.broker.to_string();
            Some(Memory { broker, portal: slot.portal.as_deref()?.to_owned() })
        });
        serde_json::to_string(&memory?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn route(mqtt: serde_json::Value) -> Route {
        Route::Mqtt(serde_json::from_value(mqtt).expect("a broker"))
    }

    #[test]
    fn a_portal_belongs_to_its_broker() {
        let text = r#"{"broker":"gx:1883","portal":"c0619ab9929a"}"#;
        let of = |mqtt| portal(Some(text), &route(mqtt));
        assert_eq!(of(json!("gx")).as_deref(), Some("c0619ab9929a"));
        assert_eq!(of(json!("other")), None);
        assert_eq!(of(json!({"host": "gx", "portal": "aabbccddeeff"})), None, "the owner says it");
        assert_eq!(portal(Some("{}"), &route(json!("gx"))), None);
        assert_eq!(portal(None, &route(json!("gx"))), None);
    }
}
