//! Where the program keeps what it must not forget, and that only one instance does.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// Where the cache of the outlook is, in the data directory.
pub(crate) const OUTLOOK: &str = "outlook";

/// Why there is no data directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// Nothing says where it could be.
    #[error("no place for data: give --data-dir, or data_dir in the configuration, or set HOME")]
    Nowhere,
    /// It cannot be made.
    #[error("cannot create the data directory {path}")]
    Create {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The lock file cannot be made.
    #[error("cannot lock the data directory: {path}")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else has it.
    #[error(
        "another ohmstead ({owner}) uses the data directory {path}: stop it first, or give this one another --data-dir",
        owner = .pid.map_or_else(|| "pid unknown".to_owned(), |pid| format!("pid {pid}"))
    )]
    InUse {
        /// The data directory.
        path: PathBuf,
        /// The owner, if it said so.
        pid: Option<u32>,
        /// For how long it has it.
        holder: Holder,
    },
}

/// For how long a data directory is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// As long as the program runs, which may be years.
    Daemon,
    /// While a verb does its work, in place of a daemon.
    Verb,
}

/// What the surroundings say about where data go.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// `$STATE_DIRECTORY`, set by systemd.
    pub(crate) state_directory: Option<String>,
    /// `$XDG_STATE_HOME`.
    pub(crate) xdg_state_home: Option<String>,
    /// `$HOME`, or its like.
    pub(crate) home: Option<PathBuf>,
    /// Whether this runs as root.
    pub(crate) root: bool,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn here() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            state_directory: variable("STATE_DIRECTORY"),
            xdg_state_home: variable("XDG_STATE_HOME"),
            home: std::env::home_dir(),
            root: is_root(),
        }
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// The data directory: the one given, else the one of systemd's unit, else root's, else the user's.
pub(crate) fn choose(given: Option<&Path>, around: &Surroundings) -> Result<PathBuf, DataDirError> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    // systemd lists several directories with colons between them; the first is the unit's own.
    if let Some(first) = around.state_directory.as_deref().and_then(|list| list.split(':').next()) {
        return Ok(first.into());
    }
    if around.root {
        return Ok("/var/lib/ohmstead".into());
    }
    if let Some(state) = &around.xdg_state_home {
        return Ok(Path::new(state).join("ohmstead"));
    }
    let home = around.home.as_ref().ok_or(DataDirError::Nowhere)?;
    Ok(home.join(".local/state/ohmstead"))
}

/// The only use of a data directory. Ends with the value, or with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Makes the directory if need be and takes it for this process.
pub(crate) fn take(path: &Path, holder: Holder) -> Result<Lock, DataDirError> {
    create(path).map_err(|source| DataDirError::Create { path: path.to_owned(), source })?;
    let file_path = path.join("ohmstead.lock");
    let failed = |source| DataDirError::Lock { path: file_path.clone(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&file_path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let (pid, holder) = read_owner(&mut file);
            return Err(DataDirError::InUse { path: path.to_owned(), pid, holder });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // The lock is what counts; a full disk must not stop us from telling our pid less well.
    let _ = write_owner(&mut file, holder);
    Ok(Lock { _file: file })
}

/// What stands behind the pid of a verb.
const VERB: &str = "verb";

fn write_owner(file: &mut File, holder: Holder) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    let pid = std::process::id();
    match holder {
        Holder::Daemon => writeln!(file, "{pid}"),
        Holder::Verb => writeln!(file, "{pid} {VERB}"),
    }
}

/// Who has it; what cannot be read is no verb's.
fn read_owner(file: &mut File) -> (Option<u32>, Holder) {
    let mut text = String::new();
    let read = file.take(32).read_to_string(&mut text);
    let mut words = text.split_whitespace();
    let pid = read.ok().and_then(|_| words.next()?.parse().ok());
    let holder = if words.next() == Some(VERB) { Holder::Verb } else { Holder::Daemon };
    (pid, holder)
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::given(Some("/x"), Some("/var/lib/a:/b"), Some("/s"), Some("/home/u"), true, Some("/x"))]
    #[case::systemd(None, Some("/var/lib/a:/b"), Some("/s"), Some("/home/u"), true, Some("/var/lib/a"))]
    #[case::root(None, None, Some("/s"), Some("/root"), true, Some("/var/lib/ohmstead"))]
    #[case::xdg(None, None, Some("/s"), Some("/home/u"), false, Some("/s/ohmstead"))]
    #[case::home(None, None, None, Some("/home/u"), false, Some("/home/u/.local/state/ohmstead"))]
    #[case::nowhere(None, None, None, None, false, None)]
    fn data_go_where_people_expect_them(
        #[case] given: Option<&str>,
        #[case] state_directory: Option<&str>,
        #[case] xdg_state_home: Option<&str>,
        #[case] home: Option<&str>,
        #[case] root: bool,
        #[case] expected: Option<&str>,
    ) {
        let around = Surroundings {
            state_directory: state_directory.map(str::to_owned),
            xdg_state_home: xdg_state_home.map(str::to_owned),
            home: home.map(PathBuf::from),
            root,
        };
        assert_eq!(choose(given.map(Path::new), &around).ok(), expected.map(PathBuf::from));
    }

    #[test]
    fn a_second_user_is_refused_with_the_pid_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let lock = take(&path, Holder::Daemon).unwrap();
        let refused = take(&path, Holder::Verb).unwrap_err();
        let expected = format!(
            "another ohmstead (pid {}) uses the data directory {}: stop it first, or give this one another --data-dir",
            std::process::id(),
            path.display()
        );
        assert_eq!(refused.to_string(), expected);
        drop(lock);
        take(&path, Holder::Daemon).unwrap();
    }

    #[rstest]
    #[case(Holder::Daemon)]
    #[case(Holder::Verb)]
    fn who_is_refused_learns_for_how_long(#[case] first: Holder) {
        let folder = tempfile::tempdir().unwrap();
        // The one before left more text than there is now.
        drop(take(folder.path(), Holder::Verb).unwrap());
        let _lock = take(folder.path(), first).unwrap();
        let refused = take(folder.path(), Holder::Daemon).unwrap_err();
        assert!(matches!(refused, DataDirError::InUse { holder, .. } if holder == first), "{refused:?}");
    }

    #[test]
    fn an_unreadable_pid_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let _lock = take(folder.path(), Holder::Daemon).unwrap();
        std::fs::write(folder.path().join("ohmstead.lock"), [0xff; 100]).unwrap();
        let refused = take(folder.path(), Holder::Daemon).unwrap_err();
        assert!(refused.to_string().contains("(pid unknown)"), "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn the_directory_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let _lock = take(&path, Holder::Daemon).unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_place_that_cannot_be_says_which_and_why() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = take(&file.join("data"), Holder::Daemon).unwrap_err();
        assert!(matches!(refused, DataDirError::Create { .. }), "{refused}");
    }
}
