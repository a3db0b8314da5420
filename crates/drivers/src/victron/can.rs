//! Errors on the CAN buses of a GX device, as a rate. Pure.
//!
//! The platform service has the kernel's statistics of each interface as a text with JSON. Its counters only grow, until
//! the device restarts: hundreds of errors among millions of packets are harmless, a hundred more within minutes are not.

use std::collections::BTreeMap;
use std::time::Duration;

use ohmstead_model::{Metric, Moment, Notice, Observation, Severity, Unknown, Value};
use serde_json::Value as Json;

use super::canonical::Values;
use super::native;
use super::tree::Tree;

/// Where the statistics of an interface are.
const BEFORE: &str = "/CanBus/Interface/";
const BEHIND: &str = "/Statistics";
/// Two looks closer than this tell no rate.
const SPAN_MIN: Duration = Duration::from_secs(50);
/// Statistics that were not renewed for so long are old.
const SPAN_MAX: Duration = Duration::from_secs(900);
/// More buses than any device has.
const BUSES_MAX: usize = 8;
/// Errors a minute that somebody should look at: a hundred in five minutes.
const MANY: f64 = 20.0;

/// What the statistics of one interface say.
#[derive(Debug, Clone, PartialEq)]
struct Counters {
    state: Option<String>,
    errors: u64,
    packets: u64,
}

impl Counters {
    fn read(text: &str) -> Option<Self> {
        let json: Json = serde_json::from_str(text).ok()?;
        let link = json.get(0).unwrap_or(&json);
        let number = |pointer: &str| link.pointer(pointer).and_then(Json::as_u64);
        let sum = |pointers: &[&str]| {
            pointers.iter().filter_map(|pointer| number(pointer)).fold(0, u64::saturating_add)
        };
        let packets = number("/stats64/rx/packets")?.saturating_add(number("/stats64/tx/packets")?);
        let errors = sum(&["/stats64/rx/errors", "/stats64/tx/errors", "/stats64/rx/over_errors"]);
        let state = link.pointer("/linkinfo/info_data/state").and_then(Json::as_str);
        let state = state.map(|state| state.chars().take(32).collect());
        Some(Self { state, errors, packets })
    }
}

/// One interface over time.
#[derive(Debug, Clone)]
struct Track {
    counters: Counters,
    /// When these counters were told.
    at: Moment,
    /// Errors a minute; `None` until two looks tell one.
    rate: Option<f64>,
}

/// The interfaces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Can {
    tracks: BTreeMap<String, Track>,
    /// In the order of their numbers: one that is gone keeps its own.
    names: Vec<String>,
}

/// The paths of the statistics.
pub(crate) fn paths(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    let platform = tree.first("platform");
    platform.into_iter().flat_map(|part| {
        part.items.keys().filter_map(|path| {
            let name = path.strip_prefix(BEFORE)?.strip_suffix(BEHIND)?;
            Some((name, &**path))
        })
    })
}

impl Can {
    /// With the numbers that the buses had before.
    pub(crate) fn numbered(names: Vec<String>) -> Self {
        Self { names, ..Self::default() }
    }

    /// The buses in the order of their numbers.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Takes in what the tree has.
    pub(crate) fn look(&mut self, tree: &Tree) {
        let Some(platform) = tree.first("platform") else {
            self.tracks.clear();
            return;
        };
        for (name, path) in paths(tree).take(BUSES_MAX) {
            let Some(item) = platform.items.get(path) else { continue };
            let counters = item.value.as_ref().and_then(|value| Counters::read(value.as_text()?));
            match counters {
                Some(counters) => self.take(name, counters, item.at),
                None => drop(self.tracks.remove(name)),
            }
        }
    }

    fn take(&mut self, name: &str, counters: Counters, at: Moment) {
        if !self.names.iter().any(|known| known == name) && self.names.len() < BUSES_MAX {
            self.names.push(name.to_owned());
        }
        let Some(track) = self.tracks.get_mut(name) else {
            self.tracks.insert(name.to_owned(), Track { counters, at, rate: None });
            return;
        };
        let span = at.since(track.at);
        // A live bus always carries something: the same count is the same look, told again.
        let is_older = counters.packets == track.counters.packets && counters.errors == track.counters.errors;
        if is_older || span < SPAN_MIN {
            return;
        }
        // A device that restarted counts from 0 again.
        let more = counters.errors.checked_sub(track.counters.errors);
        let more = more.filter(|_| counters.packets >= track.counters.packets);
        let rate = more.map(|more| more as f64 / (span.as_secs_f64() / 60.0));
        *track = Track { counters, at, rate };
    }

    /// State and errors a minute of each interface.
    pub(crate) fn values(&self, now: Moment) -> Values {
        let mut values = Values::new();
        let metrics = native::CAN_STATES.into_iter().zip(native::CAN_ERRORS);
        for (name, (state, errors)) in self.names.iter().zip(metrics) {
            let track = self.tracks.get(name).filter(|track| now.since(track.at) <= SPAN_MAX);
            let seen = |value: Option<Value>| -> Observation { value.ok_or(Unknown::NotReported) };
            let word = track.and_then(|track| track.counters.state.as_deref().map(Value::text));
            let rate = track.and_then(|track| track.rate.map(|rate| Value::Number(errors.round(rate))));
            values.push((state, seen(word)));
            values.push((errors, seen(rate)));
        }
        values
    }

    /// When the statistics behind one of its metrics were told; `None` for every other metric.
    pub(crate) fn told_at(&self, metric: Metric) -> Option<Moment> {
        let slot = native::CAN_STATES
            .iter()
            .position(|state| *state == metric)
            .or_else(|| native::CAN_ERRORS.iter().position(|errors| *errors == metric))?;
        self.tracks.values().nth(slot).map(|track| track.at)
    }

    /// Whether somebody should look at the cables.
    pub(crate) fn notice(&self, now: Moment) -> Option<Notice> {
        let current = self.tracks.iter().filter(|(_, track)| now.since(track.at) <= SPAN_MAX);
        let mut severity = Severity::Warning;
        let mut found = Vec::new();
        for (name, track) in current {
            let state = track.counters.state.as_deref().unwrap_or_default();
            if state == "BUS-OFF" {
                severity = Severity::Alarm;
            }
            if matches!(state, "BUS-OFF" | "ERROR-PASSIVE" | "ERROR-WARNING") {
                found.push(format!("{name} is {state}"));
            }
            if let Some(rate) = track.rate.filter(|rate| *rate > MANY) {
                found.push(format!("{name} has {rate:.0} errors a minute"));
            }
        }
        (!found.is_empty()).then(|| Notice {
            code: "can_errors",
            severity,
            text: format!("trouble on the CAN bus: {}", found.join(", ")),
            hint: "check the cables, both terminators and the speed of the port".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::victron::tree::Told;
    use crate::victron::value::Scalar;
    use rstest::rstest;
    use serde_json::json;

    fn at(seconds: u64) -> Moment {
        Moment::default().plus(Duration::from_secs(seconds))
    }

    fn statistics(state: &str, packets: u64, errors: u64) -> String {
        json!([{
            "ifname": "can0",
            "linkinfo": { "info_data": { "state": state, "berr_counter": { "tx": 0, "rx": 0 } }, "info_xstats": { "bus_off": 0 } },
            "stats64": { "rx": { "packets": packets, "errors": 0, "dropped": 3, "over_errors": 0 }, "tx": { "packets": 10, "errors": errors, "dropped": 0 } },
        }])
        .to_string()
    }

    fn seen(steps: &[(u64, &str)]) -> Can {
        let mut can = Can::default();
        for (seconds, text) in steps {
            let mut tree = Tree::default();
            let path = "/CanBus/Interface/can0/Statistics".into();
            let items = vec![Told { path, value: Some(Scalar::text(text)), text: None, limits: None }];
            tree.up("com.victronenergy.platform", items, at(*seconds));
            can.look(&tree);
        }
        can
    }

    fn rate(can: &Can, now: u64) -> Option<f64> {
        let (_, rate) =
            can.values(at(now)).into_iter().find(|(metric, _)| *metric == native::CAN_ERRORS[0])?;
        rate.ok().and_then(|rate| rate.number())
    }

    #[test]
    fn many_errors_of_long_ago_are_no_trouble() {
        let (first, second) =
            (statistics("ERROR-ACTIVE", 7_470_000, 649), statistics("ERROR-ACTIVE", 7_480_000, 659));
        let can = seen(&[(0, &first)]);
        assert_eq!((rate(&can, 0), can.notice(at(0))), (None, None));
        let can = seen(&[(0, &first), (300, &second)]);
        assert_eq!((rate(&can, 300), can.notice(at(300))), (Some(2.0), None));
        // What is not renewed is not known.
        assert_eq!(rate(&can, 1300), None);
    }

    #[test]
    fn growing_errors_are() {
        let can = seen(&[
            (0, &statistics("ERROR-ACTIVE", 1000, 0)),
            (300, &statistics("ERROR-WARNING", 2000, 500)),
        ]);
        let notice = can.notice(at(300)).expect("trouble");
        assert_eq!(
            notice.text,
            "trouble on the CAN bus: can0 is ERROR-WARNING, can0 has 100 errors a minute"
        );
    }

    #[rstest]
    #[case::restarted(&[(0, 1000, 50), (300, 20, 0)], None)]
    #[case::told_again(&[(0, 1000, 0), (300, 2000, 10), (600, 2000, 10)], Some(2.0))]
    #[case::too_soon(&[(0, 1000, 0), (10, 2000, 10)], None)]
    fn counters_and_their_traps(#[case] steps: &[(u64, u64, u64)], #[case] expected: Option<f64>) {
        let texts: Vec<_> = steps
            .iter()
            .map(|(at, packets, errors)| (*at, statistics("ERROR-ACTIVE", *packets, *errors)))
            .collect();
        let steps: Vec<_> = texts.iter().map(|(at, text)| (*at, text.as_str())).collect();
        assert_eq!(rate(&seen(&steps), 600), expected);
    }

    /// A bus that is not told any more leaves the number of the other one alone, and so does a restart.
    #[test]
    fn a_bus_keeps_its_number() {
        let look = |can: &mut Can, names: &[&str]| {
            let mut tree = Tree::default();
            let items = names.iter().map(|name| Told {
                path: format!("/CanBus/Interface/{name}/Statistics").into(),
                value: Some(Scalar::text(&statistics(name, 1000, 0))),
                text: None,
                limits: None,
            });
            tree.up("com.victronenergy.platform", items.collect(), at(0));
            can.look(&tree);
        };
        let state = |can: &Can, number: usize| {
            let values = can.values(at(0));
            let found = values.into_iter().find(|(metric, _)| *metric == native::CAN_STATES[number])?;
            found.1.ok()?.as_str().map(str::to_owned)
        };
        let mut can = Can::default();
        look(&mut can, &["can0", "can1"]);
        assert_eq!((state(&can, 0).as_deref(), state(&can, 1).as_deref()), (Some("can0"), Some("can1")));
        let mut can = Can::numbered(can.names().to_vec());
        look(&mut can, &["can1"]);
        assert_eq!((state(&can, 0), state(&can, 1).as_deref()), (None, Some("can1")));
    }

    #[rstest]
    #[case("")]
    #[case("[]")]
    #[case("{}")]
    #[case(r#"[{"stats64": {"rx": 1}}]"#)]
    #[case("[{\"stats64\": {\"rx\": {\"packets\": \"x\"}}}]")]
    fn what_makes_no_sense_is_nothing(#[case] text: &str) {
        assert!(seen(&[(0, text)]).values(at(0)).is_empty());
    }
}
