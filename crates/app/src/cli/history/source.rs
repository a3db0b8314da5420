//! Where a verb finds the history: at the running daemon, else in the store itself.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ohmstead_model::catalogue::CORE;
use ohmstead_model::{Metric, TempoColour, UnixMillis};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::target::daemon_failure;
use super::super::{Common, real_clock};
use crate::archive::{Archive, HistoryQuestion, Place};
use crate::data_dir::Holder;
use crate::failure::{Code, Failure};
use crate::planning::looking;
use crate::socket::{AskFailed, Client, Question};
use crate::store::{HistoryConfig, Store};

/// The history, and what its metrics are here.
pub(in crate::cli) struct Source {
    who: Who,
    config: HistoryConfig,
}

/// Who answers.
enum Who {
    /// The running daemon.
    Daemon(Client),
    /// This process, which has the store for itself.
    Own {
        /// The store.
        store: Store,
    },
}

/// Whether there must be a history already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Wanted {
    /// It is read.
    Existing,
    /// It is written to, and made if need be.
    OrNew,
}

impl Source {
    /// Finds the history of the data directory.
    pub(in crate::cli) async fn open(common: &Common, wanted: Wanted) -> Result<Self, Failure> {
        let config = common.load_if_any()?.map(|(_, config)| config);
        let dir = common.data_dir(config.as_ref())?;
        let config = HistoryConfig::of(config.as_ref());
        if let Some(client) = Client::connect(&dir).await {
            return Ok(Self { who: Who::Daemon(client), config });
        }
        if wanted == Wanted::Existing && !dir.join("history.sqlite").exists() {
            let hint = "give another --data-dir, or --config";
            return Err(Failure::new(
                Code::Failed,
                format!("no history is in {} yet; {hint}", dir.display()),
            ));
        }
        let store = Store::open(dir, config.clone(), Holder::Verb);
        let store = store.map_err(|error| Failure::of(Code::InUse, error))?;
        Ok(Self { who: Who::Own { store }, config })
    }

    /// Whether the running daemon answers.
    pub(super) fn is_daemon(&self) -> bool {
        matches!(self.who, Who::Daemon(_))
    }

    /// The metric of that name.
    pub(super) fn metric(&self, name: &str) -> Option<Metric> {
        self.config.metric(name)
    }

    /// All metrics that there are.
    pub(super) fn metrics(&self) -> Vec<Metric> {
        let core = CORE.iter().filter_map(|metric| self.metric(metric.id()));
        core.chain(ohmstead_drivers::native()).collect()
    }

    /// What the owner said of colours of Tempo; nothing where the running daemon has it, which answers for them itself.
    pub(in crate::cli) async fn colours_said(&self) -> BTreeMap<Date, TempoColour> {
        match &self.who {
            Who::Daemon(_) => BTreeMap::new(),
            Who::Own { store } => looking::said(store).await.unwrap_or_default(),
        }
    }

    /// Asks one question.
    pub(in crate::cli) async fn ask(&mut self, question: HistoryQuestion) -> Result<Value, Failure> {
        match &mut self.who {
            Who::Daemon(client) => {
                client.ask(&Question::History { ask: question }).await.map_err(daemon_failure)
            }
            Who::Own { store } => {
                let archive = Archive { store, zone: self.config.zone.clone(), now: real_clock().now().unix };
                let answer = archive.answer(question).await;
                answer.map_err(|failure| daemon_failure(AskFailed::Refused(failure)))
            }
        }
    }

    /// Asks one question whose answer has a shape of its own.
    pub(in crate::cli) async fn ask_for<T: DeserializeOwned>(
        &mut self,
        question: HistoryQuestion,
    ) -> Result<T, Failure> {
        let answer = self.ask(question).await?;
        serde_json::from_value(answer).map_err(|error| {
            let hint = "is this the version of the daemon?";
            Failure::new(Code::Failed, format!("the answer makes no sense: {error}; {hint}"))
        })
    }

    /// The site's zone and its clock.
    pub(in crate::cli) async fn place(&mut self) -> Result<(TimeZone, UnixMillis), Failure> {
        let Place { zone, now_ms } = self.ask_for(HistoryQuestion::Place {}).await?;
        Ok((TimeZone::get(&zone).unwrap_or(TimeZone::UTC), UnixMillis(now_ms)))
    }
}
