//! Inputs that no honest client sends. The answer is a refusal in the one shape, never a panic, and nothing is done.

use rstest::rstest;

use crate::client::{get, open, request, send};
use crate::fake::House;

const MODE: &str = "/api/v1/devices/fase_a/mode";
const IDLE: &str = r#"{"mode":"idle"}"#;

#[rstest]
#[case("/api/v1/devices/%FF", 400, "bad_path")]
#[case("/api/v1/devices/..%2F..%2Fetc", 404, "unknown_device")]
#[case("/api/v1/devices/a%00b", 404, "unknown_device")]
#[case("/api/v1/devices/", 404, "unknown_path")]
#[case("/api/v2/devices", 404, "unknown_path")]
#[case("/api", 404, "unknown_path")]
#[case("/../Cargo.toml", 404, "unknown_path")]
#[case("/api/v1/ledger?limit=0", 400, "bad_limit")]
#[case("/api/v1/ledger?limit=1001", 400, "bad_limit")]
#[case("/api/v1/ledger?limit=99999999999999999999", 400, "bad_query")]
#[case("/api/v1/events?limit=5&limit=6", 400, "bad_query")]
#[tokio::test]
async fn odd_paths_and_queries(#[case] path: &str, #[case] status: u16, #[case] code: &str) {
    let answer = get(&House::new(), path).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert!(answer.body.len() < 1000);
}

#[rstest]
#[case("/api/v1/ledger?limit=", 414, "query_too_long")]
#[case("/api/v1/devices/", 404, "unknown_device")]
#[case("/", 404, "unknown_path")]
#[tokio::test]
async fn huge_paths_and_queries(#[case] path: &str, #[case] status: u16, #[case] code: &str) {
    let answer = get(&House::new(), &(path.to_owned() + &"9".repeat(60_000))).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code));
    assert!(answer.body.len() < 1000, "the input is not sent back");
}

#[rstest]
#[case("application/json", "[", 1_000_000, 413, "body_too_large")]
#[case("application/json", "[", 60_000, 400, "bad_json")]
#[case("application/json", "\u{0}", 1, 400, "bad_json")]
#[case("text/plain", IDLE, 1, 415, "not_json")]
#[case("application/x-www-form-urlencoded", "mode=idle", 1, 415, "not_json")]
#[case("multipart/form-data; boundary=x", IDLE, 1, 415, "not_json")]
#[tokio::test]
async fn odd_bodies(
    #[case] content_type: &str,
    #[case] body: &str,
    #[case] times: usize,
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = House::new();
    let sent = request("POST", MODE, &[("content-type", content_type)], &body.repeat(times));
    let answer = send(&open(&house), sent).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert!(house.asked.lock().unwrap().is_empty());
}

#[rstest]
#[case(&[("host", "evil.example")], "foreign_host")]
#[case(&[("host", "localhost.evil.example:8230")], "foreign_host")]
#[case(&[("origin", "http://evil.example")], "foreign_origin")]
#[case(&[("origin", "null")], "foreign_origin")]
#[case(&[("origin", "http://localhost:9999")], "foreign_origin")]
#[case(&[("sec-fetch-site", "cross-site")], "foreign_origin")]
#[tokio::test]
async fn pages_of_strangers_write_nothing(#[case] headers: &[(&str, &str)], #[case] code: &str) {
    let house = House::new();
    let headers = [&[("content-type", "application/json")], headers].concat();
    let answer = send(&open(&house), request("POST", MODE, &headers, IDLE)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, code));
    assert!(house.asked.lock().unwrap().is_empty());
}

/// A rebound name must not even read, whatever the path.
#[rstest]
#[case("/")]
#[case("/api/v1/devices")]
#[case("/api/v1/stream")]
#[case("/metrics")]
#[case("/healthz")]
#[tokio::test]
async fn a_foreign_host_reads_nothing(#[case] path: &str) {
    let answer = send(&open(&House::new()), request("GET", path, &[("host", "evil.example")], "")).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "foreign_host"));
}

#[tokio::test]
async fn two_hosts_or_a_foreign_target_are_refused() {
    let router = open(&House::new());
    let mut two = request("GET", "/healthz", &[], "");
    two.headers_mut().append("host", "evil.example".parse().unwrap());
    assert_eq!(send(&router, two).await.code(), "bad_host");
    let target = request("GET", "http://evil.example/healthz", &[], "");
    assert_eq!(send(&router, target).await.code(), "foreign_host");
}

#[rstest]
#[case("/")]
#[case("/docs/")]
#[case("/api/v1/devices")]
#[case("/api/v1/nothing")]
#[tokio::test]
async fn every_answer_carries_the_security_headers(#[case] path: &str) {
    let answer = get(&House::new(), path).await;
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self'; script-src 'self';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'; base-uri 'none'; form-action 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("access-control-allow-origin"), "", "no other origin may read");
}

#[rstest]
#[case("DELETE", "/api/v1/devices", "GET,HEAD")]
#[case("POST", "/", "GET,HEAD")]
#[case("PUT", MODE, "POST,DELETE")]
#[tokio::test]
async fn other_methods_are_refused_with_those_that_work(
    #[case] method: &str,
    #[case] path: &str,
    #[case] allow: &str,
) {
    let answer = send(&open(&House::new()), request(method, path, &[], "")).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "unknown_method"));
    assert_eq!(answer.header("allow"), allow);
}
