//! Trees for tests, written as rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use ohmstead_model::Moment;

use super::roster::Roster;
use super::tree::{PREFIX, Told, Tree};
use super::value::Scalar;

/// A value as a row has it: a number, nothing for "no value", else a text.
pub(crate) fn value(text: &str) -> Option<Scalar> {
    if text.is_empty() {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(Scalar::Int(number));
    }
    text.parse::<f64>().ok().and_then(Scalar::float).or_else(|| Some(Scalar::text(text)))
}

/// The tree of `(service without its prefix, path, value)`.
pub(crate) fn tree(rows: &[(&str, &str, &str)]) -> Tree {
    let mut services: BTreeMap<&str, Vec<Told>> = BTreeMap::new();
    for (service, path, text) in rows {
        services.entry(service).or_default().push(Told {
            path: Arc::from(*path),
            value: value(text),
            text: None,
            limits: None,
        });
    }
    let mut tree = Tree::default();
    for (service, items) in services {
        tree.up(&format!("{PREFIX}{service}"), items, Moment::default());
    }
    let mut roster = Roster::default();
    roster.enrol(&tree, Moment::default());
    tree.follow(&roster);
    tree
}
