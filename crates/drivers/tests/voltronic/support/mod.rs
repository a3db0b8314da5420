//! Simulated inverters under the driver, in virtual time. [`World`] is the house with its USB ports, [`Driven`] one
//! inverter's driver, run as the program runs it.

mod cable;
mod compare;
mod driven;
mod truth;

pub(crate) use cable::{Cables, Garbled, Heard, Hub};
pub(crate) use compare::{Compared, Times, assert_nothing_lost, compare, compare_with};
pub(crate) use driven::Driven;

#[path = "../../support/told.rs"]
mod told;
pub(crate) use told::Told;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ohmstead_drivers::voltronic::Settings;
use ohmstead_model::{Clock, Moment, Sleep, UnixMillis};
use ohmstead_plant::voltronic::{InverterSetup, Profile, UnitTruth};
use ohmstead_plant::{InMemory, house};
use tokio::time::Instant;

/// The runtime's clock, paused.
pub(crate) struct TestClock {
    origin: Instant,
    start: i64,
}

impl TestClock {
    pub(crate) fn new(start: i64) -> Arc<Self> {
        Arc::new(Self { origin: Instant::now(), start })
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

/// The house with its inverters.
pub(crate) struct World {
    pub(crate) cables: Arc<Cables>,
    pub(crate) clock: Arc<TestClock>,
}

impl World {
    /// A house with the given inverters: name, profile, switches. The first is at USB port 1-1, the next at 1-2, ...
    pub(crate) fn new(inverters: &[(&str, &str, &str)]) -> Self {
        Self::seeded(inverters, house::Settings::default().seed)
    }

    /// The same where chance falls otherwise.
    pub(crate) fn seeded(inverters: &[(&str, &str, &str)], seed: u64) -> Self {
        let setups = inverters.iter().zip(0..).map(|((name, profile, switches), node)| {
            let profile: Profile = profile.parse().unwrap();
            InverterSetup { switches: switches.parse().unwrap(), node, ..InverterSetup::new(*name, profile) }
        });
        Self::in_house(setups.collect(), house::Settings { seed, ..house::Settings::default() })
    }

    pub(crate) fn of(setups: Vec<InverterSetup>) -> Self {
        Self::in_house(setups, house::Settings::default())
    }

    /// The same, beginning so many hours later in the day.
    pub(crate) fn later(setups: Vec<InverterSetup>, hours: i64) -> Self {
        let settings = house::Settings::default();
        let start_unix_ms = settings.start_unix_ms + hours * 3_600_000;
        Self::in_house(setups, house::Settings { start_unix_ms, ..settings })
    }

    fn in_house(setups: Vec<InverterSetup>, settings: house::Settings) -> Self {
        let clock = TestClock::new(settings.start_unix_ms);
        let names: Vec<_> = setups.iter().map(|setup| setup.name.clone()).collect();
        let mut site = InMemory::new(settings, Vec::new()).unwrap();
        for setup in setups {
            site.install_inverter(setup).unwrap();
        }
        let cables = Cables::new(Arc::new(Mutex::new(site)), Arc::clone(&clock));
        for (number, name) in names.iter().enumerate() {
            cables.plug(name, &format!("1-{}", number + 1));
        }
        Self { cables, clock }
    }

    /// The driver with default settings.
    pub(crate) fn driven(&self, name: &str) -> Driven {
        self.driven_with(name, None, |_| ())
    }

    pub(crate) fn driven_with(
        &self,
        name: &str,
        memory: Option<String>,
        change: impl FnOnce(&mut Settings),
    ) -> Driven {
        let mut settings = Settings::default();
        change(&mut settings);
        Driven::open(name, settings, memory, self)
    }

    pub(crate) fn switch(&self, name: &str, switch: &str) {
        self.cables.unit(name, |unit| unit.switches.set(switch)).unwrap();
    }

    pub(crate) fn truth(&self, name: &str) -> UnitTruth {
        self.cables.unit(name, |unit| unit.truth())
    }

    /// Frames that would have changed something, as the unit counted them.
    pub(crate) fn setters(&self, name: &str) -> u64 {
        self.cables.unit(name, |unit| unit.counters().setters)
    }

    pub(crate) fn heard_texts(&self, name: &str) -> Vec<String> {
        self.cables.heard(name).into_iter().map(|heard| heard.text).collect()
    }

    /// Seconds since the start.
    pub(crate) fn now_s(&self) -> u64 {
        self.clock.now().mono.as_secs()
    }

    pub(crate) fn set_grid(&self, present: bool) {
        lock(&self.cables.site).house_mut().set_grid(present);
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
