use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::testing::id;

fn desired(mode: Option<&str>) -> Desired {
    Desired { mode: mode.map(|mode| mode.parse().expect("a mode")), ..Desired::hands_off(id("a")) }
}

fn at(seconds: u64) -> Moment {
    Moment { mono: Duration::from_secs(seconds), ..Moment::default() }
}

fn plan(lasts: Option<u64>, follow: Option<u64>) -> Plan {
    Plan {
        writes: vec!["x".to_owned()],
        expect_word: "Passive".to_owned(),
        word_is_all: true,
        expect_power: None,
        settle: Duration::ZERO,
        effect_within: Duration::ZERO,
        lasts: lasts.map(Duration::from_secs),
        follow_every: follow.map(Duration::from_secs),
        wear: None,
    }
}

fn stood(plan: &Plan) -> Standing {
    let mut standing = Standing::default();
    standing.tried(&desired(Some("hold")), Outcome::Confirmed, Some(plan), None, at(0));
    standing
}

#[test]
fn what_is_wanted_anew_is_attempted_and_what_is_ours_given_back() {
    let mut standing = Standing::default();
    assert_eq!(standing.step(&desired(None), false, at(0)), Step::Wait, "not ours");
    assert_eq!(standing.step(&desired(Some("hold")), false, at(0)), Step::Attempt);
    standing.tried(&desired(Some("hold")), Outcome::Confirmed, Some(&plan(None, None)), None, at(0));
    assert_eq!(standing.step(&desired(Some("hold")), false, at(9999)), Step::Wait);
    assert_eq!(standing.step(&desired(Some("idle")), false, at(1)), Step::Attempt);
    assert_eq!(standing.step(&desired(None), false, at(1)), Step::GiveBack);
    standing.given_back(true, at(2));
    assert_eq!(standing.step(&desired(None), false, at(9999)), Step::Wait);
}

#[test]
fn what_was_ours_before_a_crash_is_given_back() {
    let standing = Standing { ours: true, ..Standing::default() };
    assert_eq!(standing.step(&desired(None), false, at(0)), Step::GiveBack);
    assert_eq!(standing.step(&desired(None), true, at(0)), Step::Wait, "nothing is written now");
}

#[rstest]
#[case::stays(None, None, None)]
#[case::ends_by_itself(Some(300), None, Some(150))]
#[case::follows_the_house(None, Some(10), Some(10))]
#[case::both(Some(300), Some(10), Some(10))]
fn it_is_renewed_in_time(
    #[case] lasts: Option<u64>,
    #[case] follow: Option<u64>,
    #[case] renewed_at: Option<u64>,
) {
    let standing = stood(&plan(lasts, follow));
    assert_eq!(standing.next(at(0)).map(|next| next.mono), renewed_at.map(Duration::from_secs));
    if let Some(renewed_at) = renewed_at {
        let wanted = desired(Some("hold"));
        assert_eq!(standing.step(&wanted, false, at(renewed_at - 1)), Step::Wait);
        assert_eq!(standing.step(&wanted, false, at(renewed_at)), Step::Renew);
    }
}

#[test]
fn a_device_that_does_not_obey_is_not_written_to_for_ever() {
    let (mut standing, wanted) = (Standing::default(), desired(Some("hold")));
    let mut now = 0;
    let mut tries = Vec::new();
    while now < 4000 {
        if standing.step(&wanted, false, at(now)) == Step::Attempt {
            let given_up = standing.tried(&wanted, Outcome::Ineffective, None, None, at(now));
            tries.push((now, given_up));
        }
        now += 1;
    }
    assert_eq!(tries[..4], [(0, false), (30, false), (90, true), (690, true)]);
    assert!(tries.len() <= 9, "{tries:?}");
}

#[test]
fn what_somebody_else_changes_twice_is_theirs() {
    let (mut standing, wanted) = (stood(&plan(None, None)), desired(Some("hold")));
    assert!(!standing.deviates(at(100)));
    assert_eq!(standing.step(&wanted, false, at(100)), Step::Attempt);
    standing.tried(&wanted, Outcome::Confirmed, Some(&plan(None, None)), None, at(110));
    assert!(standing.deviates(at(300)));
    assert_eq!(standing.phase(&wanted), ControlPhase::Foreign);
    assert_eq!(standing.step(&wanted, false, at(9999)), Step::Wait);
    assert_eq!(standing.step(&desired(Some("idle")), false, at(9999)), Step::Attempt, "something else");
}

#[test]
fn long_apart_they_are_two_slips() {
    let (mut standing, wanted) = (stood(&plan(None, None)), desired(Some("hold")));
    assert!(!standing.deviates(at(100)));
    standing.tried(&wanted, Outcome::Confirmed, Some(&plan(None, None)), None, at(110));
    assert!(!standing.deviates(at(800)));
}

/// A set point that is computed anew gives the device another word, which takes its time to be reported.
#[test]
fn another_word_of_ours_is_no_deed_of_others() {
    let (mut standing, wanted) = (stood(&plan(None, Some(10))), desired(Some("hold")));
    let moved = Plan { expect_word: "set point -800 W".to_owned(), ..plan(None, Some(10)) };
    standing.renewed(&wanted, Ok(&moved), at(100));
    let shows = standing.shows.clone().expect("it stands");
    assert_eq!((shows.word_since, shows.since), (at(100), at(0)));
    standing.renewed(&wanted, Ok(&moved), at(110));
    assert_eq!(standing.shows.expect("it stands").word_since, at(100), "the same word");
}

#[test]
fn what_is_left_to_others_is_not_taken_back_because_its_wish_is_over() {
    let (mut standing, wanted) = (stood(&plan(None, None)), desired(Some("hold")));
    standing.deviates(at(100));
    standing.tried(&wanted, Outcome::Confirmed, Some(&plan(None, None)), None, at(110));
    standing.deviates(at(200));
    assert!(standing.is_left(&wanted));
    assert!(standing.is_left(&desired(None)), "its wish is over because of that");
    assert!(standing.is_left(&desired(None)));
    assert!(!standing.is_left(&desired(Some("idle"))), "a window that opens later is another matter");
}

#[test]
fn a_hand_takes_back_what_was_left() {
    let (mut standing, wanted) = (stood(&plan(None, None)), desired(Some("hold")));
    standing.deviates(at(100));
    standing.deviates(at(200));
    standing.take();
    assert!(!standing.is_left(&wanted));
}

/// A bound that moves by some watts is no reason to ask a device again that refuses.
#[test]
fn a_refusal_is_not_tried_more_often_because_the_power_moves() {
    let mut standing = Standing::default();
    let wanted = |watts: u64| desired(Some(&format!("charge {watts} W")));
    standing.tried(&wanted(800), Outcome::Rejected, None, None, at(0));
    assert_eq!(standing.step(&wanted(900), false, at(1)), Step::Wait);
    assert_eq!(standing.step(&desired(Some("idle")), false, at(1)), Step::Attempt, "something else");
    assert_eq!(standing.step(&wanted(900), false, at(600)), Step::Attempt);
}

/// A bound moves every second: only the first after another mode ends that mode, and none lifts the one before.
#[test]
fn a_bound_is_written_over_the_one_before() {
    let limited = |watts: f64| Desired { discharge_max: Some(Watts(watts)), ..desired(Some("auto")) };
    let mut standing = Standing::default();
    assert_eq!(standing.step(&limited(900.0), false, at(0)), Step::Limit(Watts(900.0)));
    standing.limited(&limited(900.0), Outcome::AcceptedUnmeasured, at(0));
    assert_eq!(standing.step(&limited(800.0), false, at(1)), Step::Limit(Watts(800.0)));
    assert_eq!(standing.begins_to_limit(), Begins::Already);
    let mut standing = stood(&plan(None, None));
    assert_eq!(standing.begins_to_limit(), Begins::InAnotherMode);
    standing.limited(&limited(900.0), Outcome::Failed, at(2));
    assert_eq!(standing.begins_to_limit(), Begins::InAnotherMode, "it has not ended");
    assert_eq!(standing.step(&limited(900.0), false, at(3)), Step::Wait, "in its time");
    assert_eq!(standing.step(&limited(900.0), false, at(7)), Step::Limit(Watts(900.0)));
    standing.limited(&limited(900.0), Outcome::AcceptedUnmeasured, at(7));
    assert_eq!(standing.begins_to_limit(), Begins::Already);
    standing.given_back(true, at(8));
    assert_eq!(standing.begins_to_limit(), Begins::InAutomatic);
}

#[test]
fn what_was_only_asked_in_vain_is_not_ours() {
    let mut standing = Standing::default();
    standing.tried(&desired(Some("hold")), Outcome::Failed, None, None, at(0));
    assert!(!standing.ours, "nothing was written, or the memory would say so");
}

/// What the world does in one minute.
#[derive(Debug, Clone)]
struct Minute {
    wanted: Option<&'static str>,
    read_only: bool,
    outcome: Outcome,
    given_back: bool,
}

fn minutes(most: usize) -> impl Strategy<Value = Vec<Minute>> {
    let outcomes = prop::sample::select(vec![
        Outcome::Confirmed,
        Outcome::AcceptedUnmeasured,
        Outcome::Unchanged,
        Outcome::Ineffective,
        Outcome::Failed,
        Outcome::Rejected,
    ]);
    let wanted = prop::sample::select(vec![None, Some("hold"), Some("idle"), Some("auto")]);
    let minute = (wanted, any::<bool>(), outcomes, any::<bool>()).prop_map(
        |(wanted, read_only, outcome, given_back)| Minute { wanted, read_only, outcome, given_back },
    );
    prop::collection::vec(minute, 1..most)
}

/// One second; whether something was written.
fn second(standing: &mut Standing, minute: &Minute, now: Moment) -> bool {
    let wanted = desired(minute.wanted);
    let step = standing.step(&wanted, minute.read_only, now);
    let outcome = if minute.read_only { Outcome::DryRun } else { minute.outcome };
    match step {
        Step::Wait => return false,
        Step::Attempt => {
            standing.tried(&wanted, outcome, Some(&plan(None, None)), None, now);
        }
        Step::Renew => standing.renewed(&wanted, Ok(&plan(None, None)), now),
        Step::Limit(_) => standing.limited(&wanted, outcome, now),
        Step::LimitAtRest(_) | Step::Rest => unreachable!("nothing is limited here"),
        Step::GiveBack => standing.given_back(minute.given_back, now),
    }
    !(minute.read_only && matches!(step, Step::Attempt | Step::Limit(_)))
}

proptest! {
    /// A device that never obeys is written to nine times in the first hour and six in each later one, whatever is
    /// measured of it.
    #[test]
    fn what_does_not_obey_is_left_in_peace(failures in prop::collection::vec(any::<bool>(), 1..60)) {
        let (mut standing, wanted) = (Standing::default(), desired(Some("hold")));
        let (mut tries, mut failures) = (Vec::new(), failures.iter().cycle());
        for now in 0..4 * 3600 {
            if standing.step(&wanted, false, at(now)) == Step::Attempt {
                let fails = failures.next().is_some_and(|fails| *fails);
                let outcome = if fails { Outcome::Failed } else { Outcome::Ineffective };
                standing.tried(&wanted, outcome, None, None, at(now));
                tries.push(now);
            }
        }
        for hour in 0..4 {
            let count = tries.iter().filter(|at| **at / 3600 == hour).count();
            prop_assert!(count <= if hour == 0 { 9 } else { 6 }, "hour {}: {}", hour, count);
        }
    }

    /// Nothing is written while nothing may be.
    #[test]
    fn read_only_writes_nothing(minutes in minutes(60)) {
        let mut standing = Standing::default();
        for (minute, count) in minutes.iter().zip(0_u64..) {
            let minute = Minute { read_only: true, ..minute.clone() };
            for now in count * 60..(count + 1) * 60 {
                prop_assert!(!second(&mut standing, &minute, at(now)), "{:?} at {}", minute, now);
            }
        }
        prop_assert!(!standing.ours);
    }

    /// Whatever was wanted and came of it: once nothing is wanted any more, it is given back, and then left alone.
    #[test]
    fn what_is_not_wanted_any_more_is_given_back(minutes in minutes(60)) {
        let (mut standing, mut now) = (Standing::default(), 0);
        for minute in &minutes {
            for _ in 0..60 {
                second(&mut standing, minute, at(now));
                now += 1;
            }
        }
        let quiet =
            Minute { wanted: None, read_only: false, outcome: Outcome::Confirmed, given_back: true };
        for _ in 0..700 {
            second(&mut standing, &quiet, at(now));
            now += 1;
        }
        prop_assert!(!standing.ours);
        prop_assert_eq!(standing.step(&desired(None), false, at(now + 100_000)), Step::Wait);
    }
}

#[test]
fn a_dry_run_becomes_a_write_when_it_may() {
    let (mut standing, wanted) = (Standing::default(), desired(Some("hold")));
    standing.tried(&wanted, Outcome::DryRun, None, None, at(0));
    assert_eq!(standing.step(&wanted, true, at(9999)), Step::Wait);
    assert_eq!(standing.step(&wanted, false, at(9999)), Step::Attempt);
    assert!(!standing.ours);
}
