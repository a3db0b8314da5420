//! Binding, and saying clearly why a start failed.

use crate::site::SetupError;
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
};

/// Why a plant does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The plant itself is impossible.
    #[error(transparent)]
    Setup(SetupError),
    /// A way to an inverter that is not there.
    #[error("a way to an inverter that is not there")]
    Inverter {
        /// Why.
        #[source]
        source: crate::site::UnitError,
    },
    /// A way to an inverter cannot be made.
    #[error("{who} cannot be reached at {front}")]
    Front {
        /// Which inverter.
        who: String,
        /// The way.
        front: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Someone has the address already.
    #[error(
        "{who} cannot listen on {address}/udp: the address is in use; stop the other program or give it another port"
    )]
    InUse {
        /// Which battery.
        who: String,
        /// The address wanted.
        address: SocketAddr,
    },
    /// This machine does not have the address.
    #[error(
        "{who} cannot listen on {address}/udp: this machine does not have the address; use one of 127.0.0.0/8 or add it \
         with `ip address add {ip}/32 dev lo`",
        ip = address.ip()
    )]
    NotAvailable {
        /// Which battery.
        who: String,
        /// The address wanted.
        address: SocketAddr,
    },
    /// Ports below 1024 are not for everyone.
    #[error("{who} cannot listen on {address}/udp: not permitted; use a port of 1024 or more")]
    NotPermitted {
        /// Which battery.
        who: String,
        /// The address wanted.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("{who} cannot listen on {address}/udp")]
    Bind {
        /// Which battery.
        who: String,
        /// The address wanted.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Whether the address may have another socket on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It must be free.
    Alone,
    /// Another may be there: one of ours that is just being closed, or other listeners for broadcasts.
    Beside,
}

/// A socket on an address, and the address with its port as given by the system.
pub(super) fn bind(
    who: &str,
    address: SocketAddr,
    claim: Claim,
) -> Result<(UdpSocket, SocketAddr), StartError> {
    if claim == Claim::Alone && taken(address) {
        return Err(StartError::InUse { who: who.to_owned(), address });
    }
    open(address).map_err(|source| {
        let who = who.to_owned();
        match source.kind() {
            io::ErrorKind::AddrInUse => StartError::InUse { who, address },
            io::ErrorKind::AddrNotAvailable => StartError::NotAvailable { who, address },
            io::ErrorKind::PermissionDenied => StartError::NotPermitted { who, address },
            _ => StartError::Bind { who, address, source },
        }
    })
}

fn open(address: SocketAddr) -> io::Result<(UdpSocket, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    let socket = UdpSocket::from(socket);
    let bound = socket.local_addr()?;
    Ok((socket, bound))
}

/// A datagram from an address that is nobody's: for forgeries.
pub(super) fn send_from(from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
    let (socket, _) = open(from)?;
    socket.send_to(bytes, to).map(drop)
}

/// Whether another socket has exactly this address. With `SO_REUSEADDR` the system would let both have it, and one would
/// get nothing; the kernel's table tells (a wildcard socket on the same port is fine). Elsewhere than Linux: unknown.
fn taken(address: SocketAddr) -> bool {
    let SocketAddr::V4(wanted) = address else { return false };
    let Ok(table) = std::fs::read_to_string("/proc/net/udp") else { return false };
    let ip = u32::from_ne_bytes(wanted.ip().octets());
    let entry = format!(" {ip:08X}:{:04X} ", wanted.port());
    wanted.port() != 0 && table.lines().skip(1).any(|line| line.get(..40).unwrap_or(line).contains(&entry))
}

/// Where broadcasts to a port are heard.
pub(super) fn broadcast_address(wanted: Option<SocketAddr>, loopback: bool, port: u16) -> SocketAddr {
    match wanted {
        Some(address) if address.port() != 0 => address,
        Some(address) => SocketAddr::new(address.ip(), port),
        None if loopback => SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 255, 255, 255)), port),
        None => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port),
    }
}
