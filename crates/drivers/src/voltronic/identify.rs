//! What is at the other end, from evidence. Pure: what to ask next, and what follows from the answers so far.
//!
//! ```text
//! QPI --(PI30--> PI30, details: model, serial, fields of QPIGS, which commands it refuses -> PI30 | PI30MAX | PI30REVO;
//!  |                which of them may remain open: see [`super::variant`]
//!  |  --(PI41--> PI41                --(PI34--> a solar charger       --(PI16--> not supported
//!  |  anything else
//! ^P005PI --^D00518--> PI18          --^D00517--> PI17
//!  |  anything else
//! ^P003PI --^D00517--> PI17          anything else: a UPS, if it answers in a UPS's words; or nobody
//! ```
//!
//! Until the kind is proven nothing but these three goes out: on a UPS at the same USB identity other letters mean "shut
//! down" and "test the battery".

use std::collections::BTreeSet;

use ohmstead_model::Evidence;

use super::families::{Family, Stranger};
use super::frame::{CrcOut, Dialect, Payload};
use super::table;
use super::variant::{self, Doubt};

/// A question to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) dialect: Dialect,
    pub(crate) command: &'static str,
    pub(crate) crc: CrcOut,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nothing came.
    Silent,
    /// What came was damaged.
    Damaged(String),
    /// A line came that is no frame of an inverter.
    Foreign(String),
    /// Answers to earlier questions were on their way, so that it was not asked.
    Unclear,
}

/// What the question for the long serial number brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Long {
    /// A number, or a clear no.
    #[default]
    Settled,
    /// That number is the serial number.
    Told,
    /// Silence, or noise.
    Lost,
}

/// What is known about a unit and from what.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Identity {
    pub(crate) family: Option<Family>,
    pub(crate) stranger: Option<Stranger>,
    /// The number by which the unit is known: the longer one, where it has two.
    pub(crate) serial: Option<String>,
    /// What `QID` told: all, or the beginning, of the number. A parallel set calls the unit by it.
    pub(crate) short_serial: Option<String>,
    /// What `QSID` brought.
    pub(crate) long: Long,
    pub(crate) model: Option<String>,
    pub(crate) firmware: Option<String>,
    pub(crate) evidence: Vec<Evidence>,
    /// Commands that the unit refuses or does not answer.
    pub(crate) missing: BTreeSet<&'static str>,
    /// What speaks against a REVO.
    pub(crate) doubt: Doubt,
    /// Its ratings, on which the meaning of other answers depends.
    pub(crate) ratings: Option<Payload>,
    step: usize,
    /// Failures of the present question in a row.
    failures: u32,
    /// Something answered in words that no inverter uses.
    foreign: Option<String>,
    /// Something answered at all.
    answered: bool,
    /// Signs of a PI30MAX.
    is_max: bool,
}

const fn ask(dialect: Dialect, command: &'static str) -> Question {
    Question { dialect, command, crc: CrcOut::Classic }
}

/// What every inverter of PI30 answers, unlike any other question.
pub(crate) const WHO: Question = ask(Dialect::Paren, "QPI");
/// What only a REVO answers.
pub(crate) const LITHIUM: Question = ask(Dialect::Paren, "QLITH0");

const PROBES: &[Question] = &[WHO, ask(Dialect::Caret18, "PI"), ask(Dialect::Caret17, "PI")];

/// What tells the variants and the units of a family apart, most important first.
const PAREN: &[Question] = &[
    ask(Dialect::Paren, "QID"),
    ask(Dialect::Paren, LONG_SERIAL),
    ask(Dialect::Paren, "QPIRI"),
    ask(Dialect::Paren, "QPIGS"),
    LITHIUM,
    ask(Dialect::Paren, "QPIGS2"),
    ask(Dialect::Paren, "QET"),
    ask(Dialect::Paren, "QGMN"),
    ask(Dialect::Paren, "QMN"),
    ask(Dialect::Paren, "QVFW"),
];
const CARET18: &[Question] = &[ask(Dialect::Caret18, "ID"), ask(Dialect::Caret18, "VFW")];
const CARET17: &[Question] = &[ask(Dialect::Caret17, "ID"), ask(Dialect::Caret17, "VFW")];

/// What silence about the question that only a REVO answers means.
pub(crate) const NOT_SETTLED: &str =
    "variant not settled: only a clear no rules out a Sorotec REVO; it is asked again";

/// `QID` tells no more digits; longer numbers are told by another question.
pub(crate) const SHORT_DIGITS: usize = 14;
/// That one.
const LONG_SERIAL: &str = "QSID";

/// A detail that fails so often in a row is not known to the unit.
const DETAIL_TRIES: u32 = 2;

impl Identity {
    /// What to ask next; `None` once everything is known, or that nothing is.
    pub(crate) fn next_question(&self) -> Option<Question> {
        if self.stranger.is_some() {
            return None;
        }
        match self.family {
            None => PROBES.get(self.step).copied(),
            Some(_) => self.details().get(self.step).copied(),
        }
    }

    /// Whether the family is proven.
    pub(crate) fn is_proven(&self) -> bool {
        self.family.is_some()
    }

    /// Takes in what a question brought.
    pub(crate) fn take(&mut self, question: &Question, answer: Result<&Payload, Refused>) {
        if self.next_question().is_none_or(|expected| expected != *question) {
            return;
        }
        if self.family.is_some() {
            self.take_detail(question, answer);
        } else {
            self.take_probe(question, answer);
        }
    }

    fn details(&self) -> &'static [Question] {
        match self.family.map(Family::dialect) {
            Some(Dialect::Paren) => PAREN,
            Some(Dialect::Caret18) => CARET18,
            Some(Dialect::Caret17) => CARET17,
            None => &[],
        }
    }

    fn note(&mut self, question: &Question, seen: impl Into<String>, means: impl Into<String>) {
        let evidence = Evidence { what: question.shown(), seen: seen.into(), means: means.into() };
        self.evidence.retain(|known| known.what != evidence.what);
        self.evidence.push(evidence);
    }

    fn take_probe(&mut self, question: &Question, answer: Result<&Payload, Refused>) {
        match answer {
            Ok(payload) => {
                self.answered = true;
                let (seen, body) = (shown(payload), payload.body().trim().to_owned());
                match family_of(&body) {
                    Some(family) if !payload.is_nak() => {
                        self.note(question, seen, format!("an inverter of family {family}"));
                        self.family = Some(family);
                        (self.step, self.failures) = (0, 0);
                        return;
                    }
                    _ if body == "PI34" => {
                        self.note(question, seen, "a solar charge controller");
                        self.stranger = Some(Stranger::Charger);
                        return;
                    }
                    _ if payload.is_nak() => self.note(question, seen, "it does not know the question"),
                    _ => self.note(question, seen, "not a family that is supported"),
                }
            }
            Err(Refused::Silent | Refused::Unclear) => self.note(question, "no answer", ""),
            Err(Refused::Damaged(why)) => {
                self.note(question, format!("damaged: {why}"), "");
                // Noise is no answer: the same question once more.
                self.failures += 1;
                if self.failures < DETAIL_TRIES {
                    return;
                }
            }
            Err(Refused::Foreign(text)) => {
                self.answered = true;
                self.note(question, format!("{text:?}"), "no inverter answers so");
                self.foreign.get_or_insert(text);
            }
        }
        (self.step, self.failures) = (self.step + 1, 0);
        if self.step == PROBES.len() {
            self.conclude();
        }
    }

    /// Nobody proved to be an inverter.
    fn conclude(&mut self) {
        self.stranger = match (&self.foreign, self.answered) {
            (Some(_), _) => Some(Stranger::Ups),
            (None, true) => Some(Stranger::Unknown),
            (None, false) => None,
        };
        // Silence proves nothing: from the beginning.
        self.step = 0;
    }

    fn take_detail(&mut self, question: &Question, answer: Result<&Payload, Refused>) {
        match answer {
            Ok(payload) if payload.is_nak() => {
                self.doubt.refused |= *question == LITHIUM;
                self.note(question, "NAK", "the unit does not know it");
                self.missing.insert(question.command);
            }
            Ok(payload) => self.learn(question, payload),
            Err(why) => {
                self.failures += 1;
                if self.failures < DETAIL_TRIES {
                    return;
                }
                let seen = match why {
                    Refused::Silent => "no answer".to_owned(),
                    Refused::Damaged(why) | Refused::Foreign(why) => why,
                    Refused::Unclear => "not asked: other answers were on their way".to_owned(),
                };
                if question.command == LONG_SERIAL {
                    self.long = Long::Lost;
                }
                let means = if *question == LITHIUM && self.doubt.remains(self.family.unwrap_or(Family::Pi41))
                {
                    NOT_SETTLED
                } else {
                    "taken as unknown to the unit"
                };
                self.note(question, seen, means);
                self.missing.insert(question.command);
            }
        }
        (self.step, self.failures) = (self.step + 1, 0);
    }

    fn learn(&mut self, question: &Question, payload: &Payload) {
        let body = payload.body().trim();
        let means = match question.command {
            "QID" | LONG_SERIAL | "ID" => self.take_serial(question.command, body),
            "QVFW" | "VFW" => {
                self.firmware = body.rsplit(':').next().map(|version| trim_zeros(version).to_owned());
                "firmware".to_owned()
            }
            "QMN" => {
                self.model = Some(body.to_owned());
                "model".to_owned()
            }
            "QGMN" => {
                self.model.get_or_insert_with(|| format!("model {body}"));
                "model number".to_owned()
            }
            "QPIRI" => {
                self.ratings = Some(payload.clone());
                return self.look_for_revo(question, payload, "ratings");
            }
            "QPIGS" if variant::sign("QPIGS", body).is_some() => {
                return self.look_for_revo(question, payload, "");
            }
            "QPIGS" => return self.count_fields(question, body),
            // Older units tell of a second charger in twelve fields.
            "QPIGS2" if table::split(body, false).len() == 3 => self.maximum(),
            "QET" if body.len() == 8 && body.bytes().all(|byte| byte.is_ascii_digit()) => self.maximum(),
            "QLITH0" if variant::is_lithium(body) && self.may_be_revo() => {
                self.family = Some(Family::Revo);
                ONLY_REVO.to_owned()
            }
            _ => String::new(),
        };
        self.note(question, shown(payload), means);
    }

    fn take_serial(&mut self, command: &str, body: &str) -> String {
        let Some(serial) = serial(command, body) else { return "no serial number".to_owned() };
        let means = format!("serial number {serial}");
        match command {
            "QID" => self.short_serial = Some(serial.clone()),
            LONG_SERIAL => self.long = Long::Told,
            _ => {}
        }
        self.serial = Some(serial);
        means
    }

    /// The numbers by which the unit may be called.
    pub(crate) fn serials(&self) -> impl Iterator<Item = &str> {
        [&self.serial, &self.short_serial].into_iter().filter_map(Option::as_deref)
    }

    fn may_be_revo(&self) -> bool {
        matches!(self.family, Some(Family::Pi30 | Family::Pi30Max))
    }

    /// Takes note of what the shape of an answer tells about the variant.
    fn look_for_revo(&mut self, question: &Question, payload: &Payload, otherwise: &str) {
        let sign = variant::sign(question.command, payload.body()).filter(|_| self.may_be_revo());
        let means = if let Some(sign) = sign {
            self.family = Some(Family::Revo);
            shape_of_revo(sign)
        } else {
            if question.command == "QPIRI" {
                self.doubt.take_ratings(payload.body());
            }
            otherwise.to_owned()
        };
        self.note(question, shown(payload), means);
    }

    fn count_fields(&mut self, question: &Question, body: &str) {
        let fields = table::split(body, false);
        let wide = fields.get(5).is_some_and(|watts| watts.len() == 5);
        let means = if self.family == Some(Family::Pi30) && (fields.len() >= 22 || wide) {
            self.maximum()
        } else {
            String::new()
        };
        let width = if wide { ", watts with five digits" } else { "" };
        self.note(question, format!("{} fields{width}", fields.len()), means);
    }

    /// A sign of a PI30MAX.
    fn maximum(&mut self) -> String {
        self.is_max = true;
        match self.family {
            Some(Family::Pi30) => {
                self.family = Some(Family::Pi30Max);
                "only newer units do so: PI30MAX".to_owned()
            }
            _ => String::new(),
        }
    }
}

impl Question {
    /// The question as evidence shows it.
    pub(crate) fn shown(&self) -> String {
        match self.dialect {
            Dialect::Paren => self.command.to_owned(),
            Dialect::Caret18 => format!("^P {}", self.command),
            Dialect::Caret17 => format!("^P {} without checksum", self.command),
        }
    }
}

/// What an answer to [`LITHIUM`] means.
pub(crate) const ONLY_REVO: &str = "only Sorotec REVO knows it: PI30REVO";

/// What a sign in the shape of an answer means.
pub(crate) fn shape_of_revo(sign: &str) -> String {
    format!("{sign}, as on a Sorotec REVO only: PI30REVO")
}

fn family_of(body: &str) -> Option<Family> {
    match body {
        "PI30" => Some(Family::Pi30),
        "PI41" => Some(Family::Pi41),
        "18" => Some(Family::Pi18),
        "17" => Some(Family::Pi17),
        _ => None,
    }
}

/// `QID` gives the digits; `QSID` and `ID` put their count in front of them.
fn serial(command: &str, body: &str) -> Option<String> {
    let digits = if command == "QID" {
        body
    } else {
        let count: usize = body.get(..2)?.parse().ok()?;
        body.get(2..2 + count)?
    };
    let is_one = (6..=24).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && digits.bytes().any(|byte| byte != b'0');
    is_one.then(|| digits.to_owned())
}

/// `00072.70` is 72.70.
fn trim_zeros(version: &str) -> &str {
    let trimmed = version.trim_start_matches('0');
    if trimmed.is_empty() || trimmed.starts_with('.') {
        // One zero stays in front of the point, if there was one.
        version.get((version.len() - trimmed.len()).saturating_sub(1)..).unwrap_or(version)
    } else {
        trimmed
    }
}

/// An answer for people, short.
pub(crate) fn shown(payload: &Payload) -> String {
    const KEPT: usize = 48;
    let text = payload.text();
    if text.len() > KEPT { format!("{}...", text.get(..KEPT).unwrap_or_default()) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const QPIGS_21: &str = "(238.3 50.0 230.2 50.0 0322 0205 005 422 53.20 000 050 0056 02.1 224.7 00.00 00000 00010110 00 00 00473 010";
    const QPIGS_24: &str = "(227.2 50.0 230.3 50.0 00829 00751 010 447 54.50 020 083 0054 02.7 323.6 00.00 00000 00010110 00 00 00879 010 0 00 0000";

    const QPIRI: &str =
        "(230.0 21.7 230.0 50.0 21.7 5000 4000 48.0 46.0 42.0 56.4 54.0 2 30 060 0 2 1 9 01 0 0 54.0 0 1";

    /// Asks until nothing is left, and returns what was asked.
    fn run(answers: &[(&str, &str)]) -> (Identity, Vec<String>) {
        let mut identity = Identity::default();
        let mut asked = Vec::new();
        for _ in 0..40 {
            let Some(question) = identity.next_question() else { break };
            let key = format!("{:?} {}", question.dialect, question.command);
            let found = answers.iter().find(|(command, _)| key.ends_with(command));
            asked.push(key);
            match found {
                Some((_, text)) if text.starts_with(['(', '^']) => {
                    identity.take(&question, Ok(&Payload::of(text)));
                }
                Some((_, text)) => identity.take(&question, Err(Refused::Foreign((*text).to_owned()))),
                None => identity.take(&question, Err(Refused::Silent)),
            }
            if asked.len() > 6 && !identity.answered && identity.family.is_none() {
                break;
            }
        }
        (identity, asked)
    }

    #[rstest]
    #[case::classic(&[("QPI", "(PI30"), ("QPIGS", QPIGS_21), ("QID", "(92931701100510"), ("QET", "(NAK"), ("QVFW", "(VERFW:00072.70")], Family::Pi30)]
    #[case::max_by_fields(&[("QPI", "(PI30"), ("QPIGS", QPIGS_24)], Family::Pi30Max)]
    #[case::max_by_second_tracker(&[("QPI", "(PI30"), ("QPIGS", QPIGS_21), ("QPIGS2", "(03.1 327.3 01016 ")], Family::Pi30Max)]
    #[case::older_with_three_chargers(&[("QPI", "(PI30"), ("QPIGS", QPIGS_21), ("QPIGS2", "(03.1 327.3 52.3 01016 1 000 00000 02.0 310.5 52.3 00620 02114")], Family::Pi30)]
    #[case::max_by_energy(&[("QPI", "(PI30"), ("QPIGS", QPIGS_21), ("QET", "(00238800")], Family::Pi30Max)]
    #[case::revo(&[("QPI", "(PI30"), ("QPIGS", QPIGS_21), ("QLITH0", "(048.8 000.0 000.9 250 024 000 052.5 010.0 053.5 004.4 0 2")], Family::Revo)]
    #[case::revo_with_five_digits(&[("QPI", "(PI30"), ("QPIGS", QPIGS_24), ("QLITH0", "(048.8 000.0 000.9 250 024 000 052.5 010.0 053.5 004.4 0 2")], Family::Revo)]
    #[case::revo_by_its_ratings(&[("QPI", "(PI30"), ("QPIGS", QPIGS_21), ("QLITH0", "(NAK"), ("QPIRI", "(230.0 21.7 230.0 50.0 21.7 5000 5000 48.0 44.0 42.0 56.4 54.0 2 60 000 0 0 0 9 01 0 0 00.0 0 1")], Family::Revo)]
    #[case::split_phase(&[("QPI", "(PI41"), ("QPIGS", QPIGS_21)], Family::Pi41)]
    #[case::pi18(&[("Paren QPI", "^0"), ("Caret18 PI", "^D00518"), ("ID", "^D0251496161704100242000000")], Family::Pi18)]
    #[case::pi17(&[("Caret18 PI", "^0"), ("Caret17 PI", "^D00517")], Family::Pi17)]
    fn families_are_known_by_their_answers(#[case] answers: &[(&str, &str)], #[case] family: Family) {
        let (identity, _) = run(answers);
        assert_eq!(identity.family, Some(family), "{:#?}", identity.evidence);
        assert!(identity.evidence.iter().any(|evidence| evidence.means.contains("family")));
        assert_eq!(identity.next_question(), None, "and then it is done");
    }

    #[rstest]
    #[case::a_clear_no(&[("QLITH0", "(NAK"), ("QPIRI", QPIRI)], false)]
    #[case::silence(&[("QPIRI", QPIRI)], true)]
    #[case::no_ratings(&[("QLITH0", "(NAK")], true)]
    fn only_a_clear_no_rules_a_revo_out(#[case] answers: &[(&str, &str)], #[case] open: bool) {
        let known: Vec<_> = [("QPI", "(PI30"), ("QPIGS", QPIGS_21)].iter().chain(answers).copied().collect();
        let (identity, _) = run(&known);
        assert_eq!(identity.doubt.remains(identity.family.unwrap()), open, "{:#?}", identity.evidence);
        let told = identity.evidence.iter().any(|evidence| evidence.means == NOT_SETTLED);
        assert!(told || identity.doubt.refused);
    }

    #[test]
    fn details_are_read() {
        let (identity, _) = run(&[
            ("QPI", "(PI30"),
            ("QPIGS", QPIGS_21),
            ("QSID", "(1492932105105335005535"),
            ("QMN", "(MKS2-8000"),
            ("QGMN", "(044"),
            ("QVFW", "(VERFW:00000.27"),
            ("QET", "(NAK"),
        ]);
        assert_eq!(identity.serial.as_deref(), Some("92932105105335"));
        assert_eq!((identity.short_serial.as_deref(), identity.long), (None, Long::Told));
        assert_eq!(identity.model.as_deref(), Some("MKS2-8000"));
        assert_eq!(identity.firmware.as_deref(), Some("0.27"));
        assert_eq!(
            identity.missing.into_iter().collect::<Vec<_>>(),
            ["QET", "QID", "QLITH0", "QPIGS2", "QPIRI"]
        );
    }

    #[rstest]
    #[case::told(Some("(1992932105105335005535"), "9293210510533500553", Long::Told)]
    #[case::refused(Some("(NAK"), "92932105105335", Long::Settled)]
    #[case::lost(None, "92932105105335", Long::Lost)]
    fn a_long_number_does_not_displace_the_short_one(
        #[case] told: Option<&str>,
        #[case] serial: &str,
        #[case] long: Long,
    ) {
        let known = [("QPI", "(PI30"), ("Paren QID", "(92932105105335"), ("QPIGS", QPIGS_24)];
        let (identity, _) =
            run(&known.into_iter().chain(told.map(|text| ("QSID", text))).collect::<Vec<_>>());
        assert_eq!((identity.serial.as_deref(), identity.long), (Some(serial), long));
        assert_eq!(identity.short_serial.as_deref(), Some("92932105105335"));
    }

    #[rstest]
    #[case::ups(&[("Paren QPI", "QPI"), ("Caret18 PI", "NAK")], Some(Stranger::Ups))]
    #[case::ups_with_ratings(&[("Paren QPI", "#230.0 005 024.0 50.0")], Some(Stranger::Ups))]
    #[case::charger(&[("QPI", "(PI34")], Some(Stranger::Charger))]
    #[case::other_family(&[("QPI", "(PI16")], Some(Stranger::Unknown))]
    #[case::nobody(&[], None)]
    fn strangers_are_asked_nothing_but_their_kind(
        #[case] answers: &[(&str, &str)],
        #[case] stranger: Option<Stranger>,
    ) {
        let (identity, asked) = run(answers);
        assert_eq!((identity.stranger, identity.family), (stranger, None));
        let allowed = ["Paren QPI", "Caret18 PI", "Caret17 PI"];
        assert!(asked.iter().all(|asked| allowed.contains(&asked.as_str())), "{asked:?}");
    }
}
