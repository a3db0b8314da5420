//! What lies ahead of the fake house: two hours, a plan for one of its batteries, a season of Tempo, two days of money.

use std::sync::{Arc, Mutex};

use jiff::civil::{Date, date};
use ohmstead_model::{BatteryMode, TempoColour, TimeSpan, UnixMillis};
use ohmstead_units::{Percent, Watts};
use ohmstead_web::{
    AheadChange, AheadError, AheadSlot, AskedAhead, ColourCount, ColourVoice, Expected, Money, MoneyBy,
    MoneyRow, Outlook, Plan, PlanBattery, PlanReason, PlanSlot, PlanStep, PlannerMode, Planning, Refusal,
    ScheduleRefused, SourceFigures, Tempo, TempoDay,
};

/// 2026-11-21 08:00:00 UTC.
const START: i64 = 1_795_248_000_000;
const HOUR: i64 = 3_600_000;

/// What the program answers, and what it was asked.
pub(crate) struct Future {
    pub(crate) outlook: Mutex<Result<Arc<Outlook>, AheadError>>,
    pub(crate) planning: Mutex<Planning>,
    pub(crate) tempo: Mutex<Result<Tempo, AheadError>>,
    pub(crate) money: Mutex<Result<Money, AheadError>>,
    /// What is answered instead of keeping a colour.
    pub(crate) colour_fault: Mutex<Option<AheadError>>,
    /// Colours that were said.
    pub(crate) colours: Mutex<Vec<(Date, Option<TempoColour>)>>,
    /// What was asked by hand for a time to come.
    pub(crate) asked: Mutex<Vec<AskedAhead>>,
    /// What is answered instead of a change of it.
    pub(crate) asked_fault: Mutex<Option<ScheduleRefused>>,
    /// Spans of money that were asked for.
    pub(crate) spans: Mutex<Vec<(Date, Date, MoneyBy)>>,
}

impl Default for Future {
    fn default() -> Self {
        Self {
            outlook: Mutex::new(Ok(Arc::new(outlook()))),
            planning: Mutex::new(planning()),
            tempo: Mutex::new(Ok(tempo())),
            money: Mutex::new(Ok(money())),
            colour_fault: Mutex::default(),
            colours: Mutex::default(),
            asked: Mutex::default(),
            asked_fault: Mutex::default(),
            spans: Mutex::default(),
        }
    }
}

impl Future {
    /// A house without tariffs, forecasts and planner.
    pub(crate) fn take_away(&self) {
        let missing = |what, hint| AheadError::NotConfigured { what, hint };
        let tariffs = "add tariffs: to ohmstead.yaml";
        *self.outlook.lock().unwrap() =
            Err(missing("an outlook", "add tariffs: or forecast: to ohmstead.yaml"));
        *self.tempo.lock().unwrap() =
            Err(missing("Tempo", "add tariffs: { import: { tempo: {} } } to ohmstead.yaml"));
        *self.money.lock().unwrap() = Err(missing("a tariff", tariffs));
        *self.planning.lock().unwrap() = Planning {
            mode: PlannerMode::Off,
            acting: false,
            read_only: false,
            plan: None,
            why_none: Some(reason("planner_off", "planning is off", "la planification est désactivée")),
        };
    }

    /// Keeps what is asked by hand, without any judgement.
    pub(crate) fn change(&self, change: AheadChange) -> Result<AskedAhead, ScheduleRefused> {
        if let Some(fault) = self.asked_fault.lock().unwrap().clone() {
            return Err(fault);
        }
        let mut all = self.asked.lock().unwrap();
        match change {
            AheadChange::Add { device, mode, span } => {
                let id = u32::try_from(all.len()).unwrap() + 1;
                let asked = AskedAhead { id, device, mode, span, asked_by: "rest".to_owned() };
                all.push(asked.clone());
                Ok(asked)
            }
            AheadChange::Remove { id } => {
                let place = all.iter().position(|asked| asked.id == id);
                place.map(|place| all.remove(place)).ok_or_else(|| ScheduleRefused {
                    kind: Refusal::NotFound,
                    code: "unknown_override",
                    message: format!("nothing was asked under the number {id}"),
                    hint: String::new(),
                })
            }
        }
    }

    /// Keeps a colour like the program does.
    pub(crate) fn say(&self, date: Date, colour: Option<TempoColour>) -> Result<Tempo, AheadError> {
        self.colours.lock().unwrap().push((date, colour));
        if let Some(fault) = self.colour_fault.lock().unwrap().clone() {
            return Err(fault);
        }
        let mut tempo = self.tempo.lock().unwrap().clone()?;
        tempo.tomorrow = TempoDay { colour, by_hand: colour.is_some(), disputed: false, ..tempo.tomorrow };
        *self.tempo.lock().unwrap() = Ok(tempo.clone());
        Ok(tempo)
    }
}

fn hour(number: i64) -> TimeSpan {
    TimeSpan::new(UnixMillis(START + number * HOUR), UnixMillis(START + (number + 1) * HOUR))
}

fn outlook() -> Outlook {
    let slot = AheadSlot {
        span: hour(0),
        import_price: Some(0.1871),
        export_price: Some(0.04),
        price_estimated: false,
        colour: Some(TempoColour::White),
        load: Some(Expected { mean_w: 612.34, low_w: 240.0, high_w: 1480.0 }),
        pv: Some(Expected { mean_w: 850.0, low_w: 310.0, high_w: 1200.0 }),
    };
    let unknown = AheadSlot {
        span: hour(1),
        import_price: None,
        price_estimated: true,
        colour: None,
        load: Some(Expected { mean_w: f64::NAN, ..Expected::default() }),
        pv: None,
        ..slot.clone()
    };
    Outlook {
        at: UnixMillis(START - 60_000),
        currency: "EUR".to_owned(),
        offline: false,
        slots: vec![slot, unknown],
        sources: vec![source("rte_site", None), source("api_couleur_tempo", Some("no answer within 10 s"))],
        missing: vec![reason(
            "price_gap",
            "no price of tomorrow is known yet",
            "aucun prix de demain n'est encore connu",
        )],
    }
}

fn source(name: &str, trouble: Option<&str>) -> SourceFigures {
    SourceFigures {
        name: name.to_owned(),
        kind: "tempo".to_owned(),
        fetched_at: trouble.is_none().then_some(UnixMillis(START - 1_800_000)),
        trouble: trouble.map(str::to_owned),
        next_try: Some(UnixMillis(START + 600_000)),
        licence: None,
    }
}

pub(crate) fn reason(code: &'static str, english: &str, french: &str) -> PlanReason {
    let other = |language: &str| format!("{english} ({language})");
    PlanReason {
        code,
        sentences: [english.to_owned(), french.to_owned(), other("nl"), other("et"), other("de")],
    }
}

fn guessed() -> PlanReason {
    let french = "les prix à partir de 09:00 sont estimés";
    reason("price_guessed", "prices from 09:00 on are guessed", french)
}

fn planning() -> Planning {
    let charge = PlanStep {
        mode: BatteryMode::Charge { power: Some(Watts(800.0)), until: Some(Percent(90.0)) },
        power_w: -800.0,
        stored_wh: 3308.0,
        soc_pct: Some(64.61),
        reason: reason(
            "charge_before_dear",
            "Charges now, for a kWh costs more than twice as much later",
            "Charge maintenant, car le kWh coûtera plus du double plus tard",
        ),
        by_hand_until: None,
    };
    let follow = PlanStep {
        mode: BatteryMode::Auto,
        power_w: 362.0,
        stored_wh: 2925.0,
        soc_pct: Some(57.13),
        reason: reason("follow", "Follows the house", "Suit la maison"),
        by_hand_until: Some(UnixMillis(START + 2 * HOUR)),
    };
    let slot = PlanSlot {
        span: hour(0),
        import_price: 0.1871,
        export_price: 0.04,
        price_estimated: false,
        load_w: 612.34,
        pv_w: 850.0,
        grid_w: 562.34,
        worth: Some(0.4902),
        cost: 0.105_213_8,
        steps: vec![charge.clone()],
        reason: charge.reason.clone(),
    };
    let next = PlanSlot {
        span: hour(1),
        price_estimated: true,
        pv_w: 250.0,
        grid_w: 0.34,
        worth: None,
        cost: 0.000_063,
        reason: follow.reason.clone(),
        steps: vec![follow],
        ..slot.clone()
    };
    let plan = Plan {
        made_at: UnixMillis(START - 120_000),
        took_ms: 14.237,
        origin: "found",
        trouble: None,
        currency: "EUR".to_owned(),
        batteries: vec![PlanBattery {
            device: "fase_a".parse().expect("a name"),
            acts: true,
            capacity_wh: 5120.0,
            now_wh: 2560.0,
        }],
        slots: vec![slot, next],
        cost: 2.31,
        self_consumption_cost: 4.02,
        no_battery_cost: 7.9,
        missing: vec![guessed()],
    };
    let (mode, plan) = (PlannerMode::Act, Some(Arc::new(plan)));
    Planning { mode, acting: true, read_only: false, plan, why_none: None }
}

fn day(date: Date, colour: Option<TempoColour>) -> TempoDay {
    let voice = |colour| ColourVoice {
        source: "rte_site".to_owned(),
        colour,
        since: UnixMillis(START - 20 * HOUR),
        provisional: false,
    };
    TempoDay {
        date,
        colour,
        provisional: false,
        disputed: false,
        by_hand: false,
        voices: colour.map(voice).into_iter().collect(),
        odds: None,
    }
}

fn tempo() -> Tempo {
    let today = day(date(2026, 11, 21), Some(TempoColour::White));
    let tomorrow = TempoDay { odds: Some([0.9, 0.1, 0.0]), ..day(date(2026, 11, 22), None) };
    let count = |colour, used, left| ColourCount { colour, used, left };
    Tempo {
        season: date(2026, 9, 1),
        days: vec![day(date(2026, 11, 20), Some(TempoColour::Red)), today.clone()],
        today,
        tomorrow,
        counts: [
            count(TempoColour::Blue, 76, 224),
            count(TempoColour::White, 5, 38),
            count(TempoColour::Red, 1, 21),
        ],
        prices: [[0.1325, 0.1612], [0.1499, 0.1871], [0.1575, 0.706]],
        prices_since: date(2026, 2, 1),
    }
}

fn money() -> Money {
    let row = MoneyRow {
        from: date(2026, 11, 19),
        import_kwh: 9.4124,
        export_kwh: 0.0,
        cost: 1.4823,
        self_consumption_cost: Some(1.92),
        no_battery_cost: Some(3.07),
        unknown_h: 0.25,
    };
    let dark = MoneyRow {
        from: date(2026, 11, 20),
        cost: f64::INFINITY,
        self_consumption_cost: None,
        no_battery_cost: None,
        unknown_h: 24.0,
        ..row.clone()
    };
    Money { currency: "EUR".to_owned(), rows: vec![row, dark] }
}
