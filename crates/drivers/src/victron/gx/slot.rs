//! One configured way with what it has told.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ohmstead_model::{Clock, Moment};

use crate::victron::settings::Route;
use crate::victron::transport::in_process::{self, InProcess};
use crate::victron::transport::{Event, Kind, Timed, Way, dbus, http, modbus, mqtt};
use crate::victron::tree::{Told, Tree};

/// A configured way.
pub(super) struct Slot {
    pub(super) route: Route,
    /// The device itself, where it is in this process: in place of the way to it.
    pub(super) device: Option<Arc<dyn InProcess>>,
    /// `None` while it rests.
    pub(super) way: Option<Way>,
    pub(super) tree: Arc<RwLock<Tree>>,
    /// Since when everything is known by this way; `None` while it is not.
    pub(super) complete_since: Option<Moment>,
    /// Since when it is not.
    pub(super) down_since: Moment,
    /// When it last told anything, be it only that the other end lives.
    pub(super) heard: Moment,
    /// Why it does not work at present.
    pub(super) trouble: Option<String>,
    /// What the owner should know although it works.
    pub(super) remark: Option<String>,
    /// Which of several devices at one place this is.
    pub(super) portal: Option<Arc<str>>,
}

impl Slot {
    pub(super) fn new(route: Route, now: Moment) -> Self {
        let tree = if route.kind() == Kind::Modbus { Tree::of_zeros() } else { Tree::default() };
        let tree = Arc::new(RwLock::new(tree));
        Self {
            route,
            device: None,
            way: None,
            tree,
            complete_since: None,
            down_since: now,
            heard: now,
            trouble: None,
            remark: None,
            portal: None,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.route.kind()
    }

    /// Starts the way if it rests. Nothing happens until it is waited for.
    pub(super) fn start(&mut self, clock: &Arc<dyn Clock>, interval: Duration, now: Moment) {
        if self.way.is_some() {
            return;
        }
        let clock = Arc::clone(clock);
        self.down_since = now;
        if let Some(device) = self.device.clone() {
            self.way = Some(Way::start(clock, |port| in_process::run(device, interval, port)));
            return;
        }
        self.way = Some(match self.route.clone() {
            Route::Dbus(bus) => Way::start(clock, |port| dbus::run(bus.address(), port)),
            Route::Mqtt(mqtt) => {
                let last = self.portal.as_deref().map(str::to_owned);
                Way::start(clock, |port| mqtt::run(mqtt, last, port))
            }
            Route::Http(authority) => {
                Way::start(clock, move |port| http::run(authority.host, authority.port, interval, port))
            }
            Route::Modbus(modbus) => Way::start(clock, move |port| modbus::run(modbus, interval, port)),
        });
    }

    /// Ends the way's connection.
    pub(super) fn stop(&mut self) {
        if self.way.take().is_some() {
            self.complete_since = None;
            (self.trouble, self.remark) = (None, None);
            self.change(Tree::all_gone);
        }
    }

    pub(super) fn has_waiting(&mut self) -> bool {
        self.way.as_mut().is_some_and(|way| way.has_waiting())
    }

    /// Takes in one value that was asked for.
    pub(super) fn told(&mut self, service: &str, told: Told, at: Moment) {
        self.change(|tree| {
            tree.change(service, vec![told], at);
        });
    }

    /// Takes in what was told. Whether any value may have changed.
    pub(super) fn take(&mut self) -> bool {
        let mut changed = false;
        while let Some(Timed { at, event }) = self.way.as_mut().and_then(Way::take) {
            if !matches!(event, Event::Lost(_)) {
                self.heard = at;
            }
            changed |= self.take_one(event, at);
        }
        changed
    }

    fn take_one(&mut self, event: Event, at: Moment) -> bool {
        match event {
            Event::Up { service, items } => {
                let kind = self.kind();
                tracing::debug!(service = &*service, %kind, values = items.len(), "a service with all its values");
                self.change(|tree| tree.up(&service, items, at));
            }
            Event::Changed { service, items } => self.change(|tree| {
                // Of a service that nobody announced nothing is known either.
                tree.change(&service, items, at);
            }),
            Event::Gone { service } => self.change(|tree| tree.gone(&service)),
            Event::Complete => {
                self.complete_since = self.complete_since.or(Some(at));
                self.trouble = None;
            }
            Event::Alive => return false,
            Event::Absent(why) => self.trouble = Some(why),
            Event::Portal(portal) => self.portal = Some(portal),
            Event::Remark(text) => self.remark = Some(text),
            Event::Lost(why) => {
                if self.complete_since.take().is_some() {
                    self.down_since = at;
                }
                // Whoever does not come back must not look as if it were there.
                self.change(Tree::all_gone);
                (self.trouble, self.remark) = (Some(why), None);
            }
        }
        true
    }

    fn change(&mut self, change: impl FnOnce(&mut Tree)) {
        change(&mut self.tree.write().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::victron::settings::Bus;

    #[test]
    fn of_an_interrupted_start_nothing_stays() {
        let at = Moment::default();
        let mut slot = Slot::new(Route::Dbus(Bus::System), at);
        let items = vec![Told { path: "/Level".into(), value: None, text: None, limits: None }];
        slot.take_one(Event::Up { service: "com.victronenergy.tank.a".into(), items }, at);
        let is_here = |slot: &Slot| {
            let tree = slot.tree.read().expect("nobody panicked");
            tree.first("tank").is_some()
        };
        assert!(is_here(&slot));
        slot.take_one(Event::Lost("the bus closed the connection".to_owned()), at);
        assert!(!is_here(&slot), "it need not be there when the way comes back");
    }
}
