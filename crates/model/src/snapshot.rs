//! What is known right now about all devices. Every value carries its age; what is too old is unknown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::{
    ControlState, DeviceId, DeviceInfo, Evidence, Metric, Moment, NativeView, Notice, Observation, Online,
    Reading, Unknown, Value,
};

/// An observation with the moment it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The value or why there was none.
    pub observation: Observation,
    /// When it was read.
    pub at: Moment,
}

/// A value that may be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Known<'a> {
    /// The value.
    pub value: &'a Value,
    /// When it was read.
    pub at: Moment,
    /// How old it is.
    pub age: Duration,
}

/// One device: what it is, whether it answers, its last values.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceState {
    /// What it is.
    pub info: Arc<DeviceInfo>,
    /// Whether it answers.
    pub online: Online,
    /// When it last answered anything.
    pub last_success: Option<Moment>,
    /// What is the case with it.
    pub notices: Vec<Notice>,
    /// What its driver knows about it, and from what.
    pub evidence: Arc<[Evidence]>,
    /// Its own vocabulary, where it has one beyond the metrics.
    pub native: Option<NativeView>,
    /// What control wants of it, once control has looked at it.
    pub control: Option<Arc<ControlState>>,
    /// The last observation of each metric. Use [`DeviceState::value`] unless you show the age yourself.
    pub values: BTreeMap<Metric, Observed>,
}

impl DeviceState {
    /// A device that has not been asked yet.
    pub fn new(info: Arc<DeviceInfo>) -> Self {
        Self {
            info,
            online: Online::NotAskedYet,
            last_success: None,
            notices: Vec::new(),
            evidence: Arc::from([]),
            native: None,
            control: None,
            values: BTreeMap::new(),
        }
    }

    /// The value of `metric` if it may still be used at `now`, else why not.
    pub fn value(&self, metric: Metric, now: Moment) -> Result<Known<'_>, Unknown> {
        let Some(observed) = self.values.get(&metric) else {
            return Err(if matches!(self.online, Online::No(_)) {
                Unknown::Offline
            } else {
                Unknown::NeverRead
            });
        };
        let value = observed.observation.as_ref().map_err(Clone::clone)?;
        let age = now.since(observed.at);
        if age <= self.info.ttl.of(metric.def().poll) {
            Ok(Known { value, at: observed.at, age })
        } else if matches!(self.online, Online::No(_)) {
            Err(Unknown::Offline)
        } else {
            Err(Unknown::Stale)
        }
    }

    /// The number of `metric` if it may still be used at `now`, else why not.
    pub fn number(&self, metric: Metric, now: Moment) -> Result<f64, Unknown> {
        self.value(metric, now)?.value.number().ok_or(Unknown::NotReported)
    }

    /// Whether the device answers now.
    pub fn is_online(&self) -> bool {
        matches!(self.online, Online::Yes(_))
    }
}

/// All devices at one instant. Cheap to clone; a reader keeps its own frozen copy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    devices: BTreeMap<DeviceId, Arc<DeviceState>>,
}

impl Snapshot {
    /// The device of that name.
    pub fn device(&self, id: &str) -> Option<&Arc<DeviceState>> {
        self.devices.get(id)
    }

    /// All real devices by name, without the computed `site`.
    pub fn devices(&self) -> impl Iterator<Item = &Arc<DeviceState>> {
        self.devices.values().filter(|device| !device.info.id.is_site())
    }

    /// All devices by name, the computed `site` included.
    pub fn all(&self) -> impl Iterator<Item = &Arc<DeviceState>> {
        self.devices.values()
    }

    /// Puts a device in, or replaces it whole.
    pub fn insert(&mut self, device: DeviceState) {
        self.devices.insert(device.info.id.clone(), Arc::new(device));
    }

    /// Removes a device that is no longer configured.
    pub fn remove(&mut self, id: &str) {
        self.devices.remove(id);
    }

    /// The device of that name for changing; other holders of the snapshot keep what they had.
    pub fn device_mut(&mut self, id: &str) -> Option<&mut DeviceState> {
        self.devices.get_mut(id).map(Arc::make_mut)
    }

    /// Takes in what a device told. Returns whether the device is known.
    pub fn apply(&mut self, reading: &Reading) -> bool {
        let Some(device) = self.device_mut(reading.device.as_str()) else { return false };
        for (metric, observation) in &reading.values {
            device.values.insert(*metric, Observed { observation: observation.clone(), at: reading.at });
        }
        true
    }
}

/// What the hub tells its listeners. A slow listener loses updates and is told how many; the snapshot is always whole.
#[derive(Debug, Clone)]
pub enum Update {
    /// New values.
    Reading(Arc<Reading>),
    /// The device's information, online state or notices changed.
    Device(DeviceId),
    /// The device is no longer configured.
    Removed(DeviceId),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{UnixMillis, Value};

    fn moment(seconds: u64) -> Moment {
        Moment { mono: Duration::from_secs(seconds), unix: UnixMillis(0) }
    }

    fn snapshot() -> Snapshot {
        let id: DeviceId = "b".parse().expect("a valid name");
        let mut snapshot = Snapshot::default();
        snapshot.insert(DeviceState::new(Arc::new(DeviceInfo::new(id.clone(), "test", "nowhere"))));
        let values = vec![
            (Metric::BatterySoc, Ok(Value::Number(0.0))),
            (Metric::BatteryPower, Err(Unknown::NotReported)),
        ];
        assert!(snapshot.apply(&Reading { device: id, at: moment(100), values }));
        snapshot
    }

    #[test]
    fn a_value_ages_into_unknown() {
        let snapshot = snapshot();
        let device = snapshot.device("b").expect("inserted");
        assert_eq!(device.number(Metric::BatterySoc, moment(130)), Ok(0.0));
        assert_eq!(device.number(Metric::BatterySoc, moment(131)), Err(Unknown::Stale));
        assert_eq!(device.number(Metric::BatteryPower, moment(100)), Err(Unknown::NotReported));
        assert_eq!(device.number(Metric::GridPower, moment(100)), Err(Unknown::NeverRead));
    }

    #[test]
    fn a_held_snapshot_is_frozen() {
        let mut current = snapshot();
        let held = current.clone();
        current.device_mut("b").expect("inserted").values.clear();
        assert_eq!(held.device("b").expect("held").values.len(), 2);
    }

    #[test]
    fn a_reading_of_an_unknown_device_changes_nothing() {
        let mut snapshot = snapshot();
        let before = snapshot.clone();
        let stray = Reading { device: "c".parse().expect("a valid name"), at: moment(1), values: vec![] };
        assert!(!snapshot.apply(&stray));
        assert_eq!(snapshot, before);
    }
}
