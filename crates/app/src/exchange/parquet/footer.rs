//! Headers of pages and the footer of the file (<https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>;
//! the numbers are those of its fields and of its enums).

use super::thrift::Struct;

const PLAIN: i32 = 0;
const RLE: i32 = 3;
const DELTA_BINARY_PACKED: i32 = 5;
const RLE_DICTIONARY: i32 = 8;
const ZSTD: i32 = 6;

/// The columns, in their order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Column {
    #[default]
    Time,
    Device,
    Metric,
    Value,
    Text,
}

impl Column {
    const ALL: [Self; 5] = [Self::Time, Self::Device, Self::Metric, Self::Value, Self::Text];

    fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Device => "device",
            Self::Metric => "metric",
            Self::Value => "value",
            Self::Text => "text",
        }
    }

    /// `Type`.
    fn kind(self) -> i32 {
        match self {
            Self::Time => 2,
            Self::Value => 5,
            Self::Device | Self::Metric | Self::Text => 6,
        }
    }

    pub(super) fn encoding(self) -> i32 {
        match self {
            Self::Time => DELTA_BINARY_PACKED,
            Self::Value => PLAIN,
            Self::Device | Self::Metric | Self::Text => RLE_DICTIONARY,
        }
    }

    /// `SchemaElement`.
    fn schema(self) -> Struct {
        let is_optional = matches!(self, Self::Value | Self::Text);
        let element = Struct::default().i32(1, self.kind()).i32(3, is_optional.into());
        let element = element.binary(4, self.name().as_bytes());
        match self {
            Self::Value => element,
            Self::Time => {
                let millis = Struct::default().with(1, Struct::default());
                let time = Struct::default().is(1).with(2, millis);
                element.i32(6, 9).with(10, Struct::default().with(8, time))
            }
            Self::Device | Self::Metric | Self::Text => {
                element.i32(6, 0).with(10, Struct::default().with(1, Struct::default()))
            }
        }
    }
}

/// Rows that stand together.
pub(super) struct Group {
    pub(super) rows: usize,
    pub(super) chunks: Vec<Chunk>,
}

/// A column of a group: where it is and how long. Lengths are with the headers of its pages.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) column: Column,
    pub(super) rows: usize,
    pub(super) dictionary_at: Option<u64>,
    pub(super) values_at: u64,
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    /// The least and the greatest value, where readers look for it to leave a group out.
    pub(super) range: Option<(i64, i64)>,
}

impl Chunk {
    /// `ColumnChunk` with its `ColumnMetaData`.
    fn described(&self) -> Struct {
        let own = self.column.encoding();
        let encodings: &[i32] = match self.dictionary_at {
            Some(_) => &[PLAIN, RLE, own],
            None => &[RLE, own],
        };
        let mut about = Struct::default()
            .i32(1, self.column.kind())
            .i32s(2, encodings)
            .texts(3, &[self.column.name()])
            .i32(4, ZSTD)
            .i64(5, long(self.rows as u64))
            .i64(6, long(self.unpacked))
            .i64(7, long(self.packed))
            .i64(9, long(self.values_at));
        if let Some(at) = self.dictionary_at {
            about = about.i64(11, long(at));
        }
        if let Some((least, greatest)) = self.range {
            let range = Struct::default().i64(3, 0);
            let range = range.binary(5, &greatest.to_le_bytes()).binary(6, &least.to_le_bytes());
            about = about.with(12, range);
        }
        Struct::default().i64(2, 0).with(3, about)
    }
}

/// What a page holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// The texts of a dictionary.
    Dictionary { entries: usize },
    /// Values, a row each.
    Values { rows: usize, encoding: i32 },
}

/// `PageHeader`. Lengths in bytes.
pub(super) fn page_header(kind: Kind, unpacked: i32, packed: i32) -> Vec<u8> {
    let header = |number| Struct::default().i32(1, number).i32(2, unpacked).i32(3, packed);
    let count = |rows: usize| i32::try_from(rows).expect("a group has far fewer rows");
    let header = match kind {
        Kind::Dictionary { entries } => {
            header(2).with(7, Struct::default().i32(1, count(entries)).i32(2, PLAIN))
        }
        Kind::Values { rows, encoding } => {
            let page = Struct::default().i32(1, count(rows)).i32(2, encoding).i32(3, RLE).i32(4, RLE);
            header(0).with(5, page)
        }
    };
    header.finish()
}

/// `FileMetaData`.
pub(super) fn footer(groups: &[Group]) -> Vec<u8> {
    let root = Struct::default().binary(4, b"history").i32(5, 5);
    let schema = std::iter::once(root).chain(Column::ALL.map(Column::schema)).collect::<Vec<_>>();
    let rows: usize = groups.iter().map(|group| group.rows).sum();
    let by_type = |_| Struct::default().with(1, Struct::default());
    let described = groups.iter().map(|group| {
        let sum = |length: fn(&Chunk) -> u64| long(group.chunks.iter().map(length).sum());
        Struct::default()
            .structs(1, group.chunks.iter().map(Chunk::described))
            .i64(2, sum(|chunk| chunk.unpacked))
            .i64(3, long(group.rows as u64))
            .i64(6, sum(|chunk| chunk.packed))
    });
    Struct::default()
        .i32(1, 2)
        .structs(2, schema.into_iter())
        .i64(3, long(rows as u64))
        .structs(4, described)
        .binary(6, concat!("ohmstead ", env!("CARGO_PKG_VERSION")).as_bytes())
        .structs(7, Column::ALL.map(by_type).into_iter())
        .finish()
}

fn long(number: u64) -> i64 {
    i64::try_from(number).expect("no file is so long")
}
