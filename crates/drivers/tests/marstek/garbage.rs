//! Whatever comes from the unit's address that is no answer: the driver neither stops nor believes it.

use std::time::Duration;

use ohmstead_model::Metric;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{Request, World, secs};

/// A datagram that is no answer to the request that it follows.
#[derive(Debug, Clone)]
enum Garbage {
    Bytes(Vec<u8>),
    /// Well-formed, with the id of another request.
    WrongId(u64),
    /// An error without an id.
    NoIdError(i64),
    /// The right id, but neither a result nor an error.
    Neither,
    /// The right id with a result that is no object.
    Scalar(i64),
    /// The request itself comes back.
    Echo,
    /// Half of a good answer.
    Half,
    Deep(usize),
}

fn garbage() -> impl Strategy<Value = Garbage> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200).prop_map(Garbage::Bytes),
        (1_u64..1_000_000).prop_map(Garbage::WrongId),
        any::<i64>().prop_map(Garbage::NoIdError),
        Just(Garbage::Neither),
        any::<i64>().prop_map(Garbage::Scalar),
        Just(Garbage::Echo),
        Just(Garbage::Half),
        (1_usize..5000).prop_map(Garbage::Deep),
    ]
}

impl Garbage {
    fn after(&self, request: &Request) -> Vec<u8> {
        let id = request.json()["id"].as_u64().unwrap();
        let result = json!({"id": 0, "mode": "Auto", "bat_soc": 77, "soc": 77, "ongrid_power": 777, "device": "VenusE 3.0", "ver": 150});
        let answer =
            |id: u64| json!({"id": id, "src": "VenusE 3.0-020000000001", "result": result}).to_string();
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            // Further away than any request that is still waited for.
            Self::WrongId(off) => answer(id + 10_000_000 + off).into_bytes(),
            Self::NoIdError(code) => {
                json!({"id": 0, "error": {"code": code, "message": "x".repeat(500)}}).to_string().into_bytes()
            }
            Self::Neither => json!({"id": id, "src": "VenusE 3.0-020000000001"}).to_string().into_bytes(),
            Self::Scalar(number) => json!({"id": id, "result": number}).to_string().into_bytes(),
            Self::Echo => request.text.clone().into_bytes(),
            Self::Half => answer(id).into_bytes()[..60].to_vec(),
            Self::Deep(depth) => "[".repeat(*depth).into_bytes(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any sequence of rubbish: no panic, no value, and the unit is still found when it answers.
    #[test]
    fn no_rubbish_becomes_a_value(sequence in proptest::collection::vec((garbage(), 0_u64..4000), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = World::new(&[("a", "e3-150", "mute")]);
            let mut rubbish = sequence.into_iter().cycle();
            world.air.answer(move |request| {
                let (garbage, after_ms) = rubbish.next().unwrap();
                vec![(Duration::from_millis(after_ms), request.to, Some(garbage.after(request)))]
            });
            let mut unit = world.unit("a");
            unit.run(secs(300)).await;
            for reading in unit.told.readings() {
                assert!(reading.values.is_empty(), "{reading:?}");
            }
            world.air.answer(|_| Vec::new());
            world.switch("a", "mute=off");
            unit.run(secs(400)).await;
            assert!(unit.number(Metric::BatterySoc).is_ok(), "{:?}", unit.told.state());
            assert!(unit.device.memory().unwrap().len() < 3000);
        });
    }
}

/// A flood that never ends does not keep the driver from its time limit.
#[tokio::test(start_paused = true)]
async fn a_flood_ends_with_the_time_limit() {
    let world = World::new(&[("a", "e3-150", "mute")]);
    world.air.answer(|request| vec![(Duration::ZERO, request.to, Some(b"{}".to_vec())); 5000]);
    let mut unit = world.unit("a");
    unit.run(secs(120)).await;
    assert_eq!(unit.told.online().len(), 1);
    assert!(!unit.is_online());
}

/// Long and strange words of the unit's own do not spread.
#[tokio::test(start_paused = true)]
async fn the_words_of_a_stranger_are_kept_short() {
    let world = World::new(&[("a", "e3-150", "mute")]);
    world.air.answer(|request| {
        let src = format!("{}-020000000001", "V".repeat(600));
        let answer = json!({"id": request.json()["id"], "src": src, "result": {
            "device": "D".repeat(1500), "ver": 1e300, "mode": "M".repeat(1500), "bat_soc": 50}});
        vec![(Duration::from_millis(50), request.to, Some(answer.to_string().into_bytes()))]
    });
    let mut unit = world.unit("a");
    unit.run(secs(60)).await;
    assert!(unit.is_online());
    assert!(unit.device.info().model.is_none());
    assert!(unit.device.memory().unwrap().len() < 3000, "{:?}", unit.device.memory());
    let told = format!("{:?}", unit.told.state());
    assert!(told.len() < 20_000, "{told}");
}
