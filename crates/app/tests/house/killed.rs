//! The program is killed while it is in control of a device, started again and stopped: nothing of it is left there.

use crate::DEADLINE;
use crate::broker::{now, pause};
use crate::gx::Gx;
use crate::plant::{Batteries, Unit};
use crate::program::{Daemon, Place, text};

const LIMIT: &str =
    "read_only: false\nlimits: { multi_output: { max: 30 kW, floor: 1 kW, step: 1 kW, phases: 3 } }";

fn wait_until(what: &str, daemon: &Daemon, is_so: impl Fn() -> bool) {
    let end = now() + DEADLINE;
    while !is_so() {
        assert!(now() < end, "not {what}:\n{}", daemon.log());
        pause();
    }
}

#[test]
fn killed_in_the_middle_of_limiting() {
    let (place, gx) = (Place::new(), Gx::start("units=8", 45_000.0, |venus| venus));
    let before = gx.levers();
    place.configure(&[gx.device("")], LIMIT);
    let mut daemon = place.run();
    wait_until("limited", &daemon, || gx.bound().is_some_and(|watts| watts < 44_000.0));
    daemon.kill();
    let left = gx.bound().expect("nobody took it back");
    let mut daemon = place.run();
    wait_until("limited further", &daemon, || gx.bound().is_some_and(|watts| watts < left - 1_000.0));
    daemon.kill();
    let left = gx.bound().expect("nobody took it back");
    let mut daemon = place.run();
    wait_until("limited further", &daemon, || gx.bound().is_some_and(|watts| watts < left));
    assert_eq!(daemon.terminate(), Some(0), "{}", daemon.log());
    assert_eq!((gx.levers(), gx.handle.wear().changes), (before, 0));
}

#[test]
fn killed_in_the_middle_of_what_was_asked_by_hand() {
    let (place, gx) = (Place::new(), Gx::start("", 1_000.0, |venus| venus));
    let batteries = Batteries::start(&[Unit("garage", "e3-150", &[], 50.0)]);
    let before = gx.levers();
    place.configure(&[gx.device(""), batteries.device("garage", "")], "read_only: false");
    let mut daemon = place.run();
    let online = || text(&place.verb(&["read", "gx", "--json"])).contains("\"online\": true");
    // A verb that comes before the daemon takes the data directory, and the daemon finds it taken.
    daemon.wait_for_log("starting");
    wait_until("there", &daemon, online);
    for (device, mode) in [("gx", "native:keep_charged"), ("garage", "charge 500 W")] {
        let words: Vec<_> = ["set", device].into_iter().chain(mode.split(' ')).collect();
        let verb = place.verb(&[words.as_slice(), &["--for", "1h"]].concat());
        assert_eq!(verb.status.code(), Some(0), "{}", text(&verb));
    }
    assert_ne!(gx.levers(), before);
    assert_ne!(batteries.mode(), "Auto");
    daemon.kill();
    assert_ne!((gx.levers(), batteries.mode()), (before.clone(), "Auto".to_owned()));
    let mut daemon = place.run();
    daemon.wait_for_log("starting");
    wait_until("there again", &daemon, online);
    let wants = || text(&place.verb(&["read", "gx", "--json"])).contains("keep_charged");
    wait_until("wanted on", &daemon, wants);
    assert_eq!(daemon.terminate(), Some(0), "{}", daemon.log());
    assert_eq!((gx.levers(), batteries.mode()), (before, "Auto".to_owned()), "{}", daemon.log());
    // Once for the wish, once for the way back.
    assert_eq!(gx.handle.wear().changes, 2);
}
