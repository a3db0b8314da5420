//! A mosquitto of the test's own, and a subscriber that hears everything.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{DEADLINE, free_port};

/// A broker that ends with the test. It keeps nothing over a restart.
pub(crate) struct Broker {
    pub(crate) port: u16,
    config: PathBuf,
    process: Child,
}

impl Broker {
    pub(crate) fn start(folder: &Path) -> Self {
        let (port, config) = (free_port(), folder.join("mosquitto.conf"));
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n");
        std::fs::write(&config, text).unwrap();
        let process = spawn(&config, port);
        Self { port, config, process }
    }

    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.process = spawn(&self.config, self.port);
    }

    pub(crate) fn subscribe(&self) -> Subscriber {
        Subscriber::start(self.port)
    }

    pub(crate) fn publish(&self, topic: &str, payload: &str, more: &[&str]) {
        let port = self.port.to_string();
        let arguments = ["-p", &port, "-q", "1", "-t", topic, "-m", payload];
        let status = Command::new("mosquitto_pub").args(arguments).args(more).status();
        assert!(status.expect("the Debian package mosquitto-clients is installed").success());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(config: &Path, port: u16) -> Child {
    let mut command = Command::new("mosquitto");
    command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("the Debian package mosquitto is installed");
    let end = now() + DEADLINE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(now() < end, "mosquitto does not listen on port {port}");
        pause();
    }
    child
}

/// One message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) retained: bool,
    pub(crate) topic: String,
    pub(crate) payload: String,
}

impl Message {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.payload).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Hears every topic of a broker.
pub(crate) struct Subscriber {
    process: Child,
    heard: Receiver<Message>,
    /// The last payload of each topic.
    pub(crate) last: BTreeMap<String, Message>,
}

impl Subscriber {
    fn start(port: u16) -> Self {
        let port = port.to_string();
        let mut command = Command::new("mosquitto_sub");
        command.args(["-p", &port, "-t", "#", "-F", "%r %t %p"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the Debian package mosquitto-clients is installed");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (sender, heard) = sync_channel(10_000);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut parts = line.splitn(3, ' ');
                let (Some(retained), Some(topic)) = (parts.next(), parts.next()) else { continue };
                let payload = parts.next().unwrap_or_default().to_owned();
                let message = Message { retained: retained == "1", topic: topic.to_owned(), payload };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self { process, heard, last: BTreeMap::new() }
    }

    /// The next message within `span`.
    pub(crate) fn next(&mut self, span: Duration) -> Option<Message> {
        match self.heard.recv_timeout(span) {
            Ok(message) => {
                self.last.insert(message.topic.clone(), message.clone());
                Some(message)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("mosquitto_sub has ended"),
        }
    }

    /// Waits for a message that `fits`, and returns it.
    pub(crate) fn wait(&mut self, what: &str, fits: impl Fn(&Message) -> bool) -> Message {
        self.wait_within(DEADLINE, what, fits)
    }

    pub(crate) fn wait_within(
        &mut self,
        span: Duration,
        what: &str,
        fits: impl Fn(&Message) -> bool,
    ) -> Message {
        let end = now() + span;
        while let Some(left) = end.checked_duration_since(now()) {
            match self.next(left) {
                Some(message) if fits(&message) => return message,
                _ => {}
            }
        }
        panic!(
            "no {what}; heard last: {:#?}",
            self.last.values().map(|message| &message.topic).collect::<Vec<_>>()
        )
    }

    /// Waits until `topic` says `payload`.
    pub(crate) fn wait_for(&mut self, topic: &str, payload: &str) {
        if self.last.get(topic).is_none_or(|message| message.payload != payload) {
            self.wait(&format!("{payload} on {topic}"), |message| {
                message.topic == topic && message.payload == payload
            });
        }
    }

    /// What the broker still sends at once, then nothing for a moment.
    pub(crate) fn settle(&mut self) {
        while self.next(Duration::from_millis(700)).is_some() {}
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "a deadline for other processes, which live in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "between two looks at another process")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}
