//! The windows of the configuration together with those that were made while the program runs, in the order in which they
//! count.
//!
//! ```text
//! run time:  1001 party, 1003 guests            first these, the oldest first
//! file:      day, [1002 night], cheap           then the file's; one of the same name takes the place of the file's
//! gone:      1004 late                          made for a place that the file no longer has: it does not count
//! ```

use std::collections::BTreeSet;

use super::Rule;

/// How many windows there may be beside those of the file.
pub const WINDOWS_MAX: usize = 64;

/// The first id of a window that is made at run time. The ids below are the places of the file's, from 1.
pub const FIRST_ID: u32 = 1001;

/// What was made, replaced and switched off while the program runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Timetable {
    pub(super) added: Vec<Added>,
    /// The names of the file's windows that are switched off.
    pub(super) off: BTreeSet<String>,
    /// No id is given twice.
    pub(super) next_id: u32,
}

/// A window that was made at run time.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// Its number, which stays.
    pub id: u32,
    /// Its name and what it says.
    pub rule: Rule,
    /// Whether it is switched on.
    pub is_active: bool,
    /// Whether it was made to stand in the place of the file's window of its name, and counts nowhere else.
    pub is_for_place: bool,
}

/// Where a window comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The configuration.
    File,
    /// It was made at run time.
    RunTime,
    /// It was made at run time, in the place of the file's window of this name.
    InPlaceOfFile,
    /// It was made at run time for the place of a window that the file no longer has; it does not count.
    PlaceGone,
}

/// A window as it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry<'a> {
    /// The number under which it is changed.
    pub id: u32,
    /// Its name and what it says.
    pub rule: &'a Rule,
    /// Whether it is switched on.
    pub is_active: bool,
    /// Where it comes from.
    pub source: Source,
}

impl Entry<'_> {
    /// Whether it counts when its time comes.
    pub fn counts(&self) -> bool {
        self.is_active && self.source != Source::PlaceGone
    }
}

impl Default for Timetable {
    fn default() -> Self {
        Self { added: Vec::new(), off: BTreeSet::new(), next_id: FIRST_ID }
    }
}

impl Timetable {
    /// What was kept of an earlier run.
    pub fn of(added: Vec<Added>, off: BTreeSet<String>, next_id: u32) -> Self {
        let highest = added.iter().map(|added| added.id.saturating_add(1)).max();
        let next_id = next_id.max(FIRST_ID).max(highest.unwrap_or(FIRST_ID));
        Self { added, off, next_id }
    }

    /// The windows that were made at run time, the oldest first.
    pub fn added(&self) -> &[Added] {
        &self.added
    }

    /// The names of the file's windows that are switched off.
    pub fn off(&self) -> impl Iterator<Item = &str> {
        self.off.iter().map(String::as_str)
    }

    /// The number of the next window.
    pub fn next_id(&self) -> u32 {
        self.next_id
    }

    /// All windows in the order in which they count; of those that are open for a device, the first one does. Those whose
    /// place is gone come last: in front they would outrank what they never did.
    pub fn entries<'a>(&'a self, file: &'a [Rule]) -> Vec<Entry<'a>> {
        let is_beside = |added: &&Added| !file.iter().any(|rule| rule.name == added.rule.name);
        let (gone, beside): (Vec<_>, Vec<_>) =
            self.added.iter().filter(is_beside).partition(|added| added.is_for_place);
        let beside = beside.into_iter().map(|added| added.entry(Source::RunTime));
        let gone = gone.into_iter().map(|added| added.entry(Source::PlaceGone));
        let of_file = file.iter().zip(1..).map(|(rule, place)| match self.named(&rule.name) {
            Some(added) => added.entry(Source::InPlaceOfFile),
            None => self.entry_of_file(rule, place),
        });
        beside.chain(of_file).chain(gone).collect()
    }

    /// The rules that count: what is switched off, or has lost its place, is not among them.
    pub fn rules(&self, file: &[Rule]) -> Vec<Rule> {
        let entries = self.entries(file);
        entries.iter().filter(|entry| entry.counts()).map(|entry| entry.rule.clone()).collect()
    }

    /// Whether there is any window, on or off.
    pub fn is_empty(&self, file: &[Rule]) -> bool {
        file.is_empty() && self.added.is_empty()
    }

    pub(super) fn named(&self, name: &str) -> Option<&Added> {
        self.added.iter().find(|added| added.rule.name == name)
    }

    pub(super) fn entry_of_file<'a>(&self, rule: &'a Rule, place: u32) -> Entry<'a> {
        Entry { id: place, rule, is_active: !self.off.contains(&rule.name), source: Source::File }
    }
}

impl Added {
    fn entry(&self, source: Source) -> Entry<'_> {
        Entry { id: self.id, rule: &self.rule, is_active: self.is_active, source }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Time;
    use jiff::tz::TimeZone;
    use ohmstead_model::{BatteryMode, Moment, UnixMillis};
    use proptest::prelude::*;

    use super::super::tests::{at, house, rule};
    use super::super::{Days, Holidays, Window, propose};
    use super::*;

    fn named(name: &str, yaml: &str) -> Rule {
        Rule { name: name.to_owned(), ..rule(yaml) }
    }

    fn added(id: u32, name: &str, yaml: &str) -> Added {
        Added { id, rule: named(name, yaml), is_active: true, is_for_place: false }
    }

    fn shown(timetable: &Timetable, file: &[Rule]) -> Vec<String> {
        let entries = timetable.entries(file);
        let show = |entry: &Entry<'_>| {
            let on = if entry.is_active { "" } else { " off" };
            format!("{} {} {:?}{on}", entry.id, entry.rule.name, entry.source)
        };
        entries.iter().map(show).collect()
    }

    const NIGHT: &str = r#"{ from: "22:00", to: "06:00", mode: idle }"#;

    #[test]
    fn those_of_run_time_come_first_and_the_same_name_takes_the_files_place() {
        let file = [named("day", NIGHT), named("night", NIGHT)];
        let mut timetable =
            Timetable::of(vec![added(1001, "party", NIGHT), added(1005, "day", NIGHT)], BTreeSet::new(), 0);
        timetable.off.insert("night".to_owned());
        assert_eq!(
            shown(&timetable, &file),
            ["1001 party RunTime", "1005 day InPlaceOfFile", "2 night File off"]
        );
        assert_eq!(timetable.next_id(), 1006);
        // The file no longer has it: what was made at run time beside the file is again where it was before.
        assert_eq!(
            shown(&timetable, &file[1..]),
            ["1001 party RunTime", "1005 day RunTime", "1 night File off"]
        );
        let rules: Vec<_> = timetable.rules(&file).into_iter().map(|rule| rule.name).collect();
        assert_eq!(rules, ["party", "day"]);
    }

    /// What was made for a place in the file does not come in front of everything when that place is gone.
    #[test]
    fn without_its_place_a_window_does_not_count() {
        let file = [named("cheap", NIGHT), named("night", NIGHT)];
        let night = Added { is_for_place: true, ..added(1001, "night", NIGHT) };
        let timetable = Timetable::of(vec![night, added(1002, "party", NIGHT)], BTreeSet::new(), 0);
        let names =
            |file: &[Rule]| -> Vec<_> { timetable.rules(file).into_iter().map(|rule| rule.name).collect() };
        assert_eq!(names(&file), ["party", "cheap", "night"]);
        let renamed = [named("cheap", NIGHT), named("dark", NIGHT)];
        assert_eq!(names(&renamed), ["party", "cheap", "dark"]);
        assert_eq!(
            shown(&timetable, &renamed),
            ["1002 party RunTime", "1 cheap File", "2 dark File", "1001 night PlaceGone"]
        );
    }

    #[test]
    fn without_anything_made_the_file_counts() {
        let file = [named("night", NIGHT)];
        assert_eq!(Timetable::default().rules(&file), file);
        assert!(!Timetable::default().is_empty(&file) && Timetable::default().is_empty(&[]));
    }

    /// A window of any kind; its power tells it from the others.
    fn window() -> impl Strategy<Value = (i8, i8, u8, bool, bool)> {
        (0_i8..24, 0_i8..24, 0_u8..128, any::<bool>(), any::<bool>())
    }

    fn made(power: u32, (from, to, days, only_b, _): (i8, i8, u8, bool, bool)) -> Rule {
        let hour = |hour| Time::constant(hour, 0, 0, 0);
        let power = Some(ohmstead_units::Watts(f64::from(power)));
        let devices = if only_b { vec!["b".parse().unwrap()] } else { Vec::new() };
        let mode = BatteryMode::Discharge { power };
        let window = Window { from: hour(from), to: hour(to), mode, days: Days::of_mask(days), devices };
        Rule { name: format!("w{power:?}"), window }
    }

    proptest! {
        /// Of any windows, made at run time or not, on or off: the first that is open for a device counts, those of run time
        /// before the file's.
        #[test]
        fn the_first_open_one_counts(
            run_time in proptest::collection::vec(window(), 0..6),
            file in proptest::collection::vec(window(), 0..6),
            minutes in 0_i64..20_160,
        ) {
            let added: Vec<_> = run_time.iter().zip(FIRST_ID..).map(|(window, id)| {
                Added { id, rule: made(id, *window), is_active: window.4, is_for_place: false }
            }).collect();
            let rules: Vec<_> = file.iter().zip(1..).map(|(window, place)| made(place, *window)).collect();
            let off = file.iter().zip(&rules).filter(|(window, _)| !window.4).map(|(_, rule)| rule.name.clone());
            let timetable = Timetable::of(added.clone(), off.collect(), 0);
            let start = at("2026-11-02T00:00:00");
            let now = Moment { unix: UnixMillis(start.unix.0 + minutes * 60_000), ..start };
            let zone = TimeZone::get("Europe/Paris").unwrap();
            let found = propose(&house(None, now), now, &zone, &timetable.rules(&rules), &Holidays::default());
            let on = added.iter().map(|added| (&added.rule, added.is_active));
            let of_file = rules.iter().zip(&file).map(|(rule, window)| (rule, window.4));
            let all: Vec<_> = on.chain(of_file).collect();
            for device in ["a", "b"] {
                let is_for = |rule: &Rule| rule.window.devices.is_empty() || device == "b";
                let first = all.iter().find(|(rule, on)| {
                    *on && is_for(rule) && rule.window.is_open_now(now, &zone, &Holidays::default())
                });
                let wanted = found.iter().find(|proposal| proposal.device.as_str() == device);
                prop_assert_eq!(
                    wanted.and_then(|proposal| proposal.wants.clone()),
                    first.map(|(rule, _)| rule.window.mode.clone())
                );
            }
        }
    }
}
