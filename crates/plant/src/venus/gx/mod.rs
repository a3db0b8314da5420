//! The GX in steps of one second. Pure: no I/O, no clock.

mod local;
mod orders;
mod platform;
mod reboot;
mod show;
mod systemcalc;

use super::{
    ess::{Around, Ess, PvPosition, Surroundings},
    own,
    recording::{Recording, Replay},
    switches::{SwitchError, Switches},
    tree::{Access, Service, Tree},
    value::Value,
};
use std::collections::BTreeMap;

pub use local::{AddReply, NewSetting};

/// The id of the simulated site: a MAC that nobody has.
pub const PORTAL_ID: &str = "02fc00000001";
/// A step of the loop, ms.
const STEP_MS: i64 = 1_000;
/// The longest absence that is stepped through, s; what is older is skipped.
const CATCH_UP_S: i64 = 86_400;
/// localsettings writes its file so long after the first change, ms.
const SAVE_AFTER_MS: i64 = 2_000;
/// `/Overrides/ForceCharge` falls back by itself, ms.
const FORCE_CHARGE_MS: i64 = 300_000;
/// A PV inverter forgets its limit, ms.
const PV_LIMIT_MS: i64 = 60_000;
/// A foreign writer writes so often unless told otherwise, s.
const FOREIGN_EVERY_S: u64 = 10;
/// A call takes no longer, ms.
const SLOW_MAX_MS: u64 = 60_000;

/// What a GX starts with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// State of charge of the battery at the start, %.
    pub soc_pct: f64,
    /// Where the PV inverter feeds in.
    pub position: PvPosition,
    /// Faults.
    pub switches: Switches,
    /// Services that repeat recordings, in place of the simulated site.
    pub recordings: Vec<Recording>,
    /// How much faster than they were made.
    pub replay_speed: f64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            soc_pct: 62.0,
            position: PvPosition::Input,
            switches: Switches::default(),
            recordings: Vec::new(),
            replay_speed: 1.0,
        }
    }
}

/// What a write is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// 0.
    Taken,
    /// 1: not writeable, or a wrong type.
    ReadOnly,
    /// 2: the owner does not want it.
    Rejected,
    /// -1: localsettings, out of range or a wrong type.
    OutOfRange,
    /// No such path.
    NoPath,
    /// No such service.
    NoService,
}

impl Reply {
    /// The number that `SetValue` returns; `None` where it is a D-Bus error.
    pub fn code(self) -> Option<i32> {
        match self {
            Self::Taken => Some(0),
            Self::ReadOnly => Some(1),
            Self::Rejected => Some(2),
            Self::OutOfRange => Some(-1),
            Self::NoPath | Self::NoService => None,
        }
    }
}

/// How often settings were changed and their file written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wear {
    /// Changes of a setting.
    pub changes: u64,
    /// Times the whole file was written and synced.
    pub file_writes: u64,
}

/// What clients have sent in order to change something, whatever became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// `SetValue`, `SetDefault` and `AddSetting` calls.
    pub dbus: u64,
    /// Messages below `W/`.
    pub mqtt: u64,
    /// `POST` requests of the port-8088 interface.
    pub http: u64,
    /// Frames that write registers.
    pub modbus: u64,
}

impl Requests {
    /// By whatever way.
    pub fn all(&self) -> u64 {
        self.dbus + self.mqtt + self.http + self.modbus
    }
}

/// A GX and its site.
pub struct Gx {
    tree: Tree,
    ess: Option<Box<Ess>>,
    replays: Vec<Replay>,
    around: Box<dyn Surroundings>,
    switches: Switches,
    now_ms: i64,
    /// When an item was last written, by class and path.
    written_ms: BTreeMap<(String, String), i64>,
    save_due_ms: Option<i64>,
    foreign_ms: i64,
    wear: Wear,
    /// Counted by the fronts.
    pub(super) requests: Requests,
    /// Set by switches, to be taken back with them.
    pinned: Vec<(usize, String)>,
    gone: Vec<usize>,
    last_around: Around,
    /// Alarms that were active at the last step.
    alarms: [bool; 4],
    /// While the GX restarts: until when, and who was there before.
    down: Option<reboot::Down>,
    /// Seconds lived, and errors on the CAN bus meanwhile.
    lived_s: u64,
    can_errors: f64,
}

impl std::fmt::Debug for Gx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gx").field("now_ms", &self.now_ms).field("ess", &self.ess).finish_non_exhaustive()
    }
}

impl Gx {
    /// A GX at a moment, Unix ms.
    pub fn new(setup: Setup, around: Box<dyn Surroundings>, now_ms: i64) -> Self {
        let replays: Vec<_> = setup
            .recordings
            .into_iter()
            .map(|recording| Replay::new(recording, setup.replay_speed, now_ms))
            .collect();
        let (tree, ess) = if replays.is_empty() {
            (own::tree(), Some(Box::new(Ess::new(setup.soc_pct, setup.position))))
        } else {
            (super::recording::tree(&replays), None)
        };
        let mut gx = Self {
            tree,
            ess,
            replays,
            around,
            switches: Switches::default(),
            now_ms,
            written_ms: BTreeMap::new(),
            save_due_ms: None,
            foreign_ms: now_ms,
            wear: Wear::default(),
            requests: Requests::default(),
            pinned: Vec::new(),
            gone: Vec::new(),
            last_around: Around::default(),
            alarms: [false; 4],
            down: None,
            lived_s: 0,
            can_errors: 0.0,
        };
        if setup.position == PvPosition::Output
            && let Some(service) = gx.tree.service_mut("pvinverter")
        {
            service.put("/Position", 1.0);
        }
        gx.change_switches(|switches| *switches = setup.switches);
        gx.step(0.0);
        gx
    }

    /// The services.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The site behind the GX; `None` when recordings are repeated.
    pub fn ess(&self) -> Option<&Ess> {
        self.ess.as_deref()
    }

    /// What the house and the sun offered at the last step.
    pub fn around(&self) -> &Around {
        &self.last_around
    }

    /// The moment that the GX has come to, Unix ms.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// How often the settings' file was written.
    pub fn wear(&self) -> Wear {
        self.wear
    }

    /// How often clients wanted to change something.
    pub fn requests(&self) -> Requests {
        self.requests
    }

    /// The switches as they stand.
    pub fn switches(&self) -> &Switches {
        &self.switches
    }

    /// How long a call takes, ms.
    pub fn slow_ms(&self) -> Option<u64> {
        self.switches.slow_ms.map(|ms| ms.min(SLOW_MAX_MS))
    }

    /// Sets a switch from `name=value`; it acts at once.
    pub fn set_switch(&mut self, text: &str) -> Result<(), SwitchError> {
        let mut switches = self.switches.clone();
        switches.set(text)?;
        self.change_switches(|own| *own = switches);
        Ok(())
    }

    /// Changes switches; they act at once.
    pub fn change_switches(&mut self, change: impl FnOnce(&mut Switches)) {
        let permitted = self.switches.ai_write;
        change(&mut self.switches);
        self.tree.next_revision();
        if permitted != self.switches.ai_write
            && let Some(switch) = self.tree.service_mut("switch/100")
        {
            let on = Value::I32(i32::from(self.switches.ai_write));
            switch.set("/SwitchableOutput/output_1/State", on);
        }
        self.pins();
        self.crashes();
        self.firmware();
    }

    /// Moves on to a moment, second by second. Gives whether anything may have changed.
    pub fn advance(&mut self, to_ms: i64) -> bool {
        if to_ms.saturating_sub(self.now_ms) > CATCH_UP_S * 1_000 {
            self.now_ms = to_ms - CATCH_UP_S * 1_000;
        }
        let before = self.now_ms;
        while self.now_ms + STEP_MS <= to_ms {
            self.now_ms += STEP_MS;
            self.step(1.0);
        }
        self.now_ms != before
    }

    /// Lives up to a moment in steps as coarse as `step_ms`, which nobody watches: for a past of days.
    pub fn live(&mut self, to_ms: i64, step_ms: i64) {
        let step_ms = step_ms.max(STEP_MS);
        while self.now_ms + step_ms <= to_ms {
            self.now_ms += step_ms;
            self.step(step_ms as f64 / 1_000.0);
        }
        self.now_ms = self.now_ms.max(to_ms);
    }

    /// From now on it stands elsewhere.
    #[must_use]
    pub fn moved(mut self, around: Box<dyn Surroundings>) -> Self {
        self.around = around;
        self
    }

    /// A driver crashes: its name leaves the bus and nobody is told that its values are void.
    pub fn kill(&mut self, service: &str) -> bool {
        self.tree.service_mut(service).map(Service::vanish).is_some()
    }

    /// It comes back, with another unique name and perhaps another port.
    pub fn revive(&mut self, service: &str, connection: Option<&str>) -> bool {
        self.tree.next_revision();
        let Some(service) = self.tree.service_mut(service) else { return false };
        if service.present {
            return false;
        }
        let connection = connection.map(str::to_owned).or_else(|| service.connection.clone());
        service.return_as(connection);
        true
    }

    /// A client writes.
    pub fn write(&mut self, service: &str, path: &str, value: &Value) -> Reply {
        match self.tree.index(service) {
            Some(index) => self.write_at(index, path, value),
            None => Reply::NoService,
        }
    }

    /// A client writes to the service at an index of the tree.
    pub fn write_at(&mut self, index: usize, path: &str, value: &Value) -> Reply {
        let Some(service) = self.tree.services().get(index).filter(|service| service.present) else {
            return Reply::NoService;
        };
        let Some(item) = service.item(path) else { return Reply::NoPath };
        if item.attributes.is_some() {
            return self.write_setting(index, path, value);
        }
        let Access::Write(accepts) = item.access else { return Reply::ReadOnly };
        let Some(value) = fitting(item.kind, value) else { return Reply::ReadOnly };
        if !accepts(&value) {
            return Reply::Rejected;
        }
        let key = (service.class.clone(), path.to_owned());
        if self.switches.ignore_writes {
            return Reply::Taken;
        }
        self.written_ms.insert(key, self.now_ms);
        self.tree.next_revision();
        self.tree.services_mut()[index].set(path, value);
        Reply::Taken
    }

    /// Age of the last write to an item, ms.
    fn age_ms(&self, class: &str, path: &str) -> Option<i64> {
        let at = self.written_ms.get(&(class.to_owned(), path.to_owned()))?;
        Some(self.now_ms.saturating_sub(*at))
    }

    fn step(&mut self, dt_s: f64) {
        self.tree.next_revision();
        self.save_settings();
        self.restart();
        self.meddle();
        if self.switches.frozen {
            return;
        }
        if self.ess.is_none() {
            super::recording::play(&mut self.replays, &mut self.tree, self.now_ms);
            return;
        }
        self.expire();
        let mut around = self.around.around(self.now_ms);
        if self.switches.grid_lost {
            around.mains = None;
        }
        self.last_around = around;
        let orders = self.orders(&around);
        if let Some(ess) = &mut self.ess {
            ess.step(dt_s, &around, &orders);
            self.around.told(&ess.flows);
            let silent = self.switches.meter_frozen.then_some("grid");
            show::all(&mut self.tree, ess, &orders, silent, self.now_ms);
        }
        systemcalc::all(&mut self.tree, self.now_ms);
        platform::notify(&mut self.tree, &mut self.alarms, self.now_ms);
        self.count_frames(dt_s);
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counters of a simulated life"
    )]
    fn count_frames(&mut self, dt_s: f64) {
        self.lived_s += dt_s as u64;
        self.can_errors += self.switches.can_errors.unwrap_or(0) as f64 / 60.0 * dt_s;
        platform::can_statistics(&mut self.tree, self.lived_s, self.can_errors as u64);
    }

    /// Volatile values that fall back by themselves.
    fn expire(&mut self) {
        let is_old = |age: Option<i64>, limit| age.is_some_and(|age| age >= limit);
        if is_old(self.age_ms("hub4", "/Overrides/ForceCharge"), FORCE_CHARGE_MS)
            && let Some(hub4) = self.tree.service_mut("hub4")
        {
            hub4.put("/Overrides/ForceCharge", 0.0);
        }
        if is_old(self.age_ms("pvinverter", "/Ac/PowerLimit"), PV_LIMIT_MS)
            && let Some(pv) = self.tree.service_mut("pvinverter")
        {
            let most = pv.number("/Ac/MaxPower").unwrap_or(0.0);
            pv.put("/Ac/PowerLimit", most);
        }
    }

    fn save_settings(&mut self) {
        if self.save_due_ms.is_some_and(|due| due <= self.now_ms) {
            self.save_due_ms = None;
            self.wear.file_writes += 1;
        }
    }

    /// Someone else, who writes what we do not expect.
    fn meddle(&mut self) {
        let Some(foreign) = self.switches.foreign.clone() else { return };
        let every_ms = i64::try_from(self.switches.foreign_every_s.unwrap_or(FOREIGN_EVERY_S))
            .unwrap_or(i64::MAX / 1_000)
            * 1_000;
        if self.now_ms.saturating_sub(self.foreign_ms) >= every_ms {
            self.foreign_ms = self.now_ms;
            self.write(&foreign.service, &foreign.path, &Value::F64(foreign.value));
        }
    }

    /// Shows what switches say in place of the owners' values.
    fn pins(&mut self) {
        for (index, path) in std::mem::take(&mut self.pinned) {
            self.tree.services_mut()[index].pin(&path, None);
        }
        let mut all: Vec<(String, String, Value)> = Vec::new();
        let switches = &self.switches;
        for (path, amperes) in
            [("/Info/MaxChargeCurrent", switches.ccl), ("/Info/MaxDischargeCurrent", switches.dcl)]
        {
            all.extend(
                amperes.map(|amperes| ("battery/512".to_owned(), path.to_owned(), Value::F64(amperes))),
            );
        }
        if switches.sentinels {
            let limit = "/BatteryOperationalLimits/BatteryLowVoltage".to_owned();
            all.push(("vebus".to_owned(), limit, Value::F64(655.35)));
            let feed_in = |phase| format!("/Hub4/L{phase}/MaxFeedInPower");
            all.extend((1..=3).map(|phase| ("vebus".to_owned(), feed_in(phase), Value::F64(32_766.0))));
        }
        all.extend(switches.pin.iter().map(|pin| (pin.service.clone(), pin.path.clone(), pin.value.clone())));
        for (name, path, value) in all {
            let Some(index) = self.tree.index(&name) else { continue };
            let service = &mut self.tree.services_mut()[index];
            let kind = service.item(&path).map(|item| item.kind);
            // A number in the path's own type, a text as it is.
            let value = match (kind, value.number()) {
                (Some(kind), Some(number)) => match kind.of(number) {
                    Value::Invalid => value,
                    typed => typed,
                },
                _ => value,
            };
            service.pin(&path, Some(value));
            self.pinned.push((index, path));
        }
    }

    /// Drivers that crash with a switch and come back with it.
    fn crashes(&mut self) {
        let mut names = self.switches.gone.clone();
        if self.switches.meter_lost {
            names.push("grid".to_owned());
        }
        let gone: Vec<usize> = names.iter().filter_map(|name| self.tree.index(name)).collect();
        for index in std::mem::replace(&mut self.gone, gone.clone()) {
            let service = &mut self.tree.services_mut()[index];
            if !gone.contains(&index) && !service.present {
                let connection = service.connection.clone();
                service.return_as(connection);
            }
        }
        for index in gone {
            self.tree.services_mut()[index].vanish();
        }
    }

    fn firmware(&mut self) {
        if self.ess.is_none() {
            return;
        }
        let old = self.switches.old_firmware;
        if let Some(platform) = self.tree.service_mut("platform") {
            platform.put_text("/Firmware/Installed/Version", if old { "v3.40" } else { own::FIRMWARE });
        }
        if let Some(hub4) = self.tree.service_mut("hub4") {
            own::volatile_overrides(hub4, !old);
        }
    }
}

/// A value in the type that the owner gives the path: a number for a number, a text for a text. `None` where a velib
/// service answers 1.
fn fitting(kind: super::value::Kind, value: &Value) -> Option<Value> {
    use super::value::Kind;
    match (kind, value) {
        (_, Value::Invalid) => Some(Value::Invalid),
        (Kind::Text, Value::Text(_)) => Some(value.clone()),
        (Kind::Text | Kind::Compound, _) => None,
        (kind, value) => {
            let number = value.number().or_else(|| value.text()?.trim().parse().ok())?;
            let typed = kind.of(number);
            (number.is_finite() && !typed.is_invalid()).then_some(typed)
        }
    }
}

#[cfg(test)]
mod tests;
