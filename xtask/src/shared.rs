//! The folder with recordings of real devices, which is not part of the project: tests that replay them skip without it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// Names the folder, here and in every test.
pub const SHARED: &str = "OHMSTEAD_SHARED";

/// The folder with recordings, and who named it.
#[derive(Debug, PartialEq, Eq)]
pub enum Shared {
    FromEnvironment(PathBuf),
    BesideCheckout(PathBuf),
    Absent,
}

impl Shared {
    /// What the environment says, or else what stands beside the checkout.
    pub fn of_this_run(root: &Path) -> Self {
        Self::find(std::env::var_os(SHARED).as_deref(), root)
    }

    fn find(value: Option<&OsStr>, root: &Path) -> Self {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            // Each test program has a working folder of its own: a relative path would lead elsewhere.
            let path = std::path::absolute(value).unwrap_or_else(|_| PathBuf::from(value));
            return Self::FromEnvironment(path);
        }
        match root.join("../shared").canonicalize() {
            Ok(folder) if folder.is_dir() => Self::BesideCheckout(folder),
            _ => Self::Absent,
        }
    }

    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::FromEnvironment(folder) | Self::BesideCheckout(folder) => Some(folder),
            Self::Absent => None,
        }
    }

    /// One line for the reader of a run.
    pub fn told(&self) -> String {
        match self {
            Self::FromEnvironment(folder) if !folder.is_dir() => format!(
                "{SHARED}={} (from the environment, but there is no such folder: tests that replay recordings skip)",
                folder.display()
            ),
            Self::FromEnvironment(folder) => format!("{SHARED}={} (from the environment)", folder.display()),
            Self::BesideCheckout(folder) => {
                format!("{SHARED}={} (found beside the checkout)", folder.display())
            }
            Self::Absent => {
                format!("{SHARED} is not set and there is no ../shared: tests that replay recordings skip")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_over_the_folder_beside() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("checkout");
        std::fs::create_dir(&root).unwrap();
        assert_eq!(Shared::find(None, &root), Shared::Absent);

        let beside = folder.path().join("shared");
        std::fs::create_dir(&beside).unwrap();
        let beside = beside.canonicalize().unwrap();
        assert_eq!(Shared::find(None, &root), Shared::BesideCheckout(beside.clone()));
        assert_eq!(Shared::find(Some(OsStr::new("")), &root), Shared::BesideCheckout(beside));

        let named = Shared::find(Some(OsStr::new("/elsewhere")), &root);
        assert_eq!(named, Shared::FromEnvironment("/elsewhere".into()));
        assert!(named.told().contains("no such folder"));
        assert!(Shared::find(Some(OsStr::new("relative")), &root).folder().unwrap().is_absolute());
    }
}
