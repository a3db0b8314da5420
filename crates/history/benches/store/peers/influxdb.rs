//! `InfluxDB` 1: line protocol, one measurement with a field for each metric; asked in `InfluxQL`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use ohmstead_model::UnixMillis;

use super::{program, settled};
use crate::http::{Http, escaped};
use crate::measure::{Took, timed};
use crate::ours::HOUR_MS;
use crate::queries::{self, Asked, Charts};
use crate::report::{Engine, Report};
use crate::server::{Server, free_port};
use crate::station::{JUNE, Station};

pub(super) fn run(folder: &Path, end: UnixMillis, days: i64, report: &mut Report) -> Result<()> {
    let binary = program(folder, "influxdb", "influxd")?;
    let (rpc, port) = (free_port()?, free_port()?);
    let (data, config) = (folder.join("data"), folder.join("influxdb.conf"));
    // Everything is compacted as soon as nothing is written for 5 s.
    let text = format!(
        "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc}\"\n[meta]\ndir = \"{0}/meta\"\n\
         [data]\ndir = \"{0}/data\"\nwal-dir = \"{0}/wal\"\ncache-snapshot-write-cold-duration = \"5s\"\n\
         compact-full-write-cold-duration = \"5s\"\n[monitor]\nstore-enabled = false\n\
         [http]\nbind-address = \"127.0.0.1:{port}\"\nlog-enabled = false\nmax-body-size = 0\n",
        data.display()
    );
    fs::write(&config, text)?;
    let server = Server::start(Command::new(binary).arg("-config").arg(&config), &folder.join("log"))?;
    let mut influx = Influx(Http::when_ready(port, "/ping")?);
    influx.0.post("/query?q=CREATE%20DATABASE%20bench", b"")?;
    let (values, ingest) = influx.fill(end)?;
    let mut engine = Engine { name: "InfluxDB 1, ms".to_owned(), values, ingest, ..Engine::default() };
    engine.bytes = settled(&data)?;
    queries::ask_month(&mut influx, &mut engine, end, days)?;
    engine.memory = Some(server.memory()?);
    report.engine(engine);
    Ok(())
}

struct Influx(Http);

impl Influx {
    /// An hour a request.
    fn fill(&mut self, end: UnixMillis) -> Result<(u64, Took)> {
        let mut station = Station::new(JUNE);
        let (mut values, mut took, mut from, mut lines) = (0, Took::default(), JUNE, String::new());
        while from < end {
            from = UnixMillis(from.0 + HOUR_MS);
            lines.clear();
            while let Some(batch) = station.next(from) {
                for (index, (metric, number)) in batch.numbers().enumerate() {
                    lines.push_str(if index == 0 { "station " } else { "," });
                    write!(lines, "{metric}={}", number.unwrap_or(0.0))?;
                }
                values += batch.raw.len() as u64;
                writeln!(lines, " {}", batch.at.0)?;
            }
            let (done, this) = timed(|| self.0.post("/write?db=bench&precision=ms", lines.as_bytes()));
            done?;
            took += Took { wall: this.wall, ..Took::default() };
        }
        Ok((values, took))
    }

    fn ask(&mut self, query: &str) -> Result<String> {
        self.0.get(&format!("/query?db=bench&epoch=ms&q={}", escaped(query)))
    }
}

impl Asked for Influx {
    fn last(&mut self) -> Result<usize> {
        Ok(self.ask("SELECT last(*) FROM station")?.matches("\"last_").count())
    }
}

impl Charts for Influx {
    fn raw(&mut self, from: UnixMillis, to: UnixMillis) -> Result<usize> {
        let (from, to) = (from.0, to.0);
        let query = format!("SELECT battery_power FROM station WHERE time >= {from}ms AND time < {to}ms");
        Ok(self.ask(&query)?.matches('[').count())
    }

    fn hours(&mut self, from: UnixMillis, to: UnixMillis) -> Result<usize> {
        let (from, to) = (from.0, to.0);
        let query = format!(
            "SELECT min(battery_power), mean(battery_power), max(battery_power) FROM station \
             WHERE time >= {from}ms AND time < {to}ms GROUP BY time(1h)"
        );
        Ok(self.ask(&query)?.matches('[').count())
    }
}
