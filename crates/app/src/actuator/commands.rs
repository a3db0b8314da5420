//! The door to the actuators: a setting goes straight to its device, a battery mode first to control, which decides what
//! becomes of it beside everything else that is wanted.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use ohmstead_control::overrides::Later;
use ohmstead_control::schedule::{Change, Timetable};
use ohmstead_control::{Desired, Who};
use ohmstead_model::{
    Answer, AskError, Asker, Commands, DeviceId, LedgerEntry, LimitName, LimitRefused, Limited, Part,
    Request, SiteLimit, Switched, Switches, UnixMillis, Wish,
};
use ohmstead_units::Watts;
use ohmstead_web::AheadChange;
use tokio::sync::{mpsc, oneshot, watch};

use crate::control::by_hand::{ByHand, ClearAsk, LaterAsk, NotLater};
use crate::control::limits::LimitAsk;
use crate::control::windows::{Changed, NotChanged, WindowAsk};

/// Requests that may wait for one device, or for control.
const QUEUE: usize = 8;
/// Ends that may wait for control.
const ENDS: usize = 64;

/// Where an answer goes; nobody may be waiting any more.
pub(crate) type AnswerTo = oneshot::Sender<Result<LedgerEntry, AskError>>;

/// A request on its way to its device's task.
pub(crate) struct Ask {
    /// What is asked.
    pub(crate) request: Request,
    /// What becomes of it.
    pub(crate) how: How,
    /// Where the answer goes.
    pub(crate) answer: AnswerTo,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum How {
    /// It is carried out as it was asked, and the device is left so: a setting, or its own automatic for good.
    Once,
    /// This is wanted of the device from now on.
    Held(Box<Desired>),
}

/// A wish for a battery mode on its way to control.
pub(crate) struct ModeAsk {
    /// For which device.
    pub(crate) device: DeviceId,
    /// What is asked; `None` ends what was asked before.
    pub(crate) request: Option<Request>,
    /// By what way.
    pub(crate) asked_by: Asker,
    /// Where the answer goes.
    pub(crate) answer: AnswerTo,
}

/// What was wanted of a device has come to an end there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended {
    /// Which device.
    pub(crate) device: DeviceId,
    /// Whose wish it was.
    pub(crate) chosen: Option<Who>,
    /// When it would have ended, which tells one wish by hand from the next.
    pub(crate) ends: Option<UnixMillis>,
    /// Why it is over.
    pub(crate) why: Ending,
}

/// Why a wish is over before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The device refuses it, or cannot do it.
    Refused,
    /// It was tried several times in vain.
    GivenUp,
    /// Somebody else has changed it.
    Foreign,
}

/// A device's end of the door.
pub(crate) struct Door {
    /// Requests, one after the other.
    pub(crate) requests: mpsc::Receiver<Ask>,
    /// What is wanted of it at present; `None` until control has decided for the first time.
    pub(crate) orders: watch::Receiver<Option<Desired>>,
    /// Where it tells what is over.
    pub(crate) ends: mpsc::Sender<Ended>,
}

struct Entry {
    requests: mpsc::Sender<Ask>,
    orders: watch::Sender<Option<Desired>>,
}

/// A part of control is to be switched.
pub(crate) struct SwitchAsk {
    /// Which.
    pub(crate) part: Part,
    /// To what.
    pub(crate) on: bool,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<Result<Switches, AskError>>,
}

/// Something for control to do.
pub(crate) enum ControlAsk {
    /// A wish for a battery mode.
    Mode(ModeAsk),
    /// A switch.
    Switch(SwitchAsk),
    /// A window of the schedule.
    Window(WindowAsk),
    /// Something by hand for a time to come.
    Later(LaterAsk),
    /// All of that is taken back.
    Clear(ClearAsk),
    /// A limit of the site.
    Limit(LimitAsk),
}

/// Control's end of the door.
pub(crate) struct ControlDoor {
    /// What there is to do.
    pub(crate) asks: mpsc::Receiver<ControlAsk>,
    /// What is switched on, for everybody to see; `None` until control has looked for the first time.
    pub(crate) switches: watch::Sender<Option<Switches>>,
    /// The limits of the site, likewise.
    pub(crate) limits: watch::Sender<Option<Vec<SiteLimit>>>,
    /// The windows of run time.
    pub(crate) windows: watch::Sender<Timetable>,
    /// What was asked by hand.
    pub(crate) by_hand: watch::Sender<Arc<ByHand>>,
    /// What is over.
    pub(crate) ends: mpsc::Receiver<Ended>,
}

/// All devices' queues.
pub(crate) struct Commander {
    entries: RwLock<HashMap<DeviceId, Entry>>,
    control: OnceLock<mpsc::Sender<ControlAsk>>,
    switches: watch::Sender<Option<Switches>>,
    limits: watch::Sender<Option<Vec<SiteLimit>>>,
    windows: watch::Sender<Timetable>,
    by_hand: watch::Sender<Arc<ByHand>>,
    ends: mpsc::Sender<Ended>,
    ends_for_control: std::sync::Mutex<Option<mpsc::Receiver<Ended>>>,
}

impl Default for Commander {
    fn default() -> Self {
        let (ends, ends_for_control) = mpsc::channel(ENDS);
        Self {
            entries: RwLock::default(),
            control: OnceLock::new(),
            switches: watch::Sender::new(None),
            limits: watch::Sender::new(None),
            windows: watch::Sender::new(Timetable::default()),
            by_hand: watch::Sender::new(Arc::default()),
            ends,
            ends_for_control: std::sync::Mutex::new(Some(ends_for_control)),
        }
    }
}

impl Commander {
    /// The door of a device that is new or configured anew.
    pub(crate) fn open(&self, id: DeviceId) -> Door {
        let (requests, taken) = mpsc::channel(QUEUE);
        let (orders, followed) = watch::channel(None);
        let entry = Entry { requests, orders };
        self.entries.write().unwrap_or_else(PoisonError::into_inner).insert(id, entry);
        Door { requests: taken, orders: followed, ends: self.ends.clone() }
    }

    /// Forgets a device that is no longer configured.
    pub(crate) fn close(&self, id: &DeviceId) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Control's end, once. From then on wishes for modes go there.
    pub(crate) fn steer(&self) -> Option<ControlDoor> {
        let ends = self.ends_for_control.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let (control, asks) = mpsc::channel(QUEUE);
        let _ = self.control.set(control);
        let (switches, limits, windows) = (self.switches.clone(), self.limits.clone(), self.windows.clone());
        let by_hand = self.by_hand.clone();
        Some(ControlDoor { asks, switches, limits, windows, by_hand, ends })
    }

    /// What is switched on, as it changes; `None` until control has looked for the first time.
    pub(crate) fn watch_switches(&self) -> watch::Receiver<Option<Switches>> {
        self.switches.subscribe()
    }

    /// The limits of the site as they change; `None` until control has looked for the first time.
    pub(crate) fn watch_limits(&self) -> watch::Receiver<Option<Vec<SiteLimit>>> {
        self.limits.subscribe()
    }

    /// The windows that were made while the program runs.
    pub(crate) fn windows(&self) -> Timetable {
        self.windows.borrow().clone()
    }

    /// Changes the windows of the schedule, durably.
    pub(crate) async fn change_windows(
        &self,
        change: Change,
        asked_by: Asker,
    ) -> Result<Changed, NotChanged> {
        let (answer, answered) = oneshot::channel();
        let ask = WindowAsk { change, asked_by, answer };
        self.to_control(ControlAsk::Window(ask), NotChanged::Busy, NotChanged::Stopping)?;
        answered.await.unwrap_or(Err(NotChanged::Stopping))
    }

    /// What was asked by hand, as it changes.
    pub(crate) fn watch_by_hand(&self) -> watch::Receiver<Arc<ByHand>> {
        self.by_hand.subscribe()
    }

    /// Changes what was asked by hand for a time to come, durably.
    pub(crate) async fn change_later(&self, change: AheadChange, asked_by: Asker) -> Result<Later, NotLater> {
        let (answer, answered) = oneshot::channel();
        let ask = LaterAsk { change, asked_by, answer };
        self.to_control(ControlAsk::Later(ask), NotLater::Busy, NotLater::Stopping)?;
        answered.await.unwrap_or(Err(NotLater::Stopping))
    }

    /// Takes back all that was asked by hand for a time to come, durably; what there was.
    pub(crate) async fn clear_later(&self, asked_by: Asker) -> Result<Vec<Later>, NotLater> {
        let (answer, answered) = oneshot::channel();
        let ask = ClearAsk { asked_by, answer };
        self.to_control(ControlAsk::Clear(ask), NotLater::Busy, NotLater::Stopping)?;
        answered.await.unwrap_or(Err(NotLater::Stopping))
    }

    /// Hands something to control, or says at once why not.
    fn to_control<E>(&self, ask: ControlAsk, busy: E, stopping: E) -> Result<(), E> {
        let Some(control) = self.control.get() else { return Err(stopping) };
        match control.try_send(ask) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(stopping),
        }
    }

    /// Tells a device what is wanted of it. Nothing happens where that is known already.
    pub(crate) fn order(&self, desired: &Desired) {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(&desired.device) {
            entry.orders.send_if_modified(|known| {
                let changed = known.as_ref() != Some(desired);
                if changed {
                    *known = Some(desired.clone());
                }
                changed
            });
        }
    }

    /// Whether there is such a device.
    pub(crate) fn has(&self, id: &DeviceId) -> bool {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// Hands a request to its device, or tells who asked at once why not. Whether it was taken.
    pub(crate) fn hand_to_device(&self, ask: Ask) -> bool {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entries.get(&ask.request.device) else {
            let _ = ask.answer.send(Err(AskError::UnknownDevice));
            return false;
        };
        if let Err(refused) = entry.requests.try_send(ask) {
            let (ask, error) = match refused {
                mpsc::error::TrySendError::Full(ask) => (ask, AskError::Busy),
                mpsc::error::TrySendError::Closed(ask) => (ask, AskError::Stopping),
            };
            let _ = ask.answer.send(Err(error));
            return false;
        }
        true
    }

    fn hand_to_control(&self, control: &mpsc::Sender<ControlAsk>, ask: ModeAsk) {
        if !self.has(&ask.device) {
            let _ = ask.answer.send(Err(AskError::UnknownDevice));
            return;
        }
        let (ask, error) = match control.try_send(ControlAsk::Mode(ask)) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(ask)) => (ask, AskError::Busy),
            Err(mpsc::error::TrySendError::Closed(ask)) => (ask, AskError::Stopping),
        };
        if let ControlAsk::Mode(ask) = ask {
            let _ = ask.answer.send(Err(error));
        }
    }
}

fn answered(answered: oneshot::Receiver<Result<LedgerEntry, AskError>>) -> Answer {
    Box::pin(async move { answered.await.unwrap_or(Err(AskError::Stopping)) })
}

impl Commands for Commander {
    fn ask(&self, request: Request) -> Answer {
        let (answer, answer_from) = oneshot::channel();
        match (self.control.get(), &request.wish) {
            (Some(control), Wish::Mode(_)) => {
                let (device, asked_by) = (request.device.clone(), request.asked_by);
                self.hand_to_control(control, ModeAsk { device, request: Some(request), asked_by, answer });
            }
            _ => {
                self.hand_to_device(Ask { request, how: How::Once, answer });
            }
        }
        answered(answer_from)
    }

    fn release(&self, device: DeviceId, asked_by: Asker) -> Answer {
        let (answer, answer_from) = oneshot::channel();
        match self.control.get() {
            Some(control) => {
                self.hand_to_control(control, ModeAsk { device, request: None, asked_by, answer });
            }
            None => {
                let _ = answer.send(Err(AskError::Stopping));
            }
        }
        answered(answer_from)
    }

    fn switch(&self, part: Part, on: bool, asked_by: Asker) -> Switched {
        tracing::info!(target: "control", part = part.key(), on, asked_by = asked_by.key(), "a part of control is switched");
        let (answer, answer_from) = oneshot::channel();
        let taken = self.control.get().is_some_and(|control| {
            control.try_send(ControlAsk::Switch(SwitchAsk { part, on, answer })).is_ok()
        });
        Box::pin(async move {
            if !taken {
                return Err(AskError::Busy);
            }
            answer_from.await.unwrap_or(Err(AskError::Stopping))
        })
    }

    fn switches(&self) -> Switches {
        self.switches.borrow().unwrap_or_default()
    }

    fn limit(&self, name: LimitName, max: Option<Watts>, asked_by: Asker) -> Limited {
        let (answer, answered) = oneshot::channel();
        let ask = ControlAsk::Limit(LimitAsk { name, max, asked_by, answer });
        let taken = self.to_control(ask, LimitRefused::Busy, LimitRefused::Stopping);
        Box::pin(async move {
            taken?;
            answered.await.unwrap_or(Err(LimitRefused::Stopping))
        })
    }

    fn limits(&self) -> Vec<SiteLimit> {
        self.limits.borrow().clone().unwrap_or_default()
    }
}
