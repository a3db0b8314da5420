//! Windows and limits that are changed while the program runs.

use std::sync::atomic::Ordering;

use ohmstead_control::schedule::{Change, ChangeError, Edit, Rule};
use ohmstead_model::{LimitName, LimitRefused, SiteLimit};
use ohmstead_units::Watts;

use super::*;
use crate::control::windows::{Changed, NotChanged};

const WHOLE_DAY: &str = r#"{ from: "00:00", to: "00:00", mode: idle }"#;
const SCHEDULE: &str = "control/schedules";
const LIMITS: &str = "control/limits";

fn add(name: &str, yaml: &str) -> Change {
    let yaml = format!("schedules: {{ {name}: {yaml} }}");
    let rule: Vec<Rule> = rules(&yaml).settings.schedule;
    Change::Add { rule: rule.into_iter().next().expect("a window"), is_active: true }
}

fn switched(id: u32, on: bool) -> Change {
    Change::Edit { id, edit: Edit { is_active: Some(on), ..Edit::default() } }
}

impl Scene {
    async fn change(&self, change: Change) -> Result<Changed, NotChanged> {
        self.commander.change_windows(change, Asker::Rest).await
    }

    async fn lower(&self, name: LimitName, max: Option<f64>) -> Result<SiteLimit, LimitRefused> {
        self.commander.limit(name, max.map(Watts), Asker::Mqtt).await
    }

    /// What counts of the limits.
    fn counts(&self) -> Vec<f64> {
        self.commander.limits().iter().map(|limit| limit.counts().0).collect()
    }

    /// The number of each window and its name, as they count.
    fn windows(&self) -> Vec<String> {
        let windows = self.commander.windows();
        let rules = self.rules.borrow();
        let entries = windows.entries(&rules.settings.schedule);
        let on = |is_active| if is_active { "" } else { " off" };
        entries
            .iter()
            .map(|entry| format!("{} {}{}", entry.id, entry.rule.name, on(entry.is_active)))
            .collect()
    }

    async fn events(&self) -> Vec<String> {
        self.hub.ping().await;
        let is_ours =
            |text: &String| text.starts_with("schedule_changed") || text.starts_with("limit_changed");
        self.heard.event_texts().into_iter().filter(is_ours).collect()
    }

    fn fill(&self, is_full: bool) {
        self.records.full.store(is_full, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_counts_within_the_second_in_which_it_is_made() {
    let scene = Scene::new("", |fake| fake.mode = "Auto".to_owned()).await;
    scene.sleep(10).await;
    assert_eq!(scene.commander.switches().schedule, None, "there is none");
    let made = scene.change(add("party", WHOLE_DAY)).await.expect("made");
    assert_eq!(made.id, 1001);
    scene.clock.sleep(Duration::from_millis(500)).await;
    assert_eq!(scene.phase(), ControlPhase::Pending);
    assert_eq!(scene.commander.switches().schedule, Some(true));
    scene.sleep(30).await;
    assert_eq!((scene.mode().as_str(), scene.phase()), ("Passive", ControlPhase::Confirmed));
    scene.change(Change::Remove { id: 1001 }).await.expect("deleted");
    scene.sleep(30).await;
    assert_eq!((scene.mode().as_str(), scene.commander.switches().schedule), ("Auto", None));
    assert_eq!(
        scene.events().await,
        [
            "schedule_changed: the window \"party\" is new: 00:00 to 00:00 idle (asked by rest)",
            "schedule_changed: the window \"party\" is deleted (asked by rest)"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn windows_of_run_time_go_before_those_of_the_file() {
    let scene =
        Scene::new(&format!("schedules: {{ all: {WHOLE_DAY} }}"), |fake| fake.mode = "Auto".to_owned()).await;
    scene.sleep(30).await;
    assert_eq!(scene.mode(), "Passive");
    scene.change(add("auto", r#"{ from: "07:00", to: "09:00", mode: auto }"#)).await.expect("made");
    scene.sleep(30).await;
    assert_eq!(scene.mode(), "Auto");
    scene.change(switched(1001, false)).await.expect("switched off");
    scene.sleep(30).await;
    assert_eq!(
        (scene.mode(), scene.windows()),
        ("Passive".to_owned(), vec!["1001 auto off".into(), "1 all".into()])
    );
    scene.change(switched(1, false)).await.expect("switched off");
    scene.sleep(30).await;
    assert_eq!(scene.mode(), "Auto", "given back");
}

#[tokio::test(start_paused = true)]
async fn windows_survive_a_restart_and_a_reload() {
    let yaml = format!("schedules: {{ day: {WHOLE_DAY}, late: {NIGHT_ONLY} }}");
    let scene = Scene::new(&yaml, |fake| fake.mode = "Auto".to_owned()).await;
    scene.change(add("party", NIGHT_ONLY)).await.expect("made");
    scene.change(switched(1, false)).await.expect("switched off");
    let mode = Edit { mode: Some("charge 800 W".parse().expect("a mode")), ..Edit::default() };
    scene.change(Change::Edit { id: 2, edit: mode }).await.expect("replaced");
    let windows = ["1001 party", "1 day off", "1002 late"];
    assert_eq!(scene.windows(), windows);
    scene.stop().await;
    let again = Scene::with(&yaml, Arc::clone(&scene.records), scene.fake.clone()).await;
    again.sleep(30).await;
    assert_eq!((again.windows(), again.mode().as_str()), (windows.map(str::to_owned).to_vec(), "Auto"));

    // The file is read again: the order is another one, and one window is no longer there.
    again.rules.send_replace(rules(&format!("schedules: {{ new: {NIGHT_ONLY}, day: {WHOLE_DAY} }}")));
    again.sleep(30).await;
    assert_eq!(again.windows(), ["1001 party", "1 new", "2 day off", "1002 late"]);
    assert_eq!(again.mode(), "Auto");
    again.rules.send_replace(rules(&yaml));
    again.sleep(2).await;
    assert_eq!(again.windows(), windows, "the place is there again");
}

/// What a reload hides, or takes the device from, is told; what was meant to stand in a place of the file is not.
#[tokio::test(start_paused = true)]
async fn a_reload_that_changes_what_a_window_does_is_told() {
    let scene = Scene::new(&format!("schedules: {{ day: {NIGHT_ONLY} }}"), |_| {}).await;
    scene.sleep(5).await;
    scene.change(add("party", NIGHT_ONLY)).await.expect("made");
    let only_a = r#"{ from: "22:00", to: "06:00", mode: idle, devices: [a] }"#;
    scene.change(add("guests", only_a)).await.expect("made");
    let mode = Edit { mode: Some("auto".parse().expect("a mode")), ..Edit::default() };
    scene.change(Change::Edit { id: 1, edit: mode }).await.expect("replaced");
    let told = || {
        let texts = scene.heard.event_texts();
        texts.into_iter().filter(|text| text.starts_with("windows_surprise")).collect::<Vec<_>>()
    };
    scene.sleep(5).await;
    assert_eq!(told(), [""; 0]);
    let mut reloaded = rules(&format!("schedules: {{ day: {NIGHT_ONLY}, party: {NIGHT_ONLY} }}"));
    reloaded.devices.clear();
    scene.rules.send_replace(reloaded);
    scene.sleep(5).await;
    assert_eq!(
        told(),
        [
            "windows_surprise: Home: windows that were made while the program ran: \"party\" hides that of the configuration; \"guests\" is for a, which is not configured; change or delete them: GET /api/v1/schedules"
        ]
    );
    scene.rules.send_replace(rules(""));
    scene.sleep(5).await;
    assert!(told()[1].contains("no longer"), "{:?}", told());
}

/// Not open at the time of these tests.
const NIGHT_ONLY: &str = r#"{ from: "22:00", to: "06:00", mode: idle, days: [sat, sun, holidays] }"#;

#[tokio::test(start_paused = true)]
async fn on_a_full_disk_nothing_is_changed_and_that_is_told() {
    let scene = Scene::new(
        &format!("schedules: {{ day: {WHOLE_DAY} }}\nlimits: {{ feed_in: {{ max: 5 kW }} }}"),
        |_| {},
    )
    .await;
    scene.sleep(30).await;
    scene.fill(true);
    for change in [add("x", NIGHT_ONLY), switched(1, false)] {
        let refused = scene.change(change).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "nothing was changed, for it would not survive a restart: the disk is full"
        );
    }
    let refused = scene.lower(LimitName::FeedIn, Some(1000.0)).await.unwrap_err();
    assert_eq!(refused, LimitRefused::NotKept("the disk is full".to_owned()));
    scene.sleep(30).await;
    assert_eq!((scene.windows(), scene.counts()), (vec!["1 day".to_owned()], vec![5000.0]));
    assert_eq!((scene.mode(), scene.kept(SCHEDULE) + &scene.kept(LIMITS)), ("Passive".into(), String::new()));
    assert_eq!(scene.events().await, [""; 0]);
    scene.fill(false);
    assert_eq!(scene.change(add("x", NIGHT_ONLY)).await.expect("made").id, 1001);
}

#[tokio::test(start_paused = true)]
async fn a_memory_that_is_not_there_yet_is_not_written_over() {
    let yaml = "limits: { feed_in: { max: 5 kW } }";
    let scene = Scene::new(yaml, |fake| fake.mode = "Auto".to_owned()).await;
    scene.change(add("party", WHOLE_DAY)).await.expect("made");
    scene.lower(LimitName::FeedIn, Some(1000.0)).await.expect("lowered");
    scene.stop().await;
    scene.records.unreadable.store(true, Ordering::Relaxed);
    let again = Scene::with(yaml, Arc::clone(&scene.records), scene.fake.clone()).await;
    again.sleep(5).await;
    assert_eq!((again.windows(), again.counts()), (vec![], vec![5000.0]), "the file counts");
    let refused = again.change(add("x", NIGHT_ONLY)).await.unwrap_err();
    assert!(refused.to_string().ends_with("the disk is not there"), "{refused}");
    assert!(again.lower(LimitName::FeedIn, None).await.is_err());
    again.records.unreadable.store(false, Ordering::Relaxed);
    again.sleep(30).await;
    assert_eq!((again.windows(), again.counts()), (vec!["1001 party".to_owned()], vec![1000.0]));
    assert_eq!(again.mode(), "Passive");
}

/// The memory of a later version: a limit and a window that this one does not know, next to what it does.
const LATER_WINDOWS: &str = r#"{"next_id":1009,"later":1,"off":["day"],"windows":[
    {"id":1003,"name":"storm","from":"00:00:00","to":"00:00:00","mode":"charge at dawn","days":127,"holidays":true,"devices":[],"is_active":true},
    {"id":1004,"name":"party","from":"22:00:00","to":"06:00:00","mode":"idle","days":96,"holidays":false,"devices":[],"is_active":true},
    {"id":"x"}]}"#;
const LATER_LIMITS: &str = r#"{"export":5,"feed_in":1000,"multi_output":"20 kW"}"#;

async fn with_kept(windows: &str, limits: &str) -> Scene {
    let records = Arc::new(FakeRecords::default());
    for (key, text) in [(SCHEDULE, windows), (LIMITS, limits)] {
        records.state.lock().unwrap().insert(key.to_owned(), text.to_owned());
    }
    let yaml = format!("schedules: {{ day: {WHOLE_DAY} }}\nlimits: {{ feed_in: {{ max: 5 kW }} }}");
    let scene = Scene::with(&yaml, records, FakeHandle::new()).await;
    scene.sleep(5).await;
    scene
}

#[tokio::test(start_paused = true)]
async fn what_can_be_read_of_what_was_kept_counts_and_the_rest_is_told_and_put_aside() {
    let scene = with_kept(LATER_WINDOWS, LATER_LIMITS).await;
    assert_eq!(
        (scene.windows(), scene.counts()),
        (vec!["1004 party".into(), "1 day off".into()], vec![1000.0])
    );
    let told = |heard: Vec<String>| {
        heard.into_iter().filter(|text| text.contains("_unreadable")).collect::<Vec<_>>()
    };
    assert_eq!(
        told(scene.heard.event_texts()),
        [
            "windows_unreadable: Home: not all windows of the schedule that were kept can be read, these do not count: \"storm\", a window; ask for them again; with the next change they go to control/schedules/unreadable in the store",
            "limits_unreadable: Home: not all lowered limits that were kept can be read, these do not count: \"export\", \"multi_output\"; ask for them again; with the next change they go to control/limits/unreadable in the store",
        ]
    );
    let notices = scene.hub.snapshot().device("site").map(|site| site.notices.len());
    assert_eq!(
        (notices, scene.kept(SCHEDULE).as_str()),
        (Some(2), LATER_WINDOWS),
        "untouched until a change"
    );
    assert_eq!(scene.change(add("x", NIGHT_ONLY)).await.expect("made").id, 1009, "no number comes twice");
    scene.lower(LimitName::FeedIn, Some(500.0)).await.expect("lowered");
    for (key, text) in [(SCHEDULE, LATER_WINDOWS), (LIMITS, LATER_LIMITS)] {
        assert_eq!(scene.kept(&format!("{key}/unreadable")), text);
    }
    assert_eq!(scene.kept(LIMITS), r#"{"feed_in":500.0}"#);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_text_of_ours_at_all_is_not_lost_either() {
    let (broken, limits) = (r#"{"next_id":1,"windows":[{"#, "[]");
    let scene = with_kept(broken, limits).await;
    assert_eq!((scene.windows(), scene.counts()), (vec!["1 day".to_owned()], vec![5000.0]));
    scene.records.state.lock().unwrap().insert(format!("{SCHEDULE}/unreadable"), "older".to_owned());
    scene.fill(true);
    assert!(matches!(scene.change(switched(1, false)).await, Err(NotChanged::NotKept(_))));
    assert!(matches!(scene.lower(LimitName::FeedIn, Some(1.0)).await, Err(LimitRefused::NotKept(_))));
    assert_eq!((scene.kept(SCHEDULE).as_str(), scene.kept(LIMITS).as_str()), (broken, limits));
    scene.fill(false);
    scene.change(switched(1, false)).await.expect("switched off");
    scene.lower(LimitName::FeedIn, Some(1.0)).await.expect("lowered");
    assert_eq!(scene.kept("control/schedules/unreadable"), format!("older\n{broken}"));
    assert_eq!(scene.kept("control/limits/unreadable"), limits);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_nobody_can_do_is_refused() {
    let scene = Scene::new("", |_| {}).await;
    scene.sleep(5).await;
    let no_device = add("x", r#"{ from: "00:00", to: "00:00", mode: "native:storm" }"#);
    let NotChanged::Refused(why) = scene.change(no_device).await.unwrap_err() else {
        panic!("another reason")
    };
    assert!(matches!(why, ChangeError::CannotDo { .. }), "{why}");
    assert_eq!(scene.change(switched(1, true)).await, Err(NotChanged::Refused(ChangeError::Unknown(1))));
}

#[tokio::test(start_paused = true)]
async fn a_switched_off_schedule_lets_windows_be_made_that_do_not_count() {
    let scene = Scene::new("", |fake| fake.mode = "Auto".to_owned()).await;
    scene.change(add("party", WHOLE_DAY)).await.expect("made");
    scene.commander.switch(Part::Schedule, false, Asker::Cli).await.expect("switched");
    scene.change(add("again", WHOLE_DAY)).await.expect("made");
    scene.sleep(60).await;
    assert_eq!(scene.mode(), "Auto");
}

const TWO_LIMITS: &str =
    "limits: { battery_discharge: { max: 5 kW, step: 1 kW }, multi_output: { max: 30 kW, floor: 2 kW } }";

#[tokio::test(start_paused = true)]
async fn a_lowered_limit_acts_on_what_a_battery_does_and_is_told() {
    let scene = Scene::new(TWO_LIMITS, |fake| fake.tells_discharge = true).await;
    scene.asked("discharge 2000 W", Some(7200)).await;
    scene.sleep(30).await;
    assert_eq!(scene.fake.lock().power, Some(2000.0));
    let limit = scene.lower(LimitName::BatteryDischarge, Some(1000.0)).await.expect("lowered");
    assert_eq!((limit.counts(), limit.max), (Watts(1000.0), Watts(5000.0)));
    assert_eq!(scene.counts(), [30_000.0, 1000.0]);
    scene.sleep(60).await;
    let power = scene.fake.lock().power.expect("a power");
    assert!(power <= 1000.0, "{power}");
    scene.lower(LimitName::BatteryDischarge, None).await.expect("back");
    scene.sleep(600).await;
    assert_eq!(scene.fake.lock().power, Some(2000.0));
    assert_eq!(
        scene.events().await,
        [
            "limit_changed: the limit battery_discharge is 1000 W now, the configuration allows 5000 W (asked by mqtt)",
            "limit_changed: the limit battery_discharge is 5000 W now, as the configuration says (asked by mqtt)"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_lowered_limit_survives_a_restart_and_never_goes_over_the_file() {
    let scene = Scene::new(TWO_LIMITS, |_| {}).await;
    scene.lower(LimitName::MultiOutput, Some(20_000.0)).await.expect("lowered");
    scene.stop().await;
    let again = Scene::with(TWO_LIMITS, Arc::clone(&scene.records), scene.fake.clone()).await;
    again.sleep(2).await;
    assert_eq!(again.counts(), [20_000.0, 5000.0]);
    let reload = |max: &str| rules(&format!("limits: {{ multi_output: {{ max: {max} }} }}"));
    for (max, counts) in [("10 kW", vec![10_000.0]), ("25 kW", vec![20_000.0])] {
        again.rules.send_replace(reload(max));
        again.sleep(2).await;
        assert_eq!(again.counts(), counts, "{max}");
    }
    again.rules.send_replace(rules(""));
    again.sleep(2).await;
    assert_eq!(again.counts(), [0.0; 0]);
    let refused = again.lower(LimitName::MultiOutput, None).await.unwrap_err();
    assert_eq!(refused, LimitRefused::NotConfigured(LimitName::MultiOutput));
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_neither_raised_nor_put_below_its_floor() {
    let scene = Scene::new(TWO_LIMITS, |_| {}).await;
    for power in [30_001.0, 1999.0, f64::NAN, f64::INFINITY, -1.0] {
        let refused = scene.lower(LimitName::MultiOutput, Some(power)).await;
        assert!(matches!(refused, Err(LimitRefused::OutOfBounds { .. })), "{power}: {refused:?}");
    }
    assert_eq!((scene.counts(), scene.kept(LIMITS)), (vec![30_000.0, 5000.0], String::new()));
}

/// As many as the queue holds wait; more are refused at once.
#[tokio::test(start_paused = true)]
async fn more_than_the_queue_holds_is_refused() {
    let scene = Scene::new(TWO_LIMITS, |_| {}).await;
    scene.sleep(2).await;
    let asked: Vec<_> = (0..20)
        .map(|number| {
            scene.commander.limit(
                LimitName::MultiOutput,
                Some(Watts(10_000.0 + f64::from(number))),
                Asker::Rest,
            )
        })
        .collect();
    let answers = futures_util::future::join_all(asked).await;
    let busy = answers.iter().filter(|answer| **answer == Err(LimitRefused::Busy)).count();
    assert_eq!(busy, 12);
    assert_eq!(scene.counts(), [10_007.0, 5000.0]);
}
