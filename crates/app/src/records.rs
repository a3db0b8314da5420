//! What has to survive a power cut before the program goes on: ledger rows, and small texts under a key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use ohmstead_model::{DeviceId, LedgerEntry, Wish};

/// Why something could not be made durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotDurable(pub(crate) String);

/// A durable memory.
pub(crate) trait Records: Send + Sync + 'static {
    /// Adds a row to the ledger and returns its number.
    fn append_ledger(&self, entry: LedgerEntry) -> BoxFuture<'_, Result<i64, NotDurable>>;

    /// What is kept under `key`.
    fn get_state(&self, key: String) -> BoxFuture<'_, Result<Option<String>, NotDurable>>;

    /// Keeps `value` under `key`.
    fn put_state(&self, key: String, value: String) -> BoxFuture<'_, Result<(), NotDurable>>;
}

/// The key of what a device's driver has learned.
pub(crate) fn driver_key(device: &DeviceId) -> String {
    format!("driver/{device}")
}

/// The key of how a device was before its mode, or one of its settings, was first written.
pub(crate) fn original_key(device: &DeviceId, wish: &Wish) -> String {
    match wish {
        Wish::Mode(_) => format!("original/{device}"),
        Wish::Setting(setting) => format!("original/{device}/{}", setting.name),
    }
}

/// The key of when what wears out in a device was written.
pub(crate) fn wear_key(device: &DeviceId) -> String {
    format!("wear/{device}")
}

/// The key of what is being written to a device right now.
pub(crate) fn attempt_key(device: &DeviceId) -> String {
    format!("attempt/{device}")
}

/// Tells the unit behind a device's name, `DRIVER:SERIAL`, once it is known.
pub(crate) type UnitOf = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// The unit as [`UnitOf`] tells it, from what its driver knows of it.
pub(crate) fn unit(driver: &str, serial: Option<&str>) -> Option<String> {
    serial.filter(|serial| !serial.is_empty()).map(|serial| format!("{driver}:{serial}"))
}

/// The memory of one device in which wear is counted for the unit, not only for the name: it is the same memory that
/// wears out, whatever the unit is called and by whatever address it is reached. Kept under both keys, for a unit that has
/// not told its serial number yet is known by its name alone; where they differ, all writes of both count.
pub(crate) struct OfUnit {
    records: Arc<dyn Records>,
    wear_of_name: String,
    unit: UnitOf,
}

impl OfUnit {
    pub(crate) fn new(records: Arc<dyn Records>, device: &DeviceId, unit: UnitOf) -> Self {
        Self { records, wear_of_name: wear_key(device), unit }
    }

    /// The unit's own key, where `key` is that of its name and the unit is known.
    fn wear_of_unit(&self, key: &str) -> Option<String> {
        // No name of a device has a colon.
        if key == self.wear_of_name { (self.unit)().map(|unit| format!("wear/{unit}")) } else { None }
    }
}

impl Records for OfUnit {
    fn append_ledger(&self, entry: LedgerEntry) -> BoxFuture<'_, Result<i64, NotDurable>> {
        self.records.append_ledger(entry)
    }

    fn get_state(&self, key: String) -> BoxFuture<'_, Result<Option<String>, NotDurable>> {
        let Some(of_unit) = self.wear_of_unit(&key) else { return self.records.get_state(key) };
        Box::pin(async move {
            let (by_unit, by_name) =
                (self.records.get_state(of_unit).await?, self.records.get_state(key).await?);
            Ok(all_writes([by_unit, by_name]))
        })
    }

    fn put_state(&self, key: String, value: String) -> BoxFuture<'_, Result<(), NotDurable>> {
        let Some(of_unit) = self.wear_of_unit(&key) else { return self.records.put_state(key, value) };
        Box::pin(async move {
            self.records.put_state(of_unit, value.clone()).await?;
            self.records.put_state(key, value).await
        })
    }
}

/// When each part was written, by all the texts together; none where there is no text. One that cannot be read is the
/// answer itself: what is lost counts as spent.
fn all_writes(texts: [Option<String>; 2]) -> Option<String> {
    let mut all: Option<BTreeMap<String, Vec<i64>>> = None;
    for text in texts.into_iter().flatten() {
        let Ok(writes) = serde_json::from_str::<BTreeMap<String, Vec<i64>>>(&text) else { return Some(text) };
        let all = all.get_or_insert_default();
        for (part, at) in writes {
            let known = all.entry(part).or_default();
            *known = union(known, &at);
        }
    }
    serde_json::to_string(&all?).ok()
}

/// What is in either, in order; as often as where it is most often, for a write that was sent twice counts twice.
fn union(one: &[i64], other: &[i64]) -> Vec<i64> {
    let count = |list: &[i64], at: i64| list.iter().filter(|known| **known == at).count();
    let stamps: BTreeSet<i64> = one.iter().chain(other).copied().collect();
    stamps.into_iter().flat_map(|at| std::iter::repeat_n(at, count(one, at).max(count(other, at)))).collect()
}

/// A memory for one run of one command that has no place to keep anything.
#[derive(Default)]
pub(crate) struct NoRecords;

impl Records for NoRecords {
    fn append_ledger(&self, _entry: LedgerEntry) -> BoxFuture<'_, Result<i64, NotDurable>> {
        Box::pin(std::future::ready(Ok(0)))
    }

    fn get_state(&self, _key: String) -> BoxFuture<'_, Result<Option<String>, NotDurable>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn put_state(&self, _key: String, _value: String) -> BoxFuture<'_, Result<(), NotDurable>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeRecords, id};

    fn of(memory: &Arc<FakeRecords>, name: &str, serial: Option<&'static str>) -> OfUnit {
        let unit = Box::new(move || unit("voltronic", serial));
        OfUnit::new(Arc::clone(memory) as _, &id(name), unit)
    }

    async fn wear(memory: &Arc<FakeRecords>, name: &str, serial: Option<&'static str>) -> Option<String> {
        of(memory, name, serial).get_state(wear_key(&id(name))).await.unwrap()
    }

    #[tokio::test]
    async fn a_unit_under_another_name_has_no_new_budget() {
        let memory = Arc::new(FakeRecords::default());
        let writes = r#"{"output_priority":[1,2]}"#.to_owned();
        let key = wear_key(&id("axpert"));
        of(&memory, "axpert", Some("9293")).put_state(key, writes.clone()).await.unwrap();
        assert_eq!(wear(&memory, "roof", Some("9293")).await, Some(writes.clone()), "another name");
        assert_eq!(wear(&memory, "axpert", None).await, Some(writes), "its serial number not told yet");
        assert_eq!(wear(&memory, "roof", Some("1")).await, None, "another unit");
    }

    #[tokio::test]
    async fn what_was_counted_for_the_name_alone_counts_for_the_unit() {
        let memory = Arc::new(FakeRecords::default());
        for (name, writes) in [("a", r#"{"x":[1,3,3],"y":[7]}"#), ("voltronic:9293", r#"{"x":[2,3]}"#)] {
            memory.put_state(format!("wear/{name}"), writes.to_owned()).await.unwrap();
        }
        assert_eq!(wear(&memory, "a", Some("9293")).await.as_deref(), Some(r#"{"x":[1,2,3,3],"y":[7]}"#));
        memory.put_state("wear/voltronic:9293".to_owned(), "half a rec".to_owned()).await.unwrap();
        assert_eq!(wear(&memory, "a", Some("9293")).await.as_deref(), Some("half a rec"), "lost, not empty");
    }

    #[tokio::test]
    async fn other_keys_are_those_of_the_name() {
        let memory = Arc::new(FakeRecords::default());
        let records = of(&memory, "a", Some("9293"));
        records.put_state(driver_key(&id("a")), "x".to_owned()).await.unwrap();
        assert_eq!(memory.get_state(driver_key(&id("a"))).await.unwrap().as_deref(), Some("x"));
    }
}
