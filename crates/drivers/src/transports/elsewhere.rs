//! The ports of a machine that is not Linux: none that we know how to use.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Clock;

use super::line::{Candidate, Line, Opener, PortError, Ports};
use super::sysfs::{self, Roots};
use crate::BoxFuture;

/// This machine, or the part of it that `roots` shows.
#[derive(Clone)]
pub struct Machine {
    roots: Roots,
}

impl Machine {
    /// The machine as seen under `roots`.
    pub fn new(roots: Roots, _clock: Arc<dyn Clock>, _gap: Duration) -> Self {
        Self { roots }
    }
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "USB and serial devices are used on Linux only")
}

impl Ports for Machine {
    fn candidates(&self) -> io::Result<Vec<Candidate>> {
        sysfs::candidates(&self.roots)
    }

    fn open<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Box<dyn Line>, PortError>> {
        let error = PortError::Other { path: path.to_owned(), source: unsupported() };
        Box::pin(std::future::ready(Err(error)))
    }

    fn reset<'a>(&'a self, _usb_port: &'a str) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(std::future::ready(Err(unsupported())))
    }

    fn other_openers(&self, path: &Path) -> Vec<Opener> {
        sysfs::openers(&self.roots, path)
    }
}
