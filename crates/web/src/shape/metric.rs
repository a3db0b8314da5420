//! A metric's definition, for pages and programs that show values.

use ohmstead_model::Metric;
use ohmstead_model::catalogue::{Kind, Labels, Unit};
use utoipa::ToSchema;

/// What a metric is.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Metric)]
pub(crate) struct MetricJson {
    /// Canonical name.
    #[schema(example = "battery_soc")]
    id: &'static str,
    /// Name for people.
    label: LabelsJson,
    /// Unit of its numbers; `null` for states and texts.
    #[schema(example = "%", required = true)]
    unit: Option<&'static str>,
    /// Decimals that are stored and worth showing.
    #[schema(example = 1)]
    decimals: u8,
    /// What kind of value it has.
    kind: KindKey,
    /// What its sign means; `null` where there is nothing to say.
    #[schema(example = "positive while it feeds the house (import, discharge, production)", required = true)]
    sign: Option<&'static str>,
    /// Its states, of a metric of kind `state`.
    #[schema(required = true)]
    states: Option<Vec<StateJson>>,
}

/// What kind of value a metric has.
#[derive(Debug, serde::Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Kind)]
pub(crate) enum KindKey {
    /// A number that goes up and down.
    Gauge,
    /// A number that only grows, except for resets.
    Counter,
    /// One of a list of states.
    State,
    /// Free text.
    Text,
}

/// One state of a metric.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = State)]
pub(crate) struct StateJson {
    /// Key, as in values.
    #[schema(example = "charge")]
    key: &'static str,
    /// Name for people.
    label: LabelsJson,
}

/// A name in each language, by ISO 639-1 code.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Labels)]
pub(crate) struct LabelsJson {
    /// English.
    en: &'static str,
    /// French.
    fr: &'static str,
    /// Dutch.
    nl: &'static str,
    /// Estonian.
    et: &'static str,
    /// German.
    de: &'static str,
}

impl From<&Labels> for LabelsJson {
    fn from(labels: &Labels) -> Self {
        let Labels { en, fr, nl, et, de } = *labels;
        Self { en, fr, nl, et, de }
    }
}

impl From<Metric> for MetricJson {
    fn from(metric: Metric) -> Self {
        let def = metric.def();
        let (kind, states) = match def.kind {
            Kind::Gauge => (KindKey::Gauge, None),
            Kind::Counter => (KindKey::Counter, None),
            Kind::State(states) => (KindKey::State, Some(states)),
            Kind::Text => (KindKey::Text, None),
        };
        let state = |state: &ohmstead_model::catalogue::StateDef| StateJson {
            key: state.key,
            label: LabelsJson::from(&state.label),
        };
        Self {
            id: def.id,
            label: LabelsJson::from(&def.label),
            unit: def.unit.map(Unit::symbol),
            decimals: def.decimals,
            kind,
            sign: def.sign.words(),
            states: states.map(|states| states.iter().map(state).collect()),
        }
    }
}
