//! How far a device has got with what is wanted of it. Pure.
//!
//! ```text
//!           wanted anew                    follows                     its time, its sun, its house changed
//! nothing --------------> attempt ----------------> standing --------------------------------> renew
//!    ^                      | does not: again, later    | somebody else changed it twice
//!    |  given back          v                           v
//!    +-- ours, unwanted   given up                    foreign: left alone until something else is wanted
//! ```

use std::time::Duration;

use ohmstead_control::{Desired, Who};
use ohmstead_drivers::Plan;
use ohmstead_model::{BatteryMode, ControlPhase, Moment, Outcome};
use ohmstead_units::{BatteryPower, Watts};

use crate::actuator::Begins;

/// How often something is tried before it is given up for a while.
const TRIES: u32 = 3;
/// The pause before the second try; each next one is twice as long.
const PAUSE: Duration = Duration::from_secs(30);
/// What was refused or given up is tried again so late, if it is still wanted.
const LATER: Duration = Duration::from_secs(600);
/// So soon it is looked again whether a device answers.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A limit that could not be written is written so late again.
const LIMIT_PAUSE: Duration = Duration::from_secs(5);
/// A device that somebody else changes twice within this time is left to them.
const FOREIGN_WITHIN: Duration = Duration::from_secs(600);

/// What is wanted, without why.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) mode: Option<BatteryMode>,
    pub(super) discharge_max: Option<Watts>,
}

impl Wanted {
    pub(super) fn of(desired: &Desired) -> Self {
        Self { mode: desired.mode.clone(), discharge_max: desired.discharge_max }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// Nothing at present.
    Wait,
    /// Write what is wanted, and prove it.
    Attempt,
    /// Write what is there already again, or with the power that a limit leaves now: there is nothing new to prove.
    Renew,
    /// Its own automatic, with at most so much discharge.
    Limit(Watts),
    /// The same while what is wanted is refused and waits to be tried again.
    LimitAtRest(Watts),
    /// The limit at rest is over: what is wanted goes on waiting.
    Rest,
    /// Make the device what it was before it was ours.
    GiveBack,
}

/// What became of what was wanted last.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Standing {
    wanted: Option<Wanted>,
    outcome: Option<Outcome>,
    tries: u32,
    /// It came too soon, and is written at `next`.
    pub(super) waits_its_time: bool,
    /// The limit that was written while what is wanted waits to be tried again.
    limited_at_rest: Option<Watts>,
    next: Option<Moment>,
    /// When to look whether the device answers by now.
    look_at: Option<Moment>,
    renews: bool,
    /// It is left to somebody else.
    foreign: Option<Foreign>,
    /// When somebody else changed it last.
    deviated: Option<Moment>,
    /// How the device reads while it does as wanted.
    pub(super) shows: Option<Shows>,
    /// Whether something else than the device's own automatic may be at work in it, by what was asked of it here.
    other_at_work: bool,
    /// Whether the device is ours: it has to be given back.
    pub(super) ours: bool,
    /// Whether the memory has told that: nothing is done before.
    pub(super) knows_ours: bool,
}

/// How a device reads.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shows {
    pub(super) word: String,
    /// Since when it reads so. A set point that follows the house gives it another word every few seconds.
    pub(super) word_since: Moment,
    pub(super) power: Option<BatteryPower>,
    /// Since when there should be this power.
    pub(super) since: Moment,
}

/// A device that somebody else steers. What is wanted of it next, once its own wish is over because of that, is no reason to
/// take it back; what comes after that is.
#[derive(Debug, Clone, PartialEq)]
struct Foreign {
    /// What was wanted when it was taken away.
    wanted: Option<Wanted>,
    /// What is wanted instead of that.
    after: Option<Wanted>,
}

impl Standing {
    /// A device of which nothing is wanted and nothing is ours, as far as the memory was read.
    pub(super) fn anew() -> Self {
        Self { knows_ours: true, ..Self::default() }
    }

    /// What to do now that `desired` is wanted.
    pub(super) fn step(&self, desired: &Desired, read_only: bool, now: Moment) -> Step {
        let due = self.next.is_some_and(|next| now.mono >= next.mono);
        if desired.mode.is_none() {
            let is_news = self.wanted.as_ref().is_some_and(|wanted| wanted.mode.is_some());
            return if self.ours && !read_only && (is_news || due || self.wanted.is_none()) {
                Step::GiveBack
            } else {
                Step::Wait
            };
        }
        let is_news = self.wanted.as_ref() != Some(&Wanted::of(desired));
        // What does not work is not tried more often because a bound moves by some watts.
        let waits = self.is_of_the_same_kind(desired) && self.has_failed() && !due && self.next.is_some();
        if waits && self.outcome == Some(Outcome::Rejected) && !read_only {
            return self.at_rest(desired);
        }
        if is_news && waits {
            return Step::Wait;
        }
        if let (Some(BatteryMode::Auto), Some(limit)) = (&desired.mode, desired.discharge_max) {
            let may_not = read_only && self.outcome == Some(Outcome::DryRun);
            return if may_not || !(is_news || due) { Step::Wait } else { Step::Limit(limit) };
        }
        if is_news {
            return if self.is_bounded_anew(desired, read_only) { Step::Renew } else { Step::Attempt };
        }
        match self.outcome {
            Some(Outcome::DryRun) if !read_only => Step::Attempt,
            _ if !due => Step::Wait,
            _ if self.renews => Step::Renew,
            _ => Step::Attempt,
        }
    }

    /// What is wanted is refused at present, so that the device does as it likes: within the limits of the site.
    fn at_rest(&self, desired: &Desired) -> Step {
        let limits = desired.said.iter().filter(|said| said.who == Who::Limiter);
        let limit = limits.map(|said| said.bounds.highest().0).fold(f64::INFINITY, f64::min);
        match (limit.is_finite().then_some(Watts(limit)), self.limited_at_rest) {
            (limit, written) if limit == written => Step::Wait,
            (Some(limit), _) => Step::LimitAtRest(limit),
            (None, _) => Step::Rest,
        }
    }

    /// Whether the device is left to somebody else while this is wanted. A wish by hand takes it back: see
    /// [`Standing::take`].
    pub(super) fn is_left(&mut self, desired: &Desired) -> bool {
        let Some(foreign) = &mut self.foreign else { return false };
        let wanted = Wanted::of(desired);
        if foreign.wanted.as_ref() == Some(&wanted) && foreign.after.is_none() {
            return true;
        }
        if *foreign.after.get_or_insert_with(|| wanted.clone()) == wanted {
            return true;
        }
        self.foreign = None;
        false
    }

    /// Somebody asks for it by hand.
    pub(super) fn take(&mut self) {
        self.foreign = None;
    }

    /// Whether it does what is wanted already, but for how much of it a limit leaves. A bound moves every second, and each
    /// attempt is a row of the ledger.
    fn is_bounded_anew(&self, desired: &Desired, read_only: bool) -> bool {
        let stands = matches!(
            self.outcome,
            Some(Outcome::Confirmed | Outcome::AcceptedUnmeasured | Outcome::Unchanged)
        );
        let before = self.wanted.as_ref().and_then(|wanted| wanted.mode.as_ref());
        let is_same = match (before, &desired.mode) {
            (Some(before), Some(wanted)) => before.key() == wanted.key(),
            _ => false,
        };
        stands && is_same && !read_only && !desired.bounded_by.is_empty()
    }

    /// Whether the mode is the one that was wanted last, with whatever power.
    fn is_of_the_same_kind(&self, desired: &Desired) -> bool {
        let key = |mode: Option<&BatteryMode>| mode.map(BatteryMode::key);
        let before = self.wanted.as_ref().and_then(|wanted| wanted.mode.as_ref());
        before.is_some() && key(before) == key(desired.mode.as_ref())
    }

    fn has_failed(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Rejected | Outcome::Failed | Outcome::Ineffective))
    }

    /// When [`Standing::step`] may have something to do although nothing else is wanted.
    /// A moment that has passed was looked at: whatever was to be done then has been.
    pub(super) fn next(&self, now: Moment) -> Option<Moment> {
        let moments = [self.next, self.look_at].into_iter().flatten();
        moments.filter(|moment| moment.mono > now.mono).min_by_key(|moment| moment.mono)
    }

    /// Nothing can be done now; whether it can is looked at soon.
    pub(super) fn look_again(&mut self, now: Moment) {
        self.look_at = Some(now.plus(LOOK_AGAIN));
    }

    /// An attempt for `desired` has ended. `later`: when it may be tried that came too soon. Returns whether it is given up.
    pub(super) fn tried(
        &mut self,
        desired: &Desired,
        outcome: Outcome,
        plan: Option<&Plan>,
        later: Option<Duration>,
        now: Moment,
    ) -> bool {
        let wanted = Wanted::of(desired);
        if !self.is_of_the_same_kind(desired) {
            (self.tries, self.deviated) = (0, None);
        }
        self.wanted = Some(wanted);
        (self.outcome, self.limited_at_rest) = (Some(outcome), None);
        (self.renews, self.foreign, self.shows) = (false, None, None);
        self.waits_its_time = outcome == Outcome::Rejected && later.is_some();
        let stands = matches!(outcome, Outcome::Confirmed | Outcome::AcceptedUnmeasured | Outcome::Unchanged);
        match &desired.mode {
            Some(BatteryMode::Auto) if stands => self.other_at_work = false,
            Some(BatteryMode::Auto) | None => {}
            Some(_) => self.other_at_work |= outcome != Outcome::DryRun,
        }
        match outcome {
            Outcome::Confirmed | Outcome::AcceptedUnmeasured | Outcome::Unchanged => {
                self.tries = 0;
                self.ours |= outcome != Outcome::Unchanged;
                self.stands(plan, now);
                false
            }
            Outcome::DryRun => {
                self.next = None;
                false
            }
            // What the device refuses today it may take tomorrow: a wish that was once taken is not over because of it.
            Outcome::Rejected => {
                self.next = Some(now.plus(later.unwrap_or(LATER)));
                false
            }
            Outcome::Ineffective | Outcome::Failed => {
                self.tries = self.tries.saturating_add(1);
                let given_up = self.tries >= TRIES;
                let pause = if given_up { LATER } else { PAUSE * 2_u32.pow(self.tries - 1) };
                self.next = Some(now.plus(pause));
                given_up
            }
        }
    }

    /// What is wanted was refused, and what was ours is given back meanwhile.
    pub(super) fn rests(&mut self, desired: &Desired, again_at: Option<Moment>) {
        self.wanted = Some(Wanted::of(desired));
        (self.outcome, self.next, self.waits_its_time) = (Some(Outcome::Rejected), again_at, false);
    }

    /// A limit was written, or could not be, while what is wanted waits.
    pub(super) fn limited_at_rest(&mut self, limit: Watts, worked: bool) {
        self.limited_at_rest = Some(limit);
        self.ours |= worked;
        self.other_at_work &= !worked;
    }

    /// There is none any more.
    pub(super) fn forget_limit_at_rest(&mut self) {
        self.limited_at_rest = None;
    }

    /// When it is tried again.
    pub(super) fn again_at(&self) -> Option<Moment> {
        self.next
    }

    /// What a limit begins with, or whether it goes on.
    pub(super) fn begins_to_limit(&self) -> Begins {
        let limits = self.wanted.as_ref().is_some_and(|wanted| wanted.discharge_max.is_some());
        match self.outcome {
            _ if self.other_at_work => Begins::InAnotherMode,
            Some(Outcome::Rejected) if self.ours && self.limited_at_rest.is_some() => Begins::Already,
            Some(Outcome::AcceptedUnmeasured) if self.ours && limits => Begins::Already,
            _ => Begins::InAutomatic,
        }
    }

    /// A limit was written, or not.
    pub(super) fn limited(&mut self, desired: &Desired, outcome: Outcome, now: Moment) {
        self.wanted = Some(Wanted::of(desired));
        (self.outcome, self.limited_at_rest) = (Some(outcome), None);
        (self.renews, self.foreign, self.shows) = (false, None, None);
        self.ours |= outcome == Outcome::AcceptedUnmeasured;
        self.other_at_work &= outcome != Outcome::AcceptedUnmeasured;
        self.next = (outcome == Outcome::Failed).then(|| now.plus(LIMIT_PAUSE));
    }

    /// The device does as wanted, by `plan`.
    fn stands(&mut self, plan: Option<&Plan>, now: Moment) {
        let Some(plan) = plan else {
            self.next = None;
            return;
        };
        let spans = [plan.lasts.map(|lasts| lasts / 2), plan.follow_every];
        let renew = spans.into_iter().flatten().min();
        self.renews = renew.is_some();
        self.next = renew.map(|span| now.plus(span));
        let (word, power) = (plan.expect_word.clone(), plan.expect_power);
        self.shows = Some(Shows { word, word_since: now, power, since: now });
    }

    /// It was written again, or not.
    pub(super) fn renewed(&mut self, desired: &Desired, plan: Result<&Plan, ()>, now: Moment) {
        let wanted = Wanted::of(desired);
        let is_same = self.wanted.as_ref() == Some(&wanted);
        self.wanted = Some(wanted);
        let Ok(plan) = plan else {
            // What cannot be renewed is proven anew.
            (self.renews, self.next) = (false, Some(now.plus(PAUSE)));
            self.outcome = Some(Outcome::Failed);
            return;
        };
        let before = self.shows.take().filter(|_| is_same);
        self.stands(Some(plan), now);
        if let (Some(shows), Some(before)) = (&mut self.shows, before) {
            shows.since = before.since;
            if shows.word == before.word {
                shows.word_since = before.word_since;
            }
        }
    }

    /// Something of it is ours though nobody wants anything.
    pub(super) fn is_to_be_given_back(&mut self, ours: bool, now: Moment) {
        if ours {
            (self.ours, self.next) = (true, Some(now.plus(PAUSE)));
        }
    }

    /// The device was given back, or not.
    pub(super) fn given_back(&mut self, worked: bool, now: Moment) {
        self.wanted = Some(Wanted { mode: None, discharge_max: None });
        (self.outcome, self.limited_at_rest) = (None, None);
        self.shows = None;
        self.renews = false;
        if worked {
            (self.ours, self.other_at_work, self.tries, self.next) = (false, false, 0, None);
            return;
        }
        self.tries += 1;
        let pause = if self.tries >= TRIES { LATER } else { PAUSE * 2_u32.pow(self.tries - 1) };
        self.next = Some(now.plus(pause));
    }

    /// The device no longer reads as it should. The first time it is written again; the second time it is somebody else's,
    /// which is what `true` says.
    pub(super) fn deviates(&mut self, now: Moment) -> bool {
        let again = self.deviated.is_some_and(|at| now.since(at) < FOREIGN_WITHIN);
        self.deviated = Some(now);
        self.shows = None;
        self.renews = false;
        if again {
            self.foreign = Some(Foreign { wanted: self.wanted.clone(), after: None });
            self.next = None;
        } else {
            self.next = Some(now);
        }
        again
    }

    /// It reads as it should and does nothing, which is no deed of somebody else. The first time it is written again; the
    /// second time it is given up, which is what `true` says.
    pub(super) fn fades(&mut self, now: Moment) -> bool {
        let again = self.deviated.is_some_and(|at| now.since(at) < FOREIGN_WITHIN);
        self.deviated = Some(now);
        self.outcome = Some(Outcome::Ineffective);
        (self.shows, self.renews) = (None, false);
        self.next = Some(if again { now.plus(LATER) } else { now });
        again
    }

    /// Where it stands, for people.
    pub(super) fn phase(&self, desired: &Desired) -> ControlPhase {
        if desired.mode.is_none() {
            return ControlPhase::Unset;
        }
        if self.foreign.is_some() {
            return ControlPhase::Foreign;
        }
        if self.wanted.as_ref() != Some(&Wanted::of(desired)) {
            return ControlPhase::Pending;
        }
        match self.outcome {
            None => ControlPhase::Pending,
            Some(Outcome::DryRun) => ControlPhase::DryRun,
            Some(Outcome::Confirmed) => ControlPhase::Confirmed,
            Some(Outcome::Unchanged | Outcome::AcceptedUnmeasured) => ControlPhase::AcceptedUnmeasured,
            Some(Outcome::Ineffective) => ControlPhase::Ineffective,
            Some(Outcome::Rejected) if self.waits_its_time => ControlPhase::Pending,
            Some(Outcome::Rejected) => ControlPhase::NotControllable,
            Some(Outcome::Failed) => ControlPhase::Failed,
        }
    }
}

#[cfg(test)]
mod tests;
