//! A reason, or what is missing: a code for programs, a sentence for people.

use ohmstead_model::Language;
use utoipa::ToSchema;

use crate::PlanReason;
use crate::language::place;

/// A reason, or what is missing.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Reason)]
pub(crate) struct ReasonJson {
    /// Stable key.
    #[schema(example = "price_gap")]
    code: &'static str,
    /// The same as a sentence in the answer's `language`.
    #[schema(example = "pas de prix pour 3 h du temps à venir")]
    reason: String,
}

impl ReasonJson {
    pub(crate) fn new(reason: &PlanReason, language: Language) -> Self {
        Self { code: reason.code, reason: reason.sentences[place(language)].clone() }
    }

    pub(crate) fn all(reasons: &[PlanReason], language: Language) -> Vec<Self> {
        reasons.iter().map(|reason| Self::new(reason, language)).collect()
    }
}
