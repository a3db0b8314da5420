//! One file per source in the data folder: what it said, when, and how often it was asked.
//!
//! Written to a temporary file beside it, synced, renamed, synced: a crash leaves the old one or the new one. A file that
//! cannot be read is set aside, never deleted. Its shape is private; an unknown version is set aside too.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use ohmstead_model::{TimeSpan, Timeline, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::held::{Dated, Held, Said};
use crate::schedule::Memory;
use crate::{FailureKind, PriceGrid, Quantity};

const VERSION: u32 = 1;
/// None of ours is larger.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheError {
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is damaged ({why}); it was set aside as {}", path.display(), aside.display())]
    SetAside { path: PathBuf, aside: PathBuf, why: String },
    #[error("{} cannot be written", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The file of a source.
pub(crate) fn path(folder: &Path, source: &str) -> PathBuf {
    folder.join(format!("{source}.json"))
}

/// What was kept of a source; nothing if there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Held>, CacheError> {
    let unreadable = |source| CacheError::Unreadable { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    parse(&bytes).map(Some).map_err(|why| {
        let aside = path.with_extension("json.damaged");
        match fs::rename(path, &aside) {
            Ok(()) => CacheError::SetAside { path: path.to_owned(), aside, why },
            Err(source) => unreadable(source),
        }
    })
}

/// Keeps what is known of a source.
pub(crate) fn write(path: &Path, source: &str, held: &Held) -> Result<(), CacheError> {
    let failed = |error: io::Error| CacheError::Unwritable { path: path.to_owned(), source: error };
    let kept = Kept::of(source, held);
    let text = serde_json::to_vec(&kept).map_err(|error| failed(error.into()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let fresh = path.with_extension("json.new");
    let mut file = File::create(&fresh).map_err(failed)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&fresh, path).map_err(failed)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    source: String,
    identity: String,
    fetched_at: Option<i64>,
    currency: Option<String>,
    licence: Option<String>,
    refused: usize,
    /// By quantity and by when it was said: start, end, value.
    series: BTreeMap<String, Vec<Batch>>,
    /// `TempoColour`, since, last.
    colours: BTreeMap<Date, (String, i64, i64)>,
    grids: Vec<Grid>,
    asks: Vec<(i64, u32)>,
    failures: u32,
    not_before: Option<i64>,
    #[serde(default)]
    trouble: Option<Trouble>,
    #[serde(default)]
    refused_with: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Trouble {
    kind: String,
    words: String,
}

#[derive(Serialize, Deserialize)]
struct Batch {
    fetched_at: i64,
    slots: Vec<(i64, i64, f64)>,
}

#[derive(Serialize, Deserialize)]
struct Grid {
    from: Date,
    until: Option<Date>,
    power_kva: f64,
    fixed_eur_per_year: Option<f64>,
    prices: [[f64; 2]; 3],
}

impl Kept {
    fn of(source: &str, held: &Held) -> Self {
        let memory = &held.memory;
        Self {
            version: VERSION,
            source: source.to_owned(),
            identity: held.identity.clone(),
            fetched_at: held.fetched_at.map(|at| at.0),
            currency: held.currency.clone(),
            licence: held.licence.clone(),
            refused: held.refused,
            series: held.series.iter().map(|(quantity, known)| (quantity.id(), batches(known))).collect(),
            colours: held
                .colours
                .iter()
                .map(|(day, said)| (*day, (said.colour.key().to_owned(), said.since.0, said.last.0)))
                .collect(),
            grids: held.grids.iter().map(Grid::of).collect(),
            asks: memory.asks.iter().map(|(at, calls)| (at.0, *calls)).collect(),
            failures: memory.failures,
            not_before: memory.not_before.map(|at| at.0),
            trouble: memory
                .trouble
                .zip(held.trouble.as_ref())
                .map(|(kind, words)| Trouble { kind: kind.id().to_owned(), words: words.clone() }),
            refused_with: memory.refused_with,
        }
    }

    fn held(self) -> Held {
        let colours = self.colours.into_iter().filter_map(|(day, (name, since, last))| {
            let (since, last) = (UnixMillis(since), UnixMillis(last));
            Some((day, Said { colour: name.parse().ok()?, since, last }))
        });
        let series = self.series.into_iter().filter_map(|(id, batches)| {
            // A quantity of a later version is left out, not an error.
            Some((Quantity::named(&id)?, timeline(batches)))
        });
        let (trouble, words) = match self.trouble {
            // A kind of a later version is told in its words all the same.
            Some(Trouble { kind, words }) => (FailureKind::named(&kind), Some(words)),
            None => (None, None),
        };
        Held {
            identity: self.identity,
            series: series.collect(),
            colours: colours.collect(),
            grids: self.grids.into_iter().map(Grid::grid).collect(),
            currency: self.currency,
            licence: self.licence,
            refused: self.refused,
            fetched_at: self.fetched_at.map(UnixMillis),
            trouble: words,
            memory: Memory {
                asks: self.asks.into_iter().map(|(at, calls)| (UnixMillis(at), calls)).collect(),
                failures: self.failures,
                not_before: self.not_before.map(UnixMillis),
                trouble,
                refused_with: self.refused_with,
                is_corrected: false,
            },
        }
    }
}

impl Grid {
    fn of(grid: &PriceGrid) -> Self {
        Self {
            from: grid.from,
            until: grid.until,
            power_kva: grid.power_kva,
            fixed_eur_per_year: grid.fixed_eur_per_year,
            prices: grid.prices,
        }
    }

    fn grid(self) -> PriceGrid {
        PriceGrid {
            from: self.from,
            until: self.until,
            power_kva: self.power_kva,
            fixed_eur_per_year: self.fixed_eur_per_year,
            prices: self.prices,
        }
    }
}

fn batches(known: &Timeline<Dated>) -> Vec<Batch> {
    let mut by_age: BTreeMap<i64, Vec<(i64, i64, f64)>> = BTreeMap::new();
    for (span, dated) in known.slots() {
        by_age.entry(dated.fetched_at.0).or_default().push((span.start.0, span.end.0, dated.value));
    }
    by_age.into_iter().map(|(fetched_at, slots)| Batch { fetched_at, slots }).collect()
}

fn timeline(batches: Vec<Batch>) -> Timeline<Dated> {
    let mut slots: Vec<(TimeSpan, Dated)> = Vec::new();
    for Batch { fetched_at, slots: batch } in batches {
        let fetched_at = UnixMillis(fetched_at);
        let spans = batch.into_iter().map(|(start, end, value)| {
            (TimeSpan::new(UnixMillis(start), UnixMillis(end)), Dated { value, fetched_at })
        });
        slots.extend(spans);
    }
    slots.sort_by_key(|(span, _)| span.start);
    Timeline::of(slots)
}

fn parse(bytes: &[u8]) -> Result<Held, String> {
    let kept: Kept = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if kept.version != VERSION {
        return Err(format!("its version is {}, expected {VERSION}", kept.version));
    }
    Ok(kept.held())
}

#[cfg(test)]
mod tests {
    use ohmstead_model::TempoColour;
    use proptest::prelude::*;

    use super::*;

    fn example() -> Held {
        let span = |from, to| TimeSpan::new(UnixMillis(from), UnixMillis(to));
        let dated = |value, at| Dated { value, fetched_at: UnixMillis(at) };
        let known = Timeline::of([
            (span(0, 10), dated(0.25, 7)),
            (span(10, 20), dated(-1.5, 8)),
            (span(30, 40), dated(3.0, 7)),
        ]);
        let day: Date = "2025-12-29".parse().unwrap();
        Held {
            identity: "zone=FR".to_owned(),
            series: BTreeMap::from([(Quantity::SpotPrice, known.clone()), (Quantity::Irradiance(2), known)]),
            colours: BTreeMap::from([(
                day,
                Said { colour: TempoColour::Red, since: UnixMillis(3), last: UnixMillis(4) },
            )]),
            grids: vec![PriceGrid {
                from: day,
                until: None,
                power_kva: 6.0,
                fixed_eur_per_year: Some(190.5),
                prices: [[0.1, 0.2]; 3],
            }],
            currency: Some("EUR".to_owned()),
            licence: None,
            refused: 2,
            fetched_at: Some(UnixMillis(8)),
            trouble: Some("no".to_owned()),
            memory: Memory {
                asks: vec![(UnixMillis(7), 1), (UnixMillis(8), 2)],
                failures: 3,
                not_before: Some(UnixMillis(99)),
                trouble: Some(FailureKind::Refused),
                refused_with: Some(u64::MAX),
                is_corrected: false,
            },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(&folder.path().join("new"), "tempo.rte_site");
        assert_eq!(read(&path).unwrap(), None);
        write(&path, "tempo.rte_site", &example()).unwrap();
        assert_eq!(read(&path).unwrap(), Some(example()));
        let files: Vec<_> =
            fs::read_dir(path.parent().unwrap()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(files, ["tempo.rte_site.json"]);
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "x");
        write(&path, "x", &example()).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains("x.json is damaged") && error.contains("x.json.damaged"), "{error}");
            assert_eq!(read(&path).unwrap(), None, "it starts anew");
            assert_eq!(fs::read(path.with_extension("json.damaged")).unwrap(), &whole[..cut]);
        }
        let other = String::from_utf8(whole).unwrap().replace("\"version\":1", "\"version\":2");
        fs::write(&path, other).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("its version is 2, expected 1"));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "x").unwrap();
        let error = write(&folder.path().join("file/x.json"), "x", &example()).unwrap_err();
        assert!(error.to_string().contains("cannot be written"), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_damage_breaks_it(at in 0_usize..2000, byte in any::<u8>()) {
            let mut bytes = serde_json::to_vec(&Kept::of("x", &example())).unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = parse(&bytes);
        }
    }
}
