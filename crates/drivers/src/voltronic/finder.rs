//! At which ports a unit may be, the likeliest first. Pure.
//!
//! USB gives these units no serial number, and a unit that re-enumerates comes back as another `hidrawN`. What stays is
//! the port it is plugged into and, where it has one, the serial number that it tells when asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::PortPath;
use crate::transports::Candidate;

/// A port that turned out to be somebody else's is left alone for so long.
const REJECTED_FOR: Duration = Duration::from_secs(60);
/// A port that is silent has its turn again soon: first come the others.
const SILENT_FOR: Duration = Duration::from_secs(15);
/// A UPS or a charger stays one.
const STRANGER_FOR: Duration = Duration::from_secs(600);
/// A unit without a serial number that is missing for so long may have been plugged in elsewhere.
const MOVED_AFTER: Duration = Duration::from_secs(120);

/// A port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) usb_port: Option<String>,
}

/// What is known about where the unit is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// As configured.
    pub(crate) path: &'a PortPath,
    /// The device file that the path leads to, for it may be a link.
    pub(crate) file: Option<&'a Path>,
    /// As configured.
    pub(crate) usb_port: Option<&'a str>,
    /// Where it was last.
    pub(crate) last_port: Option<&'a str>,
    /// Where it was last.
    pub(crate) last_path: Option<&'a Path>,
    /// Its serial number is known, so that it can be told from others.
    pub(crate) has_serial: bool,
    /// For how long it has been missing.
    pub(crate) missing_for: Duration,
}

/// The ports worth trying, in order: the USB port that it was at stays its own, a path may be another device's by now.
pub(crate) fn places(candidates: &[Candidate], wanted: Wanted<'_>) -> Vec<Place> {
    let found = candidates.iter().filter(|candidate| may_be(candidate, candidates, wanted));
    let mut places: Vec<Place> = found.map(|candidate| place(candidate, wanted)).collect();
    if let PortPath::At(path) = wanted.path
        && wanted.usb_port.is_none()
        && named(candidates, wanted).is_none()
    {
        // A serial line or a socket, or a file that is not there at present.
        places.push(Place { path: path.clone(), usb_port: None });
    }
    places.sort_by_key(|place| {
        let same_port = place.usb_port.is_some() && place.usb_port.as_deref() == wanted.last_port;
        let same_path = Some(place.path.as_path()) == wanted.last_path;
        (!same_port, !same_path, !matches!(wanted.path, PortPath::At(path) if *path == place.path))
    });
    places
}

/// The USB port at which the configured path is, and the one at which the unit has to be, where these are two.
pub(crate) fn misplaced<'a>(candidates: &'a [Candidate], wanted: Wanted<'a>) -> Option<(&'a str, &'a str)> {
    let there = named(candidates, wanted)?.usb_port.as_deref()?;
    let remembered = if wanted.has_serial { None } else { wanted.last_port };
    let own = wanted.usb_port.or(remembered)?;
    (there != own).then_some((there, own))
}

/// A candidate under the name that the owner gave it.
fn place(candidate: &Candidate, wanted: Wanted<'_>) -> Place {
    let path = match wanted.path {
        PortPath::At(path) if is_named(candidate, wanted) => path,
        _ => &candidate.path,
    };
    Place { path: path.clone(), usb_port: candidate.usb_port.clone() }
}

/// The candidate that the configured path leads to.
fn named<'a>(candidates: &'a [Candidate], wanted: Wanted<'_>) -> Option<&'a Candidate> {
    candidates.iter().find(|candidate| is_named(candidate, wanted))
}

fn is_named(candidate: &Candidate, wanted: Wanted<'_>) -> bool {
    wanted.file == Some(candidate.path.as_path())
}

fn may_be(candidate: &Candidate, all: &[Candidate], wanted: Wanted<'_>) -> bool {
    // The owner's word: a number may have gone to another unit, a port has not.
    if let Some(port) = wanted.usb_port {
        return candidate.usb_port.as_deref() == Some(port);
    }
    let by_path = matches!(wanted.path, PortPath::At(_));
    let named = is_named(candidate, wanted);
    // Only a HID device can come back under another number; elsewhere only what is known can be recognised.
    if by_path && !named && wanted.last_port.is_none() && !wanted.file.is_some_and(is_hidraw) {
        return false;
    }
    if wanted.has_serial {
        return true;
    }
    match wanted.last_port {
        None => named || !by_path,
        Some(port) if candidate.usb_port.as_deref() == Some(port) => true,
        // Nothing tells at which port that file is.
        Some(_) if named && candidate.usb_port.is_none() => true,
        // The only one there is may well be the one, plugged in elsewhere.
        Some(_) => (named || !by_path) && all.len() == 1 && wanted.missing_for >= MOVED_AFTER,
    }
}

fn is_hidraw(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("hidraw"))
}

/// Why a port is not the unit's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// Another inverter.
    OtherUnit,
    /// No inverter.
    Stranger,
    /// Nobody answers there.
    Silent,
}

/// Ports that turned out not to be the unit's, until when (monotonic).
#[derive(Debug, Default)]
pub(crate) struct Rejected {
    until: BTreeMap<(PathBuf, Option<String>), (Rejection, Duration)>,
}

/// Whether there is more than one port to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// This one only.
    Single,
    /// Several.
    Several,
}

impl Rejected {
    pub(crate) fn add(&mut self, place: &Place, why: Rejection, now: Duration) {
        let span = match why {
            Rejection::OtherUnit => REJECTED_FOR,
            Rejection::Stranger => STRANGER_FOR,
            Rejection::Silent => SILENT_FOR,
        };
        self.until.retain(|_, (_, until)| *until > now);
        self.until.insert((place.path.clone(), place.usb_port.clone()), (why, now + span));
    }

    /// Whether a port is left alone at present. One that was silent is not, where there is no other.
    pub(crate) fn has(&self, place: &Place, now: Duration, choice: Choice) -> bool {
        let key = (place.path.clone(), place.usb_port.clone());
        let found = self.until.get(&key).filter(|(_, until)| *until > now);
        found.is_some_and(|(why, _)| *why != Rejection::Silent || choice == Choice::Several)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn candidates(list: &[(&str, &str)]) -> Vec<Candidate> {
        let candidate = |(path, port): &(&str, &str)| Candidate {
            path: PathBuf::from(path),
            usb_port: Some((*port).to_owned()),
            hid_name: String::new(),
            phys: String::new(),
            uniq: String::new(),
        };
        list.iter().map(candidate).collect()
    }

    const TWO: &[(&str, &str)] = &[("/dev/hidraw0", "1-1"), ("/dev/hidraw1", "1-2")];

    #[rstest]
    #[case::nothing_known("auto", None, (None, None), false, 0, TWO, "0 1")]
    #[case::the_port_comes_first("auto", None, (Some("1-2"), Some("/dev/hidraw0")), true, 0, TWO, "1 0")]
    #[case::without_serial_only_the_port("auto", None, (Some("1-2"), None), false, 9999, TWO, "1")]
    #[case::moved_and_alone("auto", None, (Some("1-9"), None), false, 120, &TWO[..1], "0")]
    #[case::not_so_fast("auto", None, (Some("1-9"), None), false, 100, &TWO[..1], "")]
    #[case::the_owners_port("auto", Some("1-1"), (Some("1-2"), None), true, 9999, TWO, "0")]
    #[case::the_owners_path("/dev/hidraw1", None, (None, None), false, 0, TWO, "1")]
    #[case::path_with_serial("/dev/hidraw1", None, (None, None), true, 0, TWO, "1 0")]
    #[case::path_that_moved("/dev/hidraw7", None, (Some("1-1"), Some("/dev/hidraw0")), false, 0, TWO, "0 7")]
    #[case::a_serial_line_stays("/dev/ttyUSB3", None, (None, None), true, 0, TWO, "3")]
    #[case::the_path_at_the_owners_port("/dev/hidraw1", Some("1-2"), (None, None), false, 0, TWO, "1")]
    #[case::the_path_at_another_port("/dev/hidraw0", Some("1-2"), (None, None), false, 0, TWO, "1")]
    #[case::nobody_at_the_owners_port("/dev/hidraw0", Some("1-3"), (None, None), false, 9999, &TWO[..1], "")]
    #[case::numbers_exchanged("/dev/hidraw0", None, (Some("1-2"), Some("/dev/hidraw0")), false, 0, TWO, "1")]
    #[case::its_number_is_anothers("/dev/hidraw0", None, (Some("1-3"), Some("/dev/hidraw0")), false, 9999, TWO, "")]
    #[case::the_path_moved_and_alone("/dev/hidraw0", None, (Some("1-3"), Some("/dev/hidraw0")), false, 120, &TWO[..1], "0")]
    #[case::the_path_not_so_fast("/dev/hidraw0", None, (Some("1-3"), Some("/dev/hidraw0")), false, 100, &TWO[..1], "")]
    #[case::a_serial_number_tells("/dev/hidraw0", None, (Some("1-2"), Some("/dev/hidraw0")), true, 0, TWO, "1 0")]
    fn where_to_look(
        #[case] path: &str,
        #[case] usb_port: Option<&str>,
        #[case] last: (Option<&str>, Option<&str>),
        #[case] has_serial: bool,
        #[case] missing_s: u64,
        #[case] there: &[(&str, &str)],
        #[case] expected: &str,
    ) {
        let path = PortPath::parse(path).expect("a path");
        let wanted = Wanted {
            path: &path,
            file: file_of(&path),
            usb_port,
            last_port: last.0,
            last_path: last.1.map(Path::new),
            has_serial,
            missing_for: Duration::from_secs(missing_s),
        };
        let places = places(&candidates(there), wanted);
        let numbers: Vec<_> =
            places.iter().filter_map(|place| place.path.to_str()?.chars().last()).map(String::from).collect();
        assert_eq!(numbers.join(" "), expected);
    }

    fn file_of(path: &PortPath) -> Option<&Path> {
        match path {
            PortPath::At(path) => Some(path),
            PortPath::Auto => None,
        }
    }

    /// A link of the owner's, such as one per USB port: the device behind it counts, under the link's name.
    #[test]
    fn a_link_is_the_device_that_it_leads_to() {
        let path = PortPath::parse("/dev/inverter-1-2").expect("a path");
        let wanted = Wanted {
            path: &path,
            file: Some(Path::new("/dev/hidraw1")),
            usb_port: None,
            last_port: None,
            last_path: None,
            has_serial: false,
            missing_for: Duration::ZERO,
        };
        let place =
            |path: &str, port: &str| Place { path: PathBuf::from(path), usb_port: Some(port.to_owned()) };
        assert_eq!(places(&candidates(TWO), wanted), [place("/dev/inverter-1-2", "1-2")]);
        let known = Wanted { last_port: Some("1-1"), ..wanted };
        assert_eq!(places(&candidates(TWO), known), [place("/dev/hidraw0", "1-1")], "it leads elsewhere now");
        assert_eq!(misplaced(&candidates(TWO), known), Some(("1-2", "1-1")));
        let by_serial = Wanted { has_serial: true, ..wanted };
        let all = [place("/dev/inverter-1-2", "1-2"), place("/dev/hidraw0", "1-1")];
        assert_eq!(places(&candidates(TWO), by_serial), all);
    }

    #[test]
    fn what_is_not_ours_is_left_alone_for_a_while() {
        let place = Place { path: "/dev/hidraw0".into(), usb_port: Some("1-1".to_owned()) };
        let mut rejected = Rejected::default();
        let at = Duration::from_secs;
        rejected.add(&place, Rejection::OtherUnit, at(0));
        assert!(
            rejected.has(&place, at(59), Choice::Single) && !rejected.has(&place, at(60), Choice::Single)
        );
        let elsewhere = Place { usb_port: Some("1-2".to_owned()), ..place.clone() };
        assert!(!rejected.has(&elsewhere, at(0), Choice::Single), "another device under the same number");
        rejected.add(&place, Rejection::Silent, at(100));
        assert!(
            rejected.has(&place, at(110), Choice::Several) && !rejected.has(&place, at(110), Choice::Single)
        );
    }
}
