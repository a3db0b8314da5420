//! The description of the interface and the embedded pages.

use expect_test::expect_file;
use rstest::rstest;

use crate::client::get;
use crate::fake::House;

#[test]
fn the_description_is_the_committed_one() {
    expect_file!["../../openapi.json"].assert_eq(&ohmstead_web::description());
}

#[tokio::test]
async fn the_committed_description_is_served() {
    let answer = get(&House::new(), "/api/v1/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.body, include_str!("../../openapi.json"));
}

/// Every operation says what it is for, every field and parameter what it means.
#[test]
fn everything_in_the_description_is_described() {
    let json: serde_json::Value = serde_json::from_str(&ohmstead_web::description()).unwrap();
    assert_eq!(json["openapi"], "3.1.0");
    for (path, item) in json["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].is_string(), "{method} {path}: {parameter}");
            }
        }
    }
    for (name, schema) in json["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name} has no description");
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            // A field that may be null has its description beside the reference.
            let described = [&property["description"], &property["oneOf"][0]["description"]];
            assert!(
                described.iter().any(|text| text.is_string()),
                "{name}.{field} has no description: {property}"
            );
        }
    }
}

#[rstest]
#[case("/")]
#[case("/docs")]
#[tokio::test]
async fn pages_are_revalidated(#[case] path: &str) {
    let house = House::new();
    let first = get(&house, path).await;
    assert_eq!((first.status.as_u16(), first.header("content-type")), (200, "text/html; charset=utf-8"));
    let router = crate::client::open(&house);
    let again = crate::client::request("GET", path, &[("if-none-match", first.header("etag"))], "");
    let again = crate::client::send(&router, again).await;
    assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
}
