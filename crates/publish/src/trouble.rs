//! Why there is no connection, in words that say what to do.

use std::error::Error as _;
use std::fmt;
use std::io;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError};

use crate::settings::Settings;

/// Why a connection could not be made or was lost. Two of the same kind are one change of state in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Wrong user or password, or none.
    Credentials,
    /// The broker does not want this client id.
    ClientId,
    /// The broker says that it cannot serve.
    Unavailable,
    /// The broker speaks another protocol.
    Protocol(String),
    /// Nothing listens there.
    Refused,
    /// The name is not known.
    Name,
    /// No answer in time, or no way there.
    Unreachable(String),
    /// The TLS handshake failed.
    Tls(String),
    /// The connection was closed by the broker.
    Closed,
    /// A message larger than this program takes.
    Oversized,
    /// The password file cannot be read any more.
    Password(String),
    /// Anything else.
    Other(String),
}

impl Trouble {
    pub(crate) fn of(error: &ConnectionError) -> Self {
        match error {
            ConnectionError::ConnectionRefused(code) => Self::of_code(*code),
            ConnectionError::Tls(error) => Self::of_tls(error),
            ConnectionError::Io(error) => Self::of_io(error),
            ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
                Self::Unreachable("no answer in time".to_owned())
            }
            ConnectionError::NotConnAck(_) => Self::Protocol("the first answer is not of MQTT".to_owned()),
            ConnectionError::MqttState(error) => Self::of_state(error),
            other => Self::Other(other.to_string()),
        }
    }

    fn of_code(code: ConnectReturnCode) -> Self {
        match code {
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => Self::Credentials,
            ConnectReturnCode::BadClientId => Self::ClientId,
            ConnectReturnCode::ServiceUnavailable => Self::Unavailable,
            ConnectReturnCode::RefusedProtocolVersion => {
                Self::Protocol("it does not speak MQTT 3.1.1".to_owned())
            }
            ConnectReturnCode::Success => Self::Other("refused without a reason".to_owned()),
        }
    }

    fn of_tls(error: &TlsError) -> Self {
        match error {
            // rustls wraps what is wrong with a certificate into an I/O error.
            TlsError::Io(error) if is_of_rustls(error) => Self::Tls(error.to_string()),
            TlsError::Io(error) if closed(error) => {
                Self::Tls("the broker closed the connection during the handshake".to_owned())
            }
            TlsError::Io(error) => Self::of_io(error),
            other => Self::Tls(other.to_string()),
        }
    }

    fn of_io(error: &io::Error) -> Self {
        // The resolver's errors have no kind of their own.
        let text = error.to_string();
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            _ if closed(error) => Self::Closed,
            _ if text.contains("lookup") || text.contains("resolve") => Self::Name,
            _ => Self::Unreachable(error.source().map_or(text, ToString::to_string)),
        }
    }

    fn of_state(error: &StateError) -> Self {
        match error {
            StateError::Io(error) | StateError::Deserialization(rumqttc::Error::Io(error)) => {
                Self::of_io(error)
            }
            StateError::ConnectionAborted => Self::Closed,
            StateError::AwaitPingResp => Self::Unreachable("the broker no longer answers".to_owned()),
            StateError::Deserialization(rumqttc::Error::PayloadSizeLimitExceeded(_)) => Self::Oversized,
            other => Self::Protocol(other.to_string()),
        }
    }

    /// Whether the broker is there and says no: trying often does not help and fills its log.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Credentials | Self::ClientId | Self::Protocol(_) | Self::Tls(_) | Self::Password(_)
        )
    }

    /// The whole sentence for the log: what is the case at this broker, and what to do.
    pub(crate) fn told(&self, settings: &Settings, client_id: &str) -> String {
        let broker = Broker(settings);
        match self {
            Self::Credentials => match &settings.username {
                Some(user) => format!(
                    "{broker} refuses user {user:?} or its password; check mqtt.username and mqtt.password_file"
                ),
                None => format!("{broker} wants a user; set mqtt.username and mqtt.password_file"),
            },
            Self::ClientId => format!("{broker} refuses the client id {client_id:?}; set mqtt.client_id"),
            Self::Unavailable => format!("{broker} says that it is not available; look at its log"),
            Self::Protocol(what) => {
                format!("{broker} answers, but not as an MQTT broker ({what}); check mqtt.host and mqtt.port")
            }
            Self::Refused => {
                format!("nothing listens at {broker}; is it running? check mqtt.host and mqtt.port")
            }
            Self::Name => format!("the name of {broker} is not known here; check mqtt.host and the DNS"),
            Self::Unreachable(what) => {
                format!("{broker} does not answer ({what}); check mqtt.host, the network and the firewall")
            }
            Self::Tls(what) => format!(
                "TLS with {broker} fails ({what}); mqtt.tls.ca_file must hold the authority of its certificate \
                 and mqtt.host must be a name in it"
            ),
            Self::Closed => {
                let tls = if settings.tls.is_none() { ", or does it expect TLS (mqtt.tls)" } else { "" };
                format!(
                    "{broker} closed the connection; does another client use the id {client_id:?}{tls}? look at its log"
                )
            }
            Self::Oversized => format!(
                "{broker} sent a message larger than {} kB on a command or birth topic; find out who publishes it",
                crate::connection::INCOMING_BYTES_MAX / 1024
            ),
            Self::Password(what) => format!("the password cannot be read: {what}"),
            Self::Other(what) => format!("no connection to {broker}: {what}"),
        }
    }
}

fn is_of_rustls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

fn closed(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe
    )
}

/// The broker as it stands in a sentence.
pub(crate) struct Broker<'a>(pub(crate) &'a Settings);

impl fmt::Display for Broker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the broker {}:{}", self.0.host, self.0.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use rstest::rstest;

    fn io(kind: io::ErrorKind) -> ConnectionError {
        ConnectionError::Io(io::Error::new(kind, "detail"))
    }

    #[rstest]
    #[case(io(io::ErrorKind::ConnectionRefused), expect!["nothing listens at the broker broker:1883; is it running? check mqtt.host and mqtt.port"])]
    #[case(io(io::ErrorKind::HostUnreachable), expect!["the broker broker:1883 does not answer (detail); check mqtt.host, the network and the firewall"])]
    #[case(ConnectionError::NetworkTimeout, expect!["the broker broker:1883 does not answer (no answer in time); check mqtt.host, the network and the firewall"])]
    #[case(ConnectionError::Io(io::Error::other("failed to lookup address information: Name or service not known")), expect!["the name of the broker broker:1883 is not known here; check mqtt.host and the DNS"])]
    #[case(ConnectionError::MqttState(StateError::ConnectionAborted), expect![[r#"the broker broker:1883 closed the connection; does another client use the id "id", or does it expect TLS (mqtt.tls)? look at its log"#]])]
    #[case(ConnectionError::ConnectionRefused(ConnectReturnCode::BadClientId), expect![[r#"the broker broker:1883 refuses the client id "id"; set mqtt.client_id"#]])]
    #[case(ConnectionError::ConnectionRefused(ConnectReturnCode::ServiceUnavailable), expect!["the broker broker:1883 says that it is not available; look at its log"])]
    #[case(ConnectionError::ConnectionRefused(ConnectReturnCode::RefusedProtocolVersion), expect!["the broker broker:1883 answers, but not as an MQTT broker (it does not speak MQTT 3.1.1); check mqtt.host and mqtt.port"])]
    #[case(ConnectionError::MqttState(StateError::Deserialization(rumqttc::Error::InvalidProtocol)), expect!["the broker broker:1883 answers, but not as an MQTT broker (Mqtt serialization/deserialization error: Invalid protocol); check mqtt.host and mqtt.port"])]
    #[case(ConnectionError::MqttState(StateError::Deserialization(rumqttc::Error::PayloadSizeLimitExceeded(99))), expect!["the broker broker:1883 sent a message larger than 64 kB on a command or birth topic; find out who publishes it"])]
    fn every_trouble_says_what_to_do(#[case] error: ConnectionError, #[case] told: Expect) {
        let settings = Settings { host: "broker".to_owned(), ..Settings::default() };
        told.assert_eq(&Trouble::of(&error).told(&settings, "id"));
    }
}
