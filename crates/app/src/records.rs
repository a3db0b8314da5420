//! What has to survive a power cut before the program goes on: ledger rows, and small texts under a key.

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

/// The key of the state of charge at which a device's charge is to end.
pub(crate) fn goal_key(device: &DeviceId) -> String {
    format!("goal/{device}")
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
