//! What was asked by hand for a time to come.

use ohmstead_model::BatteryMode;
use utoipa::ToSchema;

use super::value::iso;
use crate::AskedAhead;
use crate::error::ApiError;

/// A stretch of time ahead for which somebody has asked a battery for a mode.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = PlanOverride)]
pub(crate) struct AskedAheadJson {
    /// The number under which it is taken back.
    #[schema(example = 3)]
    id: u32,
    /// Name in the configuration.
    #[schema(example = "fase_a")]
    device: String,
    /// Its mode.
    #[schema(example = "charge 800 W until 90 %")]
    mode: String,
    /// From when on it counts, UTC.
    #[schema(format = DateTime)]
    from: String,
    /// When it ends by itself, UTC.
    #[schema(format = DateTime)]
    to: String,
    /// By what way it was asked.
    #[schema(example = "rest")]
    asked_by: String,
}

impl From<&AskedAhead> for AskedAheadJson {
    fn from(asked: &AskedAhead) -> Self {
        Self {
            id: asked.id,
            device: asked.device.to_string(),
            mode: asked.mode.to_string(),
            from: iso(asked.span.start),
            to: iso(asked.span.end),
            asked_by: asked.asked_by.clone(),
        }
    }
}

/// What a battery should do in a stretch of time ahead.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanOverrideRequest, example = json!({"device": "fase_a", "mode": "hold", "from": "2026-11-21T17:00:00Z", "to": "2026-11-21T19:00:00Z"}))]
pub(crate) struct AskedAheadBody {
    /// Name in the configuration.
    pub(crate) device: String,
    /// In the words of this program: `hold`, `charge 800 W until 90 %`.
    mode: String,
    /// When it begins: in the future. ISO 8601; without an offset in the site's time zone.
    pub(crate) from: String,
    /// When it ends: within a week from now.
    pub(crate) to: String,
}

impl AskedAheadBody {
    pub(crate) fn mode(&self) -> Result<BatteryMode, ApiError> {
        self.mode.parse().map_err(|error: ohmstead_model::ModeParseError| {
            ApiError::bad("bad_mode", error.to_string(), "such as hold or charge 800 W until 90 %")
        })
    }
}

/// What was asked by hand for a time to come as JSON, as in `GET /api/v1/plan/overrides`.
pub fn asked_ahead_json(asked: &AskedAhead) -> serde_json::Value {
    serde_json::to_value(AskedAheadJson::from(asked)).expect("names are strings and numbers are finite")
}
