//! A device's own vocabulary, beside the canonical metrics: every path it has, as it is.

use std::fmt;
use std::sync::Arc;

use crate::{Metric, Moment, Observation, Value};

/// What kind of value a path has in the device's own types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NativeKind {
    /// A whole number.
    Int,
    /// A number with decimals.
    Float,
    /// True or false.
    Bool,
    /// A text.
    Text,
    /// A list or a structure, kept as JSON text.
    Json,
    /// There is no value at present.
    Nothing,
}

/// What the device itself says that a path may be set to.
#[derive(Debug, Clone, PartialEq)]
pub struct NativeLimits {
    /// The least number.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
    /// What it is at first.
    pub default: Option<Value>,
}

/// One value in the device's own words.
#[derive(Debug, Clone, PartialEq)]
pub struct NativeRow {
    /// The part of the device it belongs to, stable over restarts: `battery/512`.
    pub part: Arc<str>,
    /// The part's name on the device's own bus at present: `com.victronenergy.battery.ttyO0`.
    pub service: Arc<str>,
    /// The path within the part: `/Dc/0/Voltage`.
    pub path: Arc<str>,
    /// The value, or why there is none. Whatever is no number is text.
    pub observation: Observation,
    /// The device's own type of it.
    pub kind: NativeKind,
    /// The device's own text for it, where it gives one: `51.20 V`.
    pub text: Option<Arc<str>>,
    /// Its unit, where that is known.
    pub unit: Option<&'static str>,
    /// What it is, for people; empty where nobody knows.
    pub meaning: &'static str,
    /// The name of the state that a number stands for, where that is known.
    pub word: Option<&'static str>,
    /// What the device says that it may be set to, where it says so.
    pub limits: Option<Arc<NativeLimits>>,
    /// When it was last told.
    pub at: Moment,
}

/// A setting of the device, and the one place where wishing for it writes at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeSetting {
    /// The setting.
    pub metric: Metric,
    /// The service that is written to.
    pub service: Arc<str>,
    /// The path that is written.
    pub path: Arc<str>,
}

/// What a driver keeps of a device's own vocabulary. Asked rarely, answered from memory, never waits.
pub trait Natives: Send + Sync {
    /// All values, or those of one part (by part or by service), ordered by part and path.
    fn rows(&self, of: Option<&str>) -> Vec<NativeRow>;

    /// The setting of the device that a path of a service stands for.
    fn setting(&self, _service: &str, _path: &str) -> Option<NativeSetting> {
        None
    }
}

/// A driver's vocabulary, to be handed around. Two are equal if they are the same.
#[derive(Clone)]
pub struct NativeView(pub Arc<dyn Natives>);

impl PartialEq for NativeView {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for NativeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NativeView")
    }
}
