//! What holds for any text.

use ohmstead_config::{LoadError, parse};
use proptest::prelude::*;

/// Pieces that make something like a configuration, so that the later stages are reached too.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "devices:", "site:", "mqtt:", "web:", "log:", "  ", "\n", "\n  ", "\n    ", "a:", "marstek:", "host:", "h", "{", "}", "[", "]",
            ",", ": ", "- ", "&x ", "*x", "<<: *x", "!!str ", "|\n", ">\n", "\"", "'", "#", "${", "}", "${A", "${HOST}", "$${", "password:",
            "hunter2", "\t", "\r", "\u{feff}", "\u{10f07b}", "é", "\u{2028}", "off", "~", "null", ".nan", "1e999", "0x1", "---\n", "...\n", "%YAML",
            "power_max: ", "3 kVA", "latitude: ", "timezone: ", "levels: ", "rediscover: ", "methods: ", "\0", "\u{1b}[31m", "user:hunter2@",
        ]).prop_map(str::to_owned),
        1 => "[ -~]{0,6}",
        1 => any::<char>().prop_map(String::from),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..40).prop_map(|pieces| pieces.concat())
}

fn env(name: &str) -> Option<String> {
    (name == "HOST").then(|| "hunter2: [\n".to_owned())
}

/// Each would take minutes if the time grew with the square of the length.
#[test]
fn long_texts_take_no_long_time() {
    let long = |piece: &str| piece.repeat(900_000 / piece.len());
    for text in [
        long("${A:-"),
        format!("devices: {}", long("${")),
        format!("zzz: {{ {} }}", long("password: x, ")),
        format!("zzz: \"{}\"", long("a://b@c ")),
        long("k: 1\n"),
        (0..15_000).map(|n| format!("unknown_key_{n}: 1\n")).collect::<Vec<_>>().concat(),
        format!("{}: 1", long("x")),
        long("["),
        long("- "),
        long("\n  password:\n"),
    ] {
        let error = parse(&text, "f", &env).expect_err("no configuration").to_string();
        assert!(error.len() < 100_000, "{} bytes", error.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_panics_and_every_problem_lies_in_the_file(text in text()) {
        if let Err(error) = parse(&text, "f", &env) {
            prop_assert!(!error.to_string().is_empty());
            if let LoadError::Invalid(report) = error {
                let lines = text.split(['\n', '\r']).count();
                prop_assert!(!report.problems.is_empty());
                for problem in report.problems {
                    prop_assert!((1..=lines.max(1)).contains(&problem.line), "{problem:?}");
                    prop_assert!(problem.column >= 1);
                    prop_assert!(!problem.to_string().contains('\u{1b}'), "{problem}");
                }
            }
        }
    }

    #[test]
    fn no_error_shows_a_secret(before in text(), after in text(), quote in prop::sample::select(vec!["", "\"", "'"])) {
        // Without the pieces that carry the word outside of any secret.
        let clean = |text: String| text.replace("hunter2", "x").replace("${HOST}", "x");
        for template in [
            format!("devices: {{}}\nmqtt:\n  password: |\n    s3cr3t-value\n{}", clean(after.clone())),
            format!("devices: {{}}\nmqtt:\n  password:\n    {quote}s3cr3t-value{quote}{}\n{}", clean(before.clone()), clean(after.clone())),
            format!("mqtt: {{ password: {quote}s3cr3t-value\n s3cr3t-value{quote}, {}", clean(after.clone())),
            format!("devices: {{}}\nmqtt:\n  username: u\n  password: {quote}s3cr3t-value{quote}\n{}", clean(after.clone())),
            format!("devices: {{}}\nmqtt: {{ {}, password: {quote}s3cr3t-value{quote}, {} }}", clean(before.clone()).replace(['\n', '\r'], " "), clean(after).replace(['\n', '\r'], " ")),
        ] {
            if let Err(error) = parse(&template, "f", &env) {
                prop_assert!(!error.to_string().contains("s3cr3t-value"), "{template}\n---\n{error}");
            }
        }
    }

    #[test]
    fn a_variable_is_one_value_whatever_it_contains(value in "\\PC{0,20}|[ -~\n:{}\\[\\],#\"'&*!|>%@`-]{0,20}") {
        let env = |name: &str| (name == "V").then(|| value.clone());
        for text in [
            "devices: { a: { marstek: { host: h, name: \"${V}\" } } }",
            "devices: { a: { marstek: { host: h, name: ${V} } } }",
            "devices:\n  a:\n    marstek:\n      host: h\n      name: ${V}\n",
        ] {
            let config = parse(text, "f", &env).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let (_, ohmstead_drivers::DeviceSettings::Marstek(battery)) = &config.devices[0] else {
                panic!("another driver")
            };
            let expected = (!value.is_empty() || text.contains('"')).then_some(value.as_str());
            prop_assert_eq!(battery.name.as_deref(), expected);
            prop_assert_eq!(config.devices.len(), 1);
        }
    }
}
