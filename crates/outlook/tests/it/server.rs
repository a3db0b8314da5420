//! A small HTTP server on loopback that answers what a test says and remembers what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What is answered.
#[derive(Clone)]
pub(crate) enum Canned {
    /// Status, further header lines, body.
    Answer(u16, &'static str, Vec<u8>),
    /// Nothing, for ever.
    Hang,
    /// The connection is cut in the middle of the body.
    Cut,
}

impl Canned {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::Answer(200, "", body.into())
    }
}

/// One request: `GET /path?query`, the header lines in lower case, the body.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) line: String,
    pub(crate) headers: String,
    pub(crate) body: String,
}

type Script = Box<dyn Fn(&Heard) -> Canned + Send + Sync>;

pub(crate) struct Server {
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
    stop: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Server {
    pub(crate) async fn start(script: impl Fn(&Heard) -> Canned + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let (heard, stop) = (Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
        let (script, kept): (Arc<Script>, _) = (Arc::new(Box::new(script)), Arc::clone(&heard));
        let tracker = TaskTracker::new();
        let tasks = tracker.clone();
        let ended = stop.clone();
        tracker.spawn(async move {
            while let Some(Ok((stream, _))) = ended.run_until_cancelled(listener.accept()).await {
                let serving = serve(stream, Arc::clone(&script), Arc::clone(&kept));
                let ended = ended.clone();
                tasks.spawn(async move { ended.run_until_cancelled(serving).await });
            }
        });
        Self { port, heard, stop }
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("no test panics with it").clone()
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Script>, kept: Arc<Mutex<Vec<Heard>>>) {
    while let Some(heard) = request(&mut stream).await {
        kept.lock().expect("no test panics with it").push(heard.clone());
        let written = match script(&heard) {
            Canned::Hang => std::future::pending().await,
            Canned::Cut => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"va").await;
                return;
            }
            Canned::Answer(status, headers, body) => {
                let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
                let head = stream.write_all(head.as_bytes()).await;
                head.and(stream.write_all(&body).await)
            }
        };
        if written.is_err() {
            return;
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<Heard> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let (line, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    let headers: String = headers
        .lines()
        .map(|header| match header.split_once(':') {
            Some((name, value)) => format!("{}:{value}\n", name.to_ascii_lowercase()),
            None => String::new(),
        })
        .collect();
    let length =
        headers.lines().find_map(|header| header.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length.unwrap_or(0) {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    Some(Heard { line, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
