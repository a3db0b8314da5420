//! Houses for a GX to stand in.

use super::ess::{Around, Flows, Surroundings};
use crate::{InMemory, house::House, serve::PlantHandle};
use std::sync::{Arc, Mutex, PoisonError};

/// The house of a running plant: one meter, one roof, and the plant's other devices beside the GX. The house moves by the
/// plant's clock; give both one speed.
#[derive(Debug, Clone)]
pub struct InHouse {
    plant: PlantHandle,
    on_mppt: f64,
}

impl InHouse {
    /// A place for a GX in this plant's house. A house has room for one.
    pub fn new(plant: PlantHandle) -> Self {
        Self { plant, on_mppt: 0.0 }
    }

    /// Panels on the MPPT with this part of the roof's power.
    #[must_use]
    pub fn with_panels(mut self, part_of_roof: f64) -> Self {
        self.on_mppt = part_of_roof;
        self
    }
}

impl Surroundings for InHouse {
    fn around(&mut self, _: i64) -> Around {
        self.plant.with_site(|site| seen(site, self.on_mppt))
    }

    fn told(&mut self, flows: &Flows) {
        self.plant.with_site(|site| site.house_mut().set_guest(flows));
    }
}

fn seen(site: &mut InMemory, on_mppt: f64) -> Around {
    let around = site.house_mut().around_guest();
    Around { pv_dc_w: around.pv_ac_w.iter().sum::<f64>() * on_mppt, ..around }
}

/// The house of a site in memory that moves with the GX: a past that both live through quickly.
#[derive(Debug, Clone)]
pub struct InPast {
    site: Arc<Mutex<InMemory>>,
    on_mppt: f64,
}

impl InPast {
    /// A place for a GX in this house, with panels on the MPPT as a part of the roof's power.
    pub fn new(site: Arc<Mutex<InMemory>>, part_of_roof: f64) -> Self {
        Self { site, on_mppt: part_of_roof }
    }
}

impl Surroundings for InPast {
    fn around(&mut self, now_ms: i64) -> Around {
        let mut site = self.site.lock().unwrap_or_else(PoisonError::into_inner);
        site.advance(now_ms);
        seen(&mut site, self.on_mppt)
    }

    fn told(&mut self, flows: &Flows) {
        self.site.lock().unwrap_or_else(PoisonError::into_inner).house_mut().set_guest(flows);
    }
}

/// Part of the loads that stands behind the Multi.
const BEHIND: f64 = 0.4;
/// Power of the panels on the MPPT, as part of the roof's.
const ON_MPPT: f64 = 0.5;

/// A house of its own for a GX that is alone: some of the loads stand behind the Multi, and the MPPT has panels too.
#[derive(Debug, Clone)]
pub struct Alone {
    house: House,
}

impl Alone {
    /// This house, which nobody else steps.
    pub fn new(house: House) -> Self {
        Self { house }
    }
}

impl Surroundings for Alone {
    fn around(&mut self, now_ms: i64) -> Around {
        self.house.step(now_ms);
        let around = self.house.around_guest();
        Around {
            load_in_w: around.load_in_w.map(|watts| watts * (1.0 - BEHIND)),
            load_out_w: around.load_in_w.map(|watts| watts.max(0.0) * BEHIND),
            pv_dc_w: around.pv_ac_w.iter().sum::<f64>() * ON_MPPT,
            ..around
        }
    }
}
