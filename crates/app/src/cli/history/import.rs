//! `history import`: values from a file. The whole file is read and checked before the first value is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Seek as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use ohmstead_model::{DeviceId, Metric, UnixMillis};
use serde_json::{Value, json};

use super::super::Common;
use super::source::{Source, Wanted};
use crate::archive::{HistoryQuestion, ReadingEntry, Scalar};
use crate::exchange::csv::CsvError;
use crate::exchange::ours::{Surroundings, Values};
use crate::exchange::vrm::{Download, LeftOut};
use crate::exchange::{LineError, Row, Wrong};
use crate::failure::{Code, Failure};

/// Mistakes of one file that are told.
const MISTAKES_TOLD: usize = 20;
/// A clock may be ahead of ours by so much.
const AHEAD: Duration = Duration::from_secs(86_400);
/// The most bytes of one question on the socket, whose lines are bounded.
const BATCH_BYTES: usize = 48 * 1024;
/// The most values that are stored at once.
const BATCH_VALUES: usize = 100_000;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    /// CSV with the columns time, device, metric, value and perhaps unit, as `history export` writes it
    Csv(Ours),
    /// A CSV download of Victron's VRM portal
    Vrm(Vrm),
}

#[derive(Debug, Args)]
struct Ours {
    /// The file; - is standard input
    file: PathBuf,
    /// Leave lines out whose metric or state is not known
    #[arg(long)]
    skip_unknown: bool,
    /// Only check the file
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct Vrm {
    /// The file; - is standard input
    file: PathBuf,
    /// The device that the values become those of, such as gx
    #[arg(long, value_name = "NAME")]
    device: DeviceId,
    /// Only check the file
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let mut source = Source::open(common, Wanted::OrNew).await?;
    let (zone, now) = source.place().await?;
    let latest = now.plus(AHEAD);
    let metrics = source.metrics();
    let (path, kind, dry_run) = match &arguments.from {
        From::Csv(ours) => (&ours.file, Kind::Ours { skip_unknown: ours.skip_unknown }, ours.dry_run),
        From::Vrm(vrm) => (&vrm.file, Kind::Vrm { device: vrm.device.clone() }, vrm.dry_run),
    };
    let reader = Reader { kind, zone, latest, metrics, name: path.display().to_string() };
    let mut file = open(path)?;
    let found = reader.check(&mut file)?;
    let stored = if dry_run { 0 } else { reader.store(&mut file, &mut source, &found).await? };
    let json = found.json(path, stored);
    common.print(&json, || found.text(stored, dry_run))
}

/// The file, which is read twice: what comes through a pipe is kept aside first.
pub(super) fn open(path: &Path) -> Result<File, Failure> {
    let cannot = || format!("cannot read {}", path.display());
    if path != Path::new("-") {
        return Ok(File::open(path).with_context(cannot)?);
    }
    let mut aside = tempfile::tempfile().context("cannot keep the input aside")?;
    io::copy(&mut io::stdin().lock(), &mut aside).context("cannot keep the input aside")?;
    aside.rewind().context("cannot keep the input aside")?;
    Ok(aside)
}

enum Kind {
    Ours { skip_unknown: bool },
    Vrm { device: DeviceId },
}

/// How a file is read.
struct Reader {
    kind: Kind,
    zone: TimeZone,
    latest: UnixMillis,
    metrics: Vec<Metric>,
    name: String,
}

/// What is in a file.
#[derive(Debug, Default)]
struct Found {
    values: u64,
    devices: BTreeSet<String>,
    /// What is left out: how many lines, and why.
    skipped: BTreeMap<String, u64>,
    left_out: Vec<LeftOut>,
    notes: Vec<String>,
}

/// What a reading of the file meets.
enum Met {
    Values(Vec<Row>),
    Skipped(Wrong),
    Wrong(Wrong),
}

/// A file being read.
enum Lines<'a> {
    Ours(Box<Values<BufReader<&'a mut File>>>),
    Vrm(Box<Download<BufReader<&'a mut File>>>),
}

impl Reader {
    /// Begins with the file's beginning.
    fn lines<'a>(&self, file: &'a mut File) -> Result<Lines<'a>, Failure> {
        file.rewind().with_context(|| format!("cannot read {} twice", self.name))?;
        let input = BufReader::with_capacity(1 << 16, file);
        let bad = |error| bad_file(&self.name, error);
        Ok(match &self.kind {
            Kind::Ours { .. } => Lines::Ours(Box::new(Values::new(input).map_err(bad)?)),
            Kind::Vrm { device } => {
                let download = Download::new(input, device.clone(), &self.zone, self.latest);
                Lines::Vrm(Box::new(download.map_err(bad)?))
            }
        })
    }

    /// What comes next; `None` at the end.
    fn next(&self, lines: &mut Lines<'_>) -> Result<Option<Met>, Failure> {
        let (line, skip_unknown) = match lines {
            Lines::Ours(values) => {
                let around = Surroundings { metrics: &self.metrics, zone: &self.zone, latest: self.latest };
                let skip_unknown = matches!(self.kind, Kind::Ours { skip_unknown: true });
                (values.next(&around).map(|row| row.map(|row| vec![row])), skip_unknown)
            }
            Lines::Vrm(download) => (download.next(), false),
        };
        Ok(match line {
            None => None,
            Some(Ok(rows)) => Some(Met::Values(rows)),
            Some(Err(LineError::Unknown(wrong))) if skip_unknown => Some(Met::Skipped(wrong)),
            Some(Err(LineError::Unknown(wrong) | LineError::Wrong(wrong))) => Some(Met::Wrong(wrong)),
            Some(Err(LineError::File(error))) => return Err(bad_file(&self.name, error)),
        })
    }

    /// Reads the whole file once.
    fn check(&self, file: &mut File) -> Result<Found, Failure> {
        let mut lines = self.lines(file)?;
        let (mut found, mut mistakes, mut more) = (Found::default(), Vec::new(), 0_u64);
        while let Some(met) = self.next(&mut lines)? {
            match met {
                Met::Values(rows) => found.add(&rows),
                Met::Skipped(Wrong { what, .. }) => *found.skipped.entry(what).or_default() += 1,
                Met::Wrong(wrong) if mistakes.len() < MISTAKES_TOLD => {
                    mistakes.push(format!("{}:{wrong}", self.name));
                }
                Met::Wrong(_) => more += 1,
            }
        }
        if let Lines::Vrm(download) = lines {
            (found.left_out, found.notes) = (download.left_out, download.notes);
        }
        if mistakes.is_empty() {
            return Ok(found);
        }
        if more > 0 {
            mistakes.push(format!("and {more} more"));
        }
        let text = mistakes.join("\n");
        Err(Failure::new(Code::Failed, format!("nothing was imported from {}\n{text}", self.name)))
    }

    /// Reads the file once more and stores its values, one batch after the other.
    async fn store(&self, file: &mut File, source: &mut Source, found: &Found) -> Result<u64, Failure> {
        let mut lines = self.lines(file)?;
        let mut batch = Batch::new(source.is_daemon());
        let mut stored = 0;
        while let Some(met) = self.next(&mut lines)? {
            let Met::Values(rows) = met else { continue };
            for row in rows {
                if let Some(full) = batch.add(row) {
                    stored += send(source, full, stored, found.values).await?;
                }
            }
        }
        Ok(stored + send(source, batch.readings, stored, found.values).await?)
    }
}

async fn send(
    source: &mut Source,
    readings: Vec<ReadingEntry>,
    before: u64,
    all: u64,
) -> Result<u64, Failure> {
    if readings.is_empty() {
        return Ok(0);
    }
    let answer = source.ask(HistoryQuestion::Import { readings }).await.map_err(|failure| {
        let hint = "to import the same file again does no harm";
        let error =
            failure.error.context(format!("{before} of {all} values were stored, then it stopped; {hint}"));
        Failure { code: failure.code, error }
    })?;
    Ok(answer["stored"].as_u64().unwrap_or_default())
}

pub(super) fn bad_file(name: &str, error: CsvError) -> Failure {
    match error {
        CsvError::Wrong(wrong) => {
            Failure::new(Code::Failed, format!("{name} cannot be used\n{name}:{wrong}"))
        }
        CsvError::Read(source) => {
            Failure::from(anyhow::Error::from(source).context(format!("cannot read {name}")))
        }
    }
}

/// Values that are stored together, those of one device and time as one reading.
struct Batch {
    readings: Vec<ReadingEntry>,
    values: usize,
    bytes: usize,
    is_line: bool,
}

impl Batch {
    /// `is_line`: the batch has to fit on a line of the socket.
    fn new(is_line: bool) -> Self {
        Self { readings: Vec::new(), values: 0, bytes: 0, is_line }
    }

    /// Adds a value; hands out what was there before if that was enough.
    fn add(&mut self, Row { at, device, metric, value }: Row) -> Option<Vec<ReadingEntry>> {
        let value = Scalar::from(value);
        let bytes = match &value {
            Scalar::Number(_) => 64,
            // Each byte may need an escape of six.
            Scalar::Text(text) => 64 + 6 * text.len(),
        };
        let bytes = bytes + metric.id().len() + device.as_str().len();
        let is_full =
            if self.is_line { self.bytes + bytes > BATCH_BYTES } else { self.values >= BATCH_VALUES };
        let full = (is_full && self.values > 0).then(|| {
            (self.values, self.bytes) = (0, 0);
            std::mem::take(&mut self.readings)
        });
        (self.values, self.bytes) = (self.values + 1, self.bytes + bytes);
        let entry = (metric.id().to_owned(), value);
        match self.readings.last_mut() {
            Some((then, whose, values))
                if *then == at.0
                    && *whose == device.as_str()
                    && values.iter().all(|(known, _)| known != metric.id()) =>
            {
                values.push(entry);
            }
            _ => self.readings.push((at.0, device.to_string(), vec![entry])),
        }
        full
    }
}

impl Found {
    fn add(&mut self, rows: &[Row]) {
        self.values += rows.len() as u64;
        for row in rows {
            if !self.devices.contains(row.device.as_str()) {
                self.devices.insert(row.device.to_string());
            }
        }
    }

    fn json(&self, file: &Path, stored: u64) -> Value {
        let left_out: Vec<_> = self.left_out.iter().map(left_out_json).collect();
        json!({
            "file": file, "values": self.values, "stored": stored, "devices": self.devices,
            "skipped": self.skipped, "left_out": left_out, "notes": self.notes,
        })
    }

    fn text(&self, stored: u64, dry_run: bool) -> String {
        let devices: Vec<_> = self.devices.iter().map(String::as_str).collect();
        let of = if devices.is_empty() { String::new() } else { format!(" of {}", devices.join(", ")) };
        let mut lines = vec![if dry_run {
            format!("{} values{of} could be imported", self.values)
        } else {
            format!("{stored} values{of} imported")
        }];
        lines.extend(self.skipped.iter().map(|(why, count)| format!("left out, {count} lines: {why}")));
        lines
            .extend(self.left_out.iter().map(|LeftOut { column, why }| format!("left out: {column}: {why}")));
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        lines.join("\n")
    }
}

pub(super) fn left_out_json(left_out: &LeftOut) -> Value {
    json!({ "column": left_out.column, "why": left_out.why })
}

#[cfg(test)]
mod tests {
    use ohmstead_model::Value as Stored;

    use super::*;

    fn row(at: i64, metric: Metric, value: Stored) -> Row {
        Row { at: UnixMillis(at), device: "gx".parse().unwrap(), metric, value }
    }

    #[test]
    fn values_of_one_time_are_one_reading_and_the_last_of_one_metric_counts() {
        let mut batch = Batch::new(false);
        for (at, metric) in
            [(1, Metric::BatterySoc), (1, Metric::GridPower), (1, Metric::GridPower), (2, Metric::GridPower)]
        {
            assert!(batch.add(row(at, metric, Stored::Number(1.0))).is_none());
        }
        let sizes: Vec<_> = batch.readings.iter().map(|(at, _, values)| (*at, values.len())).collect();
        assert_eq!(sizes, [(1, 2), (1, 1), (2, 1)]);
    }

    #[test]
    fn a_batch_for_the_socket_fits_on_its_line() {
        let mut batch = Batch::new(true);
        let text = "\u{1}".repeat(4_000);
        let mut all = 0;
        for at in 0..100 {
            let value = if at % 7 == 0 { Stored::text(&text) } else { Stored::Number(-1.0e9 / 3.0) };
            let metric = if at % 7 == 0 { Metric::BatteryModeNative } else { Metric::GridPower };
            if let Some(readings) = batch.add(row(at, metric, value)) {
                all += readings.len();
                let question = crate::socket::Question::History { ask: HistoryQuestion::Import { readings } };
                let line = serde_json::to_string(&question).unwrap();
                assert!(line.len() < 64 * 1024, "{}", line.len());
            }
        }
        assert_eq!(all + batch.readings.len(), 100);
    }
}
