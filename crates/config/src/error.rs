//! Why there is no configuration.

use std::fmt;
use std::path::PathBuf;

use crate::problem::Problem;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is not there.
    #[error("{} does not exist", path.display())]
    Absent {
        /// Which file.
        path: PathBuf,
    },
    /// This user may not read the file.
    #[error(
        "{} may not be read by this user: run the command as the user of the service, or give that user access \
         (`chown` the file, or `chmod g+r` and a common group)",
        path.display()
    )]
    Forbidden {
        /// Which file.
        path: PathBuf,
    },
    /// It is a folder.
    #[error("{} is a folder: name the file in it, such as {}", path.display(), path.join("ohmstead.yaml").display())]
    Folder {
        /// Which one.
        path: PathBuf,
    },
    /// The file could not be read for another reason.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is far bigger than any configuration.
    #[error("{name} is bigger than {limit} bytes: this is no configuration of Ohmstead")]
    TooBig {
        /// Which file.
        name: String,
        /// The most that is read.
        limit: usize,
    },
    /// The file is not UTF-8.
    #[error("{name}:{line}: byte {offset} is not UTF-8: save the file in the encoding UTF-8{hint}")]
    NotUtf8 {
        /// Which file.
        name: String,
        /// Line of the first wrong byte, from 1.
        line: usize,
        /// Offset of the first wrong byte, from 0.
        offset: usize,
        /// What it seems to be instead; empty where that is not known.
        hint: &'static str,
    },
    /// The content is wrong; every problem that was found.
    #[error(transparent)]
    Invalid(#[from] Report),
}

/// The problems of one file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The file's name as it was given.
    pub name: String,
    /// What is wrong; never empty.
    pub problems: Vec<Problem>,
    /// How many more there are that are not listed.
    pub more: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{}:{problem}", self.name)?;
        }
        if self.more > 0 {
            write!(f, "\n\n{}: and {} more", self.name, self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

/// No configuration file is where one is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// Where it was looked for, in order.
    pub looked_at: Vec<PathBuf>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no configuration file; looked for")?;
        for path in &self.looked_at {
            write!(f, "\n  {}", path.display())?;
        }
        f.write_str(
            "\n`ohmstead discover --yaml` writes one with the devices that answer in this network; \
             `--config FILE` names another place",
        )
    }
}

impl std::error::Error for NotFound {}
