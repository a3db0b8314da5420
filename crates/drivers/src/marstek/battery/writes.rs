//! Carrying out the writes of a plan, and reading mode and power back.

use std::time::Duration;

use ohmstead_units::{BatteryPower, Watts};
use serde_json::Value;

use super::{Battery, describe};
use crate::marstek::decode::native_mode;
use crate::marstek::field;
use crate::marstek::link::{Failure, Question};
use crate::marstek::wire::Method;
use crate::{DeviceError, ModeNow, Plan, WriteReply};

/// Settling time before a write, as the vendor's own library keeps it.
const BEFORE_WRITE: Duration = Duration::from_millis(500);
/// A unit that says no may be busy: nobody knows for how long, but a second attempt after some seconds usually helps.
const BUSY: Duration = Duration::from_secs(5);
/// What is kept of a unit's answer to one write.
const REPLY_KEPT: usize = 200;
/// The name of the one method that writes.
const SET_MODE: &str = "ES.SetMode";

impl Battery {
    pub(super) async fn write_plan(&mut self, plan: &Plan) -> Result<WriteReply, DeviceError> {
        if !self.resolve().await {
            return Err(self.error(SET_MODE, &Failure::Silent, 0));
        }
        let mut reply = WriteReply { reply: String::new(), accepted: true, tries: 1 };
        for write in &plan.writes {
            let (text, accepted) = self.write_one(write).await?;
            if !reply.reply.is_empty() {
                reply.reply.push(' ');
            }
            reply.reply.push_str(&text);
            if !accepted {
                reply.accepted = false;
                break;
            }
        }
        self.schedule.hurry(Method::EsMode);
        Ok(reply)
    }

    /// One `ES.SetMode`. A busy unit says false and means "later": it is asked once more.
    async fn write_one(&mut self, config: &str) -> Result<(String, bool), DeviceError> {
        let config: Value = serde_json::from_str(config).map_err(|error| DeviceError::Unusable {
            device: self.id.clone(),
            request: SET_MODE.to_owned(),
            answer: error.to_string(),
        })?;
        let mut last = (String::new(), false);
        for pause in [BEFORE_WRITE, BUSY] {
            self.context.clock.sleep(pause).await;
            let outcome = self.link.ask(|_| Question::SetMode(&config), 2).await;
            self.take_late();
            let answer = outcome.map_err(|failure| self.error(SET_MODE, &failure, 2))?.0;
            self.alive(answer.at);
            let accepted = field::flag(&answer.fields, "set_result").unwrap_or(false);
            last = (Value::Object(answer.fields).to_string().chars().take(REPLY_KEPT).collect(), accepted);
            if accepted {
                break;
            }
        }
        Ok(last)
    }

    pub(super) async fn mode_now(&mut self) -> Result<ModeNow, DeviceError> {
        if !self.resolve().await {
            return Err(self.error(Method::EsMode.name(), &Failure::Silent, 0));
        }
        let tries = 1 + self.settings.retries;
        let fields =
            self.read(Method::EsMode).await.map_err(|why| self.error(Method::EsMode.name(), &why, tries))?;
        let native = native_mode(&fields).map_err(|why| DeviceError::Unusable {
            device: self.id.clone(),
            request: Method::EsMode.name().to_owned(),
            answer: why.to_string(),
        })?;
        // Marstek's ongrid_power and ES.SetMode's power have the same sign: discharge positive.
        let power = field::number_in(&fields, "ongrid_power", -10_000.0..=10_000.0).ok();
        let power = power.map(|watts| BatteryPower::discharging(Watts(watts)));
        Ok(ModeNow { native, power, soc: self.interpreter.soc() })
    }

    fn error(&self, request: &str, failure: &Failure, tries: u32) -> DeviceError {
        let (device, request) = (self.id.clone(), request.to_owned());
        match failure {
            Failure::Silent => DeviceError::NoAnswer { device, request, tries },
            Failure::Refused(error) => DeviceError::Refused { device, request, answer: error.to_string() },
            Failure::Closed | Failure::Stranger(_) => {
                DeviceError::Unusable { device, request, answer: describe(failure) }
            }
            Failure::System(error) => DeviceError::Send {
                device,
                request,
                source: std::io::Error::new(error.kind(), error.to_string()),
            },
        }
    }
}
