//! Plans, writes and the reading back: the driver reports what the unit said, and what it really does.

use ohmstead_drivers::{DeviceError, ModeNow, Plan, WriteReply};
use ohmstead_model::{BatteryMode, Wish};
use ohmstead_plant::house::{Mode, Slot, SlotAction};
use ohmstead_plant::marstek::Drop;
use ohmstead_units::Timespan;
use rstest::rstest;

use crate::support::{Unit, World, secs};

/// What is read back is the mode, whichever is asked for.
const MODE: Wish = Wish::Mode(BatteryMode::Auto);

fn plan(unit: &Unit, mode: &str, lease: Option<Timespan>) -> Plan {
    let wish: Wish = mode.parse().unwrap();
    unit.device.plan(&wish, lease).unwrap()
}

/// Writes a mode and reads it back after the time that the plan asks for.
async fn write(unit: &mut Unit, mode: &str) -> (WriteReply, ModeNow) {
    let plan = plan(unit, mode, None);
    let reply = unit.device.write(&plan).await.unwrap();
    unit.run(plan.settle.max(secs(15))).await;
    (reply, unit.device.read_back(&MODE).await.unwrap())
}

async fn ready(profile: &str, switches: &str) -> (World, Unit) {
    let world = World::new(&[("a", profile, switches)]);
    let mut unit = world.unit("a");
    unit.run(secs(120)).await;
    (world, unit)
}

#[rstest]
#[case("charge 800 W", Mode::Passive, "Passive", -800.0)]
#[case("discharge 600 W", Mode::Passive, "Passive", 600.0)]
#[case("idle", Mode::Manual, "Manual", 0.0)]
#[case("native:manual", Mode::Manual, "Manual", 0.0)]
#[tokio::test(start_paused = true)]
async fn row_17_what_is_written_is_seen(
    #[case] mode: &str,
    #[case] truth: Mode,
    #[case] native: &str,
    #[case] power: f64,
    #[values("e3-150", "hmg50-156", "va-150", "vd-148", "e3-139")] profile: &str,
) {
    let (world, mut unit) = ready(profile, "").await;
    let (reply, now) = write(&mut unit, mode).await;
    assert!(reply.accepted, "{reply:?}");
    assert_eq!((world.truth("a").mode, now.native.as_str()), (truth, native));
    assert!((now.power.unwrap().supplied().0 - power).abs() < 20.0, "{now:?}");
    assert!((world.truth("a").ac_power_w - power).abs() < 20.0);
    assert_eq!(world.counters("a").drops_for(Drop::QuietGap), 0);
    let (reply, now) = write(&mut unit, "auto").await;
    assert!(reply.accepted && now.native == "Auto");
}

#[tokio::test(start_paused = true)]
async fn row_17_acknowledged_and_not_applied() {
    let (world, mut unit) = ready("e3-150", "swallow-writes=1").await;
    let (reply, now) = write(&mut unit, "charge 800 W").await;
    assert!(reply.accepted, "the unit says yes");
    assert_eq!(now.native, "Auto", "and does nothing, which the read-back shows");
    assert_ne!(now.native.to_lowercase(), plan(&unit, "charge 800 W", None).expect_word.to_lowercase());
    let (_, now) = write(&mut unit, "charge 800 W").await;
    assert_eq!((now.native.as_str(), world.truth("a").mode), ("Passive", Mode::Passive));
}

#[tokio::test(start_paused = true)]
async fn row_17_set_result_false_although_active() {
    let (_world, mut unit) = ready("e3-150", "").await;
    let (reply, now) = write(&mut unit, "auto").await;
    assert!(!reply.accepted && reply.reply.contains(r#""set_result":false"#), "{reply:?}");
    assert_eq!(now.native, "Auto", "a no proves nothing");
}

#[tokio::test(start_paused = true)]
async fn row_17_a_busy_unit_is_asked_again() {
    let (world, mut unit) = ready("hmg50-156", "busy-ms=3000").await;
    // Ten writes, each of which makes the unit busy for the next.
    let (reply, now) = write(&mut unit, "idle").await;
    assert!(reply.accepted, "{reply:?}");
    assert_eq!((now.native.as_str(), world.truth("a").mode), ("Manual", Mode::Manual));
    assert!(world.counters("a").writes_received > 10);
}

#[tokio::test(start_paused = true)]
async fn row_17_a_refusal_is_reported_and_stops_the_plan() {
    let (world, mut unit) = ready("hmg50-156", "refuse-writes").await;
    let (reply, now) = write(&mut unit, "idle").await;
    assert!(!reply.accepted && now.native == "Auto");
    assert_eq!(world.counters("a").writes_received, 2, "one write, asked twice, and none of the other nine");
}

#[tokio::test(start_paused = true)]
async fn row_17_a_lost_write_is_repeated_and_a_dead_unit_is_an_error() {
    let (world, mut unit) = ready("hmg50-156", "").await;
    world.switch("a", "mute");
    let plan = plan(&unit, "auto", None);
    let error = unit.device.write(&plan).await.unwrap_err();
    assert!(matches!(error, DeviceError::NoAnswer { tries: 2, .. }) && error.is_transient(), "{error}");
    assert_eq!(error.to_string(), "a did not answer ES.SetMode (2 tries)");
    let error = unit.device.read_back(&MODE).await.unwrap_err();
    assert!(matches!(error, DeviceError::NoAnswer { .. }), "{error}");
    world.switch("a", "mute=off");
    world.switch("a", "loss-pct=35");
    let mut obeyed = 0;
    for mode in ["charge 500 W", "discharge 500 W", "auto", "charge 300 W", "native:ai"] {
        obeyed += usize::from(unit.device.write(&self::plan(&unit, mode, None)).await.is_ok());
    }
    assert!(obeyed >= 4, "{obeyed} of 5");
}

/// The answer to the first sending may come when the second is on its way.
#[tokio::test(start_paused = true)]
async fn row_17_a_slow_yes_is_a_yes() {
    let (_world, mut unit) = ready("hmg50-156", "latency-ms=3700 jitter-ms=0").await;
    let reply = unit.device.write(&plan(&unit, "charge 500 W", None)).await.unwrap();
    assert!(reply.accepted, "{reply:?}");
}

/// The unit's own countdown is the dead-man: as long as the lease, five minutes without one.
#[tokio::test(start_paused = true)]
async fn row_18_passive_expires_or_is_left_silently() {
    let (world, mut unit) = ready("hmg50-156", "passive-end=auto").await;
    let plan = plan(&unit, "charge 800 W", Some("2 min".parse().unwrap()));
    assert_eq!(plan.writes, [r#"{"mode":"Passive","passive_cfg":{"power":-800,"cd_time":120}}"#]);
    unit.device.write(&plan).await.unwrap();
    unit.run(secs(90)).await;
    assert_eq!(world.truth("a").mode, Mode::Passive);
    unit.run(secs(60)).await;
    assert_eq!(
        (world.truth("a").mode, unit.device.read_back(&MODE).await.unwrap().native.as_str()),
        (Mode::Auto, "Auto")
    );
    // Left silently: the mode still reads Passive, the power tells.
    world.switch("a", "passive-exit-s=60");
    unit.device.write(&self::plan(&unit, "charge 800 W", None)).await.unwrap();
    unit.run(secs(40)).await;
    let expected = plan.expect_power.unwrap().supplied().0;
    assert!((unit.device.read_back(&MODE).await.unwrap().power.unwrap().supplied().0 - expected).abs() < 2.0);
    unit.run(secs(60)).await;
    let now = unit.device.read_back(&MODE).await.unwrap();
    assert_eq!(now.native, "Passive");
    assert!((now.power.unwrap().supplied().0 - expected).abs() > 700.0, "{now:?}");
}

#[tokio::test(start_paused = true)]
async fn row_19_and_20_idle_clears_forgotten_schedules() {
    let (world, mut unit) = ready("hmg50-156", "").await;
    let all_day = Slot { start_min: 0, end_min: 1440, week_set: 127, action: SlotAction::Power(-1000.0) };
    world.site(|site| {
        let battery = site.device("a").unwrap().battery();
        site.house_mut().battery_mut(battery).slots = [Some(all_day); 10];
    });
    let (_, now) = write(&mut unit, "native:manual").await;
    assert!(now.power.unwrap().supplied().0 < -900.0, "an old schedule runs: {now:?}");
    let (reply, now) = write(&mut unit, "idle").await;
    assert!(reply.accepted);
    assert!(now.power.unwrap().supplied().0.abs() < 2.0, "{now:?}");
    world.site(|site| {
        let battery = site.device("a").unwrap().battery();
        assert_eq!(site.house_mut().battery_mut(battery).slots, [None; 10]);
    });
}

#[tokio::test(start_paused = true)]
async fn row_27_power_above_the_limit() {
    let world = World::new(&[("a", "hmg50-156", "")]);
    let mut unit = world.unit_with("a", None, |settings| settings.power_max = Some("600 W".parse().unwrap()));
    unit.run(secs(60)).await;
    let (_, now) = write(&mut unit, "discharge 2 kW").await;
    assert!((now.power.unwrap().supplied().0 - 600.0).abs() < 2.0, "{now:?}");
}

#[rstest]
#[case("charge 800 W")]
#[case("discharge 800 W")]
#[case("idle")]
#[case("native:ai")]
#[tokio::test(start_paused = true)]
async fn row_33_the_mini_ignores_what_it_acknowledges(#[case] mode: &str) {
    let (world, mut unit) = ready("mini-300", "").await;
    let refused = unit.device.plan(&mode.parse().unwrap(), None).unwrap_err().to_string();
    assert!(
        refused.contains("the Venus E mini acknowledges such writes and ignores them; it can do auto"),
        "{refused}"
    );
    assert_eq!(unit.device.info().modes, ["auto"]);
    assert_eq!(world.counters("a").writes_received, 0);
    let (reply, now) = write(&mut unit, "auto").await;
    assert!(reply.accepted && now.native == "Auto");
}

/// A write keeps the quiet gap after a poll, and the next poll after the write.
#[tokio::test(start_paused = true)]
async fn writes_keep_the_quiet_gap() {
    let (world, mut unit) = ready("hmg50-156", "quiet-gap-ms=2500").await;
    for mode in ["charge 500 W", "auto", "idle"] {
        unit.poll().await;
        let plan = plan(&unit, mode, None);
        assert!(unit.device.write(&plan).await.unwrap().accepted);
        unit.poll().await;
        unit.device.read_back(&MODE).await.unwrap();
    }
    assert_eq!(world.counters("a").drops_for(Drop::QuietGap), 0);
}
