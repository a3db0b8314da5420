//! `VictoriaMetrics`: CSV with a column for each metric; asked in `PromQL`. Once with the times as they are and once cut to
//! whole seconds, which it packs far better.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use ohmstead_model::UnixMillis;

use super::prometheus::PromQl;
use super::{program, settled};
use crate::http::Http;
use crate::measure::{Took, timed, wait};
use crate::queries;
use crate::report::{Engine, Report};
use crate::server::{Server, free_port};
use crate::station::{Class, DAY_MS, JUNE, Station};

pub(super) fn run(folder: &Path, end: UnixMillis, days: i64, report: &mut Report) -> Result<()> {
    for (name, unit_ms) in [("VictoriaMetrics, ms", 1), ("VictoriaMetrics, s", 1000)] {
        let engine = measure(&folder.join(unit_ms.to_string()), folder, (name, unit_ms), end, days)?;
        report.engine(engine);
    }
    Ok(())
}

fn measure(
    data: &Path,
    folder: &Path,
    (name, unit_ms): (&str, i64),
    end: UnixMillis,
    days: i64,
) -> Result<Engine> {
    let binary = program(folder, "victoria-metrics", "victoria-metrics")?;
    let port = free_port()?;
    let mut command = Command::new(binary);
    command.arg(format!("-storageDataPath={}", data.display()));
    command.arg(format!("-httpListenAddr=127.0.0.1:{port}")).arg("-retentionPeriod=99y");
    let server = Server::start(&mut command, &folder.join("log"))?;
    let mut http = Http::when_ready(port, "/health")?;
    let (values, ingest) = fill(&mut http, end, unit_ms)?;
    http.get("/internal/force_flush")?;
    http.get("/internal/force_merge")?;
    // It answers at once and begins to merge a moment later.
    wait(Duration::from_secs(2));
    let mut engine = Engine { name: name.to_owned(), values, ingest, ..Engine::default() };
    engine.bytes = settled(data)?;
    queries::ask_month(&mut PromQl { http, end }, &mut engine, end, days)?;
    engine.memory = Some(server.memory()?);
    Ok(engine)
}

/// A day and a class a request.
fn fill(http: &mut Http, end: UnixMillis, unit_ms: i64) -> Result<(u64, Took)> {
    let mut station = Station::new(JUNE);
    let paths = Class::ALL.map(|class| {
        let columns =
            (2..).zip(station.metrics(class)).map(|(column, metric)| format!("{column}:metric:ohm_{metric}"));
        let columns: Vec<String> = std::iter::once("1:time:unix_ms".to_owned()).chain(columns).collect();
        format!("/api/v1/import/csv?format={}", columns.join(","))
    });
    let (mut values, mut took, mut from) = (0, Took::default(), JUNE);
    while from < end {
        from = UnixMillis(from.0 + DAY_MS);
        let mut bodies = [const { String::new() }; 3];
        while let Some(batch) = station.next(from) {
            let body = &mut bodies[batch.class as usize];
            write!(body, "{}", batch.at.0 / unit_ms * unit_ms)?;
            for (_, number) in batch.numbers() {
                write!(body, ",{}", number.unwrap_or(0.0))?;
            }
            body.push('\n');
            values += batch.raw.len() as u64;
        }
        for (path, body) in paths.iter().zip(&bodies) {
            let (done, this) = timed(|| http.post(path, body.as_bytes()));
            done?;
            took += Took { wall: this.wall, ..Took::default() };
        }
    }
    Ok((values, took))
}
