//! What every handler can reach.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::security::Access;
use crate::{Backend, Settings};

/// Live streams at once: each page has one. Beyond it, a page is told to come back.
const STREAMS_MAX: usize = 32;

/// The program behind the interface and what the interface itself keeps.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) access: Arc<Access>,
    pub(crate) streams: Arc<Semaphore>,
}

impl App {
    pub(crate) fn new(backend: Arc<dyn Backend>, settings: &Settings) -> Self {
        Self {
            backend,
            access: Arc::new(Access::new(settings)),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        }
    }
}
