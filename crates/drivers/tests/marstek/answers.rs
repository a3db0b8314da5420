//! Lost, late, doubled and refused answers.

use std::time::Duration;

use ohmstead_model::Metric;
use ohmstead_plant::marstek::Drop;
use serde_json::json;

use crate::support::{Request, Unit, World, secs};

const MODE_ONLY: fn(&mut ohmstead_drivers::marstek::Settings) =
    |settings| settings.methods = Some(vec![ohmstead_drivers::marstek::Method::EsMode]);

/// Two batteries with different states of charge, the first of which answers only when the second is being asked.
#[tokio::test(start_paused = true)]
async fn row_01_late_reply_after_timeout() {
    let world = World::new(&[("a", "e3-150", "late-pct=100 late-ms=13000 jitter-ms=0"), ("b", "e3-150", "")]);
    world.site(|site| pin_soc(site, &[("a", 11.0), ("b", 99.0)]));
    let (mut a, mut b) = (world.unit_with("a", None, MODE_ONLY), world.unit_with("b", None, MODE_ONLY));
    tokio::join!(a.run(secs(600)), b.run(secs(600)));
    assert_all(&b, 99.0, 15);
    assert_all(&a, 11.0, 5);
    // A late answer is as old as its question.
    let request = &world.air.requests()[0];
    assert_eq!(a.told.readings()[0].at.mono, request.at);
    assert!(a.is_online() && b.is_online());
}

pub(crate) fn pin_soc(site: &mut ohmstead_plant::InMemory, socs: &[(&str, f64)]) {
    for (name, soc) in socs {
        let battery = site.device(name).unwrap().battery();
        let mut readings = ohmstead_plant::marstek::Readings::of(site.house_mut(), battery);
        readings.soc_pct = *soc;
        readings.stored_wh = readings.capacity_wh * soc / 100.0;
        site.device_mut(name).unwrap().pinned = Some(readings);
    }
}

fn assert_all(unit: &Unit, soc: f64, at_least: usize) {
    let seen = unit.told.numbers(Metric::BatterySoc);
    assert!(seen.len() >= at_least && seen.iter().all(|seen| (seen - soc).abs() < 1e-9), "{seen:?}");
}

/// An answer to the first try that comes during the second is the answer.
#[tokio::test(start_paused = true)]
async fn row_01_slow_answers_are_answers() {
    let world = World::new(&[("a", "e3-150", "latency-ms=3800 jitter-ms=0")]);
    let mut unit = world.unit_with("a", None, MODE_ONLY);
    unit.run(secs(600)).await;
    assert_eq!(unit.told.online().iter().map(|(online, _)| *online).collect::<Vec<_>>(), [true]);
    assert!(unit.told.readings().len() >= 19, "{}", unit.told.readings().len());
}

/// What is known by now is newer than a late answer.
#[tokio::test(start_paused = true)]
async fn row_01_a_late_answer_never_replaces_a_newer_value() {
    let world = World::new(&[("a", "e3-150", "late-pct=35 late-ms=20000")]);
    let mut unit = world.unit("a");
    unit.run(secs(7200)).await;
    let readings = unit.told.readings();
    assert!(readings.len() > 300);
    for pair in readings.windows(2) {
        assert!(pair[0].at.mono <= pair[1].at.mono, "{:?} after {:?}", pair[1].at, pair[0].at);
    }
}

#[tokio::test(start_paused = true)]
async fn row_02_duplicate_replies() {
    let world = World::new(&[("a", "e3-150", "duplicate-pct=100")]);
    let mut unit = world.unit("a");
    unit.run(secs(600)).await;
    let requests = world.air.requests().len();
    assert_eq!(unit.told.readings().len(), requests, "one reading for each request");
    assert!(world.counters("a").replies >= 2 * requests as u64);
}

/// One request at a time, the quiet gap kept, everything read all the same.
#[tokio::test(start_paused = true)]
async fn row_03_lost_requests_and_the_quiet_gap() {
    let world = World::new(&[("a", "e3-150", "loss-pct=30 quiet-gap-ms=2500")]);
    let mut unit = world.unit_with("a", None, |settings| settings.timeout = "1 s".parse().unwrap());
    unit.run(secs(3600)).await;
    let counters = world.counters("a");
    assert_eq!(counters.drops_for(Drop::QuietGap), 0, "{counters:?}");
    assert!(counters.drops_for(Drop::ReplyLost) > 10 && counters.drops_for(Drop::RequestLost) > 10);
    assert_eq!(unit.told.online().len(), 1, "30 % of loss is no absence");
    let share = unit.number(Metric::AnswerShare).unwrap();
    assert!((55.0..=85.0).contains(&share), "{share}");
    never_two_at_once(&world, &unit, Duration::from_secs(1));
}

/// After a request comes its answer or the end of the time limit, and only then the next request.
fn never_two_at_once(world: &World, unit: &Unit, timeout: Duration) {
    let answers: Vec<_> = unit.told.readings().iter().map(|reading| reading.at.mono).collect();
    for pair in world.air.requests().windows(2) {
        let answered = answers.iter().any(|at| (pair[0].at..pair[1].at).contains(at));
        assert!(answered || gap(pair) >= timeout, "{pair:?}");
    }
}

fn gap(pair: &[Request]) -> Duration {
    pair[1].at.saturating_sub(pair[0].at)
}

#[tokio::test(start_paused = true)]
async fn row_03_retries_are_bounded_and_jittered() {
    let world = World::new(&[("a", "e3-150", "")]);
    let mut unit = world.unit("a");
    unit.run(secs(100)).await;
    world.switch("a", "mute");
    world.air.forget_requests();
    unit.poll().await;
    let requests = world.air.requests();
    assert_eq!(requests.len(), 3);
    let pauses: Vec<_> = requests.windows(2).map(|pair| gap(pair).saturating_sub(secs(3))).collect();
    assert!(pauses[0] >= Duration::from_millis(400) && pauses[0] <= Duration::from_millis(802), "{pauses:?}");
    assert!(
        pauses[1] >= Duration::from_millis(800) && pauses[1] <= Duration::from_millis(1602),
        "{pauses:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn row_05_parse_error_with_id_0_on_a_valid_request() {
    let world = World::new(&[("a", "e3-144", "parse-error-pct=30")]);
    let mut unit = world.unit_with("a", None, MODE_ONLY);
    unit.run(secs(3600)).await;
    // Waited out, each of them would have cost the time limit and perhaps the reading.
    let requests = world.air.requests();
    let retried = requests.windows(2).filter(|pair| gap(pair) < secs(3)).count();
    assert!(retried > 20, "{retried} retried at once");
    assert!(unit.told.readings().len() >= 115, "{}", unit.told.readings().len());
    assert_eq!(unit.told.online().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn row_05_an_error_without_id_from_elsewhere_is_nobody_s() {
    let world = World::new(&[("a", "e3-150", "")]);
    let error =
        br#"{"id":0,"src":"VenusE 3.0-020000000009","error":{"code":-32700,"message":"Parse error"}}"#;
    world.air.answer(|_| {
        vec![(Duration::from_millis(5), "192.168.1.66:30000".parse().unwrap(), Some(error.to_vec()))]
    });
    let mut unit = world.unit("a");
    unit.run(secs(300)).await;
    assert_eq!(unit.told.readings().len(), world.air.requests().len());
}

/// Integers of 1..65535 that begin again at 1, whatever the seed.
#[tokio::test(start_paused = true)]
async fn row_07_ids_are_integers_of_16_bits_and_wrap() {
    let world = World::new(&[("a", "e3-139", "")]);
    let near_the_end = (0..100_000).find(|seed| fastrand_first(*seed) > 65_500).unwrap();
    let mut unit = world.unit_seeded("a", near_the_end, MODE_ONLY);
    unit.run(secs(3600)).await;
    let ids: Vec<_> =
        world.air.requests().iter().map(|request| request.json()["id"].as_u64().unwrap()).collect();
    assert!(ids.iter().all(|id| (1..=65_535).contains(id)), "{ids:?}");
    assert!(ids.windows(2).any(|pair| pair == [65_535, 1]), "{ids:?}");
    assert_eq!(unit.told.readings().len(), ids.len(), "each was answered");
}

fn fastrand_first(seed: u64) -> u16 {
    fastrand::Rng::with_seed(seed).u16(1..=u16::MAX)
}

#[tokio::test(start_paused = true)]
async fn row_31_spoofed_answers() {
    let world = World::new(&[("a", "e3-150", "spoof=192.168.1.66:30000")]);
    let mut unit = world.unit("a");
    unit.run(secs(600)).await;
    assert!(unit.told.numbers(Metric::BatterySoc).len() > 20);
    assert!(unit.told.numbers(Metric::BatterySoc).iter().all(|soc| *soc > 30.0), "1 % is the forger's");
    assert!(unit.told.numbers(Metric::InverterPower).iter().all(|power| power.abs() <= 2500.0));
}

#[tokio::test(start_paused = true)]
async fn row_31_an_impossible_number_from_the_right_address() {
    let world = World::new(&[("a", "e3-150", "mute")]);
    world.air.answer(|request| {
        let lie = json!({"id": request.json()["id"], "src": "VenusE 3.0-020000000001", "result": {
            "id": 0, "mode": "Auto", "bat_soc": 140, "ongrid_power": 90_000, "offgrid_power": 0}});
        vec![(Duration::from_millis(80), request.to, Some(lie.to_string().into_bytes()))]
    });
    let mut unit = world.unit_with("a", None, MODE_ONLY);
    unit.run(secs(60)).await;
    assert!(unit.is_online());
    assert!(unit.told.numbers(Metric::BatterySoc).is_empty());
    assert!(unit.told.numbers(Metric::InverterPower).is_empty());
    let why = unit.number(Metric::BatterySoc).unwrap_err().to_string();
    assert_eq!(why, "implausible: bat_soc = 140, expected 0 to 100");
}

#[rstest::rstest]
#[case::truncated("truncated")]
#[case::oversized("oversized")]
#[case::non_utf8("non-utf8")]
#[case::empty("empty")]
#[case::not_json("not-json")]
#[tokio::test(start_paused = true)]
async fn row_32_malformed_datagrams(#[case] how: &str) {
    let world = World::new(&[("a", "e3-150", &format!("malformed={how}:50 freeze-on-empty"))]);
    let mut unit = world.unit("a");
    unit.run(secs(3600)).await;
    assert_eq!(unit.told.online().len(), 1, "{:?}", unit.told.online());
    assert!(unit.told.numbers(Metric::BatterySoc).len() > 100);
    assert!(world.air.requests().iter().all(|request| !request.text.is_empty()), "it would freeze the unit");
    world.switch("a", &format!("malformed={how}"));
    unit.until("only rubbish is no answer", |told| !told.state().is_online()).await;
    world.switch("a", "malformed=off");
    unit.until("it comes back", |told| told.state().is_online()).await;
}
