//! The task between one simulated inverter and its front ends: it carries bytes to the unit, reports to the clients when
//! their time comes, and tells where the unit is plugged in.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Shared;
use crate::voltronic::front::{Front, REPORTS_KEPT, WRITES_KEPT, Wire};
use crate::voltronic::{Port as _, Unit};

/// How often the plug is looked at when nothing is on its way, in real time.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Starts the front ends of the inverter `name` and its cable.
pub(super) fn start(
    shared: &Arc<Shared>,
    name: &str,
    fronts: Vec<Front>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let (to_unit, from_clients) = mpsc::channel(WRITES_KEPT);
    let (reset, resets) = mpsc::channel(4);
    let (reports, _) = broadcast::channel(REPORTS_KEPT);
    let (node, plug) = watch::channel(None);
    for front in fronts {
        let wire = Wire {
            to_unit: to_unit.clone(),
            reports: reports.clone(),
            node: plug.clone(),
            reset: reset.clone(),
        };
        front.serve(wire, tasks, stop.clone());
    }
    let cable = Cable { shared: Arc::clone(shared), name: name.to_owned(), reports, node };
    tasks.spawn(cable.run(from_clients, resets, stop.clone()));
}

struct Cable {
    shared: Arc<Shared>,
    name: String,
    reports: broadcast::Sender<Vec<u8>>,
    node: watch::Sender<Option<u32>>,
}

impl Cable {
    async fn run(
        self,
        mut from_clients: mpsc::Receiver<Vec<u8>>,
        mut resets: mpsc::Receiver<()>,
        stop: CancellationToken,
    ) {
        loop {
            let due = self.carry();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(due) => {}
                Some(bytes) = from_clients.recv() => self.with_unit(|unit, now_ms| unit.receive(now_ms, &bytes)),
                Some(()) = resets.recv() => self.with_unit(Unit::reset),
            }
        }
    }

    /// Hands on what is due, and says when to look again.
    fn carry(&self) -> Instant {
        let (reports, node, due_ms) = {
            let now_ms = self.shared.clock.now_ms();
            let mut site = self.shared.present();
            let Ok(unit) = site.inverter_mut(&self.name) else { return Instant::now() + LOOK_EVERY };
            (unit.take(now_ms), unit.node(now_ms), unit.due_ms().map(|due_ms| due_ms - now_ms))
        };
        self.node.send_if_modified(|known| std::mem::replace(known, node) != node);
        for report in reports {
            // Nobody may be listening.
            let _ = self.reports.send(report);
        }
        let look = Instant::now() + LOOK_EVERY;
        let due = due_ms.map(|left_ms| self.shared.clock.due(u64::try_from(left_ms).unwrap_or_default()));
        due.map_or(look, |due| due.min(look))
    }

    fn with_unit(&self, act: impl FnOnce(&mut Unit, i64)) {
        let now_ms = self.shared.clock.now_ms();
        let mut site = self.shared.present();
        if let Ok(unit) = site.inverter_mut(&self.name) {
            act(unit, now_ms);
        }
    }
}
