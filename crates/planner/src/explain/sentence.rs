//! Reasons as codes and as sentences.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ohmstead_model::{Language, UnixMillis};

use super::Why;

impl Why {
    /// The code, stable for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::SolarSurplus { .. } => "solar_surplus",
            Self::CheapImport { .. } => "cheap_import",
            Self::NegativePrice { .. } => "negative_price",
            Self::Reserve { .. } => "reserve",
            Self::CoverLoad { .. } => "cover_load",
            Self::SuppliesHouse { .. } => "supplies_house",
            Self::ExportPays { .. } => "export_pays",
            Self::HoldForLater { .. } => "hold_for_later",
            Self::HoldForEnd { .. } => "hold_for_end",
            Self::SellSun { .. } => "sell_sun",
            Self::Curtail { .. } => "curtail",
            Self::Full => "full",
            Self::Empty => "empty",
            Self::Rest => "rest",
            Self::Planned => "planned",
            Self::ByHand => "by_hand",
        }
    }

    /// The sentence for people, with times in the site's zone.
    pub fn sentence(&self, language: Language, zone: &TimeZone) -> String {
        let text = self.texts()[language as usize];
        let cents = |price: f64| format!("{} ct/kWh", decimal(price * 100.0, language));
        let figures: Vec<String> = match *self {
            Self::SolarSurplus { price } | Self::NegativePrice { price } | Self::SuppliesHouse { price } => {
                vec![cents(price)]
            }
            Self::CheapImport { price, worth }
            | Self::CoverLoad { price, worth }
            | Self::ExportPays { price, worth }
            | Self::SellSun { price, worth } => vec![cents(price), cents(worth)],
            Self::HoldForLater { at, price, now } => vec![clock(at, zone), cents(price), cents(now)],
            Self::HoldForEnd { worth, now } => vec![cents(worth), cents(now)],
            Self::Reserve { floor_wh } => vec![format!("{} kWh", decimal(floor_wh / 1000.0, language))],
            Self::Curtail { power_w } => vec![format!("{power_w:.0} W")],
            Self::Unavailable | Self::Full | Self::Empty | Self::Rest | Self::Planned | Self::ByHand => {
                Vec::new()
            }
        };
        figures.iter().fold(text.to_owned(), |text, figure| text.replacen("{}", figure, 1))
    }

    /// In the order of [`Language::ALL`], with a place for each figure.
    fn texts(&self) -> [&'static str; 5] {
        match self {
            Self::SolarSurplus { .. } => [
                "stores what the sun leaves over (the grid would pay {})",
                "stocke ce que le soleil laisse en trop (le réseau paierait {})",
                "slaat op wat de zon overlaat (het net zou {} betalen)",
                "salvestab päikesest üle jääva (võrk maksaks {})",
                "speichert, was die Sonne übrig lässt (das Netz würde {} zahlen)",
            ],
            Self::CheapImport { .. } => [
                "charges from the grid at {} instead of waiting: stored energy is worth {}",
                "charge depuis le réseau à {} au lieu d'attendre : l'énergie stockée vaut {}",
                "laadt uit het net voor {} in plaats van te wachten: opgeslagen energie is {} waard",
                "laeb võrgust hinnaga {}, selle asemel et oodata: salvestatud energia on väärt {}",
                "lädt aus dem Netz zu {}, statt zu warten: gespeicherte Energie ist {} wert",
            ],
            Self::NegativePrice { .. } => [
                "charges from the grid, which pays for it ({})",
                "charge depuis le réseau, qui paie pour cela ({})",
                "laadt uit het net, dat ervoor betaalt ({})",
                "laeb võrgust, mis selle eest maksab ({})",
                "lädt aus dem Netz, das dafür zahlt ({})",
            ],
            Self::CoverLoad { .. } => [
                "supplies the house instead of the grid at {}: stored energy is worth {}",
                "alimente la maison à la place du réseau à {} : l'énergie stockée vaut {}",
                "voedt het huis in plaats van het net voor {}: opgeslagen energie is {} waard",
                "toidab maja võrgu asemel hinnaga {}: salvestatud energia on väärt {}",
                "versorgt das Haus statt des Netzes zu {}: gespeicherte Energie ist {} wert",
            ],
            Self::SuppliesHouse { .. } => [
                "supplies the house (the grid would cost {})",
                "alimente la maison (le réseau coûterait {})",
                "voedt het huis (het net zou {} kosten)",
                "toidab maja (võrk maksaks {})",
                "versorgt das Haus (das Netz würde {} kosten)",
            ],
            Self::ExportPays { .. } => [
                "feeds the grid, which pays {}, instead of keeping stored energy, which is worth {}",
                "injecte dans le réseau, qui paie {}, au lieu de garder l'énergie stockée, qui vaut {}",
                "levert aan het net, dat {} betaalt, in plaats van opgeslagen energie te bewaren, die {} waard is",
                "annab võrku, mis maksab {}, selle asemel et hoida salvestatud energiat, mis on väärt {}",
                "speist ins Netz, das {} zahlt, statt gespeicherte Energie zu behalten, die {} wert ist",
            ],
            Self::SellSun { .. } => [
                "leaves the sun's power to the grid, which pays {}: stored energy is worth {}",
                "laisse le soleil au réseau, qui paie {} : l'énergie stockée vaut {}",
                "laat de zonnestroom aan het net, dat {} betaalt: opgeslagen energie is {} waard",
                "jätab päikeseenergia võrku, mis maksab {}: salvestatud energia on väärt {}",
                "überlässt die Sonne dem Netz, das {} zahlt: gespeicherte Energie ist {} wert",
            ],
            _ => self.texts_at_rest(),
        }
    }

    fn texts_at_rest(&self) -> [&'static str; 5] {
        match self {
            Self::HoldForLater { .. } => [
                "keeps its energy for {}, when the grid costs {}; now it costs {}",
                "garde son énergie pour {}, quand le réseau coûtera {} ; maintenant il coûte {}",
                "bewaart zijn energie voor {}, als het net {} kost; nu kost het {}",
                "hoiab energiat ajaks {}, mil võrk maksab {}; praegu maksab see {}",
                "hält seine Energie für {}, wenn das Netz {} kostet; jetzt kostet es {}",
            ],
            Self::HoldForEnd { .. } => [
                "keeps its energy for the time after the plan, when it is worth {}; now the grid costs {}",
                "garde son énergie pour la suite, où elle vaut {} ; maintenant le réseau coûte {}",
                "bewaart zijn energie voor daarna, als die {} waard is; nu kost het net {}",
                "hoiab energiat plaani järgseks ajaks, mil see on väärt {}; praegu maksab võrk {}",
                "hält seine Energie für die Zeit danach, wo sie {} wert ist; jetzt kostet das Netz {}",
            ],
            Self::Reserve { .. } => [
                "charges up to the reserve of {}",
                "charge jusqu'à la réserve de {}",
                "laadt tot de reserve van {}",
                "laeb varuni {}",
                "lädt bis zur Reserve von {}",
            ],
            Self::Curtail { .. } => [
                "the sun is reduced by {}: nobody takes it",
                "le solaire est réduit de {} : personne ne le prend",
                "de zonnestroom wordt met {} verminderd: niemand neemt hem af",
                "päikeseenergiat vähendatakse {}: keegi ei võta seda",
                "die Sonne wird um {} gedrosselt: niemand nimmt sie ab",
            ],
            Self::Full => ["is full", "est pleine", "is vol", "on täis", "ist voll"],
            Self::Empty => [
                "has nothing to give",
                "n'a rien à donner",
                "heeft niets te geven",
                "pole midagi anda",
                "hat nichts zu geben",
            ],
            Self::Rest => [
                "rests: neither charging nor discharging pays",
                "au repos : ni charger ni décharger ne rapporte",
                "rust: laden noch ontladen loont",
                "puhkab: ei laadimine ega tühjendamine tasu ära",
                "ruht: weder Laden noch Entladen lohnt sich",
            ],
            Self::Unavailable => [
                "is not available",
                "n'est pas disponible",
                "is niet beschikbaar",
                "ei ole saadaval",
                "ist nicht verfügbar",
            ],
            Self::ByHand => [
                "was asked for this by hand",
                "l'a été demandé à la main",
                "is hier met de hand om gevraagd",
                "seda küsiti käsitsi",
                "wurde von Hand darum gebeten",
            ],
            _ => ["follows the plan", "suit le plan", "volgt het plan", "järgib plaani", "folgt dem Plan"],
        }
    }
}

/// One decimal, behind a comma everywhere but in English.
fn decimal(value: f64, language: Language) -> String {
    let text = format!("{value:.1}");
    if language == Language::En { text } else { text.replace('.', ",") }
}

fn clock(at: UnixMillis, zone: &TimeZone) -> String {
    let Ok(instant) = Timestamp::from_millisecond(at.0) else { return "?".to_owned() };
    instant.to_zoned(zone.clone()).strftime("%d.%m. %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_sentence_in_every_language() {
        let (price, worth, now) = (0.12, 0.2, 0.1);
        let all = [
            Why::Unavailable,
            Why::SolarSurplus { price },
            Why::CheapImport { price, worth },
            Why::NegativePrice { price },
            Why::Reserve { floor_wh: 1500.0 },
            Why::CoverLoad { price, worth },
            Why::SuppliesHouse { price },
            Why::ExportPays { price, worth },
            Why::HoldForLater { at: UnixMillis(i64::MAX), price, now },
            Why::HoldForEnd { worth, now },
            Why::SellSun { price, worth },
            Why::Curtail { power_w: 300.0 },
            Why::Full,
            Why::Empty,
            Why::Rest,
            Why::Planned,
            Why::ByHand,
        ];
        let mut codes: Vec<_> = all.iter().map(Why::code).collect();
        for why in all {
            let sentences = Language::ALL.map(|language| why.sentence(language, &TimeZone::UTC));
            for (index, sentence) in sentences.iter().enumerate() {
                assert!(!sentence.is_empty() && !sentence.contains("{}"), "{why:?}: {sentence:?}");
                assert!(!sentences[..index].contains(sentence), "{why:?}: {sentence:?} twice");
            }
            assert_eq!(sentences[0] == "follows the plan", why == Why::Planned);
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all.len());
    }

    #[test]
    fn times_are_those_of_the_site() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let why = Why::HoldForLater { at: UnixMillis(1_735_660_800_000), price: 0.7562, now: 0.1486 };
        assert_eq!(
            why.sentence(Language::En, &zone),
            "keeps its energy for 31.12. 17:00, when the grid costs 75.6 ct/kWh; now it costs 14.9 ct/kWh"
        );
    }
}
