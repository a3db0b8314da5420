//! Entrances for `fuzz/`: any bytes must come through without a panic, within limits, and without a value that cannot be.
//! Not part of the API.

use std::time::Duration;

use super::crc;
use super::decode::{self, Context};
use super::explain::explain;
use super::families::Family;
use super::frame::{Dialect, Payload, Receiver};
use super::identify::{Identity, Refused};
use super::parallel::Set;
use super::table;

/// Bytes from the wire: in one piece or byte by byte makes no difference; what counts as good is text; and a good frame
/// that follows is found.
pub fn frames(bytes: &[u8]) {
    let whole = found(bytes.chunks(bytes.len().max(1)));
    assert_eq!(whole, found(bytes.chunks(1)), "the same bytes in other pieces");
    for text in whole.iter().flatten() {
        assert!(text.starts_with(['(', '^']), "{text:?} has no marker");
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text:?} is no text");
    }
    let _ = explain(bytes, None, None);
    let good = sealed(b"(230.0 50.0");
    let after = found([bytes, b"\r", &good].into_iter());
    // What waits to be taken is limited: the last one is there unless garbage has filled the queue.
    assert!(after.len() >= 16 || after.last() == Some(&Ok("(230.0 50.0".to_owned())), "{after:?}");
}

/// The same bytes with a marker and a good checksum, as far as they are text: no payload does harm either.
pub fn payloads(bytes: &[u8]) {
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| matches!(byte, b' '..=b'~')).take(400).collect();
    let marked = [b"(", text.as_slice()].concat();
    let wanted = String::from_utf8_lossy(&marked).into_owned();
    let found = found(std::iter::once(sealed(&marked).as_slice()));
    // A checksum with zeros may look like padding behind a shorter frame: then right, or nothing.
    let has_zero = crc::classic(&marked).contains(&0);
    assert!(found == [Ok(wanted)] || has_zero && found.iter().all(Result::is_err), "{found:?}");
    for family in Family::ALL.into_iter().map(Some).chain([None]) {
        let _ = explain(&sealed(&marked), None, family);
    }
}

fn sealed(text: &[u8]) -> Vec<u8> {
    [text, &crc::classic(text), b"\r"].concat()
}

fn found<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Result<String, String>> {
    let mut receiver = Receiver::new(Dialect::Paren);
    pieces.for_each(|piece| receiver.push(piece));
    let frames = std::iter::from_fn(|| receiver.next());
    frames.map(|frame| frame.map(|good| good.text().to_owned()).map_err(|why| why.to_string())).collect()
}

/// Fields, past the checksum: the first byte chooses the family, the lines of the rest are answers that come one after the
/// other. Each is read by every question that it fits, and shown to whoever finds out who is there.
pub fn fields(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let family = Family::ALL[usize::from(*first) % Family::ALL.len()];
    let (mut context, mut identity) = (Context::default(), Identity::default());
    let mut set = if first % 2 == 0 { Set::default() } else { Set::split() };
    for (number, line) in rest.split(|byte| *byte == b'\n').take(32).enumerate() {
        context.now = Duration::from_secs(number as u64 * 7);
        let text = String::from_utf8_lossy(line);
        let payload = Payload::of(&text);
        read(family, &payload, &mut context);
        let half = if first % 3 == 0 { "QP2GS" } else { "QPGS" };
        set.take(&format!("{half}{}", number / 2 % 9), &payload, context.side, context.now);
        let sums = set.totals(context.now.saturating_sub(Duration::from_secs(45)));
        assert!(sums.iter().all(|(_, seen)| is_sound(seen)), "{sums:?}");
        recognise(&mut identity, &payload, *first);
    }
}

fn read(family: Family, payload: &Payload, context: &mut Context) {
    let queries = family.queries().iter().chain(family.members());
    for query in queries.filter(|query| table::fits(query, payload)) {
        let decoded = decode::read_of(family, query, payload, context);
        for (metric, seen) in &decoded.values {
            assert!(query.metrics.contains(metric), "{family} {}: {metric} is not announced", query.command);
            assert!(is_sound(seen), "{family} {}: {metric} is {seen:?}", query.command);
        }
    }
}

/// Whether a number is one, and none that only noise gives.
fn is_sound(seen: &ohmstead_model::Observation) -> bool {
    let number = seen.as_ref().ok().and_then(ohmstead_model::Value::number);
    number.is_none_or(|number| number.is_finite() && number.abs() < 1e9)
}

fn recognise(identity: &mut Identity, payload: &Payload, choice: u8) {
    let Some(question) = identity.next_question() else { return };
    let proven = identity.is_proven();
    let is_probe = ["QPI", "PI"].contains(&question.command);
    assert!(proven || is_probe, "{} goes to whoever is there", question.command);
    let answer = match choice % 5 {
        0 => Err(Refused::Silent),
        1 => Err(Refused::Foreign(payload.text().to_owned())),
        _ => Ok(payload),
    };
    identity.take(&question, answer);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_come_through(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            super::frames(&bytes);
            super::payloads(&bytes);
            super::fields(&bytes);
        }

        #[test]
        fn lines_like_answers_come_through(text in "[\u{0}-\u{5}]([(][0-9. BEDabk-]{0,120}\n){0,8}(\\^D[0-9]{3}[0-9,]{0,120}\n){0,8}") {
            super::fields(text.as_bytes());
        }
    }
}
