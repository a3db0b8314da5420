//! Settings, token and sessions.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use expect_test::{Expect, expect};
use ohmstead_web::{Secret, Settings, check};
use rstest::rstest;

use crate::client::{request, send};
use crate::fake::House;

const TOKEN: &str = "right-token-right";

fn guarded(house: &Arc<House>) -> Router {
    let token = Some(Secret::from(TOKEN.to_owned()));
    ohmstead_web::router(Arc::clone(house) as _, &Settings { token, ..Settings::default() })
}

async fn status(router: &Router, path: &str, headers: &[(&str, &str)]) -> u16 {
    send(router, request("GET", path, headers, "")).await.status.as_u16()
}

async fn login(router: &Router, token: &str) -> crate::client::Answer {
    let body = format!("{{\"token\":{token:?}}}");
    send(router, request("POST", "/login", &[("content-type", "application/json")], &body)).await
}

#[rstest]
#[case("/api/v1/site", 401)]
#[case("/api/v1/devices", 401)]
#[case("/api/v1/devices/fase_a", 401)]
#[case("/api/v1/house", 401)]
#[case("/api/v1/metrics", 401)]
#[case("/api/v1/history?device=site&metric=grid_power", 401)]
#[case("/api/v1/ledger", 401)]
#[case("/api/v1/events", 401)]
#[case("/api/v1/control", 401)]
#[case("/api/v1/modes/current", 401)]
#[case("/api/v1/schedules", 401)]
#[case("/api/v1/stream", 401)]
#[case("/api/v1/batteries/status", 401)]
#[case("/metrics", 401)]
#[case("/", 200)]
#[case("/docs", 200)]
#[case("/api/v1/openapi.json", 200)]
#[case("/healthz", 200)]
#[case("/health", 200)]
#[case("/readyz", 503)]
#[tokio::test]
async fn without_the_token_nothing_of_the_house_is_told(#[case] path: &str, #[case] expected: u16) {
    let answer = send(&guarded(&House::new()), request("GET", path, &[], "")).await;
    assert_eq!(answer.status.as_u16(), expected);
    assert!(!answer.body.contains("garage"), "{}", answer.body);
    if expected == 401 {
        assert_eq!(answer.code(), "token_required");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"ohmstead\"");
    }
}

#[tokio::test]
async fn without_the_token_nothing_is_written() {
    let house = House::new();
    let before = *house.switches.lock().unwrap();
    let headers = [("content-type", "application/json")];
    for (method, path, body) in [
        ("POST", "/api/v1/devices/fase_a/mode", r#"{"mode":"idle"}"#),
        ("DELETE", "/api/v1/devices/fase_a/mode", ""),
        ("POST", "/api/v1/modes/auto", ""),
        ("POST", "/api/v1/modes/override", r#"{"mode":"auto","duration_seconds":60}"#),
        ("POST", "/api/v1/batteries/1/mode", r#"{"mode":"auto"}"#),
        ("PUT", "/api/v1/control/schedule", r#"{"on":false}"#),
        ("PUT", "/api/v1/control/limits/multi_output", r#"{"max_w":10000}"#),
        (
            "POST",
            "/api/v1/schedules",
            r#"{"name":"x","start_time":"06:00","end_time":"07:00","mode":"auto"}"#,
        ),
        ("PUT", "/api/v1/schedules/1", r#"{"is_active":false}"#),
        ("DELETE", "/api/v1/schedules/1001", ""),
    ] {
        let answer = send(&guarded(&house), request(method, path, &headers, body)).await;
        assert_eq!(answer.status.as_u16(), 401, "{method} {path}");
    }
    assert!(house.asked.lock().unwrap().is_empty() && house.schedule.changes.lock().unwrap().is_empty());
    assert_eq!(*house.switches.lock().unwrap(), before);
    assert_eq!(*house.limits.lock().unwrap(), House::new().limits.lock().unwrap().clone());
}

#[rstest]
#[case("Bearer right-token-right", 200)]
#[case("bearer  right-token-right ", 200)]
#[case("Bearer right-token-wrong", 401)]
#[case("Bearer right-token-right-and-more", 401)]
#[case("Bearer ", 401)]
#[case("Basic right-token-right", 401)]
#[tokio::test]
async fn a_program_shows_the_token(#[case] header: &str, #[case] expected: u16) {
    let router = guarded(&House::new());
    assert_eq!(status(&router, "/api/v1/site", &[("authorization", header)]).await, expected);
}

#[tokio::test]
async fn the_page_logs_in_and_keeps_a_cookie() {
    let house = House::new();
    let router = guarded(&house);
    let answer = login(&router, TOKEN).await;
    assert_eq!(answer.status.as_u16(), 204);
    let cookie = answer.header("set-cookie");
    let (session, attributes) = cookie.split_once("; ").unwrap();
    expect!["Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"].assert_eq(attributes);
    assert!(!cookie.contains(TOKEN));
    let both = format!("theme=dark; {session}");
    assert_eq!(status(&router, "/api/v1/site", &[("cookie", &both)]).await, 200);
    // A month later the session has ended.
    let month = Duration::from_secs(31 * 24 * 3600);
    let later = crate::fake::NOW.plus(month);
    *house.now.lock().unwrap() = later;
    assert_eq!(status(&router, "/api/v1/site", &[("cookie", &both)]).await, 401);
    let out = send(&router, request("POST", "/logout", &[], "")).await;
    expect!["ohmstead_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"]
        .assert_eq(out.header("set-cookie"));
}

#[tokio::test]
async fn guessing_is_slow() {
    let house = House::new();
    let router = guarded(&house);
    let session = login(&router, TOKEN).await.header("set-cookie").split(';').next().unwrap().to_owned();
    for _ in 0..5 {
        let answer = login(&router, "wrong-token-wrong").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "wrong_token"));
    }
    // Now even the right token is not looked at; a session is.
    let answer = login(&router, TOKEN).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (429, "too_many_failures"));
    assert_eq!(answer.header("retry-after"), "12");
    assert_eq!(status(&router, "/api/v1/site", &[("authorization", "Bearer right-token-right")]).await, 429);
    assert_eq!(status(&router, "/api/v1/site", &[("cookie", &session)]).await, 200);
    *house.now.lock().unwrap() = crate::fake::NOW.plus(Duration::from_secs(12));
    assert_eq!(login(&router, TOKEN).await.status.as_u16(), 204);
}

#[tokio::test]
async fn a_stranger_cannot_log_the_page_in() {
    let router = guarded(&House::new());
    let headers = [("content-type", "application/json"), ("origin", "http://evil.example")];
    let body = format!("{{\"token\":{TOKEN:?}}}");
    let answer = send(&router, request("POST", "/login", &headers, &body)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "foreign_origin"));
}

#[tokio::test]
async fn where_no_token_is_needed_login_changes_nothing() {
    let router = crate::client::open(&House::new());
    let answer = login(&router, "anything").await;
    assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (204, ""));
}

/// A token that cannot be read must not open the door.
#[tokio::test]
async fn an_unreadable_token_file_shuts_the_interface() {
    let token_file = Some("/nonexistent/token".into());
    let settings = Settings { token_file, ..Settings::default() };
    let router = ohmstead_web::router(House::new(), &settings);
    let answer = send(&router, request("GET", "/api/v1/site", &[], "")).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "token_unreadable"));
    assert_eq!(login(&router, "").await.status.as_u16(), 401);
}

#[tokio::test]
async fn the_token_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, format!("{TOKEN}\n")).unwrap();
    let settings = Settings { token_file: Some(path), ..Settings::default() };
    check(&settings).unwrap();
    let router = ohmstead_web::router(House::new(), &settings);
    assert_eq!(status(&router, "/api/v1/site", &[("authorization", "Bearer right-token-right")]).await, 200);
    assert_eq!(status(&router, "/api/v1/site", &[]).await, 401);
}

#[tokio::test]
async fn listed_hosts_and_origins_pass() {
    let settings = Settings {
        allowed_hosts: vec!["gateway.local".to_owned()],
        allowed_origins: vec!["https://home.example".to_owned()],
        ..Settings::default()
    };
    let house = House::new();
    let router = ohmstead_web::router(Arc::clone(&house) as _, &settings);
    let headers = [
        ("host", "Gateway.local:8230"),
        ("origin", "https://home.example"),
        ("content-type", "application/json"),
    ];
    let sent = request("POST", "/api/v1/devices/fase_a/mode", &headers, r#"{"mode":"idle"}"#);
    assert_eq!(send(&router, sent).await.status.as_u16(), 200);
}

fn refusal(json: &str) -> String {
    let settings: Settings = match serde_json::from_str(json) {
        Ok(settings) => settings,
        Err(error) => return error.to_string(),
    };
    check(&settings).expect_err(json).to_string()
}

#[rstest]
#[case(r#"{"listen":"0.0.0.0:8230"}"#, expect!["web.listen is 0.0.0.0:8230, which others in the network can reach, and no token is set: make one with `openssl rand -hex 16 > FILE`, keep it readable only for the service, and set web.token_file to it; or listen on 127.0.0.1"])]
#[case(r#"{"listen":"[::]:8230"}"#, expect!["web.listen is [::]:8230, which others in the network can reach, and no token is set: make one with `openssl rand -hex 16 > FILE`, keep it readable only for the service, and set web.token_file to it; or listen on 127.0.0.1"])]
#[case(r#"{"listen":"8230"}"#, expect![[r#"invalid value: string "8230", expected an address with a port such as "127.0.0.1:8230", "0.0.0.0:8230" or "[::1]:8230" at line 1 column 17"#]])]
#[case(r#"{"lisen":"127.0.0.1:1"}"#, expect!["unknown field `lisen`, expected one of `listen`, `token`, `token_file`, `allowed_hosts`, `allowed_origins` at line 1 column 8"])]
#[case(r#"{"token":"short"}"#, expect!["the web token has 5 characters, at least 16 are needed: make one with `openssl rand -hex 16`"])]
#[case(r#"{"token":"with blank in the middle"}"#, expect!["the web token contains a character that cannot be sent in an HTTP header: use letters and digits"])]
#[case(r#"{"token_file":"/nonexistent/token"}"#, expect!["web.token_file /nonexistent/token cannot be read"])]
#[case(r#"{"allowed_hosts":["http://gateway.local/"]}"#, expect![[r#"web.allowed_hosts: "http://gateway.local/" is no host name: expected a name such as "gateway.local", without scheme, port or path"#]])]
#[case(r#"{"allowed_origins":["home.example"]}"#, expect![[r#"web.allowed_origins: "home.example" is no origin: expected one such as "https://home.example", without a path"#]])]
fn unsafe_settings_are_refused_with_what_to_do(#[case] json: &str, #[case] message: Expect) {
    message.assert_eq(&refusal(json));
}

#[rstest]
#[case("{}")]
#[case(r#"{"listen":"127.0.0.2:80"}"#)]
#[case(r#"{"listen":"[::1]:8230"}"#)]
#[case(r#"{"listen":"0.0.0.0:8230","token":"0123456789abcdef"}"#)]
#[case(r#"{"allowed_hosts":["gateway.local","192.0.2.7"],"allowed_origins":["https://home.example:8443"]}"#)]
fn safe_settings_pass(#[case] json: &str) {
    check(&serde_json::from_str(json).unwrap()).unwrap();
}

#[test]
fn the_token_is_never_printed() {
    let settings = Settings { token: Some(Secret::from(TOKEN.to_owned())), ..Settings::default() };
    let printed = format!("{settings:?}");
    assert!(!printed.contains(TOKEN) && printed.contains("[redacted]"), "{printed}");
}
