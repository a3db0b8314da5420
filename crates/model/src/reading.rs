//! What one answer of a device told: several values with one time stamp.

use crate::{DeviceId, Metric, Moment, Observation};

/// One observed value, on its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Who.
    pub device: DeviceId,
    /// What.
    pub metric: Metric,
    /// The value, or why there is none.
    pub observation: Observation,
    /// When it was read.
    pub at: Moment,
}

/// All values that one answer gave. They share one time stamp: the store keeps it once.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Who.
    pub device: DeviceId,
    /// When the answer arrived.
    pub at: Moment,
    /// What it told, each metric at most once.
    pub values: Vec<(Metric, Observation)>,
}

impl Reading {
    /// The values one by one.
    pub fn samples(&self) -> impl Iterator<Item = Sample> + '_ {
        self.values.iter().map(|(metric, observation)| Sample {
            device: self.device.clone(),
            metric: *metric,
            observation: observation.clone(),
            at: self.at,
        })
    }
}
