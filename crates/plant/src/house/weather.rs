//! Clouds: regimes that last for hours, and inside a broken sky short clouds with sharp edges.

use super::noise::{mix, smooth, smooth_step};

const STREAM_DAY: u64 = 0x0057_4541;
const STREAM_REGIME: u64 = 0x0052_4547;
const STREAM_CLOUD: u64 = 0x0043_4c44;
const STREAM_HAZE: u64 = 0x0048_415a;
/// A regime holds for this long before the dice are thrown again.
const REGIME_MS: i64 = 3 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// The state of the sky at one moment, as factors on the clear-sky light.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sky {
    pub(crate) beam_through: f64,
    pub(crate) diffuse_gain: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Regime {
    Clear,
    Broken,
    Overcast,
}

/// The sky above the house. Depends on the seed and the moment only.
pub(crate) fn sky(seed: u64, at_ms: i64) -> Sky {
    match regime(seed, at_ms) {
        Regime::Clear => {
            Sky { beam_through: 0.93 + 0.07 * smooth(seed, STREAM_HAZE, at_ms, 1_800_000), diffuse_gain: 1.0 }
        }
        Regime::Broken => broken(seed, at_ms),
        Regime::Overcast => {
            Sky { beam_through: 0.02 + 0.10 * smooth(seed, STREAM_HAZE, at_ms, 900_000), diffuse_gain: 1.6 }
        }
    }
}

/// Clouds of two to ten minutes; an edge passes in half a minute. Between clouds the light is a little above clear sky.
fn broken(seed: u64, at_ms: i64) -> Sky {
    let cover = smooth(seed, STREAM_CLOUD, at_ms, 240_000);
    let shade = smooth_step((cover - 0.45) / 0.10);
    Sky { beam_through: 1.03 - 0.80 * shade, diffuse_gain: 1.0 + 1.2 * shade }
}

/// The day has a mood, the hours follow it more often than not.
fn regime(seed: u64, at_ms: i64) -> Regime {
    let mood = mix(seed, STREAM_DAY, at_ms.div_euclid(DAY_MS)) % 100;
    let dice = mix(seed, STREAM_REGIME, at_ms.div_euclid(REGIME_MS)) % 100;
    let (clear, broken) = match mood {
        0..35 => (75, 95),
        35..70 => (20, 85),
        _ => (3, 20),
    };
    match dice {
        d if d < clear => Regime::Clear,
        d if d < broken => Regime::Broken,
        _ => Regime::Overcast,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_regimes_occur_and_a_broken_sky_has_sharp_edges() {
        let mut seen = [0_u32; 3];
        let mut sharpest = 0.0_f64;
        for minute in 0..(30 * 1_440) {
            let at = minute * 60_000;
            seen[match regime(7, at) {
                Regime::Clear => 0,
                Regime::Broken => 1,
                Regime::Overcast => 2,
            }] += 1;
            if regime(7, at) == Regime::Broken && regime(7, at + 30_000) == Regime::Broken {
                sharpest = sharpest.max((sky(7, at).beam_through - sky(7, at + 30_000).beam_through).abs());
            }
        }
        assert!(seen.iter().all(|&n| n > 4_000), "{seen:?}");
        assert!(sharpest > 0.5, "an edge of {sharpest} within 30 s");
    }
}
