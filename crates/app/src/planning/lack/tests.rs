//! Every lack has its sentence in every language.

use std::fmt::Write as _;

use expect_test::expect_file;

use super::*;

/// One of each. A new one does not compile here until it stands in the list.
fn all() -> Vec<Lack> {
    let device: DeviceId = "garage".parse().expect("a name");
    let all = vec![
        Lack::ClockNotSet,
        Lack::PlannerOff,
        Lack::NoBattery,
        Lack::NoPriceNow,
        Lack::NoLoadNow,
        Lack::PlannerFailed,
        Lack::NoTariffs,
        Lack::ForeignPrices { theirs: "NOK".to_owned(), ours: "EUR".to_owned() },
        Lack::PriceGap { hours: 3.0 },
        Lack::ExportUnknown { hours: 12.0 },
        Lack::ColourNotTold { hours: 24.0 },
        Lack::PriceGuessed { hours: 11.0 },
        Lack::FewHabits { hours: 30.0 },
        Lack::OldForecast,
        Lack::SkyAsOfLate,
        Lack::SunAsOfLate,
        Lack::NoSun,
        Lack::CapacityUnknown { device: device.clone() },
        Lack::SocUnknown { device: device.clone() },
        Lack::PowerGuessed { device, power_w: 2560.0 },
        Lack::ModesLose { lost: 0.125, currency: "EUR".to_owned() },
    ];
    for (place, lack) in all.iter().enumerate() {
        assert_eq!(number(lack), place);
    }
    assert_eq!(all.len(), COUNT);
    all
}

const COUNT: usize = 21;

fn number(lack: &Lack) -> usize {
    match lack {
        Lack::ClockNotSet => 0,
        Lack::PlannerOff => 1,
        Lack::NoBattery => 2,
        Lack::NoPriceNow => 3,
        Lack::NoLoadNow => 4,
        Lack::PlannerFailed => 5,
        Lack::NoTariffs => 6,
        Lack::ForeignPrices { .. } => 7,
        Lack::PriceGap { .. } => 8,
        Lack::ExportUnknown { .. } => 9,
        Lack::ColourNotTold { .. } => 10,
        Lack::PriceGuessed { .. } => 11,
        Lack::FewHabits { .. } => 12,
        Lack::OldForecast => 13,
        Lack::SkyAsOfLate => 14,
        Lack::SunAsOfLate => 15,
        Lack::NoSun => 16,
        Lack::CapacityUnknown { .. } => 17,
        Lack::SocUnknown { .. } => 18,
        Lack::PowerGuessed { .. } => 19,
        Lack::ModesLose { .. } => COUNT - 1,
    }
}

#[test]
fn each_has_a_sentence_in_every_language() {
    let (mut shown, mut codes, mut known) = (String::new(), Vec::new(), Vec::new());
    for lack in all() {
        let PlanReason { code, sentences } = lack.in_words();
        codes.push(code);
        writeln!(shown, "{code}").unwrap();
        for (language, sentence) in Language::ALL.iter().zip(sentences) {
            assert!(!sentence.is_empty() && !sentence.contains(['{', '}']), "{lack:?}: {sentence:?}");
            assert!(!known.contains(&sentence), "{lack:?}: {sentence:?} twice");
            writeln!(shown, "  {language:?}  {sentence}").unwrap();
            known.push(sentence);
        }
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), COUNT);
    expect_file!["sentences.txt"].assert_eq(&shown);
}

/// Every figure is in every sentence: none is lost by a translation.
#[test]
fn no_language_loses_a_figure() {
    for lack in all() {
        for (language, text) in Language::ALL.into_iter().zip(lack.texts()) {
            let places = text.matches("{}").count();
            assert_eq!(places, lack.figures(language).len(), "{lack:?} in {language:?}");
        }
    }
}
