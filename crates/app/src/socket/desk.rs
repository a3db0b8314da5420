//! Who answers the questions.

use std::time::Duration;

use ohmstead_model::{AskError, Asker, Commands as _, DeviceId, Request, Wish};
use ohmstead_web::{Backend as _, device_json, native_json};
use serde_json::{Value, json};

use super::protocol::{Failure, Question};
use crate::actuator::LEASE_MAX;
use crate::house::{House, VERSION};
use crate::shapes::{iso, ledger_json};

/// Rows of one answer.
const ROWS_MAX: usize = 10_000;

/// Answers one question.
pub(super) async fn answer(house: &House, question: Question) -> Result<Value, Failure> {
    match question {
        Question::Read { device } => read(house, &device),
        Question::Native { device } => native(house, &device),
        Question::Devices {} => Ok(devices(house)),
        Question::Set { device, wish, for_s } => {
            set(house, &device, &wish, for_s.map(Duration::from_secs)).await
        }
        Question::Ledger { limit } => ledger(house, limit).await,
        Question::Status {} => Ok(status(house)),
    }
}

fn read(house: &House, device: &str) -> Result<Value, Failure> {
    let snapshot = house.snapshot();
    let state = snapshot.device(device).ok_or_else(|| unknown_device(house, device))?;
    Ok(device_json(state, house.now()))
}

fn native(house: &House, device: &str) -> Result<Value, Failure> {
    let snapshot = house.snapshot();
    let state = snapshot.device(device).ok_or_else(|| unknown_device(house, device))?;
    Ok(native_json(state, house.now()))
}

fn devices(house: &House) -> Value {
    let (snapshot, now) = (house.snapshot(), house.now());
    let order = house.device_order();
    order
        .iter()
        .filter_map(|id| snapshot.device(id.as_str()))
        .map(|device| device_json(device, now))
        .collect()
}

async fn set(house: &House, device: &str, wish: &str, lease: Option<Duration>) -> Result<Value, Failure> {
    let id: DeviceId = device.parse().map_err(|_| unknown_device(house, device))?;
    let wish: Wish = wish.parse().map_err(|error: ohmstead_model::ModeParseError| {
        Failure::new(
            "bad_mode",
            error.to_string(),
            "`ohmstead read NAME --json` lists the modes and settings of a device",
        )
    })?;
    if lease.is_some_and(|lease| lease > LEASE_MAX) {
        return Err(Failure::new("bad_time", "a mode is asked for a week at most", "ask again when it ends"));
    }
    let request = Request { device: id, wish, lease, asked_by: Asker::Cli };
    let entry = house.commander.ask(request).await.map_err(|error| refused(house, device, &error))?;
    Ok(ledger_json(&entry))
}

async fn ledger(house: &House, limit: usize) -> Result<Value, Failure> {
    let rows = house.store.ledger(limit.min(ROWS_MAX)).await;
    let rows = rows.map_err(|error| Failure::new("store", error.to_string(), "see the log of the daemon"))?;
    Ok(rows.iter().map(ledger_json).collect())
}

fn status(house: &House) -> Value {
    let site = house.site();
    let mqtt = house.mqtt.borrow();
    json!({
        "pid": std::process::id(),
        "version": VERSION,
        "site": site.name,
        "started_at": iso(site.started_at),
        "now": iso(house.now().unix),
        "read_only": site.read_only,
        "devices": house.device_order().iter().map(DeviceId::as_str).collect::<Vec<_>>(),
        "not_ready": house.not_ready(),
        "mqtt": { "connected": mqtt.connected_since.is_some(), "trouble": mqtt.trouble },
    })
}

fn unknown_device(house: &House, device: &str) -> Failure {
    let order = house.device_order();
    let known: Vec<_> = order.iter().map(DeviceId::as_str).collect();
    let message = format!("no device {device:?} is configured");
    Failure::new("unknown_device", message, format!("configured: {}", known.join(", ")))
}

fn refused(house: &House, device: &str, error: &AskError) -> Failure {
    match error {
        AskError::UnknownDevice => unknown_device(house, device),
        AskError::NotControllable(_) => {
            Failure::new("not_controllable", error.to_string(), "choose another device")
        }
        AskError::Busy => {
            Failure::new("busy", error.to_string(), "wait until the earlier requests have ended")
        }
        AskError::Stopping => Failure::new("stopping", error.to_string(), "start the daemon again"),
    }
}
