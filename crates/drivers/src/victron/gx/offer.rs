//! The device as everybody else sees it: what it is, what it can do, what it is known from.

use ohmstead_model::{Evidence, Metric, Role};

use super::memory::serial_of;
use super::{Gx, read};
use crate::Report;
use crate::victron::notices::name_of;
use crate::victron::site::Site;
use crate::victron::tree::Tree;
use crate::victron::{DRIVER, ess};

/// What every installation reports.
const EXPECTED: &[Metric] = &[Metric::BatterySoc, Metric::BatteryPower, Metric::GridPower, Metric::LoadPower];

/// What most installations are: taken for granted until the device has told what it is.
const ASSUMED: &[Role] = &[Role::Battery, Role::Inverter, Role::GridMeter, Role::LoadMeter];

impl Gx {
    /// The description from the configuration and the way in use.
    pub(super) fn describe(&mut self) {
        let settings = &self.settings;
        let title = settings.name.clone().unwrap_or_else(|| self.id.to_string());
        let address = self.slots.get(self.active).map(|slot| slot.route.to_string()).unwrap_or_default();
        self.info.driver = DRIVER.name;
        self.info.title = title;
        self.info.manufacturer = "Victron Energy";
        self.info.address = address;
        self.info.phase = settings.phase.map(Into::into);
        self.info.entity_id.clone_from(&settings.entity_id);
        self.info.device_id.clone_from(&settings.device_id);
        self.info.ttl = self.ttl();
        if self.info.metrics.is_empty() {
            self.info.metrics = EXPECTED.to_vec();
            self.info.roles = match self.memory.roles() {
                none if none.is_empty() => ASSUMED.to_vec(),
                roles => roles,
            };
            self.info.modes = self.memory.modes().to_vec();
            self.info.settings = self.memory.settings();
        }
    }

    /// Fills the description in with what the device has told; reports it where that changed something.
    pub(super) fn offer(&mut self) {
        let before = self.info.clone();
        let tree = self.tree();
        let tree = read(&tree);
        let site = Site::of(&tree);
        let text = |path: &str| site.platform.and_then(|part| part.text(path)).map(str::to_owned);
        if let Some(model) = text("/Device/Model")
            .or_else(|| site.vebus().and_then(|part| part.text("/ProductName")).map(str::to_owned))
        {
            self.info.model = Some(model);
        }
        if let Some(firmware) = text("/Firmware/Installed/Version") {
            self.info.firmware = Some(firmware);
        }
        if let Some(serial) = serial_of(&site) {
            self.info.serial = Some(serial.to_owned());
        }
        self.info.roles = self.roles();
        let kind = self.slots.get(self.active).map(super::Slot::kind);
        self.info.modes = kind.map(|kind| ess::modes(&site, kind)).unwrap_or_default();
        self.info.settings = kind.map(|kind| ess::settings(&site, kind)).unwrap_or_default();
        self.memory.offers(&self.info.modes, &self.info.settings);
        for metric in self.reported.keys() {
            if !self.info.metrics.contains(metric) {
                self.info.metrics.push(*metric);
            }
        }
        if self.info != before {
            self.report(Report::Info(self.info.clone()));
        }
    }

    /// How each way is doing.
    pub(super) fn ways_evidence(&self) -> Vec<Evidence> {
        let of = |(index, slot): (usize, &super::Slot)| {
            let seen = match (&slot.trouble, slot.complete_since) {
                (_, Some(_)) => "works".to_owned(),
                (Some(why), None) => why.clone(),
                (None, None) if slot.way.is_some() => "being tried".to_owned(),
                (None, None) => "not tried: a better way works".to_owned(),
            };
            let means = if index == self.active { "in use" } else { "" };
            Evidence { what: slot.route.to_string(), seen, means: means.to_owned() }
        };
        self.slots.iter().enumerate().map(of).collect()
    }

    /// The services that were found.
    #[expect(clippy::unused_self, reason = "reads like its neighbours")]
    pub(super) fn services_evidence(&self, tree: &Tree) -> Vec<Evidence> {
        tree.parts()
            .map(|(key, part)| Evidence {
                what: key.to_string(),
                seen: part.service.to_string(),
                means: if part.is_here { name_of(part) } else { format!("{}, gone", name_of(part)) },
            })
            .collect()
    }
}
