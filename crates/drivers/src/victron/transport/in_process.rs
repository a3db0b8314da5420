//! A GX device in the same process: a simulated one, for tests that live a day in a second. What is told and asked are the
//! values themselves; everything behind the transport is what runs in life.

use std::sync::Arc;
use std::time::Duration;

use super::{Event, Failure, Port, Request, SetReply};
use crate::victron::tree::Told;
use crate::victron::value::Scalar;

/// A value of a path; none of them is "no value".
#[derive(Debug, Clone, PartialEq)]
pub enum InProcessValue {
    /// Any number.
    Number(f64),
    /// A text.
    Text(String),
}

/// What a device in the same process tells.
#[derive(Debug, Clone, PartialEq)]
pub enum InProcessEvent {
    /// A service with all its values.
    Up(String, Vec<(Arc<str>, Option<InProcessValue>)>),
    /// Some values of a service.
    Changed(String, Vec<(Arc<str>, Option<InProcessValue>)>),
    /// A service is not there any more.
    Gone(String),
    /// Nothing can be heard of the device; why.
    Lost(String),
}

/// A GX device in the same process.
pub trait InProcess: Send + Sync {
    /// What has changed since the last call, or everything where `anew`.
    fn news(&self, anew: bool) -> Vec<InProcessEvent>;
    /// Writes a value; `None` is silence, else whether it was taken.
    fn set(&self, service: &str, path: &str, value: Option<InProcessValue>) -> Option<bool>;
    /// Reads a value; `None` is silence.
    fn get(&self, service: &str, path: &str) -> Option<Option<InProcessValue>>;
}

/// How long an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Looks for ever, so often.
pub(crate) async fn run(device: Arc<dyn InProcess>, interval: Duration, mut port: Port) {
    let mut is_complete = false;
    loop {
        let events: Vec<_> = device.news(!is_complete).into_iter().map(Event::from).collect();
        let is_lost = events.iter().any(|event| matches!(event, Event::Lost(_)));
        for event in events {
            port.tell(event).await;
        }
        if !is_complete && !is_lost {
            port.tell(Event::Complete).await;
        }
        if !is_lost {
            port.tell(Event::Alive).await;
        }
        is_complete = !is_lost;
        let mut over = port.clock.sleep(interval);
        loop {
            tokio::select! {
                () = &mut over => break,
                request = port.request() => answer(device.as_ref(), request, &port).await,
            }
        }
    }
}

async fn answer(device: &dyn InProcess, request: Request, port: &Port) {
    match request {
        Request::Get(spot, reply) => {
            let read = device.get(&spot.service, &spot.path);
            drop(reply.send(in_time(read.map(|value| value.and_then(scalar)), port).await));
        }
        Request::Set(spot, value, reply) => {
            let taken = device.set(&spot.service, &spot.path, value.map(InProcessValue::from));
            let refused = || SetReply::Refused("the device does not take it".to_owned());
            let said = taken.map(|taken| if taken { SetReply::Taken } else { refused() });
            drop(reply.send(in_time(said, port).await));
        }
    }
}

/// An answer, or the time that is waited for one.
async fn in_time<T>(answer: Option<T>, port: &Port) -> Result<T, Failure> {
    let Some(answer) = answer else {
        port.clock.sleep(TIMEOUT).await;
        return Err(Failure::Silent(TIMEOUT));
    };
    Ok(answer)
}

impl From<InProcessEvent> for Event {
    fn from(event: InProcessEvent) -> Self {
        let told = |values: Vec<(Arc<str>, Option<InProcessValue>)>| {
            let told = |(path, value): (_, Option<InProcessValue>)| Told {
                path,
                value: value.and_then(scalar),
                text: None,
                limits: None,
            };
            values.into_iter().map(told).collect()
        };
        match event {
            InProcessEvent::Up(service, values) => Self::Up { service: service.into(), items: told(values) },
            InProcessEvent::Changed(service, values) => {
                Self::Changed { service: service.into(), items: told(values) }
            }
            InProcessEvent::Gone(service) => Self::Gone { service: service.into() },
            InProcessEvent::Lost(why) => Self::Lost(why),
        }
    }
}

/// A value as the other ways tell it; what is no number is none.
fn scalar(value: InProcessValue) -> Option<Scalar> {
    match value {
        InProcessValue::Number(number) => Scalar::float(number),
        InProcessValue::Text(text) => Some(Scalar::text(&text)),
    }
}

impl From<Scalar> for InProcessValue {
    fn from(value: Scalar) -> Self {
        match value.number() {
            Some(number) => Self::Number(number),
            None => Self::Text(value.to_string()),
        }
    }
}
