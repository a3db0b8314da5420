//! Which question to ask next, and when. Pure: time is an argument.
//!
//! A question costs up to half a second on a line of 2400 baud, so only what changes fast is asked often. What is due the
//! longest comes first. A question that the last good answer would fit as well is put off until something else was asked:
//! a unit that answers one question late, or twice, must not be believed.

use std::collections::BTreeMap;
use std::time::Duration;

use ohmstead_model::catalogue::PollClass;

/// Settings change when somebody turns them; the battery mode is one of them, and listeners act on it.
const SETTINGS_EVERY: Duration = Duration::from_secs(20);
/// Temperatures, counters.
const MEDIUM_EVERY: Duration = Duration::from_secs(60);
/// What hardly changes.
const SLOW_EVERY: Duration = Duration::from_secs(600);
/// A question that the unit refuses may be known to it after an update.
const REFUSED_EVERY: Duration = Duration::from_secs(86_400);
/// Between two tries of a question that failed while others are answered.
const AGAIN_AFTER: Duration = Duration::from_secs(15);
/// What is asked in every round is asked again soon.
const AGAIN_SOON: Duration = Duration::from_secs(1);
/// Refusals in a row from which a question counts as unknown to the unit.
pub(crate) const REFUSALS: u32 = 2;
/// Silences in a row from which a question counts as unknown: noise swallows answers too.
const SILENCES: u32 = 4;

/// A set of nine units that each answer twice is asked about within less.
const SET_AGE_LEAST: Duration = Duration::from_secs(45);

/// Warnings are asked for with every third round.
const WARNINGS: &[&str] = &["QPIWS", "FWS", "WS"];
/// The settings.
pub(crate) const SETTINGS: &[&str] = &["QPIRI", "PIRI"];

/// How often the settings are read.
pub(crate) fn settings_every(interval: Duration) -> Duration {
    SETTINGS_EVERY.max(interval)
}

/// What is known of a unit's way with one question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Habit {
    /// It has been answered at least once.
    #[serde(default)]
    pub(crate) answered: bool,
    /// Refusals in a row.
    #[serde(default)]
    pub(crate) refused: u32,
    /// Times in a row without a good answer while other questions got one.
    #[serde(default)]
    pub(crate) silent: u32,
}

impl Habit {
    /// The unit does not know this question, which units of its family may not know.
    pub(crate) fn is_unknown(self) -> bool {
        self.refused >= REFUSALS || (!self.answered && self.silent >= SILENCES)
    }
}

/// Who may be behind a number of a set that has no unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// One that was there not long ago.
    Back,
    /// Nobody.
    Nobody,
}

/// The due times of one unit's questions, by command.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    interval: Duration,
    /// How often the units of a parallel set are asked about.
    sets: Duration,
    /// A question of the set that is asked as often as what changes fast.
    often: Option<&'static str>,
    due: BTreeMap<&'static str, Duration>,
}

/// Whether a question is about one unit of a parallel set.
pub(crate) fn is_of_set(command: &str) -> bool {
    ["QPGS", "QP2GS", "PGS"].iter().any(|start| command.starts_with(start))
}

impl Schedule {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, sets: SLOW_EVERY.max(interval), often: None, due: BTreeMap::new() }
    }

    /// The values of a whole set are wanted: its units are asked about as often as the unit itself.
    pub(crate) fn with_sets(self) -> Self {
        Self { sets: self.interval, ..self }
    }

    /// The question has nobody to answer for at present; perhaps soon.
    pub(crate) fn put_off(&mut self, command: &'static str, now: Duration, expected: Expected) {
        let pause = match expected {
            Expected::Back => MEDIUM_EVERY,
            Expected::Nobody => SLOW_EVERY,
        };
        self.due.insert(command, now + pause.max(self.interval));
    }

    /// The question of the set tells what changes fast.
    pub(crate) fn ask_often(&mut self, command: &'static str) {
        self.often = Some(command);
    }

    /// What a unit of the set told longer ago says nothing about now.
    pub(crate) fn set_age_max(&self) -> Duration {
        SET_AGE_LEAST.max(self.sets.saturating_mul(3))
    }

    /// Everything is due.
    pub(crate) fn restart(&mut self) {
        self.due.clear();
        self.often = None;
    }

    /// How often a question is asked.
    pub(crate) fn period(&self, command: &str, class: PollClass) -> Duration {
        if WARNINGS.contains(&command) {
            return self.interval.saturating_mul(3);
        }
        if SETTINGS.contains(&command) {
            return settings_every(self.interval);
        }
        if self.often == Some(command) {
            return self.interval;
        }
        if is_of_set(command) {
            return self.sets;
        }
        match class {
            PollClass::Fast => self.interval,
            PollClass::Medium => MEDIUM_EVERY.max(self.interval),
            PollClass::Slow | PollClass::Quarter => SLOW_EVERY.max(self.interval),
        }
    }

    /// When a question is due (monotonic).
    pub(crate) fn due(&self, command: &str) -> Duration {
        self.due.get(command).copied().unwrap_or_default()
    }

    /// The question was asked at `now`; the next time is a period later, and never in a burst.
    pub(crate) fn answered(&mut self, command: &'static str, now: Duration, class: PollClass) {
        let period = self.period(command, class);
        // In step with the clock, so that a slow answer does not stretch the interval.
        let next = self.due(command) + period;
        let next = if next <= now || next > now + period { now + period } else { next };
        self.due.insert(command, next);
    }

    /// The question failed or was refused, and the unit does know it.
    pub(crate) fn failed(&mut self, command: &'static str, now: Duration, class: PollClass) {
        let pause = if self.period(command, class) <= self.interval { AGAIN_SOON } else { AGAIN_AFTER };
        self.due.insert(command, now + pause);
    }

    /// The unit does not know the question.
    pub(crate) fn unknown(&mut self, command: &'static str, now: Duration) {
        self.due.insert(command, now + REFUSED_EVERY);
    }

    /// The question is due now.
    pub(crate) fn hurry(&mut self, command: &'static str) {
        self.due.remove(command);
    }

    /// The question that is due first, and when; one that `confuses` only where there is no other.
    pub(crate) fn next<'q, Q>(
        &self,
        questions: &(impl Iterator<Item = &'q Q> + Clone),
        name: impl Fn(&Q) -> &'static str,
        confuses: impl Fn(&Q) -> bool,
    ) -> Option<(&'q Q, Duration)> {
        let with_due = || questions.clone().map(|question| (question, self.due(name(question))));
        // The first of equals: a table's order is an order of importance.
        let earliest = |a: &(&'q Q, Duration), b: &(&'q Q, Duration)| a.1.cmp(&b.1);
        let clear = with_due().filter(|(question, _)| !confuses(question));
        clear.min_by(earliest).or_else(|| with_due().min_by(earliest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const TABLE: &[(&str, PollClass)] = &[
        ("QPIGS", PollClass::Fast),
        ("QMOD", PollClass::Fast),
        ("QPIWS", PollClass::Fast),
        ("QPIRI", PollClass::Medium),
        ("QET", PollClass::Medium),
        ("QLT", PollClass::Medium),
        ("QMCHGCR", PollClass::Slow),
    ];

    /// Asks for `seconds`, each question taking 600 ms; returns how often each was asked, and the order.
    fn run(interval: u64, seconds: u64, confuse: bool) -> (BTreeMap<&'static str, u32>, Vec<&'static str>) {
        let mut schedule = Schedule::new(Duration::from_secs(interval));
        let (mut now, mut counts, mut order) = (Duration::ZERO, BTreeMap::new(), Vec::<&'static str>::new());
        while now < Duration::from_secs(seconds) {
            let last = order.last().copied();
            // QET and QLT look alike.
            let alike = |(name, _): &(&'static str, PollClass)| {
                confuse
                    && last.is_some_and(|last| {
                        last == *name || [last, name].iter().all(|n| ["QET", "QLT"].contains(n))
                    })
            };
            let (question, due) = schedule.next(&TABLE.iter(), |q| q.0, alike).expect("never empty");
            now = now.max(due) + Duration::from_millis(600);
            schedule.answered(question.0, now, question.1);
            *counts.entry(question.0).or_default() += 1;
            order.push(question.0);
        }
        (counts, order)
    }

    #[test]
    fn each_class_has_its_pace() {
        let (counts, _) = run(5, 600, true);
        assert!(
            (120..=121).contains(&counts["QPIGS"]) && (120..=121).contains(&counts["QMOD"]),
            "{counts:?}"
        );
        assert_eq!(counts["QPIWS"], 40, "{counts:?}");
        assert!((30..=31).contains(&counts["QPIRI"]) && counts["QMCHGCR"] == 1, "{counts:?}");
    }

    #[test]
    fn a_line_that_is_too_slow_starves_nobody() {
        let (counts, _) = run(1, 600, true);
        assert!(counts["QPIGS"] > 300 && counts["QMOD"] > 300, "{counts:?}");
        assert!(counts["QPIRI"] >= 28 && counts["QET"] >= 9, "{counts:?}");
    }

    #[test]
    fn questions_that_look_alike_are_kept_apart() {
        let (_, order) = run(5, 600, true);
        let alike = |a: &str, b: &str| a == b || [a, b].iter().all(|n| ["QET", "QLT"].contains(n));
        assert!(order.windows(2).all(|pair| !alike(pair[0], pair[1])), "{order:?}");
        let (_, order) = run(5, 600, false);
        assert!(order.windows(2).any(|pair| alike(pair[0], pair[1])), "or the test above proves nothing");
    }

    #[rstest]
    #[case(1, 0, false, false)]
    #[case(2, 0, true, true)]
    #[case(0, 3, false, false)]
    #[case(0, 4, false, true)]
    #[case(0, 9, true, false)]
    fn what_a_unit_does_not_know(
        #[case] refused: u32,
        #[case] silent: u32,
        #[case] answered: bool,
        #[case] unknown: bool,
    ) {
        assert_eq!(Habit { answered, refused, silent }.is_unknown(), unknown);
    }

    #[test]
    fn what_is_unknown_is_asked_once_a_day_and_what_failed_soon() {
        let mut schedule = Schedule::new(Duration::from_secs(5));
        let now = Duration::from_secs(100);
        schedule.failed("QET", now, PollClass::Medium);
        schedule.failed("QPIGS", now, PollClass::Fast);
        schedule.unknown("QLT", now);
        let due = ["QET", "QPIGS", "QLT"].map(|command| schedule.due(command).as_secs());
        assert_eq!(due, [115, 101, 100 + 86_400]);
    }

    #[test]
    fn after_a_gap_there_is_no_burst() {
        let mut schedule = Schedule::new(Duration::from_secs(5));
        schedule.answered("QPIGS", Duration::from_secs(1), PollClass::Fast);
        schedule.answered("QPIGS", Duration::from_secs(1000), PollClass::Fast);
        assert_eq!(schedule.due("QPIGS"), Duration::from_secs(1005));
    }
}
