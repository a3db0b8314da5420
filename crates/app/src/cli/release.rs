//! `release`: gives devices back. With a daemon, what was asked by hand ends and control lets go; without one, what the store
//! has as the original state is written back, settings too.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use ohmstead_config::Config;
use ohmstead_drivers::{Device, DeviceSettings};
use ohmstead_model::{Asker, Assignment, BatteryMode, DeviceId, LedgerEntry, Outcome, Part, Request, Wish};
use serde_json::{Value, json};

use super::set::{gate, stop_at_interrupt};
use super::table::table;
use super::target::daemon_failure;
use super::{Common, real_clock};
use crate::actuator::Gate;
use crate::control::{Rules, book, by_hand, windows};
use crate::data_dir::Holder;
use crate::failure::{Code, Failure};
use crate::one_shot::{OneShot, Wanted};
use crate::records::{driver_key, original_key};
use crate::shapes::ledger_json;
use crate::socket::{Client, Question};
use crate::store::{HistoryConfig, Store};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Name in the configuration; without: all of them, what was asked ahead too, and limits, plan, tempo, schedule and rotation are switched off
    #[arg(value_name = "DEVICE")]
    device: Option<String>,
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let (_, config) = common.load()?;
    let dir = common.data_dir(Some(&config))?;
    let answer = match Client::connect(&dir).await {
        Some(mut client) => {
            let question = Question::Release { device: arguments.device.clone() };
            client.ask(&question).await.map_err(daemon_failure)?
        }
        None => alone(dir, &config, arguments.device.as_deref()).await?,
    };
    common.print(&answer, || text(&answer))?;
    ended(&answer)
}

/// Without a daemon: this process writes back what the store has.
async fn alone(dir: PathBuf, config: &Config, device: Option<&str>) -> Result<Value, Failure> {
    let chosen: Vec<_> =
        config.devices.iter().filter(|(id, _)| device.is_none_or(|name| id.as_str() == name)).collect();
    if let (Some(name), []) = (device, &chosen[..]) {
        let known: Vec<_> = config.devices.iter().map(|(id, _)| id.as_str()).collect();
        let message = format!("no device {name:?} is configured; configured: {}", known.join(", "));
        return Err(Failure::new(Code::Usage, message));
    }
    let store = Store::open(dir, HistoryConfig::of(Some(config)), Holder::Verb)
        .map_err(|error| Failure::of(Code::InUse, error))?;
    let trouble = store.trouble().borrow().clone();
    if let Some(trouble) = trouble {
        let message = format!("nothing was written: what the devices were is not known: {trouble}");
        return Err(Failure::new(Code::Failed, message));
    }
    let off = if device.is_none() { switch_off(&store, config).await? } else { Vec::new() };
    let which = match device {
        Some(_) => by_hand::Which::Present(real_clock().now()),
        None => by_hand::Which::All,
    };
    let mut released = Vec::new();
    for (id, settings) in chosen {
        book::forget(&store, Some(id)).await?;
        by_hand::forget(&store, id, which).await?;
        released.append(&mut give_back(&store, id, settings, config.read_only).await?);
    }
    Ok(json!({ "released": released, "switched_off": off, "settings": [] }))
}

/// What would take the devices again at the next start is off.
async fn switch_off(store: &Store, config: &Config) -> Result<Vec<&'static str>, Failure> {
    let mut off = book::read_off(store).await?;
    let windows = windows::read(store).await?.or_warn(windows::KEY);
    let switches = Rules::of(config).switches(&off, &windows);
    let on: Vec<_> = Part::ALL.into_iter().filter(|part| switches.get(*part) == Some(true)).collect();
    off.extend(&on);
    if !on.is_empty() {
        book::write_off(store, &off).await?;
    }
    Ok(on.into_iter().map(Part::key).collect())
}

/// Writes back everything that the store has of a device. One that was never written to is not even opened.
async fn give_back(
    store: &Store,
    id: &DeviceId,
    settings: &DeviceSettings,
    read_only: bool,
) -> Result<Vec<Value>, Failure> {
    let kept = kept(store, id);
    if kept.is_empty() {
        return Ok(vec![untouched(id)]);
    }
    let clock = real_clock();
    let memory = store.state_now(&driver_key(id));
    let open = |context| settings.open(id.clone(), context);
    let mut one_shot = OneShot::open(id, &clock, memory, open)?;
    // A setting may depend on anything that the device tells; the way back of a mode only on which unit it is.
    let has_settings = kept.iter().any(|wish| matches!(wish, Wish::Setting(_)));
    one_shot.poll(if has_settings { Wanted::Everything } else { Wanted::Identity }).await;
    let records = Arc::new(store.clone());
    let gate = gate(id.clone(), settings.read_only(), read_only, clock, records, one_shot.device());
    let stop = gate.stop.clone();
    tokio::select! {
        rows = write_back(&gate, one_shot.device(), kept) => rows,
        never = stop_at_interrupt(stop) => match never {},
    }
}

/// What of a device is kept as it was: its mode, and settings by name.
fn kept(store: &Store, id: &DeviceId) -> Vec<Wish> {
    let mode = Wish::Mode(BatteryMode::Auto);
    let prefix = format!("{}/", original_key(id, &mode));
    let has_mode = store.state_now(&original_key(id, &mode)).is_some_and(|text| !text.is_empty());
    let keys = store.state_keys_now(&prefix);
    let names = keys.iter().filter_map(|key| key.strip_prefix(&prefix));
    let settings =
        names.map(|name| Wish::Setting(Assignment { name: name.to_owned(), value: String::new() }));
    // The mode first: it may be what a setting depends on.
    has_mode.then_some(mode).into_iter().chain(settings).collect()
}

async fn write_back(gate: &Gate, device: &mut dyn Device, kept: Vec<Wish>) -> Result<Vec<Value>, Failure> {
    let keys: BTreeSet<_> = kept.iter().map(|wish| original_key(&gate.id, wish)).collect();
    let (records, mut rows) = (&gate.records, Vec::new());
    for wish in kept {
        let key = original_key(&gate.id, &wish);
        let text = records.get_state(key.clone()).await?.unwrap_or_default();
        let Some(native) = native(&text) else { continue };
        let wish = device.way_back(&wish, &native);
        let own_key = original_key(&gate.id, &wish);
        let request = Request { device: gate.id.clone(), wish, lease: None, asked_by: Asker::Cli };
        let entry = gate.carry_out(device, &request).await;
        if worked(&entry) {
            records.put_state(key, String::new()).await?;
            // A way back by a setting is no change of that setting that would have to be undone.
            if !keys.contains(&own_key) {
                records.put_state(own_key, String::new()).await?;
            }
        }
        rows.push(ledger_json(&entry));
    }
    Ok(rows)
}

/// The device's own words in a note of how it was.
fn native(text: &str) -> Option<String> {
    let original: Value = serde_json::from_str(text).ok()?;
    original["native"].as_str().map(str::to_owned)
}

fn worked(entry: &LedgerEntry) -> bool {
    matches!(entry.outcome, Outcome::Confirmed | Outcome::AcceptedUnmeasured | Outcome::Unchanged)
}

fn untouched(id: &DeviceId) -> Value {
    let reason = "there is nothing to give back";
    json!({ "device": id.as_str(), "request": "release", "outcome": Outcome::Unchanged.key(), "reason": reason })
}

fn text(answer: &Value) -> String {
    let list = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let head = ["device", "request", "outcome", "reason"];
    let rows = list("released").into_iter().map(|row| head.map(|key| word(&row, key)).to_vec());
    let rows = std::iter::once(head.map(str::to_owned).to_vec()).chain(rows);
    let mut blocks = vec![table(&rows.collect::<Vec<_>>(), &[])];
    let off: Vec<_> = list("switched_off").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if !off.is_empty() {
        let on: Vec<_> = off.iter().map(|part| format!("`ohmstead control {part} on`")).collect();
        blocks.push(format!("switched off: {}; on again with {}", off.join(", "), on.join(", ")));
    }
    let settings: Vec<_> = list("settings")
        .iter()
        .map(|row| format!("{}.{}", word(row, "device"), word(row, "setting")))
        .collect();
    if !settings.is_empty() {
        blocks.push(format!(
            "settings that were changed stay: {}; to write them back too, stop the daemon and release again",
            settings.join(", ")
        ));
    }
    if let Some(why) = answer["ahead_stays"].as_str() {
        blocks.push(format!("what was asked for a time to come stays: {why}"));
    }
    blocks.join("\n\n")
}

/// The exit code: a device that was not given back is not 0.
fn ended(answer: &Value) -> Result<(), Failure> {
    let rows = answer["released"].as_array().cloned().unwrap_or_default();
    let is = |outcome: Outcome| rows.iter().any(|row| row["outcome"] == outcome.key());
    // What is no attempt has no number: a device that only measures has nothing to be given back.
    if rows.iter().any(|row| row["outcome"] == Outcome::Rejected.key() && row["id"].is_i64()) {
        return Err(Failure::new(Code::Refused, "not every device was given back: see the table"));
    }
    if is(Outcome::Failed) {
        return Err(Failure::new(Code::NoAnswer, "not every device was given back: see the table"));
    }
    if is(Outcome::Ineffective) {
        return Err(Failure::new(Code::Failed, "not every device was given back: see the table"));
    }
    if is(Outcome::DryRun) {
        return Err(Failure::new(Code::Refused, "this was a dry run: `read_only: true` is set"));
    }
    if answer["ahead_stays"].is_string() {
        return Err(Failure::new(Code::Failed, "what was asked for a time to come is not taken back"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use rstest::rstest;

    use super::*;
    use crate::records::Records as _;
    use crate::testing::{FakeHandle, FakeRecords, clock, id};

    #[test]
    fn the_answer_for_people() {
        let row = |device: &str, request: &str| json!({ "device": device, "request": request, "outcome": "unchanged", "reason": "as it was" });
        let answer = json!({
            "released": [row("fase_a", "auto"), row("axpert", "output_priority=SUB")],
            "switched_off": ["schedule", "limits"],
            "settings": [{ "device": "axpert", "setting": "charge_current_max" }],
        });
        expect![[r"
            device  request              outcome    reason
            fase_a  auto                 unchanged  as it was
            axpert  output_priority=SUB  unchanged  as it was

            switched off: schedule, limits; on again with `ohmstead control schedule on`, `ohmstead control limits on`

            settings that were changed stay: axpert.charge_current_max; to write them back too, stop the daemon and release again"]]
        .assert_eq(&text(&answer));
    }

    async fn released(read_only: bool) -> (Vec<Value>, Option<String>, usize) {
        let (clock, records) = (clock(), Arc::new(FakeRecords::default()));
        let key = original_key(&id("a"), &Wish::Mode(BatteryMode::Auto));
        records.put_state(key.clone(), r#"{"native":"Auto","at_unix_ms":1}"#.to_owned()).await.unwrap();
        let fake = FakeHandle::new().with(|fake| fake.mode = "Passive".to_owned());
        let open = fake.opener("a");
        let mut one_shot = OneShot::open(&id("a"), &clock, None, open).unwrap();
        let gate = gate(id("a"), None, read_only, clock, Arc::clone(&records) as _, one_shot.device());
        let kept = vec![Wish::Mode(BatteryMode::Auto)];
        let rows = write_back(&gate, one_shot.device(), kept).await.unwrap();
        (rows, records.get_state(key).await.unwrap(), fake.count("write"))
    }

    #[tokio::test(start_paused = true)]
    async fn what_it_was_is_written_back_and_forgotten() {
        let (rows, kept, writes) = released(false).await;
        assert_eq!(
            (&rows[0]["request"], &rows[0]["outcome"]),
            (&json!("auto"), &json!("accepted_unmeasured"))
        );
        assert_eq!((kept.as_deref(), writes), (Some(""), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_and_nothing_forgotten_where_it_is_read_only() {
        let (rows, kept, writes) = released(true).await;
        assert_eq!((&rows[0]["outcome"], writes), (&json!("dry_run"), 0));
        assert!(kept.is_some_and(|text| text.contains("Auto")));
    }

    #[rstest]
    #[case("unchanged", None)]
    #[case("confirmed", None)]
    #[case("rejected", None)]
    #[case("dry_run", Some(Code::Refused))]
    #[case("failed", Some(Code::NoAnswer))]
    #[case("ineffective", Some(Code::Failed))]
    fn a_device_that_is_not_given_back_is_an_error(#[case] outcome: &str, #[case] code: Option<Code>) {
        let answer = json!({ "released": [{ "outcome": "unchanged" }, { "outcome": outcome }] });
        assert_eq!(ended(&answer).err().map(|failure| failure.code), code);
    }

    #[test]
    fn what_stays_for_a_time_to_come_is_an_error() {
        let answer = json!({ "released": [{ "outcome": "unchanged" }], "ahead_stays": "the disk is full" });
        assert_eq!(ended(&answer).unwrap_err().code, Code::Failed);
        assert!(text(&answer).ends_with("what was asked for a time to come stays: the disk is full"));
        let answer = json!({ "released": [{ "outcome": "unchanged" }], "ahead_stays": null });
        assert!(ended(&answer).is_ok());
    }

    #[test]
    fn what_the_gate_refuses_is_an_error() {
        let answer = json!({ "released": [{ "id": 3, "outcome": "rejected" }] });
        assert_eq!(ended(&answer).unwrap_err().code, Code::Refused);
    }
}
