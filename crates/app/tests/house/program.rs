//! The binary: the daemon in a folder of its own, and verbs beside it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::broker::{now, pause};
use crate::{DEADLINE, free_port};

/// A folder with a configuration and data.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) web: u16,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), web: free_port() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the configuration: the devices, then whatever else.
    pub(crate) fn configure(&self, devices: &[String], more: &str) -> PathBuf {
        let path = self.path().join("ohmstead.yaml");
        let text = format!(
            "site: {{ timezone: Europe/Paris }}\nweb: {{ listen: 127.0.0.1:{} }}\n{more}\ndevices:\n{}",
            self.web,
            devices.concat()
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ohmstead"));
        command.args(arguments).arg("--config").arg(self.path().join("ohmstead.yaml"));
        command.arg("--data-dir").arg(self.path().join("data"));
        command.current_dir(self.path()).env_remove("NOTIFY_SOCKET").env_remove("JOURNAL_STREAM");
        command
    }

    pub(crate) fn verb(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn run(&self) -> Daemon {
        let log = self.path().join("log");
        let mut command = self.command(&["run"]);
        let child = command.stdout(Stdio::null()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        Daemon { child, log }
    }
}

/// A running daemon; killed with the test.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it in order and returns its exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }

    /// Waits until the log has `text`.
    pub(crate) fn wait_for_log(&self, text: &str) {
        let end = now() + DEADLINE;
        while !self.log().contains(text) {
            assert!(now() < end, "no {text:?} in the log:\n{}", self.log());
            pause();
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
