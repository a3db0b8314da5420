//! What is known of the Tempo tariff: colours out of a file, else all that the services ever told, which the cache of the outlook
//! keeps, with what the owner said; and the price grids that were published.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::civil::Date;
use ohmstead_config::Config;
use ohmstead_model::TempoColour;
use ohmstead_outlook::http::{NoReply, Reply, Request, Wire};
use ohmstead_outlook::{Links, Manual, Outlook};
use ohmstead_tariff::Tariff;
use ohmstead_tariff::tempo::{Colours, PriceTable, TariffDay};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::super::real_clock;
use crate::control::Tempo;
use crate::data_dir::OUTLOOK;
use crate::planning::looking;
use crate::socket::{AheadPart, Client, Question};

/// Why a file of colours is none.
#[derive(Debug, Error)]
pub(super) enum ColoursError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// A line is not of its form.
    #[error("line {line}: expected DATE,COLOUR such as 2026-12-24,red, found {found:?}")]
    Line {
        /// From 1.
        line: usize,
        /// What stands there.
        found: String,
    },
}

/// Reads colours out of a file: a head, then `date,colour`.
pub(super) fn of_file(path: &Path) -> Result<Colours, ColoursError> {
    parse(&std::fs::read_to_string(path).map_err(ColoursError::Unreadable)?)
}

fn parse(text: &str) -> Result<Colours, ColoursError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().zip(1..).skip(1).filter(|(line, _)| !line.trim().is_empty());
    let wrong =
        |line: &str, number| ColoursError::Line { line: number, found: line.chars().take(80).collect() };
    lines.map(|(line, number)| day_of(line).ok_or_else(|| wrong(line, number))).collect()
}

fn day_of(line: &str) -> Option<(Date, TempoColour)> {
    let (date, colour) = line.split_once(',')?;
    Some((date.trim().parse().ok()?, colour.trim().parse().ok()?))
}

/// What is known of the tariff, with what is kept in the data directory `dir`; nothing where the house has another tariff. `said`
/// is what the owner said of colours.
pub(super) async fn tempo(config: &Config, dir: Option<PathBuf>, said: BTreeMap<Date, TempoColour>) -> Tempo {
    let own = match config.tariffs.as_ref().map(|tariffs| tariffs.prices().import) {
        Some(Tariff::Tempo(tempo)) => tempo.prices,
        _ => return Tempo { colours: Colours::default(), prices: PriceTable::with(&[], &[]) },
    };
    let Some(dir) = dir else {
        return Tempo { colours: said.into_iter().collect(), prices: PriceTable::with(&[], &own) };
    };
    let today = TariffDay::at(real_clock().now().unix).map(|day| day.0);
    let outlook = cached(config, dir.join(OUTLOOK), said).await;
    let mut tempo = looking::tempo(&outlook, &own, today);
    // The daemon knows what is not in the cache yet, and what its owner said.
    for (date, colour) in of_daemon(&dir).await {
        tempo.colours.set(date, colour);
    }
    tempo
}

/// Everything that the sources of the configuration ever told, as it was kept. Nobody is asked, nothing is written.
async fn cached(config: &Config, folder: PathBuf, said: BTreeMap<Date, TempoColour>) -> Arc<Outlook> {
    let mut settings = config.outlook_settings();
    settings.offline = true;
    let (_owner, manual) = watch::channel(Manual { colours: said, ..Manual::default() });
    let (outlook, read) = watch::channel(Arc::default());
    let may_keep = Arc::new(|| false);
    let folder = Some(folder);
    let links =
        Links { clock: real_clock(), wire: Arc::new(Nobody), folder, may_keep, manual, outlook, seed: 0 };
    let at_once = CancellationToken::new();
    at_once.cancel();
    ohmstead_outlook::run(settings, links, at_once).await;
    let known = read.borrow();
    Arc::clone(&known)
}

/// A way to the outside that leads nowhere.
struct Nobody;

impl Wire for Nobody {
    fn exchange<'a>(&'a self, _: &'a Request) -> BoxFuture<'a, Result<Reply, NoReply>> {
        Box::pin(async { Err(NoReply::Unreachable("nobody is asked".to_owned())) })
    }
}

/// The colours of the running season that the daemon of a data directory knows.
async fn of_daemon(dir: &Path) -> Vec<(Date, TempoColour)> {
    let Some(mut client) = Client::connect(dir).await else { return Vec::new() };
    let question = Question::Ahead { part: AheadPart::Tempo, lang: None };
    // A daemon without Tempo has no colours.
    let Ok(answer) = client.ask(&question).await else { return Vec::new() };
    let days = answer["days"].as_array().into_iter().flatten();
    let day =
        |day: &Value| Some((day["date"].as_str()?.parse().ok()?, day["colour"].as_str()?.parse().ok()?));
    days.filter_map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CACHE: &str = r#"{ "version": 1, "source": "SOURCE", "identity": "IDENTITY", "fetched_at": 1795000000000, "currency": null,
        "licence": null, "refused": 0, "series": {}, "colours": { "2024-12-10": ["red", 1733824800000, 1733824800000] },
        "grids": [{ "from": "2026-08-01", "until": null, "power_kva": 6.0, "fixed_eur_per_year": null,
            "prices": [[0.11, 0.12], [0.13, 0.14], [0.15, 0.77]] }],
        "asks": [], "failures": 0, "not_before": null }"#;

    #[test]
    fn a_file_of_colours_is_read_and_its_wrong_line_is_named() {
        let colours = parse("\u{feff}date,colour\n2024-09-01,BLUE\n\n2024-09-02,red\n").unwrap();
        assert_eq!(colours.get("2024-09-02".parse().unwrap()), Some(TempoColour::Red));
        let error = parse("date,colour\n2024-09-01,green").unwrap_err().to_string();
        assert!(error.starts_with("line 2: expected DATE,COLOUR"), "{error}");
    }

    /// Colours of earlier seasons and published grids come out of the cache, and the owner goes before them.
    #[tokio::test]
    async fn all_that_was_kept_is_known_without_a_daemon() {
        let yaml = "site: { timezone: Europe/Paris }\ndevices: {}\ntariffs: { import: { tempo: {} } }\n";
        let config = ohmstead_config::parse(yaml, "test.yaml", &|_| None).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join(OUTLOOK);
        std::fs::create_dir(&folder).unwrap();
        let (name, identity) = ("tempo.api_couleur_tempo", "tempo");
        let kept = CACHE.replace("SOURCE", name).replace("IDENTITY", identity);
        std::fs::write(folder.join(format!("{name}.json")), &kept).unwrap();
        let said = BTreeMap::from([("2023-12-24".parse().unwrap(), TempoColour::White)]);
        let tempo = tempo(&config, Some(dir.path().to_owned()), said).await;
        let colour = |date: &str| tempo.colours.get(date.parse().unwrap());
        assert_eq!(
            (colour("2024-12-10"), colour("2023-12-24")),
            (Some(TempoColour::Red), Some(TempoColour::White))
        );
        let grids = tempo.prices.grids();
        assert!(grids.iter().any(|grid| grid.valid_from.to_string() == "2026-08-01"), "{grids:?}");
        let after = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        assert_eq!(after, kept);
    }
}
