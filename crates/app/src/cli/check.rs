//! `check`: is the configuration right, and with `--live`: does each device answer?

use clap::Args;
use ohmstead_config::Config;
use ohmstead_drivers::DeviceSettings;
use ohmstead_model::DeviceId;
use ohmstead_web::device_json;
use serde_json::{Value, json};

use super::target;
use super::{Common, real_clock};
use crate::daemon;
use crate::failure::{Code, Failure};
use crate::one_shot::{OneShot, Wanted};
use crate::print;
use crate::socket::{Client, Question};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Ask each device once and print state of charge and mode
    #[arg(long)]
    live: bool,
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let (path, config) = common.load()?;
    daemon::check(&config)?;
    if arguments.live {
        return live(common, config).await;
    }
    let json =
        json!({ "ok": true, "config": path, "devices": config.devices.len(), "read_only": config.read_only });
    common.print(&json, || format!("{} is valid: {}", path.display(), summary(&config)))
}

fn summary(config: &Config) -> String {
    let devices = match config.devices.len() {
        1 => "1 device".to_owned(),
        count => format!("{count} devices"),
    };
    let mqtt = config.mqtt.as_ref().map_or("no MQTT".to_owned(), |mqtt| format!("MQTT at {}", mqtt.host));
    let web =
        config.web.as_ref().map_or("no page".to_owned(), |web| format!("the page at http://{}/", web.listen));
    let writes = if config.read_only { "read-only" } else { "may control devices" };
    format!("{devices}, {mqtt}, {web}, {writes}")
}

/// One reading of each device, one after the other, as they come.
async fn live(common: &Common, config: Config) -> Result<(), Failure> {
    let data_dir = common.data_dir(Some(&config));
    let mut client = match &data_dir {
        Ok(dir) => Client::connect(dir).await,
        Err(_) => None,
    };
    let _alone = if client.is_none() { target::lock(&data_dir)? } else { None };
    let mut all = Vec::new();
    let mut silent = 0;
    for (id, settings) in &config.devices {
        if !common.json {
            print::out(format!("Testing {} ({})...", name_of(id, settings), settings.address()))?;
        }
        let device = match &mut client {
            Some(client) => from_daemon(client, id).await,
            None => asked(id, settings).await,
        };
        let (line, answered) = verdict(&device);
        silent += usize::from(!answered);
        if common.json {
            all.push(
                device.unwrap_or_else(|why| json!({ "device": id.as_str(), "online": false, "error": why })),
            );
        } else {
            print::out(line)?;
        }
    }
    if common.json {
        print::out(format!("{:#}", Value::Array(all)))?;
    }
    match silent {
        0 => Ok(()),
        silent => Err(Failure::new(
            Code::NoAnswer,
            format!("{silent} of {} devices did not answer", config.devices.len()),
        )),
    }
}

async fn from_daemon(client: &mut Client, id: &DeviceId) -> Result<Value, String> {
    client.ask(&Question::Read { device: id.to_string() }).await.map_err(|error| error.to_string())
}

async fn asked(id: &DeviceId, settings: &DeviceSettings) -> Result<Value, String> {
    let clock = real_clock();
    let mut one_shot = OneShot::open(id, &clock, None, |context| settings.open(id.clone(), context))
        .map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
    one_shot.poll(Wanted::Essentials).await;
    Ok(device_json(&one_shot.state(), clock.now()))
}

/// `✅ SOC: 45%, Mode: Manual`, or what is wrong.
fn verdict(device: &Result<Value, String>) -> (String, bool) {
    let device = match device {
        Ok(device) => device,
        Err(why) => return (format!("  ❌ {why}"), false),
    };
    let value = |metric: &str| &device["values"][metric]["value"];
    let soc = value("battery_soc").as_f64().map(|soc| format!("SOC: {soc:.0}%"));
    let mode = value("battery_mode_native").as_str().or_else(|| value("battery_mode").as_str());
    let mode = mode.map(|mode| format!("Mode: {mode}"));
    if device["online"] == json!(false) || soc.is_none() && mode.is_none() {
        let address = device["address"].as_str().unwrap_or_default();
        return (format!("  ❌ no answer from {address}"), false);
    }
    let parts = [soc.unwrap_or("SOC: unknown".to_owned()), mode.unwrap_or("Mode: unknown".to_owned())];
    (format!("  ✅ {}", parts.join(", ")), true)
}

fn name_of(id: &DeviceId, settings: &DeviceSettings) -> String {
    settings.title().map_or_else(|| id.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_the_old_pollers_line() {
        let device = |online: Value, soc: Value, mode: Value| {
            Ok(json!({
                "online": online,
                "address": "192.0.2.7:30000",
                "values": { "battery_soc": { "value": soc }, "battery_mode_native": { "value": mode } },
            }))
        };
        let line = |online, soc, mode| verdict(&device(online, soc, mode));
        assert_eq!(
            line(json!(true), json!(45.2), json!("Manual")),
            ("  ✅ SOC: 45%, Mode: Manual".to_owned(), true)
        );
        assert_eq!(
            line(json!(true), json!(0.0), Value::Null),
            ("  ✅ SOC: 0%, Mode: unknown".to_owned(), true)
        );
        let silent = ("  ❌ no answer from 192.0.2.7:30000".to_owned(), false);
        assert_eq!(line(json!(false), Value::Null, Value::Null), silent);
        assert_eq!(line(Value::Null, Value::Null, Value::Null), silent);
        assert_eq!(verdict(&Err("no socket".to_owned())), ("  ❌ no socket".to_owned(), false));
    }
}
