//! `control`: what control wants of whom, and the switches of its parts.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ohmstead_config::Config;
use ohmstead_model::Part;
use ohmstead_web::switches_json;
use serde_json::{Value, json};

use super::Common;
use super::table::table;
use super::target::daemon_failure;
use crate::control::{Rules, book};
use crate::data_dir::Holder;
use crate::failure::{Code, Failure};
use crate::socket::{Client, Question, not_there};
use crate::store::Store;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// `limits`, `schedule` or `rotation`
    #[arg(value_name = "PART", value_parser = part, requires = "to")]
    part: Option<Part>,
    /// To what it is switched
    #[arg(value_name = "on|off")]
    to: Option<To>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    On,
    Off,
}

fn part(text: &str) -> Result<Part, String> {
    Part::of_key(text).ok_or_else(|| "there are: limits, schedule, rotation".to_owned())
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let (_, config) = common.load()?;
    let dir = common.data_dir(Some(&config))?;
    let wanted = arguments.part.zip(arguments.to.map(|to| to == To::On));
    let answer = match (Client::connect(&dir).await, wanted) {
        (Some(mut client), None) => client.ask(&Question::Control {}).await.map_err(daemon_failure)?,
        (Some(mut client), Some((part, on))) => {
            let question = Question::Switch { part: part.key().to_owned(), on };
            json!({ "switches": client.ask(&question).await.map_err(daemon_failure)? })
        }
        (None, _) => alone(dir, &config, wanted).await?,
    };
    common.print(&answer, || text(&answer))
}

/// Without a daemon: what the next one will find. Nothing is wanted of a device meanwhile.
async fn alone(dir: PathBuf, config: &Config, wanted: Option<(Part, bool)>) -> Result<Value, Failure> {
    let rules = Rules::of(config);
    let store = Store::open(dir, config.history.clone(), Holder::Verb)
        .map_err(|error| Failure::of(Code::InUse, error))?;
    let mut off = book::read_off(&store).await;
    if let Some((part, on)) = wanted {
        if rules.switches(&off).get(part).is_none() {
            let failure = not_there(part);
            return Err(Failure::new(Code::Usage, format!("{}; {}", failure.message, failure.hint)));
        }
        let changed = if on { off.remove(&part) } else { off.insert(part) };
        if changed {
            book::write_off(&store, &off).await?;
        }
    }
    Ok(json!({ "switches": switches_json(rules.switches(&off)), "running": false }))
}

fn text(answer: &Value) -> String {
    let parts = Part::ALL.map(|part| {
        let word = match answer["switches"][part.key()].as_bool() {
            Some(true) => "on",
            Some(false) => "off",
            None => "not configured",
        };
        vec![part.key().to_owned(), word.to_owned()]
    });
    let mut blocks = vec![table(&parts, &[])];
    if let Some(devices) = answer["devices"].as_array().filter(|devices| !devices.is_empty()) {
        blocks.push(devices_text(devices));
    }
    if answer["running"] == false {
        blocks.push("no daemon runs: nothing is wanted of any device now".to_owned());
    }
    blocks.join("\n\n")
}

fn devices_text(devices: &[Value]) -> String {
    let head = ["device", "wants", "by", "phase", "until", "reason"].map(str::to_owned).to_vec();
    let rows = devices.iter().map(|device| {
        let control = &device["control"];
        let word = |key: &str| control[key].as_str().unwrap_or("-").to_owned();
        let name = device["device"].as_str().unwrap_or_default().to_owned();
        let words = ["wants", "by", "phase", "ends", "reason"].map(word);
        std::iter::once(name).chain(words).collect()
    });
    table(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), &[])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn control_for_people() {
        let answer = json!({
            "switches": { "limits": null, "schedule": true, "rotation": false },
            "devices": [
                { "device": "fase_a", "control": {
                    "wants": "charge 800 W", "by": "override", "phase": "confirmed", "code": "asked",
                    "reason": "asked by hand (cli)", "ends": "2026-11-21T08:42:00.000Z",
                } },
                { "device": "fase_b", "control": null },
            ],
        });
        expect![[r"
            limits    not configured
            schedule  on
            rotation  off

            device  wants         by        phase      until                     reason
            fase_a  charge 800 W  override  confirmed  2026-11-21T08:42:00.000Z  asked by hand (cli)
            fase_b  -             -         -          -                         -"]]
        .assert_eq(&text(&answer));
    }

    #[test]
    fn without_a_daemon_nothing_is_wanted() {
        let answer =
            json!({ "switches": { "limits": true, "schedule": null, "rotation": null }, "running": false });
        assert!(text(&answer).ends_with("no daemon runs: nothing is wanted of any device now"));
    }
}
