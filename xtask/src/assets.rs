//! Compares a folder before and after something ran: are the committed front-end files what the sources build?

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};

use crate::checkout::collect;

/// Every file of a folder with its content, by its path in the folder.
pub type Content = BTreeMap<String, Vec<u8>>;

/// Reads a folder; one that does not exist is empty.
pub fn content(folder: &Path) -> Result<Content> {
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    let mut files = Content::new();
    for path in paths {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        files.insert(name, bytes);
    }
    Ok(files)
}

/// One line for each file that was added, removed or changed.
pub fn differences(before: &Content, after: &Content) -> Vec<String> {
    let removed =
        before.keys().filter(|name| !after.contains_key(*name)).map(|name| format!("removed {name}"));
    let rest = after.iter().filter_map(|(name, bytes)| match before.get(name) {
        None => Some(format!("added {name}")),
        Some(old) if old != bytes => Some(format!("changed {name}")),
        Some(_) => None,
    });
    removed.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_compared_with_its_former_self() {
        let folder = tempfile::tempdir().unwrap();
        assert!(content(&folder.path().join("absent")).unwrap().is_empty());

        std::fs::create_dir(folder.path().join("docs")).unwrap();
        for name in ["same", "docs/gone", "other"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let before = content(folder.path()).unwrap();
        assert_eq!(differences(&before, &before), [""; 0]);

        std::fs::remove_file(folder.path().join("docs/gone")).unwrap();
        std::fs::write(folder.path().join("new"), "").unwrap();
        std::fs::write(folder.path().join("other"), "OTHER").unwrap();
        let after = content(folder.path()).unwrap();
        assert_eq!(differences(&before, &after), ["removed docs/gone", "added new", "changed other"]);
    }
}
