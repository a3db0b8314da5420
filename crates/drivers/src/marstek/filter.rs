//! Values that are well-formed and wrong: a state of charge of 0 for one poll, a counter that dips, a counter that
//! stands still while power flows. Each is held back for a limited number of readings; what stays is believed.

/// What to do with a reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    /// Use it.
    Accept(f64),
    /// Do not use it, and leave the previous value to age.
    Hold,
}

/// Holds back a state of charge of 0 that comes out of nowhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct SocFilter {
    last: Option<f64>,
    held: u8,
}

/// The vendor's own library holds a sudden 0 for up to three polls if the last value was at least 10 %.
const SOC_HOLDS: u8 = 3;
const SOC_SUDDEN_FROM: f64 = 10.0;

impl SocFilter {
    pub(crate) fn judge(&mut self, soc: f64) -> Verdict {
        let sudden = soc <= 0.0 && self.last.is_some_and(|last| last >= SOC_SUDDEN_FROM);
        if sudden && self.held < SOC_HOLDS {
            self.held += 1;
            return Verdict::Hold;
        }
        self.held = 0;
        self.last = Some(soc);
        Verdict::Accept(soc)
    }
}

/// Holds back dips and leaps of a counter, and notices when it is frozen.
#[derive(Debug, Clone, Default)]
pub(crate) struct CounterFilter {
    last: Option<f64>,
    held: u8,
    moved_at_wh: Option<f64>,
}

/// A drop is held for two polls; a third equal answer is a reset.
const COUNTER_HOLDS: u8 = 2;
/// A counter that has not moved while so much energy flowed is frozen. Ten ticks of the coarsest counter.
const FROZEN_WH: f64 = 1000.0;
/// More than this within one poll cannot have flowed through a unit of 2.5 kW, whatever the counter's unit.
const LEAP_TICKS: f64 = 100_000.0;

impl CounterFilter {
    /// Judges a raw counter.
    pub(crate) fn judge(&mut self, raw: f64, integral_wh: f64) -> Verdict {
        let strange = self.last.is_some_and(|last| raw < last || raw - last > LEAP_TICKS);
        if strange && self.held < COUNTER_HOLDS {
            self.held += 1;
            return Verdict::Hold;
        }
        self.held = 0;
        if self.last.is_none_or(|last| (raw - last).abs() > f64::EPSILON) {
            self.moved_at_wh = Some(integral_wh);
        }
        self.last = Some(raw);
        Verdict::Accept(raw)
    }

    /// Whether the counter stands still although energy flows.
    pub(crate) fn is_frozen(&self, integral_wh: f64) -> bool {
        self.moved_at_wh.is_some_and(|moved| integral_wh - moved > FROZEN_WH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soc_0_for_one_poll_is_held_and_a_real_0_is_believed() {
        let mut filter = SocFilter::default();
        assert_eq!(filter.judge(55.0), Verdict::Accept(55.0));
        assert_eq!(filter.judge(0.0), Verdict::Hold);
        assert_eq!(filter.judge(55.0), Verdict::Accept(55.0));
        for _ in 0..3 {
            assert_eq!(filter.judge(0.0), Verdict::Hold);
        }
        assert_eq!(filter.judge(0.0), Verdict::Accept(0.0));
        assert_eq!(filter.judge(0.0), Verdict::Accept(0.0));
    }

    #[test]
    fn an_empty_battery_is_0_at_once() {
        let mut filter = SocFilter::default();
        assert_eq!(filter.judge(0.0), Verdict::Accept(0.0));
        assert_eq!(filter.judge(4.0), Verdict::Accept(4.0));
        assert_eq!(filter.judge(0.0), Verdict::Accept(0.0));
    }

    #[test]
    fn a_counter_dip_is_held_and_a_reset_is_believed() {
        let mut filter = CounterFilter::default();
        assert_eq!(filter.judge(1000.0, 0.0), Verdict::Accept(1000.0));
        assert_eq!(filter.judge(12.0, 0.0), Verdict::Hold);
        assert_eq!(filter.judge(1001.0, 0.0), Verdict::Accept(1001.0));
        assert_eq!(filter.judge(9_999_999.0, 0.0), Verdict::Hold);
        assert_eq!(filter.judge(0.0, 0.0), Verdict::Hold);
        assert_eq!(filter.judge(0.0, 0.0), Verdict::Accept(0.0));
    }

    #[test]
    fn a_counter_that_stands_still_while_power_flows_is_frozen() {
        let mut filter = CounterFilter::default();
        filter.judge(1000.0, 0.0);
        filter.judge(1000.0, 900.0);
        assert!(!filter.is_frozen(900.0));
        assert!(filter.is_frozen(1001.0));
        filter.judge(1001.0, 1100.0);
        assert!(!filter.is_frozen(1200.0));
    }
}
