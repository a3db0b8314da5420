//! The parts of control that the owner switches: `T/site/<part>/state` and `T/site/<part>/set`. Pure.

use ohmstead_model::{AskError, DeviceId, Part, Switches};
use serde_json::{Value as Json, json};

use crate::command::{self, NotACommand};
use crate::render::Said;
use crate::scheme::{Message, Scheme};

pub(crate) const ON: &str = "ON";
pub(crate) const OFF: &str = "OFF";

/// The outcome of a switch that was carried out.
pub(crate) const SWITCHED: &str = "switched";

fn word(on: bool) -> &'static str {
    if on { ON } else { OFF }
}

/// Where the state of a part is.
pub(crate) fn state_topic(scheme: &Scheme, part: Part) -> String {
    scheme.device_topic(&DeviceId::site(), &format!("{}/state", part.key()))
}

/// The states of all parts that there are.
pub(crate) fn said(scheme: &Scheme, switches: Switches) -> Vec<Said> {
    let state = |part| {
        let on = switches.get(part)?;
        Some(Said::all_of(Message::retained(state_topic(scheme, part), word(on))))
    };
    Part::ALL.into_iter().filter_map(state).collect()
}

/// Reads `ON` or `OFF`.
pub(crate) fn parse(payload: &[u8]) -> Result<bool, NotACommand> {
    match payload.trim_ascii() {
        text if text.eq_ignore_ascii_case(ON.as_bytes()) => Ok(true),
        text if text.eq_ignore_ascii_case(OFF.as_bytes()) => Ok(false),
        _ => Err(NotACommand::new("a switch takes ON or OFF, and nothing else")),
    }
}

/// What is asked, in words.
pub(crate) fn request(part: Part, on: bool) -> String {
    format!("{}={}", part.key(), word(on))
}

/// The answer on `T/site/<part>/result`.
pub(crate) fn answer(part: Part, on: bool, ended: &Result<Switches, AskError>) -> Json {
    let (site, request) = (DeviceId::site(), request(part, on));
    match ended {
        Ok(switches) if switches.get(part).is_none() => {
            command::refused(&site, Some(&request), &missing(part))
        }
        Ok(_) => json!({
            "device": site.as_str(),
            "request": request,
            "outcome": SWITCHED,
            "reason": format!("{} is now {}", part.key(), word(on)),
        }),
        Err(error) => command::refused(&site, Some(&request), &error.to_string()),
    }
}

/// Why a part cannot be switched that is not there.
pub(crate) fn missing(part: Part) -> String {
    format!("the configuration has no {}: there is nothing to switch", part.key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("ON", Some(true))]
    #[case(" off\n", Some(false))]
    #[case("On", Some(true))]
    #[case("1", None)]
    #[case("true", None)]
    #[case("", None)]
    #[case("ONO", None)]
    fn a_switch_takes_two_words(#[case] payload: &str, #[case] expected: Option<bool>) {
        assert_eq!(parse(payload.as_bytes()).ok(), expected);
    }

    #[test]
    fn a_part_that_is_not_there_is_not_switched() {
        let all = Switches { limits: Some(false), ..Switches::default() };
        assert_eq!(answer(Part::Limits, false, &Ok(all))["outcome"], "switched");
        assert_eq!(answer(Part::Rotation, false, &Ok(all))["outcome"], "refused");
        assert_eq!(answer(Part::Limits, true, &Err(AskError::Stopping))["outcome"], "refused");
    }
}
