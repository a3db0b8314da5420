//! Where the unit is: opening its port, finding it again under another number, and what is tried when it does not answer.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::Notice;

use super::Inverter;
use super::recognising::starting_with;
use crate::Report;
use crate::transports::{Candidate, PortError, Ports, aside};
use crate::voltronic::finder::{self, Choice, Place, Rejection, Wanted};
use crate::voltronic::identify::Identity;
use crate::voltronic::notices;
use crate::voltronic::presence::{ALARM_AFTER, Change, Kind, MayReset, Rung};
use crate::voltronic::settings::PortPath;

/// How often it is looked whether another program has the port open: that walks through all processes.
const OPENERS_EVERY: Duration = Duration::from_secs(600);
/// The notices about a port that cannot be opened.
const CLOSED: &[&str] = &["port_missing", "port_moved", "port_permission", "port_in_use", "port_failed"];
/// The notices that end when the unit answers.
const ABSENCE: &[&str] = &[
    "port_missing",
    "port_moved",
    "port_permission",
    "port_in_use",
    "port_failed",
    "not_answering",
    "not_an_inverter",
    "family_unknown",
    "other_unit",
];
/// The notices about somebody else at the port.
const STRANGERS: &[&str] = &["not_an_inverter", "family_unknown", "other_unit"];

impl Inverter {
    /// Does what the last failure asks for. Returns whether a question may follow.
    pub(super) async fn climb(&mut self) -> bool {
        let now = self.now().mono;
        // A stranger is first asked all that it may be asked.
        let unfinished = self.unit.is_none() && self.checking.is_some();
        match self.presence.rung(now, self.may_reset()) {
            Rung::Search | Rung::Reset if unfinished => true,
            Rung::Again => true,
            Rung::Reopen => {
                self.link.close();
                true
            }
            Rung::Search => {
                // Another candidate may be the one; this one has its turn again soon.
                if let Some(place) = self.place.take() {
                    self.rejected.add(&place, Rejection::Silent, now);
                }
                self.link.close();
                true
            }
            Rung::Reset => {
                self.reset_port().await;
                false
            }
        }
    }

    /// Only the port of a unit that is known to be ours is switched off and on.
    fn may_reset(&self) -> MayReset {
        let ours = self.unit.is_some() || self.memory.family.is_some();
        let known = self.memory.usb_port.is_some();
        if self.settings.reset_usb && ours && known { MayReset::Yes } else { MayReset::No }
    }

    /// Resets the port in the poll after the one that takes note of it: a crash in between must not leave it off.
    async fn reset_port(&mut self) {
        self.link.close();
        self.place = None;
        let Some(port) = self.memory.usb_port.clone() else { return };
        if self.memory.switched_off.as_ref() != Some(&port) {
            self.memory.switched_off = Some(port);
            return;
        }
        let outcome = self.ports.reset(&port).await;
        let now = self.now().mono;
        self.presence.reset(now);
        match outcome {
            Ok(()) => {
                tracing::warn!(device = %self.id, usb_port = port, "the USB port was reset: the inverter did not answer");
                self.memory.switched_off = None;
                self.notices.remove(notices::NO_RESET);
            }
            Err(error) => {
                tracing::warn!(device = %self.id, usb_port = port, %error, "the USB port could not be reset");
                self.presence.resets -= 1;
                self.notices.extend(notices::no_reset(&port, &error).map(|notice| (notice.code, notice)));
            }
        }
    }

    /// A port that a reset has left switched off, because it failed half-way or the program ended in it, is switched on
    /// again. One that somebody else switched off is none of ours.
    async fn bring_back_port(&mut self) {
        let Some(port) = self.memory.switched_off.clone() else { return };
        match self.ports.switch_on(&port).await {
            Ok(was_off) => {
                self.memory.switched_off = None;
                if was_off {
                    tracing::warn!(device = %self.id, usb_port = port, "the USB port was off since its reset and is on again");
                }
            }
            Err(error) => {
                tracing::debug!(device = %self.id, usb_port = port, %error, "the USB port may be off");
            }
        }
    }

    /// Makes sure that a line is open. Returns false where there is none; that has been taken note of.
    pub(super) async fn reach(&mut self) -> bool {
        if self.link.path().is_some() && (self.unit.is_some() || self.checking.is_some()) {
            return true;
        }
        self.link.close();
        self.bring_back_port().await;
        let now = self.now();
        let around = look_around(Arc::clone(&self.ports), self.settings.path.clone()).await;
        let (candidates, file) = around.unwrap_or_default();
        let wanted = Wanted {
            path: &self.settings.path,
            file: file.as_deref(),
            usb_port: self.settings.usb_port.as_deref(),
            last_port: self.memory.usb_port.as_deref(),
            last_path: self.memory.path.as_deref(),
            has_serial: self.serial_wanted().is_some(),
            missing_for: self.presence.silent_for(now.mono),
        };
        let places = finder::places(&candidates, wanted);
        let misplaced = finder::misplaced(&candidates, wanted)
            .map(|(there, own)| notices::other_port(&self.settings.path.to_string(), there, own));
        let choice = if places.len() == 1 { Choice::Single } else { Choice::Several };
        let mut refused = None;
        for place in places {
            if self.rejected.has(&place, now.mono, choice) {
                continue;
            }
            match self.link.open(&place.path).await {
                Ok(()) => {
                    self.opened(place);
                    return true;
                }
                Err(error) => refused = Some(error),
            }
        }
        self.not_reached(refused.as_ref(), misplaced);
        false
    }

    fn opened(&mut self, place: Place) {
        for code in CLOSED {
            self.notices.remove(code);
        }
        tracing::debug!(device = %self.id, path = %place.path.display(), usb_port = ?place.usb_port, kind = ?self.link.kind(), "opened");
        // Who was half recognised there before the port was opened anew is asked the rest.
        let same = self.checking_at.as_ref() == Some(&place);
        if !same || self.checking.as_ref().is_none_or(Identity::is_proven) {
            // Ours is only verified; a search starts from the beginning.
            let dialect = self.unit.as_ref().map(|unit| unit.family.dialect());
            self.checking = Some(dialect.map_or_else(Identity::default, starting_with));
            self.tries = 0;
        }
        self.checking_at = Some(place.clone());
        self.place = Some(place);
        self.openers_due = Duration::ZERO;
    }

    /// Looks now and then whether another program has the port too.
    pub(super) async fn watch_openers(&mut self) {
        let now = self.now().mono;
        let Some(path) = self.link.path().filter(|_| now >= self.openers_due) else { return };
        let (ports, file) = (Arc::clone(&self.ports), path.to_owned());
        self.openers_due = now + OPENERS_EVERY;
        let Ok(others) = aside(move || Ok(ports.other_openers(&file))).await else { return };
        let path = self.link.path();
        let other = others.into_iter().next().zip(path);
        match other.map(|(other, path)| notices::other_opener(path, other.pid, &other.name)) {
            Some(notice) => self.notice(notice),
            None => _ = self.notices.remove("port_shared"),
        }
    }

    fn not_reached(&mut self, refused: Option<&PortError>, misplaced: Option<Notice>) {
        self.failed(Kind::NoPort);
        let silent_for = self.presence.silent_for(self.now().mono);
        let notice = match refused {
            Some(error @ PortError::Denied { mode, group, .. }) => {
                Some(notices::permission(error.to_string(), *mode, group))
            }
            Some(PortError::InUse { path, by }) => {
                Some(notices::in_use(path, by.as_ref().map(|by| (by.pid, by.name.as_str()))))
            }
            Some(PortError::Other { path, source }) => Some(notices::port_failed(path, &source.to_string())),
            Some(PortError::Unfit { path, why }) => Some(notices::port_failed(path, why)),
            Some(PortError::Missing { .. }) | None => {
                // Somebody else is at every port: that has a notice of its own.
                let found_others = STRANGERS.iter().any(|code| self.notices.contains_key(code));
                let place = self.place_words();
                let known = self.presence.ever || self.memory.family.is_some();
                // While a hub starts anew, its devices come back one by one.
                let misplaced = misplaced.filter(|_| !known || silent_for >= notices::BLINK);
                let missing = || notices::port_missing(&place, silent_for, known);
                misplaced.or_else(|| (!found_others).then(missing).flatten())
            }
        };
        for code in CLOSED {
            self.notices.remove(code);
        }
        if let Some(notice) = notice {
            self.notice(notice);
        }
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        self.notices.insert(notice.code, notice);
    }

    /// Where the unit is looked for, for people.
    fn place_words(&self) -> String {
        match (&self.settings.path, &self.settings.usb_port) {
            (_, Some(port)) => format!("USB port {port}"),
            (PortPath::At(path), None) => path.display().to_string(),
            (PortPath::Auto, None) => match &self.memory.usb_port {
                Some(port) => format!("USB port {port} or any other"),
                None => "any USB port".to_owned(),
            },
        }
    }

    /// Why the unit cannot be reached, for people.
    pub(super) fn absence(&self) -> String {
        let told = ABSENCE.iter().filter_map(|code| self.notices.get(code)).map(|notice| notice.text.clone());
        let known = self.stranger.iter().cloned().chain(told);
        let said = known.collect::<Vec<_>>().join("; ");
        if said.is_empty() { format!("there is no inverter at {}", self.place_words()) } else { said }
    }

    /// The serial number that the unit must have, if one is known.
    pub(super) fn serial_wanted(&self) -> Option<&str> {
        self.settings.serial.as_deref().or(self.memory.serial.as_deref())
    }

    /// Whoever is at the open line is not our unit.
    pub(super) fn turn_away(&mut self, why: Rejection, notice: Notice) {
        let now = self.now().mono;
        if let Some(place) = self.place.take() {
            self.rejected.add(&place, why, now);
        }
        self.checking = None;
        self.link.close();
        self.notices.remove("not_answering");
        self.notice(notice);
        self.failed(Kind::NoPort);
    }

    /// An exchange failed, or there was no port for one.
    pub(super) fn failed(&mut self, kind: Kind) {
        let now = self.now();
        let change = self.presence.failed(kind, now.mono, self.settings.interval.0);
        if change == Change::Offline {
            self.report(Report::Online(self.id.clone(), false, now));
        }
        if kind == Kind::NoPort {
            return;
        }
        let silent_for = self.presence.silent_for(now.mono);
        let ever = self.presence.ever || self.memory.family.is_some();
        let place = self.link.path().map_or_else(|| self.place_words(), |path| path.display().to_string());
        if !ever && self.presence.is_silent() {
            self.notice(notices::never_answered(&place));
        } else if ever && silent_for >= ALARM_AFTER {
            let minutes = silent_for.as_secs() / 60;
            let may_reset = self.may_reset() == MayReset::Yes;
            self.notice(notices::wedged(&place, minutes, self.presence.resets, may_reset));
        }
    }

    /// Our unit answered.
    pub(super) fn alive(&mut self) {
        let now = self.now();
        let was_silent = self.presence.silent_for(now.mono);
        let change = self.presence.answered();
        for code in ABSENCE {
            self.notices.remove(code);
        }
        self.stranger = None;
        self.report(Report::Answered(self.id.clone(), now));
        if change == Change::Online {
            self.report(Report::Online(self.id.clone(), true, now));
        }
        if was_silent > Duration::from_secs(60) {
            tracing::info!(device = %self.id, after_s = was_silent.as_secs(), "answers again");
        }
    }
}

/// The ports that there are, and the device file that a path leads to.
async fn look_around(ports: Arc<dyn Ports>, path: PortPath) -> io::Result<(Vec<Candidate>, Option<PathBuf>)> {
    let look = move || {
        let file = match path {
            PortPath::At(path) => Some(ports.device_file(&path)),
            PortPath::Auto => None,
        };
        // Where the system lists nothing, the owner's path is tried all the same.
        let listed = ports.candidates();
        if let Err(error) = &listed {
            tracing::debug!(%error, "the ports cannot be listed");
        }
        Ok((listed.unwrap_or_default(), file))
    };
    aside(look).await
}
