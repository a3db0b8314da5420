//! How a verb fails, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

/// The exit codes, with their meaning for `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// It did not work.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration is wrong or missing.
    Config = 3,
    /// The device did not answer.
    NoAnswer = 4,
    /// Refused: read-only, not controllable, or the device said no. Nothing changed.
    Refused = 5,
    /// Another instance is in the way.
    InUse = 6,
}

/// What stands at the end of `--help`.
pub(crate) const CODES: &str = "\
Exit codes:
  0  done
  1  it did not work
  2  wrong command line
  3  wrong or missing configuration
  4  the device did not answer
  5  refused: read-only (a dry run), not controllable, or the device said no
  6  another instance uses the same data directory, port or client id";

/// A verb that failed: the exit code and the words, printed once by `main`.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) error: anyhow::Error,
}

impl Failure {
    /// A failure with a message of its own.
    pub(crate) fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, error: anyhow::anyhow!("{message}") }
    }

    /// A failure with the error behind it.
    pub(crate) fn of(code: Code, error: impl Into<anyhow::Error>) -> Self {
        Self { code, error: error.into() }
    }

    /// The exit code for the operating system.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

/// Whatever has no code of its own did not work.
impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::of(Code::Failed, error)
    }
}
