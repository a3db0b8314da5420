//! Limits and wishes on the real wire: a simulated GX device on a `dbus-daemon`, what is written there, and what comes of
//! it. It lives several times as fast as in life.

mod battery;
#[path = "../../../../drivers/tests/victron/support/daemon.rs"]
#[expect(dead_code, reason = "the support of other tests, of which this uses a part")]
mod daemon;
mod rig;

use rig::{Plant, Program};

const LIMIT: &str =
    "read_only: false\nlimits: { multi_output: { max: 30 kW, floor: 1 kW, step: 1 kW, phases: 3 } }";
const SPEED: f64 = 20.0;
/// No limit, no set point, nothing forced.
const NONE: [Option<f64>; 3] = [None, Some(-1.0), Some(0.0)];

/// One second of a limited house.
#[derive(Debug, Clone, Copy)]
struct Second {
    at: u64,
    clock_s: f64,
    demand: f64,
    output: f64,
    bound: Option<f64>,
}

fn second(plant: &Plant, at: u64) -> Second {
    let bound = plant.number("hub4", "/Overrides/MaxDischargePower").filter(|watts| *watts >= 0.0);
    let clock_s = plant.gx.with(|gx| gx.now_ms()) as f64 / 1_000.0;
    Second { at, clock_s, demand: plant.demanded(), output: plant.output(), bound }
}

/// Watches for a while, second by second.
async fn watched(plant: &Plant, program: &Program, seconds: u64, rows: &mut Vec<Second>) {
    for _ in 0..seconds {
        program.sleep_ms(1000).await;
        let at = rows.last().map_or(0, |row| row.at) + 1;
        rows.push(second(plant, at));
    }
}

fn print(rows: &[Second]) {
    println!("     s   demand W   output W    bound W");
    for Second { at, demand, output, bound, .. } in rows {
        let bound = bound.map_or_else(|| "none".to_owned(), |watts| format!("{watts:.0}"));
        println!("{at:>6} {demand:>10.0} {output:>10.0} {bound:>10}");
    }
}

/// A three-phase site of 45 kW with a limit of 30 kW in steps of 1 kW: it goes down by a step a second, holds within 200 W,
/// is released when less is needed, and leaves nothing behind.
#[tokio::test]
async fn a_limit_of_30_kw_holds() {
    let plant = Plant::start(SPEED, "units=8", 45_000).await;
    let before = plant.levers();
    assert_eq!(before[..3], NONE);
    let program = Program::start(&plant, LIMIT).await;
    program.online().await;
    program.until("a bound", 60, || second(&plant, 0).bound.is_some()).await;
    let mut rows = vec![second(&plant, 0)];
    watched(&plant, &program, 120, &mut rows).await;
    plant.demand(9_000);
    watched(&plant, &program, 90, &mut rows).await;
    assert_eq!(rows.last().expect("watched").bound, None, "released");
    assert_eq!(plant.levers(), before, "released is as before");
    let asked = plant.gx.requests().all();
    watched(&plant, &program, 20, &mut rows).await;
    assert_eq!(plant.gx.requests().all(), asked, "what is not exceeded is not written");
    print(&rows);
    for pair in rows.windows(2) {
        let (Some(from), Some(to)) = (pair[0].bound, pair[1].bound) else { continue };
        // The house's clock tells whole seconds, and on a busy machine a look may come some of them late.
        let most = 1_000.0 * (pair[1].clock_s - pair[0].clock_s + 3.0);
        assert!(from - to <= most, "a step of {} W: {pair:?}", from - to);
    }
    let held = &rows[30..=120];
    let worst = held.iter().map(|row| (row.output - 30_000.0).abs()).fold(0.0, f64::max);
    println!("held within {worst:.0} W of 30 kW for {} s; {:?}", held.len(), plant.gx.requests());
    assert!(worst <= 200.0, "{worst} W away");
    program.stop().await;
    assert_eq!(plant.levers(), before, "as before the first start");
    assert_eq!(plant.gx.wear().changes, 0, "no setting was touched");
}

/// Stopped in the middle of limiting, and killed in the middle of it.
#[tokio::test]
async fn a_stop_or_a_crash_in_the_middle_of_limiting_leaves_nothing() {
    let plant = Plant::start(SPEED, "units=8", 45_000).await;
    let before = plant.levers();
    for crashes in [false, true, true] {
        let program = Program::start(&plant, LIMIT).await;
        program.online().await;
        program.until("a bound", 60, || second(&plant, 0).bound.is_some_and(|watts| watts < 35_000.0)).await;
        assert_ne!(program.kept("original/gx").await, "");
        if crashes {
            program.crash().await;
            assert!(second(&plant, 0).bound.is_some(), "nobody took it back");
        } else {
            program.stop().await;
            assert_eq!(plant.levers(), before);
        }
    }
    let program = Program::start(&plant, LIMIT).await;
    program.online().await;
    program.stop().await;
    assert_eq!(plant.levers(), before);
    let program = Program::start(&plant, "read_only: false").await;
    program.online().await;
    assert_eq!(program.kept("original/gx").await, "");
    program.stop().await;
}

/// What is asked by hand goes before, and gives way to, a limit.
#[tokio::test]
async fn a_discharge_by_hand_is_bounded_and_ends() {
    let plant = Plant::start(SPEED, "units=8", 5_000).await;
    let before = plant.levers();
    let program = Program::start(&plant, LIMIT).await;
    program.online().await;
    let entry = program.asked("discharge 36 kW", Some(240)).await;
    println!("{}: {}", entry.outcome.key(), entry.reason);
    program.sleep_ms(60_000).await;
    let mut rows = Vec::new();
    watched(&plant, &program, 60, &mut rows).await;
    print(&rows);
    let worst = rows.iter().map(|row| row.output - 30_000.0).fold(f64::MIN, f64::max);
    assert!(worst <= 200.0, "{worst} W above");
    program.until("it has ended", 300, || plant.levers() == before).await;
    let ledger = program.store.ledger(1000).await.expect("it can be read");
    for row in ledger.iter().rev() {
        println!("  {} {} {}: {}", row.asked_by, row.request, row.outcome.key(), row.reason);
    }
    assert!(ledger.len() <= 8, "a bound that moves is no new wish: {} rows", ledger.len());
    program.stop().await;
    assert_eq!(plant.levers(), before);
}

const STATE: &str = "/Settings/CGwacs/BatteryLife/State";

/// A mode of the device's own is a setting: it ends as what the setting was, whatever else was asked meanwhile.
#[tokio::test]
async fn a_mode_that_is_a_setting_ends_as_the_owner_had_it() {
    let mut plant = Plant::start(5.0, "", 1_000).await;
    plant.settings = "write_interval: 10 s";
    let before = plant.levers();
    let program = Program::start(&plant, "read_only: false").await;
    program.online().await;
    let entry = program.asked("native:keep_charged", Some(15)).await;
    assert!(plant.levers() != before, "{}", entry.reason);
    program.until("it has ended", 180, || plant.levers() == before).await;
    program.sleep_ms(12_000).await;
    program.asked("hold", Some(3000)).await;
    let entry = program.asked("native:keep_charged", Some(3000)).await;
    assert_eq!(plant.number("settings", STATE), Some(9.0), "{}", entry.reason);
    assert_eq!(plant.number("hub4", "/Overrides/MaxDischargePower"), Some(1.0), "beside it");
    program.stop().await;
    assert_eq!(plant.levers(), before, "at once, though the setting was written just now");
    println!("{:?}, {:?}", plant.gx.requests(), plant.gx.wear());
    assert_eq!(plant.gx.wear().changes, 4);
}

/// A limit beside such a mode is taken back with it.
#[tokio::test]
async fn a_limit_beside_a_mode_that_is_a_setting_leaves_nothing() {
    let mut plant = Plant::start(SPEED, "units=8", 5_000).await;
    plant.settings = "write_interval: 10 s";
    let before = plant.levers();
    let program = Program::start(&plant, LIMIT).await;
    program.online().await;
    let entry = program.asked("native:optimized_with_batterylife", Some(6_000)).await;
    assert!(plant.levers() != before, "{}", entry.reason);
    plant.demand(45_000);
    program.until("a bound", 120, || second(&plant, 0).bound.is_some_and(|watts| watts < 35_000.0)).await;
    program.stop().await;
    assert_eq!(plant.levers(), before);
}

/// Before Venus OS 3.50 the limit is a setting of the owner's, in flash.
#[tokio::test]
async fn an_owners_setting_comes_back_and_its_memory_is_spared() {
    let mut plant = Plant::start(100.0, "units=8 old-firmware", 45_000).await;
    plant.settings = "write_interval: 60 s, writes_per_day: 6";
    plant.set("settings", "/Settings/CGwacs/MaxDischargePower", 40_000.0);
    let before = plant.levers();
    let program = Program::start(&plant, LIMIT).await;
    program.online().await;
    for _ in 0..2 {
        plant.demand(45_000);
        program.sleep_ms(600_000).await;
        plant.demand(10_000);
        program.sleep_ms(300_000).await;
    }
    plant.demand(45_000);
    program.sleep_ms(100_000).await;
    program.stop().await;
    println!("peaks for half an hour: {:?}, {:?}", plant.gx.requests(), plant.gx.wear());
    assert_eq!(plant.levers(), before, "as the owner had it");
    // One was the owner's, and one may be the way back.
    assert!((3..=1 + 6 + 1).contains(&plant.gx.wear().changes), "{:?}", plant.gx.wear());
}
