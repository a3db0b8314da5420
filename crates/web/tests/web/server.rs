//! The listening socket and the connections on it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_web::{Settings, bind, serve};
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::fake::House;

/// A server on a free port of 127.0.0.1.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Served {
    pub(crate) async fn start(house: &Arc<House>) -> Self {
        let settings = on("127.0.0.1:0");
        let listener = bind(&settings).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let router = ohmstead_web::router(Arc::clone(house) as _, &settings);
        tracker.spawn(serve(listener, router, stop.clone()));
        Self { address, stop, tracker }
    }

    /// Stops it and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        within(self.tracker.wait()).await;
    }
}

fn on(listen: &str) -> Settings {
    Settings { listen: listen.parse().unwrap(), ..Settings::default() }
}

/// Waits for something that happens at once, unless it is broken.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it never happened")
}

#[tokio::test]
async fn a_request_over_a_socket_is_answered() {
    let house = House::new();
    let served = Served::start(&house).await;
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    within(socket.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\nok\n"), "{answer}");
    served.stop().await;
}

#[rstest]
#[case(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec())]
#[case(b"GET / HTTP/9.9\r\n\r\n".to_vec())]
#[case([b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ".to_vec(), vec![b'x'; 200_000]].concat())]
#[case(b"GET /healthz HTTP/1.1\r\n\r\n".to_vec())]
#[case(b"POST /api/v1/devices/fase_a/mode HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec())]
#[tokio::test]
async fn rubbish_on_a_socket_is_refused_and_the_server_goes_on(#[case] rubbish: Vec<u8>) {
    let house = House::new();
    let served = Served::start(&house).await;
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    // The server may close before all of it is written.
    let _ = socket.write_all(&rubbish).await;
    let _ = socket.shutdown().await;
    let mut answer = Vec::new();
    let _ = within(socket.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(house.asked.lock().unwrap().is_empty());
    let mut next = TcpStream::connect(served.address).await.unwrap();
    next.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut alive = String::new();
    within(next.read_to_string(&mut alive)).await.unwrap();
    assert!(alive.starts_with("HTTP/1.1 200"), "{alive}");
    served.stop().await;
}

#[tokio::test]
async fn a_request_under_way_ends_before_the_stop() {
    let house = House::new();
    let served = Served::start(&house).await;
    let held = Arc::clone(&house.gate).acquire_owned().await.unwrap();
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    let request = b"POST /api/v1/devices/fase_a/mode HTTP/1.1\r\nHost: localhost\r\n\
        Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"mode\":\"idle\"}";
    socket.write_all(request).await.unwrap();
    within(async {
        while house.asked.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    served.stop.cancel();
    // A new connection is refused once the server has seen the stop; only then does the attempt end.
    within(async { while TcpStream::connect(served.address).await.is_ok() {} }).await;
    drop(held);
    let mut answer = String::new();
    within(socket.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "the client is told to ask elsewhere: {answer}");
    served.stop().await;
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_stop() {
    let served = Served::start(&House::new()).await;
    let _idle = TcpStream::connect(served.address).await.unwrap();
    let mut half = TcpStream::connect(served.address).await.unwrap();
    half.write_all(b"GET /healthz HT").await.unwrap();
    served.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_told_with_what_to_do() {
    let first = bind(&on("127.0.0.1:0")).await.unwrap();
    let address = first.local_addr().unwrap();
    let error = bind(&on(&address.to_string())).await.expect_err("the port is taken").to_string();
    assert!(error.starts_with(&format!("{address} is in use by another program")), "{error}");
    assert!(error.contains(&format!("ss -ltnp sport = :{}", address.port())), "{error}");
}

#[tokio::test]
async fn an_address_of_another_machine_is_told_with_what_to_do() {
    let error = bind(&on("192.0.2.7:8230")).await.expect_err("a documentation address").to_string();
    assert_eq!(
        error,
        "192.0.2.7:8230 is not an address of this machine (at present): see `ip address`, or set web.listen to \
         127.0.0.1 or 0.0.0.0"
    );
}
