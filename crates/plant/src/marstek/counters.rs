//! What happened on one device's socket, for tests and for the curious.

use std::collections::BTreeMap;

/// Distinct unknown method names that are kept apart; further ones count as `(other)`.
const METHODS_MAX: usize = 64;

/// Why a datagram got no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Drop {
    /// Lost on the way in.
    RequestLost,
    /// Obeyed, but the reply was lost on the way out.
    ReplyLost,
    /// Came too soon after the last answer.
    QuietGap,
    /// Too many requests: mute until reset.
    LockedUp,
    /// An empty datagram froze the device: mute until reset.
    Frozen,
    /// The datagram was empty.
    Empty,
    /// The API has switched itself off.
    ApiOff,
    /// The port is open but nobody answers.
    Mute,
    /// The port is closed.
    Refused,
    /// This firmware never answers this method, or its name is in the wrong case.
    SilentMethod,
    /// `params.id` is not the one it answers to.
    ParamId,
    /// The source port is not the device's own.
    SourcePort,
    /// An id that this firmware ignores.
    TextId,
    /// More bytes than the module can take.
    Oversized,
    /// A broadcast that is not a search for this device.
    Broadcast,
}

/// Counts since the device was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that reached the device.
    pub datagrams: u64,
    /// Well-formed requests by method.
    pub requests: BTreeMap<String, u64>,
    /// Writes that reached the firmware.
    pub writes_received: u64,
    /// Writes that changed something or confirmed it.
    pub writes_applied: u64,
    /// Datagrams without a reply, by reason.
    pub drops: BTreeMap<Drop, u64>,
    /// Replies sent, duplicates included, forgeries not.
    pub replies: u64,
}

impl Counters {
    /// Requests of one method.
    pub fn requests_of(&self, method: &str) -> u64 {
        self.requests.get(method).copied().unwrap_or(0)
    }

    /// Drops for one reason.
    pub fn drops_for(&self, reason: Drop) -> u64 {
        self.drops.get(&reason).copied().unwrap_or(0)
    }

    pub(crate) fn request(&mut self, method: &str) {
        let name = if self.requests.contains_key(method)
            || self.requests.len() < METHODS_MAX && method.len() <= 64
        {
            method
        } else {
            "(other)"
        };
        *self.requests.entry(name.to_owned()).or_default() += 1;
    }

    pub(crate) fn drop(&mut self, reason: Drop) {
        *self.drops.entry(reason).or_default() += 1;
    }
}
