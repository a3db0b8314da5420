//! Every recording in turn on a real bus: each path arrives with its last value, none is lost, none is asked for alone.

use ohmstead_model::{NativeRow, Value};
use serde_json::Value as Json;

use crate::support::{Daemon, Leaf, Recording, Service, Unit, recordings};

/// How many of the values arrived.
#[derive(Default)]
struct Score {
    recordings: usize,
    paths: usize,
    changes: usize,
    lost: usize,
    wrong: usize,
    mistyped: usize,
    get_items: u32,
    get_value: usize,
}

#[tokio::test]
async fn every_recording_arrives() {
    let Some(recordings) = recordings() else { return };
    let daemon = Daemon::start();
    let mut unit = Unit::on_bus(&daemon.address());
    let mut score = Score::default();
    for recording in &recordings {
        replay(recording, &daemon, &mut unit, &mut score).await;
    }
    let Score { recordings, paths, changes, lost, wrong, mistyped, get_items, get_value } = score;
    println!("recordings  services read  paths  changes  lost  wrong  mistyped  GetItems  GetValue");
    println!(
        "{recordings:>10}  {recordings:>13}  {paths:>5}  {changes:>7}  {lost:>4}  {wrong:>5}  {mistyped:>8}  {get_items:>8}  {get_value:>8}"
    );
    assert!(recordings >= 100 && changes > 40_000, "recordings are missing");
    assert_eq!((lost, wrong, mistyped, get_value), (0, 0, 0, 0));
    assert_eq!(usize::try_from(get_items), Ok(recordings));
}

async fn replay(recording: &Recording, daemon: &Daemon, unit: &mut Unit, score: &mut Score) {
    assert_eq!(recording.seconds.len(), recording.changes.len(), "{}", recording.name);
    let service = Service::start(&daemon.address(), &recording.service, recording.initial.clone()).await;
    let name = recording.service.as_str();
    unit.until("the service is known", |unit| {
        unit.rows(Some(name)).iter().any(|row| row.observation.is_ok())
    })
    .await;
    // Both kinds of signals, in turn.
    for (index, changes) in recording.changes.chunks(8).enumerate() {
        // Some paths (with a dash in them) are no object paths: nothing can come from there.
        let is_callable = changes.iter().all(|(path, _)| zbus::ObjectPath::try_from(path.as_str()).is_ok());
        if index % 2 == 0 || !is_callable {
            service.change_all(&last_of_each(changes)).await;
        } else {
            for (path, leaf) in changes {
                service.change(path, leaf.clone()).await;
            }
        }
    }
    let end = Leaf { signature: "i".into(), value: Json::from(1), text: "end".into() };
    service.change("/EndOfRecording", end).await;
    unit.until("the last change is known", |unit| unit.row(name, "/EndOfRecording").as_deref() == Some("1"))
        .await;
    let calls = service.calls();
    score.recordings += 1;
    score.changes += recording.changes.len();
    score.get_items += calls.get_items;
    score.get_value += calls.get_value.len();
    judge(recording, &unit.rows(Some(name)), score);
    service.kill().await;
    unit.until("the service is gone", |unit| {
        unit.rows(Some(name)).iter().all(|row| row.observation.is_err())
    })
    .await;
}

/// One message has each path once.
fn last_of_each(changes: &[(String, Leaf)]) -> Vec<(String, Leaf)> {
    let last: std::collections::BTreeMap<_, _> = changes.iter().cloned().collect();
    last.into_iter().collect()
}

fn judge(recording: &Recording, rows: &[NativeRow], score: &mut Score) {
    for (path, leaf) in recording.last() {
        score.paths += 1;
        let Some(row) = rows.iter().find(|row| *row.path == *path) else {
            println!("{}: {path} is lost", recording.name);
            score.lost += 1;
            continue;
        };
        let (is_typed, is_right) = agree(&leaf, row);
        score.mistyped += usize::from(!is_typed);
        score.wrong += usize::from(is_typed && !is_right);
        if !(is_typed && is_right) {
            println!("{}: {path} {leaf:?} became {:?}", recording.name, row.observation);
        }
    }
}

/// Whether the kind of the value is right, and the value.
fn agree(leaf: &Leaf, row: &NativeRow) -> (bool, bool) {
    let is_empty = leaf.value.as_array().is_some_and(Vec::is_empty);
    match (&row.observation, leaf.signature.as_str()) {
        (Err(_), _) => (true, is_empty || is_sentinel(leaf)),
        (Ok(Value::Number(number)), "y" | "n" | "q" | "i" | "u" | "x" | "d") => {
            let expected = leaf.value.as_f64().unwrap_or(f64::NAN);
            (true, (number - expected).abs() <= expected.abs() * 2e-7)
        }
        (Ok(Value::Number(number)), "b") => (true, Some(*number != 0.0) == leaf.value.as_bool()),
        (Ok(Value::Text(text)), "s") => (true, Some(&**text) == leaf.value.as_str()),
        (Ok(Value::Text(text)), array) if array.starts_with('a') => {
            (true, serde_json::from_str(text).ok().as_ref() == Some(&leaf.value))
        }
        _ => (false, false),
    }
}

/// Numbers that mean "not set".
fn is_sentinel(leaf: &Leaf) -> bool {
    leaf.value
        .as_f64()
        .is_some_and(|number| (number - 655.35).abs() < 1e-3 || (number - 32_766.0).abs() < 1e-3)
}
