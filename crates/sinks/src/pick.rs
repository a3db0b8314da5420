//! Which series a sink sends: names with `*` and `?`.

use ohmstead_model::{DeviceId, Metric};

use crate::settings::Common;

/// The series of one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    metrics: Vec<String>,
    devices: Vec<String>,
}

impl Pick {
    /// The series that the settings name.
    pub fn of(common: Common<'_>) -> Self {
        Self { metrics: common.metrics.to_vec(), devices: common.devices.to_vec() }
    }

    /// Whether anything of this device is sent.
    pub fn device(&self, device: &DeviceId) -> bool {
        any(&self.devices, device.as_str())
    }

    /// Whether this metric is sent.
    pub fn metric(&self, metric: Metric) -> bool {
        any(&self.metrics, metric.id())
    }
}

fn any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern.as_bytes(), name.as_bytes()))
}

/// `*` stands for any number of characters, `?` for one. Linear but for the last star, which is the only one gone back to.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut star) = ((0, 0), None);
    while at.1 < name.len() {
        match pattern.get(at.0) {
            Some(b'*') => {
                star = Some(at);
                at.0 += 1;
            }
            Some(b'?') => at = (at.0 + 1, at.1 + 1),
            Some(byte) if *byte == name[at.1] => at = (at.0 + 1, at.1 + 1),
            _ => {
                let Some((in_pattern, in_name)) = star else { return false };
                star = Some((in_pattern, in_name + 1));
                at = (in_pattern + 1, in_name + 1);
            }
        }
    }
    pattern[at.0..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("*", "anything", true)]
    #[case("battery_*", "battery_soc", true)]
    #[case("battery_*", "grid_power", false)]
    #[case("*_power", "battery_power", true)]
    #[case("*_power", "battery_power_l1", false)]
    #[case("*power*", "battery_power_l1", true)]
    #[case("phase_l?", "phase_l1", true)]
    #[case("phase_l?", "phase_l12", false)]
    #[case("a*b*c", "a_b_b_c", true)]
    #[case("a*b*c", "a_b_b", false)]
    #[case("grid_power", "grid_power", true)]
    #[case("grid", "grid_power", false)]
    #[case("", "", true)]
    #[case("", "a", false)]
    #[case("**", "", true)]
    fn patterns(#[case] pattern: &str, #[case] name: &str, #[case] expected: bool) {
        assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected);
    }
}
