//! The nearest of the names that exist, for "did you mean".

/// The candidate that `word` most likely stands for, if one is near enough.
pub(crate) fn nearest<'n>(word: &str, candidates: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // Nobody mistypes a name of a hundred letters, and the distance takes time in the product of the lengths.
    const LENGTH_MAX: usize = 64;
    if word.len() > LENGTH_MAX {
        return None;
    }
    let word = normalised(word);
    candidates
        .map(|candidate| (strsim::jaro_winkler(&word, &normalised(candidate)), candidate))
        .filter(|(likeness, candidate)| {
            *likeness >= 0.8 || normalised(candidate).ends_with(&format!("_{word}"))
        })
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

/// Case, `-` and blanks are what people vary without thinking.
fn normalised(name: &str) -> String {
    name.to_lowercase().replace(['-', ' '], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_nothing_else() {
        let keys = ["host", "port", "interval", "timeout", "retries", "quiet_gap", "power_max", "ble_mac"];
        for (word, found) in [
            ("interal", Some("interval")),
            ("Interval", Some("interval")),
            ("quiet-gap", Some("quiet_gap")),
            ("hots", Some("host")),
            ("mac", Some("ble_mac")),
            ("powermax", Some("power_max")),
            ("zebra", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, keys.into_iter()), found, "{word}");
        }
    }
}
