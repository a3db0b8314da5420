//! The plan: what each battery will do, what that costs, and why.

use ohmstead_model::Language;
use utoipa::ToSchema;

use super::figure::{money, percent, watts};
use super::reason::ReasonJson;
use super::value::iso;
use crate::language::{code, place};
use crate::{Plan, PlanBattery, PlanSlot, PlanStep, Planning};

/// How planning stands, and the plan in force.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = Plan)]
pub(crate) struct PlanJson {
    /// What the configuration lets it do: `off`, `advise` (a plan is shown) or `act` (it is carried out).
    #[schema(example = "act")]
    mode: &'static str,
    /// Whether it is carried out at present: the configuration allows it, and it is not switched off.
    acting: bool,
    /// Whether nothing is written to any device: what is carried out is only told.
    read_only: bool,
    /// Why there is no plan; `null` where there is one.
    #[schema(required = true)]
    why_none: Option<ReasonJson>,
    /// The language of all reasons, ISO 639-1.
    #[schema(example = "fr")]
    language: &'static str,
    /// When the plan was made, UTC; this and what follows is `null` or empty where there is none.
    #[schema(format = DateTime, required = true)]
    made_at: Option<String>,
    /// How long that took, ms.
    #[schema(required = true, example = 14.2)]
    solve_ms: Option<f64>,
    /// Where it comes from: `found`, `self_consumption` (nothing better than following the house), `kept` (the one before,
    /// for the new one is hardly better) or `fallback` (none could be found, the house is followed).
    #[schema(required = true, example = "found")]
    origin: Option<&'static str>,
    /// Why it is no better than that, where it is a fallback.
    #[schema(required = true)]
    trouble: Option<ReasonJson>,
    /// The currency of prices and costs, ISO 4217.
    #[schema(required = true, example = "EUR")]
    currency: Option<String>,
    /// What it costs: wear included, less what is in the batteries at the end.
    #[schema(required = true, example = 2.31)]
    cost: Option<f64>,
    /// What following the house with the batteries would cost, counted likewise.
    #[schema(required = true, example = 4.02)]
    self_consumption_cost: Option<f64>,
    /// What doing without batteries would cost.
    #[schema(required = true, example = 7.9)]
    no_battery_cost: Option<f64>,
    /// The batteries; lists in the slots are in this order.
    batteries: Vec<PlanBatteryJson>,
    /// The time ahead, in order and without a gap.
    slots: Vec<PlanSlotJson>,
    /// What is missing or guessed.
    missing: Vec<ReasonJson>,
}

/// A battery of the plan.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = PlanBattery)]
pub(crate) struct PlanBatteryJson {
    /// Name in the configuration.
    #[schema(example = "fase_a")]
    device: String,
    /// Whether the plan steers it.
    acts: bool,
    /// Its capacity, Wh.
    #[schema(required = true, example = 5120)]
    capacity_wh: Option<f64>,
    /// What is in it now, Wh.
    #[schema(required = true, example = 2560)]
    now_wh: Option<f64>,
}

/// One slot of the plan. Powers that feed the house are positive: import, discharge, sun.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = PlanSlot)]
pub(crate) struct PlanSlotJson {
    /// Its first instant, UTC.
    #[schema(format = DateTime)]
    start: String,
    /// The first instant after it, UTC.
    #[schema(format = DateTime)]
    end: String,
    /// Power of the grid, W: import positive.
    #[schema(required = true, example = 1320)]
    grid_w: Option<f64>,
    /// Sun that is used, W.
    #[schema(required = true, example = 0)]
    pv_w: Option<f64>,
    /// What the house uses, W.
    #[schema(required = true, example = 520)]
    load_w: Option<f64>,
    /// Power of each battery, W: discharge positive.
    #[schema(example = json!([-800]))]
    battery_w: Vec<Option<f64>>,
    /// What is in each battery at the end, Wh.
    #[schema(example = json!([2760]))]
    soc_wh: Vec<Option<f64>>,
    /// The same in percent of its capacity; `null` for one without a capacity.
    #[schema(example = json!([53.9]))]
    soc_pct: Vec<Option<f64>>,
    /// Mode of each battery, as a device's `modes` names it.
    #[schema(example = json!(["charge 800 W"]))]
    modes: Vec<String>,
    /// What a kWh from the grid costs.
    #[schema(required = true, example = 0.1575)]
    import_price: Option<f64>,
    /// What a kWh fed into the grid brings.
    #[schema(required = true, example = 0)]
    export_price: Option<f64>,
    /// Whether a price is a guess.
    estimated: bool,
    /// What a stored kWh is worth in it; `null` where that is not known.
    #[schema(required = true, example = 0.52)]
    worth: Option<f64>,
    /// What the slot costs.
    #[schema(required = true, example = 0.052)]
    cost: Option<f64>,
    /// Stable key of the reason.
    #[schema(example = "charge_before_dear")]
    code: &'static str,
    /// The reason for the slot as a whole, a sentence in `language`.
    reason: String,
    /// Each battery.
    steps: Vec<PlanStepJson>,
}

/// What one battery does in a slot, and why.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = PlanStep)]
pub(crate) struct PlanStepJson {
    /// Name in the configuration.
    #[schema(example = "fase_a")]
    device: String,
    /// Its mode.
    #[schema(example = "charge 800 W")]
    mode: String,
    /// Stable key of the reason.
    #[schema(example = "charge_before_dear")]
    code: &'static str,
    /// The reason, a sentence in `language`.
    reason: String,
    /// Until when counts what somebody asked by hand, UTC; `null` where nobody did.
    #[schema(format = DateTime, required = true)]
    by_hand_until: Option<String>,
}

impl PlanJson {
    pub(crate) fn new(planning: &Planning, language: Language) -> Self {
        let plan = planning.plan.as_deref();
        Self {
            mode: planning.mode.key(),
            acting: planning.acting,
            read_only: planning.read_only,
            why_none: planning.why_none.as_ref().map(|why| ReasonJson::new(why, language)),
            language: code(language),
            made_at: plan.map(|plan| iso(plan.made_at)),
            solve_ms: plan.and_then(|plan| watts(plan.took_ms)),
            origin: plan.map(|plan| plan.origin),
            trouble: plan.and_then(|plan| Some(ReasonJson::new(plan.trouble.as_ref()?, language))),
            currency: plan.map(|plan| plan.currency.clone()),
            cost: plan.and_then(|plan| money(plan.cost)),
            self_consumption_cost: plan.and_then(|plan| money(plan.self_consumption_cost)),
            no_battery_cost: plan.and_then(|plan| money(plan.no_battery_cost)),
            batteries: plan.map_or_else(Vec::new, |plan| plan.batteries.iter().map(battery).collect()),
            slots: plan.map_or_else(Vec::new, |plan| slots(plan, language)),
            missing: plan.map_or_else(Vec::new, |plan| ReasonJson::all(&plan.missing, language)),
        }
    }
}

fn battery(battery: &PlanBattery) -> PlanBatteryJson {
    PlanBatteryJson {
        device: battery.device.to_string(),
        acts: battery.acts,
        capacity_wh: watts(battery.capacity_wh),
        now_wh: watts(battery.now_wh),
    }
}

fn slots(plan: &Plan, language: Language) -> Vec<PlanSlotJson> {
    plan.slots.iter().map(|slot| one_slot(slot, &plan.batteries, language)).collect()
}

fn one_slot(slot: &PlanSlot, batteries: &[PlanBattery], language: Language) -> PlanSlotJson {
    let steps = || slot.steps.iter();
    let named = steps().zip(batteries).map(|(step, battery)| one_step(step, battery, language));
    PlanSlotJson {
        start: iso(slot.span.start),
        end: iso(slot.span.end),
        grid_w: watts(slot.grid_w),
        pv_w: watts(slot.pv_w),
        load_w: watts(slot.load_w),
        battery_w: steps().map(|step| watts(step.power_w)).collect(),
        soc_wh: steps().map(|step| watts(step.stored_wh)).collect(),
        soc_pct: steps().map(|step| step.soc_pct.and_then(percent)).collect(),
        modes: steps().map(|step| step.mode.to_string()).collect(),
        import_price: money(slot.import_price),
        export_price: money(slot.export_price),
        estimated: slot.price_estimated,
        worth: slot.worth.and_then(money),
        cost: money(slot.cost),
        code: slot.reason.code,
        reason: slot.reason.sentences[place(language)].clone(),
        steps: named.collect(),
    }
}

fn one_step(step: &PlanStep, battery: &PlanBattery, language: Language) -> PlanStepJson {
    PlanStepJson {
        device: battery.device.to_string(),
        mode: step.mode.to_string(),
        code: step.reason.code,
        reason: step.reason.sentences[place(language)].clone(),
        by_hand_until: step.by_hand_until.map(iso),
    }
}

/// How planning stands as JSON, as in `GET /api/v1/plan`.
pub fn plan_json(planning: &Planning, language: Language) -> serde_json::Value {
    serde_json::to_value(PlanJson::new(planning, language)).expect("names are strings and numbers are finite")
}
