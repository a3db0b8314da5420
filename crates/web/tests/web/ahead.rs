//! Prices, colours, forecasts, the plan and money over REST.

use std::sync::Arc;

use expect_test::expect_file;
use jiff::civil::{Date, date};
use ohmstead_model::TempoColour;
use ohmstead_web::{AheadError, MoneyBy, Plan, PlannerMode, Planning};
use rstest::rstest;

use crate::client::{get, open, put, request, send};
use crate::fake::House;
use crate::fake::future::reason;

#[rstest]
#[case("outlook", expect_file!["ahead/outlook.txt"])]
#[case("plan?lang=fr", expect_file!["ahead/plan.txt"])]
#[case("tempo", expect_file!["ahead/tempo.txt"])]
#[case("money", expect_file!["ahead/money.txt"])]
#[tokio::test]
async fn what_lies_ahead(#[case] path: &str, #[case] expected: expect_test::ExpectFile) {
    expected.assert_eq(&get(&House::new(), &format!("/api/v1/{path}")).await.shown());
}

#[rstest]
#[case("outlook", 409, "not_configured")]
#[case("tempo", 409, "not_configured")]
#[case("money", 409, "not_configured")]
#[tokio::test]
async fn a_house_without_tariffs_says_how_to_add_them(
    #[case] path: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = House::new();
    house.future.take_away();
    let answer = get(&house, &format!("/api/v1/{path}")).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code));
    assert!(answer.body.contains("ohmstead.yaml"), "{}", answer.body);
}

#[tokio::test]
async fn where_there_is_no_plan_it_says_why() {
    let house = House::new();
    house.future.take_away();
    let answer = get(&house, "/api/v1/plan").await;
    assert_eq!(answer.status.as_u16(), 200);
    expect_file!["ahead/no-plan.txt"].assert_eq(&answer.shown());
}

#[tokio::test]
async fn a_fallback_says_so() {
    let house = House::new();
    let found = house.future.planning.lock().unwrap().plan.clone().unwrap();
    let plan = Plan {
        origin: "fallback",
        trouble: Some(reason("solver_out_of_time", "no time was left", "le temps a manqué")),
        cost: f64::NAN,
        ..(*found).clone()
    };
    *house.future.planning.lock().unwrap() = Planning {
        mode: PlannerMode::Advise,
        acting: false,
        read_only: false,
        plan: Some(Arc::new(plan)),
        why_none: None,
    };
    let json: serde_json::Value = serde_json::from_str(&get(&house, "/api/v1/plan").await.body).unwrap();
    assert_eq!(json["origin"], "fallback");
    assert_eq!(
        json["trouble"],
        serde_json::json!({ "code": "solver_out_of_time", "reason": "le temps a manqué" })
    );
    assert_eq!((&json["mode"], &json["acting"]), (&"advise".into(), &false.into()));
    assert_eq!((&json["cost"], &json["slots"][0]["cost"]), (&serde_json::Value::Null, &0.105_214.into()));
}

/// The site's languages are French, then English.
#[rstest]
#[case("", "", "fr", "Charge maintenant, car le kWh coûtera plus du double plus tard")]
#[case("", "et;q=0.9, de", "de", "Charges now, for a kWh costs more than twice as much later (de)")]
#[case("?lang=et", "de", "et", "Charges now, for a kWh costs more than twice as much later (et)")]
#[tokio::test]
async fn reasons_are_in_the_language_that_is_asked_for(
    #[case] query: &str,
    #[case] accepted: &str,
    #[case] language: &str,
    #[case] reason: &str,
) {
    let asked = request("GET", &format!("/api/v1/plan{query}"), &[("accept-language", accepted)], "");
    let answer = send(&open(&House::new()), asked).await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(json["language"], language);
    assert_eq!(json["slots"][0]["reason"], reason);
    assert_eq!(json["slots"][0]["steps"][0]["reason"], reason);
}

#[rstest]
#[case("outlook?lang=et", "", "et", "no price of tomorrow is known yet (et)")]
#[case("outlook", "", "fr", "aucun prix de demain n'est encore connu")]
#[case("outlook", "nl", "nl", "no price of tomorrow is known yet (nl)")]
#[case("plan?lang=en", "nl", "en", "prices from 09:00 on are guessed")]
#[case("plan", "de", "de", "prices from 09:00 on are guessed (de)")]
#[tokio::test]
async fn what_is_missing_is_told_in_the_same_language(
    #[case] path: &str,
    #[case] accepted: &str,
    #[case] language: &str,
    #[case] missing: &str,
) {
    let asked = request("GET", &format!("/api/v1/{path}"), &[("accept-language", accepted)], "");
    let answer = send(&open(&House::new()), asked).await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(json["language"], language);
    assert_eq!(json["missing"][0]["reason"], missing);
    assert!(json["missing"][0]["code"].is_string());
}

#[rstest]
#[case("outlook?lang=xx", "bad_language")]
#[case("plan?lang=xx", "bad_language")]
#[case("plan?langue=fr", "bad_query")]
#[case("money?from=yesterday", "bad_date")]
#[case("money?from=2026-02-30", "bad_date")]
#[case("money?from=2026-11-01T00:00", "bad_date")]
#[case("money?to=20261101", "bad_date")]
#[case("money?from=2026-11-21&to=2026-11-21", "bad_span")]
#[case("money?from=2020-01-01", "bad_span")]
#[case("money?from=1900-01-01&by=month", "bad_span")]
#[case("money?from=-999999&to=9999-12-31", "bad_date")]
#[case("money?by=week", "bad_by")]
#[tokio::test]
async fn a_question_that_makes_no_sense(#[case] path: &str, #[case] code: &str) {
    let house = House::new();
    let answer = get(&house, &format!("/api/v1/{path}")).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, code), "{}", answer.body);
    assert!(house.future.spans.lock().unwrap().is_empty());
}

/// It is the 21st of November.
#[rstest]
#[case("", date(2026, 11, 1), date(2026, 11, 22), MoneyBy::Day)]
#[case("?by=month", date(2025, 12, 1), date(2026, 11, 22), MoneyBy::Month)]
#[case("?from=2026-03-01&to=2026-04-01", date(2026, 3, 1), date(2026, 4, 1), MoneyBy::Day)]
#[case("?from=2000-01-01&by=month", date(2000, 1, 1), date(2026, 11, 22), MoneyBy::Month)]
#[tokio::test]
async fn money_is_asked_for_by_civil_days(
    #[case] query: &str,
    #[case] from: Date,
    #[case] to: Date,
    #[case] by: MoneyBy,
) {
    let house = House::new();
    assert_eq!(get(&house, &format!("/api/v1/money{query}")).await.status.as_u16(), 200);
    assert_eq!(*house.future.spans.lock().unwrap(), [(from, to, by)]);
}

/// At the end of the civil day it is another day than in UTC.
#[tokio::test]
async fn this_month_is_that_of_the_site() {
    let house = House::new();
    // 2026-11-30 23:30 UTC, half past midnight in Paris.
    house.now.lock().unwrap().unix = ohmstead_model::UnixMillis(1_796_081_400_000);
    get(&house, "/api/v1/money").await;
    assert_eq!(*house.future.spans.lock().unwrap(), [(date(2026, 12, 1), date(2026, 12, 2), MoneyBy::Day)]);
}

#[tokio::test]
async fn a_colour_is_said_and_taken_back() {
    let house = House::new();
    let tomorrow = date(2026, 11, 22);
    for (body, colour) in [(r#"{"colour":"red"}"#, Some(TempoColour::Red)), (r#"{"colour":null}"#, None)] {
        let answer = put(&house, "/api/v1/tempo/2026-11-22", body).await;
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
        let said = colour.map(TempoColour::key);
        assert_eq!(
            (&json["tomorrow"]["colour"], &json["tomorrow"]["by_hand"]),
            (&said.into(), &said.is_some().into())
        );
        assert_eq!(house.future.colours.lock().unwrap().last(), Some(&(tomorrow, colour)));
    }
}

#[rstest]
#[case("2026-11-22", r#"{"colour":"green"}"#, &[], 400, "bad_colour")]
#[case("2026-11-22", r#"{"colour":3}"#, &[], 400, "bad_body")]
#[case("2026-11-22", "{}", &[], 400, "bad_body")]
#[case("2026-11-22", r#"{"colour":"red","for_s":60}"#, &[], 400, "bad_body")]
#[case("tomorrow", r#"{"colour":"red"}"#, &[], 400, "bad_date")]
#[case("2026-08-31", r#"{"colour":"red"}"#, &[], 400, "bad_date")]
#[case("2027-09-01", r#"{"colour":"blue"}"#, &[], 400, "bad_date")]
#[case("2026-11-22", r#"{"colour":"red"}"#, &[("content-type", "text/plain")], 415, "not_json")]
#[case("2026-11-22", r#"{"colour":"red"}"#, &[("origin", "http://evil.example")], 403, "foreign_origin")]
#[tokio::test]
async fn a_colour_that_makes_no_sense_is_refused(
    #[case] day: &str,
    #[case] body: &str,
    #[case] headers: &[(&str, &str)],
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = House::new();
    let headers = [&[("content-type", "application/json")], headers].concat();
    let sent = request("PUT", &format!("/api/v1/tempo/{day}"), &headers, body);
    let answer = send(&open(&house), sent).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert!(house.future.colours.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_kept_or_read_is_refused() {
    let house = House::new();
    let fault = AheadError::Unavailable("the disk is full".to_owned());
    *house.future.colour_fault.lock().unwrap() = Some(fault.clone());
    *house.future.money.lock().unwrap() = Err(fault);
    let answer = put(&house, "/api/v1/tempo/2026-11-22", r#"{"colour":"red"}"#).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "unavailable"));
    let answer = get(&house, "/api/v1/money").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "unavailable"));
    assert!(!answer.header("retry-after").is_empty());

    house.future.take_away();
    let answer = put(&house, "/api/v1/tempo/2026-11-22", r#"{"colour":"red"}"#).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (409, "not_configured"));
}

/// What is not configured has no figures, and those that are no numbers are left out.
#[tokio::test]
async fn a_house_without_tariffs_has_no_figures_of_them() {
    let house = House::new();
    house.future.take_away();
    let figures = get(&house, "/metrics").await.body;
    let names = ["import_price", "export_price", "plan_age", "plan_cost", "plan_saving", "tempo_colour"];
    assert!(!names.iter().any(|name| figures.contains(name)), "{figures}");
    assert!(figures.contains("ohmstead_plan_acting{} 0.0"), "{figures}");
}
