//! The limits of the site, as numbers that the owner lowers: `T/site/<limit>/state` and `T/site/<limit>/set`. Pure.

use ohmstead_model::{DeviceId, LimitName, LimitRefused, NONE, SiteLimit};
use ohmstead_units::Watts;
use serde_json::{Value as Json, json};

use crate::command::{self, COMMAND_BYTES_MAX, NotACommand};
use crate::render::Said;
use crate::scheme::{Message, Scheme};

/// The outcome of a limit that was changed.
pub(crate) const LIMITED: &str = "limited";

/// Where it is said what counts of a limit.
pub(crate) fn state_topic(scheme: &Scheme, name: LimitName) -> String {
    scheme.device_topic(&DeviceId::site(), &format!("{name}/state"))
}

/// What counts of all limits that there are.
pub(crate) fn said(scheme: &Scheme, limits: &[SiteLimit]) -> Vec<Said> {
    let state = |limit: &SiteLimit| {
        Said::all_of(Message::retained(state_topic(scheme, limit.name), number(shown(limit)).to_string()))
    };
    limits.iter().map(state).collect()
}

/// What can be asked for in whole watts: rounded inwards, for what lies outside is refused.
pub(crate) fn range(limit: &SiteLimit) -> (Watts, Watts) {
    (Watts(limit.lowest.0.ceil()), Watts(limit.max.0.floor()))
}

/// Whether there is anything to be asked for.
pub(crate) fn can_be_lowered(limit: &SiteLimit) -> bool {
    let (least, most) = range(limit);
    least < most
}

/// What counts, within the range: Home Assistant does not take a state outside.
fn shown(limit: &SiteLimit) -> Watts {
    let (least, most) = range(limit);
    if can_be_lowered(limit) { Watts(limit.counts().0.max(least.0).min(most.0)) } else { limit.counts() }
}

/// A power as Home Assistant has it, to the tenth of a watt: `20000`.
pub(crate) fn number(power: Watts) -> Json {
    let rounded = (power.0 * 10.0).round() / 10.0;
    // A whole number without a point, as people write it.
    format!("{rounded}").parse::<serde_json::Number>().map_or(Json::Null, Json::Number)
}

/// Reads a number of watts, `20 kW`, or `none` for what the configuration says.
pub(crate) fn parse(payload: &[u8]) -> Result<Option<Watts>, NotACommand> {
    let wrong = || NotACommand::new("a limit takes a power such as 20000 or 20 kW, or none");
    if payload.len() > COMMAND_BYTES_MAX {
        return Err(wrong());
    }
    let text = std::str::from_utf8(payload).map_err(|_| wrong())?.trim();
    if text.eq_ignore_ascii_case(NONE) {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| wrong())
}

/// What is asked, in words.
pub(crate) fn request(name: LimitName, max: Option<Watts>) -> String {
    format!("{name}={}", max.map_or_else(|| NONE.to_owned(), |max| max.to_string()))
}

/// The answer on `T/site/<limit>/result`.
pub(crate) fn answer(request: &str, ended: &Result<SiteLimit, LimitRefused>) -> Json {
    let site = DeviceId::site();
    match ended {
        Ok(limit) => json!({
            "device": site.as_str(),
            "request": request,
            "outcome": LIMITED,
            "reason": format!("{} counts now", limit.counts()),
            "max_w": number(limit.counts()),
        }),
        Err(error) => command::refused(&site, Some(request), &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("20000", Ok(Some(20_000.0)))]
    #[case(" 20 kW\n", Ok(Some(20_000.0)))]
    #[case("12500.5", Ok(Some(12_500.5)))]
    #[case("none", Ok(None))]
    #[case("None", Ok(None))]
    #[case("", Err(()))]
    #[case("NaN", Err(()))]
    #[case("inf", Err(()))]
    #[case("20 kVA", Err(()))]
    #[case("ON", Err(()))]
    fn a_limit_takes_a_power(#[case] payload: &str, #[case] expected: Result<Option<f64>, ()>) {
        let read = parse(payload.as_bytes()).map_err(drop);
        assert_eq!(read, expected.map(|power| power.map(Watts)));
    }

    #[rstest]
    #[case(20_000.0, "20000")]
    #[case(0.0, "0")]
    #[case(12_500.55, "12500.6")]
    fn numbers_as_people_write_them(#[case] power: f64, #[case] expected: &str) {
        assert_eq!(number(Watts(power)).to_string(), expected);
    }

    #[rstest]
    #[case::whole(1000.0, 30_000.0, None, ("1000", "30000", "30000"))]
    #[case::parts(1000.2, 12_500.55, None, ("1001", "12500", "12500"))]
    #[case::the_least(1000.2, 12_500.0, Some(1000.2), ("1001", "12500", "1001"))]
    #[case::lowered(0.0, 5000.0, Some(1200.5), ("0", "5000", "1200.5"))]
    fn nothing_is_offered_that_is_refused(
        #[case] lowest: f64,
        #[case] max: f64,
        #[case] asked: Option<f64>,
        #[case] expected: (&str, &str, &str),
    ) {
        let (lowest, max, asked) = (Watts(lowest), Watts(max), asked.map(Watts));
        let limit = SiteLimit { name: LimitName::FeedIn, max, lowest, asked };
        let (least, most) = range(&limit);
        assert!(limit.takes(least) && limit.takes(most));
        let text = |power| number(power).to_string();
        assert_eq!((&*text(least), &*text(most), &*text(shown(&limit))), expected);
    }

    #[test]
    fn within_one_watt_there_is_nothing_to_ask_for() {
        let limit = SiteLimit { name: LimitName::FeedIn, max: Watts(0.8), lowest: Watts(0.2), asked: None };
        assert!(!can_be_lowered(&limit));
        assert_eq!(shown(&limit), Watts(0.8));
    }

    #[test]
    fn what_is_refused_says_why() {
        let refused = LimitRefused::NotConfigured(LimitName::FeedIn);
        let answer = answer("feed_in=5 W", &Err(refused));
        assert_eq!(answer["outcome"], "refused");
        assert_eq!(answer["reason"], "the configuration has no limit feed_in");
    }
}
