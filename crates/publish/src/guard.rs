//! Connections of their own for last wills of their own.
//!
//! MQTT gives a connection one last will, and that of this program is `T/status`. A topic of an earlier program that must
//! say `offline` as well when this program is killed has a second connection, which does nothing else:
//!
//! ```text
//!  publisher --T/status, everything else------------> broker
//!      | wanted                                          ^
//!      +--> guard --last will: <prefix>/availability ----+
//! ```
//!
//! A guard that loses its connection makes the broker say `offline` though this program lives. It comes back by itself,
//! and [`News::Guarded`] has the publisher say what is true.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use ohmstead_model::Clock;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::connection::{self, News};
use crate::scheme::slug;
use crate::settings::Settings;
use crate::trouble::Trouble;

/// The topics that are to be guarded.
pub(crate) type Wanted = BTreeSet<String>;

/// How long closing a socket may take.
const HANG_UP: Duration = Duration::from_millis(500);

/// What all guards need.
#[derive(Clone, Copy)]
pub(crate) struct Guards<'a> {
    pub(crate) settings: &'a Settings,
    /// The name of the main connection; those of the guards begin with it.
    pub(crate) client_id: &'a str,
    pub(crate) clock: &'a dyn Clock,
}

impl Guards<'_> {
    /// Keeps a connection for each topic that is wanted. Ends when nothing can be wanted any more, with every connection
    /// closed in order: the broker then says nothing.
    pub(crate) async fn keep(self, mut wanted: watch::Receiver<Wanted>, news: mpsc::Sender<News>) {
        let mut running: BTreeMap<String, CancellationToken> = BTreeMap::new();
        let mut held = FuturesUnordered::new();
        let mut open = true;
        while open || !held.is_empty() {
            tokio::select! {
                changed = wanted.changed(), if open => {
                    open = changed.is_ok();
                    let topics = if open { wanted.borrow_and_update().clone() } else { Wanted::new() };
                    let gone = running.iter().filter(|(topic, _)| !topics.contains(*topic));
                    gone.for_each(|(_, stop)| stop.cancel());
                    running.retain(|topic, _| topics.contains(topic));
                    for topic in topics {
                        running.entry(topic).or_insert_with_key(|topic| {
                            let stop = CancellationToken::new();
                            held.push(self.hold(topic.clone(), stop.clone(), news.clone()));
                            stop
                        });
                    }
                }
                Some(()) = held.next() => {}
            }
        }
    }

    /// Keeps one connection until `stop`.
    async fn hold(self, topic: String, stop: CancellationToken, out: mpsc::Sender<News>) {
        let client_id = format!("{}-{}", self.client_id, slug(&topic));
        let (client, events) = match connection::prepare(self.settings, &client_id, &topic) {
            Ok(prepared) => prepared,
            Err(error) => {
                let why = ohmstead_outside::in_one_line(&error);
                tracing::warn!(target: "mqtt", topic, "the topic has no last will: {why}");
                return;
            }
        };
        let (news_in, mut news) = mpsc::channel(8);
        let mut driving = pin!(connection::drive(events, self.settings, self.clock, news_in));
        let mut told = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = &mut driving => return,
                Some(item) = news.recv() => match item {
                    News::Connected => drop(out.send(News::Guarded(topic.clone())).await),
                    News::Lost(trouble) => self.tell(&client_id, &topic, &trouble, &mut told),
                    _ => {}
                },
            }
        }
        let _ = client.try_disconnect_now();
        // Nobody listens any more; `drive` ends at the first piece of news or with the connection.
        drop(news);
        tokio::select! { () = &mut driving => {}, () = self.clock.sleep(HANG_UP) => {} }
    }

    /// The main connection tells that the broker is gone; what it cannot tell is that only this one is refused.
    fn tell(self, client_id: &str, topic: &str, trouble: &Trouble, told: &mut bool) {
        let text = trouble.told(self.settings, client_id);
        if trouble.is_refusal() && !*told {
            *told = true;
            tracing::warn!(
                target: "mqtt",
                client_id,
                topic,
                "no second connection for the last will of this topic, which would keep its word after a crash: {text}"
            );
        } else {
            tracing::debug!(target: "mqtt", client_id, topic, "{text}");
        }
    }
}
