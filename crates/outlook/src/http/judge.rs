//! What the status of an answer means.

use std::time::Duration;

use jiff::Timestamp;
use ohmstead_model::UnixMillis;
use reqwest::Url;

use super::request::hide;
use super::wire::is_same_server;
use super::{BODY_BYTES_MAX, NoReply, Reply, Request};
use crate::parse::short;
use crate::{Failure, Secret};

/// A server that asks for more is not believed.
const WAIT_MAX: Duration = Duration::from_secs(86_400);

/// The body of a good answer, or why there is none.
pub(super) fn judge(
    reply: Result<Reply, NoReply>,
    request: &Request,
    now: UnixMillis,
) -> Result<Vec<u8>, Failure> {
    let reply = match reply {
        Ok(reply) => reply,
        Err(NoReply::TooLarge) => return Err(Failure::TooLarge { bytes_max: BODY_BYTES_MAX }),
        Err(NoReply::Unreachable(why)) => return Err(Failure::Unreachable(hide(&why, request.secrets()))),
    };
    let is_blank = reply.body.iter().all(u8::is_ascii_whitespace);
    let words = words(&reply.body, request.secrets());
    let said = if words.is_empty() { reply.status.to_string() } else { format!("{}: {words}", reply.status) };
    match reply.status {
        // "No content" is what Nord Pool says of a day that is not published.
        204 if is_blank => Err(Failure::NotYet),
        200..=299 if is_blank => {
            Err(Failure::Useless(format!("{} gave an empty answer ({said})", request.host())))
        }
        200..=299 => Ok(reply.body),
        300..=399 => Err(Failure::Refused(sent_on(reply.location.as_deref(), request, &said))),
        401 | 403 => Err(Failure::Refused(format!(
            "{} does not let us in ({said}); check the key or token",
            request.host()
        ))),
        // RTE has a number of its own for it.
        429 | 509 => Err(Failure::Busy {
            said: format!("{} says we ask too often ({said})", request.host()),
            after: reply.retry_after.or_else(|| retry_at(&reply.body, now)).map(|wait| wait.min(WAIT_MAX)),
        }),
        400..=499 if !matches!(reply.status, 408 | 425) => Err(Failure::Refused(format!(
            "{} refuses the request ({said}); check the settings of this source",
            request.host()
        ))),
        503 if reply.retry_after.is_some() => Err(Failure::Busy {
            said: format!("{} is not available ({said})", request.host()),
            after: reply.retry_after.map(|wait| wait.min(WAIT_MAX)),
        }),
        _ => Err(Failure::Unreachable(format!("{} cannot answer now ({said})", request.host()))),
    }
}

/// What is sent on within a server is followed, so what is left of that goes round in a circle.
fn sent_on(to: Option<&str>, request: &Request, said: &str) -> String {
    let host = request.host();
    let is_same = |to: &str| Url::parse(to).is_ok_and(|to| is_same_server(&request.url, &to));
    match to {
        None => format!("{host} sends us elsewhere and does not say where ({said})"),
        Some(to) if is_same(to) => {
            format!("{host} sends us round in a circle ({said}); check `url`, or what stands between us")
        }
        Some(to) => {
            let to = short(&hide(to, request.secrets()));
            format!(
                "{host} sends us elsewhere, to {to} ({said}); if that is the service's new address, change `url`"
            )
        }
    }
}

/// forecast.solar says when to come back in the body: `message.ratelimit.retry-at`.
fn retry_at(body: &[u8], now: UnixMillis) -> Option<Duration> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let at: Timestamp = json.pointer("/message/ratelimit/retry-at")?.as_str()?.parse().ok()?;
    let wait_ms = at.as_millisecond().saturating_sub(now.0);
    Some(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)))
}

/// What the server says, in one short line: the message in a JSON answer, else the beginning of the text, else nothing.
/// Secrets are hidden before anything is cut off, or half of one could remain.
fn words(body: &[u8], secrets: &[Secret]) -> String {
    let text = hide(&String::from_utf8_lossy(&body[..body.len().min(65_536)]), secrets);
    if text.trim_start().starts_with('<') {
        return reason_in_markup(&text).unwrap_or_default();
    }
    let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let known = [
        "/error_description",
        "/reason",
        "/message/text",
        "/message",
        "/detail",
        "/errors/0/message",
        "/error/message",
        "/error",
        "/title",
    ];
    let message = json
        .as_ref()
        .and_then(|json| known.iter().find_map(|path| json.pointer(path)?.as_str().map(str::to_owned)));
    short(&hide(&message.unwrap_or(text), secrets))
}

/// An HTML page says nothing to an owner; its title, or the reason in an XML answer, may.
fn reason_in_markup(text: &str) -> Option<String> {
    ["title", "text"].iter().find_map(|tag| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        let (inside, _) = rest.split_once(&format!("</{tag}>"))?;
        Some(short(inside))
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use rstest::rstest;

    use super::*;

    fn check(status: u16, body: &str, expected: &Expect) {
        let request = Request::get(Url::parse("http://a.example/x").unwrap())
            .secret_query("securityToken", &Secret::new("abc-123"));
        let reply = Reply {
            status,
            retry_after: (status == 503).then_some(Duration::from_secs(7)),
            location: match status {
                302 => Some("https://b.example/abc-123/y".to_owned()),
                301 => Some("https://a.example/x".to_owned()),
                _ => None,
            },
            body: body.as_bytes().to_vec(),
        };
        expected
            .assert_eq(&format!("{:?}", judge(Ok(reply), &request, UnixMillis(1_714_178_933_000 - 60_000))));
    }

    #[rstest]
    #[case(200, " \n", expect![[r#"Err(Useless("a.example gave an empty answer (200)"))"#]])]
    #[case(204, "", expect!["Err(NotYet)"])]
    #[case(302, "", expect![[r#"Err(Refused("a.example sends us elsewhere, to https://b.example/***/y (302); if that is the service's new address, change `url`"))"#]])]
    #[case(301, "", expect![[r#"Err(Refused("a.example sends us round in a circle (301); check `url`, or what stands between us"))"#]])]
    #[case(304, "", expect![[r#"Err(Refused("a.example sends us elsewhere and does not say where (304)"))"#]])]
    #[case(401, "<html><title>401 no</title>", expect![[r#"Err(Refused("a.example does not let us in (401: 401 no); check the key or token"))"#]])]
    #[case(400, "token abc-123 is bad", expect![[r#"Err(Refused("a.example refuses the request (400: token *** is bad); check the settings of this source"))"#]])]
    #[case(429, r#"{"message":{"text":"limit","ratelimit":{"retry-at":"2024-04-27T02:48:53+02:00"}}}"#, expect![[r#"Err(Busy { said: "a.example says we ask too often (429: limit)", after: Some(60s) })"#]])]
    #[case(500, r#"{"error":"x"}"#, expect![[r#"Err(Unreachable("a.example cannot answer now (500: x)"))"#]])]
    #[case(509, "", expect![[r#"Err(Busy { said: "a.example says we ask too often (509)", after: None })"#]])]
    #[case(503, "", expect![[r#"Err(Busy { said: "a.example is not available (503)", after: Some(7s) })"#]])]
    #[case(408, "", expect![[r#"Err(Unreachable("a.example cannot answer now (408)"))"#]])]
    fn answers(#[case] status: u16, #[case] body: &str, #[case] expected: Expect) {
        check(status, body, &expected);
    }
}
