//! What control wants of the devices, and which of its parts are on.

use std::time::Duration;

use ohmstead_model::{ControlState, DeviceId, Part, SiteLimit, Snapshot, Switches};
use utoipa::ToSchema;

use super::limit::LimitJson;
use super::schedule::ScheduleJson;
use super::value::iso;
use crate::ControlRules;

/// What control wants of a device, and how far it has got.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Control)]
pub(crate) struct ControlJson {
    /// The mode; `null` where the device is left alone.
    #[schema(example = "charge 800 W", required = true)]
    wants: Option<String>,
    /// Who wants it: `override` (asked by hand), `schedule`, `rotation`, `limiter` or `safety`; `null` where nobody does.
    #[schema(example = "override", required = true)]
    by: Option<&'static str>,
    /// How far it has got: `unset` (left alone), `pending` (not written yet), `dry_run` (read-only, nothing is written),
    /// `confirmed` (a measured effect), `accepted_unmeasured` (read back, but no meter shows an effect), `ineffective`
    /// (the measurement does not follow), `failed` (no answer), `foreign` (somebody else changed it since and has it) or
    /// `not_controllable`.
    #[schema(example = "confirmed")]
    phase: &'static str,
    /// Stable key of the reason.
    #[schema(example = "asked")]
    code: &'static str,
    /// The reason in a sentence.
    #[schema(example = "asked by hand (rest)")]
    reason: String,
    /// When it ends by itself, UTC; `null` where it does not.
    #[schema(format = DateTime, required = true)]
    ends: Option<String>,
}

impl From<&ControlState> for ControlJson {
    fn from(state: &ControlState) -> Self {
        Self {
            wants: state.wants.clone(),
            by: state.by,
            phase: state.phase.key(),
            code: state.code,
            reason: state.reason.clone(),
            ends: state.ends.map(iso),
        }
    }
}

/// Which parts of control there are, and whether they are on.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Switches)]
pub(crate) struct SwitchesJson {
    /// The limits of the site; `null` where the configuration has none.
    #[schema(required = true)]
    limits: Option<bool>,
    /// The plan; `null` where the configuration lets it steer nothing.
    #[schema(required = true)]
    plan: Option<bool>,
    /// What is done before dear days of the Tempo tariff; `null` where the configuration says nothing of it.
    #[schema(required = true)]
    tempo: Option<bool>,
    /// Modes by the clock; `null` where the configuration has none.
    #[schema(required = true)]
    schedule: Option<bool>,
    /// Batteries that take turns; `null` where the configuration has none.
    #[schema(required = true)]
    rotation: Option<bool>,
}

impl From<Switches> for SwitchesJson {
    fn from(switches: Switches) -> Self {
        let on = |part| switches.get(part);
        Self {
            limits: on(Part::Limits),
            plan: on(Part::Plan),
            tempo: on(Part::Tempo),
            schedule: on(Part::Schedule),
            rotation: on(Part::Rotation),
        }
    }
}

/// How long what is asked by hand lasts where nothing is said.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = OverrideTimes)]
#[expect(clippy::struct_field_names, reason = "the unit is at the end")]
pub(crate) struct OverrideTimesJson {
    /// A charge or a discharge, seconds.
    #[schema(example = 3600)]
    power_s: u64,
    /// Any other mode, seconds.
    #[schema(example = 86400)]
    mode_s: u64,
    /// The longest time that may be asked for, seconds.
    #[schema(example = 604_800)]
    longest_s: u64,
}

/// Everything about control.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = ControlOverview)]
pub(crate) struct ControlOverview {
    /// Which parts there are, and whether they are on.
    switches: SwitchesJson,
    /// How long what is asked by hand lasts where nothing is said.
    overrides: OverrideTimesJson,
    /// What is wanted of each device, in the order of the configuration.
    devices: Vec<DeviceControlJson>,
    /// The limits of the site as they count at present.
    limits: Vec<LimitJson>,
    /// The windows of the schedule in the order in which they count.
    schedule: Vec<ScheduleJson>,
}

/// What is shown of control besides the devices.
#[derive(Debug, Clone)]
pub struct ControlParts {
    /// Which parts of control there are, and whether they are on.
    pub switches: Switches,
    /// The limits of the site.
    pub limits: Vec<SiteLimit>,
    /// What the configuration says, and the windows of the schedule.
    pub rules: ControlRules,
}

/// What is wanted of one device.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = DeviceControl)]
pub(crate) struct DeviceControlJson {
    /// Name in the configuration.
    #[schema(example = "fase_a")]
    device: String,
    /// What control wants of it; `null` until control has looked at it.
    #[schema(required = true)]
    control: Option<ControlJson>,
}

impl ControlOverview {
    pub(crate) fn new(snapshot: &Snapshot, order: &[DeviceId], parts: &ControlParts) -> Self {
        let ControlParts { switches, limits, rules } = parts;
        let is_on = switches.get(Part::Schedule) == Some(true);
        let seconds = |span: Duration| span.as_secs();
        let states = order.iter().filter_map(|id| snapshot.device(id.as_str()));
        let devices = states.map(|state| DeviceControlJson {
            device: state.info.id.to_string(),
            control: state.control.as_deref().map(ControlJson::from),
        });
        Self {
            switches: (*switches).into(),
            overrides: OverrideTimesJson {
                power_s: seconds(rules.power_lasts),
                mode_s: seconds(rules.mode_lasts),
                longest_s: super::mode::FOR_MAX_S,
            },
            devices: devices.collect(),
            limits: limits.iter().map(LimitJson::from).collect(),
            schedule: rules.schedule.iter().map(|window| ScheduleJson::new(window, is_on)).collect(),
        }
    }
}

/// What control wants, and its switches, as JSON: what `GET /api/v1/control` answers and `ohmstead control --json` prints.
pub fn control_json(snapshot: &Snapshot, order: &[DeviceId], parts: &ControlParts) -> serde_json::Value {
    let overview = ControlOverview::new(snapshot, order, parts);
    serde_json::to_value(overview).expect("names are strings and numbers are finite")
}

/// Which parts of control there are as JSON, as in [`control_json`].
pub fn switches_json(switches: Switches) -> serde_json::Value {
    serde_json::to_value(SwitchesJson::from(switches)).expect("names are strings")
}

/// To what a part is to be switched.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SwitchRequest)]
pub(crate) struct SwitchBody {
    /// Whether it is to be on.
    pub(crate) on: bool,
}
