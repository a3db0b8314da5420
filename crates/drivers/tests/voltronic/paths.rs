//! Where units without a serial number are looked for, links to their device files, and what a reset of their port leaves
//! behind.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use ohmstead_drivers::transports::{Candidate, Line, Opener, PortError, Ports};
use ohmstead_drivers::voltronic::{Inverter, PortPath, Settings, diagnose};
use ohmstead_drivers::{BoxFuture, Context};
use ohmstead_model::{DeviceId, Metric};

use crate::support::{Driven, Garbled, Hub, World, lock, secs};

/// The ports of the house, with what these tests need besides.
struct House {
    hub: Hub,
    /// A link of the owner's, and the device file that it leads to.
    link: Option<(&'static str, &'static str)>,
    /// Why no port can be reset.
    no_reset: Option<io::ErrorKind>,
    /// The port that is off.
    off: Mutex<Option<String>>,
    /// Where the slow questions were asked.
    asked_on: Mutex<Vec<ThreadId>>,
}

impl House {
    fn of(world: &World) -> Self {
        Self {
            hub: Hub(Arc::clone(&world.cables)),
            link: None,
            no_reset: None,
            off: Mutex::default(),
            asked_on: Mutex::default(),
        }
    }

    fn real(&self, path: &Path) -> PathBuf {
        match self.link {
            Some((link, file)) if path == Path::new(link) => file.into(),
            _ => path.to_owned(),
        }
    }

    fn note_thread(&self) {
        lock(&self.asked_on).push(std::thread::current().id());
    }
}

impl Ports for House {
    fn candidates(&self) -> io::Result<Vec<Candidate>> {
        self.note_thread();
        if lock(&self.off).is_some() {
            return Ok(Vec::new());
        }
        self.hub.candidates()
    }

    fn device_file(&self, path: &Path) -> PathBuf {
        self.note_thread();
        self.real(path)
    }

    fn open<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Box<dyn Line>, PortError>> {
        Box::pin(async move { self.hub.open(&self.real(path)).await })
    }

    fn reset<'a>(&'a self, usb_port: &'a str) -> BoxFuture<'a, io::Result<()>> {
        match self.no_reset {
            Some(kind) => Box::pin(std::future::ready(Err(kind.into()))),
            None => self.hub.reset(usb_port),
        }
    }

    fn switch_on<'a>(&'a self, usb_port: &'a str) -> BoxFuture<'a, io::Result<bool>> {
        let mut off = lock(&self.off);
        let was_off = off.as_deref() == Some(usb_port);
        if was_off {
            *off = None;
        }
        Box::pin(std::future::ready(Ok(was_off)))
    }

    fn may_reset(&self, _usb_port: &str) -> bool {
        self.no_reset.is_none()
    }

    fn other_openers(&self, path: &Path) -> Vec<Opener> {
        self.note_thread();
        self.hub.other_openers(path)
    }
}

/// The driver on these ports.
fn driven_on(
    world: &World,
    house: Arc<House>,
    memory: Option<String>,
    change: impl FnOnce(&mut Settings),
) -> Driven {
    let mut driven = world.driven("a");
    let mut settings = Settings::default();
    change(&mut settings);
    let context = Context {
        clock: Arc::clone(&world.clock) as _,
        reporter: Arc::clone(&driven.told) as _,
        seed: 1,
        memory,
    };
    let id: DeviceId = "a".parse().unwrap();
    driven.device = Box::new(Inverter::with_ports(id, settings, context, house));
    driven
}

fn at(path: &str) -> PortPath {
    PortPath::parse(path).unwrap()
}

/// Units that do not tell a serial number.
fn nameless(inverters: &[(&str, &str, &str)]) -> World {
    let world = World::new(inverters);
    for question in ["QID", "QSID"] {
        world.cables.garble(question, Some(Garbled::Refused));
    }
    world
}

/// A hub that starts anew may give each the number of the other: the USB port tells them apart.
#[tokio::test(start_paused = true)]
async fn units_without_serial_numbers_that_exchange_their_numbers_are_not_mixed_up() {
    let world = nameless(&[("a", "pi30-21", ""), ("b", "pi30-21", "")]);
    let driven = |name: &str, memory: Option<String>| {
        let path = if name == "a" { "/dev/hidraw0" } else { "/dev/hidraw1" };
        world.driven_with(name, memory, |settings| settings.path = at(path))
    };
    let (mut a, mut b) = (driven("a", None), driven("b", None));
    tokio::join!(a.run(secs(120)), b.run(secs(120)));
    assert!(a.is_online() && b.is_online() && a.device.info().serial.is_none());
    world.cables.pull("a");
    world.cables.pull("b");
    tokio::join!(a.run(secs(20)), b.run(secs(20)));
    world.cables.exchange_nodes("a", "b");
    world.cables.plug("a", "1-1");
    world.cables.plug("b", "1-2");
    tokio::join!(a.run(secs(60)), b.run(secs(60)));
    let own = ("/dev/hidraw1".to_owned(), "/dev/hidraw0".to_owned());
    let addresses = |a: &Driven, b: &Driven| (a.device.info().address, b.device.info().address);
    assert!(a.is_online() && b.is_online(), "{:?}\n{:?}", a.told.notices(), b.told.notices());
    assert_eq!(addresses(&a, &b), own);
    // The same after a restart, and a write goes to the unit that was meant.
    let memory = (a.device.memory(), b.device.memory());
    drop((a, b));
    let (mut a, mut b) = (driven("a", memory.0), driven("b", memory.1));
    tokio::join!(a.run(secs(60)), b.run(secs(60)));
    assert_eq!(addresses(&a, &b), own);
    let (reply, _) = a.write("output_priority=utility_first").await;
    assert!(reply.accepted);
    assert_eq!((world.setters("a"), world.setters("b")), (1, 0));
}

/// The number of a unit that is away has gone to another one.
#[tokio::test(start_paused = true)]
async fn a_path_that_is_another_units_by_now_is_left_alone() {
    let world = nameless(&[("a", "pi30-21", ""), ("b", "pi30-21", "")]);
    let mut a = world.driven_with("a", None, |settings| settings.path = at("/dev/hidraw0"));
    a.run(secs(60)).await;
    assert!(a.is_online());
    world.cables.pull("a");
    a.run(secs(5)).await;
    world.cables.exchange_nodes("a", "b");
    let heard = world.heard_texts("b").len();
    a.run(secs(100)).await;
    assert!(!a.is_online() && a.has_notice("port_moved"), "{:?}", a.told.notices());
    assert_eq!(world.heard_texts("b").len(), heard, "not a word");
    world.cables.plug("a", "1-1");
    a.until("back", |told| told.state().is_online()).await;
    a.run(secs(10)).await;
    assert!(!a.has_notice("port_moved") && a.device.info().address == "/dev/hidraw1");
}

/// A number says less than a port: what is at the path, but not at the port, is not the unit.
#[tokio::test(start_paused = true)]
async fn the_usb_port_in_the_configuration_outweighs_the_path() {
    let world = nameless(&[("a", "pi30-21", ""), ("b", "pi30-21", "")]);
    let configured = |port: &'static str| {
        move |settings: &mut Settings| {
            settings.path = at("/dev/hidraw0");
            settings.usb_port = Some(port.to_owned());
        }
    };
    let mut b = world.driven_with("b", None, configured("1-2"));
    b.run(secs(60)).await;
    assert!(b.is_online() && b.device.info().address == "/dev/hidraw1");
    assert!(world.heard_texts("a").is_empty(), "not a word to the other one");
    let mut nobody = world.driven_with("c", None, configured("1-7"));
    nobody.run(secs(300)).await;
    let notices = nobody.told.notices();
    let told = notices.iter().find(|notice| notice.code == "port_moved").expect("a notice");
    assert_eq!(
        told.text,
        "/dev/hidraw0 is at the USB port 1-1 now; this inverter is at the port 1-7, where nobody can be asked"
    );
    assert!(world.heard_texts("a").is_empty());
}

/// The documented link per USB port: the device behind it is known, so that its port can be reset.
#[tokio::test(start_paused = true)]
async fn a_unit_behind_a_link_has_its_port_reset() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let link = Some(("/dev/inverter-1-1", "/dev/hidraw0"));
    let house = Arc::new(House { link, ..House::of(&world) });
    let mut driven = driven_on(&world, house, None, |settings| settings.path = at("/dev/inverter-1-1"));
    driven.run(secs(60)).await;
    assert!(driven.is_online() && driven.device.info().address == "/dev/inverter-1-1");
    world.switch("a", "wedge-after=1");
    driven.run(secs(120)).await;
    assert_eq!(world.cables.resets().first().map(|(_, port)| port.as_str()), Some("1-1"));
}

/// Whatever ends the program between off and on: the next one knows.
#[tokio::test(start_paused = true)]
async fn a_reset_is_noted_before_it_begins_and_a_port_left_off_is_switched_on() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let house = Arc::new(House::of(&world));
    let mut driven = driven_on(&world, Arc::clone(&house), None, |_| ());
    driven.run(secs(60)).await;
    let noted = |driven: &Driven| driven.device.memory().unwrap().contains(r#""switched_off":"1-1""#);
    assert!(!noted(&driven) && !driven.device.must_remember());
    world.switch("a", "mute");
    while !noted(&driven) {
        assert!(world.cables.resets().is_empty(), "not before it is noted");
        driven.run(Duration::from_millis(10)).await;
        assert!(world.now_s() < 600, "no reset at all");
    }
    assert!(world.cables.resets().is_empty() && driven.device.must_remember());
    let memory = driven.device.memory();
    driven.run(secs(10)).await;
    assert!(world.cables.resets().len() == 1 && !noted(&driven), "done");
    drop(driven);
    // What was kept when the program was killed with the port off.
    world.switch("a", "mute=off");
    *lock(&house.off) = Some("1-1".to_owned());
    let mut driven = driven_on(&world, Arc::clone(&house), memory, |_| ());
    driven.run(secs(60)).await;
    assert!(driven.is_online() && !noted(&driven), "{:?}", driven.told.notices());
    // One that somebody else switched off stays so.
    let memory = driven.device.memory();
    drop(driven);
    *lock(&house.off) = Some("1-1".to_owned());
    let mut driven = driven_on(&world, Arc::clone(&house), memory, |_| ());
    driven.run(secs(300)).await;
    assert!(!driven.is_online() && lock(&house.off).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_port_that_may_not_be_reset_is_told_with_the_rule_that_allows_it() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let no_reset = Some(io::ErrorKind::PermissionDenied);
    let house = Arc::new(House { no_reset, ..House::of(&world) });
    let mut driven = driven_on(&world, house, None, |_| ());
    driven.run(secs(60)).await;
    world.switch("a", "mute");
    driven.run(secs(120)).await;
    let notices = driven.told.notices();
    let told = notices.iter().find(|notice| notice.code == "port_reset_denied").expect("a notice");
    assert!(told.hint.contains("authorized") && told.hint.contains("udevadm trigger"), "{told:?}");
    world.switch("a", "mute=off");
    driven.until("back", |told| told.state().is_online()).await;
    driven.run(secs(10)).await;
    assert!(driven.has_notice("port_reset_denied"), "the next time it would be the same");
    drop(driven);
    // Whoever asks is told before it happens.
    let house = House { no_reset, ..House::of(&world) };
    let findings = diagnose(&house).await;
    let ids: Vec<_> = findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["port_ready", "port_reset_denied"]);
}

/// Looking through all processes and devices takes as long as there are many: nothing else waits for it.
#[tokio::test(start_paused = true)]
async fn the_slow_questions_are_asked_beside_the_tasks() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let link = Some(("/dev/inverter", "/dev/hidraw0"));
    let house = Arc::new(House { link, ..House::of(&world) });
    let mut driven = driven_on(&world, Arc::clone(&house), None, |_| ());
    driven.run(secs(1300)).await;
    assert!(driven.is_online() && driven.number(Metric::BatterySoc).is_ok());
    let here = std::thread::current().id();
    let asked_on = lock(&house.asked_on).clone();
    assert!(asked_on.len() >= 4 && !asked_on.contains(&here), "{asked_on:?}, not {here:?}");
}
