//! What is damaged is put aside, by day and series, never deleted and never read again.

use rusqlite::{Transaction, params};

use crate::parts::{Part, series_of};

/// Moves block `id` of `part`, whose bytes are damaged (or the list of its times is), into quarantine.
pub(crate) fn block(transaction: &Transaction<'_>, part: &Part, id: i64) -> Result<(), rusqlite::Error> {
    put(transaction, part, id)?;
    transaction.prepare_cached("DELETE FROM block WHERE id = ?")?.execute([id])?;
    tracing::warn!(target: "store", series = series_of(id), from = part.span.start, to = part.span.end,
        "values of the history are damaged and put into quarantine");
    Ok(())
}

fn put(transaction: &Transaction<'_>, part: &Part, id: i64) -> Result<(), rusqlite::Error> {
    transaction
        .prepare_cached(
            r#"INSERT INTO quarantine (series, start, "end", what, body, times)
               SELECT ?2, ?3, ?4, 'values', block.body, times.body
               FROM block LEFT JOIN times ON times.id = block.times WHERE block.id = ?1"#,
        )?
        .execute(params![id, series_of(id), part.span.start, part.span.end])?;
    Ok(())
}
