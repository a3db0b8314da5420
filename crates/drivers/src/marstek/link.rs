//! One request and its answer, over a network that loses, delays and doubles them.
//!
//! At most one request is under way per device; a quiet gap follows every answer, because the firmware drops what comes
//! sooner; a lost request is sent again a bounded number of times with growing, jittered pauses. An answer counts only
//! if the sender, the id and the unit's own MAC are right. An answer to an earlier try of the same question is as good as
//! one to the last. What arrives later still is kept aside with the time at which it was asked for, and never taken for
//! the answer to another question.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Clock, Moment};

use super::field::Fields;
use super::wire::{self, Method, Reply, RpcError};
use crate::transports::udp::{Datagrams, Network, SourcePort};

/// The first pause before a request is repeated; doubles with each try.
const BACK_OFF: Duration = Duration::from_millis(400);
/// Requests remembered for late answers.
const REMEMBERED: usize = 8;
/// Tries over which the share of answered requests is taken.
const WINDOW: usize = 64;
/// Stray datagrams read while waiting for one answer, before the rest is left to the next request.
const STRAYS_MAX: usize = 256;

/// A healthy unit has answered by then (logs show 0.1 s).
const ANSWERS_WITHIN: Duration = Duration::from_millis(400);
/// One byte more than the largest reply, so that a larger one is told from it.
const BUFFER: usize = wire::REPLY_MAX + 1;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Question<'a> {
    /// A reading method; the number is `params.id`.
    Read(Method, u8),
    /// A new mode; the JSON value is the `config` object.
    SetMode(&'a serde_json::Value),
}

impl Question<'_> {
    fn text(self, id: u16) -> String {
        match self {
            Self::Read(method, instance) => wire::read_request(id, method, instance),
            Self::SetMode(config) => wire::set_mode_request(id, config),
        }
    }

    fn method(self) -> Option<Method> {
        match self {
            Self::Read(method, _) => Some(method),
            Self::SetMode(_) => None,
        }
    }
}

/// A good answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) fields: Fields,
    pub(crate) src: Option<String>,
    /// When it arrived; for one that took longer than the time limit, when it was asked for.
    pub(crate) at: Moment,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Why there is no good answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing came in time.
    Silent,
    /// The host answered that nobody listens on the port.
    Closed,
    /// The device refused.
    Refused(RpcError),
    /// Another unit answers at this address: its MAC.
    Stranger(String),
    /// The operating system refused to open or send.
    System(io::Error),
}

/// What went by, for the record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Strays {
    /// Not a reply of the API.
    pub(crate) malformed: u64,
    /// From another address than the device's.
    pub(crate) foreign: u64,
    /// A second answer, or one to a question nobody remembers.
    pub(crate) duplicate: u64,
    /// After the time limit.
    pub(crate) late: u64,
}

/// One datagram that left, and which try of which [`Link::ask`] it was.
struct Sent {
    id: u16,
    method: Option<Method>,
    ask: u64,
    attempt: u32,
    at: Moment,
}

/// The way to one device.
pub(crate) struct Link {
    network: Arc<dyn Network>,
    clock: Arc<dyn Clock>,
    pub(crate) target: SocketAddr,
    pub(crate) source: SourcePort,
    /// The only unit whose answers count, once known.
    pub(crate) mac: Option<String>,
    timeout: Duration,
    quiet_gap: Duration,
    socket: Option<(SocketAddr, SourcePort, Box<dyn Datagrams>)>,
    rng: fastrand::Rng,
    next_id: u16,
    asks: u64,
    quiet_until: Option<Duration>,
    unanswered: VecDeque<Sent>,
    /// Late answers to reading methods, for whoever wants them.
    pub(crate) late: Vec<(Method, Answer)>,
    pub(crate) strays: Strays,
    outcomes: VecDeque<bool>,
    buffer: Vec<u8>,
}

impl Link {
    pub(crate) fn new(
        network: Arc<dyn Network>,
        clock: Arc<dyn Clock>,
        target: SocketAddr,
        timing: (Duration, Duration),
        seed: u64,
    ) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let next_id = rng.u16(1..=u16::MAX);
        let (timeout, quiet_gap) = timing;
        Self {
            network,
            clock,
            target,
            source: SourcePort::Ephemeral,
            mac: None,
            timeout,
            quiet_gap,
            socket: None,
            rng,
            next_id,
            asks: 0,
            quiet_until: None,
            unanswered: VecDeque::new(),
            late: Vec::new(),
            strays: Strays::default(),
            outcomes: VecDeque::new(),
            buffer: vec![0; BUFFER],
        }
    }

    /// How long the device still has to be left alone.
    pub(crate) fn quiet_for(&self) -> Duration {
        self.quiet_until.map_or(Duration::ZERO, |until| until.saturating_sub(self.clock.now().mono))
    }

    /// The share of the last tries that were answered, in percent; `None` before the first.
    pub(crate) fn answered_pct(&self) -> Option<f64> {
        let answered = self.outcomes.iter().filter(|answered| **answered).count();
        (!self.outcomes.is_empty()).then(|| 100.0 * answered as f64 / self.outcomes.len() as f64)
    }

    /// Asks up to `tries` times. `question` is made anew for each try, counted from 0, so that a try can vary it.
    /// Returns the answer and the try that got it, which need not be the last: an answer may be slow.
    pub(crate) async fn ask<'q>(
        &mut self,
        question: impl Fn(u32) -> Question<'q>,
        tries: u32,
    ) -> Result<(Answer, u32), Failure> {
        self.asks += 1;
        let mut last = Failure::Silent;
        for attempt in 0..tries.max(1) {
            self.pause(attempt).await;
            match self.ask_once(question(attempt), attempt).await {
                Ok(answered) => return Ok(answered),
                // A parse error is no verdict on a valid request, and silence none on the method.
                Err(Failure::Refused(error)) if error.code != RpcError::PARSE => {
                    return Err(Failure::Refused(error));
                }
                Err(failure @ (Failure::Stranger(_) | Failure::System(_))) => return Err(failure),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    async fn pause(&mut self, attempt: u32) {
        let quiet = self.quiet_for();
        let back_off =
            attempt.checked_sub(1).map_or(Duration::ZERO, |doublings| BACK_OFF * 2u32.pow(doublings.min(4)));
        let jitter = back_off.mul_f64(self.rng.f64());
        let pause = quiet.max(back_off + jitter);
        if !pause.is_zero() {
            self.clock.sleep(pause).await;
        }
    }

    async fn ask_once(&mut self, question: Question<'_>, attempt: u32) -> Result<(Answer, u32), Failure> {
        let mut socket = self.take_socket().await.map_err(Failure::System)?;
        let outcome = self.exchange(socket.as_mut(), question, attempt).await;
        // A broken socket is not used again.
        if !matches!(outcome, Err(Failure::System(_))) {
            self.socket = Some((self.target, self.source, socket));
        }
        if self.outcomes.len() == WINDOW {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back(matches!(outcome, Ok(_) | Err(Failure::Refused(_))));
        outcome
    }

    async fn take_socket(&mut self) -> io::Result<Box<dyn Datagrams>> {
        match self.socket.take() {
            Some((target, source, socket)) if (target, source) == (self.target, self.source) => Ok(socket),
            _ => self.network.open(self.target, self.source).await,
        }
    }

    async fn exchange(
        &mut self,
        socket: &mut dyn Datagrams,
        question: Question<'_>,
        attempt: u32,
    ) -> Result<(Answer, u32), Failure> {
        if let Some((reply, sent)) = self.drain(socket).await {
            return self.answer(reply, &sent);
        }
        let id = self.take_id();
        let sent = self.clock.now();
        if let Err(error) = socket.send(question.text(id).as_bytes(), self.target).await {
            return Err(closed_or(error));
        }
        self.remember(Sent { id, method: question.method(), ask: self.asks, attempt, at: sent });
        // It may have been obeyed and only its answer lost: the quiet gap counts from there.
        self.leave_alone(sent.mono + ANSWERS_WITHIN);
        let mut deadline = self.clock.sleep(self.timeout);
        for _ in 0..STRAYS_MAX {
            let received = tokio::select! {
                biased;
                received = socket.receive(&mut self.buffer) => received,
                () = &mut deadline => return Err(Failure::Silent),
            };
            let (length, from) = received.map_err(closed_or)?;
            let Some(reply) = self.hear(length, from) else { continue };
            // An error without an id is the answer to what was asked last.
            let placed = match (reply.id, &reply.body) {
                (0, Err(_)) => self.unanswered.pop_back().map(|sent| (reply, sent)),
                _ => self.place(reply),
            };
            if let Some((reply, sent)) = placed {
                return self.answer(reply, &sent);
            }
        }
        Err(Failure::Silent)
    }

    /// Reads what arrived since the last exchange: late answers, mostly. Returns one to an earlier try of this ask.
    async fn drain(&mut self, socket: &mut dyn Datagrams) -> Option<(Reply, Sent)> {
        for _ in 0..STRAYS_MAX {
            let received = tokio::select! {
                biased;
                received = socket.receive(&mut self.buffer) => received,
                () = std::future::ready(()) => return None,
            };
            // An error here is the end of an earlier exchange, such as an unreachable port.
            let Ok((length, from)) = received else { continue };
            let placed = self.hear(length, from).and_then(|reply| self.place(reply));
            if placed.is_some() {
                return placed;
            }
        }
        None
    }

    /// The datagram in the buffer, if it is a reply of the device.
    fn hear(&mut self, length: usize, from: SocketAddr) -> Option<Reply> {
        if from != self.target {
            self.strays.foreign += 1;
            return None;
        }
        let reply = self.buffer.get(..length).and_then(|bytes| wire::parse_reply(bytes).ok());
        self.strays.malformed += u64::from(reply.is_none());
        reply
    }

    /// Finds the request that a reply belongs to. Returns both if the request is of the ask under way; keeps the reply
    /// for later if it is of an earlier one.
    fn place(&mut self, reply: Reply) -> Option<(Reply, Sent)> {
        let index = self.unanswered.iter().position(|sent| u64::from(sent.id) == reply.id);
        let Some(sent) = index.and_then(|index| self.unanswered.remove(index)) else {
            self.strays.duplicate += 1;
            return None;
        };
        if sent.ask == self.asks {
            return Some((reply, sent));
        }
        self.strays.late += 1;
        if let (Some(method), Ok((answer, _))) = (sent.method, self.answer(reply, &sent)) {
            self.late.push((method, answer));
        }
        None
    }

    fn answer(&mut self, reply: Reply, sent: &Sent) -> Result<(Answer, u32), Failure> {
        let now = self.clock.now();
        // The answer is here: the gap counts from it, not from when it might have come.
        self.quiet_until = Some(now.mono + self.quiet_gap);
        if let Some(mac) = self.stranger(reply.src.as_deref()) {
            return Err(Failure::Stranger(mac));
        }
        let fields = reply.body.map_err(Failure::Refused)?;
        let took = now.since(sent.at);
        // Nobody knows when a slow unit looked at its own values: not before it was asked.
        let at = if took <= self.timeout { now } else { sent.at };
        Ok((Answer { fields, src: reply.src, at, took }, sent.attempt))
    }

    fn stranger(&self, src: Option<&str>) -> Option<String> {
        let (known, seen) = (self.mac.as_ref()?, wire::mac_of_src(src?)?);
        (*known != seen).then_some(seen)
    }

    /// The device answered then, or may have.
    fn leave_alone(&mut self, since: Duration) {
        self.quiet_until = self.quiet_until.max(Some(since + self.quiet_gap));
    }

    fn remember(&mut self, sent: Sent) {
        if self.unanswered.len() == REMEMBERED {
            self.unanswered.pop_front();
        }
        self.unanswered.push_back(sent);
    }

    /// Ids are 1..=65535: the firmware keeps 16 bits, and 0 is what its parse errors carry.
    fn take_id(&mut self) -> u16 {
        let id = self.next_id;
        self.next_id = if id == u16::MAX { 1 } else { id + 1 };
        id
    }
}

fn closed_or(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::ConnectionRefused { Failure::Closed } else { Failure::System(error) }
}
