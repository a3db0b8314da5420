//! The rhythm of every source as a table, and what holds for any history of asks.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::provider::{DAY_AHEAD, OCTOPUS, TEMPO};

fn instant(text: &str) -> UnixMillis {
    UnixMillis(text.parse::<Timestamp>().unwrap().as_millisecond())
}

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").unwrap()
}

fn local(at: UnixMillis) -> String {
    stamp(at).unwrap().to_zoned(paris()).strftime("%d %H:%M:%S").to_string()
}

fn asked_at(text: &str) -> Memory {
    Memory { asks: vec![(instant(text), 1)], ..Memory::default() }
}

/// All with a jitter of one half, in Paris, in winter (UTC+1).
#[rstest]
#[case::provisional("2025-12-10T00:00:00+01:00", None, "10 06:45:00")]
#[case::the_official_time("2025-12-10T06:45:00+01:00", None, "10 10:42:00")]
#[case::checked_again("2025-12-10T10:42:00+01:00", Some("2025-12-12T00:00:00+01:00"), "10 11:00:00")]
#[case::calm_once_known("2025-12-10T11:00:00+01:00", Some("2025-12-12T00:00:00+01:00"), "10 23:00:00")]
#[case::keeps_trying("2025-12-10T11:00:00+01:00", Some("2025-12-11T00:00:00+01:00"), "10 11:30:00")]
#[case::all_afternoon("2025-12-10T21:30:00+01:00", Some("2025-12-11T00:00:00+01:00"), "10 22:00:00")]
#[case::long_day("2025-10-26T00:30:00+02:00", None, "26 06:45:00")]
fn tempo(#[case] last: &str, #[case] known: Option<&str>, #[case] next: &str) {
    let pace = Pace { every: HOUR * 12, publication: Some(&TEMPO), ..Pace::default() };
    let last = asked_at(last);
    let at = next_ask(&last, &pace, known.map(instant), last.asks[0].0, &TimeZone::UTC, 0.5);
    assert_eq!(local(at), next);
}

#[rstest]
#[case::in_the_morning("2025-12-10T09:00:00+01:00", Some("2025-12-11T00:00:00+01:00"), "10 13:07:30")]
#[case::not_there_yet("2025-12-10T13:07:30+01:00", Some("2025-12-11T00:00:00+01:00"), "10 13:17:30")]
#[case::there("2025-12-10T13:17:30+01:00", Some("2025-12-12T00:00:00+01:00"), "11 01:17:30")]
#[case::short_day("2025-03-29T14:00:00+01:00", Some("2025-03-31T00:00:00+02:00"), "30 03:00:00")]
fn day_ahead(#[case] last: &str, #[case] known: Option<&str>, #[case] next: &str) {
    let pace = Pace { every: HOUR * 12, publication: Some(&DAY_AHEAD), ..Pace::default() };
    let last = asked_at(last);
    let at = next_ask(&last, &pace, known.map(instant), last.asks[0].0, &TimeZone::UTC, 0.5);
    assert_eq!(local(at), next);
    assert!(OCTOPUS.due > DAY_AHEAD.due);
}

#[test]
fn failures_double_the_pause_and_wrong_settings_wait_for_hours() {
    let now = instant("2025-12-10T12:00:00Z");
    let pace = Pace { least: MINUTE, ..Pace::default() };
    let pause = |memory: &Memory| {
        let next = next_ask(memory, &pace, None, now, &TimeZone::UTC, 1.0);
        ohmstead_model::TimeSpan::new(now, next).length()
    };
    let mut memory = asked_at("2025-12-10T12:00:00Z");
    for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
        memory.failed(now, &Failure::Unreachable(String::new()));
        assert_eq!(pause(&memory), MINUTE * expected);
    }
    memory.succeeded();
    for expected in [1, 2, 4, 6, 6] {
        memory.failed(now, &Failure::Refused(String::new()));
        assert_eq!(pause(&memory), HOUR * expected);
    }
    memory.succeeded();
    memory.failed(now, &Failure::Busy { said: String::new(), after: Some(MINUTE * 90) });
    assert_eq!(pause(&memory), MINUTE * 90);
    memory.failed(now, &Failure::Busy { said: String::new(), after: Some(DAY * 900) });
    assert_eq!(pause(&memory), DAY, "a server that asks for years is not believed");
    memory.failed(now, &Failure::NotYet);
    assert_eq!(pause(&memory), HOUR.mul_f64(1.1), "that nothing is published yet is no failure");
}

/// A source that has failed all morning is asked when RTE publishes, and goes on at the pace of who waits for it.
#[rstest]
#[case("2025-12-10T10:20:00+01:00", "10 10:42:00")]
#[case("2025-12-10T10:42:00+01:00", "10 11:00:00")]
#[case("2025-12-10T14:00:00+01:00", "10 14:30:00")]
fn failures_do_not_miss_the_publication(#[case] last: &str, #[case] next: &str) {
    let pace = Pace { every: HOUR * 12, publication: Some(&TEMPO), ..Pace::default() };
    let memory = Memory { failures: 20, ..asked_at(last) };
    let at = next_ask(&memory, &pace, None, memory.asks[0].0, &TimeZone::UTC, 0.5);
    assert_eq!(local(at), next);
}

/// A refusal waits for hours, but not past the publication, and not while tomorrow is missing; what a server asks for is kept to.
#[rstest]
#[case::in_the_night("2025-12-10T01:00:00+01:00", "10 06:45:00")]
#[case::in_the_morning("2025-12-10T08:00:00+01:00", "10 10:42:00")]
#[case::at_the_time("2025-12-10T10:42:00+01:00", "10 11:00:00")]
#[case::afterwards("2025-12-10T14:00:00+01:00", "10 15:00:00")]
fn refusals_do_not_miss_the_publication(#[case] last: &str, #[case] next: &str) {
    let pace = Pace { every: HOUR * 12, publication: Some(&TEMPO), ..Pace::default() };
    let mut memory = Memory { failures: 20, ..asked_at(last) };
    let now = memory.asks[0].0;
    memory.failed(now, &Failure::Refused(String::new()));
    let at = |memory: &Memory| next_ask(memory, &pace, None, now, &TimeZone::UTC, 0.5);
    assert_eq!(local(at(&memory)), next);
    memory.failed(now, &Failure::Busy { said: String::new(), after: Some(HOUR * 7) });
    assert_eq!(at(&memory), now.plus(HOUR * 7));
}

#[test]
fn ten_calls_a_day_last_through_daylight() {
    let pace =
        Pace { every: HOUR * 3, per_day: Some(10), awake: Some((5, 21)), least: MINUTE, ..Pace::default() };
    let mut memory = Memory::default();
    let mut now = instant("2025-06-10T00:00:00+02:00");
    let mut hours = Vec::new();
    while hours.len() < 8 {
        now = next_ask(&memory, &pace, None, now, &paris(), 0.5).max(now);
        memory.asking(now, 1);
        hours.push(local(now));
    }
    let expected = [
        "10 00:00:00",
        "10 05:05:00",
        "10 08:05:00",
        "10 11:05:00",
        "10 14:05:00",
        "10 17:05:00",
        "10 20:05:00",
        "11 05:05:00",
    ];
    assert_eq!(hours, expected);
}

/// Two whole days on which nobody answers: tries soon after the first failures, then no more than reach to the evening.
#[rstest]
#[case::ten_calls(10, 1, HOUR * 2, &[
    "04:05", "04:35", "05:05", "06:00", "08:00", "10:00", "12:00", "14:00", "16:00", "18:00",
])]
#[case::two_roofs(10, 2, HOUR * 4, &["04:05", "04:35", "08:00", "12:00", "16:00"])]
#[case::one_call(1, 1, HOUR * 20, &["04:05"])]
#[case::more_calls_than_allowed(1, 2, HOUR * 20, &["04:05"])]
fn a_budget_lasts_through_an_outage(
    #[case] per_day: u32,
    #[case] calls: u32,
    #[case] every: Duration,
    #[case] expected: &[&str],
) {
    let pace = Pace {
        every,
        calls,
        per_day: Some(per_day),
        awake: Some((4, 20)),
        least: MINUTE * 30,
        ..Pace::default()
    };
    let mut memory = Memory::default();
    let mut now = instant("2025-06-10T04:05:00+02:00");
    let mut asked = [Vec::new(), Vec::new()];
    loop {
        now = next_ask(&memory, &pace, None, now, &paris(), 0.5).max(now);
        if now >= instant("2025-06-12T00:00:00+02:00") {
            break;
        }
        memory.asking(now, calls);
        memory.failed(now, &Failure::Unreachable(String::new()));
        let shown = local(now);
        asked[usize::from(shown.starts_with("11"))].push(shown[3..8].to_owned());
    }
    assert_eq!(asked[0], expected);
    // The pauses after so many failures are longer, which costs no ask.
    assert_eq!(asked[1].len(), expected.len(), "the day after: {:?}", asked[1]);
    assert_eq!(asked[1].last().map(String::as_str), expected.last().copied());
}

#[test]
fn a_clock_that_is_set_back_waits_a_day_at_most() {
    let pace = Pace { per_day: Some(10), ..Pace::default() };
    let mut memory = Memory::default();
    let late = instant("2026-06-10T00:00:00Z");
    memory.asking(late, 1);
    memory.failed(late, &Failure::Refused(String::new()));
    let early = instant("2025-06-10T00:00:00Z");
    let next = next_ask(&memory, &pace, None, early, &TimeZone::UTC, 0.5);
    assert!(next <= early.plus(DAY), "{}", local(next));
}

fn outcome() -> impl Strategy<Value = Option<Failure>> {
    prop_oneof![
        Just(None),
        Just(Some(Failure::NotYet)),
        Just(Some(Failure::Unreachable(String::new()))),
        Just(Some(Failure::Refused(String::new()))),
        (0_u64..200_000).prop_map(|wait| Some(Failure::Busy {
            said: String::new(),
            after: Some(Duration::from_secs(wait)),
        })),
    ]
}

proptest! {
    #[test]
    fn the_budget_is_kept_whatever_happens(
        outcomes in proptest::collection::vec((outcome(), 0.0_f64..=1.0, 1_u32..=3, any::<bool>()), 1..80),
        per_hour in 3_u32..8,
        per_day in 5_u32..20,
        awake in proptest::option::of((0_i8..10, 12_i8..24)),
    ) {
        let pace = Pace {
            every: MINUTE * 20, least: MINUTE, calls: 3, per_hour: Some(per_hour), per_day: Some(per_day),
            publication: Some(&TEMPO), awake,
        };
        let mut memory = Memory::default();
        let mut now = instant("2025-10-25T00:00:00Z");
        let mut made: Vec<(UnixMillis, u32)> = Vec::new();
        for (outcome, jitter, calls, is_known) in outcomes {
            let known_until = is_known.then(|| now.plus(DAY * 2));
            let next = next_ask(&memory, &pace, known_until, now, &paris(), jitter);
            prop_assert!(next <= now.plus(DAY + DAY), "it comes back: {}", local(next));
            if let Some((last, _)) = made.last() {
                prop_assert!(next >= last.plus(pace.least));
            }
            now = next.max(now);
            memory.asking(now, pace.calls);
            memory.took(calls);
            made.push((now, calls));
            for (window, limit) in [(HOUR, per_hour), (DAY, per_day)] {
                let spent: u32 = made.iter().filter(|(at, _)| at.plus(window) > now).map(|(_, calls)| calls).sum();
                prop_assert!(spent <= limit, "{spent} calls of {limit}");
            }
            match outcome {
                None => memory.succeeded(),
                Some(failure) => memory.failed(now, &failure),
            }
        }
    }

    #[test]
    fn no_memory_breaks_it(
        asks in proptest::collection::vec((any::<i64>(), any::<u32>()), 0..20),
        failures in any::<u32>(), not_before in any::<Option<i64>>(), now in any::<i64>(),
        known in any::<Option<i64>>(), jitter in any::<f64>(),
    ) {
        let asks = asks.into_iter().map(|(at, calls)| (UnixMillis(at), calls)).collect();
        let mut memory = Memory { asks, failures, not_before: not_before.map(UnixMillis), ..Memory::default() };
        let pace = Pace { per_day: Some(3), publication: Some(&TEMPO), awake: Some((5, 21)), ..Pace::default() };
        next_ask(&memory, &pace, known.map(UnixMillis), UnixMillis(now), &paris(), jitter);
        memory.asking(UnixMillis(now), 1);
        memory.failed(UnixMillis(now), &Failure::Unreachable(String::new()));
    }
}
