//! One battery: asks what is due, takes in what comes, keeps what it learns. Its presence, its identity and its writes
//! have modules of their own.

mod identity;
mod presence;
mod writes;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{
    BatteryMode, DeviceId, DeviceInfo, Metric, Moment, Notice, Observation, Reading, Ttl, Value, Wish,
};
use ohmstead_units::Timespan;

use super::decode::Interpreter;
use super::field::Fields;
use super::learn::Memory;
use super::link::{Answer, Failure, Link, Question};
use super::mode;
use super::schedule::Schedule;
use super::settings::Settings;
use super::wire::{self, Method, RpcError};
use crate::transports::udp::{Host, Network, SourcePort};
use crate::{
    BoxFuture, Context, Device, DeviceError, ModeNow, OpenError, Plan, PlanError, Report, WriteReply,
};
use presence::{PROBE_RARELY, Presence, literal_address};

/// What every unit reports.
const EXPECTED: &[Metric] = &[
    Metric::BatterySoc,
    Metric::BatteryPower,
    Metric::BatteryMode,
    Metric::BatteryModeNative,
    Metric::InverterPower,
    Metric::InverterBackupPower,
    Metric::AnswerTime,
    Metric::AnswerShare,
];

/// A Marstek battery.
pub struct Battery {
    id: DeviceId,
    settings: Settings,
    context: Context,
    network: Arc<dyn Network>,
    link: Link,
    resolved: bool,
    interpreter: Interpreter,
    schedule: Schedule,
    memory: Memory,
    info: DeviceInfo,
    presence: Presence,
    /// When the newest values were read.
    newest: Option<Moment>,
    notices: BTreeMap<&'static str, Notice>,
    reported_notices: Vec<Notice>,
}

impl Battery {
    /// Makes the device on this machine's network. Nothing is sent yet.
    pub fn open(id: DeviceId, settings: Settings, context: Context) -> Result<Self, OpenError> {
        Self::with_network(id, settings, context, Arc::new(Host))
    }

    /// Makes the device on the given network.
    pub fn with_network(
        id: DeviceId,
        settings: Settings,
        context: Context,
        network: Arc<dyn Network>,
    ) -> Result<Self, OpenError> {
        let mut memory = Memory::read(context.memory.as_deref());
        let configured = format!("{}:{}", settings.host, settings.port);
        if memory.configured.as_ref().is_some_and(|before| *before != configured) {
            memory = Memory::default();
        }
        memory.configured = Some(configured);
        if let Some(mac) = settings.ble_mac.as_deref().and_then(wire::normal_mac) {
            if memory.mac.as_ref().is_some_and(|known| *known != mac) {
                memory = Memory { configured: memory.configured, ..Memory::default() };
            }
            memory.mac = Some(mac);
        }
        let found =
            memory.moved.as_ref().filter(|(host, _)| *host == settings.host).map(|(_, address)| *address);
        let literal =
            found.or_else(|| literal_address(&settings.host).map(|ip| SocketAddr::new(ip, settings.port)));
        let target = literal.unwrap_or_else(|| SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), settings.port));
        let timing = (settings.timeout.0, settings.quiet_gap.0);
        let mut link =
            Link::new(Arc::clone(&network), Arc::clone(&context.clock), target, timing, context.seed);
        link.mac.clone_from(&memory.mac);
        link.source = memory.source.unwrap_or(SourcePort::Ephemeral);
        let ttl = ttl(settings.interval.0, settings.timeout.0);
        let mut battery = Self {
            interpreter: Interpreter::new(memory.scales.clone(), settings.capacity.map(|wh| wh.0), ttl.fast),
            schedule: Schedule::new(settings.interval.0, settings.methods.clone()),
            info: DeviceInfo::new(id.clone(), super::DRIVER.name, shown_address(&settings, literal)),
            resolved: literal.is_some(),
            id,
            settings,
            context,
            network,
            link,
            memory,
            presence: Presence::default(),
            newest: None,
            notices: BTreeMap::new(),
            reported_notices: Vec::new(),
        };
        battery.info.ttl = ttl;
        battery.apply_profile();
        Ok(battery)
    }

    fn now(&self) -> Moment {
        self.context.clock.now()
    }

    fn report(&self, report: Report) {
        self.context.reporter.report(report);
    }

    /// What to ask next, and when (monotonic).
    fn next(&self) -> Option<(Method, Duration)> {
        let probes = self.schedule.probes(&self.memory);
        match self.presence.probe(probes.len()) {
            Some(turn) => probes.get(turn).map(|method| (*method, self.presence.probe_due)),
            None => self.schedule.next(&self.schedule.active(self.interpreter.profile, &self.memory)),
        }
    }

    async fn poll_once(&mut self) {
        if !self.resolve().await {
            return;
        }
        self.search_if_lost().await;
        if let Some((method, _)) = self.next() {
            let outcome = self.read(method).await;
            if let Err(failure) = outcome {
                tracing::debug!(
                    device = %self.id, %method, failure = %describe(&failure), strays = ?self.link.strays, "no good answer"
                );
            }
        }
        self.report_notices();
    }

    /// Asks for one method and takes in whatever comes of it.
    async fn read(&mut self, method: Method) -> Result<Fields, Failure> {
        let habit = self.memory.habit(method);
        let tries = habit.tries(self.settings.retries);
        let asked = self.now();
        let outcome =
            self.link.ask(|attempt| Question::Read(method, habit.instance_for(attempt)), tries).await;
        self.take_late();
        match outcome {
            Ok((answer, attempt)) => {
                self.memory.habit_mut(method).answered(habit.instance_for(attempt));
                self.take_answer(method, &answer);
                Ok(answer.fields)
            }
            Err(failure) => {
                self.take_failure(method, &failure, asked);
                Err(failure)
            }
        }
    }

    /// Answers to questions given up long ago. What is known by now may be newer: then they tell nothing.
    fn take_late(&mut self) {
        for (method, answer) in std::mem::take(&mut self.link.late) {
            if self.newest.is_none_or(|newest| newest.mono <= answer.at.mono) {
                self.memory.habit_mut(method).answered_late();
                self.take_answer(method, &answer);
            }
        }
    }

    fn take_answer(&mut self, method: Method, answer: &Answer) {
        self.newest = Some(answer.at);
        let period = self.schedule.period(method, &self.memory);
        self.schedule.asked(method, answer.at.mono, period);
        self.alive(answer.at);
        self.learn_identity(method, answer);
        let mut values = self.interpreter.read(method, &answer.fields, answer.at);
        self.memory.scales.clone_from(&self.interpreter.scales);
        self.watch_mode(&answer.fields);
        self.watch_values(&values);
        if method != Method::GetDevice {
            values.extend(self.figures(answer.took));
        }
        self.report(Report::Reading(Reading { device: self.id.clone(), at: answer.at, values }));
    }

    fn figures(&self, took: Duration) -> Vec<(Metric, Observation)> {
        let share = self.link.answered_pct().map(|pct| (Metric::AnswerShare, Ok(Value::Number(pct))));
        let time = (Metric::AnswerTime, Ok(Value::Number(took.as_secs_f64() * 1000.0)));
        share.into_iter().chain([time]).collect()
    }

    fn take_failure(&mut self, method: Method, failure: &Failure, asked: Moment) {
        let now = self.now();
        if let Failure::Refused(error) = failure {
            return self.refused(method, error, now);
        }
        self.note_failure(failure, now);
        if matches!(failure, Failure::Silent) && self.others_answer(method, asked) {
            self.memory.habit_mut(method).silent += 1;
            self.note_absent_pv(method);
        } else {
            self.unit_silent(now);
        }
        let pause = self.memory.habit(method).pause(self.schedule.period(method, &self.memory));
        self.schedule.asked(method, now.mono, pause);
    }

    /// A device's "no" is an answer: the unit lives.
    fn refused(&mut self, method: Method, error: &RpcError, now: Moment) {
        self.alive(now);
        let period = self.schedule.period(method, &self.memory);
        let habit = self.memory.habit_mut(method);
        match error.code {
            RpcError::METHOD_NOT_FOUND => habit.unsupported = true,
            // The other `params.id` next time.
            RpcError::INVALID_PARAMS => {
                habit.instance = None;
                habit.silent += 1;
            }
            _ => habit.silent += 1,
        }
        let pause = habit.pause(period);
        self.schedule.asked(method, now.mono, pause);
        self.note_absent_pv(method);
    }

    fn report_notices(&mut self) {
        let current: Vec<Notice> = self.notices.values().cloned().collect();
        if current != self.reported_notices {
            self.reported_notices.clone_from(&current);
            self.report(Report::Notices(self.id.clone(), current));
        }
    }
}

impl Device for Battery {
    fn info(&self) -> DeviceInfo {
        self.info.clone()
    }

    fn due_in(&self) -> Duration {
        let due = self.next().map_or(PROBE_RARELY, |(_, due)| due.saturating_sub(self.now().mono));
        due.max(self.link.quiet_for())
    }

    fn poll(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(self.poll_once())
    }

    fn plan(&self, wish: &Wish, dead_man: Option<Timespan>) -> Result<Plan, PlanError> {
        let mode = wish.mode().ok_or_else(|| PlanError {
            reason: "a Marstek unit has no settings that its local API can change".to_owned(),
        })?;
        mode::plan(mode, dead_man, self.interpreter.profile, self.settings.power_max)
    }

    /// A unit that was left in Passive by somebody is given back to its own automatic: its power would have ended.
    fn way_back(&self, _wish: &Wish, native: &str) -> Wish {
        let own = BatteryMode::Native(native.trim().to_ascii_lowercase());
        let can = mode::supported(self.interpreter.profile).contains(&own.key());
        if can { own.into() } else { BatteryMode::Auto.into() }
    }

    fn write<'a>(&'a mut self, plan: &'a Plan) -> BoxFuture<'a, Result<WriteReply, DeviceError>> {
        Box::pin(self.write_plan(plan))
    }

    fn read_back<'a>(&'a mut self, _wish: &'a Wish) -> BoxFuture<'a, Result<ModeNow, DeviceError>> {
        Box::pin(self.mode_now())
    }

    fn memory(&self) -> Option<String> {
        serde_json::to_string(&self.memory).ok()
    }
}

fn describe(failure: &Failure) -> String {
    match failure {
        Failure::Silent => "no answer".to_owned(),
        Failure::Closed => "nobody listens on the port".to_owned(),
        Failure::Refused(error) => error.to_string(),
        Failure::Stranger(mac) => format!("another unit answered: {mac}"),
        Failure::System(error) => error.to_string(),
    }
}

/// Three polls may be lost before a value is too old; slow values live for a few of their own periods.
fn ttl(interval: Duration, timeout: Duration) -> Ttl {
    let fast = interval.saturating_mul(3).saturating_add(timeout.saturating_mul(5));
    Ttl { fast, medium: fast.max(Duration::from_secs(1200)), slow: fast.max(Duration::from_secs(3 * 3600)) }
}

fn shown_address(settings: &Settings, literal: Option<SocketAddr>) -> String {
    literal.map_or_else(|| format!("{}:{}", settings.host, settings.port), |address| address.to_string())
}
