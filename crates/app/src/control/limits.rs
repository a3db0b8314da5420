//! How the limits of the site are doing, told once for each change: in the log and as notices of the house.

use std::collections::BTreeMap;

use ohmstead_control::limiter::Verdict;
use ohmstead_model::{DeviceId, Notice, Severity};

use crate::hub::Hub;

const BLIND: &str = "limit_blind";
const INEFFECTIVE: &str = "limit_ineffective";
const NOT_CONTROLLABLE: &str = "limit_not_controllable";
const CODES: [&str; 3] = [BLIND, INEFFECTIVE, NOT_CONTROLLABLE];

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Limits {
    told: BTreeMap<&'static str, String>,
}

impl Limits {
    /// Tells what has changed.
    pub(super) async fn tell(&mut self, hub: &Hub, verdicts: &[Verdict]) {
        for code in CODES {
            let texts: Vec<_> = verdicts
                .iter()
                .filter(|verdict| code_of(verdict) == Some(code))
                .map(ToString::to_string)
                .collect();
            let text = texts.join("; ");
            if self.told.get(code).map_or("", String::as_str) == text {
                continue;
            }
            if text.is_empty() {
                tracing::info!(target: "control", code, "over");
            } else {
                tracing::warn!(target: "control", code, "{text}");
            }
            hub.notice(DeviceId::site(), code, (!text.is_empty()).then(|| notice(code, &text))).await;
            self.told.insert(code, text);
        }
    }
}

fn code_of(verdict: &Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Holding { .. } | Verdict::Released { .. } => None,
        Verdict::Blind { .. } => Some(BLIND),
        Verdict::Ineffective { .. } => Some(INEFFECTIVE),
        Verdict::NotControllable { .. } => Some(NOT_CONTROLLABLE),
    }
}

fn notice(code: &'static str, text: &str) -> Notice {
    let (severity, hint) = match code {
        BLIND => (
            Severity::Alarm,
            "a limit without its measurement holds nothing; look at the meter or the device",
        ),
        INEFFECTIVE => (Severity::Alarm, "something else makes the power; see docs/limits.md"),
        _ => (Severity::Warning, "see docs/limits.md for what can be limited on which device"),
    };
    Notice { code, severity, text: text.to_owned(), hint: hint.to_owned() }
}
