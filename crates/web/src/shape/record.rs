//! The ledger of writes and the list of events.

use ohmstead_model::{Event, LedgerEntry};
use utoipa::ToSchema;

use super::device::SeverityKey;
use super::value::iso;

/// One attempt to change a device: who asked, what was sent, what came back.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = LedgerEntry)]
pub(crate) struct LedgerJson {
    /// Number of the attempt.
    id: i64,
    /// When it was asked, UTC.
    #[schema(format = DateTime)]
    at: String,
    /// Which device.
    #[schema(example = "fase_a")]
    device: String,
    /// Who asked: `rest`, `mqtt` or `cli`.
    #[schema(example = "rest")]
    asked_by: String,
    /// What was asked.
    #[schema(example = "charge 800 W until 90 %")]
    request: String,
    /// The device's state before, in its own words.
    #[schema(required = true)]
    old: Option<String>,
    /// The exact write, or what it would have been in a dry run.
    #[schema(required = true)]
    new: Option<String>,
    /// The device's reply.
    #[schema(required = true)]
    reply: Option<String>,
    /// The state read back after the write.
    #[schema(required = true)]
    read_back: Option<String>,
    /// The measured effect.
    #[schema(required = true)]
    effect: Option<String>,
    /// How it ended: `dry_run` (read-only, nothing written), `unchanged` (the device already does this),
    /// `accepted_unmeasured` (read back, but no meter shows an effect), `confirmed` (a measured effect), `ineffective`
    /// (accepted, but the measurement does not follow), `rejected` or `failed`.
    pub(super) outcome: &'static str,
    /// One sentence: why it ended so.
    reason: String,
}

impl From<LedgerEntry> for LedgerJson {
    fn from(entry: LedgerEntry) -> Self {
        Self {
            id: entry.id,
            at: iso(entry.at),
            device: entry.device.to_string(),
            asked_by: entry.asked_by,
            request: entry.request,
            old: entry.old,
            new: entry.new,
            reply: entry.reply,
            read_back: entry.read_back,
            effect: entry.effect,
            outcome: entry.outcome.key(),
            reason: entry.reason,
        }
    }
}

/// Something that happened.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventJson {
    /// Number of the event.
    id: i64,
    /// When, UTC.
    #[schema(format = DateTime)]
    at: String,
    /// How serious.
    severity: SeverityKey,
    /// Which device; `null` where it is none.
    #[schema(required = true)]
    device: Option<String>,
    /// Stable key.
    #[schema(example = "device_offline")]
    code: String,
    /// One sentence for people.
    text: String,
}

impl From<Event> for EventJson {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            at: iso(event.at),
            severity: event.severity.into(),
            device: event.device.map(|device| device.to_string()),
            code: event.code,
            text: event.text,
        }
    }
}
