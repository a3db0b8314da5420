//! One decision per device from everything that was proposed for it.
//!
//! ```text
//! bounds:  safety ∩ limiter ∩ ..., from the highest priority down to the wish; one that would leave nothing is passed over
//! wish:    the highest one there is, moved to the nearest power that these bounds allow; `auto` where there are only bounds
//! device:  what this very device can do that keeps the bounds
//! ```

use ohmstead_model::{BatteryMode, DeviceId};
use ohmstead_units::Watts;

use crate::{Bounds, Desired, Proposal, Reason, Said, Who};

/// The decision for one device. `proposals` are those for it, in any order; `modes` is what it can do as its driver tells,
/// empty where that is not known yet.
pub fn decide(device: &DeviceId, mut proposals: Vec<Proposal>, modes: &[String]) -> Desired {
    proposals.sort_by_key(|proposal| proposal.who);
    let said = proposals.iter().map(Said::of).collect();
    let desired = Desired { said, ..Desired::hands_off(device.clone()) };
    let wish = proposals.iter().position(|proposal| proposal.wants.is_some());
    let bounding = &proposals[..wish.map_or(proposals.len(), |wish| wish + 1)];
    let bounds = bounding.iter().fold(Bounds::ANY, |bounds, next| bounds.narrowed_by(next.bounds));
    let wish = wish.and_then(|wish| proposals.get(wish));
    let wanted = wish.and_then(|wish| wish.wants.clone());
    if wanted.is_none() && bounds == Bounds::ANY {
        return desired;
    }
    let wanted = wanted.unwrap_or(BatteryMode::Auto);
    let fitted = fit(&wanted, bounds);
    let bounded_by = if fitted.is(&wanted) { Vec::new() } else { bounding_by(bounding) };
    let reason = match (wish, bounded_by.first()) {
        (Some(wish), None) => wish.reason.clone(),
        (wish, _) => narrowest(bounding).or(wish).map_or(Reason::NobodyAsks, |by| by.reason.clone()),
    };
    let desired = Desired { chosen: wish.map(|wish| wish.who), bounds, bounded_by, reason, ..desired };
    express(desired, fitted, modes)
}

/// A mode within bounds.
#[derive(Debug, Clone, PartialEq)]
struct Fitted {
    mode: BatteryMode,
    /// The most that `auto` may discharge with.
    discharge_max: Option<Watts>,
}

impl Fitted {
    fn plain(mode: BatteryMode) -> Self {
        Self { mode, discharge_max: None }
    }

    fn is(&self, wanted: &BatteryMode) -> bool {
        self.mode == *wanted && self.discharge_max.is_none()
    }
}

/// The nearest to `wanted` within `bounds`.
fn fit(wanted: &BatteryMode, bounds: Bounds) -> Fitted {
    match wanted {
        BatteryMode::Hold => follow(bounds.narrowed_by(Bounds::NO_DISCHARGE)),
        BatteryMode::HoldCharge => follow(bounds.narrowed_by(Bounds::NO_CHARGE)),
        BatteryMode::Idle => Fitted::plain(BatteryMode::Idle),
        BatteryMode::Charge { power, .. } => directed(power.map(|power| -power), -1.0, wanted, bounds),
        BatteryMode::Discharge { power } => directed(*power, 1.0, wanted, bounds),
        // What a mode of the brand's own does is not known: it is taken only where everything is allowed.
        BatteryMode::Native(_) if bounds == Bounds::ANY => Fitted::plain(wanted.clone()),
        BatteryMode::Auto | BatteryMode::Native(_) => follow(bounds),
    }
}

/// The device follows the meter within `bounds`.
fn follow(bounds: Bounds) -> Fitted {
    let (charges, discharges) = (bounds.lowest().0 < 0.0, bounds.highest().0 > 0.0);
    let mode = match (charges, discharges) {
        (true, true) => BatteryMode::Auto,
        (true, false) => BatteryMode::Hold,
        (false, true) => BatteryMode::HoldCharge,
        (false, false) => BatteryMode::Idle,
    };
    let limit = bounds.highest();
    Fitted { mode, discharge_max: (discharges && limit.0.is_finite()).then_some(limit) }
}

/// A charge (`direction` -1) or a discharge (1) with the allowed power nearest to what is asked; the device's own most
/// where nothing is asked and nothing bounds it.
fn directed(power: Option<Watts>, direction: f64, wanted: &BatteryMode, bounds: Bounds) -> Fitted {
    let most = Watts(direction * f64::INFINITY);
    let nearest = bounds.nearest(power.unwrap_or(most));
    if nearest.0.is_infinite() || power == Some(nearest) {
        return Fitted::plain(wanted.clone());
    }
    if nearest.0 * direction <= 0.0 {
        return follow(bounds);
    }
    let power = Some(Watts(nearest.0.abs()));
    Fitted::plain(match wanted {
        BatteryMode::Discharge { .. } => BatteryMode::Discharge { power },
        _ => BatteryMode::Charge { power, until: None },
    })
}

/// Whose bounds narrow what is left by those above them.
fn bounding_by(proposals: &[Proposal]) -> Vec<Who> {
    let mut bounds = Bounds::ANY;
    let mut by = Vec::new();
    for proposal in proposals {
        let narrowed = bounds.narrowed_by(proposal.bounds);
        if narrowed != bounds && !by.contains(&proposal.who) {
            by.push(proposal.who);
        }
        bounds = narrowed;
    }
    by
}

/// The last that narrows: what remains is by its will.
fn narrowest(proposals: &[Proposal]) -> Option<&Proposal> {
    let mut bounds = Bounds::ANY;
    let mut last = None;
    for proposal in proposals {
        let narrowed = bounds.narrowed_by(proposal.bounds);
        if narrowed != bounds {
            last = Some(proposal);
        }
        bounds = narrowed;
    }
    last
}

/// What comes next to a mode that a device does not have, without doing what the mode forbids.
fn stand_ins(mode: &BatteryMode) -> &'static [BatteryMode] {
    match mode {
        BatteryMode::Hold | BatteryMode::HoldCharge => &[BatteryMode::Idle],
        _ => &[],
    }
}

/// The decision in what this very device can do.
fn express(desired: Desired, fitted: Fitted, modes: &[String]) -> Desired {
    let can = |mode: &BatteryMode| modes.is_empty() || modes.contains(&mode.key());
    if can(&fitted.mode) {
        return Desired { mode: Some(fitted.mode), discharge_max: fitted.discharge_max, ..desired };
    }
    match stand_ins(&fitted.mode).iter().find(|mode| can(mode)) {
        Some(mode) => Desired { mode: Some(mode.clone()), ..desired },
        None => Desired { reason: Reason::CannotDo(fitted.mode), ..desired },
    }
}

impl Said {
    fn of(proposal: &Proposal) -> Self {
        let Proposal { who, wants, bounds, reason, .. } = proposal;
        Self { who: *who, wants: wants.clone(), bounds: *bounds, reason: reason.clone() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const MARSTEK: &[&str] = &["auto", "idle", "charge", "discharge", "native:ai"];
    const VICTRON: &[&str] = &["auto", "hold", "charge", "discharge"];

    fn id() -> DeviceId {
        "a".parse().unwrap()
    }

    fn wish(who: Who, mode: &str) -> Proposal {
        Proposal::wish(who, id(), mode.parse().unwrap(), Reason::NobodyAsks)
    }

    fn bound(who: Who, bounds: Bounds) -> Proposal {
        Proposal::bound(who, id(), bounds, Reason::SocUnknown)
    }

    fn decided(proposals: Vec<Proposal>, modes: &[&str]) -> String {
        let modes: Vec<_> = modes.iter().map(|mode| (*mode).to_owned()).collect();
        let desired = decide(&id(), proposals, &modes);
        let mode = desired.mode.as_ref().map_or("-".to_owned(), ToString::to_string);
        let limit = desired.discharge_max.map(|limit| format!(" at most {limit}")).unwrap_or_default();
        let by = desired.chosen.map_or("-", Who::key);
        let bounded: Vec<_> = desired.bounded_by.iter().map(|who| who.key()).collect();
        let bounded = if bounded.is_empty() { String::new() } else { format!(" < {}", bounded.join(", ")) };
        format!("{mode}{limit} by {by}{bounded}")
    }

    fn no_discharge() -> Proposal {
        bound(Who::Safety, Bounds::NO_DISCHARGE)
    }

    fn at_most(watts: f64) -> Proposal {
        bound(Who::Limiter, Bounds::discharge_max(Watts(watts)))
    }

    #[rstest]
    #[case::nobody(vec![], VICTRON, "- by -")]
    #[case::only_a_bound(vec![no_discharge()], VICTRON, "hold by - < safety")]
    #[case::only_a_limit(vec![at_most(800.0)], VICTRON, "auto at most 800 W by - < limiter")]
    #[case::a_wish(vec![wish(Who::Schedule, "hold")], VICTRON, "hold by schedule")]
    #[case::hold_on_a_unit_without(vec![wish(Who::Schedule, "hold")], MARSTEK, "idle by schedule")]
    #[case::the_higher_wish(vec![wish(Who::Rotation, "idle"), wish(Who::Override, "auto")], MARSTEK, "auto by override")]
    #[case::a_wish_in_bounds(vec![wish(Who::Override, "discharge 500 W"), at_most(800.0)], VICTRON, "discharge 500 W by override")]
    #[case::too_much(vec![wish(Who::Override, "discharge 2 kW"), at_most(800.0)], VICTRON, "discharge 800 W by override < limiter")]
    #[case::as_much_as_it_can(vec![wish(Who::Override, "discharge"), at_most(800.0)], VICTRON, "discharge 800 W by override < limiter")]
    #[case::the_reserve(vec![wish(Who::Override, "discharge 2 kW"), no_discharge()], VICTRON, "hold by override < safety")]
    #[case::the_reserve_of_a_marstek(vec![wish(Who::Override, "auto"), no_discharge()], MARSTEK, "idle by override < safety")]
    #[case::charging_is_allowed(vec![wish(Who::Override, "charge 1 kW"), no_discharge()], MARSTEK, "charge 1000 W by override")]
    #[case::a_mode_that_may_do_anything(vec![wish(Who::Override, "native:ai"), no_discharge()], MARSTEK, "idle by override < safety")]
    #[case::a_native_mode(vec![wish(Who::Override, "native:ai")], MARSTEK, "native:ai by override")]
    #[case::what_no_unit_can(vec![wish(Who::Schedule, "idle")], VICTRON, "- by schedule")]
    #[case::not_known_yet(vec![wish(Who::Schedule, "idle")], &[], "idle by schedule")]
    fn decisions(#[case] proposals: Vec<Proposal>, #[case] modes: &[&str], #[case] decision: &str) {
        assert_eq!(decided(proposals, modes), decision);
    }

    fn whos() -> impl Strategy<Value = Who> {
        prop::sample::select(vec![Who::Safety, Who::Limiter, Who::Override, Who::Schedule, Who::Rotation])
    }

    fn modes() -> impl Strategy<Value = BatteryMode> {
        let power = prop::option::of((1.0..9000.0).prop_map(Watts));
        prop_oneof![
            Just(BatteryMode::Auto),
            Just(BatteryMode::Hold),
            Just(BatteryMode::HoldCharge),
            Just(BatteryMode::Idle),
            Just(BatteryMode::Native("ai".to_owned())),
            power.clone().prop_map(|power| BatteryMode::Charge { power, until: None }),
            power.prop_map(|power| BatteryMode::Discharge { power }),
        ]
    }

    fn bounds() -> impl Strategy<Value = Bounds> {
        prop_oneof![
            3 => Just(Bounds::ANY),
            1 => Just(Bounds::NO_DISCHARGE),
            1 => Just(Bounds::NO_CHARGE),
            1 => (0.0..9000.0).prop_map(|power| Bounds::discharge_max(Watts(power))),
            1 => (0.0..9000.0).prop_map(|power| Bounds::charge_max(Watts(power))),
        ]
    }

    fn proposals() -> impl Strategy<Value = Vec<Proposal>> {
        let one = (whos(), prop::option::of(modes()), bounds());
        prop::collection::vec(one, 0..6).prop_map(|all| {
            let proposal = |(who, wants, bounds)| Proposal {
                who,
                device: id(),
                wants,
                bounds,
                reason: Reason::NobodyAsks,
            };
            all.into_iter().map(proposal).collect()
        })
    }

    /// Between which powers a mode may lead the battery; `None` where nobody can tell.
    fn reach(desired: &Desired) -> Option<(f64, f64)> {
        let any = (f64::NEG_INFINITY, f64::INFINITY);
        Some(match desired.mode.as_ref()? {
            BatteryMode::Auto => (any.0, desired.discharge_max.map_or(any.1, |limit| limit.0)),
            BatteryMode::Native(_) => any,
            BatteryMode::Hold => (any.0, 0.0),
            BatteryMode::HoldCharge => (0.0, desired.discharge_max.map_or(any.1, |limit| limit.0)),
            BatteryMode::Idle => (0.0, 0.0),
            BatteryMode::Charge { power, .. } => (power.map_or(any.0, |power| -power.0), 0.0),
            BatteryMode::Discharge { power } => (0.0, power.map_or(any.1, |power| power.0)),
        })
    }

    proptest! {
        /// Whatever is proposed, what comes out keeps the bounds of everybody above the wish that was taken, but for those
        /// that contradict a higher one. On the side of charging a mode that follows the meter keeps them only where they
        /// forbid it: devices have no limit for it.
        #[test]
        fn discharge_stays_in_bounds(proposals in proposals()) {
            let desired = decide(&id(), proposals, &[]);
            if let Some((_, most)) = reach(&desired) {
                prop_assert!(most <= desired.bounds.highest().0.max(0.0), "{desired:?}");
            }
        }

        /// Adding a proposal of a lower priority than the wish changes nothing.
        #[test]
        fn a_lower_priority_changes_nothing(proposals in proposals(), wants in modes(), bounds in bounds()) {
            let wished = proposals.iter().any(|proposal| proposal.wants.is_some() && proposal.who < Who::Rotation);
            prop_assume!(wished);
            let mut more = proposals.clone();
            more.push(Proposal { who: Who::Rotation, device: id(), wants: Some(wants), bounds, reason: Reason::NobodyAsks });
            let (one, other) = (decide(&id(), proposals, &[]), decide(&id(), more, &[]));
            prop_assert!(one.is_same_as(&other), "{one:?} {other:?}");
        }

        /// The order in which proposers speak does not matter, as long as no two of one priority contradict each other.
        #[test]
        fn no_wish_and_no_bound_is_hands_off(proposals in proposals()) {
            let quiet: Vec<_> = proposals.into_iter().map(|proposal| Proposal { wants: None, bounds: Bounds::ANY, ..proposal }).collect();
            prop_assert_eq!(decide(&id(), quiet, &[]).mode, None);
        }
    }
}
