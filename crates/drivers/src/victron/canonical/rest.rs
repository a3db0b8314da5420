//! ESS, the device itself, and what else is connected to it.

use ohmstead_model::{Metric, Moment};

use super::{Out, Phased, Sum, missing, word_of};
use crate::victron::ess::{battery_mode, mode_word};
use crate::victron::firmware::is_newer;
use crate::victron::native;
use crate::victron::roster::Kind;
use crate::victron::site::Site;
use crate::victron::tree::{Part, Tree};
use crate::victron::value::whole;

pub(super) fn ess(site: &Site<'_>, out: &mut Out) {
    let volatile = |path: &str| site.hub4.and_then(|part| part.number(path));
    let setting = |path: &str| site.setting(path);
    // Where an override may hide, the setting below it says nothing.
    let below = |path: &str| setting(path).filter(|_| !site.hides_overrides());
    let setpoint = volatile("/Overrides/Setpoint").or_else(|| below("/Settings/CGwacs/AcPowerSetPoint"));
    out.number(native::GRID_SETPOINT, setpoint);
    let discharge = volatile("/Overrides/MaxDischargePower").filter(|watts| *watts >= 0.0);
    out.number(
        native::MAX_DISCHARGE_POWER,
        discharge.or_else(|| below("/Settings/CGwacs/MaxDischargePower")),
    );
    out.number(native::MAX_FEED_IN_POWER, setting("/Settings/CGwacs/MaxFeedInPower"));
    out.number(native::MINIMUM_SOC, setting("/Settings/CGwacs/BatteryLife/MinimumSocLimit"));
    out.number(native::MAX_CHARGE_CURRENT, setting("/Settings/SystemSetup/MaxChargeCurrent"));
    out.number(native::ACTIVE_SOC_LIMIT, site.system_number("/Control/ActiveSocLimit"));
    let mode = setting("/Settings/CGwacs/Hub4Mode").and_then(whole);
    out.state(
        native::ESS_MODE,
        mode.and_then(|mode| match mode {
            1 => Some("phase_compensation"),
            2 => Some("individual_phases"),
            3 => Some("external_control"),
            _ => None,
        }),
    );
    out.state(Metric::BatteryMode, battery_mode(site));
    out.text(Metric::BatteryModeNative, mode_word(site).as_deref());
    let policy = site.hub4.and_then(|part| part.int("/Overrides/FeedInExcess"));
    out.state(
        native::FEED_IN_POLICY,
        policy.and_then(|policy| match policy {
            0 => Some("as_set"),
            1 => Some("forbidden"),
            2 => Some("allowed"),
            _ => None,
        }),
    );
    let limited = site.hub4.and_then(|part| part.int("/PvPowerLimiterActive"));
    out.yes_no(native::FEED_IN_LIMITED, limited.map(|limited| limited != 0));
    out.text(
        native::ESS_STATE,
        site.settings.and_then(|part| word_of(part, "/Settings/CGwacs/BatteryLife/State")),
    );
}

pub(super) fn others(site: &Site<'_>, out: &mut Out) {
    ev_chargers(site, out);
    let running = site.tree.of_class("generator").find_map(|part| part.int("/State"));
    out.yes_no(native::GENERATOR_RUNNING, running.map(|state| matches!(state, 1..=3)));
    if let Some(phased) = Phased::of(site, "/Ac/Genset") {
        out.observed(native::GENERATOR_POWER, phased.sum("generator power"));
    }
    let generator =
        |path: &str| site.tree.of_class("generator").find_map(|part| Some((part, part.int(path)?)));
    out.number(native::GENERATOR_RUNTIME, generator("/Runtime").map(|(_, seconds)| seconds as f64));
    let error = generator("/Error").and_then(|(part, _)| word_or_number(part, "/Error"));
    out.text(native::GENERATOR_ERROR, error.as_deref());
    numbered(site, Kind::Tank, "/Level", native::TANK_LEVELS, out);
    numbered(site, Kind::Tank, "/Remaining", native::TANKS_REMAINING, out);
    numbered(site, Kind::Tank, "/Capacity", native::TANK_CAPACITIES, out);
    for (metric, slot) in native::TANK_FLUIDS.into_iter().zip(site.tree.slots(Kind::Tank)) {
        let part = slot.and_then(|member| member.here().ok());
        out.text(metric, part.and_then(|part| word_or_number(part, "/FluidType")).as_deref());
    }
    numbered(site, Kind::Temperature, "/Temperature", native::TEMPERATURES, out);
}

fn ev_chargers(site: &Site<'_>, out: &mut Out) {
    let mut power = Sum::default();
    if let Some(why) = site.tree.lost(Kind::EvCharger, |_| true) {
        power.add(Err(why));
    }
    for part in site.tree.of_class("evcharger") {
        power.add(part.number("/Ac/Power").ok_or_else(|| missing(part)));
    }
    power.put(native::EV_POWER, out);
    let first = site.tree.slots(Kind::EvCharger).flatten().next();
    let Some(Ok(first)) = first.map(|member| member.here()) else { return };
    out.text(native::EV_STATE, word_of(first, "/Status"));
    out.number(native::EV_SESSION_ENERGY, first.number("/Session/Energy"));
    out.number(native::EV_CURRENT, first.number("/Current"));
    out.text(native::EV_MODE, word_or_number(first, "/Mode").as_deref());
}

/// A number of the parts of a kind, each under the number of its slot.
fn numbered<const N: usize>(site: &Site<'_>, kind: Kind, path: &str, metrics: [Metric; N], out: &mut Out) {
    for (metric, slot) in metrics.into_iter().zip(site.tree.slots(kind)) {
        match slot.map(|member| member.here()) {
            None => {}
            Some(Ok(part)) => out.number(metric, part.number(path)),
            Some(Err(why)) => out.unknown(&[metric], &why),
        }
    }
}

pub(super) fn device(site: &Site<'_>, out: &mut Out) {
    let Some(platform) = site.platform else { return };
    out.text(Metric::DeviceModel, platform.text("/Device/Model"));
    out.text(Metric::DeviceFirmware, platform.text("/Firmware/Installed/Version"));
    out.text(native::FIRMWARE_AVAILABLE, platform.text("/Firmware/Online/AvailableVersion"));
    out.text(native::FIRMWARE_BACKUP, platform.text("/Firmware/Backup/AvailableVersion"));
    let available = platform.text("/Firmware/Online/AvailableVersion");
    let installed = platform.text("/Firmware/Installed/Version");
    let newer = available.zip(installed).and_then(|(available, installed)| is_newer(available, installed));
    out.yes_no(native::FIRMWARE_UPDATE, newer);
    out.number(native::NOTIFICATIONS, platform.number("/Notifications/NumberOfActiveNotifications"));
    out.text(native::FIRMWARE_STATE, word_or_number(platform, "/Firmware/State").as_deref());
    out.text(native::WIFI_STATE, platform.text("/Network/Wifi/State"));
    out.number(native::WIFI_STRENGTH, platform.number("/Network/Wifi/SignalStrength"));
}

/// What the device tells the VRM portal.
pub(super) fn logger(site: &Site<'_>, out: &mut Out) {
    let Some(logger) = site.tree.first("logger") else { return };
    let error = logger.int("/Vrm/ConnectionError").map(|code| match code {
        0 => "none".to_owned(),
        code => match logger.text("/Vrm/ConnectionErrorMessage") {
            Some(message) => format!("{code}: {message}"),
            None => code.to_string(),
        },
    });
    out.text(native::VRM_ERROR, error.as_deref());
    out.number(native::VRM_BACKLOG, logger.number("/Buffer/Count"));
    out.number(native::VRM_BUFFER_FREE, logger.number("/Buffer/FreeDiskSpace"));
}

/// How long ago the device last reached the VRM portal. In whole minutes: seconds would be news at every look.
pub(super) fn vrm_contact(tree: &Tree, now: Moment) -> Option<f64> {
    let last_s = tree.first("logger")?.number("/Vrm/TimeLastContact").filter(|seconds| *seconds > 0.0)?;
    let age_s = now.unix.0 as f64 / 1000.0 - last_s;
    // Two clocks may differ by a little.
    Some((age_s.max(0.0) / 60.0).floor() * 60.0)
}

/// The name of the state at `path`, or its number where it has none.
fn word_or_number(part: &Part, path: &str) -> Option<String> {
    let number = || part.value(path).map(ToString::to_string);
    word_of(part, path).map(str::to_owned).or_else(number)
}
