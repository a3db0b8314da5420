//! Versions of Venus OS: `v3.70`, and `v3.70~33` for the 33rd beta of it, which comes before it. Pure.

use std::cmp::Ordering;

/// A version that can be put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    major: u32,
    minor: u32,
    patch: u32,
    /// Number of the beta; a release comes after all of its betas.
    beta: u32,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', 'V']);
        // `v3.70~33-large-47`: the image, not the version.
        let text = text.split_once('-').map_or(text, |(version, _)| version);
        let (numbers, beta) = match text.split_once('~') {
            None => (text, u32::MAX),
            Some((numbers, beta)) => (numbers, beta.parse().ok()?),
        };
        let mut parts = numbers.split('.').map(|part| part.parse::<u32>().ok());
        let (major, minor) = (parts.next()??, parts.next()??);
        let patch = parts.next().map_or(Some(0), |part| part)?;
        parts.next().is_none().then_some(Self { major, minor, patch, beta })
    }
}

/// Whether `available` is newer than `installed`. None where one of them is no version.
pub(crate) fn is_newer(available: &str, installed: &str) -> Option<bool> {
    let order = Version::parse(available)?.cmp(&Version::parse(installed)?);
    Some(order == Ordering::Greater)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("v3.70", "v3.70~33", Some(true))]
    #[case("v3.70~33", "v3.70", Some(false))]
    #[case("v3.70~33", "v3.70~4", Some(true))]
    #[case("v3.70~33", "v3.67", Some(true))]
    #[case("v3.67", "v3.70~33", Some(false))]
    #[case("v3.70", "v3.70", Some(false))]
    #[case("v3.100", "v3.70", Some(true))]
    #[case("v3.70~33-large-47", "v3.70~33", Some(false))]
    #[case("v3.70.1", "v3.70", Some(true))]
    #[case("v4.0", "v3.70", Some(true))]
    #[case("", "v3.70", None)]
    #[case("v3", "v3.70", None)]
    #[case("v3.70~x", "v3.70", None)]
    #[case("v3.70.1.1", "v3.70", None)]
    #[case("v99999999999.1", "v3.70", None)]
    fn betas_come_before_their_release(
        #[case] available: &str,
        #[case] installed: &str,
        #[case] newer: Option<bool>,
    ) {
        assert_eq!(is_newer(available, installed), newer);
    }
}
