//! The `Host` check. A page of a stranger can point its own name at 127.0.0.1 and then read this server as if it were
//! its own (DNS rebinding); but it cannot make the browser send another name than its own.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{StatusCode, header, uri::Authority};

use crate::Settings;
use crate::error::ApiError;
use crate::settings::is_loopback;

/// The names under which this server may be asked.
pub(crate) struct Hosts {
    listen: IpAddr,
    names: Vec<String>,
}

impl Hosts {
    pub(crate) fn new(settings: &Settings) -> Self {
        let names = settings.allowed_hosts.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self { listen: settings.listen.ip(), names }
    }

    pub(crate) fn check(&self, request: &Request) -> Result<(), ApiError> {
        let mut headers = request.headers().get_all(header::HOST).iter();
        let (Some(host), None) = (headers.next(), headers.next()) else {
            return Err(ApiError::bad("bad_host", "a request needs exactly one Host header", "use HTTP/1.1"));
        };
        let host = host.to_str().unwrap_or("");
        let target = request.uri().authority().map(Authority::as_str);
        match [Some(host), target].into_iter().flatten().find(|host| !self.allows(host)) {
            None => Ok(()),
            Some(foreign) => Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "foreign_host",
                format!("this server is not reached under the name {foreign:?}"),
                "use its address, or add the name to web.allowed_hosts",
            )),
        }
    }

    /// Whether `host`, with or without a port, is one of ours.
    fn allows(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        // User information in an authority is a trick to make a foreign host look like ours.
        if authority.as_str().contains('@') {
            return false;
        }
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            // An address literal needs no name look-up, so it cannot be rebound.
            Ok(address) => {
                is_loopback(address)
                    || address == self.listen
                    || self.listen.is_unspecified()
                    || self.lists(bare)
            }
            Err(_) => name == "localhost" || name.ends_with(".localhost") || self.lists(&name),
        }
    }

    fn lists(&self, name: &str) -> bool {
        self.names.iter().any(|allowed| allowed == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn hosts(listen: &str, names: &[&str]) -> Hosts {
        let allowed_hosts = names.iter().map(|name| (*name).to_owned()).collect();
        Hosts::new(&Settings { listen: listen.parse().unwrap(), allowed_hosts, ..Settings::default() })
    }

    #[rstest]
    #[case("localhost", true)]
    #[case("LOCALHOST:8230", true)]
    #[case("ohmstead.localhost:8230", true)]
    #[case("127.0.0.1:8230", true)]
    #[case("127.9.9.9", true)]
    #[case("[::1]:8230", true)]
    #[case("[::ffff:127.0.0.1]", true)]
    #[case("Gateway.Local.", true)]
    #[case("192.0.2.7", false)]
    #[case("evil.example", false)]
    #[case("localhost.evil.example", false)]
    #[case("evillocalhost", false)]
    #[case("127.0.0.1.evil.example", false)]
    #[case("localhost@evil.example", false)]
    #[case("evil.example@localhost", false)]
    #[case("", false)]
    #[case("local host", false)]
    #[case("2130706433", false)]
    fn on_loopback_only_this_machine_and_listed_names_are_ours(#[case] host: &str, #[case] ours: bool) {
        assert_eq!(hosts("127.0.0.1:8230", &["gateway.local"]).allows(host), ours, "{host:?}");
    }

    #[rstest]
    #[case("192.0.2.7:8230", "192.0.2.7", true)]
    #[case("192.0.2.7:8230", "192.0.2.8", false)]
    #[case("0.0.0.0:8230", "192.0.2.8:8230", true)]
    #[case("0.0.0.0:8230", "evil.example", false)]
    #[case("[::]:8230", "[2001:db8::1]:8230", true)]
    fn the_listen_address_is_ours(#[case] listen: &str, #[case] host: &str, #[case] ours: bool) {
        assert_eq!(hosts(listen, &[]).allows(host), ours);
    }
}
