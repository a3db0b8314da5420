//! The bus: every service a connection of its own, so that one can crash and come back alone.
//!
//! ```text
//!   absent --present--> connect, take the name --calls, ItemsChanged each second--> gone: the connection just ends
//!     ^                                                                                 |
//!     +---------------------------------------------------------------------------------+
//! ```

mod answer;
mod wire;

use crate::venus::{
    serve::{Shared, StartError},
    tree::{Item, Service},
};
use answer::answer;
use futures_util::StreamExt as _;
use std::{collections::HashMap, num::NonZeroUsize, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wire::attributes;
use zbus::{
    Connection, MessageStream,
    connection::{AuthMechanism, Builder},
    fdo::{RequestNameFlags, RequestNameReply},
    message::{Message, Type},
};

/// The interface of every path.
const ITEM: &str = "com.victronenergy.BusItem";
/// Calls that may wait for a service; a client that floods more waits at the bus.
const QUEUED: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");
/// A bus that takes this long does not answer.
const CONNECT: Duration = Duration::from_secs(5);
/// After a connection was lost.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a service is not on the bus.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus takes no connection, or not under this name.
    // Its words hold those of its own source already.
    #[error("{0}")]
    Bus(zbus::Error),
    /// The bus is silent.
    #[error("no answer within {} s", CONNECT.as_secs())]
    Silent,
    /// Another program has the name.
    #[error("the name {name} is taken by another program")]
    Taken {
        /// The bus name.
        name: String,
    },
}

impl From<zbus::Error> for BusError {
    fn from(error: zbus::Error) -> Self {
        Self::Bus(error)
    }
}

/// Puts all services on the bus and starts a task for each.
pub(in crate::venus) async fn start(
    shared: &Arc<Shared>,
    address: &str,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(), StartError> {
    let count = shared.gx().tree().services().len();
    let mut sessions = Vec::new();
    for index in 0..count {
        let session = Session::open(shared, index, address).await;
        sessions.push(session.map_err(|source| StartError::Bus { address: address.to_owned(), source })?);
    }
    for (index, session) in sessions.into_iter().enumerate() {
        let (shared, stop) = (Arc::clone(shared), stop.clone());
        let address = address.to_owned();
        tasks.spawn(async move {
            stop.run_until_cancelled(keep_up(shared, index, address, session)).await;
        });
    }
    Ok(())
}

/// Serves one service for ever, as often as it comes and goes.
async fn keep_up(shared: Arc<Shared>, index: usize, address: String, mut session: Option<Session>) {
    let mut changed = shared.changed();
    loop {
        if let Some(session) = session.take() {
            session.run(&shared, &mut changed).await;
        }
        if !shared.gx().tree().services()[index].present {
            if changed.changed().await.is_err() {
                return;
            }
            continue;
        }
        match Session::open(&shared, index, &address).await {
            Ok(opened) => session = opened,
            Err(error) => {
                tracing::debug!(%error, "a simulated service is not on the bus");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// One life of a service.
struct Session {
    index: usize,
    life: u32,
    connection: Connection,
    calls: MessageStream,
    revision: u64,
}

impl Session {
    /// `None`: the service is not there at the moment.
    async fn open(shared: &Shared, index: usize, address: &str) -> Result<Option<Self>, BusError> {
        let (name, life, present, revision) = {
            let gx = shared.gx();
            let service = &gx.tree().services()[index];
            (service.bus_name(), service.life, service.present, gx.tree().revision())
        };
        if !present {
            return Ok(None);
        }
        let opening = async {
            let connection = connect(address).await?;
            // The stream stands before the name does: no call is missed.
            let calls = MessageStream::from(&connection);
            let reply =
                connection.request_name_with_flags(name.as_str(), RequestNameFlags::DO_NOT_QUEUE).await;
            match reply {
                Ok(RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner) => {}
                Ok(_) | Err(zbus::Error::NameTaken) => return Err(BusError::Taken { name: name.clone() }),
                Err(error) => return Err(error.into()),
            }
            Ok(Self { index, life, connection, calls, revision })
        };
        tokio::time::timeout(CONNECT, opening).await.map_err(|_| BusError::Silent)?.map(Some)
    }

    /// Answers and tells until the service is gone or the bus is.
    async fn run(mut self, shared: &Shared, changed: &mut watch::Receiver<u64>) {
        loop {
            tokio::select! {
                biased;
                told = changed.changed() => if told.is_err() || !self.tell(shared).await { break },
                call = self.calls.next() => match call {
                    Some(Ok(message)) => if !self.take(shared, &message).await { break },
                    Some(Err(error)) => tracing::debug!(%error, "a message on the bus cannot be read"),
                    None => break,
                },
            }
        }
        // The name leaves with the connection; no value is declared void.
        let _ = self.connection.close().await;
    }

    /// Answers one message if it is a call. `false`: the bus is gone.
    async fn take(&self, shared: &Shared, message: &Message) -> bool {
        if message.message_type() != Type::MethodCall {
            return true;
        }
        let slow_ms = shared.gx().slow_ms();
        if let Some(ms) = slow_ms {
            // A service answers one call after the other.
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let (reply, wrote) = answer(shared, self.index, message);
        if wrote {
            shared.tell_all();
        }
        match reply {
            Ok(Some(reply)) => self.connection.send(&reply).await.is_ok(),
            Ok(None) => true,
            Err(error) => {
                tracing::debug!(%error, "an answer on the bus cannot be built");
                true
            }
        }
    }

    /// Sends what changed since the last time. `false`: the service or the bus is gone.
    async fn tell(&mut self, shared: &Shared) -> bool {
        let signals = {
            let gx = shared.gx();
            let service = &gx.tree().services()[self.index];
            if !service.present || service.life != self.life {
                return false;
            }
            let since = std::mem::replace(&mut self.revision, gx.tree().revision());
            let changes: Vec<_> = service.changed_since(since).collect();
            signals(service, &changes, since)
        };
        for signal in signals {
            match signal {
                Ok(signal) => {
                    if self.connection.send(&signal).await.is_err() {
                        return false;
                    }
                }
                Err(error) => tracing::debug!(%error, "a signal on the bus cannot be built"),
            }
        }
        true
    }
}

/// `ItemsChanged` for all at once; localsettings tells each setting alone.
fn signals(service: &Service, changes: &[(&str, &Item)], since: u64) -> Vec<zbus::Result<Message>> {
    if changes.is_empty() {
        return Vec::new();
    }
    if service.class == "settings" {
        let signal = |(path, item): &(&str, &Item)| {
            let is_described = item.is_described_since(since);
            let of = if is_described { wire::Of::Description } else { wire::Of::Signal };
            Message::signal(*path, ITEM, "PropertiesChanged").build(&attributes(service, item, of))
        };
        return changes.iter().map(signal).collect();
    }
    let items: HashMap<&str, _> =
        changes.iter().map(|(path, item)| (*path, attributes(service, item, wire::Of::Signal))).collect();
    vec![Message::signal("/", ITEM, "ItemsChanged").build(&items)]
}

async fn connect(address: &str) -> Result<Connection, BusError> {
    let builder = match address {
        "system" => Builder::system(),
        "session" => Builder::session(),
        address if address.starts_with("tcp:") => {
            Builder::address(address).auth_mechanism(AuthMechanism::Anonymous)
        }
        address => Builder::address(address),
    };
    Ok(builder.max_queued(QUEUED).build().await?)
}
