//! Settings besides the mode: what a device offers, and wishes for them.

use expect_test::{expect, expect_file};
use ohmstead_model::{Asker, Assignment, Request, Wish};
use rstest::rstest;

use crate::client::{get, open, put, request, send};
use crate::fake::{House, id};

const PRIORITY: &str = "/api/v1/devices/axpert/settings/output_priority";

#[tokio::test]
async fn an_inverter_shows_its_settings_and_what_is_known_about_it() {
    let answer = get(&House::with_inverter(), "/api/v1/devices/axpert").await;
    expect_file!["inverter.txt"].assert_eq(&answer.shown());
}

#[tokio::test]
async fn a_wish_goes_to_the_gate_and_its_outcome_comes_back() {
    let house = House::with_inverter();
    let answer = put(&house, PRIORITY, r#"{"value":"solar_first"}"#).await;
    expect![[r#"
        200 OK
        {
          "outcome": "dry_run",
          "entry": {
            "id": 8,
            "at": "2026-11-21T07:59:55.000Z",
            "device": "axpert",
            "asked_by": "rest",
            "request": "output_priority=solar_first",
            "old": "SBU",
            "new": "POP01",
            "reply": null,
            "read_back": null,
            "effect": null,
            "outcome": "dry_run",
            "reason": "the installation is read-only"
          }
        }
    "#]]
    .assert_eq(&answer.shown());
    let wish =
        Wish::Setting(Assignment { name: "output_priority".to_owned(), value: "solar_first".to_owned() });
    let wanted = Request { device: id("axpert"), wish, lease: None, asked_by: Asker::Rest };
    assert_eq!(*house.asked.lock().unwrap(), [wanted]);
}

#[rstest]
#[case("charge_current_max", "20", "charge_current_max=20")]
#[case("charge_current_max", r#""20 A""#, "charge_current_max=20 A")]
#[case("battery_float_voltage", "54.4", "battery_float_voltage=54.4")]
#[tokio::test]
async fn numbers_come_as_numbers_or_with_their_unit(
    #[case] setting: &str,
    #[case] value: &str,
    #[case] wish: &str,
) {
    let house = House::with_inverter();
    let path = format!("/api/v1/devices/axpert/settings/{setting}");
    let answer = put(&house, &path, &format!(r#"{{"value":{value}}}"#)).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    assert_eq!(house.asked.lock().unwrap()[0].wish.to_string(), wish);
}

#[rstest]
#[case("axpert/settings/output_priority", r#"{"value":"sbu"}"#, 400, "bad_value", "there are: utility_first")]
#[case("axpert/settings/output_priority", r#"{"value":"solarfirst"}"#, 400, "bad_value", "did you mean")]
#[case("axpert/settings/output_priority", r#"{"value":true}"#, 400, "bad_value", "not true or false")]
#[case("axpert/settings/output_priority", r#"{"value":null}"#, 400, "bad_value", "not null")]
#[case("axpert/settings/output_priority", "{}", 400, "bad_body", "missing field")]
#[case("axpert/settings/output_priority", "[]", 400, "bad_body", "invalid")]
#[case("axpert/settings/output_priority", "\"solar_first\"", 400, "bad_body", "invalid type")]
#[case("axpert/settings/output_priority", "", 400, "bad_json", "EOF")]
#[case("axpert/settings/charge_current_max", r#"{"value":1e300}"#, 400, "bad_value", "one of 10, 20, 30 A")]
#[case("axpert/settings/charge_current_max", r#"{"value":1e999}"#, 400, "bad_json", "out of range")]
#[case("axpert/settings/charge_current_max", r#"{"value":NaN}"#, 400, "bad_json", "expected value")]
#[case("axpert/settings/charge_current_max", r#"{"value":"NaN"}"#, 400, "bad_value", "one of 10, 20, 30 A")]
#[case("axpert/settings/charge_current_max", r#"{"value":20,"for_s":60}"#, 400, "bad_body", "unknown field")]
#[case("axpert/settings/battery_float_voltage", r#"{"value":58.5}"#, 400, "bad_value", "48 to 58.4 V")]
#[case(
    "axpert/settings/output_priorit",
    r#"{"value":"solar_first"}"#,
    404,
    "unknown_setting",
    "did you mean \\\"output_priority\\\"?"
)]
#[case(
    "axpert/settings/battery_soc",
    r#"{"value":100}"#,
    404,
    "unknown_setting",
    "there are: output_priority, charge_current_max"
)]
#[case(
    "fase_a/settings/output_priority",
    r#"{"value":"solar_first"}"#,
    404,
    "unknown_setting",
    "offers none"
)]
#[case("site/settings/output_priority", r#"{"value":"solar_first"}"#, 404, "unknown_setting", "whole house")]
#[case("axprt/settings/output_priority", r#"{"value":"solar_first"}"#, 404, "unknown_device", "axpert")]
#[case("axpert/settings/%FF", r#"{"value":1}"#, 400, "bad_path", "names are letters")]
#[case("axpert/settings/a%00b%0d%0aPF", r#"{"value":1}"#, 404, "unknown_setting", "there are")]
#[case("axpert/settings/", r#"{"value":1}"#, 404, "unknown_path", "see /docs")]
#[tokio::test]
async fn what_is_no_setting_or_no_value_is_refused_with_what_would_do(
    #[case] path: &str,
    #[case] body: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] says: &str,
) {
    let house = House::with_inverter();
    let answer = put(&house, &format!("/api/v1/devices/{path}"), body).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert!(answer.body.contains(says) && answer.body.len() < 1000, "{}", answer.body);
    assert!(house.asked.lock().unwrap().is_empty());
}

#[rstest]
#[case(PRIORITY.to_owned() + &"9".repeat(60_000), r#"{"value":1}"#.to_owned(), 404, "unknown_setting")]
#[case(PRIORITY.to_owned(), format!(r#"{{"value":"{}"}}"#, "9".repeat(60_000)), 400, "bad_value")]
#[case(PRIORITY.to_owned(), format!(r#"{{"value":{}}}"#, "9".repeat(60_000)), 400, "bad_json")]
#[case(PRIORITY.to_owned(), format!(r#"{{"value":{}1{}}}"#, "[".repeat(9_000), "]".repeat(9_000)), 400, "bad_json")]
#[case(PRIORITY.to_owned(), "[".repeat(1_000_000), 413, "body_too_large")]
#[tokio::test]
async fn huge_wishes(#[case] path: String, #[case] body: String, #[case] status: u16, #[case] code: &str) {
    let house = House::with_inverter();
    let answer = put(&house, &path, &body).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{:.300}", answer.body);
    assert!(answer.body.len() < 1000, "the input is not sent back");
    assert!(house.asked.lock().unwrap().is_empty());
}

/// What the gate refuses is told as with the mode, but points at the settings.
#[rstest]
#[case("busy", 429, "see /api/v1/ledger")]
#[case("not_controllable", 409, "`settings`")]
#[tokio::test]
async fn refusals_of_the_gate_have_their_status(#[case] code: &str, #[case] status: u16, #[case] hint: &str) {
    let house = House::with_inverter();
    let device = if code == "busy" { "fase_b" } else { "garage" };
    house.offer(device);
    let path = format!("/api/v1/devices/{device}/settings/output_priority");
    let answer = put(&house, &path, r#"{"value":"solar_first"}"#).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert!(answer.body.contains(hint), "{}", answer.body);
}

/// Neither reading nor a page of a stranger nor a form hands anything to the hardware.
#[rstest]
#[case("GET", &[], 405, "unknown_method")]
#[case("POST", &[], 405, "unknown_method")]
#[case("PUT", &[("origin", "http://evil.example")], 403, "foreign_origin")]
#[case("PUT", &[("sec-fetch-site", "cross-site")], 403, "foreign_origin")]
#[case("PUT", &[("content-type", "text/plain")], 415, "not_json")]
#[tokio::test]
async fn only_an_honest_put_is_a_wish(
    #[case] method: &str,
    #[case] headers: &[(&str, &str)],
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = House::with_inverter();
    let headers = [&[("content-type", "application/json")], headers].concat();
    let wish = request(method, PRIORITY, &headers, r#"{"value":"solar_first"}"#);
    let answer = send(&open(&house), wish).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert!(house.asked.lock().unwrap().is_empty());
}
