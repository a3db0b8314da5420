//! What happens to a reply on its way: wrong values, spoilt bytes, delays, losses, duplicates, forgeries.

use super::{
    Answer, Device, Drop, Garbage, Malformed, Switches, check,
    reply::Reply,
    request::RequestId,
    wire::{Fields, Json, datagram},
};
use crate::house::normal;
use std::net::SocketAddr;

/// A healthy unit answers after about this time: 97 to 145 ms in users' logs.
const LATENCY_MS: u64 = 110;
const JITTER_MS: u64 = 15;
/// Beyond the patience of every known client.
const LATE_MS: u64 = 20_000;
/// How often a firmware that is known for it sends a reply twice, %.
const PROFILE_DUPLICATE_PCT: f64 = 5.0;

impl Device {
    /// Puts a reply on the wire.
    pub(super) fn dispatch(
        &mut self,
        now_ms: i64,
        to: SocketAddr,
        id: RequestId,
        reply: Reply,
    ) -> Result<Vec<Answer>, Drop> {
        let (name, body, id) = match reply {
            Reply::Result(mut fields) => {
                self.distort(&mut fields);
                ("result", fields, id)
            }
            Reply::Error { error, id_lost } => {
                ("error", error, if id_lost { RequestId::Number(0) } else { id })
            }
        };
        let after_ms = self.delay_ms();
        self.last_answer_ms = Some(now_ms.saturating_add_unsigned(after_ms));
        check(!self.reply_doomed, Drop::ReplyLost)?;
        let mut answers = Vec::with_capacity(3);
        if let Some(forger) = self.switches.spoof {
            let bytes = datagram(&self.envelope(id.clone(), name, forge(&body)));
            answers.push(Answer { after_ms: after_ms / 2, forged_from: Some(forger), to, bytes });
        }
        let bytes = datagram(&self.envelope(id, name, body));
        let answer = Answer { after_ms, forged_from: None, to, bytes: self.spoil(bytes) };
        answers.push(answer.clone());
        let twice = if self.profile().duplicates() { PROFILE_DUPLICATE_PCT } else { 0.0 };
        if self.happens(self.switches.duplicate_pct.max(twice)) {
            answers.push(Answer { after_ms: after_ms + 3, ..answer });
        }
        let own = answers.iter().filter(|answer| answer.forged_from.is_none()).count();
        self.counters.replies += own as u64;
        Ok(answers)
    }

    fn envelope(&self, id: RequestId, name: &'static str, body: Fields) -> Fields {
        let face = self.face();
        let src = face.src.unwrap_or_else(|| format!("{}-{}", face.device, face.ble_mac));
        let id = match id {
            RequestId::Number(number) => Json::Int(i64::from(number)),
            RequestId::Text(text) => Json::Text(text),
        };
        vec![("id", id), ("src", Json::Text(src)), (name, Json::Object(body))]
    }

    /// Wrong values in a result.
    fn distort(&mut self, fields: &mut Fields) {
        let dip = self.happens(self.switches.counter_dip_pct);
        let soc_zero = self.happens(self.switches.soc_zero_pct);
        let garbage = self.switches.garbage;
        let garbage = garbage.filter(|garbage| self.happens(garbage.pct)).map(|garbage| garbage.what);
        let switches = &self.switches;
        fields.retain(|(name, _)| !switches.omit.iter().any(|left_out| left_out == name));
        for (name, value) in fields.iter_mut().filter(|(name, _)| *name != "id") {
            let mut factor = wrong_unit(switches, name);
            if dip && (name.starts_with("total_") && name.ends_with("_energy") || is_meter_counter(name)) {
                factor *= 0.9;
            }
            if soc_zero && matches!(*name, "soc" | "bat_soc") {
                factor = 0.0;
            }
            scale(value, factor);
            if let Some(garbage) = garbage {
                soil(value, garbage);
            }
        }
    }

    fn spoil(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let malformed = self.switches.malformed;
        match malformed.filter(|malformed| self.happens(malformed.pct)).map(|malformed| malformed.what) {
            None => {}
            Some(Malformed::Truncated) => bytes.truncate(bytes.len() * 2 / 3),
            Some(Malformed::Oversized) => bytes.resize(60_000, b' '),
            Some(Malformed::NonUtf8) => {
                let middle = bytes.len() / 2;
                bytes[middle..].fill(0xff);
            }
            Some(Malformed::Empty) => bytes.clear(),
            Some(Malformed::NotJson) => bytes = b"HM-TCP ready\r\n".to_vec(),
        }
        bytes
    }

    fn delay_ms(&mut self) -> u64 {
        let late = self.happens(self.switches.late_pct);
        let median_ms = self.switches.latency_ms.unwrap_or(LATENCY_MS);
        let jitter_ms = self.switches.jitter_ms.unwrap_or(JITTER_MS.min(median_ms / 4));
        let base_ms = if late { self.switches.late_ms.unwrap_or(LATE_MS) } else { median_ms };
        let wanted_ms = base_ms as f64 + jitter_ms as f64 * normal(&mut self.rng);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast from float saturates at 0"
        )]
        let delay_ms = wanted_ms.max(base_ms as f64 / 3.0).round() as u64;
        delay_ms
    }
}

fn is_meter_counter(name: &str) -> bool {
    matches!(name, "input_energy" | "output_energy")
}

fn wrong_unit(switches: &Switches, name: &str) -> f64 {
    switches.wrong_unit.iter().filter(|wrong| wrong.field == name).map(|wrong| wrong.factor).product()
}

fn scale(value: &mut Json, factor: f64) {
    if (factor - 1.0).abs() < f64::EPSILON {
        return;
    }
    match value {
        Json::Int(number) => *value = Json::int(*number as f64 * factor),
        Json::Tenths(number) => *value = Json::tenths(*number as f64 * factor),
        _ => {}
    }
}

fn soil(value: &mut Json, garbage: Garbage) {
    if !matches!(value, Json::Int(_) | Json::Tenths(_)) {
        return;
    }
    *value = match garbage {
        Garbage::Strings => {
            let mut text = String::new();
            value.print(&mut text, 0);
            Json::Text(text)
        }
        Garbage::Nulls => Json::Null,
        Garbage::Nan => Json::Raw("nan"),
        Garbage::Huge => Json::Raw("1e999"),
    };
}

/// The same reply with numbers nobody should believe: an empty battery that gives 9 kW.
fn forge(body: &Fields) -> Fields {
    let lie = |(name, value): &(&'static str, Json)| {
        let lie = match *name {
            "soc" | "bat_soc" => Json::Int(1),
            "ongrid_power" => Json::Int(9_000),
            _ => value.clone(),
        };
        (*name, lie)
    };
    body.iter().map(lie).collect()
}
