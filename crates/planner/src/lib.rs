//! The optimiser of a home with batteries: what each battery should do in the time ahead, what that costs, and why.
//!
//! A [`Problem`] says what is known; [`simulate()`] alone says what a plan costs. Pure: no I/O and no clock of our own;
//! the solver behind it watches its time limit.

#![warn(missing_docs)]

mod dynamic;
mod linear;
mod problem;
mod simulate;

pub use linear::LinearError;
pub use problem::{Battery, EndWorth, PerSlot, Problem, ProblemError, Slot, TaperPoint, Worth};
pub use simulate::{Outcome, SlotOutcome, Violation, simulate};
/// temp
pub fn try_lp(p: &Problem) -> (f64, f64, f64) {
    let limit = std::time::Duration::from_secs(5);
    let s = linear::solve(p, &linear::Ways::free(p), limit).unwrap();
    let o = simulate(p, &s.powers_w);
    let mut ways = linear::Ways::of(p, &o);
    let net: Vec<f64> = s.powers_w.iter().map(|x| x.iter().sum()).collect();
    let w2 = linear::Ways::of_powers(p, &net);
    let s2 = linear::solve(p, &w2, limit).unwrap();
    let o2 = simulate(p, &s2.powers_w);
    ways = dynamic::ways(p).unwrap();
    let s3 = linear::solve(p, &ways, limit).unwrap();
    let o3 = simulate(p, &s3.powers_w);
    (o.energy_eur, o2.score_eur(), o3.score_eur())
}
/// temp
pub fn try_dp(p: &Problem) { dynamic::ways(p); }
