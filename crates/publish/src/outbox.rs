//! What waits for the connection. Bounded: of the values of one topic only the latest waits, a new announcement replaces
//! the old one, and of the answers to commands the oldest go first.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::scheme::Message;

/// How many answers to commands may wait.
const ANSWERS_MAX: usize = 64;

/// How a message behaves while it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A value: a newer one for the same topic takes its place.
    Value,
    /// Part of an announcement: the order matters, and nothing is left out.
    Announcement,
    /// The same, and the broker acknowledges it: everything before it has then arrived, too.
    Fence,
    /// An answer to a command.
    Answer,
}

/// The messages that wait, in the order in which they will be sent.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Default)]
struct Waiting {
    queue: VecDeque<(Lane, Message)>,
    dropped: u64,
}

impl Outbox {
    /// Adds a message at the end, or in the place of an older value of the same topic.
    pub(crate) fn put(&self, lane: Lane, message: Message) {
        self.change(|waiting| waiting.put(lane, message));
        self.filled.notify_one();
    }

    /// Drops everything except answers: what is announced next covers it. Returns how many fences were among it.
    pub(crate) fn start_over(&self) -> usize {
        self.change(|waiting| {
            let fences = waiting.queue.iter().filter(|(lane, _)| *lane == Lane::Fence).count();
            waiting.retain(|lane| lane == Lane::Answer);
            fences
        })
    }

    /// Drops everything.
    pub(crate) fn clear(&self) {
        self.change(|waiting| waiting.retain(|_| false));
    }

    /// The next message, as soon as there is one.
    pub(crate) async fn take(&self) -> (Lane, Message) {
        loop {
            if let Some(next) = self.change(|waiting| waiting.queue.pop_front()) {
                return next;
            }
            self.filled.notified().await;
        }
    }

    /// How many messages wait.
    pub(crate) fn waiting(&self) -> usize {
        self.change(|waiting| waiting.queue.len())
    }

    /// How many messages were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.change(|waiting| waiting.dropped)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Waiting) -> T) -> T {
        // No code that can panic runs under this lock; a poisoned one would still hold a whole queue.
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Waiting {
    fn put(&mut self, lane: Lane, message: Message) {
        match lane {
            Lane::Value => {
                // Only the last message of the topic may be replaced: one that empties it must stay before its new value.
                let last = self.queue.iter_mut().rev().find(|(_, older)| older.topic == message.topic);
                if let Some((Lane::Value, older)) = last {
                    *older = message;
                    self.dropped += 1;
                    return;
                }
            }
            Lane::Answer => self.make_room_for_an_answer(),
            Lane::Announcement | Lane::Fence => {}
        }
        self.queue.push_back((lane, message));
    }

    fn make_room_for_an_answer(&mut self) {
        if self.queue.iter().filter(|(lane, _)| *lane == Lane::Answer).count() < ANSWERS_MAX {
            return;
        }
        if let Some(oldest) = self.queue.iter().position(|(lane, _)| *lane == Lane::Answer) {
            self.queue.remove(oldest);
            self.dropped += 1;
        }
    }

    fn retain(&mut self, keep: impl Fn(Lane) -> bool) {
        let before = self.queue.len();
        self.queue.retain(|(lane, _)| keep(*lane));
        self.dropped += (before - self.queue.len()) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, payload: &str) -> Message {
        Message::retained(topic.to_owned(), payload)
    }

    fn drain(outbox: &Outbox) -> Vec<String> {
        let mut all = Vec::new();
        while let Some((_, message)) = outbox.change(|waiting| waiting.queue.pop_front()) {
            all.push(format!("{}={}", message.topic, message.payload));
        }
        all
    }

    #[test]
    fn of_the_values_of_a_topic_only_the_latest_waits() {
        let outbox = Outbox::default();
        for i in 0..1000 {
            outbox.put(Lane::Value, message("a", &i.to_string()));
            outbox.put(Lane::Value, message("b", &i.to_string()));
        }
        assert_eq!((outbox.waiting(), outbox.dropped()), (2, 1998));
        assert_eq!(drain(&outbox), ["a=999", "b=999"]);
    }

    #[test]
    fn an_announcement_keeps_its_order_and_its_repetitions() {
        let outbox = Outbox::default();
        outbox.put(Lane::Announcement, message("a", "1"));
        outbox.put(Lane::Announcement, message("a", "2"));
        outbox.put(Lane::Value, message("a", "3"));
        outbox.put(Lane::Announcement, message("a", ""));
        outbox.put(Lane::Value, message("a", "4"));
        assert_eq!(drain(&outbox), ["a=1", "a=2", "a=3", "a=", "a=4"]);
    }

    #[test]
    fn answers_are_bounded_and_survive_a_new_announcement() {
        let outbox = Outbox::default();
        for i in 0..=ANSWERS_MAX {
            outbox.put(Lane::Answer, message("r", &i.to_string()));
        }
        outbox.put(Lane::Value, message("a", "1"));
        outbox.put(Lane::Fence, message("f", "1"));
        assert_eq!(outbox.start_over(), 1);
        let left = drain(&outbox);
        assert_eq!((left.len(), left[0].as_str()), (ANSWERS_MAX, "r=1"));
    }
}
