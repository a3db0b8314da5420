//! The task of one device: its socket, and the answers that wait for their time.

use super::{Mail, Shared, socket::send_from};
use crate::site::Delivery;
use std::{cmp::Reverse, collections::BinaryHeap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::UdpSocket, sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

/// Answers that may wait; more are dropped, as a small module would.
const WAITING_MAX: usize = 256;
/// The largest UDP payload.
const DATAGRAM_MAX: usize = 65_535;
/// Far enough to be never.
const NEVER: Duration = Duration::from_secs(86_400 * 365);

/// An answer that waits: due, order of arrival, what.
type Waiting = Reverse<(Instant, u64, QueuedBytes)>;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct QueuedBytes {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// Runs one device until told to stop.
pub(super) async fn run(
    shared: Arc<Shared>,
    index: usize,
    socket: Option<std::net::UdpSocket>,
    mut inbox: mpsc::Receiver<Mail>,
    stop: CancellationToken,
) {
    let mut socket = socket.and_then(open);
    let mut waiting = Outbox::default();
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            mail = inbox.recv() => match mail {
                // What the old address still had to say is lost with it.
                Some(Mail::Open(new)) => (socket, waiting) = (open(new), Outbox::default()),
                Some(Mail::Close) => (socket, waiting) = (None, Outbox::default()),
                Some(Mail::Send(answers)) => waiting.add(&shared, answers),
                None => return,
            },
            received = receive(socket.as_ref(), &mut buffer) => if let Some((bytes, from)) = received {
                let answers = shared.unicast(index, from, bytes);
                waiting.add(&shared, answers);
            },
            () = tokio::time::sleep_until(waiting.next_due()) => waiting.send_due(socket.as_ref()).await,
        }
    }
}

/// Hears broadcasts to one port until told to stop.
pub(super) async fn listen(
    shared: Arc<Shared>,
    socket: std::net::UdpSocket,
    port: u16,
    stop: CancellationToken,
) {
    let Some(socket) = open(socket) else { return };
    let mut buffer = vec![0; DATAGRAM_MAX];
    while let Some(received) = stop.run_until_cancelled(receive(Some(&socket), &mut buffer)).await {
        if let Some((bytes, from)) = received {
            shared.broadcast(from, port, bytes);
        }
    }
}

fn open(socket: std::net::UdpSocket) -> Option<UdpSocket> {
    UdpSocket::from_std(socket)
        .inspect_err(|error| tracing::warn!(%error, "a simulated battery's socket cannot be used"))
        .ok()
}

/// The next datagram; waits for ever without a socket. An error (an ICMP answer to one of our own) is no datagram.
async fn receive<'a>(socket: Option<&UdpSocket>, buffer: &'a mut [u8]) -> Option<(&'a [u8], SocketAddr)> {
    let Some(socket) = socket else { return std::future::pending().await };
    let (length, from) = socket.recv_from(buffer).await.ok()?;
    Some((&buffer[..length], from))
}

#[derive(Debug, Default)]
struct Outbox {
    heap: BinaryHeap<Waiting>,
    arrivals: u64,
}

impl Outbox {
    fn add(&mut self, shared: &Shared, answers: Vec<Delivery>) {
        for Delivery { after_ms, from, to, bytes } in answers {
            if self.heap.len() >= WAITING_MAX {
                tracing::debug!(%to, "a simulated answer is dropped: too many wait");
                continue;
            }
            self.arrivals += 1;
            self.heap.push(Reverse((
                shared.clock.due(after_ms),
                self.arrivals,
                QueuedBytes { from, to, bytes },
            )));
        }
    }

    fn next_due(&self) -> Instant {
        self.heap.peek().map_or_else(|| Instant::now() + NEVER, |Reverse((due, ..))| *due)
    }

    /// Sends what is due: from the device's socket, or for a forgery from the address it pretends to have.
    async fn send_due(&mut self, socket: Option<&UdpSocket>) {
        let now = Instant::now();
        while self.heap.peek().is_some_and(|Reverse((due, ..))| *due <= now) {
            let Some(Reverse((_, _, QueuedBytes { from, to, bytes }))) = self.heap.pop() else { return };
            let own = socket.filter(|socket| socket.local_addr().is_ok_and(|local| local == from));
            let sent = match own {
                Some(socket) => socket.send_to(&bytes, to).await.map(drop),
                None => send_from(from, to, &bytes),
            };
            if let Err(error) = sent {
                tracing::debug!(%from, %to, %error, "a simulated answer could not be sent");
            }
        }
    }
}
