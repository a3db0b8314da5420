//! Tokens and keys: never printed, and read from their files each time they are used.

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

    /// The secret in the file; white space around it is dropped. An empty file is an error.
    pub(crate) fn read(path: &Path) -> std::io::Result<Self> {
        let mut text = String::new();
        std::fs::File::open(path)?.take(BYTES_MAX).read_to_string(&mut text)?;
        if text.trim().is_empty() {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the file is empty"));
        }
        Ok(Self::new(text.trim()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
