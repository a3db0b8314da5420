//! Limits of the site, and a wish for a lower one.

use ohmstead_model::SiteLimit;
use ohmstead_units::Watts;
use utoipa::ToSchema;

/// One limit of the site as it counts at present.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Limit)]
pub(crate) struct LimitJson {
    /// Its key in the configuration.
    #[schema(example = "multi_output")]
    name: &'static str,
    /// What counts at present, W.
    #[schema(example = 20000)]
    max_w: f64,
    /// What the configuration allows, W: more never counts.
    #[schema(example = 30000)]
    file_max_w: f64,
    /// The least that can be asked for, W.
    #[schema(example = 1000)]
    lowest_w: f64,
    /// What was asked for at run time, W; `null` where nothing was.
    #[schema(required = true, example = 20000)]
    asked_w: Option<f64>,
}

impl From<&SiteLimit> for LimitJson {
    fn from(limit: &SiteLimit) -> Self {
        Self {
            name: limit.name.key(),
            max_w: limit.counts().0,
            file_max_w: limit.max.0,
            lowest_w: limit.lowest.0,
            asked_w: limit.asked.map(|asked| asked.0),
        }
    }
}

/// The limits of the site as JSON, as in `GET /api/v1/control`.
pub fn limits_json(limits: &[SiteLimit]) -> serde_json::Value {
    let limits: Vec<_> = limits.iter().map(LimitJson::from).collect();
    serde_json::to_value(limits).expect("names are strings and numbers are finite")
}

/// To what a limit is to be lowered.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LimitRequest, example = json!({"max_w": 20000}))]
pub(crate) struct LimitBody {
    /// W, from `lowest_w` to `file_max_w`; `null` goes back to what the configuration says.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    max_w: Option<f64>,
}

impl LimitBody {
    pub(crate) fn read(self) -> Option<Watts> {
        self.max_w.map(Watts)
    }
}
