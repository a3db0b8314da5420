//! Changes of a schedule of two windows in the file, in a house with two batteries and a meter.

use std::sync::Arc;

use ohmstead_model::{Moment, Online};
use proptest::prelude::*;
use rstest::rstest;

use super::super::FIRST_ID;
use super::super::tests::{house, rule};
use super::*;

const DAY: &str = r#"{ from: "06:00", to: "22:00", mode: auto }"#;
const NIGHT: &str = r#"{ from: "22:00", to: "06:00", mode: idle, days: [sat, sun, holidays] }"#;

fn named(name: &str, yaml: &str) -> Rule {
    Rule { name: name.to_owned(), ..rule(yaml) }
}

fn file() -> Vec<Rule> {
    vec![named("day", DAY), named("night", NIGHT)]
}

/// `a` and `b` take what a Marstek takes; the meter takes nothing.
fn batteries() -> Snapshot {
    let mut snapshot = house(None, Moment::default());
    for name in ["a", "b", "meter"] {
        let device = snapshot.device_mut(name).unwrap();
        device.online = Online::Yes(Moment::default());
        if name != "meter" {
            let modes = ["auto", "idle", "charge", "discharge"].map(str::to_owned).to_vec();
            Arc::make_mut(&mut device.info).modes = modes;
        }
    }
    snapshot
}

fn add(name: &str, yaml: &str) -> Change {
    Change::Add { rule: named(name, yaml), is_active: true }
}

fn edit(id: u32, edit: Edit) -> Change {
    Change::Edit { id, edit }
}

fn switched(on: bool) -> Edit {
    Edit { is_active: Some(on), ..Edit::default() }
}

/// The windows after these changes, none of which is refused.
fn after(changes: impl IntoIterator<Item = Change>) -> Timetable {
    changes.into_iter().fold(Timetable::default(), |timetable, change| {
        timetable.changed(&file(), change, &batteries()).expect("not refused").0
    })
}

fn shown(timetable: &Timetable) -> Vec<String> {
    let (file, on) = (file(), |is_active| if is_active { "" } else { " off" });
    let entries = timetable.entries(&file);
    let show = |entry: &super::super::Entry<'_>| {
        format!("{} {} {}{}", entry.id, entry.rule.name, entry.rule.window.mode, on(entry.is_active))
    };
    entries.iter().map(show).collect()
}

#[test]
fn windows_are_made_changed_and_removed_and_no_number_comes_twice() {
    let made = [add("party", DAY), add("guests", NIGHT)];
    assert_eq!(
        shown(&after(made.clone())),
        ["1001 party auto", "1002 guests idle", "1 day auto", "2 night idle"]
    );
    let mode = Edit { mode: Some("charge 800 W".parse().unwrap()), ..Edit::default() };
    let name = Edit { name: Some("late".to_owned()), ..Edit::default() };
    let changes =
        [edit(1002, mode), edit(1002, name), edit(1002, switched(false)), Change::Remove { id: 1001 }];
    let timetable = after(made.into_iter().chain(changes));
    assert_eq!(shown(&timetable), ["1002 late charge 800 W off", "1 day auto", "2 night idle"]);
    let (timetable, id) = timetable.changed(&file(), Change::Remove { id: 1002 }, &batteries()).unwrap();
    assert_eq!((id, timetable.next_id()), (1002, 1003));
    let (_, id) = timetable.changed(&file(), add("again", DAY), &batteries()).unwrap();
    assert_eq!(id, 1003);
}

#[test]
fn a_window_of_the_file_is_switched_off_and_on() {
    let off = after([edit(2, switched(false))]);
    assert_eq!(shown(&off), ["1 day auto", "2 night idle off"]);
    assert_eq!(off.added(), []);
    assert_eq!(after([edit(2, switched(false)), edit(2, switched(true))]), Timetable::default());
}

/// What is taken back leaves the file's window as it was: off, for here it was switched off before.
#[test]
fn a_window_of_the_file_is_replaced_in_its_place_and_comes_back() {
    let mode = |mode: &str| Edit { mode: Some(mode.parse().unwrap()), ..Edit::default() };
    let changes = [edit(1, switched(false)), edit(1, mode("charge"))];
    assert_eq!(shown(&after(changes.clone())), ["1001 day charge off", "2 night idle"]);
    // By its place it is still found.
    let on = edit(1, Edit { is_active: Some(true), ..mode("discharge") });
    let replaced = after(changes.into_iter().chain([on]));
    assert_eq!(shown(&replaced), ["1001 day discharge", "2 night idle"]);
    assert_eq!(replaced.find(&file(), 1).map(|entry| entry.id), Some(1001));
    let refused = replaced.changed(&file(), Change::Remove { id: 1 }, &batteries()).unwrap_err();
    assert_eq!(refused, ChangeError::InFile("day".to_owned()));
    let (back, _) = replaced.changed(&file(), Change::Remove { id: 1001 }, &batteries()).unwrap();
    assert_eq!(shown(&back), ["1 day auto off", "2 night idle"]);
}

/// A script that reads a window and writes it back changes nothing, holidays included.
#[test]
fn the_same_content_is_no_replacement() {
    let night = rule(NIGHT).window;
    let same = Edit {
        name: Some("night".to_owned()),
        from: Some(night.from),
        to: Some(night.to),
        mode: Some(night.mode),
        days: Some(Days::of_mask(night.days.mask())),
        devices: Some(Vec::new()),
        is_active: Some(true),
    };
    assert_eq!(after([edit(2, same)]), Timetable::default());
    let later = Edit { to: Some(rule(DAY).window.to), ..Edit::default() };
    assert!(after([edit(2, later)]).added()[0].rule.window.days.has_holidays());
}

#[rstest]
#[case::no_name(add("", DAY), "bad_name")]
#[case::blanks(add(" x ", DAY), "bad_name")]
#[case::two_lines(add("x\ny", DAY), "bad_name")]
#[case::long(add(&"x".repeat(65), DAY), "bad_name")]
#[case::taken(add("night", DAY), "name_taken")]
#[case::not_there(edit(7, switched(true)), "unknown_window")]
#[case::place_0(edit(0, switched(true)), "unknown_window")]
#[case::not_made(Change::Remove { id: FIRST_ID }, "unknown_window")]
#[case::of_the_file(Change::Remove { id: 2 }, "in_the_file")]
#[case::keeps(edit(1, Edit { name: Some("noon".to_owned()), ..Edit::default() }), "keeps_its_name")]
#[case::never(edit(1, Edit { days: Some(Days::of_mask(0)), ..Edit::default() }), "bad_days")]
#[case::stranger(add("x", r#"{ from: "06:00", to: "07:00", mode: auto, devices: [c] }"#), "bad_devices")]
#[case::another_than_meant(
    edit(1, Edit { name: Some("night".to_owned()), ..switched(false) }),
    "keeps_its_name"
)]
#[case::much_native(
    add("x", &format!(r#"{{ from: "06:00", to: "07:00", mode: "native:{}" }}"#, "x".repeat(65))),
    "bad_mode"
)]
#[case::native(add("x", r#"{ from: "06:00", to: "07:00", mode: "native:ups" }"#), "no_device_for_it")]
#[case::meter(
    add("x", r#"{ from: "06:00", to: "07:00", mode: auto, devices: [meter] }"#),
    "no_device_for_it"
)]
fn what_makes_no_sense_is_refused(#[case] change: Change, #[case] code: &str) {
    let refused = Timetable::default().changed(&file(), change, &batteries()).unwrap_err();
    assert_eq!(refused.code(), code, "{refused}");
    assert!(!refused.hint().is_empty());
}

/// What the file calls a window is no reason to leave it as it is.
#[test]
fn a_window_with_a_long_name_in_the_file_is_changed_all_the_same() {
    let file = [named(&format!(" {} ", "x".repeat(70)), DAY)];
    let mode = Edit { mode: Some(BatteryMode::Idle), ..Edit::default() };
    let (replaced, id) = Timetable::default().changed(&file, edit(1, mode), &batteries()).unwrap();
    assert_eq!((id, replaced.rules(&file)[0].window.mode.clone()), (1001, BatteryMode::Idle));
    let later = Edit { to: Some(rule(NIGHT).window.from), ..switched(false) };
    assert!(replaced.changed(&file, edit(1, later), &batteries()).is_ok());
}

#[test]
fn what_was_replaced_keeps_its_name_when_the_file_has_it_no_more() {
    let mode = Edit { mode: Some(BatteryMode::Idle), ..Edit::default() };
    let replaced = after([edit(1, mode)]);
    let file = [named("noon", DAY), named("night", NIGHT)];
    let name = edit(1001, Edit { name: Some("first".to_owned()), ..Edit::default() });
    let refused = replaced.changed(&file, name, &batteries()).unwrap_err();
    assert_eq!(refused, ChangeError::KeepsName("day".to_owned()));
    let (gone, _) = replaced.changed(&file, Change::Remove { id: 1001 }, &batteries()).unwrap();
    assert_eq!(gone.rules(&file), file);
}

#[test]
fn what_is_off_stays_off_while_the_file_does_without_it() {
    let off = after([edit(2, switched(false))]);
    let file = [named("day", DAY)];
    let (other, _) = off.changed(&file, edit(1, switched(false)), &batteries()).unwrap();
    assert_eq!(shown(&other), ["1 day auto off", "2 night idle off"]);
    let mut many = off;
    many.off.extend((0..WINDOWS_MAX).map(|number| format!("w{number}")));
    let (few, _) = many.changed(&file, edit(1, switched(false)), &batteries()).unwrap();
    assert_eq!(few.off().collect::<Vec<_>>(), ["day"]);
}

#[test]
fn a_mode_that_has_a_stand_in_makes_sense() {
    let hold = r#"{ from: "06:00", to: "07:00", mode: hold, devices: [meter, a] }"#;
    assert_eq!(after([add("x", hold)]).added().len(), 1);
}

#[test]
fn without_batteries_there_is_nobody_to_do_it() {
    let refused = Timetable::default().changed(&[], add("x", DAY), &Snapshot::default()).unwrap_err();
    assert_eq!(refused, ChangeError::NoDevice);
}

#[test]
fn a_battery_that_has_not_told_yet_may_do_it() {
    let unasked = house(None, Moment::default());
    assert!(Timetable::default().changed(&[], add("x", DAY), &unasked).is_ok());
}

#[test]
fn there_is_a_most() {
    let many = after((0..WINDOWS_MAX).map(|number| add(&format!("w{number}"), DAY)));
    let full = |change| many.changed(&file(), change, &batteries()).unwrap_err();
    assert_eq!(full(add("one more", DAY)), ChangeError::Full);
    let replaced = Edit { mode: Some(BatteryMode::Idle), ..Edit::default() };
    assert_eq!(full(edit(1, replaced)), ChangeError::Full);
    assert!(many.changed(&file(), edit(1, switched(false)), &batteries()).is_ok());
}

proptest! {
    /// Whatever is asked: the numbers and the names of the windows stay different from each other, and never too many.
    #[test]
    fn numbers_and_names_are_different(changes in proptest::collection::vec((0_u8..4, 0_u32..6, 0_u32..6), 0..40)) {
        let (mut timetable, snapshot, file) = (Timetable::default(), batteries(), file());
        for (kind, number, other) in changes {
            let id = if number < 3 { number } else { FIRST_ID + number - 3 };
            let name = ["day", "night", "p", "q", "r", "s"][other as usize].to_owned();
            let change = match kind {
                0 => add(&name, DAY),
                1 => edit(id, Edit { name: Some(name), ..Edit::default() }),
                2 => edit(id, Edit { mode: Some(BatteryMode::Idle), is_active: Some(other < 3), ..Edit::default() }),
                _ => Change::Remove { id },
            };
            timetable = timetable.changed(&file, change, &snapshot).map_or(timetable, |(next, _)| next);
            let entries = timetable.entries(&file);
            let ids: std::collections::BTreeSet<_> = entries.iter().map(|entry| entry.id).collect();
            let names: std::collections::BTreeSet<_> = entries.iter().map(|entry| &entry.rule.name).collect();
            prop_assert_eq!((ids.len(), names.len()), (entries.len(), entries.len()));
            prop_assert!(entries.len() <= file.len() + WINDOWS_MAX);
        }
    }
}
