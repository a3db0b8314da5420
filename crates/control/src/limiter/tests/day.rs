//! A day in a second.

use super::house::Limiter;
use super::plant::{Kind, Noise, Plant, VICTRON};

/// Kettles, ovens, cars: every few minutes the demand is another one.
#[test]
fn a_day_of_changing_demand() {
    let (mut plant, mut limiter) = (
        Plant::new(Kind { gain: 0.95, ..VICTRON }),
        Limiter::new("multi_output: { max: 10 kW, step: 2 kW }"),
    );
    let mut noise = Noise(2027);
    let (mut left, mut over, mut longest, mut needless) = (0.0, 0_u32, 0_u32, 0_u32);
    for _ in 0..86_400 {
        left -= 1.0;
        if left <= 0.0 {
            left = 300.0 + 240.0 * noise.next();
            plant.demand = (8_000.0 + 10_000.0 * noise.next()).max(300.0);
        }
        plant.second(&mut limiter);
        let (made, bound) = *plant.past.last().unwrap();
        over = if made > 10_050.0 { over + 1 } else { 0 };
        longest = longest.max(over);
        // What is taken from the house although the limit would bear it.
        needless += u32::from(bound.is_some() && plant.demand < 9_500.0 && made < plant.demand - 300.0);
    }
    assert!(longest <= 12, "over the limit for {longest} s");
    assert!(needless <= 900, "too narrow for {needless} s of the day");
    let bounded = plant.past.iter().filter(|(_, bound)| bound.is_some()).count();
    assert!((10_000..60_000).contains(&bounded), "{bounded} s with a bound");
    let (down, up) = plant.steps();
    assert!(-down <= 2_001.0 && up <= 201.0, "{down} {up}");
}
