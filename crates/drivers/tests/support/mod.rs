//! A simulated house under the driver, in virtual time: what the driver sends reaches the simulated units, and what they
//! send comes back when its time has come. [`World`] is the house, [`Unit`] one battery as the driver runs it.

mod air;
mod compare;
mod told;
mod unit;

pub(crate) use air::{Air, Client, Request};
pub(crate) use compare::compare;
pub(crate) use told::Told;
pub(crate) use unit::Unit;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ohmstead_drivers::marstek::Settings;
use ohmstead_model::{Clock, Moment, Sleep, UnixMillis};
use ohmstead_plant::house;
use ohmstead_plant::marstek::Counters;
use ohmstead_plant::{BatterySetup, BatteryTruth, InMemory, Plant, Profile};
use tokio::time::Instant;

/// The runtime's clock, paused in most tests.
pub(crate) struct TestClock {
    origin: Instant,
    start: i64,
}

impl TestClock {
    pub(crate) fn new(start_unix_ms: i64) -> Arc<Self> {
        Arc::new(Self { origin: Instant::now(), start: start_unix_ms })
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        let mono = self.origin.elapsed();
        Moment { mono, unix: UnixMillis(self.start).plus(mono) }
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }
}

/// The house with its units, and the network between them and the driver.
pub(crate) struct World {
    pub(crate) air: Arc<Air>,
    pub(crate) clock: Arc<TestClock>,
}

impl World {
    /// A house with the given batteries: name, profile, switches. The first is at 192.168.1.2, the next at .3, ...
    pub(crate) fn new(batteries: &[(&str, &str, &str)]) -> Self {
        let setups = batteries.iter().zip(2u8..).map(|((name, profile, switches), last)| {
            let address = format!("192.168.1.{last}:30000").parse().unwrap();
            let profile: Profile = profile.parse().unwrap();
            BatterySetup { switches: switches.parse().unwrap(), ..BatterySetup::new(*name, address, profile) }
        });
        Self::of(setups)
    }

    pub(crate) fn of(setups: impl IntoIterator<Item = BatterySetup>) -> Self {
        let settings = house::Settings::default();
        let clock = TestClock::new(settings.start_unix_ms);
        let plant = setups.into_iter().fold(Plant::builder(settings), Plant::battery);
        let air = Air::new(Arc::new(Mutex::new(plant.in_memory().unwrap())), Arc::clone(&clock));
        Self { air, clock }
    }

    /// The driver for a battery, with default settings.
    pub(crate) fn unit(&self, name: &str) -> Unit {
        self.unit_with(name, None, |_| ())
    }

    /// The driver for a battery.
    pub(crate) fn unit_with(
        &self,
        name: &str,
        memory: Option<String>,
        change: impl FnOnce(&mut Settings),
    ) -> Unit {
        Unit::open(name, self.settings(name, change), (1, memory), self)
    }

    /// The driver for a battery, with another luck.
    pub(crate) fn unit_seeded(&self, name: &str, seed: u64, change: impl FnOnce(&mut Settings)) -> Unit {
        Unit::open(name, self.settings(name, change), (seed, None), self)
    }

    fn settings(&self, name: &str, change: impl FnOnce(&mut Settings)) -> Settings {
        let address = self.site(|site| site.address(name).unwrap());
        let mut settings = Settings::at(address.ip().to_string(), address.port());
        change(&mut settings);
        settings
    }

    /// Looks into the house, or changes it, at this moment.
    pub(crate) fn site<T>(&self, look: impl FnOnce(&mut InMemory) -> T) -> T {
        self.air.site(look)
    }

    pub(crate) fn switch(&self, name: &str, switch: &str) {
        self.site(|site| site.set_switch(name, switch)).unwrap();
    }

    pub(crate) fn counters(&self, name: &str) -> Counters {
        self.site(|site| site.counters(name)).unwrap()
    }

    pub(crate) fn truth(&self, name: &str) -> BatteryTruth {
        self.site(|site| {
            let index = site.names().position(|known| known == name).unwrap();
            site.truth().batteries[index].clone()
        })
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
