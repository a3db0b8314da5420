//! Repeatable randomness that depends on the seed and the moment only, never on how often or in which steps it is asked.

/// A well-mixed hash of three words (the finaliser of `SplitMix64`).
pub(crate) fn mix(seed: u64, stream: u64, index: i64) -> u64 {
    let mut z = seed
        ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ index.cast_unsigned().wrapping_mul(0xD1B5_4A32_D192_ED03);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Smooth noise in 0..1: random values on a lattice of `period_ms`, joined by a smooth step.
pub(crate) fn smooth(seed: u64, stream: u64, at_ms: i64, period_ms: i64) -> f64 {
    let cell = at_ms.div_euclid(period_ms);
    let part = smooth_step(at_ms.rem_euclid(period_ms) as f64 / period_ms as f64);
    let (from, to) = (unit(mix(seed, stream, cell)), unit(mix(seed, stream, cell + 1)));
    from + (to - from) * part
}

/// 0 below 0, 1 above 1, an S between.
pub(crate) fn smooth_step(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// A normally distributed number, mean 0, deviation 1 (sum of twelve uniforms: bounded at six, which suits physics).
pub(crate) fn normal(rng: &mut fastrand::Rng) -> f64 {
    (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0
}

fn unit(word: u64) -> f64 {
    (word >> 11) as f64 / (1_u64 << 53) as f64
}
