//! All of what `plan --why` prints, in every language.

use std::sync::Arc;
use std::time::Duration;

use expect_test::{ExpectFile, expect_file};
use ohmstead_model::{Language, Moment, TimeSpan, UnixMillis};
use ohmstead_planner::{Battery, EndWorth, Problem, Slot, Tuning, plan};
use ohmstead_web::{PlannerMode, Planning, plan_json};
use rstest::rstest;

use super::*;
use crate::planning::bank::Member;
use crate::planning::lack::Lack;
use crate::planning::problem::Ahead;
use crate::planning::told::Made;

/// 20 November 2026, 22:00 UTC: 23:00 in Paris.
const START: UnixMillis = UnixMillis(1_795_212_000_000);

/// Hours in which a battery has a reason to do each thing it can do: cheap, middling, dear, one in which the grid pays well.
const HOURS: [(f64, f64, f64); 8] = [
    (0.10, 0.02, 400.0),
    (0.10, 0.02, 400.0),
    (0.25, 0.02, 600.0),
    (0.25, 0.02, 600.0),
    (0.60, 0.02, 1500.0),
    (0.60, 0.02, 1500.0),
    (0.62, 0.55, 500.0),
    (0.30, 0.02, 600.0),
];

fn problem() -> Problem {
    let hour = Duration::from_secs(3600);
    let slot = |(place, (import_price, export_price, load_w)): (u32, (f64, f64, f64))| Slot {
        span: TimeSpan::lasting(START.plus(hour * place), hour),
        load_w,
        pv_w: 0.0,
        import_price,
        export_price,
    };
    let battery = Battery {
        name: "garage".to_owned(),
        capacity_wh: 5000.0,
        max_wh: 5000.0,
        now_wh: 1000.0,
        min_wh: 500.0,
        charge_max_w: 2000.0,
        discharge_max_w: 2000.0,
        eff_charge: 0.94,
        eff_discharge: 0.94,
        wear_eur_kwh: 0.03,
        ..Battery::default()
    };
    let mut problem = Problem {
        slots: (0..).zip(HOURS).map(slot).collect(),
        batteries: vec![battery],
        allow_battery_export: true,
        ..Problem::default()
    };
    problem.end_worth = EndWorth::suggested(&problem);
    problem
}

fn made() -> Made {
    let problem = problem();
    let member = Member {
        device: "garage".parse().expect("a name"),
        acts: true,
        battery: problem.batteries[0].clone(),
    };
    Made {
        at: Moment { unix: START, ..Moment::default() },
        took: Duration::from_millis(14),
        bank: vec![member],
        plan: plan(&problem, None, &Tuning::default()),
        problem,
        missing: vec![Lack::PriceGuessed { hours: 3.0 }, Lack::FewHabits { hours: 30.0 }],
    }
}

/// The clock of the site, a morning in Paris.
fn clock() -> SiteClock {
    SiteClock("2026-11-21T09:00:00+01:00[Europe/Paris]".parse().expect("an instant"))
}

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").expect("a zone")
}

fn answer(language: Language) -> Value {
    let plan = made().for_page(&Ahead::default(), "EUR", &paris());
    let planning = Planning {
        mode: PlannerMode::Act,
        acting: true,
        read_only: false,
        plan: Some(Arc::new(plan)),
        why_none: None,
    };
    plan_json(&planning, language)
}

#[rstest]
#[case(Language::En, expect_file!["why/en.txt"])]
#[case(Language::Fr, expect_file!["why/fr.txt"])]
#[case(Language::Nl, expect_file!["why/nl.txt"])]
#[case(Language::Et, expect_file!["why/et.txt"])]
#[case(Language::De, expect_file!["why/de.txt"])]
fn what_plan_why_prints(#[case] language: Language, #[case] expected: ExpectFile) {
    expected.assert_eq(&(text(&answer(language), &clock(), None, true) + "\n"));
}

/// Whatever it does, it says at which price, what stored energy is worth then, and instead of what.
#[test]
fn each_action_names_its_price_the_worth_of_energy_and_what_it_beat() {
    let answer = answer(Language::En);
    let beaten = [
        ("charge", "instead of waiting"),
        ("hold", "; now it costs"),
        ("discharge", "instead of keeping"),
        ("auto", "instead of the grid"),
    ];
    for (mode, alternative) in beaten {
        let all = answer["slots"].as_array().into_iter().flatten();
        // One that is empty does nothing.
        let of_mode: Vec<_> = all.filter(|slot| mode_of(slot) == mode && slot["code"] != "empty").collect();
        assert!(!of_mode.is_empty(), "no {mode} in {answer:#}");
        for slot in of_mode {
            let reason = text_of(&slot["steps"][0]["reason"]);
            assert!(slot["import_price"].is_f64() && slot["worth"].is_f64(), "{mode}: {slot:#}");
            assert!(
                reason.contains(alternative) && reason.matches("ct/kWh").count() == 2,
                "{mode}: {reason}"
            );
        }
    }
}

fn mode_of(slot: &Value) -> String {
    let mode = text_of(&slot["steps"][0]["mode"]);
    mode.split(' ').next().unwrap_or_default().to_owned()
}

/// Without `--why` slots of one mode are one line, whatever their reasons.
#[test]
fn without_reasons_there_are_modes_only() {
    let printed = text(&answer(Language::Fr), &clock(), None, false);
    assert!(!printed.contains("kWh"), "{printed}");
    assert!(printed.contains("from         until        mode"), "{printed}");
}

#[test]
fn why_there_is_no_plan_is_printed_in_the_language() {
    let why_none = Some(Lack::SocUnknown { device: "garage".parse().expect("a name") }.in_words());
    let planning =
        Planning { mode: PlannerMode::Advise, acting: false, read_only: false, plan: None, why_none };
    let printed = text(&plan_json(&planning, Language::De), &clock(), None, true);
    assert_eq!(printed, "no plan: garage wird nicht eingeplant: der Ladezustand ist nicht bekannt");
}

#[rstest]
#[case(Some("et"), Some("et"))]
#[case(None, None)]
#[case(Some("xx"), None)]
fn a_language_is_asked_for_by_its_code(#[case] code: Option<&str>, #[case] asked: Option<&str>) {
    match languages(code) {
        Ok(found) => assert_eq!(found.as_deref(), asked),
        Err(failure) => assert!(code == Some("xx") && failure.to_string().contains("en, fr, nl, et, de")),
    }
}
