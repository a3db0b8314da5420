//! The USB side of a unit: whether it is there, and under which number.

/// Without a node after a port reset and after a change of number, ms.
const ENUMERATION_MS: i64 = 1_500;
/// Without a node after the cable came loose, ms.
const LOOSE_MS: i64 = 3_000;
/// Numbers go up in steps that leave room for ten units side by side, below the kernel's 64.
const NUMBER_STEP: u32 = 10;
const NUMBER_TURNS: u32 = 5;

/// The plug and what happens to it.
#[derive(Debug, Clone)]
pub(crate) struct Plug {
    first_node: u32,
    turns: u32,
    gone_until_ms: i64,
    loosens_at_ms: Option<i64>,
    numbered_ms: i64,
    /// Power and firmware have been on since then.
    pub(crate) up_since_ms: i64,
}

impl Plug {
    pub(crate) fn new(node: u32, now_ms: i64) -> Self {
        Self {
            first_node: node,
            turns: 0,
            gone_until_ms: i64::MIN,
            loosens_at_ms: None,
            numbered_ms: now_ms,
            up_since_ms: now_ms,
        }
    }

    /// The cable comes loose at a moment.
    pub(crate) fn loosen(&mut self, at_ms: i64) {
        self.loosens_at_ms = Some(self.loosens_at_ms.map_or(at_ms, |before_ms| before_ms.min(at_ms)));
    }

    /// Goes through what has happened by now; gives the moment since which bytes are lost, if any are.
    pub(crate) fn settle(&mut self, now_ms: i64, renumber_every_s: Option<u64>) -> Option<i64> {
        let mut lost_from_ms = None;
        if let Some(at_ms) = self.loosens_at_ms.filter(|at_ms| *at_ms <= now_ms) {
            self.loosens_at_ms = None;
            self.gone_until_ms = at_ms + LOOSE_MS;
            lost_from_ms = Some(at_ms);
        }
        match renumber_every_s {
            Some(every_s @ 1..) => {
                let every_ms = every_s.cast_signed() * 1_000;
                let times = (now_ms - self.numbered_ms).div_euclid(every_ms).max(0);
                if times > 0 {
                    self.numbered_ms += times * every_ms;
                    self.turns = (self.turns + u32::try_from(times).unwrap_or(1)) % NUMBER_TURNS;
                    self.gone_until_ms = self.gone_until_ms.max(self.numbered_ms + ENUMERATION_MS);
                    lost_from_ms = Some(lost_from_ms.unwrap_or(i64::MAX).min(self.numbered_ms));
                }
            }
            // The count begins when the switch is thrown.
            _ => self.numbered_ms = now_ms,
        }
        lost_from_ms
    }

    pub(crate) fn reset(&mut self, now_ms: i64) {
        self.gone_until_ms = now_ms + ENUMERATION_MS;
        self.up_since_ms = self.gone_until_ms;
        self.loosens_at_ms = None;
    }

    pub(crate) fn is_gone(&self, now_ms: i64) -> bool {
        now_ms < self.gone_until_ms
    }

    pub(crate) fn node(&self, now_ms: i64) -> Option<u32> {
        (!self.is_gone(now_ms)).then_some(self.first_node + NUMBER_STEP * self.turns)
    }
}
