//! Why a device should do what it should do: a code for programs, and a sentence in five languages for people.

use ohmstead_model::{BatteryMode, Language};
use ohmstead_units::{Percent, Watts};

use crate::plan::Why;
use crate::tempo::Cause;

/// A reason with what it is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// No proposer has a wish.
    NobodyAsks,
    /// Somebody asked by hand; by what way: `rest`, `mqtt`, `cli`.
    AskedBy(String),
    /// A window of the schedule is open; its name.
    Window(String),
    /// It is this battery's turn; the group.
    Turn(String),
    /// It is another battery's turn; the group.
    NotItsTurn(String),
    /// Its turn is over and the next one is on its way; the group.
    HandsOver(String),
    /// It charges what the active battery leaves; the group.
    Overflow(String),
    /// All are full and power is fed in; the group.
    AllFull(String),
    /// It charges at night what the next day lacks; the group.
    NightCharge(String),
    /// It rests at night; the group.
    NightRest(String),
    /// It has its part of what the house needs; the group.
    Share(String),
    /// The battery is at or below what is kept in reserve.
    Reserve {
        /// Its state of charge.
        soc: Percent,
        /// The reserve.
        reserve: Percent,
    },
    /// The state of charge is not known, so nothing below the reserve can be ruled out.
    SocUnknown,
    /// The battery's own limit; what it allows.
    BmsLimit(Watts),
    /// A limit of the site; its name and the power that is left.
    SiteLimit {
        /// The limit's key in the configuration.
        limit: String,
        /// What it leaves for this device.
        left: Watts,
    },
    /// What the limit is judged by is too old; its name.
    LimitBlind(String),
    /// The device cannot do what is wanted, and nothing near it either.
    CannotDo(BatteryMode),
    /// The charge has got as far as was asked.
    Charged(Percent),
    /// The plan says so; why, in its own words.
    Planned(Why),
    /// The night before a dear day of the Tempo tariff.
    Tempo(Cause),
}

impl Reason {
    /// The code, stable for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NobodyAsks => "nobody_asks",
            Self::AskedBy(_) => "asked",
            Self::Window(_) => "schedule_window",
            Self::Turn(_) => "its_turn",
            Self::NotItsTurn(_) => "not_its_turn",
            Self::HandsOver(_) => "hands_over",
            Self::Overflow(_) => "overflow",
            Self::AllFull(_) => "all_full",
            Self::NightCharge(_) => "night_charge",
            Self::NightRest(_) => "night_rest",
            Self::Share(_) => "share",
            Self::Reserve { .. } => "reserve",
            Self::SocUnknown => "soc_unknown",
            Self::BmsLimit(_) => "bms_limit",
            Self::SiteLimit { .. } => "site_limit",
            Self::LimitBlind(_) => "limit_blind",
            Self::CannotDo(_) => "cannot_do",
            Self::Charged(_) => "charged",
            Self::Planned(why) => why.code,
            Self::Tempo(cause) => cause.code(),
        }
    }

    /// The sentence for people. Names, numbers and modes stay as they are written in the configuration.
    pub fn sentence(&self, language: Language) -> String {
        use Language::{De, En, Et, Fr, Nl};
        let of = |texts: [&str; 5]| texts[language as usize].to_owned();
        debug_assert_eq!([En, Fr, Nl, Et, De], Language::ALL);
        match self {
            Self::NobodyAsks => of([
                "nobody wants anything of it",
                "personne ne lui demande rien",
                "niemand vraagt er iets van",
                "keegi ei soovi temalt midagi",
                "niemand will etwas von ihm",
            ]),
            Self::SocUnknown => of([
                "the state of charge is not known",
                "l'état de charge n'est pas connu",
                "de laadtoestand is niet bekend",
                "laetuse tase ei ole teada",
                "der Ladezustand ist nicht bekannt",
            ]),
            Self::Planned(why) => why.sentence(language).to_owned(),
            Self::Tempo(cause) => cause.sentence(language),
            Self::AskedBy(way) => with(
                &of([
                    "asked by hand ({})",
                    "demandé à la main ({})",
                    "met de hand gevraagd ({})",
                    "käsitsi küsitud ({})",
                    "von Hand verlangt ({})",
                ]),
                way,
            ),
            Self::Window(name) => with(
                &of(["schedule: {}", "programme : {}", "schema: {}", "ajakava: {}", "Zeitplan: {}"]),
                name,
            ),
            Self::Reserve { soc, reserve } => with2(
                &of([
                    "at {}, and {} are kept in reserve",
                    "à {}, et {} restent en réserve",
                    "op {}, en {} blijft in reserve",
                    "tase {}, varuks hoitakse {}",
                    "bei {}, und {} bleiben als Reserve",
                ]),
                soc,
                reserve,
            ),
            Self::Turn(group)
            | Self::NotItsTurn(group)
            | Self::HandsOver(group)
            | Self::Overflow(group)
            | Self::AllFull(group)
            | Self::NightCharge(group)
            | Self::NightRest(group)
            | Self::Share(group) => with(&of(self.about_turns()), group),
            other => other.about_limits(of),
        }
    }

    /// The texts of the rotation, with a place for the group.
    fn about_turns(&self) -> [&'static str; 5] {
        match self {
            Self::Turn(_) => [
                "its turn in {}",
                "c'est son tour dans {}",
                "aan de beurt in {}",
                "tema kord rühmas {}",
                "an der Reihe in {}",
            ],
            Self::HandsOver(_) => [
                "hands over to the next one in {}",
                "passe le relais à la suivante dans {}",
                "draagt over aan de volgende in {}",
                "annab järgmisele üle rühmas {}",
                "übergibt an die nächste in {}",
            ],
            Self::Overflow(_) => [
                "charges what the active battery of {} leaves",
                "charge ce que laisse la batterie active de {}",
                "laadt wat de actieve batterij van {} overlaat",
                "laeb seda, mis rühma {} aktiivsest akust üle jääb",
                "lädt, was die aktive Batterie von {} übrig lässt",
            ],
            Self::AllFull(_) => [
                "all batteries of {} are full",
                "toutes les batteries de {} sont pleines",
                "alle batterijen van {} zijn vol",
                "kõik rühma {} akud on täis",
                "alle Batterien von {} sind voll",
            ],
            Self::NightCharge(_) => [
                "charges at night what the next day lacks ({})",
                "charge la nuit ce qui manquera le lendemain ({})",
                "laadt 's nachts wat de volgende dag tekortkomt ({})",
                "laeb öösel, mis järgmisel päeval puudu jääks ({})",
                "lädt nachts, was am nächsten Tag fehlt ({})",
            ],
            Self::NightRest(_) => [
                "rests at night ({})",
                "au repos la nuit ({})",
                "rust 's nachts ({})",
                "puhkab öösel ({})",
                "ruht nachts ({})",
            ],
            Self::Share(_) => [
                "its part of what {} shares",
                "sa part de ce que {} se partage",
                "zijn deel van wat {} verdeelt",
                "tema osa rühma {} ühisest võimsusest",
                "ihr Teil dessen, was {} sich teilt",
            ],
            _ => [
                "not its turn in {}",
                "ce n'est pas son tour dans {}",
                "niet aan de beurt in {}",
                "ei ole tema kord rühmas {}",
                "nicht an der Reihe in {}",
            ],
        }
    }

    fn about_limits(&self, of: impl Fn([&str; 5]) -> String) -> String {
        match self {
            Self::BmsLimit(power) => with(
                &of([
                    "the battery allows {}",
                    "la batterie permet {}",
                    "de batterij staat {} toe",
                    "aku lubab {}",
                    "die Batterie erlaubt {}",
                ]),
                power,
            ),
            Self::SiteLimit { limit, left } => with2(
                &of(["{} leaves {}", "{} laisse {}", "{} laat {} over", "{} jätab {}", "{} lässt {} übrig"]),
                limit,
                left,
            ),
            Self::LimitBlind(limit) => with(
                &of([
                    "{}: what it is judged by is not known",
                    "{} : la mesure manque",
                    "{}: de meting ontbreekt",
                    "{}: mõõtmine puudub",
                    "{}: die Messung fehlt",
                ]),
                limit,
            ),
            Self::CannotDo(mode) => with(
                &of([
                    "the device cannot do {}",
                    "l'appareil ne sait pas faire {}",
                    "het apparaat kan {} niet",
                    "seade ei oska {}",
                    "das Gerät kann {} nicht",
                ]),
                mode,
            ),
            Self::Charged(soc) => with(
                &of([
                    "charged to {}",
                    "chargée à {}",
                    "geladen tot {}",
                    "laetud tasemeni {}",
                    "geladen bis {}",
                ]),
                soc,
            ),
            _ => String::new(),
        }
    }
}

pub(crate) fn with(text: &str, what: &impl ToString) -> String {
    text.replacen("{}", &what.to_string(), 1)
}

fn with2(text: &str, first: &impl ToString, second: &impl ToString) -> String {
    with(&with(text, first), second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn all() -> Vec<Reason> {
        vec![
            Reason::NobodyAsks,
            Reason::AskedBy("mqtt".to_owned()),
            Reason::Window("night".to_owned()),
            Reason::Turn("day".to_owned()),
            Reason::NotItsTurn("day".to_owned()),
            Reason::HandsOver("day".to_owned()),
            Reason::Overflow("day".to_owned()),
            Reason::AllFull("day".to_owned()),
            Reason::NightCharge("day".to_owned()),
            Reason::NightRest("day".to_owned()),
            Reason::Share("day".to_owned()),
            Reason::Reserve { soc: Percent(9.0), reserve: Percent(10.0) },
            Reason::SocUnknown,
            Reason::BmsLimit(Watts(0.0)),
            Reason::SiteLimit { limit: "multi_output".to_owned(), left: Watts(800.0) },
            Reason::LimitBlind("multi_output".to_owned()),
            Reason::CannotDo(BatteryMode::Hold),
            Reason::Charged(Percent(90.0)),
        ]
        .into_iter()
        .chain(Cause::all().map(Reason::Tempo))
        .collect()
    }

    #[test]
    fn every_reason_has_a_sentence_in_every_language() {
        for reason in all() {
            let sentences: Vec<_> = Language::ALL.iter().map(|language| reason.sentence(*language)).collect();
            for sentence in &sentences {
                assert!(!sentence.is_empty() && !sentence.contains("{}"), "{reason:?}: {sentence:?}");
            }
        }
    }

    #[test]
    fn in_english_and_french() {
        let table: Vec<_> = all()
            .iter()
            .map(|reason| {
                let [en, fr] = [Language::En, Language::Fr].map(|language| reason.sentence(language));
                format!("{}: {en} | {fr}", reason.code())
            })
            .collect();
        expect![[r#"
            nobody_asks: nobody wants anything of it | personne ne lui demande rien
            asked: asked by hand (mqtt) | demandé à la main (mqtt)
            schedule_window: schedule: night | programme : night
            its_turn: its turn in day | c'est son tour dans day
            not_its_turn: not its turn in day | ce n'est pas son tour dans day
            hands_over: hands over to the next one in day | passe le relais à la suivante dans day
            overflow: charges what the active battery of day leaves | charge ce que laisse la batterie active de day
            all_full: all batteries of day are full | toutes les batteries de day sont pleines
            night_charge: charges at night what the next day lacks (day) | charge la nuit ce qui manquera le lendemain (day)
            night_rest: rests at night (day) | au repos la nuit (day)
            share: its part of what day shares | sa part de ce que day se partage
            reserve: at 9 %, and 10 % are kept in reserve | à 9 %, et 10 % restent en réserve
            soc_unknown: the state of charge is not known | l'état de charge n'est pas connu
            bms_limit: the battery allows 0 W | la batterie permet 0 W
            site_limit: multi_output leaves 800 W | multi_output laisse 800 W
            limit_blind: multi_output: what it is judged by is not known | multi_output : la mesure manque
            cannot_do: the device cannot do hold | l'appareil ne sait pas faire hold
            charged: charged to 90 % | chargée à 90 %
            before_red: tomorrow is a red day: fills up to 100 % | demain est un jour rouge : charge jusqu'à 100 %
            may_be_red: tomorrow's colour is not known and may be red: fills up to 100 % | la couleur de demain n'est pas connue et peut être rouge : charge jusqu'à 100 %
            before_white: tomorrow is a white day: a kWh brings 2 ct after losses and wear | demain est un jour blanc : un kWh rapporte 2 ct, pertes et usure déduites
            colour_unknown: tomorrow's colour is not known: in the mean a kWh brings 5 ct after losses and wear | la couleur de demain n'est pas connue : en moyenne un kWh rapporte 5 ct, pertes et usure déduites
            kept_for_red: kept for the red day | gardée pour le jour rouge
            kept_for_dearer: kept for the day, which is dearer than this night | gardée pour la journée, plus chère que cette nuit"#]]
        .assert_eq(&table.join("\n"));
    }
}
