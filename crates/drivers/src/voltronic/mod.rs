//! Voltronic inverters (Axpert, MPP Solar, EASUN, Kodak and many more) over USB HID 0665:5161 or a serial line.
//!
//! ```text
//!               schedule (what is due)            table, families (what is asked, what its answer looks like)
//!                    |                                  |
//! inverter --asks--> link --a question, its answer--> decode (units, signs) --> readings
//!    |                |
//!    |                frame (checksum, noise, padding), transports (USB HID, serial line, packets)
//!    +-- presence (does it answer? what is tried), finder (at which port)
//!    +-- identify (an inverter at all? which one?), notices (what is wrong?)
//!    +-- setters (the one table of what may be written)
//! ```
//!
//! States: *not asked yet* -> looking for a port -> recognising who is there -> *online*; *offline* after three failures in
//! a row, with one rung of the ladder in [`presence`] for each. Whoever is not proven to be an inverter is asked nothing but
//! its kind: UPSs have the same USB number, and on them other letters switch the output off.

mod crc;
mod decode;
mod discover;
mod doctor;
mod energy;
mod explain;
mod families;
mod faults;
mod finder;
mod flags;
mod frame;
mod identify;
mod inverter;
mod link;
mod memory;
mod native;
mod notices;
mod parallel;
mod presence;
mod schedule;
mod setters;
mod settings;
mod table;

pub use discover::{discover, paths};
pub use doctor::{Finding, diagnose, udev_rule};
pub use explain::{ExplainError, Explained, explain, question_bytes};
pub use families::Family;
pub use inverter::Inverter;
pub use settings::{FamilySetting, ParallelSetting, PortPath, Settings, WriteClass};

use crate::Driver;

/// The driver.
pub const DRIVER: Driver = Driver {
    name: "voltronic",
    about: "Voltronic (Axpert, MPP Solar) inverters over USB or a serial line",
    metrics: &[],
    native: native::NATIVE,
};
