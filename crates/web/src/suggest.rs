//! "Did you mean": the nearest of the names that exist.

/// How many names are listed where none is near.
const NAMES_LISTED: usize = 12;

/// A hint for a name that does not exist: the nearest of `names`, else what there is.
pub fn hint<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    if let Some(near) = nearest(wrong, &names) {
        return format!("did you mean {near:?}?");
    }
    if names.is_empty() {
        return "there are none".to_owned();
    }
    let more = if names.len() > NAMES_LISTED { ", ..." } else { "" };
    let listed: Vec<&str> = names.into_iter().take(NAMES_LISTED).collect();
    format!("there are: {}{more}", listed.join(", "))
}

fn nearest<'a>(wrong: &str, names: &[&'a str]) -> Option<&'a str> {
    // A hostile name may be long; what is longer than any name is near none of them.
    if wrong.chars().count() > 64 {
        return None;
    }
    let wrong = wrong.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&wrong, &name.to_lowercase());
    let (near, edits) = names.iter().map(|name| (*name, distance(name))).min_by_key(|(_, edits)| *edits)?;
    (edits <= near.chars().count() / 3 + 1).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_else_the_list() {
        let names = ["fase_a", "fase_b", "garage"];
        assert_eq!(hint("Fase_A", names), "did you mean \"fase_a\"?");
        assert_eq!(hint("garge", names), "did you mean \"garage\"?");
        assert_eq!(hint("inverter", names), "there are: fase_a, fase_b, garage");
        assert_eq!(hint(&"x".repeat(100_000), names), "there are: fase_a, fase_b, garage");
        assert_eq!(hint("a", []), "there are none");
    }
}
