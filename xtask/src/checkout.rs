//! The checkout that a chore works on: its root, its crates, its files.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use toml::Table;

/// What every crate's package name starts with; the rest is its folder's name.
pub const PREFIX: &str = "ohmstead-";

/// A checkout of the project.
#[derive(Clone, Debug)]
pub struct Checkout {
    root: PathBuf,
}

/// One crate of the workspace.
#[derive(Clone, Debug)]
pub struct Member {
    /// The folder's name: `units`, `drivers`, `xtask`.
    pub name: String,
    pub folder: PathBuf,
    pub manifest: Table,
}

/// A file of the checkout as text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Relative to the root, with `/`.
    pub path: String,
    pub text: String,
}

impl Checkout {
    /// The checkout that this program was built from.
    pub fn of_this_build() -> Result<Self> {
        // Cargo and nextest set the variable when they run something; the compiled-in path serves a bare call.
        let folder = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = folder.parent().context("the folder of xtask has no parent")?;
        Ok(Self { root: root.canonicalize().with_context(|| format!("cannot find {}", root.display()))? })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The root manifest, parsed.
    pub fn manifest(&self) -> Result<Table> {
        read_toml(&self.root.join("Cargo.toml"))
    }

    /// The root manifest as it is written, for rules about its comments.
    pub fn manifest_text(&self) -> Result<String> {
        read(&self.root.join("Cargo.toml"))
    }

    /// Every crate under `crates/`, then `xtask`, by name.
    pub fn members(&self) -> Result<Vec<Member>> {
        let crates = self.root.join("crates");
        let entries =
            std::fs::read_dir(&crates).with_context(|| format!("cannot list {}", crates.display()))?;
        let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        folders.retain(|folder| folder.join("Cargo.toml").is_file());
        folders.sort();
        folders.push(self.root.join("xtask"));
        folders.into_iter().map(Member::open).collect()
    }

    /// All Rust files under a member's `src/`, by path.
    pub fn sources(&self, member: &Member) -> Result<Vec<SourceFile>> {
        let mut paths = Vec::new();
        collect(&member.folder.join("src"), &mut paths)?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
        paths.sort();
        paths.iter().map(|path| Ok(SourceFile { path: self.relative(path), text: read(path)? })).collect()
    }

    /// Every file that is, or would be, part of a commit; binary ones with what of them is text.
    pub fn files(&self) -> Result<Vec<SourceFile>> {
        let paths = match self.paths_from_git() {
            Some(paths) => paths,
            None => self.paths_from_disk()?,
        };
        let mut files = Vec::new();
        for path in paths.iter().filter(|path| path.is_file()) {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            files.push(SourceFile { path: self.relative(path), text });
        }
        Ok(files)
    }

    fn paths_from_git(&self) -> Option<Vec<PathBuf>> {
        let mut git = Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(&self.root);
        let output = git.output().ok().filter(|output| output.status.success())?;
        let names = String::from_utf8(output.stdout).ok()?;
        Some(names.split_terminator('\0').map(|name| self.root.join(name)).collect())
    }

    /// For a source archive, which has no repository around it.
    fn paths_from_disk(&self) -> Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        collect(&self.root, &mut paths)?;
        Ok(paths)
    }

    /// A path relative to the root, with `/`.
    pub fn relative(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        let parts = path.components().map(|part| part.as_os_str().to_string_lossy());
        parts.collect::<Vec<_>>().join("/")
    }
}

impl Member {
    fn open(folder: PathBuf) -> Result<Self> {
        let manifest = read_toml(&folder.join("Cargo.toml"))?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(Self { name: name.context("a crate's folder has a name")?, folder, manifest })
    }

    /// `package.name` of the manifest.
    pub fn package(&self) -> &str {
        let package = self.manifest.get("package").and_then(|package| package.get("name"));
        package.and_then(toml::Value::as_str).unwrap_or_default()
    }
}

/// Every file below `folder`, in no order; nothing when there is no such folder. Build products are left out.
pub fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && ["target", "node_modules", ".git"].iter().any(|skipped| name == *skipped) {
            continue;
        }
        if path.is_dir() { collect(&path, into)? } else { into.push(path) }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn read_toml(path: &Path) -> Result<Table> {
    read(path)?.parse().with_context(|| format!("{} is not valid TOML", path.display()))
}
