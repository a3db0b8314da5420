//! The least of HTTP/1.1: one connection that is kept, for servers on this machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::measure::wait;

/// A peer that says nothing for so long is dead. Merging everything takes its time.
const SILENCE: Duration = Duration::from_secs(300);

/// A connection to a port of this machine.
#[derive(Debug)]
pub(crate) struct Http {
    stream: BufReader<TcpStream>,
    port: u16,
}

impl Http {
    /// Connects as soon as somebody listens and `path` is answered with success.
    pub(crate) fn when_ready(port: u16, path: &str) -> Result<Self> {
        for _ in 0..600 {
            if let Ok(mut http) = Self::connect(port)
                && http.get(path).is_ok()
            {
                return Ok(http);
            }
            wait(Duration::from_millis(50));
        }
        bail!("nobody answers {path} on port {port}")
    }

    fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), port })
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<String> {
        self.ask("GET", path, b"")
    }

    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<String> {
        self.ask("POST", path, body)
    }

    fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> Result<String> {
        let (port, length) = (self.port, body.len());
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {length}\r\n\r\n");
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let (status, length) = self.head()?;
        let mut answer = Vec::new();
        match length {
            Some(length) => {
                answer.resize(length, 0);
                self.stream.read_exact(&mut answer)?;
            }
            None if status == 204 => {}
            None => self.chunks(&mut answer)?,
        }
        let answer = String::from_utf8(answer)?;
        if !(200..300).contains(&status) {
            let start: String = answer.chars().take(300).collect();
            bail!("{method} {path:.120} is answered with {status}: {start}");
        }
        Ok(answer)
    }

    /// The status, and the length of the body unless it comes in chunks.
    fn head(&mut self) -> Result<(u16, Option<usize>)> {
        let status = self.line()?.split(' ').nth(1).context("no status")?.parse()?;
        let mut length = None;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                return Ok((status, length));
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = Some(text.trim().parse()?);
            }
        }
    }

    fn chunks(&mut self, answer: &mut Vec<u8>) -> Result<()> {
        loop {
            let length = usize::from_str_radix(self.line()?.trim(), 16).context("no length of a chunk")?;
            let start = answer.len();
            answer.resize(start + length, 0);
            self.stream.read_exact(&mut answer[start..])?;
            self.line()?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the connection was closed");
        }
        Ok(line.trim_end().to_owned())
    }
}

/// What may not stand in a query as it is.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => escaped.push(char::from(byte)),
            _ => escaped.extend(format!("%{byte:02X}").chars()),
        }
    }
    escaped
}
