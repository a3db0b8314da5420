//! What was asked by hand for a time to come, as it survives a restart.

use ohmstead_control::overrides::{Agenda, Later};
use ohmstead_model::{DeviceId, Moment};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::control::book::{Kept, Line, put_aside};
use crate::records::{NotDurable, Records};

/// Where it is kept what was asked for a time to come.
pub(super) const KEY: &str = "overrides/later";

/// Everything as it is kept.
#[derive(Debug, Serialize)]
struct Book {
    next_id: u32,
    asked: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    id: u32,
    #[serde(flatten)]
    line: Line,
}

/// What was kept, as far as it can be read; an error where the memory cannot be read at present.
pub(crate) async fn read(records: &dyn Records) -> Result<Kept<Agenda>, NotDurable> {
    let text = records.get_state(KEY.to_owned()).await?.unwrap_or_default();
    Ok(agenda(&text))
}

/// One by one: what a later version may have written takes nothing else with it.
fn agenda(text: &str) -> Kept<Agenda> {
    if text.is_empty() {
        return Kept::default();
    }
    let book: Map<String, Value> = match serde_json::from_str(text) {
        Ok(book) => book,
        Err(error) => return Kept { value: Agenda::default(), unreadable: vec![error.to_string()] },
    };
    let (mut all, mut unreadable) = (Vec::new(), Vec::new());
    for entry in book.get("asked").and_then(Value::as_array).cloned().unwrap_or_default() {
        let name = format!("number {}", entry["id"]);
        let read = serde_json::from_value::<Entry>(entry).ok();
        match read.and_then(|Entry { id, line }| Some(Later { id, asked: line.read()? })) {
            Some(later) => all.push(later),
            None => unreadable.push(name),
        }
    }
    let next_id = book.get("next_id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    Kept { value: Agenda::of(all, next_id.unwrap_or_default()), unreadable }
}

/// What cannot be read goes aside first, or nothing is written.
pub(super) async fn write(records: &dyn Records, agenda: &Agenda) -> Result<(), NotDurable> {
    let before = records.get_state(KEY.to_owned()).await?.unwrap_or_default();
    if !self::agenda(&before).unreadable.is_empty() {
        put_aside(records, KEY, &before).await?;
    }
    let entry = |Later { id, asked }: &Later| Entry { id: *id, line: Line::of(asked) };
    let book = Book { next_id: agenda.next_id(), asked: agenda.all().iter().map(entry).collect() };
    let text = serde_json::to_string(&book).expect("texts and numbers");
    records.put_state(KEY.to_owned(), text).await
}

/// What of a device is forgotten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Which {
    /// All of it.
    All,
    /// What counts at this moment; what is to come stays.
    Present(Moment),
}

/// Forgets what was asked for a time to come of `device`, where no control runs that would.
pub(crate) async fn forget(records: &dyn Records, device: &DeviceId, which: Which) -> Result<(), NotDurable> {
    let mut agenda = read(records).await?.or_warn(KEY);
    let before = agenda.all().len();
    match which {
        Which::All => agenda.retain(|later| later.asked.device != *device),
        Which::Present(now) => agenda.drop_present(device, now),
    }
    if agenda.all().len() == before { Ok(()) } else { write(records, &agenda).await }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::testing::{FakeRecords, START, id};

    #[rstest]
    #[case::what_counts_now(Which::Present(Moment { mono: Duration::ZERO, unix: START }), "a", "2 a hold, 3 b idle")]
    #[case::all_of_it(Which::All, "a", "3 b idle")]
    #[case::of_another(Which::All, "c", "1 a idle, 2 a hold, 3 b idle")]
    #[tokio::test]
    async fn without_a_daemon_as_much_is_forgotten_as_with_one(
        #[case] which: Which,
        #[case] device: &str,
        #[case] left: &str,
    ) {
        let line = |id: u32, device: &str, mode: &str, from_s: i64| {
            let (since, ends) = (START.0 + from_s * 1000, START.0 + (from_s + 120) * 1000);
            format!(
                r#"{{"id":{id},"device":"{device}","mode":"{mode}","asked_by":"rest","since_unix_ms":{since},"ends_unix_ms":{ends}}}"#
            )
        };
        let all = [line(1, "a", "idle", -60), line(2, "a", "hold", 600), line(3, "b", "idle", -60)];
        let records = FakeRecords::default();
        let book = format!(r#"{{"next_id":4,"asked":[{}]}}"#, all.join(","));
        records.state.lock().unwrap().insert(KEY.to_owned(), book);
        forget(&records, &id(device), which).await.unwrap();
        let mut shown: Vec<_> = read(&records).await.unwrap().value.all().to_vec();
        shown.sort_by_key(|later| later.id);
        let shown: Vec<_> =
            shown.iter().map(|it| format!("{} {} {}", it.id, it.asked.device, it.asked.mode)).collect();
        assert_eq!(shown.join(", "), left);
    }
}
