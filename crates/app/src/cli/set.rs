//! `set`: ask a device for a mode or a setting. The answer says what was measured, not what was hoped.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use ohmstead_drivers::Device;
use ohmstead_model::{Asker, BatteryMode, Clock, DeviceId, Outcome, Request, Wish};
use ohmstead_units::{Percent, Timespan, Watts};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::target::{self, Own, Target, daemon_failure};
use super::{Common, real_clock};
use crate::actuator::{Gate, LEASE_MAX, LastWrites, ReadOnly, Until};
use crate::data_dir::Holder;
use crate::failure::{Code, Failure};
use crate::one_shot::Wanted;
use crate::records::{NoRecords, OfUnit, Records, driver_key, unit};
use crate::shapes::ledger_json;
use crate::socket::Question;
use crate::store::{HistoryConfig, Store};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Name in the configuration, or an address such as `marstek://192.0.2.7:30000`
    #[arg(value_name = "DEVICE|ADDRESS")]
    device: String,
    /// `auto`, `hold`, `hold_charge`, `charge`, `discharge`, `idle` or `native:NAME`; or a setting, such as
    /// `output_priority=solar_first`
    #[arg(required = true, num_args = 1.., value_name = "MODE|SETTING=VALUE")]
    wish: Vec<String>,
    /// With charge or discharge: the power, such as "800 W" (without: the device's maximum)
    #[arg(long, value_name = "POWER")]
    power: Option<Watts>,
    /// With charge: stop at this state of charge, such as "90 %"
    #[arg(long, value_name = "SOC")]
    until: Option<Percent>,
    /// For how long, such as "1 h" (without: the device's default)
    #[arg(long = "for", value_name = "TIME")]
    lease: Option<Timespan>,
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let wish = wish(arguments).map_err(|message| Failure::new(Code::Usage, message))?;
    let (row, hint) = match target::find(common, &arguments.device).await? {
        Target::Daemon(mut client, device) => {
            let for_s = arguments.lease.map(|lease| lease.0.as_secs());
            let question = Question::Set { device, wish: wish.to_string(), for_s };
            let row = client.ask(&question).await.map_err(daemon_failure)?;
            (row, "set `read_only: false` in the configuration of the daemon and reload it".to_owned())
        }
        Target::Own(own) => {
            let hint = own.config.as_ref().map_or(String::new(), |(path, _)| allow(path));
            (carry_out(*own, wish, arguments.lease).await?, hint)
        }
    };
    common.print(&row, || text(&row))?;
    ended(&row, &hint)
}

fn allow(path: &Path) -> String {
    format!("to allow writes, set `read_only: false` in {}", path.display())
}

/// What the command line asks for: its words, with the options over them.
fn wish(arguments: &Arguments) -> Result<Wish, String> {
    let words = arguments.wish.join(" ");
    match words.parse().map_err(|error: ohmstead_model::ModeParseError| error.to_string())? {
        Wish::Mode(mode) => with_options(mode, arguments).map(Wish::Mode),
        Wish::Setting(_) if arguments.power.is_some() || arguments.until.is_some() => {
            Err("--power and --until go with charge and discharge, not with a setting".to_owned())
        }
        Wish::Setting(_) if arguments.lease.is_some() => {
            Err("--for does not go with a setting: it stays until it is changed again".to_owned())
        }
        Wish::Setting(assignment) => Ok(Wish::Setting(assignment)),
    }
}

fn with_options(mode: BatteryMode, arguments: &Arguments) -> Result<BatteryMode, String> {
    if arguments.power.is_some_and(|power| power.0 <= 0.0) {
        return Err(
            "--power is a magnitude above 0: the direction is in the mode; for no power at all use idle"
                .to_owned(),
        );
    }
    if arguments.until.is_some_and(|until| !(0.0..=100.0).contains(&until.0)) {
        return Err("--until is a state of charge from 0 to 100 %".to_owned());
    }
    if arguments.lease.is_some_and(|lease| lease.0 > LEASE_MAX) {
        return Err(format!("--for is at most {}", Timespan(LEASE_MAX)));
    }
    match (mode, arguments.power, arguments.until) {
        (BatteryMode::Charge { power, until }, given, stop) => {
            Ok(BatteryMode::Charge { power: given.or(power), until: stop.or(until) })
        }
        (BatteryMode::Discharge { power }, given, None) => {
            Ok(BatteryMode::Discharge { power: given.or(power) })
        }
        (mode, None, None) => Ok(mode),
        (mode, Some(_), _) => Err(format!("--power does not go with {}", mode.key())),
        (mode, None, Some(_)) => Err(format!("--until does not go with {}", mode.key())),
    }
}

/// Without a daemon: the same gate, the same ledger, in this process.
async fn carry_out(own: Own, wish: Wish, lease: Option<Timespan>) -> Result<Value, Failure> {
    if let Some(why) = own.must_be_named() {
        return Err(Failure::new(Code::Refused, why));
    }
    let clock = real_clock();
    let store = store(&own)?;
    let memory = store.as_ref().and_then(|store| store.state_now(&driver_key(&own.id)));
    let mut one_shot = own.one_shot(&clock, memory)?;
    let wanted = match &wish {
        Wish::Setting(assignment) if ohmstead_drivers::metric(&assignment.name).is_some() => {
            Wanted::Possible(&wish)
        }
        Wish::Mode(_) | Wish::Setting(_) => Wanted::Identity,
    };
    one_shot.poll(wanted).await;
    if store.is_none() && one_shot.device().plan(&wish, lease).is_ok_and(|plan| plan.wear.is_some()) {
        return Err(uncounted());
    }
    let records: Arc<dyn Records> = match &store {
        Some(store) => Arc::new(store.clone()),
        None => Arc::new(NoRecords),
    };
    // A person who names an address and has no configuration asks for the write here and now.
    let read_only = own.config.as_ref().is_some_and(|(_, config)| config.read_only);
    let of_device = own.settings.read_only();
    let gate = gate(own.id.clone(), of_device, read_only, clock, records, one_shot.device());
    let request = Request { device: own.id, wish, lease: lease.map(|lease| lease.0), asked_by: Asker::Cli };
    let interrupted = gate.stop.clone();
    let row = tokio::select! {
        row = gate.carry_out(one_shot.device(), &request) => row,
        never = stop_at_interrupt(interrupted) => match never {},
    };
    Ok(ledger_json(&row))
}

/// The gate of a device that this process has opened by itself and polled, so that its unit is known.
pub(super) fn gate(
    id: DeviceId,
    of_device: Option<bool>,
    of_installation: bool,
    clock: Arc<dyn Clock>,
    records: Arc<dyn Records>,
    device: &dyn Device,
) -> Gate {
    let info = device.info();
    let unit = unit(info.driver, info.serial.as_deref());
    let records = Arc::new(OfUnit::new(records, &id, Box::new(move || unit.clone())));
    Gate {
        id,
        read_only: ReadOnly { device: of_device, installation: Arc::new(of_installation.into()) },
        clock,
        records,
        stop: CancellationToken::new(),
        until: Until::LeftToDevice,
        last: LastWrites::default(),
    }
}

/// A budget for memory that wears out needs a place that outlives the command: without one, a loop of a shell would have
/// none.
fn uncounted() -> Failure {
    let message = "nothing was written: the device keeps this setting in memory that wears out, and there is no place to count how \
                   often it is written. Give one with --data-dir DIR, or add the device to a configuration";
    Failure::new(Code::Refused, message)
}

/// An attempt that is interrupted ends with what is known, and its row.
pub(super) async fn stop_at_interrupt(stop: CancellationToken) -> std::convert::Infallible {
    if tokio::signal::ctrl_c().await.is_ok() {
        stop.cancel();
    }
    std::future::pending().await
}

/// The place for the ledger. Required with a configuration; an address alone does without.
fn store(own: &Own) -> Result<Option<Store>, Failure> {
    let wanted = HistoryConfig::of(own.config.as_ref().map(|(_, config)| config));
    let Ok(dir) = &own.data_dir else { return Ok(None) };
    let failure = match Store::open(dir.clone(), wanted, Holder::Verb) {
        Ok(store) => {
            let trouble = store.trouble().borrow().clone();
            match trouble {
                None => return Ok(Some(store)),
                Some(trouble) => {
                    Failure::new(Code::Failed, format!("nothing was written: there is no ledger: {trouble}"))
                }
            }
        }
        // A daemon that does not know the device keeps the ledger: nothing is written beside it.
        Err(error) => return Err(Failure::of(Code::InUse, error)),
    };
    if own.by_address { Ok(None) } else { Err(failure) }
}

fn text(row: &Value) -> String {
    let known = |key: &str| row[key].as_str();
    let line = |name: &str, key: &str| {
        known(key).map(|text| format!("  {name:<10} {}", text.replace('\n', "\n             ")))
    };
    let head = format!(
        "{}: {}: {}: {}",
        known("device").unwrap_or_default(),
        known("request").unwrap_or_default(),
        known("outcome").unwrap_or_default(),
        known("reason").unwrap_or_default()
    );
    let lines = [
        line("before", "old"),
        line("write", "new"),
        line("reply", "reply"),
        line("read back", "read_back"),
        line("measured", "effect"),
    ];
    std::iter::once(head).chain(lines.into_iter().flatten()).collect::<Vec<_>>().join("\n")
}

/// The exit code: what changed nothing although it was asked is not 0.
fn ended(row: &Value, hint: &str) -> Result<(), Failure> {
    let outcome = Outcome::ALL.into_iter().find(|outcome| row["outcome"] == outcome.key());
    let reason = row["reason"].as_str().unwrap_or_default();
    match outcome {
        Some(Outcome::Confirmed | Outcome::AcceptedUnmeasured | Outcome::Unchanged) => Ok(()),
        Some(Outcome::DryRun) => Err(Failure::new(Code::Refused, format!("this was a dry run; {hint}"))),
        Some(Outcome::Rejected) => Err(Failure::new(Code::Refused, reason)),
        Some(Outcome::Failed) => Err(Failure::new(Code::NoAnswer, reason)),
        Some(Outcome::Ineffective) | None => Err(Failure::new(Code::Failed, reason)),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn arguments(mode: &str, power: Option<&str>, until: Option<&str>) -> Arguments {
        Arguments {
            device: "a".to_owned(),
            wish: mode.split(' ').map(str::to_owned).collect(),
            power: power.map(|power| power.parse().unwrap()),
            until: until.map(|until| until.parse().unwrap()),
            lease: None,
        }
    }

    #[rstest]
    #[case("auto", None, None, Ok("auto"))]
    #[case("charge 800 W until 90 %", None, None, Ok("charge 800 W until 90 %"))]
    #[case("charge", Some("1 kW"), Some("80"), Ok("charge 1000 W until 80 %"))]
    #[case("discharge", Some("300"), None, Ok("discharge 300 W"))]
    #[case("native:ai", None, None, Ok("native:ai"))]
    #[case("auto", Some("800"), None, Err("--power does not go with auto"))]
    #[case("discharge", None, Some("20"), Err("--until does not go with discharge"))]
    #[case("charge", Some("-800"), None, Err("--power is a magnitude"))]
    #[case("charge", None, Some("180"), Err("--until is a state of charge"))]
    #[case("output_priority = solar_first", None, None, Ok("output_priority=solar_first"))]
    #[case("output_priority=solar_first", Some("5"), None, Err("--power and --until go with"))]
    #[case("on", None, None, Err("\"on\" is no battery mode"))]
    fn modes_of_the_command_line(
        #[case] words: &str,
        #[case] power: Option<&str>,
        #[case] until: Option<&str>,
        #[case] expected: Result<&str, &str>,
    ) {
        match (wish(&arguments(words, power, until)), expected) {
            (Ok(wish), Ok(expected)) => assert_eq!(wish.to_string(), expected),
            (Err(message), Err(expected)) => assert!(message.starts_with(expected), "{message}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[rstest]
    #[case("confirmed", None)]
    #[case("accepted_unmeasured", None)]
    #[case("unchanged", None)]
    #[case("dry_run", Some(Code::Refused))]
    #[case("rejected", Some(Code::Refused))]
    #[case("failed", Some(Code::NoAnswer))]
    #[case("ineffective", Some(Code::Failed))]
    fn outcomes_have_exit_codes(#[case] outcome: &str, #[case] code: Option<Code>) {
        let ended = ended(&json!({ "outcome": outcome, "reason": "because" }), "");
        assert_eq!(ended.err().map(|failure| failure.code), code);
    }

    #[test]
    fn the_answer_for_people() {
        let row = json!({
            "device": "fase_a", "request": "charge 800 W", "outcome": "confirmed", "reason": "measured charging 790 W after 9 s",
            "old": "Auto, 0 W", "new": "{\"a\":1}\n{\"b\":2}", "reply": "{\"set_result\":true}",
            "read_back": "Passive", "effect": null,
        });
        expect![[r#"
            fase_a: charge 800 W: confirmed: measured charging 790 W after 9 s
              before     Auto, 0 W
              write      {"a":1}
                         {"b":2}
              reply      {"set_result":true}
              read back  Passive"#]]
        .assert_eq(&text(&row));
    }
}
