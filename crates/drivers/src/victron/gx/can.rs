//! The statistics of the CAN buses are counted anew only when somebody asks for them by name: now and then, somebody does.

use std::time::Duration;

use ohmstead_model::Moment;

use super::{Gx, read};
use crate::victron::can;
use crate::victron::transport::Spot;

/// How often.
const EVERY: Duration = Duration::from_secs(300);

impl Gx {
    /// Asks for the statistics if it is time; a signal does not tell them.
    pub(super) async fn ask_for_statistics(&mut self, now: Moment) {
        // Over HTTP all paths are read anew, and Modbus does not have these.
        let can_ask = self.slots.get(self.active).is_some_and(|slot| !slot.kind().has_to_ask());
        let is_due = self.statistics_at.is_none_or(|at| now.since(at) >= EVERY);
        if !(can_ask && is_due && self.is_complete()) {
            return;
        }
        self.statistics_at = Some(now);
        let spots: Vec<_> = {
            let tree = self.tree();
            let tree = read(&tree);
            let service = tree.first("platform").map(|part| part.service.clone());
            let spot = |(_, path): (&str, &str)| Some(Spot { service: service.clone()?, path: path.into() });
            can::paths(&tree).take(crate::victron::native::CAN_ERRORS.len()).filter_map(spot).collect()
        };
        for spot in spots {
            // One that does not answer keeps its old value, which ages.
            let Ok(value) = self.read_spot(&spot).await else { continue };
            self.keep_read(&spot, value);
        }
    }
}
