//! Windows of the schedule, made and changed over REST.

use std::sync::Arc;

use expect_test::{expect, expect_file};
use ohmstead_web::{Refusal, ScheduleChange, ScheduleRefused, WindowSource};
use rstest::rstest;

use crate::client::{Answer, get, open, post, put, request, send};
use crate::fake::House;

const PATH: &str = "/api/v1/schedules";

async fn delete(house: &Arc<House>, id: &str) -> Answer {
    send(&open(house), request("DELETE", &format!("{PATH}/{id}"), &[], "")).await
}

fn changes(house: &House) -> Vec<ScheduleChange> {
    house.schedule.changes.lock().unwrap().clone()
}

#[tokio::test]
async fn the_schedule_in_the_words_of_the_automation() {
    expect_file!["schedules.txt"].assert_eq(&get(&House::new(), PATH).await.shown());
}

/// What is off as a whole does not count, and is not open; what the window says of itself stays to be seen.
#[tokio::test]
async fn a_schedule_that_is_switched_off_counts_nowhere() {
    let house = House::new();
    house.switches.lock().unwrap().schedule = Some(false);
    let windows: serde_json::Value = serde_json::from_str(&get(&house, PATH).await.body).unwrap();
    for window in windows.as_array().unwrap() {
        assert_eq!((&window["is_active"], &window["is_open"]), (&false.into(), &false.into()), "{window}");
        assert_eq!(window["is_on"], window["name"] != "night", "{window}");
    }
}

/// What a script reads it may write back as it is, whatever the schedule as a whole does: nothing is otherwise then.
#[rstest]
#[case::on(true)]
#[case::off(false)]
#[tokio::test]
async fn an_answer_is_written_back_as_it_is(#[case] is_on: bool) {
    let house = House::new();
    house.switches.lock().unwrap().schedule = Some(is_on);
    let body = get(&house, PATH).await.body;
    let windows: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
    for window in &windows {
        let answer = put(&house, &format!("{PATH}/{}", window["id"]), &window.to_string()).await;
        assert_eq!(answer.status.as_u16(), 200, "{window}: {}", answer.body);
    }
    assert_eq!(get(&house, PATH).await.body, body);
    assert_eq!(changes(&house).len(), windows.len());
}

/// Its place is gone from the configuration: it does not count, and says why.
#[tokio::test]
async fn a_window_without_its_place_counts_nowhere() {
    let house = House::new();
    for window in &mut *house.schedule.all.lock().unwrap() {
        (window.source, window.place, window.is_on) = (WindowSource::PlaceGone, None, true);
    }
    let windows: serde_json::Value = serde_json::from_str(&get(&house, PATH).await.body).unwrap();
    for window in windows.as_array().unwrap() {
        assert_eq!((&window["is_on"], &window["is_active"]), (&true.into(), &false.into()), "{window}");
        assert_eq!((&window["is_open"], &window["source"]), (&false.into(), &"place_gone".into()));
    }
}

#[tokio::test]
async fn a_window_is_made_in_the_words_of_the_automation() {
    let house = House::new();
    let body = r#"{"name":"Night charge","mode_type":"manual","start_time":"23:30:00","end_time":"05:00","week_days":31,
        "power_setpoint":-1200,"is_active":true}"#;
    expect![[r#"
        201 Created
        {
          "id": 1003,
          "name": "Night charge",
          "mode_type": "manual",
          "start_time": "23:30:00",
          "end_time": "05:00:00",
          "week_days": 31,
          "power_setpoint": -1200.0,
          "is_active": true,
          "mode": "charge 1200 W",
          "devices": [],
          "holidays": false,
          "source": "run_time",
          "is_on": true,
          "is_open": false
        }
    "#]]
    .assert_eq(&post(&house, PATH, body).await.shown());
    expect![[r#"
        [
            Add(
                NewWindow {
                    name: "Night charge",
                    from: 23:30:00,
                    to: 05:00:00,
                    mode: Charge {
                        power: Some(
                            Watts(
                                1200.0,
                            ),
                        ),
                        until: None,
                    },
                    weekdays: Some(
                        31,
                    ),
                    devices: [],
                    is_on: true,
                },
            ),
        ]
    "#]]
    .assert_debug_eq(&changes(&house));
}

#[tokio::test]
async fn a_window_is_made_in_our_words() {
    let house = House::new();
    let body = r#"{"name":"x","mode":"charge 800 W until 90 %","start_time":"02:00","end_time":"24:00","devices":["fase_a"],"is_active":false}"#;
    let answer = post(&house, PATH, body).await;
    assert_eq!(answer.status.as_u16(), 201, "{}", answer.body);
    expect![[r#"
        [
            Add(
                NewWindow {
                    name: "x",
                    from: 02:00:00,
                    to: 00:00:00,
                    mode: Charge {
                        power: Some(
                            Watts(
                                800.0,
                            ),
                        ),
                        until: Some(
                            Percent(
                                90.0,
                            ),
                        ),
                    },
                    weekdays: None,
                    devices: [
                        DeviceId(
                            "fase_a",
                        ),
                    ],
                    is_on: false,
                },
            ),
        ]
    "#]]
    .assert_debug_eq(&changes(&house));
}

#[rstest]
#[case::off("1", r#"{"is_active":false}"#)]
#[case::by_its_place("2", r#"{"is_active":true}"#)]
#[case::content(
    "1001",
    r#"{"start_time":"07:00","week_days":64,"power_setpoint":-500,"devices":[],"name":"late"}"#
)]
#[case::read_and_written_back(
    "3",
    r#"{"name":"cheap","mode_type":"manual","start_time":"02:00:00","end_time":"05:00:00","week_days":31,"power_setpoint":-800.0,"is_active":true,"mode":"charge 800 W until 90 %"}"#
)]
#[tokio::test]
async fn a_window_is_changed(#[case] id: &str, #[case] body: &str) {
    let house = House::new();
    let answer = put(&house, &format!("{PATH}/{id}"), body).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    let [ScheduleChange::Edit { id: asked, edit }] = &changes(&house)[..] else { panic!("one change") };
    assert_eq!(asked.to_string(), id);
    match id {
        "1" => expect![[r#"
            WindowEdit {
                name: None,
                from: None,
                to: None,
                mode: None,
                weekdays: None,
                devices: None,
                is_on: Some(
                    false,
                ),
            }
        "#]]
        .assert_debug_eq(edit),
        "2" => {
            assert!(answer.body.contains(r#""name":"night""#) && edit.is_on == Some(true), "{}", answer.body);
        }
        "3" => expect![[r#"
            WindowEdit {
                name: Some(
                    "cheap",
                ),
                from: Some(
                    02:00:00,
                ),
                to: Some(
                    05:00:00,
                ),
                mode: Some(
                    Charge {
                        power: Some(
                            Watts(
                                800.0,
                            ),
                        ),
                        until: Some(
                            Percent(
                                90.0,
                            ),
                        ),
                    },
                ),
                weekdays: Some(
                    31,
                ),
                devices: None,
                is_on: Some(
                    true,
                ),
            }
        "#]]
        .assert_debug_eq(edit),
        _ => expect![[r#"
            WindowEdit {
                name: Some(
                    "late",
                ),
                from: Some(
                    07:00:00,
                ),
                to: None,
                mode: Some(
                    Charge {
                        power: Some(
                            Watts(
                                500.0,
                            ),
                        ),
                        until: None,
                    },
                ),
                weekdays: Some(
                    64,
                ),
                devices: Some(
                    [],
                ),
                is_on: None,
            }
        "#]]
        .assert_debug_eq(edit),
    }
}

#[tokio::test]
async fn a_window_is_deleted_and_told_as_it_was() {
    let house = House::new();
    let answer = delete(&house, "1001").await;
    assert_eq!(changes(&house), [ScheduleChange::Remove { id: 1001 }]);
    expect![[r#"
        200 OK
        {
          "message": "the window \"guests\" is deleted",
          "success": true,
          "schedule": {
            "id": 1001,
            "name": "guests",
            "mode_type": "manual",
            "start_time": "06:00:00",
            "end_time": "22:00:00",
            "week_days": 3,
            "power_setpoint": null,
            "is_active": true,
            "mode": "discharge",
            "devices": [
              "fase_a"
            ],
            "holidays": false,
            "source": "run_time",
            "is_on": true,
            "is_open": true
          }
        }
    "#]]
    .assert_eq(&answer.shown());
}

const GOOD: &str = r#""name":"x","start_time":"06:00","end_time":"07:00""#;

#[rstest]
#[case("{}", "bad_body")]
#[case("[]", "bad_body")]
#[case("{", "bad_json")]
#[case(r#"{"name":"x","start_time":"06:00","mode":"auto"}"#, "bad_body")]
#[case(r#"{GOOD}"#, "bad_mode")]
#[case(r#"{GOOD,"mode":"on"}"#, "bad_mode")]
#[case(r#"{GOOD,"mode":"auto","mode_type":"manual"}"#, "bad_mode")]
#[case(r#"{GOOD,"mode_type":"tempo_red"}"#, "bad_mode")]
#[case(r#"{GOOD,"power_setpoint":5}"#, "bad_mode")]
#[case(r#"{GOOD,"mode_type":"auto","power_setpoint":5}"#, "bad_power")]
#[case(r#"{GOOD,"mode_type":"manual","power_setpoint":1e9}"#, "bad_power")]
#[case(r#"{GOOD,"mode":"auto","week_days":0}"#, "bad_days")]
#[case(r#"{GOOD,"mode":"auto","week_days":128}"#, "bad_days")]
#[case(r#"{GOOD,"mode":"auto","week_days":-1}"#, "bad_body")]
#[case(r#"{GOOD,"mode":"auto","devices":["a b"]}"#, "bad_devices")]
#[case(r#"{GOOD,"mode":"auto","days":["mon"]}"#, "bad_body")]
#[case(r#"{GOOD,"mode":"auto","id":7}"#, "bad_body")]
#[case(r#"{"name":"x","start_time":"6","end_time":"07:00","mode":"auto"}"#, "bad_time")]
#[case(r#"{"name":"x","start_time":"06:00","end_time":"25:00","mode":"auto"}"#, "bad_time")]
#[tokio::test]
async fn a_body_that_makes_no_sense_changes_nothing(#[case] body: &str, #[case] code: &str) {
    let house = House::new();
    let answer = post(&house, PATH, &body.replace("GOOD", GOOD)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, code), "{}", answer.body);
    assert_eq!(changes(&house), []);
}

#[rstest]
#[case("1", "", &[], 400, "bad_json")]
#[case("1", r#"{"days":1}"#, &[], 400, "bad_body")]
#[case("1", r#"{"power_setpoint":5}"#, &[], 400, "bad_power")]
#[case("1", r#"{"start_time":"noon"}"#, &[], 400, "bad_time")]
#[case("9", r#"{"is_active":true}"#, &[], 404, "unknown_window")]
#[case("1003", r#"{"is_active":true}"#, &[], 404, "unknown_window")]
#[case("night", r#"{"is_active":true}"#, &[], 404, "unknown_window")]
#[case("-1", r#"{"is_active":true}"#, &[], 404, "unknown_window")]
#[case("1", r#"{"is_active":true}"#, &[("content-type", "text/plain")], 415, "not_json")]
#[case("1", r#"{"is_active":true}"#, &[("origin", "http://evil.example")], 403, "foreign_origin")]
#[tokio::test]
async fn a_change_that_makes_no_sense_changes_nothing(
    #[case] id: &str,
    #[case] body: &str,
    #[case] headers: &[(&str, &str)],
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = House::new();
    let headers = [&[("content-type", "application/json")], headers].concat();
    let answer = send(&open(&house), request("PUT", &format!("{PATH}/{id}"), &headers, body)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert_eq!(changes(&house), []);
}

#[tokio::test]
async fn what_is_no_number_is_no_window() {
    let house = House::new();
    assert_eq!(delete(&house, "night").await.code(), "unknown_window");
    assert_eq!(changes(&house), []);
}

#[rstest]
#[case(Refusal::NotFound, 404)]
#[case(Refusal::Bad, 400)]
#[case(Refusal::Conflict, 409)]
#[case(Refusal::NotKept, 503)]
#[case(Refusal::Busy, 429)]
#[case(Refusal::Stopping, 503)]
#[tokio::test]
async fn what_control_refuses_is_refused(#[case] kind: Refusal, #[case] status: u16) {
    let house = House::new();
    let code = if kind == Refusal::NotKept { "not_kept" } else { "in_the_file" };
    let refusal = ScheduleRefused { kind, code, message: "no".to_owned(), hint: "edit the file".to_owned() };
    *house.schedule.refusal.lock().unwrap() = Some(refusal);
    let body = format!("{{{GOOD},\"mode\":\"auto\"}}");
    let answers = [
        post(&house, PATH, &body).await,
        put(&house, &format!("{PATH}/1"), r#"{"is_active":false}"#).await,
        delete(&house, "1").await,
    ];
    for answer in answers {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
        assert_eq!(answer.header("retry-after").is_empty(), ![503, 429].contains(&status));
    }
}
