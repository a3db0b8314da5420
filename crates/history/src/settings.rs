//! The `history:` section of the configuration, and the store's built-in limits.

use std::time::Duration;

use ohmstead_units::{DataSize, Timespan};
use serde::Deserialize;

/// Settings of the store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long raw values are kept; older ones are deleted by [`History::retain`](crate::History::retain). Summaries per
    /// hour are kept for ever.
    pub keep_raw: Timespan,
    /// How often the caller commits: at most so much is lost when the power fails.
    pub commit: Timespan,
    /// How large the history may be; beyond it the oldest raw values are deleted. No limit if absent.
    pub size_max: Option<DataSize>,
    /// While the disk has less free space than this, the history does not grow: values stay in the head log and in memory.
    pub free_min: DataSize,
}

impl Default for Settings {
    /// Two years of raw values, one commit a minute, no limit of size, 50 MB left to others.
    fn default() -> Self {
        Self {
            keep_raw: Timespan::from_secs(2 * 31_557_600),
            commit: Timespan::from_secs(60),
            size_max: None,
            free_min: DataSize(50_000_000),
        }
    }
}

/// Sizes that bound memory and answers. Constants in the product; tests make them small.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of frames that may wait for a commit; beyond it they are made anew from memory when the disk is back.
    pub(crate) waiting_bytes: usize,
    /// Bytes of memory for values that are not sealed; beyond it they are sealed before the day ends. A full load takes 2 MB a day.
    pub(crate) open_bytes: usize,
    /// Bytes of memory beyond which the oldest values are dropped, because nothing can be written.
    pub(crate) open_bytes_max: usize,
    /// Values gathered by a backfill before they are written.
    pub(crate) backfill_values: usize,
    /// Points in one answer.
    pub(crate) answer_points: usize,
    /// How long a statement waits for another program's lock before it gives up.
    pub(crate) busy: Duration,
}

impl Limits {
    pub(crate) const PRODUCT: Self = Self {
        waiting_bytes: 2_000_000,
        open_bytes: 12_000_000,
        open_bytes_max: 24_000_000,
        backfill_values: 2_000_000,
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
        let settings: Settings =
            serde_json::from_str(r#"{"commit": "5 min", "size_max": "2 GB"}"#).expect("a valid section");
        let size_max = Some(DataSize(2_000_000_000));
        assert_eq!(settings, Settings { commit: Timespan::from_secs(300), size_max, ..Settings::default() });
        let error = serde_json::from_str::<Settings>(r#"{"comit": 5}"#).expect_err("a typing mistake");
        assert!(error.to_string().contains("expected one of `keep_raw`, `commit`"), "{error}");
    }
}
