//! Limits of the site, lowered over REST.

use expect_test::expect;
use ohmstead_model::LimitRefused;
use rstest::rstest;

use crate::client::{open, put, request, send};
use crate::fake::House;

const OUTPUT: &str = "/api/v1/control/limits/multi_output";

#[tokio::test]
async fn a_limit_is_lowered_and_what_counts_comes_back() {
    let house = House::new();
    let answer = put(&house, OUTPUT, r#"{"max_w":15000}"#).await;
    expect![[r#"
        200 OK
        {
          "name": "multi_output",
          "max_w": 15000.0,
          "file_max_w": 30000.0,
          "lowest_w": 1000.0,
          "asked_w": 15000.0
        }
    "#]]
    .assert_eq(&answer.shown());
    let answer = put(&house, OUTPUT, r#"{"max_w":null}"#).await;
    expect![[r#"
        200 OK
        {
          "name": "multi_output",
          "max_w": 30000.0,
          "file_max_w": 30000.0,
          "lowest_w": 1000.0,
          "asked_w": null
        }
    "#]]
    .assert_eq(&answer.shown());
}

#[rstest]
#[case("multi_output", r#"{"max_w":30001}"#, &[], 400, "bad_power")]
#[case("multi_output", r#"{"max_w":999}"#, &[], 400, "bad_power")]
#[case("feed_in", r#"{"max_w":-1}"#, &[], 400, "bad_power")]
#[case("multi_output", r#"{"max_w":"20 kW"}"#, &[], 400, "bad_body")]
#[case("multi_output", r#"{"max_w":1e999}"#, &[], 400, "bad_json")]
#[case("multi_output", "{}", &[], 400, "bad_body")]
#[case("multi_output", r#"{"max_w":20000,"for_s":60}"#, &[], 400, "bad_body")]
#[case("grid_import", r#"{"max_w":20000}"#, &[], 409, "not_configured")]
#[case("multi_ouput", r#"{"max_w":20000}"#, &[], 404, "unknown_limit")]
#[case("multi_output", r#"{"max_w":20000}"#, &[("content-type", "text/plain")], 415, "not_json")]
#[case("multi_output", r#"{"max_w":20000}"#, &[("origin", "http://evil.example")], 403, "foreign_origin")]
#[tokio::test]
async fn what_cannot_be_is_refused(
    #[case] name: &str,
    #[case] body: &str,
    #[case] headers: &[(&str, &str)],
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = House::new();
    let before = house.limits.lock().unwrap().clone();
    let headers = [&[("content-type", "application/json")], headers].concat();
    let sent = request("PUT", &format!("/api/v1/control/limits/{name}"), &headers, body);
    let answer = send(&open(&house), sent).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert_eq!(*house.limits.lock().unwrap(), before);
}

#[rstest]
#[case(LimitRefused::NotKept("the disk is full".to_owned()), 503, "not_kept")]
#[case(LimitRefused::Busy, 429, "busy")]
#[case(LimitRefused::Stopping, 503, "stopping")]
#[tokio::test]
async fn what_control_refuses_is_refused(
    #[case] fault: LimitRefused,
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = House::new();
    *house.limit_fault.lock().unwrap() = Some(fault);
    let answer = put(&house, OUTPUT, r#"{"max_w":15000}"#).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert!(!answer.header("retry-after").is_empty());
}
