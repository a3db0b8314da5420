//! Random numbers that are the same on every machine and with every version of every crate: figures are compared over years.

/// `SplitMix64`, by Steele, Lea and Flood.
#[derive(Debug, Clone)]
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// 0 to 1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nearly normal, of standard deviation 1: the sum of four uniform numbers out of one draw. It ends at 3.5.
    pub(crate) fn normal(&mut self) -> f64 {
        let bits = self.bits();
        let lanes = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
        // The deviation of one uniform lane is 65536 / sqrt(12), of four twice that.
        (lanes as f64 - 131_070.0) / 37_837.2
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.share() < share
    }
}
