//! Limits that somebody lowers while the program runs. The configuration is the owner's bound: what is asked for counts
//! where it is less, and never where it is more.

use std::collections::BTreeMap;

use ohmstead_model::{LimitRefused, SiteLimit};
use ohmstead_units::Watts;

use super::{Limit, Name, Settings};

/// What was asked for, by limit. It outlives a configuration that does not have the limit.
pub type Asked = BTreeMap<Name, Watts>;

impl Settings {
    /// The limits as they count with what was asked for.
    #[must_use]
    pub fn lowered(&self, asked: &Asked) -> Self {
        let mut lowered = self.clone();
        for name in Name::ALL {
            let counts = self.shown_one(name, asked).map(|shown| shown.counts());
            if let (Some(limit), Some(counts)) = (lowered.limit_mut(name), counts) {
                limit.max = counts;
            }
        }
        lowered
    }

    /// The limits that are set, with what was asked for.
    pub fn shown(&self, asked: &Asked) -> Vec<SiteLimit> {
        Name::ALL.into_iter().filter_map(|name| self.shown_one(name, asked)).collect()
    }

    /// What is asked for after `max` is asked for of a limit; `None`, and what the configuration says anyway, asks for
    /// nothing.
    pub fn ask(&self, asked: &Asked, name: Name, max: Option<Watts>) -> Result<Asked, LimitRefused> {
        let shown = self.shown_one(name, asked).ok_or(LimitRefused::NotConfigured(name))?;
        let mut next = asked.clone();
        match max {
            Some(power) if !shown.takes(power) => {
                let SiteLimit { lowest, max, .. } = shown;
                return Err(LimitRefused::OutOfBounds { asked: power, lowest, max });
            }
            Some(power) if power < shown.max => next.insert(name, power),
            _ => next.remove(&name),
        };
        Ok(next)
    }

    fn shown_one(&self, name: Name, asked: &Asked) -> Option<SiteLimit> {
        let (_, limit) = self.limits().find(|(known, _)| *known == name)?;
        Some(SiteLimit {
            name,
            max: limit.max,
            lowest: lowest(name, limit),
            asked: asked.get(&name).copied(),
        })
    }

    fn limit_mut(&mut self, name: Name) -> Option<&mut Limit> {
        match name {
            Name::MultiOutput => self.multi_output.as_mut(),
            Name::BatteryDischarge => self.battery_discharge.as_mut(),
            Name::FeedIn => self.feed_in.as_mut(),
            Name::GridImport => self.grid_import.as_mut(),
        }
    }
}

/// The least that can be asked for: what the devices are left with anyway.
fn lowest(name: Name, limit: &Limit) -> Watts {
    let floor = limit.floor_of(name);
    if floor < limit.max { floor } else { limit.max }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn settings(yaml: &str) -> Settings {
        serde_saphyr::from_str(yaml).unwrap()
    }

    fn asked(name: Name, power: f64) -> Asked {
        Asked::from([(name, Watts(power))])
    }

    const SITE: &str =
        "{ multi_output: { max: 30 kW, floor: 2 kW }, feed_in: { max: 5 kW }, grid_import: { max: 0 } }";

    #[rstest]
    #[case::nothing(Asked::new(), "30000 W, 5000 W, 0 W")]
    #[case::less(asked(Name::MultiOutput, 20_000.0), "20000 W, 5000 W, 0 W")]
    #[case::more_than_the_file(asked(Name::MultiOutput, 40_000.0), "30000 W, 5000 W, 0 W")]
    #[case::of_no_limit(asked(Name::BatteryDischarge, 10.0), "30000 W, 5000 W, 0 W")]
    #[case::none_at_all(asked(Name::FeedIn, 0.0), "30000 W, 0 W, 0 W")]
    fn what_counts(#[case] asked: Asked, #[case] expected: &str) {
        let lowered = settings(SITE).lowered(&asked);
        let counts: Vec<_> = lowered.limits().map(|(_, limit)| limit.max.to_string()).collect();
        assert_eq!(counts.join(", "), expected);
        let shown: Vec<_> =
            settings(SITE).shown(&asked).iter().map(|limit| limit.counts().to_string()).collect();
        assert_eq!(shown, counts);
    }

    #[rstest]
    #[case::lowered(Name::MultiOutput, Some(20_000.0), Ok(Some(20_000.0)))]
    #[case::the_floor(Name::MultiOutput, Some(2000.0), Ok(Some(2000.0)))]
    #[case::what_the_file_says(Name::MultiOutput, Some(30_000.0), Ok(None))]
    #[case::back(Name::MultiOutput, None, Ok(None))]
    #[case::nothing_of_it(Name::FeedIn, Some(0.0), Ok(Some(0.0)))]
    #[case::below_the_floor(
        Name::MultiOutput,
        Some(1999.0),
        Err("1999 W is not between 2000 W and 30000 W, which the configuration allows")
    )]
    #[case::above_the_file(
        Name::FeedIn,
        Some(5001.0),
        Err("5001 W is not between 0 W and 5000 W, which the configuration allows")
    )]
    #[case::no_number(
        Name::FeedIn,
        Some(f64::NAN),
        Err("NaN W is not between 0 W and 5000 W, which the configuration allows")
    )]
    #[case::nowhere_to_go(Name::GridImport, Some(0.0), Ok(None))]
    #[case::no_such(
        Name::BatteryDischarge,
        Some(100.0),
        Err("the configuration has no limit battery_discharge")
    )]
    fn asking(#[case] name: Name, #[case] max: Option<f64>, #[case] expected: Result<Option<f64>, &str>) {
        let before = asked(Name::MultiOutput, 10_000.0);
        let found = settings(SITE).ask(&before, name, max.map(Watts));
        match (found, expected) {
            (Ok(next), Ok(expected)) => assert_eq!(next.get(&name).copied(), expected.map(Watts)),
            (Err(refused), Err(expected)) => assert_eq!(refused.to_string(), expected),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    /// What is fed in may be limited below what the devices are left with.
    #[test]
    fn a_floor_above_the_limit_leaves_nothing_to_ask_for() {
        let settings = settings("{ feed_in: { max: 1 kW, floor: 2 kW } }");
        let [limit] = settings.shown(&Asked::new())[..] else { panic!("one limit") };
        assert_eq!((limit.lowest, limit.counts()), (Watts(1000.0), Watts(1000.0)));
    }

    proptest! {
        /// Whatever was asked for, of whatever configuration: never more than the file allows.
        #[test]
        fn nothing_widens_what_the_file_says(
            max in 0.0..100_000.0_f64,
            floor in proptest::option::of(0.0..100_000.0_f64),
            kept in proptest::num::f64::ANY,
            wanted in proptest::option::of(proptest::num::f64::ANY),
        ) {
            let limit = Limit { floor: floor.map(Watts), ..Limit::of(Watts(max)) };
            for name in Name::ALL {
                let mut settings = Settings::default();
                match name {
                    Name::MultiOutput => settings.multi_output = Some(limit.clone()),
                    Name::BatteryDischarge => settings.battery_discharge = Some(limit.clone()),
                    Name::FeedIn => settings.feed_in = Some(limit.clone()),
                    Name::GridImport => settings.grid_import = Some(limit.clone()),
                }
                let kept = asked(name, kept);
                let next = settings.ask(&kept, name, wanted.map(Watts)).unwrap_or(kept);
                let (_, lowered) = settings.lowered(&next).limits().map(|(name, limit)| (name, limit.clone())).next().unwrap();
                prop_assert!(lowered.max.0 <= max);
                prop_assert_eq!(Limit { max: limit.max, ..lowered }, limit.clone(), "nothing else of it changes");
            }
        }
    }
}
