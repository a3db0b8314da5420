//! What is written at once and kept for ever: the ledger of attempts, events, and the state of other parts.
//!
//! Each write is a transaction of its own and durable when the method returns.

use ohmstead_model::{DeviceId, Event, LedgerEntry, LedgerQuery, Outcome, Severity, UnixMillis};
use rusqlite::{OptionalExtension, Row, params};

use crate::point::signed;
use crate::query::QueryError;
use crate::store::{History, WriteError, lock};
use crate::trouble::Trouble;

/// Rows of one answer at most, whatever is asked.
const ROWS_MAX: usize = 100_000;

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Alarm];

impl History {
    /// Adds an attempt to the ledger; its `id` is ignored. Returns the number it got. Durable when this returns.
    pub fn append_ledger(&self, entry: &LedgerEntry) -> Result<i64, WriteError> {
        lock(&self.writer)
            .connection
            .prepare_cached(
                "INSERT INTO ledger (at, device, asked_by, request, old, new, reply, read_back, effect, outcome, reason)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .and_then(|mut insert| {
                insert.insert(params![
                    entry.at.0,
                    entry.device.as_str(),
                    entry.asked_by,
                    entry.request,
                    entry.old,
                    entry.new,
                    entry.reply,
                    entry.read_back,
                    entry.effect,
                    entry.outcome.key(),
                    entry.reason,
                ])
            })
            .map_err(|error| self.write_error("the ledger", error))
    }

    /// The last attempts that are asked for, newest first.
    pub fn ledger(&self, query: impl Into<LedgerQuery>) -> Result<Vec<LedgerEntry>, QueryError> {
        let LedgerQuery { limit, device, outcome, since } = query.into();
        let device = device.as_ref().map(DeviceId::as_str);
        let (outcome, since) = (outcome.map(Outcome::key), since.map(|since| since.0));
        self.last_rows(
            "SELECT id, at, device, asked_by, request, old, new, reply, read_back, effect, outcome, reason
             FROM ledger
             WHERE (?2 IS NULL OR device = ?2) AND (?3 IS NULL OR outcome = ?3) AND (?4 IS NULL OR at >= ?4)
             ORDER BY id DESC LIMIT ?1",
            params![signed(limit.min(ROWS_MAX)), device, outcome, since],
            ledger_entry,
        )
    }

    /// Adds an event; its `id` is ignored. Returns the number it got. Durable when this returns.
    pub fn append_event(&self, event: &Event) -> Result<i64, WriteError> {
        lock(&self.writer)
            .connection
            .prepare_cached("INSERT INTO event (at, severity, device, code, text) VALUES (?, ?, ?, ?, ?)")
            .and_then(|mut insert| {
                let device = event.device.as_ref().map(DeviceId::as_str);
                insert.insert(params![event.at.0, event.severity.key(), device, event.code, event.text])
            })
            .map_err(|error| self.write_error("an event", error))
    }

    /// The last events, newest first.
    pub fn events(&self, limit: usize) -> Result<Vec<Event>, QueryError> {
        self.last_rows(
            "SELECT id, at, severity, device, code, text FROM event ORDER BY id DESC LIMIT ?",
            params![signed(limit.min(ROWS_MAX))],
            event,
        )
    }

    /// What was last put under `key`.
    pub fn get_state(&self, key: &str) -> Result<Option<String>, QueryError> {
        lock(&self.reader)
            .prepare_cached("SELECT value FROM state WHERE key = ?")
            .and_then(|mut select| select.query_row([key], |row| row.get(0)).optional())
            .map_err(|error| QueryError::Storage(Trouble::new(&self.path, error)))
    }

    /// The keys that begin with `prefix` and have something under them, in order.
    pub fn state_keys(&self, prefix: &str) -> Result<Vec<String>, QueryError> {
        let select = || -> Result<Vec<String>, rusqlite::Error> {
            let reader = lock(&self.reader);
            let mut select = reader.prepare_cached(
                "SELECT key FROM state WHERE substr(key, 1, length(?1)) = ?1 AND value <> '' ORDER BY key",
            )?;
            select.query_map([prefix], |row| row.get(0))?.collect()
        };
        select().map_err(|error| QueryError::Storage(Trouble::new(&self.path, error)))
    }

    /// Keeps `value` under `key`, in place of what was there. Durable when this returns.
    pub fn put_state(&self, key: &str, value: &str) -> Result<(), WriteError> {
        lock(&self.writer)
            .connection
            .prepare_cached(
                "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )
            .and_then(|mut put| put.execute([key, value]))
            .map(|_| ())
            .map_err(|error| self.write_error("the state of a part", error))
    }

    /// Forgets what is under `key`; nothing there is no error. Durable when this returns.
    pub fn remove_state(&self, key: &str) -> Result<(), WriteError> {
        lock(&self.writer)
            .connection
            .prepare_cached("DELETE FROM state WHERE key = ?")
            .and_then(|mut delete| delete.execute([key]))
            .map(|_| ())
            .map_err(|error| self.write_error("the state of a part", error))
    }

    fn last_rows<T>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: fn(&Row<'_>) -> Result<Option<T>, rusqlite::Error>,
    ) -> Result<Vec<T>, QueryError> {
        let select = || -> Result<Vec<T>, rusqlite::Error> {
            let reader = lock(&self.reader);
            let mut select = reader.prepare_cached(sql)?;
            select.query_map(parameters, read)?.filter_map(Result::transpose).collect()
        };
        select().map_err(|error| QueryError::Storage(Trouble::new(&self.path, error)))
    }
}

fn ledger_entry(row: &Row<'_>) -> Result<Option<LedgerEntry>, rusqlite::Error> {
    let outcome: String = row.get("outcome")?;
    let outcome = Outcome::ALL.into_iter().find(|known| known.key() == outcome);
    let (Some(outcome), Some(device)) = (outcome, device(&row.get::<_, String>("device")?)) else {
        return unreadable(row);
    };
    Ok(Some(LedgerEntry {
        id: row.get("id")?,
        at: UnixMillis(row.get("at")?),
        device,
        asked_by: row.get("asked_by")?,
        request: row.get("request")?,
        old: row.get("old")?,
        new: row.get("new")?,
        reply: row.get("reply")?,
        read_back: row.get("read_back")?,
        effect: row.get("effect")?,
        outcome,
        reason: row.get("reason")?,
    }))
}

fn event(row: &Row<'_>) -> Result<Option<Event>, rusqlite::Error> {
    let severity: String = row.get("severity")?;
    let Some(severity) = SEVERITIES.into_iter().find(|known| known.key() == severity) else {
        return unreadable(row);
    };
    let name: Option<String> = row.get("device")?;
    Ok(Some(Event {
        id: row.get("id")?,
        at: UnixMillis(row.get("at")?),
        severity,
        device: name.as_deref().and_then(device),
        code: row.get("code")?,
        text: row.get("text")?,
    }))
}

/// A device's name as stored; `site` is one here.
pub(crate) fn device(name: &str) -> Option<DeviceId> {
    if name == DeviceId::site().as_str() { Some(DeviceId::site()) } else { name.parse().ok() }
}

/// A row that somebody else wrote is left out rather than making all others unreadable.
fn unreadable<T>(row: &Row<'_>) -> Result<Option<T>, rusqlite::Error> {
    tracing::warn!(target: "store", row = row.get::<_, i64>("id")?, "a row with unknown words is left out");
    Ok(None)
}
