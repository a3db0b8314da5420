//! The other side: one module for each kind, and what they share.

mod http;
mod influx;
mod line;
mod postgres;
mod prometheus;
mod remote_write;

use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::Secret;
use crate::settings::Settings;
use crate::source::Point;

/// Why a batch did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It may arrive later: nobody answers, or something must be put right over there first.
    Later {
        /// What is the case and what to do.
        why: String,
        /// How long the server asks to wait.
        after: Option<Duration>,
    },
    /// The batch is too large.
    TooLarge(String),
    /// Something in it will never be taken.
    Refused {
        /// In the words of the server.
        why: String,
        /// How many values were refused, if the others were taken; `None` if none was.
        only: Option<usize>,
        /// The words are about these very values, not about the request: they are too old, or there is a newer one.
        of_age: bool,
    },
}

impl Failure {
    pub(crate) fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }
}

/// Where values go.
pub(crate) trait Target: Send {
    /// Sends `points`, which are in order of time. It has arrived, and survives a crash over there, when this is `Ok`.
    fn send<'a>(&'a mut self, points: &'a [Point]) -> BoxFuture<'a, Result<(), Failure>>;

    /// The longest span that is asked for at once.
    fn longest(&self) -> Duration {
        Duration::from_secs(86_400)
    }
}

/// The target that the settings describe, or what is wrong in words.
pub(crate) fn open(settings: &Settings) -> Result<Box<dyn Target>, String> {
    Ok(match settings {
        Settings::Influxdb(settings) => Box::new(influx::Influx::new(settings)?),
        Settings::Prometheus(settings) => Box::new(prometheus::RemoteWrite::new(settings)?),
        Settings::Postgresql(settings) => Box::new(postgres::Postgres::new(settings)?),
    })
}

/// The secret that is given in place, else that in the file.
fn secret(given: Option<&Secret>, file: Option<&Path>) -> std::io::Result<Option<Secret>> {
    file.map_or_else(|| Ok(given.cloned()), |path| Secret::of_file(path).map(Some))
}
