use rstest::rstest;

use super::*;

fn read(yaml: &str) -> Settings {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}"))
}

fn garage() -> DeviceId {
    "garage".parse().unwrap()
}

#[test]
fn little_is_needed() {
    assert_eq!(read("{}"), Settings::default());
    assert_eq!((read("{}").mode, read("{ mode: off }").mode), (Mode::Advise, Mode::Off));
    assert_eq!(read("{}").tuning(), Tuning::default());
    assert_eq!(read("{}").battery(&garage()), BatterySettings::default());
}

#[test]
fn a_whole_one() {
    let settings = read(
        "{ mode: act, devices: [garage], horizon: 7 d, every: 5 min, reserve: 0, import_max: 9 kW, export_max: 0,
           inverter_max: 8 kW, battery_export: true, curtail: true, keep_within: 5 ct,
           batteries: { garage: { capacity: 5.12 kWh, min: 11 %, max: 100 %, charge_max: 2.5 kW, discharge_max: 800 W,
             efficiency: 90 %, wear: 2 ct/kWh, grid_charge: false } } }",
    );
    assert!(settings.acts() && settings.wrong().is_empty());
    assert_eq!((settings.export_max, settings.inverter_max), (Some(Watts(0.0)), Some(Watts(8000.0))));
    assert!((settings.tuning().keep_within_eur - 0.05).abs() < 1e-12);
    let battery = settings.battery(&garage());
    assert_eq!((battery.min, battery.discharge_max), (Some(Percent(11.0)), Some(Watts(800.0))));
    assert_eq!(settings.battery(&"attic".parse().unwrap()), BatterySettings::default());
}

#[rstest]
#[case("{ mode: act, devices: [garage] }", true)]
#[case("{ mode: act }", false)]
#[case("{ devices: [garage] }", false)]
#[case("{ mode: off, devices: [garage] }", false)]
fn only_what_is_named_is_steered(#[case] yaml: &str, #[case] acts: bool) {
    assert_eq!(read(yaml).acts(), acts);
}

#[rstest]
#[case("{ mode: auto }", "unknown variant `auto`")]
#[case("{ devices: ['a b'] }", "a b")]
#[case("{ horizon: 5 h }", "expected a span from 6 h to 7 d")]
#[case("{ horizon: 8 d }", "expected a span from 6 h to 7 d")]
#[case("{ every: 4 min }", "expected a span from 5 min to 60 min")]
#[case("{ every: 61 min }", "expected a span from 5 min to 60 min")]
#[case("{ reserve: 101 % }", "expected a percentage from 0 to 100 %")]
#[case("{ import_max: -1 kW }", "expected a power of 0 W or more")]
#[case("{ inverter_max: 0 }", "expected a power above 0 W")]
#[case("{ keep_within: -1 ct }", "expected a sum of 0 or more")]
#[case("{ keep_within: 2 ct/kWh }", "expected a sum of money such as")]
#[case("{ batteries: { a: { capacity: 0 } } }", "expected an energy above 0 Wh")]
#[case("{ batteries: { a: { efficiency: 5 % } } }", "expected 50 % to 100 %")]
#[case("{ batteries: { a: { wear: -1 ct/kWh } } }", "expected a price of 0 or more")]
#[case("{ batteries: { a: { soc: 1 } } }", "soc")]
#[case("{ batteries: { 'a b': {} } }", "a b")]
fn a_wrong_value_says_what_may_be(#[case] yaml: &str, #[case] why: &str) {
    let error = serde_saphyr::from_str::<Settings>(yaml).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

#[rstest]
#[case("{ mode: act }", "mode")]
#[case("{ batteries: { garage: { min: 100 % } } }", "batteries.garage.min")]
#[case("{ batteries: { garage: { max: 0 } } }", "batteries.garage.max")]
#[case("{ batteries: { garage: { min: 60 %, max: 50 % } } }", "batteries.garage.min")]
fn what_cannot_be_meant(#[case] yaml: &str, #[case] path: &str) {
    let wrong = read(yaml).wrong();
    assert_eq!(wrong.iter().map(|it| it.path.join(".")).collect::<Vec<_>>(), [path]);
}

#[test]
fn currencies_are_named_with_their_place() {
    let settings = read("{ keep_within: 1 SEK, batteries: { a: { wear: 0.03 EUR/kWh }, b: {} } }");
    let named: Vec<_> =
        settings.currencies().iter().map(|(path, named)| format!("{} {named}", path.join("."))).collect();
    assert_eq!(named, ["keep_within SEK", "batteries.a.wear EUR"]);
}
