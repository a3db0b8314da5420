//! The door to the actuators: finds the device's queue and hands the request in.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use ohmstead_model::{Answer, AskError, Commands, DeviceId, LedgerEntry, Request};
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for one device.
const QUEUE: usize = 8;

/// A request on its way to its device's task.
pub(crate) struct Ask {
    /// What is asked.
    pub(crate) request: Request,
    /// Where the answer goes; nobody may be waiting any more.
    pub(crate) answer: oneshot::Sender<Result<LedgerEntry, AskError>>,
}

/// All devices' queues.
#[derive(Default)]
pub(crate) struct Commander {
    queues: RwLock<HashMap<DeviceId, mpsc::Sender<Ask>>>,
}

impl Commander {
    /// The queue of a device that is new or configured anew.
    pub(crate) fn open(&self, id: DeviceId) -> mpsc::Receiver<Ask> {
        let (queue, requests) = mpsc::channel(QUEUE);
        self.queues.write().unwrap_or_else(PoisonError::into_inner).insert(id, queue);
        requests
    }

    /// Forgets a device that is no longer configured.
    pub(crate) fn close(&self, id: &DeviceId) {
        self.queues.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    fn hand_in(
        &self,
        request: Request,
    ) -> Result<oneshot::Receiver<Result<LedgerEntry, AskError>>, AskError> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.get(&request.device).ok_or(AskError::UnknownDevice)?;
        let (answer, answered) = oneshot::channel();
        queue.try_send(Ask { request, answer }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => AskError::Busy,
            mpsc::error::TrySendError::Closed(_) => AskError::Stopping,
        })?;
        Ok(answered)
    }
}

impl Commands for Commander {
    fn ask(&self, request: Request) -> Answer {
        let handed_in = self.hand_in(request);
        Box::pin(async move { handed_in?.await.unwrap_or(Err(AskError::Stopping)) })
    }
}
