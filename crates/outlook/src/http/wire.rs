//! The way to the outside: reqwest, or what a test puts in its place.

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::fmt::rfc2822;
use ohmstead_outside::{in_one_line, tls};
use reqwest::header::{CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, Url};

use super::{BODY_BYTES_MAX, Request};

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// How long the server wants us to wait.
    pub retry_after: Option<Duration>,
    /// Where a redirection goes, without parameters: they may hold a token.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoReply {
    /// In words.
    Unreachable(String),
    /// The body is longer than what is read.
    TooLarge,
}

/// Carries one request out and its answer back.
pub trait Wire: Send + Sync {
    /// One exchange. It need not end: whoever asks has a time limit.
    fn exchange<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, NoReply>>;
}

/// The real one.
pub struct Internet {
    client: Client,
}

/// How often a server may send us on within itself.
const REDIRECTS_MAX: usize = 3;

impl Internet {
    /// A client that follows nobody to another host. Says in words why it cannot be made.
    pub fn new() -> Result<Self, String> {
        // Without any authority only plain connections work, and an attempt at another says so.
        let trust = tls::believing(tls::roots_of_the_system()).map_err(|error| error.to_string())?;
        let client = Client::builder()
            .user_agent("ohmstead")
            .redirect(Policy::custom(follow))
            .tls_backend_preconfigured(trust.with_no_client_auth())
            .build()
            .map_err(|error| in_one_line(&error))?;
        Ok(Self { client })
    }
}

/// The parameters of a request may hold a token: they go where they were meant for, or with encryption added, nowhere else.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let from = attempt.previous().last();
    if attempt.previous().len() <= REDIRECTS_MAX
        && from.is_some_and(|from| is_same_server(from, attempt.url()))
    {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

pub(super) fn is_same_server(from: &Url, to: &Url) -> bool {
    let is_encrypted_now = from.scheme() == "http" && to.scheme() == "https" && to.port().is_none();
    let is_same_port =
        from.scheme() == to.scheme() && from.port_or_known_default() == to.port_or_known_default();
    from.host() == to.host() && (is_same_port || is_encrypted_now)
}

impl Wire for Internet {
    fn exchange<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, NoReply>> {
        Box::pin(async move {
            let mut builder = match &request.body {
                None => self.client.get(request.url.clone()),
                Some((content_type, body)) => self
                    .client
                    .post(request.url.clone())
                    .header(CONTENT_TYPE, *content_type)
                    .body(body.expose().to_owned()),
            };
            builder = builder.header("accept", "application/json, application/xml;q=0.9, */*;q=0.1");
            for (name, value) in &request.headers {
                builder = builder.header(*name, value.expose());
            }
            let response = builder.send().await.map_err(|error| no_answer(request, error))?;
            reply(request, response).await
        })
    }
}

async fn reply(request: &Request, mut response: Response) -> Result<Reply, NoReply> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let retry_after = header(RETRY_AFTER).and_then(|text| wait(text, header(DATE)));
    let target = header(LOCATION).and_then(|to| response.url().join(to).ok());
    let location = target.map(|mut to| {
        to.set_query(None);
        to.set_fragment(None);
        to.to_string()
    });
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(request, error))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(NoReply::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, retry_after, location, body })
}

/// `Retry-After` in seconds, or as a date, which is seen from the date of the answer.
fn wait(text: &str, answered: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let instant = |text: &str| rfc2822::parse(text.trim()).ok().map(|date| date.timestamp());
    let span = instant(text)?.duration_since(instant(answered?)?);
    Duration::try_from(span).ok()
}

fn no_answer(request: &Request, error: reqwest::Error) -> NoReply {
    let what = if error.is_connect() { "nothing answers" } else { "no answer" };
    // The URL may carry more than belongs into a log.
    NoReply::Unreachable(format!("{what} at {} ({})", request.host(), in_one_line(&error.without_url())))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("7", None, Some(7))]
    #[case("Wed, 10 Dec 2025 12:01:00 GMT", Some("Wed, 10 Dec 2025 12:00:00 GMT"), Some(60))]
    #[case("Wed, 10 Dec 2025 11:00:00 GMT", Some("Wed, 10 Dec 2025 12:00:00 GMT"), None)]
    #[case("Wed, 10 Dec 2025 12:01:00 GMT", None, None)]
    #[case("soon", Some("now"), None)]
    #[case("-7", None, None)]
    fn how_long_to_wait(#[case] text: &str, #[case] answered: Option<&str>, #[case] seconds: Option<u64>) {
        assert_eq!(wait(text, answered), seconds.map(Duration::from_secs));
    }

    #[rstest]
    #[case("http://a/x", "http://a/y", true)]
    #[case("http://a/x", "https://a/y", true)]
    #[case("https://a/x", "http://a/y", false)]
    #[case("http://a/x", "http://b/x", false)]
    #[case("http://a:81/x", "http://a:82/x", false)]
    #[case("https://a/x", "https://a.b/x", false)]
    fn only_the_same_server_is_followed(#[case] from: &str, #[case] to: &str, #[case] followed: bool) {
        assert_eq!(is_same_server(&Url::parse(from).unwrap(), &Url::parse(to).unwrap()), followed);
    }
}
