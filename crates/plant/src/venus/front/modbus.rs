//! Modbus TCP (dbus-modbustcp): registers in place of paths.
//!
//! ```text
//!   transaction(2) 0(2) length(2) unit(1) function(1) ...        3, 4 read; 6, 16 write
//!   an invalid value reads as 0; exception 2: no such register, or a hole in the block; 10: no such device
//! ```

mod registers;

use crate::venus::{
    gx::{Gx, Reply},
    serve::Shared,
    tree::Service,
    value::{Kind, Value},
};
use registers::{Register, Shape, find};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Clients at a time.
const CLIENTS_MAX: usize = 32;
/// A client that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(600);
/// Unit and function, and the largest rest.
const FRAME_MAX: usize = 260;

/// Units that stand for device instances which do not fit into a byte, those of a Cerbo: the system, its three VE.Direct
/// ports, the BMS on the CAN bus, VE.Bus.
const ALIASES: [(u8, u32); 6] = [(100, 0), (223, 277), (224, 278), (225, 512), (226, 279), (227, 276)];

const ILLEGAL_FUNCTION: u8 = 1;
const ILLEGAL_ADDRESS: u8 = 2;
const ILLEGAL_VALUE: u8 = 3;
const NO_PATH: u8 = 10;

/// Serves every client in a task of its own.
pub(in crate::venus) fn start(
    shared: &Arc<Shared>,
    listener: TcpListener,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let (shared, stop, own) = (Arc::clone(shared), stop.clone(), tasks.clone());
    tasks.spawn(async move {
        let places = Arc::new(Semaphore::new(CLIENTS_MAX));
        while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            // Beyond the limit a client finds its connection closed.
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            own.spawn(async move {
                stop.run_until_cancelled(serve(&shared, stream)).await;
                drop(place);
            });
        }
    });
}

async fn serve(shared: &Shared, mut stream: TcpStream) {
    loop {
        let Ok(Ok(request)) = tokio::time::timeout(SILENCE, read(&mut stream)).await else { return };
        let slow_ms = shared.gx().slow_ms();
        let is_down = shared.gx().is_down();
        if is_down {
            return;
        }
        if let Some(ms) = slow_ms {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let (reply, wrote) = {
            let mut gx = shared.gx();
            let before = gx.tree().revision();
            let reply = reply(&mut gx, &request);
            (reply, gx.tree().revision() != before)
        };
        if wrote {
            shared.tell_all();
        }
        if stream.write_all(&reply).await.is_err() {
            return;
        }
    }
}

/// One frame; an error where the client is gone or speaks something else.
async fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; 6];
    stream.read_exact(&mut frame).await?;
    let length = usize::from(u16::from_be_bytes([frame[4], frame[5]]));
    if frame[2] != 0 || frame[3] != 0 || !(2..=FRAME_MAX - 6).contains(&length) {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    frame.resize(6 + length, 0);
    stream.read_exact(&mut frame[6..]).await?;
    Ok(frame)
}

/// The answer to a whole frame of at least 8 bytes.
fn reply(gx: &mut Gx, frame: &[u8]) -> Vec<u8> {
    let (unit, function, rest) = (frame[6], frame[7], &frame[8..]);
    if !matches!(function, 3 | 4) {
        gx.requests.modbus += 1;
    }
    let answer = match function {
        3 | 4 => read_registers(gx, unit, rest),
        6 => write_one(gx, unit, rest),
        16 => write_many(gx, unit, rest),
        _ => Err(ILLEGAL_FUNCTION),
    };
    let mut pdu = vec![unit];
    match answer {
        Ok(data) => {
            pdu.push(function);
            pdu.extend(data);
        }
        Err(exception) => pdu.extend([function | 0x80, exception]),
    }
    let mut bytes = frame[..4].to_vec();
    bytes.extend(u16::try_from(pdu.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend(pdu);
    bytes
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// The device instance of a unit.
fn instance(unit: u8) -> u32 {
    ALIASES.iter().find(|(alias, _)| *alias == unit).map_or(u32::from(unit), |(_, instance)| *instance)
}

/// The service that a register is about.
fn service(gx: &Gx, unit: u8, register: &Register) -> Result<usize, u8> {
    let instance = instance(unit);
    let fits = |service: &Service| {
        service.present && service.class == register.service && service.instance == instance
    };
    gx.tree().services().iter().position(fits).ok_or(NO_PATH)
}

fn read_registers(gx: &Gx, unit: u8, rest: &[u8]) -> Result<Vec<u8>, u8> {
    let (Some(first), Some(count)) = (word(rest, 0), word(rest, 2)) else { return Err(ILLEGAL_VALUE) };
    if !(1..=125).contains(&count) || usize::from(first) + usize::from(count) > 65_536 {
        return Err(ILLEGAL_VALUE);
    }
    let mut words = Vec::new();
    while words.len() < usize::from(count) {
        let at = first + u16::try_from(words.len()).unwrap_or(u16::MAX);
        let register = find(at).filter(|register| register.address == at).ok_or(ILLEGAL_ADDRESS)?;
        let index = service(gx, unit, register)?;
        if register.shape == Shape::Reserved {
            words.push(0xFFFF);
            continue;
        }
        let value =
            gx.tree().services()[index].item(register.path).map_or(&Value::Invalid, |item| item.value());
        words.extend(register.encode(value));
    }
    if words.len() > usize::from(count) {
        // The block ends in the middle of a value.
        return Err(ILLEGAL_ADDRESS);
    }
    let mut data = vec![u8::try_from(words.len() * 2).map_err(|_| ILLEGAL_VALUE)?];
    data.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    Ok(data)
}

fn write_one(gx: &mut Gx, unit: u8, rest: &[u8]) -> Result<Vec<u8>, u8> {
    let (Some(address), Some(value)) = (word(rest, 0), word(rest, 2)) else { return Err(ILLEGAL_VALUE) };
    write(gx, unit, address, &[value])?;
    Ok(rest[..4].to_vec())
}

fn write_many(gx: &mut Gx, unit: u8, rest: &[u8]) -> Result<Vec<u8>, u8> {
    let (Some(first), Some(count)) = (word(rest, 0), word(rest, 2)) else { return Err(ILLEGAL_VALUE) };
    let values: Vec<u16> = (0..usize::from(count)).map_while(|at| word(rest, 5 + at * 2)).collect();
    let is_whole = rest.get(4).is_some_and(|bytes| usize::from(*bytes) == usize::from(count) * 2);
    if !(1..=123).contains(&count) || !is_whole || values.len() != usize::from(count) {
        return Err(ILLEGAL_VALUE);
    }
    write(gx, unit, first, &values)?;
    Ok(rest[..4].to_vec())
}

/// All or nothing as far as registers go: what they are is checked before the first is written. What the owner then
/// thinks of a value is told by exception 3 (the real one's choice is not known).
fn write(gx: &mut Gx, unit: u8, first: u16, values: &[u16]) -> Result<(), u8> {
    let mut orders = Vec::new();
    let mut at = 0;
    while at < values.len() {
        let address = u16::try_from(at).ok().and_then(|at| first.checked_add(at)).ok_or(ILLEGAL_ADDRESS)?;
        let register = find(address).filter(|register| register.address == address).ok_or(ILLEGAL_ADDRESS)?;
        let words = values.get(at..at + register.len()).ok_or(ILLEGAL_ADDRESS)?;
        let index = service(gx, unit, register)?;
        let item = gx.tree().services()[index].item(register.path);
        if !register.is_writable || item.is_none() {
            return Err(ILLEGAL_ADDRESS);
        }
        let kind = item.map_or(Kind::F64, |item| item.kind);
        orders.push((index, register.path, register.decode(words, kind)));
        at += register.len();
    }
    for (index, path, value) in orders {
        match gx.write_at(index, path, &value) {
            Reply::Taken => {}
            Reply::ReadOnly | Reply::NoPath => return Err(ILLEGAL_ADDRESS),
            Reply::NoService => return Err(NO_PATH),
            Reply::Rejected | Reply::OutOfRange => return Err(ILLEGAL_VALUE),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
