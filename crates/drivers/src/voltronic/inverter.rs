//! One inverter: asks what is due, takes in what comes, keeps what it learns. Who it is, where it is, and its writes have
//! modules of their own.

mod asking;
mod recognising;
mod set;
mod variants;
mod whereabouts;
mod writes;

pub(crate) use recognising::recognise_at;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Assignment, DeviceId, DeviceInfo, Evidence, Metric, Moment, Notice, Role, Ttl, Wish};
use ohmstead_units::Timespan;

use super::decode;
use super::families::Family;
use super::finder::{Place, Rejected};
use super::identify::Identity;
use super::link::Link;
use super::memory::Memory;
use super::parallel::Set;
use super::presence::Presence;
use super::schedule::{self, Schedule};
use super::setters::Known;
use super::settings::{ParallelSetting, Settings};
use super::table::Query;
use super::variant::Doubt;
use crate::transports::{CHUNK_GAP, Machine, Ports, Roots};
use crate::{
    BoxFuture, Context, Device, DeviceError, ModeNow, OpenError, Plan, PlanError, Report, WriteReply,
};

/// What every unit reports besides its family's values.
const FIGURES: &[Metric] = &[Metric::AnswerTime, Metric::AnswerShare, Metric::FramesDropped];

/// A unit whose family is known.
struct Unit {
    family: Family,
    /// The family was proven by the unit itself.
    proven: bool,
    /// What speaks against a REVO.
    doubt: Doubt,
    /// What decides about its settings.
    known: Known,
    /// What earlier answers told that later ones need.
    decoder: decode::Context,
    /// The parallel set it works in.
    set: Set,
    /// Whether there is a second tracker.
    trackers: Trackers,
}

/// Whether what the first tracker gives is all from the sun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trackers {
    /// Not known: a question that may tell is still to be answered.
    Unsettled,
    /// Known: the unit told of a second one, or has nothing to tell of.
    Settled,
}

/// A Voltronic inverter.
pub struct Inverter {
    id: DeviceId,
    settings: Settings,
    context: Context,
    ports: Arc<dyn Ports>,
    link: Link,
    /// Where the open line leads.
    place: Option<Place>,
    rejected: Rejected,
    /// Who is at the open line, as long as that is being found out.
    checking: Option<Identity>,
    /// Where that is.
    checking_at: Option<Place>,
    /// How often the present question of the identification was asked.
    tries: u32,
    /// When the variant is asked about again (monotonic), and how often it was.
    variant_due: Duration,
    variant_tries: u32,
    /// Our unit, once it is known.
    unit: Option<Unit>,
    schedule: Schedule,
    presence: Presence,
    memory: Memory,
    info: DeviceInfo,
    evidence: Vec<Evidence>,
    /// When other programs at the port are looked for next (monotonic).
    openers_due: Duration,
    /// What was at the port last, if it was no inverter.
    stranger: Option<String>,
    notices: BTreeMap<&'static str, Notice>,
    /// Faults and warnings of the unit's own, by the question that told them.
    states: BTreeMap<&'static str, Vec<Notice>>,
    reported_notices: Vec<Notice>,
    /// Battery power and state of charge as read last.
    last: Last,
}

/// The last values that a read back tells along.
#[derive(Debug, Default, Clone, Copy)]
struct Last {
    power: Option<(f64, Moment)>,
    soc: Option<(f64, Moment)>,
}

impl Inverter {
    /// Makes the device on this machine's ports. Nothing is sent yet.
    pub fn open(id: DeviceId, settings: Settings, context: Context) -> Result<Self, OpenError> {
        let roots =
            Roots { sys: settings.sys_root.clone(), dev: settings.dev_root.clone(), ..Roots::default() };
        let ports = Arc::new(Machine::new(roots, Arc::clone(&context.clock), CHUNK_GAP));
        Ok(Self::with_ports(id, settings, context, ports))
    }

    /// Makes the device on the given ports.
    pub fn with_ports(id: DeviceId, settings: Settings, context: Context, ports: Arc<dyn Ports>) -> Self {
        let configured = format!("{} {:?} {:?}", settings.path, settings.serial, settings.usb_port);
        let memory = Memory::read(context.memory.as_deref(), &configured);
        let link = Link::new(Arc::clone(&ports), Arc::clone(&context.clock), settings.timeout.0);
        let mut info = DeviceInfo::new(id.clone(), super::DRIVER.name, settings.path.to_string());
        info.title = settings.name.clone().unwrap_or_else(|| id.to_string());
        info.manufacturer = "Voltronic";
        info.phase = settings.phase.map(Into::into);
        info.roles = vec![Role::Inverter, Role::Battery, Role::Pv, Role::LoadMeter];
        info.ttl = ttl(settings.interval.0, settings.timeout.0);
        info.entity_id.clone_from(&settings.entity_id);
        info.device_id.clone_from(&settings.device_id);
        info.serial = settings.serial.clone().or_else(|| memory.serial.clone());
        info.model.clone_from(&memory.model);
        info.firmware.clone_from(&memory.firmware);
        let family = memory.family.as_deref().and_then(Family::by_name);
        info.metrics = metrics(family.unwrap_or(Family::Pi30));
        let schedule = Schedule::new(settings.interval.0);
        let schedule =
            if settings.parallel == ParallelSetting::Total { schedule.with_sets() } else { schedule };
        Self {
            link,
            place: None,
            rejected: Rejected::default(),
            checking: None,
            checking_at: None,
            tries: 0,
            variant_due: Duration::ZERO,
            variant_tries: 0,
            unit: None,
            schedule,
            presence: Presence::default(),
            info,
            evidence: Vec::new(),
            openers_due: Duration::ZERO,
            stranger: None,
            notices: BTreeMap::new(),
            states: BTreeMap::new(),
            reported_notices: Vec::new(),
            last: Last::default(),
            id,
            settings,
            context,
            ports,
            memory,
        }
    }

    fn now(&self) -> Moment {
        self.context.clock.now()
    }

    fn report(&self, report: Report) {
        self.context.reporter.report(report);
    }

    async fn poll_once(&mut self) {
        let may_ask = self.climb().await;
        if may_ask && self.reach().await {
            if self.checking.is_some() {
                self.recognise().await;
            } else {
                self.ask_due().await;
            }
            self.watch_openers().await;
        }
        self.report_notices();
    }

    /// The questions that this unit may be asked; in a parallel set also those about the others.
    fn queries(&self) -> impl Iterator<Item = &'static Query> + Clone + use<> {
        let unit = self.unit.as_ref();
        let own = unit.map_or(&[][..], |unit| unit.family.queries());
        let others = unit.filter(|unit| unit.known.in_set).map_or(&[][..], |unit| unit.family.members());
        own.iter().chain(others)
    }

    fn report_notices(&mut self) {
        let mut current: Vec<Notice> = self.notices.values().cloned().collect();
        for state in self.states.values().flatten() {
            if !current.iter().any(|notice| notice.code == state.code) {
                current.push(state.clone());
            }
        }
        if current != self.reported_notices {
            self.reported_notices.clone_from(&current);
            self.report(Report::Notices(self.id.clone(), current));
        }
    }
}

impl Device for Inverter {
    fn info(&self) -> DeviceInfo {
        self.info.clone()
    }

    fn due_in(&self) -> Duration {
        let now = self.now().mono;
        if self.presence.is_failing() || self.link.path().is_none() || self.checking.is_some() {
            return self.presence.due.saturating_sub(now);
        }
        let query = self.next_query().map(|(_, due)| due);
        let due = query.into_iter().chain(self.variant_due()).min();
        due.map_or(self.settings.interval.0, |due| due.saturating_sub(now))
    }

    fn poll(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(self.poll_once())
    }

    /// The inverter has no timer.
    fn plan(&self, wish: &Wish, _dead_man: Option<Timespan>) -> Result<Plan, PlanError> {
        self.plan_wish(wish)
    }

    /// A mode is a priority, which is given back as the setting that it is.
    fn way_back(&self, wish: &Wish, native: &str) -> Wish {
        let name = match wish {
            Wish::Mode(_) => Metric::OutputPriority.id().to_owned(),
            Wish::Setting(assignment) => assignment.name.clone(),
        };
        Wish::Setting(Assignment { name, value: native.to_owned() })
    }

    fn write<'a>(&'a mut self, plan: &'a Plan) -> BoxFuture<'a, Result<WriteReply, DeviceError>> {
        Box::pin(self.write_plan(plan))
    }

    fn read_back<'a>(&'a mut self, wish: &'a Wish) -> BoxFuture<'a, Result<ModeNow, DeviceError>> {
        Box::pin(self.now_of(wish))
    }

    fn memory(&self) -> Option<String> {
        serde_json::to_string(&self.memory).ok()
    }

    fn must_remember(&self) -> bool {
        self.memory.switched_off.is_some()
    }
}

/// What not every unit of a family has: announced by being told.
const ONLY_SOME: &[Metric] = &[
    Metric::DischargeCurrentMax,
    Metric::ParallelUnits,
    Metric::PvCurrent1,
    Metric::PvPower2,
    Metric::PvVoltage2,
    Metric::PvCurrent2,
    Metric::PvPower3,
    Metric::PvVoltage3,
    Metric::PvCurrent3,
    super::native::FLAG_FEED_IN_ALLOWED,
];

/// What every unit of a family reports.
fn metrics(family: Family) -> Vec<Metric> {
    let mut metrics = family.metrics();
    metrics.retain(|metric| !ONLY_SOME.contains(metric));
    metrics.extend(FIGURES.iter().copied().filter(|figure| !metrics.contains(figure)).collect::<Vec<_>>());
    metrics
}

/// Three polls may be lost before a value is too old, and one reading of the settings; slow values live for a few of
/// their own periods.
fn ttl(interval: Duration, timeout: Duration) -> Ttl {
    let polls = interval.saturating_mul(3).saturating_add(timeout.saturating_mul(5));
    let settings =
        schedule::settings_every(interval).saturating_mul(2).saturating_add(timeout.saturating_mul(2));
    let fast = polls.max(settings);
    Ttl { fast, medium: fast.max(Duration::from_secs(300)), slow: fast.max(Duration::from_secs(3600)) }
}
