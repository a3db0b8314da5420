//! The `history:` section of the configuration, and the store's built-in limits.

use std::time::Duration;

use ohmstead_units::Timespan;
use serde::Deserialize;

/// Settings of the store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long raw values are kept; older ones are deleted by [`History::retain`](crate::History::retain).
    pub keep_raw: Timespan,
    /// How often the caller commits: at most so much is lost when the power fails.
    pub commit: Timespan,
}

impl Default for Settings {
    /// Two years of raw values, one commit a minute.
    fn default() -> Self {
        Self { keep_raw: Timespan::from_secs(2 * 31_557_600), commit: Timespan::from_secs(60) }
    }
}

/// Sizes that bound memory and answers. Constants in the product; tests make them small.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Values that may wait for a commit; beyond it the oldest batches are dropped and counted.
    pub(crate) pending_values: usize,
    /// Committed values held in memory before they are sealed into blocks (about 32 bytes each).
    pub(crate) head_values: usize,
    /// Values gathered by a backfill before they are written.
    pub(crate) backfill_values: usize,
    /// Values in one sealed block.
    pub(crate) block_values: usize,
    /// Points in one answer.
    pub(crate) answer_points: usize,
    /// How long a statement waits for another program's lock before it gives up.
    pub(crate) busy: Duration,
}

impl Limits {
    /// About 4 MB of memory for each of the first two, at a full load of 470 values a minute 7 hours of outage and
    /// five seals a day.
    pub(crate) const PRODUCT: Self = Self {
        pending_values: 200_000,
        head_values: 131_072,
        backfill_values: 262_144,
        block_values: 8_192,
        answer_points: 200_000,
        busy: Duration::from_secs(5),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let settings = Settings::default();
        assert_eq!(settings.keep_raw, "2 y".parse().expect("a span"));
        assert_eq!(settings.commit, "60 s".parse().expect("a span"));
    }

    #[test]
    fn a_key_that_does_not_exist_is_refused_and_missing_ones_have_defaults() {
        let settings: Settings = serde_json::from_str(r#"{"commit": "5 min"}"#).expect("a valid section");
        assert_eq!(settings, Settings { commit: Timespan::from_secs(300), ..Settings::default() });
        let error = serde_json::from_str::<Settings>(r#"{"comit": 5}"#).expect_err("a typing mistake");
        assert!(error.to_string().contains("expected `keep_raw` or `commit`"), "{error}");
    }
}
