//! The USB ports in virtual time: what the driver opens is the cable end of a simulated unit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ohmstead_drivers::BoxFuture;
use ohmstead_drivers::transports::{Candidate, Line, LineKind, Opener, PortError, Ports};
use ohmstead_model::{Clock as _, Moment};
use ohmstead_plant::InMemory;
use ohmstead_plant::voltronic::{Port as _, Unit, UnitTruth};

use super::{TestClock, lock};

/// How often a line that waits looks whether its unit is still plugged in.
const LOOK: Duration = Duration::from_millis(100);
/// How long a port is off when it is reset.
const OFF: Duration = Duration::from_millis(500);

/// A command as it reached a unit.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) at: Moment,
    pub(crate) unit: String,
    /// The command without checksum and end.
    pub(crate) text: String,
    /// What was really the case at that moment.
    pub(crate) truth: UnitTruth,
}

/// Where a simulated unit is plugged in.
#[derive(Debug, Clone)]
struct Plugged {
    unit: String,
    usb_port: String,
}

#[derive(Default)]
struct State {
    plugged: Vec<Plugged>,
    held: BTreeSet<PathBuf>,
    denied: BTreeSet<PathBuf>,
    openers: BTreeMap<PathBuf, Opener>,
    foreign: BTreeSet<PathBuf>,
    /// Units that have the number of another one.
    aliases: BTreeMap<String, String>,
    /// Units whose cable is pulled.
    pulled: BTreeSet<String>,
    /// Commands that no unit understands, or that reach none.
    garbled: BTreeMap<String, Garbled>,
}

/// What becomes of a command on its way, whatever the simulated unit would have answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Garbled {
    /// Its checksum is turned over: the unit says no.
    Refused,
    /// It is lost.
    Lost,
}

/// The ports.
pub(crate) struct Cables {
    pub(crate) site: Arc<Mutex<InMemory>>,
    clock: Arc<TestClock>,
    state: Mutex<State>,
    heard: Mutex<Vec<Heard>>,
    resets: Mutex<Vec<(Duration, String)>>,
}

impl Cables {
    pub(crate) fn new(site: Arc<Mutex<InMemory>>, clock: Arc<TestClock>) -> Arc<Self> {
        Arc::new(Self {
            site,
            clock,
            state: Mutex::default(),
            heard: Mutex::default(),
            resets: Mutex::default(),
        })
    }

    /// Plugs a unit into a USB port; it leaves the one it was in.
    pub(crate) fn plug(&self, unit: &str, usb_port: &str) {
        let mut state = lock(&self.state);
        state.plugged.retain(|plugged| plugged.unit != unit);
        state.plugged.push(Plugged { unit: unit.to_owned(), usb_port: usb_port.to_owned() });
        state.pulled.remove(unit);
    }

    /// Pulls a unit's cable.
    pub(crate) fn pull(&self, unit: &str) {
        lock(&self.state).pulled.insert(unit.to_owned());
    }

    /// From now on two units have each other's numbers.
    pub(crate) fn exchange_nodes(&self, one: &str, other: &str) {
        let mut state = lock(&self.state);
        state.aliases.insert(one.to_owned(), other.to_owned());
        state.aliases.insert(other.to_owned(), one.to_owned());
    }

    /// From now on this becomes of a command; `None` for nothing.
    pub(crate) fn garble(&self, command: &str, garbled: Option<Garbled>) {
        let mut state = lock(&self.state);
        match garbled {
            Some(garbled) => _ = state.garbled.insert(command.to_owned(), garbled),
            None => _ = state.garbled.remove(command),
        }
    }

    /// This user may not open the file.
    pub(crate) fn deny(&self, path: &str) {
        lock(&self.state).denied.insert(path.into());
    }

    pub(crate) fn allow(&self, path: &str) {
        let mut state = lock(&self.state);
        state.denied.remove(Path::new(path));
        state.foreign.remove(Path::new(path));
        state.openers.remove(Path::new(path));
    }

    /// Another program has the file open; with a lock, or without.
    pub(crate) fn open_elsewhere(&self, path: &str, opener: &Opener, locked: bool) {
        let mut state = lock(&self.state);
        state.openers.insert(path.into(), opener.clone());
        if locked {
            state.foreign.insert(path.into());
        }
    }

    /// Every command that reached a unit so far.
    pub(crate) fn heard(&self, unit: &str) -> Vec<Heard> {
        lock(&self.heard).iter().filter(|heard| heard.unit == unit).cloned().collect()
    }

    /// Forgets what was asked of a unit longer ago.
    pub(crate) fn forget_heard(&self, unit: &str, kept: Duration) {
        let old = self.clock.now().mono.saturating_sub(kept);
        lock(&self.heard).retain(|heard| heard.unit != unit || heard.at.mono > old);
    }

    /// When which port was reset.
    pub(crate) fn resets(&self) -> Vec<(Duration, String)> {
        lock(&self.resets).clone()
    }

    /// Looks at a unit, or changes it, at this moment.
    pub(crate) fn unit<T>(&self, name: &str, look: impl FnOnce(&mut Unit) -> T) -> T {
        let mut site = lock(&self.site);
        let now = self.clock.now().unix.0;
        // The house goes in steps of a second; the units' cables are exact.
        if now - site.now_ms() >= 1000 {
            site.advance(now);
        }
        look(site.inverter_mut(name).expect("a unit of this house"))
    }

    fn node(&self, unit: &str) -> Option<u32> {
        if lock(&self.state).pulled.contains(unit) {
            return None;
        }
        let numbered = lock(&self.state).aliases.get(unit).cloned();
        let now = self.clock.now().unix.0;
        self.unit(numbered.as_deref().unwrap_or(unit), |unit| unit.node(now))
    }

    fn path_of(&self, unit: &str) -> Option<PathBuf> {
        self.node(unit).map(|node| PathBuf::from(format!("/dev/hidraw{node}")))
    }

    fn plugged(&self) -> Vec<Plugged> {
        lock(&self.state).plugged.clone()
    }

    fn open_now(self: &Arc<Self>, path: &Path) -> Result<Box<dyn Line>, PortError> {
        let found =
            self.plugged().into_iter().find(|plugged| self.path_of(&plugged.unit).as_deref() == Some(path));
        let Some(plugged) = found else { return Err(PortError::Missing { path: path.to_owned() }) };
        let mut state = lock(&self.state);
        if state.denied.contains(path) {
            let source = io::ErrorKind::PermissionDenied.into();
            return Err(PortError::Denied {
                path: path.to_owned(),
                mode: 0o600,
                group: "root".to_owned(),
                source,
            });
        }
        if state.foreign.contains(path) || !state.held.insert(path.to_owned()) {
            return Err(PortError::InUse { path: path.to_owned(), by: state.openers.get(path).cloned() });
        }
        drop(state);
        Ok(Box::new(Cable {
            cables: Arc::clone(self),
            unit: plugged.unit,
            path: path.to_owned(),
            waiting: VecDeque::new(),
            sent: Vec::new(),
        }))
    }
}

/// A line that is open.
struct Cable {
    cables: Arc<Cables>,
    unit: String,
    path: PathBuf,
    waiting: VecDeque<Vec<u8>>,
    sent: Vec<u8>,
}

impl Cable {
    fn check(&self, gone: i32) -> io::Result<()> {
        let there = self.cables.path_of(&self.unit).as_ref() == Some(&self.path);
        there.then_some(()).ok_or_else(|| io::Error::from_raw_os_error(gone))
    }

    fn send_now(&mut self, frame: &[u8]) -> io::Result<()> {
        const ENODEV: i32 = 19;
        self.check(ENODEV)?;
        let now = self.cables.clock.now();
        let garbled = {
            let state = lock(&self.cables.state);
            let mut known = state.garbled.iter();
            known.find(|(command, _)| frame.starts_with(command.as_bytes())).map(|(_, garbled)| *garbled)
        };
        let mut frame = frame.to_vec();
        match (garbled, frame.len().checked_sub(2)) {
            (Some(Garbled::Lost), _) => return Ok(()),
            // The last byte before the CR.
            (Some(Garbled::Refused), Some(last)) => frame[last] = !frame[last] | 0x80,
            _ => {}
        }
        for chunk in frame.chunks(8) {
            let mut report = [0; 8];
            report[..chunk.len()].copy_from_slice(chunk);
            let ends = chunk.contains(&b'\r');
            let truth = self.cables.unit(&self.unit, |unit| {
                let truth = ends.then(|| unit.truth());
                unit.receive(now.unix.0, &report);
                truth
            });
            self.sent.extend_from_slice(chunk);
            if let Some(truth) = truth {
                let text = command(&std::mem::take(&mut self.sent));
                lock(&self.cables.heard).push(Heard { at: now, unit: self.unit.clone(), text, truth });
            }
        }
        Ok(())
    }

    fn fetch(&mut self) {
        let now = self.cables.clock.now().unix.0;
        self.waiting.extend(self.cables.unit(&self.unit, |unit| unit.take(now)));
    }

    async fn next(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const EIO: i32 = 5;
        loop {
            self.check(EIO)?;
            self.fetch();
            if let Some(report) = self.waiting.pop_front() {
                let length = report.len().min(buffer.len());
                buffer[..length].copy_from_slice(&report[..length]);
                return Ok(length);
            }
            let now = self.cables.clock.now().unix.0;
            let due = self.cables.unit(&self.unit, |unit| unit.due_ms());
            let wait = due
                .map_or(LOOK, |due| Duration::from_millis(u64::try_from(due - now).unwrap_or(0)).min(LOOK));
            self.cables.clock.sleep(wait.max(Duration::from_millis(1))).await;
        }
    }
}

/// The text of a frame, without its checksum if it has one.
fn command(frame: &[u8]) -> String {
    let body = frame.strip_suffix(b"\r").unwrap_or(frame);
    let text = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    match body {
        [text_of @ .., high, low] if checksum(text_of) == [*high, *low] => text(text_of),
        _ => text(body),
    }
}

/// CRC-16/XMODEM with the bytes that frames must not have made one greater.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let step = |crc: u16| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
    let crc =
        bytes.iter().fold(0, |crc, byte| (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| step(crc)));
    crc.to_be_bytes().map(|byte| if b"(\r\n".contains(&byte) { byte + 1 } else { byte })
}

impl Drop for Cable {
    fn drop(&mut self) {
        lock(&self.cables.state).held.remove(&self.path);
    }
}

impl Line for Cable {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(std::future::ready(self.send_now(frame)))
    }

    fn receive<'a>(&'a mut self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<usize>> {
        Box::pin(self.next(buffer))
    }

    fn drain(&mut self) -> io::Result<usize> {
        self.fetch();
        Ok(self.waiting.drain(..).map(|report| report.len()).sum())
    }

    fn kind(&self) -> LineKind {
        LineKind::Hidraw
    }
}

/// The driver's way to the ports.
pub(crate) struct Hub(pub(crate) Arc<Cables>);

impl Ports for Hub {
    fn candidates(&self) -> io::Result<Vec<Candidate>> {
        let mut found: Vec<(u32, Candidate)> = Vec::new();
        for plugged in self.0.plugged() {
            let Some(node) = self.0.node(&plugged.unit) else { continue };
            let candidate = Candidate {
                path: format!("/dev/hidraw{node}").into(),
                usb_port: Some(plugged.usb_port.clone()),
                hid_name: "INNO TECH USB to Serial".to_owned(),
                phys: format!("usb-0000:00:14.0-{}/input0", plugged.usb_port),
                uniq: String::new(),
            };
            found.push((node, candidate));
        }
        found.sort_by_key(|(node, _)| *node);
        Ok(found.into_iter().map(|(_, candidate)| candidate).collect())
    }

    fn open<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Box<dyn Line>, PortError>> {
        Box::pin(std::future::ready(self.0.open_now(path)))
    }

    fn reset<'a>(&'a self, usb_port: &'a str) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            let cables = &self.0;
            let unit = cables.plugged().into_iter().find(|plugged| plugged.usb_port == usb_port);
            let unit = unit.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?.unit;
            cables.clock.sleep(OFF).await;
            let now = cables.clock.now();
            lock(&cables.resets).push((now.mono, usb_port.to_owned()));
            cables.unit(&unit, |unit| unit.reset(now.unix.0));
            Ok(())
        })
    }

    fn other_openers(&self, path: &Path) -> Vec<Opener> {
        lock(&self.0.state).openers.get(path).cloned().into_iter().collect()
    }
}
