//! Where a sink has its values from: the history, behind a trait that the binary implements.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use ohmstead_model::{DeviceId, Metric, UnixMillis, Value};

use crate::{Cursors, Pick, Span};

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When it was read.
    pub at: UnixMillis,
    /// Whose.
    pub device: DeviceId,
    /// Of what.
    pub metric: Metric,
    /// The value, in the unit of the metric.
    pub value: Value,
}

/// Why there are no values.
#[derive(Debug, thiserror::Error)]
pub enum NoValues {
    /// More than were asked for: ask for a shorter span.
    #[error("too many values in the span")]
    TooMany,
    /// The history cannot be read now.
    #[error("the history cannot be read: {0}")]
    Unavailable(String),
}

/// The history, as the sinks see it.
pub trait Source: Send + Sync + 'static {
    /// Where each sink has got to; `None` while the history is not open.
    fn cursors(&self) -> Option<Arc<Cursors>>;

    /// The time of the oldest value; `None` where there is none.
    fn oldest(&self) -> BoxFuture<'_, Result<Option<UnixMillis>, NoValues>>;

    /// The values of the picked series within `span`, in any order, at most `most` of them.
    fn values(&self, pick: Arc<Pick>, span: Span, most: usize)
    -> BoxFuture<'_, Result<Vec<Point>, NoValues>>;
}
