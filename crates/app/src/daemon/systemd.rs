//! What systemd is told: ready, reloading, stopping, and that the program is alive. Elsewhere nothing happens.

use std::time::Duration;

#[cfg(unix)]
pub(super) use unix::{ready, reloading, stopping, watchdog, watchdog_every};

#[cfg(unix)]
mod unix {
    use sd_notify::NotifyState;

    use super::Duration;

    fn notify(states: &[NotifyState<'_>]) {
        // Without a service manager there is nobody to tell.
        let _ = sd_notify::notify(states);
    }

    pub(in crate::daemon) fn ready() {
        notify(&[NotifyState::Ready]);
    }

    pub(in crate::daemon) fn reloading() {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => notify(&[NotifyState::Reloading, now]),
            Err(error) => tracing::debug!(%error, "no monotonic time for systemd"),
        }
    }

    pub(in crate::daemon) fn stopping() {
        notify(&[NotifyState::Stopping]);
    }

    pub(in crate::daemon) fn watchdog() {
        notify(&[NotifyState::Watchdog]);
    }

    /// How often systemd wants to hear from us, with time to spare.
    pub(in crate::daemon) fn watchdog_every() -> Option<Duration> {
        sd_notify::watchdog_enabled().map(|limit| limit / 2).filter(|every| !every.is_zero())
    }
}

#[cfg(not(unix))]
pub(super) fn ready() {}
#[cfg(not(unix))]
pub(super) fn reloading() {}
#[cfg(not(unix))]
pub(super) fn stopping() {}
#[cfg(not(unix))]
pub(super) fn watchdog() {}
#[cfg(not(unix))]
pub(super) fn watchdog_every() -> Option<Duration> {
    None
}
