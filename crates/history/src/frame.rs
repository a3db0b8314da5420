//! The body of a `head` row: what one commit saved.
//!
//! ```text
//! version 1, then groups until the end: length and bytes of the times, number of series,
//!            then for each its id, its decimals, length and bytes of its values
//! ```

use crate::codec::{
    Cursor, Undecodable, decode_times, decode_values, encode_times, encode_values, put_len, put_signed,
};
use crate::columns::{Columns, Point, Slot};
use crate::registry::Row;

const VERSION: u8 = 1;

/// The bytes of `columns`; `row_of` gives a series' id and decimals.
pub(crate) fn encode(columns: &Columns, row_of: impl Fn(Slot) -> Row) -> Vec<u8> {
    let mut out = vec![VERSION];
    for group in columns.by_times() {
        let times = group.first().map_or(&[][..], |(_, points)| points);
        put_bytes(&mut out, &encode_times(times.iter().map(|point| point.at)));
        put_len(&mut out, group.len());
        for (slot, points) in group {
            let row = row_of(slot);
            put_signed(&mut out, row.id);
            out.push(row.decimals);
            put_bytes(&mut out, &encode_values(points.iter().map(|point| &point.value)));
        }
    }
    out
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// The points in `bytes`, series by series.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<(Row, Vec<Point>)>, Undecodable> {
    let mut cursor = Cursor(bytes);
    if cursor.byte()? != VERSION {
        return Err(Undecodable);
    }
    let mut series = Vec::new();
    while !cursor.0.is_empty() {
        let times = decode_times(cursor.bytes()?)?;
        for _ in 0..cursor.len()? {
            let row = Row { id: cursor.signed()?, decimals: cursor.byte()? };
            series.push((row, decode_points(&times, cursor.bytes()?)?));
        }
    }
    Ok(series)
}

/// Values joined with their times.
pub(crate) fn decode_points(times: &[i64], values: &[u8]) -> Result<Vec<Point>, Undecodable> {
    let values = decode_values(values, times.len())?;
    Ok(times.iter().zip(values).map(|(at, value)| Point { at: *at, value }).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::columns::Stored;

    proptest! {
        #[test]
        fn a_commit_reads_back(arrivals in prop::collection::vec((0usize..5, -50i64..50, any::<i64>()), 0..80)) {
            let arrivals = arrivals.into_iter().map(|(slot, at, n)| (Slot(slot), Point { at, value: Stored::Number(n) }));
            let columns = Columns::from_arrivals(arrivals);
            let bytes = encode(&columns, |slot| Row { id: crate::columns::signed(slot.0), decimals: 2 });
            let read = decode(&bytes).expect("just encoded");
            let points = read.into_iter().flat_map(|(row, points)| {
                let slot = Slot(usize::try_from(row.id).expect("a slot"));
                points.into_iter().map(move |point| (slot, point))
            });
            prop_assert_eq!(Columns::from_arrivals(points), columns);
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 1..200)) {
            bytes[0] = VERSION;
            let _ = decode(&bytes);
        }
    }
}
