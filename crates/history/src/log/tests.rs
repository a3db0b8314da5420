//! What is encoded is decoded, whatever happens to the end or the middle of the bytes.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Encoder, Found, Named, Position, read};
use crate::point::{Slot, Stored};

const START: Position = Position { generation: 7, life: 3, sequence: 0 };

fn named(slot: Slot) -> Named {
    Named { id: 10 + crate::point::signed(slot.0) * 3, decimals: (slot.0 != 2).then_some(1) }
}

type Reading = (i64, Vec<(Slot, Stored)>);

fn reading() -> impl Strategy<Value = Reading> {
    let slots = prop::sample::select(vec![vec![0usize, 1, 2], vec![3], vec![0, 3], vec![2, 1]]);
    let number = prop_oneof![Just(5i64), -3i64..3, any::<i64>()];
    (prop_oneof![0i64..1_000, any::<i64>()], slots, prop::collection::vec(number, 3)).prop_map(
        |(at, slots, numbers)| {
            let value = |slot: usize, number: i64| match slot {
                2 => Stored::Text(Arc::from(if number % 2 == 0 { "auto" } else { "" })),
                _ => Stored::Number(number),
            };
            (
                at,
                slots
                    .into_iter()
                    .zip(numbers)
                    .map(|(slot, number)| (Slot(slot), value(slot, number)))
                    .collect(),
            )
        },
    )
}

fn encode(readings: &[Reading], from: Position) -> (Vec<u8>, Position) {
    let (mut encoder, mut out) = (Encoder::new(from), Vec::new());
    for (at, values) in readings {
        encoder.reading(&mut out, *at, values, named);
    }
    (out, encoder.next())
}

fn decode(bytes: &[u8]) -> (Vec<Vec<Found>>, super::decoder::Read) {
    let mut found = Vec::new();
    let read = read(bytes, 7, |values| found.push(values));
    found.retain(|values| !values.is_empty());
    (found, read)
}

fn expected(readings: &[Reading]) -> Vec<Vec<Found>> {
    let found = |(at, values): &Reading| {
        values
            .iter()
            .map(|(slot, value)| Found { series: named(*slot), at: *at, value: value.clone() })
            .collect()
    };
    readings.iter().map(found).collect()
}

proptest! {
    #[test]
    fn readings_come_out_as_they_went_in(readings in prop::collection::vec(reading(), 1..40), zeros in 0usize..20) {
        let (mut bytes, next) = encode(&readings, START);
        let length = bytes.len();
        bytes.resize(length + zeros, 0);
        let (found, read) = decode(&bytes);
        prop_assert_eq!(found, expected(&readings));
        prop_assert_eq!((read.end, read.next, read.damaged.len()), (length, next, 0));
    }

    /// Whatever was there before, of an earlier life or use of the file, is not read.
    #[test]
    fn a_torn_end_is_left_out_and_written_over(
        readings in prop::collection::vec(reading(), 2..30), more in prop::collection::vec(reading(), 1..30), cut in any::<prop::sample::Index>(),
    ) {
        let (bytes, _) = encode(&readings, START);
        let (found, read) = decode(&bytes[..cut.index(bytes.len())]);
        let known = found.len();
        prop_assert_eq!(found, expected(&readings[..known]));
        let (again, _) = encode(&more, Position { life: 4, ..read.next });
        let mut over = bytes.clone();
        over.truncate(read.end);
        over.extend(&again);
        over.extend(bytes.get(over.len()..).unwrap_or_default());
        let mut all = expected(&readings[..known]);
        all.extend(expected(&more));
        prop_assert_eq!(decode(&over).0, all);
        prop_assert_eq!(super::read(&bytes, 8, |_| {}).frames, 0);
    }

    /// One key is behind the damage.
    #[test]
    fn damage_in_the_middle_costs_what_lies_before_the_next_key(
        one in prop::collection::vec(reading(), 1..20), other in prop::collection::vec(reading(), 1..20), at in any::<prop::sample::Index>(), bit in 0u8..8,
    ) {
        let (mut bytes, next) = encode(&one, START);
        let damaged = at.index(bytes.len());
        let length = bytes.len();
        bytes.extend(encode(&other, next).0);
        bytes[damaged] ^= 1 << bit;
        let (found, read) = decode(&bytes);
        let known = found.len() - other.len();
        prop_assert_eq!(&found[..known], &expected(&one)[..known]);
        prop_assert_eq!(&found[known..], &expected(&other)[..]);
        prop_assert_eq!(read.damaged.len(), 1);
        prop_assert!(read.damaged[0].contains(&damaged) && read.damaged[0].end == length);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decode(&bytes);
    }
}

#[test]
fn a_reading_of_which_nothing_changed_takes_a_few_bytes() {
    let values: Vec<_> = (10..60).map(|slot| (Slot(slot), Stored::Number(230))).collect();
    let readings: Vec<Reading> = (0..100).map(|poll| (poll * 10_000, values.clone())).collect();
    let (first, _) = encode(&readings[..1], START);
    let (all, _) = encode(&readings, START);
    assert!((all.len() - first.len()) / 99 <= 15, "{}", (all.len() - first.len()) / 99);
}
