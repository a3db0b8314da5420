//! A GX in the plant's house, beside batteries of another make.

use crate::common::{START_MS, any};
use ohmstead_plant::{
    BatterySetup, InMemory, Plant, Settings,
    venus::{
        Api, Gx, InHouse, Setup, Venus,
        ess::{Around, Flows, Surroundings},
    },
};
use std::sync::{Arc, Mutex};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The house of a site in memory.
#[derive(Clone)]
struct Shared(Arc<Mutex<InMemory>>);

impl Surroundings for Shared {
    fn around(&mut self, now_ms: i64) -> Around {
        let mut site = self.0.lock().unwrap();
        // Finer than the GX's own second, as the plant's own clock is.
        site.advance(now_ms - 500);
        site.advance(now_ms);
        site.house_mut().around_guest()
    }

    fn told(&mut self, flows: &Flows) {
        self.0.lock().unwrap().house_mut().set_guest(flows);
    }
}

fn settings() -> Settings {
    Settings { start_unix_ms: START_MS, ..Settings::default() }
}

fn battery() -> BatterySetup {
    BatterySetup::new("garage", "127.0.0.41:0".parse().unwrap(), "e3-150".parse().unwrap())
}

/// An hour of two controllers on one meter: both see the same grid, and neither drives the other mad.
#[test]
fn one_meter_for_all() {
    let site = Plant::builder(settings()).battery(battery()).in_memory().unwrap();
    let site = Shared(Arc::new(Mutex::new(site)));
    let mut gx = Gx::new(Setup::default(), Box::new(site.clone()), START_MS);
    let mut swings = Vec::new();
    for second in 1..=3_600 {
        gx.advance(START_MS + second * 1_000);
        let flows = gx.ess().unwrap().flows;
        let truth = site.0.lock().unwrap().truth();
        for phase in 0..3 {
            assert!((truth.grid_w[phase] - flows.grid_w[phase]).abs() < 0.01, "{truth:?} {flows:?}");
        }
        let sum = truth.grid_total_w() + truth.pv_w + truth.batteries[0].ac_power_w;
        assert!((truth.load_w - sum).abs() < 0.01, "load = grid + battery + solar: {truth:?}");
        swings.push(truth.grid_total_w());
    }
    let mean = swings.iter().sum::<f64>() / swings.len() as f64;
    let calm = swings.iter().filter(|watts| (**watts - 50.0).abs() < 150.0).count();
    assert!((mean - 50.0).abs() < 100.0 && calm > 3_250, "mean {mean} W, calm {calm} s of 3600");
}

#[tokio::test]
async fn a_gx_stands_in_a_running_plant() {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let plant = Plant::builder(settings()).battery(battery()).start(&tasks, stop.clone()).unwrap();
    let venus = Venus::new(Setup::default()).around(InHouse::new(plant.clone())).starting_at(plant.now_ms());
    let handle = venus.api(any(), Api::V1).modbus(any()).start(&tasks, stop.clone()).await.unwrap();
    assert!(handle.api().is_some() && handle.modbus().is_some());
    let grid_w = handle.with(|gx| gx.ess().unwrap().flows.grid_w);
    assert!(grid_w.iter().any(|watts| watts.abs() > 1.0), "{grid_w:?}");
    plant.with_site(|site| site.house_mut().set_grid(false));
    assert!(plant.with_site(|site| site.house_mut().around_guest()).mains.is_none());
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}
