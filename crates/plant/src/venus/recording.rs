//! Recordings of real services: their values at the start and what changed when, repeated without end.
//!
//! ```text
//!   {"service": "com.victronenergy.vebus.ttyO1", "origin": "...", "initial": {"/Mode": ["u", 3, "on"], ...}}
//!   [1, "/Ac/ActiveIn/P", "i", 408, "408W"]          second, path, type, value, text
//! ```
//!
//! One such file per service, JSON lines, perhaps compressed by gzip.

use super::{
    style::Style,
    tree::{Access, Item, Service, Tree},
    value::{Kind, Value},
};
use serde_json::Value as Json;
use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

/// No recording is larger, decompressed.
const SIZE_MAX: u64 = 64 << 20;
/// More services are no GX.
const SERVICES_MAX: usize = 200;
const PREFIX: &str = "com.victronenergy.";

/// One service as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Its bus name.
    pub service: String,
    initial: Vec<(String, Value, String)>,
    /// In the order of their seconds.
    changes: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq)]
struct Change {
    at_s: f64,
    path: String,
    value: Value,
    text: String,
}

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is larger than any recording.
    #[error("{}: larger than {} MB", path.display(), SIZE_MAX >> 20)]
    Large {
        /// Which.
        path: PathBuf,
    },
    /// A line is not what it should be.
    #[error("{}:{line}: {what}", path.display())]
    Line {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Nothing to repeat.
    #[error("no recordings (*.jsonl, *.jsonl.gz) in {}", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// More services than a GX has.
    #[error("{count} recordings in {}: more than {SERVICES_MAX}", path.display())]
    Many {
        /// The folder.
        path: PathBuf,
        /// How many.
        count: usize,
    },
}

impl Recording {
    /// The recording in a file, or all in a folder. Of several with one bus name the later ones get another connection.
    pub fn load(path: &Path) -> Result<Vec<Self>, RecordingError> {
        let read = |source| RecordingError::Read { path: path.to_owned(), source };
        if !path.is_dir() {
            return Ok(vec![Self::file(path)?]);
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(read)? {
            let file = entry.map_err(read)?.path();
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if [".jsonl", ".jsonl.gz"].iter().any(|end| name.ends_with(end)) {
                files.push(file);
            }
        }
        files.sort();
        match files.len() {
            0 => return Err(RecordingError::Empty { path: path.to_owned() }),
            count if count > SERVICES_MAX => {
                return Err(RecordingError::Many { path: path.to_owned(), count });
            }
            _ => {}
        }
        let mut recordings = files.iter().map(|file| Self::file(file)).collect::<Result<Vec<_>, _>>()?;
        let mut taken = BTreeSet::new();
        for recording in &mut recordings {
            let wanted = recording.service.clone();
            let mut number = 2;
            while !taken.insert(recording.service.clone()) {
                recording.service = format!("{wanted}_{number}");
                number += 1;
            }
        }
        Ok(recordings)
    }

    fn file(path: &Path) -> Result<Self, RecordingError> {
        let read = |source| RecordingError::Read { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(read)?;
        let mut text = String::new();
        let is_packed = path.extension().is_some_and(|extension| extension == "gz");
        let size = if is_packed {
            flate2::read::GzDecoder::new(file).take(SIZE_MAX + 1).read_to_string(&mut text)
        } else {
            file.take(SIZE_MAX + 1).read_to_string(&mut text)
        };
        if size.map_err(read)? as u64 > SIZE_MAX {
            return Err(RecordingError::Large { path: path.to_owned() });
        }
        Self::parse(&text).map_err(|(line, what)| RecordingError::Line { path: path.to_owned(), line, what })
    }

    /// The recording in a text; an error with the number of its line.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (number, head) = lines.next().ok_or((1, "the file is empty".to_owned()))?;
        let json = |number: usize, line: &str| -> Result<Json, (usize, String)> {
            serde_json::from_str(line).map_err(|error| (number + 1, format!("no JSON: {error}")))
        };
        let head = json(number, head)?;
        let service = head["service"].as_str().unwrap_or_default();
        let plain =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_name = service.strip_prefix(PREFIX).is_some_and(|rest| rest.split('.').all(plain));
        if !is_name || service.len() > 200 {
            return Err((number + 1, format!("\"service\" must be a bus name {PREFIX}..., not {service:?}")));
        }
        let initial =
            head["initial"].as_object().ok_or((number + 1, "\"initial\" must be an object".to_owned()))?;
        let initial = initial
            .iter()
            .filter(|(path, _)| *path != "/")
            .map(|(path, spot)| {
                let (value, text) = typed(&spot[0], &spot[1], &spot[2])?;
                Ok((checked(path)?.to_owned(), value, text))
            })
            .collect::<Result<_, String>>()
            .map_err(|what| (number + 1, what))?;
        let mut changes = Vec::new();
        for (number, line) in lines {
            let line = json(number, line)?;
            if line[1] != "/" {
                changes.push(change(&line).map_err(|what| (number + 1, what))?);
            }
        }
        changes.sort_by(|one: &Change, two| one.at_s.total_cmp(&two.at_s));
        Ok(Self { service: service.to_owned(), initial, changes })
    }
}

fn change(json: &Json) -> Result<Change, String> {
    let at_s =
        json[0].as_f64().filter(|at| (0.0..=1e9).contains(at)).ok_or("the first member must be a second")?;
    let path = checked(json[1].as_str().ok_or("the second member must be a path")?)?.to_owned();
    let (value, text) = typed(&json[2], &json[3], &json[4])?;
    Ok(Change { at_s, path, value, text })
}

/// A few drivers have keys that are no paths of objects; on the bus they are mere texts.
fn checked(path: &str) -> Result<&str, String> {
    let is_usable = !path.is_empty() && path.len() <= 250 && !path.chars().any(char::is_control);
    if is_usable { Ok(path) } else { Err(format!("{path:?} is no path")) }
}

/// A value of a D-Bus type. What is no value is an empty array of int32; one of another type is an empty list.
fn typed(signature: &Json, value: &Json, text: &Json) -> Result<(Value, String), String> {
    let signature = signature.as_str().ok_or("a value needs its D-Bus type")?;
    let value = of_type(signature, value).ok_or_else(|| format!("{value} is not of the type {signature}"))?;
    let text = text.as_str().map_or_else(|| Style::Plain.text(&value, ""), str::to_owned);
    Ok((value, text))
}

fn of_type(signature: &str, value: &Json) -> Option<Value> {
    let number = |kind: Kind| {
        let number = value.as_f64().or_else(|| value.as_bool().map(|on| f64::from(u8::from(on))));
        number.map(|number| kind.of(number))
    };
    match signature {
        "b" => number(Kind::Bool),
        "y" => number(Kind::Byte),
        "n" => number(Kind::I16),
        "q" => number(Kind::U16),
        "i" => number(Kind::I32),
        "u" => number(Kind::U32),
        "d" => number(Kind::F64),
        // A double has no room for all of them.
        "x" => value.as_i64().map(Value::I64),
        "t" => value.as_u64().map(Value::U64),
        "s" => value.as_str().map(Value::from),
        "ai" if value.as_array().is_some_and(Vec::is_empty) => Some(Value::Invalid),
        "ai" => numbers(value, |item| i32::try_from(item.as_i64()?).ok()).map(Value::Ints),
        "ay" => numbers(value, |item| u8::try_from(item.as_u64()?).ok()).map(Value::Bytes),
        "au" => numbers(value, |item| u32::try_from(item.as_u64()?).ok()).map(Value::Words),
        // Of what it is a list is not written down, unless there is nothing in it.
        _ => value.as_array().filter(|items| items.is_empty()).map(|_| Value::List(Vec::new())),
    }
}

fn numbers<N>(value: &Json, number: impl Fn(&Json) -> Option<N>) -> Option<Vec<N>> {
    value.as_array()?.iter().map(number).collect()
}

/// A recording that runs.
#[derive(Debug)]
pub(super) struct Replay {
    recording: Recording,
    speed: f64,
    start_ms: i64,
    next: usize,
    /// Rounds that are over.
    rounds: u64,
}

impl Replay {
    pub(super) fn new(recording: Recording, speed: f64, start_ms: i64) -> Self {
        Self { recording, speed, start_ms, next: 0, rounds: 0 }
    }

    /// How long a round takes, s.
    fn period_s(&self) -> f64 {
        self.recording.changes.last().map_or(f64::INFINITY, |change| change.at_s + 1.0)
    }

    /// Brings its service up to a moment, whatever that is called by now.
    pub(super) fn play(&mut self, service: &mut Service, now_ms: i64) {
        let mut at_s = now_ms.saturating_sub(self.start_ms) as f64 / 1_000.0 * self.speed;
        at_s -= self.rounds as f64 * self.period_s().min(1e12);
        if at_s >= self.period_s() {
            let rounds = (at_s / self.period_s()).floor();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a positive number of rounds"
            )]
            let whole = rounds as u64;
            self.rounds += whole;
            at_s -= rounds * self.period_s();
            self.next = 0;
            for (path, value, text) in &self.recording.initial {
                service.set_recorded(path, value.clone(), text.clone());
            }
        }
        while let Some(change) = self.recording.changes.get(self.next).filter(|change| change.at_s <= at_s) {
            service.set_recorded(&change.path, change.value.clone(), change.text.clone());
            self.next += 1;
        }
    }
}

/// Brings every service of [`tree`] up to a moment.
pub(super) fn play(replays: &mut [Replay], tree: &mut Tree, now_ms: i64) {
    for (replay, service) in replays.iter_mut().zip(tree.services_mut()) {
        replay.play(service, now_ms);
    }
}

/// The services of recordings as they stand at the start, in the order of these.
pub(super) fn tree(replays: &[Replay]) -> Tree {
    let mut tree = Tree::default();
    for Replay { recording, .. } in replays {
        let rest = recording.service.strip_prefix(PREFIX).unwrap_or(&recording.service);
        let (class, connection) = match rest.split_once('.') {
            Some((class, connection)) => (class, Some(connection.to_owned())),
            None => (rest, None),
        };
        let instance = recording
            .initial
            .iter()
            .find(|(path, ..)| path == "/DeviceInstance")
            .and_then(|(_, value, _)| value.number())
            .filter(|number| (0.0..=65_535.0).contains(number))
            .unwrap_or(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        let mut service = Service::new(class, connection, instance as u32);
        service.none = "";
        for (path, value, text) in &recording.initial {
            let mut item = Item::new(value.kind().unwrap_or(Kind::F64), Value::Invalid, Style::Plain);
            // The player of recordings takes what is written, until the recording says otherwise.
            item.access = Access::Write(|_| true);
            service.insert(path.clone(), item);
            service.set_recorded(path, value.clone(), text.clone());
        }
        tree.push(service);
    }
    tree.next_revision();
    tree
}

#[cfg(test)]
mod tests;
