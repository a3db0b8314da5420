//! The languages of the product.

/// A language of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
    /// Dutch.
    Nl,
    /// Estonian.
    Et,
    /// German.
    De,
}

impl Language {
    /// All of them, the first is the one to fall back on.
    pub const ALL: [Self; 5] = [Self::En, Self::Fr, Self::Nl, Self::Et, Self::De];

    /// The language of an ISO 639-1 code.
    pub fn of_code(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Self::En),
            "fr" => Some(Self::Fr),
            "nl" => Some(Self::Nl),
            "et" => Some(Self::Et),
            "de" => Some(Self::De),
            _ => None,
        }
    }
}
