//! What can be the case with a Marstek unit, and what its owner can do about it.

use std::net::SocketAddr;
use std::time::Duration;

use ohmstead_model::{Notice, Severity};

use super::profile::Profile;

/// Polling an HMG-50 faster than this costs its self-consumption accuracy.
pub(crate) const GENTLE: Duration = Duration::from_secs(60);

pub(crate) fn risky_firmware(profile: Profile) -> Option<Notice> {
    let (safe, firmware) = (profile.safe_firmware()?, profile.firmware?);
    profile.is_risky().then(|| Notice {
        code: "risky_firmware",
        severity: Severity::Warning,
        text: format!("firmware {firmware} is known to switch its local API off or to reset itself when it is polled"),
        hint: format!("update the unit to firmware {safe} or later in the vendor's app; until then Bat.GetStatus is not used"),
    })
}

pub(crate) fn short_interval(profile: Profile, interval: Duration) -> Option<Notice> {
    (profile.polling_disturbs_meter() && interval < GENTLE).then(|| Notice {
        code: "short_interval",
        severity: Severity::Warning,
        text: format!(
            "polling every {} s disturbs the link between this model and its meter, which share one radio",
            interval.as_secs()
        ),
        hint: "set `interval: 60 s` or up to 120 s for this device".to_owned(),
    })
}

pub(crate) fn api_silent(target: SocketAddr, minutes: u64) -> Notice {
    Notice {
        code: "api_silent",
        severity: Severity::Alarm,
        text: format!("no answer from {target} for {minutes} min, although the unit answered before"),
        hint: "the vendor's app may still work: it uses the cloud. Switch the local API off and on in the app (and check \
               its port); if that does not help, power-cycle the unit. Firmware updates may switch the API off"
            .to_owned(),
    }
}

pub(crate) fn never_answered(target: SocketAddr) -> Notice {
    Notice {
        code: "api_silent",
        severity: Severity::Warning,
        text: format!("{target} has never answered"),
        hint: "the local API is off on delivery: switch it on in the vendor's app, and compare the address and the port \
               shown there with `host:` and `port:`"
            .to_owned(),
    }
}

pub(crate) fn api_closed(target: SocketAddr) -> Notice {
    Notice {
        code: "api_closed",
        severity: Severity::Alarm,
        text: format!("{} is there, but nobody listens on UDP port {}", target.ip(), target.port()),
        hint: "switch the local API on in the vendor's app, and compare the port shown there with `port:`"
            .to_owned(),
    }
}

pub(crate) fn other_unit(target: SocketAddr, seen: &str, known: &str) -> Notice {
    Notice {
        code: "other_unit",
        severity: Severity::Alarm,
        text: format!(
            "another unit ({seen}) answers at {target}; {known} is expected there, so its values are refused"
        ),
        hint: format!(
            "if the unit was replaced, set `ble_mac: {seen}`; otherwise give each unit a fixed address"
        ),
    }
}

pub(crate) fn moved(from: &str, to: SocketAddr) -> Notice {
    Notice {
        code: "moved",
        severity: Severity::Info,
        text: format!("the unit left {from} and was found at {to} by its MAC"),
        hint: format!("set `host: {}`, or give the unit a fixed address in the router", to.ip()),
    }
}

pub(crate) fn settings_lost(before: &str) -> Notice {
    Notice {
        code: "settings_lost",
        severity: Severity::Warning,
        text: format!("the unit was silent and came back in Manual; it was in {before} before"),
        hint: "it may have reset itself: check its mode and its schedules, and update its firmware"
            .to_owned(),
    }
}

pub(crate) fn counters_frozen() -> Notice {
    Notice {
        code: "counters_frozen",
        severity: Severity::Warning,
        text: "the unit's energy counters stand still while power flows".to_owned(),
        hint: "its energy totals are not used until they move again; a restart of the unit usually helps"
            .to_owned(),
    }
}

pub(crate) fn port_in_use(port: u16) -> Notice {
    Notice {
        code: "port_in_use",
        severity: Severity::Warning,
        text: format!(
            "the unit may answer only requests from UDP port {port}, but another program holds that port here"
        ),
        hint: format!(
            "stop the other program (`ss -ulpn 'sport = :{port}'` names it), for example an older poller or another integration"
        ),
    }
}

pub(crate) fn unresolved(host: &str, error: &std::io::Error) -> Notice {
    Notice {
        code: "host_unknown",
        severity: Severity::Warning,
        text: format!("the host name {host:?} has no address: {error}"),
        hint: "check `host:`; an IP address always works".to_owned(),
    }
}
