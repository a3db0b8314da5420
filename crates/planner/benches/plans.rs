//! t
#[path = "../tests/support/mod.rs"]
mod support;
fn main() {
    for name in ["tempo_red_1d_30m", "tempo_red_2d_15m", "spot_2d_30m", "dst_oct_1d_15m", "neg_2d_15m"] {
        for n in 1..=3 {
            let problem = support::case(name, n).unwrap();
            problem.check().unwrap();
            let t = std::time::Instant::now();
            ohmstead_planner::try_dp(&problem);
            println!("dp {:?}", t.elapsed());
            for _ in 0..2 {
            let t = std::time::Instant::now();
            let p = ohmstead_planner::try_lp(&problem);
            println!("{name} {n} {:?} {:?}", t.elapsed(), p);
            }
        }
    }
}
