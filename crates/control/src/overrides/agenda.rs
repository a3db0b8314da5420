//! What was asked by hand for a time to come: so many stretches for each device, none over another.

use std::time::Duration;

use ohmstead_model::{BatteryMode, DeviceId, Moment, Snapshot, UnixMillis};
use ohmstead_units::Watts;
use thiserror::Error;

use super::{LONGEST, Override, POWER_MAX, power_beyond_all};
use crate::schedule::{can, offered};

/// How many stretches are kept for one device.
pub const PER_DEVICE_MAX: usize = 32;

/// Something that was asked for a time to come, or that has begun since.
#[derive(Debug, Clone, PartialEq)]
pub struct Later {
    /// Its number, which stays.
    pub id: u32,
    /// What was asked: it counts from its `since` until its `ends`.
    pub asked: Override,
}

/// Everything that was asked for a time to come, in the order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Agenda {
    all: Vec<Later>,
    /// No number is given twice.
    next_id: u32,
}

/// Why an agenda is as it was.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum AgendaError {
    /// No such device is configured.
    #[error("no device {0} is configured")]
    UnknownDevice(DeviceId),
    /// The device has no such mode.
    #[error("{device} cannot be asked for {mode}; it has {offered}")]
    CannotDo {
        /// Which device.
        device: DeviceId,
        /// What was asked.
        mode: BatteryMode,
        /// What it can do.
        offered: String,
    },
    /// No battery has such a power.
    #[error("a power must be from 0 to {POWER_MAX}, not {0}")]
    Power(Watts),
    /// It would have begun already.
    #[error("it must begin in the future")]
    Past,
    /// It would end before it begins.
    #[error("it must end after it begins")]
    Empty,
    /// It would end too late.
    #[error("it must end within a week from now")]
    TooLate,
    /// There are too many.
    #[error("no more than {PER_DEVICE_MAX} stretches of time are kept for {0}, and this would make more")]
    Full(DeviceId),
    /// There is no such number.
    #[error("nothing was asked under the number {0}")]
    Unknown(u32),
}

impl Default for Agenda {
    fn default() -> Self {
        Self { all: Vec::new(), next_id: 1 }
    }
}

impl Agenda {
    /// What was kept. Of what would overlap the first counts.
    pub fn of(kept: Vec<Later>, next_id: u32) -> Self {
        let highest = kept.iter().map(|later| later.id.saturating_add(1)).max().unwrap_or(1);
        let mut agenda = Self { all: Vec::new(), next_id: next_id.max(highest) };
        for later in kept {
            let asked = &later.asked;
            let is_taken = |other: &Later| other.id == later.id || overlaps(&other.asked, asked);
            if asked.since < asked.ends && !agenda.all.iter().any(is_taken) {
                agenda.all.push(later);
            }
        }
        agenda.sort();
        agenda
    }

    /// All of it, in the order of time.
    pub fn all(&self) -> &[Later] {
        &self.all
    }

    /// The number of the next one.
    pub fn next_id(&self) -> u32 {
        self.next_id
    }

    /// The agenda with something new in it, and its number. It takes the time of what was asked before it.
    pub fn added(
        &self,
        asked: Override,
        snapshot: &Snapshot,
        now: UnixMillis,
    ) -> Result<(Self, u32), AgendaError> {
        judge(&asked, snapshot, now)?;
        let mut next = Self { all: Vec::new(), next_id: self.next_id };
        for later in &self.all {
            next.keep_around(later, &asked);
        }
        let (id, device) = (next.new_id(), asked.device.clone());
        next.all.push(Later { id, asked });
        if next.all.iter().filter(|later| later.asked.device == device).count() > PER_DEVICE_MAX {
            return Err(AgendaError::Full(device));
        }
        next.sort();
        Ok((next, id))
    }

    /// The agenda without one, and that one.
    pub fn removed(&self, id: u32) -> Result<(Self, Later), AgendaError> {
        let place = self.all.iter().position(|later| later.id == id).ok_or(AgendaError::Unknown(id))?;
        let mut next = self.clone();
        let gone = next.all.remove(place);
        Ok((next, gone))
    }

    /// What counts for a device at present.
    pub fn present(&self, device: &DeviceId, now: Moment) -> Option<&Later> {
        let counts = |later: &&Later| later.asked.counts(now) && now.unix < later.asked.ends;
        self.all.iter().filter(|later| later.asked.device == *device).find(counts)
    }

    /// Takes away what counts for a device at present, if anything does.
    pub fn drop_present(&mut self, device: &DeviceId, now: Moment) {
        if let Some(id) = self.present(device, now).map(|later| later.id) {
            self.retain(|later| later.id != id);
        }
    }

    /// Keeps what `is_kept`.
    pub fn retain(&mut self, is_kept: impl FnMut(&Later) -> bool) {
        self.all.retain(is_kept);
    }

    /// Keeps what of an earlier wish lies before and after a new one.
    fn keep_around(&mut self, earlier: &Later, new: &Override) {
        if !overlaps(&earlier.asked, new) {
            self.all.push(earlier.clone());
            return;
        }
        let part = |since, ends| Override { since, ends, ..earlier.asked.clone() };
        let before = part(earlier.asked.since, new.since);
        let after = part(new.ends, earlier.asked.ends);
        let has_before = before.since < before.ends;
        if has_before {
            self.all.push(Later { id: earlier.id, asked: before });
        }
        if after.since < after.ends {
            let id = if has_before { self.new_id() } else { earlier.id };
            self.all.push(Later { id, asked: after });
        }
    }

    fn new_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id = id.saturating_add(1);
        id
    }

    fn sort(&mut self) {
        self.all.sort_by(|left, right| {
            (left.asked.since, &left.asked.device).cmp(&(right.asked.since, &right.asked.device))
        });
    }
}

fn overlaps(left: &Override, right: &Override) -> bool {
    left.device == right.device && left.since < right.ends && right.since < left.ends
}

fn judge(asked: &Override, snapshot: &Snapshot, now: UnixMillis) -> Result<(), AgendaError> {
    let device = snapshot.device(asked.device.as_str());
    let device = device.ok_or_else(|| AgendaError::UnknownDevice(asked.device.clone()))?;
    if !can(device, &asked.mode) {
        let (device, offered) = (asked.device.clone(), offered(device));
        return Err(AgendaError::CannotDo { device, mode: asked.mode.clone(), offered });
    }
    if let Some(power) = power_beyond_all(&asked.mode) {
        return Err(AgendaError::Power(power));
    }
    if asked.since <= now {
        return Err(AgendaError::Past);
    }
    if asked.ends <= asked.since {
        return Err(AgendaError::Empty);
    }
    let latest: Duration = LONGEST;
    if asked.ends > now.plus(latest) { Err(AgendaError::TooLate) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ohmstead_model::{DeviceInfo, DeviceState, Role};
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn house() -> Snapshot {
        let mut snapshot = Snapshot::default();
        for name in ["a", "b"] {
            let mut info = DeviceInfo::new(name.parse().unwrap(), "test", "nowhere");
            info.roles = vec![Role::Battery];
            info.modes = ["auto", "hold", "idle", "charge"].map(str::to_owned).to_vec();
            snapshot.insert(DeviceState::new(Arc::new(info)));
        }
        snapshot
    }

    fn wish(device: &str, mode: &str, from_h: i64, to_h: i64) -> Override {
        Override {
            device: device.parse().unwrap(),
            mode: mode.parse().unwrap(),
            asked_by: "rest".to_owned(),
            since: UnixMillis(from_h * HOUR),
            ends: UnixMillis(to_h * HOUR),
            asked_at: None,
        }
    }

    fn of(wishes: &[Override]) -> Agenda {
        wishes.iter().fold(Agenda::default(), |agenda, asked| {
            agenda.added(asked.clone(), &house(), UnixMillis(0)).unwrap().0
        })
    }

    fn shown(agenda: &Agenda) -> Vec<String> {
        let hours = |at: UnixMillis| at.0 / HOUR;
        let line = |Later { id, asked }: &Later| {
            format!("{id} {} {} {}-{}", asked.device, asked.mode, hours(asked.since), hours(asked.ends))
        };
        agenda.all().iter().map(line).collect()
    }

    #[rstest]
    #[case::beside(wish("a", "idle", 6, 8), &["1 a hold 2-6", "2 a idle 6-8"])]
    #[case::within(wish("a", "idle", 3, 4), &["1 a hold 2-3", "3 a idle 3-4", "2 a hold 4-6"])]
    #[case::over_its_begin(wish("a", "idle", 1, 4), &["2 a idle 1-4", "1 a hold 4-6"])]
    #[case::over_its_end(wish("a", "idle", 5, 9), &["1 a hold 2-5", "2 a idle 5-9"])]
    #[case::over_all_of_it(wish("a", "idle", 2, 6), &["2 a idle 2-6"])]
    #[case::another_device(wish("b", "idle", 2, 6), &["1 a hold 2-6", "2 b idle 2-6"])]
    fn what_is_asked_later_takes_the_time_of_what_was_asked_before(
        #[case] new: Override,
        #[case] expected: &[&str],
    ) {
        assert_eq!(shown(&of(&[wish("a", "hold", 2, 6), new])), expected);
    }

    #[rstest]
    #[case(wish("c", "idle", 1, 2), "no device c is configured")]
    #[case(wish("a", "discharge", 1, 2), "a cannot be asked for discharge; it has auto, hold, idle, charge")]
    #[case(wish("a", "charge 2000000 kW", 1, 2), "a power must be from 0 to 100000 W, not 2000000000 W")]
    #[case(wish("a", "charge 100001 W", 1, 2), "a power must be from 0 to 100000 W, not 100001 W")]
    #[case(wish("a", "idle", 0, 2), "it must begin in the future")]
    #[case(wish("a", "idle", 2, 2), "it must end after it begins")]
    #[case(wish("a", "idle", 2, 169), "it must end within a week from now")]
    fn what_makes_no_sense_is_refused(#[case] asked: Override, #[case] why: &str) {
        let error = Agenda::default().added(asked, &house(), UnixMillis(0)).unwrap_err();
        assert_eq!(error.to_string(), why);
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let full: Vec<_> = (1..=32).map(|hour| wish("a", "hold", hour, hour + 1)).collect();
        let agenda = of(&full);
        let more = |asked| agenda.added(asked, &house(), UnixMillis(0));
        assert_eq!(more(wish("a", "idle", 40, 41)).unwrap_err(), AgendaError::Full("a".parse().unwrap()));
        assert!(more(wish("a", "idle", 1, 2)).is_ok(), "it takes the place of one");
        assert!(more(wish("b", "idle", 40, 41)).is_ok());
    }

    #[test]
    fn one_goes_by_its_number() {
        let agenda = of(&[wish("a", "hold", 2, 6), wish("a", "idle", 7, 8)]);
        let (left, gone) = agenda.removed(1).unwrap();
        assert_eq!((shown(&left), gone.asked), (vec!["2 a idle 7-8".to_owned()], wish("a", "hold", 2, 6)));
        assert_eq!(left.removed(1).unwrap_err(), AgendaError::Unknown(1));
    }

    #[test]
    fn each_counts_in_its_time() {
        let agenda = of(&[wish("a", "hold", 2, 6), wish("a", "idle", 6, 8)]);
        let at = |hour: i64| {
            let now = Moment { mono: Duration::ZERO, unix: UnixMillis(hour * HOUR) };
            agenda.present(&"a".parse().unwrap(), now).map(|later| later.asked.mode.to_string())
        };
        let modes = [1, 2, 5, 6, 8].map(at);
        assert_eq!(
            modes.each_ref().map(Option::as_deref),
            [None, Some("hold"), Some("hold"), Some("idle"), None]
        );
    }

    #[test]
    fn what_was_kept_is_put_in_order() {
        let later = |id, asked| Later { id, asked };
        let kept = vec![
            later(7, wish("a", "hold", 4, 6)),
            later(3, wish("a", "idle", 5, 7)),
            later(2, wish("a", "idle", 1, 2)),
            later(9, wish("a", "idle", 9, 8)),
        ];
        let agenda = Agenda::of(kept, 1);
        assert_eq!(
            (shown(&agenda), agenda.next_id()),
            (vec!["2 a idle 1-2".into(), "7 a hold 4-6".into()], 10)
        );
    }

    proptest! {
        #[test]
        fn nothing_lies_over_another_and_the_last_wish_stands(
            wishes in prop::collection::vec((1_i64..30, 1_i64..6, any::<bool>()), 1..12),
        ) {
            let wishes: Vec<_> = wishes
                .into_iter()
                .map(|(from, hours, first)| wish(if first { "a" } else { "b" }, "hold", from, from + hours))
                .collect();
            let agenda = of(&wishes);
            let all = agenda.all();
            for (place, left) in all.iter().enumerate() {
                prop_assert!(left.asked.since < left.asked.ends);
                prop_assert!(all[place + 1..].iter().all(|right| right.id != left.id && !overlaps(&left.asked, &right.asked)));
            }
            let last = wishes.last().unwrap();
            prop_assert!(all.iter().any(|later| later.asked == *last));
        }
    }
}
