//! Random homes: any mix of slots, prices, batteries and limits that is not nonsense.

use ohmstead_model::{TimeSpan, UnixMillis};
use ohmstead_planner::{Battery, EndWorth, PerSlot, Problem, Slot, TaperPoint, Worth};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// Prices of a home in which a linear program is enough: the export brings no more than the import costs.
pub(crate) fn even() -> impl Strategy<Value = Problem> {
    home(
        vec((0.0..0.6, 0.0..1.0), 1..14)
            .prop_map(|prices| prices.into_iter().map(|(import, part)| (import, import * part)).collect()),
    )
}

/// Any prices.
pub(crate) fn any_prices() -> impl Strategy<Value = Problem> {
    home(vec((-0.3..0.6, -0.3..0.6), 1..14))
}

fn home(prices: impl Strategy<Value = Vec<(f64, f64)>>) -> impl Strategy<Value = Problem> {
    let times = vec(
        (
            prop_oneof![4 => Just(900_i64), 2 => Just(1800), 2 => Just(3600), 1 => 2_i64..900, 1 => Just(86_400)],
            0.0..4000.0,
            0.0..5000.0,
        ),
        14,
    );
    (prices, times, vec(battery(), 0..4), site(), vec((100.0..4000.0, 0.0..0.4), 0..3)).prop_map(
        |(prices, times, batteries, site, worths)| {
            let mut at = 0;
            let slots = prices.into_iter().zip(times).map(
                |((import_price, export_price), (seconds, load_w, pv_w))| {
                    let span = TimeSpan::new(UnixMillis(at), UnixMillis(at + seconds * 1000));
                    at = span.end.0;
                    Slot { span, load_w, pv_w: f64::max(pv_w - 2500.0, 0.0), import_price, export_price }
                },
            );
            let named =
                |(number, battery): (usize, Battery)| Battery { name: format!("b{number}"), ..battery };
            let worths = worths.into_iter().map(|(wh, eur_per_kwh)| Worth { wh, eur_per_kwh });
            Problem {
                slots: slots.collect(),
                batteries: batteries.into_iter().enumerate().map(named).collect(),
                end_worth: EndWorth::of(worths),
                ..site
            }
        },
    )
}

fn site() -> impl Strategy<Value = Problem> {
    let limit = || prop_oneof![Just(f64::INFINITY), Just(0.0), 1000.0..9000.0];
    let import = prop_oneof![Just(f64::INFINITY), 1000.0..9000.0];
    (import, limit(), of(1000.0..6000.0), any::<bool>(), any::<bool>()).prop_map(
        |(import_max_w, export_max_w, inverter_max_w, allow_battery_export, curtail)| Problem {
            import_max_w,
            export_max_w,
            inverter_max_w,
            allow_battery_export,
            curtail,
            ..Problem::default()
        },
    )
}

fn battery() -> impl Strategy<Value = Battery> {
    let size = prop_oneof![1 => Just(0.0), 9 => 500.0..12_000.0];
    let powers =
        (prop_oneof![1 => Just(0.0), 9 => 200.0..4000.0], prop_oneof![1 => Just(0.0), 9 => 200.0..4000.0]);
    let parts = (0.0..1.1, 0.0..0.3, 0.7..1.0, 0.0..0.5);
    let losses = (0.7..1.0, 0.7..1.0, prop_oneof![Just(0.0), 0.0..0.01], prop_oneof![Just(0.0), 0.0..0.05]);
    let ends = (of(0.0..1.0), of(0.0..0.3), any::<bool>(), prop_oneof![9 => Just(true), 1 => Just(false)]);
    let wishes = (prop_oneof![8 => Just(false), 2 => Just(true)], any::<bool>());
    (size, powers, parts, losses, ends, wishes).prop_map(
        |(size, powers, parts, losses, ends, (final_wh, taper))| Battery {
            name: String::new(),
            capacity_wh: size,
            now_wh: parts.0 * size,
            min_wh: parts.1 * size,
            max_wh: parts.2 * size,
            reserve_wh: PerSlot::Constant(parts.3 * size),
            final_wh: ends.0.filter(|_| final_wh).map(|part| part * size),
            end_price: ends.1,
            charge_max_w: powers.0,
            discharge_max_w: powers.1,
            eff_charge: losses.0,
            eff_discharge: losses.1,
            idle_loss_per_h: losses.2,
            wear_eur_kwh: losses.3,
            taper: if taper && size > 0.0 { tapered(size, powers.0) } else { Vec::new() },
            may_charge_from_grid: ends.2,
            available: ends.3,
            pins: Vec::new(),
        },
    )
}

fn tapered(size: f64, charge_w: f64) -> Vec<TaperPoint> {
    let points = [(0.7, 1.0), (0.9, 0.6), (1.0, 0.2)];
    points.map(|(stored, power)| TaperPoint { stored_wh: stored * size, charge_w: power * charge_w }).to_vec()
}
