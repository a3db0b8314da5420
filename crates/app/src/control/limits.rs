//! Limits of the site that are lowered while the program runs: kept in the store, changed by whoever asks.

use std::collections::BTreeMap;

use ohmstead_control::limiter::{Asked, Settings};
use ohmstead_model::{Asker, DeviceId, LimitName, LimitRefused, Notice, Severity, SiteLimit};
use ohmstead_units::Watts;
use serde_json::Value;
use tokio::sync::oneshot;

use super::Control;
use super::book::{Kept, aside, put_aside};
use crate::records::{NotDurable, Records};

/// Where it is kept what was asked for.
pub(crate) const KEY: &str = "control/limits";

/// A limit that is to be lowered, on its way to control.
pub(crate) struct LimitAsk {
    /// Which.
    pub(crate) name: LimitName,
    /// To what; `None` goes back to what the configuration says.
    pub(crate) max: Option<Watts>,
    /// By what way.
    pub(crate) asked_by: Asker,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<Result<SiteLimit, LimitRefused>>,
}

/// What was asked for, as far as it can be read; an error where the memory cannot be read at present.
pub(crate) async fn read(records: &dyn Records) -> Result<Kept<Asked>, NotDurable> {
    let text = records.get_state(KEY.to_owned()).await?.unwrap_or_default();
    Ok(asked(&text))
}

/// One by one: a limit that this version does not know takes no other with it.
fn asked(text: &str) -> Kept<Asked> {
    if text.is_empty() {
        return Kept::default();
    }
    let kept: BTreeMap<String, Value> = match serde_json::from_str(text) {
        Ok(kept) => kept,
        Err(error) => return Kept { value: Asked::new(), unreadable: vec![error.to_string()] },
    };
    let (mut value, mut unreadable) = (Asked::new(), Vec::new());
    for (key, power) in kept {
        match (LimitName::of_key(&key), power.as_f64()) {
            (Some(name), Some(power)) if power.is_finite() => {
                value.insert(name, Watts(power));
            }
            _ => unreadable.push(format!("{key:?}")),
        }
    }
    Kept { value, unreadable }
}

/// What cannot be read goes aside first, or nothing is written.
async fn write(records: &dyn Records, asked: &Asked) -> Result<(), NotDurable> {
    let before = records.get_state(KEY.to_owned()).await?.unwrap_or_default();
    if !self::asked(&before).unreadable.is_empty() {
        put_aside(records, KEY, &before).await?;
    }
    let kept: BTreeMap<_, _> = asked.iter().map(|(name, power)| (name.key(), power.0)).collect();
    let text = serde_json::to_string(&kept).expect("finite numbers");
    records.put_state(KEY.to_owned(), text).await
}

/// Lowers a limit in the memory: what counts from then on, and what was asked for of all of them.
pub(crate) async fn lower(
    records: &dyn Records,
    settings: &Settings,
    before: &Asked,
    name: LimitName,
    max: Option<Watts>,
) -> Result<(Asked, SiteLimit), LimitRefused> {
    let asked = settings.ask(before, name, max)?;
    if asked != *before {
        write(records, &asked).await.map_err(|error| LimitRefused::NotKept(error.to_string()))?;
    }
    let shown = settings.shown(&asked).into_iter().find(|limit| limit.name == name);
    let shown = shown.ok_or(LimitRefused::NotConfigured(name))?;
    Ok((asked, shown))
}

/// What an event says of a limit.
pub(crate) fn told(limit: &SiteLimit) -> String {
    let SiteLimit { name, max, .. } = limit;
    match limit.asked {
        Some(_) => format!("the limit {name} is {} now, the configuration allows {max}", limit.counts()),
        None => format!("the limit {name} is {max} now, as the configuration says"),
    }
}

impl Control {
    /// Lowers a limit as somebody asks: first durably, then for the next cycle, which follows at once.
    pub(super) async fn limit(&mut self, ask: LimitAsk) {
        let LimitAsk { name, max, asked_by, answer } = ask;
        let limited = self.limited(name, max, asked_by).await;
        if let Err(LimitRefused::NotKept(error)) = &limited {
            tracing::warn!(target: "control", %error, "a limit is not changed, for it would not survive a restart");
        }
        // Whoever asked may have left.
        let _ = answer.send(limited);
    }

    /// What was kept; what cannot be read of it is told.
    pub(super) async fn kept_limits(&self) -> Result<Asked, NotDurable> {
        let Kept { value, unreadable } = read(self.records()).await?;
        self.tell_unreadable("limits_unreadable", "lowered limits", KEY, &unreadable).await;
        Ok(value)
    }

    /// Tells, as a notice of the house and with it as an event, what was kept and does not count.
    pub(super) async fn tell_unreadable(&self, code: &'static str, what: &str, key: &str, which: &[String]) {
        if which.is_empty() {
            return;
        }
        let notice = Notice {
            code,
            severity: Severity::Warning,
            text: format!(
                "not all {what} that were kept can be read, these do not count: {}",
                which.join(", ")
            ),
            hint: format!("ask for them again; with the next change they go to {} in the store", aside(key)),
        };
        self.parts.hub.notice(DeviceId::site(), code, Some(notice)).await;
    }

    async fn limited(
        &mut self,
        name: LimitName,
        max: Option<Watts>,
        asked_by: Asker,
    ) -> Result<SiteLimit, LimitRefused> {
        let before = match &self.asked {
            Some(asked) => asked.clone(),
            None => self.kept_limits().await.map_err(|error| LimitRefused::NotKept(error.to_string()))?,
        };
        let settings = self.parts.rules.borrow().settings.limits.clone();
        let (asked, shown) = lower(self.records(), &settings, &before, name, max).await?;
        if asked != before {
            self.tell("limit_changed", &told(&shown), asked_by).await;
        }
        self.asked = Some(asked);
        self.in_force = None;
        self.show_switches();
        Ok(shown)
    }
}
