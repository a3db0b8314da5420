//! Which lines are logged, by area.

use std::str::FromStr;

use ohmstead_config::{Level, LogSettings};
use tracing::Level as LineLevel;
pub(crate) use tracing::level_filters::LevelFilter;

use super::areas::{area, is_foreign};

/// What libraries say is of interest from here on, unless they are named.
const FOREIGN: LevelFilter = LevelFilter::WARN;

/// A level for everything, and others for some areas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Levels {
    all: LevelFilter,
    areas: Vec<(String, LevelFilter)>,
}

impl Default for Levels {
    fn default() -> Self {
        Self { all: LevelFilter::INFO, areas: Vec::new() }
    }
}

/// A text that gives no levels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no log level: expected off, error, warn, info, debug or trace, or area=level such as driver.marstek=debug"
)]
pub(crate) struct ParseLevelsError(String);

impl Levels {
    /// Only what fails: for the verbs that print their result.
    pub(crate) fn quiet() -> Self {
        Self { all: LevelFilter::ERROR, areas: Vec::new() }
    }

    /// What the configuration says.
    pub(crate) fn of(settings: &LogSettings) -> Self {
        let areas = settings.levels.iter().map(|(area, level)| (area.clone(), filter(*level))).collect();
        Self { all: filter(settings.level), areas }
    }

    /// These levels with those of a command line over them: `debug` or `info,mqtt=trace`.
    pub(crate) fn with(mut self, text: &str) -> Result<Self, ParseLevelsError> {
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                None => self.all = parse(part, part)?,
                Some((area, level)) => {
                    let level = parse(level.trim(), part)?;
                    let area = area.trim();
                    if area.is_empty() {
                        return Err(ParseLevelsError(part.to_owned()));
                    }
                    self.areas.retain(|(other, _)| other != area);
                    self.areas.push((area.to_owned(), level));
                }
            }
        }
        Ok(self)
    }

    /// Whether a line of this target and level is logged. The most exact name counts.
    pub(super) fn enabled(&self, target: &str, level: LineLevel) -> bool {
        let area = area(target);
        let named =
            self.areas.iter().filter(|(name, _)| names(name, area)).max_by_key(|(name, _)| name.len());
        let limit = match named {
            Some((_, limit)) => *limit,
            None if is_foreign(target) => self.all.min(FOREIGN),
            None => self.all,
        };
        level <= limit
    }

    /// The most that any area logs.
    pub(super) fn most(&self) -> LevelFilter {
        self.areas.iter().map(|(_, level)| *level).fold(self.all, Ord::max)
    }
}

impl FromStr for Levels {
    type Err = ParseLevelsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::default().with(text)
    }
}

/// Whether `name` is `area` or a part of the tree above it.
fn names(name: &str, area: &str) -> bool {
    area.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("::"))
}

fn parse(level: &str, part: &str) -> Result<LevelFilter, ParseLevelsError> {
    let level = match level.to_ascii_lowercase().as_str() {
        "off" => Level::Off,
        "error" => Level::Error,
        "warn" => Level::Warn,
        "info" => Level::Info,
        "debug" => Level::Debug,
        "trace" => Level::Trace,
        _ => return Err(ParseLevelsError(part.to_owned())),
    };
    Ok(filter(level))
}

fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("info", "mqtt", LineLevel::INFO, true)]
    #[case("info", "mqtt", LineLevel::DEBUG, false)]
    #[case("info,mqtt=debug", "ohmstead_publish::pump", LineLevel::DEBUG, true)]
    #[case("info,mqtt=debug", "web", LineLevel::DEBUG, false)]
    #[case("warn,driver=info,driver.marstek=trace", "ohmstead_drivers::marstek", LineLevel::TRACE, true)]
    #[case("warn,driver.marstek=off,driver=trace", "driver.marstek", LineLevel::ERROR, false)]
    #[case("off", "store", LineLevel::ERROR, false)]
    #[case("trace", "rumqttc::state", LineLevel::INFO, false)]
    #[case("error", "rumqttc::state", LineLevel::WARN, false)]
    #[case("info,rumqttc=trace", "rumqttc::state", LineLevel::TRACE, true)]
    #[case("info,driver=off", "drivers", LineLevel::WARN, true)]
    fn a_line_is_logged(
        #[case] levels: &str,
        #[case] target: &str,
        #[case] level: LineLevel,
        #[case] logged: bool,
    ) {
        let levels: Levels = levels.parse().unwrap();
        assert_eq!(levels.enabled(target, level), logged);
        assert!(!logged || level <= levels.most());
    }

    #[rstest]
    #[case("loud")]
    #[case("mqtt=loud")]
    #[case("=info")]
    #[case("mqtt=")]
    fn nonsense_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Levels>(), Err(ParseLevelsError(text.to_owned())));
    }

    #[test]
    fn the_command_line_goes_over_the_configuration() {
        let settings = LogSettings {
            level: Level::Warn,
            levels: [("mqtt".to_owned(), Level::Debug), ("web".to_owned(), Level::Trace)].into(),
            ..LogSettings::default()
        };
        let levels = Levels::of(&settings).with("mqtt=error").unwrap();
        assert!(!levels.enabled("mqtt", LineLevel::WARN));
        assert!(levels.enabled("web", LineLevel::TRACE));
        assert!(!levels.enabled("store", LineLevel::INFO));
    }
}
