//! The GX restarts: every service is gone for more than a minute, and what was volatile is lost.

use super::Gx;
use crate::venus::value::Value;

/// How long a Cerbo takes, ms.
const DOWN_MS: i64 = 80_000;
/// What a restart forgets: class, path, value after it.
const VOLATILE: [(&str, &str, Value); 7] = [
    ("hub4", "/Overrides/Setpoint", Value::Invalid),
    ("hub4", "/Overrides/MaxDischargePower", Value::F64(-1.0)),
    ("hub4", "/Overrides/ForceCharge", Value::I32(0)),
    ("hub4", "/Overrides/FeedInExcess", Value::I32(0)),
    ("hub4", "/Pv/Disable", Value::I32(0)),
    ("platform", "/Device/Reboot", Value::I32(0)),
    ("switch/100", "/SwitchableOutput/output_1/State", Value::I32(0)),
];

/// A restart that goes on.
#[derive(Debug, Clone)]
pub(super) struct Down {
    until_ms: i64,
    /// Services that come back with it.
    services: Vec<usize>,
}

impl Gx {
    /// Restarts the GX, as a write to `/Device/Reboot` does; the Multis go on by themselves.
    pub fn reboot(&mut self) {
        if self.down.is_some() {
            return;
        }
        let services: Vec<usize> =
            (0..self.tree.services().len()).filter(|index| self.tree.services()[*index].present).collect();
        for index in &services {
            self.tree.services_mut()[*index].vanish();
        }
        self.down = Some(Down { until_ms: self.now_ms + DOWN_MS, services });
    }

    /// Whether it restarts at this moment: no port answers.
    pub fn is_down(&self) -> bool {
        self.down.is_some()
    }

    /// Begins and ends restarts.
    pub(super) fn restart(&mut self) {
        let wanted = self.tree.service("platform").and_then(|platform| platform.number("/Device/Reboot"));
        if self.down.is_none() && wanted.is_some_and(|wanted| wanted > 0.5) {
            self.reboot();
        }
        let Some(down) = self.down.take_if(|down| down.until_ms <= self.now_ms) else { return };
        for (class, path, value) in VOLATILE {
            if let Some(service) = self.tree.service_mut(class)
                && service.item(path).is_some()
            {
                service.set(path, value);
            }
        }
        self.written_ms.clear();
        self.switches.ai_write = false;
        for index in down.services {
            let service = &mut self.tree.services_mut()[index];
            if !self.gone.contains(&index) && !service.present {
                let connection = service.connection.clone();
                service.return_as(connection);
            }
        }
    }
}
