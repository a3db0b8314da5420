//! The write budget: settings live in memory that wears out, so they are written rarely, and never in a storm.
//!
//! What was written when is kept durably: a restart gives nobody a new budget, and neither does a record that cannot be
//! read. A write counts from the moment before it goes out, whatever becomes of it; one that was sent twice counts twice.

use std::collections::BTreeMap;
use std::time::Duration;

use ohmstead_drivers::Wear;
use ohmstead_model::{ASK_AGAIN_IN, Outcome, UnixMillis, WEARS_OUT};
use ohmstead_units::Timespan;

use super::Gate;
use super::judge::Verdict;
use crate::records::{NotDurable, wear_key};

const DAY: Duration = Duration::from_secs(86_400);

/// When each part of a device was written lately, Unix milliseconds, the oldest first.
type Writes = BTreeMap<String, Vec<i64>>;

/// The part that stands for all of them, after their record was lost.
const ALL: &str = "*";

/// Why nothing is written now.
pub(super) struct TooMuch {
    /// What the ledger says.
    pub(super) verdict: Verdict,
    /// How long until it may be written, where only the last write is too near.
    pub(super) wait: Option<Duration>,
}

impl Gate {
    /// Takes one write of the budget, or says why not.
    pub(super) async fn spend(&self, wear: &Wear) -> Result<(), TooMuch> {
        let now = self.clock.now().unix;
        let rejected = |reason: String| TooMuch { verdict: (Outcome::Rejected, reason), wait: None };
        let mut writes = self.writes().await.map_err(failed)?;
        let Some(writes) = writes.as_mut() else {
            let lost = Writes::from([(ALL.to_owned(), vec![now.0])]);
            self.keep(&lost).await.map_err(failed)?;
            return Err(rejected(LOST.to_owned()));
        };
        let lost = writes.get(ALL).and_then(|at| at.last());
        if lost.is_some_and(|at| Duration::from_millis(now.0.abs_diff(*at)) < DAY) {
            return Err(rejected(LOST.to_owned()));
        }
        writes.remove(ALL);
        let lately = writes.entry(wear.part.clone()).or_default();
        take(lately, wear, now).map_err(|(reason, wait)| TooMuch { wait, ..rejected(reason) })?;
        self.keep(writes).await.map_err(failed)
    }

    /// Takes further writes of the budget that have been made already.
    pub(super) async fn spend_again(&self, wear: &Wear, times: u32) {
        let now = self.clock.now().unix;
        let Ok(Some(mut writes)) = self.writes().await else { return };
        writes.entry(wear.part.clone()).or_default().extend((0..times).map(|_| now.0));
        if let Err(error) = self.keep(&writes).await {
            tracing::warn!(target: "control", device = %self.id, %error, "a repeated write could not be counted");
        }
    }

    /// The writes of late; `None` where they cannot be read.
    async fn writes(&self) -> Result<Option<Writes>, NotDurable> {
        let known = self.records.get_state(wear_key(&self.id)).await?;
        Ok(known.map_or_else(|| Some(Writes::new()), |text| serde_json::from_str(&text).ok()))
    }

    async fn keep(&self, writes: &Writes) -> Result<(), NotDurable> {
        let text = serde_json::to_string(writes).expect("names and numbers");
        self.records.put_state(wear_key(&self.id), text).await
    }
}

/// Why nothing is written after the record of earlier writes was lost.
const LOST: &str = "the record of earlier writes cannot be read: they are taken as spent for 24 h";

#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn failed(error: NotDurable) -> TooMuch {
    let reason = format!("nothing was written: the write could not be counted: {error}");
    TooMuch { verdict: (Outcome::Failed, reason), wait: None }
}

/// Adds a write at `now`, or says why there must be none, and until when if that will pass soon.
fn take(lately: &mut Vec<i64>, wear: &Wear, now: UnixMillis) -> Result<(), (String, Option<Duration>)> {
    let since = |at: i64| Duration::from_millis(now.0.abs_diff(at));
    // A clock that jumped leaves stamps in the future: they count like those of the past.
    lately.retain(|at| since(*at) < DAY);
    let Wear { part, interval, per_day, .. } = wear;
    let why = format!(
        "{part} {WEARS_OUT}: one write in {}, {per_day} in 24 h (write_interval, writes_per_day)",
        Timespan(*interval)
    );
    if let Some(last) = lately.iter().map(|at| since(*at)).min().filter(|last| last < interval) {
        let wait = Duration::from_secs(interval.saturating_sub(last).as_secs() + 1);
        return Err((format!("{why}; {ASK_AGAIN_IN}{}", Timespan(wait)), Some(wait)));
    }
    if lately.len() >= usize::try_from(*per_day).unwrap_or(usize::MAX) {
        return Err((format!("{why}; today's writes are spent"), None));
    }
    lately.push(now.0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wear(interval_s: u64, per_day: u32) -> Wear {
        Wear {
            part: "output_priority".to_owned(),
            interval: Duration::from_secs(interval_s),
            per_day,
            may_wait: true,
        }
    }

    #[test]
    fn one_write_in_a_while_and_few_a_day() {
        let (wear, mut lately) = (wear(60, 2), Vec::new());
        let mut at = |seconds: i64| take(&mut lately, &wear, UnixMillis(seconds * 1000));
        assert_eq!(at(1_000_000), Ok(()));
        assert_eq!(
            at(1_000_050).unwrap_err().0,
            "output_priority is kept in memory that wears out: one write in 1 min, 2 in 24 h (write_interval, writes_per_day); ask again in 11 s"
        );
        assert_eq!(at(1_000_060), Ok(()));
        assert!(at(1_000_200).unwrap_err().0.ends_with("today's writes are spent"));
        assert_eq!(at(1_000_000 + 86_400), Ok(()), "a day later");
    }

    #[test]
    fn a_clock_that_jumps_neither_opens_nor_blocks_for_ever() {
        let (wear, mut lately) = (wear(60, 2), Vec::new());
        let mut at = |seconds: i64| take(&mut lately, &wear, UnixMillis(seconds * 1000));
        assert_eq!(at(2_000_000), Ok(()));
        assert!(at(1_999_990).is_err(), "the write was just now, whatever the clock says");
        assert_eq!(at(1_000_000), Ok(()), "far in the past");
        assert_eq!(at(1_000_100), Ok(()), "what was written in a wrong future is forgotten");
    }

    proptest! {
        /// Whatever is asked, no 24 hours see more writes than allowed, and no two are nearer than allowed.
        #[test]
        fn the_budget_holds(steps in prop::collection::vec(0i64..7_200_000, 1..200), per_day in 1u32..6) {
            let (wear, mut lately, mut now) = (wear(600, per_day), Vec::new(), 0);
            let mut written: Vec<i64> = Vec::new();
            for step in steps {
                now += step;
                if take(&mut lately, &wear, UnixMillis(now)).is_ok() {
                    if let Some(last) = written.last() {
                        prop_assert!(now - last >= 600_000);
                    }
                    written.push(now);
                }
                let day = written.iter().filter(|at| now - **at < 86_400_000).count();
                prop_assert!(day <= usize::try_from(per_day).unwrap());
            }
        }
    }
}
