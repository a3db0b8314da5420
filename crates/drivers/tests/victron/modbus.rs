//! Modbus TCP: a minimal server with units, gaps and exceptions, and one that lies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ohmstead_drivers::Device;
use ohmstead_model::Metric;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::support::Unit;

/// Registers by unit; what is not there is a gap.
type Registers = Arc<Mutex<BTreeMap<u8, BTreeMap<u16, u16>>>>;

async fn serve(registers: Registers) -> (u16, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stop = CancellationToken::new();
    let serving = async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut frame = [0; 12];
            while stream.read_exact(&mut frame).await.is_ok() {
                let answer = answer(&registers.lock().unwrap(), frame);
                if stream.write_all(&answer).await.is_err() {
                    break;
                }
            }
        }
    };
    TaskTracker::new().spawn({
        let stop = stop.clone();
        async move { stop.run_until_cancelled(serving).await }
    });
    (port, stop.drop_guard())
}

fn answer(registers: &BTreeMap<u8, BTreeMap<u16, u16>>, frame: [u8; 12]) -> Vec<u8> {
    let (unit, first, count) =
        (frame[6], u16::from_be_bytes([frame[8], frame[9]]), u16::from_be_bytes([frame[10], frame[11]]));
    let body = match registers.get(&unit) {
        None => vec![0x83, 10],
        Some(known) => {
            let words: Option<Vec<u16>> =
                (first..first + count).map(|number| known.get(&number).copied()).collect();
            match words {
                None => vec![0x83, 2],
                Some(words) => {
                    let mut body = vec![3, u8::try_from(words.len() * 2).unwrap()];
                    body.extend(words.iter().flat_map(|word| word.to_be_bytes()));
                    body
                }
            }
        }
    };
    let length = u16::try_from(body.len() + 1).unwrap().to_be_bytes();
    [&frame[..2], &[0, 0], &length, &[unit], &body].concat()
}

/// A GX device with an older firmware: some blocks of the table have gaps.
fn house() -> BTreeMap<u8, BTreeMap<u16, u16>> {
    let mut system: BTreeMap<u16, u16> = (800..=870).map(|number| (number, 0)).collect();
    system.extend([
        (817, 700),
        (820, 65_436),
        (840, 512),
        (841, 65_431),
        (842, 64_998),
        (843, 81),
        (844, 2),
        (850, 0),
    ]);
    let mut settings: BTreeMap<u16, u16> = (2700..=2704).map(|number| (number, 0)).collect();
    settings.extend([(2700, 50), (2902, 1), (2900, 10), (2901, 100)]);
    system.extend(settings);
    let mut vebus: BTreeMap<u16, u16> = (3..=40).map(|number| (number, 0)).collect();
    vebus.extend([(3, 2300), (15, 2301), (23, 60), (26, 5120), (31, 3), (33, 3)]);
    [(100, system), (227, vebus)].into()
}

#[tokio::test]
async fn registers_become_the_same_metrics() {
    let registers: Registers = Arc::new(Mutex::new(house()));
    let (port, _stop) = serve(Arc::clone(&registers)).await;
    let mut unit = Unit::of(json!({ "modbus": format!("127.0.0.1:{port}"), "interval": "1 s" }), 10);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    assert_eq!(unit.number(Metric::BatteryVoltage), Some(51.2));
    assert_eq!(unit.number(Metric::BatteryPower), Some(538.0));
    assert_eq!(unit.number(Metric::BatteryCurrent), Some(10.5));
    assert_eq!(unit.number(Metric::GridPower), Some(-100.0));
    assert_eq!(unit.number(Metric::LoadPower), Some(700.0));
    assert_eq!(unit.number(Metric::GridPowerL2), None);
    assert_eq!(unit.row("vebus/276", "/Mode").as_deref(), Some("3"));
    assert_eq!(unit.row("settings/0", "/Settings/CGwacs/AcPowerSetPoint").as_deref(), Some("50"));
    // No value reads as 0: a state of charge of 0 is none.
    registers.lock().unwrap().get_mut(&100).unwrap().insert(843, 0);
    unit.until("unknown", |unit| unit.number(Metric::BatterySoc).is_none()).await;
    registers.lock().unwrap().remove(&227);
    unit.until("a service left", |unit| {
        unit.row("vebus/276", "/Mode").as_deref() == Some("the device does not answer")
    })
    .await;
    let refused = unit.device.plan(&"hold".parse().unwrap(), None).expect_err("only read");
    assert!(refused.reason.contains("Modbus TCP is only read"), "{refused}");
}

#[tokio::test]
async fn a_value_is_as_old_as_its_reading() {
    let (port, _stop) = serve(Arc::new(Mutex::new(house()))).await;
    let mut unit = Unit::of(json!({ "modbus": format!("127.0.0.1:{port}"), "interval": "60 s" }), 20);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    unit.pass(Duration::from_secs(40)).await;
    let age = unit.age(Metric::BatterySoc);
    assert!(age >= Duration::from_secs(38), "it was not read since, and is said to be {age:?} old");
    unit.pass(Duration::from_secs(35)).await;
    let age = unit.age(Metric::BatterySoc);
    assert!(age < Duration::from_secs(36), "it was read again and did not change: {age:?}");
}

#[tokio::test]
async fn what_comes_to_any_unit_is_found_within_minutes() {
    let registers: Registers = Arc::new(Mutex::new(house()));
    let (port, _stop) = serve(Arc::clone(&registers)).await;
    let mut unit = Unit::of(json!({ "modbus": format!("127.0.0.1:{port}") }), 20);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    let before = unit.now();
    let mut battery: BTreeMap<u16, u16> = (256..=330).map(|number| (number, 0)).collect();
    battery.extend([(259, 5120), (266, 790)]);
    registers.lock().unwrap().insert(60, battery);
    unit.until("it is found", |unit| unit.row("battery/60", "/Soc").as_deref() == Some("79")).await;
    let took = unit.now().saturating_sub(before);
    assert!(took < Duration::from_secs(300), "{took:?}");
    assert_eq!(unit.told().online, [true]);
}

#[tokio::test]
async fn only_the_named_units_are_asked() {
    let registers: Registers = Arc::new(Mutex::new(house()));
    let (port, _stop) = serve(Arc::clone(&registers)).await;
    let modbus = json!({ "host": "127.0.0.1", "port": port, "units": [110] });
    let mut unit = Unit::of(json!({ "modbus": modbus, "interval": "1 s" }), 20);
    unit.until("state of charge", |unit| unit.number(Metric::BatterySoc) == Some(81.0)).await;
    unit.pass(Duration::from_secs(70)).await;
    assert!(unit.rows(Some("vebus")).is_empty(), "unit 227 is not named");
    let vebus = registers.lock().unwrap().remove(&227).unwrap();
    registers.lock().unwrap().insert(110, vebus);
    unit.until("a named one", |unit| unit.row("vebus/110", "/Mode").as_deref() == Some("3")).await;
}

#[tokio::test]
async fn a_stranger_is_told_apart_from_a_gx_device() {
    let (port, _stop) = serve(Registers::default()).await;
    let mut unit = Unit::of(json!({ "modbus": format!("127.0.0.1:{port}") }), 20);
    unit.until("offline", |unit| unit.told().online == [false]).await;
    let text = unit.told().notices.first().map(|notice| notice.text.clone()).expect("a notice");
    assert!(text.contains("unit 100 has no system"), "{text}");
}
