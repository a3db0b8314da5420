//! Publishes what is known about the house on MQTT, announces it to Home Assistant, and takes battery modes from there.
//!
//! ```text
//!  watch<Snapshot> --> render (pure: scheme, state, discovery, compat) --> Outbox --> pump --> broker
//!  Commands  <------ parse <-- T/<device>/mode/set ------------------------------- drive <----+
//! ```
//!
//! Topics, with the base topic `T` (default `ohmstead`); everything but the answers to commands is retained:
//!
//! | topic | payload |
//! |---|---|
//! | `T/status` | `online`; `offline` by last will, or at a clean stop |
//! | `T/<device>/availability` | `online` while the device answers, else `offline` |
//! | `T/<device>/state` | JSON: every value by its metric id, `null` where unknown; `at` is the newest value's time |
//! | `T/<device>/info` | JSON: title, model, firmware, serial number, address, modes, notices |
//! | `T/<device>/control` | JSON: the mode that is certain, what is wanted by whom and why, how far it has got, the last command |
//! | `T/<device>/mode/set` | taken: `auto`, `charge 800 W`, or JSON `{"mode","power_w","until_soc_pct","for_s"}`; `release` |
//! | `T/<device>/mode/result` | the answer: the ledger entry of the attempt (not retained) |
//! | `T/<device>/<setting>/set` | taken: the value of a setting that the device offers, such as `solar_first` or `30` |
//! | `T/<device>/<setting>/result` | the answer, likewise |
//! | `T/site/<part>/state` | `ON` or `OFF` for each of `limits`, `plan`, `tempo`, `schedule`, `rotation` that there is |
//! | `T/site/<part>/set` | taken: `ON`, `OFF`; the answer comes on `T/site/<part>/result` (not retained) |
//! | `T/site/<limit>/state` | W: what counts of each limit that there is |
//! | `T/site/<limit>/set` | taken: `20000`, `20 kW`, `none`; the answer comes on `T/site/<limit>/result` (not retained) |
//! | `T/site/control` | JSON: the last command for a part or a limit |
//!
//! `site` is the computed device that stands for the whole house. Signs are those of the project: what feeds the house
//! is positive, which is what Home Assistant's energy dashboard calls standard.

mod command;
mod compat;
mod connection;
#[cfg(test)]
mod contract;
mod control;
mod discovery;
mod guard;
mod inventory;
mod limits;
mod monitor;
mod outbox;
mod publisher;
mod render;
mod scheme;
mod settings;
mod switches;
mod tls;
mod trouble;

use std::sync::Arc;

use jiff::tz::TimeZone;
use ohmstead_model::{Clock, Commands, Moment, SiteLimit, Snapshot, Switches};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use ohmstead_outside::Secret;
pub use settings::{Compat, Discovery, Settings, SettingsError, Tls, check};

/// What the publisher is connected to inside the program.
pub struct Links {
    /// All devices. It must hold every configured device, answered or not, before [`run`] is called: what was announced
    /// by an earlier run and is not in it is taken back. While it is wholly empty nothing is announced or taken back.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// Where commands go.
    pub commands: Arc<dyn Commands>,
    /// Which parts of control there are, and whether they are on; `None` while that is not known yet.
    pub switches: watch::Receiver<Option<Switches>>,
    /// The limits of the site as they count; `None` while that is not known yet.
    pub limits: watch::Receiver<Option<Vec<SiteLimit>>>,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// Short name of the site, letters, digits, `_` and `-`: part of the default client id and of suggested entity ids.
    pub site_slug: String,
    /// ISO 639-1 code of the language of entity names; English for one that the catalogue lacks.
    pub language: String,
    /// The site's time zone, for the local times of `compat: [marstek-poller]`.
    pub time_zone: TimeZone,
    /// This program's version, for Home Assistant's device page.
    pub version: &'static str,
    /// Keeps the list of what was announced.
    pub remembered: Arc<dyn Remembered>,
    /// Where the publisher tells how it is doing.
    pub status: watch::Sender<Status>,
}

/// Keeps one text across restarts: the list of retained topics that this program has at the broker, so that what is no
/// longer configured can be taken back. Losing it only means that old entities stay in Home Assistant.
pub trait Remembered: Send + Sync + 'static {
    /// The text last saved, if any.
    fn load(&self) -> Option<String>;

    /// Replaces the text. Called seldom, but on the publisher's task: it must not block for long.
    fn save(&self, text: &str);
}

/// How the publisher is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Since when it is connected; `None` while it is not.
    pub connected_since: Option<Moment>,
    /// Connections made so far.
    pub connections: u64,
    /// Messages handed to the connection so far.
    pub sent: u64,
    /// Messages that were never sent: overtaken by a newer one of the same topic, or lost with the connection.
    pub dropped: u64,
    /// Messages that wait for the connection.
    pub waiting: usize,
    /// Why it is not connected and what to do, if it is not.
    pub trouble: Option<String>,
}

/// Publishes until `stop` is cancelled, then says goodbye (everything offline) and returns.
///
/// A broker that is absent, refuses or restarts is never an error: it is tried again, at most 2 s later where it was
/// unreachable and at most 10 s later where it refused. Only settings that cannot work are, see [`check`].
/// Dropping the future closes the connection without a goodbye, and the broker sends the last will.
pub async fn run(settings: Settings, links: Links, stop: CancellationToken) -> Result<(), SettingsError> {
    check(&settings)?;
    publisher::run(&settings, links, stop).await
}
