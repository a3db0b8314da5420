//! Prometheus: `OpenMetrics` text, made into blocks by `promtool`; asked in `PromQL`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use ohmstead_model::{Metric, UnixMillis};

use super::{program, quiet, settled};
use crate::http::{Http, escaped};
use crate::measure::{Took, timed};
use crate::queries::{self, Asked, Charts};
use crate::report::{Engine, Report};
use crate::server::{Server, free_port};
use crate::station::{Class, JUNE, Station};

pub(super) fn run(folder: &Path, end: UnixMillis, days: i64, report: &mut Report) -> Result<()> {
    let binary = program(folder, "prometheus", "prometheus")?;
    let promtool = program(folder, "prometheus", "promtool")?;
    let (data, text, config) = (folder.join("data"), folder.join("text"), folder.join("prometheus.yml"));
    let values = write_text(&text, end)?;
    let mut fill = Command::new(promtool);
    // Blocks of a month: of two hours it would read the whole text again for each.
    fill.args(["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=744h"]);
    let (done, took) = timed(|| quiet(fill.arg(&text).arg(&data)));
    done?;
    std::fs::write(&config, "")?;
    let port = free_port()?;
    let mut command = Command::new(binary);
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", data.display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}")).arg("--storage.tsdb.retention.time=99y");
    let server = Server::start(&mut command, &folder.join("log"))?;
    let http = Http::when_ready(port, "/-/ready")?;
    let ingest = Took { wall: took.wall, ..Took::default() };
    let mut engine = Engine { name: "Prometheus, ms".to_owned(), values, ingest, ..Engine::default() };
    engine.bytes = settled(&data)?;
    queries::ask_month(&mut PromQl { http, end }, &mut engine, end, days)?;
    engine.memory = Some(server.memory()?);
    report.engine(engine);
    Ok(())
}

/// Metric by metric, as the format wants it: so all must be in memory first.
fn write_text(path: &Path, end: UnixMillis) -> Result<u64> {
    let mut station = Station::new(JUNE);
    let metrics: [Vec<Metric>; 3] = Class::ALL.map(|class| station.metrics(class).collect());
    let mut times = [const { Vec::new() }; 3];
    let mut columns: [Vec<Vec<f32>>; 3] =
        [0, 1, 2].map(|class: usize| vec![Vec::new(); metrics[class].len()]);
    while let Some(batch) = station.next(end) {
        times[batch.class as usize].push(batch.at.0);
        for (column, (_, number)) in columns[batch.class as usize].iter_mut().zip(batch.numbers()) {
            // Six digits are enough for all of them, and printed they are the same.
            #[expect(clippy::cast_possible_truncation, reason = "it is printed with the digits that it has")]
            column.push(number.unwrap_or(0.0) as f32);
        }
    }
    let (mut text, mut values) = (BufWriter::new(File::create(path)?), 0);
    for ((metrics, times), columns) in metrics.iter().zip(&times).zip(&columns) {
        for (metric, column) in metrics.iter().zip(columns) {
            writeln!(text, "# TYPE ohm_{metric} gauge")?;
            for (at, number) in times.iter().zip(column) {
                writeln!(text, "ohm_{metric} {number} {}.{:03}", at / 1000, at % 1000)?;
            }
            values += column.len() as u64;
        }
    }
    writeln!(text, "# EOF")?;
    text.flush()?;
    Ok(values)
}

/// An engine that understands `PromQL`.
pub(super) struct PromQl {
    pub(super) http: Http,
    /// What is "now" for it.
    pub(super) end: UnixMillis,
}

impl PromQl {
    fn seconds(at: UnixMillis) -> String {
        format!("{}.{:03}", at.0 / 1000, at.0 % 1000)
    }

    fn at(&mut self, query: &str, at: UnixMillis) -> Result<String> {
        self.http.get(&format!("/api/v1/query?query={}&time={}&nocache=1", escaped(query), Self::seconds(at)))
    }
}

impl Asked for PromQl {
    fn last(&mut self) -> Result<usize> {
        let answer = self.at("last_over_time({__name__=~\"ohm_.+\"}[10m])", self.end)?;
        Ok(answer.matches("\"metric\"").count())
    }
}

impl Charts for PromQl {
    fn raw(&mut self, _from: UnixMillis, to: UnixMillis) -> Result<usize> {
        Ok(self.at("ohm_battery_power[24h]", to)?.matches('[').count())
    }

    /// Three questions: the language has no way to ask for all at once.
    fn hours(&mut self, from: UnixMillis, to: UnixMillis) -> Result<usize> {
        let (from, to) = (Self::seconds(UnixMillis(from.0 + 3_600_000)), Self::seconds(to));
        let mut least = usize::MAX;
        for function in ["min", "avg", "max"] {
            let query = escaped(&format!("{function}_over_time(ohm_battery_power[1h])"));
            let path = format!("/api/v1/query_range?query={query}&start={from}&end={to}&step=3600&nocache=1");
            least = least.min(self.http.get(&path)?.matches('[').count());
        }
        Ok(least)
    }
}
