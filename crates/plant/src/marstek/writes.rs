//! Carrying out a write: refused, acknowledged, or obeyed.

use super::{
    Device, MEMORY_MAX, Readings, State,
    orders::{self, NoOrder, Order, Totals},
    reply::Reply,
};
use crate::house::{Battery, House, Mode, Passive, SLOTS};
use serde_json::{Map, Value};

impl Device {
    /// A write: refused, acknowledged, or obeyed.
    pub(super) fn write(
        &mut self,
        now_ms: i64,
        method: &str,
        params: &Map<String, Value>,
        house: &mut House,
    ) -> Reply {
        self.counters.writes_received += 1;
        let busy = self.switches.busy_ms.zip(self.last_write_ms);
        let busy = busy.is_some_and(|(gap_ms, last_ms)| now_ms < last_ms.saturating_add_unsigned(gap_ms));
        self.last_write_ms = Some(now_ms);
        let order = match orders::read(method, params, self.profile()) {
            _ if busy || self.switches.refuse_writes => return Reply::set_result(params, false),
            Err(NoOrder::InvalidParams) => return Reply::error(-32_602, "Invalid params", None),
            Err(NoOrder::Refused) => return Reply::set_result(params, false),
            Ok(Order::Ignore) => return Reply::set_result(params, true),
            Ok(order) => order,
        };
        let mode = house.battery(self.battery).mode;
        let touchy = self.switches.refuse_active || self.profile().refuses_active_mode();
        if touchy && order == Order::Switch(mode) {
            return Reply::set_result(params, false);
        }
        if !self.swallows(&format!("{order:?}")) {
            self.counters.writes_applied += 1;
            self.obey(now_ms, order, house);
        }
        Reply::set_result(params, true)
    }

    /// Whether this sending of an order is one of the first few, which are acknowledged only.
    fn swallows(&mut self, order: &str) -> bool {
        let Some(count) = self.switches.swallow_writes.filter(|count| *count > 0) else { return false };
        let known = self.swallowed.iter().position(|(seen, _)| seen == order);
        let seen = known.map_or(0, |index| self.swallowed[index].1);
        if let Some(index) = known {
            self.swallowed.remove(index);
        }
        if seen >= count {
            return false;
        }
        self.swallowed.push_back((order.to_owned(), seen + 1));
        if self.swallowed.len() > MEMORY_MAX {
            self.swallowed.pop_front();
        }
        true
    }

    fn obey(&mut self, now_ms: i64, order: Order, house: &mut House) {
        let totals = Readings::of(house, self.battery);
        let battery = house.battery_mut(self.battery);
        if matches!(order, Order::Switch(_) | Order::Slot { .. }) {
            battery.passive = None;
            self.passive_since_ms = None;
        }
        match order {
            Order::Switch(mode) => battery.mode = mode,
            Order::Slot { index, slot } => {
                battery.mode = Mode::Manual;
                battery.slots[index.min(SLOTS - 1)] = slot;
            }
            Order::Passive { power_w, seconds } => {
                battery.mode = Mode::Passive;
                battery.passive = Some(Passive { power_w, until_ms: now_ms + seconds * 1_000 });
                self.passive_since_ms = Some(now_ms);
            }
            // The default of 88 % goes with the floor of 11.5 % that units are seen to stop at.
            Order::Depth(pct) => battery.settings.floor_pct = 99.5 - pct,
            Order::PowerLimit(limit_w) => battery.settings.power_limit_w = limit_w,
            Order::FactoryReset { totals: kept } => {
                to_delivery(battery, Mode::Auto);
                // The API is off on delivery.
                self.state = State::ApiOff;
                if kept == Totals::Cleared {
                    self.totals_base = [totals.ac_out_wh, totals.ac_in_wh, totals.pv_wh];
                }
            }
            Order::Gadget | Order::Ignore => {}
        }
    }
}

/// Settings as on delivery, but for the mode, which depends on what wiped them.
pub(super) fn to_delivery(battery: &mut Battery, mode: Mode) {
    battery.mode = mode;
    battery.slots = [None; SLOTS];
    battery.passive = None;
}
