//! What control wants of a device and what became of it: `T/<device>/control`. Pure.
//!
//! ```text
//! {"mode":"auto","phase":"confirmed","wants":"auto","by":"override","code":"asked","reason":"asked by hand (mqtt)",
//!  "ends":"2026-11-22T12:00:00Z","last":{"request":"auto","outcome":"confirmed","reason":"...","at":"..."}}
//! ```
//!
//! `mode` is what the device does for certain, as it would be asked for; Home Assistant's selection shows it. While a mode
//! is being tried, a device may report it long before it has proven to follow, or to refuse: until that is settled the
//! mode before stays.

use ohmstead_model::{ControlPhase, DeviceId, DeviceInfo, DeviceState, Metric, Moment, UnixMillis, Value};
use serde_json::{Value as Json, json};

use crate::command;
use crate::render::{Said, utc};
use crate::scheme::{Message, Scheme};

/// The outcome of a command that is under way.
pub(crate) const PENDING: &str = "pending";

/// The last command that came over MQTT for a device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Last {
    /// What was asked, where it was understood.
    request: Option<String>,
    /// What became of it: [`PENDING`], an outcome of the ledger, or `refused`.
    outcome: String,
    reason: Option<String>,
    /// When it came.
    pub(crate) at: UnixMillis,
}

impl Last {
    /// A command that has just been handed on.
    pub(crate) fn asked(request: &str, at: UnixMillis) -> Self {
        Self { request: Some(request.to_owned()), outcome: PENDING.to_owned(), reason: None, at }
    }

    /// A command that was answered.
    pub(crate) fn answered(answer: &Json, at: UnixMillis) -> Self {
        let text = |key: &str| answer[key].as_str().map(str::to_owned);
        let outcome = text("outcome").unwrap_or_else(|| command::REFUSED.to_owned());
        Self { request: text("request"), outcome, reason: text("reason"), at }
    }

    /// The key of what is being tried at present.
    fn tried(&self) -> Option<&str> {
        (self.outcome == PENDING).then(|| self.request.as_deref().map(key)).flatten()
    }

    fn json(&self) -> Json {
        json!({
            "request": self.request,
            "outcome": self.outcome,
            "reason": self.reason,
            "at": utc(self.at),
        })
    }
}

/// Whether there is anything to say about a device: it takes modes or settings.
pub(crate) fn takes_commands(info: &DeviceInfo) -> bool {
    !(info.modes.is_empty() && info.settings.is_empty())
}

/// `T/<device>/control`.
pub(crate) fn said(scheme: &Scheme, device: &DeviceState, mode: Option<&str>, last: Option<&Last>) -> Said {
    let control = device.control.as_deref();
    let payload = json!({
        "mode": mode,
        "phase": control.map(|control| control.phase.key()),
        "wants": control.and_then(|control| control.wants.as_deref()),
        "by": control.and_then(|control| control.by),
        "code": control.map(|control| control.code),
        "reason": control.map(|control| control.reason.as_str()),
        "ends": control.and_then(|control| control.ends).and_then(utc),
        "last": last.map(Last::json),
    });
    Said::all_of(Message::retained(scheme.device_topic(&device.info.id, "control"), payload.to_string()))
}

/// `T/site/control`: the house has no mode of its own, but takes commands for parts and limits.
pub(crate) fn said_of_site(scheme: &Scheme, last: Option<&Last>) -> Said {
    let payload = json!({ "last": last.map(Last::json) });
    Said::all_of(Message::retained(scheme.device_topic(&DeviceId::site(), "control"), payload.to_string()))
}

/// The mode that the device is in for certain; `before` is what this said last. `None` where it is not known.
pub(crate) fn mode(
    device: &DeviceState,
    now: Moment,
    last: Option<&Last>,
    before: Option<&str>,
) -> Option<String> {
    let reported = reported(device, now)?;
    let control = device.control.as_deref();
    let wants = control.and_then(|control| control.wants.as_deref()).map(key);
    let looks_like = |wish: Option<&str>| wish.is_some_and(|wish| looks_like(&reported, wish));
    if looks_like(last.and_then(Last::tried)) {
        return before.map(str::to_owned);
    }
    match control.map(|control| control.phase) {
        Some(ControlPhase::Pending) if looks_like(wants) => before.map(str::to_owned),
        Some(ControlPhase::Ineffective) if looks_like(wants) => None,
        Some(ControlPhase::Confirmed | ControlPhase::AcceptedUnmeasured) if looks_like(wants) => {
            wants.map(str::to_owned)
        }
        _ => Some(reported),
    }
}

/// The mode that a device reports, in the words in which it would be asked for.
fn reported(device: &DeviceState, now: Moment) -> Option<String> {
    let text = |metric| device.value(metric, now).ok().and_then(|known| Value::as_str(known.value));
    let mode = text(Metric::BatteryMode)?;
    if mode != "native" {
        return Some(mode.to_owned());
    }
    text(Metric::BatteryModeNative).map(|native| format!("native:{}", native.to_lowercase()))
}

/// A wish without its parameters.
fn key(wish: &str) -> &str {
    wish.split_whitespace().next().unwrap_or_default()
}

/// Whether a device that was asked for `wish` may report this. A unit that rests by an empty schedule of its own reports
/// the schedule.
fn looks_like(reported: &str, wish: &str) -> bool {
    reported == wish || (reported == "manual" && matches!(wish, "idle" | "native:manual"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use ohmstead_model::{ControlState, Observed};
    use rstest::rstest;

    use super::*;

    fn device(mode: &'static str, native: &str, phase: ControlPhase, wants: Option<&str>) -> DeviceState {
        let info = DeviceInfo::new("a".parse().expect("a valid name"), "test", "nowhere");
        let mut device = DeviceState::new(Arc::new(info));
        let mut put = |metric, value| {
            device.values.insert(metric, Observed { observation: Ok(value), at: Moment::default() });
        };
        put(Metric::BatteryMode, Value::State(mode));
        put(Metric::BatteryModeNative, Value::text(native));
        let wants = wants.map(str::to_owned);
        device.control = Some(Arc::new(ControlState { phase, wants, ..ControlState::hands_off() }));
        device
    }

    #[rstest]
    #[case::left_alone("auto", "Auto", ControlPhase::Unset, None, None, Some("auto"))]
    #[case::of_its_own("native", "AI", ControlPhase::Unset, None, None, Some("native:ai"))]
    #[case::own_schedule("manual", "Manual", ControlPhase::Unset, None, None, Some("manual"))]
    #[case::not_there_yet("auto", "Auto", ControlPhase::Pending, Some("idle"), None, Some("auto"))]
    #[case::reported_but_not_proven(
        "idle",
        "Idle",
        ControlPhase::Pending,
        Some("idle"),
        None,
        Some("before")
    )]
    #[case::the_same_in_its_words(
        "manual",
        "Manual",
        ControlPhase::Pending,
        Some("idle"),
        None,
        Some("before")
    )]
    #[case::a_command_under_way("hold", "Hold", ControlPhase::Unset, None, Some("hold"), Some("before"))]
    #[case::with_a_power(
        "charge",
        "Passive",
        ControlPhase::Unset,
        None,
        Some("charge 800 W"),
        Some("before")
    )]
    #[case::proven("idle", "Idle", ControlPhase::Confirmed, Some("idle"), None, Some("idle"))]
    #[case::accepted("manual", "Manual", ControlPhase::AcceptedUnmeasured, Some("idle"), None, Some("idle"))]
    #[case::says_so_and_does_not("hold", "Hold", ControlPhase::Ineffective, Some("hold"), None, None)]
    #[case::refused("auto", "Auto", ControlPhase::NotControllable, Some("hold"), None, Some("auto"))]
    #[case::dry_run("auto", "Auto", ControlPhase::DryRun, Some("hold"), None, Some("auto"))]
    #[case::changed_by_another("auto", "Auto", ControlPhase::Confirmed, Some("idle"), None, Some("auto"))]
    fn the_mode_does_not_run_ahead(
        #[case] mode: &'static str,
        #[case] native: &str,
        #[case] phase: ControlPhase,
        #[case] wants: Option<&str>,
        #[case] asked: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let device = device(mode, native, phase, wants);
        let last = asked.map(|asked| Last::asked(asked, UnixMillis(0)));
        let shown = super::mode(&device, Moment::default(), last.as_ref(), Some("before"));
        assert_eq!(shown.as_deref(), expected);
    }

    #[test]
    fn a_mode_that_is_too_old_is_not_known() {
        let device = device("auto", "Auto", ControlPhase::Confirmed, Some("auto"));
        let later = Moment { mono: Duration::from_secs(3600), ..Moment::default() };
        assert_eq!(super::mode(&device, later, None, Some("auto")), None);
    }

    #[test]
    fn an_answered_command_is_no_longer_under_way() {
        let answer = json!({ "request": "hold", "outcome": "rejected", "reason": "no" });
        let last = Last::answered(&answer, UnixMillis(0));
        assert_eq!((last.tried(), last.outcome.as_str()), (None, "rejected"));
    }
}
