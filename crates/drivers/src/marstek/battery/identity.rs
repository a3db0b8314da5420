//! What the unit is: its MAC, model and firmware as it tells them, and what follows from them.

use ohmstead_model::{Metric, Observation, Role};

use super::{Battery, EXPECTED};
use crate::Report;
use crate::marstek::link::Answer;
use crate::marstek::profile::{Family, Firmware, Profile};
use crate::marstek::wire::{self, Method};
use crate::marstek::{field, mode, notices};

impl Battery {
    pub(super) fn learn_identity(&mut self, method: Method, answer: &Answer) {
        let src = answer.src.as_deref().unwrap_or_default();
        if self.memory.mac.is_none() {
            let told = field::text(&answer.fields, "ble_mac").ok().and_then(wire::normal_mac);
            self.memory.mac = told.or_else(|| wire::mac_of_src(src));
            self.link.mac.clone_from(&self.memory.mac);
        }
        let before = (self.memory.model.clone(), self.memory.ver);
        if method == Method::GetDevice {
            if let Ok(model) = field::text(&answer.fields, "device") {
                self.memory.model = Some(model.to_owned());
            }
            self.memory.ver = field::number(&answer.fields, "ver").ok().or(self.memory.ver);
        } else if self.memory.model.is_none() {
            self.memory.model = wire::model_of_src(src).map(str::to_owned);
        }
        if before.1.is_some() && before.1 != self.memory.ver {
            self.forget_firmware();
        }
        if before != (self.memory.model.clone(), self.memory.ver) || self.info.serial != self.memory.mac {
            self.apply_profile();
            self.report(Report::Info(self.info.clone()));
        }
    }

    fn forget_firmware(&mut self) {
        tracing::info!(device = %self.id, "the unit has a new firmware: learning its habits again");
        self.memory.forget_firmware();
        self.memory.habit_mut(Method::GetDevice).answered(0);
        self.interpreter.forget_firmware();
        self.schedule.restart(Method::GetDevice);
    }

    pub(super) fn apply_profile(&mut self) {
        let family = self.memory.model.as_deref().map_or(Family::Unknown, Family::of);
        let profile = Profile { family, firmware: self.memory.ver.and_then(Firmware::from_ver) };
        self.interpreter.profile = profile;
        let info = &mut self.info;
        info.title = self.settings.name.clone().unwrap_or_else(|| self.id.to_string());
        info.manufacturer = "Marstek";
        info.model.clone_from(&self.memory.model);
        info.firmware = profile.firmware.map(|firmware| firmware.to_string());
        info.serial.clone_from(&self.memory.mac);
        info.phase = self.settings.phase.map(Into::into);
        info.modes = mode::supported(profile);
        info.metrics = EXPECTED.to_vec();
        info.entity_id.clone_from(&self.settings.entity_id);
        info.device_id.clone_from(&self.settings.device_id);
        self.apply_roles();
        for notice in ["risky_firmware", "short_interval"] {
            self.notices.remove(notice);
        }
        let about =
            [notices::risky_firmware(profile), notices::short_interval(profile, self.settings.interval.0)];
        self.notices.extend(about.into_iter().flatten().map(|notice| (notice.code, notice)));
    }

    pub(super) fn apply_roles(&mut self) {
        let family = self.interpreter.profile.family;
        let solar = self.settings.pv_peak.is_some() || family.has_pv() && !self.interpreter.pv_absent;
        let roles = [
            Some(Role::Battery),
            Some(Role::Inverter),
            self.memory.has_meter.then_some(Role::GridMeter),
            (solar && self.schedule.allows(Method::Pv)).then_some(Role::Pv),
        ];
        self.info.roles = roles.into_iter().flatten().collect();
    }

    /// A unit with PV inputs and no panels does not answer for them: then there is no solar power to subtract.
    pub(super) fn note_absent_pv(&mut self, method: Method) {
        if method == Method::Pv && self.settings.pv_peak.is_none() {
            self.interpreter.pv_absent = self.memory.habit(Method::Pv).is_dead();
        }
    }

    pub(super) fn watch_values(&mut self, values: &[(Metric, Observation)]) {
        let sees_meter = values.iter().any(|(metric, value)| *metric == Metric::GridPower && value.is_ok());
        let roles = self.info.roles.clone();
        self.memory.has_meter |= sees_meter;
        self.apply_roles();
        if roles != self.info.roles {
            self.report(Report::Info(self.info.clone()));
        }
        if self.interpreter.has_frozen_counter() {
            self.notices.insert("counters_frozen", notices::counters_frozen());
        } else {
            self.notices.remove("counters_frozen");
        }
    }
}
