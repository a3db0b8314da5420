//! Reading a request, as much of it as Python's small server understands.

use super::PATIENCE;
use std::io;
use tokio::{io::AsyncReadExt as _, net::TcpStream};

/// Request line and headers together.
const HEAD_MAX: usize = 65_536;
/// A body to be written.
const BODY_MAX: usize = 1 << 20;

/// A request.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// Decoded; a parameter without a value is left out, the first of a name counts.
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// A parameter of the query, empty if it is not there.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// What is no request.
#[derive(Debug)]
pub(super) enum Broken {
    /// The client is gone, or silent.
    Io(io::Error),
    /// A status and why.
    Request(u16, &'static str),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The next request; `None` where the client closes without one.
pub(super) async fn read(stream: &mut TcpStream) -> Result<Option<Request>, Broken> {
    let patient = tokio::time::timeout(PATIENCE, read_all(stream)).await;
    patient.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

async fn read_all(stream: &mut TcpStream) -> Result<Option<Request>, Broken> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > HEAD_MAX {
            return Err(Broken::Request(431, "Line too long"));
        }
        if more(stream, &mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut request = first_line(lines.next().unwrap_or_default())?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, value)| value.trim().parse::<usize>());
    let length = length.map_err(|_| Broken::Request(400, "Bad Content-Length"))?;
    if length > BODY_MAX {
        return Err(Broken::Request(400, "Body too large"));
    }
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if more(stream, &mut body).await? == 0 {
            return Ok(None);
        }
    }
    body.truncate(length);
    request.body = body;
    Ok(Some(request))
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<usize> {
    stream.read_buf(bytes).await
}

fn first_line(line: &str) -> Result<Request, Broken> {
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Broken::Request(400, "Bad request syntax"));
    };
    if !version.starts_with("HTTP/1.") {
        return Err(Broken::Request(400, "Bad request version"));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query
        .split('&')
        .filter_map(|part| part.split_once('='))
        .map(|(key, value)| (decoded(key), decoded(value)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    Ok(Request { method: method.to_owned(), path: path.to_owned(), query, body: Vec::new() })
}

/// `%2F` and `+`; what is no escape stays as it is.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        if let Some(byte) = escape {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        let request =
            first_line("GET /value?service=a.b&path=%2FDc%2f0+x%zz&path=2&empty= HTTP/1.1").unwrap();
        assert_eq!(request.path, "/value");
        assert_eq!(request.parameter("path"), "/Dc/0 x%zz");
        assert_eq!(request.parameter("empty"), "");
        for line in ["", "GET /", "GET / FTP/1", "GET / x HTTP/1.1"] {
            assert!(matches!(first_line(line), Err(Broken::Request(400, _))), "{line}");
        }
    }
}
