//! Limits of the site that are lowered while the program runs: kept in the store, changed by whoever asks.

use std::collections::BTreeMap;

use ohmstead_control::limiter::{Asked, Settings};
use ohmstead_model::{Asker, LimitName, LimitRefused, SiteLimit};
use ohmstead_units::Watts;
use tokio::sync::oneshot;

use super::Control;
use super::book::put_aside;
use crate::records::{NotDurable, Records};

/// Where it is kept what was asked for.
const KEY: &str = "control/limits";

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

/// What was asked for; an error where the memory cannot be read at present. What makes no sense is put aside, and the log
/// says so.
pub(crate) async fn read(records: &dyn Records) -> Result<Asked, NotDurable> {
    let text = records.get_state(KEY.to_owned()).await?.unwrap_or_default();
    if text.is_empty() {
        return Ok(Asked::new());
    }
    match asked(&text) {
        Ok(asked) => Ok(asked),
        Err(why) => {
            put_aside(records, KEY, text, &why).await;
            Ok(Asked::new())
        }
    }
}

fn asked(text: &str) -> Result<Asked, String> {
    let kept: BTreeMap<String, f64> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let read = |(key, power): (String, f64)| match LimitName::of_key(&key) {
        Some(name) if power.is_finite() => Ok((name, Watts(power))),
        _ => Err(format!("the limit {key:?}")),
    };
    kept.into_iter().map(read).collect()
}

async fn write(records: &dyn Records, asked: &Asked) -> Result<(), NotDurable> {
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

    async fn limited(
        &mut self,
        name: LimitName,
        max: Option<Watts>,
        asked_by: Asker,
    ) -> Result<SiteLimit, LimitRefused> {
        let before = match &self.asked {
            Some(asked) => asked.clone(),
            None => read(self.records()).await.map_err(|error| LimitRefused::NotKept(error.to_string()))?,
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
