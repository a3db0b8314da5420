//! A Voltronic (Axpert) inverter's firmware as a state machine without I/O: bytes in, delayed reports out.
//!
//! ```text
//!   client --reports of 8, or a serial line--> [ Unit ] --2400 baud: 33 ms per 8 bytes--> client
//!   command   QPIGS B7 A9 0D                           answer  (227.2 50.0 ... 010 F1 8C 0D 00 00
//!   command   ^P005GS 58 14 0D   (PI18)                answer  ^D106...  5C E8 0D
//!
//!   [ Boot ] --boot-s--> [ Up ] --wedge-after--> [ Wedged ] --port reset: 1.5 s without a node--> [ Boot ]
//!                          +----cut, renumber-every: some seconds without a node----^
//! ```
//!
//! What differs between units stands in [`Profile`]; what a unit or its cable does wrong, in [`Switches`]; what it keeps,
//! in [`Eeprom`]. The power stage behind it is an inverter of the [house](crate::house).

mod counters;
mod crc;
mod eeprom;
mod energy;
mod firmware;
pub(crate) mod front;
mod inbox;
mod nameplate;
mod outbox;
mod pi17;
mod pi18;
mod pi30;
mod plug;
mod port;
mod profile;
mod reading;
mod reply;
mod revo;
mod setup;
mod spoil;
mod strangers;
mod switches;
mod unit;

pub use counters::Counters;
pub use eeprom::{Eeprom, Equalisation};
pub use energy::{Energy, Ledger};
pub use front::{Bridge, Front};
pub use nameplate::Nameplate;
pub use port::Port;
pub use profile::{Profile, UnknownProfile};
pub use reading::{Leg, Mode, Reading, Tracker};
pub use setup::{InverterSetup, UNITS_MAX};
pub use switches::{CrcZero, Late, SWITCHES, Stranger, Switch, SwitchError, Switches, Terminator};
pub use unit::{Note, Unit, UnitTruth};
