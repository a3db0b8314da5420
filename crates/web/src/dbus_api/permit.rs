//! Whether a write would be carried out at present. The original asks a virtual switch named `AI_write`; here the
//! owner's configuration and the state of the device decide, and programs find it under the same names.

use axum::extract::State;
use ohmstead_model::NativeSetting;
use serde_json::{Map, Value as Json, json};

use super::Served;
use super::answer::Answer;

/// What decides.
#[expect(clippy::struct_excessive_bools, reason = "four things that are each in the way or not")]
pub(super) struct Permit {
    writes: bool,
    read_only: bool,
    is_online: bool,
    has_settings: bool,
}

impl Permit {
    pub(super) fn of(served: &Served) -> Self {
        let snapshot = served.app.backend.snapshot();
        let device = snapshot.device(served.api.device.as_str());
        Self {
            writes: served.api.writes,
            read_only: served.api.read_only.unwrap_or_else(|| served.app.backend.site().read_only),
            is_online: device.is_some_and(|device| device.is_online()),
            has_settings: device.is_some_and(|device| !device.info.settings.is_empty()),
        }
    }

    pub(super) fn is_given(&self) -> bool {
        self.writes && !self.read_only && self.is_online && self.has_settings
    }

    /// In words: that it is given, or what is in the way.
    pub(super) fn message(&self) -> &'static str {
        match self {
            Self { writes: false, .. } => {
                "This interface only reads: set `write: true` under serve_dbus_api in the configuration."
            }
            Self { read_only: true, .. } => {
                "Nothing is written while the configuration says `read_only: true`."
            }
            Self { is_online: false, .. } => "The GX device is not reached at present.",
            Self { has_settings: false, .. } => {
                "The GX device cannot be controlled at present: `ohmstead read NAME --explain` tells what is in the way."
            }
            _ => "Writing is enabled.",
        }
    }

    /// The same for programs; with `instead` also where a write is to go.
    pub(super) fn details(&self, instead: Option<&NativeSetting>) -> Json {
        let mut details = Map::new();
        details.insert("write_enabled".to_owned(), json!(self.writes));
        details.insert("read_only".to_owned(), json!(self.read_only));
        details.insert("device_online".to_owned(), json!(self.is_online));
        details.insert("device_controllable".to_owned(), json!(self.has_settings));
        if let Some(NativeSetting { service, path, .. }) = instead {
            details.insert("use_service".to_owned(), json!(&**service));
            details.insert("use_path".to_owned(), json!(&**path));
        }
        Json::Object(details)
    }
}

pub(super) async fn status(State(served): State<Served>) -> Answer {
    let permit = Permit::of(&served);
    Answer::ok(json!({
        "enabled": permit.is_given(),
        "message": permit.message(),
        "switch_service": null,
        "details": permit.details(None),
        "success": true,
    }))
}
