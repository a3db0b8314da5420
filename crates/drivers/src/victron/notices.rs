//! What is wrong, as a GX device tells it: alarm paths and error codes. Pure.
//!
//! Alarms are 0 for none, 1 for a warning, 2 for an alarm; a lost grid is 2 at once. They are read from the services
//! themselves: not every alarm reaches the device's own list of notifications.

use std::collections::BTreeSet;

use ohmstead_model::{Notice, Severity};

use super::canonical::word_of;
use super::firmware::is_newer;
use super::roster::Kind;
use super::site::{PHASES, Site};
use super::tree::{Part, Tree};

/// An alarm with a notice of its own.
struct Alarm {
    class: &'static str,
    path: &'static str,
    code: &'static str,
    text: &'static str,
    hint: &'static str,
}

const fn alarm(
    class: &'static str,
    path: &'static str,
    code: &'static str,
    text: &'static str,
    hint: &'static str,
) -> Alarm {
    Alarm { class, path, code, text, hint }
}

const BATTERY_HINT: &str = "let the battery rest and see what its own display or app says";

const ALARMS: &[Alarm] = &[
    alarm(
        "vebus",
        "/Alarms/GridLost",
        "grid_lost",
        "the grid is lost",
        "the house runs on the battery; check the main fuse if the neighbours have power",
    ),
    alarm(
        "vebus",
        "/Alarms/BmsConnectionLost",
        "bms_connection_lost",
        "the battery's BMS is not heard any more",
        "check the cable between battery and GX device; the inverter switches off soon",
    ),
    alarm(
        "vebus",
        "/Alarms/BmsPreAlarm",
        "bms_pre_alarm",
        "the BMS is about to switch the battery off",
        "charge the battery or switch loads off",
    ),
    alarm(
        "vebus",
        "/Alarms/LowBattery",
        "low_battery",
        "the inverter sees a low battery",
        "charge the battery or switch loads off",
    ),
    alarm("vebus", "/Alarms/Overload", "overload", "the inverter is overloaded", "switch loads off"),
    alarm(
        "vebus",
        "/Alarms/L1/Overload",
        "overload_l1",
        "the inverter is overloaded on L1",
        "switch loads off on this phase",
    ),
    alarm(
        "vebus",
        "/Alarms/L2/Overload",
        "overload_l2",
        "the inverter is overloaded on L2",
        "switch loads off on this phase",
    ),
    alarm(
        "vebus",
        "/Alarms/L3/Overload",
        "overload_l3",
        "the inverter is overloaded on L3",
        "switch loads off on this phase",
    ),
    alarm("vebus", "/Alarms/HighTemperature", "inverter_hot", "the inverter is hot", "check its ventilation"),
    alarm(
        "vebus",
        "/Alarms/L1/HighTemperature",
        "inverter_hot_l1",
        "the inverter on L1 is hot",
        "check its ventilation",
    ),
    alarm(
        "vebus",
        "/Alarms/L2/HighTemperature",
        "inverter_hot_l2",
        "the inverter on L2 is hot",
        "check its ventilation",
    ),
    alarm(
        "vebus",
        "/Alarms/L3/HighTemperature",
        "inverter_hot_l3",
        "the inverter on L3 is hot",
        "check its ventilation",
    ),
    alarm(
        "vebus",
        "/Alarms/Ripple",
        "dc_ripple",
        "the voltage between battery and inverter ripples",
        "check the battery cables and their connections",
    ),
    alarm(
        "vebus",
        "/Alarms/PhaseRotation",
        "phase_rotation",
        "the phases of the grid are in the wrong order",
        "have an electrician check the connection",
    ),
    alarm(
        "hub4",
        "/Alarms/NoGridMeter",
        "no_grid_meter",
        "the grid meter is not found",
        "check its cable or network; without it the inverter only passes the grid through",
    ),
    alarm(
        "battery",
        "/Alarms/LowVoltage",
        "battery_low_voltage",
        "the battery's voltage is low",
        "charge the battery or switch loads off",
    ),
    alarm(
        "battery",
        "/Alarms/HighVoltage",
        "battery_high_voltage",
        "the battery's voltage is high",
        BATTERY_HINT,
    ),
    alarm(
        "battery",
        "/Alarms/LowCellVoltage",
        "battery_low_cell",
        "a cell of the battery has a low voltage",
        "charge the battery",
    ),
    alarm(
        "battery",
        "/Alarms/HighCellVoltage",
        "battery_high_cell",
        "a cell of the battery has a high voltage",
        BATTERY_HINT,
    ),
    alarm(
        "battery",
        "/Alarms/LowSoc",
        "battery_low_soc",
        "the battery is nearly empty",
        "charge the battery or switch loads off",
    ),
    alarm("battery", "/Alarms/HighTemperature", "battery_hot", "the battery is hot", BATTERY_HINT),
    alarm(
        "battery",
        "/Alarms/LowTemperature",
        "battery_cold",
        "the battery is cold",
        "it must not be charged below freezing",
    ),
    alarm(
        "battery",
        "/Alarms/HighChargeCurrent",
        "battery_charge_current",
        "the battery is charged with too much current",
        "lower the charge current limit",
    ),
    alarm(
        "battery",
        "/Alarms/HighDischargeCurrent",
        "battery_discharge_current",
        "the battery gives too much current",
        "switch loads off",
    ),
    alarm(
        "battery",
        "/Alarms/CellImbalance",
        "battery_imbalance",
        "the battery's cells drift apart",
        "charge it fully and leave it full for some hours",
    ),
    alarm(
        "battery",
        "/Alarms/InternalFailure",
        "battery_failure",
        "the battery reports a failure of its own",
        BATTERY_HINT,
    ),
    alarm(
        "battery",
        "/Alarms/BmsCable",
        "battery_bms_cable",
        "the battery's BMS cable has a fault",
        "check the cable between the batteries",
    ),
    alarm(
        "battery",
        "/Alarms/Contactor",
        "battery_contactor",
        "the battery's contactor has a fault",
        BATTERY_HINT,
    ),
    alarm(
        "battery",
        "/Alarms/FuseBlown",
        "battery_fuse",
        "the battery's fuse is blown",
        "have it replaced after finding the reason",
    ),
    alarm(
        "platform",
        "/Device/DataPartitionError",
        "gx_storage_corrupt",
        "the storage of the GX device is corrupt",
        "update its firmware or ask the installer",
    ),
    alarm(
        "platform",
        "/Device/DataPartitionFullError",
        "gx_storage_full",
        "the storage of the GX device is full",
        "remove what was installed on it besides Victron's own",
    ),
    alarm(
        "system",
        "/Dc/Battery/Alarms/CircuitBreakerTripped",
        "battery_breaker",
        "the battery's circuit breaker has tripped",
        "find the reason before switching it on again",
    ),
];

/// Classes with an error code: class, code of the notice, what it says before the number.
const ERROR_CODES: &[(&str, &str, &str)] = &[
    ("battery", "battery_error", "the battery reports error"),
    ("solarcharger", "solar_charger_error", "a solar charger reports error"),
    ("multi", "multi_error", "the inverter reports error"),
    ("inverter", "inverter_error", "the inverter reports error"),
    ("acsystem", "acsystem_error", "the RS system reports error"),
    ("evcharger", "ev_charger_error", "the EV charger reports error"),
];

/// Everything that is the case, by code.
pub(crate) fn notices(tree: &Tree) -> Vec<Notice> {
    let mut notices: Vec<_> = ALARMS.iter().filter_map(|alarm| of_alarm(tree, alarm)).collect();
    notices.extend(other_alarms(tree));
    let site = Site::of(tree);
    let vebus = site.vebus();
    notices.extend(
        vebus.and_then(|part| error(part, "/VebusError", "vebus_error", "the inverter reports VE.Bus error")),
    );
    for (class, code, text) in ERROR_CODES {
        notices.extend(tree.of_class(class).find_map(|part| error(part, "/ErrorCode", code, text)));
    }
    notices.extend(firmware(&site));
    notices.extend(notifications(tree));
    notices.extend(lost(tree));
    notices
}

/// Parts of the installation that are not there any more.
fn lost(tree: &Tree) -> Option<Notice> {
    let lost: Vec<(Kind, &str)> = Kind::ALL
        .into_iter()
        .flat_map(|kind| tree.members(kind).into_iter().map(move |member| (kind, member)))
        .filter(|(_, member)| member.is_lost())
        .map(|(kind, member)| (kind, member.key))
        .collect();
    // Sensors come and go with their batteries, and a car charger may be switched off.
    let counts_for_the_house = |kind| matches!(kind, Kind::Panels | Kind::Inverter | Kind::Grid);
    let is_grave = lost.iter().any(|(kind, _)| counts_for_the_house(*kind));
    let names: BTreeSet<&str> = lost.iter().map(|(_, key)| *key).collect();
    (!names.is_empty()).then(|| Notice {
        code: "gx_part_lost",
        severity: if is_grave { Severity::Warning } else { Severity::Info },
        text: format!("not there any more: {}", listed(names.into_iter().map(str::to_owned).collect())),
        hint:
            "what they add to is unknown meanwhile; check power and cable, and name under `removed` in the \
               configuration what was taken away for good"
                .to_owned(),
    })
}

/// Enough names to tell what is the matter.
fn listed(mut names: Vec<String>) -> String {
    const NAMED: usize = 8;
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

/// A newer firmware than the one that runs.
fn firmware(site: &Site<'_>) -> Option<Notice> {
    let platform = site.platform?;
    let available = platform.text("/Firmware/Online/AvailableVersion")?;
    let installed = platform.text("/Firmware/Installed/Version")?;
    is_newer(available, installed).filter(|newer| *newer).map(|_| Notice {
        code: "firmware_update",
        severity: Severity::Info,
        text: format!("firmware {available} can be had, {installed} is installed"),
        hint: "update it on the GX device's own page when the house can do without it for some minutes"
            .to_owned(),
    })
}

/// What the device's own list of notifications has besides the alarms that are told already.
fn notifications(tree: &Tree) -> Option<Notice> {
    /// Enough to tell what is the matter.
    const NAMED: usize = 4;
    let platform = tree.first("platform")?;
    let numbers = platform.items.keys().filter_map(|path| {
        path.strip_prefix("/Notifications/")?.strip_suffix("/Active")?.parse::<u16>().ok()
    });
    let mut found: Vec<(Severity, String)> = Vec::new();
    for number in numbers {
        let at = |key: &str| format!("/Notifications/{number}/{key}");
        let text = |key: &str| platform.text(&at(key));
        let is_told = || {
            let part = tree.service(text("Service")?)?;
            severity(part.int(text("Trigger")?)?)
        };
        if platform.int(&at("Active")) != Some(1) || is_told().is_some() {
            continue;
        }
        let severity = match platform.int(&at("Type")) {
            Some(1) => Severity::Alarm,
            Some(0) => Severity::Warning,
            _ => Severity::Info,
        };
        let what: String = text("Description").unwrap_or("without a text").chars().take(80).collect();
        let who = text("DeviceName").map(|who| who.chars().take(40).collect::<String>());
        found.push((severity, who.map_or_else(|| what.clone(), |who| format!("{who}: {what}"))));
    }
    let severity = found.iter().map(|(severity, _)| *severity).max()?;
    let more = found.len().saturating_sub(NAMED);
    let mut names: Vec<_> = found.into_iter().take(NAMED).map(|(_, name)| name).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let hint = "the GX device's own list of notifications has them".to_owned();
    Some(Notice { code: "gx_notifications", severity, text: names.join("; "), hint })
}

fn of_alarm(tree: &Tree, alarm: &Alarm) -> Option<Notice> {
    let (part, severity) = tree
        .of_class(alarm.class)
        .filter_map(|part| Some((part, severity(part.int(alarm.path)?)?)))
        .max_by_key(|(_, severity)| *severity)?;
    let several = tree.of_class(alarm.class).count() > 1;
    let text = if several { format!("{} ({})", alarm.text, name_of(part)) } else { alarm.text.to_owned() };
    Some(Notice { code: alarm.code, severity, text, hint: alarm.hint.to_owned() })
}

/// Alarms without a notice of their own, in one.
fn other_alarms(tree: &Tree) -> Option<Notice> {
    let is_known = |part: &Part, path: &str| {
        ALARMS.iter().any(|alarm| alarm.class == &*part.class && alarm.path == path)
    };
    let mut found: Vec<(Severity, String)> = Vec::new();
    for (_, part) in tree.parts().filter(|(_, part)| part.is_here) {
        for path in part.items.keys().filter(|path| is_alarm_path(path) && !is_known(part, path)) {
            if let Some(severity) = part.int(path).and_then(|number| severity_at(path, number)) {
                found.push((severity, format!("{} of {}", alarm_name(path), name_of(part))));
            }
        }
    }
    let severity = found.iter().map(|(severity, _)| *severity).max()?;
    let names = listed(found.into_iter().map(|(_, name)| name).collect());
    let hint = "the GX device's own page tells more about it".to_owned();
    Some(Notice { code: "gx_alarms", severity, text: format!("alarms: {names}"), hint })
}

/// Flags that are an error where they are 1.
const ERROR_FLAGS: &str = "/Errors/";
/// Alarms of the control of several chargers (DVCC).
const DVCC_ALARMS: &str = "/Dvcc/Alarms/";

/// Alarms of the device itself, not those of a module, whose service repeats them, nor the overall one.
fn is_alarm_path(path: &str) -> bool {
    if path.starts_with(ERROR_FLAGS) || path.starts_with(DVCC_ALARMS) {
        return true;
    }
    let Some(name) = path.strip_prefix("/Alarms/") else { return false };
    match name.split_once('/') {
        None => name != "Alarm",
        // Beside the state of a tank's alarm are its settings: whether it is on, at which level, after how long.
        Some((_, "State")) => true,
        Some((phase, alarm)) => PHASES.contains(&phase) && !alarm.contains('/'),
    }
}

fn alarm_name(path: &str) -> &str {
    let name = ["/Alarms/", ERROR_FLAGS, "/"].iter().find_map(|start| path.strip_prefix(start));
    let name = name.unwrap_or(path);
    name.strip_suffix("/State").unwrap_or(name)
}

fn severity_at(path: &str, number: i64) -> Option<Severity> {
    if path.starts_with(ERROR_FLAGS) { (number == 1).then_some(Severity::Alarm) } else { severity(number) }
}

fn severity(alarm: i64) -> Option<Severity> {
    match alarm {
        1 => Some(Severity::Warning),
        2 => Some(Severity::Alarm),
        _ => None,
    }
}

fn error(part: &Part, path: &str, code: &'static str, text: &str) -> Option<Notice> {
    let number = part.int(path).filter(|number| *number != 0)?;
    // Some names begin with the number.
    let word = word_of(part, path).map(|word| word.split_once(": ").map_or(word, |(_, word)| word));
    let word = word.map(|word| format!(": {word}")).unwrap_or_default();
    Some(Notice {
        code,
        severity: Severity::Alarm,
        text: format!("{text} {number}{word}"),
        hint: "look the number up in the manual of the unit".to_owned(),
    })
}

/// What people call it.
pub(crate) fn name_of(part: &Part) -> String {
    let name = part.text("/CustomName").or_else(|| part.text("/ProductName"));
    name.map_or_else(|| format!("{}/{}", part.class, part.instance), |name| name.chars().take(64).collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::tree;
    use super::*;
    use expect_test::expect;
    use rstest::rstest;

    #[test]
    fn each_code_stands_for_one_thing() {
        for (index, alarm) in ALARMS.iter().enumerate() {
            assert!(
                ALARMS.iter().skip(index + 1).all(|other| other.code != alarm.code),
                "{} twice",
                alarm.code
            );
        }
    }

    #[test]
    fn firmware_and_notifications_become_notices() {
        let tree = tree(&[
            ("platform", "/Firmware/Installed/Version", "v3.70~33"),
            ("platform", "/Firmware/Online/AvailableVersion", "v3.70"),
            ("platform", "/Notifications/0/Active", "1"),
            ("platform", "/Notifications/0/Type", "1"),
            ("platform", "/Notifications/0/Description", "Grid lost"),
            ("platform", "/Notifications/0/Service", "com.victronenergy.vebus.ttyS4"),
            ("platform", "/Notifications/0/Trigger", "/Alarms/GridLost"),
            ("platform", "/Notifications/1/Active", "1"),
            ("platform", "/Notifications/1/Type", "0"),
            ("platform", "/Notifications/1/DeviceName", "Shed"),
            ("platform", "/Notifications/1/Description", "Tank level low"),
            ("platform", "/Notifications/2/Active", "0"),
            ("platform", "/Notifications/2/Description", "of yesterday"),
            ("vebus.ttyS4", "/Alarms/GridLost", "2"),
        ]);
        let shown: Vec<_> = notices(&tree)
            .iter()
            .map(|notice| format!("{} {}: {}", notice.severity.key(), notice.code, notice.text))
            .collect();
        expect![[r#"
            alarm grid_lost: the grid is lost
            info firmware_update: firmware v3.70 can be had, v3.70~33 is installed
            warning gx_notifications: Shed: Tank level low"#]]
        .assert_eq(&shown.join("\n"));
    }

    #[test]
    fn alarms_become_notices() {
        let tree = tree(&[
            ("vebus.ttyS4", "/Alarms/GridLost", "2"),
            ("vebus.ttyS4", "/VebusError", "3"),
            ("vebus.ttyS4", "/Alarms/L1/Ripple", "1"),
            ("battery.can0", "/Alarms/LowVoltage", "0"),
            ("battery.can0", "/Alarms/HighCellVoltage", "1"),
            ("battery.can0", "/ProductName", "Pylontech battery"),
            ("battery.can0", "/Alarms/LowStarterVoltage", "2"),
            ("battery.can0", "/Alarms/CellImbalance", ""),
            ("hub4", "/Alarms/NoGridMeter", "2"),
        ]);
        let shown: Vec<_> = notices(&tree)
            .iter()
            .map(|notice| format!("{} {}: {}", notice.severity.key(), notice.code, notice.text))
            .collect();
        expect![[r#"
            alarm grid_lost: the grid is lost
            alarm no_grid_meter: the grid meter is not found
            warning battery_high_cell: a cell of the battery has a high voltage
            alarm gx_alarms: alarms: LowStarterVoltage of Pylontech battery, L1/Ripple of vebus/0
            alarm vebus_error: the inverter reports VE.Bus error 3: Not all- or more than- the expected devices were found in the system"#]]
        .assert_eq(&shown.join("\n"));
    }

    /// Beside an alarm's state stand its settings, which are small numbers too.
    #[rstest]
    #[case("tank.a", "/Alarms/High/State", "2", Some("alarm gx_alarms: alarms: High of tank/0"))]
    #[case("tank.a", "/Alarms/High/Enable", "1", None)]
    #[case("tank.a", "/Alarms/High/Active", "2", None)]
    #[case("tank.a", "/Alarms/Low/Delay", "1", None)]
    #[case("tank.a", "/Alarms/Low/Restore", "2", None)]
    #[case(
        "vebus.a",
        "/Alarms/L2/MainsImbalance",
        "1",
        Some("warning gx_alarms: alarms: L2/MainsImbalance of vebus/0")
    )]
    #[case(
        "battery.a",
        "/Errors/SmartLithium/Voltage",
        "1",
        Some("alarm gx_alarms: alarms: SmartLithium/Voltage of battery/0")
    )]
    #[case("battery.a", "/Errors/SmartLithium/Voltage", "0", None)]
    #[case(
        "system",
        "/Dvcc/Alarms/MultipleBatteries",
        "1",
        Some("warning gx_alarms: alarms: Dvcc/Alarms/MultipleBatteries of system/0")
    )]
    #[case("inverter.a", "/ErrorCode", "2", Some("alarm inverter_error: the inverter reports error 2"))]
    #[case("acsystem.a", "/ErrorCode", "2", Some("alarm acsystem_error: the RS system reports error 2"))]
    #[case("evcharger.a", "/ErrorCode", "2", Some("alarm ev_charger_error: the EV charger reports error 2"))]
    #[case("evcharger.a", "/ErrorCode", "0", None)]
    #[case(
        "vebus.a",
        "/VebusError",
        "8",
        Some("alarm vebus_error: the inverter reports VE.Bus error 8: Ground relay test")
    )]
    #[case(
        "vebus.a",
        "/VebusError",
        "11",
        Some("alarm vebus_error: the inverter reports VE.Bus error 11: Grid relay test")
    )]
    #[case(
        "vebus.a",
        "/VebusError",
        "12",
        Some("alarm vebus_error: the inverter reports VE.Bus error 12: Config mismatch 2nd MCU")
    )]
    #[case(
        "vebus.a",
        "/VebusError",
        "19",
        Some("alarm vebus_error: the inverter reports VE.Bus error 19: Slave without AC-in")
    )]
    #[case(
        "vebus.a",
        "/VebusError",
        "128",
        Some(
            "alarm vebus_error: the inverter reports VE.Bus error 128: Failing relay test prevents connection"
        )
    )]
    fn what_is_an_alarm_and_what_is_not(
        #[case] service: &str,
        #[case] path: &str,
        #[case] value: &str,
        #[case] expected: Option<&str>,
    ) {
        let found = notices(&tree(&[(service, path, value)]));
        let shown = |notice: &Notice| format!("{} {}: {}", notice.severity.key(), notice.code, notice.text);
        let shown: Vec<_> = found.iter().map(shown).collect();
        assert_eq!(
            shown.iter().map(String::as_str).collect::<Vec<_>>(),
            expected.into_iter().collect::<Vec<_>>()
        );
    }

    /// Other programs look for a 1.
    #[test]
    fn a_lost_grid_is_an_alarm_at_once() {
        for (value, severity) in [("0", None), ("", None), ("1", Some("warning")), ("2", Some("alarm"))] {
            let notices = notices(&tree(&[("vebus.ttyS4", "/Alarms/GridLost", value)]));
            let found = notices.iter().find(|notice| notice.code == "grid_lost");
            assert_eq!(found.map(|notice| notice.severity.key()), severity, "{value}");
        }
    }
}
