//! What is wrong with settings before anybody is asked, and the sources that they open.

use std::path::PathBuf;
use std::sync::Arc;

use crate::provider::{self, Opened};
use crate::settings::Settings;
use crate::{Kind, Secret};

/// Why a source cannot work, whatever the other side does.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value that cannot be.
    #[error("{place}: {what}")]
    Wrong {
        /// The source and its key.
        place: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// A file that is not there, or empty, or not text.
    #[error("{place}: {} cannot be read", path.display())]
    Unreadable {
        /// The source and its key.
        place: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Everything that is wrong with these settings. Files of secrets are read, nothing is sent.
pub fn check(settings: &Settings) -> Vec<SettingsError> {
    let (sources, mut errors) = open(settings);
    for source in sources {
        for (key, path) in source.opened.secret_files {
            if let Err(error) = Secret::read(&path) {
                errors.push(SettingsError::Unreadable {
                    place: format!("{}.{key}", source.name),
                    path,
                    source: error,
                });
            }
        }
    }
    errors
}

/// A source with its kind and its name, which is unique.
pub(crate) struct Named {
    pub(crate) kind: Kind,
    pub(crate) name: Arc<str>,
    pub(crate) opened: Opened,
}

/// All sources that can be opened, in their order, and what is wrong with the others.
pub(crate) fn open(settings: &Settings) -> (Vec<Named>, Vec<SettingsError>) {
    let mut all = Vec::new();
    all.extend(settings.prices.0.iter().map(|it| (Kind::Prices, provider::price_source(it))));
    all.extend(settings.tempo.0.iter().map(|it| (Kind::Colours, provider::colour_source(it))));
    all.extend(settings.tempo_prices.0.iter().map(|it| (Kind::Grids, provider::grid_source(it))));
    all.extend(settings.pv.0.iter().map(|it| (Kind::Pv, provider::pv_source(it, &settings.site))));
    let (mut sources, mut errors, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (kind, opened)) in all.into_iter().enumerate() {
        match opened {
            Ok(opened) => {
                let name = provider::distinct(kind.id(), opened.name, &taken);
                taken.push(Arc::clone(&name));
                sources.push(Named { kind, name, opened });
            }
            Err((key, what)) => errors.push(SettingsError::Wrong {
                place: format!("{} (source {}).{key}", kind.id(), number + 1),
                what,
            }),
        }
    }
    (sources, errors)
}
