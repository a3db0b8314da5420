//! Waiting for a file that does not block: by epoll, and by looking now and then where that is not to be relied upon.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Clock;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Files that cannot tell when they are ready (a FUSE file without poll) are looked at this often while something is
/// awaited.
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[expect(
    deprecated,
    reason = "its successor is unsafe for types other than this one: an OwnedFd keeps its descriptor"
)]
fn waiting(fd: OwnedFd) -> io::Result<Waiting> {
    AsyncFd::try_with_interest(fd, Interest::READABLE | Interest::WRITABLE).map(Waiting::Epoll).or_else(
        |refused| {
            let (fd, error) = refused.into_parts();
            if error.kind() == io::ErrorKind::PermissionDenied {
                Ok(Waiting::Looking(fd))
            } else {
                Err(error)
            }
        },
    )
}

/// An open file in non-blocking mode.
pub(super) struct Ready {
    fd: Waiting,
    clock: Arc<dyn Clock>,
}

enum Waiting {
    Epoll(AsyncFd<OwnedFd>),
    /// epoll refuses regular files.
    Looking(OwnedFd),
}

impl Ready {
    pub(super) fn new(fd: OwnedFd, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Ok(Self { fd: waiting(fd)?, clock })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.fd {
            Waiting::Epoll(fd) => fd.get_ref().as_fd(),
            Waiting::Looking(fd) => fd.as_fd(),
        }
    }

    /// One read, as soon as there is something. Nothing read is the end.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(length) = self.read_now(buffer)? {
                return Ok(length);
            }
            self.ready(Interest::READABLE).await?;
        }
    }

    /// One read of what is there; `None` if nothing is. The end is an error.
    pub(super) fn read_now(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match rustix::io::read(self.as_fd(), buffer) {
            Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the other end has gone")),
            Ok(length) => Ok(Some(length)),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// One write.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(self.as_fd(), bytes) {
                Ok(length) => return Ok(length),
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {
                    self.ready(Interest::WRITABLE).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn ready(&self, interest: Interest) -> io::Result<()> {
        let look = self.clock.sleep(LOOK_EVERY);
        let Waiting::Epoll(fd) = &self.fd else {
            look.await;
            return Ok(());
        };
        tokio::select! {
            guard = fd.ready(interest) => {
                // Whoever was woken tries at once; what is not there after all is waited for anew.
                guard?.clear_ready();
                Ok(())
            }
            () = look => Ok(()),
        }
    }
}
