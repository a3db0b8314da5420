//! Modbus TCP of a GX device: only read, and only what has a register.
//!
//! ```text
//! connect --> which services answer at which unit? --> their registers, block by block, at every turn
//!                     ^                                             |
//!                     +---------------- every 10 minutes -----------+
//! ```
//!
//! A unit number stands for a device instance, by a table of Victron's; system, settings and hub4 are at unit 100. The
//! texts of the device (names, models) are mostly not to be had in this way, nor are overrides seen to be absent.

mod frame;
mod map;

#[cfg(test)]
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Event, Failure, Port, Request};
use crate::victron::tree::{PREFIX, Told};
use crate::victron::value::Scalar;
use frame::{Exception, HEAD, Question, Reply, head};
use map::{Block, Values, believable, blocks};

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How often services are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// How often services whose values hardly change are read.
const SLOWLY: Duration = Duration::from_secs(60);
/// The pauses after a failure.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Failures of a service in a row after which it counts as gone.
const GONE_AFTER: u32 = 2;

/// What is at unit 100.
const CENTRAL: &[&str] = &["system", "settings", "hub4"];
/// What is looked for at the other units.
const OTHERS: &[&str] = &[
    "vebus",
    "battery",
    "grid",
    "pvinverter",
    "solarcharger",
    "multi",
    "inverter",
    "genset",
    "evcharger",
    "tank",
    "temperature",
    "generator",
    "acload",
];
/// Services that are worth reading at every turn.
const QUICK: &[&str] =
    &["system", "vebus", "multi", "inverter", "battery", "grid", "pvinverter", "solarcharger", "hub4"];
/// What gives `/Dc/Pv/Power`.
const CHARGERS: &[&str] = &["solarcharger", "multi", "inverter"];
const CENTRAL_UNIT: u8 = 100;

/// The units at which something may be.
fn units() -> impl Iterator<Item = u8> {
    // The usual ones of ports first.
    [246, 247, 245, 242, 227, 228, 239, 238, 225, 226]
        .into_iter()
        .chain(223..=247)
        .chain(0..=50)
        .scan([false; 256], |seen, unit| {
            let is_new = !std::mem::replace(&mut seen[usize::from(unit)], true);
            Some(is_new.then_some(unit))
        })
        .flatten()
}

/// The device instance that a unit stands for: Victron's table for instances that do not fit into a unit.
fn instance_of(unit: u8) -> i64 {
    match i64::from(unit) {
        100 => 0,
        225 => 512,
        // Ports of a Cerbo.
        223 => 277,
        224 => 278,
        226 => 279,
        // Chargers and monitors on USB.
        unit @ 231..=233 => 526 - unit,
        234 => 296,
        unit @ 235..=239 => 527 - unit,
        // Ports of an EasySolar and a MultiPlus with a GX inside, of a Venus GX, of a CCGX.
        unit @ (227..=230 | 242 | 243 | 245..=247) => 503 - unit,
        unit => unit,
    }
}

/// Asks for ever.
pub(crate) async fn run(host: String, port_number: u16, interval: Duration, mut port: Port) {
    let mut pause = RETRY_MIN;
    loop {
        let started = port.clock.now();
        let stream = port.within(TIMEOUT, TcpStream::connect((host.as_str(), port_number))).await;
        let why = match stream {
            None => "nobody takes the connection".to_owned(),
            Some(Err(error)) => format!("cannot connect: {error}"),
            Some(Ok(stream)) => {
                let mut session = Session { stream, number: 0, interval, services: Vec::new(), looked: None };
                let Err(why) = session.work(&mut port).await;
                why
            }
        };
        if port.clock.now().since(started) > RETRY_MAX {
            pause = RETRY_MIN;
        }
        port.tell(Event::Lost(why.clone())).await;
        port.pause(pause, &why).await;
        pause = (pause * 2).min(RETRY_MAX);
    }
}

/// A service at a unit.
struct Service {
    class: &'static str,
    unit: u8,
    name: Arc<str>,
    blocks: Vec<Block>,
    due: Duration,
    failures: u32,
    is_told: bool,
}

struct Session {
    stream: TcpStream,
    number: u16,
    interval: Duration,
    services: Vec<Service>,
    looked: Option<Duration>,
}

/// The connection is of no more use.
type Broken = String;

impl Session {
    async fn work(&mut self, port: &mut Port) -> Result<std::convert::Infallible, Broken> {
        let mut complete = false;
        loop {
            while let Some(request) = port.waiting_request() {
                refuse(request);
            }
            let now = port.clock.now().mono;
            if self.looked.is_none_or(|at| now.saturating_sub(at) >= LOOK_EVERY) {
                self.look_around(port).await?;
                self.looked = Some(now);
            }
            let due = self.services.iter().enumerate().map(|(index, service)| (service.due, index)).min();
            match due {
                Some((due, index)) if due <= now => self.read(index, port).await?,
                due => {
                    if !complete && !self.services.is_empty() {
                        complete = true;
                        port.tell(Event::Complete).await;
                    }
                    let wait = due.map_or(SLOWLY, |(due, _)| due.saturating_sub(now));
                    let deadline = port.clock.sleep(wait);
                    tokio::select! {
                        () = deadline => {}
                        request = port.request() => refuse(request),
                    }
                }
            }
        }
    }

    /// Looks for services that are not known yet.
    async fn look_around(&mut self, port: &mut Port) -> Result<(), Broken> {
        for class in CENTRAL {
            self.look_for(class, CENTRAL_UNIT, port).await?;
        }
        if self.services.is_empty() {
            return Err("no GX device: unit 100 has no system".to_owned());
        }
        for unit in units() {
            for class in OTHERS {
                self.look_for(class, unit, port).await?;
            }
            while let Some(request) = port.waiting_request() {
                refuse(request);
            }
        }
        Ok(())
    }

    async fn look_for(&mut self, class: &'static str, unit: u8, port: &Port) -> Result<(), Broken> {
        if self.services.iter().any(|service| service.class == class && service.unit == unit) {
            return Ok(());
        }
        let blocks = blocks(class);
        let Some(first) = blocks.first().and_then(|block| block.points.first()) else { return Ok(()) };
        let answer = self.ask(unit, first.register.number, first.register.kind.words(), port).await?;
        if matches!(answer, Reply::Registers(_)) {
            let name = Arc::from(format!("{PREFIX}{class}/{}", instance_of(unit)));
            self.services.push(Service {
                class,
                unit,
                name,
                blocks,
                due: Duration::ZERO,
                failures: 0,
                is_told: false,
            });
        }
        Ok(())
    }

    /// Reads all registers of a service.
    async fn read(&mut self, index: usize, port: &Port) -> Result<(), Broken> {
        let Some(service) = self.services.get_mut(index) else { return Ok(()) };
        let period = if QUICK.contains(&service.class) { self.interval } else { self.interval.max(SLOWLY) };
        service.due = port.clock.now().mono + period;
        let (unit, class, name) = (service.unit, service.class, Arc::clone(&service.name));
        let mut left = std::mem::take(&mut service.blocks);
        left.reverse();
        let (mut values, mut good, mut is_there) = (Values::new(), Vec::new(), false);
        while let Some(block) = left.pop() {
            match self.ask(unit, block.first, block.count, port).await? {
                Reply::Registers(registers) => {
                    block.decode(&registers, &mut values);
                    is_there = true;
                    good.push(block);
                }
                // An older firmware has fewer registers: the block is cut until what is left can be read.
                Reply::Exception(Exception::NoRegister) => {
                    left.extend(block.halves().into_iter().flatten().rev());
                }
                Reply::Exception(_) => good.push(block),
            }
        }
        let Some(service) = self.services.get_mut(index) else { return Ok(()) };
        service.blocks = good;
        service.failures = if is_there { 0 } else { service.failures + 1 };
        if is_there {
            service.is_told = true;
            let mut items = believable(class, &values);
            if class == "system" && !self.services.iter().any(|service| CHARGERS.contains(&service.class)) {
                // Without a charger its power is absent, not 0.
                items.retain(|told| &*told.path != "/Dc/Pv/Power" || told.value != Some(Scalar::Int(0)));
            }
            let instance = Told {
                path: Arc::from("/DeviceInstance"),
                value: Some(Scalar::Int(instance_of(unit))),
                text: None,
                limits: None,
            };
            items.push(instance);
            port.tell(Event::Up { service: name, items }).await;
        } else if service.failures >= GONE_AFTER && std::mem::take(&mut service.is_told) {
            // It is asked on: it comes back at the same unit.
            port.tell(Event::Gone { service: name }).await;
        }
        Ok(())
    }

    async fn ask(&mut self, unit: u8, first: u16, count: u16, port: &Port) -> Result<Reply, Broken> {
        self.number = self.number.wrapping_add(1);
        let question = Question { number: self.number, unit, first, count };
        match port.within(TIMEOUT, exchange(&mut self.stream, question)).await {
            None => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
            Some(reply) => reply,
        }
    }
}

/// One question and its answer; late answers to earlier ones are passed over.
async fn exchange(stream: &mut TcpStream, question: Question) -> Result<Reply, Broken> {
    let broke = |error: std::io::Error| format!("the connection broke: {error}");
    stream.write_all(&question.frame()).await.map_err(broke)?;
    loop {
        let mut bytes = [0; HEAD];
        stream.read_exact(&mut bytes).await.map_err(broke)?;
        let head = head(bytes).ok_or("the answer is no Modbus")?;
        let mut body = vec![0; head.body];
        stream.read_exact(&mut body).await.map_err(broke)?;
        if head.number == question.number && head.unit == question.unit {
            return question.reply(&body).ok_or_else(|| "the answer does not fit the question".to_owned());
        }
    }
}

fn refuse(request: Request) {
    request.fail(Failure::Unable("Modbus TCP is only read"));
}

/// Services by unit, for the evidence of a search.
#[cfg(test)]
pub(super) fn instances() -> BTreeMap<u8, i64> {
    units().map(|unit| (unit, instance_of(unit))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_stand_for_instances() {
        let instances = instances();
        for (unit, instance) in [
            (0, 0),
            (20, 20),
            (223, 277),
            (224, 278),
            (225, 512),
            (226, 279),
            (227, 276),
            (228, 275),
            (230, 273),
            (231, 295),
            (233, 293),
            (234, 296),
            (235, 292),
            (239, 288),
            (242, 261),
            (243, 260),
            (246, 257),
            (247, 256),
        ] {
            assert_eq!(instances.get(&unit), Some(&instance), "unit {unit}");
        }
        assert_eq!(units().count(), instances.len());
    }
}
