//! The contract between a driver and the program that runs it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{
    BatteryMode, Clock, DeviceId, DeviceInfo, Evidence, Metric, Moment, NativeView, Notice, Reading, Value,
    Wish,
};
use ohmstead_units::{BatteryPower, Timespan};

use crate::{marstek, victron, voltronic};

/// A boxed future that borrows the device.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a driver is, independent of any configured device.
#[derive(Debug, Clone, Copy)]
pub struct Driver {
    /// Name in the configuration and in addresses: `marstek` as in `marstek://192.0.2.7:30000`.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// The core metrics that some device of the family reports.
    pub metrics: &'static [Metric],
    /// The metrics of the family's own, beyond the core catalogue.
    pub native: &'static [Metric],
}

/// The settings of one device, by driver: the externally tagged shape `garage: { marstek: { host: ... } }`.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceSettings {
    /// A Marstek battery with the local API.
    Marstek(marstek::Settings),
    /// A Victron GX device with everything that is connected to it.
    Victron(victron::Settings),
    /// A Voltronic (Axpert, MPP Solar) inverter over USB or a serial line.
    Voltronic(voltronic::Settings),
}

impl DeviceSettings {
    /// The settings that an address such as `marstek://192.0.2.7:30000` stands for.
    pub fn from_address(address: &str) -> Result<Self, OpenError> {
        if let Some(settings) = victron::Settings::from_address(address) {
            return settings.map(Self::Victron);
        }
        let (scheme, rest) = address.split_once("://").ok_or_else(|| OpenError::bad_address(address))?;
        match scheme {
            "marstek" => marstek::Settings::from_authority(rest).map(Self::Marstek),
            "voltronic" => voltronic::Settings::from_address(rest).map(Self::Voltronic),
            _ => Err(OpenError::bad_address(address)),
        }
    }

    /// The driver's name.
    pub fn driver(&self) -> &'static str {
        match self {
            Self::Marstek(_) => marstek::DRIVER.name,
            Self::Victron(_) => victron::DRIVER.name,
            Self::Voltronic(_) => voltronic::DRIVER.name,
        }
    }

    /// The name for people, where one is configured.
    pub fn title(&self) -> Option<&str> {
        match self {
            Self::Marstek(settings) => settings.name.as_deref(),
            Self::Victron(settings) => settings.name.as_deref(),
            Self::Voltronic(settings) => settings.name.as_deref(),
        }
    }

    /// Where the device is, as the owner wrote it.
    pub fn address(&self) -> String {
        match self {
            Self::Marstek(settings) => settings.host.clone(),
            Self::Victron(settings) => settings.address(),
            Self::Voltronic(settings) => settings.path.to_string(),
        }
    }

    /// Where the device is, written the same way for one place however the owner wrote it: two devices with one place are
    /// one device configured twice. `None` where the settings do not tell (`path: auto`).
    pub fn place(&self) -> Option<String> {
        match self {
            Self::Marstek(settings) => Some(settings.place()),
            Self::Victron(settings) => Some(settings.address()),
            Self::Voltronic(settings) => settings.place(),
        }
    }

    /// The key of the configuration that says where the device is.
    pub fn place_key(&self) -> &'static str {
        match self {
            Self::Marstek(_) => "host",
            Self::Victron(settings) => settings.place_key(),
            Self::Voltronic(_) => "path",
        }
    }

    /// Whether this device alone is read-only, whatever the installation says; `None` follows the installation.
    pub fn read_only(&self) -> Option<bool> {
        match self {
            Self::Marstek(settings) => settings.read_only,
            Self::Victron(settings) => settings.read_only,
            Self::Voltronic(settings) => settings.read_only,
        }
    }

    /// Makes the device. Nothing is sent yet, and an absent device is no error.
    pub fn open(&self, id: DeviceId, context: Context) -> Result<Box<dyn Device>, OpenError> {
        match self {
            Self::Marstek(settings) => Ok(Box::new(marstek::Battery::open(id, settings.clone(), context)?)),
            Self::Victron(settings) => Ok(Box::new(victron::Gx::open(id, settings.clone(), context)?)),
            Self::Voltronic(settings) => {
                Ok(Box::new(voltronic::Inverter::open(id, settings.clone(), context)?))
            }
        }
    }
}

/// What a device is given by the program that runs it.
#[derive(Clone)]
pub struct Context {
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// Where readings and changes go.
    pub reporter: Arc<dyn Reporter>,
    /// Seed for jitter, so that a test can repeat a run.
    pub seed: u64,
    /// What [`Device::memory`] returned before the last stop, if anything.
    pub memory: Option<String>,
}

/// Takes what a driver reports. Never blocks.
pub trait Reporter: Send + Sync {
    /// Takes one report.
    fn report(&self, report: Report);
}

/// Something a driver has learned.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is rare: a description changes a few times in a unit's life"
)]
pub enum Report {
    /// New values.
    Reading(Reading),
    /// The description of the device changed.
    Info(DeviceInfo),
    /// Whether the device answers, when that changed.
    Online(DeviceId, bool, Moment),
    /// The device answered something, whatever it was.
    Answered(DeviceId, Moment),
    /// The complete list of what is the case with the device, when it changed.
    Notices(DeviceId, Vec<Notice>),
    /// What the driver knows about the device and from what, complete, when it changed. Not for values that change with
    /// every poll.
    Evidence(DeviceId, Vec<Evidence>),
    /// Where the device's own vocabulary can be looked up, once there is one.
    Native(DeviceId, NativeView),
}

/// A device that one task owns.
pub trait Device: Send {
    /// What is known about the device at present.
    fn info(&self) -> DeviceInfo;

    /// How long until [`Device::poll`] has something to do; zero if at once.
    fn due_in(&self) -> Duration;

    /// Does the one exchange that is due, and reports what came of it. Short: a request can be served between two.
    fn poll(&mut self) -> BoxFuture<'_, ()>;

    /// For a device that speaks by itself: ends as soon as [`Device::poll`] has something to do, which may be long before
    /// [`Device::due_in`] says. Cancel-safe: what came stays for the poll. `None`: only time passes.
    fn wait(&mut self) -> Option<BoxFuture<'_, ()>> {
        None
    }

    /// The exact writes that `wish` needs on this device, without sending anything. `dead_man` is after how long the
    /// device is to end a mode by itself unless it is written again; a device without such a timer does not mind, and
    /// [`Plan::lasts`] says what it has.
    fn plan(&self, wish: &Wish, dead_man: Option<Timespan>) -> Result<Plan, PlanError>;

    /// Sends the writes of a plan, in order, and stops at the first refusal.
    fn write<'a>(&'a mut self, plan: &'a Plan) -> BoxFuture<'a, Result<WriteReply, DeviceError>>;

    /// Reads back from the device, now, what `wish` is about: its mode and power, or the setting.
    fn read_back<'a>(&'a mut self, wish: &'a Wish) -> BoxFuture<'a, Result<ModeNow, DeviceError>>;

    /// The wish that makes the device what it was, where `native` is what [`Device::read_back`] told of `wish` then. Its
    /// own automatic, unless the device has a better way back.
    fn way_back(&self, _wish: &Wish, _native: &str) -> Wish {
        BatteryMode::Auto.into()
    }

    /// Whether the mode lives beside the other modes: they do not undo it, so it has a way back of its own.
    fn is_apart(&self, _mode: &BatteryMode) -> bool {
        false
    }

    /// What the driver has learned about this unit and wants back after a restart.
    fn memory(&self) -> Option<String>;

    /// Whether that is to be kept before the next poll, whenever it was kept last: after a crash the driver has to know
    /// what it was about to do.
    fn must_remember(&self) -> bool {
        false
    }
}

/// The writes for one wish.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The payloads as they go out, in order; text so that the ledger and a dry run can show them.
    pub writes: Vec<String>,
    /// What a read back shows once the device does as asked, in the device's own words (case-insensitive).
    pub expect_word: String,
    /// Whether that word says everything: what reads so already needs no write. Not so where a power, a schedule or a
    /// timer hides behind the word.
    pub word_is_all: bool,
    /// The power that a meter will show, where the mode implies one.
    pub expect_power: Option<BatteryPower>,
    /// How long the device takes until a read-back means something.
    pub settle: Duration,
    /// How long until a measurement must show the effect.
    pub effect_within: Duration,
    /// After how long the device ends by itself what is written; `None` where it stays until something else is written.
    pub lasts: Option<Duration>,
    /// How often to plan it anew while it is wanted, where the writes follow from what flows in the house at that moment.
    pub follow_every: Option<Duration>,
    /// What the writes wear out in the device, if anything.
    pub wear: Option<Wear>,
}

/// Memory in the device that bears a limited number of writes. The actuator keeps to it, over restarts too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wear {
    /// What is written: the setting's name, the same for every wish that writes it.
    pub part: String,
    /// The least time between two writes.
    pub interval: Duration,
    /// The most writes in 24 hours.
    pub per_day: u32,
    /// Whether a wish that comes too soon still makes sense when its time has come.
    pub may_wait: bool,
}

/// The mode and power as read from the device.
#[derive(Debug, Clone, PartialEq)]
pub struct ModeNow {
    /// The device's own word for its mode, or for the setting that was asked about.
    pub native: String,
    /// The battery's power, if the same answer or the last one tells it.
    pub power: Option<BatteryPower>,
    /// The state of charge in percent, if known.
    pub soc: Option<f64>,
}

/// What the device answered to the writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteReply {
    /// The raw answers, for the ledger.
    pub reply: String,
    /// Whether the device said yes to all of them. A yes proves nothing, and neither does a no.
    pub accepted: bool,
    /// How often the write that needed most tries was sent.
    pub tries: u32,
}

/// A mode that cannot be expressed on the device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PlanError {
    /// What is in the way and what can be done instead.
    pub reason: String,
}

/// A device that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address has no known form.
    #[error(
        "{address:?} is no device address: expected one such as marstek://192.0.2.7:30000, victron+http://192.0.2.9:8088 or voltronic:///dev/hidraw0"
    )]
    BadAddress {
        /// What was given.
        address: String,
    },
    /// A local socket could not be made.
    #[error("cannot open a socket for {address}")]
    Socket {
        /// The device's address.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl OpenError {
    pub(crate) fn bad_address(address: &str) -> Self {
        Self::BadAddress { address: address.to_owned() }
    }
}

/// An exchange with a device that failed.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// It did not answer in time, after all tries.
    #[error("{device} did not answer {request} ({tries} tries)")]
    NoAnswer {
        /// Which device.
        device: DeviceId,
        /// What was asked.
        request: String,
        /// How often.
        tries: u32,
    },
    /// It answered with an error of its own.
    #[error("{device} refused {request}: {answer}")]
    Refused {
        /// Which device.
        device: DeviceId,
        /// What was asked.
        request: String,
        /// Its words.
        answer: String,
    },
    /// It answered something that makes no sense.
    #[error("{device} answered {request} with something unusable: {answer}")]
    Unusable {
        /// Which device.
        device: DeviceId,
        /// What was asked.
        request: String,
        /// What was seen.
        answer: String,
    },
    /// The driver kept the request back.
    #[error("nothing was sent to {device} for {request}: {why}")]
    NotSent {
        /// Which device.
        device: DeviceId,
        /// What was to be sent.
        request: String,
        /// What was in the way.
        why: String,
    },
    /// The operating system refused to send.
    #[error("cannot send {request} to {device}")]
    Send {
        /// Which device.
        device: DeviceId,
        /// What was to be sent.
        request: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl DeviceError {
    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

/// A device that answered a discovery.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The driver that can talk to it.
    pub driver: &'static str,
    /// Its address as in `DRIVER://ADDRESS`.
    pub address: String,
    /// Its model in its own words.
    pub model: String,
    /// Its firmware as people write it.
    pub firmware: Option<String>,
    /// Its identity.
    pub serial: Option<String>,
    /// The keys and values (as YAML) with which the configuration names it.
    pub settings: Vec<(&'static str, String)>,
    /// Whatever else it told, by metric.
    pub values: Vec<(Metric, Value)>,
}
