//! Modes as marstek-automation offered them.

use std::time::Duration;

use expect_test::{expect, expect_file};
use ohmstead_model::{Online, Role};
use rstest::rstest;

use crate::client::{get, post};
use crate::fake::{House, ago, id};

/// Which wishes were handed in, with their time.
fn wishes(house: &House) -> Vec<String> {
    let asked = house.asked.lock().unwrap();
    let lease = |lease: Option<Duration>| lease.map_or(String::new(), |lease| format!(" for {lease:?}"));
    asked.iter().map(|ask| format!("{}: {}{}", ask.device, ask.wish, lease(ask.lease))).collect()
}

/// A house whose first and only battery is `fase_a`, which obeys.
fn one_battery() -> std::sync::Arc<House> {
    let house = House::new();
    for name in ["fase_b", "garage"] {
        house.snapshot.lock().unwrap().remove(name);
    }
    house
}

#[tokio::test]
async fn the_modes_of_all_batteries() {
    expect_file!["modes.txt"].assert_eq(&get(&House::new(), "/api/v1/modes/current").await.shown());
}

#[tokio::test]
async fn all_are_asked_one_after_the_other_and_each_has_its_answer() {
    let house = House::new();
    let answer = post(&house, "/api/v1/modes/auto", "").await;
    expect![[r#"
        409 Conflict
        {
          "message": "auto: 0 of 3 batteries do so",
          "success": false,
          "batteries": [
            {
              "battery_id": 1,
              "battery_name": "Garage",
              "device": "garage",
              "wants": "auto",
              "phase": "not_controllable",
              "reason": "the device cannot be controlled: it only measures",
              "ends": null
            },
            {
              "battery_id": 2,
              "battery_name": "Fase A",
              "device": "fase_a",
              "wants": "auto",
              "phase": "dry_run",
              "reason": "the installation is read-only",
              "ends": null
            },
            {
              "battery_id": 3,
              "battery_name": "Fase B",
              "device": "fase_b",
              "wants": "auto",
              "phase": "failed",
              "reason": "the device is busy with earlier requests; try again",
              "ends": null
            }
          ]
        }
    "#]]
    .assert_eq(&answer.shown());
    assert_eq!(wishes(&house), ["garage: auto", "fase_a: auto", "fase_b: auto"]);
}

#[tokio::test]
async fn an_override_ends() {
    let house = one_battery();
    let body = r#"{"mode":"manual","duration_seconds":3600}"#;
    let answer = post(&house, "/api/v1/modes/override", body).await;
    expect![[r#"
        200 OK
        {
          "message": "dry run: nothing was written; for idle would be asked: 1",
          "success": false,
          "batteries": [
            {
              "battery_id": 1,
              "battery_name": "Fase A",
              "device": "fase_a",
              "wants": "idle",
              "phase": "dry_run",
              "reason": "the installation is read-only",
              "ends": "2026-11-21T09:00:00.000Z"
            }
          ]
        }
    "#]]
    .assert_eq(&answer.shown());
    assert_eq!(wishes(&house), ["fase_a: idle for 3600s"]);
}

/// It is 09:00 at the site.
#[rstest]
#[case(
    r#"{"time_num":0,"start_time":"08:00","end_time":"10:30","week_set":127,"power":-800,"enable":1}"#,
    "fase_a: charge 800 W for 5400s"
)]
#[case(
    r#"{"time_num":9,"start_time":"22:00","end_time":"22:00","week_set":16,"power":0,"enable":1}"#,
    "fase_a: idle for 46800s"
)]
#[tokio::test]
async fn a_slot_that_is_open_is_an_override_until_it_closes(#[case] body: &str, #[case] wish: &str) {
    let house = one_battery();
    let answer = post(&house, "/api/v1/modes/manual", body).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    assert_eq!(wishes(&house), [wish]);
}

#[rstest]
#[case("1", r#"{"mode":"manual","power":-800}"#, "fase_a: charge 800 W")]
#[case("fase_a", r#"{"mode":"hold","duration_seconds":60}"#, "fase_a: hold for 60s")]
#[tokio::test]
async fn one_battery_is_asked_by_its_place_or_name(
    #[case] battery: &str,
    #[case] body: &str,
    #[case] wish: &str,
) {
    let house = one_battery();
    let answer = post(&house, &format!("/api/v1/batteries/{battery}/mode"), body).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    assert!(answer.body.contains(r#""phase":"dry_run""#) && !answer.body.contains(r#""ends":null"#));
    assert_eq!(wishes(&house), [wish]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_goes_on_is_pending() {
    let house = one_battery();
    let held = std::sync::Arc::clone(&house.gate).acquire_owned().await.unwrap();
    let answer = post(&house, "/api/v1/batteries/1/mode", r#"{"mode":"auto"}"#).await;
    assert_eq!(answer.status.as_u16(), 202, "{}", answer.body);
    assert!(answer.body.contains(r#""phase":"pending""#), "{}", answer.body);
    drop(held);
}

const NIGHT: &str =
    r#"{"time_num":0,"start_time":"22:00","end_time":"06:00","week_set":127,"power":0,"enable":1}"#;

#[rstest]
#[case("modes/override", r#"{"mode":"auto","duration_seconds":59}"#, 400, "bad_duration")]
#[case("modes/override", r#"{"mode":"auto","duration_seconds":86401}"#, 400, "bad_duration")]
#[case("modes/override", r#"{"mode":"tempo_red","duration_seconds":60}"#, 400, "bad_mode")]
#[case("modes/override", r#"{"mode":"auto"}"#, 400, "bad_body")]
#[case("modes/manual", NIGHT, 409, "not_open")]
#[case("modes/manual", &NIGHT.replace("\"enable\":1", "\"enable\":0"), 400, "bad_slot")]
#[case("modes/manual", &NIGHT.replace("127", "128"), 400, "bad_slot")]
#[case("modes/manual", &NIGHT.replace("22:00", "22h"), 400, "bad_time")]
#[case("modes/manual", "{}", 400, "bad_body")]
#[case("batteries/1/mode", r#"{"mode":"auto","power":800}"#, 400, "bad_power")]
#[case("batteries/0/mode", r#"{"mode":"auto"}"#, 404, "unknown_battery")]
#[case("batteries/2/mode", r#"{"mode":"auto"}"#, 404, "unknown_battery")]
#[case("batteries/site/mode", r#"{"mode":"auto"}"#, 404, "unknown_battery")]
#[tokio::test]
async fn what_cannot_be_meant_is_refused(
    #[case] path: &str,
    #[case] body: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = one_battery();
    let answer = post(&house, &format!("/api/v1/{path}"), body).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert_eq!(wishes(&house), [""; 0]);
}

#[tokio::test]
async fn without_batteries_there_is_nobody_to_ask() {
    let house = House::new();
    for name in ["fase_a", "fase_b", "garage"] {
        house.snapshot.lock().unwrap().remove(name);
    }
    let answer = post(&house, "/api/v1/modes/auto", "").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (409, "no_battery"));
}

/// What only measures is no battery, and does not count.
#[tokio::test]
async fn places_are_those_of_the_batteries() {
    let house = House::new();
    {
        let mut snapshot = house.snapshot.lock().unwrap();
        let garage = snapshot.device_mut("garage").unwrap();
        garage.online = Online::Yes(ago(1));
        std::sync::Arc::make_mut(&mut garage.info).roles = vec![Role::GridMeter];
    }
    post(&house, "/api/v1/batteries/1/mode", r#"{"mode":"auto"}"#).await;
    assert_eq!(house.asked.lock().unwrap()[0].device, id("fase_a"));
}
