//! The command line's end of the socket.

use std::path::Path;

use serde_json::Value;

use super::protocol::{Failure, Question};

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskFailed {
    /// The daemon said no.
    #[error("{}; {}", .0.message, .0.hint)]
    Refused(Failure),
    /// The daemon is gone, or is no daemon of this kind.
    #[error("the daemon did not answer: {0}")]
    Gone(String),
}

#[cfg(unix)]
pub(crate) use unix::Client;

#[cfg(unix)]
mod unix {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::UnixStream;

    use super::{AskFailed, Path, Question, Value};
    use crate::socket::NAME;
    use crate::socket::protocol::Reply;

    /// A connection to a running daemon.
    pub(crate) struct Client {
        stream: BufReader<UnixStream>,
    }

    impl Client {
        /// The daemon that uses the data directory, if one runs.
        pub(crate) async fn connect(dir: &Path) -> Option<Self> {
            let stream = UnixStream::connect(dir.join(NAME)).await.ok()?;
            Some(Self { stream: BufReader::new(stream) })
        }

        /// Asks, and waits for the answer however long the daemon takes: a mode is measured before it is answered.
        pub(crate) async fn ask(&mut self, question: &Question) -> Result<Value, AskFailed> {
            let gone = |error: std::io::Error| AskFailed::Gone(error.to_string());
            let mut line =
                serde_json::to_vec(question).map_err(|error| AskFailed::Gone(error.to_string()))?;
            line.push(b'\n');
            self.stream.write_all(&line).await.map_err(gone)?;
            let mut reply = String::new();
            self.stream.read_line(&mut reply).await.map_err(gone)?;
            if reply.is_empty() {
                return Err(AskFailed::Gone("it closed the connection; is it stopping?".to_owned()));
            }
            match serde_json::from_str(&reply) {
                Ok(Reply::Ok(value)) => Ok(value),
                Ok(Reply::Error(failure)) => Err(AskFailed::Refused(failure)),
                Err(error) => Err(AskFailed::Gone(format!("its answer makes no sense: {error}"))),
            }
        }
    }
}

/// Without Unix sockets there is no talking to a daemon.
#[cfg(not(unix))]
pub(crate) struct Client;

#[cfg(not(unix))]
impl Client {
    pub(crate) async fn connect(_dir: &Path) -> Option<Self> {
        None
    }

    pub(crate) async fn ask(&mut self, _question: &Question) -> Result<Value, AskFailed> {
        Err(AskFailed::Gone("there are no Unix sockets here".to_owned()))
    }
}
