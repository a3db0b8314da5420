//! What can be the case with an inverter and its line, and what its owner can do about it. Pure.

use std::io;
use std::path::Path;
use std::time::Duration;

use ohmstead_model::{Notice, Severity};
use ohmstead_units::Timespan;

/// The rule that lets a group use the port, with a name per USB port that outlives a re-enumeration.
pub(crate) const PORT_RULE: &str = r#"SUBSYSTEM=="hidraw", KERNEL=="hidraw*", ATTRS{idVendor}=="0665", ATTRS{idProduct}=="5161", GROUP="dialout", MODE="0660", SYMLINK+="inverter-%b", TAG+="systemd""#;

/// The rule that lets a group reset the port. `udevadm trigger` says "change" of what is plugged in already.
pub(crate) const RESET_RULE: &str = r#"ACTION=="add|change", SUBSYSTEM=="usb", ATTR{idVendor}=="0665", ATTR{idProduct}=="5161", RUN+="/bin/chgrp dialout /sys%p/authorized", RUN+="/bin/chmod g+w /sys%p/authorized""#;

/// The notice about a port that may not be reset.
pub(crate) const NO_RESET: &str = "port_reset_denied";

/// A port that is gone for less is no news: a unit that re-enumerates is away for some seconds.
pub(crate) const BLINK: Duration = Duration::from_secs(60);

/// From this heat sink temperature on, a number is the converter's and not one of degrees.
pub(crate) const RAW_TEMPERATURE: f64 = 120.0;

/// So far a clock may be off before its owner is told.
const CLOCK_OFF: Duration = Duration::from_secs(300);

fn notice(code: &'static str, severity: Severity, text: String, hint: impl Into<String>) -> Notice {
    Notice { code, severity, text, hint: hint.into() }
}

pub(crate) fn port_missing(place: &str, silent_for: Duration, ever: bool) -> Option<Notice> {
    let minutes = silent_for.as_secs() / 60;
    if !ever {
        return Some(notice(
            "port_missing",
            Severity::Warning,
            format!("no inverter was found at {place}"),
            "plug its USB cable in (it shows up as 0665:5161 in `lsusb`), or set `path:` to its device file; in a container \
             the device file must be passed in",
        ));
    }
    (silent_for >= BLINK).then(|| {
        notice(
            "port_missing",
            Severity::Alarm,
            format!("the inverter's port at {place} has been gone for {minutes} min"),
            "check its USB cable and whether the inverter is on; a short, screened cable away from the battery cables helps",
        )
    })
}

/// `message` is the refusal; `mode` and `group` are those of the device file.
pub(crate) fn permission(message: String, mode: u32, group: &str) -> Notice {
    let hint = if mode & 0o060 == 0o060 && group != "root" {
        format!(
            "the group may use it: add the user that runs this program to it (`sudo usermod -aG {group} USER`, then log in \
             anew; of a systemd service `SupplementaryGroups={group}`)"
        )
    } else {
        udev_hint(&[PORT_RULE, RESET_RULE])
    };
    notice("port_permission", Severity::Alarm, message, hint)
}

/// What to do with rules for udev: they stand on lines of their own, to be copied.
fn udev_hint(rules: &[&str]) -> String {
    let lines = match rules.len() {
        1 => "this line",
        _ => "these lines",
    };
    format!(
        "put {lines} into /etc/udev/rules.d/60-ohmstead-voltronic.rules:\n{}\nthen run: sudo udevadm control --reload && sudo \
         udevadm trigger\nand add the user that runs this program to the group: sudo usermod -aG dialout USER (log in anew; \
         of a systemd service SupplementaryGroups=dialout)",
        rules.join("\n")
    )
}

/// The path is at another USB port than the inverter.
pub(crate) fn other_port(path: &str, there: &str, own: &str) -> Notice {
    notice(
        "port_moved",
        Severity::Alarm,
        format!(
            "{path} is at the USB port {there} now; this inverter is at the port {own}, where nobody can be asked"
        ),
        format!(
            "what is at {path} may be another inverter and is left alone. If this one was plugged in elsewhere, say so with \
             `usb_port: \"{there}\"`; else check its cable"
        ),
    )
}

/// The port of an inverter that does not answer may not be switched off and on.
pub(crate) fn no_reset(usb_port: &str, error: &io::Error) -> Option<Notice> {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => udev_hint(&[RESET_RULE]),
        io::ErrorKind::ReadOnlyFilesystem => {
            "this machine's /sys is mounted read-only, as in containers: pull the cable by hand when this happens, or run the \
             program outside of the container"
                .to_owned()
        }
        _ => return None,
    };
    let text =
        format!("the USB port {usb_port} of the inverter could not be reset when it did not answer: {error}");
    Some(notice(NO_RESET, Severity::Warning, text, hint))
}

/// The same before it is needed.
pub(crate) fn reset_not_allowed(usb_port: &str) -> Notice {
    notice(
        NO_RESET,
        Severity::Warning,
        format!("the USB port {usb_port} may not be reset by this user, should the inverter stop answering"),
        udev_hint(&[RESET_RULE]),
    )
}

pub(crate) fn in_use(path: &Path, by: Option<(u32, &str)>) -> Notice {
    let by = by.map_or("another program".to_owned(), |(pid, name)| format!("{name} (process {pid})"));
    notice(
        "port_in_use",
        Severity::Alarm,
        format!("{} is held by {by}", path.display()),
        "two programs on one inverter take each other's answers: stop the other one",
    )
}

pub(crate) fn other_opener(path: &Path, pid: u32, name: &str) -> Notice {
    notice(
        "port_shared",
        Severity::Warning,
        format!("{name} (process {pid}) has {} open too", path.display()),
        "two programs on one inverter disturb each other: answers are lost, and this program cannot prove its writes; stop \
         the other one",
    )
}

pub(crate) fn port_failed(path: &Path, message: &str) -> Notice {
    notice(
        "port_failed",
        Severity::Alarm,
        format!("{} cannot be used: {message}", path.display()),
        "check `path:`, the cable, and the kernel's log (`dmesg`)",
    )
}

/// The unit does not answer although its port is there.
pub(crate) fn wedged(place: &str, minutes: u64, resets: u32, may_reset: bool) -> Notice {
    let tried = match resets {
        0 => String::new(),
        1 => "; resetting its USB port once did not help".to_owned(),
        count => format!("; resetting its USB port {count} times did not help"),
    };
    let hint = if may_reset || resets > 0 {
        "pull its USB cable and plug it in again; if that does not help, switch the inverter's communication (or the \
         inverter) off and on"
    } else {
        "pull its USB cable and plug it in again; with `reset_usb: true` and the right to write to the port's `authorized` \
         file, the program does the same by itself"
    };
    notice(
        "not_answering",
        Severity::Alarm,
        format!(
            "the inverter at {place} has not answered for {minutes} min although its port is there{tried}"
        ),
        hint,
    )
}

pub(crate) fn never_answered(place: &str) -> Notice {
    notice(
        "not_answering",
        Severity::Warning,
        format!("what is at {place} has never answered"),
        "check that it is an inverter and switched on; on a serial line check the cable (RJ45, 2400 baud)",
    )
}

pub(crate) fn ups(path: &Path, seen: &str) -> Notice {
    notice(
        "not_an_inverter",
        Severity::Alarm,
        format!("{} is a UPS, not an inverter: it says {seen}", path.display()),
        "many UPSs have the same USB number; it was asked nothing but its kind, and will never be written to. Name the \
         inverter's own port with `usb_port:` or `path:`",
    )
}

pub(crate) fn charger(path: &Path, seen: &str) -> Notice {
    notice(
        "not_an_inverter",
        Severity::Alarm,
        format!("{} is a solar charge controller, not an inverter: it says {seen}", path.display()),
        "it has the same USB number and is not supported; name the inverter's own port with `usb_port:` or `path:`",
    )
}

pub(crate) fn unknown_kind(path: &Path) -> Notice {
    notice(
        "family_unknown",
        Severity::Warning,
        format!("what is at {} answers, but not as any inverter known", path.display()),
        "nothing but its kind was asked; run `ohmstead read DEVICE --explain` and report what it shows, please",
    )
}

/// The family was chosen by the owner and not proven by the unit.
pub(crate) fn not_proven(family: &str, found: &str) -> Notice {
    notice(
        "family_not_proven",
        Severity::Warning,
        format!("the configuration says that this is a {family} inverter; the inverter itself says {found}"),
        "it is only read. With `family: auto` the program asks the inverter",
    )
}

/// The notice about a unit that may be a REVO.
pub(crate) const VARIANT: &str = "variant_not_settled";

pub(crate) fn variant_not_settled() -> Notice {
    notice(
        VARIANT,
        Severity::Warning,
        "which variant of PI30 this inverter is has not been settled: it may be a Sorotec REVO, whose fields mean other \
         things"
            .to_owned(),
        "until it is, the inverter is only read, without what differs between them; it is asked again by itself. If it is \
         none and never answers the question, say so with `family: pi30`",
    )
}

pub(crate) fn read_only_family(why: String) -> Notice {
    notice("read_only_family", Severity::Info, why, "its values are as good as any other inverter's")
}

pub(crate) fn other_unit(path: &Path, seen: &str, known: &str) -> Notice {
    notice(
        "other_unit",
        Severity::Alarm,
        format!("the inverter at {} has the serial number {seen}, not {known}", path.display()),
        "nothing of it is taken in. If the inverter was exchanged, change `serial:` (or remove and add the device), else name \
         its port",
    )
}

pub(crate) fn soc_estimated() -> Notice {
    notice(
        "soc_estimated",
        Severity::Info,
        "the state of charge is the inverter's guess from the battery's voltage unless a battery with a data line is \
         connected to it"
            .to_owned(),
        "rely on the battery's own management system or a shunt where there is one",
    )
}

pub(crate) fn raw_temperature() -> Notice {
    notice(
        "raw_temperature",
        Severity::Info,
        "the heat sink temperature is no temperature: small models report the raw number of their sensor"
            .to_owned(),
        "it is not published",
    )
}

/// The inverter's clock against ours, in seconds: positive while it is ahead. Which zone it is set to is not known, so any
/// zone that there is on earth will do.
pub(crate) fn clock_off(ahead_s: i64) -> Option<Notice> {
    // Half an hour is the step of zones; three differ from that and are in use.
    const ODD_MINUTES: [i64; 4] = [345, 525, 765, 825];
    let zones = (-24..=28).map(|half_hours| half_hours * 30).chain(ODD_MINUTES);
    let off = zones.map(|minutes| ahead_s.saturating_sub(minutes * 60).saturating_abs()).min()?;
    let off = Duration::from_secs(off.unsigned_abs());
    (off > CLOCK_OFF).then(|| {
        let shown = if off.as_secs() >= 2 * 86_400 {
            format!("{} days", off.as_secs() / 86_400)
        } else {
            Timespan::from_secs(off.as_secs() / 60 * 60).to_string()
        };
        notice(
            "clock_off",
            Severity::Warning,
            format!("the inverter's clock is {shown} off from every time zone"),
            "its counters by day, month and year follow its own clock: set it at the panel. It is never set from here",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::exact(0, None)]
    #[case::central_europe_in_summer(7_200, None)]
    #[case::nepal(20_700, None)]
    #[case::four_minutes(3_600 + 240, None)]
    #[case::ten_minutes(3_600 + 600, Some("10 min"))]
    #[case::late(-900, Some("15 min"))]
    #[case::another_year(-86_400 * 400, Some("399 days"))]
    fn clocks(#[case] ahead_s: i64, #[case] off: Option<&str>) {
        let text = clock_off(ahead_s).map(|notice| notice.text);
        assert_eq!(text, off.map(|off| format!("the inverter's clock is {off} off from every time zone")));
    }

    #[test]
    fn a_short_absence_is_no_news() {
        assert_eq!(port_missing("auto", Duration::from_secs(40), true), None);
        let gone = port_missing("auto", Duration::from_secs(130), true).expect("long enough");
        assert_eq!(
            (gone.severity, gone.text.as_str()),
            (Severity::Alarm, "the inverter's port at auto has been gone for 2 min")
        );
    }

    /// What a notice tells to install is what is installed from the package.
    #[test]
    fn the_rules_are_those_of_the_package() {
        let packaged = include_str!("../../../../packaging/udev/60-ohmstead-voltronic.rules");
        let rules: Vec<_> =
            packaged.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert_eq!(rules, [PORT_RULE, RESET_RULE]);
        assert!(PORT_RULE.contains(r#"MODE="0660""#), "narrow");
        let triggered = RESET_RULE.strip_prefix(r#"ACTION==""#).and_then(|rest| rest.split('"').next());
        let triggered: Vec<_> = triggered.into_iter().flat_map(|actions| actions.split('|')).collect();
        assert_eq!(triggered, ["add", "change"], "`udevadm trigger` says change");
    }

    #[test]
    fn a_port_of_a_group_is_joined_and_one_of_root_is_given_away() {
        let hint = |mode, group| permission("no permission".to_owned(), mode, group).hint;
        assert!(hint(0o660, "plugdev").contains("usermod -aG plugdev USER"));
        for (mode, group) in [(0o600, "root"), (0o660, "root"), (0o640, "plugdev")] {
            assert!(hint(mode, group).contains(PORT_RULE), "{mode:o} {group}");
        }
    }

    #[test]
    fn a_reset_that_is_not_allowed_says_what_allows_it() {
        let denied = no_reset("1-1", &io::ErrorKind::PermissionDenied.into()).expect("a notice");
        assert!(denied.hint.contains(RESET_RULE) && !denied.hint.contains(PORT_RULE), "{denied:?}");
        let container = no_reset("1-1", &io::ErrorKind::ReadOnlyFilesystem.into()).expect("a notice");
        assert!(container.hint.contains("container"), "{container:?}");
        assert_eq!(
            no_reset("1-1", &io::ErrorKind::NotFound.into()),
            None,
            "a port that is gone has a notice"
        );
    }
}
