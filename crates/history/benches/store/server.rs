//! Another program as a server on this machine, for as long as it is asked.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::measure::{Memory, wait};

/// A process that ends with this value: asked to, and killed if it does not.
#[derive(Debug)]
pub(crate) struct Server(Child);

impl Server {
    /// Starts it. What it says goes to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        command.spawn().map(Self).with_context(|| format!("cannot start {command:?}"))
    }

    /// Resident memory, MB.
    pub(crate) fn memory(&self) -> Result<f64> {
        Ok(Memory::of(&self.0.id().to_string())?.resident)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        }
        for _ in 0..100 {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            wait(Duration::from_millis(100));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody listens on at present.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
