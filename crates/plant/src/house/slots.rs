//! The weekly slots of Manual mode, in the site's civil time.

/// A civil moment within the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeekMinute {
    /// 0 = Monday .. 6 = Sunday.
    pub weekday: u8,
    /// Minutes since civil midnight.
    pub minute: u16,
}

/// What a slot asks for while it is active.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SlotAction {
    /// AC power, W, discharge positive; 0 is read as [`ManualZero`](super::ManualZero) says.
    Power(f64),
    /// Follow the meter (the Venus E mini's `manual_set` 3).
    FollowMeter,
}

/// One slot of Manual mode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slot {
    /// First minute of the day.
    pub start_min: u16,
    /// Minute of the day at which it ends; before the start = it ends on the next day.
    pub end_min: u16,
    /// bit 0 = Monday .. bit 6 = Sunday; the day on which the slot starts.
    pub week_set: u8,
    /// What to do.
    pub action: SlotAction,
}

impl Slot {
    /// Whether the slot is active. `spans_midnight` is how the firmware reads an end before the start: as tomorrow, or never.
    pub fn is_active(&self, at: WeekMinute, spans_midnight: bool) -> bool {
        let on = |weekday: u8| self.week_set & (1 << weekday) != 0;
        if self.start_min <= self.end_min {
            return on(at.weekday) && (self.start_min..self.end_min).contains(&at.minute);
        }
        let yesterday = (at.weekday + 6) % 7;
        spans_midnight
            && ((on(at.weekday) && at.minute >= self.start_min)
                || (on(yesterday) && at.minute < self.end_min))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const NIGHT: (u16, u16) = (22 * 60, 6 * 60);
    const DAY: (u16, u16) = (8 * 60, 20 * 60);

    #[rstest]
    #[case::before_the_day_slot(DAY, 127, 0, 479, false)]
    #[case::first_minute(DAY, 127, 0, 480, true)]
    #[case::the_end_is_outside(DAY, 127, 0, 1200, false)]
    #[case::not_on_sunday(DAY, 0b011_1111, 6, 600, false)]
    #[case::evening_of_monday(NIGHT, 1, 0, 1330, true)]
    #[case::morning_after_monday(NIGHT, 1, 1, 100, true)]
    #[case::morning_of_monday_belongs_to_sunday(NIGHT, 1, 0, 100, false)]
    #[case::sunday_into_monday(NIGHT, 0b100_0000, 0, 359, true)]
    #[case::over_at_six(NIGHT, 127, 2, 360, false)]
    #[case::placeholder_is_never_active((0, 0), 127, 2, 0, false)]
    fn a_slot_is_active(
        #[case] (start_min, end_min): (u16, u16),
        #[case] week_set: u8,
        #[case] weekday: u8,
        #[case] minute: u16,
        #[case] active: bool,
    ) {
        let slot = Slot { start_min, end_min, week_set, action: SlotAction::Power(0.0) };
        assert_eq!(slot.is_active(WeekMinute { weekday, minute }, true), active);
    }

    #[test]
    fn a_firmware_may_ignore_a_span_over_midnight() {
        let slot =
            Slot { start_min: NIGHT.0, end_min: NIGHT.1, week_set: 127, action: SlotAction::Power(-800.0) };
        assert!(!slot.is_active(WeekMinute { weekday: 3, minute: 1_400 }, false));
    }
}
