//! Passwords and tokens: never printed, and read from their files each time they are used.

use std::fmt;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// No token is longer; whoever names a log file by mistake shall not send it.
const BYTES_MAX: u64 = 65_536;

impl Secret {
    /// Keeps `text` from being printed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The secret that is given in place, else that in the file; one newline at its end is dropped.
    pub(crate) fn read(given: Option<&Self>, file: Option<&Path>) -> std::io::Result<Option<Self>> {
        let Some(path) = file else { return Ok(given.cloned()) };
        let mut text = String::new();
        std::fs::File::open(path)?.take(BYTES_MAX).read_to_string(&mut text)?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Some(Self::new(line.strip_suffix('\r').unwrap_or(line))))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_before_what_is_given_and_loses_one_newline() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("token");
        std::fs::write(&path, "abc \r\n").expect("written");
        let given = Secret::new("given");
        let read = |file: Option<&Path>| Secret::read(Some(&given), file).expect("readable");
        assert_eq!(read(Some(&path)), Some(Secret::new("abc ")));
        assert_eq!(read(None), Some(given.clone()));
        assert!(Secret::read(None, Some(&dir.path().join("none"))).is_err());
        assert_eq!(format!("{given:?}"), "***");
    }
}
