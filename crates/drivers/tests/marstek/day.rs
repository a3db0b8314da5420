//! A day of three different batteries with faults of every kind: nothing wrong is ever published, and each battery is
//! back after each fault.

use ohmstead_model::Metric;
use ohmstead_plant::BatterySetup;

use crate::support::{Unit, World, compare, secs};

/// What a unit suffers for a while. Not in the list: lies that nothing can tell from the truth.
const FAULTS: &[&str] = &[
    "loss-pct=40",
    "late-pct=30 late-ms=9000",
    "late-pct=30 late-ms=40000",
    "latency-ms=3600",
    "duplicate-pct=100",
    "quiet-gap-ms=2500 loss-pct=20",
    "parse-error-pct=40",
    "silent=ES.GetMode",
    "silent=ES.GetStatus,EM.GetStatus",
    "silent=ES.GetMode,ES.GetStatus,Bat.GetStatus,EM.GetStatus,PV.GetStatus",
    "param-id=1",
    "same-port",
    "lockup=30/600",
    "freeze-on-empty malformed=empty:50",
    "soc-zero-pct=5",
    "counter-dip-pct=2",
    "padded-ip no-macs",
    "omit=bat_soc,ongrid_power,mode",
    "garbage=strings",
    "garbage=nulls:50",
    "garbage=nan:50",
    "garbage=huge:50",
    "malformed=truncated:50",
    "malformed=oversized:30",
    "malformed=non-utf8:50",
    "malformed=not-json:50",
    "spoof=192.168.1.66:30000",
    "mute",
    "refuse",
    "move-to=192.168.1.99:30000",
    "ble-mac=020000000099",
    "integer-mode",
    "ct-lost",
];

const UNITS: [(&str, &str, f64); 3] =
    [("a", "e3-150", 85.0), ("b", "va-149", 55.0), ("c", "hmg50-155", 25.0)];

#[tokio::test(start_paused = true)]
async fn a_day_with_three_batteries_and_every_fault() {
    let setups = UNITS.iter().zip(2u8..).map(|((name, profile, soc), last)| {
        let address = format!("192.168.1.{last}:30000").parse().unwrap();
        BatterySetup { soc_pct: *soc, ..BatterySetup::new(*name, address, profile.parse().unwrap()) }
    });
    let world = World::of(setups);
    let interval =
        |settings: &mut ohmstead_drivers::marstek::Settings| settings.interval = "60 s".parse().unwrap();
    let [mut a, mut b, mut c] = UNITS.map(|(name, ..)| world.unit_with(name, None, interval));
    let mut luck = fastrand::Rng::with_seed(7);
    let (mut values, mut readings, mut rounds, mut apart) = (0, 0, 0, 0);
    for round in 0..72 {
        for (turn, (name, ..)) in UNITS.iter().enumerate() {
            // Every unit has every fault at some time; which ones meet is luck.
            let fault = FAULTS[(round + turn * 11 + luck.usize(0..2)) % FAULTS.len()];
            // The first minutes are without: a first value has nothing to be compared with.
            if round > 0 {
                fault.split(' ').for_each(|switch| world.switch(name, switch));
            }
        }
        run_all(&mut a, &mut b, &mut c, 600).await;
        for (unit, (name, profile, _)) in [&a, &b, &c].into_iter().zip(UNITS) {
            let compared = compare(&world, unit, profile);
            values += compared.values;
            readings += compared.readings;
            unit.told.forget_readings();
            heal(&world, name);
        }
        world.air.forget_old_requests();
        run_all(&mut a, &mut b, &mut c, 600).await;
        for (unit, (_, profile, _)) in [&a, &b, &c].into_iter().zip(UNITS) {
            assert!(unit.is_online(), "{} in round {round}: {:?}", unit.name, unit.told.state());
            let soc = unit.number(Metric::BatterySoc);
            assert!(soc.is_ok(), "{} in round {round}: {soc:?}", unit.name);
            let compared = compare(&world, unit, profile);
            values += compared.values;
            readings += compared.readings;
            unit.told.forget_readings();
        }
        world.air.forget_old_requests();
        rounds += 1;
        let socs = UNITS.map(|(name, ..)| world.truth(name).soc_pct);
        apart += usize::from((socs[0] - socs[1]).abs() > 3.0 && (socs[1] - socs[2]).abs() > 3.0);
    }
    eprintln!("{rounds} rounds, {readings} readings, {values} values compared, apart in {apart} rounds");
    assert!(readings > 6000 && values > 30_000, "{readings} readings, {values} values");
    assert!(apart > 36, "a mix-up would show in {apart} rounds");
    assert!(c.number(Metric::InverterOutputEnergy).is_ok(), "the unit of the counters was found out");
}

async fn run_all(a: &mut Unit, b: &mut Unit, c: &mut Unit, seconds: u64) {
    tokio::join!(a.run(secs(seconds)), b.run(secs(seconds)), c.run(secs(seconds)));
}

fn heal(world: &World, name: &str) {
    world.site(|site| {
        site.device_mut(name).unwrap().switches = ohmstead_plant::Switches::default();
        site.reset(name).unwrap();
    });
}
