//! A log file that does not grow for ever: at a size it becomes `NAME.1`, what was `.1` becomes `.2`, the oldest goes.
//!
//! A file that cannot be written (full disk, no such folder) never stops the program: the lines are lost there, the
//! console has them, and the next line tries again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use crate::print;

/// The file with its limits.
pub(crate) struct RotatingFile {
    path: PathBuf,
    max_size: u64,
    keep: u32,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    file: Option<(File, u64)>,
    complained: bool,
}

impl RotatingFile {
    /// A log at `path` that is rotated at `max_size` bytes; `keep` older ones stay. Nothing is opened yet.
    pub(crate) fn new(path: PathBuf, max_size: u64, keep: u32) -> Self {
        Self { path, max_size, keep, open: Mutex::default() }
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.write_to(&mut open, line);
        if result.is_err() {
            open.file = None;
        }
        if let Err(error) = &result
            && !open.complained
        {
            print::err(format!("the log file {} cannot be written: {error}", self.path.display()));
        }
        open.complained = result.is_err();
        result
    }

    fn write_to(&self, open: &mut Open, line: &[u8]) -> io::Result<()> {
        let length = line.len() as u64;
        let full = open.file.as_ref().is_some_and(|(_, size)| *size > 0 && size + length > self.max_size);
        if full {
            open.file = None;
            self.rotate()?;
        }
        let (file, size) = match &mut open.file {
            Some(open) => open,
            closed => {
                let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
                let size = file.metadata()?.len();
                closed.insert((file, size))
            }
        };
        file.write_all(line)?;
        *size += length;
        Ok(())
    }

    fn rotate(&self) -> io::Result<()> {
        if self.keep == 0 {
            return fs::remove_file(&self.path);
        }
        for number in (1..self.keep).rev() {
            let older = numbered(&self.path, number);
            if older.exists() {
                fs::rename(older, numbered(&self.path, number + 1))?;
            }
        }
        fs::rename(&self.path, numbered(&self.path, 1))
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

impl Write for &RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.append(line).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for RotatingFile {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<(String, u64)> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn it_is_rotated_at_its_size_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let log = RotatingFile::new(folder.path().join("log"), 100, 2);
        for number in 0..40 {
            log.append(format!("{number:>29}\n").as_bytes()).unwrap();
        }
        let expected =
            [("log", 30), ("log.1", 90), ("log.2", 90)].map(|(name, size)| (name.to_owned(), size));
        assert_eq!(names(folder.path()), expected);
        let newest = fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(newest.trim(), "39");
    }

    #[test]
    fn a_restart_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for _ in 0..5 {
            RotatingFile::new(path.clone(), 100, 0).append(&[b'x'; 40]).unwrap();
        }
        let log = RotatingFile::new(path, 100, 0);
        log.append(&[b'x'; 40]).unwrap();
        log.append(&[b'x'; 40]).unwrap();
        assert_eq!(names(folder.path()), [("log".to_owned(), 40)], "and without older ones it starts anew");
    }

    #[test]
    fn a_line_longer_than_the_limit_is_written_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let log = RotatingFile::new(folder.path().join("log"), 100, 1);
        log.append(&[b'x'; 1000]).unwrap();
        log.append(&[b'y'; 1000]).unwrap();
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn a_folder_that_comes_later_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("logs");
        let log = RotatingFile::new(inner.join("log"), 100, 1);
        assert!(log.append(b"lost\n").is_err());
        fs::create_dir(&inner).unwrap();
        log.append(b"kept\n").unwrap();
        assert_eq!(fs::read_to_string(inner.join("log")).unwrap(), "kept\n");
    }
}
