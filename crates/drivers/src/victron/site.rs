//! Which of a GX device's services count: the installation as the canonical values need it.

use ohmstead_model::Unknown;

use super::ess::SETPOINT;
use super::roster::Kind;
use super::tree::{Part, Tree};

/// The three phases.
pub(crate) const PHASES: [&str; 3] = ["L1", "L2", "L3"];

/// The services that count, as far as they are there.
pub(crate) struct Site<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) system: Option<&'a Part>,
    pub(crate) settings: Option<&'a Part>,
    pub(crate) hub4: Option<&'a Part>,
    pub(crate) platform: Option<&'a Part>,
    /// The battery whose voltage, current and state of charge the GX uses.
    pub(crate) battery: Option<&'a Part>,
    /// The battery whose limits count, and which knows its cells.
    pub(crate) bms: Option<&'a Part>,
    /// Meter at the connection to the grid.
    pub(crate) grid: Option<&'a Part>,
    /// Multis and Quattros on VE.Bus, the one that the GX counts first; then Multi RS and the like.
    pub(crate) inverters: Vec<&'a Part>,
}

impl<'a> Site<'a> {
    pub(crate) fn of(tree: &'a Tree) -> Self {
        let system = tree.first("system");
        let battery = system
            .and_then(|system| named(tree, system, &["/ActiveBatteryService", "/Dc/Battery/BatteryService"]));
        let battery = battery.filter(|part| &*part.class == "battery").or_else(|| one_of(tree, |_| true));
        let bms = system.and_then(|system| {
            let by_instance = || tree.part(&format!("battery/{}", system.int("/ActiveBmsInstance")?));
            named(tree, system, &["/ActiveBmsService"]).or_else(by_instance)
        });
        let bms =
            bms.or_else(|| one_of(tree, |part| part.number("/Info/MaxChargeCurrent").is_some())).or(battery);
        Self {
            tree,
            system,
            settings: tree.first("settings"),
            hub4: tree.first("hub4"),
            platform: tree.first("platform"),
            battery,
            bms,
            grid: tree.first("grid"),
            inverters: inverters(tree, system),
        }
    }

    /// The Multi or Quattro that counts.
    pub(crate) fn vebus(&self) -> Option<&'a Part> {
        self.inverters.iter().copied().find(|part| &*part.class == "vebus")
    }

    /// Whether overrides may be there without being seen: a way that shows "none" as 0, on a device that has them.
    pub(crate) fn hides_overrides(&self) -> bool {
        self.tree.zero_is_none() && self.hub4.is_some_and(|part| part.has(SETPOINT))
    }

    /// Why what the GX tells of the grid is not what flows there: without the meter that it had or needs it shows the
    /// inverter's input instead.
    pub(crate) fn lost_meter(&self) -> Option<Unknown> {
        let alarm =
            self.hub4.and_then(|part| part.int("/Alarms/NoGridMeter")).is_some_and(|alarm| alarm != 0);
        let may_lack = self.setting("/Settings/CGwacs/RunWithoutGridMeter") == Some(1.0);
        let is_gone = self.grid.is_none() && !may_lack && self.tree.roster.has(Kind::Grid);
        (alarm || is_gone).then(|| Unknown::missing("grid meter"))
    }

    /// That an inverter is not there any more: what the others give is not all of it.
    pub(crate) fn lost_inverter(&self) -> Option<Unknown> {
        let members = self.tree.members(Kind::Inverter);
        let has_units = members.iter().any(|member| matches!(member.class(), "multi" | "inverter"));
        // As with those that are there: the units of an RS system count, or their sum.
        self.tree.lost(Kind::Inverter, |class| !(has_units && class == "acsystem"))
    }

    /// The number at a path of the system service.
    pub(crate) fn system_number(&self, path: &str) -> Option<f64> {
        self.system?.number(path)
    }

    /// The number at a path of the settings.
    pub(crate) fn setting(&self, path: &str) -> Option<f64> {
        self.settings?.number(path)
    }
}

/// The first battery of a kind; where the device cannot tell which one it uses, the only one.
fn one_of(tree: &Tree, is_it: impl Fn(&Part) -> bool) -> Option<&Part> {
    let mut all = tree.of_class("battery").filter(|part| is_it(part));
    let first = all.next()?;
    (!tree.zero_is_none() || all.next().is_none()).then_some(first)
}

fn inverters<'a>(tree: &'a Tree, system: Option<&'a Part>) -> Vec<&'a Part> {
    let by_instance = || {
        // Not every way tells the names on the bus.
        let instance = system?.int("/VebusInstance")?;
        tree.of_class("vebus").find(|part| part.instance == instance)
    };
    let first = system.and_then(|system| named(tree, system, &["/VebusService"])).or_else(by_instance);
    let mut all: Vec<&Part> = tree.of_class("vebus").collect();
    all.extend(tree.of_class("multi"));
    all.extend(tree.of_class("inverter"));
    // `system` sums the units of an RS system up: counting both would count twice.
    if !all.iter().any(|part| matches!(&*part.class, "multi" | "inverter")) {
        all.extend(tree.of_class("acsystem"));
    }
    all.sort_by_key(|part| first.is_none_or(|first| part.service != first.service));
    all
}

/// The part that the first of these paths with a value names, by the bus or by class and instance.
fn named<'a>(tree: &'a Tree, system: &Part, paths: &[&str]) -> Option<&'a Part> {
    paths.iter().filter_map(|path| system.text(path)).find_map(|name| {
        let key = name.strip_prefix(super::tree::PREFIX).unwrap_or(name);
        tree.service(name).or_else(|| tree.part(key))
    })
}
