//! What control finds, told once for each change: in the log, and as notices of the device or of the house.

use std::collections::BTreeMap;
use std::time::Duration;

use ohmstead_control::Verdict;
use ohmstead_control::limiter::Verdict as Limit;
use ohmstead_model::Language;
use ohmstead_model::{DeviceId, Moment, Notice, Severity};

use crate::hub::Hub;

/// What was told last, by whom it is about and what it is.
#[derive(Debug, Default)]
pub(super) struct Findings {
    told: BTreeMap<(DeviceId, &'static str), String>,
    /// Since when something is the case that is not told yet.
    pending: BTreeMap<(DeviceId, &'static str), Moment>,
}

/// What passes sooner is not told: devices and meters take their time after a start.
const LASTING: Duration = Duration::from_secs(30);

/// One finding.
struct Finding {
    device: DeviceId,
    code: &'static str,
    severity: Severity,
    text: String,
    hint: &'static str,
    /// Whether it is told as soon as it is found.
    at_once: bool,
}

impl Findings {
    /// Tells what has changed.
    pub(super) async fn tell(&mut self, hub: &Hub, verdicts: &[Verdict], now: Moment) {
        let mut found = together(verdicts.iter().filter_map(finding));
        self.pending.retain(|key, _| found.contains_key(key));
        found.retain(|key, finding| {
            let since = *self.pending.entry(key.clone()).or_insert(now);
            finding.at_once || now.since(since) >= LASTING
        });
        let over: Vec<_> = self.told.keys().filter(|key| !found.contains_key(*key)).cloned().collect();
        for (device, code) in over {
            tracing::info!(target: "control", %device, code, "over");
            hub.notice(device.clone(), code, None).await;
            self.told.remove(&(device, code));
        }
        for (key, Finding { device, code, severity, text, hint, .. }) in found {
            if self.told.get(&key) == Some(&text) {
                continue;
            }
            // A figure that changes is no news.
            if !self.told.contains_key(&key) {
                tracing::warn!(target: "control", %device, code, "{text}");
            }
            let notice = Notice { code, severity, text: text.clone(), hint: hint.to_owned() };
            hub.notice(device, code, Some(notice)).await;
            self.told.insert(key, text);
        }
    }
}

/// There is one notice for each code and device: what is said several times stands in one.
fn together(findings: impl Iterator<Item = Finding>) -> BTreeMap<(DeviceId, &'static str), Finding> {
    let mut all: BTreeMap<_, Finding> = BTreeMap::new();
    for finding in findings {
        let key = (finding.device.clone(), finding.code);
        match all.get_mut(&key) {
            Some(known) => known.text = format!("{}; {}", known.text, finding.text),
            None => {
                all.insert(key, finding);
            }
        }
    }
    all
}

fn finding(verdict: &Verdict) -> Option<Finding> {
    match verdict {
        Verdict::Limiter(limit) => of_limit(limit),
        Verdict::Rotation(rotation) => Some(Finding {
            device: rotation.device.clone().unwrap_or_else(DeviceId::site),
            code: rotation.finding.code(),
            severity: rotation.finding.severity(),
            text: format!("{}: {}", rotation.group, rotation.finding.sentence(Language::En)),
            hint: "see docs/rotation.md",
            // The rotation has waited already.
            at_once: true,
        }),
    }
}

fn of_limit(limit: &Limit) -> Option<Finding> {
    let (code, severity, hint) = match limit {
        Limit::Holding { .. } | Limit::Released { .. } => return None,
        Limit::Blind { .. } => (
            "limit_blind",
            Severity::Alarm,
            "a limit without its measurement holds nothing: look at the meter or the device",
        ),
        Limit::Ineffective { .. } => {
            ("limit_ineffective", Severity::Alarm, "something else makes the power; see docs/limits.md")
        }
        Limit::NotControllable { .. } => (
            "limit_not_controllable",
            Severity::Warning,
            "docs/limits.md says what can be limited on which device",
        ),
    };
    let at_once = matches!(limit, Limit::Ineffective { .. });
    Some(Finding { device: DeviceId::site(), code, severity, text: limit.to_string(), hint, at_once })
}
