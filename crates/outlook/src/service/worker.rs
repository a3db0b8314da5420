//! One source at work.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::tz::TimeZone;
use ohmstead_model::{Moment, TimeSpan, UnixMillis};
use ohmstead_outside::{Secret, in_one_line};

use super::Links;
use super::board::Board;
use crate::check::Named;
use crate::held::News;
use crate::http::Caller;
use crate::provider::{Ask, Provider};
use crate::schedule::{Pace, next_ask};
use crate::{Answer, Failure, FailureKind, Kind, cache};

/// Nobody waits longer without a look at the clock on the wall, which may jump.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(600);
/// After a refusal the settings and secrets are looked at so often: whoever corrects a token wants to see it work.
const LOOK_AT_SECRETS: Duration = Duration::from_secs(60);
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
    settings: String,
    secret_files: Vec<(&'static str, PathBuf)>,
    path: Option<PathBuf>,
    site: TimeZone,
    links: Arc<Links>,
    board: Arc<Board>,
    random: fastrand::Rng,
    /// When the file was last written, and whether there is more to write.
    kept_at: Option<Moment>,
    is_unkept: bool,
    /// The trouble that the log told last.
    told: Option<FailureKind>,
}

impl Worker {
    pub(super) fn new(
        index: usize,
        source: Named,
        path: Option<PathBuf>,
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
            settings: source.settings,
            secret_files: source.opened.secret_files,
            path,
            site,
            links: Arc::clone(links),
            board: Arc::clone(board),
            random: fastrand::Rng::with_seed(links.seed ^ salt),
            kept_at: None,
            is_unkept: false,
            told: None,
        }
    }

    /// Asks for ever.
    pub(super) async fn run(&mut self) {
        let kept = self.board.with(self.index, |entry| (entry.held.memory.trouble, entry.trouble.clone()));
        if let Some((trouble @ Some(_), Some(words))) = kept {
            self.tell(trouble, &format!("since before the start: {words}"));
        }
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
            let look = self.look_at_secrets();
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
            let pause = TimeSpan::new(now, next).length().min(look);
            self.links.clock.sleep(pause).await;
        }
    }

    /// Ends the wait after a refusal when what was refused has been corrected. Tells how long to wait until the next look.
    fn look_at_secrets(&self) -> Duration {
        let was_refused = self.board.with(self.index, |entry| entry.held.memory.refused_with.is_some());
        if was_refused != Some(true) {
            return LOOK_AT_CLOCK;
        }
        let print = self.print();
        self.board.with(self.index, |entry| entry.held.memory.compare(print));
        LOOK_AT_SECRETS
    }

    /// A number that is another one when the settings or the secrets of this source are. It tells nothing of either. Another
    /// compiler may make another one: then what was refused is tried once more.
    fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.settings.hash(&mut hasher);
        for (key, path) in &self.secret_files {
            let secret = Secret::token_of(path);
            (key, secret.as_ref().map(Secret::expose).map_err(std::io::Error::kind)).hash(&mut hasher);
        }
        hasher.finish()
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
        let (ask, print) = (Ask { now }, self.print());
        let asked = AssertUnwindSafe(self.provider.fetch(&mut caller, &ask)).catch_unwind().await;
        let answer = asked.unwrap_or_else(|_| {
            Err(Failure::Unreachable("its answer met a defect of this program; please report it".to_owned()))
        });
        let news = self.take(answer, &caller, print);
        self.board.publish(&self.links);
        self.is_unkept = true;
        if news == News::Changed || self.is_time_to_keep() {
            self.keep().await;
        }
    }

    /// Puts the outcome on the board; one line in the log for each change of state, not for each try.
    fn take(&mut self, answer: Result<Answer, Failure>, caller: &Caller, print: u64) -> News {
        let now = self.links.clock.now().unix;
        let outcome = self.board.with(self.index, |entry| {
            entry.held.memory.took(caller.sent());
            let before = entry.held.memory.trouble;
            let (mut news, trouble) = entry.held.hear(answer, now);
            if entry.held.memory.trouble == Some(FailureKind::Refused) {
                entry.held.memory.refused_with = Some(print);
            }
            entry.held.trouble = trouble.map(|words| caller.hide(&words));
            entry.trouble.clone_from(&entry.held.trouble);
            if before != entry.held.memory.trouble {
                // Why and how long to stay away must outlive a power cut.
                news = News::Changed;
            }
            (news, entry.held.memory.trouble, entry.trouble.clone(), entry.held.refused)
        });
        let Some((news, trouble, words, refused)) = outcome else { return News::Same };
        self.tell(trouble, words.as_deref().unwrap_or_default());
        if refused > 0 && news == News::Changed {
            tracing::info!(target: "outlook", source = &*self.name, refused, "values that cannot be were left out");
        }
        news
    }

    /// Says in the log what has become of the source, unless that was said before.
    fn tell(&mut self, trouble: Option<FailureKind>, words: &str) {
        match line(std::mem::replace(&mut self.told, trouble), trouble) {
            Some(Line::Trouble) => tracing::warn!(target: "outlook", source = &*self.name, "{words}"),
            Some(Line::NothingYet) => tracing::info!(target: "outlook", source = &*self.name, "{words}"),
            Some(Line::Well) => {
                tracing::info!(target: "outlook", source = &*self.name, "it answers again");
            }
            None => {}
        }
    }

    fn is_time_to_keep(&self) -> bool {
        let now = self.links.clock.now();
        self.is_unkept && self.kept_at.is_none_or(|at| now.since(at) >= KEEP_EVERY)
    }

    /// Writes the file. That nothing can be kept is said once for all sources; it is tried again with the next.
    async fn keep(&mut self) {
        let Some(path) = self.path.clone() else { return };
        self.kept_at = Some(self.links.clock.now());
        if !(self.links.may_keep)() {
            self.tell_of_disk("the data folder cannot be written");
            return;
        }
        let Some(held) = self.board.with(self.index, |entry| entry.held.clone()) else { return };
        let name = Arc::clone(&self.name);
        let written = tokio::task::spawn_blocking(move || cache::write(&path, &name, &held)).await;
        if let Ok(Err(error)) = written {
            self.tell_of_disk(&in_one_line(&error));
        } else {
            self.is_unkept = false;
            self.board.disk_works();
        }
    }

    fn tell_of_disk(&self, why: &str) {
        if self.board.is_news_that_disk_fails() {
            tracing::warn!(target: "outlook", "what sources say, and how often they are asked, is not kept over a restart: {why}");
        }
    }

    /// The last word before the end: how often was asked must outlive it.
    pub(super) async fn keep_on_stop(&mut self) {
        if self.is_unkept {
            self.keep().await;
        }
    }
}

/// What the log says.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Trouble,
    NothingYet,
    Well,
}

/// The line that is due where the log told one trouble last and now there is another, or none.
fn line(told: Option<FailureKind>, trouble: Option<FailureKind>) -> Option<Line> {
    match trouble {
        same if same == told => None,
        None => Some(Line::Well),
        Some(FailureKind::NotYet) => Some(Line::NothingYet),
        Some(_) => Some(Line::Trouble),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line when the sort of trouble changes, one when it is over, none for each try.
    #[test]
    fn the_log_follows_the_sort_of_trouble() {
        let [none, away, refused, unreadable, early] = [
            None,
            Some(FailureKind::Unreachable),
            Some(FailureKind::Refused),
            Some(FailureKind::Unreadable),
            Some(FailureKind::NotYet),
        ];
        let tries = [none, away, away, refused, refused, unreadable, early, early, none, none];
        let lines: Vec<_> = tries.windows(2).map(|pair| line(pair[0], pair[1])).collect();
        let trouble = || Some(Line::Trouble);
        let expected = [
            trouble(),
            None,
            trouble(),
            None,
            trouble(),
            Some(Line::NothingYet),
            None,
            Some(Line::Well),
            None,
        ];
        assert_eq!(lines, expected);
    }
}
