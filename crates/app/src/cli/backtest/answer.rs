//! What a replay came to, as JSON and as a table.

use jiff::tz::TimeZone;
use ohmstead_backtest::Replay;
use serde_json::{Value, json};

use super::super::ahead::headed;

/// The replays of all strategies, and what has to be known of them.
pub(super) struct Answer<'a> {
    /// By the name of the strategy; the first is what others are compared with.
    pub(super) rows: &'a [(&'static str, Replay)],
    /// Where prices are from: `contract` or `stored`.
    pub(super) prices: &'static str,
    /// Why some hours are in no figure.
    pub(super) unknown: Option<String>,
    /// What was taken in another way than it might be thought, in words.
    pub(super) notes: Vec<String>,
}

impl Answer<'_> {
    pub(super) fn json(&self, zone: &TimeZone) -> Value {
        let base = self.rows.first().map(|(_, replay)| replay);
        let of = |(name, replay): &(&str, Replay)| {
            json!({
                "strategy": name,
                "cost": replay.cost_eur(),
                "saving": base.map(|base| replay.saving_eur(base)),
                "import_kwh": replay.whole.import_kwh,
                "export_kwh": replay.whole.export_kwh,
                "charged_kwh": replay.whole.charged_kwh,
                "discharged_kwh": replay.whole.discharged_kwh,
                "cycles": replay.whole.cycles,
                "wear": replay.whole.wear_eur,
                "unknown_h": unknown_h(replay),
            })
        };
        json!({
            "zone": zone.iana_name(),
            "prices": self.prices,
            "notes": self.notes,
            "rows": self.rows.iter().map(of).collect::<Vec<_>>(),
        })
    }

    pub(super) fn text(&self) -> String {
        let base = self.rows.first().map(|(_, replay)| replay);
        let lines = self.rows.iter().map(|(name, replay)| {
            vec![
                (*name).to_owned(),
                format!("{:.2}", replay.cost_eur()),
                base.map(|base| format!("{:.2}", replay.saving_eur(base))).unwrap_or_default(),
                format!("{:.1}", replay.whole.import_kwh),
                format!("{:.1}", replay.whole.export_kwh),
                format!("{:.1}", replay.whole.discharged_kwh),
                format!("{:.1}", replay.whole.cycles),
            ]
        });
        let head = ["strategy", "cost", "saved", "import kWh", "export kWh", "discharged kWh", "cycles"];
        let table = headed(&head, lines, &[1, 2, 3, 4, 5, 6]);
        let notes = self.notes.iter().map(|note| format!("- {note}"));
        std::iter::once(table).chain(self.unknown.clone()).chain(notes).collect::<Vec<_>>().join("\n")
    }
}

/// Hours that could not be replayed.
pub(super) fn unknown_h(replay: &Replay) -> f64 {
    replay.missing.iter().fold(0.0, |sum, span| sum + span.hours())
}
