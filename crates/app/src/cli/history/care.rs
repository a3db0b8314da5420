//! `history series`, `stats`, `compact`, `verify`, `backup`.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::super::Common;
use super::super::table::table;
use super::query::local;
use super::source::{Source, Wanted};
use crate::archive::{HistoryQuestion, SeriesEntry};
use crate::failure::{Code, Failure};

pub(super) async fn series(common: &Common) -> Result<(), Failure> {
    let mut source = Source::open(common, Wanted::Existing).await?;
    let series: Vec<SeriesEntry> = source.ask_for(HistoryQuestion::Series {}).await?;
    let (zone, _) = source.place().await?;
    let json = json!(series);
    common.print(&json, || {
        if series.is_empty() {
            return "nothing is stored yet".to_owned();
        }
        let head = ["series", "values", "first", "last"].map(str::to_owned).to_vec();
        let rows = series.iter().map(|series| {
            let name = format!("{}.{}", series.device, series.metric);
            vec![name, series.points.to_string(), local(series.first_ms, &zone), local(series.last_ms, &zone)]
        });
        table(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), &[1])
    })
}

pub(super) async fn stats(common: &Common) -> Result<(), Failure> {
    let mut source = Source::open(common, Wanted::Existing).await?;
    let stats = source.ask(HistoryQuestion::Stats {}).await?;
    common.print(&stats, || stats_text(&stats))
}

fn stats_text(stats: &Value) -> String {
    let number = |key: &str| stats[key].as_u64().unwrap_or_default();
    if number("points") == 0 {
        return format!("no values yet; {} on the disk", size(number("bytes")));
    }
    let words = |key: &str| stats[key].as_str().unwrap_or("unknown").to_owned();
    let each = stats["bytes_per_point"].as_f64().unwrap_or_default();
    let rows = [
        ("values", number("points").to_string()),
        ("series", number("series").to_string()),
        ("on the disk", format!("{}, {each:.2} bytes a value", size(number("bytes")))),
        ("first", words("first")),
        ("last", words("last")),
    ];
    table(&rows.map(|(name, value)| vec![name.to_owned(), value]), &[])
}

/// Bytes for people: `54.1 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

pub(super) async fn compact(common: &Common) -> Result<(), Failure> {
    let mut source = Source::open(common, Wanted::Existing).await?;
    let done = source.ask(HistoryQuestion::Compact {}).await?;
    common.print(&done, || compact_text(&done))
}

fn compact_text(done: &Value) -> String {
    let number = |key: &str| done[key].as_u64().unwrap_or_default();
    if number("blocks_before") == number("blocks_after") {
        return "there is nothing to join".to_owned();
    }
    format!(
        "{} blocks became {}; {} became {}",
        number("blocks_before"),
        number("blocks_after"),
        size(number("bytes_before")),
        size(number("bytes_after"))
    )
}

pub(super) async fn verify(common: &Common) -> Result<(), Failure> {
    let mut source = Source::open(common, Wanted::Existing).await?;
    let found = source.ask(HistoryQuestion::Verify {}).await?;
    common.print(&found, || verify_text(&found))?;
    let damaged = found["damaged"].as_array().map_or(0, Vec::len);
    if damaged == 0 {
        return Ok(());
    }
    Err(Failure::new(Code::Failed, format!("{damaged} parts of the history are damaged; the rest is served")))
}

pub(super) fn verify_text(found: &Value) -> String {
    let number = |key: &str| found[key].as_u64().unwrap_or_default();
    let damaged: Vec<_> = found["damaged"].as_array().into_iter().flatten().collect();
    let known = found["in_quarantine"].as_array().map_or(0, Vec::len);
    let quarantine = if known == 0 {
        String::new()
    } else {
        format!("; {known} damaged parts are in quarantine since earlier")
    };
    let sum = format!("{} blocks with {} values were read{quarantine}", number("blocks"), number("values"));
    if damaged.is_empty() {
        return format!("{sum}; no damage");
    }
    let words = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let head = ["damaged", "from", "to", "what"].map(str::to_owned).to_vec();
    let rows = damaged.iter().map(|row| {
        let name = format!("{}.{}", words(row, "device"), words(row, "metric"));
        vec![name, words(row, "from"), words(row, "to"), words(row, "what")]
    });
    format!("{}\n\n{sum}", table(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), &[]))
}

pub(in crate::cli) async fn backup(common: &Common, file: &Path) -> Result<(), Failure> {
    if file.exists() {
        let message = format!("{} exists already, and is not overwritten", file.display());
        return Err(Failure::new(Code::Usage, message));
    }
    // The daemon has another folder of work.
    let whole =
        std::path::absolute(file).with_context(|| format!("cannot tell where {} is", file.display()))?;
    let Some(name) = whole.to_str() else {
        return Err(Failure::new(Code::Usage, "the name of the file is not UTF-8"));
    };
    let mut source = Source::open(common, Wanted::Existing).await?;
    let done = source.ask(HistoryQuestion::Backup { file: name.to_owned() }).await?;
    let bytes = done["bytes"].as_u64().unwrap_or_default();
    common.print(&done, || format!("{} written to {name}", size(bytes)))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn figures_for_people() {
        let stats = json!({
            "points": 157_680_000, "bytes": 55_188_000, "bytes_per_point": 0.35, "series": 300,
            "first": "2026-01-01T00:00:00.000Z", "last": "2026-12-31T23:59:50.000Z",
        });
        expect![[r#"
            values       157680000
            series       300
            on the disk  55.2 MB, 0.35 bytes a value
            first        2026-01-01T00:00:00.000Z
            last         2026-12-31T23:59:50.000Z"#]]
        .assert_eq(&stats_text(&stats));
        let empty = json!({ "points": 0, "bytes": 4096, "bytes_per_point": null, "series": 0, "first": null, "last": null });
        assert_eq!(stats_text(&empty), "no values yet; 4.1 kB on the disk");
    }

    #[test]
    fn damage_for_people() {
        let mut found = json!({ "ok": true, "blocks": 12, "values": 3456, "damaged": [] });
        assert_eq!(verify_text(&found), "12 blocks with 3456 values were read; no damage");
        found["damaged"] = json!([{
            "device": "gx", "metric": "battery_soc", "what": "the checksum is wrong",
            "from": "2026-11-20T23:00:00.000Z", "to": "2026-11-21T22:59:59.999Z",
        }]);
        expect![[r#"
            damaged         from                      to                        what
            gx.battery_soc  2026-11-20T23:00:00.000Z  2026-11-21T22:59:59.999Z  the checksum is wrong

            12 blocks with 3456 values were read"#]]
        .assert_eq(&verify_text(&found));
    }

    #[test]
    fn joining_for_people() {
        let done = |before: u64, after: u64| {
            compact_text(&json!({
                "blocks_before": before, "blocks_after": after, "bytes_before": 9_000_000, "bytes_after": 700,
            }))
        };
        assert_eq!(done(3000, 100), "3000 blocks became 100; 9.0 MB became 700 B");
        assert_eq!(done(0, 0), "there is nothing to join");
    }
}
