//! What a firmware decides to say, before it becomes bytes.

use super::{
    crc,
    eeprom::Eeprom,
    energy::Ledger,
    nameplate::Nameplate,
    profile::{Family, Model},
    reading::Reading,
    switches::{CrcZero, Switches, Terminator},
};
use crate::house::InverterTruth;
use jiff::civil::DateTime;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The payload: `(` and check, or `^D`, length and check, are put around it.
    Data(String),
    /// The payload of a REVO's answer with a one-byte check and LF.
    Summed(String),
    /// A UPS's line: nothing is added but the end.
    Line(Vec<u8>),
    /// Accepted.
    Ack,
    /// Not understood, or not allowed.
    Nak,
    /// Nothing.
    Silence,
}

/// What a setter brings about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Other settings.
    Settings(Box<Eeprom>),
    /// Another time.
    Clock(DateTime),
    /// Energy counters at zero.
    ClearEnergy,
    /// Nothing that could be seen.
    Nothing,
}

/// Everything that a query may look at.
pub(crate) struct View<'a> {
    pub(crate) model: &'a Model,
    pub(crate) plate: &'a Nameplate,
    pub(crate) eeprom: &'a Eeprom,
    pub(crate) reading: &'a Reading,
    pub(crate) switches: &'a Switches,
    pub(crate) ledger: &'a Ledger,
    pub(crate) truth: &'a InverterTruth,
    /// Fourteen digits.
    pub(crate) time: String,
    pub(crate) config_changed: bool,
}

impl View<'_> {
    /// Powers with five digits.
    pub(crate) fn watt_digits(&self) -> usize {
        if self.model.wide || self.switches.wide_watts { 5 } else { 4 }
    }
}

/// The frame of an answer, and how many bytes end it.
pub(crate) fn frame(reply: &Reply, family: Family, switches: &Switches) -> Option<(Vec<u8>, usize)> {
    let caret = matches!(family, Family::Pi18 | Family::Pi17);
    let end: &[u8] = match switches.terminator {
        Terminator::Cr => b"\r",
        Terminator::Lf => b"\n",
        Terminator::CrLf => b"\r\n",
    };
    let bare = |bytes: &[u8], end: &[u8]| Some(([bytes, end].concat(), end.len()));
    let body = match reply {
        Reply::Silence => return None,
        Reply::Line(bytes) => return bare(bytes, b"\r"),
        Reply::Summed(text) => {
            let body = format!("({text}").into_bytes();
            return bare(&[&body[..], &[crc::sum(&body)]].concat(), b"\n");
        }
        Reply::Nak if switches.nak_no_crc && !caret => return bare(b"(NAK", end),
        Reply::Data(text) if caret => format!("^D{:03}{text}", text.len() + 3),
        Reply::Ack if caret => "^1".to_owned(),
        Reply::Nak if caret => "^0".to_owned(),
        Reply::Data(text) => format!("({text}"),
        Reply::Ack => "(ACK".to_owned(),
        Reply::Nak => "(NAK".to_owned(),
    };
    let check = match switches.crc_zero {
        CrcZero::Classic => crc::classic(body.as_bytes()),
        CrcZero::Escaped => crc::escaped(body.as_bytes()),
    };
    bare(&[body.as_bytes(), &check].concat(), end)
}
