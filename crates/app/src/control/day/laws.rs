//! What holds whatever comes, looked at from outside: on the wires, in the devices and in what the program shows.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ohmstead_model::Online;
use ohmstead_plant::house::Mode;

use super::air::Request;
use super::house::{BATTERIES, House, INVERTER};
use super::program::{Mood, Program};

/// The bound of the configuration, W, and how fast it goes down, W per second.
const MAX_W: f64 = 1_500.0;
const STEP_W: f64 = 100.0;
/// How far beyond it is still at it.
const NEAR_W: f64 = 200.0;
/// Both batteries may follow the meter for the overlap and the time that a slow unit takes to rest.
const BOTH_MS: i64 = 90_000;
/// After a fault a device has so long to be as wanted again.
const RECOVERED_MS: i64 = 15 * 60_000;
/// A write to a unit that falls silent in it is tried for so long.
const TRIED_MS: i64 = 40_000;
const DAY_MS: i64 = 86_400_000;
/// The budget of the configuration for one setting, and one more for a way back.
const WRITES_A_DAY: usize = 24 + 1;
/// Whatever has ended is over by then; with a device that is being asked in vain the task is at that for so long.
const ENDED_MS: i64 = 15_000;
const ENDED_SILENT_MS: i64 = 30_000;

/// The laws, with what they remember.
#[derive(Default)]
pub(super) struct Laws {
    /// Until when a device is excused.
    excused: BTreeMap<&'static str, i64>,
    both_since: Option<i64>,
    beyond: Option<Beyond>,
    /// Since when a device is known not to answer.
    silent_since: BTreeMap<&'static str, i64>,
    /// When the inverter was set within the last day, and the settings of the GX device.
    setters: VecDeque<i64>,
    changes: VecDeque<i64>,
    /// Whose turn it was last.
    turn: Option<&'static str>,
    /// How much was seen.
    pub(super) seen: Seen,
}

/// The Multis give more than they may.
#[derive(Clone, Copy)]
struct Beyond {
    since_ms: i64,
    from_w: f64,
}

/// How much was seen, so that a day in which nothing happened proves nothing.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) looks: u64,
    /// Writes to the GX device, and those of them that bound it.
    pub(super) writes: u64,
    pub(super) bounds: u64,
    pub(super) limited_s: u64,
    /// For how long too much was made, and that was told.
    pub(super) told_s: u64,
    pub(super) mode_writes: u64,
    /// Attempts that were not made because nothing may be written.
    pub(super) dry_runs: u64,
    /// How often the turn passed.
    pub(super) turns: u64,
    /// Changes of the GX device's settings.
    pub(super) changes: u64,
    /// Orders to the inverter.
    pub(super) setters: u64,
}

impl Laws {
    /// Something is wrong with a device, or was until now.
    pub(super) fn excuse(&mut self, device: &'static str, now_ms: i64) {
        self.excused.insert(device, now_ms + RECOVERED_MS);
    }

    fn is_excused(&self, device: &str, now_ms: i64) -> bool {
        self.excused.get(device).is_some_and(|until| now_ms < *until)
    }

    /// Another life of the program: what the last one did on its way out is its own.
    pub(super) fn begin_anew(&mut self, house: &House) {
        (self.both_since, self.beyond) = (None, None);
        self.silent_since.clear();
        self.take_mode_writes(house);
        self.count_writes(house);
    }

    /// Looks at everything; the house has gone on for `span_ms` since the last look.
    pub(super) fn look(&mut self, house: &House, program: &Program, span_ms: i64) -> Broken {
        let now_ms = program.clock.now().unix.0;
        self.seen.looks += 1;
        self.only_who_answers_is_written_to(house, program, now_ms)?;
        self.what_wears_out_is_spared(house, now_ms)?;
        self.count_writes(house);
        if program.mood == Mood::Active {
            self.batteries_take_turns(house, program, now_ms)?;
            self.the_limit_holds(house, program, now_ms, span_ms)?;
        }
        what_has_ended_is_gone(program, now_ms, |device| self.is_excused(device, now_ms))
    }

    fn only_who_answers_is_written_to(&mut self, house: &House, program: &Program, now_ms: i64) -> Broken {
        let snapshot = program.hub.snapshot();
        for (name, writes) in self.take_mode_writes(house) {
            let answers = snapshot.device(name).is_some_and(|device| matches!(device.online, Online::Yes(_)));
            if answers {
                self.silent_since.remove(name);
                continue;
            }
            let since = *self.silent_since.entry(name).or_insert(now_ms);
            let span_s = (now_ms - since) / 1_000;
            hold(writes == 0 || now_ms - since < TRIED_MS, || {
                format!("{name} is written to though nothing has been known of it for {span_s} s")
            })?;
        }
        Ok(())
    }

    /// How many modes were sent to each battery since the last call.
    fn take_mode_writes(&mut self, house: &House) -> Vec<(&'static str, u64)> {
        let requests = house.air.requests();
        house.air.forget_requests();
        let sent = |ip: &str| {
            let is_write =
                |request: &&Request| request.to.ip().to_string() == ip && request.text.contains("ES.SetMode");
            requests.iter().filter(is_write).count() as u64
        };
        let writes: Vec<_> = BATTERIES.iter().map(|(name, ip)| (*name, sent(ip))).collect();
        self.seen.mode_writes += writes.iter().map(|(_, count)| count).sum::<u64>();
        writes
    }

    /// Settings that live in memory which bears a limited number of writes.
    fn what_wears_out_is_spared(&mut self, house: &House, now_ms: i64) -> Broken {
        // Questions of the other families come while it is found out which one it is.
        let is_question = |text: &str| text.starts_with('Q') || text.starts_with("^P");
        let heard = house.cables.heard(INVERTER);
        let setters = heard.iter().filter(|heard| !is_question(&heard.text)).count();
        house.cables.forget_heard(INVERTER, Duration::ZERO);
        self.seen.setters += setters as u64;
        let changes = house.cerbo.gx(|gx| gx.wear().changes);
        let new_changes = usize::try_from(changes - self.seen.changes).expect("small");
        self.seen.changes = changes;
        for (what, writes, new) in [
            ("the inverter", &mut self.setters, setters),
            ("a setting of the GX device", &mut self.changes, new_changes),
        ] {
            writes.extend(std::iter::repeat_n(now_ms, new));
            writes.retain(|at| now_ms - at < DAY_MS);
            let count = writes.len();
            hold(count <= WRITES_A_DAY, || format!("{what} was set {count} times within a day"))?;
        }
        Ok(())
    }

    fn batteries_take_turns(&mut self, house: &House, program: &Program, now_ms: i64) -> Broken {
        let truth = house.site(|site| site.truth());
        let follows = |index: usize| truth.batteries[index].mode == Mode::Auto;
        let both = follows(0) && follows(1);
        if let Some(turn) = (follows(0) != follows(1)).then(|| BATTERIES[usize::from(follows(1))].0) {
            self.seen.turns += u64::from(self.turn.replace(turn).is_some_and(|before| before != turn));
        }
        let snapshot = program.hub.snapshot();
        // One that does not answer cannot be told to rest.
        let by_rotation = BATTERIES.iter().all(|(name, _)| {
            let device = snapshot.device(name).filter(|device| matches!(device.online, Online::Yes(_)));
            device
                .and_then(|device| device.control.clone())
                .is_some_and(|control| control.by == Some("rotation"))
        });
        let excused = BATTERIES.iter().any(|(name, _)| self.is_excused(name, now_ms));
        if !both || !by_rotation || excused {
            self.both_since = None;
            return Ok(());
        }
        let since = *self.both_since.get_or_insert(now_ms);
        let lasts_ms = now_ms - since;
        hold(lasts_ms < BOTH_MS, || format!("both batteries follow the meter for {} s", lasts_ms / 1_000))
    }

    fn count_writes(&mut self, house: &House) {
        let writes = house.cerbo.take_writes();
        let bounds = writes.iter().filter(|write| write.path == "/Overrides/MaxDischargePower");
        self.seen.writes += writes.len() as u64;
        self.seen.bounds +=
            bounds.filter(|write| write.value.is_some_and(|watts| watts >= 0.0)).count() as u64;
    }

    fn the_limit_holds(&mut self, house: &House, program: &Program, now_ms: i64, span_ms: i64) -> Broken {
        let output =
            house.cerbo.gx(|gx| -gx.ess().map_or(0.0, |ess| ess.flows.inverter_w.iter().sum::<f64>()));
        let has_limits = program.commander_switches().limits == Some(true);
        if !has_limits || self.is_excused("gx", now_ms) || output <= MAX_W + NEAR_W {
            self.seen.limited_s +=
                u64::from(has_limits && (output - MAX_W).abs() <= NEAR_W) * (span_ms / 1_000).unsigned_abs();
            self.beyond = None;
            return Ok(());
        }
        let beyond = *self.beyond.get_or_insert(Beyond { since_ms: now_ms, from_w: output });
        let ramp_s = (beyond.from_w.max(output) - MAX_W) / STEP_W;
        let may_s = ramp_s + 30.0;
        let lasts_s = (now_ms - beyond.since_ms) as f64 / 1_000.0;
        // What no lever reaches is told.
        let snapshot = program.hub.snapshot();
        let told = snapshot.device("site").is_some_and(|site| {
            site.notices
                .iter()
                .any(|notice| ["limit_ineffective", "limit_not_controllable"].contains(&notice.code))
        });
        self.seen.told_s += u64::from(told) * (span_ms / 1_000).unsigned_abs();
        hold(told || lasts_s <= may_s, || {
            format!("the Multis give {output:.0} W, which is more than {MAX_W} W, for {lasts_s} s")
        })
    }
}

/// What is broken, in words.
pub(super) type Broken = Result<(), String>;

fn hold(holds: bool, words: impl FnOnce() -> String) -> Broken {
    if holds { Ok(()) } else { Err(words()) }
}

/// An override that has ended leaves no trace.
fn what_has_ended_is_gone(program: &Program, now_ms: i64, is_excused: impl Fn(&str) -> bool) -> Broken {
    for device in program.hub.snapshot().devices() {
        let Some(control) = device.control.as_ref().filter(|control| control.by == Some("override")) else {
            continue;
        };
        let ends = control.ends.expect("an override always ends").0;
        let is_well = matches!(device.online, Online::Yes(_)) && !is_excused(device.info.id.as_str());
        hold(now_ms - ends < if is_well { ENDED_MS } else { ENDED_SILENT_MS }, || {
            format!("{}: {:?} ended at {ends}", device.info.id, control.wants)
        })?;
    }
    Ok(())
}
