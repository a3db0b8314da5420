//! The device that a verb is about: a name of the configuration or an address, at the running daemon or on its own.

use std::path::PathBuf;

use ohmstead_config::Config;
use ohmstead_drivers::DeviceSettings;
use ohmstead_model::DeviceId;
use serde_json::Value;

use super::Common;
use crate::data_dir::{self, DataDirError, Holder, Lock};
use crate::failure::{Code, Failure};
use crate::one_shot::OneShot;
use crate::socket::{AskFailed, Client, Question};

/// Where the device is.
pub(super) enum Target {
    /// A running daemon has it, under this name.
    Daemon(Client, String),
    /// Nobody has it.
    Own(Box<Own>),
}

/// A device that this process opens by itself.
pub(super) struct Own {
    pub(super) id: DeviceId,
    pub(super) settings: DeviceSettings,
    /// The configuration, if there is one.
    pub(super) config: Option<(PathBuf, Config)>,
    /// Whether it was given by its address and is not in the configuration.
    pub(super) by_address: bool,
    /// Where it was given by its address: the configured devices of its driver. It may be any of them.
    pub(super) beside: Vec<String>,
    pub(super) data_dir: Result<PathBuf, DataDirError>,
}

/// Finds what `name` means: a name, or an address such as `marstek://192.0.2.7:30000`.
pub(super) async fn find(common: &Common, name: &str) -> Result<Target, Failure> {
    if is_address(name) { by_address(common, name).await } else { by_name(common, name).await }
}

/// Whether it is an address: of names, only those of the bus of a GX device come without slashes.
fn is_address(name: &str) -> bool {
    name.contains("://") || name.starts_with("victron+")
}

async fn by_name(common: &Common, name: &str) -> Result<Target, Failure> {
    let (path, config) = common.load()?;
    let data_dir = common.data_dir(Some(&config));
    if let Some(client) = connect(&data_dir).await {
        return Ok(Target::Daemon(client, name.to_owned()));
    }
    let Some((id, settings)) = config.devices.iter().find(|(id, _)| id.as_str() == name).cloned() else {
        let known: Vec<_> = config.devices.iter().map(|(id, _)| id.as_str()).collect();
        let known = known.join(", ");
        let message = format!(
            "no device {name:?} in {}; configured: {known}; an address has a form such as marstek://IP:PORT, victron+http://IP:8088 or voltronic:///dev/hidraw0",
            path.display()
        );
        return Err(Failure::new(Code::Usage, message));
    };
    let config = Some((path, config));
    Ok(Target::Own(Box::new(Own { id, settings, config, by_address: false, beside: Vec::new(), data_dir })))
}

async fn by_address(common: &Common, address: &str) -> Result<Target, Failure> {
    let settings = DeviceSettings::from_address(address).map_err(|error| Failure::of(Code::Usage, error))?;
    let config = common.load_if_any()?;
    let data_dir = common.data_dir(config.as_ref().map(|(_, config)| config));
    // Two programs that talk to one device take each other's answers.
    let running = match connect(&data_dir).await {
        Some(client) => of_daemon(client, &settings).await,
        None => None,
    };
    let mut beside = match running {
        Some((client, Known { at: Some(name), .. })) => return Ok(Target::Daemon(client, name)),
        Some((_, known)) => known.beside,
        None => Vec::new(),
    };
    let configured = config.as_ref().and_then(|(_, config)| same_address(config, &settings));
    let by_address = configured.is_none();
    if let (true, Some((_, config))) = (by_address, &config) {
        let same = config.devices.iter().filter(|(_, known)| known.driver() == settings.driver());
        let names = same.map(|(id, _)| id.to_string()).filter(|name| !beside.contains(name));
        let names: Vec<_> = names.collect();
        beside.extend(names);
    }
    let (id, settings) = configured.unwrap_or_else(|| (id_of(&settings), settings));
    Ok(Target::Own(Box::new(Own { id, settings, config, by_address, beside, data_dir })))
}

async fn connect(data_dir: &Result<PathBuf, DataDirError>) -> Option<Client> {
    Client::connect(data_dir.as_ref().ok()?).await
}

/// What the daemon has of one driver.
struct Known {
    /// The name of the device at the address that was asked about.
    at: Option<String>,
    /// The names of the others.
    beside: Vec<String>,
}

/// What the daemon has of the driver of `settings`, and which device is at their address.
async fn of_daemon(mut client: Client, settings: &DeviceSettings) -> Option<(Client, Known)> {
    let devices = client.ask(&Question::Devices {}).await.ok()?;
    let wanted = real_place(settings);
    let mut known = Known { at: None, beside: Vec::new() };
    for device in devices.as_array()? {
        let text = |key: &str| device[key].as_str().unwrap_or_default();
        if text("driver") != settings.driver() {
            continue;
        }
        let address = format!("{}://{}", text("driver"), text("address"));
        let place = DeviceSettings::from_address(&address).ok().and_then(|settings| real_place(&settings));
        if wanted.is_some() && place == wanted {
            known.at = Some(text("device").to_owned());
        } else {
            known.beside.push(text("device").to_owned());
        }
    }
    Some((client, known))
}

fn same_address(config: &Config, settings: &DeviceSettings) -> Option<(DeviceId, DeviceSettings)> {
    let wanted = real_place(settings)?;
    config.devices.iter().find(|(_, known)| real_place(known).as_ref() == Some(&wanted)).cloned()
}

/// Where a device really is: of a file, what its links lead to.
fn real_place(settings: &DeviceSettings) -> Option<String> {
    let real = match settings {
        DeviceSettings::Voltronic(inverter) => ohmstead_config::file_of(&inverter.path),
        DeviceSettings::Marstek(_) | DeviceSettings::Victron(_) => None,
    };
    let real = real.and_then(|file| file.canonicalize().ok()).map(|file| file.display().to_string());
    real.or_else(|| ohmstead_config::place(settings))
}

/// An address as the name of a device: `192_0_2_7_30000`, `hidraw0`.
fn id_of(settings: &DeviceSettings) -> DeviceId {
    let place = real_place(settings).unwrap_or_else(|| settings.address());
    // Of a path the last part is enough.
    let place = place.rsplit('/').next().unwrap_or_default();
    let name = place.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let name = name.trim_start_matches('_');
    let name = name.get(..name.len().min(64)).unwrap_or_default();
    name.parse().unwrap_or_else(|_| "device".parse().expect("a valid name"))
}

impl Own {
    /// Why nothing may be written to a device that was given by its address: `read_only`, `write` and the limits of the
    /// owner go with the configured devices, and another spelling of an address is not to get around them.
    pub(super) fn must_be_named(&self) -> Option<String> {
        let first = self.beside.first().filter(|_| self.by_address)?;
        let place = match &self.config {
            Some((path, _)) => path.display().to_string(),
            None => "the running daemon".to_owned(),
        };
        Some(format!(
            "nothing was written: no device of {place} has this address, but it may lead to one of them ({}), whose `read_only` and \
             limits count. Give the device's name, such as {first}, instead of an address; a unit that is not configured yet has to be \
             added to the configuration first",
            self.beside.join(", ")
        ))
    }

    /// Opens the device, alone: the lock is held as long as the value lives. An address without a configuration needs no
    /// place for data.
    pub(super) fn open(
        &self,
        clock: &std::sync::Arc<dyn ohmstead_model::Clock>,
    ) -> Result<(OneShot, Option<Lock>), Failure> {
        let lock = if self.by_address { None } else { lock(&self.data_dir)? };
        let one_shot = self.one_shot(clock, None)?;
        Ok((one_shot, lock))
    }

    /// Makes the device with what its driver knew.
    pub(super) fn one_shot(
        &self,
        clock: &std::sync::Arc<dyn ohmstead_model::Clock>,
        memory: Option<String>,
    ) -> Result<OneShot, Failure> {
        let opened =
            OneShot::open(&self.id, clock, memory, |context| self.settings.open(self.id.clone(), context));
        opened.map_err(Failure::from)
    }
}

/// Keeps daemons away while a verb talks to a device itself. Where there is no data directory yet, or not for this
/// user, no daemon of this user runs.
pub(super) fn lock(data_dir: &Result<PathBuf, DataDirError>) -> Result<Option<Lock>, Failure> {
    let Some(dir) = data_dir.as_ref().ok().filter(|dir| dir.exists()) else { return Ok(None) };
    match data_dir::take(dir, Holder::Verb) {
        Ok(lock) => Ok(Some(lock)),
        Err(error @ DataDirError::InUse { .. }) => Err(Failure::of(Code::InUse, error)),
        Err(_) => Ok(None),
    }
}

/// A refusal of the daemon with the exit code that fits.
pub(super) fn daemon_failure(failed: AskFailed) -> Failure {
    let code = match &failed {
        AskFailed::Refused(refused) => match refused.code.as_str() {
            "unknown_device" | "bad_mode" | "bad_power" | "bad_request" | "not_configured" => Code::Usage,
            "not_controllable" => Code::Refused,
            _ => Code::Failed,
        },
        AskFailed::Gone(_) => Code::Failed,
    };
    Failure::of(code, failed)
}

/// The name for people in a device's JSON.
pub(super) fn title(device: &Value) -> String {
    let text = |key: &str| device[key].as_str().unwrap_or_default().to_owned();
    let (name, id) = (text("name"), text("device"));
    if name == id || name.is_empty() { id } else { format!("{name} ({id})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(address: &str) -> DeviceSettings {
        DeviceSettings::from_address(address).unwrap()
    }

    #[test]
    fn addresses_are_told_from_names() {
        for address in ["victron://system", "victron+dbus:unix:path=/run/bus", "marstek://192.0.2.7"] {
            assert!(is_address(address), "{address}");
        }
        assert!(!is_address("victron") && !is_address("gx"));
    }

    #[test]
    fn an_address_makes_a_name() {
        assert_eq!(id_of(&settings("marstek://192.0.2.7")).as_str(), "192_0_2_7_30000");
        assert_eq!(id_of(&settings(&format!("marstek://{}", "x".repeat(200)))).as_str().len(), 64);
        assert_eq!(id_of(&settings("victron://system")).as_str(), "system");
        assert_eq!(id_of(&settings("victron+dbus:unix:path=/run/dbus/bus")).as_str(), "bus");
        assert_eq!(id_of(&settings("victron+modbus://192.0.2.9:1502")).as_str(), "192_0_2_9_1502");
        assert_eq!(id_of(&settings("voltronic:///dev/hidraw0")).as_str(), "hidraw0");
    }
}
