//! Laws of the cursor: nothing that was stored and not acknowledged is ever missing from what is written down.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const fn wish(least: u64, longest: u64, snap: u64) -> Wish {
    Wish {
        least: Duration::from_millis(least),
        longest: Duration::from_millis(longest),
        snap: Duration::from_millis(snap),
    }
}

fn span(from: i64, to: i64) -> Span {
    Span { from: UnixMillis(from), to: UnixMillis(to) }
}

#[test]
fn new_values_go_before_late_ones() {
    let mut cursor = Cursor::at(UnixMillis(1_000_000));
    assert!(!cursor.covers(span(500, 600)) && cursor.covers(span(1_000_000, 1_000_001)));
    cursor.stored(span(500, 600));
    cursor.stored(span(1_000_000, 1_000_001));
    assert!(cursor.covers(span(500, 600)) && !cursor.covers(span(500, 601)));
    let wish = wish(1000, 10_000, 1);
    assert_eq!(cursor.take(UnixMillis(1_015_000), &wish), Some(span(1_000_000, 1_010_000)));
    cursor.acknowledge();
    assert_eq!(cursor.take(UnixMillis(1_015_000), &wish), Some(span(1_010_000, 1_015_000)));
    cursor.acknowledge();
    assert_eq!(cursor.oldest(), UnixMillis(500));
    assert_eq!(cursor.take(UnixMillis(1_015_500), &wish), Some(span(500, 600)));
    cursor.acknowledge();
    assert_eq!(cursor.take(UnixMillis(1_015_500), &wish), None, "half a second is not worth a request");
}

#[test]
fn a_clock_that_is_set_back_sends_again_what_it_passes_again() {
    let mut cursor = Cursor::at(UnixMillis(3_600_000));
    let wish = wish(1000, 86_400_000, 1);
    assert_eq!(cursor.take(UnixMillis(10), &wish), None);
    cursor.stored(Span::moment(UnixMillis(10)));
    assert_eq!(cursor.take(UnixMillis(2000), &wish), Some(span(10, 11)));
}

#[rstest]
#[case(span(1_500, 1_700), 1_000, span(1_000, 2_000))]
#[case(span(1_500, 2_001), 1_000, span(1_000, 3_000))]
#[case(span(1_000, 2_000), 1_000, span(1_000, 2_000))]
#[case(span(1_500, 9_700), 1_000, span(1_000, 4_000))]
fn late_spans_are_whole_multiples(#[case] late: Span, #[case] snap: u64, #[case] taken: Span) {
    let mut cursor = Cursor::at(UnixMillis(1_000_000));
    cursor.stored(late);
    assert_eq!(cursor.take(UnixMillis(1_000_000), &wish(1, 3_000, snap)), Some(taken));
}

#[test]
fn what_is_written_down_is_bounded() {
    let mut cursor = Cursor::at(UnixMillis(i64::MAX));
    for day in 0..10_000 {
        cursor.stored(Span::moment(UnixMillis(day * 86_400_000)));
    }
    assert!(cursor.late.len() <= LATE_MAX);
    assert!(cursor.text().len() < 2000, "{}", cursor.text());
}

#[derive(Debug, Clone)]
enum Step {
    /// A value is stored at a moment.
    Store(i64),
    /// The sink takes a span; only the part before this many ms is sent.
    Take {
        longest: u64,
        snap: u64,
        cut: Option<i64>,
    },
    Acknowledge,
    Fail,
    /// The process dies and starts with what was last written down.
    Crash,
    /// The store keeps the cursor.
    Keep,
    /// Time goes on, or back.
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (-3000i64..10).prop_map(Step::Store),
        3 => (1u64..2000, prop::sample::select(vec![1u64, 100, 1000]), prop::option::of(1i64..500))
            .prop_map(|(longest, snap, cut)| Step::Take { longest, snap, cut }),
        3 => Just(Step::Acknowledge),
        1 => Just(Step::Fail),
        1 => Just(Step::Crash),
        2 => Just(Step::Keep),
        3 => (-500i64..3000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..60)
}

/// A model of the other side: which stored moments have arrived since they were stored.
struct Model {
    cursor: Cursor,
    written: String,
    now: i64,
    stored: BTreeSet<i64>,
    in_flight: BTreeSet<i64>,
    arrived: BTreeSet<i64>,
}

impl Model {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Store(offset) => {
                let at = self.now + offset;
                self.stored.insert(at);
                self.arrived.remove(&at);
                self.in_flight.remove(&at);
                let moment = Span::moment(UnixMillis(at));
                self.cursor.stored(moment);
                // What is written down may be behind: the cursor goes back where something was not sent.
                if !self.written().covers(moment) {
                    self.written = self.cursor.text();
                }
            }
            Step::Take { longest, snap, cut } => self.take(&wish(1, *longest, *snap), *cut),
            Step::Acknowledge => {
                self.cursor.acknowledge();
                self.arrived.append(&mut self.in_flight);
            }
            Step::Fail => {
                self.cursor.give_back();
                self.in_flight.clear();
            }
            Step::Crash => {
                self.cursor = self.written();
                self.in_flight.clear();
            }
            Step::Keep => self.written = self.cursor.text(),
            Step::Wait(span) => self.now += span,
        }
    }

    fn take(&mut self, wish: &Wish, cut: Option<i64>) {
        self.in_flight.clear();
        let Some(mut taken) = self.cursor.take(UnixMillis(self.now), wish) else { return };
        assert_eq!((wish.snapped(taken.from), wish.snapped(taken.to)), (taken.from, taken.to), "aligned");
        if let Some(cut) = cut {
            taken.to = taken.to.min(UnixMillis(taken.from.0 + cut));
            self.cursor.shorten(taken.to);
        }
        self.in_flight = self.stored.range(taken.from.0..taken.to.0).copied().collect();
    }

    fn written(&self) -> Cursor {
        Cursor::parse(&self.written).expect("what was written can be read")
    }

    fn pending(cursor: &Cursor, at: i64) -> bool {
        let mut cursor = cursor.clone();
        cursor.give_back();
        let at = UnixMillis(at);
        at >= cursor.until || cursor.late.iter().any(|span| (span.from..span.to).contains(&at))
    }
}

proptest! {
    #[test]
    fn what_has_not_arrived_is_pending_and_written_down(steps in steps()) {
        let cursor = Cursor::at(UnixMillis(0));
        let mut model = Model {
            written: cursor.text(),
            cursor,
            now: 0,
            stored: BTreeSet::new(),
            in_flight: BTreeSet::new(),
            arrived: BTreeSet::new(),
        };
        for step in &steps {
            model.step(step);
            let written = model.written();
            for at in model.stored.iter().filter(|at| **at >= 0 && !model.arrived.contains(at)) {
                prop_assert!(Model::pending(&model.cursor, *at), "{at} is lost after {step:?}");
                prop_assert!(Model::pending(&written, *at), "{at} is lost by a crash after {step:?}");
            }
            prop_assert!(model.cursor.late.windows(2).all(|pair| pair[0].to < pair[1].from));
        }
    }

    /// However it begins, in the end all arrives.
    #[test]
    fn in_the_end_nothing_is_pending(steps in steps()) {
        let cursor = Cursor::at(UnixMillis(0));
        let mut model = Model {
            written: cursor.text(), cursor, now: 0, stored: BTreeSet::new(), in_flight: BTreeSet::new(), arrived: BTreeSet::new(),
        };
        for step in &steps {
            model.step(step);
        }
        model.now = 1_000_000;
        let end = Step::Take { longest: 100_000, snap: 100, cut: None };
        for _ in 0..60 {
            model.step(&end);
            model.step(&Step::Acknowledge);
        }
        let missing: Vec<_> = model.stored.iter().filter(|at| **at >= 0 && !model.arrived.contains(at)).collect();
        prop_assert!(missing.is_empty(), "{missing:?}");
        prop_assert_eq!(model.cursor.oldest(), UnixMillis(1_000_000));
    }
}
