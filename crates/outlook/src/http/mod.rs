//! One request and one answer: what is sent, what the answer's status means, and how long we wait.
//!
//! ```text
//! provider --Request--> Caller (count, time limit) --> Wire --Reply--> judge --> body | Failure
//! ```

mod judge;
mod request;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Clock;

use crate::{Failure, Secret};

pub use request::Request;
pub use wire::{Internet, NoReply, Reply, Wire};

/// An answer that takes longer is given up.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// More of an answer is not read. The largest that a source has to say is a season of prices, a tenth of this.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Sends the requests of one ask, and counts them.
pub(crate) struct Caller {
    wire: Arc<dyn Wire>,
    clock: Arc<dyn Clock>,
    sent: u32,
    secrets: Vec<Secret>,
}

impl Caller {
    pub(crate) fn new(wire: Arc<dyn Wire>, clock: Arc<dyn Clock>) -> Self {
        Self { wire, clock, sent: 0, secrets: Vec::new() }
    }

    /// How many requests were sent.
    pub(crate) fn sent(&self) -> u32 {
        self.sent
    }

    /// `text` without any secret that was sent: what a server says may repeat it.
    pub(crate) fn hide(&self, text: &str) -> String {
        request::hide(text, &self.secrets)
    }

    /// The body of a good answer, never empty.
    pub(crate) async fn body(&mut self, request: &Request) -> Result<Vec<u8>, Failure> {
        self.sent = self.sent.saturating_add(1);
        self.secrets.extend_from_slice(request.secrets());
        let timeout = self.clock.sleep(TIMEOUT);
        let now = self.clock.now().unix;
        tokio::select! {
            reply = self.wire.exchange(request) => judge::judge(reply, request, now),
            () = timeout => Err(Failure::Unreachable(format!(
                "{} has not answered for {} s", request.host(), TIMEOUT.as_secs()
            ))),
        }
    }
}
