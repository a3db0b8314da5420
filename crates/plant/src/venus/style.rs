//! How a path's value becomes its `Text`.

use super::value::Value;

/// The formatter of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The value as Python prints it.
    Plain,
    /// A number with so many decimals and a unit behind it, with or without a blank as the driver has it.
    Unit(u8, &'static str),
    /// A word for each number.
    Words(&'static [(i32, &'static str)]),
    /// A product number, `0xA3E5`.
    Hex,
}

impl Style {
    /// The text for a value; `none` for one that is invalid.
    pub fn text(self, value: &Value, none: &str) -> String {
        let number = value.number();
        match (self, value) {
            (_, Value::Invalid) => none.to_owned(),
            (_, Value::Text(text)) => text.clone(),
            (Self::Unit(decimals, unit), _) => match number {
                // -0.04 with one decimal is 0.0, not -0.0.
                Some(number) => {
                    let text = format!("{number:.*}", usize::from(decimals));
                    let is_zero = text.chars().all(|letter| matches!(letter, '-' | '0' | '.'));
                    format!("{}{unit}", if is_zero { text.trim_start_matches('-') } else { &text })
                }
                None => plain(value),
            },
            (Self::Words(words), _) => number
                .and_then(|number| {
                    words.iter().find(|(code, _)| Value::I32(*code).is_same(&Value::F64(number)))
                })
                .map_or_else(|| plain(value), |(_, word)| (*word).to_owned()),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a product number, and a cast from float saturates"
            )]
            (Self::Hex, _) => number.map_or_else(|| plain(value), |number| format!("0x{:X}", number as u32)),
            (Self::Plain, _) => plain(value),
        }
    }
}

/// As Python's `str()`.
fn plain(value: &Value) -> String {
    match value {
        Value::F64(number) => format!("{number:?}"),
        Value::Bool(on) => if *on { "True" } else { "False" }.to_owned(),
        Value::Byte(number) => number.to_string(),
        Value::I16(number) => number.to_string(),
        Value::U16(number) => number.to_string(),
        Value::I32(number) => number.to_string(),
        Value::U32(number) => number.to_string(),
        Value::I64(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::Bytes(bytes) => format!("buffer ({} bytes)", bytes.len()),
        Value::Text(text) => text.clone(),
        compound => compound.json(&serde_json::Value::Array(Vec::new())).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Style::Unit(0, "W"), Value::F64(-1_337.7), "-1338W")]
    #[case(Style::Unit(1, " A"), Value::F64(-0.04), "0.0 A")]
    #[case(Style::Unit(2, "V"), Value::I32(52), "52.00V")]
    #[case(Style::Unit(0, "W"), Value::Invalid, "---")]
    #[case(Style::Words(&[(3, "on")]), Value::U32(3), "on")]
    #[case(Style::Words(&[(3, "on")]), Value::U32(7), "7")]
    #[case(Style::Hex, Value::U16(41_957), "0xA3E5")]
    #[case(Style::Plain, Value::F64(10.0), "10.0")]
    #[case(Style::Plain, Value::Bool(false), "False")]
    #[case(Style::Plain, Value::Text("PYLON".to_owned()), "PYLON")]
    fn texts(#[case] style: Style, #[case] value: Value, #[case] text: &str) {
        assert_eq!(style.text(&value, "---"), text);
    }
}
