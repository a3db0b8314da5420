//! The batteries of a house as one, and what is asked instead.

use expect_test::expect;
use rstest::rstest;

use super::*;

fn settings(yaml: &str) -> Settings {
    let devices = "{ a: { marstek: { host: 127.0.0.1 } }, b: { marstek: { host: 127.0.0.2 } } }";
    let yaml = format!("site: {{ timezone: UTC }}\ndevices: {devices}\nplanner: {yaml}");
    ohmstead_config::parse(&yaml, "test.yaml", &|_| None).unwrap().planner
}

fn told(name: &str, capacity_wh: f64, charge_max_w: Option<f64>) -> (DeviceId, Told) {
    let told = Told { capacity_wh: Some(capacity_wh), charge_max_w, discharge_max_w: None };
    (name.parse().unwrap(), told)
}

/// Two batteries of different size, one of which tells its own.
const HOUSE: &str = "{ reserve: 20 %, import_max: 9 kW, export_max: 3 kW, inverter_max: 8 kW, battery_export: true, curtail: true, \
    batteries: { a: { capacity: 4 kWh, min: 10 %, max: 90 %, charge_max: 1 kW, discharge_max: 1500, efficiency: 80 %, wear: 5 ct/kWh }, \
    b: { discharge_max: 600, efficiency: 90 %, grid_charge: false } } }";

#[test]
fn the_house_is_replayed_as_it_is_configured_and_as_its_devices_tell() {
    let told = BTreeMap::from([told("b", 1000.0, Some(700.0))]);
    let (site, left_out) = site(&Asked::default(), &settings(HOUSE), &told).unwrap();
    assert_eq!(left_out, Vec::<String>::new());
    let [battery] = &site.batteries[..] else { panic!("one battery") };
    let shown = format!(
        "{} Wh from {} to {}, {:?}, now {}; takes {} W, gives {} W; {:.4} {:.4}; wear {:.3}; grid {}",
        battery.capacity_wh,
        battery.min_wh,
        battery.max_wh,
        battery.reserve_wh,
        battery.now_wh,
        battery.charge_max_w,
        battery.discharge_max_w,
        battery.eff_charge.powi(2),
        battery.eff_discharge.powi(2),
        battery.wear_eur_kwh,
        battery.may_charge_from_grid
    );
    expect!["5000 Wh from 400 to 4600, Constant(1000.0), now 1000; takes 1700 W, gives 2100 W; 0.8200 0.8200; wear 0.046; grid false"]
        .assert_eq(&shown);
    assert_eq!((site.import_max_w, site.export_max_w, site.inverter_max_w), (9000.0, 3000.0, Some(8000.0)));
    assert!(site.allow_battery_export && site.curtail);
}

#[test]
fn what_is_asked_goes_before_what_is_configured() {
    let asked = Asked {
        capacity: Some(WattHours(10_000.0)),
        power: Some(Watts(4000.0)),
        efficiency: Some(Percent(100.0)),
        min: Some(Percent(5.0)),
    };
    let (site, _) = site(&asked, &settings(HOUSE), &BTreeMap::new()).unwrap();
    let battery = &site.batteries[0];
    assert_eq!((battery.capacity_wh, battery.min_wh, battery.now_wh), (10_000.0, 500.0, 500.0));
    assert_eq!((battery.charge_max_w, battery.discharge_max_w, battery.eff_charge), (4000.0, 4000.0, 1.0));
    assert_eq!(battery.reserve_wh, PerSlot::Constant(0.0));
}

/// Configured powers stay, half the capacity counts where nobody says any.
#[rstest]
#[case("{ batteries: { a: { capacity: 5 kWh, charge_max: 2 kW } } }", 2000.0, 5000.0)]
#[case("{ batteries: { a: {} } }", 5000.0, 5000.0)]
#[case("{}", 5000.0, 5000.0)]
fn another_capacity_has_the_configured_powers(#[case] yaml: &str, #[case] takes: f64, #[case] gives: f64) {
    let asked = Asked { capacity: Some(WattHours(10_000.0)), ..Asked::default() };
    let (site, left_out) = site(&asked, &settings(yaml), &BTreeMap::new()).unwrap();
    assert_eq!((site.batteries[0].charge_max_w, site.batteries[0].discharge_max_w), (takes, gives));
    assert!(left_out.is_empty() && site.batteries[0].wear_eur_kwh > 0.0);
}

#[test]
fn a_battery_without_a_capacity_is_named_and_none_at_all_is_an_error() {
    let both = settings("{ batteries: { a: { capacity: 5 kWh }, b: {} } }");
    let (site_of_one, left_out) = site(&Asked::default(), &both, &BTreeMap::new()).unwrap();
    assert!((site_of_one.batteries[0].capacity_wh - 5000.0).abs() < 1e-9);
    assert_eq!(left_out, ["b is left out: its capacity is not known, say planner.batteries.b.capacity"]);
    let failure = site(&Asked::default(), &settings("{}"), &BTreeMap::new()).unwrap_err();
    assert!(failure.code == Code::Usage && failure.to_string().contains("how large is the battery?"));
    let asked = Asked { min: Some(Percent(95.0)), ..Asked::default() };
    let failure = site(&asked, &settings(HOUSE), &BTreeMap::new()).unwrap_err();
    assert_eq!(failure.to_string(), "--min 95 % leaves nothing to use: the battery is filled to 90 %");
}

#[rstest]
#[case::none("0 %", "0 % is out of range: expected 50 % to 100 %")]
#[case::double("200 %", "200 % is out of range: expected 50 % to 100 %")]
#[case::a_part("0.88", "0.88 % is out of range: expected 50 % to 100 %; did you mean \"88 %\"?")]
fn an_efficiency_out_of_range_is_refused(#[case] text: &str, #[case] why: &str) {
    assert_eq!(efficiency(text).unwrap_err(), why);
}

#[rstest]
#[case::kilowatt_hours(
    "5",
    "5 Wh is less than any battery of a house holds: expected at least 100 Wh; did you mean \"5 kWh\"?"
)]
#[case::with_unit("99 Wh", "99 Wh is less than any battery of a house holds: expected at least 100 Wh")]
#[case::negative("-5", "-5 Wh is less than any battery of a house holds: expected at least 100 Wh")]
fn a_capacity_that_is_none_of_a_house_is_refused(#[case] text: &str, #[case] why: &str) {
    assert_eq!(capacity(text).unwrap_err(), why);
}

#[test]
fn bounds_are_within() {
    assert_eq!((efficiency("50").unwrap(), efficiency("100 %").unwrap()), (Percent(50.0), Percent(100.0)));
    assert_eq!(
        (capacity("100 Wh").unwrap(), capacity("0.1 kWh").unwrap()),
        (WattHours(100.0), WattHours(100.0))
    );
    assert_eq!((min("0").unwrap(), power("1").unwrap()), (Percent(0.0), Watts(1.0)));
    assert!(min("100 %").is_err() && min("-1 %").is_err() && power("0").is_err() && power("-800").is_err());
}
