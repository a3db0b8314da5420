//! One question and its answer, over a line that delays, doubles, damages and swallows them.
//!
//! ```text
//! take what is waiting -> send -> bytes -> frames -> whose answer is this?
//!                                            |          ours: done
//!                                            |          an earlier question's: late, counted, wait on
//!                                            |          nobody's: counted, wait on
//!                                            +-- damaged: counted; a second copy may follow
//! ```
//!
//! Frames carry no number. Answers come in the order of the questions, so what was asked and not answered is remembered
//! for a while: a late answer is told from ours by its shape, and where both shapes fit it counts for the older question.
//! `NAK` has no shape: it belongs to the oldest question that waits, unless nothing else comes. Nothing here repeats a
//! question.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Clock, Moment};

use super::frame::{Corrupt, CrcOut, Dialect, Payload, Receiver, encode};
use crate::transports::{Line, PortError, Ports};

/// While bytes come, the next one is waited for so long: a report takes 33 ms, and some units pause within an answer.
const FLOW: Duration = Duration::from_secs(1);
/// After a damaged frame a good copy may follow at once.
const AFTER_DAMAGE: Duration = Duration::from_millis(400);
/// No exchange takes longer than so many timeouts.
const CAP: u32 = 3;
/// A question is answered within this time or never.
const REMEMBERED_FOR: Duration = Duration::from_secs(45);
/// Questions that may wait for late answers.
const REMEMBERED: usize = 8;
/// Reads in one exchange: 8 bytes each on USB.
const READS_MAX: u32 = 1024;
/// Reads of what was waiting before a question.
const DRAIN_MAX: u32 = 64;
/// How often the line is cleared before a question whose refusal counts.
const CLEAR_TRIES: u32 = 3;
/// Exchanges over which the share of answered ones is taken.
const WINDOW: usize = 64;
const BUFFER: usize = 256;

/// Tells whether a payload can be the answer to a question.
pub(crate) type Fits = Arc<dyn Fn(&Payload) -> bool + Send + Sync>;

/// What is asked.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) dialect: Dialect,
    pub(crate) command: String,
    pub(crate) crc: CrcOut,
    pub(crate) fits: Fits,
}

impl Ask {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        encode(self.dialect, &self.command, self.crc)
    }
}

/// A good answer; a refusal is one.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) payload: Payload,
    /// When it arrived; where it may be the answer to an earlier asking, when that was.
    pub(crate) at: Moment,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Why there is no good answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing came in time.
    Silent,
    /// Something came that is no frame; what was wrong with it, `None` where it broke off.
    Damaged(Option<Corrupt>),
    /// The port is gone or broken.
    Gone(io::Error),
    /// Answers to earlier questions are still on their way: nothing was sent.
    Unclear,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Silent => f.write_str("no answer"),
            Self::Damaged(Some(why)) => write!(f, "a damaged answer: {why}"),
            Self::Damaged(None) => f.write_str("an answer that broke off"),
            Self::Gone(error) => write!(f, "the port is gone ({error})"),
            Self::Unclear => f.write_str("answers to earlier questions are still on their way"),
        }
    }
}

/// What went by, for the record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Frames that were damaged.
    pub(crate) damaged: u64,
    /// Answers to earlier questions.
    pub(crate) late: u64,
    /// Frames that answer nothing that was asked.
    pub(crate) strays: u64,
}

/// A question that was not answered in time.
struct Waiting {
    command: String,
    fits: Fits,
    asked: Moment,
}

/// What came of a question.
enum Heard {
    /// Its answer.
    Answer(Answer),
    /// A refusal that may have been an earlier question's.
    Refusal(Answer),
}

/// Whose answer a frame is.
enum Whose {
    Ours(Option<Moment>),
    Earlier,
    Nobodys,
}

/// The way to one unit.
pub(crate) struct Link {
    ports: Arc<dyn Ports>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    line: Option<(PathBuf, Box<dyn Line>)>,
    receiver: Receiver,
    waiting: VecDeque<Waiting>,
    /// The last good answer: a unit that repeats itself must not be believed.
    last: Option<(Payload, Moment)>,
    /// The question whose answer was damaged just now: a good copy of it may still be on its way.
    damaged: Option<String>,
    pub(crate) counters: Counters,
    outcomes: VecDeque<bool>,
    buffer: Vec<u8>,
}

impl Link {
    pub(crate) fn new(ports: Arc<dyn Ports>, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        Self {
            ports,
            clock,
            timeout,
            line: None,
            receiver: Receiver::new(Dialect::Paren),
            waiting: VecDeque::new(),
            last: None,
            damaged: None,
            counters: Counters::default(),
            outcomes: VecDeque::new(),
            buffer: vec![0; BUFFER],
        }
    }

    /// Where the line is, if one is open.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.line.as_ref().map(|(path, _)| path.as_path())
    }

    /// What the line runs over, for people.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        self.line.as_ref().map(|(_, line)| line.kind().words())
    }

    /// Opens a line; an open one is closed first.
    pub(crate) async fn open(&mut self, path: &Path) -> Result<(), PortError> {
        self.close();
        let opened = tokio::select! {
            biased;
            opened = self.ports.open(path) => opened?,
            () = self.clock.sleep(self.timeout) => {
                let source = io::Error::new(io::ErrorKind::TimedOut, "it could not be opened in time");
                return Err(PortError::Other { path: path.to_owned(), source });
            }
        };
        self.line = Some((path.to_owned(), opened));
        Ok(())
    }

    /// Closes the line. What was asked on it may still be answered: a unit does not notice that its port is closed.
    pub(crate) fn close(&mut self) {
        self.line = None;
    }

    /// Whether no earlier question can still be answered.
    pub(crate) fn is_clear(&mut self) -> bool {
        self.forget_old();
        self.waiting.is_empty()
    }

    /// Whether an old answer could be taken for that to `command`: the last good one fits it as well, or the last one was
    /// its own and damaged. A unit that is one answer behind, or sends twice, would not be noticed.
    pub(crate) fn would_confuse(&self, command: &str, fits: &dyn Fn(&Payload) -> bool) -> bool {
        self.damaged.as_deref() == Some(command)
            || self.last.as_ref().is_some_and(|(payload, _)| fits(payload))
    }

    /// When the last good answer came.
    pub(crate) fn last_good(&self) -> Option<Moment> {
        self.last.as_ref().map(|(_, at)| *at)
    }

    /// The share of the last questions that were answered, in percent; `None` before the first.
    pub(crate) fn answered_pct(&self) -> Option<f64> {
        let answered = self.outcomes.iter().filter(|answered| **answered).count();
        (!self.outcomes.is_empty()).then(|| 100.0 * answered as f64 / self.outcomes.len() as f64)
    }

    /// Asks where a refusal is taken at its word: on a line where no earlier answer can still come. `other` clears it, a
    /// question whose answer is no refusal.
    pub(crate) async fn ask_clearly(&mut self, ask: &Ask, other: &Ask) -> Result<Answer, Failure> {
        for _ in 0..CLEAR_TRIES {
            if self.is_clear() && !self.would_confuse(&ask.command, &Payload::is_nak) {
                return self.ask(ask).await;
            }
            if let Err(gone @ Failure::Gone(_)) = self.ask(other).await {
                return Err(gone);
            }
        }
        Err(Failure::Unclear)
    }

    /// Asks once.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        let Some((path, mut line)) = self.line.take() else {
            return Err(Failure::Gone(io::ErrorKind::NotConnected.into()));
        };
        let outcome = self.exchange(line.as_mut(), ask).await;
        // A broken line is not used again.
        if matches!(outcome, Err(Failure::Gone(_))) {
            self.close();
        } else {
            self.line = Some((path, line));
        }
        if self.outcomes.len() == WINDOW {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back(outcome.is_ok());
        outcome
    }

    async fn exchange(&mut self, line: &mut dyn Line, ask: &Ask) -> Result<Answer, Failure> {
        self.forget_old();
        self.take_waiting(line).await.map_err(Failure::Gone)?;
        self.receiver = Receiver::new(ask.dialect);
        let sent = self.clock.now();
        self.send(line, &ask.bytes()).await.map_err(Failure::Gone)?;
        let outcome = self.listen(line, ask, sent).await;
        self.damaged = matches!(outcome, Err(Failure::Damaged(_))).then(|| ask.command.clone());
        match &outcome {
            // Ours, if nobody else's: then the real one may still come.
            Ok(Heard::Refusal(_)) | Err(Failure::Silent) => self.remember(ask, sent),
            Ok(Heard::Answer(answer)) => self.last = Some((answer.payload.clone(), self.clock.now())),
            Err(_) => {}
        }
        outcome.map(|(Heard::Answer(answer) | Heard::Refusal(answer))| answer)
    }

    async fn send(&mut self, line: &mut dyn Line, frame: &[u8]) -> io::Result<()> {
        tokio::select! {
            biased;
            sent = line.send(frame) => sent,
            () = self.clock.sleep(self.timeout) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Reads what arrived since the last exchange, without waiting: late answers, mostly.
    async fn take_waiting(&mut self, line: &mut dyn Line) -> io::Result<()> {
        for _ in 0..DRAIN_MAX {
            let received = tokio::select! {
                biased;
                received = line.receive(&mut self.buffer) => received?,
                () = std::future::ready(()) => break,
            };
            self.push(received);
            while let Some(frame) = self.receiver.next() {
                match frame {
                    Ok(payload) => {
                        self.count_old(&payload);
                    }
                    Err(_) => self.counters.damaged += 1,
                }
            }
        }
        line.drain().map(|_| ())
    }

    /// Returns whether the bytes were more than padding.
    fn push(&mut self, received: usize) -> bool {
        let bytes = self.buffer.get(..received).unwrap_or_default();
        self.receiver.push(bytes);
        bytes.iter().any(|byte| *byte != 0)
    }

    /// A frame that came before anything new was asked.
    fn count_old(&mut self, payload: &Payload) {
        let index = if payload.is_ack() || payload.is_nak() {
            (!self.waiting.is_empty()).then_some(0)
        } else {
            self.waiting.iter().position(|waiting| (waiting.fits)(payload))
        };
        match index {
            Some(index) => {
                self.waiting.drain(..=index);
                self.counters.late += 1;
            }
            None => self.counters.strays += 1,
        }
    }

    async fn listen(&mut self, line: &mut dyn Line, ask: &Ask, sent: Moment) -> Result<Heard, Failure> {
        let cap = sent.mono + self.timeout * CAP;
        let mut deadline = sent.mono + self.timeout;
        // What was wrong with what came, if it was not for somebody else.
        let mut damage: Option<Option<Corrupt>> = None;
        let mut broken_off = false;
        // A refusal that may have been an earlier question's. It was ours if nothing else comes.
        let mut refusal: Option<Answer> = None;
        for _ in 0..READS_MAX {
            let left = deadline.min(cap).saturating_sub(self.clock.now().mono);
            let received = tokio::select! {
                biased;
                received = line.receive(&mut self.buffer) => received.map_err(Failure::Gone)?,
                () = self.clock.sleep(left) => break,
            };
            let now = self.clock.now();
            if self.push(received) {
                broken_off = true;
                deadline = deadline.max(now.mono + FLOW);
            }
            while let Some(frame) = self.receiver.next() {
                broken_off = false;
                match frame {
                    Ok(payload) => match self.whose(&payload, ask) {
                        Whose::Ours(asked) => return Ok(Heard::Answer(answer(payload, asked, sent, now))),
                        Whose::Earlier => {
                            deadline = now.mono + self.timeout;
                            if payload.is_nak() {
                                refusal = Some(answer(payload, None, sent, now));
                            }
                        }
                        Whose::Nobodys => self.counters.strays += 1,
                    },
                    Err(corrupt) => {
                        self.counters.damaged += 1;
                        if self.waiting.pop_front().is_none() {
                            damage = Some(Some(corrupt));
                            deadline = now.mono + AFTER_DAMAGE;
                        }
                    }
                }
            }
        }
        if broken_off && damage.is_none() {
            self.counters.damaged += 1;
            damage = Some(None);
        }
        match (refusal, damage) {
            (Some(refusal), None) => Ok(Heard::Refusal(refusal)),
            (_, Some(damage)) => Err(Failure::Damaged(damage)),
            (None, None) => Err(Failure::Silent),
        }
    }

    /// Finds the question that a frame answers.
    fn whose(&mut self, payload: &Payload, ask: &Ask) -> Whose {
        self.forget_old();
        let fits = (ask.fits)(payload);
        if payload.is_ack() || payload.is_nak() {
            return match self.waiting.pop_front() {
                Some(_) => self.late(),
                None if fits || payload.is_nak() => Whose::Ours(None),
                None => Whose::Nobodys,
            };
        }
        match self.waiting.iter().position(|waiting| (waiting.fits)(payload)) {
            Some(index) => {
                let mut answered = self.waiting.drain(..=index);
                let oldest = answered.next_back();
                drop(answered);
                match oldest {
                    Some(oldest) if fits && oldest.command == ask.command => Whose::Ours(Some(oldest.asked)),
                    _ => self.late(),
                }
            }
            // Answers come in order: the earlier ones will not come any more.
            None if fits => {
                self.waiting.clear();
                Whose::Ours(None)
            }
            None => Whose::Nobodys,
        }
    }

    fn late(&mut self) -> Whose {
        self.counters.late += 1;
        Whose::Earlier
    }

    fn remember(&mut self, ask: &Ask, asked: Moment) {
        if self.waiting.len() == REMEMBERED {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting { command: ask.command.clone(), fits: Arc::clone(&ask.fits), asked });
    }

    fn forget_old(&mut self) {
        let now = self.clock.now();
        self.waiting.retain(|waiting| now.since(waiting.asked) < REMEMBERED_FOR);
    }
}

fn answer(payload: Payload, asked: Option<Moment>, sent: Moment, now: Moment) -> Answer {
    // Nobody knows when a slow unit looked at its own values: not before it was asked.
    Answer { payload, at: asked.unwrap_or(now), took: now.since(asked.unwrap_or(sent)) }
}
