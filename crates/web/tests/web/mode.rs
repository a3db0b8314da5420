//! Wishes for a battery's mode.

use std::time::Duration;

use expect_test::expect;
use ohmstead_model::{Asker, BatteryMode, Request};
use ohmstead_units::{Percent, Watts};
use rstest::rstest;

use crate::client::{get, post};
use crate::fake::{House, id};

#[tokio::test]
async fn a_wish_goes_to_the_gate_and_its_outcome_comes_back() {
    let house = House::new();
    let body = r#"{"mode":"charge","power_w":800,"until_soc_pct":90,"for_s":3600}"#;
    let answer = post(&house, "/api/v1/devices/fase_a/mode", body).await;
    expect![[r#"
        200 OK
        {
          "outcome": "dry_run",
          "entry": {
            "id": 8,
            "at": "2026-11-21T07:59:55.000Z",
            "device": "fase_a",
            "asked_by": "rest",
            "request": "charge 800 W until 90 %",
            "old": "Auto",
            "new": "ES.SetMode {\"mode\":\"Manual\"}",
            "reply": null,
            "read_back": null,
            "effect": null,
            "outcome": "dry_run",
            "reason": "the installation is read-only"
          }
        }
    "#]]
    .assert_eq(&answer.shown());
    let mode = BatteryMode::Charge { power: Some(Watts(800.0)), until: Some(Percent(90.0)) };
    let lease = Some(Duration::from_secs(3600));
    let wanted = Request { device: id("fase_a"), wish: mode.into(), lease, asked_by: Asker::Rest };
    assert_eq!(*house.asked.lock().unwrap(), [wanted]);
}

#[rstest]
#[case("fase_b", r#"{"mode":"idle"}"#, 429, "busy")]
#[case("garage", r#"{"mode":"idle"}"#, 409, "not_controllable")]
#[case("site", r#"{"mode":"idle"}"#, 409, "not_controllable")]
#[case("fase_z", r#"{"mode":"idle"}"#, 404, "unknown_device")]
#[case("fase_a", r#"{"mode":"charge","power_w":-800}"#, 400, "bad_power")]
#[case("fase_a", r#"{"mode":"sleep"}"#, 400, "bad_body")]
#[case("fase_a", "{\"mode\":", 400, "bad_json")]
#[case("fase_a", "", 400, "bad_json")]
#[tokio::test]
async fn refusals_have_their_status(
    #[case] device: &str,
    #[case] body: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let answer = post(&House::new(), &format!("/api/v1/devices/{device}/mode"), body).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
}

/// Reading never hands anything to the hardware.
#[tokio::test]
async fn no_get_is_a_wish() {
    let house = House::new();
    let answer = get(&house, "/api/v1/devices/fase_a/mode").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "unknown_method"));
    assert_eq!(answer.header("allow"), "POST,DELETE");
    assert!(house.asked.lock().unwrap().is_empty());
}
