//! The `mqtt:` section of the configuration, and what can be found wrong with it before anything is sent.

use std::io::ErrorKind;
use std::path::PathBuf;

use ohmstead_outside::Secret;
use ohmstead_units::Timespan;
use serde::Deserialize;

use crate::scheme::slug;
use crate::tls;

/// Where the broker is, what is published there and under which topics.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Host name or address of the broker.
    pub host: String,
    /// TCP port; 1883 where absent, 8883 with `tls`.
    pub port: Option<u16>,
    /// User name at the broker.
    pub username: Option<String>,
    /// Password at the broker. Prefer `password_file`.
    pub password: Option<Secret>,
    /// A file whose content is the password; one newline at its end is dropped.
    pub password_file: Option<PathBuf>,
    /// The name this program has at the broker, unique there: a second client of the same name throws the first one out.
    /// `ohmstead-<site slug>` where absent, with the base topic appended where that is not the default.
    pub client_id: Option<String>,
    /// After so long without traffic the client asks whether the broker is still there. At least 5 s.
    pub keep_alive: Timespan,
    /// TLS; absent means an unencrypted connection.
    pub tls: Option<Tls>,
    /// Base of this program's own topics. May contain slashes; give each instance at one broker its own.
    pub topic: String,
    /// Home Assistant's discovery prefix, also where its birth message is awaited (`<prefix>/status`).
    pub discovery_prefix: String,
    /// How entities are announced to Home Assistant.
    pub discovery: Discovery,
    /// Seconds after which Home Assistant drops a value that is not repeated. By default a bit more than the longer of
    /// the device's time to live and the heartbeat.
    pub expire_after: Option<Timespan>,
    /// Every state is repeated at least so often, changed or not. At least 1 s.
    pub heartbeat: Timespan,
    /// Topics and entities of earlier programs that are served in addition.
    pub compat: Vec<Compat>,
    /// First part of the topics of `compat: [marstek-poller]`. May contain slashes.
    pub state_topic_prefix: String,
    /// First part of the topics of `compat: [pv-inverter-monitor]`. May contain slashes.
    pub inverter_topic_prefix: String,
    /// Whether the `/set` topics are listened to. What a command may do is decided by `read_only`.
    pub commands: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: None,
            username: None,
            password: None,
            password_file: None,
            client_id: None,
            keep_alive: Timespan::from_secs(60),
            tls: None,
            topic: DEFAULT_TOPIC.to_owned(),
            discovery_prefix: "homeassistant".to_owned(),
            discovery: Discovery::default(),
            expire_after: None,
            heartbeat: Timespan::from_secs(60),
            compat: Vec::new(),
            state_topic_prefix: "marstek".to_owned(),
            inverter_topic_prefix: "homeassistant/inverter".to_owned(),
            commands: true,
        }
    }
}

/// The base topic where none is configured.
const DEFAULT_TOPIC: &str = "ohmstead";

/// TLS to the broker. The server's certificate is always verified.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file with the authorities to trust; those of the system where absent.
    pub ca_file: Option<PathBuf>,
    /// PEM file with this client's certificate, for brokers that ask for one. Needs `key_file`.
    pub cert_file: Option<PathBuf>,
    /// PEM file with the key of `cert_file`.
    pub key_file: Option<PathBuf>,
}

/// How entities are announced to Home Assistant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discovery {
    /// One message per device. Home Assistant 2025.3 takes it, 2024.3 refuses it.
    #[default]
    Device,
    /// One message per entity, for older Home Assistants and other programs that read discovery.
    Entity,
    /// No announcement of the native entities; those of `compat` are announced all the same.
    Off,
}

/// An earlier program whose topics and entities are served in addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compat {
    /// The topics, payload keys and entity ids of marstek-poller, for devices of the `marstek` driver.
    MarstekPoller,
    /// The topics, formats and unique ids of pv-inverter-monitor, for devices of the `voltronic` driver.
    PvInverterMonitor,
}

/// Why the settings cannot work, whatever the broker does.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum SettingsError {
    #[error("mqtt.{key}: {} cannot be read", path.display())]
    Unreadable {
        key: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("mqtt.{key}: {} contains no {expected} in PEM form", path.display())]
    NotPem { key: &'static str, path: PathBuf, expected: &'static str },
    #[error("mqtt.tls: cert_file and key_file belong together; {missing} is missing")]
    HalfIdentity { missing: &'static str },
    #[error("mqtt.tls: the certificates cannot be used: {reason}")]
    Tls { reason: String },
    #[error("mqtt.{key}: {value:?} cannot begin a topic: {reason}")]
    Topic { key: &'static str, value: String, reason: &'static str },
    #[error("mqtt.{key}: the same as mqtt.{other}; the topics of one would overwrite those of the other")]
    SameTopic { key: &'static str, other: &'static str },
    #[error("mqtt.host is empty; give the broker's name or address")]
    NoHost,
    #[error("mqtt.host: {value:?} is no host name or address: {reason}")]
    Host { value: String, reason: &'static str },
    #[error("mqtt.port: 0 is no port; leave it out for {usual}")]
    NoPort { usual: u16 },
    #[error("mqtt.password_file: the content of {} is longer than 64 kB or not UTF-8", path.display())]
    NoPassword { path: PathBuf },
    #[error(
        "mqtt.expire_after: {value} is not longer than mqtt.heartbeat ({heartbeat}); every value would come and go"
    )]
    ExpiresTooSoon { value: Timespan, heartbeat: Timespan },
    #[error("mqtt.client_id: {value:?} is not 1 to 128 characters without control characters")]
    ClientId { value: String },
    #[error("mqtt.{key}: {value} is too short; at least {least}")]
    TooShort { key: &'static str, value: Timespan, least: Timespan },
    #[error("mqtt.keep_alive: {value} is too long; at most 18 h")]
    TooLong { value: Timespan },
    #[error("mqtt: password and password_file are both given; keep one")]
    TwoPasswords,
    #[error("mqtt: there is a password but no username; MQTT cannot send one without the other")]
    PasswordWithoutUser,
}

impl Settings {
    /// The client id at the broker: the configured one, else one that is unique as long as site or base topic are.
    pub fn client_id_at(&self, site_slug: &str) -> String {
        match &self.client_id {
            Some(configured) => configured.clone(),
            None if self.topic == DEFAULT_TOPIC => format!("ohmstead-{}", slug(site_slug)),
            None => format!("ohmstead-{}-{}", slug(site_slug), slug(&self.topic)),
        }
    }

    /// The port: the configured one, else the usual one.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.usual_port())
    }

    fn usual_port(&self) -> u16 {
        if self.tls.is_some() { 8883 } else { 1883 }
    }

    /// The password, read from its file at every call so that a changed file is noticed.
    pub(crate) fn password(&self) -> Result<Option<Secret>, SettingsError> {
        let Some(path) = &self.password_file else { return Ok(self.password.clone()) };
        Secret::of_file(path).map(Some).map_err(|source| match source.kind() {
            ErrorKind::InvalidData => SettingsError::NoPassword { path: path.clone() },
            _ => SettingsError::Unreadable { key: "password_file", path: path.clone(), source },
        })
    }
}

/// Whether these settings can work at all: topics are topics, files exist and hold what they should, spans make sense.
/// Nothing is sent.
pub fn check(settings: &Settings) -> Result<(), SettingsError> {
    check_broker(settings)?;
    check_topics(settings)?;
    check_spans(settings)?;
    if let Some(wanted) = &settings.tls {
        tls::configuration(wanted)?;
    }
    Ok(())
}

fn check_broker(settings: &Settings) -> Result<(), SettingsError> {
    if settings.host.trim().is_empty() {
        return Err(SettingsError::NoHost);
    }
    if let Some(reason) = wrong_in_host(&settings.host) {
        return Err(SettingsError::Host { value: settings.host.clone(), reason });
    }
    if settings.port == Some(0) {
        return Err(SettingsError::NoPort { usual: settings.usual_port() });
    }
    if let Some(id) = &settings.client_id
        && (!(1..=128).contains(&id.len()) || id.chars().any(char::is_control))
    {
        return Err(SettingsError::ClientId { value: id.clone() });
    }
    if settings.password.is_some() && settings.password_file.is_some() {
        return Err(SettingsError::TwoPasswords);
    }
    if settings.password()?.is_some() && settings.username.is_none() {
        return Err(SettingsError::PasswordWithoutUser);
    }
    Ok(())
}

fn wrong_in_host(host: &str) -> Option<&'static str> {
    let in_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    // The interface behind a link-local address is the system's own word.
    let address = host.split_once('%').map_or(host, |(address, _)| address);
    if address.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    if host.contains("://") {
        return Some("leave out what stands before and with `://`; TLS is asked for with `tls: {}`");
    }
    match host.split_once(':') {
        Some((name, port)) if name.chars().all(in_name) && port.parse::<u16>().is_ok() => {
            Some("the port has a key of its own, `port`")
        }
        _ if host.len() > 253 => Some("it is longer than 253 bytes"),
        _ if !host.chars().all(in_name) => Some("it holds characters that no name has"),
        _ => None,
    }
}

fn check_topics(settings: &Settings) -> Result<(), SettingsError> {
    let topics = [
        ("topic", &settings.topic),
        ("discovery_prefix", &settings.discovery_prefix),
        ("state_topic_prefix", &settings.state_topic_prefix),
        ("inverter_topic_prefix", &settings.inverter_topic_prefix),
    ];
    for (key, value) in topics {
        if let Some(reason) = wrong_in_topic(value) {
            return Err(SettingsError::Topic { key, value: value.clone(), reason });
        }
    }
    if settings.topic == settings.discovery_prefix {
        return Err(SettingsError::SameTopic { key: "topic", other: "discovery_prefix" });
    }
    let prefixes = [
        (Compat::MarstekPoller, "state_topic_prefix", &settings.state_topic_prefix),
        (Compat::PvInverterMonitor, "inverter_topic_prefix", &settings.inverter_topic_prefix),
    ];
    let taken = prefixes
        .iter()
        .find(|(compat, _, prefix)| settings.compat.contains(compat) && settings.topic == **prefix);
    if let Some((_, other, _)) = taken {
        return Err(SettingsError::SameTopic { key: "topic", other });
    }
    Ok(())
}

fn wrong_in_topic(topic: &str) -> Option<&'static str> {
    match topic {
        "" => Some("it is empty"),
        _ if topic.len() > 200 => Some("it is longer than 200 bytes"),
        _ if topic.contains(['+', '#']) => Some("'+' and '#' are wildcards"),
        _ if topic.chars().any(char::is_control) => Some("it holds a control character"),
        _ if topic.starts_with('$') => Some("topics that begin with '$' belong to the broker"),
        _ if topic.split('/').any(str::is_empty) => {
            Some("there is nothing before, after or between its slashes")
        }
        _ => None,
    }
}

fn check_spans(settings: &Settings) -> Result<(), SettingsError> {
    let least = |key, value: Timespan, seconds| {
        let least = Timespan::from_secs(seconds);
        if value < least { Err(SettingsError::TooShort { key, value, least }) } else { Ok(()) }
    };
    least("keep_alive", settings.keep_alive, 5)?;
    least("heartbeat", settings.heartbeat, 1)?;
    if settings.keep_alive > Timespan::from_secs(18 * 3600) {
        return Err(SettingsError::TooLong { value: settings.keep_alive });
    }
    match settings.expire_after {
        Some(value) if !value.0.is_zero() && value <= settings.heartbeat => {
            Err(SettingsError::ExpiresTooSoon { value, heartbeat: settings.heartbeat })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use rstest::rstest;

    fn read(yaml: &str) -> Settings {
        serde_saphyr::from_str(yaml).expect("valid settings")
    }

    #[test]
    fn nothing_is_needed() {
        let settings = read("{}");
        assert_eq!(settings, Settings::default());
        assert_eq!((settings.host.as_str(), settings.port()), ("localhost", 1883));
        check(&settings).expect("the defaults work");
    }

    #[test]
    fn reads_the_example_of_the_documentation() {
        let settings = read(
            "{ host: broker, username: u, discovery: off, compat: [marstek-poller], tls: {}, expire_after: 5 min,
               state_topic_prefix: home/energy/batteries, heartbeat: 30 s }",
        );
        assert_eq!(settings.discovery, Discovery::Off);
        assert_eq!(settings.compat, [Compat::MarstekPoller]);
        assert_eq!(settings.port(), 8883);
        check_topics(&settings).expect("a prefix may contain slashes");
    }

    #[rstest]
    #[case("localhost")]
    #[case("homeassistant.local")]
    #[case("core_mosquitto")]
    #[case("192.0.2.7")]
    #[case("::1")]
    #[case("fe80::1%eth0")]
    fn hosts_are_names_and_addresses(#[case] host: &str) {
        let settings = Settings { host: host.to_owned(), ..Settings::default() };
        check(&settings).expect("a host");
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = serde_saphyr::from_str::<Settings>("{ hots: x }").expect_err("hots is no key");
        assert!(error.to_string().contains("hots"), "{error}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let settings = read("{ username: u, password: hunter2 }");
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert_eq!(settings.password.map(|secret| secret.expose().to_owned()).as_deref(), Some("hunter2"));
    }

    #[rstest]
    #[case("{ host: '' }", expect!["mqtt.host is empty; give the broker's name or address"])]
    #[case("{ host: 'broker # comment' }", expect![[r##"mqtt.host: "broker # comment" is no host name or address: it holds characters that no name has"##]])]
    #[case("{ host: 'foo: bar }' }", expect![[r#"mqtt.host: "foo: bar }" is no host name or address: it holds characters that no name has"#]])]
    #[case("{ host: 'three:1884' }", expect![[r#"mqtt.host: "three:1884" is no host name or address: the port has a key of its own, `port`"#]])]
    #[case("{ host: 'tcp://10.0.0.2:1884' }", expect![[r#"mqtt.host: "tcp://10.0.0.2:1884" is no host name or address: leave out what stands before and with `://`; TLS is asked for with `tls: {}`"#]])]
    #[case("{ port: 0 }", expect!["mqtt.port: 0 is no port; leave it out for 1883"])]
    #[case("{ topic: 'a/#' }", expect![[r##"mqtt.topic: "a/#" cannot begin a topic: '+' and '#' are wildcards"##]])]
    #[case("{ topic: '' }", expect![[r#"mqtt.topic: "" cannot begin a topic: it is empty"#]])]
    #[case("{ discovery_prefix: /ha }", expect![[r#"mqtt.discovery_prefix: "/ha" cannot begin a topic: there is nothing before, after or between its slashes"#]])]
    #[case("{ state_topic_prefix: $SYS }", expect![[r#"mqtt.state_topic_prefix: "$SYS" cannot begin a topic: topics that begin with '$' belong to the broker"#]])]
    #[case("{ topic: homeassistant }", expect!["mqtt.topic: the same as mqtt.discovery_prefix; the topics of one would overwrite those of the other"])]
    #[case("{ topic: marstek, compat: [marstek-poller] }", expect!["mqtt.topic: the same as mqtt.state_topic_prefix; the topics of one would overwrite those of the other"])]
    #[case("{ client_id: '' }", expect![[r#"mqtt.client_id: "" is not 1 to 128 characters without control characters"#]])]
    #[case("{ keep_alive: 1 s }", expect!["mqtt.keep_alive: 1 s is too short; at least 5 s"])]
    #[case("{ keep_alive: 1 d }", expect!["mqtt.keep_alive: 1 d is too long; at most 18 h"])]
    #[case("{ heartbeat: 10 ms }", expect!["mqtt.heartbeat: 10 ms is too short; at least 1 s"])]
    #[case("{ expire_after: 30 s }", expect!["mqtt.expire_after: 30 s is not longer than mqtt.heartbeat (1 min); every value would come and go"])]
    #[case("{ password: x }", expect!["mqtt: there is a password but no username; MQTT cannot send one without the other"])]
    #[case("{ username: u, password: x, password_file: y }", expect!["mqtt: password and password_file are both given; keep one"])]
    #[case("{ username: u, password_file: /nonexistent }", expect!["mqtt.password_file: /nonexistent cannot be read"])]
    #[case("{ tls: { ca_file: /nonexistent } }", expect!["mqtt.tls.ca_file: /nonexistent cannot be read"])]
    #[case("{ tls: { cert_file: /dev/null } }", expect!["mqtt.tls: cert_file and key_file belong together; key_file is missing"])]
    #[case("{ tls: { ca_file: /dev/null } }", expect!["mqtt.tls.ca_file: /dev/null contains no certificate in PEM form"])]
    fn what_cannot_work_is_told(#[case] yaml: &str, #[case] message: Expect) {
        let error = check(&read(yaml)).expect_err("refused");
        message.assert_eq(&error.to_string());
    }

    #[rstest]
    #[case(b"secret\n", "secret")]
    #[case(b"secret\r\n", "secret")]
    #[case(b" two words \n\n", " two words \n")]
    fn a_password_file_loses_one_newline(#[case] content: &[u8], #[case] password: &str) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("password");
        std::fs::write(&path, content).expect("written");
        let settings = Settings { password_file: Some(path), ..Settings::default() };
        assert_eq!(settings.password().expect("readable"), Some(Secret::new(password)));
    }

    #[test]
    fn a_password_file_that_is_no_text_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("password");
        for content in [vec![0xff, 0xfe], vec![b'x'; 70_000]] {
            std::fs::write(&path, content).expect("written");
            let settings = Settings { password_file: Some(path.clone()), ..Settings::default() };
            assert!(matches!(settings.password(), Err(SettingsError::NoPassword { .. })));
        }
    }
}
