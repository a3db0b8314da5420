//! One device, opened for one verb where no daemon runs: polled until it has told what it can, or found silent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ohmstead_drivers::{Context, Device, OpenError, Report, Reporter};
use ohmstead_model::{Clock, DeviceId, DeviceInfo, DeviceState, Online, Wish};

/// The longest that a verb polls a device, whatever it still could tell.
const PATIENCE: Duration = Duration::from_secs(45);

/// A device whose next poll is further away than this has told what it has to tell.
const SETTLED: Duration = Duration::from_secs(6);

/// One that speaks by itself has told it as soon as it is not due at once.
const SPOKEN: Duration = Duration::from_millis(500);

/// Nor has one to tell more whose last polls brought nothing that was not known: it is only repeating itself.
const REPEATED_POLLS: usize = 5;

/// What a setting depends on may be told by a question that is lost and asked again some polls later.
const REPEATED_POLLS_OF_WISH: usize = 12;

/// Polls without any answer after which a device counts as silent. A driver tries more than one way to ask.
const SILENT_POLLS: usize = 3;

/// Nor is a device silent before this time, unless its driver says so: some ask who is there before they ask for values.
const SILENT_FOR: Duration = Duration::from_secs(15);

/// A device with what it has told so far.
pub(crate) struct OneShot {
    device: Box<dyn Device>,
    told: Arc<Told>,
    clock: Arc<dyn Clock>,
}

/// How much is wanted of a device.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// Everything that it reports.
    Everything,
    /// Only state of charge and mode.
    Essentials,
    /// Which model it is: the writes depend on it.
    Identity,
    /// Whatever the wish depends on: until it can be carried out, or the device has told all that it tells.
    Possible(&'a Wish),
}

impl Wanted<'_> {
    /// Polls that bring nothing new after which nothing more is to come.
    fn repeated_polls(self) -> usize {
        if matches!(self, Self::Possible(_)) { REPEATED_POLLS_OF_WISH } else { REPEATED_POLLS }
    }
}

impl OneShot {
    /// Makes the device. Nothing is sent yet.
    pub(crate) fn open(
        id: &DeviceId,
        clock: &Arc<dyn Clock>,
        memory: Option<String>,
        open: impl FnOnce(Context) -> Result<Box<dyn Device>, OpenError>,
    ) -> Result<Self, OpenError> {
        let told = Arc::new(Told::new(id));
        let seed = u64::from(std::process::id());
        let context = Context { clock: Arc::clone(clock), reporter: Arc::clone(&told) as _, seed, memory };
        let device = open(context)?;
        told.lock().info = Arc::new(device.info());
        Ok(Self { device, told, clock: Arc::clone(clock) })
    }

    /// Polls until the device has told what is wanted, or is silent. Returns whether it answered at all.
    pub(crate) async fn poll(&mut self, wanted: Wanted<'_>) -> bool {
        let started = self.clock.now();
        let (mut polls, mut known, mut repeated) = (0, 0, 0);
        while self.clock.now().since(started) < PATIENCE {
            let due = self.device.due_in();
            let (answered, offline) = Told::presence(&self.told.lock());
            let given_up = offline || self.clock.now().since(started) >= SILENT_FOR;
            let speaks = self.device.wait().is_some();
            let enough = due > SETTLED
                || speaks && due > SPOKEN
                || repeated >= wanted.repeated_polls()
                || match wanted {
                    Wanted::Everything => false,
                    Wanted::Essentials => self.has_essentials(),
                    Wanted::Identity => self.device.info().model.is_some(),
                    Wanted::Possible(wish) => self.device.plan(wish, None).is_ok(),
                };
            if answered && enough || !answered && given_up && polls >= SILENT_POLLS {
                break;
            }
            self.clock.sleep(due).await;
            self.device.poll().await;
            polls += 1;
            let settings = self.device.info().settings.len();
            let before = std::mem::replace(&mut known, self.told.lock().values.len() + settings);
            // Who asks first which model it is has nothing to repeat yet.
            repeated = if known > before || known == 0 { 0 } else { repeated + 1 };
        }
        let now = self.clock.now();
        let mut told = self.told.lock();
        told.info = Arc::new(self.device.info());
        // Its driver may have given nothing up yet, but all the time there was has passed.
        if told.online == Online::NotAskedYet && told.last_success.is_none() {
            told.online = Online::No(now);
        }
        told.last_success.is_some()
    }

    /// What is known of the device.
    pub(crate) fn state(&self) -> DeviceState {
        self.told.lock().clone()
    }

    /// The device itself, for an attempt to change it.
    pub(crate) fn device(&mut self) -> &mut dyn Device {
        self.device.as_mut()
    }

    fn has_essentials(&self) -> bool {
        use ohmstead_model::Metric;
        let told = self.told.lock();
        [Metric::BatterySoc, Metric::BatteryModeNative].iter().all(|metric| told.values.contains_key(metric))
    }
}

/// Collects the reports of one device.
struct Told {
    state: Mutex<DeviceState>,
}

impl Told {
    fn new(id: &DeviceId) -> Self {
        let info = Arc::new(DeviceInfo::new(id.clone(), "", ""));
        Self { state: Mutex::new(DeviceState::new(info)) }
    }

    /// Whether the device has answered, and whether its driver has given it up.
    fn presence(state: &DeviceState) -> (bool, bool) {
        (state.last_success.is_some(), matches!(state.online, Online::No(_)))
    }

    fn lock(&self) -> MutexGuard<'_, DeviceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter for Told {
    fn report(&self, report: Report) {
        let mut state = self.lock();
        match report {
            Report::Reading(reading) => {
                state.last_success = Some(reading.at);
                let at = reading.at;
                let values = reading.values.into_iter();
                state.values.extend(
                    values
                        .map(|(metric, observation)| (metric, ohmstead_model::Observed { observation, at })),
                );
            }
            Report::Answered(_, at) => state.last_success = Some(at),
            Report::Info(info) => state.info = Arc::new(info),
            Report::Online(_, true, at) => state.online = Online::Yes(at),
            Report::Online(_, false, at) => state.online = Online::No(at),
            Report::Notices(_, notices) => state.notices = notices,
            Report::Native(_, view) => state.native = Some(view),
            Report::Evidence(_, evidence) => state.evidence = evidence.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ohmstead_model::Metric;

    use super::*;
    use crate::testing::{Fake, FakeHandle, clock, id};

    async fn polled(change: impl FnOnce(&mut Fake)) -> (bool, DeviceState, usize) {
        let (clock, fake) = (clock(), FakeHandle::new().with(change));
        let open = fake.opener("a");
        let mut one_shot = OneShot::open(&id("a"), &clock, None, open).unwrap();
        let answered = one_shot.poll(Wanted::Everything).await;
        (answered, one_shot.state(), fake.count("poll"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_device_that_answers_is_asked_once_for_everything() {
        let (answered, state, polls) = polled(|_| {}).await;
        assert!(answered && state.is_online());
        assert!(state.values.contains_key(&Metric::BatterySoc));
        assert_eq!(polls, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_asked_and_is_silent_does_not_answer() {
        let (_, state, _) = polled(|fake| (fake.answers, fake.undecided) = (false, true)).await;
        assert!(matches!(state.online, Online::No(_)), "{:?}", state.online);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_device_is_given_up() {
        let (answered, state, polls) = polled(|fake| fake.answers = false).await;
        assert!(!answered && !state.is_online());
        assert!((1..=SILENT_POLLS).contains(&polls), "{polls}");
    }
}
