//! What the driver reported, as a list and as the snapshot that listeners would see.

use std::sync::{Arc, Mutex};

use ohmstead_drivers::{Report, Reporter};
use ohmstead_model::{
    DeviceId, DeviceInfo, DeviceState, Metric, Moment, Notice, Observation, Online, Reading, Snapshot,
};

use super::lock;

#[derive(Default)]
struct Record {
    snapshot: Snapshot,
    readings: Vec<Reading>,
    online: Vec<(bool, Moment)>,
}

/// A reporter that keeps everything.
pub(crate) struct Told {
    id: DeviceId,
    record: Mutex<Record>,
}

impl Told {
    pub(crate) fn new(id: DeviceId) -> Arc<Self> {
        let mut record = Record::default();
        record.snapshot.insert(DeviceState::new(Arc::new(DeviceInfo::new(id.clone(), "marstek", ""))));
        Arc::new(Self { id, record: Mutex::new(record) })
    }

    fn change(&self, change: impl FnOnce(&mut DeviceState)) {
        change(lock(&self.record).snapshot.device_mut(self.id.as_str()).expect("inserted at the start"));
    }

    /// The device as listeners see it.
    pub(crate) fn state(&self) -> DeviceState {
        lock(&self.record).snapshot.device(self.id.as_str()).expect("inserted at the start").as_ref().clone()
    }

    /// Every reading so far.
    pub(crate) fn readings(&self) -> Vec<Reading> {
        lock(&self.record).readings.clone()
    }

    /// Every observation of a metric so far.
    pub(crate) fn observations(&self, metric: Metric) -> Vec<(Moment, Observation)> {
        let record = lock(&self.record);
        let samples = record.readings.iter().flat_map(Reading::samples);
        samples
            .filter(|sample| sample.metric == metric)
            .map(|sample| (sample.at, sample.observation))
            .collect()
    }

    /// Every number of a metric so far.
    pub(crate) fn numbers(&self, metric: Metric) -> Vec<f64> {
        let observed = self.observations(metric).into_iter();
        observed.filter_map(|(_, observation)| observation.ok()?.number()).collect()
    }

    /// Every change between online and offline.
    pub(crate) fn online(&self) -> Vec<(bool, Moment)> {
        lock(&self.record).online.clone()
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.state().notices
    }

    pub(crate) fn forget_readings(&self) {
        lock(&self.record).readings.clear();
    }
}

impl Reporter for Told {
    fn report(&self, report: Report) {
        match report {
            Report::Reading(reading) => {
                assert_eq!(reading.device, self.id, "a reading of another device");
                let mut record = lock(&self.record);
                assert!(record.snapshot.apply(&reading));
                record.readings.push(reading);
            }
            Report::Info(info) => self.change(|state| state.info = Arc::new(info)),
            Report::Online(_, online, at) => {
                lock(&self.record).online.push((online, at));
                self.change(|state| state.online = if online { Online::Yes(at) } else { Online::No(at) });
            }
            Report::Answered(_, at) => self.change(|state| state.last_success = Some(at)),
            Report::Notices(_, notices) => self.change(|state| state.notices = notices),
            Report::Native(_, view) => self.change(|state| state.native = Some(view)),
            Report::Evidence(_, evidence) => self.change(|state| state.evidence = evidence.into()),
        }
    }
}
