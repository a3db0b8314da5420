//! Modbus TCP of a GX device: only read, and only what has a register.
//!
//! ```text
//! connect --> which services answer at the likely units? --> their registers, block by block, at every turn
//!                                                                   ^             |
//!                                                                   +-- one unit more, every second
//! ```
//!
//! A unit number stands for a device instance, by a table of Victron's, or is the instance; what has the instance 0 (system,
//! settings, hub4) is at unit 100. The texts of the device (names, models) are mostly not to be had in this way, nor are overrides seen to be absent.

mod frame;
mod map;
mod units;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Event, Failure, Pace, Port, Request, naming};
use crate::victron::settings::Modbus;
use crate::victron::tree::Told;
use crate::victron::value::Scalar;
use frame::{Exception, HEAD, Question, Reply, head};
use map::{Block, Values, believable, blocks};
use units::{CENTRAL, Units};

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The pauses after a failure.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Failures of a service in a row after which it counts as gone.
const GONE_AFTER: u32 = 2;
/// How often one that is gone is asked for.
const BACK: Duration = Duration::from_secs(10);

/// What is at unit 100 only.
const SINGLE: &[&str] = &["system", "settings", "hub4"];
/// What is looked for at every unit.
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
/// What gives `/Dc/Pv/Power`.
const CHARGERS: &[&str] = &["solarcharger", "multi", "inverter"];

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
pub(crate) async fn run(settings: Modbus, interval: Duration, mut port: Port) {
    let server = &settings.server;
    let mut pause = RETRY_MIN;
    loop {
        let started = port.clock.now();
        let stream = port.within(TIMEOUT, TcpStream::connect((server.host.as_str(), server.port))).await;
        let why = match stream {
            None => "nobody takes the connection".to_owned(),
            Some(Err(error)) => format!("cannot connect: {error}"),
            Some(Ok(stream)) => {
                let units = Units::new(&settings.units);
                let mut session = Session { stream, number: 0, interval, services: Vec::new(), units };
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
    units: Units,
}

/// The connection is of no more use.
type Broken = String;

impl Session {
    async fn work(&mut self, port: &mut Port) -> Result<std::convert::Infallible, Broken> {
        self.look_around(port).await?;
        let mut look_at = port.clock.now().mono + self.units.step();
        let mut complete = false;
        loop {
            while let Some(request) = port.waiting_request() {
                refuse(request);
            }
            let now = port.clock.now().mono;
            if look_at <= now {
                look_at = now + self.units.step();
                self.look_further(port).await?;
            }
            let due = self.services.iter().enumerate().map(|(index, service)| (service.due, index)).min();
            if let Some((_, index)) = due.filter(|(due, _)| *due <= now) {
                self.read(index, port).await?;
            } else {
                let due = due.map_or(look_at, |(due, _)| due.min(look_at));
                let deadline = port.clock.sleep(due.saturating_sub(now));
                tokio::select! {
                    () = deadline => {}
                    request = port.request() => refuse(request),
                }
            }
            if !complete && self.services.iter().all(|service| !service.due.is_zero()) {
                complete = true;
                port.tell(Event::Complete).await;
            }
        }
    }

    /// Looks for services where they are likely.
    async fn look_around(&mut self, port: &mut Port) -> Result<(), Broken> {
        for class in SINGLE {
            self.look_for(class, CENTRAL, port).await?;
        }
        if self.services.is_empty() {
            return Err("no GX device: unit 100 has no system".to_owned());
        }
        for unit in self.units.first() {
            self.look_at(unit, port).await?;
            while let Some(request) = port.waiting_request() {
                refuse(request);
            }
        }
        Ok(())
    }

    /// Looks for services that are not known yet at one unit more.
    async fn look_further(&mut self, port: &Port) -> Result<(), Broken> {
        let Some(unit) = self.units.next() else { return Ok(()) };
        if unit == CENTRAL {
            for class in SINGLE {
                self.look_for(class, CENTRAL, port).await?;
            }
        }
        self.look_at(unit, port).await
    }

    async fn look_at(&mut self, unit: u8, port: &Port) -> Result<(), Broken> {
        for class in OTHERS {
            self.look_for(class, unit, port).await?;
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
            let name = Arc::from(naming::service(class, &instance_of(unit).to_string()));
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
        let period = Pace::of(service.class).period(self.interval);
        let is_gone = service.failures >= GONE_AFTER;
        service.due = port.clock.now().mono + if is_gone { period.max(BACK) } else { period };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_stand_for_instances() {
        for (unit, instance) in [
            (100, 0),
            (20, 20),
            (61, 61),
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
            assert_eq!(instance_of(unit), instance, "unit {unit}");
        }
        let instances: std::collections::BTreeSet<_> = (1..=247).map(instance_of).collect();
        assert_eq!(instances.len(), 247, "no two units stand for one instance");
    }
}
