//! A house of batteries and a meter that a test sets as it likes, cycle by cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_control::rotation::{Group, Settings, State, Verdict, View, step};
use ohmstead_control::schedule::Holidays;
use ohmstead_control::{Proposal, Reason};
use ohmstead_model::{
    BatteryMode, DeviceId, DeviceInfo, DeviceState, Metric, Moment, Observed, Online, Role, Snapshot,
    UnixMillis, Value,
};

/// The moment at which every test begins: a Monday noon in Brussels.
pub(crate) const NOON: Moment =
    Moment { mono: Duration::from_secs(10_000), unix: UnixMillis(1_796_036_400_000) };

pub(crate) fn brussels() -> TimeZone {
    TimeZone::get("Europe/Brussels").unwrap()
}

pub(crate) fn group(yaml: &str) -> Settings {
    vec![("day".to_owned(), serde_saphyr::from_str::<Group>(yaml).unwrap())]
}

pub(crate) struct House {
    pub(crate) snapshot: Snapshot,
    pub(crate) now: Moment,
    pub(crate) state: State,
    pub(crate) groups: Settings,
    pub(crate) confirmed: BTreeMap<DeviceId, BatteryMode>,
    pub(crate) taken: BTreeSet<DeviceId>,
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) proposals: Vec<Proposal>,
    /// Batteries do at once what they are told, and that is read back.
    pub(crate) obedient: bool,
    /// The grid power that the meter tells; it is repeated in every cycle.
    pub(crate) grid: Option<f64>,
    time_zone: TimeZone,
    pub(crate) socs: BTreeMap<&'static str, Option<f64>>,
}

impl House {
    /// Batteries with their states of charge, of which the first follows the meter.
    pub(crate) fn new(batteries: &[(&'static str, f64)], yaml: &str) -> Self {
        let names: Vec<_> = batteries.iter().map(|(name, _)| *name).collect();
        let yaml = format!("{{ batteries: [{}], meter: meter, {yaml} }}", names.join(", "));
        let mut house = Self {
            snapshot: Snapshot::default(),
            now: NOON,
            state: State::default(),
            groups: group(&yaml),
            confirmed: BTreeMap::new(),
            taken: BTreeSet::new(),
            verdicts: Vec::new(),
            proposals: Vec::new(),
            obedient: true,
            grid: Some(0.0),
            time_zone: brussels(),
            socs: batteries.iter().map(|(name, soc)| (*name, Some(*soc))).collect(),
        };
        house.add("meter", Role::GridMeter);
        for name in names {
            house.add(name, Role::Battery);
        }
        let first = batteries[0].0.parse().unwrap();
        house.confirmed.insert(first, BatteryMode::Auto);
        house
    }

    fn add(&mut self, name: &str, role: Role) {
        let mut info = DeviceInfo::new(name.parse().unwrap(), "test", "nowhere");
        info.roles = vec![role];
        let mut device = DeviceState::new(Arc::new(info));
        device.online = Online::Yes(NOON);
        self.snapshot.insert(device);
    }

    pub(crate) fn put(&mut self, device: &str, metric: Metric, value: Option<Value>) {
        let at = self.now;
        let device = self.snapshot.device_mut(device).unwrap();
        match value {
            Some(value) => device.values.insert(metric, Observed { observation: Ok(value), at }),
            None => device.values.remove(&metric),
        };
    }

    pub(crate) fn number(&mut self, device: &str, metric: Metric, value: Option<f64>) {
        self.put(device, metric, value.map(Value::Number));
    }

    pub(crate) fn online(&mut self, device: &str, online: bool) {
        let now = self.now;
        let device = self.snapshot.device_mut(device).unwrap();
        device.online = if online { Online::Yes(now) } else { Online::No(now) };
    }

    pub(crate) fn soc(&mut self, device: &'static str, soc: f64) {
        self.socs.insert(device, Some(soc));
    }

    /// One cycle.
    pub(crate) fn cycle(&mut self) -> String {
        let grid = self.grid;
        self.number("meter", Metric::GridPower, grid);
        for (name, soc) in self.socs.clone() {
            self.number(name, Metric::BatterySoc, soc);
        }
        let holidays = Holidays::default();
        let view = View {
            snapshot: &self.snapshot,
            confirmed: &self.confirmed,
            taken: &self.taken,
            time_zone: &self.time_zone,
            holidays: &holidays,
        };
        let (state, proposals, verdicts) = step(&self.state, view, self.now, &self.groups);
        (self.state, self.verdicts, self.proposals) = (state, verdicts, proposals);
        if self.obedient {
            self.obey();
        }
        self.wishes()
    }

    /// Every battery is in the mode that it was told.
    pub(crate) fn obey(&mut self) {
        let told = self
            .proposals
            .iter()
            .filter_map(|proposal| Some((proposal.device.clone(), proposal.wants.clone()?)));
        self.confirmed.extend(told);
    }

    /// What is wanted of each battery: `a auto, b idle`.
    pub(crate) fn wishes(&self) -> String {
        let shown = |proposal: &Proposal| {
            let mode = proposal.wants.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {mode}", proposal.device)
        };
        self.proposals.iter().map(shown).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn reason(&self, device: &str) -> &Reason {
        &self.proposals.iter().find(|proposal| proposal.device.as_str() == device).unwrap().reason
    }

    /// Cycles of one second; the wishes of the last one.
    pub(crate) fn run(&mut self, seconds: u64) -> String {
        let mut wishes = String::new();
        for _ in 0..seconds {
            self.now = self.now.plus(Duration::from_secs(1));
            wishes = self.cycle();
        }
        wishes
    }

    /// After how many seconds, at most, the wishes become these; `None` if they do not.
    pub(crate) fn until(&mut self, wishes: &str, at_most: u64) -> Option<u64> {
        (1..=at_most).find(|_| self.run(1) == wishes)
    }

    /// What is wrong, by code.
    pub(crate) fn findings(&self) -> String {
        let shown = |verdict: &Verdict| {
            let device = verdict.device.as_ref().map_or("-", DeviceId::as_str);
            format!("{device} {}", verdict.finding.code())
        };
        self.verdicts.iter().map(shown).collect::<Vec<_>>().join(", ")
    }
}
