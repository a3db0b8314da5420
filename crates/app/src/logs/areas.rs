//! From module paths to the words that people use in `log.levels`.

/// Module path (at its beginning) and area. The longest match counts, so a part of a crate can have its own.
const AREAS: &[(&str, &str)] = &[
    ("ohmstead", "app"),
    ("ohmstead::actuator", "control"),
    ("ohmstead::device_task", "driver"),
    ("ohmstead::hub", "hub"),
    ("ohmstead::socket", "socket"),
    ("ohmstead::store", "store"),
    ("ohmstead_config", "config"),
    ("ohmstead_drivers", "driver"),
    ("ohmstead_drivers::marstek", "driver.marstek"),
    ("ohmstead_history", "store"),
    ("ohmstead_plant", "sim"),
    ("ohmstead_publish", "mqtt"),
    ("ohmstead_sinks", "sinks"),
    ("ohmstead_web", "web"),
];

/// The area of a target: of a module of ours by the table, of anything else the target itself.
pub(super) fn area(target: &str) -> &str {
    let matches =
        |path: &str| target.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    AREAS
        .iter()
        .filter(|(path, _)| matches(path))
        .max_by_key(|(path, _)| path.len())
        .map_or(target, |(_, area)| area)
}

/// Whether the target belongs to a crate that is not ours.
pub(super) fn is_foreign(target: &str) -> bool {
    let area = area(target);
    area == target && (target.contains("::") || !is_word_of_ours(area))
}

fn is_word_of_ours(area: &str) -> bool {
    AREAS
        .iter()
        .any(|(_, ours)| *ours == area || area.strip_prefix(ours).is_some_and(|rest| rest.starts_with('.')))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ohmstead_drivers::marstek::session", "driver.marstek", false)]
    #[case("ohmstead_drivers::device", "driver", false)]
    #[case("driver.marstek", "driver.marstek", false)]
    #[case("driver.victron", "driver.victron", false)]
    #[case("ohmstead::actuator::attempt", "control", false)]
    #[case("ohmstead", "app", false)]
    #[case("ohmstead_publish", "mqtt", false)]
    #[case("mqtt", "mqtt", false)]
    #[case("ohmstead_webby", "ohmstead_webby", true)]
    #[case("rumqttc::eventloop", "rumqttc::eventloop", true)]
    #[case("log", "log", true)]
    fn targets_have_areas(#[case] target: &str, #[case] expected: &str, #[case] foreign: bool) {
        assert_eq!((area(target), is_foreign(target)), (expected, foreign));
    }
}
