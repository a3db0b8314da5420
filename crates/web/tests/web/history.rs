//! Series of the history.

use std::time::Duration;

use expect_test::{Expect, expect};
use ohmstead_model::{CalendarUnit, Resolution};
use ohmstead_web::HistoryError;
use rstest::rstest;

use crate::client::get;
use crate::fake::House;

async fn check(query: &str, answer: Expect) {
    let shown = get(&House::new(), &format!("/api/v1/history?{query}")).await;
    let json: serde_json::Value = serde_json::from_str(&shown.body).unwrap();
    answer.assert_eq(&format!("{}\n{json}\n", shown.status));
}

#[tokio::test]
async fn stored_values_where_they_fit() {
    check("device=fase_a&metric=battery_power&from=1795161600000&to=1795248000000", expect![[r#"
        200 OK
        {"device":"fase_a","metric":"battery_power","unit":"W","from_ms":1795161600000,"to_ms":1795248000000,"step_ms":null,"points":[[1795161600000,420.0],[1795161610000,0.0],[1795161630000,430.0]]}
    "#]]).await;
}

#[tokio::test]
async fn steps_with_their_band() {
    check(
        "device=site&metric=battery_soc&from=2026-11-21&to=2026-11-21T09:00:00%2B01:00&step=1m",
        expect![[r#"
            200 OK
            {"device":"site","metric":"battery_soc","unit":"%","from_ms":1795215600000,"to_ms":1795248000000,"step_ms":60000,"points":[[1795215600000,[291.3,391.3,491.3]],[1795215900000,[-150.0,-50.0,50.0]]]}
        "#]],
    )
    .await;
}

#[tokio::test]
async fn states_and_texts() {
    check("device=fase_a&metric=battery_mode&from=2026-11-21", expect![[r#"
        200 OK
        {"device":"fase_a","metric":"battery_mode","unit":null,"from_ms":1795215600000,"to_ms":1795248000000,"step_ms":null,"points":[[1795215600000,"auto"],[1795215610000,"auto"],[1795215620000,"auto"],[1795215630000,"auto"]]}
    "#]]).await;
}

#[rstest]
#[case("", Resolution::MaxPoints(2000))]
#[case("&max_points=5", Resolution::MaxPoints(5))]
#[case("&step=300000", Resolution::Step(Duration::from_secs(300)))]
#[case("&step=1h&max_points=24", Resolution::Step(Duration::from_secs(3600)))]
#[case("&step=day", Resolution::Calendar(CalendarUnit::Day))]
#[case("&step=month", Resolution::Calendar(CalendarUnit::Month))]
#[case("&lttb=500", Resolution::Lttb(500))]
#[tokio::test]
async fn the_store_is_asked_for_the_last_day_by_default(#[case] more: &str, #[case] resolution: Resolution) {
    let house = House::new();
    let answer = get(&house, &format!("/api/v1/history?device=site&metric=grid_power{more}")).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    let query = house.queries.lock().unwrap().remove(0);
    assert_eq!(query.to, crate::fake::NOW.unix);
    assert_eq!(query.from, query.to.minus(Duration::from_secs(86_400)));
    assert_eq!(query.resolution, resolution);
}

#[rstest]
#[case("device=fase_c&metric=battery_soc", 404, "unknown_device", "did you mean \\\"fase_a\\\"?")]
#[case("device=fase_a&metric=batery_soc", 404, "unknown_metric", "did you mean \\\"battery_soc\\\"?")]
#[case("device=fase_a", 400, "bad_query", "missing field `metric`")]
#[case("device=fase_a&metric=battery_soc&setp=5m", 400, "bad_query", "unknown field `setp`")]
#[case("device=fase_a&metric=battery_soc&from=noon", 400, "bad_time", "2026-11-21T08:00:00Z")]
#[case("device=fase_a&metric=battery_soc&from=%FF%FE", 400, "bad_time", "no time")]
#[case("device=fase_a&metric=battery_soc&from=2026-11-22&to=2026-11-21", 400, "bad_span", "later")]
#[case(
    "device=fase_a&metric=battery_soc&from=0&to=1795248000000&step=1s",
    400,
    "too_many_points",
    "give step=1d or more"
)]
#[case(
    "device=fase_a&metric=battery_soc&step=1m&max_points=100",
    400,
    "too_many_points",
    "give step=15min or more"
)]
#[case("device=fase_a&metric=battery_soc&step=0", 400, "bad_step", "30s, 5m")]
#[case("device=fase_a&metric=battery_soc&max_points=0", 400, "bad_max_points", "1 to 50000")]
#[case("device=fase_a&metric=battery_soc&max_points=-5", 400, "bad_query", "max_points")]
#[case("device=fase_a&metric=battery_mode&step=5m", 400, "bad_step", "leave step out")]
#[case("device=fase_a&metric=battery_soc&lttb=2", 400, "bad_lttb", "3 to 50000")]
#[case("device=fase_a&metric=battery_soc&lttb=9&step=5m", 400, "bad_lttb", "instead of step")]
#[case("device=fase_a&metric=battery_mode&lttb=9", 400, "bad_lttb", "leave lttb out")]
#[tokio::test]
async fn what_makes_no_sense_is_refused_with_what_would(
    #[case] query: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] says: &str,
) {
    let house = House::new();
    let answer = get(&house, &format!("/api/v1/history?{query}")).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert!(answer.body.contains(says), "{}", answer.body);
    assert!(house.queries.lock().unwrap().is_empty(), "the store was bothered");
}

#[tokio::test]
async fn trouble_of_the_store_is_told() {
    let house = House::new();
    let ask = "/api/v1/history?device=site&metric=grid_power";
    *house.store_fault.lock().unwrap() = Some(HistoryError::Unavailable("disk full".to_owned()));
    expect![[r#"
        503 Service Unavailable
        {
          "error": {
            "code": "store_unavailable",
            "message": "the store cannot be read: disk full",
            "hint": "see /readyz and the log"
          }
        }
    "#]]
    .assert_eq(&get(&house, ask).await.shown());
    let step = Some(Duration::from_secs(900));
    *house.store_fault.lock().unwrap() = Some(HistoryError::TooManyPoints { limit: 50_000, step });
    expect![[r#"
        400 Bad Request
        {
          "error": {
            "code": "too_many_points",
            "message": "the answer would have more than 50000 points",
            "hint": "give step=15min"
          }
        }
    "#]]
    .assert_eq(&get(&house, ask).await.shown());
}

#[tokio::test]
async fn an_export_is_written_page_after_page() {
    let house = House::new();
    let answer = get(&house, "/api/v1/history/export?metrics=fase_a.battery_soc,battery_mode").await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    let lines: Vec<_> = answer.body.lines().collect();
    assert_eq!(lines.len(), 1 + 2 * 20_000);
    assert_eq!(lines[0], "time,device,metric,value,unit");
    assert_eq!(lines[1], "1970-01-01T00:00:00.000Z,fase_a,battery_mode,auto,");
    assert_eq!(lines[40_000], "1970-01-01T00:00:19.999Z,fase_a,battery_soc,99.9,%");
    let pages = house.pages.lock().unwrap();
    assert!(pages.len() > 4 && pages.iter().all(|page| page.most <= 10_000), "{}", pages.len());
}

#[tokio::test]
async fn an_export_as_line_protocol_within_a_span() {
    let query = "format=line&metrics=fase_b.*&from=7&to=9";
    let answer = get(&House::new(), &format!("/api/v1/history/export?{query}")).await;
    assert_eq!(answer.body, "battery_soc,device=fase_b value=0.7 7\nbattery_soc,device=fase_b value=0.8 8\n");
}

#[rstest]
#[case("history/export?format=xml", 400, "bad_format", "csv and line")]
#[case("history/export?metrics=fase_a.battery_sok", 404, "unknown_series", "fase_a.battery_soc")]
#[case("history/export?from=noon", 400, "bad_time", "-24h")]
#[case("energy?device=fase_a&metric=battery_soc", 400, "no_counter", "battery_charge_energy")]
#[case(
    "energy?device=fase_a&metric=battery_charge_energy&from=2026-11-22&to=2026-11-21",
    400,
    "bad_span",
    "later"
)]
#[case("history/stats?x=1", 200, "", "bytes_per_point")]
#[tokio::test]
async fn questions_beside_the_series(
    #[case] path: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] says: &str,
) {
    let answer = get(&House::new(), &format!("/api/v1/{path}")).await;
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert!(answer.body.contains(code) && answer.body.contains(says), "{}", answer.body);
}

#[tokio::test]
async fn what_a_counter_grew_by() {
    let house = House::new();
    let ask = "/api/v1/energy?device=fase_a&metric=battery_charge_energy&from=-24h";
    expect![[r#"{"device":"fase_a","metric":"battery_charge_energy","unit":"kWh","from_ms":1795161600000,"to_ms":1795248000000,"increase":12.35,"resets":1,"first_ms":1795161600000,"last_ms":1795248000000}"#]]
        .assert_eq(&get(&house, ask).await.body);
    let nothing = get(&house, &ask.replace("-24h", "2026-11-21T08:00:00Z")).await;
    assert!(nothing.body.contains(r#""increase":null"#), "unknown, not 0: {}", nothing.body);
}
