//! How days, months and hours are written in a configuration: one text or a list of them, ranges with a dash.

use jiff::civil::Time;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

use super::{Days, Hours, Months};

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let expected = "days such as weekdays, weekend, mon-fri or [sat, sun]";
        let named = |text: &str| match text {
            "weekdays" => Some(0b001_1111),
            "weekend" => Some(0b110_0000),
            "all" => Some(0b111_1111),
            _ => range(text, 7, |word| place(word, &WEEKDAYS)),
        };
        mask(source, expected, named).map(|mask| Self(u8::try_from(mask & 0b111_1111).unwrap_or_default()))
    }
}

impl<'de> Deserialize<'de> for Months {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let expected = "months such as nov-mar, 6 or [jan, feb]";
        let number = |word: &str| word.parse::<usize>().ok().filter(|month| (1..=12).contains(month));
        let month = |word: &str| number(word).map(|month| month - 1).or_else(|| place(word, &MONTHS));
        mask(source, expected, |text| range(text, 12, month)).map(Self)
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let expected = "hours such as \"22:00-06:00\" or [\"1:30-7:00\", \"12:30-14:30\"]";
        let windows = each(source, expected, |text| {
            let (from, to) = text.split_once('-')?;
            Some((time(from.trim())?, time(to.trim())?))
        })?;
        Ok(Self(windows))
    }
}

/// `6`, `6:30`, `06:30`, and `24:00` for the end of a day.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':').unwrap_or((text, "00"));
    let is_number =
        |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hour) || !is_number(minute) || minute.len() != 2 {
        return None;
    }
    match (hour.parse().ok()?, minute.parse().ok()?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

/// The place of a name that begins with one of `names`: `mon`, `Monday`.
fn place(word: &str, names: &[&str]) -> Option<usize> {
    let is_word = word.bytes().all(|byte| byte.is_ascii_lowercase());
    names.iter().position(|name| is_word && word.starts_with(name))
}

/// The bits from one place to another, around the end where the second is before the first.
fn range(text: &str, count: usize, place: impl Fn(&str) -> Option<usize>) -> Option<u16> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (place(first.trim())?, place(last.trim())?);
    let steps = (last + count - first) % count;
    Some((0..=steps).fold(0, |mask, step| mask | 1 << ((first + step) % count)))
}

fn mask<'de, D: Deserializer<'de>>(
    source: D,
    expected: &'static str,
    named: impl Fn(&str) -> Option<u16>,
) -> Result<u16, D::Error> {
    let masks = each(source, expected, |text| named(&text.to_ascii_lowercase()))?;
    Ok(masks.into_iter().fold(0, |all, mask| all | mask))
}

/// Reads one text or a list of them, each by `read`; nothing at all is refused.
fn each<'de, D: Deserializer<'de>, T>(
    source: D,
    expected: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, D::Error> {
    let texts = source.deserialize_any(OneOrMany(expected))?;
    if texts.is_empty() {
        return Err(D::Error::custom(format!("the list is empty: expected {expected}")));
    }
    let wrong = |text: &str| D::Error::custom(format!("{text:?} is unknown: expected {expected}"));
    texts.iter().map(|text| read(text.trim()).ok_or_else(|| wrong(text))).collect()
}

struct OneOrMany(&'static str);

/// A word of a list; a bare number is one too.
struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let mut words = source.deserialize_any(OneOrMany("a word"))?;
        match (words.pop(), words.is_empty()) {
            (Some(word), true) => Ok(Self(word)),
            _ => Err(D::Error::custom("expected one word, found a list within the list")),
        }
    }
}

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(vec![text.to_owned()])
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(vec![number.to_string()])
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(vec![number.to_string()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut words = Vec::new();
        while let Some(Word(word)) = list.next_element()? {
            words.push(word);
        }
        Ok(words)
    }
}
