//! The house with its devices and their addresses, batteries and inverters: what both the sockets and the in-memory front end stand on.

mod inverters;

use crate::{
    house::{BatterySettings, House, HouseError, Settings, Truth},
    marstek::{Answer, Cast, Counters, Device, Mac, Profile, SwitchError, Switches},
};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A battery to be simulated.
#[derive(Debug, Clone)]
pub struct BatterySetup {
    /// How tests and the CLI call it.
    pub name: String,
    /// Its address; port 0 = any free one.
    pub listen: SocketAddr,
    /// Model and firmware.
    pub profile: Profile,
    /// Its faults at the start.
    pub switches: Switches,
    /// The phase it feeds: 0, 1, 2 = L1, L2, L3.
    pub phase: usize,
    /// Energy of full cells, Wh.
    pub capacity_wh: f64,
    /// Largest AC power, W: 800, 1200, 1500, 2200 or 2500.
    pub power_limit_w: f64,
    /// State of charge at the start, %.
    pub soc_pct: f64,
    /// Peak power of its own panels, W.
    pub pv_peak_w: Option<f64>,
    /// 12 hexadecimal digits, with or without colons.
    pub ble_mac: String,
}

impl BatterySetup {
    /// A healthy, half-full unit on L1 with the size of its model and a MAC made from its address.
    pub fn new(name: impl Into<String>, listen: SocketAddr, profile: Profile) -> Self {
        let solar = matches!(profile.name().get(..2), Some("va" | "vd"));
        let tail = match listen.ip() {
            IpAddr::V4(ip) => ip.octets(),
            IpAddr::V6(ip) => ip.octets().last_chunk().copied().unwrap_or_default(),
        };
        // The port tells units on one address apart.
        let port = listen.port().to_be_bytes();
        Self {
            name: name.into(),
            listen,
            profile,
            switches: Switches::default(),
            phase: 0,
            capacity_wh: if solar { 2_080.0 } else { 5_120.0 },
            power_limit_w: match profile.name().get(..2) {
                Some("va") => 1_200.0,
                Some("vd") => 2_200.0,
                Some("mi") => 800.0,
                _ => 2_500.0,
            },
            soc_pct: 50.0,
            pv_peak_w: solar.then_some(1_600.0),
            // 02 = locally administered: no real unit has it.
            ble_mac: format!("02{:02x}{:02x}{:02x}{:02x}{:02x}", tail[2], tail[3], port[0], port[1], tail[1]),
        }
    }
}

/// Why a plant cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The house or a battery is impossible.
    #[error(transparent)]
    House(#[from] HouseError),
    /// Two devices with one name.
    #[error("two simulated devices are called {name:?}; give each its own name")]
    Name {
        /// The name.
        name: String,
    },
    /// Two batteries at one address.
    #[error("{first:?} and {second:?} are both to listen on {address}; give each its own address or port")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Who had it.
        first: String,
        /// Who wants it too.
        second: String,
    },
    /// A MAC that is none.
    #[error("battery {name:?}: ble_mac {mac:?} is no MAC address; expected {expected}")]
    Mac {
        /// The battery.
        name: String,
        /// As given.
        mac: String,
        /// What would do.
        expected: String,
    },
    /// A parallel set of an impossible size.
    #[error("inverter {name:?}: a parallel set has 1 to 9 units, not {units}")]
    Units {
        /// The inverter.
        name: String,
        /// As given.
        units: u8,
    },
    /// A serial number that no unit has.
    #[error("inverter {name:?}: serial number {serial:?} is not possible; expected 1 to 20 digits")]
    Serial {
        /// The inverter.
        name: String,
        /// As given.
        serial: String,
    },
    /// A speed at which time does not pass.
    #[error(
        "speed {speed} is not possible; 1 is real time, 60 makes an hour a minute, the range is 0.001..100000"
    )]
    Speed {
        /// As given.
        speed: f64,
    },
}

/// Why something asked of one battery of a running plant did not happen.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// No battery has the name.
    #[error("no simulated battery is called {name:?}; there are {known}")]
    Unknown {
        /// As asked.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The switch's text is wrong.
    #[error("battery {name:?}")]
    Switch {
        /// The battery.
        name: String,
        /// Why.
        #[source]
        source: SwitchError,
    },
    /// No inverter has the name.
    #[error("no simulated inverter is called {name:?}; there are {known}")]
    UnknownInverter {
        /// As asked.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The text of an inverter's switch is wrong.
    #[error("inverter {name:?}")]
    InverterSwitch {
        /// The inverter.
        name: String,
        /// Why.
        #[source]
        source: crate::voltronic::SwitchError,
    },
}

/// A datagram on its way from the plant to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Delay in the house's time, ms.
    pub after_ms: u64,
    /// The sender.
    pub from: SocketAddr,
    /// The receiver.
    pub to: SocketAddr,
    /// The payload.
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
struct Unit {
    name: String,
    home: SocketAddr,
    device: Device,
}

impl Unit {
    /// Where the unit is now: at home, or where its switch moved it.
    fn address(&self) -> SocketAddr {
        self.device.switches.move_to.unwrap_or(self.home)
    }
}

/// The simulated site in memory, for tests in virtual time: no sockets, time is an argument.
#[derive(Debug)]
pub struct InMemory {
    house: House,
    units: Vec<Unit>,
    inverters: Vec<inverters::Inverter>,
    seed: u64,
}

impl InMemory {
    /// A house and its batteries.
    pub fn new(settings: Settings, batteries: Vec<BatterySetup>) -> Result<Self, SetupError> {
        let seed = settings.seed;
        let mut site = Self { house: House::new(settings)?, units: Vec::new(), inverters: Vec::new(), seed };
        site.install_all(batteries)?;
        Ok(site)
    }

    pub(crate) fn install_all(&mut self, batteries: Vec<BatterySetup>) -> Result<(), SetupError> {
        batteries.into_iter().try_for_each(|setup| self.install(setup))
    }

    fn install(&mut self, setup: BatterySetup) -> Result<(), SetupError> {
        let now_ms = self.house.now_ms();
        // Each unit has its own luck.
        let seed = self.seed.wrapping_add(self.units.len() as u64 * 7_919);
        if self.names().chain(self.inverter_names()).any(|name| name == setup.name) {
            return Err(SetupError::Name { name: setup.name });
        }
        let taken = self.units.iter().find(|unit| unit.home == setup.listen && setup.listen.port() != 0);
        if let Some(first) = taken {
            return Err(SetupError::Address {
                address: setup.listen,
                first: first.name.clone(),
                second: setup.name,
            });
        }
        let mac = Mac::parse(&setup.ble_mac).map_err(|expected| SetupError::Mac {
            name: setup.name.clone(),
            mac: setup.ble_mac.clone(),
            expected,
        })?;
        let battery = self.house.add_battery(BatterySettings {
            capacity_wh: setup.capacity_wh,
            power_limit_w: setup.power_limit_w,
            soc_pct: setup.soc_pct,
            pv_peak_w: setup.pv_peak_w,
            phase: setup.phase,
            ..BatterySettings::default()
        })?;
        let mut device = Device::new(setup.profile, setup.listen, mac, battery, seed, now_ms);
        device.switches = setup.switches;
        device.address = device.switches.move_to.unwrap_or(setup.listen);
        device.tick(now_ms, &mut self.house);
        self.units.push(Unit { name: setup.name, home: setup.listen, device });
        Ok(())
    }

    /// The house's present, Unix ms.
    pub fn now_ms(&self) -> i64 {
        self.house.now_ms()
    }

    /// Lets time pass: in steps of a second over minutes, in longer ones over hours and days.
    pub fn advance(&mut self, now_ms: i64) {
        while self.house.now_ms() < now_ms {
            let left_ms = now_ms - self.house.now_ms();
            // A fine step matters to whoever watches; a leap of days is taken by minutes.
            let step_ms = (left_ms / 60).clamp(1_000, 60_000).min(left_ms);
            for inverter in &self.inverters {
                inverter.command(&mut self.house);
            }
            self.house.step(self.house.now_ms() + step_ms);
            for inverter in &mut self.inverters {
                inverter.see(&self.house);
            }
            for unit in &mut self.units {
                unit.device.tick(self.house.now_ms(), &mut self.house);
            }
        }
    }

    /// A datagram from a client. To a broadcast address it reaches every unit with that port; to an address where no
    /// unit is, nothing answers.
    pub fn deliver(&mut self, now_ms: i64, from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> Vec<Delivery> {
        self.advance(now_ms);
        if is_broadcast(to.ip()) {
            return self.broadcast(now_ms, from, to.port(), bytes);
        }
        let Some(index) = self.units.iter().position(|unit| unit.address() == to) else { return Vec::new() };
        self.receive(index, now_ms, from, bytes, Cast::Unicast)
    }

    /// A datagram sent to all units with a port.
    pub(crate) fn broadcast(
        &mut self,
        now_ms: i64,
        from: SocketAddr,
        port: u16,
        bytes: &[u8],
    ) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for index in 0..self.units.len() {
            if self.units[index].address().port() == port {
                deliveries.extend(self.receive(index, now_ms, from, bytes, Cast::Broadcast));
            }
        }
        deliveries
    }

    /// A datagram to one unit, wherever it is.
    pub(crate) fn receive(
        &mut self,
        index: usize,
        now_ms: i64,
        from: SocketAddr,
        bytes: &[u8],
        cast: Cast,
    ) -> Vec<Delivery> {
        let unit = &mut self.units[index];
        let own = unit.address();
        unit.device.address = own;
        let answers = unit.device.receive_cast(now_ms, from, bytes, cast, &mut self.house);
        let delivery = |Answer { after_ms, forged_from, to, bytes }| Delivery {
            after_ms,
            from: forged_from.unwrap_or(own),
            to,
            bytes,
        };
        answers.into_iter().map(delivery).collect()
    }

    /// What is really going on.
    pub fn truth(&self) -> Truth {
        self.house.truth()
    }

    /// The house, to look at or to give orders to.
    pub fn house_mut(&mut self) -> &mut House {
        &mut self.house
    }

    /// The batteries' names in the order of [`Truth::batteries`].
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.units.iter().map(|unit| unit.name.as_str())
    }

    /// Where a battery is now.
    pub fn address(&self, name: &str) -> Result<SocketAddr, UnitError> {
        self.index(name).map(|index| self.units[index].address())
    }

    /// A battery's firmware.
    pub fn device(&self, name: &str) -> Result<&Device, UnitError> {
        self.index(name).map(|index| &self.units[index].device)
    }

    /// A battery's firmware, to change its switches or to pin its readings.
    pub fn device_mut(&mut self, name: &str) -> Result<&mut Device, UnitError> {
        self.index(name).map(|index| &mut self.units[index].device)
    }

    /// What happened on a battery's socket.
    pub fn counters(&self, name: &str) -> Result<Counters, UnitError> {
        self.device(name).map(|device| device.counters().clone())
    }

    /// Sets a switch of a battery from `name=value`.
    pub fn set_switch(&mut self, name: &str, text: &str) -> Result<(), UnitError> {
        let device = self.device_mut(name)?;
        device.switches.set(text).map_err(|source| UnitError::Switch { name: name.to_owned(), source })
    }

    /// Off and on again.
    pub fn reset(&mut self, name: &str) -> Result<(), UnitError> {
        let now_ms = self.house.now_ms();
        self.device_mut(name).map(|device| device.reset(now_ms))
    }

    pub(crate) fn index(&self, name: &str) -> Result<usize, UnitError> {
        self.units.iter().position(|unit| unit.name == name).ok_or_else(|| UnitError::Unknown {
            name: name.to_owned(),
            known: self.units.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.units.len()
    }

    pub(crate) fn name_at(&self, index: usize) -> &str {
        &self.units[index].name
    }

    pub(crate) fn address_at(&self, index: usize) -> SocketAddr {
        self.units[index].address()
    }

    pub(crate) fn is_open(&self, index: usize) -> bool {
        !self.units[index].device.switches.refuse
    }

    /// The address that the system gave for port 0.
    pub(crate) fn settle(&mut self, index: usize, bound: SocketAddr) {
        let unit = &mut self.units[index];
        match &mut unit.device.switches.move_to {
            Some(moved) => *moved = bound,
            None => unit.home = bound,
        }
        unit.device.address = bound;
    }
}

fn is_broadcast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip == Ipv4Addr::BROADCAST || ip == Ipv4Addr::new(127, 255, 255, 255) || ip.octets()[3] == 255
        }
        IpAddr::V6(_) => false,
    }
}
