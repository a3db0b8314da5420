//! Who answers the questions.

use std::time::Duration;

use jiff::civil::Date;
use ohmstead_control::overrides::power_beyond_all;
use ohmstead_model::{
    AskError, Asker, Commands as _, DeviceId, Language, LedgerQuery, LimitName, LimitRefused, Outcome, Part,
    Request, TempoColour, TimeSpan, UnixMillis, Wish,
};
use ohmstead_units::Watts;
use ohmstead_web::{
    AheadChange, AheadError, Backend as _, asked_ahead_json, control_json, device_json, limits_json,
    native_json, outlook_json, plan_json, switches_json, tempo_json,
};
use serde_json::{Value, json};

use super::protocol::{AheadPart, Failure, Question};
use crate::actuator::LEASE_MAX;
use crate::archive::Archive;
use crate::control::too_much;
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
        Question::Ledger { limit, device, outcome, since_unix_ms } => {
            ledger(house, query(limit, device.as_deref(), outcome.as_deref(), since_unix_ms)?).await
        }
        Question::Control {} => Ok(control(house)),
        Question::Switch { part, on } => switch(house, &part, on).await,
        Question::Limit { name, max_w } => limit(house, &name, max_w.map(Watts)).await,
        Question::Release { device: Some(device) } => release(house, &device).await,
        Question::Release { device: None } => release_all(house).await,
        Question::History { ask } => {
            let archive =
                Archive { store: &house.store, zone: house.site().time_zone, now: house.now().unix };
            archive.answer(ask).await
        }
        Question::Ahead { part, lang } => ahead(house, part, lang.as_deref()),
        Question::AskAhead { device, mode, from_unix_ms, to_unix_ms } => {
            let span = TimeSpan::new(UnixMillis(from_unix_ms), UnixMillis(to_unix_ms));
            ask_ahead(house, &device, &mode, span).await
        }
        Question::AskedAhead {} => Ok(house.asked_ahead().iter().map(asked_ahead_json).collect()),
        Question::TakeBack { id } => change_ahead(house, AheadChange::Remove { id }).await,
        Question::SetColour { date, colour } => set_colour(house, &date, colour.as_deref()).await,
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
    if let Some(power) = wish.mode().and_then(power_beyond_all) {
        return Err(Failure::new(
            "bad_power",
            too_much(power),
            "the direction is in the mode: charge or discharge",
        ));
    }
    if lease.is_some_and(|lease| lease > LEASE_MAX) {
        return Err(Failure::new("bad_time", "a mode is asked for a week at most", "ask again when it ends"));
    }
    let request = Request { device: id, wish, lease, asked_by: Asker::Cli };
    let entry = house.commander.ask(request).await.map_err(|error| refused(house, device, &error))?;
    Ok(ledger_json(&entry))
}

fn query(
    limit: usize,
    device: Option<&str>,
    outcome: Option<&str>,
    since_unix_ms: Option<i64>,
) -> Result<LedgerQuery, Failure> {
    let bad = |what: &str| Failure::new("bad_request", format!("no {what}"), "see `ohmstead ledger --help`");
    Ok(LedgerQuery {
        limit: limit.min(ROWS_MAX),
        device: device.map(str::parse).transpose().map_err(|_| bad("device of that name"))?,
        outcome: outcome
            .map(|key| Outcome::of_key(key).ok_or_else(|| bad("outcome of that name")))
            .transpose()?,
        since: since_unix_ms.map(UnixMillis),
    })
}

fn control(house: &House) -> Value {
    control_json(&house.snapshot(), &house.device_order(), &house.control_parts())
}

async fn switch(house: &House, part: &str, on: bool) -> Result<Value, Failure> {
    let part = Part::of_key(part).ok_or_else(|| {
        Failure::new("bad_request", "no such part", "there are: limits, plan, tempo, schedule, rotation")
    })?;
    if house.commander.switches().get(part).is_none() {
        return Err(not_there(part));
    }
    let switched = house.commander.switch(part, on, Asker::Cli).await;
    Ok(switches_json(switched.map_err(|error| refused(house, part.key(), &error))?))
}

async fn limit(house: &House, name: &str, max: Option<Watts>) -> Result<Value, Failure> {
    let name = LimitName::of_key(name).ok_or_else(|| {
        let known: Vec<_> = LimitName::ALL.into_iter().map(LimitName::key).collect();
        Failure::new("bad_request", "no such limit", format!("there are: {}", known.join(", ")))
    })?;
    let limited = house.commander.limit(name, max, Asker::Cli).await;
    limited.map_err(|error| not_limited(&error))?;
    Ok(limits_json(&house.commander.limits()))
}

/// Why a limit is as it was.
pub(crate) fn not_limited(error: &LimitRefused) -> Failure {
    let (code, hint) = match error {
        LimitRefused::NotConfigured(_) => ("not_configured", "see docs/limits.md"),
        LimitRefused::OutOfBounds { .. } => ("bad_power", "for more, change limits: in the configuration"),
        LimitRefused::NotKept(_) => ("not_kept", "is the disk full or read-only?"),
        LimitRefused::Busy => ("busy", "wait until the earlier requests have ended"),
        LimitRefused::Stopping => ("stopping", "start the daemon again"),
    };
    Failure::new(code, error.to_string(), hint)
}

/// Ends what was asked of one device by hand.
async fn release(house: &House, device: &str) -> Result<Value, Failure> {
    let id: DeviceId = device.parse().map_err(|_| unknown_device(house, device))?;
    let entry = house.commander.release(id.clone(), Asker::Cli).await;
    let entry = entry.map_err(|error| refused(house, device, &error))?;
    Ok(json!({ "released": [ledger_json(&entry)], "switched_off": [], "settings": changed(house, &id) }))
}

/// Switches everything off that wants something, then ends what was asked by hand, one device after the other.
async fn release_all(house: &House) -> Result<Value, Failure> {
    let mut off = Vec::new();
    for part in Part::ALL {
        if house.commander.switches().get(part) == Some(true) {
            let switched = house.commander.switch(part, false, Asker::Cli).await;
            switched.map_err(|error| refused(house, part.key(), &error))?;
            off.push(part.key());
        }
    }
    let stays = house.commander.clear_later(Asker::Cli).await.err().map(|why| why.to_string());
    let (mut released, mut settings) = (Vec::new(), Vec::new());
    for id in house.device_order() {
        released.push(match house.commander.release(id.clone(), Asker::Cli).await {
            Ok(entry) => ledger_json(&entry),
            Err(error) => not_released(&id, &error),
        });
        settings.append(&mut changed(house, &id));
    }
    Ok(json!({ "released": released, "switched_off": off, "settings": settings, "ahead_stays": stays }))
}

/// A device that could not even be asked.
fn not_released(id: &DeviceId, error: &AskError) -> Value {
    let outcome = match error {
        AskError::NotControllable(_) => Outcome::Rejected,
        AskError::UnknownDevice | AskError::Busy | AskError::Stopping => Outcome::Failed,
    };
    json!({ "device": id.as_str(), "request": "release", "outcome": outcome.key(), "reason": error.to_string() })
}

/// The settings of a device that were changed by this program: they stay, for they were meant to.
fn changed(house: &House, id: &DeviceId) -> Vec<Value> {
    let prefix = format!("original/{id}/");
    let keys = house.store.state_keys_now(&prefix);
    let settings = keys.iter().filter_map(|key| key.strip_prefix(&prefix));
    settings.map(|setting| json!({ "device": id.as_str(), "setting": setting })).collect()
}

pub(crate) fn not_there(part: Part) -> Failure {
    let message = format!("the configuration has no {}, so there is nothing to switch", part.key());
    Failure::new("not_configured", message, "see docs/control.md")
}

fn ahead(house: &House, part: AheadPart, lang: Option<&str>) -> Result<Value, Failure> {
    let language = || spoken(lang, &house.site().languages);
    match part {
        AheadPart::Outlook => {
            house.outlook().map(|outlook| outlook_json(&outlook, language())).map_err(|why| not_ahead(&why))
        }
        AheadPart::Tempo => house.tempo().map(|tempo| tempo_json(&tempo)).map_err(|why| not_ahead(&why)),
        AheadPart::Plan => Ok(plan_json(&house.planning(), language())),
    }
}

/// The language that was asked for, else the first of the site's that is spoken here, else English.
fn spoken(asked: Option<&str>, site: &[String]) -> Language {
    let mut codes = asked.into_iter().chain(site.iter().map(String::as_str));
    codes.find_map(Language::of_code).unwrap_or(Language::En)
}

async fn ask_ahead(house: &House, device: &str, mode: &str, span: TimeSpan) -> Result<Value, Failure> {
    let device = device.parse().map_err(|_| unknown_device(house, device))?;
    let mode = mode.parse().map_err(|error: ohmstead_model::ModeParseError| {
        Failure::new("bad_mode", error.to_string(), "`ohmstead read NAME --json` lists the modes of a device")
    })?;
    change_ahead(house, AheadChange::Add { device, mode, span }).await
}

async fn change_ahead(house: &House, change: AheadChange) -> Result<Value, Failure> {
    let changed = house.change_ahead(change, Asker::Cli).await;
    changed.map(|asked| asked_ahead_json(&asked)).map_err(|why| Failure::new(why.code, why.message, why.hint))
}

async fn set_colour(house: &House, date: &str, colour: Option<&str>) -> Result<Value, Failure> {
    let bad = |what: String| Failure::new("bad_request", what, "see `ohmstead tempo --help`");
    let date: Date = date.parse().map_err(|_| bad(format!("{date:?} is no date")))?;
    let colour = colour.map(str::parse::<TempoColour>).transpose().map_err(|error| bad(error.to_string()))?;
    let tempo = house.set_colour(date, colour).await;
    tempo.map(|tempo| tempo_json(&tempo)).map_err(|why| not_ahead(&why))
}

fn not_ahead(why: &AheadError) -> Failure {
    match why {
        AheadError::NotConfigured { hint, .. } => Failure::new("not_configured", why.to_string(), *hint),
        AheadError::Impossible(..) => Failure::new("bad_request", why.to_string(), "is it the right day?"),
        AheadError::TooFar(_) => Failure::new(
            "bad_request",
            why.to_string(),
            "is the year right? days of this season and the last have one",
        ),
        AheadError::Unavailable(_) => {
            Failure::new("unavailable", why.to_string(), "see the log of the daemon")
        }
    }
}

async fn ledger(house: &House, query: LedgerQuery) -> Result<Value, Failure> {
    let rows = house.store.ledger(query).await;
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::asked(Some("et"), &["fr", "en"], Language::Et)]
    #[case::first_of_the_site(None, &["fr", "en"], Language::Fr)]
    #[case::first_that_is_spoken(None, &["xx", "de"], Language::De)]
    #[case::asked_for_what_is_not_spoken(Some("xx"), &["nl"], Language::Nl)]
    #[case::nothing_is_said(None, &[], Language::En)]
    fn answers_are_in_a_language(
        #[case] asked: Option<&str>,
        #[case] site: &[&str],
        #[case] expected: Language,
    ) {
        let site: Vec<String> = site.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(spoken(asked, &site), expected);
    }
}
