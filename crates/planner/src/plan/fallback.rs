//! Why there is no better plan than following the house, as a code and as a sentence for people.

use ohmstead_model::Language;
use thiserror::Error;

use crate::linear::LinearError;
use crate::problem::{Place, ProblemError};

/// Why there is no better plan than following the house.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum FallbackReason {
    /// The problem makes no sense.
    #[error("the problem is refused: {0}")]
    Refused(ProblemError),
    /// No linear program gave anything.
    #[error("no plan was found: {0}")]
    Solver(LinearError),
    /// The simulator says that the plan cannot be carried out.
    #[error(
        "the plan was not confirmed: in slot {slot} battery {battery} would be asked for {asked_w:.0} W and give {power_w:.0} W"
    )]
    NotConfirmed {
        /// The slot, from 0.
        slot: usize,
        /// The battery, from 0.
        battery: usize,
        /// What was planned, W.
        asked_w: f64,
        /// What is possible, W.
        power_w: f64,
    },
}

impl FallbackReason {
    /// The code, stable for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "problem_refused",
            Self::Solver(LinearError::Solver(_)) => "solver_failed",
            Self::Solver(LinearError::Time) => "solver_out_of_time",
            Self::NotConfirmed { .. } => "not_confirmed",
        }
    }

    /// The sentence for people. What only helps who looks for a fault, such as the solver's own words, is in `Display`.
    pub fn sentence(&self, language: Language) -> String {
        let text = |texts: [&'static str; 5]| texts[language as usize].to_owned();
        match self {
            Self::Refused(error) => {
                let refused = text([
                    "the problem is refused: {}",
                    "le problème est refusé : {}",
                    "het probleem wordt geweigerd: {}",
                    "ülesannet ei võeta vastu: {}",
                    "die Aufgabe wird abgelehnt: {}",
                ]);
                filled(&refused, &[nonsense(error, language)])
            }
            Self::Solver(LinearError::Solver(_)) => text([
                "no plan was found: the solver failed",
                "aucun plan n'a été trouvé : le solveur a échoué",
                "er is geen plan gevonden: de oplosser is mislukt",
                "plaani ei leitud: lahendaja ebaõnnestus",
                "kein Plan wurde gefunden: der Löser ist gescheitert",
            ]),
            Self::Solver(LinearError::Time) => text([
                "no plan was found: the solver had not enough time",
                "aucun plan n'a été trouvé : le solveur n'a pas eu assez de temps",
                "er is geen plan gevonden: de oplosser had niet genoeg tijd",
                "plaani ei leitud: lahendajal jäi ajast puudu",
                "kein Plan wurde gefunden: der Löser hatte nicht genug Zeit",
            ]),
            Self::NotConfirmed { slot, battery, asked_w, power_w } => {
                let not_confirmed = text([
                    "the plan was not confirmed: in slot {} battery {} would be asked for {} W and give {} W",
                    "le plan n'a pas été confirmé : au créneau {}, {} W seraient demandés à la batterie {}, qui donnerait {} W",
                    "het plan is niet bevestigd: in tijdvak {} zou batterij {} om {} W gevraagd worden en {} W geven",
                    "plaan ei saanud kinnitust: ajavahemikus {} küsitaks akult {} võimsust {} W, aga see annaks {} W",
                    "der Plan wurde nicht bestätigt: im Abschnitt {} würde Batterie {} um {} W gebeten und gäbe {} W",
                ]);
                let (asked, given) = (format!("{asked_w:.0}"), format!("{power_w:.0}"));
                let (slot, battery) = (slot.to_string(), battery.to_string());
                let figures = match language {
                    Language::Fr => [slot, asked, battery, given],
                    _ => [slot, battery, asked, given],
                };
                filled(&not_confirmed, &figures)
            }
        }
    }
}

/// What is wrong with a problem. Names of fields are those of a problem's file, in every language.
fn nonsense(error: &ProblemError, language: Language) -> String {
    let (texts, figures): ([&str; 5], Vec<String>) = match error {
        ProblemError::Number { place, field, value, .. } => (
            [
                "{}: {} is {}, which cannot be",
                "{} : {} vaut {}, ce qui est impossible",
                "{}: {} is {}, wat niet kan",
                "{}: {} on {}, mis pole võimalik",
                "{}: {} ist {}, was nicht sein kann",
            ],
            vec![named(place, language), (*field).to_owned(), value.to_string()],
        ),
        ProblemError::Time { slot, .. } => (
            [
                "slot {} is empty, or does not begin where the one before it ends",
                "le créneau {} est vide, ou ne commence pas où finit le précédent",
                "tijdvak {} is leeg, of begint niet waar het vorige eindigt",
                "ajavahemik {} on tühi või ei alga sealt, kus eelmine lõpeb",
                "Abschnitt {} ist leer oder beginnt nicht, wo der vorige endet",
            ],
            vec![slot.to_string()],
        ),
        ProblemError::Length { battery, found, slots } => (
            [
                "battery {}: {} reserves for {} slots",
                "batterie {} : {} réserves pour {} créneaux",
                "batterij {}: {} reserves voor {} tijdvakken",
                "aku {}: {} varu {} ajavahemiku kohta",
                "Batterie {}: {} Reserven für {} Abschnitte",
            ],
            vec![battery.clone(), found.to_string(), slots.to_string()],
        ),
        ProblemError::Taper { battery, point } => (
            [
                "battery {}: point {} of the taper is out of order",
                "batterie {} : le point {} de la courbe de charge est hors d'ordre",
                "batterij {}: punt {} van de laadcurve staat niet op volgorde",
                "aku {}: laadimiskõvera punkt {} on vales järjekorras",
                "Batterie {}: Punkt {} der Ladekurve ist nicht in der Reihenfolge",
            ],
            vec![battery.clone(), point.to_string()],
        ),
        ProblemError::SameName(name) => (
            [
                "two batteries are named {}",
                "deux batteries s'appellent {}",
                "twee batterijen heten {}",
                "kahe aku nimi on {}",
                "zwei Batterien heißen {}",
            ],
            vec![name.clone()],
        ),
    };
    filled(texts[language as usize], &figures)
}

fn named(place: &Place, language: Language) -> String {
    let text = |texts: [&'static str; 5]| texts[language as usize];
    match place {
        Place::Slot(slot) => {
            format!("{} {slot}", text(["slot", "créneau", "tijdvak", "ajavahemik", "Abschnitt"]))
        }
        Place::Battery(name) => {
            format!("{} {name}", text(["battery", "batterie", "batterij", "aku", "Batterie"]))
        }
        Place::Site => text(["the site", "le site", "de locatie", "koht", "die Anlage"]).to_owned(),
    }
}

/// The figures in their places. What a figure holds is no place.
fn filled(text: &str, figures: &[String]) -> String {
    let mut parts = text.split("{}");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.zip(figures);
    rest.fold(first, |text, (part, figure)| text + figure + part)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::expect_file;

    use super::*;

    fn all() -> Vec<FallbackReason> {
        let number = |place| ProblemError::Number {
            place,
            field: "load_w",
            value: f64::NAN,
            expected: "W, 0 or more",
        };
        let battery = "garage".to_owned();
        let refused = [
            number(Place::Slot(3)),
            number(Place::Battery(battery.clone())),
            number(Place::Site),
            ProblemError::Time { slot: 3, start_ms: 0, expected: "an end after its start" },
            ProblemError::Length { battery: battery.clone(), found: 1, slots: 96 },
            ProblemError::Taper { battery: battery.clone(), point: 2 },
            ProblemError::SameName(battery),
        ];
        let others = [
            FallbackReason::Solver(LinearError::Solver("singular matrix".to_owned())),
            FallbackReason::Solver(LinearError::Time),
            FallbackReason::NotConfirmed { slot: 3, battery: 1, asked_w: 700.4, power_w: 400.0 },
        ];
        refused.into_iter().map(FallbackReason::Refused).chain(others).collect()
    }

    #[test]
    fn every_cause_has_a_sentence_in_every_language() {
        let mut shown = String::new();
        for cause in all() {
            writeln!(shown, "{}", cause.code()).unwrap();
            let sentences = Language::ALL.map(|language| cause.sentence(language));
            for (place, sentence) in sentences.iter().enumerate() {
                assert!(!sentence.is_empty() && !sentence.contains(['{', '}']), "{cause:?}: {sentence:?}");
                assert!(!sentences[..place].contains(sentence), "{cause:?}: {sentence:?} twice");
                writeln!(shown, "  {:?}  {sentence}", Language::ALL[place]).unwrap();
            }
        }
        expect_file!["fallback/sentences.txt"].assert_eq(&shown);
    }

    #[test]
    fn a_name_with_braces_is_no_place_for_a_figure() {
        let same = FallbackReason::Refused(ProblemError::SameName("{} a".to_owned()));
        assert_eq!(same.sentence(Language::En), "the problem is refused: two batteries are named {} a");
    }
}
