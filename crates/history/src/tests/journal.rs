//! Ledger, events and state are on the disk when the call returns.

use ohmstead_model::{DeviceId, Event, LedgerEntry, LedgerQuery, Outcome, Severity, UnixMillis};

use super::{open, tamper};

fn entry(request: &str, outcome: Outcome) -> LedgerEntry {
    LedgerEntry {
        id: 0,
        at: UnixMillis(7),
        device: "b".parse().expect("a valid name"),
        asked_by: "cli".to_owned(),
        request: request.to_owned(),
        old: Some("auto".to_owned()),
        new: None,
        reply: Some("{\"set_result\":true}".to_owned()),
        read_back: None,
        effect: Some("-800 W".to_owned()),
        outcome,
        reason: "because; 'quoted'".to_owned(),
    }
}

#[test]
fn the_ledger_is_durable_at_once_and_newest_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    let mut expected = Vec::new();
    for outcome in Outcome::ALL {
        let mut entry = entry(outcome.key(), outcome);
        entry.id = history.append_ledger(&entry).expect("a sound disk");
        expected.insert(0, entry);
    }
    assert_eq!(history.ledger(usize::MAX).expect("readable"), expected);
    drop(history);
    let other = open(folder.path());
    assert_eq!(other.ledger(100).expect("readable"), expected);
    assert_eq!(other.ledger(2).expect("readable"), expected[..2]);
    assert_eq!(other.ledger(0).expect("readable"), []);
}

#[test]
fn the_ledger_is_asked_for_a_device_an_outcome_and_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    let (of_a, of_b) = (entry("auto", Outcome::Confirmed), entry("idle", Outcome::Failed));
    let of_b = LedgerEntry { device: "c".parse().expect("a name"), at: UnixMillis(of_a.at.0 + 1000), ..of_b };
    for entry in [&of_a, &of_b] {
        history.append_ledger(entry).expect("a sound disk");
    }
    let found = |query: LedgerQuery| -> Vec<String> {
        let rows = history.ledger(LedgerQuery { limit: 9, ..query }).expect("readable");
        rows.into_iter().map(|row| row.request).collect()
    };
    assert_eq!(found(LedgerQuery::default()), ["idle", "auto"]);
    assert_eq!(found(LedgerQuery { device: Some(of_b.device.clone()), ..9.into() }), ["idle"]);
    assert_eq!(found(LedgerQuery { outcome: Some(Outcome::Confirmed), ..9.into() }), ["auto"]);
    assert_eq!(found(LedgerQuery { since: Some(of_b.at), ..9.into() }), ["idle"]);
    let device = Some(of_a.device.clone());
    assert_eq!(found(LedgerQuery { device, outcome: Some(Outcome::Failed), ..9.into() }), [""; 0]);
}

#[test]
fn states_are_found_by_their_beginning() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    for (key, value) in [("original/a", "1"), ("original/a/x", "2"), ("original/b", ""), ("originals", "3")] {
        history.put_state(key, value).expect("a sound disk");
    }
    assert_eq!(history.state_keys("original/").expect("readable"), ["original/a", "original/a/x"]);
    assert_eq!(history.state_keys("original/%").expect("readable"), [""; 0]);
}

#[test]
fn events_are_durable_at_once_and_newest_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    let mut expected = Vec::new();
    for (severity, device) in
        [(Severity::Info, None), (Severity::Warning, Some("b")), (Severity::Alarm, Some("site"))]
    {
        let device = device.map(|name| name.parse().unwrap_or_else(|_| DeviceId::site()));
        let (code, text) = ("device_offline".to_owned(), "b does not answer".to_owned());
        let mut event = Event { id: 0, at: UnixMillis(9), severity, device, code, text };
        event.id = history.append_event(&event).expect("a sound disk");
        expected.insert(0, event);
    }
    drop(history);
    assert_eq!(open(folder.path()).events(10).expect("readable"), expected);
}

#[test]
fn state_is_durable_at_once_and_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.put_state("original/b", "auto").expect("a sound disk");
    history.put_state("original/b", "idle").expect("a sound disk");
    history.put_state("memory/b", "{}").expect("a sound disk");
    history.remove_state("memory/b").expect("a sound disk");
    history.remove_state("never there").expect("a sound disk");
    drop(history);
    let other = open(folder.path());
    assert_eq!(other.get_state("original/b").expect("readable").as_deref(), Some("idle"));
    assert_eq!(other.get_state("memory/b").expect("readable"), None);
}

#[test]
fn a_row_that_nobody_understands_hides_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    for request in ["auto", "idle"] {
        history.append_ledger(&entry(request, Outcome::DryRun)).expect("a sound disk");
    }
    tamper(folder.path(), "UPDATE ledger SET outcome = 'miracle' WHERE request = 'auto'");
    let left: Vec<_> = history.ledger(9).expect("readable").into_iter().map(|entry| entry.request).collect();
    assert_eq!(left, ["idle"]);
}
