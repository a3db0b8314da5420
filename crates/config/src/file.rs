//! Finding and reading the file. Whatever is in its place, memory stays bounded and the message says what is wrong.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::error::{LoadError, NotFound};

/// The most that is read of a configuration: a hundred times a big one.
pub(crate) const SIZE_MAX: usize = 1_000_000;

/// Where a configuration is looked for.
const PLACES: [&str; 3] = ["ohmstead.yaml", "/etc/ohmstead/ohmstead.yaml", "/data/ohmstead/ohmstead.yaml"];

/// The file to load: the one that was asked for, else the first of the usual places where there is one.
pub fn find(explicit: Option<&Path>) -> Result<PathBuf, NotFound> {
    match explicit {
        Some(path) => Ok(path.to_owned()),
        None => first_of(PLACES.iter().map(PathBuf::from).collect()),
    }
}

/// A file that exists but may not be read is found: loading it says so, instead of silently taking another.
fn first_of(places: Vec<PathBuf>) -> Result<PathBuf, NotFound> {
    let found = places.iter().find(|path| !matches!(path.try_exists(), Ok(false))).cloned();
    found.ok_or(NotFound { looked_at: places })
}

/// The text of the file.
pub(crate) fn read(path: &Path) -> Result<String, LoadError> {
    let bytes = read_bytes(path, SIZE_MAX).map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::NotFound => LoadError::Absent { path },
            ErrorKind::PermissionDenied => LoadError::Forbidden { path },
            ErrorKind::IsADirectory => LoadError::Folder { path },
            _ => LoadError::Read { path, source },
        }
    })?;
    let name = path.display().to_string();
    if bytes.len() > SIZE_MAX {
        return Err(LoadError::TooBig { name, limit: SIZE_MAX });
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = bytes[..offset].split(|byte| *byte == b'\n').count();
        LoadError::NotUtf8 { name, line, offset, hint: encoding_hint(bytes) }
    })
}

fn encoding_hint(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => " (it is UTF-16 now)",
        _ => "",
    }
}

/// At most one byte more than `limit`.
pub(crate) fn read_bytes(path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_that_holds_a_file_is_taken() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let place = |name: &str| folder.path().join(name);
        std::fs::write(place("second"), "").expect("written");
        std::fs::write(place("third"), "").expect("written");
        let places = vec![place("first"), place("second"), place("third")];
        assert_eq!(first_of(places), Ok(place("second")));
    }

    #[test]
    fn without_any_file_the_places_are_listed() {
        let error = first_of(vec!["/nowhere/a".into(), "/nowhere/b".into()]).expect_err("nothing is there");
        expect_test::expect![["
            no configuration file; looked for
              /nowhere/a
              /nowhere/b
            `ohmstead discover --yaml` writes one with the devices that answer in this network; `--config FILE` names another place"]].assert_eq(&error.to_string());
    }

    #[test]
    fn what_never_ends_is_read_only_so_far() {
        if let Ok(bytes) = read_bytes(Path::new("/dev/zero"), 10) {
            assert_eq!(bytes.len(), 11);
        }
    }
}
