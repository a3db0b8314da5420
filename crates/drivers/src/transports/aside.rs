//! Work that the kernel may hold up, beside the tasks that must go on.

use std::io;

/// Runs what the kernel may take seconds for (a device that does not take its bytes holds a write for up to five, a walk
/// through all processes takes as long as there are many) where it keeps nothing else waiting.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
}
