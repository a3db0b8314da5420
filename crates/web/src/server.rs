//! The listening socket and the connections on it.
//!
//! Connections are driven by hand instead of by `axum::serve`, for limits on hostile peers: how many connections, how
//! long a request's head may take, how long sent bytes may stay unread. Network time is real time, even where the house
//! runs on a faster clock: a browser lives in real time.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::Settings;

/// Connections at once. A browser opens up to six, a scraper one; the rest wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 128;
/// How long the head of a request may take, which is also how long an idle connection is kept.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// How long sent bytes may stay unread before the peer counts as gone: a stalled page gives its place back.
const UNREAD_TIME: Duration = Duration::from_secs(60);
/// How long requests under way may take to end once the program stops.
const DRAIN_TIME: Duration = Duration::from_secs(3);
/// The head of a request: cookies, the token and a long query fit many times.
const HEAD_BYTES: usize = 16 * 1024;
/// Wait after a failed accept (no more file descriptors) before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Why the web address cannot be listened on, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error(
        "{0} is in use by another program, perhaps by another ohmstead: find it with `ss -ltnp sport = :{port}`, stop it, \
         or set web.listen to another port",
        port = .0.port()
    )]
    InUse(SocketAddr, #[source] io::Error),
    /// The port is reserved for root.
    #[error(
        "listening on {0} is not allowed: ports below 1024 are for root; set web.listen to a higher port"
    )]
    NotAllowed(SocketAddr, #[source] io::Error),
    /// No interface has the address.
    #[error(
        "{0} is not an address of this machine (at present): see `ip address`, or set web.listen to 127.0.0.1 or 0.0.0.0"
    )]
    NotHere(SocketAddr, #[source] io::Error),
    /// Anything else.
    #[error("listening on {0} failed")]
    Other(SocketAddr, #[source] io::Error),
}

/// Opens the listening socket.
pub async fn bind(settings: &Settings) -> Result<TcpListener, BindError> {
    let address = settings.listen;
    TcpListener::bind(address).await.map_err(|cause| match cause.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse(address, cause),
        io::ErrorKind::PermissionDenied => BindError::NotAllowed(address, cause),
        io::ErrorKind::AddrNotAvailable => BindError::NotHere(address, cause),
        _ => BindError::Other(address, cause),
    })
}

/// The peer of a connection, put into every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Cancelled when the program stops, put into every request: a live stream ends by it.
#[derive(Debug, Clone)]
pub(crate) struct Stop(pub(crate) CancellationToken);

/// Serves `router` on `listener` until `stop`, then lets the requests under way end, live streams at once. It returns
/// when the last connection is closed, at most some seconds after `stop`.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let cut = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let connection = connection(stream, peer, router.clone(), stop.clone());
        let cut = cut.clone();
        tracker.spawn(async move {
            // The place is given back when the connection ends, however it ends.
            let _place = place;
            let _ = cut.run_until_cancelled(connection).await;
        });
    }
    drop(listener);
    tracker.close();
    if tokio::time::timeout(DRAIN_TIME, tracker.wait()).await.is_err() {
        cut.cancel();
        tracker.wait().await;
    }
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            tracing::debug!(target: "web", %error, "a connection was not accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken) {
    // Small events go out at once; a failure of either option only makes the connection slower to send or to give up.
    let _ = stream.set_nodelay(true);
    give_up_on_unread(&stream);
    let to_router = stop.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(Stop(to_router.clone()));
        let answer = router.clone().oneshot(request);
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_header_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(target: "web", %peer, %error, "a connection ended");
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn give_up_on_unread(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNREAD_TIME));
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn give_up_on_unread(stream: &TcpStream) {
    let keepalive = socket2::TcpKeepalive::new().with_time(UNREAD_TIME);
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive);
}
