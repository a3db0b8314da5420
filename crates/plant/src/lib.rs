//! The simulated house, its batteries and inverters: the real wire protocol on real sockets, or in memory for tests in virtual time.
//!
//! ```text
//!   house    physics: loads, sun, clouds, grid meter, batteries. Deterministic by seed, no I/O, no clock
//!   marstek  the battery's firmware: a datagram in, delayed datagrams out, with all its bad habits as switches
//!   voltronic  the inverter's firmware: bytes in, reports out at 2400 baud, likewise with its bad habits
//!   venus    a Victron GX device with its services, and the ESS behind it, in steps of a second
//!   site     house + devices + addresses = `InMemory`, for tests that run a day in a second
//!   tempo    a stand-in for the service that tells the colours of the Tempo tariff
//!   open_meteo  a stand-in for the service that foretells the weather above the house
//!   serve    the same on UDP sockets = `Plant`, for real clients
//! ```
//!
//! Nothing here knows the product's own drivers: a simulator that shared their assumptions would prove nothing.

pub mod house;
mod http;
pub mod marstek;
pub mod open_meteo;
mod serve;
mod site;
pub mod tempo;

pub mod venus;
pub mod voltronic;

pub use house::{BatteryTruth, House, InverterTruth, Settings, Truth};
pub use marstek::{Counters, Profile, SWITCHES, Switches};
pub use serve::{ChangeError, Plant, PlantHandle, StartError};
pub use site::{BatterySetup, Delivery, InMemory, SetupError, UnitError};
pub use voltronic::{InverterSetup, Port};
