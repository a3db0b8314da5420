//! What SQLite could not do, in words for the owner of the machine: what, where, and what to do about it.

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

/// A failure of the database file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", path.display(), kind.words())]
pub struct Trouble {
    /// The database file.
    pub path: PathBuf,
    /// What kind of trouble.
    pub kind: TroubleKind,
    /// What SQLite said.
    #[source]
    pub source: rusqlite::Error,
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
        Self { path: path.to_owned(), kind, source }
    }
}
