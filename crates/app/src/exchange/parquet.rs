//! Parquet: one row per value, in row groups that fit in memory, compressed with zstd. Written from the format's description
//! (<https://parquet.apache.org/docs/file-format/>); the tests read the files with Apache's own reader.
//!
//! ```text
//! message history {
//!     required int64 time (TIMESTAMP(MILLIS, true));       UTC
//!     required binary device (UTF8);
//!     required binary metric (UTF8);
//!     optional double value;                               of a number
//!     optional binary text (UTF8);                         of a state or a text
//! }
//!
//! "PAR1" | group | group ... | footer | its length, 4 bytes | "PAR1"
//! group:  time | device | metric | value | text            each: its dictionary, if it has one, and one page of values
//! page:   header | levels and values, compressed
//! ```

mod encoding;
mod footer;
mod thrift;

use std::io::{self, Write};

use ohmstead_model::{Metric, UnixMillis, Value};

use encoding::{Dictionary, Runs, deltas, doubles};
use footer::{Chunk, Column, Group, Kind, page_header};

const MAGIC: &[u8; 4] = b"PAR1";

/// Rows of a group, which is held in memory until it is written: about 2 MB.
const GROUP: usize = 100_000;

/// How hard zstd tries.
const LEVEL: i32 = 3;

/// A file being written.
pub(crate) struct ParquetFile<W> {
    to: W,
    /// Where the next byte goes.
    at: u64,
    rows: Rows,
    groups: Vec<Group>,
}

/// The rows of the next group, column by column.
#[derive(Default)]
struct Rows {
    time: Vec<i64>,
    device: Dictionary,
    metric: Dictionary,
    value: Vec<f64>,
    has_value: Runs,
    text: Dictionary,
    has_text: Runs,
}

impl<W: Write> ParquetFile<W> {
    /// Begins a file.
    pub(crate) fn new(mut to: W) -> io::Result<Self> {
        to.write_all(MAGIC)?;
        Ok(Self { to, at: MAGIC.len() as u64, rows: Rows::default(), groups: Vec::new() })
    }

    /// Adds the values of one series.
    pub(crate) fn write(
        &mut self,
        device: &str,
        metric: Metric,
        values: &[(UnixMillis, Value)],
    ) -> io::Result<()> {
        for (at, value) in values {
            let rows = &mut self.rows;
            rows.time.push(at.0);
            rows.device.push(device);
            rows.metric.push(metric.id());
            let number = value.number().map(|number| metric.round(number));
            rows.has_value.push(number.is_some().into());
            rows.value.extend(number);
            rows.has_text.push(value.as_str().is_some().into());
            if let Some(text) = value.as_str() {
                rows.text.push(text);
            }
            if rows.time.len() == GROUP {
                self.write_group()?;
            }
        }
        Ok(())
    }

    /// Ends the file and gives back what it was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.rows.time.is_empty() {
            self.write_group()?;
        }
        let footer = footer::footer(&self.groups);
        self.to.write_all(&footer)?;
        self.to.write_all(&length(footer.len())?.to_le_bytes())?;
        self.to.write_all(MAGIC)?;
        Ok(self.to)
    }

    fn write_group(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let count = rows.time.len();
        let (first, last) = (rows.time.iter().min().copied(), rows.time.iter().max().copied());
        let mut time = self.chunk(Column::Time, None, count, &deltas(&rows.time))?;
        time.range = first.zip(last);
        let chunks = vec![
            time,
            self.chunk(Column::Device, Some(&rows.device), count, &rows.device.indices())?,
            self.chunk(Column::Metric, Some(&rows.metric), count, &rows.metric.indices())?,
            self.chunk(
                Column::Value,
                None,
                count,
                &[rows.has_value.levels(), doubles(&rows.value)].concat(),
            )?,
            self.chunk(
                Column::Text,
                Some(&rows.text),
                count,
                &[rows.has_text.levels(), rows.text.indices()].concat(),
            )?,
        ];
        self.groups.push(Group { rows: count, chunks });
        Ok(())
    }

    /// Writes a column of a group.
    fn chunk(
        &mut self,
        column: Column,
        dictionary: Option<&Dictionary>,
        rows: usize,
        values: &[u8],
    ) -> io::Result<Chunk> {
        let mut chunk = Chunk { column, rows, ..Chunk::default() };
        if let Some(dictionary) = dictionary {
            chunk.dictionary_at = Some(self.at);
            self.page(&mut chunk, Kind::Dictionary { entries: dictionary.len() }, &dictionary.entries())?;
        }
        chunk.values_at = self.at;
        self.page(&mut chunk, Kind::Values { rows, encoding: column.encoding() }, values)?;
        Ok(chunk)
    }

    fn page(&mut self, chunk: &mut Chunk, kind: Kind, content: &[u8]) -> io::Result<()> {
        let packed = zstd::bulk::compress(content, LEVEL)?;
        let header = page_header(kind, length(content.len())?, length(packed.len())?);
        self.to.write_all(&header)?;
        self.to.write_all(&packed)?;
        let written = (header.len() + packed.len()) as u64;
        self.at += written;
        chunk.packed += written;
        chunk.unpacked += (header.len() + content.len()) as u64;
        Ok(())
    }
}

/// A length as the format has it.
fn length(bytes: usize) -> io::Result<i32> {
    i32::try_from(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::FileTooLarge, "a part of a Parquet file is beyond 2 GB"))
}

#[cfg(test)]
mod tests;
