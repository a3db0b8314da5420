//! Which of the stored series are meant: `DEVICE.METRIC`, `DEVICE.*` or `METRIC`.

use ohmstead_model::catalogue::CORE;

use crate::backend::StoredSeries;
use crate::suggest;

/// A name that means none of the stored series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing is stored of {name:?}; {hint}")]
pub struct ChoiceError {
    /// The name.
    pub name: String,
    /// The nearest, or what there is.
    pub hint: String,
}

/// Some of the stored series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice(Vec<String>);

impl Choice {
    /// All of them where `names` is empty.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect())
    }

    /// Those of `series` that are meant, in their order. Each name must mean some.
    pub fn of(&self, series: Vec<StoredSeries>) -> Result<Vec<StoredSeries>, ChoiceError> {
        if self.0.is_empty() {
            return Ok(series);
        }
        if let Some(name) = self.0.iter().find(|name| !series.iter().any(|series| means(name, series))) {
            return Err(unknown(name, &series));
        }
        Ok(series.into_iter().filter(|series| self.0.iter().any(|name| means(name, series))).collect())
    }
}

fn means(name: &str, series: &StoredSeries) -> bool {
    match name.split_once('.') {
        None => name == series.metric.id(),
        Some((device, metric)) => {
            device == series.device.as_str() && (metric == "*" || metric == series.metric.id())
        }
    }
}

fn unknown(name: &str, series: &[StoredSeries]) -> ChoiceError {
    let full: Vec<String> =
        series.iter().map(|series| format!("{}.{}", series.device, series.metric)).collect();
    let hint = if name.contains('.') {
        suggest::hint(name, full.iter().map(String::as_str))
    } else {
        let mut metrics: Vec<&str> = series.iter().map(|series| series.metric.id()).collect();
        metrics.sort_unstable();
        metrics.dedup();
        let known = CORE.iter().any(|metric| metric.id() == name);
        if known {
            "it is a metric, but no device has told it".to_owned()
        } else {
            suggest::hint(name, metrics)
        }
    };
    ChoiceError { name: name.chars().take(64).collect(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ohmstead_model::{DeviceId, Metric, UnixMillis};
    use rstest::rstest;

    fn stored() -> Vec<StoredSeries> {
        let of = |device: DeviceId, metric| {
            let (first, last) = (UnixMillis(0), UnixMillis(1));
            StoredSeries { device, metric, first, last, points: 2 }
        };
        let gx: DeviceId = "gx".parse().unwrap();
        vec![
            of(gx.clone(), Metric::BatterySoc),
            of(gx, Metric::GridPower),
            of(DeviceId::site(), Metric::BatterySoc),
        ]
    }

    #[rstest]
    #[case(&[], &["gx.battery_soc", "gx.grid_power", "site.battery_soc"])]
    #[case(&["battery_soc"], &["gx.battery_soc", "site.battery_soc"])]
    #[case(&["site.battery_soc", "gx.grid_power"], &["gx.grid_power", "site.battery_soc"])]
    #[case(&["gx.*"], &["gx.battery_soc", "gx.grid_power"])]
    fn names_mean_series(#[case] names: &[&str], #[case] meant: &[&str]) {
        let chosen = Choice::new(names.iter().map(ToString::to_string)).of(stored()).unwrap();
        let chosen: Vec<_> =
            chosen.iter().map(|series| format!("{}.{}", series.device, series.metric)).collect();
        assert_eq!(chosen, meant);
    }

    #[rstest]
    #[case("gx.batery_soc", "did you mean \"gx.battery_soc\"?")]
    #[case("grid_pwoer", "did you mean \"grid_power\"?")]
    #[case("pv_power", "it is a metric, but no device has told it")]
    #[case("*", "there are: battery_soc, grid_power")]
    fn a_name_that_means_none_is_told_with_the_nearest(#[case] name: &str, #[case] hint: &str) {
        assert_eq!(Choice::new([name.to_owned()]).of(stored()).unwrap_err().hint, hint);
    }
}
