//! The daemon's end of the socket.

#[cfg(unix)]
pub(crate) use unix::serve;

#[cfg(not(unix))]
pub(crate) async fn serve(
    _dir: &std::path::Path,
    _house: std::sync::Arc<crate::house::House>,
    stop: tokio_util::sync::CancellationToken,
) {
    stop.cancelled().await;
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use rustix::fs::Mode;
    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::{UnixListener, UnixStream};
    use tokio::sync::Semaphore;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use crate::house::House;
    use crate::socket::desk::answer;
    use crate::socket::{NAME, protocol};

    /// Connections at once; more wait in the kernel's queue.
    const CONNECTIONS: usize = 16;
    /// The longest line of a question.
    const LINE: u64 = 64 * 1024;
    /// A peer that says nothing for so long is gone. This is a person's or a script's time, not the house's.
    const IDLE: Duration = Duration::from_secs(60);
    /// A peer that does not take its answer for so long is gone.
    const TAKE: Duration = Duration::from_secs(10);
    /// Wait after a failed accept (no more file descriptors) before the next.
    const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

    /// Serves the socket in `dir` until told to stop, and removes it then. Without a socket the daemon works all the
    /// same.
    pub(crate) async fn serve(dir: &Path, house: Arc<House>, stop: CancellationToken) {
        let path = dir.join(NAME);
        match bind(&path) {
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "no socket: the verbs of the command line cannot talk to this daemon");
                stop.cancelled().await;
            }
            Ok(listener) => {
                accept(&listener, house, stop).await;
                let _ = std::fs::remove_file(&path);
            }
        }
    }

    /// The data directory is locked, so that a socket found there is a dead one's.
    fn bind(path: &Path) -> io::Result<UnixListener> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let before = rustix::process::umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
        let listener = UnixListener::bind(path);
        rustix::process::umask(before);
        listener
    }

    async fn accept(listener: &UnixListener, house: Arc<House>, stop: CancellationToken) {
        let tracker = TaskTracker::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        while let Some(accepted) = stop.run_until_cancelled(next(listener, &places)).await {
            let (stream, place) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (house, stop) = (Arc::clone(&house), stop.clone());
            tracker.spawn(async move {
                let _place = place;
                if let Some(Err(error)) = stop.run_until_cancelled(talk(stream, &house)).await {
                    tracing::debug!(%error, "a connection ended");
                }
            });
        }
        tracker.close();
        tracker.wait().await;
    }

    async fn next(
        listener: &UnixListener,
        places: &Arc<Semaphore>,
    ) -> io::Result<(UnixStream, tokio::sync::OwnedSemaphorePermit)> {
        let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
        listener.accept().await.map(|(stream, _)| (stream, place))
    }

    async fn talk(stream: UnixStream, house: &House) -> io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut bounded = (&mut read).take(LINE);
            let length = tokio::time::timeout(IDLE, bounded.read_until(b'\n', &mut line)).await??;
            if length == 0 {
                return Ok(());
            }
            if line.last() != Some(&b'\n') && length as u64 == LINE {
                let refused = protocol::Failure::new("bad_request", "the line is too long", "at most 64 KiB");
                return send(&mut write, protocol::line(Err(refused))).await;
            }
            let reply = match protocol::question(&line) {
                Ok(question) => answer(house, question).await,
                Err(refused) => Err(refused),
            };
            send(&mut write, protocol::line(reply)).await?;
        }
    }

    async fn send(write: &mut tokio::net::unix::OwnedWriteHalf, line: Vec<u8>) -> io::Result<()> {
        tokio::time::timeout(TAKE, write.write_all(&line)).await?
    }
}
