//! What arrives on `T/<device>/mode/set` and `T/<device>/<setting>/set`, and the answer beside it. Pure.

use std::time::Duration;

use ohmstead_model::{
    AskError, Asker, Assignment, BatteryMode, DeviceId, LedgerEntry, Request, Setting, Wish,
};
use ohmstead_units::{Percent, Watts};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::render::utc;

/// Longer than any command; what is longer is not even looked at.
pub(crate) const COMMAND_BYTES_MAX: usize = 1024;

/// No battery of a home does more, and a device's own limit is below.
const POWER_MAX: Watts = Watts(1_000_000.0);

/// The longest time for which a mode may be asked.
const LEASE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Why a payload is no command. Told to the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotACommand(String);

impl NotACommand {
    pub(crate) fn new(why: &str) -> Self {
        Self(why.to_owned())
    }
}

/// What ends what was asked by hand, in the place of a mode.
pub(crate) const RELEASE: &str = "release";

/// Whether a payload on `mode/set` ends what was asked by hand.
pub(crate) fn is_release(payload: &[u8]) -> bool {
    payload.trim_ascii().eq_ignore_ascii_case(RELEASE.as_bytes())
}

/// The outcome of what did not become an attempt.
pub(crate) const REFUSED: &str = "refused";

/// The JSON form of a command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonCommand {
    mode: String,
    power_w: Option<f64>,
    until_soc_pct: Option<f64>,
    for_s: Option<f64>,
}

/// Reads `auto`, `charge 800 W` or `{"mode":"charge","power_w":800,"until_soc_pct":90,"for_s":3600}`.
pub(crate) fn parse(device: DeviceId, payload: &[u8]) -> Result<Request, NotACommand> {
    let refused = |why: &str| NotACommand(why.to_owned());
    if payload.len() > COMMAND_BYTES_MAX {
        return Err(NotACommand(format!("the command is longer than {COMMAND_BYTES_MAX} bytes")));
    }
    let text = std::str::from_utf8(payload).map_err(|_| refused("the command is not UTF-8 text"))?.trim();
    let (mode, lease) = if text.starts_with('{') { from_json(text)? } else { (mode(text)?, None) };
    if let BatteryMode::Charge { power: Some(power), .. } | BatteryMode::Discharge { power: Some(power) } =
        &mode
        && !(0.0..=POWER_MAX.0).contains(&power.0)
    {
        return Err(refused("the power must be from 0 to 1000000 W; the direction is in the mode"));
    }
    Ok(Request { device, wish: mode.into(), lease, asked_by: Asker::Mqtt })
}

/// Reads the value of a setting, which must be one that the device offers.
pub(crate) fn parse_setting(
    device: DeviceId,
    name: &str,
    payload: &[u8],
    offered: &[Setting],
) -> Result<Request, NotACommand> {
    let Some(setting) = offered.iter().find(|setting| setting.metric.id() == name) else {
        let known: Vec<_> = offered.iter().map(|setting| setting.metric.id()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let name: String = name.chars().take(64).collect();
        return Err(NotACommand(format!("{device} offers no setting {name:?}; it offers: {known}")));
    };
    if payload.len() > COMMAND_BYTES_MAX {
        return Err(NotACommand(format!("the command is longer than {COMMAND_BYTES_MAX} bytes")));
    }
    let text =
        std::str::from_utf8(payload).map_err(|_| NotACommand("the command is not UTF-8 text".to_owned()))?;
    setting.parse(text).map_err(|error| NotACommand(error.to_string()))?;
    let assignment = Assignment { name: name.to_owned(), value: text.trim().to_owned() };
    Ok(Request { device, wish: Wish::Setting(assignment), lease: None, asked_by: Asker::Mqtt })
}

fn mode(text: &str) -> Result<BatteryMode, NotACommand> {
    text.parse().map_err(|error: ohmstead_model::ModeParseError| NotACommand(error.to_string()))
}

fn from_json(text: &str) -> Result<(BatteryMode, Option<Duration>), NotACommand> {
    let command: JsonCommand = serde_json::from_str(text)
        .map_err(|error| NotACommand(format!("the command is not valid JSON for a mode: {error}")))?;
    let lease = command.for_s.map(lease).transpose()?;
    Ok((with_parameters(mode(&command.mode)?, command.power_w, command.until_soc_pct)?, lease))
}

fn lease(seconds: f64) -> Result<Duration, NotACommand> {
    let refused = || NotACommand("for_s must be more than 0 and at most 604800 s (7 days)".to_owned());
    let span = Duration::try_from_secs_f64(seconds).map_err(|_| refused())?;
    if span.is_zero() || span > LEASE_MAX { Err(refused()) } else { Ok(span) }
}

/// Puts the separate JSON parameters into the mode. One that the mode does not take, or that is given twice, is refused:
/// a command that is half understood is worse than none.
fn with_parameters(
    mode: BatteryMode,
    power_w: Option<f64>,
    until_soc_pct: Option<f64>,
) -> Result<BatteryMode, NotACommand> {
    let refused = |why: String| Err(NotACommand(why));
    if until_soc_pct.is_some_and(|until| !(0.0..=100.0).contains(&until)) {
        return refused("until_soc_pct must be from 0 to 100".to_owned());
    }
    let (asked_power, asked_until) = (power_w.map(Watts), until_soc_pct.map(Percent));
    match mode {
        BatteryMode::Charge { power, until } => {
            if (power.is_some() && asked_power.is_some()) || (until.is_some() && asked_until.is_some()) {
                return refused("a parameter stands in mode and beside it; give it once".to_owned());
            }
            Ok(BatteryMode::Charge { power: power.or(asked_power), until: until.or(asked_until) })
        }
        BatteryMode::Discharge { power } if asked_until.is_none() => {
            if power.is_some() && asked_power.is_some() {
                return refused("the power stands in mode and beside it; give it once".to_owned());
            }
            Ok(BatteryMode::Discharge { power: power.or(asked_power) })
        }
        BatteryMode::Discharge { .. } => refused("discharge takes no until_soc_pct".to_owned()),
        plain if asked_power.is_none() && asked_until.is_none() => Ok(plain),
        plain => refused(format!("{plain} takes neither power_w nor until_soc_pct")),
    }
}

/// The answer to a command that became an attempt: its row in the ledger.
pub(crate) fn attempted(entry: &LedgerEntry) -> Json {
    json!({
        "id": entry.id,
        "at": utc(entry.at),
        "device": entry.device.as_str(),
        "asked_by": entry.asked_by,
        "request": entry.request,
        "old": entry.old,
        "new": entry.new,
        "reply": entry.reply,
        "read_back": entry.read_back,
        "effect": entry.effect,
        "outcome": entry.outcome.key(),
        "reason": entry.reason,
    })
}

/// The answer to a command that did not become an attempt; there is no row in the ledger.
pub(crate) fn refused(device: &DeviceId, request: Option<&str>, reason: &str) -> Json {
    json!({ "device": device.as_str(), "request": request, "outcome": REFUSED, "reason": reason })
}

/// The answer to whatever became of a request.
pub(crate) fn answer(device: &DeviceId, request: &str, ended: &Result<LedgerEntry, AskError>) -> Json {
    match ended {
        Ok(entry) => attempted(entry),
        Err(error) => refused(device, Some(request), &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;
    use rstest::rstest;

    fn device() -> DeviceId {
        "garage".parse().expect("a valid name")
    }

    #[rstest]
    #[case("auto", "auto", None)]
    #[case(" charge 800 W\n", "charge 800 W", None)]
    #[case("charge 1 kW until 90 %", "charge 1000 W until 90 %", None)]
    #[case(r#"{"mode":"auto"}"#, "auto", None)]
    #[case(
        r#"{"mode":"charge","power_w":800,"until_soc_pct":90,"for_s":3600}"#,
        "charge 800 W until 90 %",
        Some(3600)
    )]
    #[case(r#"{"mode":"charge 800 W","until_soc_pct":90}"#, "charge 800 W until 90 %", None)]
    #[case(r#"{"mode":"discharge","power_w":1200.5,"for_s":60}"#, "discharge 1200.5 W", Some(60))]
    #[case(r#"{"mode":"native:ai","for_s":1}"#, "native:ai", Some(1))]
    fn commands_are_understood(#[case] payload: &str, #[case] mode: &str, #[case] lease_s: Option<u64>) {
        let request = parse(device(), payload.as_bytes()).expect("a command");
        assert_eq!(request.wish.to_string(), mode);
        assert_eq!(request.lease, lease_s.map(Duration::from_secs));
        assert_eq!((request.device, request.asked_by), (device(), Asker::Mqtt));
    }

    #[rstest]
    #[case("", expect![[r#""" is no battery mode: expected auto, hold, hold_charge, charge [POWER], discharge [POWER], idle or native:NAME"#]])]
    #[case("charge -800 W", expect![[r#""charge -800 W" is no battery mode: expected auto, hold, hold_charge, charge [POWER], discharge [POWER], idle or native:NAME"#]])]
    #[case("charge 9 MW", expect!["the power must be from 0 to 1000000 W; the direction is in the mode"])]
    #[case(r#"{"mode":"charge","power_w":-1}"#, expect!["the power must be from 0 to 1000000 W; the direction is in the mode"])]
    #[case(r#"{"mode":"charge","power_w":1e300}"#, expect!["the power must be from 0 to 1000000 W; the direction is in the mode"])]
    #[case(r#"{"mode":"charge 5 W","power_w":6}"#, expect!["a parameter stands in mode and beside it; give it once"])]
    #[case(r#"{"mode":"charge","until_soc_pct":101}"#, expect!["until_soc_pct must be from 0 to 100"])]
    #[case(r#"{"mode":"discharge","until_soc_pct":20}"#, expect!["discharge takes no until_soc_pct"])]
    #[case(r#"{"mode":"auto","power_w":5}"#, expect!["auto takes neither power_w nor until_soc_pct"])]
    #[case(r#"{"mode":"auto","for_s":0}"#, expect!["for_s must be more than 0 and at most 604800 s (7 days)"])]
    #[case(r#"{"mode":"auto","for_s":1e99}"#, expect!["for_s must be more than 0 and at most 604800 s (7 days)"])]
    #[case(r#"{"mode":"auto","power":5}"#, expect!["the command is not valid JSON for a mode: unknown field `power`, expected one of `mode`, `power_w`, `until_soc_pct`, `for_s` at line 1 column 22"])]
    #[case("{", expect!["the command is not valid JSON for a mode: EOF while parsing an object at line 1 column 1"])]
    fn what_is_no_command_is_refused_with_the_reason(#[case] payload: &str, #[case] reason: Expect) {
        reason.assert_eq(&parse(device(), payload.as_bytes()).expect_err("refused").to_string());
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let long = vec![b'a'; COMMAND_BYTES_MAX + 1];
        expect!["the command is longer than 1024 bytes"]
            .assert_eq(&parse(device(), &long).expect_err("too long").to_string());
        expect!["the command is not UTF-8 text"]
            .assert_eq(&parse(device(), b"auto\xff").expect_err("no text").to_string());
    }

    proptest! {
        #[test]
        fn any_payload_is_a_sound_command_or_refused(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(device(), &payload);
        }

        #[test]
        fn numbers_stay_in_bounds(power in any::<f64>(), until in any::<f64>(), lease in any::<f64>()) {
            let payload = json!({ "mode": "charge", "power_w": power, "until_soc_pct": until, "for_s": lease });
            if let Ok(request) = parse(device(), payload.to_string().as_bytes()) {
                let Some(&BatteryMode::Charge { power, until }) = request.wish.mode() else { panic!("another mode") };
                prop_assert!(power.is_none_or(|power| (0.0..=POWER_MAX.0).contains(&power.0)));
                prop_assert!(until.is_none_or(|until| (0.0..=100.0).contains(&until.0)));
                prop_assert!(request.lease.is_none_or(|lease| lease > Duration::ZERO && lease <= LEASE_MAX));
            }
        }
    }
}
