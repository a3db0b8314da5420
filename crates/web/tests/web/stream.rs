//! The live stream over real loopback sockets.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use ohmstead_model::{Metric, Unknown, Update, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::fake::{House, id};
use crate::server::{Served, within};

/// Opens a stream.
async fn listen(served: &Served) -> TcpStream {
    ask(TcpStream::connect(served.address).await.unwrap()).await
}

async fn ask(mut socket: TcpStream) -> TcpStream {
    socket.write_all(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    socket
}

/// Reads until `text` came, and returns all that came.
async fn until(socket: &mut TcpStream, text: &str) -> String {
    within(read_until(socket, text)).await
}

async fn read_until(socket: &mut TcpStream, text: &str) -> String {
    let mut all = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut searched = 0;
    while !all[searched..].windows(text.len()).any(|window| window == text.as_bytes()) {
        // What was searched is not searched again, except for the beginning of `text` at its end.
        searched = all.len().saturating_sub(text.len());
        let read = socket.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the stream ended before {text:?}: {}", String::from_utf8_lossy(&all));
        all.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(all).unwrap()
}

/// The events without the framing of the transfer.
fn events(received: &str) -> String {
    let lines = received.lines().filter(|line| line.starts_with("event:") || line.starts_with("data:"));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn readings_and_changes_come_as_they_happen() {
    let house = House::new();
    let served = Served::start(&house).await;
    let mut socket = listen(&served).await;
    let head = until(&mut socket, "}").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
    expect![[r#"
        event: hello
        data: {"now":"2026-11-21T08:00:00.000Z","version":"1.2.3"}"#]]
    .assert_eq(&events(&head));
    house.tell(
        "fase_a",
        vec![(Metric::BatterySoc, Ok(Value::Number(81.04))), (Metric::GridPower, Err(Unknown::NotReported))],
    );
    house.announce(Update::Device(id("fase_b")));
    house.announce(Update::Device(id("nobody")));
    house.announce(Update::Removed(id("garage")));
    let received = until(&mut socket, "\"garage\"}").await;
    expect![[r#"
        event: reading
        data: {"device":"fase_a","at":"2026-11-21T08:00:00.000Z","values":{"battery_soc":{"value":81.0,"unit":"%","at":"2026-11-21T08:00:00.000Z","age_ms":0},"grid_power":{"value":null,"unit":"W","at":"2026-11-21T08:00:00.000Z","age_ms":0,"why":"the device does not report it"}}}
        event: device
        data: {"device":"fase_b","driver":"marstek","name":"Fase B","model":null,"firmware":null,"serial":null,"address":"192.0.2.8:30000","phase":null,"online":false,"since":"2026-11-21T07:58:20.000Z","roles":["battery","inverter","grid_meter"],"notices":[],"modes":["auto","idle","charge","discharge","native:ai"],"settings":[],"evidence":[],"control":null,"last_success":"2026-11-21T07:57:50.000Z"}
        event: removed
        data: {"device":"garage"}"#]].assert_eq(&events(&received));
    served.stop().await;
}

#[tokio::test]
async fn a_listener_that_does_not_read_loses_updates_and_is_told() {
    let house = House::new();
    let served = Served::start(&house).await;
    let slow = TcpSocket::new_v4().unwrap();
    slow.set_recv_buffer_size(8 * 1024).unwrap();
    let mut slow = ask(slow.connect(served.address).await.unwrap()).await;
    until(&mut slow, "hello").await;
    let mut quick = listen(&served).await;
    until(&mut quick, "hello").await;
    // More than all buffers on the way hold. The quick listener reads each; the slow one nothing.
    let long = "x".repeat(100_000);
    for n in 0..80 {
        house.tell("fase_a", vec![(Metric::BatteryModeNative, Ok(Value::text(format!("{long}{n}."))))]);
        until(&mut quick, &format!("x{n}.")).await;
    }
    let received = until(&mut slow, "event: lagged").await;
    let last = received.split("event: lagged").last().unwrap();
    let last =
        if last.contains('}') { last.to_owned() } else { last.to_owned() + &until(&mut slow, "}").await };
    let lost: u64 = last.split("\"lost\":").nth(1).unwrap().split('}').next().unwrap().parse().unwrap();
    assert!(lost > 10, "{lost}");
    served.stop().await;
}

#[tokio::test]
async fn streams_are_limited_and_give_their_place_back() {
    let house = House::new();
    let served = Served::start(&house).await;
    let mut open = Vec::new();
    for _ in 0..32 {
        let mut socket = listen(&served).await;
        until(&mut socket, "hello").await;
        open.push(socket);
    }
    let mut refused = listen(&served).await;
    let answer = until(&mut refused, "}}").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("too_many_streams"), "{answer}");
    // Once the server has noticed that one is gone there is room again.
    drop(open.pop());
    while house.listeners() > 31 {
        house.announce(Update::Removed(id("x")));
        tokio::task::yield_now().await;
    }
    let mut another = listen(&served).await;
    until(&mut another, "hello").await;
    served.stop().await;
}

#[tokio::test]
async fn a_stop_ends_open_streams() {
    let house = House::new();
    let served = Served::start(&house).await;
    let mut socket = listen(&served).await;
    until(&mut socket, "hello").await;
    served.stop().await;
    let mut rest = Vec::new();
    within(socket.read_to_end(&mut rest)).await.unwrap();
    assert!(String::from_utf8_lossy(&rest).ends_with("0\r\n\r\n"), "the transfer was ended, not cut");
    assert_eq!(Arc::strong_count(&house), 1, "the program is let go");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_is_kept_alive() {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let house = House::new();
    let request = crate::client::request("GET", "/api/v1/stream", &[], "");
    let mut body = crate::client::open(&house).oneshot(request).await.unwrap().into_body();
    let begun = tokio::time::Instant::now();
    let mut frame = async || within(body.frame()).await.unwrap().unwrap().into_data().unwrap();
    assert!(frame().await.starts_with(b"event: hello\n"));
    assert_eq!(frame().await, &b": keep-alive\n\n"[..]);
    assert_eq!(begun.elapsed().as_secs(), 15);
    // A second one, so that it is no single shot.
    assert_eq!(frame().await, &b": keep-alive\n\n"[..]);
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
}

mod long {
    use super::*;

    /// The kernel gives a peer up that leaves what was sent unread for a minute.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_listener_that_never_reads_gives_its_place_back() {
        let house = House::new();
        let served = Served::start(&house).await;
        let mut stalled = listen(&served).await;
        until(&mut stalled, "hello").await;
        let long = "x".repeat(1_000_000);
        let begun = tokio::time::Instant::now();
        while house.listeners() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(240), "it still holds its place");
            house.tell("fase_a", vec![(Metric::BatteryModeNative, Ok(Value::text(&long)))]);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        served.stop().await;
    }
}
