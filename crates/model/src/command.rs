//! What can be asked of a battery, and the record of what became of it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use ohmstead_units::{Percent, Timespan, Watts};

use crate::{DeviceId, LimitName, Limited, Part, SiteLimit, Switches, UnixMillis};

/// The one vocabulary of battery modes over all brands. Magnitudes only: the direction is in the name.
#[derive(Debug, Clone, PartialEq)]
pub enum BatteryMode {
    /// The device follows the meter by itself: self-consumption.
    Auto,
    /// No discharge; charging from surplus allowed.
    Hold,
    /// No charge; discharging allowed.
    HoldCharge,
    /// Charge with the given power (device maximum if `None`), at most until the state of charge is reached.
    Charge {
        /// Magnitude at the AC side, positive.
        power: Option<Watts>,
        /// Stop there.
        until: Option<Percent>,
    },
    /// Discharge with the given power (device maximum if `None`).
    Discharge {
        /// Magnitude at the AC side, positive.
        power: Option<Watts>,
    },
    /// Neither charge nor discharge.
    Idle,
    /// A mode of the brand's own, such as `ai` or `ups`, in lower case.
    Native(String),
}

impl BatteryMode {
    /// The mode's key without its parameters: `auto`, `charge`, `native:ai`.
    pub fn key(&self) -> String {
        match self {
            Self::Auto => "auto".to_owned(),
            Self::Hold => "hold".to_owned(),
            Self::HoldCharge => "hold_charge".to_owned(),
            Self::Charge { .. } => "charge".to_owned(),
            Self::Discharge { .. } => "discharge".to_owned(),
            Self::Idle => "idle".to_owned(),
            Self::Native(name) => format!("native:{name}"),
        }
    }
}

impl fmt::Display for BatteryMode {
    /// The key, then the parameters that are set: `charge 800 W until 90 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())?;
        if let Self::Charge { power: Some(power), .. } | Self::Discharge { power: Some(power) } = self {
            write!(f, " {power}")?;
        }
        if let Self::Charge { until: Some(until), .. } = self {
            write!(f, " until {until}")?;
        }
        Ok(())
    }
}

/// A text that is no battery mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeParseError(String);

impl fmt::Display for ModeParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no battery mode: expected auto, hold, hold_charge, charge [POWER], discharge [POWER], idle or native:NAME",
            self.0
        )
    }
}

impl std::error::Error for ModeParseError {}

impl FromStr for BatteryMode {
    type Err = ModeParseError;

    /// Reads what [`fmt::Display`] prints; keys are case-insensitive.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ModeParseError(text.to_owned());
        let trimmed = text.trim();
        let (key, rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
        let (power, until) = rest.split_once("until").unwrap_or((rest, ""));
        let power = magnitude::<Watts>(power).map_err(|()| refused())?.filter(|power| power.0 >= 0.0);
        let until = magnitude::<Percent>(until).map_err(|()| refused())?;
        if until.is_some_and(|until| !(0.0..=100.0).contains(&until.0)) || (rest.contains('-')) {
            return Err(refused());
        }
        let plain = |mode: Self| if rest.trim().is_empty() { Ok(mode) } else { Err(refused()) };
        match key.to_ascii_lowercase().as_str() {
            "auto" => plain(Self::Auto),
            "hold" => plain(Self::Hold),
            "hold_charge" => plain(Self::HoldCharge),
            "idle" => plain(Self::Idle),
            "charge" => Ok(Self::Charge { power, until }),
            "discharge" if until.is_none() => Ok(Self::Discharge { power }),
            other => match other.strip_prefix("native:") {
                Some(name) if !name.is_empty() => plain(Self::Native(name.to_owned())),
                _ => Err(refused()),
            },
        }
    }
}

fn magnitude<Q: FromStr>(text: &str) -> Result<Option<Q>, ()> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| ()) }
}

/// A setting and the value it is to have, both as they were asked: `output_priority = solar_battery_utility`. What the
/// device offers stands in [`DeviceInfo::settings`](crate::DeviceInfo::settings); its driver has the last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The metric that shows the setting, by its id.
    pub name: String,
    /// The value as text: a state's key, or a number in the metric's unit.
    pub value: String,
}

/// What is asked of a device.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// A battery mode.
    Mode(BatteryMode),
    /// A setting of the device's own.
    Setting(Assignment),
}

impl Wish {
    /// The battery mode, if one is asked for.
    pub fn mode(&self) -> Option<&BatteryMode> {
        match self {
            Self::Mode(mode) => Some(mode),
            Self::Setting(_) => None,
        }
    }
}

impl From<BatteryMode> for Wish {
    fn from(mode: BatteryMode) -> Self {
        Self::Mode(mode)
    }
}

impl fmt::Display for Wish {
    /// The mode as it prints, or `name=value`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode(mode) => write!(f, "{mode}"),
            Self::Setting(Assignment { name, value }) => write!(f, "{name}={value}"),
        }
    }
}

impl FromStr for Wish {
    type Err = ModeParseError;

    /// Reads what [`fmt::Display`] prints: with a `=` in it a setting, else a battery mode.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((name, value)) = text.split_once('=') else { return text.parse().map(Self::Mode) };
        let (name, value) = (name.trim(), value.trim());
        let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || value.is_empty() || !name.chars().all(is_id) {
            return Err(ModeParseError(text.to_owned()));
        }
        Ok(Self::Setting(Assignment { name: name.to_owned(), value: value.to_owned() }))
    }
}

/// Who asked for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// A verb on the command line.
    Cli,
    /// The REST interface or the page.
    Rest,
    /// An MQTT message.
    Mqtt,
    /// Control, for what is wanted of the device at present.
    Control,
}

impl Asker {
    /// As it is written in the ledger.
    pub fn key(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Rest => "rest",
            Self::Mqtt => "mqtt",
            Self::Control => "control",
        }
    }
}

/// A wish of somebody. Only the actuator turns it into a write.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Which device.
    pub device: DeviceId,
    /// What it should do or be set to.
    pub wish: Wish,
    /// For how long; the driver's default where `None` and the device needs one. Never with a setting.
    pub lease: Option<Duration>,
    /// Who asked.
    pub asked_by: Asker,
}

/// Why a request did not even become an attempt; nothing was written and nothing is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskError {
    /// No device of that name is configured.
    UnknownDevice,
    /// The device cannot be controlled; the text says why.
    NotControllable(String),
    /// Another request to the same device is being carried out and the queue is full.
    Busy,
    /// The program is stopping.
    Stopping,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownDevice => f.write_str("no device of that name is configured"),
            Self::NotControllable(why) => write!(f, "the device cannot be controlled: {why}"),
            Self::Busy => f.write_str("the device is busy with earlier requests; try again"),
            Self::Stopping => f.write_str("the program is stopping"),
        }
    }
}

impl std::error::Error for AskError {}

/// The answer to a request: the ledger entry of the attempt, once it has ended.
pub type Answer = Pin<Box<dyn Future<Output = Result<LedgerEntry, AskError>> + Send>>;

/// The answer to a switch: what is so from then on, or why nothing has changed.
pub type Switched = Pin<Box<dyn Future<Output = Result<Switches, AskError>> + Send>>;

/// The one way to the hardware: REST, MQTT and the command line all hand their wishes to this.
pub trait Commands: Send + Sync + 'static {
    /// Hands in a request. The future ends when the attempt has ended; dropping it does not cancel the attempt.
    fn ask(&self, request: Request) -> Answer;

    /// Ends what was asked of a device by hand: it does again what the schedule wants, or what it did before.
    fn release(&self, device: DeviceId, asked_by: Asker) -> Answer;

    /// Switches a part of control off or on, durably. The future ends when that counts.
    fn switch(&self, part: Part, on: bool, asked_by: Asker) -> Switched;

    /// Which parts of control there are, and whether they are on.
    fn switches(&self) -> Switches;

    /// Lowers a limit of the site, durably; `None` goes back to what the configuration says. The future ends when that
    /// counts.
    fn limit(&self, name: LimitName, max: Option<Watts>, asked_by: Asker) -> Limited;

    /// The limits that the configuration has, as they count at present; none until control has looked.
    fn limits(&self) -> Vec<SiteLimit>;
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was written because the device or the installation is read-only.
    DryRun,
    /// Nothing was written because the device already does this.
    Unchanged,
    /// Accepted and read back; no meter shows an effect.
    AcceptedUnmeasured,
    /// A measured effect, in another metric than the one written, shows it.
    Confirmed,
    /// Accepted, but the measurement does not follow.
    Ineffective,
    /// The device refused, or the request cannot be expressed on this device.
    Rejected,
    /// The device did not answer.
    Failed,
}

impl Outcome {
    /// As it is written in JSON and in the ledger.
    pub fn key(self) -> &'static str {
        match self {
            Self::DryRun => "dry_run",
            Self::Unchanged => "unchanged",
            Self::AcceptedUnmeasured => "accepted_unmeasured",
            Self::Confirmed => "confirmed",
            Self::Ineffective => "ineffective",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }

    /// The outcome of that key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.key() == key)
    }

    /// All outcomes.
    pub const ALL: [Self; 7] = [
        Self::DryRun,
        Self::Unchanged,
        Self::AcceptedUnmeasured,
        Self::Confirmed,
        Self::Ineffective,
        Self::Rejected,
        Self::Failed,
    ];
}

/// One attempt to change a device: who asked, what was sent, what came back. Kept for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerEntry {
    /// Number in the store; 0 before it is stored.
    pub id: i64,
    /// When it was asked.
    pub at: UnixMillis,
    /// Which device.
    pub device: DeviceId,
    /// Who asked, see [`Asker::key`].
    pub asked_by: String,
    /// What was asked, as [`Wish`] prints it.
    pub request: String,
    /// The device's state before, in its own words.
    pub old: Option<String>,
    /// The exact write, or what it would have been in a dry run.
    pub new: Option<String>,
    /// The device's reply.
    pub reply: Option<String>,
    /// The state read back after the write.
    pub read_back: Option<String>,
    /// The measured effect.
    pub effect: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// One sentence: why it ended so.
    pub reason: String,
}

/// Stands in the reason of a refusal for wear: what is asked for is written rarely.
pub const WEARS_OUT: &str = "is kept in memory that wears out";
/// Stands there before the time after which it may be asked for again, where that is known.
pub const ASK_AGAIN_IN: &str = "ask again in ";

impl LedgerEntry {
    /// Whether it was refused because its memory was written as often as it may be.
    pub fn is_over_budget(&self) -> bool {
        self.outcome == Outcome::Rejected && self.reason.contains(WEARS_OUT)
    }

    /// After how long it may be asked for again, where the reason says so.
    pub fn ask_again_in(&self) -> Option<Duration> {
        let (_, span) = self.reason.rsplit_once(ASK_AGAIN_IN)?;
        span.parse().ok().map(|span: Timespan| span.0)
    }
}

/// Which attempts are asked for, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerQuery {
    /// At most so many.
    pub limit: usize,
    /// Only those of this device.
    pub device: Option<DeviceId>,
    /// Only those that ended so.
    pub outcome: Option<Outcome>,
    /// Only those that were asked then or later.
    pub since: Option<UnixMillis>,
}

impl From<usize> for LedgerQuery {
    fn from(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_print_and_read_back() {
        for text in [
            "auto",
            "hold",
            "hold_charge",
            "idle",
            "charge",
            "charge 800 W",
            "charge 800 W until 90 %",
            "discharge 1200 W",
            "native:ai",
        ] {
            let mode: BatteryMode = text.parse().expect(text);
            assert_eq!(mode.to_string(), text);
        }
        assert_eq!(
            "Charge 1 kW".parse(),
            Ok(BatteryMode::Charge { power: Some(Watts(1000.0)), until: None })
        );
    }

    #[test]
    fn wishes_print_and_read_back() {
        for text in ["auto", "charge 800 W", "output_priority=solar_first", "charge_current_max=30"] {
            let wish: Wish = text.parse().expect(text);
            assert_eq!(wish.to_string(), text);
        }
        for text in ["=5", "a=", "Output Priority=x", "on", ""] {
            assert!(text.parse::<Wish>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn ambiguous_requests_are_refused() {
        for text in [
            "",
            "charge -800",
            "discharge 5 until 20 %",
            "charge 3 kVA",
            "auto 5",
            "native:",
            "on",
            "charge 5 until 120 %",
        ] {
            assert!(text.parse::<BatteryMode>().is_err(), "{text:?} was accepted");
        }
    }
}
