//! Colours of Tempo days, and the grid of their prices.

use expect_test::expect;
use rstest::rstest;

use super::*;

#[test]
fn rte_site() {
    expect![[r#"
        2025-12-09 blue
        2025-12-10 white
        2025-12-11 red
        currency None, refused 1"#]]
    .assert_eq(&told(rte_site::parse(include_bytes!("../../../tests/answers/rte_site.json"))));
}

#[test]
fn couleur_tempo() {
    let body = include_bytes!("../../../tests/answers/couleur_tempo.json");
    expect![[r#"
        2025-12-10 white
        2025-12-11 red
        currency None, refused 0"#]]
    .assert_eq(&told(couleur_tempo::parse(body)));
    let one = r#"{"dateJour":"2025-12-29","codeJour":3,"periode":"2025-2026","libCouleur":"Rouge"}"#;
    assert_eq!(told(couleur_tempo::parse(one.as_bytes())), "2025-12-29 red\ncurrency None, refused 0");
    let unknown = r#"{"dateJour":"2025-12-29","codeJour":0}"#;
    assert!(couleur_tempo::parse(unknown.as_bytes()).unwrap().is_empty(), "0 is not decided");
}

#[test]
fn rte_api() {
    let body = include_str!("../../../tests/answers/rte_api.json");
    let object = told(rte_api::parse(body.as_bytes()));
    expect![[r#"
        2025-10-26 blue
        2025-12-10 white
        2025-12-11 red
        currency None, refused 0"#]]
    .assert_eq(&object);
    let list = body.replacen("{\"start_date\"", "[{\"start_date\"", 1);
    let list = list.trim_end().strip_suffix("}}").map(|head| format!("{head}}}]}}")).unwrap();
    assert_eq!(told(rte_api::parse(list.as_bytes())), object, "a list around the object says the same");
}

#[rstest]
#[case("{}", "`access_token` is missing or of another form")]
#[case("{\"access_token\": \"\"}", "`access_token` is missing or of another form")]
fn a_token_that_is_none(#[case] body: &str, #[case] words: &str) {
    assert_eq!(rte_api::parse_token(body.as_bytes()).unwrap_err().to_string(), words);
}

#[test]
fn a_token() {
    let (token, lifetime) =
        rte_api::parse_token(include_bytes!("../../../tests/answers/rte_token.json")).unwrap();
    assert_eq!((token.expose(), lifetime), ("the-access-token", Duration::from_secs(7200)));
}

#[test]
fn data_gouv() {
    expect![[r#"
        2025-02-01 to Some("2025-07-31") 6 kVA None [[0.1288, 0.1552], [0.1447, 0.1792], [0.1518, 0.6586]]
        2025-08-01 to Some("2026-01-31") 6 kVA Some(180.12) [[0.1232, 0.1494], [0.1391, 0.173], [0.146, 0.6468]]
        2026-02-01 to None 6 kVA Some(191.8) [[0.1325, 0.1612], [0.1499, 0.1871], [0.1575, 0.706]]
        currency Some("EUR"), refused 1"#]].assert_eq(&told(data_gouv::parse(include_bytes!("../../../tests/answers/data_gouv.json"))));
}
