//! Runs other programs in the open: the command is printed first, its output goes straight to the console.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::console;

/// Folders that hold servers (`mosquitto`) and are missing from an ordinary user's search path.
const SERVER_FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// A command to be printed and run.
pub struct Tool {
    program: &'static str,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    folder: PathBuf,
}

impl Tool {
    /// `program` with `args`, to be run in `folder`.
    pub fn new(folder: &Path, program: &'static str, args: &[&str]) -> Self {
        let args = args.iter().map(OsString::from).collect();
        Self { program, args, env: Vec::new(), folder: folder.to_owned() }
    }

    #[must_use]
    pub fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// Sets a variable to a path, where there is one.
    #[must_use]
    pub fn env_path(self, name: &'static str, path: Option<&Path>) -> Self {
        match path {
            Some(path) => self.env(name, path),
            None => self,
        }
    }

    /// Runs it with the console's output and no input; an error unless it ends with success.
    pub fn run(&self) -> Result<()> {
        console::print(&format!("$ {}", self.shown()));
        let status = self.command().status().with_context(|| format!("cannot start `{}`", self.program))?;
        if !status.success() {
            bail!("`{}` ended with {status}", self.shown());
        }
        Ok(())
    }

    /// Runs it and gives its standard output; errors of its own go to the console.
    pub fn read(&self) -> Result<String> {
        let output = self.command().stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("cannot start `{}`", self.program))?;
        if !output.status.success() {
            bail!("`{}` ended with {}", self.shown(), output.status);
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{}` did not print UTF-8", self.shown()))
    }

    /// Whether it runs and ends with success; all that it says is dropped.
    pub fn works(&self) -> bool {
        let status = self.command().stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(&self.args).current_dir(&self.folder).stdin(Stdio::null()).env("PATH", search_path());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The command as a reader would type it.
    fn shown(&self) -> String {
        let env = self.env.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let words = std::iter::once(self.program.to_owned()).chain(self.args.iter().map(|arg| quoted(arg)));
        env.chain(words).collect::<Vec<_>>().join(" ")
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    if word.contains(|c: char| c.is_whitespace() || "'\"$&|;()*".contains(c)) {
        format!("'{}'", word.replace('\'', r"'\''"))
    } else {
        word.into_owned()
    }
}

/// The search path of the environment, and the folders where servers are.
pub fn search_path() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for folder in SERVER_FOLDERS.map(PathBuf::from) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    // A folder with a colon in its name cannot have come out of `split_paths`.
    std::env::join_paths(folders).unwrap_or(path)
}

/// Whether `program` is on the search path.
pub fn is_installed(program: &str) -> bool {
    std::env::split_paths(&search_path()).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let tool = Tool::new(Path::new("."), "cargo", &["doc", "it's"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(tool.shown(), r"RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s'");
    }

    #[test]
    fn a_failure_names_the_command_and_its_status() {
        let error = Tool::new(Path::new("/"), "false", &["x"]).run().unwrap_err();
        assert_eq!(error.to_string(), "`false x` ended with exit status: 1");
        let error = Tool::new(Path::new("/"), "no-such-program", &[]).run().unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program`");
    }

    #[test]
    fn servers_are_found_although_they_are_not_for_ordinary_users() {
        let path = search_path();
        assert!(std::env::split_paths(&path).any(|folder| folder == Path::new("/usr/sbin")));
        assert!(!is_installed("no-such-program"));
    }
}
