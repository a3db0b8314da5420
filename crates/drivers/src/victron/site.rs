//! Which of a GX device's services count: the installation as the canonical values need it.

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
        let battery = battery.filter(|part| &*part.class == "battery").or_else(|| tree.first("battery"));
        let bms = system.and_then(|system| named(tree, system, &["/ActiveBmsService"]));
        let bms = bms
            .or_else(|| tree.of_class("battery").find(|part| part.number("/Info/MaxChargeCurrent").is_some()))
            .or(battery);
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

    /// The number at a path of the system service.
    pub(crate) fn system_number(&self, path: &str) -> Option<f64> {
        self.system?.number(path)
    }

    /// The number at a path of the settings.
    pub(crate) fn setting(&self, path: &str) -> Option<f64> {
        self.settings?.number(path)
    }
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
