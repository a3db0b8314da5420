//! What the GX computes of all the others, from what it sees on the bus: a service that is gone leaves holes.

use crate::venus::{
    tree::{Item, Service, Tree},
    value::Value,
};
use std::collections::BTreeMap;

/// The battery that the GX counts.
const MAIN_BATTERY: u32 = 512;

const PHASES: [usize; 3] = [1, 2, 3];

/// Numbers of the three phases of a service on the bus, or none.
type Phases = [Option<f64>; 3];

/// The list of batteries is made so often, ms.
const BATTERIES_MS: i64 = 5_000;

pub(super) fn all(tree: &mut Tree, now_ms: i64) {
    let seen = Seen::new(tree);
    let settings = Settings::new(tree);
    let lists = lists(tree);
    let Some(system) = tree.service_mut("system") else { return };
    ac(system, &seen);
    dc(system, &seen);
    state(system, &seen, &settings);
    services(system, &seen);
    timers(system, &seen);
    // A battery that went is missed at once.
    let count = |value: Option<&Value>| match value {
        Some(Value::List(items)) => items.len(),
        _ => 0,
    };
    for (path, list) in lists {
        let is_other = count(system.item(path).map(Item::own_value)) != count(Some(&list));
        if is_other || now_ms.rem_euclid(BATTERIES_MS) < 1_000 {
            system.set(path, list);
        }
    }
}

/// What is a list, as velib writes one.
fn lists(tree: &Tree) -> [(&'static str, Value); 3] {
    let of_class = |class: &'static str| {
        tree.services().iter().filter(move |service| service.present && service.class == class)
    };
    let bms = of_class("battery").filter(|battery| shown(battery, "/Info/MaxChargeCurrent").is_some());
    let product = |pv: &Service| pv.item("/ProductId").map(|item| item.value().clone());
    [
        ("/Batteries", Value::List(of_class("battery").map(battery).collect())),
        ("/AvailableBmsServices", Value::List(bms.map(|battery| Value::Record(named(battery))).collect())),
        ("/PvInvertersProductIds", Value::List(of_class("pvinverter").filter_map(product).collect())),
    ]
}

/// Name and instance of a service.
fn named(service: &Service) -> BTreeMap<String, Value> {
    let name =
        ["/CustomName", "/ProductName"].into_iter().find_map(|path| service.item(path)?.value().text());
    let instance = i32::try_from(service.instance).unwrap_or_default();
    BTreeMap::from([
        ("instance".to_owned(), Value::I32(instance)),
        ("name".to_owned(), Value::from(name.unwrap_or_default())),
    ])
}

/// A battery in the list of all; what it does not tell is left out.
fn battery(service: &Service) -> Value {
    let mut all = named(service);
    all.insert("id".to_owned(), Value::Text(service.bus_name()));
    all.insert("active_battery_service".to_owned(), Value::Bool(service.instance == MAIN_BATTERY));
    let told = [
        ("voltage", "/Dc/0/Voltage"),
        ("current", "/Dc/0/Current"),
        ("power", "/Dc/0/Power"),
        ("temperature", "/Dc/0/Temperature"),
        ("soc", "/Soc"),
        ("timetogo", "/TimeToGo"),
    ];
    let told = told.into_iter().filter_map(|(name, path)| Some((name, shown(service, path)?)));
    all.extend(told.map(|(name, number)| (name.to_owned(), Value::F64(number))));
    if let Some(watts) = shown(service, "/Dc/0/Power") {
        all.insert("state".to_owned(), Value::I32(battery_state(watts)));
    }
    Value::Record(all)
}

/// 1 charges, 2 discharges.
fn battery_state(watts: f64) -> i32 {
    match watts {
        watts if watts > 30.0 => 1,
        watts if watts < -30.0 => 2,
        _ => 0,
    }
}

/// What the GX sees of the devices.
struct Seen {
    grid_w: Phases,
    grid_a: Phases,
    in_w: Phases,
    out_w: Phases,
    pv_in_w: Phases,
    pv_out_w: Phases,
    volts: Phases,
    vebus_dc: (Option<f64>, Option<f64>),
    vebus_state: Option<f64>,
    active_input: Option<f64>,
    battery: Battery,
    pv_w: Option<f64>,
    pv_a: Option<f64>,
    vebus_name: Option<String>,
    sustains: bool,
}

#[derive(Default)]
struct Battery {
    volts: Option<f64>,
    amperes: Option<f64>,
    watts: Option<f64>,
    soc_pct: Option<f64>,
    celsius: Option<f64>,
    ccl_a: Option<f64>,
    dcl_a: Option<f64>,
    name: Option<String>,
}

struct Settings {
    mode: f64,
    ess_state: f64,
    min_soc_pct: f64,
    limits_discharge: bool,
    limits_charge: bool,
}

impl Settings {
    fn new(tree: &Tree) -> Self {
        let local = tree.service("settings");
        let number = |path: &str| local.and_then(|service| service.number(path));
        let overridden = tree.service("hub4").and_then(|hub4| hub4.number("/Overrides/MaxDischargePower"));
        let discharge = overridden
            .filter(|watts| *watts >= 0.0)
            .or(number("/Settings/CGwacs/MaxDischargePower"))
            .unwrap_or(-1.0);
        Self {
            mode: number("/Settings/CGwacs/Hub4Mode").unwrap_or(1.0),
            ess_state: number("/Settings/CGwacs/BatteryLife/State").unwrap_or(10.0),
            min_soc_pct: number("/Settings/CGwacs/BatteryLife/MinimumSocLimit").unwrap_or(10.0),
            // Verified on the real one: a cap of 0 shows, others do not.
            limits_discharge: (0.0..0.5).contains(&discharge),
            limits_charge: number("/Settings/SystemSetup/MaxChargeCurrent")
                .is_some_and(|amperes| amperes == 0.0),
        }
    }
}

impl Seen {
    fn new(tree: &Tree) -> Self {
        let on_bus = |name: &str| tree.service(name).filter(|service| service.present);
        let vebus = on_bus("vebus");
        let (grid, pv) = (on_bus("grid"), on_bus("pvinverter"));
        let in_w = phases(vebus, "/Ac/ActiveIn/L{}/P");
        let pv_w = phases(pv, "/Ac/L{}/Power");
        let behind = pv.and_then(|pv| shown(pv, "/Position")).is_some_and(|position| position > 0.5);
        let battery = on_bus("battery/512");
        let read = |path: &str| battery.and_then(|battery| shown(battery, path));
        let of_vebus = |path: &str| vebus.and_then(|vebus| shown(vebus, path));
        let mppt = on_bus("solarcharger");
        Self {
            // Without a meter the Multi's own input stands in.
            grid_w: if grid.is_some() { phases(grid, "/Ac/L{}/Power") } else { in_w },
            grid_a: if grid.is_some() {
                phases(grid, "/Ac/L{}/Current")
            } else {
                phases(vebus, "/Ac/ActiveIn/L{}/I")
            },
            in_w,
            out_w: phases(vebus, "/Ac/Out/L{}/P"),
            pv_in_w: if behind { [None; 3] } else { pv_w },
            pv_out_w: if behind { pv_w } else { [None; 3] },
            volts: phases(vebus, "/Ac/Out/L{}/V"),
            vebus_dc: (of_vebus("/Dc/0/Power"), of_vebus("/Dc/0/Current")),
            vebus_state: of_vebus("/State"),
            active_input: of_vebus("/Ac/ActiveIn/ActiveInput"),
            battery: Battery {
                volts: read("/Dc/0/Voltage"),
                amperes: read("/Dc/0/Current"),
                watts: read("/Dc/0/Power"),
                soc_pct: read("/Soc"),
                celsius: read("/Dc/0/Temperature"),
                ccl_a: read("/Info/MaxChargeCurrent"),
                dcl_a: read("/Info/MaxDischargeCurrent"),
                name: battery.map(Service::bus_name),
            },
            pv_w: mppt.and_then(|mppt| shown(mppt, "/Yield/Power")),
            pv_a: mppt.and_then(|mppt| shown(mppt, "/Dc/0/Current")),
            vebus_name: vebus.map(Service::bus_name),
            sustains: of_vebus("/Hub4/Sustain").is_some_and(|sustains| sustains > 0.5),
        }
    }
}

fn shown(service: &Service, path: &str) -> Option<f64> {
    service.item(path)?.value().number()
}

fn phases(service: Option<&Service>, path: &str) -> Phases {
    PHASES.map(|phase| shown(service?, &path.replace("{}", &phase.to_string())))
}

fn put(system: &mut Service, path: &str, numbers: Phases) {
    for (phase, number) in PHASES.into_iter().zip(numbers) {
        system.put_or_clear(&path.replace("{}", &phase.to_string()), number);
    }
}

fn count(numbers: Phases) -> Option<f64> {
    numbers.iter().any(Option::is_some).then_some(3.0)
}

fn ac(system: &mut Service, seen: &Seen) {
    let amperes = |watts: Phases| -> Phases {
        std::array::from_fn(|phase| {
            let volts = seen.volts[phase].filter(|volts| *volts > 1.0)?;
            Some(watts[phase]? / volts)
        })
    };
    // Consumption before the Multi is what the meter sees and nobody else accounts for.
    let on_input: Phases = std::array::from_fn(|phase| {
        let pv_w = seen.pv_in_w[phase].unwrap_or(0.0);
        Some((seen.grid_w[phase]? + pv_w - seen.in_w[phase]?).max(0.0))
    });
    let on_output: Phases = std::array::from_fn(|phase| {
        let pv_w = seen.pv_out_w[phase].unwrap_or(0.0);
        Some((seen.out_w[phase]? + pv_w).max(0.0))
    });
    let total: Phases = std::array::from_fn(|phase| match (on_input[phase], on_output[phase]) {
        (None, None) => None,
        (one, two) => Some(one.unwrap_or(0.0) + two.unwrap_or(0.0)),
    });
    for (name, watts) in [
        ("Grid", seen.grid_w),
        ("ActiveIn", seen.in_w),
        ("ConsumptionOnInput", on_input),
        ("ConsumptionOnOutput", on_output),
        ("Consumption", total),
        ("PvOnGrid", seen.pv_in_w),
        ("PvOnOutput", seen.pv_out_w),
    ] {
        put(system, &format!("/Ac/{name}/L{{}}/Power"), watts);
        let currents = if name == "Grid" { seen.grid_a } else { amperes(watts) };
        put(system, &format!("/Ac/{name}/L{{}}/Current"), currents);
        system.put_or_clear(&format!("/Ac/{name}/NumberOfPhases"), count(watts));
    }
    let source = seen.active_input.map(|input| if input > 100.0 { 240.0 } else { 1.0 });
    system.put_or_clear("/Ac/ActiveIn/Source", source);
    system.put_or_clear("/Ac/In/0/Connected", source.map(|source| f64::from(u8::from(source < 100.0))));
}

fn dc(system: &mut Service, seen: &Seen) {
    let battery = &seen.battery;
    system.put_or_clear("/Dc/Battery/Voltage", battery.volts);
    system.put_or_clear("/Dc/Battery/Current", battery.amperes);
    system.put_or_clear("/Dc/Battery/Power", battery.watts);
    system.put_or_clear("/Dc/Battery/Soc", battery.soc_pct);
    system.put_or_clear("/Dc/Battery/Temperature", battery.celsius);
    let state = battery.watts.map(battery_state).map(f64::from);
    system.put_or_clear("/Dc/Battery/State", state);
    let (watts, amperes) = seen.vebus_dc;
    for name in ["InverterCharger", "Vebus"] {
        system.put_or_clear(&format!("/Dc/{name}/Power"), watts);
        system.put_or_clear(&format!("/Dc/{name}/Current"), amperes);
    }
    system.put_or_clear("/Dc/Pv/Power", seen.pv_w);
    system.put_or_clear("/Dc/Pv/Current", seen.pv_a);
}

fn state(system: &mut Service, seen: &Seen, settings: &Settings) {
    let flag = |on: bool| f64::from(u8::from(on));
    let zero = |limit: Option<f64>| limit.is_some_and(|amperes| amperes < 0.5);
    let low = seen.battery.soc_pct.is_some_and(|soc| soc <= settings.min_soc_pct);
    system.put("/SystemState/LowSoc", flag(low));
    system.put("/SystemState/BatteryLife", flag(settings.ess_state < 8.5));
    system.put("/SystemState/ChargeDisabled", flag(zero(seen.battery.ccl_a)));
    system.put("/SystemState/DischargeDisabled", flag(zero(seen.battery.dcl_a)));
    system.put("/SystemState/UserDischargeLimited", flag(settings.limits_discharge));
    system.put("/SystemState/UserChargeLimited", flag(settings.limits_charge));
    let discharges = seen.battery.watts.is_some_and(|watts| watts < -30.0);
    let state = match seen.vebus_state {
        // At the mains, whatever the Multi does there by order of another program: in passthru too.
        Some(3.0..=8.0 | 252.0) if settings.mode > 2.5 => Some(252.0),
        Some(3.0..=5.0) if settings.mode < 2.5 && seen.sustains => Some(257.0),
        Some(3.0..=5.0) if settings.mode < 2.5 && discharges => Some(256.0),
        other => other,
    };
    system.put_or_clear("/SystemState/State", state);
    system.put("/Control/EssState", settings.ess_state);
    system.put("/Control/ActiveSocLimit", settings.min_soc_pct);
}

fn services(system: &mut Service, seen: &Seen) {
    let mut name = |path: &str, name: Option<&String>| match name {
        Some(name) => system.put_text(path, name),
        None => system.put_or_clear(path, None),
    };
    name("/VebusService", seen.vebus_name.as_ref());
    for path in ["/ActiveBmsService", "/Dc/Battery/BatteryService", "/Dc/Battery/VoltageService"] {
        name(path, seen.battery.name.as_ref());
    }
}

/// Seconds on grid and on inverter of the day.
fn timers(system: &mut Service, seen: &Seen) {
    let path = match seen.vebus_state {
        Some(state) if state < 0.5 => "/Timers/TimeOff",
        Some(9.0) => "/Timers/TimeOnInverter",
        Some(_) => "/Timers/TimeOnGrid",
        None => return,
    };
    let seconds = system.number(path).unwrap_or(0.0);
    system.put(path, seconds + 1.0);
}
