//! Posting over HTTP, and what the answers mean.

use std::time::Duration;

use ohmstead_outside::in_one_line;
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};

use super::Failure;
use crate::settings::Tls;
use crate::tls;

/// More of an answer is not read.
const ANSWER_BYTES_MAX: usize = 4096;

/// A client that keeps its connection. TLS is set up for `https` URLs only.
pub(super) fn client(url: &Url, settings: Option<&Tls>) -> Result<Client, String> {
    let client = Client::builder().user_agent("ohmstead").redirect(reqwest::redirect::Policy::none());
    let client = if url.scheme() == "https" {
        let tls = tls::configuration(settings.unwrap_or(&Tls::default()))?;
        client.tls_backend_preconfigured(tls)
    } else {
        // Never used, but the client is not built without any.
        client.tls_backend_preconfigured(tls::without_roots()?)
    };
    client.build().map_err(|error| in_one_line(&error))
}

/// Sends the request. `Ok` is any answer of the 200s.
pub(super) async fn post(request: RequestBuilder) -> Result<(), Failure> {
    let response = request.send().await.map_err(|error| Failure::later(no_answer(error)))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let after = header(RETRY_AFTER).and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let location = header(LOCATION);
    let words = words(response).await;
    Err(judge(status, &words, after, location))
}

fn no_answer(error: reqwest::Error) -> String {
    let place = error.url().map_or_else(String::new, |url| {
        let port = url.port_or_known_default().map_or_else(String::new, |port| format!(":{port}"));
        format!(" at {}{port}", url.host_str().unwrap_or_default())
    });
    let what = if error.is_connect() { "nothing answers" } else { "no answer" };
    // The URL may carry more than belongs into a log.
    format!("{what}{place} ({})", in_one_line(&error.without_url()))
}

/// What the server says, in one short line: the message in a JSON answer, else the beginning of the text.
async fn words(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= ANSWER_BYTES_MAX {
            bytes.truncate(ANSWER_BYTES_MAX);
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let message =
        json.as_ref().and_then(|json| ["error", "message"].iter().find_map(|key| json.get(*key)?.as_str()));
    let line = message.unwrap_or(&text).split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(300).collect()
}

fn judge(status: StatusCode, words: &str, after: Option<Duration>, location: Option<String>) -> Failure {
    let said = if words.is_empty() { status.to_string() } else { format!("{status}: {words}") };
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::TooLarge(said),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            Failure::Refused { only: dropped(words), of_age: is_of_age(words), why: said }
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::later(format!(
            "it does not let us in ({said}); check the user, the token and its rights"
        )),
        StatusCode::NOT_FOUND => Failure::later(format!(
            "what we write to is not there ({said}); check the URL, and that the database exists"
        )),
        _ if status.is_redirection() => {
            let to = location.map_or_else(String::new, |location| format!(" to {location}"));
            Failure::later(format!("it sends us elsewhere{to} ({status}); give that URL"))
        }
        _ => Failure::Later { why: format!("it cannot take them now ({said})"), after },
    }
}

/// How many values a partial write left out: `partial write: ... dropped=3`.
fn dropped(words: &str) -> Option<usize> {
    let number = words.split("dropped=").nth(1)?;
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

/// Whether the words are about the age of values. Prometheus takes no value that is older than what it has, `InfluxDB`
/// none that is older than it keeps.
fn is_of_age(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    ["out of order", "out-of-order", "out of bounds", "too old", "duplicate sample", "retention policy"]
        .iter()
        .any(|known| words.contains(known))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(400, "out of order sample", expect![[r#"Refused { why: "400 Bad Request: out of order sample", only: None, of_age: true }"#]])]
    #[case(400, "partial write: field type conflict: x dropped=12", expect![[r#"Refused { why: "400 Bad Request: partial write: field type conflict: x dropped=12", only: Some(12), of_age: false }"#]])]
    #[case(422, "", expect![[r#"Refused { why: "422 Unprocessable Entity", only: None, of_age: false }"#]])]
    #[case(413, "", expect![[r#"TooLarge("413 Payload Too Large")"#]])]
    #[case(401, "unauthorized access", expect![[r#"Later { why: "it does not let us in (401 Unauthorized: unauthorized access); check the user, the token and its rights", after: None }"#]])]
    #[case(404, "database not found: \"x\"", expect![[r#"Later { why: "what we write to is not there (404 Not Found: database not found: \"x\"); check the URL, and that the database exists", after: None }"#]])]
    #[case(429, "slow down", expect![[r#"Later { why: "it cannot take them now (429 Too Many Requests: slow down)", after: Some(7s) }"#]])]
    #[case(503, "", expect![[r#"Later { why: "it cannot take them now (503 Service Unavailable)", after: Some(7s) }"#]])]
    #[case(301, "", expect![[r#"Later { why: "it sends us elsewhere to https://b/ (301 Moved Permanently); give that URL", after: None }"#]])]
    fn answers(#[case] status: u16, #[case] words: &str, #[case] failure: Expect) {
        let status = StatusCode::from_u16(status).expect("a status");
        let judged = judge(status, words, Some(Duration::from_secs(7)), Some("https://b/".to_owned()));
        failure.assert_eq(&format!("{judged:?}"));
    }
}
