//! What the rest of the program sees: every figure with its source and its age.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use ohmstead_model::{TempoColour, Timeline, UnixMillis};

use crate::{PriceGrid, Quantity};

/// What a source is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Prices of electricity.
    Prices,
    /// Colours of Tempo days.
    Colours,
    /// Official prices of Tempo.
    Grids,
    /// Sun, weather and load.
    Pv,
}

impl Kind {
    /// The section and the key in it where its sources are configured.
    pub fn section(self) -> [&'static str; 2] {
        match self {
            Self::Prices => ["tariffs", "market"],
            Self::Colours => ["tariffs", "colours"],
            Self::Grids => ["tariffs", "official_prices"],
            Self::Pv => ["forecast", "pv"],
        }
    }

    /// The beginning of the names of its sources.
    pub fn id(self) -> &'static str {
        match self {
            Self::Prices => "prices",
            Self::Colours => "tempo",
            Self::Grids => "tempo_prices",
            Self::Pv => "pv",
        }
    }
}

/// One figure and where it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct Sourced {
    /// The figure, in the unit of its quantity.
    pub value: f64,
    /// The source that said it; `manual` for the owner.
    pub source: Arc<str>,
    /// When it was said.
    pub fetched_at: UnixMillis,
    /// Whether the source has been silent for too long. Published prices do not go stale.
    pub is_stale: bool,
}

/// What one source said of one day.
#[derive(Debug, Clone, PartialEq)]
pub struct Voice {
    /// The source.
    pub source: Arc<str>,
    /// Its colour.
    pub colour: TempoColour,
    /// Since when it says so.
    pub since: UnixMillis,
    /// When it last said so.
    pub last: UnixMillis,
    /// Whether it was last said before RTE commits to it, at 10:30 on the day before.
    pub is_provisional: bool,
}

/// What is known of one Tempo day.
#[derive(Debug, Clone, PartialEq)]
pub struct TempoDay {
    /// The colour that counts: the owner's, else the first final one, else the first.
    pub colour: TempoColour,
    /// Whose it is.
    pub source: Arc<str>,
    /// Whether it may still change.
    pub is_provisional: bool,
    /// What every source said, in their order.
    pub voices: Vec<Voice>,
}

/// The name of the owner among the sources.
pub const MANUAL: &str = "manual";

impl TempoDay {
    /// What counts of what was said: the first final word, else the first. `None` where nobody said anything.
    pub fn of_voices(voices: Vec<Voice>) -> Option<Self> {
        let winner = voices.iter().find(|voice| !voice.is_provisional).or(voices.first())?;
        let (colour, source, is_provisional) =
            (winner.colour, Arc::clone(&winner.source), winner.is_provisional);
        Some(Self { colour, source, is_provisional, voices })
    }

    /// What the owner says, whatever the sources say.
    pub fn said(colour: TempoColour, voices: Vec<Voice>) -> Self {
        Self { colour, source: Arc::from(MANUAL), is_provisional: false, voices }
    }

    /// Whether the owner said it.
    pub fn is_said(&self) -> bool {
        &*self.source == MANUAL
    }

    /// Whether to count on it before the day is there: it is final, and no source speaks of red where another colour counts.
    /// What is saved by taking a dear day for a cheap one is a tenth of what it costs.
    pub fn is_sure(&self) -> bool {
        let may_be_red = self.colour != TempoColour::Red
            && self.voices.iter().any(|voice| voice.colour == TempoColour::Red);
        self.is_said() || !(self.is_provisional || may_be_red)
    }

    /// Whether a source says something else than what counts.
    pub fn is_disputed(&self) -> bool {
        self.voices.iter().any(|voice| voice.colour != self.colour)
    }
}

/// How one source is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceStatus {
    /// What it is for.
    pub kind: Kind,
    /// When it last answered with something.
    pub fetched_at: Option<UnixMillis>,
    /// When it was last asked.
    pub tried_at: Option<UnixMillis>,
    /// What was wrong with the last try, in words.
    pub trouble: Option<String>,
    /// Tries in a row that failed.
    pub failures: u32,
    /// When it is asked next; nothing where it is not asked at all.
    pub next_try: Option<UnixMillis>,
    /// Values of the last answer that could not be.
    pub refused: usize,
    /// What it wants to be said of where its figures are from.
    pub licence: Option<String>,
}

/// What the owner says. It goes before every source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Manual {
    /// Colours by day.
    pub colours: BTreeMap<Date, TempoColour>,
    /// Market prices, in `currency` of the kWh.
    pub prices: Timeline<f64>,
}

/// Everything that is known of what is going to be, at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outlook {
    /// The moment.
    pub at: UnixMillis,
    /// Nobody is asked.
    pub offline: bool,
    /// Series of figures.
    pub series: BTreeMap<Quantity, Timeline<Sourced>>,
    /// The currency of the prices among them.
    pub currency: Option<String>,
    /// Tempo days by civil date; each begins at 06:00.
    pub colours: BTreeMap<Date, TempoDay>,
    /// The official prices of Tempo, by their first day.
    pub grids: Vec<PriceGrid>,
    /// Sources by name.
    pub sources: BTreeMap<Arc<str>, SourceStatus>,
}

impl Outlook {
    /// The bare figures of a quantity.
    pub fn figures(&self, quantity: Quantity) -> Timeline<f64> {
        self.series.get(&quantity).map(|known| known.map(|_, figure| figure.value)).unwrap_or_default()
    }

    /// The currency of its market prices, where that is another than `ours`: they are no prices here.
    pub fn foreign_currency(&self, ours: &str) -> Option<&str> {
        self.currency.as_deref().filter(|theirs| *theirs != ours)
    }

    /// The same without market prices that are in another currency than `ours`.
    #[must_use]
    pub fn without_foreign_prices(&self, ours: &str) -> Self {
        let mut kept = self.clone();
        if self.foreign_currency(ours).is_some() {
            kept.series.retain(|quantity, _| !quantity.is_price());
            kept.currency = None;
        }
        kept
    }
}
