//! In which language sentences are answered: what the query says, else what the client's `Accept-Language` says, else the
//! first of the site's languages that is spoken here, else English.

use axum::http::{HeaderMap, header};
use ohmstead_model::Language;

use crate::error::ApiError;
use crate::suggest;

/// The codes of [`Language::ALL`], in its order.
const CODES: [&str; Language::ALL.len()] = ["en", "fr", "nl", "et", "de"];

/// The language of an answer. A wish in the query that cannot be met is refused; one of the header is passed over.
pub(crate) fn choose(
    asked: Option<&str>,
    headers: &HeaderMap,
    site: &[String],
) -> Result<Language, ApiError> {
    if let Some(code) = asked {
        return spoken(code).ok_or_else(|| unknown(code));
    }
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let accepted = accepted.and_then(first_accepted);
    Ok(accepted.or_else(|| site.iter().find_map(|code| spoken(code))).unwrap_or(Language::En))
}

/// Its place in [`Language::ALL`], which is also that of its sentence in a list with one for each.
pub(crate) fn place(language: Language) -> usize {
    Language::ALL.iter().position(|known| *known == language).unwrap_or(0)
}

/// The ISO 639-1 code.
pub(crate) fn code(language: Language) -> &'static str {
    CODES[place(language)]
}

/// The language of a tag such as `fr` or `fr-CA`.
fn spoken(tag: &str) -> Option<Language> {
    let primary = tag.trim().split(['-', '_']).next()?;
    Language::of_code(&primary.to_ascii_lowercase())
}

/// The one that the client likes best of those that are spoken here: `fr-CH, fr;q=0.9, en;q=0.8`.
fn first_accepted(header: &str) -> Option<Language> {
    let mut best: Option<(f64, Language)> = None;
    for part in header.split(',') {
        let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
        let weight =
            parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.trim().parse().ok());
        let (Some(language), Some(weight)) = (spoken(tag), weight) else { continue };
        if weight > 0.0 && best.is_none_or(|(before, _)| weight > before) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

fn unknown(code: &str) -> ApiError {
    let shown: String = code.chars().take(32).collect();
    ApiError::bad("bad_language", format!("{shown:?} is not spoken here"), suggest::hint(code, CODES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Some("fr"), "de", &["et"], "fr")]
    #[case(Some("nl-BE"), "de", &["et"], "nl")]
    #[case(None, "de-AT,de;q=0.9,en;q=0.8", &["et"], "de")]
    #[case(None, "es, en;q=0.5, fr;q=0.7", &["et"], "fr")]
    #[case(None, "fr;q=0, en;q=nonsense, *", &["xx", "et"], "et")]
    #[case(None, "", &["fr", "en"], "fr")]
    #[case(None, ";;q=,,;", &[], "en")]
    fn a_language_is_chosen(
        #[case] asked: Option<&str>,
        #[case] header: &str,
        #[case] site: &[&str],
        #[case] chosen: &str,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, header.parse().unwrap());
        let site: Vec<String> = site.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(choose(asked, &headers, &site).map(code), Ok(chosen));
    }

    #[test]
    fn a_language_that_is_not_spoken_is_refused_in_the_query() {
        let refusal = choose(Some("xx"), &HeaderMap::new(), &[]).expect_err("not spoken");
        assert_eq!(refusal.words().0, "bad_language");
    }

    #[test]
    fn the_codes_are_those_of_the_languages() {
        assert_eq!(CODES.map(Language::of_code), Language::ALL.map(Some));
    }
}
