//! The port-8088 interface of a GX device as a client: one request for all values of a service.
//!
//! ```text
//! GET /services                                  names, every half minute and after a refusal
//! GET /value?service=S&path=/                    all values of S: path without its first slash -> value
//! POST /value {"service","path","value"}         a write, from version 3 on
//! ```
//!
//! The server does one thing at a time and has no texts in this answer; `[]` stands for "no value".

mod client;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Event, Failure, Pace, Port, Request, SetReply, Spot};
use crate::victron::tree::{PREFIX, Told, class_of};
use crate::victron::value::{Scalar, from_json};
use client::{Answer, escaped, exchange};

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How often the names of the services are asked for.
const LIST_EVERY: Duration = Duration::from_secs(30);
/// The pauses after a failure.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Failures in a row after which the way counts as interrupted: a single call that hangs blocks the whole server.
const LOST_AFTER: u32 = 2;
/// More than any device has.
const SERVICES_MAX: usize = 128;

/// Asks for ever.
pub(crate) async fn run(host: String, port_number: u16, interval: Duration, mut port: Port) {
    let mut reader = Reader {
        host,
        port_number,
        interval,
        due: BTreeMap::new(),
        listed: Duration::ZERO,
        told: BTreeSet::new(),
        complete: false,
    };
    let (mut failures, mut pause) = (0, RETRY_MIN);
    loop {
        match reader.work(&mut port).await {
            Ok(()) => (failures, pause) = (0, RETRY_MIN),
            Err(why) => {
                failures += 1;
                if failures >= LOST_AFTER {
                    reader.start_anew();
                    port.tell(Event::Lost(why.clone())).await;
                }
                port.pause(pause, &why).await;
                pause = (pause * 2).min(RETRY_MAX);
            }
        }
    }
}

struct Reader {
    host: String,
    port_number: u16,
    interval: Duration,
    /// When each service is to be read (monotonic).
    due: BTreeMap<Arc<str>, Duration>,
    /// When the names are to be asked for.
    listed: Duration,
    /// Services that have told their values.
    told: BTreeSet<Arc<str>>,
    complete: bool,
}

impl Reader {
    /// Of what was told nothing counts any more: everything is read again before it is complete.
    fn start_anew(&mut self) {
        self.complete = false;
        self.told.clear();
        self.due.clear();
        self.listed = Duration::ZERO;
    }

    /// Does the next thing that is due, or answers a request.
    async fn work(&mut self, port: &mut Port) -> Result<(), String> {
        if let Some(request) = port.waiting_request() {
            self.answer(request, port).await;
            return Ok(());
        }
        let now = port.clock.now().mono;
        if self.listed <= now {
            return self.list(port).await;
        }
        let next = self.due.iter().min_by_key(|(_, due)| **due).map(|(name, due)| (Arc::clone(name), *due));
        let due = next.as_ref().map_or(self.listed, |(_, due)| (*due).min(self.listed));
        if due > now {
            let deadline = port.clock.sleep(due.saturating_sub(now));
            tokio::select! {
                () = deadline => {}
                request = port.request() => self.answer(request, port).await,
            }
            return Ok(());
        }
        match next {
            Some((name, _)) => self.read(name, port).await,
            None => Ok(()),
        }
    }

    async fn list(&mut self, port: &Port) -> Result<(), String> {
        let answer = self.get("/services", port).await?;
        let body = json_of(&answer)?;
        let names = body
            .get("services")
            .and_then(Json::as_array)
            .ok_or("the answer to /services has no list of services")?;
        let names: BTreeSet<Arc<str>> = names
            .iter()
            .filter_map(Json::as_str)
            .filter(|name| name.starts_with(PREFIX) && name.len() <= 255)
            .take(SERVICES_MAX)
            .map(Arc::from)
            .collect();
        for gone in self.told.iter().filter(|name| !names.contains(*name)).cloned().collect::<Vec<_>>() {
            self.told.remove(&gone);
            port.tell(Event::Gone { service: gone }).await;
        }
        let now = port.clock.now().mono;
        self.due.retain(|name, _| names.contains(name));
        for name in names {
            self.due.entry(name).or_insert(now);
        }
        self.listed = now + LIST_EVERY;
        self.check_complete(port).await;
        Ok(())
    }

    async fn read(&mut self, name: Arc<str>, port: &Port) -> Result<(), String> {
        let answer = self.get(&format!("/value?service={}&path=/", escaped(&name)), port).await;
        let pace = Pace::of(class_of(&name).unwrap_or_default());
        self.due.insert(Arc::clone(&name), port.clock.now().mono + pace.period(self.interval));
        let answer = answer?;
        let values = if answer.status == 200 { json_of(&answer)?.get("value").cloned() } else { None };
        let Some(Json::Object(values)) = values else {
            // It left, or does not answer in this way: the list will tell.
            self.due.remove(&name);
            if self.told.remove(&name) {
                self.listed = Duration::ZERO;
                port.tell(Event::Gone { service: name }).await;
            }
            self.check_complete(port).await;
            return Ok(());
        };
        let items = values.iter().filter(|(path, _)| path.len() < 255).map(|(path, value)| Told {
            path: format!("/{}", path.trim_start_matches('/')).into(),
            value: from_json(value),
            text: None,
            limits: None,
        });
        let items = items.collect();
        self.told.insert(Arc::clone(&name));
        port.tell(Event::Up { service: name, items }).await;
        self.check_complete(port).await;
        Ok(())
    }

    async fn check_complete(&mut self, port: &Port) {
        let is_complete = !self.told.is_empty() && self.due.keys().all(|name| self.told.contains(name));
        if is_complete && !self.complete {
            self.complete = true;
            port.tell(Event::Complete).await;
        }
    }

    async fn get(&self, target: &str, port: &Port) -> Result<Answer, String> {
        self.exchange(target, None, port).await
    }

    async fn exchange(&self, target: &str, body: Option<&str>, port: &Port) -> Result<Answer, String> {
        match port.within(TIMEOUT, exchange(&self.host, self.port_number, target, body)).await {
            None => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
            Some(answer) => answer.map_err(|error| error.to_string()),
        }
    }

    async fn answer(&self, request: Request, port: &Port) {
        match request {
            Request::Get(spot, reply) => drop(reply.send(self.get_one(&spot, port).await)),
            Request::Set(spot, value, reply) => drop(reply.send(self.set(&spot, value.as_ref(), port).await)),
        }
    }

    async fn get_one(&self, spot: &Spot, port: &Port) -> Result<Option<Scalar>, Failure> {
        let target = format!("/value?service={}&path={}", escaped(&spot.service), escaped(&spot.path));
        let answer = self.get(&target, port).await.map_err(Failure::Down)?;
        let body = json_of(&answer).map_err(Failure::Refused)?;
        match answer.status {
            200 => Ok(body.get("value").and_then(from_json)),
            status => Err(Failure::Refused(format!("{status}: {}", reason(&body)))),
        }
    }

    async fn set(&self, spot: &Spot, value: Option<&Scalar>, port: &Port) -> Result<SetReply, Failure> {
        let value = match value {
            None => json!([]),
            Some(Scalar::Int(number)) => json!(number),
            Some(Scalar::Float(number)) => json!(number),
            Some(Scalar::Bool(truth)) => json!(truth),
            Some(Scalar::Text(text) | Scalar::Compound(text)) => json!(&**text),
        };
        let body = json!({"service": &*spot.service, "path": &*spot.path, "value": value}).to_string();
        let answer = self.exchange("/value", Some(&body), port).await.map_err(Failure::Down)?;
        match answer.status {
            200 => Ok(SetReply::Taken),
            404 | 405 | 501 if json_of(&answer).map_or(true, |body| body.get("service").is_none()) => {
                Err(Failure::Unable("the port-8088 interface of this GX device only reads"))
            }
            status => Ok(SetReply::Refused(format!(
                "{status}: {}",
                json_of(&answer).map_or_else(|why| why, |body| reason(&body))
            ))),
        }
    }
}

fn json_of(answer: &Answer) -> Result<Json, String> {
    serde_json::from_slice(&answer.body)
        .map_err(|_| format!("the answer (status {}) is no JSON", answer.status))
}

/// Why the server refused, in its words.
fn reason(body: &Json) -> String {
    let text = ["reason", "message", "error"].iter().find_map(|key| body.get(key).and_then(Json::as_str));
    let hint = body.get("hint").and_then(Json::as_str).map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{}{hint}", text.unwrap_or("no reason given")).chars().take(300).collect()
}
