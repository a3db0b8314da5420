//! `POST /value`: a wish for a setting of the device, or a refusal. Nothing else can be written here, and nothing at
//! another place than the one that was named.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use ohmstead_model::{
    AskError, Asker, Assignment, LedgerEntry, NONE, NativeRow, NativeSetting, Outcome, Request, Setting, Wish,
};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Served;
use super::answer::{Answer, refused};
use super::permit::Permit;

/// When to ask again where today's writes are spent: some time of the day one of them will be a day old.
const SPENT_RETRY_S: u64 = 3600;

/// What is to be written where.
#[derive(Debug, Deserialize)]
struct Write {
    service: String,
    path: String,
    /// Absent is not `null`, which takes back an override.
    #[serde(default = "absent")]
    value: Json,
}

fn absent() -> Json {
    json!({})
}

pub(super) async fn write(State(served): State<Served>, body: Result<Bytes, BytesRejection>) -> Answer {
    let Ok(body) = body else { return refused(413, "the body is too long") };
    let Ok(write) = serde_json::from_slice::<Write>(&body) else {
        return refused(400, "the body must be JSON with service, path and value");
    };
    let permit = Permit::of(&served);
    if !served.api.writes {
        return forbidden(&permit, permit.message(), "the owner decides about this", None);
    }
    let (setting, place) = match offered(&served, &write) {
        Ok(found) => found,
        Err(Elsewhere { why, instead }) => {
            let hint = "docs/victron.md lists the settings that can be written, and where";
            return forbidden(&permit, &why, hint, instead.as_ref());
        }
    };
    let text = match &write.value {
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.trim().to_owned(),
        Json::Null => NONE.to_owned(),
        Json::Array(items) if items.is_empty() => NONE.to_owned(),
        _ => return refused(400, "value must be a number, or [] for none"),
    };
    if let Err(error) = setting.parse(&text) {
        return rejected(&write, &error.to_string(), None);
    }
    let before = value_at(&served, &place);
    let wish = Wish::Setting(Assignment { name: setting.metric.id().to_owned(), value: text });
    let request = Request { device: served.api.device.clone(), wish, lease: None, asked_by: Asker::Rest };
    match served.app.backend.commands().ask(request).await {
        Ok(entry) => told(&write, (before, value_at(&served, &place)), &permit, &entry),
        Err(AskError::NotControllable(why)) => {
            forbidden(&permit, &why, "`ohmstead read NAME --explain` tells what is in the way", None)
        }
        Err(error) => refused(503, &error.to_string()),
    }
}

/// Why a path is not written, and what to write instead.
struct Elsewhere {
    why: String,
    instead: Option<NativeSetting>,
}

/// The setting that the path stands for, if it can be asked for at present and is written there.
fn offered(served: &Served, write: &Write) -> Result<(Setting, NativeSetting), Elsewhere> {
    let Write { service, path, .. } = write;
    let refused = |why: String| Elsewhere { why, instead: None };
    let snapshot = served.app.backend.snapshot();
    let device = snapshot.device(served.api.device.as_str());
    let device = device.ok_or_else(|| refused("the device is not configured".to_owned()))?;
    let rows = served.rows_of(service).map_err(|why| refused(why.to_owned()))?;
    let service = rows.first().map_or(service.as_str(), |row| &*row.service);
    let place = device.native.as_ref().and_then(|view| view.0.setting(service, path));
    let place =
        place.ok_or_else(|| refused(format!("{path} of {service} is not written by this program")))?;
    if (&*place.service, &*place.path) != (service, path.as_str()) {
        let why = format!(
            "{path} of {service} is not written: {} is set at {} of {}, which comes before it",
            place.metric, place.path, place.service
        );
        return Err(Elsewhere { why, instead: Some(place) });
    }
    let setting = device.info.settings.iter().find(|setting| setting.metric == place.metric);
    let setting = setting
        .ok_or_else(|| refused(format!("{} cannot be set on this device at present", place.metric)))?;
    Ok((setting.clone(), place))
}

/// What is there now: what the gate read back is told to whoever looks.
fn value_at(served: &Served, place: &NativeSetting) -> Option<Json> {
    let is_it = |row: &&NativeRow| row.service == place.service && row.path == place.path;
    served.rows(Some(&place.service)).iter().find(is_it).map(|row| served.value_of(row))
}

/// What became of the write; the value is what was read back, before and after it.
fn told(
    write: &Write,
    (before, after): (Option<Json>, Option<Json>),
    permit: &Permit,
    entry: &LedgerEntry,
) -> Answer {
    match entry.outcome {
        Outcome::Unchanged | Outcome::AcceptedUnmeasured | Outcome::Confirmed => Answer::ok(json!({
            "service": write.service, "path": write.path, "value": after, "previous_value": before,
            "outcome": entry.outcome.key(), "success": true,
        })),
        Outcome::DryRun => {
            let hint = "`read_only: false` in the configuration allows writing";
            forbidden(permit, &entry.reason, hint, None)
        }
        Outcome::Rejected if entry.is_over_budget() => over_budget(write, entry),
        Outcome::Rejected | Outcome::Ineffective => rejected(write, &entry.reason, after.as_ref()),
        Outcome::Failed => refused(500, &entry.reason),
    }
}

/// Refused by the program or by the device, with the value that is there.
fn rejected(write: &Write, reason: &str, now: Option<&Json>) -> Answer {
    Answer::with(
        400,
        json!({
            "error": "Failed to set value", "reason": reason, "service": write.service, "path": write.path,
            "requested_value": write.value, "value": now, "success": false,
        }),
    )
}

/// It may be written again later.
fn over_budget(write: &Write, entry: &LedgerEntry) -> Answer {
    let seconds = entry.ask_again_in().map_or(SPENT_RETRY_S, |span| span.as_secs());
    Answer::with(
        429,
        json!({
            "error": "Write budget spent", "reason": entry.reason, "service": write.service, "path": write.path,
            "requested_value": write.value, "retry_after_seconds": seconds, "success": false,
        }),
    )
    .retry_after(seconds)
}

fn forbidden(permit: &Permit, why: &str, hint: &str, instead: Option<&NativeSetting>) -> Answer {
    Answer::with(
        403,
        json!({
            "error": "Write access denied", "message": why, "details": permit.details(instead), "hint": hint,
            "success": false,
        }),
    )
}
