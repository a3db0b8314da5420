//! One unit: bytes in, its firmware, reports out.

use super::{
    counters::Counters,
    eeprom::Eeprom,
    energy::{Clock, Ledger},
    firmware,
    inbox::{Inbox, Nuls},
    nameplate::Nameplate,
    outbox::{Outbox, REPORT_BYTES},
    plug::Plug,
    port::Port,
    profile::{Model, Profile},
    reading::Reading,
    reply::{self, Effect, Reply, View},
    setup::InverterSetup,
    spoil,
    switches::{CrcZero, Switches},
};
use crate::house::{ChargerPriority, InverterTruth, Orders, OutputPriority, TRACKERS};
use fastrand::Rng;
use jiff::civil::DateTime;

/// A firmware that is this far behind with its answers hears nothing more, ms.
const BACKLOG_MAX_MS: i64 = 20_000;
/// A healthy unit's time before an answer begins, ms.
const THINK_MS: std::ops::RangeInclusive<i64> = 50..=400;

/// What a unit that keeps a diary notes at most; what comes later is not noted.
const NOTES_MAX: usize = 1_000;

/// A command as a unit understood it.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// The command, without frame and check.
    pub text: String,
    /// What was the case at that moment.
    pub truth: UnitTruth,
}

/// One simulated unit, or a parallel set behind one port.
#[derive(Debug, Clone)]
pub struct Unit {
    /// What it and its cable do wrong. May be changed at any time.
    pub switches: Switches,
    /// What it says about itself.
    pub nameplate: Nameplate,
    /// Its settings.
    pub eeprom: Eeprom,
    /// Its energy counters.
    pub ledger: Ledger,
    profile: Profile,
    pinned: Option<Reading>,
    counters: Counters,
    rng: Rng,
    seen: InverterTruth,
    clock: Clock,
    config_changed: bool,
    serial_line: bool,
    inbox: Inbox,
    outbox: Outbox,
    plug: Plug,
    /// What `shift` keeps back.
    held: Option<(Vec<u8>, usize)>,
    /// What it heard, if somebody wants to know.
    diary: Option<Vec<Note>>,
}

/// What is really the case at a unit; of a parallel set, the whole set.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitTruth {
    /// The letter of QMOD.
    pub mode: char,
    /// Whether the grid is there.
    pub grid_present: bool,
    /// Grid voltage, V; 0 without a grid.
    pub grid_v: f64,
    /// Grid frequency, Hz; 0 without a grid.
    pub grid_hz: f64,
    /// AC input, W, import positive.
    pub grid_in_w: f64,
    /// The loads, W.
    pub load_w: f64,
    /// Panels of each tracker, W.
    pub pv_w: [f64; TRACKERS],
    /// Voltage of each tracker, V.
    pub pv_v: [f64; TRACKERS],
    /// At the terminals, V.
    pub battery_v: f64,
    /// At the terminals, A, discharge positive.
    pub battery_a: f64,
    /// State of charge of the cells, %.
    pub soc_pct: f64,
    /// What the unit takes for it, %: a guess from the voltage unless there is a BMS.
    pub capacity_shown_pct: f64,
    /// Heat sink, C.
    pub heat_c: f64,
    /// As set.
    pub output_priority: OutputPriority,
    /// As set.
    pub charger_priority: ChargerPriority,
    /// All settings.
    pub eeprom: Eeprom,
    /// Panels' energy since the unit was made, Wh, as the unit counts it.
    pub pv_wh: f64,
    /// Loads' energy likewise, Wh.
    pub load_wh: f64,
    /// Panels' energy of the unit's own day, Wh.
    pub pv_today_wh: f64,
    /// What this unit's converters measure, pinned or not, before it is rounded.
    pub reading: Reading,
    /// The power stage.
    pub inverter: InverterTruth,
}

impl Unit {
    /// A healthy unit in front of a power stage of the house.
    pub fn new(setup: &InverterSetup, seen: InverterTruth, civil: DateTime, now_ms: i64, seed: u64) -> Self {
        let model = setup.profile.model();
        let mut ledger = Ledger::default();
        ledger.follow(civil.date(), seen.totals);
        Self {
            switches: setup.switches.clone(),
            nameplate: Nameplate::new(model, setup),
            eeprom: Eeprom { output_mode: u8::from(setup.units > 1), ..Eeprom::installed(model) },
            ledger,
            profile: setup.profile,
            pinned: None,
            counters: Counters::default(),
            rng: Rng::with_seed(seed),
            seen,
            clock: Clock::new(civil, now_ms),
            config_changed: false,
            serial_line: setup.serial_line,
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            plug: Plug::new(setup.node, now_ms),
            held: None,
            diary: None,
        }
    }

    /// Notes from now on what it hears, with what is the case then.
    pub fn keep_diary(&mut self) {
        self.diary = Some(Vec::new());
    }

    /// What was noted since this was asked last.
    pub fn take_diary(&mut self) -> Vec<Note> {
        self.diary.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Which unit it is.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// What reached it so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether it hangs on a serial line instead of USB.
    pub fn is_serial_line(&self) -> bool {
        self.serial_line
    }

    /// Makes the converters measure this from now on, whatever the house does.
    pub fn pin(&mut self, reading: Reading) {
        self.pinned = Some(reading);
    }

    /// Lets the converters measure the house again.
    pub fn unpin(&mut self) {
        self.pinned = None;
    }

    /// What the converters measure at present, pinned or not.
    pub fn reading(&self) -> Reading {
        self.pinned.clone().unwrap_or_else(|| self.live())
    }

    /// What is really the case.
    pub fn truth(&self) -> UnitTruth {
        let (seen, reading) = (&self.seen, self.reading());
        UnitTruth {
            mode: reading.mode.letter(),
            grid_present: seen.grid_present,
            grid_v: seen.grid_level * self.nameplate.ac_v,
            grid_hz: seen.grid_pace * self.nameplate.ac_hz,
            grid_in_w: seen.grid_in_w,
            load_w: seen.load_w,
            pv_w: seen.pv_w,
            pv_v: seen.pv_v,
            battery_v: seen.battery_v,
            battery_a: seen.battery_a,
            soc_pct: seen.soc_pct,
            capacity_shown_pct: reading.capacity_pct,
            heat_c: seen.heat_c,
            output_priority: self.eeprom.orders.output,
            charger_priority: self.eeprom.orders.charger,
            eeprom: self.eeprom.clone(),
            pv_wh: self.ledger.total.pv_wh,
            load_wh: self.ledger.total.load_wh,
            pv_today_wh: reading.day_wh,
            reading,
            inverter: seen.clone(),
        }
    }

    /// What the power stage is to do; the limits of current are each unit's own.
    pub fn orders(&self) -> Orders {
        let (orders, units) = (self.eeprom.orders, f64::from(self.nameplate.units));
        Orders {
            fault: self.switches.fault,
            grid_charge_max_a: orders.grid_charge_max_a * units,
            charge_max_a: orders.charge_max_a * units,
            ..orders
        }
    }

    /// Sees what the power stage has done since. To be called after each step of the house.
    pub fn tick(&mut self, now_ms: i64, civil: DateTime, seen: InverterTruth) {
        self.clock.follow(civil, now_ms);
        self.ledger.follow(self.clock.now(now_ms).date(), seen.totals);
        self.seen = seen;
        self.settle(now_ms);
    }

    fn model(&self) -> &'static Model {
        self.profile.model()
    }

    fn live(&self) -> Reading {
        let plate = (self.model(), &self.nameplate);
        let mut reading = Reading::of(&self.seen, plate, &self.eeprom, &self.switches, 0);
        reading.day_wh = self.ledger.day(self.clock.today()).pv_wh;
        reading
    }

    fn settle(&mut self, now_ms: i64) {
        if let Some(from_ms) = self.plug.settle(now_ms, self.switches.renumber_every) {
            self.inbox.clear();
            self.held = None;
            self.outbox.lose_from(from_ms);
        }
    }

    /// Whether the firmware hears anything at all.
    fn is_awake(&self, now_ms: i64) -> bool {
        let up_ms = now_ms - self.plug.up_since_ms;
        let passed = |limit_s: u64| up_ms >= limit_s.cast_signed() * 1_000;
        let booted = self.switches.boot_s.is_none_or(passed);
        let wedged = self.switches.wedge_after.is_some_and(passed);
        let behind = self.outbox.busy_until_ms() > now_ms + BACKLOG_MAX_MS;
        booted && !wedged && !behind && !self.switches.mute && up_ms >= 0
    }

    /// A whole command has arrived.
    fn handle(&mut self, now_ms: i64, frame: &[u8]) {
        let heard = firmware::hear(frame, self.model());
        self.counters.setters += u64::from(heard.sets);
        if let Ok(text) = &heard.command {
            self.note(text);
        }
        let reply = match &heard.command {
            Err(reply) => {
                self.counters.bad_crc += 1;
                reply.clone()
            }
            Ok(text) => {
                self.counters.command(text);
                self.obey(now_ms, &heard, text)
            }
        };
        self.answer(now_ms, &reply);
        if self.switches.second_reader && !heard.sets {
            self.answer(now_ms, &reply);
        }
    }

    fn note(&mut self, text: &str) {
        if self.diary.as_ref().is_some_and(|diary| diary.len() < NOTES_MAX) {
            let note = Note { text: text.to_owned(), truth: self.truth() };
            self.diary.iter_mut().for_each(|diary| diary.push(note.clone()));
        }
    }

    fn obey(&mut self, now_ms: i64, heard: &firmware::Heard, text: &str) -> Reply {
        let reading = self.reading();
        let view = View {
            model: self.model(),
            plate: &self.nameplate,
            eeprom: &self.eeprom,
            reading: &reading,
            switches: &self.switches,
            ledger: &self.ledger,
            truth: &self.seen,
            time: self.clock.digits(now_ms),
            config_changed: self.config_changed,
        };
        if !heard.sets {
            let reply = firmware::query(heard, text, &view);
            if matches!(reply, Reply::Data(_)) && firmware::tells_settings(text) {
                self.config_changed = false;
            }
            return reply;
        }
        let effect = if self.switches.nak_setters { None } else { firmware::set(text, &view) };
        let Some(effect) = effect else { return firmware::refusal(heard, self.model(), &self.switches) };
        if self.switches.ack_without_effect {
            return Reply::Ack;
        }
        self.counters.setters_accepted += 1;
        self.carry_out(now_ms, effect);
        if self.switches.effect_without_ack { Reply::Silence } else { firmware::consent(self.model()) }
    }

    fn carry_out(&mut self, now_ms: i64, effect: Effect) {
        match effect {
            Effect::Settings(eeprom) => {
                self.eeprom = *eeprom;
                self.config_changed = true;
                self.counters.eeprom_writes += 1;
            }
            Effect::Clock(wanted) => self.clock.set(wanted, now_ms),
            Effect::ClearEnergy => self.ledger.clear(),
            Effect::Nothing => {}
        }
    }

    /// Puts an answer on its way, or keeps it back.
    fn answer(&mut self, now_ms: i64, reply: &Reply) {
        let mut next = reply::frame(reply, self.model().family, &self.switches);
        if self.switches.shift {
            std::mem::swap(&mut next, &mut self.held);
        } else {
            self.held = None;
        }
        let Some((bytes, end)) = next else { return };
        let think_ms = match self.switches.think_ms {
            Some(fixed_ms) => fixed_ms.cast_signed(),
            None => self.rng.i64(THINK_MS),
        };
        let late_ms = match self.switches.late {
            Some(late) if spoil::happens(&mut self.rng, late.pct) => late.ms.cast_signed(),
            _ => 0,
        };
        let bytes = spoil::frame(bytes, end, &self.switches, &mut self.rng);
        let mut groups = spoil::packed(&bytes, self.serial_line, &self.switches, &mut self.rng);
        let cut = spoil::happens(&mut self.rng, self.switches.cut) && groups.len() > 1;
        if cut {
            groups.truncate(self.rng.usize(1..groups.len()));
        }
        let ready_ms = (now_ms + late_ms).max(self.outbox.busy_until_ms()) + think_ms;
        let arrivals = self.outbox.send(ready_ms, groups);
        self.counters.answers += 1;
        if let (true, Some(last_ms)) = (cut, arrivals.last()) {
            self.plug.loosen(last_ms + 1);
        }
    }
}

impl Port for Unit {
    fn receive(&mut self, now_ms: i64, bytes: &[u8]) {
        self.settle(now_ms);
        if self.plug.is_gone(now_ms) || !self.is_awake(now_ms) {
            self.inbox.clear();
            return;
        }
        let report = !self.serial_line && bytes.len() > REPORT_BYTES;
        self.counters.long_reports += u64::from(report);
        let heard = if report { &bytes[..REPORT_BYTES] } else { bytes };
        let nuls = match self.switches.crc_zero {
            CrcZero::Classic => Nuls::MayBeCheck,
            CrcZero::Escaped => Nuls::Padding,
        };
        for byte in heard {
            if let Some(frame) = self.inbox.take(*byte, nuls) {
                self.handle(now_ms, &frame);
            }
        }
    }

    fn due_ms(&self) -> Option<i64> {
        self.outbox.due_ms()
    }

    fn take(&mut self, now_ms: i64) -> Vec<Vec<u8>> {
        self.settle(now_ms);
        if self.plug.is_gone(now_ms) { Vec::new() } else { self.outbox.take(now_ms) }
    }

    fn node(&mut self, now_ms: i64) -> Option<u32> {
        self.settle(now_ms);
        self.plug.node(now_ms)
    }

    fn reset(&mut self, now_ms: i64) {
        self.settle(now_ms);
        self.inbox.clear();
        self.held = None;
        self.outbox.lose_from(i64::MIN);
        self.plug.reset(now_ms);
    }
}
