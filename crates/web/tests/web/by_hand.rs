//! What is asked by hand for a time to come, over REST.

use std::sync::Arc;

use ohmstead_web::{Refusal, ScheduleRefused};
use rstest::rstest;

use crate::client::{Answer, get, open, post, request, send};
use crate::fake::House;

const PATH: &str = "/api/v1/plan/overrides";
const HOLD: &str =
    r#"{"device":"fase_a","mode":"hold","from":"2026-11-21T17:00:00Z","to":"2026-11-21T19:00:00Z"}"#;

async fn delete(house: &Arc<House>, id: &str) -> Answer {
    send(&open(house), request("DELETE", &format!("{PATH}/{id}"), &[], "")).await
}

#[tokio::test]
async fn it_is_asked_shown_and_taken_back() {
    let house = House::new();
    let asked = post(&house, PATH, HOLD).await;
    assert_eq!(asked.status.as_u16(), 201, "{}", asked.body);
    let expected = r#"{"id":1,"device":"fase_a","mode":"hold","from":"2026-11-21T17:00:00.000Z","to":"2026-11-21T19:00:00.000Z","asked_by":"rest"}"#;
    assert_eq!(asked.body, expected);
    assert_eq!(get(&house, PATH).await.body, format!("[{expected}]"));
    let gone = delete(&house, "1").await;
    assert_eq!((gone.status.as_u16(), gone.body.as_str()), (200, expected));
    assert_eq!(get(&house, PATH).await.body, "[]");
    assert_eq!(delete(&house, "1").await.status.as_u16(), 404);
    assert_eq!(delete(&house, "x").await.status.as_u16(), 404);
}

#[rstest]
#[case::device(HOLD.replace("fase_a", "fase_x"), 404, "unknown_device")]
#[case::mode(HOLD.replace("hold", "sleep"), 400, "bad_mode")]
#[case::time(HOLD.replace("2026-11-21T17", "tomorrow"), 400, "bad_time")]
#[case::hint_that_parses(HOLD.replace("2026-11-21T17", "tomorrow"), 400, "2026-11-21T18:00:00+01:00, or")]
#[case::order(HOLD.replace("T19", "T16"), 400, "bad_span")]
#[case::field(HOLD.replace("to", "until"), 400, "bad_body")]
#[tokio::test]
async fn what_makes_no_sense_is_refused(#[case] body: String, #[case] status: u16, #[case] code: &str) {
    let house = House::new();
    let answer = post(&house, PATH, &body).await;
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert!(answer.body.contains(code), "{}", answer.body);
    assert!(house.future.asked.lock().unwrap().is_empty());
}

#[rstest]
#[case(Refusal::Bad, 400)]
#[case(Refusal::Conflict, 409)]
#[case(Refusal::NotKept, 503)]
#[case(Refusal::Busy, 429)]
#[tokio::test]
async fn a_refusal_has_its_status(#[case] kind: Refusal, #[case] status: u16) {
    let house = House::new();
    let (message, hint) = ("it is full".to_owned(), "take one back".to_owned());
    *house.future.asked_fault.lock().unwrap() = Some(ScheduleRefused { kind, code: "full", message, hint });
    let answer = post(&house, PATH, HOLD).await;
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert!(answer.body.contains("it is full"), "{}", answer.body);
}
