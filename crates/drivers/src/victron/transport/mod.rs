//! The ways to a GX device, behind one face: services come with all their values, change, and go.
//!
//! A way is one future that does all of its waiting; the device polls it and takes what it tells from a bounded queue.
//! Dropping a wait loses nothing, and nothing has to be spawned.

pub(crate) mod dbus;
pub(crate) mod http;
pub(crate) mod in_process;
pub(crate) mod modbus;
pub(crate) mod mqtt;
mod naming;

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Clock, Moment};
use tokio::sync::{mpsc, oneshot};

use super::tree::Told;
use super::value::Scalar;

/// What a way tells before it has to wait for the device to take it.
const EVENTS: usize = 256;
/// Requests that wait for a way; the device asks one after the other.
const REQUESTS: usize = 4;

/// The kinds of ways, the best one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The device's own bus: everything, at once, and every write is answered.
    Dbus,
    /// Its MQTT broker: everything, at once; a write is not answered.
    Mqtt,
    /// The port-8088 interface: everything, as often as it is asked.
    Http,
    /// Modbus TCP: what has a register, as often as it is asked.
    Modbus,
}

impl Kind {
    /// Whether the device has to be asked for every value. The other ways tell what changes, and that they live.
    pub(crate) fn has_to_ask(self) -> bool {
        matches!(self, Self::Http | Self::Modbus)
    }

    /// The key in the configuration.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Dbus => "dbus",
            Self::Mqtt => "mqtt",
            Self::Http => "http",
            Self::Modbus => "modbus",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// How often the ways that have to ask read a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// At every turn: what flows.
    Quick,
    /// Often enough for a value that counts as too old after half a minute.
    Often,
    /// What hardly changes.
    Seldom,
}

/// Services that are worth reading at every turn.
const QUICK: &[&str] = &[
    "system",
    "vebus",
    "multi",
    "inverter",
    "acsystem",
    "battery",
    "grid",
    "hub4",
    "pvinverter",
    "solarcharger",
    "genset",
    "evcharger",
];
const OFTEN: Duration = Duration::from_secs(20);
const SELDOM: Duration = Duration::from_secs(60);

impl Pace {
    /// That of a class of services.
    pub(crate) fn of(class: &str) -> Self {
        match class {
            "settings" => Self::Often,
            _ if QUICK.contains(&class) => Self::Quick,
            _ => Self::Seldom,
        }
    }

    /// The time between two readings where every turn is one of `interval`.
    pub(crate) fn period(self, interval: Duration) -> Duration {
        match self {
            Self::Quick => interval,
            Self::Often => interval.max(OFTEN),
            Self::Seldom => interval.max(SELDOM),
        }
    }
}

/// What a way tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// A service with all its values: a new one, or one that was read again.
    Up { service: Arc<str>, items: Vec<Told> },
    /// Some values of a service.
    Changed { service: Arc<str>, items: Vec<Told> },
    /// A service is not there any more.
    Gone { service: Arc<str> },
    /// Everything that is there has been told once.
    Complete,
    /// The other end lives although nothing changed.
    Alive,
    /// Nothing of the device is there yet, although the way is open; the text says what is missing.
    Absent(String),
    /// Which of several devices at one place this is.
    Portal(Arc<str>),
    /// Something that the owner should know although the way works.
    Remark(String),
    /// The way is interrupted and will be tried again; the text says why.
    Lost(String),
}

/// An event with the time at which it came in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timed {
    pub(crate) at: Moment,
    pub(crate) event: Event,
}

/// Where a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The service's name, as the way told it.
    pub(crate) service: Arc<str>,
    /// The path.
    pub(crate) path: Arc<str>,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service, self.path)
    }
}

/// What is asked of a way.
#[derive(Debug)]
pub(crate) enum Request {
    /// Write a value; `None` writes "no value".
    Set(Spot, Option<Scalar>, oneshot::Sender<Result<SetReply, Failure>>),
    /// Read one value, now.
    Get(Spot, oneshot::Sender<Result<Option<Scalar>, Failure>>),
}

/// What came back of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SetReply {
    /// The service took it.
    Taken,
    /// The service did not; its code, and what that means.
    Refused(String),
    /// The way carries no answer.
    Unanswered,
}

/// Why a request led to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// The way is interrupted.
    #[error("{0}")]
    Down(String),
    /// The other end said no.
    #[error("{0}")]
    Refused(String),
    /// The way cannot do this at all.
    #[error("{0}")]
    Unable(&'static str),
}

/// The way's end of the queues.
pub(crate) struct Port {
    pub(crate) clock: Arc<dyn Clock>,
    events: mpsc::Sender<Timed>,
    requests: mpsc::Receiver<Request>,
}

impl Port {
    /// Tells the device; waits while it has too much to take already.
    pub(crate) async fn tell(&self, event: Event) {
        // The device holds this future: it cannot be gone while the future runs.
        let _ = self.events.send(Timed { at: self.clock.now(), event }).await;
    }

    /// The next request.
    pub(crate) async fn request(&mut self) -> Request {
        match self.requests.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }

    /// A request that waits already.
    pub(crate) fn waiting_request(&mut self) -> Option<Request> {
        self.requests.try_recv().ok()
    }

    /// The end of `future`, or nothing if that takes too long.
    pub(crate) async fn within<T>(&self, span: Duration, future: impl Future<Output = T>) -> Option<T> {
        within(self.clock.as_ref(), span, future).await
    }

    /// Waits, and answers every request with the reason why nothing can be done.
    pub(crate) async fn pause(&mut self, span: Duration, why: &str) {
        let mut over = self.clock.sleep(span);
        loop {
            tokio::select! {
                () = &mut over => return,
                Some(request) = self.requests.recv() => request.fail(Failure::Down(why.to_owned())),
            }
        }
    }
}

impl Request {
    pub(crate) fn fail(self, failure: Failure) {
        // Who asked may have given up.
        match self {
            Self::Set(_, _, reply) => drop(reply.send(Err(failure))),
            Self::Get(_, reply) => drop(reply.send(Err(failure))),
        }
    }
}

/// The end of `future`, or nothing if that takes too long.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    span: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        done = future => Some(done),
        () = clock.sleep(span) => None,
    }
}

/// The device's end of a way.
pub(crate) struct Way {
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
    events: mpsc::Receiver<Timed>,
    /// Taken out of the queue while something else was waited for.
    waiting: VecDeque<Timed>,
    requests: mpsc::Sender<Request>,
}

impl Way {
    /// Starts a way; nothing happens until it is waited for.
    pub(crate) fn start<F>(clock: Arc<dyn Clock>, run: impl FnOnce(Port) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (tell, events) = mpsc::channel(EVENTS);
        let (ask, requests) = mpsc::channel(REQUESTS);
        let work = Box::pin(run(Port { clock, events: tell, requests }));
        Self { work, events, waiting: VecDeque::new(), requests: ask }
    }

    /// Ends when something was told; it stays for [`Way::take`].
    pub(crate) async fn spoke(&mut self) {
        if self.waiting.is_empty() {
            let told = self.next().await;
            self.waiting.push_back(told);
        }
    }

    /// What was told and not taken yet, without waiting.
    pub(crate) fn take(&mut self) -> Option<Timed> {
        self.waiting.pop_front().or_else(|| self.events.try_recv().ok())
    }

    /// Whether something was told and not taken yet.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.events.is_empty()
    }

    /// Asks for something; what is told meanwhile waits.
    pub(crate) async fn ask<T>(
        &mut self,
        request: Request,
        answer: oneshot::Receiver<Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let busy = || Failure::Down("the way to the device is busy".to_owned());
        self.requests.try_send(request).map_err(|_| busy())?;
        tokio::pin!(answer);
        loop {
            tokio::select! {
                answered = &mut answer => return answered.unwrap_or_else(|_| Err(busy())),
                told = self.next() => self.waiting.push_back(told),
            }
        }
    }

    async fn next(&mut self) -> Timed {
        let Self { work, events, .. } = self;
        tokio::select! {
            biased;
            Some(told) = events.recv() => told,
            // A way never ends by itself.
            () = work.as_mut() => std::future::pending().await,
        }
    }
}
