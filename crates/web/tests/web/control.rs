//! What control wants, its switches, and ending what was asked by hand.

use expect_test::{expect, expect_file};
use ohmstead_model::{LedgerQuery, Outcome, Switches, UnixMillis};
use rstest::rstest;

use crate::client::{get, open, put, request, send};
use crate::fake::{House, id};

#[tokio::test]
async fn what_control_wants_of_whom() {
    expect_file!["control.txt"].assert_eq(&get(&House::new(), "/api/v1/control").await.shown());
}

#[tokio::test]
async fn a_part_is_switched_and_what_is_so_comes_back() {
    let house = House::new();
    let answer = put(&house, "/api/v1/control/schedule", r#"{"on":false}"#).await;
    expect![[r#"
        200 OK
        {
          "limits": false,
          "plan": null,
          "tempo": null,
          "schedule": false,
          "rotation": null
        }
    "#]]
    .assert_eq(&answer.shown());
    let wanted = Switches { limits: Some(false), schedule: Some(false), ..Switches::default() };
    assert_eq!(*house.switches.lock().unwrap(), wanted);
}

#[rstest]
#[case("PUT", "rotation", r#"{"on":true}"#, &[], 409, "not_configured")]
#[case("PUT", "shedule", r#"{"on":true}"#, &[], 404, "unknown_part")]
#[case("PUT", "schedule", r#"{"on":1}"#, &[], 400, "bad_body")]
#[case("PUT", "schedule", "{}", &[], 400, "bad_body")]
#[case("PUT", "schedule", r#"{"on":false,"for_s":60}"#, &[], 400, "bad_body")]
#[case("PUT", "schedule", r#"{"on":false}"#, &[("content-type", "text/plain")], 415, "not_json")]
#[case("PUT", "schedule", r#"{"on":false}"#, &[("origin", "http://evil.example")], 403, "foreign_origin")]
#[case("POST", "schedule", r#"{"on":false}"#, &[], 405, "unknown_method")]
#[case("GET", "schedule", "", &[], 405, "unknown_method")]
#[tokio::test]
async fn only_an_honest_put_switches(
    #[case] method: &str,
    #[case] part: &str,
    #[case] body: &str,
    #[case] headers: &[(&str, &str)],
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = House::new();
    let before = *house.switches.lock().unwrap();
    let headers = [&[("content-type", "application/json")], headers].concat();
    let sent = request(method, &format!("/api/v1/control/{part}"), &headers, body);
    let answer = send(&open(&house), sent).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert_eq!(*house.switches.lock().unwrap(), before);
}

#[rstest]
#[case("fase_a", &[], 200, "")]
#[case("fase_b", &[], 429, "busy")]
#[case("garage", &[], 409, "not_controllable")]
#[case("site", &[], 409, "not_controllable")]
#[case("fase_z", &[], 404, "unknown_device")]
#[case("fase_a", &[("origin", "http://evil.example")], 403, "foreign_origin")]
#[tokio::test]
async fn what_was_asked_by_hand_is_ended(
    #[case] device: &str,
    #[case] headers: &[(&str, &str)],
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = House::new();
    let sent = request("DELETE", &format!("/api/v1/devices/{device}/mode"), headers, "");
    let answer = send(&open(&house), sent).await;
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    if code.is_empty() {
        assert!(answer.body.starts_with(r#"{"outcome":"dry_run","entry":{"id":8,"#), "{}", answer.body);
    } else {
        assert_eq!(answer.code(), code);
    }
}

#[tokio::test]
async fn the_ledger_is_asked_for_what_is_wanted() {
    let house = House::new();
    let path = "/api/v1/ledger?device=fase_a&outcome=failed&since=2026-11-21T09:00&limit=7";
    assert_eq!(get(&house, path).await.status.as_u16(), 200);
    let wanted = LedgerQuery {
        limit: 7,
        device: Some(id("fase_a")),
        outcome: Some(Outcome::Failed),
        since: Some(UnixMillis(1_795_248_000_000)),
    };
    assert_eq!(*house.ledger_asked.lock().unwrap(), [wanted]);
}

#[rstest]
#[case("device=a%20b", "bad_device")]
#[case("outcome=fail", "bad_outcome")]
#[case("since=yesterday", "bad_time")]
#[case("limit=0", "bad_limit")]
#[case("devise=a", "bad_query")]
#[tokio::test]
async fn a_question_to_the_ledger_that_makes_no_sense(#[case] query: &str, #[case] code: &str) {
    let answer = get(&House::new(), &format!("/api/v1/ledger?{query}")).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, code), "{}", answer.body);
}
