//! The port-8088 HTTP API (`ai_victron_dbus_api`): a small Python server in front of the bus, with all its habits.
//!
//! ```text
//!   one connection at a time, one request each, HTTP/1.0, no length, JSON with an indent of 2, CORS *
//!   an invalid value is [] with success true; a slow call on the bus holds up everybody
//! ```

mod request;
mod routes;

use crate::venus::serve::Shared;
use request::{Request, read};
use std::{fmt::Write as _, sync::Arc, time::Duration};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

/// A client that sends nothing: the real server would wait for ever, which proves nothing about its client.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which generation of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    /// 1.0.0, read only; an absent path is 500.
    V1,
    /// 3.2.0, writes behind a virtual switch `AI_write`; an absent path is 404.
    #[default]
    V3,
}

impl std::str::FromStr for Api {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1" | "v1" | "1.0.0" => Ok(Self::V1),
            "3" | "v3" | "3.2.0" => Ok(Self::V3),
            _ => Err("expected v1 or v3".to_owned()),
        }
    }
}

/// Serves one client after the other.
pub(in crate::venus) async fn run(
    shared: Arc<Shared>,
    listener: TcpListener,
    version: Api,
    stop: CancellationToken,
) {
    let server = routes::Server::new(version, shared.gx().now_ms());
    let serving = async {
        loop {
            match listener.accept().await {
                // Nobody listens on a GX that restarts.
                Ok(_) if shared.gx().is_down() => {}
                Ok((mut stream, _)) => serve(&shared, &server, &mut stream).await,
                Err(error) => {
                    tracing::debug!(%error, "the simulated HTTP API accepts no connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    stop.run_until_cancelled(serving).await;
}

async fn serve(shared: &Shared, server: &routes::Server, stream: &mut TcpStream) {
    let exchange = async {
        let bytes = match read(stream).await {
            Ok(Some(request)) => answer(shared, server, &request).await,
            Ok(None) => return Ok(()),
            Err(request::Broken::Io(error)) => return Err(error),
            Err(request::Broken::Request(status, words)) => page(status, words),
        };
        stream.write_all(&bytes).await?;
        stream.shutdown().await
    };
    // The slowest page makes half a dozen calls, each of a minute at most.
    if let Ok(Err(error)) = tokio::time::timeout(PATIENCE + Duration::from_secs(360), exchange).await {
        tracing::debug!(%error, "a client of the simulated HTTP API is gone");
    }
}

async fn answer(shared: &Shared, server: &routes::Server, request: &Request) -> Vec<u8> {
    let reply = server.route(shared, request);
    let calls = reply.calls;
    let slow_ms = shared.gx().slow_ms();
    if let Some(ms) = slow_ms {
        tokio::time::sleep(Duration::from_millis(ms.saturating_mul(calls))).await;
    }
    if reply.wrote {
        shared.tell_all();
    }
    match reply.json {
        None if reply.status == 204 => head(204, "application/json"),
        None => page(reply.status, "Unsupported method"),
        Some(json) => {
            let mut bytes = head(reply.status, "application/json");
            bytes.extend(ascii(&serde_json::to_string_pretty(&json).unwrap_or_default()).into_bytes());
            bytes
        }
    }
}

fn head(status: u16, content_type: &str) -> Vec<u8> {
    let reason = match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        414 => "Request-URI Too Long",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        _ => "Internal Server Error",
    };
    format!(
        "HTTP/1.0 {status} {reason}\r\nServer: BaseHTTP/0.6 Python/3.12.9\r\nContent-type: {content_type}\r\n\
         Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET, POST, OPTIONS\r\n\
         Access-Control-Allow-Headers: Content-Type\r\n\r\n"
    )
    .into_bytes()
}

/// The pages of Python's own server are HTML.
fn page(status: u16, words: &str) -> Vec<u8> {
    let mut bytes = head(status, "text/html;charset=utf-8");
    bytes.extend(format!("<!DOCTYPE HTML>\n<title>Error response</title>\n<p>Error code: {status}</p>\n<p>Message: {words}.</p>\n").bytes());
    bytes
}

/// `json.dumps` writes no letter beyond ASCII as it is.
fn ascii(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii() {
            escaped.push(letter);
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}
