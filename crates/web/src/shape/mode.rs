//! A wish for a battery's mode, and what became of it.

use std::time::Duration;

use ohmstead_model::{BatteryMode, LedgerEntry};
use ohmstead_units::{Percent, Watts};
use utoipa::ToSchema;

use super::record::LedgerJson;
use crate::error::ApiError;

/// The longest time for which a mode may be asked: a week.
pub(super) const FOR_MAX_S: u64 = 7 * 24 * 3600;
/// More than any house battery; a typing error beyond it is not passed on.
const POWER_MAX_W: f64 = 100_000.0;

/// What a battery should do.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModeRequest, example = json!({"mode": "charge", "power_w": 800, "until_soc_pct": 90, "for_s": 3600}))]
pub(crate) struct ModeBody {
    /// The mode.
    mode: ModeKey,
    /// Name of the brand's own mode; required with `native`, refused otherwise.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 32, pattern = "^[a-zA-Z0-9_-]+$", example = "ai")]
    native: Option<String>,
    /// Magnitude of the power in watts, the device's maximum if absent; only with `charge` and `discharge`.
    #[serde(default)]
    #[schema(exclusive_minimum = 0, maximum = 100_000)]
    power_w: Option<f64>,
    /// State of charge at which charging stops, in percent; only with `charge`.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    until_soc_pct: Option<f64>,
    /// For how many seconds, the device's default if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 604_800)]
    for_s: Option<u64>,
}

/// The vocabulary of battery modes over all brands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Mode)]
pub(crate) enum ModeKey {
    /// The device follows the meter by itself.
    Auto,
    /// No discharge; charging from surplus allowed.
    Hold,
    /// No charge; discharging allowed.
    HoldCharge,
    /// Charge.
    Charge,
    /// Discharge.
    Discharge,
    /// Neither charge nor discharge.
    Idle,
    /// A mode of the brand's own, see `native`.
    Native,
}

/// What became of a wish.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct ModeResult {
    /// How the attempt ended, see the ledger entry's `outcome`.
    #[schema(example = "confirmed")]
    outcome: &'static str,
    /// The attempt as it stands in the ledger.
    entry: LedgerJson,
}

impl From<LedgerEntry> for ModeResult {
    fn from(entry: LedgerEntry) -> Self {
        let entry = LedgerJson::from(entry);
        Self { outcome: entry.outcome, entry }
    }
}

impl ModeBody {
    /// The mode and for how long, or what is wrong with the wish.
    pub(crate) fn read(self) -> Result<(BatteryMode, Option<Duration>), ApiError> {
        self.refuse_strays()?;
        let power = self.power_w.map(power).transpose()?;
        let until = self.until_soc_pct.map(state_of_charge).transpose()?;
        let lease = self.for_s.map(lease).transpose()?;
        let mode = match self.mode {
            ModeKey::Auto => BatteryMode::Auto,
            ModeKey::Hold => BatteryMode::Hold,
            ModeKey::HoldCharge => BatteryMode::HoldCharge,
            ModeKey::Charge => BatteryMode::Charge { power, until },
            ModeKey::Discharge => BatteryMode::Discharge { power },
            ModeKey::Idle => BatteryMode::Idle,
            ModeKey::Native => BatteryMode::Native(native(self.native)?),
        };
        Ok((mode, lease))
    }

    /// A field that the mode does not take is refused, not ignored: the sender meant something by it.
    fn refuse_strays(&self) -> Result<(), ApiError> {
        let charge = self.mode == ModeKey::Charge;
        let directed = charge || self.mode == ModeKey::Discharge;
        let strays = [
            ("power_w", self.power_w.is_some() && !directed, "only charge and discharge take a power"),
            (
                "until_soc_pct",
                self.until_soc_pct.is_some() && !charge,
                "only charge stops at a state of charge",
            ),
            (
                "native",
                self.native.is_some() && self.mode != ModeKey::Native,
                "only mode native takes a name",
            ),
        ];
        match strays.into_iter().find(|(_, stray, _)| *stray) {
            Some((field, _, hint)) => {
                Err(ApiError::bad("bad_body", format!("{field} does not go with this mode"), hint))
            }
            None => Ok(()),
        }
    }
}

fn power(watts: f64) -> Result<Watts, ApiError> {
    if watts > 0.0 && watts <= POWER_MAX_W {
        return Ok(Watts(watts));
    }
    let hint = "the direction is in the mode: charge or discharge; for no power at all ask for idle";
    Err(ApiError::bad(
        "bad_power",
        format!("power_w must be above 0 and at most {POWER_MAX_W}, not {watts}"),
        hint,
    ))
}

fn state_of_charge(percent: f64) -> Result<Percent, ApiError> {
    if (0.0..=100.0).contains(&percent) {
        return Ok(Percent(percent));
    }
    let message = format!("until_soc_pct must be 0 to 100, not {percent}");
    Err(ApiError::bad("bad_state_of_charge", message, "give percent, such as 90"))
}

fn lease(seconds: u64) -> Result<Duration, ApiError> {
    if (1..=FOR_MAX_S).contains(&seconds) {
        return Ok(Duration::from_secs(seconds));
    }
    let message = format!("for_s must be 1 to {FOR_MAX_S} seconds, not {seconds}");
    Err(ApiError::bad("bad_duration", message, "leave it out for the device's default"))
}

fn native(name: Option<String>) -> Result<String, ApiError> {
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if (1..=32).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(name);
    }
    let message = "mode native needs the name of the brand's own mode in `native`";
    Err(ApiError::bad("bad_native", message, "the device lists them under `modes` as native:NAME"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(json: &str) -> Result<String, String> {
        let body: ModeBody = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let (mode, lease) = body.read().map_err(|error| format!("{error:?}"))?;
        Ok(match lease {
            Some(lease) => format!("{mode} for {} s", lease.as_secs()),
            None => mode.to_string(),
        })
    }

    #[rstest]
    #[case(r#"{"mode":"auto"}"#, "auto")]
    #[case(r#"{"mode":"hold_charge"}"#, "hold_charge")]
    #[case(
        r#"{"mode":"charge","power_w":800,"until_soc_pct":90,"for_s":3600}"#,
        "charge 800 W until 90 % for 3600 s"
    )]
    #[case(r#"{"mode":"discharge","power_w":null}"#, "discharge")]
    #[case(r#"{"mode":"native","native":"AI"}"#, "native:ai")]
    fn wishes_are_understood(#[case] json: &str, #[case] understood: &str) {
        assert_eq!(read(json).as_deref(), Ok(understood));
    }

    #[rstest]
    #[case(r#"{"mode":"charge","power_w":-800}"#, "bad_power")]
    #[case(r#"{"mode":"charge","power_w":0}"#, "bad_power")]
    #[case(r#"{"mode":"charge","power_w":1e300}"#, "bad_power")]
    #[case(r#"{"mode":"charge","until_soc_pct":101}"#, "bad_state_of_charge")]
    #[case(r#"{"mode":"auto","for_s":0}"#, "bad_duration")]
    #[case(r#"{"mode":"auto","for_s":604801}"#, "bad_duration")]
    #[case(r#"{"mode":"auto","power_w":5}"#, "only charge and discharge")]
    #[case(r#"{"mode":"discharge","until_soc_pct":20}"#, "only charge stops")]
    #[case(r#"{"mode":"native"}"#, "bad_native")]
    #[case(r#"{"mode":"native","native":"a b"}"#, "bad_native")]
    #[case(r#"{"mode":"auto","native":"ai"}"#, "only mode native")]
    #[case(r#"{"mode":"on"}"#, "unknown variant")]
    #[case(r#"{"mode":"auto","pwoer_w":5}"#, "unknown field")]
    #[case(r#"{"mode":"charge","power_w":"800"}"#, "invalid type")]
    fn ambiguous_wishes_are_refused(#[case] json: &str, #[case] why: &str) {
        let refusal = read(json).expect_err(json);
        assert!(refusal.contains(why), "{json}: {refusal}");
    }
}
