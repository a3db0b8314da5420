//! The task: a worker per source, all side by side, and one board from which the outlook is published.
//!
//! ```text
//! worker: wait until the next ask -> note it -> ask -> take in -> publish -> keep on disk -> wait
//! ```
//! A worker that hangs holds nobody up: nothing is shared while it waits.

mod board;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use ohmstead_model::Clock;
use ohmstead_outside::in_one_line;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::http::Wire;
use crate::{Manual, Outlook, Settings, cache, check};
use board::{Board, Entry};
use worker::Worker;

/// What the outlook is connected to inside the program.
pub struct Links {
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// The way to the outside: [`crate::http::Internet`], or a stand-in.
    pub wire: Arc<dyn Wire>,
    /// Where the cache is, `outlook` in the data folder; nothing is kept over a restart where there is no such place.
    pub folder: Option<PathBuf>,
    /// Whether the cache may be written at present. What it holds is read in any case.
    pub may_keep: Arc<dyn Fn() -> bool + Send + Sync>,
    /// What the owner says.
    pub manual: watch::Receiver<Manual>,
    /// Where the outlook is published.
    pub outlook: watch::Sender<Arc<Outlook>>,
    /// Makes one house ask at other seconds than the next.
    pub seed: u64,
}

/// What becomes old by itself is seen so often.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// Asks and publishes until `stop` is cancelled. Sources that cannot work are named in the log and left out.
pub async fn run(settings: Settings, links: Links, stop: CancellationToken) {
    let (sources, errors) = check::open(&settings);
    for error in errors {
        tracing::error!(target: "outlook", "this source is off: {error}");
    }
    let links = Arc::new(links);
    let board = Arc::new(Board::new(settings.offline));
    let mut workers = Vec::new();
    for (index, source) in sources.into_iter().enumerate() {
        let path = links.folder.as_deref().map(|folder| cache::path(folder, &source.name));
        let held = load(path.clone(), source.opened.provider.identity()).await;
        let fresh_for = source.opened.provider.pace().fresh_for();
        board.add(Entry::new(Arc::clone(&source.name), source.kind, held, fresh_for));
        workers.push(Worker::new(index, source, path, settings.site.zone.clone(), &links, &board));
    }
    board.publish(&links);
    let asking = async {
        if settings.offline {
            return;
        }
        let mut running: FuturesUnordered<_> = workers.iter_mut().map(Worker::run).collect();
        while running.next().await.is_some() {}
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = async { tokio::join!(asking, look_again(&board, &links)); } => {}
    }
    for worker in &mut workers {
        worker.keep_on_stop().await;
    }
}

/// Publishes when the owner says something, and now and then, for figures become stale without anybody saying so.
async fn look_again(board: &Board, links: &Links) {
    let mut manual = links.manual.clone();
    let mut is_open = true;
    loop {
        tokio::select! {
            changed = manual.changed(), if is_open => is_open = changed.is_ok(),
            () = links.clock.sleep(LOOK_AGAIN) => {}
        }
        board.publish(links);
    }
}

/// What was kept of a source. Figures of something else are dropped; that we asked is remembered.
async fn load(path: Option<PathBuf>, identity: String) -> crate::held::Held {
    let read = tokio::task::spawn_blocking(move || path.map_or(Ok(None), |path| cache::read(&path))).await;
    let mut held = match read {
        Ok(Ok(held)) => held.unwrap_or_default(),
        Ok(Err(error)) => {
            tracing::warn!(target: "outlook", "{}", in_one_line(&error));
            crate::held::Held::default()
        }
        // The runtime is being taken down.
        Err(_) => crate::held::Held::default(),
    };
    if held.identity != identity {
        held.forget_figures(identity);
    }
    held
}
