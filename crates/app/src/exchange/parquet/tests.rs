//! Files are read with Apache's reader, which knows nothing of how they were written.

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::statistics::Statistics;
use proptest::prelude::*;

use super::*;

type Written = SerializedFileReader<std::fs::File>;

/// The values of a device's metric.
type Series<'s> = (&'s str, Metric, Vec<(UnixMillis, Value)>);

/// What is known of a value in a row: when, of what, a number, a text.
type Row = (i64, String, String, Option<f64>, Option<String>);

fn at(second: i64) -> UnixMillis {
    UnixMillis(1_795_248_000_000 + second * 1000)
}

fn written(series: &[Series<'_>]) -> Written {
    let path = tempfile::NamedTempFile::new().unwrap();
    let mut file = ParquetFile::new(path.reopen().unwrap()).unwrap();
    for (device, metric, values) in series {
        file.write(device, *metric, values).unwrap();
    }
    file.finish().unwrap();
    SerializedFileReader::new(path.reopen().unwrap()).unwrap()
}

fn rows(file: &Written) -> Vec<Row> {
    use parquet::record::Field;
    let text = |field: &Field| match field {
        Field::Str(text) => Some(text.clone()),
        Field::Null => None,
        other => panic!("{other:?} is no text"),
    };
    let rows = file.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let fields: Vec<_> = row.get_column_iter().map(|(_, field)| field).collect();
        let Field::TimestampMillis(time) = fields[0] else { panic!("{:?} is no time", fields[0]) };
        let number = match fields[3] {
            Field::Double(number) => Some(*number),
            Field::Null => None,
            other => panic!("{other:?} is no number"),
        };
        (*time, text(fields[1]).unwrap(), text(fields[2]).unwrap(), number, text(fields[4]))
    });
    rows.collect()
}

#[test]
fn what_is_written_can_be_read() {
    let numbers: Vec<_> = (0..150_000_i32).map(|n| (at(n.into()), Value::Number(f64::from(n % 9)))).collect();
    let states = vec![(at(0), Value::State("auto")), (at(1), Value::State("hold"))];
    let file = written(&[("gx", Metric::BatterySoc, numbers), ("site", Metric::BatteryMode, states)]);
    let about = file.metadata().file_metadata();
    assert_eq!((about.num_rows(), file.num_row_groups()), (150_002, 2));
    assert_eq!(about.created_by(), Some(concat!("ohmstead ", env!("CARGO_PKG_VERSION"))));
    let shown = file.get_row_iter(None).unwrap().nth(7).unwrap().unwrap().to_string();
    assert_eq!(
        shown,
        "{time: 2026-11-21 08:00:07.000 +00:00, device: \"gx\", metric: \"battery_soc\", value: 7.0, text: null}"
    );
    let rows = rows(&file);
    let soc = |(place, row): (usize, &Row)| {
        let second = i64::try_from(place).unwrap();
        let expected = (at(second).0, "gx", "battery_soc", Some((place % 9) as f64), None);
        (row.0, row.1.as_str(), row.2.as_str(), row.3, row.4.as_deref()) == expected
    };
    assert!(rows[..150_000].iter().enumerate().all(soc));
    let mode = |second, text: &str| {
        (at(second).0, "site".to_owned(), "battery_mode".to_owned(), None, Some(text.to_owned()))
    };
    assert_eq!(rows[150_000..], [mode(0, "auto"), mode(1, "hold")]);
}

/// Who asks for a day reads the groups of that day only.
#[test]
fn each_group_tells_its_time() {
    let numbers = (0..3).map(|n| (at(n), Value::Number(1.0))).collect();
    let file = written(&[("gx", Metric::BatterySoc, numbers)]);
    let Some(Statistics::Int64(range)) = file.metadata().row_group(0).column(0).statistics() else {
        panic!("the time has a range")
    };
    assert_eq!((range.min_opt(), range.max_opt()), (Some(&at(0).0), Some(&at(2).0)));
}

#[test]
fn a_file_without_values_is_one_too() {
    let file = written(&[]);
    assert_eq!((file.metadata().file_metadata().num_rows(), file.num_row_groups()), (0, 0));
}

proptest! {
    /// Any times in any order, any mixture of numbers, states and texts.
    #[test]
    fn whatever_is_written_is_read(
        values in prop::collection::vec(
            (
                prop_oneof![3 => 0i64..100_000, 1 => any::<i64>()],
                prop_oneof![
                    (-1e6..1e6).prop_map(Value::Number),
                    prop::sample::select(vec!["auto", "hold", "charge"]).prop_map(Value::State),
                    ".{0,12}".prop_map(|text| Value::text(&text)),
                ],
            ),
            0..400,
        ),
        devices in prop::collection::vec("[a-z]{1,9}", 1..300),
    ) {
        let metric = Metric::BatterySoc;
        let mut expected = Vec::new();
        let mut series = Vec::new();
        for ((at, value), device) in values.iter().zip(devices.iter().cycle()) {
            let number = value.number().map(|number| metric.round(number));
            expected.push((*at, device.clone(), "battery_soc".to_owned(), number, value.as_str().map(str::to_owned)));
            series.push((device.as_str(), metric, vec![(UnixMillis(*at), value.clone())]));
        }
        prop_assert_eq!(rows(&written(&series)), expected);
    }
}
