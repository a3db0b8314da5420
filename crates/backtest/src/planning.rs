//! The planner at work in the past: what it could know, foretold at each renewal; and the same planner with the truth.

use std::time::Duration;

use ohmstead_forecast::load;
use ohmstead_model::{BatteryMode, Price, TimeSpan, Timeline, UnixMillis};
use ohmstead_planner::{Battery, EndWorth, Future, Plan, Problem, Slot, Tuning, Worth, plan_for_futures};

use crate::foresight::Foresight;
use crate::home::{Home, length, mean_price};

/// How the planner is used.
#[derive(Clone, Copy)]
pub struct Planning<'s> {
    /// Who knows which prices were known.
    pub foresight: &'s dyn Foresight,
    /// Where the forecast of the sun comes from.
    pub sun: Sun<'s>,
    /// How often the plan is renewed.
    pub every: Duration,
    /// How far it looks.
    pub horizon: Duration,
    /// In how many ways load and sun may come, as they did on as many days before; with 0 the plan is for the forecast alone.
    pub futures: usize,
    /// The planner's own settings.
    pub tuning: Tuning,
}

/// What the sun is expected to give.
#[derive(Debug, Clone, Copy)]
pub enum Sun<'s> {
    /// A forecast, W: it must not be made from what came later.
    Forecast(&'s Timeline<f64>),
    /// The mean of so many days before, at the same time of day.
    LastDays(u32),
}

const DAY: Duration = Duration::from_secs(86_400);

/// The planner, with the plan that it follows.
pub(crate) struct Planner<'s> {
    /// `None`: it knows what comes, until `end`.
    planning: Option<Planning<'s>>,
    end: UnixMillis,
    followed: Option<Plan>,
    renewed: Option<UnixMillis>,
}

/// With perfect foresight: how often it is renewed, and how far it looks.
const KNOWING_EVERY: Duration = DAY;
const KNOWING_HORIZON: Duration = Duration::from_secs(5 * 86_400);

impl<'s> Planner<'s> {
    /// That knows what could be known.
    pub(crate) fn foretelling(planning: Planning<'s>) -> Self {
        Self { planning: Some(planning), end: UnixMillis(i64::MAX), followed: None, renewed: None }
    }

    /// That knows everything until `end`.
    pub(crate) fn knowing(end: UnixMillis) -> Self {
        Self { planning: None, end, followed: None, renewed: None }
    }

    /// What the plan says for the step that begins at `now`. It is renewed if that is due.
    pub(crate) fn modes(
        &mut self,
        now: UnixMillis,
        home: &Home<'_>,
        batteries: &[Battery],
    ) -> Vec<BatteryMode> {
        let every = self.planning.map_or(KNOWING_EVERY, |planning| planning.every);
        if self.renewed.is_none_or(|at| at.plus(every) <= now) {
            self.renew(now, home, batteries);
        }
        let found = self.followed.as_ref().and_then(|plan| Some(plan.modes[plan.slot_at(now)?].clone()));
        found.unwrap_or_else(|| vec![BatteryMode::Auto; batteries.len()])
    }

    fn renew(&mut self, now: UnixMillis, home: &Home<'_>, batteries: &[Battery]) {
        self.renewed = Some(now);
        let (slots, futures) = match self.planning {
            Some(planning) => foretold(planning, now, home),
            None => (
                known(home, TimeSpan::lasting(now, KNOWING_HORIZON).common(TimeSpan::new(now, self.end))),
                Vec::new(),
            ),
        };
        let mut problem = Problem { slots, batteries: batteries.to_vec(), ..home.site.clone() };
        let is_last = problem.slots.last().is_some_and(|slot| slot.span.end >= self.end);
        problem.end_worth = if is_last { credited(home, batteries) } else { EndWorth::suggested(&problem) };
        let settings = self.planning.map_or_else(Tuning::default, |planning| planning.tuning);
        self.followed = Some(plan_for_futures(&problem, &futures, self.followed.as_ref(), &settings));
    }
}

/// At the end of what is replayed, what is left is worth what it is credited with.
fn credited(home: &Home<'_>, batteries: &[Battery]) -> EndWorth {
    let capacity_wh = batteries.iter().map(|battery| battery.capacity_wh).sum();
    EndWorth::of([Worth { wh: capacity_wh, eur_per_kwh: home.left_eur_kwh }])
}

/// The steps of a stretch that begin with a whole one.
fn steps(home: &Home<'_>, window: TimeSpan) -> impl Iterator<Item = TimeSpan> {
    let length = length(home.step);
    let count = u32::try_from(window.length().as_millis() / length.as_millis()).unwrap_or(u32::MAX);
    (0..count).map(move |step| TimeSpan::lasting(window.start.plus(length * step), length))
}

/// What came, until the first hole.
fn known(home: &Home<'_>, window: TimeSpan) -> Vec<Slot> {
    steps(home, window).map_while(|span| home.slot(span)).collect()
}

/// What could be expected, until the first hole, and the ways in which it might come.
fn foretold(planning: Planning<'_>, now: UnixMillis, home: &Home<'_>) -> (Vec<Slot>, Vec<Future>) {
    let window = TimeSpan::lasting(now, planning.horizon);
    let nothing = Timeline::default();
    let house = load::House { load_w: home.load_w, temperature_c: &nothing, zone: &home.zone };
    let load = load::foretell(house, now, planning.horizon, home.step, planning.futures);
    let prices = planning.foresight.prices(now, window);
    let slot = |span: TimeSpan| slot(planning.sun, span, load.bands.at(span.start)?.mean, &prices, now, home);
    let slots: Vec<Slot> = steps(home, window).map_while(slot).collect();
    let days = u32::try_from(planning.horizon.as_secs().div_ceil(DAY.as_secs())).unwrap_or(1).max(1);
    let future = |(back, load_w): (u32, &Timeline<f64>)| {
        let pv_w = |slot: &Slot| sun_as_before(planning.sun, slot, home.pv_w, DAY * (days + back));
        let load_w = |slot: &Slot| load_w.at(slot.span.start).copied().unwrap_or(slot.load_w);
        Future { load_w: slots.iter().map(load_w).collect(), pv_w: slots.iter().map(pv_w).collect() }
    };
    let futures = (0..).zip(&load.futures).map(future).collect();
    (slots, futures)
}

/// The sun of a slot if it is as it was so long before: the same power, or as much more than the forecast.
fn sun_as_before(sun: Sun<'_>, slot: &Slot, pv_w: &Timeline<f64>, back: Duration) -> f64 {
    let then = TimeSpan::new(slot.span.start.minus(back), slot.span.end.minus(back));
    let Some(was_w) = pv_w.mean(then) else { return slot.pv_w };
    match sun {
        Sun::LastDays(_) => was_w.max(0.0),
        Sun::Forecast(forecast) => {
            forecast.mean(then).map_or(slot.pv_w, |foretold_w| (slot.pv_w + was_w - foretold_w).max(0.0))
        }
    }
}

fn slot(
    sun: Sun<'_>,
    span: TimeSpan,
    load_w: f64,
    prices: &Timeline<Price>,
    now: UnixMillis,
    home: &Home<'_>,
) -> Option<Slot> {
    let (import_price, export_price) = mean_price(prices, span)?;
    let pv_w = match sun {
        Sun::Forecast(forecast) => forecast.mean(span)?,
        Sun::LastDays(days) => mean_of_days(home.pv_w, span, now, days)?,
    };
    Some(Slot { span, load_w: load_w.max(0.0), pv_w: pv_w.max(0.0), import_price, export_price })
}

/// The mean of the last days before `now` at the time of day of `span`; `None` where none of them is known.
fn mean_of_days(pv_w: &Timeline<f64>, span: TimeSpan, now: UnixMillis, days: u32) -> Option<f64> {
    let before = (1..).map(|back| TimeSpan::new(span.start.minus(DAY * back), span.end.minus(DAY * back)));
    let measured = before.skip_while(|span| span.end > now).take(days as usize);
    let known: Vec<f64> = measured.filter_map(|span| pv_w.mean(span)).collect();
    let count = known.len();
    (count > 0).then(|| known.iter().sum::<f64>() / count as f64)
}
