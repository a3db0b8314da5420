//! Just enough HTTP/1.0 for the port-8088 interface: one request per connection, bounded answers.

use std::fmt::Write as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Larger answers are refused; the largest real one, of the settings, has about 100 kB.
const ANSWER_MAX: usize = 4 * 1024 * 1024;
const HEAD_MAX: usize = 16 * 1024;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// An exchange that failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    #[error("the connection broke: {0}")]
    Broke(std::io::Error),
    #[error("the answer is no HTTP")]
    NotHttp,
    #[error("the answer is larger than {} kB", ANSWER_MAX / 1024)]
    TooLarge,
}

/// Sends a request and takes the whole answer. With a body it is a `POST`.
pub(super) async fn exchange(
    host: &str,
    port: u16,
    target: &str,
    body: Option<&str>,
) -> Result<Answer, HttpError> {
    let mut stream = TcpStream::connect((host, port)).await.map_err(HttpError::Connect)?;
    let name = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let request = match body {
        None => format!("GET {target} HTTP/1.0\r\nHost: {name}:{port}\r\nAccept: application/json\r\n\r\n"),
        Some(body) => format!(
            "POST {target} HTTP/1.0\r\nHost: {name}:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    };
    stream.write_all(request.as_bytes()).await.map_err(HttpError::Broke)?;
    let mut received = Vec::new();
    loop {
        if let Some(answer) = parse(&received, false)? {
            return Ok(answer);
        }
        let before = received.len();
        let read = stream.read_buf(&mut received).await.map_err(HttpError::Broke)?;
        if read == 0 || received.len() == before {
            return parse(&received, true)?.ok_or(HttpError::NotHttp);
        }
        if received.len() > HEAD_MAX + ANSWER_MAX {
            return Err(HttpError::TooLarge);
        }
    }
}

/// The answer, if it is complete: by its stated length, or because the connection `has_ended`.
fn parse(received: &[u8], has_ended: bool) -> Result<Option<Answer>, HttpError> {
    let Some(end) = received.windows(4).take(HEAD_MAX).position(|window| window == b"\r\n\r\n") else {
        let is_hopeless =
            received.len() > HEAD_MAX || (received.len() >= 5 && !received.starts_with(b"HTTP/"));
        return if is_hopeless { Err(HttpError::NotHttp) } else { Ok(None) };
    };
    let head =
        std::str::from_utf8(received.get(..end).unwrap_or_default()).map_err(|_| HttpError::NotHttp)?;
    let body = received.get(end + 4..).unwrap_or_default();
    let mut lines = head.split("\r\n");
    let status =
        lines.next().filter(|line| line.starts_with("HTTP/")).and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok()).ok_or(HttpError::NotHttp)?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: Option<usize> =
        length.map(|(_, length)| length.trim().parse().map_err(|_| HttpError::NotHttp)).transpose()?;
    match length {
        Some(length) if length > ANSWER_MAX => Err(HttpError::TooLarge),
        Some(length) if body.len() >= length => {
            Ok(Some(Answer { status, body: body.get(..length).unwrap_or_default().to_vec() }))
        }
        Some(_) => Ok(None),
        None => Ok(has_ended.then(|| Answer { status, body: body.to_vec() })),
    }
}

/// A part of a query, with everything but letters, digits and a few signs escaped.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/') {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("a string takes it");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::with_length("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", false, Some((200, "{}")))]
    #[case::not_yet("HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\n{}", false, None)]
    #[case::cut_off("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n{}", true, None)]
    #[case::until_the_end("HTTP/1.1 404 Not Found\r\n\r\n{}", true, Some((404, "{}")))]
    #[case::head_only("HTTP/1.0 200 OK\r\nServer: x", false, None)]
    fn answers(#[case] text: &str, #[case] has_ended: bool, #[case] expected: Option<(u16, &str)>) {
        let answer = parse(text.as_bytes(), has_ended).expect("it is HTTP");
        assert_eq!(
            answer.map(|answer| (answer.status, answer.body)),
            expected.map(|(status, body)| (status, body.into()))
        );
    }

    #[rstest]
    #[case("SSH-2.0-OpenSSH\r\n")]
    #[case("HTTP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n")]
    #[case("HTTP/1.0 OK\r\n\r\n")]
    #[case("HTTP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n")]
    fn strangers_are_refused(#[case] text: &str) {
        assert!(parse(text.as_bytes(), false).is_err());
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(
            escaped("com.victronenergy.battery.a b&c=/é"),
            "com.victronenergy.battery.a%20b%26c%3D/%C3%A9"
        );
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), has_ended: bool) {
            let _ = parse(&bytes, has_ended);
            let _ = parse(&[b"HTTP/1.0 200\r\n".as_slice(), &bytes].concat(), has_ended);
        }
    }
}
