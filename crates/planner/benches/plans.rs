//! t
#[path = "../tests/support/mod.rs"]
mod support;
use ohmstead_planner::*;
fn main() {
    for name in ["tempo_red_1d_30m", "tempo_red_2d_15m", "spot_2d_30m", "dst_oct_1d_15m", "neg_2d_15m"] {
        for n in 1..=3 {
            let problem = support::case(name, n).unwrap();
            for _ in 0..2 {
            let t = std::time::Instant::now();
            let p = plan(&problem, None, &Settings::default());
            println!("{name} {n} {:?} {:?} {} modes {} self {} none {} viol {:?}", t.elapsed(), p.origin, p.outcome.energy_eur, p.in_modes.score_eur(), p.self_consumption.score_eur(), p.no_battery.energy_eur, p.outcome.violations);
            }
        }
    }
}
#[allow(dead_code)]
fn x() {}
