//! Finding out who is at the open line, and whether it is our unit. Nothing is taken in before that is clear.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_model::{Clock, Evidence};

use super::set::OWN;
use super::{Inverter, Trackers, Unit, metrics};
use crate::Report;
use crate::transports::{PortError, Ports};
use crate::voltronic::decode;
use crate::voltronic::families::{Family, Stranger};
use crate::voltronic::finder::{Place, Rejection};
use crate::voltronic::frame::{Corrupt, Dialect, Payload};
use crate::voltronic::identify::{Identity, LITHIUM, Long, Question, Refused, SHORT_DIGITS, WHO};
use crate::voltronic::link::{Ask, Failure, Link};
use crate::voltronic::memory::Memory;
use crate::voltronic::notices;
use crate::voltronic::parallel::Set;
use crate::voltronic::presence::Kind;
use crate::voltronic::setters::{self, Known};
use crate::voltronic::settings::{FamilySetting, ParallelSetting};
use crate::voltronic::table;
use crate::voltronic::variant;

/// The first question is repeated: noise, or sleep, may have swallowed it, and what follows leads elsewhere.
const FIRST_TRIES: u32 = 2;
/// Questions that may be asked of anybody.
const PROBES: usize = 3;
/// How soon the variant is asked about again after it could not be settled.
const FIRST_DOUBT: Duration = Duration::from_secs(10);
/// In a search somebody waits for the result.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(2);

impl Inverter {
    /// Asks one question of the identification and draws the conclusion if that was the last.
    pub(super) async fn recognise(&mut self) {
        let Some(mut identity) = self.checking.take() else { return };
        let Some(question) = identity.next_question() else { return self.conclude(identity) };
        let outcome = self.ask_who(&question).await;
        let Some(answer) = self.judge(&identity, &question, outcome) else {
            self.checking = Some(identity);
            return;
        };
        match &answer {
            Ok(payload) => identity.take(&question, Ok(payload)),
            Err(refused) => identity.take(&question, Err(refused.clone())),
        }
        self.tries = 0;
        if self.is_known_one(&identity) {
            return self.welcome_back();
        }
        if identity.next_question().is_none() || identity.stranger.is_some() {
            return self.conclude(identity);
        }
        self.checking = Some(identity);
    }

    async fn ask_who(&mut self, question: &Question) -> Result<Payload, Failure> {
        ask_of(&mut self.link, question).await
    }

    /// What an outcome tells the identification; `None` where the question is to be asked once more.
    fn judge(
        &mut self,
        identity: &Identity,
        question: &Question,
        outcome: Result<Payload, Failure>,
    ) -> Option<Result<Payload, Refused>> {
        let failure = match outcome {
            Ok(payload) => {
                self.presence.heard();
                return Some(Ok(payload));
            }
            Err(failure) => failure,
        };
        match &failure {
            Failure::Gone(_) => {
                self.failed(Kind::NoPort);
                return None;
            }
            Failure::Damaged(Some(Corrupt::Foreign(_))) => self.presence.heard(),
            Failure::Damaged(_) => self.failed(Kind::Damaged),
            // A detail that the unit does not know is no sign of absence.
            Failure::Silent | Failure::Unclear if identity.is_proven() => {}
            Failure::Silent | Failure::Unclear => self.failed(Kind::Silent),
        }
        tracing::debug!(device = %self.id, command = question.command, %failure, "who is there?");
        self.tries += 1;
        let enough = question.command != "QPI" || self.tries >= FIRST_TRIES;
        enough.then(|| Err(refused(failure)))
    }

    /// Whether this is the unit that was lost a moment ago, as its serial number shows: the rest need not be asked again.
    fn is_known_one(&self, identity: &Identity) -> bool {
        let serial = identity.serial.is_some() && identity.serial == self.memory.serial;
        let family =
            |unit: &Unit| identity.family.is_some_and(|family| family.dialect() == unit.family.dialect());
        serial && self.unit.as_ref().is_some_and(family)
    }

    fn welcome_back(&mut self) {
        self.remember_place();
        self.alive();
        for query in self.queries() {
            if self.schedule.due(query.command) < self.now().mono {
                self.schedule.hurry(query.command);
            }
        }
    }

    fn conclude(&mut self, identity: Identity) {
        self.tell(&identity.evidence);
        let Some(place) = self.place.clone() else { return };
        let nobody = identity.family.is_none();
        if let Some(stranger) = identity.stranger {
            // The first thing that it said is what it is recognised by.
            let said = identity.evidence.iter().find(|evidence| !evidence.means.is_empty());
            let seen = said.map_or("", |evidence| evidence.seen.as_str());
            let notice = match stranger {
                Stranger::Ups => notices::ups(&place.path, seen),
                Stranger::Charger => notices::charger(&place.path, seen),
                Stranger::Unknown => notices::unknown_kind(&place.path),
            };
            if self.memory.family.is_none() {
                return self.turn_away(Rejection::Stranger, notice);
            }
            // Where our unit was, this may be noise: it is only told to who asks.
            self.stranger = Some(notice.text);
        }
        if nobody {
            return self.nobody();
        }
        let Some(found) = identity.family else { return };
        if let Some(wanted) = self.serial_wanted().map(str::to_owned) {
            match whose(&identity, &self.memory, &wanted, &place) {
                Whose::Ours => {}
                // Another try tells.
                Whose::Open => return self.nobody(),
                Whose::Another => {
                    let seen = identity.serial.as_deref().unwrap_or("none");
                    let notice = notices::other_unit(&place.path, seen, &wanted);
                    return self.turn_away(Rejection::OtherUnit, notice);
                }
            }
        }
        self.adopt(found, identity);
    }

    /// Nobody said anything, or our unit is not to be understood at present: another port has its turn, if there is one,
    /// and then this one again.
    fn nobody(&mut self) {
        let now = self.now().mono;
        if let Some(place) = self.place.take() {
            self.rejected.add(&place, Rejection::Silent, now);
        }
        self.checking = None;
        self.link.close();
    }

    /// It is ours.
    fn adopt(&mut self, found: Family, identity: Identity) {
        let (family, proven) = chosen(self.settings.family, found);
        let mut decoder = decode::Context::new(self.settings.interval.0);
        (decoder.energy.unit, decoder.side) = (self.memory.energy_unit, self.memory.solar_side);
        let ratings = identity.ratings.as_ref().zip(family.query("QPIRI"));
        if let Some((payload, query)) = ratings.filter(|(payload, query)| table::fits(query, payload)) {
            // Its ratings bound what its other answers can mean. They are told when they are asked for their values.
            let _ = decode::read_of(family, query, payload, &mut decoder);
        }
        let (known, doubt) = (Known::new(family), identity.doubt);
        let set = if family == Family::Pi41 { Set::split() } else { Set::default() };
        self.unit = Some(Unit { family, proven, doubt, known, decoder, set, trackers: Trackers::Unsettled });
        (self.variant_due, self.variant_tries) = (self.now().mono + FIRST_DOUBT, 0);
        let memory = &mut self.memory;
        memory.family = Some(family.name().to_owned());
        let same = identity.short_serial.is_some() && identity.short_serial == memory.short_serial;
        // The long number was told before: the short one does not replace it.
        if identity.long == Long::Told || !same {
            memory.serial = identity.serial.or(memory.serial.take());
        }
        memory.short_serial = identity.short_serial.or(memory.short_serial.take());
        memory.model = identity.model.or(memory.model.take());
        memory.firmware = identity.firmware.or(memory.firmware.take());
        self.schedule.restart();
        let now = self.now().mono;
        for query in family.queries().iter().filter(|query| query.optional) {
            if self.memory.habit(query.command).is_unknown() {
                self.schedule.unknown(query.command, now);
            }
        }
        self.remember_place();
        self.states.clear();
        self.describe(family);
        self.alive();
        self.lasting_notices(family, proven, found);
        self.offer();
        self.report(Report::Info(self.info.clone()));
    }

    fn remember_place(&mut self) {
        let Some(place) = &self.place else { return };
        self.memory.usb_port.clone_from(&place.usb_port);
        self.memory.path = Some(place.path.clone());
        let address = place.path.display().to_string();
        if self.info.address != address {
            tracing::info!(device = %self.id, %address, usb_port = ?place.usb_port, "the inverter is here");
            self.info.address = address;
            self.report(Report::Info(self.info.clone()));
        }
    }

    pub(super) fn describe(&mut self, family: Family) {
        let info = &mut self.info;
        info.model = Some(self.memory.model.clone().unwrap_or_else(|| format!("{family} inverter")));
        info.firmware.clone_from(&self.memory.firmware);
        info.serial.clone_from(&self.memory.serial);
        info.metrics = metrics(family);
        if self.settings.parallel == ParallelSetting::Total {
            info.metrics.extend(OWN.iter().map(|(_, own)| *own));
        }
        if self.settings.capacity.is_some() {
            info.metrics.push(ohmstead_model::Metric::BatteryCapacity);
        }
    }

    pub(super) fn lasting_notices(&mut self, family: Family, proven: bool, found: Family) {
        for code in ["family_not_proven", "read_only_family", notices::VARIANT] {
            self.notices.remove(code);
        }
        if !proven {
            let named = wanted(self.settings.family).unwrap_or(family);
            self.notice(notices::not_proven(named.name(), found.name()));
        } else if !family.is_controllable() {
            self.notice(notices::read_only_family(setters::not_controllable(family)));
        } else if self.is_open() {
            self.notice(notices::variant_not_settled());
        }
    }

    pub(super) fn tell(&mut self, evidence: &[Evidence]) {
        if self.evidence != evidence {
            self.evidence = evidence.to_vec();
            self.report(Report::Evidence(self.id.clone(), self.evidence.clone()));
        }
    }
}

/// Whose inverter it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Ours.
    Ours,
    /// Another one.
    Another,
    /// The number that would tell got lost.
    Open,
}

/// Whether the unit at `place` is the one that goes by the number `wanted`. A unit may have two numbers, and either of
/// them may get lost.
fn whose(identity: &Identity, memory: &Memory, wanted: &str, place: &Place) -> Whose {
    if identity.serial.is_none() {
        // It has told it before and does not now: noise, if the port is the same.
        let same_port = place.usb_port.is_some() && place.usb_port == memory.usb_port;
        return if same_port || place.usb_port.is_none() { Whose::Ours } else { Whose::Another };
    }
    let was_wanted = memory.serials().any(|serial| serial == wanted);
    let is_known = match identity.long {
        Long::Told => identity.serial == memory.serial,
        // Two units may have the same short number: it counts only where there is nothing better.
        _ => identity.short_serial.is_some() && identity.short_serial == memory.short_serial,
    };
    if identity.serials().any(|serial| serial == wanted) || (was_wanted && is_known) {
        return Whose::Ours;
    }
    let may_be = identity.long == Long::Lost && wanted.len() > SHORT_DIGITS;
    if may_be { Whose::Open } else { Whose::Another }
}

/// Who is at a port: the identification alone, for a search.
pub(crate) async fn recognise_at(
    ports: &Arc<dyn Ports>,
    clock: &Arc<dyn Clock>,
    path: &Path,
    window: Duration,
) -> Result<Identity, PortError> {
    let mut link = Link::new(Arc::clone(ports), Arc::clone(clock), SEARCH_TIMEOUT.min(window));
    link.open(path).await?;
    let (mut identity, end) = (Identity::default(), clock.now().plus(window));
    let mut tries = 0;
    while let Some(question) = identity.next_question() {
        let silent_before = identity.evidence.len() >= PROBES && !identity.is_proven();
        if clock.now().mono >= end.mono || silent_before {
            break;
        }
        tries += 1;
        match ask_of(&mut link, &question).await {
            Ok(payload) => identity.take(&question, Ok(&payload)),
            Err(Failure::Gone(source)) => return Err(PortError::Other { path: path.to_owned(), source }),
            Err(_) if question.command == "QPI" && tries < FIRST_TRIES => {}
            Err(failure) => identity.take(&question, Err(refused(failure))),
        }
    }
    Ok(identity)
}

/// The identification of a unit whose dialect is known: it starts with the question in that dialect.
pub(super) fn starting_with(dialect: Dialect) -> Identity {
    let mut identity = Identity::default();
    while let Some(question) = identity.next_question().filter(|question| question.dialect != dialect) {
        identity.take(&question, Err(Refused::Silent));
    }
    identity
}

/// Asks one question of the identification; the one whose refusal counts where no other answer can be taken for it.
async fn ask_of(link: &mut Link, question: &Question) -> Result<Payload, Failure> {
    let asked = if *question == LITHIUM {
        link.ask_clearly(&who(question), &who(&WHO)).await
    } else {
        link.ask(&who(question)).await
    };
    asked.map(|answer| answer.payload)
}

/// The family that the owner names.
fn wanted(setting: FamilySetting) -> Option<Family> {
    Some(match setting {
        FamilySetting::Auto => return None,
        FamilySetting::Pi30 => Family::Pi30,
        FamilySetting::Pi30Max => Family::Pi30Max,
        FamilySetting::Pi30Revo => Family::Revo,
        FamilySetting::Pi41 => Family::Pi41,
        FamilySetting::Pi18 => Family::Pi18,
        FamilySetting::Pi17 => Family::Pi17,
    })
}

/// The family to use, and whether the unit has shown that it is of it: variants of one frame cannot always be told apart,
/// so there the owner's word counts. Not against a unit that has shown that it is a REVO.
pub(super) fn chosen(setting: FamilySetting, found: Family) -> (Family, bool) {
    let Some(wanted) = wanted(setting) else { return (found, true) };
    let pi30 = |family| matches!(family, Family::Pi30 | Family::Pi30Max);
    match (wanted, found) {
        _ if wanted == found => (found, true),
        (wanted, Family::Revo) if pi30(wanted) => (Family::Revo, false),
        (Family::Revo, found) if pi30(found) => (Family::Revo, true),
        _ => (wanted, pi30(wanted) && pi30(found)),
    }
}

/// A question of the identification, as it is asked.
pub(super) fn who(question: &Question) -> Ask {
    let Question { dialect, command, crc } = *question;
    let fits = Arc::new(move |payload: &Payload| could_answer(command, payload));
    Ask { dialect, command: command.to_owned(), crc, fits }
}

/// What a failure tells the identification.
fn refused(failure: Failure) -> Refused {
    match failure {
        Failure::Silent | Failure::Gone(_) => Refused::Silent,
        Failure::Unclear => Refused::Unclear,
        Failure::Damaged(Some(Corrupt::Foreign(text))) => Refused::Foreign(text),
        Failure::Damaged(why) => {
            Refused::Damaged(why.map_or_else(|| "it broke off".to_owned(), |why| why.to_string()))
        }
    }
}

/// Whether a frame can be the answer to a question of the identification.
fn could_answer(command: &str, payload: &Payload) -> bool {
    if payload.is_ack() {
        return false;
    }
    let body = payload.body().trim_end();
    let digits = body.bytes().all(|byte| byte.is_ascii_digit());
    match command {
        "QPI" => body.starts_with("PI"),
        "PI" => body.len() == 2 && digits,
        "QID" => (6..=20).contains(&body.len()) && digits,
        "QSID" => body.len() == 22 && digits,
        "ID" => (16..=30).contains(&body.len()) && digits,
        "QET" => body.len() == 8 && digits,
        "QLITH0" => variant::is_lithium(body),
        "QGMN" => body.len() == 3 && digits,
        "QMN" => {
            body.bytes().any(|byte| byte.is_ascii_alphabetic())
                && !body.contains([' ', ':'])
                && !body.starts_with("PI")
        }
        "QVFW" | "VFW" => body.starts_with("VERFW"),
        // What is asked for its values too.
        _ => Family::ALL
            .iter()
            .filter_map(|family| family.query(command))
            .any(|query| table::fits(query, payload)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One answer behind, no answer of the identification is taken for the next one's.
    #[test]
    fn answers_in_a_row_look_different() {
        const QPIRI: &str =
            "(230.0 21.7 230.0 50.0 21.7 5000 4000 48.0 46.0 42.0 56.4 54.0 2 30 060 0 2 1 9 01 0 0 54.0 0 1";
        const QPIGS: &str = "(230.0 50.0 230.0 50.0 0322 0205 005 422 53.20 000 050 0056 0000 000.0 00.00 00000 00010110 00 00 00000 010";
        let rows = [
            [("QPI", "(PI30"), ("QID", "(92931701100510")],
            [("QID", "(92931701100510"), ("QSID", "(1492932105105335005535")],
            [("QSID", "(1492932105105335005535"), ("QPIRI", QPIRI)],
            // A unit that answers everything twice would be taken for one with 25 fields.
            [("QPIRI", QPIRI), ("QPIGS", QPIGS)],
            [("QPIGS", QPIGS), ("QET", "(00238800")],
            [("QET", "(00238800"), ("QLITH0", "(048.8 000.0 000.9 250 024 000 052.5 010.0 053.5 004.4 0 2")],
            [("QLITH0", "(048.8 000.0 000.9 250 024 000 052.5 010.0 053.5 004.4 0 2"), ("QGMN", "(044")],
            [("QGMN", "(044"), ("QMN", "(MKS2-8000")],
            [("QMN", "(MKS2-8000"), ("QVFW", "(VERFW:00072.70")],
            [("PI", "^D00518"), ("ID", "^D0251496161704100242000000")],
            [("ID", "^D0251496161704100242000000"), ("VFW", "^D017VERFW:00001.01")],
        ];
        for [(first, one), (second, other)] in rows {
            let (one, other) = (Payload::of(one), Payload::of(other));
            assert!(could_answer(first, &one) && could_answer(second, &other), "{first} {second}");
            assert!(!could_answer(second, &one), "{first}'s answer for {second}'s");
        }
    }

    #[rstest::rstest]
    #[case::both("9293210510533500553", Some("9293210510533500553"), Long::Told, Whose::Ours)]
    #[case::by_the_short_one("92932105105335", Some("9293210510533500553"), Long::Told, Whose::Ours)]
    #[case::long_one_lost("9293210510533500553", None, Long::Lost, Whose::Ours)]
    #[case::alike("9293210510533500553", Some("9293210510533500554"), Long::Told, Whose::Another)]
    #[case::never_heard("9293210510533500554", None, Long::Lost, Whose::Open)]
    #[case::there_is_none("9293210510533500554", None, Long::Settled, Whose::Another)]
    fn either_number_is_the_units(
        #[case] wanted: &str,
        #[case] long_serial: Option<&str>,
        #[case] long: Long,
        #[case] expected: Whose,
    ) {
        let short = "92932105105335".to_owned();
        let memory = Memory {
            serial: Some("9293210510533500553".to_owned()),
            short_serial: Some(short.clone()),
            ..Memory::default()
        };
        let serial = long_serial.map_or_else(|| short.clone(), str::to_owned);
        let mut identity = Identity::default();
        (identity.serial, identity.short_serial, identity.long) = (Some(serial), Some(short), long);
        let place = Place { path: "/dev/hidraw0".into(), usb_port: Some("1-1".to_owned()) };
        assert_eq!(whose(&identity, &memory, wanted, &place), expected);
    }

    #[test]
    fn the_owners_word_counts_among_variants_of_one_frame() {
        assert_eq!(chosen(FamilySetting::Auto, Family::Pi18), (Family::Pi18, true));
        assert_eq!(chosen(FamilySetting::Pi30Max, Family::Pi30), (Family::Pi30Max, true));
        assert_eq!(chosen(FamilySetting::Pi18, Family::Pi30), (Family::Pi18, false));
        assert_eq!(chosen(FamilySetting::Pi30Revo, Family::Pi30), (Family::Revo, true));
        for setting in [FamilySetting::Pi30, FamilySetting::Pi30Max] {
            assert_eq!(chosen(setting, Family::Revo), (Family::Revo, false), "a REVO stays one");
        }
    }
}
