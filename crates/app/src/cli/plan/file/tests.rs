//! Problems out of files: what is wrong is said with its key, and a wanted end that is out of reach first.

use rstest::rstest;

use super::*;

const GOOD: &str = r#"{ "name": "two hours", "start": "2024-12-10", "tz": "Europe/Paris", "step_min": 60, "load_w": [400, 500], "pv_w": [0, 0],
  "price_import": [0.1, 0.3], "price_export": [0, 0],
  "battery": { "cap_wh": 5000, "soc_min": 0.1, "soc_init": 0.5, "soc_final": 0.5, "p_chg_ac": 1000, "p_dis_ac": 1000 } }"#;

#[test]
fn a_problem_is_read() {
    let posed = read(&format!("\u{feff}{GOOD}")).unwrap();
    assert_eq!((posed.name.as_str(), posed.problem.slots.len()), ("two hours", 2));
    let battery = &posed.problem.batteries[0];
    assert_eq!((battery.now_wh, battery.min_wh, battery.max_wh), (2500.0, 500.0, 5000.0));
    assert_eq!((battery.final_wh, battery.eff_charge), (Some(2500.0), 1.0));
}

#[rstest]
#[case::soc_init(
    r#""soc_init": 0.5"#,
    r#""soc_init": 1.5"#,
    "battery.soc_init is 1.5, expected a part of cap_wh, 0 to 1"
)]
#[case::soc_as_percent(
    r#""soc_init": 0.5"#,
    r#""soc_init": 50"#,
    "battery.soc_init is 50, expected a part of cap_wh, 0 to 1"
)]
#[case::soc_final(
    r#""soc_final": 0.5"#,
    r#""soc_final": 2"#,
    "battery.soc_final is 2, expected a part of cap_wh, 0 to 1"
)]
#[case::soc_min(
    r#""soc_min": 0.1"#,
    r#""soc_min": 0.9, "soc_max": 0.8"#,
    "battery.soc_min is 0.9, expected not more than soc_max, which is 0.8"
)]
#[case::huge("[400, 500]", "[400, 1e308]", "load_w[1] is 1e308, expected W, 0 to 1e9")]
#[case::negative("[400, 500]", "[-1, 500]", "load_w[0] is -1, expected W, 0 to 1e9")]
#[case::null("[400, 500]", "[400, null]", "load_w[1] is null, expected W, 0 to 1e9")]
#[case::text("[0.1, 0.3]", r#"[0.1, "a"]"#, "price_import[1] is \"a\", expected EUR/kWh, -1000 to 1000")]
#[case::no_list(
    "[0.1, 0.3]",
    "0.1",
    "price_import is 0.1, expected a list of numbers (EUR/kWh, -1000 to 1000)"
)]
#[case::length(
    "[0.1, 0.3]",
    "[0.1]",
    "price_import has 1 values, load_w has 2: every list needs one for each slot"
)]
#[case::nan("[400, 500]", "[400, NaN]", "it is no JSON, in load_w[1]: expected value at line 1")]
#[case::out_of_range(
    "[0.1, 0.3]",
    "[0.1, 1e999]",
    "it is no JSON, in price_import[1]: number out of range at line 2"
)]
#[case::step(r#""step_min": 60"#, r#""step_min": 0"#, "step_min is 0, expected whole minutes, 1 to 1440")]
#[case::part_of_a_step(
    r#""step_min": 60"#,
    r#""step_min": 7.5"#,
    "step_min is 7.5, expected whole minutes, 1 to 1440"
)]
#[case::no_power(r#", "p_dis_ac": 1000"#, "", "battery.p_dis_ac is missing, expected W, 0 to 1e9")]
#[case::unknown(r#""soc_min""#, r#""soc_mn""#, "there is no key battery.soc_mn: there are cap_wh, soc_min,")]
#[case::a_limit(r#""tz""#, r#""import_max_w": -1, "tz""#, "import_max_w is -1, expected W, 0 or more")]
#[case::start("2024-12-10", "soon", "start \"soon\" is no date such as 2024-12-10")]
#[case::one_of_several(
    r#""battery": {"#,
    r#""batteries": [7], "battery": {"#,
    "batteries[0] is 7, expected an object { \"cap_wh\": .."
)]
fn what_is_wrong_is_said_with_its_key(#[case] good: &str, #[case] bad: &str, #[case] why: &str) {
    assert!(GOOD.contains(good), "{good}");
    let said = read(&GOOD.replacen(good, bad, 1)).unwrap_err().to_string();
    assert!(said.starts_with(why), "{said}");
}

#[rstest]
#[case("[]", "the file is a list, expected an object { \"name\": .., \"start\"")]
#[case("", "it is no JSON: EOF")]
#[case(
    r#"{ "start": "2024-12-10", "step_min": 60, "load_w": [], "pv_w": [], "price_import": [], "price_export": [] }"#,
    "load_w is an empty list"
)]
fn what_is_no_problem_at_all_is_refused(#[case] text: &str, #[case] why: &str) {
    let said = read(text).unwrap_err().to_string();
    assert!(said.starts_with(why), "{said}");
}

#[test]
fn an_end_out_of_reach_is_said_first() {
    let posed = read(&GOOD.replacen(r#""soc_final": 0.5"#, r#""soc_final": 1"#, 1)).unwrap();
    let plan = plan(&posed.problem, None, &Tuning::default());
    let json = json(&posed, &plan, Duration::ZERO);
    let printed = super::super::of_problem(&json);
    let first =
        "! battery 1 does not reach its soc_final: 5000 Wh are wanted at the end, 4500 Wh are in it\nstart";
    assert!(printed.starts_with(first), "{printed}");
    assert!(printed.contains("\nbattery 1 ends 500 Wh off"), "{printed}");
}
