//! What is missing of the time ahead, what is guessed instead, and why there is no plan: as a code for programs and as a
//! sentence for people, in every language.

use ohmstead_model::{DeviceId, Language};
use ohmstead_web::PlanReason;

/// Something that is missing or guessed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Lack {
    /// The clock shows a time before this program was written.
    ClockNotSet,
    /// The configuration wants no plan.
    PlannerOff,
    /// No battery.
    NoBattery,
    /// What is needed first, the price of now, is not there.
    NoPriceNow,
    /// Nobody can say what the house uses now.
    NoLoadNow,
    /// The planner itself fell over; the log says more.
    PlannerFailed,
    /// The configuration says nothing of prices.
    NoTariffs,
    /// Market prices are in another currency than those of the configuration.
    ForeignPrices { theirs: String, ours: String },
    /// So many hours ahead have no price.
    PriceGap { hours: f64 },
    /// So many hours ahead have no price for what is fed in.
    ExportUnknown { hours: f64 },
    /// So many hours ahead are of days whose Tempo colour was not told.
    ColourNotTold { hours: f64 },
    /// So many hours ahead have a price that is guessed from other days.
    PriceGuessed { hours: f64 },
    /// The load is foretold from so many hours, too few to know a week.
    FewHabits { hours: f64 },
    /// The service that foretells the sun has been silent for too long.
    OldForecast,
    /// The sun is foretold by nobody, but panels and place are known.
    SkyAsOfLate,
    /// Of the sun nothing is known but the last days.
    SunAsOfLate,
    /// Services are asked for the sun, and nothing is known of it.
    NoSun,
    /// A battery without a capacity.
    CapacityUnknown { device: DeviceId },
    /// A battery that does not say how full it is.
    SocUnknown { device: DeviceId },
    /// A battery whose power limits are taken to be this, W.
    PowerGuessed { device: DeviceId, power_w: f64 },
    /// The modes that there are cost so much more than the planned powers, in the site's currency.
    ModesLose { lost: f64, currency: String },
}

impl Lack {
    /// The code, stable for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::ClockNotSet => "clock_not_set",
            Self::PlannerOff => "planner_off",
            Self::NoBattery => "no_battery",
            Self::NoPriceNow => "no_price_now",
            Self::NoLoadNow => "no_load_now",
            Self::PlannerFailed => "planner_failed",
            Self::NoTariffs => "no_tariffs",
            Self::ForeignPrices { .. } => "foreign_prices",
            Self::PriceGap { .. } => "price_gap",
            Self::ExportUnknown { .. } => "export_unknown",
            Self::ColourNotTold { .. } => "colour_not_told",
            Self::PriceGuessed { .. } => "price_guessed",
            Self::FewHabits { .. } => "few_habits",
            Self::OldForecast => "old_forecast",
            Self::SkyAsOfLate => "sky_as_of_late",
            Self::SunAsOfLate => "sun_as_of_late",
            Self::NoSun => "no_sun",
            Self::CapacityUnknown { .. } => "capacity_unknown",
            Self::SocUnknown { .. } => "soc_unknown",
            Self::PowerGuessed { .. } => "power_guessed",
            Self::ModesLose { .. } => "modes_lose",
        }
    }

    /// Code and sentences, as reasons of a plan are carried.
    pub(crate) fn in_words(&self) -> PlanReason {
        PlanReason { code: self.code(), sentences: Language::ALL.map(|language| self.sentence(language)) }
    }

    /// The sentence for people.
    pub(crate) fn sentence(&self, language: Language) -> String {
        let mut parts = self.texts()[language as usize].split("{}");
        let first = parts.next().unwrap_or_default().to_owned();
        let rest = parts.zip(self.figures(language));
        rest.fold(first, |text, (part, figure)| text + &figure + part)
    }

    /// What stands in the places of the sentence, in their order.
    fn figures(&self, language: Language) -> Vec<String> {
        match self {
            Self::PriceGap { hours }
            | Self::ExportUnknown { hours }
            | Self::ColourNotTold { hours }
            | Self::PriceGuessed { hours }
            | Self::FewHabits { hours } => vec![format!("{:.0}", hours.max(0.0))],
            Self::CapacityUnknown { device } => vec![device.to_string(), device.to_string()],
            Self::ForeignPrices { theirs, ours } => vec![theirs.clone(), ours.clone(), theirs.clone()],
            Self::SocUnknown { device } => vec![device.to_string()],
            Self::PowerGuessed { device, power_w } => {
                vec![device.to_string(), format!("{power_w:.0}"), device.to_string()]
            }
            Self::ModesLose { lost, currency } => {
                let lost = format!("{lost:.2}");
                let lost = if language == Language::En { lost } else { lost.replace('.', ",") };
                vec![lost, currency.clone()]
            }
            _ => Vec::new(),
        }
    }

    /// In the order of [`Language::ALL`], with a place for each figure.
    fn texts(&self) -> [&'static str; 5] {
        match self {
            Self::ClockNotSet => [
                "the clock of this machine is not set yet",
                "cette machine n'est pas encore à l'heure",
                "de klok van deze machine is nog niet gelijkgezet",
                "selle masina kell pole veel õigeks seatud",
                "die Uhr dieser Maschine ist noch nicht gestellt",
            ],
            Self::PlannerOff => [
                "planning is off: planner.mode is off",
                "la planification est désactivée : planner.mode est off",
                "plannen staat uit: planner.mode is off",
                "planeerimine on väljas: planner.mode on off",
                "die Planung ist aus: planner.mode ist off",
            ],
            Self::NoBattery => [
                "there is no battery to plan for",
                "il n'y a aucune batterie pour laquelle planifier",
                "er is geen batterij om voor te plannen",
                "pole akut, mille jaoks plaani teha",
                "es gibt keine Batterie, für die geplant werden könnte",
            ],
            Self::NoPriceNow => [
                "the price of now is not known",
                "le prix du moment n'est pas connu",
                "de prijs van nu is niet bekend",
                "praegune hind pole teada",
                "der jetzige Preis ist nicht bekannt",
            ],
            Self::NoLoadNow => [
                "what the house uses cannot be foretold",
                "ce que la maison consomme ne peut être prévu",
                "wat het huis gebruikt is niet te voorspellen",
                "maja tarbimist ei saa ette ennustada",
                "was das Haus verbraucht, lässt sich nicht vorhersagen",
            ],
            Self::PlannerFailed => [
                "the planner failed, the log says more",
                "le planificateur a échoué, le journal en dit plus",
                "de planner is mislukt, in het logboek staat meer",
                "planeerija ebaõnnestus, logis on rohkem",
                "der Planer ist gescheitert, im Protokoll steht mehr",
            ],
            Self::CapacityUnknown { .. } | Self::SocUnknown { .. } | Self::PowerGuessed { .. } => {
                self.texts_of_batteries()
            }
            Self::ModesLose { .. } => [
                "the modes that the batteries have cost {} {} more than the powers that were planned",
                "les modes que les batteries connaissent coûtent {} {} de plus que les puissances prévues",
                "de standen die de batterijen hebben kosten {} {} meer dan de geplande vermogens",
                "akude režiimid maksavad {} {} rohkem kui kavandatud võimsused",
                "die Betriebsarten der Batterien kosten {} {} mehr als die geplanten Leistungen",
            ],
            _ => self.texts_of_forecasts(),
        }
    }

    fn texts_of_batteries(&self) -> [&'static str; 5] {
        match self {
            Self::CapacityUnknown { .. } => [
                "{} is not planned for: it does not tell its capacity; set planner.batteries.{}.capacity",
                "{} n'est pas planifiée : elle ne dit pas sa capacité ; indiquer planner.batteries.{}.capacity",
                "voor {} wordt niet gepland: de capaciteit is niet bekend; geef planner.batteries.{}.capacity op",
                "{} jääb plaanist välja: selle mahtuvus pole teada; lisa planner.batteries.{}.capacity",
                "{} wird nicht eingeplant: die Kapazität ist nicht bekannt; planner.batteries.{}.capacity angeben",
            ],
            Self::SocUnknown { .. } => [
                "{} is not planned for: its state of charge is not known",
                "{} n'est pas planifiée : son état de charge n'est pas connu",
                "voor {} wordt niet gepland: de laadtoestand is niet bekend",
                "{} jääb plaanist välja: selle laetus pole teada",
                "{} wird nicht eingeplant: der Ladezustand ist nicht bekannt",
            ],
            _ => [
                "{} does not tell what it can take and give: {} W are assumed; set planner.batteries.{}.charge_max and discharge_max",
                "{} ne dit pas ce qu'elle peut prendre et donner : {} W sont supposés ; indiquer planner.batteries.{}.charge_max et discharge_max",
                "{} zegt niet wat er in en uit kan: {} W wordt aangenomen; geef planner.batteries.{}.charge_max en discharge_max op",
                "{} ei ütle, kui palju see võib võtta ja anda: eeldatakse {} W; lisa planner.batteries.{}.charge_max ja discharge_max",
                "{} sagt nicht, was sie aufnehmen und abgeben kann: {} W werden angenommen; planner.batteries.{}.charge_max und discharge_max angeben",
            ],
        }
    }

    fn texts_of_forecasts(&self) -> [&'static str; 5] {
        match self {
            Self::NoTariffs => [
                "no prices: there are no tariffs in the configuration",
                "pas de prix : il n'y a pas de tarifs (tariffs) dans la configuration",
                "geen prijzen: er staan geen tarieven (tariffs) in de configuratie",
                "hindu pole: seadistuses ei ole tariife (tariffs)",
                "keine Preise: in der Konfiguration stehen keine Tarife (tariffs)",
            ],
            Self::ForeignPrices { .. } => [
                "market prices are in {}, those of the configuration in {}: they are left out; write the prices of tariffs in {}",
                "les prix du marché sont en {}, ceux de la configuration en {} : ils sont ignorés ; écrire les prix de tariffs en {}",
                "marktprijzen zijn in {}, die van de configuratie in {}: ze tellen niet mee; schrijf de prijzen van tariffs in {}",
                "turuhinnad on valuutas {}, seadistuse omad valuutas {}: need jäetakse kõrvale; kirjuta tariffs hinnad valuutas {}",
                "Marktpreise sind in {}, die der Konfiguration in {}: sie zählen nicht; die Preise von tariffs in {} schreiben",
            ],
            Self::PriceGap { .. } => [
                "no price for {} h of the time ahead",
                "pas de prix pour {} h du temps à venir",
                "geen prijs voor {} uur van de komende tijd",
                "eelseisvast ajast on {} tunni hind teadmata",
                "kein Preis für {} h der kommenden Zeit",
            ],
            Self::ExportUnknown { .. } => [
                "no price for what is fed in for {} h: nothing is counted on for it",
                "pas de prix pour l'injection pendant {} h : elle n'est comptée pour rien",
                "geen prijs voor teruglevering gedurende {} uur: er wordt niets voor gerekend",
                "{} tunni kohta pole müügihinda: seda loetakse nulliks",
                "kein Preis für die Einspeisung für {} h: sie zählt als nichts",
            ],
            Self::ColourNotTold { .. } => [
                "the colour of {} h is not told: their price is the mean of what it may be",
                "la couleur de {} h n'est pas annoncée : leur prix est la moyenne de ce qu'il peut être",
                "de kleur van {} uur is niet bekendgemaakt: de prijs is het gemiddelde van wat die kan zijn",
                "{} tunni värv pole teada: nende hind on võimalike hindade keskmine",
                "die Farbe von {} h ist nicht bekannt gegeben: ihr Preis ist das Mittel dessen, was er sein kann",
            ],
            Self::PriceGuessed { .. } => [
                "prices of {} h are guessed from other days",
                "les prix de {} h sont estimés d'après d'autres jours",
                "prijzen van {} uur zijn geschat naar andere dagen",
                "{} tunni hinnad on oletatud teiste päevade järgi",
                "Preise von {} h sind nach anderen Tagen geschätzt",
            ],
            Self::FewHabits { .. } => [
                "the house's habits are learned from {} h only",
                "les habitudes de la maison ne sont apprises que de {} h",
                "de gewoonten van het huis zijn uit slechts {} uur geleerd",
                "maja harjumused on õpitud vaid {} tunnist",
                "die Gewohnheiten des Hauses sind aus nur {} h gelernt",
            ],
            _ => self.texts_of_sun(),
        }
    }

    fn texts_of_sun(&self) -> [&'static str; 5] {
        match self {
            Self::OldForecast => [
                "the forecast of the sun is old: its service does not answer",
                "la prévision solaire est ancienne : son service ne répond pas",
                "de zonverwachting is oud: de dienst antwoordt niet",
                "päikese prognoos on vana: teenus ei vasta",
                "die Vorhersage der Sonne ist alt: ihr Dienst antwortet nicht",
            ],
            Self::SkyAsOfLate => [
                "no forecast of the sun: a sky as cloudy as of late is assumed",
                "pas de prévision solaire : un ciel aussi nuageux que ces derniers temps est supposé",
                "geen zonverwachting: aangenomen wordt een hemel zo bewolkt als de laatste tijd",
                "päikese prognoosi pole: eeldatakse sama pilves taevast kui viimasel ajal",
                "keine Vorhersage der Sonne: angenommen wird ein Himmel, so bewölkt wie zuletzt",
            ],
            Self::NoSun => [
                "nothing is known of the sun, and none is counted on",
                "rien n'est connu du soleil, et il n'est pas compté dessus",
                "van de zon is niets bekend, en er wordt niet op gerekend",
                "päikese kohta pole midagi teada ja sellega ei arvestata",
                "von der Sonne ist nichts bekannt, und mit ihr wird nicht gerechnet",
            ],
            _ => [
                "no forecast of the sun: the mean of the last days is assumed; see forecast.pv",
                "pas de prévision solaire : la moyenne des derniers jours est supposée ; voir forecast.pv",
                "geen zonverwachting: het gemiddelde van de laatste dagen wordt aangenomen; zie forecast.pv",
                "päikese prognoosi pole: eeldatakse viimaste päevade keskmist; vaata forecast.pv",
                "keine Vorhersage der Sonne: angenommen wird das Mittel der letzten Tage; siehe forecast.pv",
            ],
        }
    }
}

#[cfg(test)]
mod tests;
