//! When a source is asked next: after its own rhythm, its publication times and its budget of calls. Pure.
//!
//! ```text
//!            +-- known: after `every`, at the next publication time, or soon while tomorrow is due and missing
//!  last ask -+-- failed: pauses that double up to an hour; what the server asked for; an hour and more for wrong settings
//!            +-- then: never nearer than `least`, only while `awake`, and only within the budget, which is spread over the day
//! ```

use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use ohmstead_model::{TimeSpan, UnixMillis};

use crate::{Failure, FailureKind};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// The rhythm of one source.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long an answer is good for.
    pub every: Duration,
    /// Two asks are never nearer to each other.
    pub least: Duration,
    /// The most calls that one ask makes.
    pub calls: u32,
    /// Calls within any hour.
    pub per_hour: Option<u32>,
    /// Calls within any 24 hours.
    pub per_day: Option<u32>,
    /// When there is something new.
    pub publication: Option<&'static Publication>,
    /// Hours of the site's day in which it is asked, from and until.
    pub awake: Option<(i8, i8)>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            every: HOUR,
            least: MINUTE * 5,
            calls: 1,
            per_hour: None,
            per_day: None,
            publication: None,
            awake: None,
        }
    }
}

/// A forecast of sun and weather is computed several times a day: one that was not had for so long is stale.
const FRESH_FOR: Duration = Duration::from_secs(6 * 3600);

impl Pace {
    /// After so long without an answer a forecast is stale: not because its source is asked seldom, or sleeps at night.
    pub(crate) fn fresh_for(&self) -> Duration {
        let asleep = self.awake.map_or(0, |(from, until)| 24 - (until - from).unsigned_abs());
        FRESH_FOR.max(self.every * 3 / 2).max(self.every + HOUR * u32::from(asleep))
    }
}

/// When a source publishes what is known of tomorrow.
#[derive(Debug)]
pub struct Publication {
    /// The zone of the times.
    pub zone: &'static str,
    /// Times of the day (hour, minute) at which it is asked whatever is known, each up to so many minutes later.
    pub times: &'static [(i8, i8, u32)],
    /// From this time on tomorrow should be there.
    pub due: (i8, i8),
    /// How often it is asked while tomorrow is due and not there.
    pub keep_trying: Duration,
}

impl Publication {
    /// The zone of its times.
    pub(crate) fn zone(&self) -> TimeZone {
        TimeZone::get(self.zone).unwrap_or(TimeZone::UTC)
    }

    /// Whether tomorrow should be there at `now`.
    pub(crate) fn is_due(&self, now: UnixMillis) -> bool {
        let zone = self.zone();
        let due = || at(date_of(now, &zone)?, self.due.0, self.due.1, &zone);
        due().is_some_and(|due| now >= due)
    }
}

/// What is remembered of the asks of one source, over restarts too.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// When it was asked within the last day, and how many calls that took. In order.
    pub asks: Vec<(UnixMillis, u32)>,
    /// Failures in a row.
    pub failures: u32,
    /// What the server, or we for wrong settings, have set as the earliest next ask.
    pub not_before: Option<UnixMillis>,
    /// What sort of trouble the last ask met.
    pub trouble: Option<FailureKind>,
    /// The print of the settings and the secrets that were refused.
    pub refused_with: Option<u64>,
    /// What was refused has been corrected since: it is tried without waiting.
    pub is_corrected: bool,
}

impl Memory {
    /// Notes an ask before it is made, with the calls that it may take.
    pub fn asking(&mut self, now: UnixMillis, calls: u32) {
        self.asks.retain(|(at, _)| *at > now.minus(DAY));
        self.asks.push((now, calls.max(1)));
        // Never reached with a sane pace; a clock that runs wild shall not fill the memory.
        let surplus = self.asks.len().saturating_sub(2_000);
        self.asks.drain(..surplus);
        self.is_corrected = false;
    }

    /// Corrects the last ask to the calls that it really took.
    pub fn took(&mut self, calls: u32) {
        if let Some((_, noted)) = self.asks.last_mut() {
            *noted = calls.max(1);
        }
    }

    /// Notes a good answer.
    pub fn succeeded(&mut self) {
        *self = Self { asks: std::mem::take(&mut self.asks), ..Self::default() };
    }

    /// Ends the wait after a refusal if settings and secrets have another `print` than those that were refused.
    pub fn compare(&mut self, print: u64) {
        if self.refused_with.is_some_and(|refused| refused != print) {
            self.succeeded();
            self.is_corrected = true;
        }
    }

    /// Notes a failure. That something is not published yet is none.
    pub fn failed(&mut self, now: UnixMillis, failure: &Failure) {
        if *failure == Failure::NotYet {
            self.succeeded();
            self.trouble = Some(FailureKind::NotYet);
            return;
        }
        (self.trouble, self.refused_with) = (Some(failure.kind()), None);
        self.failures = self.failures.saturating_add(1);
        let wait = match failure {
            Failure::Refused(_) => Some(doubled(HOUR, self.failures, HOUR * 6)),
            Failure::Busy { after, .. } => Some(after.unwrap_or(MINUTE * 15).min(DAY)),
            _ => None,
        };
        self.not_before = wait.map(|wait| now.plus(wait));
    }

    /// The last ask; one of the future, after a clock was set back, counts as now.
    fn last(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.asks.last().map(|(at, _)| (*at).min(now))
    }
}

/// When to ask next; not later than `now` means at once. `known_until` is the end of what is known for certain,
/// `jitter` a random number from 0 to 1, so that a thousand houses do not come in the same second.
pub fn next_ask(
    memory: &Memory,
    pace: &Pace,
    known_until: Option<UnixMillis>,
    now: UnixMillis,
    site: &TimeZone,
    jitter: f64,
) -> UnixMillis {
    let Some(last) = memory.last(now) else { return now };
    if memory.is_corrected {
        return within_limits(memory, pace, now, now);
    }
    let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 0.5 };
    let calm = calm(pace, known_until, last, jitter);
    let wanted = if memory.failures > 0 {
        // Never later than without the failure: a pause of an hour must not miss the hour of publication.
        last.plus(doubled(MINUTE, memory.failures, HOUR).mul_f64(0.5 + jitter / 2.0)).min(calm)
    } else {
        calm
    };
    // A clock that was set back must not leave us waiting for last year's promise.
    let not_before =
        not_before(memory, pace, known_until, last, jitter).map_or(now, |at| at.min(now.plus(DAY)));
    let wanted = wanted.max(not_before).max(last.plus(pace.least));
    let wanted = awake(pace, wanted, site, jitter);
    let wanted = awake(pace, spared(memory, pace, now, wanted, site), site, jitter);
    within_limits(memory, pace, now, wanted)
}

/// Until when to stay away. What a server asks for is kept to. A refusal is our own guess, and some are of the moment: who
/// publishes soon is asked then, and every hour while tomorrow is due and not there.
fn not_before(
    memory: &Memory,
    pace: &Pace,
    known_until: Option<UnixMillis>,
    last: UnixMillis,
    jitter: f64,
) -> Option<UnixMillis> {
    let set = memory.not_before?;
    let (Some(publication), Some(FailureKind::Refused)) = (pace.publication, memory.trouble) else {
        return Some(set);
    };
    let zone = publication.zone();
    let is_missing = tomorrow_is_missing(publication, &zone, known_until, last);
    let hourly = is_missing.then(|| last.plus(HOUR));
    [Some(set), next_time(publication, &zone, last, jitter), hourly].into_iter().flatten().min()
}

/// `wanted`, or when the calls of one more ask are within the limits of the hour and the day.
fn within_limits(memory: &Memory, pace: &Pace, now: UnixMillis, wanted: UnixMillis) -> UnixMillis {
    let hourly = affordable(memory, pace, pace.per_hour.map(|limit| (limit, HOUR)), now, wanted);
    affordable(memory, pace, pace.per_day.map(|limit| (limit, DAY)), now, hourly)
}

fn doubled(first: Duration, failures: u32, most: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16))).min(most)
}

fn calm(pace: &Pace, known_until: Option<UnixMillis>, last: UnixMillis, jitter: f64) -> UnixMillis {
    let regular = last.plus(pace.every.mul_f64(0.9 + jitter * 0.2));
    let Some(publication) = pace.publication else { return regular };
    let zone = publication.zone();
    let mut wanted = regular;
    if let Some(at) = next_time(publication, &zone, last, jitter) {
        wanted = wanted.min(at);
    }
    if tomorrow_is_missing(publication, &zone, known_until, last) {
        wanted = wanted.min(last.plus(publication.keep_trying.mul_f64(0.8 + jitter * 0.4)));
    }
    wanted
}

fn next_time(
    publication: &Publication,
    zone: &TimeZone,
    last: UnixMillis,
    jitter: f64,
) -> Option<UnixMillis> {
    let today = date_of(last, zone)?;
    let days = [today, today.tomorrow().ok()?];
    let times = days.into_iter().flat_map(|day| publication.times.iter().map(move |time| (day, *time)));
    let coming = times.filter_map(|(day, (hour, minute, spread))| {
        let at = at(day, hour, minute, zone)?;
        (at > last).then(|| at.plus((MINUTE * spread).mul_f64(jitter)))
    });
    coming.min()
}

/// Whether, at the time of the last ask, tomorrow was due and was not there. Two hours of it may be missing: some days of
/// delivery end at 23:00.
fn tomorrow_is_missing(
    publication: &Publication,
    zone: &TimeZone,
    known_until: Option<UnixMillis>,
    last: UnixMillis,
) -> bool {
    let missing = || {
        let today = date_of(last, zone)?;
        let due = at(today, publication.due.0, publication.due.1, zone)?;
        let after_tomorrow = at(today.checked_add(Span::new().days(2)).ok()?, 0, 0, zone)?;
        let is_known = known_until.is_some_and(|until| until >= after_tomorrow.minus(HOUR * 2));
        Some(last >= due && !is_known)
    };
    missing().unwrap_or(false)
}

/// `wanted`, or when the hours begin in which the source is asked.
fn awake(pace: &Pace, wanted: UnixMillis, site: &TimeZone, jitter: f64) -> UnixMillis {
    let Some((from, until)) = pace.awake else { return wanted };
    let opening = || {
        let local = stamp(wanted)?.to_zoned(site.clone());
        if (from..until).contains(&local.hour()) {
            return None;
        }
        let day = if local.hour() < from { local.date() } else { local.date().tomorrow().ok()? };
        Some(at(day, from, 0, site)?.plus((MINUTE * 10).mul_f64(jitter)))
    };
    opening().map_or(wanted, |opening| opening.max(wanted))
}

/// `wanted`, or when the calls that are left of the day's budget reach to its end at their usual distance. So a long
/// failure costs what is to spare, and the hours after it still have theirs.
fn spared(memory: &Memory, pace: &Pace, now: UnixMillis, wanted: UnixMillis, site: &TimeZone) -> UnixMillis {
    let enough_left = || {
        let calls = pace.calls.max(1);
        let limit = pace.per_day?.max(calls);
        let (opening, closing) = hours(pace, date_of(wanted, site)?, site)?;
        let today = memory.asks.iter().filter(|(at, _)| (*at).min(now) >= opening);
        let spent = today.map(|(_, calls)| *calls).fold(0, u32::saturating_add);
        let distance = pace.every.max(TimeSpan::new(opening, closing).length() / (limit / calls));
        Some(closing.minus(distance.saturating_mul(limit.saturating_sub(spent) / calls)))
    };
    enough_left().map_or(wanted, |from| wanted.max(from))
}

/// From when until when the source is asked on a day of the site.
fn hours(pace: &Pace, day: Date, site: &TimeZone) -> Option<(UnixMillis, UnixMillis)> {
    let tomorrow = || at(day.tomorrow().ok()?, 0, 0, site);
    match pace.awake {
        Some((from, until)) if until < 24 => Some((at(day, from, 0, site)?, at(day, until, 0, site)?)),
        Some((from, _)) => Some((at(day, from, 0, site)?, tomorrow()?)),
        None => Some((at(day, 0, 0, site)?, tomorrow()?)),
    }
}

/// `wanted`, or the first instant after it at which the calls of one more ask are within the limit.
fn affordable(
    memory: &Memory,
    pace: &Pace,
    limit: Option<(u32, Duration)>,
    now: UnixMillis,
    wanted: UnixMillis,
) -> UnixMillis {
    let Some((limit, window)) = limit else { return wanted };
    // An ask that alone is more than the limit goes out when nothing else does.
    let room = limit.saturating_sub(pace.calls.max(1));
    let mut at = wanted.max(now);
    for (index, (asked, _)) in memory.asks.iter().enumerate() {
        let rest = memory.asks[index..].iter();
        let in_window = rest.filter(|(asked, _)| (*asked).min(now).plus(window) > at);
        if in_window.map(|(_, calls)| *calls).fold(0, u32::saturating_add) <= room {
            break;
        }
        at = at.max((*asked).min(now).plus(window));
    }
    if at == wanted.max(now) { wanted } else { at }
}

fn stamp(at: UnixMillis) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.0).ok()
}

fn date_of(at: UnixMillis, zone: &TimeZone) -> Option<Date> {
    Some(stamp(at)?.to_zoned(zone.clone()).date())
}

/// A civil time as an instant; on the days on which it does not exist, the hour after it.
fn at(date: Date, hour: i8, minute: i8, zone: &TimeZone) -> Option<UnixMillis> {
    let time = Time::new(hour, minute, 0, 0).ok()?;
    let zoned = date.to_datetime(time).to_zoned(zone.clone()).ok()?;
    Some(UnixMillis(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests;
