//! The topics, over a real broker.

use crate::common::{PATIENCE, Running, broker, broker_on, start};
use ohmstead_plant::venus::{Broker, PORTAL_ID};
use rumqttc::{AsyncClient, Event, EventLoop, Incoming, MqttOptions, PublishOptions, QoS};
use std::collections::BTreeMap;

struct Client {
    client: AsyncClient,
    events: EventLoop,
}

impl Client {
    async fn new(port: u16) -> Self {
        let (client, mut events) =
            AsyncClient::builder(MqttOptions::new("listener", ("127.0.0.1", port))).capacity(64).build();
        client.subscribe("N/#", QoS::AtMostOnce).await.unwrap();
        let subscribed =
            async { while !matches!(events.poll().await.unwrap(), Event::Incoming(Incoming::SubAck(_))) {} };
        tokio::time::timeout(PATIENCE, subscribed).await.unwrap();
        Self { client, events }
    }

    async fn send(&self, topic: &str, payload: &str) {
        let topic = format!("{}/{PORTAL_ID}/{}", &topic[..1], &topic[2..]);
        self.client.publish(topic, payload.to_owned(), PublishOptions::at_most_once()).await.unwrap();
    }

    /// The next message on a topic that fits, and its payload.
    async fn next(&mut self, mut wanted: impl FnMut(&str, &str) -> bool) -> (String, String) {
        let waiting = async {
            loop {
                let Event::Incoming(Incoming::Publish(message)) = self.events.poll().await.unwrap() else {
                    continue;
                };
                let topic = String::from_utf8_lossy(&message.topic).into_owned();
                let topic = topic.strip_prefix(&format!("N/{PORTAL_ID}/")).unwrap_or(&topic).to_owned();
                let payload = String::from_utf8_lossy(&message.payload).into_owned();
                if wanted(&topic, &payload) {
                    return (topic, payload);
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap()
    }
}

async fn running(port: u16) -> Running {
    start(|venus| venus.mqtt(Broker::new("127.0.0.1", port))).await
}

#[tokio::test]
async fn nothing_but_the_serial_until_a_keepalive() {
    let Some((_broker, port)) = broker().await else { return };
    let _running = running(port).await;
    let mut client = Client::new(port).await;
    let (_, serial) = client.next(|topic, _| topic == "system/0/Serial").await;
    assert_eq!(serial, format!(r#"{{"value":"{PORTAL_ID}"}}"#));
    client.send("R/keepalive", r#"{"keepalive-options":[{"full-publish-completed-echo":"tok"}]}"#).await;
    let mut all = BTreeMap::new();
    let (_, done) = client
        .next(|topic, payload| {
            all.insert(topic.to_owned(), payload.to_owned());
            topic == "full_publish_completed"
        })
        .await;
    let done: serde_json::Value = serde_json::from_str(&done).unwrap();
    assert!(done["full-publish-completed-echo"] == "tok" && done["value"].is_i64(), "{done}");
    assert!(all.len() > 1_000, "{}", all.len());
    assert_eq!(all["battery/512/Capacity"], r#"{"value":null}"#);
    assert_eq!(all["settings/0/Settings/CGwacs/Hub4Mode"], r#"{"max":3,"min":1,"value":1}"#);
    client.next(|topic, _| topic == "heartbeat").await;
    client.next(|topic, _| topic == "grid/30/Ac/Power").await;
}

#[tokio::test]
async fn reads_writes_and_a_lost_device() {
    let Some((_broker, port)) = broker().await else { return };
    let running = running(port).await;
    let mut client = Client::new(port).await;
    client.next(|topic, _| topic == "system/0/Serial").await;
    client.send("R/battery/512/Soc", "").await;
    assert_eq!(client.next(|topic, _| topic == "battery/512/Soc").await.1, r#"{"value":62}"#);
    client.send("R/keepalive", "").await;
    client.next(|topic, _| topic == "full_publish_completed").await;
    // Refused in silence, then taken.
    client.send("W/settings/0/Settings/CGwacs/AcPowerSetPoint", r#"{"value":400000}"#).await;
    client.send("W/settings/0/Settings/CGwacs/AcPowerSetPoint", r#"{"value":120}"#).await;
    let (_, told) = client.next(|topic, _| topic == "settings/0/Settings/CGwacs/AcPowerSetPoint").await;
    assert_eq!(told, r#"{"max":300000.0,"min":-300000.0,"value":120.0}"#);
    running.handle.kill("battery/279");
    assert_eq!(client.next(|topic, payload| topic == "battery/279/Soc" && payload.is_empty()).await.1, "");
    running.handle.revive("battery/279", None);
    client.next(|topic, payload| topic == "battery/279/Soc" && payload.starts_with("{\"value\":")).await;
}

#[tokio::test]
async fn a_broker_that_restarts_is_found_again() {
    let Some((broker_program, port)) = broker().await else { return };
    let _running = running(port).await;
    let mut client = Client::new(port).await;
    client.next(|topic, _| topic == "system/0/Serial").await;
    drop((client, broker_program));
    let Some(_broker) = broker_on(port).await else { return };
    let mut client = Client::new(port).await;
    client.next(|topic, _| topic == "system/0/Serial").await;
    client.send("R/keepalive", "").await;
    client.next(|topic, _| topic == "full_publish_completed").await;
}
