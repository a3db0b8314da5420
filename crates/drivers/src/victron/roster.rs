//! Which parts an installation has, there or not. A sum of them never lacks one unnoticed, and what is numbered always
//! means the same part.
//!
//! ```text
//!  memory --> roster --follow--> tree --> slots, lost parts
//!               ^                  |
//!               +----- enrol ------+   a new part takes the first free slot of its kind, for good
//! ```
//!
//! A part leaves the roster only when the owner says that it was taken away (`removed`), or with the whole GX device.

use std::collections::BTreeMap;

use ohmstead_model::{Moment, Unknown};
use serde::{Deserialize, Serialize};

use super::tree::{Part, Tree};

/// More parts of one kind than any installation has.
const SLOTS_MAX: usize = 64;
/// Inputs for panels that one charger has at most.
const INPUTS_MAX: u8 = 4;
/// A PV inverter that gives no more than this is about to switch itself off for the night, W.
const DIM_W: f64 = 10.0;
/// Longer than any night in which the sun rises at all, h.
const NIGHT_MAX_H: i64 = 20;
const HOUR_MS: i64 = 3_600_000;

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Inputs for panels of chargers and of Multi RS and the like; PV inverters.
    Panels,
    /// Multis, Quattros and their relatives.
    Inverter,
    /// Meters at the connection to the grid.
    Grid,
    EvCharger,
    Tank,
    Temperature,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 6] =
        [Self::Panels, Self::Inverter, Self::Grid, Self::EvCharger, Self::Tank, Self::Temperature];
}

/// The parts by kind, each in its slot; a free slot is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Roster {
    slots: BTreeMap<Kind, Vec<Option<String>>>,
    /// PV inverters whose last power was next to nothing, with the hour (since 1970) in which they told it.
    dim: BTreeMap<String, i64>,
}

/// A part in a slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    /// `solarcharger/258`.
    pub(crate) key: &'a str,
    /// Which of its inputs, where it has several with their own paths.
    pub(crate) input: Option<u8>,
    /// The part, if it is there.
    part: Option<&'a Part>,
    /// It is not there because it is night.
    pub(crate) is_asleep: bool,
}

impl<'a> Member<'a> {
    /// The part, or that it is not there.
    pub(crate) fn here(&self) -> Result<&'a Part, Unknown> {
        self.part.ok_or_else(|| Unknown::missing(self.key))
    }

    /// Whether it is not there although it should be.
    pub(crate) fn is_lost(&self) -> bool {
        self.part.is_none() && !self.is_asleep
    }

    pub(crate) fn class(&self) -> &'a str {
        class_of(self.key)
    }

    /// On the AC side: a PV inverter, not a charger.
    pub(crate) fn is_pv_inverter(&self) -> bool {
        self.class() == "pvinverter"
    }
}

impl Roster {
    /// Takes in the parts that are there and new.
    pub(crate) fn enrol(&mut self, tree: &Tree, now: Moment) {
        // Until a service has told its instance, it is not known which one it is.
        let known = |part: &Part| part.is_here && part.int("/DeviceInstance").is_some();
        let mut found: Vec<_> = tree.parts().filter(|(_, part)| known(part)).collect();
        found.sort_by_key(|(_, part)| (rank(&part.class), part.instance));
        for (key, part) in found {
            if let Some(kind) = kind_of(&part.class) {
                self.put(kind, key);
            }
            if let Some(names) = panels_of(key, part) {
                let slots = self.slots.entry(Kind::Panels).or_default();
                // It is there and tells which inputs it has.
                free(slots, |name| part_of(name) == &**key && !names.iter().any(|known| known == name));
                for name in &names {
                    self.put(Kind::Panels, name);
                }
            }
        }
        self.watch_the_night(tree, now);
    }

    /// Forgets parts that the owner has taken away, unless they are there.
    pub(crate) fn remove(&mut self, removed: &[String], tree: &Tree) {
        let is_removed =
            |name: &str| removed.iter().any(|key| key == part_of(name)) && tree.part(part_of(name)).is_none();
        self.slots.values_mut().for_each(|slots| free(slots, is_removed));
    }

    /// Whether there is, or was, anything of a kind.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.names(kind).next().is_some()
    }

    fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.slots.get(&kind).into_iter().flatten().flatten().map(String::as_str)
    }

    fn put(&mut self, kind: Kind, name: &str) {
        if self.names(kind).any(|known| known == name) {
            return;
        }
        let slots = self.slots.entry(kind).or_default();
        if let Some(free) = slots.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(name.to_owned());
        } else if slots.len() < SLOTS_MAX {
            slots.push(Some(name.to_owned()));
        }
    }

    /// PV inverters switch themselves off at night, and their services go: it is known beforehand that they give nothing.
    fn watch_the_night(&mut self, tree: &Tree, now: Moment) {
        let hour = now.unix.0.div_euclid(HOUR_MS);
        self.dim.retain(|_, since| (0..=NIGHT_MAX_H).contains(&(hour - *since)));
        for (key, part) in tree.parts().filter(|(_, part)| part.is_here && &*part.class == "pvinverter") {
            if part.number("/Ac/Power").is_some_and(|watts| watts.abs() <= DIM_W) {
                self.dim.insert(key.to_string(), hour);
            } else {
                self.dim.remove(&**key);
            }
        }
    }
}

impl Tree {
    /// Takes over what is known of the installation.
    pub(crate) fn follow(&mut self, roster: &Roster) {
        if self.roster != *roster {
            self.roster.clone_from(roster);
        }
    }

    /// The slots of a kind.
    pub(crate) fn slots(&self, kind: Kind) -> impl Iterator<Item = Option<Member<'_>>> {
        let slots = self.roster.slots.get(&kind).map(Vec::as_slice).unwrap_or_default();
        slots.iter().map(|name| name.as_deref().map(|name| self.member(name)))
    }

    /// The parts of a kind, each once, those that are not there too.
    pub(crate) fn members(&self, kind: Kind) -> Vec<Member<'_>> {
        let mut members: Vec<Member<'_>> = Vec::new();
        for member in self.slots(kind).flatten() {
            if !members.iter().any(|known| known.key == member.key) {
                members.push(member);
            }
        }
        members
    }

    /// That a part of a kind, and of a class that counts, is not there although it should be.
    pub(crate) fn lost(&self, kind: Kind, counts: impl Fn(&str) -> bool) -> Option<Unknown> {
        let lost = self.slots(kind).flatten().find(|member| member.is_lost() && counts(member.class()))?;
        lost.here().err()
    }

    fn member<'a>(&'a self, name: &'a str) -> Member<'a> {
        let key = part_of(name);
        let input = name.split_once('#').and_then(|(_, input)| input.parse().ok());
        let part = self.part(key);
        Member { key, input, part, is_asleep: part.is_none() && self.roster.dim.contains_key(key) }
    }
}

fn kind_of(class: &str) -> Option<Kind> {
    Some(match class {
        "vebus" | "multi" | "inverter" | "acsystem" => Kind::Inverter,
        "grid" => Kind::Grid,
        "evcharger" => Kind::EvCharger,
        "tank" => Kind::Tank,
        "temperature" => Kind::Temperature,
        _ => return None,
    })
}

/// Chargers come before the inverters that have inputs of their own, and PV inverters last.
fn rank(class: &str) -> usize {
    ["solarcharger", "multi", "inverter", "pvinverter"].iter().position(|known| *known == class).unwrap_or(0)
}

/// Whether a part has inputs for panels, or is one itself.
pub(crate) fn has_panels(part: &Part) -> bool {
    panels_of("", part).is_some_and(|names| !names.is_empty())
}

/// The names of a part's inputs for panels; `None` where it cannot have any.
fn panels_of(key: &str, part: &Part) -> Option<Vec<String>> {
    let inputs = || (0..INPUTS_MAX).filter(|input| part.has(&format!("/Pv/{input}/P")));
    let names: Vec<_> = match &*part.class {
        "pvinverter" => Vec::new(),
        "solarcharger" | "multi" | "inverter" => inputs().map(|input| format!("{key}#{input}")).collect(),
        _ => return None,
    };
    let has_one = matches!(&*part.class, "pvinverter" | "solarcharger") || part.has("/Pv/V");
    Some(if names.is_empty() && has_one { vec![key.to_owned()] } else { names })
}

/// The part that a name in a slot belongs to: `multi/5` of `multi/5#1`.
fn part_of(name: &str) -> &str {
    name.split_once('#').map_or(name, |(key, _)| key)
}

fn class_of(key: &str) -> &str {
    key.split_once('/').map_or(key, |(class, _)| class)
}

/// Makes slots free; those behind the last part end.
fn free(slots: &mut Vec<Option<String>>, is_to_go: impl Fn(&str) -> bool) {
    for slot in slots.iter_mut() {
        *slot = slot.take().filter(|name| !is_to_go(name));
    }
    let used = slots.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    slots.truncate(used);
}

/// The parts that the owner has taken away, as `CLASS/INSTANCE`.
pub(crate) fn removed<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    let keys = Vec::<String>::deserialize(source)?;
    let is_key = |key: &String| {
        key.split_once('/').is_some_and(|(class, instance)| {
            !class.is_empty()
                && class.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                && instance.parse::<i64>().is_ok()
        })
    };
    match keys.iter().find(|key| !is_key(key)) {
        None => Ok(keys),
        Some(other) => Err(serde::de::Error::invalid_value(
            serde::de::Unexpected::Str(other),
            &"a part such as solarcharger/258 (CLASS/INSTANCE), as the notice about it names it",
        )),
    }
}

#[cfg(test)]
mod tests;
