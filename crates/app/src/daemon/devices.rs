//! The devices that run: starting, stopping and replacing their tasks.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use ohmstead_drivers::DeviceSettings;
use ohmstead_model::{Clock, DeviceId};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::actuator::{Gate, LastWrites, ReadOnly, Until};
use crate::device_task::{DeviceTask, Parts};
use crate::house::House;
use crate::records::{OfUnit, UnitOf, driver_key, unit};

/// How long a device's task may take to end before it is cut off.
const END: Duration = Duration::from_secs(7);

/// All running devices.
pub(super) struct Devices {
    house: Arc<House>,
    tracker: TaskTracker,
    running: BTreeMap<DeviceId, Running>,
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Devices {
    pub(super) fn new(house: Arc<House>, tracker: TaskTracker) -> Self {
        Self { house, tracker, running: BTreeMap::new() }
    }

    /// Starts a device, in place of the one of that name if there is one. It is announced when this returns.
    pub(super) async fn start(&mut self, id: &DeviceId, settings: &DeviceSettings) {
        self.end(id).await;
        let stop = CancellationToken::new();
        let task = self.task(id, settings, &stop).start(settings.driver()).await;
        let task = self.tracker.spawn(task.run());
        self.running.insert(id.clone(), Running { stop, task });
    }

    /// Stops a device that is no longer configured.
    pub(super) async fn remove(&mut self, id: &DeviceId) {
        self.house.commander.close(id);
        self.end(id).await;
        self.house.hub.remove(id.clone()).await;
    }

    /// Stops all devices, together.
    pub(super) async fn stop(&mut self) {
        self.running.values().for_each(|running| running.stop.cancel());
        let running = std::mem::take(&mut self.running);
        let clock = Arc::clone(&self.house.clock);
        let ends = running.into_iter().map(|(id, running)| finish(id, running, Arc::clone(&clock)));
        futures_util::future::join_all(ends).await;
    }

    /// Ends a device for now: what is ours in it is given back.
    pub(super) async fn end(&mut self, id: &DeviceId) {
        if let Some(running) = self.running.remove(id) {
            running.stop.cancel();
            finish(id.clone(), running, Arc::clone(&self.house.clock)).await;
        }
    }

    fn task(&self, id: &DeviceId, settings: &DeviceSettings, stop: &CancellationToken) -> DeviceTask {
        let house = &self.house;
        let gate = Gate {
            id: id.clone(),
            read_only: ReadOnly { device: settings.read_only(), installation: Arc::clone(&house.read_only) },
            clock: Arc::clone(&house.clock),
            records: Arc::new(OfUnit::new(Arc::new(house.store.clone()), id, self.unit_of(id))),
            stop: stop.clone(),
            until: Until::Watched,
            last: LastWrites::default(),
        };
        let (to_open, settings) = (id.clone(), settings.clone());
        DeviceTask::new(Parts {
            open: Box::new(move |context| settings.open(to_open.clone(), context)),
            gate,
            door: house.commander.open(id.clone()),
            hub: house.hub.clone(),
            seed: seed(id, house.clock.as_ref()),
            memory: house.store.state_now(&driver_key(id)),
            seen: house.store.metrics_now(id),
        })
    }

    /// Which unit it is, as far as is known at the moment it is asked for.
    fn unit_of(&self, id: &DeviceId) -> UnitOf {
        let (hub, id) = (self.house.hub.clone(), id.clone());
        Box::new(move || {
            let snapshot = hub.snapshot();
            let info = &snapshot.device(id.as_str())?.info;
            unit(info.driver, info.serial.as_deref())
        })
    }
}

async fn finish(id: DeviceId, running: Running, clock: Arc<dyn Clock>) {
    let mut task = running.task;
    tokio::select! {
        _ = &mut task => {}
        () = clock.sleep(END) => {
            tracing::warn!(device = %id, "the device's task did not end in time and is cut off");
            task.abort();
            let _ = task.await;
        }
    }
}

/// Different for each device and each start, so that devices do not poll in step.
fn seed(id: &DeviceId, clock: &dyn Clock) -> u64 {
    let mut hasher = DefaultHasher::new();
    (id, clock.now().unix).hash(&mut hasher);
    hasher.finish()
}
