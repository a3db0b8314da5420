//! Which GX device of a broker is meant, over restarts too.

use std::sync::Arc;

use super::Gx;
use crate::victron::settings::{Mqtt, Route};

/// The one that was used last.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Used {
    /// The broker that this is about.
    broker: String,
    portal: String,
}

/// What is kept of it, beside everything else.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Kept {
    portal: Option<Used>,
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
    let kept: Kept = serde_json::from_str(text?).ok()?;
    let used = kept.portal?;
    let broker = undecided(route)?.broker.to_string();
    (used.broker == broker).then(|| Arc::from(used.portal))
}

impl Gx {
    /// The one that is used at present.
    pub(super) fn used_portal(&self) -> Option<Used> {
        self.slots.iter().find_map(|slot| {
            let broker = undecided(&slot.route)?.broker.to_string();
            Some(Used { broker, portal: slot.portal.as_deref()?.to_owned() })
        })
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
        let text = r#"{"roles":[],"portal":{"broker":"gx:1883","portal":"c0619ab9929a"}}"#;
        let of = |mqtt| portal(Some(text), &route(mqtt));
        assert_eq!(of(json!("gx")).as_deref(), Some("c0619ab9929a"));
        assert_eq!(of(json!("other")), None);
        assert_eq!(of(json!({"host": "gx", "portal": "aabbccddeeff"})), None, "the owner says it");
        assert_eq!(portal(Some("{}"), &route(json!("gx"))), None);
        assert_eq!(portal(None, &route(json!("gx"))), None);
    }
}
