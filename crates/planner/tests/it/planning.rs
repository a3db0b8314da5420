//! Plans as their users meet them: kept, refused, long, empty, explained.

use std::time::Duration;

use expect_test::{Expect, expect};
use jiff::tz::TimeZone;
use ohmstead_model::{BatteryMode, Language, TimeSpan, UnixMillis};
use ohmstead_planner::{
    Battery, EndWorth, FallbackReason, Origin, PerSlot, Plan, Problem, Slot, TaperPoint, Tuning, Violation,
    explain, main_reason, plan, simulate, worth,
};

use rstest::rstest;

const QUARTER: Duration = Duration::from_secs(900);

/// Quarters from an hour of the first of January 2026: cheap at night, dear in the evening, sun at noon.
pub(crate) fn home(first_quarter: u32, quarters: u32) -> Problem {
    let start = UnixMillis(1_767_225_600_000);
    let slots = (first_quarter..first_quarter + quarters).map(|index| {
        let hour = f64::from(index % 96) / 4.0;
        let sun = ((hour - 9.0) / 7.0 * std::f64::consts::PI).sin();
        Slot {
            span: TimeSpan::lasting(start.plus(QUARTER * index), QUARTER),
            load_w: if (17.0..22.0).contains(&hour) { 1800.0 } else { 400.0 },
            pv_w: if (9.0..16.0).contains(&hour) { 2500.0 * sun } else { 0.0 },
            import_price: match hour {
                hour if hour < 6.0 => 0.12,
                hour if (17.0..22.0).contains(&hour) => 0.40,
                _ => 0.22,
            },
            export_price: 0.05,
        }
    });
    let battery = Battery {
        name: "garage".to_owned(),
        capacity_wh: 10_000.0,
        now_wh: 3000.0,
        min_wh: 1000.0,
        max_wh: 10_000.0,
        charge_max_w: 3000.0,
        discharge_max_w: 3000.0,
        eff_charge: 0.95,
        eff_discharge: 0.95,
        ..Battery::default()
    };
    let problem = Problem {
        slots: slots.collect(),
        batteries: vec![battery],
        import_max_w: 9000.0,
        export_max_w: 6000.0,
        curtail: true,
        ..Problem::default()
    };
    Problem { end_worth: EndWorth::suggested(&problem), ..problem }
}

fn fresh(problem: &Problem) -> Plan {
    plan(problem, None, &Tuning::default())
}

#[test]
fn nothing_ahead_is_a_plan() {
    let plan = fresh(&home(0, 0));
    assert_eq!(
        (plan.modes.len(), plan.outcome.score_eur(), plan.span()),
        (0, 0.0 - plan.outcome.end_worth_eur, None)
    );
    assert!(!matches!(plan.origin, Origin::Fallback(_)));
    let nobody = fresh(&Problem { batteries: Vec::new(), ..home(0, 8) });
    assert_eq!((nobody.origin.clone(), nobody.modes[7].len()), (Origin::SelfConsumption, 0));
    assert_eq!(fresh(&home(70, 1)).modes.len(), 1);
}

#[test]
fn nonsense_is_answered_by_following_the_house_and_by_the_reason() {
    let mut problem = home(0, 8);
    problem.slots[3].import_price = f64::NAN;
    let plan = fresh(&problem);
    let Origin::Fallback(reason) = &plan.origin else { panic!("{:?}", plan.origin) };
    assert_eq!(reason.to_string(), "the problem is refused: slot 3: import_price is NaN, expected EUR/kWh");
    assert_eq!((plan.modes.len(), plan.batteries.as_slice()), (0, ["garage".to_owned()].as_slice()));
}

#[test]
fn a_solver_without_time_is_answered_by_following_the_house() {
    let problem = home(0, 96);
    let plan = plan(&problem, None, &Tuning { time_limit: Duration::ZERO, ..Tuning::default() });
    assert!(matches!(plan.origin, Origin::Fallback(FallbackReason::Solver(_))), "{:?}", plan.origin);
    assert!(plan.modes.iter().all(|modes| modes == &[BatteryMode::Auto]));
    assert_eq!(plan.outcome, plan.self_consumption);
}

#[test]
fn a_plan_is_kept_by_time_until_another_is_clearly_better() {
    let first = fresh(&home(0, 96));
    // A quarter later: the first slot is over, one has come, the forecast of the load is a little off.
    let mut later = home(1, 96);
    later.batteries[0].now_wh = first.in_modes.slots[0].soc_wh[0];
    later.slots.iter_mut().for_each(|slot| slot.load_w *= 1.01);
    let kept = plan(&later, Some(&first), &Tuning::default());
    let Origin::Kept(better) = kept.origin else { panic!("{:?}", kept.origin) };
    assert!((0.0..0.02).contains(&better));
    assert_eq!(kept.modes[..95], first.modes[1..]);
    assert_eq!(kept.outcome, kept.in_modes);
    // The evening is not dear any more: what is kept for it is for nothing.
    later.slots.iter_mut().for_each(|slot| slot.import_price = slot.import_price.min(0.13));
    let new = plan(&later, Some(&first), &Tuning::default());
    assert!(!matches!(new.origin, Origin::Kept(_)), "{:?}", new.origin);
    // Plans of other batteries or of another time, and those that were made for want of better, are not kept.
    let others = Plan { batteries: vec!["shed".to_owned()], ..first.clone() };
    let refused = Plan {
        origin: Origin::Fallback(FallbackReason::Solver(ohmstead_planner::LinearError::Time)),
        ..first.clone()
    };
    let past = fresh(&home(200, 8));
    for earlier in [others, refused, past] {
        assert!(!matches!(plan(&home(1, 96), Some(&earlier), &Tuning::default()).origin, Origin::Kept(_)));
    }
}

#[test]
fn a_long_time_ahead_costs_next_to_nothing_more_in_windows() {
    let problem = home(0, 700);
    let [whole, windows] =
        [1000, 96].map(|slots_max| plan(&problem, None, &Tuning { slots_max, ..Tuning::default() }));
    assert!(!whole.in_windows && windows.in_windows);
    let lost = windows.outcome.score_eur() - whole.outcome.score_eur();
    assert!((-1e-3..0.02).contains(&lost), "{lost}");
    // A window that ends before the dear evening leaves the energy for it.
    let day = home(0, 96);
    let [whole, windows] = [96, 68]
        .map(|slots_max| plan(&day, None, &Tuning { slots_max, ..Tuning::default() }).outcome.score_eur());
    assert!(windows - whole < 0.05, "{windows} for {whole}");
    let mut reserved = home(0, 200);
    reserved.batteries[0].reserve_wh =
        PerSlot::Each((0..200).map(|slot| if slot > 150 { 6000.0 } else { 0.0 }).collect());
    let plan = plan(&reserved, None, &Tuning { slots_max: 48, ..Tuning::default() });
    assert!(
        plan.outcome.slots[160..].iter().all(|slot| slot.soc_wh[0] > 5990.0),
        "{:?}",
        plan.outcome.violations
    );
}

#[test]
fn a_start_below_the_band_and_a_reserve_lead_back_at_once() {
    let mut problem = home(24, 16);
    problem.batteries[0].now_wh = 200.0;
    problem.batteries[0].reserve_wh = PerSlot::Constant(2000.0);
    let plan = fresh(&problem);
    let first = &plan.in_modes.slots[0];
    assert!(first.battery_w[0] < -2999.0, "{first:?}");
    assert_eq!(plan.reasons(&problem)[0][0].code(), "reserve");
    assert!(plan.in_modes.slots[4..].iter().all(|slot| slot.soc_wh[0] > 1990.0));
    problem.batteries[0].now_wh = 12_000.0;
    let plan = fresh(&problem);
    assert!(matches!(plan.origin, Origin::Found(_) | Origin::SelfConsumption), "{:?}", plan.origin);
    assert!(plan.outcome.slots.iter().all(|slot| slot.soc_wh[0] <= 12_000.0));
}

#[test]
fn what_cannot_be_reached_is_missed_and_said() {
    let mut problem = home(0, 2);
    problem.batteries[0].final_wh = Some(9000.0);
    let plan = fresh(&problem);
    assert!(plan.outcome.slots.iter().all(|slot| slot.battery_w[0] < -2999.0));
    assert!(matches!(plan.outcome.violations[..], [Violation::FinalMissed { battery: 0, .. }]));
}

#[test]
fn a_taper_is_kept_to() {
    let mut problem = home(0, 24);
    let points = [(5000.0, 3000.0), (9000.0, 1000.0), (10_000.0, 200.0)];
    problem.batteries[0].taper =
        points.map(|(stored_wh, charge_w)| TaperPoint { stored_wh, charge_w }).to_vec();
    problem.batteries[0].final_wh = Some(9900.0);
    let plan = fresh(&problem);
    assert!(plan.outcome.violations.is_empty(), "{:?}", plan.outcome.violations);
    for slot in &plan.outcome.slots {
        let allowed = match slot.soc_wh[0] {
            stored if stored < 5000.0 => 3000.0,
            stored if stored < 9000.0 => 3000.0 - (stored - 5000.0) / 2.0,
            stored => 1000.0 - (stored - 9000.0) * 0.8,
        };
        assert!(-slot.battery_w[0] <= allowed + 0.01, "{slot:?}, {allowed} W");
    }
}

/// A kWh more at the start, planned again: what it saves is what the plan says that it is worth.
#[rstest]
#[case(0, 96, 3000.0)]
#[case(40, 96, 6000.0)]
#[case(68, 40, 2000.0)]
fn the_worth_of_stored_energy_is_what_more_of_it_saves(
    #[case] first: u32,
    #[case] quarters: u32,
    #[case] now_wh: f64,
) {
    let mut problem = home(first, quarters);
    problem.batteries[0].now_wh = now_wh;
    let plan = fresh(&problem);
    let said = worth(&problem, &plan.outcome)[0][0].expect("an optimal plan tells");
    let saves = [-50.0, 50.0].map(|more_wh| {
        let mut other = problem.clone();
        other.batteries[0].now_wh += more_wh;
        (plan.outcome.score_eur() - fresh(&other).outcome.score_eur()) / more_wh * 1000.0
    });
    assert!(said <= saves[0] + 2e-3 && said >= saves[1] - 2e-3, "{said}, between {saves:?}");
}

#[test]
fn modes_that_lose_say_so() {
    let plan = fresh(&home(0, 96));
    assert_eq!(plan.modes_lose_eur(), None);
    let resting = simulate(&home(0, 96), &[]);
    let bad = Plan { in_modes: resting, ..plan };
    assert!(bad.modes_lose_eur().is_some_and(|lost| lost > 0.5));
}

fn told(problem: &Problem, plan: &Plan, language: Language) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (slot, reasons) in plan.reasons(problem).iter().enumerate() {
        let mode = &plan.modes[slot][0];
        // The power of a command changes from slot to slot, what it is about does not.
        let mode = if let BatteryMode::Charge { until, .. } = mode {
            BatteryMode::Charge { power: None, until: *until }
        } else {
            mode.clone()
        };
        let line =
            format!("{mode}: {}: {}", reasons[0].code(), reasons[0].sentence(language, &TimeZone::UTC));
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn check_told(language: Language, expected: &Expect) {
    let problem = home(0, 96);
    expected.assert_eq(&told(&problem, &fresh(&problem), language));
}

#[test]
fn a_day_is_told_in_english() {
    check_told(
        Language::En,
        &expect![[r#"
            hold: hold_for_later: keeps its energy for 01.01. 06:00, when the grid costs 22.0 ct/kWh; now it costs 12.0 ct/kWh
            charge until 34 %: cheap_import: charges from the grid at 12.0 ct/kWh instead of waiting: stored energy is worth 12.6 ct/kWh
            auto: cover_load: supplies the house instead of the grid at 22.0 ct/kWh: stored energy is worth 12.6 ct/kWh
            auto: solar_surplus: stores what the sun leaves over (the grid would pay 5.0 ct/kWh)
            hold: hold_for_later: keeps its energy for 01.01. 17:00, when the grid costs 40.0 ct/kWh; now it costs 22.0 ct/kWh
            auto: cover_load: supplies the house instead of the grid at 40.0 ct/kWh: stored energy is worth 38.0 ct/kWh
            auto: empty: has nothing to give"#]],
    );
}

#[test]
fn a_day_is_told_in_french_and_german() {
    check_told(
        Language::Fr,
        &expect![[r#"
            hold: hold_for_later: garde son énergie pour 01.01. 06:00, quand le réseau coûtera 22,0 ct/kWh ; maintenant il coûte 12,0 ct/kWh
            charge until 34 %: cheap_import: charge depuis le réseau à 12,0 ct/kWh au lieu d'attendre : l'énergie stockée vaut 12,6 ct/kWh
            auto: cover_load: alimente la maison à la place du réseau à 22,0 ct/kWh : l'énergie stockée vaut 12,6 ct/kWh
            auto: solar_surplus: stocke ce que le soleil laisse en trop (le réseau paierait 5,0 ct/kWh)
            hold: hold_for_later: garde son énergie pour 01.01. 17:00, quand le réseau coûtera 40,0 ct/kWh ; maintenant il coûte 22,0 ct/kWh
            auto: cover_load: alimente la maison à la place du réseau à 40,0 ct/kWh : l'énergie stockée vaut 38,0 ct/kWh
            auto: empty: n'a rien à donner"#]],
    );
    check_told(
        Language::De,
        &expect![[r#"
            hold: hold_for_later: hält seine Energie für 01.01. 06:00, wenn das Netz 22,0 ct/kWh kostet; jetzt kostet es 12,0 ct/kWh
            charge until 34 %: cheap_import: lädt aus dem Netz zu 12,0 ct/kWh, statt zu warten: gespeicherte Energie ist 12,6 ct/kWh wert
            auto: cover_load: versorgt das Haus statt des Netzes zu 22,0 ct/kWh: gespeicherte Energie ist 12,6 ct/kWh wert
            auto: solar_surplus: speichert, was die Sonne übrig lässt (das Netz würde 5,0 ct/kWh zahlen)
            hold: hold_for_later: hält seine Energie für 01.01. 17:00, wenn das Netz 40,0 ct/kWh kostet; jetzt kostet es 22,0 ct/kWh
            auto: cover_load: versorgt das Haus statt des Netzes zu 40,0 ct/kWh: gespeicherte Energie ist 38,0 ct/kWh wert
            auto: empty: hat nichts zu geben"#]],
    );
}

#[test]
fn a_slot_as_a_whole_is_told_by_what_moves_most() {
    let mut problem = home(44, 4);
    problem.export_max_w = 0.0;
    problem.batteries[0].now_wh = 10_000.0;
    let plan = fresh(&problem);
    let reasons = explain(&problem, &plan.outcome, &[]);
    assert_eq!(reasons[0][0].code(), "full");
    assert_eq!(main_reason(&problem, &plan.outcome, 0, &reasons[0]).code(), "curtail");
    assert_eq!(plan.modes[0][0], BatteryMode::Auto);
    problem.batteries[0].now_wh = 3000.0;
    let plan = fresh(&problem);
    let reasons = plan.reasons(&problem);
    assert_eq!(main_reason(&problem, &plan.outcome, 0, &reasons[0]).code(), "solar_surplus");
}
