//! Parquet: one row per value, in row groups that fit in memory, compressed with zstd.
//!
//! ```text
//! message history {
//!     required int64 time (TIMESTAMP(MILLIS, true));       UTC
//!     required binary device (UTF8);
//!     required binary metric (UTF8);
//!     optional double value;                               of a number
//!     optional binary text (UTF8);                         of a state or a text
//! }
//! ```

use std::io::Write;
use std::sync::Arc;

use ohmstead_model::{Metric, UnixMillis, Value};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

const SCHEMA: &str = "message history {
    required int64 time (TIMESTAMP(MILLIS, true));
    required binary device (UTF8);
    required binary metric (UTF8);
    optional double value;
    optional binary text (UTF8);
}";

/// Rows of a group, which is held in memory until it is written: about 6 MB.
const GROUP: usize = 100_000;

/// A file being written.
pub(crate) struct ParquetFile<W: Write + Send> {
    file: SerializedFileWriter<W>,
    rows: Rows,
}

/// The rows of the next group, column by column.
#[derive(Default)]
struct Rows {
    time: Vec<i64>,
    device: Vec<ByteArray>,
    metric: Vec<ByteArray>,
    value: Vec<f64>,
    has_value: Vec<i16>,
    text: Vec<ByteArray>,
    has_text: Vec<i16>,
}

impl<W: Write + Send> ParquetFile<W> {
    /// Begins a file.
    pub(crate) fn new(to: W) -> Result<Self, ParquetError> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let time = ColumnPath::from("time");
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_created_by(concat!("ohmstead ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_column_dictionary_enabled(time.clone(), false)
            .set_column_encoding(time, Encoding::DELTA_BINARY_PACKED)
            .build();
        let file = SerializedFileWriter::new(to, schema, Arc::new(properties))?;
        Ok(Self { file, rows: Rows::default() })
    }

    /// Adds the values of one series.
    pub(crate) fn write(
        &mut self,
        device: &str,
        metric: Metric,
        values: &[(UnixMillis, Value)],
    ) -> Result<(), ParquetError> {
        let (device, id) = (ByteArray::from(device), ByteArray::from(metric.id()));
        for (at, value) in values {
            let rows = &mut self.rows;
            rows.time.push(at.0);
            rows.device.push(device.clone());
            rows.metric.push(id.clone());
            let number = value.number().map(|number| metric.round(number));
            rows.has_value.push(number.is_some().into());
            rows.value.extend(number);
            rows.has_text.push(value.as_str().is_some().into());
            rows.text.extend(value.as_str().map(ByteArray::from));
            if rows.time.len() == GROUP {
                self.write_group()?;
            }
        }
        Ok(())
    }

    /// Ends the file and gives back what it was written to.
    pub(crate) fn finish(mut self) -> Result<W, ParquetError> {
        if !self.rows.time.is_empty() {
            self.write_group()?;
        }
        self.file.into_inner()
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.rows);
        let mut group = self.file.next_row_group()?;
        column::<Int64Type, _>(&mut group, &rows.time, None)?;
        column::<ByteArrayType, _>(&mut group, &rows.device, None)?;
        column::<ByteArrayType, _>(&mut group, &rows.metric, None)?;
        column::<DoubleType, _>(&mut group, &rows.value, Some(&rows.has_value))?;
        column::<ByteArrayType, _>(&mut group, &rows.text, Some(&rows.has_text))?;
        group.close().map(drop)
    }
}

/// Writes the next column of a group. `levels` say which rows have a value, where not all do.
fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("the schema has fewer columns than the writer".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    let typed: &mut ColumnWriterImpl<'_, T> = column.typed::<T>();
    typed.write_batch(values, levels, None)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let mut file = ParquetFile::new(path.reopen().unwrap()).unwrap();
        let at = |second: i64| UnixMillis(1_795_248_000_000 + second * 1000);
        let numbers: Vec<_> =
            (0..150_000_i32).map(|n| (at(n.into()), Value::Number(f64::from(n % 9)))).collect();
        file.write("gx", Metric::BatterySoc, &numbers).unwrap();
        file.write("site", Metric::BatteryMode, &[(at(0), Value::State("auto"))]).unwrap();
        file.finish().unwrap();
        let read = SerializedFileReader::new(path.reopen().unwrap()).unwrap();
        let meta = read.metadata().file_metadata();
        assert_eq!((meta.num_rows(), read.num_row_groups()), (150_001, 2));
        let mut rows = read.get_row_iter(None).unwrap();
        let shown = rows.nth(7).unwrap().unwrap().to_string();
        assert_eq!(
            shown,
            "{time: 2026-11-21 08:00:07.000 +00:00, device: \"gx\", metric: \"battery_soc\", value: 7.0, text: null}"
        );
        let last = rows.last().unwrap().unwrap().to_string();
        assert!(last.ends_with("metric: \"battery_mode\", value: null, text: \"auto\"}"), "{last}");
    }

    #[test]
    fn a_file_without_values_is_one_too() {
        let path = tempfile::NamedTempFile::new().unwrap();
        ParquetFile::new(path.reopen().unwrap()).unwrap().finish().unwrap();
        let read = SerializedFileReader::new(path.reopen().unwrap()).unwrap();
        assert_eq!(read.metadata().file_metadata().num_rows(), 0);
    }
}
