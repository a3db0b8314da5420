//! `control`: what control wants of whom, the switches of its parts, its limits and its windows.

mod text;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use ohmstead_config::Config;
use ohmstead_model::{Asker, Clock, LimitName, Part};
use ohmstead_units::Watts;
use ohmstead_web::{limits_json, schedule_json, switches_json};
use serde_json::{Value, json};

use super::target::daemon_failure;
use super::{Common, real_clock};
use crate::control::{Rules, book, event, limits, windows};
use crate::data_dir::Holder;
use crate::failure::{Code, Failure};
use crate::hub::Listener as _;
use crate::socket::{Client, Question, not_limited, not_there};
use crate::store::{HistoryConfig, Store};
use text::text;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// `limits`, `schedule` or `rotation`
    #[arg(value_name = "PART", value_parser = part, requires = "to")]
    part: Option<Part>,
    /// To what the part is switched, or which of the limits is to be lowered
    #[arg(value_name = "on|off|LIMIT", value_parser = to())]
    to: Option<To>,
    /// The most that the limit is to allow, such as "20 kW"; `none` goes back to what the configuration says
    #[arg(value_name = "POWER|none", value_parser = power)]
    power: Option<Power>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    On,
    Off,
    Limit(LimitName),
}

/// A power, or what the configuration says.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Power(Option<Watts>);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wanted {
    Switch(Part, bool),
    Limit(LimitName, Option<Watts>),
}

fn part(text: &str) -> Result<Part, String> {
    Part::of_key(text).ok_or_else(|| "there are: limits, plan, tempo, schedule, rotation".to_owned())
}

fn to() -> impl clap::builder::TypedValueParser<Value = To> {
    let words = ["on", "off"].into_iter().chain(LimitName::ALL.map(LimitName::key));
    PossibleValuesParser::new(words).map(|word| match word.as_str() {
        "on" => To::On,
        "off" => To::Off,
        name => To::Limit(LimitName::of_key(name).expect("one of the words")),
    })
}

fn power(text: &str) -> Result<Power, String> {
    if text == "none" {
        return Ok(Power(None));
    }
    text.parse().map(|power| Power(Some(power))).map_err(|error: ohmstead_units::ParseQuantityError| {
        format!("{error}; `none` goes back to what the configuration says")
    })
}

impl Arguments {
    fn wanted(&self) -> Result<Option<Wanted>, Failure> {
        let wrong = |text: &str| Err(Failure::new(Code::Usage, text.to_owned()));
        match (self.part, self.to, self.power) {
            (None, _, _) | (_, None, _) => Ok(None),
            (Some(Part::Limits), Some(To::Limit(name)), Some(Power(max))) => {
                Ok(Some(Wanted::Limit(name, max)))
            }
            (_, Some(To::Limit(name)), _) => {
                wrong(&format!("a limit is lowered so: ohmstead control limits {name} \"20 kW\" (or none)"))
            }
            (_, _, Some(_)) => wrong("a part is switched on or off, and nothing stands behind that"),
            (Some(part), Some(to), None) => Ok(Some(Wanted::Switch(part, to == To::On))),
        }
    }
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let wanted = arguments.wanted()?;
    let (_, config) = common.load()?;
    let dir = common.data_dir(Some(&config))?;
    let answer = match Client::connect(&dir).await {
        Some(mut client) => ask(&mut client, wanted).await?,
        None => alone(dir, &config, wanted).await?,
    };
    common.print(&answer, || text(&answer))
}

async fn ask(client: &mut Client, wanted: Option<Wanted>) -> Result<Value, Failure> {
    let question = match wanted {
        None => Question::Control {},
        Some(Wanted::Switch(part, on)) => Question::Switch { part: part.key().to_owned(), on },
        Some(Wanted::Limit(name, max)) => {
            Question::Limit { name: name.key().to_owned(), max_w: max.map(|max| max.0) }
        }
    };
    let answer = client.ask(&question).await.map_err(daemon_failure)?;
    Ok(match wanted {
        None => answer,
        Some(Wanted::Switch(..)) => json!({ "switches": answer }),
        Some(Wanted::Limit(..)) => json!({ "limits": answer }),
    })
}

/// Without a daemon: what the next one will find. Nothing is wanted of a device meanwhile.
async fn alone(dir: PathBuf, config: &Config, wanted: Option<Wanted>) -> Result<Value, Failure> {
    let (rules, clock) = (Rules::of(config), real_clock());
    let store = Store::open(dir, HistoryConfig::of(Some(config)), Holder::Verb)
        .map_err(|error| Failure::of(Code::InUse, error))?;
    let (mut off, windows) =
        (book::read_off(&store).await?, windows::read(&store).await?.or_warn(windows::KEY));
    let mut asked = limits::read(&store).await?.or_warn(limits::KEY);
    match wanted {
        None => {}
        Some(Wanted::Switch(part, on)) => {
            if rules.switches(&off, &windows).get(part).is_none() {
                return Err(usage(&not_there(part)));
            }
            let changed = if on { off.remove(&part) } else { off.insert(part) };
            if changed {
                book::write_off(&store, &off).await?;
            }
        }
        Some(Wanted::Limit(name, max)) => {
            let lowered = limits::lower(&store, &rules.settings.limits, &asked, name, max).await;
            let (next, shown) = lowered.map_err(|error| usage(&not_limited(&error)))?;
            if next != asked {
                note(&store, &limits::told(&shown), &clock).await;
            }
            asked = next;
        }
    }
    let switches = rules.switches(&off, &windows);
    let is_on = switches.get(Part::Schedule) == Some(true);
    Ok(json!({
        "switches": switches_json(switches),
        "limits": limits_json(&rules.settings.limits.shown(&asked)),
        "schedule": schedule_json(&rules.windows(&windows, clock.now()), is_on),
        "running": false,
    }))
}

/// Puts what was changed into the list of events.
async fn note(store: &Store, text: &str, clock: &Arc<dyn Clock>) {
    store.event(event("limit_changed", text, Asker::Cli, clock.now().unix));
    store.save_now(clock.now()).await;
}

fn usage(failure: &crate::socket::Failure) -> Failure {
    let code = if failure.code == "not_kept" { Code::Failed } else { Code::Usage };
    Failure::new(code, format!("{}; {}", failure.message, failure.hint))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use rstest::rstest;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn wanted(line: &str) -> Result<Option<Wanted>, String> {
        let words = std::iter::once("control").chain(line.split_terminator(' '));
        let words = words.map(|word| word.replace('_', " ").replace("feed in", "feed_in"));
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.arguments.wanted().map_err(|failure| failure.to_string())
    }

    #[rstest]
    #[case("", None)]
    #[case("schedule off", Some(Wanted::Switch(Part::Schedule, false)))]
    #[case("limits on", Some(Wanted::Switch(Part::Limits, true)))]
    #[case("limits feed_in 2_kW", Some(Wanted::Limit(LimitName::FeedIn, Some(Watts(2000.0)))))]
    #[case("limits feed_in none", Some(Wanted::Limit(LimitName::FeedIn, None)))]
    fn what_is_understood(#[case] line: &str, #[case] expected: Option<Wanted>) {
        assert_eq!(wanted(line), Ok(expected));
    }

    #[rstest]
    #[case("limits", "required")]
    #[case("limits feed_in", "a limit is lowered so: ohmstead control limits feed_in")]
    #[case("schedule feed_in 2_kW", "a limit is lowered so")]
    #[case("schedule on 2_kW", "nothing stands behind that")]
    #[case("limits feed_in 2_kVA", "`none` goes back")]
    #[case("limits export 2_kW", "possible values: on, off, multi_output")]
    #[case("limit on", "there are: limits, plan, tempo, schedule, rotation")]
    fn what_is_not(#[case] line: &str, #[case] why: &str) {
        let refused = wanted(line).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
}
