//! Changing windows while the program runs. A change is judged as a whole and made as a whole, or refused with what to do.

mod error;

use jiff::civil::Time;
use ohmstead_model::{BatteryMode, DeviceId, DeviceState, Snapshot};

use super::timetable::{Added, Timetable, WINDOWS_MAX};
use super::{Days, Rule, Window};
use crate::step::is_battery;
use crate::{Proposal, Reason, Who, arbiter};

pub use error::ChangeError;
use error::{DEVICES_MAX, NAME_CHARS_MAX, NATIVE_CHARS_MAX};

/// What somebody wants of the windows.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A new one, switched on or off.
    Add {
        /// Its name and what it says.
        rule: Rule,
        /// Whether it is switched on.
        is_active: bool,
    },
    /// Another content of one that there is.
    Edit {
        /// Which.
        id: u32,
        /// What is to be otherwise.
        edit: Edit,
    },
    /// One goes.
    Remove {
        /// Which.
        id: u32,
    },
}

/// What is to be otherwise with a window; what is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Edit {
    /// Its name; a window of the file keeps its own.
    pub name: Option<String>,
    /// When it opens.
    pub from: Option<Time>,
    /// When it closes.
    pub to: Option<Time>,
    /// What is wanted meanwhile.
    pub mode: Option<BatteryMode>,
    /// On which days it opens.
    pub days: Option<Days>,
    /// For which devices.
    pub devices: Option<Vec<DeviceId>>,
    /// Whether it is switched on.
    pub is_active: Option<bool>,
}

impl Timetable {
    /// The windows after a change, and the number of the one that it was about.
    pub fn changed(
        &self,
        file: &[Rule],
        change: Change,
        snapshot: &Snapshot,
    ) -> Result<(Self, u32), ChangeError> {
        let mut next = self.clone();
        let id = match change {
            Change::Add { rule, is_active } => next.add(file, rule, is_active, snapshot)?,
            Change::Edit { id, edit } => next.edit(file, id, edit, snapshot)?,
            Change::Remove { id } => next.remove(file, id)?,
        };
        // What is off stays off for a window that is out of the file for a while, but not for ever so many.
        if next.off.len() > WINDOWS_MAX {
            next.off.retain(|name| file.iter().any(|rule| rule.name == *name));
        }
        Ok((next, id))
    }

    fn add(
        &mut self,
        file: &[Rule],
        rule: Rule,
        is_active: bool,
        snapshot: &Snapshot,
    ) -> Result<u32, ChangeError> {
        judge_name(&rule.name)?;
        self.free(&rule.name, file)?;
        self.put(Added { id: self.next_id, rule, is_active, is_for_place: false }, snapshot)
    }

    /// Puts a window in that is new, or takes the place of the file's.
    fn put(&mut self, added: Added, snapshot: &Snapshot) -> Result<u32, ChangeError> {
        if self.added.len() >= WINDOWS_MAX {
            return Err(ChangeError::Full);
        }
        judge(&added.rule.window, snapshot)?;
        let id = added.id;
        self.next_id = id.saturating_add(1);
        self.added.push(added);
        Ok(id)
    }

    fn edit(&mut self, file: &[Rule], id: u32, edit: Edit, snapshot: &Snapshot) -> Result<u32, ChangeError> {
        let id = self.in_place_of(file, id).unwrap_or(id);
        if let Some(index) = self.added.iter().position(|added| added.id == id) {
            return self.edit_added(file, index, edit, snapshot);
        }
        let rule = rule_at(file, id).ok_or(ChangeError::Unknown(id))?;
        if edit.name.as_ref().is_some_and(|name| *name != rule.name) {
            return Err(ChangeError::KeepsName(rule.name.clone()));
        }
        let is_active = edit.is_active;
        let edited = edit.applied(rule);
        if edited == *rule {
            match is_active {
                Some(true) => self.off.remove(&rule.name),
                Some(false) => self.off.insert(rule.name.clone()),
                None => false,
            };
            return Ok(id);
        }
        let is_active = is_active.unwrap_or(!self.off.contains(&rule.name));
        self.put(Added { id: self.next_id, rule: edited, is_active, is_for_place: true }, snapshot)
    }

    fn edit_added(
        &mut self,
        file: &[Rule],
        index: usize,
        edit: Edit,
        snapshot: &Snapshot,
    ) -> Result<u32, ChangeError> {
        let Added { id, rule, is_active, is_for_place } = self.added[index].clone();
        let stands_for_file = is_for_place || file.iter().any(|of_file| of_file.name == rule.name);
        if let Some(name) = edit.name.as_ref().filter(|name| **name != rule.name) {
            if stands_for_file {
                return Err(ChangeError::KeepsName(rule.name));
            }
            judge_name(name)?;
            self.free(name, file)?;
        }
        let is_active = edit.is_active.unwrap_or(is_active);
        let edited = edit.applied(&rule);
        // To switch one off must be possible whatever has become of its devices.
        if edited != rule {
            judge(&edited.window, snapshot)?;
        }
        self.added[index] = Added { id, rule: edited, is_active, is_for_place };
        Ok(id)
    }

    fn remove(&mut self, file: &[Rule], id: u32) -> Result<u32, ChangeError> {
        if let Some(index) = self.added.iter().position(|added| added.id == id) {
            self.added.remove(index);
            return Ok(id);
        }
        match rule_at(file, id) {
            Some(rule) => Err(ChangeError::InFile(rule.name.clone())),
            None => Err(ChangeError::Unknown(id)),
        }
    }

    /// The window that stands for the file's at a place.
    fn in_place_of(&self, file: &[Rule], place: u32) -> Option<u32> {
        self.named(&rule_at(file, place)?.name).map(|added| added.id)
    }

    /// Nothing else is called so.
    fn free(&self, name: &str, file: &[Rule]) -> Result<(), ChangeError> {
        match self.entries(file).into_iter().find(|entry| entry.rule.name == name) {
            Some(taken) => Err(ChangeError::NameTaken { name: name.to_owned(), id: taken.id }),
            None => Ok(()),
        }
    }

    /// The window of a number as it counts.
    pub fn find<'a>(&'a self, file: &'a [Rule], id: u32) -> Option<super::Entry<'a>> {
        let id = self.in_place_of(file, id).unwrap_or(id);
        self.entries(file).into_iter().find(|entry| entry.id == id)
    }
}

/// The file's window at a place, from 1.
fn rule_at(file: &[Rule], place: u32) -> Option<&Rule> {
    file.get(usize::try_from(place).ok()?.checked_sub(1)?)
}

impl Edit {
    fn applied(self, rule: &Rule) -> Rule {
        let before = &rule.window;
        Rule {
            name: self.name.unwrap_or_else(|| rule.name.clone()),
            window: Window {
                from: self.from.unwrap_or(before.from),
                to: self.to.unwrap_or(before.to),
                mode: self.mode.unwrap_or_else(|| before.mode.clone()),
                // The mask alone says nothing of holidays: the same mask is no change.
                days: self.days.filter(|days| days.mask() != before.days.mask()).unwrap_or(before.days),
                devices: self.devices.unwrap_or_else(|| before.devices.clone()),
            },
        }
    }
}

/// A name that is new. What the file calls its windows is the owner's affair.
fn judge_name(name: &str) -> Result<(), ChangeError> {
    let has_length = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && name.trim() == name;
    if !has_length || name.chars().any(char::is_control) {
        return Err(ChangeError::BadName);
    }
    Ok(())
}

/// A window that can never do anything is refused.
fn judge(window: &Window, snapshot: &Snapshot) -> Result<(), ChangeError> {
    if let BatteryMode::Native(word) = &window.mode
        && (word.chars().count() > NATIVE_CHARS_MAX || word.chars().any(char::is_control))
    {
        return Err(ChangeError::BadMode);
    }
    if window.days.is_none() {
        return Err(ChangeError::NoDay);
    }
    if window.devices.len() > DEVICES_MAX {
        return Err(ChangeError::TooManyDevices);
    }
    let devices = devices_of(window, snapshot)?;
    if devices.iter().any(|device| can(device, &window.mode)) {
        return Ok(());
    }
    let offered = devices.iter().map(|device| format!("{}: {}", device.info.id, offered(device)));
    let devices = offered.collect::<Vec<_>>().join("; ");
    Err(ChangeError::CannotDo { mode: window.mode.clone(), devices })
}

fn devices_of<'a>(window: &Window, snapshot: &'a Snapshot) -> Result<Vec<&'a DeviceState>, ChangeError> {
    let all: Vec<_> = if window.devices.is_empty() {
        snapshot.devices().map(AsRef::as_ref).filter(|device| is_battery(device)).collect()
    } else {
        let find = |id: &DeviceId| {
            let device = snapshot.devices().find(|device| device.info.id == *id);
            device.map(AsRef::as_ref).ok_or_else(|| ChangeError::UnknownDevice(id.clone()))
        };
        window.devices.iter().map(find).collect::<Result<_, _>>()?
    };
    if all.is_empty() { Err(ChangeError::NoDevice) } else { Ok(all) }
}

/// Whether a device can do what is wanted, or something that comes next to it. One that has not told yet what it can do
/// may.
pub(crate) fn can(device: &DeviceState, mode: &BatteryMode) -> bool {
    if device.info.modes.is_empty() {
        return !device.is_online();
    }
    let id = &device.info.id;
    let wish = Proposal::wish(Who::Schedule, id.clone(), mode.clone(), Reason::NobodyAsks);
    !matches!(arbiter::decide(id, vec![wish], &device.info.modes).reason, Reason::CannotDo(_))
}

pub(crate) fn offered(device: &DeviceState) -> String {
    let modes = &device.info.modes;
    if modes.is_empty() { "no mode".to_owned() } else { modes.join(", ") }
}

#[cfg(test)]
mod tests;
