//! The judgement of what was read back and measured. Pure.

use std::time::Duration;

use ohmstead_drivers::{ModeNow, Plan};
use ohmstead_model::Outcome;
use ohmstead_units::BatteryPower;

use super::words;
use crate::hub::span_words;

/// A power counts as reached within this many watts ...
const TOLERANCE_W: f64 = 30.0;
/// ... or this share of what was asked, whichever is more ...
const NEAR_SHARE: f64 = 0.15;
/// ... and only if it is at least this share of it.
const LEAST_SHARE: f64 = 0.5;
/// What a unit at rest may still draw or give.
const STILL_W: f64 = 50.0;
/// Less than this is no clear movement.
const NEAR_W: f64 = 100.0;
/// A unit whose own limit is lower than this share of the wish is not believed to obey.
const LIMIT_SHARE: f64 = 0.25;

/// From this state of charge on a battery may be too full to charge.
const FULL_PCT: f64 = 98.0;
/// Up to this state of charge a battery may be too empty to discharge.
const EMPTY_PCT: f64 = 13.0;

/// An outcome with its reason.
pub(super) type Verdict = (Outcome, String);

/// What became of the write, as far as the device's reply tells.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Yes,
    No(String),
    Nothing(String),
}

/// Whose write made the device what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The very same write, by this process.
    Ours,
    /// Anybody's.
    Unknown,
}

/// Whether the device is in the mode that the plan leads to, in the device's own words.
pub(super) fn in_mode(plan: &Plan, now: &ModeNow) -> bool {
    now.native.trim().eq_ignore_ascii_case(plan.expect_word.trim())
}

/// Whether a write would change nothing.
///
/// The device's word may say everything, as about modes without parameters. Behind any other (a schedule, a set
/// point) may stand something else than what is asked, unless the power shows it. What the device ends by itself has to be
/// written again: its timer starts anew. No power at all proves nothing about a schedule that may act later, unless it is
/// ours.
pub(super) fn is_unchanged(plan: &Plan, now: &ModeNow, origin: Origin) -> bool {
    if plan.lasts.is_some() || !in_mode(plan, now) {
        return false;
    }
    match (plan.expect_power, now.power) {
        _ if plan.word_is_all => true,
        (Some(expected), Some(power)) => {
            near(expected, power) && (expected.supplied().0 != 0.0 || origin == Origin::Ours)
        }
        _ => false,
    }
}

/// Whether a measured power is what was asked: in the right direction and about as much; for none, about none.
pub(super) fn near(expected: BatteryPower, measured: BatteryPower) -> bool {
    let (expected, measured) = (expected.supplied().0, measured.supplied().0);
    if expected == 0.0 {
        return measured.abs() <= STILL_W;
    }
    let share = measured / expected;
    share >= LEAST_SHARE && (measured - expected).abs() <= TOLERANCE_W.max(NEAR_SHARE * expected.abs())
}

/// The verdict where the mode that was read back is another one, or could not be read.
pub(super) fn other_mode(reply: &Reply, read_back: Option<&ModeNow>, plan: &Plan) -> Verdict {
    let expected = &plan.expect_word;
    match (reply, read_back) {
        (Reply::Yes, Some(now)) => {
            let reason = format!("the device said yes, but it reads {} instead of {expected}", now.native);
            (Outcome::Ineffective, reason)
        }
        (Reply::No(why), Some(now)) => {
            (Outcome::Rejected, format!("the device refused ({why}) and it reads {}", now.native))
        }
        (Reply::Nothing(why), Some(now)) => {
            (Outcome::Failed, format!("the write went unanswered ({why}) and it reads {}", now.native))
        }
        (Reply::Yes, None) => {
            (Outcome::Failed, "the device said yes, but it could not be read back".to_owned())
        }
        (Reply::No(why), None) => {
            (Outcome::Failed, format!("the device refused ({why}) and it could not be read back"))
        }
        (Reply::Nothing(why), None) => (Outcome::Failed, why.clone()),
    }
}

/// The verdict where a plan of several writes was cut short: the mode may read right after the first of them, and what
/// the others were for was not done.
pub(super) fn incomplete(reply: &Reply, plan: &Plan) -> Option<Verdict> {
    let count = plan.writes.len();
    let reason = |why: &str| format!("not all of {count} writes were taken: {why}");
    match reply {
        Reply::No(why) if count > 1 => Some((Outcome::Rejected, reason(why))),
        Reply::Nothing(why) if count > 1 => Some((Outcome::Failed, reason(why))),
        _ => None,
    }
}

/// The verdict where the mode is right and no power follows from it. `was` is the device before the write: a mode that
/// it had before proves nothing about a write that it did not say yes to.
pub(super) fn unmeasured(reply: &Reply, plan: &Plan, was: &ModeNow) -> Verdict {
    let proven = !in_mode(plan, was);
    match reply {
        Reply::Yes => (Outcome::AcceptedUnmeasured, format!("it reads {}", plan.expect_word)),
        Reply::No(_) | Reply::Nothing(_) if proven => {
            let reason = format!("it reads {} although the device did not say yes", plan.expect_word);
            (Outcome::AcceptedUnmeasured, reason)
        }
        Reply::No(why) => (Outcome::Rejected, format!("the device refused: {why}")),
        Reply::Nothing(why) => (Outcome::Failed, why.clone()),
    }
}

/// What the measurements showed until the time was up.
pub(super) struct Measured {
    /// What was asked.
    pub(super) expected: BatteryPower,
    /// The power before the write.
    pub(super) before: Option<BatteryPower>,
    /// The last two measurements, the newer one last.
    pub(super) last: [Option<BatteryPower>; 2],
    /// The state of charge, if known.
    pub(super) soc: Option<f64>,
    /// How long the power was watched.
    pub(super) after: Duration,
}

/// The verdict once the power is as asked.
pub(super) fn followed(measured: BatteryPower, after: Duration) -> Verdict {
    let reason = format!("measured {} after {}", words::power(measured), span_words(after));
    (Outcome::Confirmed, reason)
}

/// The verdict where the power was not as asked when the time was up.
pub(super) fn not_followed(measured: &Measured) -> Verdict {
    let asked = words::power(measured.expected);
    let Some(power) = measured.last[1] else {
        let reason =
            format!("the mode is right, but no power was reported within {}", span_words(measured.after));
        return (Outcome::AcceptedUnmeasured, reason);
    };
    let found =
        format!("{asked} asked, {} measured after {}", words::power(power), span_words(measured.after));
    if at_its_limit(measured, power) {
        return (
            Outcome::Confirmed,
            format!("{found}: steady in the right direction, so a limit of the unit's own"),
        );
    }
    let why = obstacle(measured).map(|why| format!(": {why}")).unwrap_or_default();
    (Outcome::Ineffective, format!("{found}{why}"))
}

/// The power moved towards what was asked, clearly, and stays short of it: the unit's limit is lower than the wish.
fn at_its_limit(measured: &Measured, power: BatteryPower) -> bool {
    let (Some(before), Some(earlier)) = (measured.before, measured.last[0]) else { return false };
    let expected = measured.expected.supplied().0;
    let towards = |power: BatteryPower| power.supplied().0 * expected.signum();
    let moved = towards(power) - towards(before);
    let least = NEAR_W.max(LIMIT_SHARE * expected.abs());
    let short = (least..expected.abs()).contains(&towards(power));
    short && moved >= NEAR_W && (towards(power) - towards(earlier)).abs() <= NEAR_W / 2.0
}

fn obstacle(measured: &Measured) -> Option<String> {
    let soc = measured.soc?;
    let expected = measured.expected.supplied().0;
    if expected < 0.0 && soc >= FULL_PCT {
        Some(format!("the battery is full ({soc:.0} %)"))
    } else if expected > 0.0 && soc <= EMPTY_PCT {
        Some(format!("the battery is empty ({soc:.0} %)"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use ohmstead_units::Watts;
    use rstest::rstest;

    use super::*;

    fn plan(expect_word: &str, expect_power: Option<f64>) -> Plan {
        Plan {
            writes: vec![],
            expect_word: expect_word.to_owned(),
            word_is_all: false,
            expect_power: expect_power.map(watts),
            settle: Duration::ZERO,
            effect_within: Duration::ZERO,
            lasts: None,
            follow_every: None,
            wear: None,
        }
    }

    /// A plan whose word says everything.
    fn told(expect_word: &str) -> Plan {
        Plan { word_is_all: true, ..plan(expect_word, None) }
    }

    fn watts(supplied: f64) -> BatteryPower {
        BatteryPower::discharging(Watts(supplied))
    }

    fn now(native: &str, power: Option<f64>) -> ModeNow {
        ModeNow { native: native.to_owned(), power: power.map(watts), soc: None }
    }

    #[rstest]
    #[case::same_word(told("Auto"), now("auto", None), true)]
    #[case::other_word(told("Auto"), now("Manual", None), false)]
    #[case::same_power(plan("Passive", Some(-800.0)), now("Passive", Some(-910.0)), true)]
    #[case::other_power(plan("Passive", Some(-800.0)), now("Passive", Some(-930.0)), false)]
    #[case::wrong_direction(plan("Passive", Some(-50.0)), now("Passive", Some(60.0)), false)]
    #[case::no_power(plan("Passive", Some(-800.0)), now("Passive", None), false)]
    #[case::a_schedule_may_be_anything(plan("Manual", None), now("Manual", Some(0.0)), false)]
    #[case::no_power_may_be_a_pause(plan("Manual", Some(0.0)), now("Manual", Some(0.0)), false)]
    #[case::more_time(ending(plan("Passive", Some(-800.0))), now("Passive", Some(-800.0)), false)]
    fn a_write_that_changes_nothing(#[case] plan: Plan, #[case] now: ModeNow, #[case] unchanged: bool) {
        assert_eq!(is_unchanged(&plan, &now, Origin::Unknown), unchanged);
    }

    /// A plan that the device ends by itself.
    fn ending(plan: Plan) -> Plan {
        Plan { lasts: Some(Duration::from_secs(60)), ..plan }
    }

    #[rstest]
    #[case(Reply::Yes, Some("Auto"), Outcome::Ineffective)]
    #[case(Reply::No("false".into()), Some("Auto"), Outcome::Rejected)]
    #[case(Reply::Nothing("silence".into()), Some("Auto"), Outcome::Failed)]
    #[case(Reply::Yes, None, Outcome::Failed)]
    #[case(Reply::No("false".into()), None, Outcome::Failed)]
    #[case(Reply::Nothing("silence".into()), None, Outcome::Failed)]
    fn the_mode_is_another(#[case] reply: Reply, #[case] read: Option<&str>, #[case] outcome: Outcome) {
        let read = read.map(|native| now(native, None));
        assert_eq!(other_mode(&reply, read.as_ref(), &plan("Passive", None)).0, outcome);
    }

    #[rstest]
    #[case::yes(Reply::Yes, "Manual", Outcome::AcceptedUnmeasured)]
    #[case::a_no_proves_nothing(Reply::No("false".into()), "Manual", Outcome::AcceptedUnmeasured)]
    #[case::lost_reply(Reply::Nothing("silence".into()), "Manual", Outcome::AcceptedUnmeasured)]
    #[case::it_was_so_before(Reply::No("false".into()), "Auto", Outcome::Rejected)]
    #[case::it_was_so_before_too(Reply::Nothing("silence".into()), "Auto", Outcome::Failed)]
    fn the_mode_is_right(#[case] reply: Reply, #[case] was: &str, #[case] outcome: Outcome) {
        assert_eq!(unmeasured(&reply, &plan("Auto", None), &now(was, None)).0, outcome);
    }

    #[rstest]
    #[case::no_meter(-800.0, Some(0.0), [None, None], 50.0, Outcome::AcceptedUnmeasured)]
    #[case::nothing_happens(-800.0, Some(0.0), [Some(0.0), Some(0.0)], 50.0, Outcome::Ineffective)]
    #[case::the_other_way(-800.0, Some(0.0), [Some(400.0), Some(400.0)], 50.0, Outcome::Ineffective)]
    #[case::own_limit(-2500.0, Some(100.0), [Some(-790.0), Some(-800.0)], 50.0, Outcome::Confirmed)]
    #[case::own_limit_discharging(2500.0, Some(0.0), [Some(805.0), Some(800.0)], 50.0, Outcome::Confirmed)]
    #[case::still_moving(-2500.0, Some(0.0), [Some(-300.0), Some(-800.0)], 50.0, Outcome::Ineffective)]
    #[case::it_did_so_before(-2500.0, Some(-800.0), [Some(-800.0), Some(-800.0)], 50.0, Outcome::Ineffective)]
    #[case::too_much(-300.0, Some(0.0), [Some(-800.0), Some(-800.0)], 50.0, Outcome::Ineffective)]
    #[case::idle_is_not_idle(0.0, Some(0.0), [Some(-800.0), Some(-800.0)], 50.0, Outcome::Ineffective)]
    fn the_power_is_another(
        #[case] expected: f64,
        #[case] before: Option<f64>,
        #[case] last: [Option<f64>; 2],
        #[case] soc: f64,
        #[case] outcome: Outcome,
    ) {
        let measured = Measured {
            expected: watts(expected),
            before: before.map(watts),
            last: last.map(|power| power.map(watts)),
            soc: Some(soc),
            after: Duration::from_secs(60),
        };
        assert_eq!(not_followed(&measured).0, outcome);
    }

    #[test]
    fn a_full_battery_is_named() {
        let measured = Measured {
            expected: watts(-800.0),
            before: Some(watts(0.0)),
            last: [Some(watts(0.0)); 2],
            soc: Some(100.0),
            after: Duration::from_secs(60),
        };
        let (_, reason) = not_followed(&measured);
        assert_eq!(reason, "charging 800 W asked, 0 W measured after 60 s: the battery is full (100 %)");
    }
}
