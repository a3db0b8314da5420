//! One GX device: takes what its ways tell, falls over from one to the next, and reports what changed.
//!
//! ```text
//!             lost for 10 s, or nothing within 10 s of the start
//!   way 1 ----------------------------------------------------> way 2 ----> ...
//!     ^                                                           |
//!     +---- way 1 has everything again, for 10 s -----------------+
//! ```
//!
//! A way that works is left only for a better one. While a worse one is in use the better ones go on trying; their values
//! wait in trees of their own.

mod can;
mod freshness;
mod memory;
mod offer;
mod portal;
mod reporting;
mod slot;
mod watching;
mod writes;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::{FutureExt as _, select_all};
use ohmstead_model::{
    BatteryMode, DeviceId, DeviceInfo, Evidence, Metric, Moment, NativeView, Notice, Observed, Ttl, Wish,
};
use ohmstead_units::Timespan;

use super::can::Can;
use super::settings::Settings;
use super::site::Site;
use super::transport::in_process::InProcess;
use super::tree::Tree;
use super::vocabulary::Vocabulary;
use crate::{
    BoxFuture, Context, Device, DeviceError, ModeNow, OpenError, Plan, PlanError, Report, WriteReply,
};
use memory::Memory;
use slot::Slot;

/// A way that is down or says nothing for so long is left for the next one, and so long a better one must hold.
const PATIENCE: Duration = Duration::from_secs(10);
/// Values that did not change are reported again after this long, with the time as of which they are known.
const REPEAT: Duration = Duration::from_secs(10);
/// Values for which seconds do not count are reported at most this often.
const COALESCE: Duration = Duration::from_millis(250);
/// Rounds of taking in what was told before values are reported.
const BURST: usize = 64;
/// The longest that a poll goes on while nothing has been told yet.
const PUSH: Duration = Duration::from_millis(500);

/// A GX device.
pub struct Gx {
    id: DeviceId,
    settings: Settings,
    context: Context,
    /// The best way first.
    slots: Vec<Slot>,
    /// The way whose values are reported.
    active: usize,
    vocabulary: Arc<Vocabulary>,
    info: DeviceInfo,
    /// Everything reported so far, with the time that it is of.
    reported: BTreeMap<Metric, Observed>,
    /// Nothing has been reported yet of what this way tells.
    is_new_way: bool,
    /// The tree changed since it was last looked at.
    is_dirty: bool,
    can: Can,
    memory: Memory,
    /// When the statistics of the CAN buses were last asked for.
    statistics_at: Option<Moment>,
    /// When each watched path was last told.
    watched: Vec<Option<Moment>>,
    repeated: Option<Moment>,
    /// What had been heard last when everything was repeated.
    repeated_up_to: Option<Moment>,
    coalesced: Option<Moment>,
    /// Slow values changed and wait for their turn.
    has_more: bool,
    online: Option<bool>,
    /// Since when nothing can be reported.
    silent_since: Moment,
    notices: Vec<Notice>,
    evidence: Vec<Evidence>,
}

impl Gx {
    /// Makes the device. Nothing is sent yet.
    pub fn open(id: DeviceId, settings: Settings, context: Context) -> Result<Self, OpenError> {
        let now = context.clock.now();
        let remembered = context.memory.as_deref();
        let slot = |route| Slot { portal: portal::portal(remembered, &route), ..Slot::new(route, now) };
        let slots: Vec<_> = settings.routes().into_iter().map(slot).collect();
        let tree = slots
            .first()
            .map_or_else(|| Arc::new(RwLock::new(Tree::default())), |slot| Arc::clone(&slot.tree));
        let memory = Memory::open(context.memory.as_deref(), &settings.removed);
        let mut gx = Self {
            info: DeviceInfo::new(id.clone(), super::DRIVER.name, settings.address()),
            can: Can::numbered(memory.can.clone()),
            memory,
            statistics_at: None,
            watched: vec![None; settings.watch.len()],
            id,
            settings,
            context,
            slots,
            active: 0,
            vocabulary: Arc::new(Vocabulary::new(tree)),
            reported: BTreeMap::new(),
            is_new_way: true,
            is_dirty: false,
            repeated: None,
            repeated_up_to: None,
            coalesced: None,
            has_more: false,
            online: None,
            silent_since: now,
            notices: Vec::new(),
            evidence: Vec::new(),
        };
        gx.describe();
        Ok(gx)
    }

    /// Makes the device where it is in this process. Its way counts as the bus, which tells everything at once.
    pub fn in_process(
        id: DeviceId,
        settings: Settings,
        context: Context,
        device: &Arc<dyn InProcess>,
    ) -> Result<Self, OpenError> {
        let mut gx = Self::open(id, settings, context)?;
        gx.slots.truncate(1);
        for slot in &mut gx.slots {
            slot.device = Some(Arc::clone(device));
        }
        Ok(gx)
    }

    fn now(&self) -> Moment {
        self.context.clock.now()
    }

    fn report(&self, report: Report) {
        self.context.reporter.report(report);
    }

    /// What is known by the way in use.
    fn tree(&self) -> Arc<RwLock<Tree>> {
        self.vocabulary.tree()
    }

    fn ttl(&self) -> Ttl {
        let asks = self.slots.get(self.active).is_some_and(|slot| slot.kind().has_to_ask());
        let turn = if asks { REPEAT.max(self.settings.interval.0) } else { REPEAT };
        let fast = (turn * 3) + Duration::from_secs(5);
        Ttl { fast, medium: fast.max(Duration::from_secs(180)), slow: fast.max(Duration::from_secs(900)) }
    }

    async fn poll_once(&mut self) {
        self.start_ways();
        if !self.is_complete() {
            self.push().await;
        }
        self.take_events();
        self.choose_way();
        self.watch_presence();
        if self.is_complete() {
            self.ask_for_statistics(self.now()).await;
            if self.is_dirty {
                self.keep_memory(self.now());
            }
            self.report_values();
        }
    }

    fn is_complete(&self) -> bool {
        self.slots.get(self.active).is_some_and(|slot| slot.complete_since.is_some())
    }

    /// Ways up to the one in use are tried; those behind it rest.
    fn start_ways(&mut self) {
        let (clock, interval) = (Arc::clone(&self.context.clock), self.settings.interval.0);
        let now = self.now();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if index <= self.active {
                slot.start(&clock, interval, now);
            } else {
                slot.stop();
            }
        }
    }

    /// Lets the ways work for a while, until one has told something.
    async fn push(&mut self) {
        let clock = Arc::clone(&self.context.clock);
        let until = clock.now().plus(PUSH);
        while !self.is_complete() {
            let left = until.since(clock.now());
            if left.is_zero() || super::transport::within(clock.as_ref(), left, self.spoke()).await.is_none()
            {
                return;
            }
            self.take_events();
        }
    }

    /// Ends when a way has told something.
    async fn spoke(&mut self) {
        let ways: Vec<_> = self
            .slots
            .iter_mut()
            .filter_map(|slot| slot.way.as_mut())
            .map(|way| Box::pin(way.spoke()))
            .collect();
        if ways.is_empty() {
            return std::future::pending().await;
        }
        select_all(ways).await;
    }

    /// Takes in everything that was told, without waiting.
    fn take_events(&mut self) {
        for (index, slot) in self.slots.iter_mut().enumerate() {
            for _ in 0..BURST {
                // The way works only while it is looked at.
                let idle = slot.way.as_mut().is_none_or(|way| way.spoke().now_or_never().is_none());
                let changed = slot.take();
                self.is_dirty |= changed && index == self.active;
                if idle && !slot.has_waiting() {
                    break;
                }
            }
        }
    }

    /// Goes to a worse way where the one in use is of no use, and back to a better one as soon as it is steady.
    fn choose_way(&mut self) {
        let now = self.now();
        let steady = |slot: &Slot| slot.complete_since.is_some_and(|since| now.since(since) >= PATIENCE);
        if let Some(better) = self.slots.iter().take(self.active).position(steady) {
            return self.use_way(better);
        }
        let fails = self
            .slots
            .get(self.active)
            .is_some_and(|slot| slot.complete_since.is_none() && now.since(slot.down_since) >= PATIENCE);
        if fails && self.active + 1 < self.slots.len() {
            self.use_way(self.active + 1);
        } else if fails && self.slots.len() > 1 {
            // All of them failed: the first one that comes back is used.
            if let Some(back) = self.slots.iter().position(|slot| slot.complete_since.is_some()) {
                self.use_way(back);
            }
        }
    }

    fn use_way(&mut self, index: usize) {
        let from = self.slots.get(self.active).map(Slot::kind);
        let Some(slot) = self.slots.get_mut(index) else { return };
        tracing::info!(device = %self.id, from = from.map(tracing::field::display), to = %slot.kind(), "another way to the device");
        if index > self.active {
            slot.down_since = self.context.clock.now();
        }
        self.active = index;
        self.vocabulary.use_tree(Arc::clone(&slot.tree));
        (self.is_dirty, self.is_new_way) = (true, true);
        self.start_ways();
        self.describe();
        self.report(Report::Info(self.info.clone()));
    }

    fn watch_presence(&mut self) {
        let now = self.now();
        if self.is_complete() {
            self.silent_since = now;
            if self.online != Some(true) {
                if self.online.is_none() {
                    self.report(Report::Native(
                        self.id.clone(),
                        NativeView(Arc::clone(&self.vocabulary) as _),
                    ));
                }
                self.online = Some(true);
                (self.repeated, self.repeated_up_to) = (None, None);
                self.report(Report::Online(self.id.clone(), true, now));
            }
            return;
        }
        if self.online != Some(false) && now.since(self.silent_since) >= PATIENCE {
            if self.online.is_none() {
                self.report(Report::Native(self.id.clone(), NativeView(Arc::clone(&self.vocabulary) as _)));
            }
            self.online = Some(false);
            self.report(Report::Online(self.id.clone(), false, now));
        }
        if self.online == Some(false) {
            self.report_notices();
        }
    }
}

impl Device for Gx {
    fn info(&self) -> DeviceInfo {
        self.info.clone()
    }

    fn due_in(&self) -> Duration {
        let now = self.now();
        if !self.is_complete() {
            // Somebody who does not wait for what the device says still gets it by polling.
            return if now.since(self.silent_since) < PATIENCE {
                Duration::ZERO
            } else {
                Duration::from_secs(1)
            };
        }
        let left = |since: Option<Moment>, span: Duration| {
            since.map_or(Duration::ZERO, |since| span.saturating_sub(now.since(since)))
        };
        let mut due = left(self.repeated, REPEAT);
        if self.has_more {
            due = due.min(left(self.coalesced, COALESCE));
        }
        due = due.min(self.watch_due_in(now));
        let returning = self.slots.iter().take(self.active).filter_map(|slot| slot.complete_since);
        returning.map(|since| left(Some(since), PATIENCE)).fold(due, Duration::min)
    }

    fn poll(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(self.poll_once())
    }

    fn wait(&mut self) -> Option<BoxFuture<'_, ()>> {
        self.start_ways();
        Some(Box::pin(self.spoke()))
    }

    /// Of the overrides only a forced charge ends by itself, and its time is the device's.
    fn plan(&self, wish: &Wish, _dead_man: Option<Timespan>) -> Result<Plan, PlanError> {
        self.plan_wish(wish)
    }

    fn way_back(&self, wish: &Wish, native: &str) -> Wish {
        let tree = self.tree();
        super::ess::way_back(wish, native, &Site::of(&read(&tree)))
    }

    /// The ESS state is a setting; the other modes are overrides.
    fn is_apart(&self, mode: &BatteryMode) -> bool {
        matches!(mode, BatteryMode::Native(_))
    }

    fn write<'a>(&'a mut self, plan: &'a Plan) -> BoxFuture<'a, Result<WriteReply, DeviceError>> {
        Box::pin(self.write_plan(plan))
    }

    fn read_back<'a>(&'a mut self, wish: &'a Wish) -> BoxFuture<'a, Result<ModeNow, DeviceError>> {
        Box::pin(self.read_wish(wish))
    }

    fn memory(&self) -> Option<String> {
        self.memory_text()
    }
}

/// The tree, also when a reader panicked with it.
fn read(tree: &RwLock<Tree>) -> std::sync::RwLockReadGuard<'_, Tree> {
    tree.read().unwrap_or_else(PoisonError::into_inner)
}

fn later(one: Moment, other: Moment) -> Moment {
    if one.mono > other.mono { one } else { other }
}
