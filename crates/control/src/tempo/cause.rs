//! Why a battery is filled or kept at night, in words.

use ohmstead_model::Language;
use ohmstead_units::Percent;

use crate::reason::with;

/// Why a battery is filled or kept in the night before a day of the Tempo tariff.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause {
    /// Tomorrow is red: it is filled up to there.
    BeforeRed(Percent),
    /// Nobody has told tomorrow's colour, and it may be red: it is filled up to there.
    MayBeRed(Percent),
    /// Tomorrow is white, and a kilowatt hour brings so many hundredths of the currency after losses and wear.
    BeforeWhite(i32),
    /// Tomorrow's colour is not known; in the mean of what it may be a kilowatt hour brings so many hundredths.
    ColourUnknown(i32),
    /// What it holds is kept for a red day.
    KeptForRed,
    /// What it holds is kept for a white day, or one whose colour is not known.
    KeptForDearer,
}

impl Cause {
    /// The code, stable for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::BeforeRed(_) => "before_red",
            Self::MayBeRed(_) => "may_be_red",
            Self::BeforeWhite(_) => "before_white",
            Self::ColourUnknown(_) => "colour_unknown",
            Self::KeptForRed => "kept_for_red",
            Self::KeptForDearer => "kept_for_dearer",
        }
    }

    /// The sentence for people.
    pub fn sentence(self, language: Language) -> String {
        let texts = self.texts();
        let place = Language::ALL.iter().position(|each| *each == language).unwrap_or_default();
        match self {
            Self::BeforeRed(until) | Self::MayBeRed(until) => with(texts[place], &until),
            Self::BeforeWhite(gain) | Self::ColourUnknown(gain) => with(texts[place], &gain),
            Self::KeptForRed | Self::KeptForDearer => texts[place].to_owned(),
        }
    }

    fn texts(self) -> [&'static str; 5] {
        match self {
            Self::BeforeRed(_) => [
                "tomorrow is a red day: fills up to {}",
                "demain est un jour rouge : charge jusqu'à {}",
                "morgen is een rode dag: laadt tot {}",
                "homme on punane päev: laeb tasemeni {}",
                "morgen ist ein roter Tag: lädt bis {}",
            ],
            Self::MayBeRed(_) => [
                "tomorrow's colour is not known and may be red: fills up to {}",
                "la couleur de demain n'est pas connue et peut être rouge : charge jusqu'à {}",
                "de kleur van morgen is niet bekend en kan rood zijn: laadt tot {}",
                "homne värv ei ole teada ja võib olla punane: laeb tasemeni {}",
                "die Farbe von morgen ist nicht bekannt und kann Rot sein: lädt bis {}",
            ],
            Self::BeforeWhite(_) => [
                "tomorrow is a white day: a kWh brings {} ct after losses and wear",
                "demain est un jour blanc : un kWh rapporte {} ct, pertes et usure déduites",
                "morgen is een witte dag: een kWh brengt {} ct op na verlies en slijtage",
                "homme on valge päev: kWh toob pärast kadusid ja kulumist {} senti",
                "morgen ist ein weißer Tag: eine kWh bringt {} ct nach Verlusten und Verschleiß",
            ],
            Self::ColourUnknown(_) => [
                "tomorrow's colour is not known: in the mean a kWh brings {} ct after losses and wear",
                "la couleur de demain n'est pas connue : en moyenne un kWh rapporte {} ct, pertes et usure déduites",
                "de kleur van morgen is niet bekend: gemiddeld brengt een kWh {} ct op na verlies en slijtage",
                "homne värv ei ole teada: keskmiselt toob kWh pärast kadusid ja kulumist {} senti",
                "die Farbe von morgen ist nicht bekannt: im Mittel bringt eine kWh {} ct nach Verlusten und Verschleiß",
            ],
            Self::KeptForRed => [
                "kept for the red day",
                "gardée pour le jour rouge",
                "bewaard voor de rode dag",
                "hoitakse punase päeva jaoks",
                "für den roten Tag aufgehoben",
            ],
            Self::KeptForDearer => [
                "kept for the day, which is dearer than this night",
                "gardée pour la journée, plus chère que cette nuit",
                "bewaard voor de dag, die duurder is dan deze nacht",
                "hoitakse päevaks, mis on sellest ööst kallim",
                "für den Tag aufgehoben, der teurer ist als diese Nacht",
            ],
        }
    }

    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let full = Percent(100.0);
        [
            Self::BeforeRed(full),
            Self::MayBeRed(full),
            Self::BeforeWhite(2),
            Self::ColourUnknown(5),
            Self::KeptForRed,
            Self::KeptForDearer,
        ]
        .into_iter()
    }
}
