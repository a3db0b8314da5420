//! Limits and wishes on the real wire: a simulated GX device on a `dbus-daemon`, what is written there, and what comes of
//! it. It lives several times as fast as in life.

#[path = "../../../../drivers/tests/victron/support/daemon.rs"]
#[expect(dead_code, reason = "the support of other tests, of which this uses a part")]
mod daemon;
mod rig;

use rig::{Plant, Program};

const LIMIT: &str = "read_only: false\nlimits: { multi_output: { max: 30 kW, floor: 1 kW, step: 1 kW, phases: 3 } }";
const SPEED: f64 = 20.0;
/// No limit, no set point, nothing forced.
const NONE: [Option<f64>; 3] = [None, Some(-1.0), Some(0.0)];

/// One second of a limited house.
#[derive(Debug, Clone, Copy)]
struct Second {
    at: u64,
    demand: f64,
    output: f64,
    bound: Option<f64>,
}

fn second(plant: &Plant, at: u64) -> Second {
    let bound = plant.number("hub4", "/Overrides/MaxDischargePower").filter(|watts| *watts >= 0.0);
    Second { at, demand: plant.demanded(), output: plant.output(), bound }
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
    for Second { at, demand, output, bound } in rows {
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
    let bounds: Vec<_> = rows.iter().filter_map(|row| row.bound).collect();
    let most = bounds.windows(2).map(|pair| pair[0] - pair[1]).fold(0.0, f64::max);
    // A second of the observer is not one of the law.
    assert!(most <= 2_000.0, "a step of {most} W");
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
