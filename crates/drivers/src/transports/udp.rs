//! Datagrams to one device, from a port of our own choosing or from the device's port.
//!
//! * An **ephemeral** socket is connected to the device: the kernel drops what strangers send, and a closed port on the
//!   device comes back as `ConnectionRefused` instead of silence.
//! * Some firmware answers only if the request comes **from the same port number**. Such a port exists once per machine:
//!   it is bound exclusively (two programs that share a port steal each other's answers) for as long as a device here
//!   needs it, and shared by all such devices: each gets what its own device sends.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use tokio::net::UdpSocket;
use tokio::sync::Notify;

use crate::BoxFuture;

/// The largest datagram UDP can carry; more than any device sends, so that nothing is cut silently.
pub const DATAGRAM_MAX: usize = 65_535;

/// Which local port a request leaves from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourcePort {
    /// Any free port.
    Ephemeral,
    /// The number of the device's own port.
    SameAsDevice,
}

/// An open way to send and receive datagrams.
pub trait Datagrams: Send {
    /// Sends one datagram to `to`.
    fn send<'a>(&'a mut self, bytes: &'a [u8], to: SocketAddr) -> BoxFuture<'a, io::Result<()>>;

    /// Receives the next datagram into `buffer`: its length and sender. Cancel-safe.
    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<(usize, SocketAddr)>>;
}

/// Makes sockets: the real network, or one in memory for a test.
pub trait Network: Send + Sync {
    /// A socket for talking to `device` only.
    fn open(&self, device: SocketAddr, source: SourcePort) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>>;

    /// A socket that may send to broadcast addresses and hears everybody.
    fn open_broadcast(&self) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>>;

    /// The address of a host name.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<SocketAddr>>;
}

/// The network of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

impl Network for Host {
    fn open(&self, device: SocketAddr, source: SourcePort) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        Box::pin(async move {
            let socket: Box<dyn Datagrams> = match source {
                SourcePort::Ephemeral => {
                    let socket = UdpSocket::bind(SocketAddr::new(any(device.ip()), 0)).await?;
                    socket.connect(device).await?;
                    Box::new(Connected(socket))
                }
                SourcePort::SameAsDevice => {
                    Box::new(Port::at(SocketAddr::new(here(device.ip()), device.port()))?.share(device))
                }
            };
            Ok(socket)
        })
    }

    fn open_broadcast(&self) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        Box::pin(async move {
            let socket = UdpSocket::bind(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0)).await?;
            socket.set_broadcast(true)?;
            Ok(Box::new(Unconnected(socket)) as Box<dyn Datagrams>)
        })
    }

    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<SocketAddr>> {
        Box::pin(async move {
            let mut addresses = tokio::net::lookup_host((host, port)).await?;
            addresses
                .next()
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address")))
        })
    }
}

fn any(family_of: IpAddr) -> IpAddr {
    match family_of {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// Where a fixed port is bound. On loopback the simulated device has the same port of this very machine, which a bind to
/// all addresses would collide with.
fn here(device: IpAddr) -> IpAddr {
    match device {
        IpAddr::V4(ip) if ip.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        device => any(device),
    }
}

struct Connected(UdpSocket);

impl Datagrams for Connected {
    fn send<'a>(&'a mut self, bytes: &'a [u8], _to: SocketAddr) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move { self.0.send(bytes).await.map(|_| ()) })
    }

    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<(usize, SocketAddr)>> {
        Box::pin(async move {
            let length = self.0.recv(buffer).await?;
            Ok((length, self.0.peer_addr()?))
        })
    }
}

struct Unconnected(UdpSocket);

impl Datagrams for Unconnected {
    fn send<'a>(&'a mut self, bytes: &'a [u8], to: SocketAddr) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move { self.0.send_to(bytes, to).await.map(|_| ()) })
    }

    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<(usize, SocketAddr)>> {
        Box::pin(async move { self.0.recv_from(buffer).await })
    }
}

/// The fixed ports of this process. A local port is a resource of the whole machine, hence the process-wide table.
static FIXED: LazyLock<Mutex<BTreeMap<SocketAddr, Weak<Port>>>> = LazyLock::new(Mutex::default);

/// Datagrams that wait for one device's reader; more are dropped, as a socket does.
const INBOX_MAX: usize = 16;

/// A fixed port, open as long as one device uses it.
struct Port {
    socket: UdpSocket,
    inboxes: Mutex<BTreeMap<SocketAddr, Weak<Inbox>>>,
}

/// What came for one device while the reader of another held the socket.
#[derive(Default)]
struct Inbox {
    waiting: Mutex<VecDeque<Vec<u8>>>,
    arrived: Notify,
}

/// One device's share of a fixed port.
struct Share {
    port: Arc<Port>,
    device: SocketAddr,
    inbox: Arc<Inbox>,
}

impl Port {
    /// The port that `local` names, bound exclusively unless this process has it already.
    fn at(local: SocketAddr) -> io::Result<Arc<Self>> {
        let mut fixed = lock(&FIXED);
        if let Some(port) = fixed.get(&local).and_then(Weak::upgrade) {
            return Ok(port);
        }
        let socket = std::net::UdpSocket::bind(local)?;
        socket.set_nonblocking(true)?;
        let port = Arc::new(Self { socket: UdpSocket::from_std(socket)?, inboxes: Mutex::default() });
        fixed.retain(|_, port| port.strong_count() > 0);
        fixed.insert(local, Arc::downgrade(&port));
        Ok(port)
    }

    fn share(self: Arc<Self>, device: SocketAddr) -> Share {
        let inbox = Arc::new(Inbox::default());
        let mut inboxes = lock(&self.inboxes);
        inboxes.retain(|_, inbox| inbox.strong_count() > 0);
        inboxes.insert(device, Arc::downgrade(&inbox));
        drop(inboxes);
        Share { port: self, device, inbox }
    }

    /// Hands a datagram to the device it came from, or drops it where there is none.
    fn forward(&self, from: SocketAddr, bytes: &[u8]) {
        let Some(inbox) = lock(&self.inboxes).get(&from).and_then(Weak::upgrade) else { return };
        let mut waiting = lock(&inbox.waiting);
        if waiting.len() < INBOX_MAX {
            waiting.push_back(bytes.to_vec());
            inbox.arrived.notify_one();
        }
    }
}

impl Share {
    async fn next(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        loop {
            let waiting = lock(&self.inbox.waiting).pop_front();
            if let Some(bytes) = waiting {
                let length = bytes.len().min(buffer.len());
                buffer[..length].copy_from_slice(&bytes[..length]);
                return Ok((length, self.device));
            }
            tokio::select! {
                biased;
                () = self.inbox.arrived.notified() => {}
                received = self.port.socket.recv_from(buffer) => {
                    let (length, from) = received?;
                    if from == self.device {
                        return Ok((length, from));
                    }
                    self.port.forward(from, &buffer[..length]);
                }
            }
        }
    }
}

impl Datagrams for Share {
    fn send<'a>(&'a mut self, bytes: &'a [u8], to: SocketAddr) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move { self.port.socket.send_to(bytes, to).await.map(|_| ()) })
    }

    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<(usize, SocketAddr)>> {
        Box::pin(self.next(buffer))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
