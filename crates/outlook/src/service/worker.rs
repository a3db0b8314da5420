//! One source at work.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::tz::TimeZone;
use ohmstead_model::{Moment, TimeSpan, UnixMillis};
use ohmstead_outside::in_one_line;

use super::Links;
use super::board::Board;
use crate::answer::Lack;
use crate::check::Named;
use crate::held::News;
use crate::http::Caller;
use crate::provider::{Ask, Provider};
use crate::schedule::{Pace, next_ask};
use crate::{Answer, Failure, Kind, cache};

/// Nobody waits longer without a look at the clock on the wall, which may jump.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(600);
/// Houses that come back after one power cut do not ask in the same second.
const FIRST_WITHIN: Duration = Duration::from_secs(5);
/// What changed only in its age is kept on disk so often.
const KEEP_EVERY: Duration = Duration::from_secs(3600);
/// With so few calls a day each is kept on disk before it is made.
const CALLS_DEAR: u32 = 50;
/// 2024-01-01: a clock before it was never set.
const CLOCK_SET: UnixMillis = UnixMillis(1_704_067_200_000);

pub(super) struct Worker {
    index: usize,
    name: Arc<str>,
    kind: Kind,
    provider: Box<dyn Provider>,
    pace: Pace,
    path: PathBuf,
    site: TimeZone,
    links: Arc<Links>,
    board: Arc<Board>,
    random: fastrand::Rng,
    /// When the file was last written, and whether there is more to write.
    kept_at: Option<Moment>,
    is_unkept: bool,
    has_complained_of_disk: bool,
}

impl Worker {
    pub(super) fn new(
        index: usize,
        source: Named,
        path: PathBuf,
        site: TimeZone,
        links: &Arc<Links>,
        board: &Arc<Board>,
    ) -> Self {
        let salt =
            source.name.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Self {
            index,
            name: source.name,
            kind: source.kind,
            pace: source.opened.provider.pace(),
            provider: source.opened.provider,
            path,
            site,
            links: Arc::clone(links),
            board: Arc::clone(board),
            random: fastrand::Rng::with_seed(links.seed ^ salt),
            kept_at: None,
            is_unkept: false,
            has_complained_of_disk: false,
        }
    }

    /// Asks for ever.
    pub(super) async fn run(&mut self) {
        let first = FIRST_WITHIN.mul_f64(self.random.f64());
        self.links.clock.sleep(first).await;
        loop {
            let jitter = self.random.f64();
            self.wait(jitter).await;
            self.ask().await;
        }
    }

    /// Returns when it is time to ask.
    async fn wait(&mut self, jitter: f64) {
        let mut shown = None;
        loop {
            let now = self.links.clock.now().unix;
            let next = if now < CLOCK_SET { now.plus(LOOK_AT_CLOCK / 20) } else { self.next(now, jitter) };
            if next <= now {
                return;
            }
            if shown != Some(next) {
                shown = Some(next);
                self.board.with(self.index, |entry| {
                    entry.next_try = Some(next);
                    if now < CLOCK_SET {
                        entry.trouble = Some("the clock of this machine is not set".to_owned());
                    }
                });
                self.board.publish(&self.links);
            }
            let pause = TimeSpan::new(now, next).length().min(LOOK_AT_CLOCK);
            self.links.clock.sleep(pause).await;
        }
    }

    fn next(&self, now: UnixMillis, jitter: f64) -> UnixMillis {
        let next = self.board.with(self.index, |entry| {
            let known_until = entry.held.known_until(self.kind);
            next_ask(&entry.held.memory, &self.pace, known_until, now, &self.site, jitter)
        });
        next.unwrap_or(now)
    }

    async fn ask(&mut self) {
        let now = self.links.clock.now().unix;
        self.board.with(self.index, |entry| entry.held.memory.asking(now, self.pace.calls));
        self.is_unkept = true;
        if self.pace.per_day.is_some_and(|calls| calls <= CALLS_DEAR) || self.is_time_to_keep() {
            self.keep().await;
        }
        let mut caller = Caller::new(Arc::clone(&self.links.wire), Arc::clone(&self.links.clock));
        let ask = Ask { now };
        let asked = AssertUnwindSafe(self.provider.fetch(&mut caller, &ask)).catch_unwind().await;
        let answer = asked.unwrap_or_else(|_| {
            Err(Failure::Unreachable("its answer met a defect of this program; please report it".to_owned()))
        });
        let answer =
            answer.and_then(|answer| if answer.is_empty() { Err(Failure::NotYet) } else { Ok(answer) });
        let news = self.take(answer, &caller);
        self.board.publish(&self.links);
        self.is_unkept = true;
        if news == News::Changed || self.is_time_to_keep() {
            self.keep().await;
        }
    }

    /// Puts the outcome on the board; one line in the log for each change of state, not for each try.
    fn take(&mut self, answer: Result<Answer, Failure>, caller: &Caller) -> News {
        let now = self.links.clock.now().unix;
        let (news, before, after, refused) = self
            .board
            .with(self.index, |entry| {
                entry.held.memory.took(caller.sent());
                let before = entry.trouble.take();
                let failed_before = entry.held.memory.failures > 0;
                let mut news = News::Same;
                match answer {
                    Ok(mut answer) => {
                        match answer.lack.take() {
                            // What it did say counts, and the rest is a trouble like any other.
                            Some(Lack { what, why }) => {
                                entry.held.memory.failed(now, &why);
                                entry.trouble = Some(caller.hide(&format!("{what}: {why}")));
                            }
                            None => entry.held.memory.succeeded(),
                        }
                        news = entry.held.take(answer, now);
                    }
                    Err(failure) => {
                        entry.held.memory.failed(now, &failure);
                        entry.trouble = Some(caller.hide(&failure.to_string()));
                    }
                }
                if failed_before != (entry.held.memory.failures > 0) {
                    // How long to stay away must outlive a power cut.
                    news = News::Changed;
                }
                (news, before, entry.trouble.clone(), entry.held.refused)
            })
            .unwrap_or((News::Same, None, None, 0));
        match (before, after) {
            (None, Some(why)) => tracing::warn!(target: "outlook", source = &*self.name, "{why}"),
            (Some(_), None) => tracing::info!(target: "outlook", source = &*self.name, "it answers again"),
            (Some(before), Some(after)) if before != after => {
                tracing::info!(target: "outlook", source = &*self.name, "{after}");
            }
            _ => {}
        }
        if refused > 0 && news == News::Changed {
            tracing::info!(target: "outlook", source = &*self.name, refused, "values that cannot be were left out");
        }
        news
    }

    fn is_time_to_keep(&self) -> bool {
        let now = self.links.clock.now();
        self.is_unkept && self.kept_at.is_none_or(|at| now.since(at) >= KEEP_EVERY)
    }

    /// Writes the file. What cannot be written is said once, and tried again with the next.
    async fn keep(&mut self) {
        let Some(held) = self.board.with(self.index, |entry| entry.held.clone()) else { return };
        let (path, name) = (self.path.clone(), Arc::clone(&self.name));
        let written = tokio::task::spawn_blocking(move || cache::write(&path, &name, &held)).await;
        self.kept_at = Some(self.links.clock.now());
        let Ok(Err(error)) = written else {
            (self.is_unkept, self.has_complained_of_disk) = (false, false);
            return;
        };
        if !self.has_complained_of_disk {
            tracing::warn!(target: "outlook", source = &*self.name, "{}", in_one_line(&error));
            self.has_complained_of_disk = true;
        }
    }

    /// The last word before the end: how often was asked must outlive it.
    pub(super) async fn keep_on_stop(&mut self) {
        if self.is_unkept {
            self.keep().await;
        }
    }
}
