//! The planner's part in this house: a plan every quarter of an hour, the same every day.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_control::plan::{Plan, Step, Why};
use ohmstead_model::{BatteryMode, Clock, Moment, TimeSpan, Timeline, UnixMillis};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3_600);
const EVERY: Duration = Duration::from_secs(900);

/// Device, hour of the day, UTC, and mode.
const DAY: [(&str, u32, &str); 6] = [
    ("a", 1, "charge 600 W until 95 %"),
    ("a", 4, "hold"),
    ("a", 14, "discharge 300 W"),
    ("gx", 8, "hold"),
    ("gx", 11, "hold_charge"),
    ("gx", 12, "charge 800 W"),
];

/// Makes plans until told to stop.
pub(super) async fn make(
    clock: Arc<dyn Clock>,
    plans: watch::Sender<Option<Arc<Plan>>>,
    stop: CancellationToken,
) {
    loop {
        plans.send_replace(Some(Arc::new(plan(clock.now()))));
        if stop.run_until_cancelled(clock.sleep(EVERY)).await.is_none() {
            return;
        }
    }
}

fn plan(now: Moment) -> Plan {
    let why = Why { code: "planned", sentences: Arc::new(std::array::from_fn(|_| "planned".to_owned())) };
    let midnight = UnixMillis(now.unix.0.div_euclid(86_400_000) * 86_400_000);
    let mut steps = BTreeMap::new();
    for (device, _, _) in DAY {
        let mut of_device = Timeline::default();
        for hour in 0..48 {
            let span = TimeSpan::lasting(midnight.plus(HOUR * hour), HOUR);
            let planned = DAY.iter().find(|(name, at, _)| *name == device && *at == hour % 24);
            let mode = planned.map_or(BatteryMode::Auto, |(_, _, mode)| mode.parse().expect("a mode"));
            of_device.set(span, Step { mode, why: why.clone() });
        }
        steps.insert(device.parse().expect("a name"), of_device);
    }
    Plan { made: now, steps }
}
