//! The connection to the broker: keeping it up, sending what waits, passing on what arrives.
//!
//! ```text
//!            connect           CONNACK
//!  waiting ----------> trying --------> connected --+
//!     ^                  | refused, silent    lost  |
//!     +---- back-off ----+--------------------------+
//! ```

use std::time::Duration;

use ohmstead_model::{Clock, Moment};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing, Packet, Publish,
    PublishOptions, QoS, SubscribeReasonCode, Transport,
};
use tokio::sync::{mpsc, watch};

use crate::Status;
use crate::outbox::{Lane, Outbox};
use crate::scheme::OFFLINE;
use crate::settings::{Settings, SettingsError};
use crate::tls;
use crate::trouble::Trouble;

/// Larger messages end the connection. Commands are much smaller.
pub(crate) const INCOMING_BYTES_MAX: usize = 64 * 1024;

/// Announcements of a device with hundreds of metrics; far above any of today's.
const OUTGOING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Messages between the outbox and the socket. Small: what waits in the outbox can still be replaced.
const IN_FLIGHT: usize = 16;

/// What the connection tells the publisher.
#[derive(Debug)]
pub(crate) enum News {
    Connected,
    Lost(Trouble),
    Arrived(Publish),
    /// The oldest fence that was not yet acknowledged has arrived at the broker.
    Acknowledged,
    /// The broker refuses a subscription.
    NotSubscribed,
    /// The connection that guards this topic is there; the broker may just have said `offline` for the one before it.
    Guarded(String),
}

/// Everything for a connection to the broker of `settings`. `will` is the topic of which it is the last will to say
/// `offline`.
pub(crate) fn prepare(
    settings: &Settings,
    client_id: &str,
    will: &str,
) -> Result<(AsyncClient, EventLoop), SettingsError> {
    let mut options = MqttOptions::new(client_id, (settings.host.as_str(), settings.port()));
    let keep_alive = u16::try_from(settings.keep_alive.0.as_secs()).unwrap_or(u16::MAX);
    options
        .set_keep_alive(keep_alive)
        .set_max_packet_size(INCOMING_BYTES_MAX, OUTGOING_BYTES_MAX)
        .set_last_will(LastWill::new(will, OFFLINE, QoS::AtLeastOnce, true));
    if let Some(wanted) = &settings.tls {
        options.set_transport(Transport::tls_with_config(tls::configuration(wanted)?));
    }
    authenticate(&mut options, settings)?;
    let (client, mut events) = AsyncClient::builder(options).capacity(IN_FLIGHT).build();
    // Small messages, sent as they come: waiting for more of them would only delay.
    events.network_options.set_tcp_nodelay(true);
    Ok((client, events))
}

fn authenticate(options: &mut MqttOptions, settings: &Settings) -> Result<(), SettingsError> {
    let Some(user) = &settings.username else { return Ok(()) };
    match settings.password()? {
        Some(password) => options.set_credentials(user, password.expose().as_bytes().to_vec()),
        None => options.set_username(user),
    };
    Ok(())
}

/// Keeps the connection up and passes on what happens, until the goodbye is sent or nobody listens any more.
pub(crate) async fn drive(
    mut connection: EventLoop,
    settings: &Settings,
    clock: &dyn Clock,
    news: mpsc::Sender<News>,
) {
    let mut back_off = BackOff::default();
    loop {
        let item = match connection.poll().await {
            Ok(Event::Incoming(packet)) => {
                if matches!(packet, Packet::ConnAck(_)) {
                    back_off.connected(clock.now());
                }
                of_packet(packet)
            }
            Ok(Event::Outgoing(Outgoing::Disconnect))
            | Err(ConnectionError::RequestsDone | ConnectionError::DisconnectTimeout) => return,
            Ok(Event::Outgoing(_)) => None,
            Err(error) => {
                let trouble = Trouble::of(&error);
                let pause = back_off.after(&trouble, clock.now());
                if news.send(News::Lost(trouble)).await.is_err() {
                    return;
                }
                clock.sleep(pause).await;
                // The password may have been changed at the broker and in its file since.
                authenticate(&mut connection.mqtt_options, settings)
                    .err()
                    .map(|error| News::Lost(Trouble::Password(ohmstead_outside::in_one_line(&error))))
            }
        };
        if let Some(item) = item
            && news.send(item).await.is_err()
        {
            return;
        }
    }
}

fn of_packet(packet: Packet) -> Option<News> {
    match packet {
        Packet::ConnAck(_) => Some(News::Connected),
        Packet::Publish(publish) => Some(News::Arrived(publish)),
        Packet::PubAck(_) => Some(News::Acknowledged),
        Packet::SubAck(answer) if answer.return_codes.contains(&SubscribeReasonCode::Failure) => {
            Some(News::NotSubscribed)
        }
        _ => None,
    }
}

/// How long to wait before the next attempt. Grows while attempts fail or connections do not last, so that a broker
/// that throws everybody out is not flooded; never above 2 s for one that may just be restarting.
#[derive(Default)]
struct BackOff {
    failures: u32,
    connected: Option<Moment>,
}

impl BackOff {
    const FIRST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(2);
    const AFTER_REFUSAL: Duration = Duration::from_secs(10);
    /// A connection that lasted so long was a good one.
    const LASTING: Duration = Duration::from_secs(10);

    fn connected(&mut self, now: Moment) {
        self.connected = Some(now);
    }

    fn after(&mut self, trouble: &Trouble, now: Moment) -> Duration {
        if self.connected.take().is_some_and(|since| now.since(since) >= Self::LASTING) {
            self.failures = 0;
        }
        let longest = if trouble.is_refusal() { Self::AFTER_REFUSAL } else { Self::LONGEST };
        let pause = Self::FIRST.saturating_mul(2u32.saturating_pow(self.failures)).min(longest);
        self.failures = self.failures.saturating_add(1);
        pause
    }
}

/// Sends what waits, one after the other, as fast as the connection takes it.
pub(crate) async fn pump(client: &AsyncClient, outbox: &Outbox, status: &watch::Sender<Status>) {
    loop {
        let (lane, message) = outbox.take().await;
        let qos = if lane == Lane::Fence { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        let options = PublishOptions::new(qos).retain(message.retain);
        let sent = client.publish(message.topic, message.payload, options).await.is_ok();
        status.send_modify(|status| {
            status.sent += u64::from(sent);
            status.waiting = outbox.waiting();
            status.dropped = outbox.dropped();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ohmstead_model::UnixMillis;

    fn at(seconds: u64) -> Moment {
        Moment { mono: Duration::from_secs(seconds), unix: UnixMillis(0) }
    }

    #[test]
    fn a_broker_that_was_down_for_long_is_found_again_within_two_seconds() {
        let mut back_off = BackOff::default();
        let pauses: Vec<_> = (0..100).map(|i| back_off.after(&Trouble::Refused, at(i)).as_millis()).collect();
        assert_eq!(pauses[..5], [200, 400, 800, 1600, 2000]);
        assert_eq!(pauses.iter().max(), Some(&2000));
    }

    #[test]
    fn a_refusal_is_not_hammered() {
        let mut back_off = BackOff::default();
        let last = (0..10).map(|i| back_off.after(&Trouble::Credentials, at(i))).last();
        assert_eq!(last, Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_connection_that_lasted_starts_the_back_off_anew_and_a_short_one_does_not() {
        let mut back_off = BackOff::default();
        for i in 0..5 {
            back_off.after(&Trouble::Closed, at(i));
        }
        back_off.connected(at(10));
        assert_eq!(back_off.after(&Trouble::Closed, at(11)), Duration::from_secs(2));
        back_off.connected(at(20));
        assert_eq!(back_off.after(&Trouble::Closed, at(40)), BackOff::FIRST);
    }
}
