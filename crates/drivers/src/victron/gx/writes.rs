//! Planning, carrying out and reading back. A write goes out once; its answer is written down, and what is read back counts.

use std::sync::Arc;

use ohmstead_model::Wish;
use ohmstead_units::{BatteryPower, Watts};
use tokio::sync::oneshot;

use super::{Gx, read};
use crate::victron::ess::{self, Budget, Write};
use crate::victron::site::Site;
use crate::victron::transport::{Failure, Kind, Request, SetReply, Spot};
use crate::victron::tree::Told;
use crate::victron::value::{Scalar, whole};
use crate::{DeviceError, ModeNow, Plan, PlanError, WriteReply};

impl Gx {
    fn kind(&self) -> Option<Kind> {
        self.slots.get(self.active).map(super::Slot::kind)
    }

    pub(super) fn plan_wish(&self, wish: &Wish) -> Result<Plan, PlanError> {
        let kind = self.kind().filter(|_| self.is_complete());
        let kind =
            kind.ok_or_else(|| PlanError { reason: "the GX device is not reached at present".to_owned() })?;
        let tree = self.tree();
        let tree = read(&tree);
        let budget =
            Budget { interval: self.settings.write_interval.0, per_day: self.settings.writes_per_day };
        ess::plan(wish, &Site::of(&tree), kind, budget)
    }

    pub(super) async fn write_plan(&mut self, plan: &Plan) -> Result<WriteReply, DeviceError> {
        let mut replies = Vec::new();
        for text in &plan.writes {
            let write = Write::parse(text)
                .ok_or_else(|| self.refused(text, "this is nothing that may be written"))?;
            let value = self.typed(&write);
            let (reply, answer) = oneshot::channel();
            let outcome = self.ask(Request::Set(write.spot, value, reply), answer).await;
            let (word, accepted) = match outcome {
                Ok(SetReply::Taken) => ("0".to_owned(), true),
                Ok(SetReply::Unanswered) => ("sent (no answer on this way)".to_owned(), true),
                Ok(SetReply::Refused(why)) => (why, false),
                Err(failure) => return Err(self.error(text, failure)),
            };
            replies.push(word);
            if !accepted {
                return Ok(WriteReply { reply: replies.join(" "), accepted: false, tries: 1 });
            }
        }
        Ok(WriteReply { reply: replies.join(" "), accepted: true, tries: 1 })
    }

    /// The value as the type that the path has: a double stays one.
    fn typed(&self, write: &Write) -> Option<Scalar> {
        let tree = self.tree();
        let tree = read(&tree);
        let now = tree.service(&write.spot.service).and_then(|part| part.value(&write.spot.path));
        let number = write.value.as_ref()?.number();
        match (now, number) {
            (Some(Scalar::Float(_)), Some(number)) => Some(Scalar::Float(number)),
            (_, Some(number)) => Some(whole(number).map_or(Scalar::Float(number), Scalar::Int)),
            _ => write.value.clone(),
        }
    }

    pub(super) async fn read_wish(&mut self, wish: &Wish) -> Result<ModeNow, DeviceError> {
        let spots = {
            let tree = self.tree();
            let tree = read(&tree);
            ess::read_spots(wish, &Site::of(&tree))
        };
        if !self.is_complete() || spots.is_empty() {
            let what = wish.to_string();
            return Err(self.error(
                &what,
                Failure::Down("the GX device is not reached, or does not have this".to_owned()),
            ));
        }
        let mut values = Vec::new();
        for spot in spots {
            let value = self.read_spot(&spot).await?;
            self.keep_read(&spot, value.clone());
            values.push((spot, value));
        }
        // What came meanwhile tells the power.
        self.take_events();
        let tree = self.tree();
        let tree = read(&tree);
        let site = Site::of(&tree);
        let power = site
            .system_number("/Dc/Battery/Power")
            .or_else(|| site.battery.and_then(|part| part.number("/Dc/0/Power")));
        let soc = site
            .system_number("/Dc/Battery/Soc")
            .or_else(|| site.battery.and_then(|part| part.number("/Soc")));
        Ok(ModeNow {
            native: ess::read_word(wish, &values),
            power: power.map(|watts| BatteryPower::charging(Watts(watts))),
            soc,
        })
    }

    pub(super) async fn read_spot(&mut self, spot: &Spot) -> Result<Option<Scalar>, DeviceError> {
        let (reply, answer) = oneshot::channel();
        let outcome = self.ask(Request::Get(spot.clone(), reply), answer).await;
        outcome.map_err(|failure| self.error(&spot.to_string(), failure))
    }

    /// What was read by name is as good as what a signal tells, and may come sooner; what was told before it and still waits
    /// is older.
    pub(super) fn keep_read(&mut self, spot: &Spot, value: Option<Scalar>) {
        let told = Told { path: Arc::clone(&spot.path), value, text: None, limits: None };
        let at = self.now();
        if let Some(slot) = self.slots.get_mut(self.active) {
            slot.take();
            slot.told(&spot.service, told, at);
        }
        self.is_dirty = true;
    }

    async fn ask<T>(
        &mut self,
        request: Request,
        answer: oneshot::Receiver<Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let way = self.slots.get_mut(self.active).and_then(|slot| slot.way.as_mut());
        match way {
            Some(way) => way.ask(request, answer).await,
            None => Err(Failure::Down("the GX device is not reached at present".to_owned())),
        }
    }

    fn refused(&self, request: &str, why: &str) -> DeviceError {
        DeviceError::Refused { device: self.id.clone(), request: request.to_owned(), answer: why.to_owned() }
    }

    fn error(&self, request: &str, failure: Failure) -> DeviceError {
        let (device, request) = (self.id.clone(), request.to_owned());
        match failure {
            Failure::Silent(_) => DeviceError::NoAnswer { device, request, tries: 1 },
            Failure::Refused(answer) => DeviceError::Refused { device, request, answer },
            Failure::Unable(answer) => DeviceError::Refused { device, request, answer: answer.to_owned() },
            Failure::Down(why) => DeviceError::Send {
                device,
                request,
                source: std::io::Error::new(std::io::ErrorKind::NotConnected, why),
            },
        }
    }
}
