//! The token: shown as a bearer token by programs, or as a session's cookie by the page.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ring::hmac;

use super::session;
use crate::Settings;
use crate::error::ApiError;
use crate::server::Peer;
use crate::settings::Secret;
use crate::state::App;

/// What guards the interface.
pub(crate) enum Lock {
    /// No token is configured: whoever reaches the port may ask. Only on loopback, see [`crate::check`].
    Open,
    /// The token, as the key of a keyed hash that also signs sessions.
    Token(Box<Key>),
    /// A token is configured but cannot be read: nobody may ask.
    Shut,
}

impl Lock {
    pub(crate) fn new(settings: &Settings) -> Self {
        match settings.read_token() {
            Ok(None) => Self::Open,
            Ok(Some(token)) => Self::Token(Box::new(Key::new(&token))),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(target: "web", %error, cause, "the interface is shut until the token can be read");
                Self::Shut
            }
        }
    }
}

/// The token for comparing. Comparing keyed hashes takes the same time wherever two tokens differ.
pub(crate) struct Key {
    pub(super) hmac: hmac::Key,
    tag: hmac::Tag,
}

impl Key {
    pub(crate) fn new(token: &Secret) -> Self {
        let token = token.expose().as_bytes();
        let hmac = hmac::Key::new(hmac::HMAC_SHA256, token);
        let tag = hmac::sign(&hmac, token);
        Self { hmac, tag }
    }

    pub(super) fn is(&self, token: &str) -> bool {
        hmac::verify(&self.hmac, token.as_bytes(), self.tag.as_ref()).is_ok()
    }
}

/// Lets a request through that shows the token, a valid session, or needs neither.
pub(crate) async fn require(State(app): State<App>, request: Request, next: Next) -> Response {
    match authorise(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Whether the request may ask, or the refusal. A wrong token is counted.
pub(crate) fn authorise(app: &App, request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    match &app.access.token {
        Lock::Open => return Ok(()),
        Lock::Token(key) if session::is_valid(headers, key, app.backend.now().unix) => return Ok(()),
        Lock::Token(_) => {}
        Lock::Shut => {
            return Err(ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "token_unreadable",
                "a token is configured, but its file cannot be read",
                "see the log, correct web.token_file and restart",
            ));
        }
    }
    match bearer(headers) {
        Some(token) => check(app, token, peer(request)),
        None => Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "token_required",
            "this needs the token of the installation",
            "send the header Authorization: Bearer TOKEN, or log in with POST /login",
        )),
    }
}

/// Compares a token that somebody shows, unless that address has shown too many wrong ones.
pub(super) fn check(app: &App, token: &str, peer: Option<IpAddr>) -> Result<(), ApiError> {
    let now = app.backend.now().mono;
    let mut failures = app.access.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(seconds) = failures.wait(peer, now) {
        return Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_failures",
            "too many wrong tokens came from this address",
            format!("try again in {seconds} s"),
        )
        .retry_after(seconds));
    }
    let right = match &app.access.token {
        Lock::Open => true,
        Lock::Shut => false,
        Lock::Token(key) => key.is(token),
    };
    if right {
        return Ok(());
    }
    if failures.count(peer, now) {
        tracing::warn!(target: "web", peer = ?peer, "too many wrong tokens; further ones are not looked at for a while");
    }
    Err(ApiError::new(
        StatusCode::UNAUTHORIZED,
        "wrong_token",
        "the token is wrong",
        "it is in the configuration as web.token, or in the file that web.token_file names",
    ))
}

pub(super) fn peer(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<Peer>().map(|peer| peer.0.ip())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
