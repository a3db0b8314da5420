//! What became of the four ways in which venus-export-limiter wanted to limit a Multi: which of its paths exist on a
//! device, and which of our levers does what it was meant to do.

/// One of its methods on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// The path that it writes.
    pub path: &'static str,
    /// Whether the device has it.
    pub exists: bool,
    /// What is used instead, or why not even that.
    pub instead: String,
}

const MAX_DISCHARGE: &str = "/Settings/CGwacs/MaxDischargePower";

/// The four methods on a device, given whether a class of its services has a path.
pub fn methods(has: impl Fn(&str, &str) -> bool) -> Vec<Method> {
    let limit = discharge_limit(&has);
    let method = |path, exists, instead| Method { path, exists, instead };
    let on_multi = |paths: [&str; 3]| paths.iter().any(|path| has("vebus", path));
    let phases = ["/Ac/Out/L1/PowerLimit", "/Ac/Out/L2/PowerLimit", "/Ac/Out/L3/PowerLimit"];
    let of_solar = if has("pvinverter", "/Ac/PowerLimit") {
        "; this device has it on a PV inverter, where it limits that one's own power, which is not used"
    } else {
        ""
    };
    vec![
        method(
            "vebus /Ac/PowerLimit",
            has("vebus", "/Ac/PowerLimit"),
            format!("limits.multi_output: {limit}{of_solar}"),
        ),
        method(
            "vebus /Ac/Out/Lx/PowerLimit",
            on_multi(phases),
            format!(
                "limits.multi_output: {limit}; it counts for the sum of the phases, none can be limited alone"
            ),
        ),
        method(
            "vebus /Settings/MaxPower",
            has("vebus", "/Settings/MaxPower"),
            format!("limits.multi_output: {limit}; nothing limits what loads on AC-out take without a grid"),
        ),
        method(
            "settings /Settings/CGwacs/MaxDischargePower",
            has("settings", MAX_DISCHARGE),
            format!(
                "limits.battery_discharge: {limit}; only while ESS is in control (Hub4Mode 1 or 2): under external \
                 control (3), where it was written, nobody reads it"
            ),
        ),
    ]
}

/// The lever that caps what ESS takes out of the battery, as this device has it.
fn discharge_limit(has: impl Fn(&str, &str) -> bool) -> &'static str {
    if has("hub4", "/Overrides/MaxDischargePower") {
        "hub4 /Overrides/MaxDischargePower, which wears nothing out and is taken back"
    } else if has("settings", MAX_DISCHARGE) {
        "settings /Settings/CGwacs/MaxDischargePower, within the budget of writes, for each one wears the flash"
    } else {
        "nothing: this device has no limit for discharging"
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn report(paths: &[(&str, &str)]) -> String {
        let lines = methods(|class, path| paths.contains(&(class, path)));
        let line = |method: &Method| {
            let exists = if method.exists { "there" } else { "not there" };
            format!("{}: {exists}; {}", method.path, method.instead)
        };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_gx_device_with_overrides() {
        let paths = [("hub4", "/Overrides/MaxDischargePower"), ("settings", MAX_DISCHARGE)];
        expect![[r#"
            vebus /Ac/PowerLimit: not there; limits.multi_output: hub4 /Overrides/MaxDischargePower, which wears nothing out and is taken back
            vebus /Ac/Out/Lx/PowerLimit: not there; limits.multi_output: hub4 /Overrides/MaxDischargePower, which wears nothing out and is taken back; it counts for the sum of the phases, none can be limited alone
            vebus /Settings/MaxPower: not there; limits.multi_output: hub4 /Overrides/MaxDischargePower, which wears nothing out and is taken back; nothing limits what loads on AC-out take without a grid
            settings /Settings/CGwacs/MaxDischargePower: there; limits.battery_discharge: hub4 /Overrides/MaxDischargePower, which wears nothing out and is taken back; only while ESS is in control (Hub4Mode 1 or 2): under external control (3), where it was written, nobody reads it"#]].assert_eq(&report(&paths));
    }

    #[test]
    fn one_without_and_one_without_ess() {
        let paths = [("settings", MAX_DISCHARGE), ("pvinverter", "/Ac/PowerLimit")];
        let old = report(&paths);
        assert!(old.contains("wears the flash") && old.contains("on a PV inverter"), "{old}");
        assert!(report(&[]).lines().all(|line| line.contains("nothing: this device has no limit")));
    }
}
