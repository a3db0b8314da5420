//! The case files beside the repository, read into problems. `OHMSTEAD_SHARED` names the folder that holds them.

use std::path::PathBuf;

use ohmstead_model::{TimeSpan, UnixMillis};
use ohmstead_planner::{Battery, Problem, Slot};
use serde::Deserialize;

/// A case file in its own words: EUR/kWh, W, fractions of the capacity.
#[derive(Deserialize)]
struct Case {
    step_min: i64,
    load_w: Vec<f64>,
    pv_w: Vec<f64>,
    price_import: Vec<f64>,
    price_export: Vec<f64>,
    battery: CaseBattery,
    import_max_w: f64,
    export_max_w: f64,
    allow_batt_export: bool,
    curtail: bool,
}

#[derive(Deserialize)]
struct CaseBattery {
    cap_wh: f64,
    soc_min: f64,
    soc_max: f64,
    soc_init: f64,
    soc_final: Option<f64>,
    p_chg_ac: f64,
    p_dis_ac: f64,
    eff_chg: f64,
    eff_dis: f64,
}

/// The folder of the optimiser's files; `None`, and said so, where there is none.
pub(crate) fn folder() -> Option<PathBuf> {
    let Some(shared) = std::env::var_os("OHMSTEAD_SHARED") else {
        println!("skipped: OHMSTEAD_SHARED names no folder with the cases");
        return None;
    };
    Some(PathBuf::from(shared).join("data/optim"))
}

/// A case by its name, its battery split into `count` of which each is 1 % less efficient than the one before.
pub(crate) fn case(name: &str, count: u32) -> Option<Problem> {
    let path = folder()?.join(format!("case_{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let case: Case =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let slots = case.load_w.iter().enumerate().map(|(index, load_w)| {
        let at = |step: usize| UnixMillis(i64::try_from(step).unwrap() * case.step_min * 60_000);
        Slot {
            span: TimeSpan::new(at(index), at(index + 1)),
            load_w: *load_w,
            pv_w: case.pv_w[index],
            import_price: case.price_import[index],
            export_price: case.price_export[index],
        }
    });
    Some(Problem {
        slots: slots.collect(),
        batteries: (0..count).map(|number| case.battery.part(number, count)).collect(),
        import_max_w: case.import_max_w,
        export_max_w: case.export_max_w,
        allow_battery_export: case.allow_batt_export,
        curtail: case.curtail,
        ..Problem::default()
    })
}

impl CaseBattery {
    fn part(&self, number: u32, count: u32) -> Battery {
        let (part, worse) = (1.0 / f64::from(count), 1.0 - 0.01 * f64::from(number));
        let capacity_wh = self.cap_wh * part;
        Battery {
            name: format!("b{number}"),
            capacity_wh,
            now_wh: self.soc_init * capacity_wh,
            min_wh: self.soc_min * capacity_wh,
            max_wh: self.soc_max * capacity_wh,
            final_wh: self.soc_final.map(|fraction| fraction * capacity_wh),
            charge_max_w: self.p_chg_ac * part,
            discharge_max_w: self.p_dis_ac * part,
            eff_charge: self.eff_chg * worse,
            eff_discharge: self.eff_dis * worse,
            ..Battery::default()
        }
    }
}
