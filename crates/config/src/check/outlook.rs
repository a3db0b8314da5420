//! Tariffs, and the sources of prices, colours and forecasts: each can work, each is of use, and all speak of one currency.

use ohmstead_outlook::settings::Tariffs;
use ohmstead_outlook::{Kind, Place};
use ohmstead_outside::in_one_line;
use ohmstead_units::Currency;

use super::mark_of;
use crate::config::Config;
use crate::problem::{Fault, What};
use crate::snippet::without_secrets;
use crate::tree::{Mark, Node, Value};

/// Adds what is wrong with them. Files of secrets are looked at only `with_files`.
pub(super) fn judge(config: &Config, root: &Node, with_files: bool, faults: &mut Vec<Fault>) {
    for (key, text, help) in config.tariffs.iter().flat_map(Tariffs::wrong) {
        let text = format!("`tariffs.{key}`: {text}");
        faults.push(Fault::at(mark_of(root, &["tariffs", key]), What::Text(text)).help(help));
    }
    let settings = config.outlook_settings();
    let check = if with_files { ohmstead_outlook::check } else { ohmstead_outlook::check_values };
    for error in check(&settings) {
        let text = without_secrets(&in_one_line(&error));
        faults.push(Fault::at(mark_of_source(root, error.place()), What::Text(text)));
    }
    currencies(config, root, faults);
}

/// A site has one currency: the first that is named.
fn currencies(config: &Config, root: &Node, faults: &mut Vec<Fault>) {
    let named = named_currencies(config, root);
    let Some((_, first)) = named.first().copied() else { return };
    for (mark, currency) in named {
        if currency != first {
            let text = format!("a price in {currency}, where others are in {first}");
            let help = "a site has one currency: give all prices in it";
            faults.push(Fault::at(mark, What::Text(text)).help(help));
        }
    }
}

fn named_currencies(config: &Config, root: &Node) -> Vec<(Mark, Currency)> {
    let mut named = Vec::new();
    if let Some(tariffs) = &config.tariffs {
        for (key, tariff) in [("import", &tariffs.import), ("export", &tariffs.export)] {
            let mark = mark_of(root, &["tariffs", key]);
            named.extend(tariff.currencies().into_iter().map(|currency| (mark, currency)));
        }
        for (index, source) in tariffs.market.0.iter().enumerate() {
            let place = Place { kind: Kind::Prices, index, source: source.name(), key: "currency" };
            named.extend(source.currency().map(|currency| (mark_of_source(root, place), currency)));
        }
    }
    let wear = config.tempo.as_ref().and_then(|tempo| tempo.wear.currency);
    named.extend(wear.map(|currency| (mark_of(root, &["tempo", "wear"]), currency)));
    for (path, currency) in config.planner.currencies() {
        let path: Vec<_> = std::iter::once("planner").chain(path.iter().map(String::as_str)).collect();
        named.push((mark_of(root, &path), currency));
    }
    named
}

/// The place of a source's key, or of the source where it has no such key.
fn mark_of_source(root: &Node, place: Place) -> Mark {
    let [section, key] = place.kind.section();
    let sources = root.get(section).and_then(|node| node.get(key));
    let one = match sources.map(|node| &node.value) {
        Some(Value::List(items)) => items.get(place.index),
        _ => sources,
    };
    one.map_or_else(|| mark_of(root, &[section, key]), |node| mark_of(node, &[place.source, place.key]))
}
