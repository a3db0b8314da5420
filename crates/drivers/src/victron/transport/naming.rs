//! Names of services where the way knows only class and instance.
//!
//! ```text
//! com.victronenergy.system          there is one of the class, and it is called so on the bus as well
//! com.victronenergy.battery.di512   class, device instance: the same by every such way, also when a cable is moved
//! ```

use crate::victron::tree::PREFIX;

/// What stands in front of the instance; drivers of meters have it in their names on the bus, too.
const MARK: &str = ".di";
/// The services of which there is one, by the name of their class alone.
const SINGLE: &[&str] =
    &["adc", "digitalinputs", "fronius", "hub4", "logger", "modbustcp", "platform", "settings", "system"];

/// The name of a service.
pub(super) fn service(class: &str, instance: &str) -> String {
    if instance == "0" && SINGLE.contains(&class) {
        format!("{PREFIX}{class}")
    } else {
        format!("{PREFIX}{class}{MARK}{instance}")
    }
}

/// Class and instance of a name.
pub(super) fn parts(service: &str) -> Option<(&str, &str)> {
    let name = service.strip_prefix(PREFIX)?;
    name.split_once(MARK).or_else(|| SINGLE.contains(&name).then_some((name, "0")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("system", "0", "com.victronenergy.system")]
    #[case("hub4", "0", "com.victronenergy.hub4")]
    #[case("battery", "512", "com.victronenergy.battery.di512")]
    #[case("vebus", "0", "com.victronenergy.vebus.di0")]
    #[case("system", "1", "com.victronenergy.system.di1")]
    fn a_name_leads_back(#[case] class: &str, #[case] instance: &str, #[case] name: &str) {
        assert_eq!(service(class, instance), name);
        assert_eq!(parts(name), Some((class, instance)));
    }

    #[rstest]
    #[case("com.victronenergy.battery.ttyO0")]
    #[case("com.victronenergy.battery")]
    #[case("org.freedesktop.DBus")]
    fn names_of_the_bus_are_no_such_names(#[case] name: &str) {
        assert_eq!(parts(name), None);
    }
}
