//! What is asked by hand for now: it goes into the book, and to its device at once.

use ohmstead_control::overrides::{Agenda, LONGEST, POWER_MAX, power_beyond_all};
use ohmstead_control::{Bounds, Desired, Override, Reason, Who};
use ohmstead_model::{AskError, BatteryMode, DeviceId, Language, Moment, Request, Wish};
use ohmstead_units::Watts;

use super::{Control, book};
use crate::actuator::{Ask, How, ModeAsk};

/// Why a mode with such a power is not asked of any battery.
pub(crate) fn too_much(power: Watts) -> String {
    format!("a power must be from 0 to {POWER_MAX}, not {power}")
}

/// What counted by hand for a device before it was asked for something else.
struct Before {
    now: Option<Override>,
    later: Option<Agenda>,
    released: Option<Moment>,
}

impl Control {
    /// Takes a wish for a mode from now on, or ends what counts by hand at present.
    pub(super) async fn take(&mut self, ask: ModeAsk) {
        let ModeAsk { device, request, asked_by, answer } = ask;
        let mode = request.as_ref().and_then(|request| request.wish.mode());
        if let Some(power) = mode.and_then(power_beyond_all) {
            let _ = answer.send(Err(AskError::NotControllable(too_much(power))));
            return;
        }
        self.put_in_force().await;
        let before = Before {
            now: self.overrides.remove(&device),
            later: self.later.clone(),
            released: self.released.get(&device).copied(),
        };
        if request.is_none() {
            // Whatever counts by hand at present ends; what is to come stays.
            self.drop_present(&device, |_| true).await;
            if !self.has_read_book || self.later.is_none() {
                self.released.insert(device.clone(), self.parts.clock.now());
            }
        }
        let how = match &request {
            Some(request) if self.is_for_good(request) || !self.remember(request) => Ok(How::Once),
            _ => self.held(&device),
        };
        let how = match how {
            Ok(how) => how,
            Err(why) => {
                self.restore(&device, before).await;
                let _ = answer.send(Err(AskError::NotControllable(why)));
                return;
            }
        };
        if self.overrides.get(&device) != before.now.as_ref() {
            self.keep().await;
        }
        let request = request.unwrap_or_else(|| Request {
            device: device.clone(),
            wish: BatteryMode::Auto.into(),
            lease: None,
            asked_by,
        });
        if !self.parts.commander.hand_to_device(Ask { request, how, answer }) {
            // Who asked has been told that nothing comes of it.
            self.restore(&device, before).await;
            self.keep().await;
        }
    }

    async fn restore(&mut self, device: &DeviceId, before: Before) {
        let Before { now, later, released } = before;
        match released {
            Some(at) => self.released.insert(device.clone(), at),
            None => self.released.remove(device),
        };
        match now {
            Some(before) => self.overrides.insert(device.clone(), before),
            None => self.overrides.remove(device),
        };
        if self.later != later {
            self.later = later;
            self.keep_later().await;
        }
    }

    /// Whether a request leaves the device alone from then on: its own automatic, while nobody else wants anything of it.
    fn is_for_good(&self, request: &Request) -> bool {
        let is_auto = request.wish == Wish::Mode(BatteryMode::Auto) && request.lease.is_none();
        is_auto
            && !self
                .decide()
                .desired
                .iter()
                .any(|desired| desired.device == request.device && desired.mode.is_some())
    }

    /// What follows for a device. What it cannot do at all is asked of it once, for it knows best why; what only a bound
    /// forbids is not.
    fn held(&mut self, device: &DeviceId) -> Result<How, String> {
        let desired = self.decide().desired.into_iter().find(|desired| desired.device == *device);
        let desired = desired.unwrap_or_else(|| Desired::hands_off(device.clone()));
        if desired.chosen == Some(Who::Override) && matches!(desired.reason, Reason::CannotDo(_)) {
            self.overrides.remove(device);
            if desired.bounds == Bounds::ANY {
                return Ok(How::Once);
            }
            let by: Vec<_> = desired.bounded_by.iter().map(|who| who.key()).collect();
            return Err(format!(
                "{}, within the bounds of {}",
                desired.reason.sentence(Language::En),
                by.join(", ")
            ));
        }
        Ok(How::Held(Box::new(desired)))
    }

    /// Puts a wish into the book; `false` for one that has come to its end already.
    fn remember(&mut self, request: &Request) -> bool {
        let Some(mode) = request.wish.mode() else { return false };
        let now = self.parts.clock.now();
        let lasts = self.parts.rules.borrow().overrides.lasts(mode);
        let asked = Override {
            device: request.device.clone(),
            mode: mode.clone(),
            asked_by: request.asked_by.key().to_owned(),
            since: now.unix,
            ends: now.unix.plus(request.lease.unwrap_or(lasts).min(LONGEST)),
            asked_at: Some(now.mono),
        };
        let snapshot = self.parts.hub.snapshot();
        let device = snapshot.device(request.device.as_str()).map(AsRef::as_ref);
        let stands = asked.ended(device, now).is_none();
        if stands {
            self.overrides.insert(request.device.clone(), asked);
        }
        stands
    }

    /// What was asked before the start. A memory that cannot be read yet is read later, and what was asked since counts.
    pub(super) async fn read_book(&mut self) {
        if let Ok(before) = book::read(self.parts.records.as_ref()).await {
            for (device, asked) in before {
                if self.released.contains_key(&device) {
                    self.unkept.now = true;
                    continue;
                }
                self.overrides.entry(device).or_insert(asked);
            }
            self.has_read_book = true;
        }
    }
}
