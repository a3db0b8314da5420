//! What the disk could not do, in words for the owner of the machine: what, where, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// The kinds of trouble a caller may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// No space left.
    DiskFull,
    /// The file or its folder may not be written.
    ReadOnly,
    /// Another program holds the database.
    Locked,
    /// The file is damaged or no database at all.
    Damaged,
    /// The device failed to read or write.
    Io,
    /// Anything else.
    Other,
}

impl TroubleKind {
    fn words(self) -> &'static str {
        match self {
            Self::DiskFull => "no space left on the disk; free some space",
            Self::ReadOnly => {
                "cannot be written; check the permissions and that the disk is not mounted read-only"
            }
            Self::Locked => {
                "another program keeps it locked; stop that program (is a second instance running?)"
            }
            Self::Damaged => {
                "not a database, or damaged; nothing was changed or deleted. Move the file and those beside it \
                 (-wal, -shm) away to start with an empty history, or put a backup in its place"
            }
            Self::Io => "the disk failed to read or write; check its health",
            Self::Other => "the database refused the operation",
        }
    }
}

/// A failure of a file of the history.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", path.display(), kind.words())]
pub struct Trouble {
    /// The file.
    pub path: PathBuf,
    /// What kind of trouble.
    pub kind: TroubleKind,
    /// What was said.
    #[source]
    pub source: Cause,
}

/// Who said what went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// SQLite.
    #[error(transparent)]
    Database(rusqlite::Error),
    /// The operating system, about a head log.
    #[error(transparent)]
    File(io::Error),
}

impl Trouble {
    /// Classifies what SQLite said about the file at `path`.
    pub(crate) fn new(path: &Path, source: rusqlite::Error) -> Self {
        let kind = match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => TroubleKind::DiskFull,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                TroubleKind::ReadOnly
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => TroubleKind::Locked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => TroubleKind::Damaged,
            Some(ErrorCode::SystemIoFailure) => TroubleKind::Io,
            _ => TroubleKind::Other,
        };
        Self { path: path.to_owned(), kind, source: Cause::Database(source) }
    }

    /// Classifies what the operating system said about the file at `path`.
    pub(crate) fn of_file(path: &Path, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => TroubleKind::DiskFull,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotFound => {
                TroubleKind::ReadOnly
            }
            _ => TroubleKind::Io,
        };
        Self { path: path.to_owned(), kind, source: Cause::File(source) }
    }
}

/// The error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
