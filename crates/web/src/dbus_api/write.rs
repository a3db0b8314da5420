//! `POST /value`: a wish for a setting of the device, or a refusal. Nothing else can be written here.

use axum::body::Bytes;
use axum::extract::State;
use ohmstead_model::{AskError, Asker, Assignment, LedgerEntry, Outcome, Request, Setting, Wish};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Served;
use super::answer::{Answer, refused};

/// What is to be written where.
#[derive(Debug, Deserialize)]
struct Write {
    service: String,
    path: String,
    value: Json,
}

pub(super) async fn write(State(served): State<Served>, body: Bytes) -> Answer {
    let Ok(write) = serde_json::from_slice::<Write>(&body) else {
        return refused(400, "the body must be JSON with service, path and value");
    };
    if !served.api.writes {
        let hint = "set `write: true` under serve_dbus_api in the configuration";
        return forbidden("this interface only reads", hint);
    }
    let setting = match offered(&served, &write) {
        Ok(setting) => setting,
        Err(why) => {
            return forbidden(&why, "`ohmstead read NAME --json` lists the settings that can be written");
        }
    };
    let text = match &write.value {
        Json::Number(number) => number.to_string(),
        Json::String(text) => text.trim().to_owned(),
        _ => return refused(400, "value must be a number"),
    };
    if let Err(error) = setting.parse(&text) {
        return Answer::with(
            400,
            json!({ "error": error.to_string(), "reason": "rejected", "requested_value": write.value, "success": false }),
        );
    }
    let before = served
        .rows(Some(&write.service))
        .iter()
        .find(|row| *row.path == *write.path)
        .map(|row| served.value_of(row));
    let wish = Wish::Setting(Assignment { name: setting.metric.id().to_owned(), value: text });
    let request = Request { device: served.api.device.clone(), wish, lease: None, asked_by: Asker::Rest };
    match served.app.backend.commands().ask(request).await {
        Ok(entry) => told(&write, before.as_ref(), &entry),
        Err(AskError::NotControllable(why)) => {
            forbidden(&why, "`ohmstead read NAME --explain` tells what is in the way")
        }
        Err(error) => refused(503, &error.to_string()),
    }
}

/// The setting that the path stands for, if it can be asked for at present.
fn offered(served: &Served, write: &Write) -> Result<Setting, String> {
    let snapshot = served.app.backend.snapshot();
    let device = snapshot.device(served.api.device.as_str()).ok_or("the device is not configured")?;
    let metric = device.native.as_ref().and_then(|view| view.0.setting(&write.service, &write.path));
    let metric = metric
        .ok_or_else(|| format!("{} of {} is not written by this program", write.path, write.service))?;
    let setting = device.info.settings.iter().find(|setting| setting.metric == metric);
    setting.cloned().ok_or_else(|| format!("{metric} cannot be set on this device at present"))
}

fn told(write: &Write, before: Option<&Json>, entry: &LedgerEntry) -> Answer {
    let (service, path, value) = (&write.service, &write.path, &write.value);
    match entry.outcome {
        Outcome::Unchanged | Outcome::AcceptedUnmeasured | Outcome::Confirmed | Outcome::Ineffective => {
            Answer::ok(json!({
                "service": service, "path": path, "value": value, "previous_value": before,
                "outcome": entry.outcome.key(), "success": true,
            }))
        }
        Outcome::DryRun => forbidden(&entry.reason, "`read_only: false` in the configuration allows writing"),
        Outcome::Rejected => Answer::with(
            400,
            json!({
                "error": entry.reason, "reason": "rejected", "service": service, "path": path,
                "requested_value": value, "success": false,
            }),
        ),
        Outcome::Failed => refused(500, &entry.reason),
    }
}

fn forbidden(why: &str, hint: &str) -> Answer {
    Answer::with(
        403,
        json!({ "error": "Write access denied", "message": why, "hint": hint, "success": false }),
    )
}
