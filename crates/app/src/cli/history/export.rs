//! `history export`: stored values as a file, page after page.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use ohmstead_model::{DeviceId, Metric, UnixMillis, Value};
use ohmstead_web::StoredSeries;
use ohmstead_web::exchange::{Choice, TextFormat};
use serde_json::json;

use super::super::Common;
use super::source::{Source, Wanted};
use crate::archive::{self, HistoryQuestion, Page, Part, SeriesEntry, Span};
use crate::exchange::parquet::ParquetFile;
use crate::failure::{Code, Failure};
use crate::print;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// time,device,metric,value,unit; `history import csv` reads it back
    Csv,
    /// Columns time, device, metric, value, text, compressed
    Parquet,
    /// InfluxDB's line protocol, time stamps in milliseconds
    Line,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file to write; - is standard output. An existing file is never overwritten
    #[arg(default_value = "-")]
    file: PathBuf,
    /// How it is written
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Only these: DEVICE.METRIC, DEVICE.* or METRIC; several with commas, or repeated
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    metrics: Vec<String>,
    /// From when on, included: 2026-11-21, milliseconds since 1970, or a span before now such as -7d
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// Until when, excluded
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let mut source = Source::open(common, Wanted::Existing).await?;
    let (from, to) = (arguments.from.clone(), arguments.to.clone());
    let Span { from_ms, to_ms } = source.ask_for(HistoryQuestion::Span { from, to }).await?;
    let series = chosen(&mut source, &arguments.metrics).await?;
    let is_stdout = arguments.file == Path::new("-");
    let mut target = Target::create(&arguments.file, arguments.format)?;
    let mut values = 0;
    for (device, metric) in &series {
        let mut part =
            Part { device: device.to_string(), metric: metric.id().to_owned(), from_ms, to_ms, most: None };
        loop {
            let page: Page = source.ask_for(HistoryQuestion::Values(part.clone())).await?;
            let points: Vec<_> =
                page.points.into_iter().map(|(at, value)| (UnixMillis(at), value.stored(*metric))).collect();
            if target.write(device, *metric, &points)? == Reader::Gone {
                return Ok(());
            }
            values += points.len();
            match points.last().filter(|_| page.more) {
                Some((last, _)) => part.from_ms = last.0.saturating_add(1),
                None => break,
            }
        }
    }
    target.finish()?;
    if is_stdout {
        return Ok(());
    }
    let json = json!({ "file": arguments.file, "series": series.len(), "values": values });
    common.print(&json, || {
        format!("{values} values of {} series written to {}", series.len(), arguments.file.display())
    })
}

async fn chosen(source: &mut Source, names: &[String]) -> Result<Vec<(DeviceId, Metric)>, Failure> {
    let stored: Vec<SeriesEntry> = source.ask_for(HistoryQuestion::Series {}).await?;
    let known = stored.into_iter().filter_map(|entry| {
        Some(StoredSeries {
            device: archive::device_of(&entry.device)?,
            metric: source.metric(&entry.metric)?,
            first: UnixMillis(entry.first_ms),
            last: UnixMillis(entry.last_ms),
            points: entry.points,
        })
    });
    let chosen = Choice::new(names.iter().cloned()).of(known.collect());
    let chosen = chosen.map_err(|error| Failure::of(Code::Usage, error))?;
    Ok(chosen.into_iter().map(|series| (series.device, series.metric)).collect())
}

/// Whether somebody still reads what is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    There,
    Gone,
}

/// Where the values go.
struct Target {
    writer: Writer,
    /// The file that is written, and the name it gets when it is whole.
    place: Option<(PathBuf, PathBuf)>,
}

enum Writer {
    Text(TextFormat, Box<dyn Write + Send>, String),
    Parquet(Box<ParquetFile<Box<dyn Write + Send>>>),
}

impl Target {
    fn create(file: &Path, format: Format) -> Result<Self, Failure> {
        let (out, place): (Box<dyn Write + Send>, _) = if file == Path::new("-") {
            (Box::new(BufWriter::new(print::stdout())), None)
        } else {
            let (out, part) = create(file)?;
            (Box::new(BufWriter::new(out)), Some((part, file.to_owned())))
        };
        let text = |format: TextFormat, out| Writer::Text(format, out, format.head());
        let writer = match format {
            Format::Csv => text(TextFormat::Csv, out),
            Format::Line => text(TextFormat::Line, out),
            Format::Parquet => Writer::Parquet(Box::new(ParquetFile::new(out)?)),
        };
        Ok(Self { writer, place })
    }

    fn write(
        &mut self,
        device: &DeviceId,
        metric: Metric,
        points: &[(UnixMillis, Value)],
    ) -> Result<Reader, Failure> {
        match &mut self.writer {
            Writer::Text(format, out, text) => {
                for (at, value) in points {
                    format.write(text, device.as_str(), metric, *at, value);
                }
                let written = out.write_all(text.as_bytes());
                text.clear();
                reader(written)
            }
            Writer::Parquet(file) => reader(file.write(device.as_str(), metric, points)),
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        let flushed = match std::mem::replace(
            &mut self.writer,
            Writer::Text(TextFormat::Csv, Box::new(io::sink()), String::new()),
        ) {
            Writer::Text(_, mut out, text) => out.write_all(text.as_bytes()).and_then(|()| out.flush()),
            Writer::Parquet(file) => file.finish().and_then(|mut out| out.flush()),
        };
        reader(flushed)?;
        if let Some((part, file)) = self.place.take() {
            std::fs::rename(&part, &file)
                .with_context(|| format!("cannot give {} its name", file.display()))?;
        }
        Ok(())
    }
}

/// A half-written file does not stay.
impl Drop for Target {
    fn drop(&mut self) {
        if let Some((part, _)) = &self.place {
            let _ = std::fs::remove_file(part);
        }
    }
}

fn reader(written: io::Result<()>) -> Result<Reader, Failure> {
    match written {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::from(anyhow::Error::from(error).context("cannot write the values"))),
    }
}

/// A new file beside the one that is asked for, which must not be there.
fn create(file: &Path) -> Result<(std::fs::File, PathBuf), Failure> {
    if file.exists() {
        let message = format!("{} exists already, and is not overwritten", file.display());
        return Err(Failure::new(Code::Usage, message));
    }
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let out = OpenOptions::new().write(true).create(true).truncate(true).open(&part);
    Ok((out.with_context(|| format!("cannot create {}", part.display()))?, part))
}
