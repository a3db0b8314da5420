//! Passwords, tokens and keys: never printed, and read from their files each time they are used, so that a changed file is noticed.

use std::fmt;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

use serde::Deserialize;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// No secret is longer; whoever names a log file by mistake shall not send it.
const BYTES_MAX: u64 = 65_535;

impl Secret {
    /// Keeps `text` from being printed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The content of the file; one newline at its end is dropped. A file that is too long or no text is
    /// [`ErrorKind::InvalidData`].
    pub fn of_file(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(wrong("the file is longer than any secret"));
        }
        let text = String::from_utf8(bytes).map_err(|_| wrong("the file is no text"))?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Self::new(line.strip_suffix('\r').unwrap_or(line)))
    }

    /// The token in the file; white space around it is dropped, and an empty file is [`ErrorKind::InvalidData`] too.
    pub fn token_of(path: &Path) -> Result<Self> {
        let content = Self::of_file(path)?;
        let token = content.expose().trim();
        if token.is_empty() { Err(wrong("the file is empty")) } else { Ok(Self::new(token)) }
    }
}

fn wrong(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn file(content: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, content).expect("written");
        (folder, path)
    }

    #[rstest]
    #[case(b"secret\n", "secret", "secret")]
    #[case(b"secret\r\n", "secret", "secret")]
    #[case(b" two words \n\n", " two words \n", "two words")]
    fn a_file_loses_one_newline_and_a_token_all(
        #[case] content: &[u8],
        #[case] whole: &str,
        #[case] token: &str,
    ) {
        let (_folder, path) = file(content);
        assert_eq!(Secret::of_file(&path).unwrap().expose(), whole);
        assert_eq!(Secret::token_of(&path).unwrap().expose(), token);
    }

    #[rstest]
    #[case(vec![0xff, 0xfe])]
    #[case(vec![b'x'; 65_536])]
    fn what_is_no_secret_is_refused(#[case] content: Vec<u8>) {
        let (_folder, path) = file(&content);
        assert_eq!(Secret::of_file(&path).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn an_empty_file_has_no_token_and_nothing_is_printed() {
        let (folder, path) = file(b" \n");
        assert_eq!(Secret::token_of(&path).unwrap_err().to_string(), "the file is empty");
        assert_eq!(Secret::of_file(&folder.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(format!("{:?}", Secret::new("abc")), "***");
    }
}
