//! Who may ask what: the `Host` check against DNS rebinding, the `Origin` check against forged commands, the token.

mod failures;
mod headers;
mod host;
mod origin;
mod session;
mod token;

pub(crate) use headers::set as set_headers;
pub(crate) use session::{__path_login, __path_logout, login, logout};
pub(crate) use token::{authorise, require as require_token};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Settings;
use crate::state::App;

/// What the settings say about access, prepared for many requests.
pub(crate) struct Access {
    hosts: host::Hosts,
    origins: Vec<String>,
    token: token::Lock,
    failures: std::sync::Mutex<failures::Failures>,
}

impl Access {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            hosts: host::Hosts::new(settings),
            origins: settings.allowed_origins.iter().map(|origin| origin.to_ascii_lowercase()).collect(),
            token: token::Lock::new(settings),
            failures: std::sync::Mutex::default(),
        }
    }
}

/// Refuses requests for foreign hosts and writes from foreign pages, before anything else looks at them.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let checked =
        app.access.hosts.check(&request).and_then(|()| origin::check(&request, &app.access.origins));
    match checked {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}
