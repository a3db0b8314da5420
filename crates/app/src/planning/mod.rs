//! Planning as a task: puts together what is known of the time ahead, has a plan made, and hands it to control and to the page.
//!
//! ```text
//! history, snapshot, outlook --> ahead (prices, load, sun) --> problem --> planner (pure) --+--> control, where it may act
//!          again every quarter of an hour, when something new is known,                    +--> page, REST, `ohmstead plan`
//!          and when a battery is far from where the plan has it
//! ```
//!
//! A plan is made beside the runtime, for it takes its time. Whatever is missing, there is an answer: what is guessed is
//! said, and without prices there is no plan, and it is said why.

pub(crate) mod bank;
pub(crate) mod door;
mod due;
pub(crate) mod lack;
pub(crate) mod looking;
pub(crate) mod money;
pub(crate) mod past;
pub(crate) mod present;
pub(crate) mod prices;
pub(crate) mod problem;
mod site;
pub(crate) mod sun;
pub(crate) mod told;

use std::sync::Arc;
use std::time::Duration;

use ohmstead_control::plan;
use ohmstead_model::{Clock, Language, Metric, Moment, Snapshot, UnixMillis};
use ohmstead_outlook::Outlook;
use ohmstead_planner::settings::Mode;
use ohmstead_planner::{FallbackReason, Future, Plan, Tuning, plan_for_futures};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::control::Tempo;
use crate::control::by_hand::ByHand;
use crate::hub::Hub;
use crate::store::Store;
use bank::bank;
use due::{Asked, outline};
use lack::Lack;
use past::Past;
use prices::Told;
use problem::{Ahead, Known, ahead, futures, pins, problem, why_no_slots};
pub(crate) use site::{Site, currency};
use told::Made;

/// How often it is looked whether a plan is due.
const LOOK: Duration = Duration::from_secs(15);

/// 2025-01-01: a clock that shows an earlier time has not been set since the start.
const CLOCK_IS_SET: UnixMillis = UnixMillis(1_735_689_600_000);

/// What planning is made from.
pub(crate) struct Parts {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Hub,
    pub(crate) store: Store,
    pub(crate) site: watch::Receiver<Site>,
    pub(crate) outlook: watch::Receiver<Arc<Outlook>>,
    /// The Tempo tariff as it is known, with what the owner said.
    pub(crate) tempo: watch::Receiver<Option<Arc<Tempo>>>,
    /// What was asked by hand, now and for a time to come.
    pub(crate) by_hand: watch::Receiver<Arc<ByHand>>,
    /// Where the plan goes that control follows.
    pub(crate) plan: watch::Sender<Option<Arc<plan::Plan>>>,
    /// Where everything goes that is shown.
    pub(crate) shown: watch::Sender<Arc<Shown>>,
}

/// What is shown of planning.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// What is expected.
    pub(crate) ahead: Ahead,
    /// The plan.
    pub(crate) plan: Option<Arc<ohmstead_web::Plan>>,
    /// Why there is none.
    pub(crate) why_none: Option<Lack>,
}

/// The task.
pub(crate) struct Planning {
    parts: Parts,
    past: Past,
    made: Option<Made>,
    first: Option<Moment>,
    last: Option<Moment>,
    /// What was asked by hand when the last plan was made.
    asked: Vec<Asked>,
}

impl Planning {
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts, past: Past::default(), made: None, first: None, last: None, asked: Vec::new() }
    }

    /// Works until told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            if self.is_due() && stop.run_until_cancelled(self.round()).await.is_none() {
                return;
            }
            let clock = Arc::clone(&self.parts.clock);
            tokio::select! {
                () = stop.cancelled() => return,
                () = clock.sleep(LOOK) => {}
            }
        }
    }

    /// Looks at everything anew, and makes a plan.
    async fn round(&mut self) {
        let now = self.parts.clock.now();
        self.first.get_or_insert(now);
        self.last = Some(now);
        let site = self.parts.site.borrow_and_update().clone();
        let outlook = self.parts.outlook.borrow_and_update().clone();
        let tempo = self.parts.tempo.borrow_and_update().clone();
        self.asked = outline(&self.parts.by_hand.borrow_and_update());
        if let Err(error) = self.past.read_on(&self.parts.store, now.unix).await {
            tracing::debug!(target: "planner", %error, "the house's history cannot be read");
        }
        let snapshot = self.parts.hub.snapshot();
        let ahead = self.look_ahead(&site, &outlook, tempo.as_deref(), &snapshot, now);
        let found = match site.settings.mode {
            _ if now.unix < CLOCK_IS_SET => Err(Lack::ClockNotSet),
            Mode::Off => Err(Lack::PlannerOff),
            Mode::Advise | Mode::Act => self.make(&site, &ahead, &snapshot, now).await,
        };
        self.tell(&site, ahead, found);
    }

    fn look_ahead(
        &self,
        site: &Site,
        outlook: &Outlook,
        tempo: Option<&Tempo>,
        snapshot: &Snapshot,
        now: Moment,
    ) -> Ahead {
        let told = Told::of(tempo);
        let house = snapshot.device(ohmstead_model::DeviceId::site().as_str());
        let known = Known {
            now: now.unix,
            zone: &site.zone,
            past: &self.past,
            outlook: &outlook.without_foreign_prices(&site.currency),
            tempo: if site.unknown_is_red { told.late_is_red(now.unix) } else { told },
            tariffs: site.tariffs.as_ref(),
            of_supplier: site.of_supplier,
            foreign: outlook.foreign_currency(&site.currency).map(|theirs| (theirs, &*site.currency)),
            panels: &site.panels,
            pv_now_w: house.and_then(|house| house.number(Metric::PvPower, now).ok()),
        };
        ahead(&known, site.settings.horizon.0)
    }

    async fn make(&self, site: &Site, ahead: &Ahead, snapshot: &Snapshot, now: Moment) -> Result<Made, Lack> {
        let (mut bank, without) = bank(snapshot, now, &site.settings);
        let by_hand = Arc::clone(&self.parts.by_hand.borrow());
        for member in &mut bank {
            member.battery.pins = pins(by_hand.of(&member.device), now.unix);
        }
        if bank.is_empty() {
            return Err(without.into_iter().next().unwrap_or(Lack::NoBattery));
        }
        let problem = problem(ahead, now.unix, &bank, &site.settings);
        if problem.slots.is_empty() {
            return Err(why_no_slots(ahead));
        }
        let previous = self.made.as_ref().map(|made| made.plan.clone());
        let tuning = site.settings.tuning();
        let futures = futures(ahead, &problem);
        let (problem, plan) = solved(problem, futures, previous, tuning).await?;
        let took = self.parts.clock.now().since(now);
        let missing = ahead.missing.iter().cloned().chain(without).collect();
        Ok(Made { at: now, took, bank, problem, plan, missing })
    }

    fn tell(&mut self, site: &Site, ahead: Ahead, found: Result<Made, Lack>) {
        let acts = site.settings.acts();
        // What is no better than following the house is left to the strategies below.
        let followed = found.as_ref().ok().filter(|made| acts && !made.is_fallback());
        let for_control = followed.map(|made| Arc::new(made.for_control(&site.zone)));
        self.parts.plan.send_replace(for_control);
        let plan =
            found.as_ref().ok().map(|made| Arc::new(made.for_page(&ahead, &site.currency, &site.zone)));
        let was = self.parts.shown.borrow().why_none.clone();
        let why_none = found.as_ref().err().cloned();
        // A house that says nothing of prices does not ask for a plan.
        if site.tariffs.is_some() && why_none.is_some() && why_none != was {
            let why = why_none.as_ref().map(|why| why.sentence(Language::En));
            tracing::info!(target: "planner", why, "there is no plan");
        }
        self.log_fallback(found.as_ref().ok());
        self.parts.shown.send_replace(Arc::new(Shown { ahead, plan, why_none }));
        self.made = found.ok();
    }

    /// Says in the log why a plan is a fallback, with what the solver and the checks said, when that changes.
    fn log_fallback(&self, found: Option<&Made>) {
        let why = found.and_then(Made::fallback);
        let was = self.made.as_ref().and_then(Made::fallback).map(FallbackReason::code);
        if let Some(error) = why
            && was != Some(error.code())
        {
            tracing::warn!(target: "planner", %error, "no plan is better than following the house");
        }
    }
}

/// A plan, made on a thread of its own.
async fn solved(
    problem: ohmstead_planner::Problem,
    futures: Vec<Future>,
    previous: Option<Plan>,
    tuning: Tuning,
) -> Result<(ohmstead_planner::Problem, Plan), Lack> {
    let solving = tokio::task::spawn_blocking(move || {
        let plan = plan_for_futures(&problem, &futures, previous.as_ref(), &tuning);
        (problem, plan)
    });
    solving.await.map_err(|error| {
        tracing::error!(target: "planner", %error, "the planner failed");
        Lack::PlannerFailed
    })
}
