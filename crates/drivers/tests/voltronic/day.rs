//! A day of three inverters with faults of every kind: nothing wrong is ever published, and each unit is back after each
//! fault without a restart.

use ohmstead_model::Metric;
use ohmstead_plant::voltronic::Switches;
use rstest::rstest;

use crate::support::{Compared, Driven, World, assert_nothing_lost, compare, secs};

/// What a unit or its cable suffers for a while.
const FAULTS: &[&str] = &[
    "mute",
    "late=3000:50",
    "late=5000:30",
    "late=9000:30",
    "late=2500:100",
    "shift",
    "second-reader",
    "truncate=20",
    "flip=20",
    "flip=60",
    "drop-crc=40",
    "nao=50",
    "double=50",
    "garbage=60",
    "nul=60",
    "slip=30",
    "cut=3",
    "renumber-every=90",
    "wedge-after=0",
    "terminator=crlf",
    "crc-zero=escaped",
    "nak-no-crc",
    "flip=10 late=5000:10 garbage=20 nul=30 double=20",
    "cut=2 truncate=10 drop-crc=10 slip=10",
];

const UNITS: [(&str, &str); 3] = [("a", "pi30-21"), ("b", "pi30-max"), ("c", "pi18")];

#[tokio::test(start_paused = true)]
async fn a_day_with_three_inverters_and_every_fault() {
    let compared = a_day("30 s").await;
    assert!(compared.values > 60_000, "{compared:?}");
}

/// A unit with nothing wrong tells all day what it can tell, also where it is asked rarely.
#[rstest]
#[case("pi30-17")]
#[case("pi30-21")]
#[case("pi30-mk")]
#[case("pi30-max")]
#[case("pi30-max21")]
#[case("pi41")]
#[case("pi18")]
#[case("pi18-lv5048")]
#[case("pi17")]
#[case("revo")]
#[tokio::test(start_paused = true)]
async fn a_day_without_faults_has_no_unknown_value(#[case] profile: &str) {
    let world = World::new(&[("a", profile, "")]);
    let mut driven = world.driven_with("a", None, |settings| settings.interval = "30 s".parse().unwrap());
    let mut compared = Compared::default();
    for round in 0..96 {
        world.set_grid(round % 11 != 10);
        driven.run(secs(900)).await;
        compared += compare(&world, &driven, "a");
        // Nothing that was told once has grown old.
        for (metric, _) in driven.told.state().values {
            let known = compared.metrics.get(metric.id()).is_some_and(|(known, _)| *known > 0);
            assert!(
                !known || driven.value(metric).is_ok(),
                "{metric} in round {round}: {:?}",
                driven.value(metric)
            );
        }
    }
    assert_nothing_lost(&compared, &[(Metric::PvEnergy, "Wh or kWh: the energy that flows tells, in time")]);
    assert!(compared.values > 40_000, "{} values", compared.values);
    let never: Vec<_> = compared.metrics.iter().filter(|(_, (known, _))| *known == 0).collect();
    eprintln!(
        "{profile}: {} values of {} metrics; never known: {never:?}",
        compared.values,
        compared.metrics.len()
    );
}

mod long {
    #[tokio::test(start_paused = true)]
    async fn a_day_at_full_pace() {
        let compared = super::a_day("5 s").await;
        assert!(compared.values > 400_000, "{compared:?}");
    }
}

async fn a_day(interval: &str) -> Compared {
    let world = World::new(&UNITS.map(|(name, profile)| (name, profile, "")));
    // Three units on one machine: each driver knows its own by the USB port.
    let open = |(name, _): (&str, &str), port: &str| {
        world.driven_with(name, None, |settings| {
            settings.usb_port = Some(port.to_owned());
            settings.interval = interval.parse().unwrap();
        })
    };
    let mut driven = [open(UNITS[0], "1-1"), open(UNITS[1], "1-2"), open(UNITS[2], "1-3")];
    let mut luck = fastrand::Rng::with_seed(11);
    let (mut compared, mut slowest, mut faults) = (Compared::default(), 0, 0);
    for round in 0..48 {
        for (turn, (name, _)) in UNITS.iter().enumerate() {
            let fault = FAULTS[(round + turn * 7 + luck.usize(0..2)) % FAULTS.len()];
            // The first minutes are without: a unit must be known before it can be missed.
            if round > 0 {
                fault.split(' ').for_each(|switch| world.switch(name, switch));
                faults += 1;
            }
        }
        world.set_grid(luck.usize(0..6) > 0);
        for _ in 0..10 {
            run_all(&world, &mut driven, 90, &mut compared).await;
        }
        for (name, _) in UNITS {
            heal(&world, name);
        }
        let healed = world.now_s();
        let [a, b, c] = &mut driven;
        tokio::join!(back(a), back(b), back(c));
        for (unit, (name, _)) in driven.iter().zip(UNITS) {
            compared += compare(&world, unit, name);
        }
        slowest = slowest.max(world.now_s() - healed);
        for _ in 0..10 {
            run_all(&world, &mut driven, 90, &mut compared).await;
        }
        for (unit, (name, _)) in driven.iter().zip(UNITS) {
            assert!(unit.is_online(), "{name} in round {round}");
            let soc = unit.number(Metric::BatterySoc);
            assert!(soc.is_ok(), "{name} in round {round}: {soc:?}");
        }
    }
    for (name, _) in UNITS {
        assert_eq!(world.setters(name), 0);
    }
    assert!(world.now_s() >= 86_400);
    eprintln!(
        "a day, asked every {interval}: {faults} faults on 3 inverters, {} values of {} readings compared, 0 wrong, {} unknown ({:?}); {} port resets; all three back at most {slowest} s after the last fault ended",
        compared.values,
        compared.readings,
        compared.unknown(),
        compared.lost(),
        world.cables.resets().len()
    );
    compared
}

/// All three at once, each in its own task as in the program.
async fn run_all(world: &World, driven: &mut [Driven; 3], seconds: u64, compared: &mut Compared) {
    let [a, b, c] = driven;
    tokio::join!(a.run(secs(seconds)), b.run(secs(seconds)), c.run(secs(seconds)));
    for (unit, (name, _)) in driven.iter().zip(UNITS) {
        *compared += compare(world, unit, name);
    }
}

async fn back(unit: &mut Driven) {
    unit.until("back", |told| told.state().is_online()).await;
}

fn heal(world: &World, name: &str) {
    world.cables.unit(name, |unit| unit.switches = Switches::default());
}
