//! The GX device of the house as the driver finds it in this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ohmstead_drivers::victron::{InProcess, InProcessEvent, InProcessValue};
use ohmstead_model::Clock as _;
use ohmstead_plant::InMemory;
use ohmstead_plant::venus::tree::{Item, Service};
use ohmstead_plant::venus::value::Value;
use ohmstead_plant::venus::{Gx, InPast, Reply, Setup};

use super::{TestClock, lock};

/// What share of the roof's power is on the MPPT.
const ON_MPPT: f64 = 0.5;
/// It lives in such steps, ms: as often as it is read.
const STEP_MS: i64 = 30_000;

/// The device.
pub(super) struct Cerbo {
    state: Mutex<State>,
    clock: Arc<TestClock>,
}

struct State {
    gx: Gx,
    /// Up to which revision was told, and which life of each service.
    told: (u64, BTreeMap<usize, (u32, String)>),
    paths: BTreeMap<String, Arc<str>>,
    /// Nothing of it is heard, and nothing reaches it.
    is_away: bool,
    /// Every write that reached it.
    writes: Vec<Write>,
}

/// A write as it reached the device.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) path: String,
    pub(super) value: Option<f64>,
}

impl Cerbo {
    pub(super) fn new(site: Arc<Mutex<InMemory>>, clock: Arc<TestClock>, switches: &str) -> Arc<Self> {
        let setup = Setup { switches: switches.parse().expect("switches"), ..Setup::default() };
        let gx = Gx::new(setup, Box::new(InPast::new(site, ON_MPPT)), clock.now().unix.0);
        let told = (0, BTreeMap::new());
        let state = State { gx, told, paths: BTreeMap::new(), is_away: false, writes: Vec::new() };
        Arc::new(Self { state: Mutex::new(state), clock })
    }

    /// Looks at the device as it was when something was last asked of it, or changes it.
    pub(super) fn gx<T>(&self, look: impl FnOnce(&mut Gx) -> T) -> T {
        look(&mut lock(&self.state).gx)
    }

    pub(super) fn number(&self, service: &str, path: &str) -> Option<f64> {
        self.gx(|gx| gx.tree().service(service)?.item(path)?.value().number())
    }

    /// The network cable is pulled, or put in again.
    pub(super) fn away(&self, is_away: bool) {
        lock(&self.state).is_away = is_away;
    }

    /// What was written since the last call.
    pub(super) fn take_writes(&self) -> Vec<Write> {
        std::mem::take(&mut lock(&self.state).writes)
    }
}

impl State {
    fn values(&mut self, service: usize, since: u64) -> Vec<(Arc<str>, Option<InProcessValue>)> {
        let Self { gx, paths, .. } = self;
        let told = |(path, item): (&str, &Item)| {
            let path = match paths.get(path) {
                Some(path) => Arc::clone(path),
                None => Arc::clone(paths.entry(path.to_owned()).or_insert_with(|| Arc::from(path))),
            };
            (path, value(item.value()))
        };
        let service: &Service = &gx.tree().services()[service];
        if since == 0 {
            service.items().map(told).collect()
        } else {
            service.changed_since(since).map(told).collect()
        }
    }

    fn news(&mut self, anew: bool) -> Vec<InProcessEvent> {
        if anew {
            self.told = (0, BTreeMap::new());
        }
        let since = self.told.0;
        let mut events = Vec::new();
        for index in 0..self.gx.tree().services().len() {
            let service = &self.gx.tree().services()[index];
            let (present, life) = (service.present, service.life);
            let known = self.told.1.get(&index).cloned();
            match known {
                Some((before, name)) if present && before == life => {
                    let values = self.values(index, since);
                    if !values.is_empty() {
                        events.push(InProcessEvent::Changed(name, values));
                    }
                }
                known => {
                    if let Some((_, name)) = known {
                        self.told.1.remove(&index);
                        events.push(InProcessEvent::Gone(name));
                    }
                    if present {
                        let name = self.gx.tree().services()[index].bus_name();
                        self.told.1.insert(index, (life, name.clone()));
                        events.push(InProcessEvent::Up(name, self.values(index, 0)));
                    }
                }
            }
        }
        self.told.0 = self.gx.tree().revision();
        events
    }
}

impl InProcess for Cerbo {
    fn news(&self, anew: bool) -> Vec<InProcessEvent> {
        let mut state = lock(&self.state);
        state.gx.live(self.clock.now().unix.0, STEP_MS);
        if state.is_away {
            return vec![InProcessEvent::Lost("the cable is pulled".to_owned())];
        }
        state.news(anew)
    }

    fn set(&self, service: &str, path: &str, value: Option<InProcessValue>) -> Option<bool> {
        let mut state = lock(&self.state);
        if state.is_away {
            return None;
        }
        let (number, value) = match value {
            None => (None, Value::Invalid),
            Some(InProcessValue::Number(number)) => (Some(number), Value::F64(number)),
            Some(InProcessValue::Text(text)) => (None, Value::Text(text)),
        };
        state.writes.push(Write { path: path.to_owned(), value: number });
        Some(state.gx.write(service, path, &value) == Reply::Taken)
    }

    fn get(&self, service: &str, path: &str) -> Option<Option<InProcessValue>> {
        let state = lock(&self.state);
        if state.is_away {
            return None;
        }
        Some(state.gx.tree().service(service).and_then(|service| value(service.item(path)?.value())))
    }
}

fn value(value: &Value) -> Option<InProcessValue> {
    let number = value.number().map(InProcessValue::Number);
    number.or_else(|| value.text().map(|text| InProcessValue::Text(text.to_owned())))
}
