//! Logs: to the console, compact, and to a file if one is configured. Levels can change while the program runs.
//!
//! Lines carry an *area* (`driver.marstek`, `mqtt`, `web`, `store`, `control`, ...) instead of a module path: the words
//! of `log.levels` and of `--log`.

mod areas;
mod file;
mod format;
mod levels;

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

pub(crate) use file::RotatingFile;
use format::{Head, Line};
pub(crate) use levels::{LevelFilter, Levels, ParseLevelsError};

/// The levels in force, to be changed at a reload.
#[derive(Clone, Default)]
pub(crate) struct LevelControl {
    levels: Arc<Mutex<Arc<Levels>>>,
}

impl LevelControl {
    pub(crate) fn new(levels: Levels) -> Self {
        Self { levels: Arc::new(Mutex::new(Arc::new(levels))) }
    }

    /// Puts other levels in force.
    pub(crate) fn set(&self, levels: Levels) {
        *self.levels.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(levels);
        tracing::callsite::rebuild_interest_cache();
    }

    fn get(&self) -> Arc<Levels> {
        Arc::clone(&self.levels.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: tracing::Subscriber> Layer<S> for LevelControl {
    fn register_callsite(
        &self,
        metadata: &'static tracing::Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        if self.get().enabled(metadata.target(), *metadata.level()) {
            tracing::subscriber::Interest::always()
        } else {
            tracing::subscriber::Interest::never()
        }
    }

    fn enabled(
        &self,
        metadata: &tracing::Metadata<'_>,
        _context: tracing_subscriber::layer::Context<'_, S>,
    ) -> bool {
        self.get().enabled(metadata.target(), *metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.get().most())
    }
}

/// Starts the log of this process. Called once; a second call changes nothing.
pub(crate) fn start(levels: &LevelControl, file: Option<RotatingFile>) {
    let head = if std::env::var_os("JOURNAL_STREAM").is_some() { Head::Journal } else { Head::Time };
    let ansi =
        head == Head::Time && std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let console = fmt::layer().event_format(Line { head }).with_ansi(ansi).with_writer(std::io::stderr);
    let file = file
        .map(|file| fmt::layer().event_format(Line { head: Head::Time }).with_ansi(false).with_writer(file));
    let subscriber = Registry::default().with(levels.clone()).with(console).with(file);
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// A panic is a line of the log like any other: journald and the file have it too.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let payload = panic.payload();
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("a panic without words");
    tracing::error!(target: "app", place, "bug: {text}");
}
