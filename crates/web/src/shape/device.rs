//! A device as REST and `ohmstead read --json` show it.

use ohmstead_model::{DeviceState, Moment, Notice, Online, Severity};
use utoipa::ToSchema;

use super::control::ControlJson;
use super::setting::{EvidenceJson, SettingJson};
use super::value::{V, Values, iso};

/// A device: what it is, whether it answers, what it tells.
#[derive(Debug, serde::Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the fields are the contract")]
pub(crate) struct Device {
    /// Name in the configuration.
    #[schema(example = "fase_a")]
    device: String,
    /// The driver that speaks to it.
    #[schema(example = "marstek")]
    driver: &'static str,
    /// Name for people.
    #[schema(example = "Fase A")]
    name: String,
    /// Model as the device tells it; `null` until it has.
    #[schema(example = "VenusE 3.0", required = true)]
    model: Option<String>,
    /// Firmware version; `null` until it is known.
    #[schema(required = true)]
    firmware: Option<String>,
    /// Serial number or hardware address; `null` until it is known.
    #[schema(required = true)]
    serial: Option<String>,
    /// Where it is reached.
    #[schema(example = "192.0.2.7:30000")]
    address: String,
    /// The phase of the house it is connected to; `null` where none is configured.
    #[schema(example = "L1", required = true)]
    phase: Option<String>,
    /// Whether it answers; `null` while it has not been asked yet.
    #[schema(required = true)]
    online: Option<bool>,
    /// Since when it answers or does not answer, UTC.
    #[schema(format = DateTime, required = true)]
    since: Option<String>,
    /// What it contributes to the house.
    #[schema(example = json!(["battery", "inverter"]))]
    roles: Vec<&'static str>,
    /// What is the case with it and what to do about it.
    notices: Vec<NoticeJson>,
    /// The battery modes that may be asked of it; empty where it cannot be controlled.
    #[schema(example = json!(["auto", "idle", "charge", "native:ai"]))]
    modes: Vec<String>,
    /// What else can be set on it, with the values that it takes; empty where nothing can.
    settings: Vec<SettingJson>,
    /// What the driver knows about it, and what from.
    evidence: Vec<EvidenceJson>,
    /// What control wants of it; `null` until control has looked at it.
    #[schema(required = true)]
    control: Option<ControlJson>,
    /// When it last answered, UTC; `null` if never.
    #[schema(format = DateTime, required = true)]
    last_success: Option<String>,
    /// Its values by metric, see `/api/v1/metrics`. Absent in the `device` event of the live stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, V>, required = false)]
    values: Option<Values>,
}

/// Something that is the case with a device right now.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Notice)]
pub(crate) struct NoticeJson {
    /// Stable key.
    #[schema(example = "risky_firmware")]
    code: &'static str,
    /// How serious it is.
    severity: SeverityKey,
    /// What is the case.
    text: String,
    /// What to do about it.
    hint: String,
}

/// How serious something is.
#[derive(Debug, Clone, Copy, serde::Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Severity)]
pub(crate) enum SeverityKey {
    /// Good to know.
    Info,
    /// Needs attention some day.
    Warning,
    /// Needs attention now.
    Alarm,
}

impl From<Severity> for SeverityKey {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Warning => Self::Warning,
            Severity::Alarm => Self::Alarm,
        }
    }
}

impl Device {
    /// The device with its values as of `now`.
    pub(crate) fn new(state: &DeviceState, now: Moment) -> Self {
        Self { values: Some(Values::of(state, now)), ..Self::without_values(state) }
    }

    /// The device without its values.
    pub(crate) fn without_values(state: &DeviceState) -> Self {
        let info = &state.info;
        let (online, since) = match state.online {
            Online::NotAskedYet => (None, None),
            Online::Yes(since) => (Some(true), Some(since)),
            Online::No(since) => (Some(false), Some(since)),
        };
        Self {
            device: info.id.to_string(),
            driver: info.driver,
            name: info.title.clone(),
            model: info.model.clone(),
            firmware: info.firmware.clone(),
            serial: info.serial.clone(),
            address: info.address.clone(),
            phase: info.phase.map(|phase| phase.to_string()),
            online,
            since: since.map(|moment| iso(moment.unix)),
            roles: info.roles.iter().map(|role| role.key()).collect(),
            notices: state.notices.iter().map(NoticeJson::from).collect(),
            modes: info.modes.clone(),
            settings: info.settings.iter().map(SettingJson::from).collect(),
            evidence: state.evidence.iter().map(EvidenceJson::from).collect(),
            control: state.control.as_deref().map(ControlJson::from),
            last_success: state.last_success.map(|moment| iso(moment.unix)),
            values: None,
        }
    }
}

impl From<&Notice> for NoticeJson {
    fn from(notice: &Notice) -> Self {
        Self {
            code: notice.code,
            severity: notice.severity.into(),
            text: notice.text.clone(),
            hint: notice.hint.clone(),
        }
    }
}

/// A device as JSON: what `GET /api/v1/devices/NAME` answers and `ohmstead read NAME --json` prints.
///
/// A value that is too old, was never read or is not finite is `null` with a `why`.
pub fn device_json(device: &DeviceState, now: Moment) -> serde_json::Value {
    serde_json::to_value(Device::new(device, now)).expect("names are strings and numbers are finite")
}
