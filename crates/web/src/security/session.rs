//! Sessions of the page. A session is `EXPIRY.SIGNATURE`, signed with the token, so the server keeps no table: sessions
//! survive a restart and end, all of them, when the token is changed.

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ohmstead_model::UnixMillis;
use ring::hmac;
use utoipa::ToSchema;

use super::token::{self, Key, Lock};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Body;
use crate::hex::{hex, unhex};
use crate::state::App;

/// How long a session lasts, in seconds: a month.
const SESSION_S: i64 = 30 * 24 * 3600;
const COOKIE: &str = "ohmstead_session";

/// What the page sends to log in.
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The token of the installation.
    token: String,
}

/// Starts a session for the page.
#[utoipa::path(
    post, path = "/login", tag = "access", request_body = Login, security(()),
    responses(
        (status = 204, description = "The token is right; the session's cookie is set. Also where no token is needed."),
        (status = 401, description = "The token is wrong.", body = ErrorBody),
        (status = 429, description = "Too many wrong tokens came from this address.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn login(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let peer = token::peer(&request);
    let Body(login) = Body::<Login>::from_request(request, &app).await?;
    token::check(&app, login.token.trim(), peer)?;
    let Lock::Token(key) = &app.access.token else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let value = issue(key, app.backend.now().unix);
    Ok(set_cookie(&value, SESSION_S))
}

/// Ends the session of the page.
///
/// The browser forgets its cookie. To end all sessions everywhere, change the token.
#[utoipa::path(
    post, path = "/logout", tag = "access", security(()),
    responses(
        (status = 204, description = "The session's cookie is removed."),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn logout() -> Response {
    set_cookie("", 0)
}

fn set_cookie(value: &str, max_age_s: i64) -> Response {
    let cookie = format!("{COOKIE}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}

fn issue(key: &Key, now: UnixMillis) -> String {
    let expiry = now.0 / 1000 + SESSION_S;
    let signature = hmac::sign(&key.hmac, signed(expiry).as_bytes());
    format!("{expiry}.{}", hex(signature.as_ref()))
}

/// Whether a cookie among `headers` is a session that has not ended.
pub(super) fn is_valid(headers: &HeaderMap, key: &Key, now: UnixMillis) -> bool {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
        .any(|session| is_session(session, key, now))
}

fn is_session(text: &str, key: &Key, now: UnixMillis) -> bool {
    let Some((expiry, signature)) = text.split_once('.') else { return false };
    let (Ok(expiry), Some(signature)) = (expiry.parse::<i64>(), unhex::<32>(signature)) else { return false };
    expiry > now.0 / 1000 && hmac::verify(&key.hmac, signed(expiry).as_bytes(), &signature).is_ok()
}

/// What is signed: never the bytes of a possible token, so that a signature says nothing about one.
fn signed(expiry: i64) -> String {
    format!("ohmstead session until {expiry}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use rstest::rstest;

    const NOW: UnixMillis = UnixMillis(1_795_000_000_000);

    fn key(token: &str) -> Key {
        Key::new(&Secret::from(token.to_owned()))
    }

    fn after(days: i64) -> UnixMillis {
        UnixMillis(NOW.0 + days * 86_400_000)
    }

    #[test]
    fn a_session_lasts_a_month_and_only_with_its_token() {
        let session = issue(&key("right-right-right"), NOW);
        assert!(is_session(&session, &key("right-right-right"), after(29)));
        assert!(!is_session(&session, &key("right-right-right"), after(31)), "ended");
        assert!(!is_session(&session, &key("other-other-other"), NOW), "token changed");
        let longer = session.replacen('1', "2", 1);
        assert!(!is_session(&longer, &key("right-right-right"), NOW), "expiry forged");
    }

    #[rstest]
    #[case("")]
    #[case(".")]
    #[case("99999999999.00")]
    #[case("x.y")]
    #[case("99999999999.éééééééééééééééééééééééééééééééé")]
    fn rubbish_is_no_session(#[case] text: &str) {
        assert!(!is_session(text, &key("right-right-right"), NOW));
    }
}
