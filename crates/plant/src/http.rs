//! As much of an HTTP server as a stand-in for a service needs: one request, one JSON answer, and the connection is closed.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The longest request that is read.
const REQUEST_MAX: usize = 8_192;
/// How long a client may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is answered.
pub(crate) enum Reply {
    /// What was asked for.
    Good(Value),
    /// Why the question cannot be answered, as the service says it.
    Bad(Value),
}

/// Serves `answer`, which is given path and query, on `listen` until told to stop. Returns the address.
pub(crate) async fn serve(
    listen: SocketAddr,
    answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let serving = async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            // A client that hangs is cut off, and a broken one has gone already.
            let _ = tokio::time::timeout(PATIENCE, exchange(&mut stream, &answer)).await;
        }
    };
    tasks.spawn(async move { stop.run_until_cancelled(serving).await });
    Ok(address)
}

async fn exchange(stream: &mut TcpStream, answer: &impl Fn(&str) -> Reply) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && request.len() < REQUEST_MAX {
        let mut byte = [0; 512];
        let count = stream.read(&mut byte).await?;
        if count == 0 {
            break;
        }
        request.extend_from_slice(&byte[..count]);
    }
    let request = String::from_utf8_lossy(&request);
    let target = request.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match answer(target) {
        Reply::Good(body) => ("200 OK", body.to_string()),
        Reply::Bad(body) => ("400 Bad Request", body.to_string()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// Asks `target` at `address`: status line and body.
#[cfg(test)]
pub(crate) async fn asked(address: SocketAddr, target: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
}
