//! Planning, carrying out and reading back what is asked of the unit. A setter goes out once: its silence or damage is no
//! reason to send it again, only the read back tells what became of it. One whose checksum can be sent in two ways goes out
//! in the other way after a "no", or after a silence and a read back that shows that nothing changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Metric, Value, Wish};
use ohmstead_units::{BatteryPower, Watts};

use super::asking::has_zero;
use super::{Inverter, Unit};
use crate::voltronic::frame::{CrcOut, Dialect, Payload, SETTER};
use crate::voltronic::link::{Answer, Ask, Failure};
use crate::voltronic::presence::Kind;
use crate::voltronic::schedule::SETTINGS;
use crate::voltronic::setters;
use crate::voltronic::table::{self, Query};
use crate::{DeviceError, ModeNow, Plan, PlanError, Wear, WriteReply};

/// After a setter the unit needs a moment until its settings read anew.
const SETTLE: Duration = Duration::from_secs(3);
/// How often a question of a read back is asked.
const READ_BACK_TRIES: u32 = 3;
/// How often the line is cleared before a setter.
const CLEAR_TRIES: u32 = 3;
/// What tells the present mode: short, and unlike any other answer.
const MODES: &[&str] = &["QMOD", "MOD"];
/// What tells the flags.
const FLAGS: &[&str] = &["QFLAG", "FLAG"];

impl Inverter {
    pub(super) fn plan_wish(&self, wish: &Wish) -> Result<Plan, PlanError> {
        let unit = self.controllable()?;
        let write = &self.settings.write;
        let (part, command, word) = match wish {
            Wish::Mode(mode) => {
                let write = setters::plan_mode(mode, &unit.known, write)?;
                (Metric::OutputPriority.id().to_owned(), write.command, write.word.to_owned())
            }
            Wish::Setting(assignment) => {
                let write = setters::plan_setting(&assignment.name, &assignment.value, &unit.known, write)?;
                (write.part, write.command, write.word)
            }
        };
        Ok(Plan {
            writes: vec![wire_text(unit.family.dialect(), &command)],
            expect_word: word,
            word_is_all: true,
            expect_power: None,
            settle: SETTLE,
            effect_within: Duration::ZERO,
            lasts: None,
            follow_every: None,
            wear: Some(Wear {
                part,
                interval: self.settings.write_interval.0,
                per_day: self.settings.writes_per_day,
                may_wait: setters::is_priority(unit.family, &command),
            }),
        })
    }

    /// The unit, if anything may be written to it at all.
    fn controllable(&self) -> Result<&Unit, PlanError> {
        let refused = |reason: &str| PlanError { reason: reason.to_owned() };
        let unit = self.unit.as_ref().ok_or_else(|| refused("the inverter has not told yet what it is"))?;
        if !unit.proven {
            return Err(refused(
                "the inverter has not shown that it is of the family in the configuration: it is only read",
            ));
        }
        if !unit.family.is_controllable() {
            return Err(PlanError { reason: setters::not_controllable(unit.family) });
        }
        if unit.is_open(self.settings.family) {
            return Err(refused(
                "it is not settled yet whether the inverter is a PI30 or a Sorotec REVO: until then it is only read",
            ));
        }
        Ok(unit)
    }

    /// The modes and settings that may be asked for, as far as is known.
    pub(super) fn offer(&mut self) {
        let (modes, settings) = match self.controllable() {
            Ok(unit) => {
                let write = &self.settings.write;
                (setters::modes(unit.family, write), setters::offered(&unit.known, write))
            }
            Err(_) => (Vec::new(), Vec::new()),
        };
        if (&modes, &settings) != (&self.info.modes, &self.info.settings) {
            (self.info.modes, self.info.settings) = (modes, settings);
            self.report(crate::Report::Info(self.info.clone()));
        }
    }

    pub(super) async fn write_plan(&mut self, plan: &Plan) -> Result<WriteReply, DeviceError> {
        let mut reply = WriteReply { reply: String::new(), accepted: true, tries: 1 };
        for write in &plan.writes {
            let (text, accepted, tries) = self.write_one(write).await?;
            if !reply.reply.is_empty() {
                reply.reply.push(' ');
            }
            reply.reply.push_str(&text);
            reply.tries = reply.tries.max(tries);
            if !accepted {
                reply.accepted = false;
                break;
            }
        }
        for query in
            self.queries().filter(|query| SETTINGS.contains(&query.command) || FLAGS.contains(&query.command))
        {
            self.schedule.hurry(query.command);
        }
        Ok(reply)
    }

    async fn write_one(&mut self, write: &str) -> Result<(String, bool, u32), DeviceError> {
        let mut ask = self.setter(write)?;
        let command = command_of(ask.dialect, write);
        let before = self.unit.as_ref().map(|unit| unit.known.values.clone());
        let (mut outcome, mut tries) = (self.set_once(&ask).await, 1);
        // A checksum that the unit takes for wrong changes nothing: the other way to send a zero in it is harmless. Silence
        // alone does not tell that.
        let misread = has_zero(&ask)
            && match &outcome {
                Ok(answer) => answer.payload.is_nak(),
                Err(Failure::Silent) => self.is_unchanged(command, before.as_ref()).await,
                Err(_) => false,
            };
        if misread {
            ask.crc = if ask.crc == CrcOut::Classic { CrcOut::ZeroEscaped } else { CrcOut::Classic };
            outcome = self.set_once(&ask).await;
            tries += 1;
        }
        let counted =
            |text: &str| if tries > 1 { format!("{text} ({tries} tries)") } else { text.to_owned() };
        match outcome {
            Ok(answer) if answer.payload.is_nak() => {
                let why = self.unit.as_ref().map_or("", |unit| setters::why_refused(unit.family, command));
                Ok((format!("{}: {why}", counted("NAK")), false, tries))
            }
            Ok(_) => {
                self.learn_crc(&ask);
                Ok((counted("ACK"), true, tries))
            }
            Err(failure) => Err(self.error(write, &failure, tries)),
        }
    }

    /// A setter as it goes out, if it may.
    fn setter(&self, write: &str) -> Result<Ask, DeviceError> {
        let refused = |answer: String| DeviceError::Refused {
            device: self.id.clone(),
            request: write.to_owned(),
            answer,
        };
        let unit = self.controllable().map_err(|error| refused(error.reason))?;
        let (family, dialect) = (unit.family, unit.family.dialect());
        let command = command_of(dialect, write);
        if !setters::is_tabled(family, command, &self.settings.write) {
            return Err(refused("it is no command that may be sent".to_owned()));
        }
        if let Some(why) = setters::outdated(command, &unit.known) {
            let (device, request) = (self.id.clone(), write.to_owned());
            return Err(DeviceError::NotSent { device, request, why });
        }
        let fits = Arc::new(|payload: &Payload| payload.is_ack());
        let spelled =
            if dialect == Dialect::Paren { command.to_owned() } else { format!("{SETTER}{command}") };
        let crc = if self.memory.zero_escaped { CrcOut::ZeroEscaped } else { CrcOut::Classic };
        Ok(Ask { dialect, command: spelled, crc, fits })
    }

    /// Whether a read back shows, after a setter that was not answered, that nothing has changed.
    async fn is_unchanged(&mut self, command: &str, before: Option<&BTreeMap<Metric, Value>>) -> bool {
        let family = self.unit.as_ref().map(|unit| unit.family);
        let Some(metric) = family.and_then(|family| setters::metric_of(family, command)) else {
            return false;
        };
        let names = questions_about(metric);
        let Some(query) = self.queries().find(|query| names.contains(&query.command)) else { return false };
        self.context.clock.sleep(SETTLE).await;
        self.ask_fresh(query).await.is_ok() && self.unit.as_ref().map(|unit| &unit.known.values) == before
    }

    /// Sends a setter, once, on a line where no other answer is on its way.
    async fn set_once(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        let confuses = |inverter: &Self| {
            inverter
                .link
                .would_confuse(&ask.command, &|payload: &Payload| payload.is_ack() || payload.is_nak())
        };
        for _ in 0..CLEAR_TRIES {
            if self.link.path().is_some()
                && self.checking.is_none()
                && self.link.is_clear()
                && !confuses(self)
            {
                break;
            }
            self.ask_mode().await?;
        }
        if !self.link.is_clear() {
            return Err(Failure::Unclear);
        }
        let outcome = self.link.ask(ask).await;
        match &outcome {
            Ok(_) => self.alive(),
            Err(Failure::Gone(_)) => self.failed(Kind::NoPort),
            Err(_) => {}
        }
        outcome
    }

    /// Asks for the present mode: its answer is unlike any other, so that what comes before it is old.
    async fn ask_mode(&mut self) -> Result<(), Failure> {
        self.ready().await?;
        let query = self.queries().find(|query| MODES.contains(&query.command));
        let Some(query) = query else { return Ok(()) };
        self.ask(query).await.map(|_| ())
    }

    /// Our unit is at the end of an open line.
    async fn ready(&mut self) -> Result<(), Failure> {
        // As many questions as a unit is verified with after its port was opened.
        const STEPS_MAX: u32 = 24;
        for _ in 0..STEPS_MAX {
            if !self.reach().await {
                return Err(Failure::Gone(std::io::Error::new(std::io::ErrorKind::NotFound, self.absence())));
            }
            if self.checking.is_none() {
                return Ok(());
            }
            self.recognise().await;
        }
        match &self.stranger {
            Some(seen) => Err(Failure::Gone(std::io::Error::new(std::io::ErrorKind::NotFound, seen.clone()))),
            None => Err(Failure::Silent),
        }
    }

    /// What the unit has now: the output priority for a mode, never the present mode, which is another thing.
    pub(super) async fn now_of(&mut self, wish: &Wish) -> Result<ModeNow, DeviceError> {
        let (metric, names) = match wish {
            Wish::Mode(_) => (Metric::OutputPriority, SETTINGS),
            Wish::Setting(assignment) => {
                let metric = crate::metric(&assignment.name)
                    .ok_or_else(|| self.unusable(&assignment.name, "no such setting"))?;
                (metric, questions_about(metric))
            }
        };
        self.ready().await.map_err(|failure| self.error(names[0], &failure, 1))?;
        let query = self.queries().find(|query| names.contains(&query.command));
        let query = query.ok_or_else(|| self.unusable(metric.id(), "this family does not tell it"))?;
        self.ask_fresh(query).await?;
        let native = self.unit.as_ref().and_then(|unit| setters::shown(metric, &unit.known));
        let native = native.ok_or_else(|| {
            self.unusable(query.command, "it does not tell this setting, or not in a known way")
        })?;
        let fresh = |last: Option<(f64, ohmstead_model::Moment)>| {
            last.filter(|(_, at)| self.now().since(*at) <= self.info.ttl.fast).map(|(number, _)| number)
        };
        let power = fresh(self.last.power).map(|watts| BatteryPower::discharging(Watts(watts)));
        Ok(ModeNow { native, power, soc: fresh(self.last.soc) })
    }

    /// Asks until there is an answer that cannot be an old one.
    async fn ask_fresh(&mut self, query: &'static Query) -> Result<(), DeviceError> {
        let mut last = Failure::Silent;
        for _ in 0..READ_BACK_TRIES {
            let fits = |payload: &Payload| table::fits(query, payload);
            if !self.link.is_clear() || self.link.would_confuse(query.command, &fits) {
                let _ = self.ask_mode().await;
            }
            if let Err(failure) = self.ready().await {
                last = failure;
                continue;
            }
            match self.ask(query).await {
                Ok(answer) if answer.payload.is_nak() => return Err(self.unusable(query.command, "NAK")),
                Ok(_) => return Ok(()),
                Err(failure) => last = failure,
            }
        }
        Err(self.error(query.command, &last, READ_BACK_TRIES))
    }

    fn unusable(&self, request: &str, answer: &str) -> DeviceError {
        DeviceError::Unusable {
            device: self.id.clone(),
            request: request.to_owned(),
            answer: answer.to_owned(),
        }
    }

    fn error(&self, request: &str, failure: &Failure, tries: u32) -> DeviceError {
        let (device, request) = (self.id.clone(), request.to_owned());
        match failure {
            Failure::Silent => DeviceError::NoAnswer { device, request, tries },
            Failure::Unclear => DeviceError::NotSent { device, request, why: failure.to_string() },
            Failure::Damaged(_) => DeviceError::Unusable { device, request, answer: failure.to_string() },
            Failure::Gone(error) => DeviceError::Send {
                device,
                request,
                source: std::io::Error::new(error.kind(), error.to_string()),
            },
        }
    }
}

/// The questions whose answers tell a setting.
fn questions_about(metric: Metric) -> &'static [&'static str] {
    if metric.id().starts_with("flag_") { FLAGS } else { SETTINGS }
}

/// A setter as it goes out, without its checksum: `POP02`, `^S007POP1`.
fn wire_text(dialect: Dialect, command: &str) -> String {
    match dialect {
        Dialect::Paren => command.to_owned(),
        Dialect::Caret18 => format!("^S{:03}{command}", command.len() + 3),
        Dialect::Caret17 => format!("^S{:03}{command}", command.len() + 1),
    }
}

/// The command of a setter as it goes out.
fn command_of(dialect: Dialect, write: &str) -> &str {
    match dialect {
        Dialect::Paren => write,
        Dialect::Caret18 | Dialect::Caret17 => {
            write.strip_prefix("^S").and_then(|rest| rest.get(3..)).unwrap_or_default()
        }
    }
}
