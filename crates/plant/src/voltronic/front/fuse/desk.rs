//! Who has the file open, and what waits for whom: the kernel's part of hidraw.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fuser::{Errno, PollEvents, PollNotifier, ReplyData};
use tokio::sync::mpsc::{self, error::TrySendError};

use super::super::Bridge;

/// Reports that wait for a client; the kernel keeps as many, and the oldest.
const REPORTS_MAX: usize = 63;
/// Open files, and reads that wait on one of them.
const OPEN_MAX: usize = 256;
/// Bytes of a report.
const REPORT: usize = 8;
/// The kernel's largest report.
const WRITE_MAX: usize = 16_384;

/// The one device, and its clients.
#[derive(Debug)]
pub(super) struct Desk {
    bridge: Bridge,
    to_unit: mpsc::Sender<Vec<u8>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The number of the file; `None` while the unit is unplugged.
    number: Option<u32>,
    /// Which time it is plugged: a file that comes back is another one.
    turn: u64,
    clients: BTreeMap<u64, Client>,
    next: u64,
}

/// One open file.
#[derive(Debug, Default)]
struct Client {
    /// The unit it was opened on has been unplugged since.
    gone: bool,
    waiting: VecDeque<Vec<u8>>,
    readers: VecDeque<(usize, ReplyData)>,
    poll: Option<PollNotifier>,
}

impl Desk {
    pub(super) fn new(bridge: Bridge, to_unit: mpsc::Sender<Vec<u8>>) -> Self {
        let state = State { number: None, turn: 0, clients: BTreeMap::new(), next: 1 };
        Self { bridge, to_unit, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the file and which time it is plugged.
    pub(super) fn plugged(&self) -> Option<(u32, u64)> {
        let state = self.state();
        state.number.map(|number| (number, state.turn))
    }

    /// The unit is there under this number, or not at all.
    pub(super) fn plug(&self, number: Option<u32>) {
        let mut state = self.state();
        if state.number == number {
            return;
        }
        state.number = number;
        state.turn += 1;
        for client in state.clients.values_mut().filter(|client| !client.gone) {
            client.gone = true;
            for (_, reader) in client.readers.drain(..) {
                reader.error(Errno::EIO);
            }
            client.wake();
        }
    }

    /// A report of the unit, for everyone.
    pub(super) fn report(&self, report: &[u8]) {
        for client in self.state().clients.values_mut().filter(|client| !client.gone) {
            match client.readers.pop_front() {
                Some((room, reader)) => reader.data(&report[..report.len().min(room)]),
                None if client.waiting.len() < REPORTS_MAX => client.waiting.push_back(report.to_vec()),
                None => {}
            }
            client.wake();
        }
    }

    pub(super) fn open(&self, turn: u64) -> Result<u64, Errno> {
        let mut state = self.state();
        if state.number.is_none() || state.turn != turn {
            return Err(Errno::ENODEV);
        }
        if state.clients.len() >= OPEN_MAX {
            return Err(Errno::EMFILE);
        }
        let handle = state.next;
        state.next += 1;
        state.clients.insert(handle, Client::default());
        Ok(handle)
    }

    pub(super) fn close(&self, handle: u64) {
        // Whoever still reads gets EIO: a reply that is dropped says so.
        self.state().clients.remove(&handle);
    }

    /// One read is one report; what does not fit is gone.
    pub(super) fn read(&self, handle: u64, room: usize, waits: bool, reply: ReplyData) {
        let mut state = self.state();
        let Some(client) = state.clients.get_mut(&handle) else { return reply.error(Errno::EBADF) };
        if let Some(report) = client.waiting.pop_front() {
            reply.data(&report[..report.len().min(room)]);
        } else if client.gone {
            reply.error(Errno::EIO);
        } else if waits && client.readers.len() < OPEN_MAX {
            client.readers.push_back((room, reply));
        } else {
            reply.error(Errno::EAGAIN);
        }
    }

    /// Takes a report with its number in front, as hidraw does: a leading 00 means that there is none.
    pub(super) fn write(&self, handle: u64, bytes: &[u8]) -> Result<(), Errno> {
        match self.state().clients.get(&handle) {
            None => return Err(Errno::EBADF),
            Some(client) if client.gone => return Err(Errno::ENODEV),
            Some(_) => {}
        }
        if !(2..=WRITE_MAX).contains(&bytes.len()) {
            return Err(Errno::EINVAL);
        }
        let report = bytes.strip_prefix(&[0]).unwrap_or(bytes);
        let sent = match self.bridge {
            Bridge::SetReport => self.to_unit.try_send(report[..report.len().min(REPORT)].to_vec()),
            Bridge::OutEndpoint => {
                report.chunks(REPORT).try_for_each(|chunk| self.to_unit.try_send(chunk.to_vec()))
            }
        };
        sent.map_err(|error| match error {
            TrySendError::Full(_) => Errno::ETIMEDOUT,
            TrySendError::Closed(_) => Errno::ENODEV,
        })
    }

    /// What may be done now; `waiter` is told when that changes.
    pub(super) fn poll(&self, handle: u64, waiter: Option<PollNotifier>) -> Result<PollEvents, Errno> {
        let mut state = self.state();
        let client = state.clients.get_mut(&handle).ok_or(Errno::EBADF)?;
        let mut events = PollEvents::POLLOUT | PollEvents::POLLWRNORM;
        if !client.waiting.is_empty() {
            events |= PollEvents::POLLIN | PollEvents::POLLRDNORM;
        }
        if client.gone {
            events |= PollEvents::POLLERR | PollEvents::POLLHUP;
        }
        if waiter.is_some() {
            client.poll = waiter;
        }
        Ok(events)
    }
}

impl Client {
    fn wake(&mut self) {
        if let Some(waiter) = self.poll.take() {
            // Nobody may be waiting any more.
            let _ = waiter.notify();
        }
    }
}
