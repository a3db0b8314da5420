//! Every way an attempt can end, on a fake device under paused time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use expect_test::{Expect, expect};
use ohmstead_drivers::{Context, Report, Reporter};
use ohmstead_model::{Asker, BatteryMode, Clock, LedgerEntry, Outcome, Request, Wish};
use ohmstead_units::{BatteryPower, Watts};
use rstest::rstest;

use super::*;
use crate::testing::{Fake, FakeHandle, FakeRecords, Obeys, clock, gate, id};

struct Nobody;

impl Reporter for Nobody {
    fn report(&self, _report: Report) {}
}

struct Scene {
    clock: Arc<dyn Clock>,
    fake: FakeHandle,
    records: Arc<FakeRecords>,
    gate: Gate,
}

impl Scene {
    fn new(change: impl FnOnce(&mut Fake)) -> Self {
        let clock = clock();
        let records = Arc::new(FakeRecords::default());
        let gate = gate(&clock, &records);
        Self { clock, fake: FakeHandle::new().with(change), records, gate }
    }

    async fn ask(&self, mode: &str) -> LedgerEntry {
        let wish: Wish = mode.parse().expect("a wish");
        let lease = matches!(wish, Wish::Mode(BatteryMode::Charge { until: Some(_), .. }))
            .then(|| Duration::from_secs(7200));
        self.ask_for(wish, lease).await
    }

    async fn ask_for(&self, wish: Wish, lease: Option<Duration>) -> LedgerEntry {
        let request = Request { device: id("a"), wish, lease, asked_by: Asker::Rest };
        let clock = Arc::clone(&self.clock);
        let context = Context { clock, reporter: Arc::new(Nobody), seed: 1, memory: None };
        let entry = self.gate.carry_out(&mut self.fake.device(&id("a"), context), &request).await;
        let stored = self.records.ledger.lock().unwrap().last().cloned();
        if let Some(stored) = stored {
            assert_eq!(LedgerEntry { id: entry.id, ..stored }, entry, "the ledger holds the answer");
        }
        entry
    }

    fn writes(&self) -> usize {
        self.fake.count("write")
    }
}

#[rstest]
#[case::confirmed("charge 800 W", |_: &mut Fake| {}, Outcome::Confirmed, 1)]
#[case::a_no_proves_nothing("charge 800 W", |f: &mut Fake| f.says = Some(false), Outcome::Confirmed, 1)]
#[case::a_lost_reply_proves_nothing("charge 800 W", |f: &mut Fake| f.says = None, Outcome::Confirmed, 1)]
#[case::unmeasured("auto", |_: &mut Fake| {}, Outcome::AcceptedUnmeasured, 1)]
#[case::no_meter("charge 800 W", |f: &mut Fake| f.power = None, Outcome::AcceptedUnmeasured, 1)]
#[case::own_limit("charge 2500 W", |f: &mut Fake| f.power_limit = 800.0, Outcome::Confirmed, 1)]
#[case::nothing_happens("charge 800 W", |f: &mut Fake| f.obeys = Obeys::ModeOnly, Outcome::Ineffective, 1)]
#[case::a_yes_proves_nothing("charge 800 W", |f: &mut Fake| f.obeys = Obeys::Not, Outcome::Ineffective, 1)]
#[case::leaves_the_mode("charge 800 W", |f: &mut Fake| f.obeys = Obeys::ForTenSeconds, Outcome::Ineffective, 1)]
#[case::refused("charge 800 W", |f: &mut Fake| { f.says = Some(false); f.obeys = Obeys::Not; }, Outcome::Rejected, 1)]
#[case::unanswered("charge 800 W", |f: &mut Fake| { f.says = None; f.obeys = Obeys::Not; }, Outcome::Failed, 1)]
#[case::silent("charge 800 W", |f: &mut Fake| f.answers = false, Outcome::Failed, 0)]
#[case::no_such_mode("native:ups", |_: &mut Fake| {}, Outcome::Rejected, 0)]
#[case::unchanged("auto", |f: &mut Fake| f.mode = "auto".to_owned(), Outcome::Unchanged, 0)]
#[case::unchanged_power("charge 800 W", |f: &mut Fake| { f.mode = "Passive".to_owned(); f.power = Some(-790.0); }, Outcome::Unchanged, 0)]
#[case::other_power("charge 800 W", |f: &mut Fake| { f.mode = "Passive".to_owned(); f.power = Some(-300.0); }, Outcome::Confirmed, 1)]
#[tokio::test(start_paused = true)]
async fn an_attempt_ends(
    #[case] mode: &str,
    #[case] fake: impl FnOnce(&mut Fake),
    #[case] outcome: Outcome,
    #[case] writes: usize,
) {
    let scene = Scene::new(fake);
    let entry = scene.ask(mode).await;
    assert_eq!((entry.outcome, scene.writes()), (outcome, writes), "{entry:#?}");
    assert_eq!(entry.id, 1, "every attempt is in the ledger");
    assert!(!entry.reason.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_charge_up_to_a_level_that_is_reached_is_refused() {
    let scene = Scene::new(|fake| fake.soc = 92.0);
    let entry = scene.ask("charge 800 W until 90 %").await;
    assert_eq!((entry.outcome, scene.writes()), (Outcome::Rejected, 0), "{entry:#?}");
}

#[rstest]
#[case(90.0, 0.0, false)]
#[case(60.0, -60.0, false)]
#[case(-800.0, -769.0, true)]
#[case(-800.0, -600.0, false)]
#[case(0.0, 45.0, true)]
#[case(0.0, 80.0, false)]
fn a_power_is_near_only_in_the_right_direction(
    #[case] expected: f64,
    #[case] measured: f64,
    #[case] near: bool,
) {
    let [expected, measured] = [expected, measured].map(|watts| BatteryPower::discharging(Watts(watts)));
    assert_eq!(judge::near(expected, measured), near);
}

#[tokio::test(start_paused = true)]
async fn idle_is_written_again_unless_it_was_ours() {
    let scene = Scene::new(|fake| fake.mode = "Passive".to_owned());
    assert_eq!(scene.ask("idle").await.outcome, Outcome::Confirmed, "what stands behind it is not known");
    assert_eq!(scene.ask("idle").await.outcome, Outcome::Unchanged);
    scene.ask("auto").await;
    assert_eq!(scene.ask("idle").await.outcome, Outcome::Confirmed);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_charge_needs_somebody_who_watches() {
    let mut scene = Scene::new(|fake| fake.ends_charges = false);
    assert_eq!(scene.ask("charge 800 W until 90 %").await.outcome, Outcome::Confirmed);
    scene.gate.until = Until::LeftToDevice;
    let entry = scene.ask("charge 800 W until 90 %").await;
    assert_eq!((entry.outcome, entry.reason.as_str()), (Outcome::Rejected, "cannot stop by itself"));
}

#[rstest]
#[case::answers(|_: &mut Fake| {}, Outcome::DryRun)]
#[case::silent(|f: &mut Fake| f.answers = false, Outcome::DryRun)]
#[case::already_so(|f: &mut Fake| f.mode = "Auto".to_owned(), Outcome::Unchanged)]
#[tokio::test(start_paused = true)]
async fn read_only_writes_nothing(#[case] fake: impl FnOnce(&mut Fake), #[case] outcome: Outcome) {
    let scene = Scene::new(fake);
    scene.gate.read_only.installation.store(true, Ordering::Relaxed);
    let entry = scene.ask("auto").await;
    assert_eq!((entry.outcome, scene.writes()), (outcome, 0));
    assert_eq!(entry.new.as_deref(), Some("Auto 0"), "a dry run shows what would have been written");
    assert!(scene.records.state.lock().unwrap().is_empty(), "nothing is to be given back");
    assert_eq!(scene.records.ledger.lock().unwrap().len(), 1);
}

#[rstest]
#[case(None, false, false)]
#[case(None, true, true)]
#[case(Some(false), true, false)]
#[case(Some(true), false, true)]
fn the_device_decides_before_the_installation(
    #[case] device: Option<bool>,
    #[case] installation: bool,
    #[case] applies: bool,
) {
    let read_only = ReadOnly { device, installation: Arc::new(AtomicBool::new(installation)) };
    assert_eq!(read_only.applies(), applies);
}

#[tokio::test(start_paused = true)]
async fn the_steps_come_in_order() {
    let scene = Scene::new(|_| {});
    scene.ask("charge 800 W").await;
    assert_eq!(scene.fake.lock().log, ["read", "write Passive -800", "read"]);
}

#[tokio::test(start_paused = true)]
async fn the_original_is_kept_once_and_before_the_first_write() {
    let scene = Scene::new(|_| {});
    scene.ask("charge 800 W").await;
    scene.ask("auto").await;
    let state = scene.records.state.lock().unwrap();
    assert_eq!(state["original/a"], r#"{"native":"Manual","at_unix_ms":1795248000000}"#);
    assert_eq!(state["attempt/a"], "", "the rows are in the ledger");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_a_crash_cut_off_becomes_a_row_at_the_next_start() {
    let scene = Scene::new(|_| {});
    let note = r#"{"at":5,"asked_by":"rest","request":"idle","old":"Auto","new":"Manual 0"}"#.to_owned();
    scene.records.state.lock().unwrap().insert("attempt/a".to_owned(), note);
    scene.gate.close_interrupted().await;
    scene.gate.close_interrupted().await;
    let ledger = scene.records.ledger.lock().unwrap();
    let rows: Vec<_> =
        ledger.iter().map(|row| (row.request.as_str(), row.new.as_deref(), row.outcome)).collect();
    assert_eq!(rows, [("idle", Some("Manual 0"), Outcome::Failed)], "once");
}

#[tokio::test(start_paused = true)]
async fn without_room_for_the_original_nothing_is_written() {
    let scene = Scene::new(|_| {});
    scene.records.full.store(true, Ordering::Relaxed);
    let entry = scene.ask("charge 800 W").await;
    assert_eq!((entry.outcome, scene.writes(), entry.id), (Outcome::Failed, 0, 0));
    let reason = "nothing was written: the present state could not be stored: the disk is full; \
                  not in the ledger: the disk is full";
    assert_eq!(entry.reason, reason);
}

#[tokio::test(start_paused = true)]
async fn polls_go_on_while_the_effect_is_awaited() {
    let scene = Scene::new(|fake| fake.obeys = Obeys::ModeOnly);
    let before = scene.clock.now();
    scene.ask("charge 800 W").await;
    let took = scene.clock.now().since(before);
    assert!((60..75).contains(&took.as_secs()), "{took:?}");
    assert!(scene.fake.count("poll") >= 2, "{:?}", scene.fake.lock().log);
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_the_wait_and_the_attempt_is_in_the_ledger() {
    let scene = Scene::new(|fake| fake.obeys = Obeys::ModeOnly);
    let before = scene.clock.now();
    let stop = async {
        scene.clock.sleep(Duration::from_secs(20)).await;
        scene.gate.stop.cancel();
    };
    let (entry, ()) = tokio::join!(scene.ask("charge 800 W"), stop);
    assert_eq!(entry.outcome, Outcome::AcceptedUnmeasured);
    assert_eq!(entry.id, 1);
    assert!(scene.clock.now().since(before) < Duration::from_secs(21));
}

#[tokio::test(start_paused = true)]
async fn stopping_before_the_read_back_says_so() {
    let scene = Scene::new(|_| {});
    let stop = async {
        scene.clock.sleep(Duration::from_secs(1)).await;
        scene.gate.stop.cancel();
    };
    let (entry, ()) = tokio::join!(scene.ask("charge 800 W"), stop);
    assert_eq!((entry.outcome, entry.read_back), (Outcome::AcceptedUnmeasured, None));
}

#[tokio::test(start_paused = true)]
async fn the_ledger_row_tells_the_story() {
    let check = |entry: LedgerEntry, expected: Expect| expected.assert_debug_eq(&entry);
    let scene = Scene::new(|fake| fake.power = Some(120.0));
    check(
        scene.ask("charge 800 W").await,
        expect![[r#"
            LedgerEntry {
                id: 1,
                at: UnixMillis(
                    1795248000000,
                ),
                device: DeviceId(
                    "a",
                ),
                asked_by: "rest",
                request: "charge 800 W",
                old: Some(
                    "Manual, discharging 120 W, 50 %",
                ),
                new: Some(
                    "Passive -800",
                ),
                reply: Some(
                    "{\"set_result\":true}",
                ),
                read_back: Some(
                    "Passive, charging 800 W, 50 %",
                ),
                effect: Some(
                    "charging 800 W after 2 s",
                ),
                outcome: Confirmed,
                reason: "measured charging 800 W after 2 s",
            }
        "#]],
    );
    let scene = Scene::new(|fake| fake.obeys = Obeys::ForTenSeconds);
    check(
        scene.ask("discharge 600 W").await,
        expect![[r#"
        LedgerEntry {
            id: 1,
            at: UnixMillis(
                1795248000000,
            ),
            device: DeviceId(
                "a",
            ),
            asked_by: "rest",
            request: "discharge 600 W",
            old: Some(
                "Manual, 0 W, 50 %",
            ),
            new: Some(
                "Passive 600",
            ),
            reply: Some(
                "{\"set_result\":true}",
            ),
            read_back: Some(
                "Manual, 0 W, 50 %",
            ),
            effect: Some(
                "0 W after 11 s",
            ),
            outcome: Ineffective,
            reason: "the device left the mode by itself after 11 s: it reads Manual",
        }
    "#]],
    );
}

/// Only attempts write, and the quick ways beside them: nothing else in the program calls the driver's `write`.
#[test]
fn one_way_to_the_hardware() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let callers = calls_of_write(&source);
    assert_eq!(callers, ["actuator/attempt.rs", "actuator/quick.rs"]);
}

fn calls_of_write(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text: String = std::fs::read_to_string(&path).unwrap().split_whitespace().collect();
            let test = path.ends_with("tests.rs") || path.ends_with("testing.rs");
            let writes = text.contains("device.write(") || text.contains("Device::write");
            if writes && !test {
                found.push(path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn a_setting_is_read_back_and_written_rarely() {
    let scene = Scene::new(|_| {});
    let priority = |value: &str| format!("output_priority={value}");
    let sleep = |seconds| scene.clock.sleep(Duration::from_secs(seconds));
    assert_eq!(scene.ask(&priority("solar_first")).await.outcome, Outcome::AcceptedUnmeasured);
    assert_eq!(scene.ask(&priority("solar_first")).await.outcome, Outcome::Unchanged, "no second write");
    let soon = scene.ask(&priority("utility_first")).await;
    assert_eq!((soon.outcome, scene.writes()), (Outcome::Rejected, 1), "{soon:#?}");
    assert!(soon.reason.contains("ask again in"), "{}", soon.reason);
    sleep(61).await;
    assert_eq!(scene.ask(&priority("utility_first")).await.outcome, Outcome::AcceptedUnmeasured);
    sleep(3600).await;
    let spent = scene.ask(&priority("solar_first")).await;
    assert_eq!((spent.outcome, scene.writes()), (Outcome::Rejected, 2), "{spent:#?}");
    let kept = scene.records.state.lock().unwrap().clone();
    assert!(kept["original/a/output_priority"].contains("utility_first"), "{kept:?}");
    let restarted = Gate { last: LastWrites::default(), ..gate(&scene.clock, &scene.records) };
    let again = Scene { gate: restarted, ..scene };
    assert_eq!(
        again.ask(&priority("solar_first")).await.outcome,
        Outcome::Rejected,
        "a restart is no new day"
    );
}

#[tokio::test(start_paused = true)]
async fn a_setting_has_no_end() {
    let scene = Scene::new(|_| {});
    let wish = "output_priority=solar_first".parse().unwrap();
    let entry = scene.ask_for(wish, Some(Duration::from_secs(60))).await;
    assert_eq!((entry.outcome, scene.writes()), (Outcome::Rejected, 0), "{entry:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_cannot_be_counted_is_not_made() {
    let scene = Scene::new(|_| {});
    scene.records.full.store(true, Ordering::Relaxed);
    let entry = scene.ask("output_priority=solar_first").await;
    assert_eq!((entry.outcome, scene.writes()), (Outcome::Failed, 0), "{entry:#?}");
}

/// What is written along with a setting is what the device has now, not what it had when it was read last.
#[tokio::test(start_paused = true)]
async fn a_plan_is_made_of_what_was_just_read() {
    let scene = Scene::new(|fake| fake.beside = (" with 56.0 V".to_owned(), " with 58.4 V".to_owned()));
    let entry = scene.ask("battery_float_voltage=54").await;
    assert_eq!(scene.fake.lock().log, ["read", "write battery_float_voltage 54 with 56.0 V", "read"]);
    assert_eq!(entry.new.as_deref(), Some("battery_float_voltage 54 with 56.0 V"), "{entry:#?}");
    assert_eq!(entry.outcome, Outcome::AcceptedUnmeasured);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_is_not_called_unanswered() {
    let scene = Scene::new(|fake| fake.keeps_back = true);
    let entry = scene.ask("output_priority=solar_first").await;
    assert_eq!(entry.outcome, Outcome::Failed, "{entry:#?}");
    assert!(entry.reason.starts_with("nothing was sent"), "{}", entry.reason);
    assert!(!entry.reason.contains("unanswered"), "{}", entry.reason);
}

/// A write that had to be sent twice takes two of the day's writes.
#[tokio::test(start_paused = true)]
async fn each_sending_counts() {
    let scene = Scene::new(|fake| fake.tries = 2);
    assert_eq!(scene.ask("output_priority=solar_first").await.outcome, Outcome::AcceptedUnmeasured);
    scene.clock.sleep(Duration::from_secs(61)).await;
    let spent = scene.ask("output_priority=utility_first").await;
    assert_eq!((spent.outcome, scene.writes()), (Outcome::Rejected, 1), "{spent:#?}");
    assert!(spent.reason.ends_with("today's writes are spent"), "{}", spent.reason);
}

/// A record that cannot be read is no new budget; it heals after a day.
#[tokio::test(start_paused = true)]
async fn a_broken_record_of_writes_forbids_them_for_a_day() {
    let scene = Scene::new(|_| {});
    scene.records.state.lock().unwrap().insert("wear/a".to_owned(), "{\"output_pri".to_owned());
    let entry = scene.ask("output_priority=solar_first").await;
    assert_eq!((entry.outcome, scene.writes()), (Outcome::Rejected, 0), "{entry:#?}");
    assert!(entry.reason.contains("cannot be read"), "{}", entry.reason);
    scene.clock.sleep(Duration::from_secs(80_000)).await;
    assert_eq!(scene.ask("output_priority=solar_first").await.outcome, Outcome::Rejected);
    scene.clock.sleep(Duration::from_secs(7_000)).await;
    assert_eq!(scene.ask("output_priority=solar_first").await.outcome, Outcome::AcceptedUnmeasured);
}
