//! Recordings of real services: a first line with the service and its values, then one line for each change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

use super::Leaf;

/// One recorded service.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) service: String,
    pub(crate) initial: BTreeMap<String, Leaf>,
    /// Path and new value, in the order in which they came.
    pub(crate) changes: Vec<(String, Leaf)>,
    /// The second in which each of them came.
    pub(crate) seconds: Vec<u64>,
}

impl Recording {
    fn read(path: &Path) -> Self {
        let output = Command::new("gzip").arg("-dc").arg(path).output().expect("gzip is installed");
        let text = String::from_utf8(output.stdout).expect("recordings are text");
        let mut lines =
            text.lines().map(|line| serde_json::from_str::<Json>(line).expect("each line is JSON"));
        let head = lines.next().expect("a first line");
        let initial = head["initial"].as_object().expect("values");
        let initial =
            initial.iter().map(|(path, leaf)| (path.clone(), of(&leaf[0], &leaf[1], &leaf[2]))).collect();
        let lines: Vec<_> = lines.collect();
        let seconds = lines.iter().map(|line| line[0].as_f64().map_or(0, whole_seconds)).collect();
        let changes = lines
            .iter()
            .map(|line| (line[1].as_str().expect("a path").to_owned(), of(&line[2], &line[3], &line[4])))
            .collect();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let service = head["service"].as_str().expect("a service").to_owned();
        Self { name: name.trim_end_matches(".jsonl.gz").to_owned(), service, initial, changes, seconds }
    }

    /// Every path with the value that it ends with.
    pub(crate) fn last(&self) -> BTreeMap<String, Leaf> {
        let mut last = self.initial.clone();
        last.extend(self.changes.iter().cloned());
        last
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "recordings last minutes")]
fn whole_seconds(seconds: f64) -> u64 {
    seconds as u64
}

fn of(signature: &Json, value: &Json, text: &Json) -> Leaf {
    let signature = signature.as_str().expect("a type").to_owned();
    Leaf { signature, value: value.clone(), text: text.as_str().unwrap_or_default().to_owned() }
}

/// Every recording of the shared folder; `None`, with a word about it, where there is none.
pub(crate) fn recordings() -> Option<Vec<Recording>> {
    let folder = std::env::var_os("OHMSTEAD_SHARED")
        .map(|shared| PathBuf::from(shared).join("data/victron/recordings"));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        println!("skipped: OHMSTEAD_SHARED does not lead to the recordings");
        return None;
    };
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    Some(files.iter().map(|file| Recording::read(file)).collect())
}
