//! The settings of each family. Commands and codes are those of the vendor's protocol documents; who may use a row is
//! decided by its class.
//!
//! Not here, and nowhere else: output voltage and frequency, parallel and phase mode, feed-in to the grid, factory
//! defaults, calibration, equalisation, resets. They damage loads or the unit, or are against the grid's rules.

use ohmstead_model::Metric;

use super::super::families::Family;
use super::super::settings::WriteClass::{Battery, Limits, Priorities};
use super::{Form, List, Place, Setter, Voltages};

type Codes = &'static [(&'static str, &'static str)];

const OUTPUT: Codes = &[("utility_first", "00"), ("solar_first", "01"), ("solar_battery_utility", "02")];
/// A PI18 unit always lets the sun come first.
const OUTPUT_PI18: Codes = &[("solar_first", "0"), ("solar_battery_utility", "1")];
const CHARGER: Codes =
    &[("utility_first", "00"), ("solar_first", "01"), ("solar_and_utility", "02"), ("solar_only", "03")];
/// Newer units have no grid first.
const CHARGER_NEW: Codes = &[("solar_first", "01"), ("solar_and_utility", "02"), ("solar_only", "03")];
const CHARGER_PI18: Codes = &[("solar_first", "0"), ("solar_and_utility", "1"), ("solar_only", "2")];
const RANGE: Codes = &[("appliance", "00"), ("ups", "01")];
const RANGE_PI18: Codes = &[("appliance", "0"), ("ups", "1")];
const TYPES: Codes = &[("agm", "00"), ("flooded", "01"), ("user", "02")];
const TYPES_MAX: Codes = &[
    ("agm", "00"),
    ("flooded", "01"),
    ("user", "02"),
    ("pylontech", "03"),
    ("shinheung", "04"),
    ("weco", "05"),
    ("soltaro", "06"),
    ("bak", "07"),
    ("lib", "08"),
    ("lic", "09"),
];
const TYPES_PI18: Codes = &[("agm", "0"), ("flooded", "1"), ("user", "2")];

const OUTPUT_PRIORITY: Setter = Setter {
    name: "output_priority",
    class: Priorities,
    form: Form::Codes { command: "POP", codes: OUTPUT },
};

const fn charger(codes: Codes) -> Setter {
    let form = Form::UnitCodes { alone: "PCP", of_set: "PPCP", codes };
    Setter { name: "charger_priority", class: Priorities, form }
}

const fn types(codes: Codes) -> Setter {
    Setter { name: "battery_type", class: Battery, form: Form::Codes { command: "PBT", codes } }
}

const fn volts(
    name: &'static str,
    class: super::WriteClass,
    command: &'static str,
    range: Voltages,
) -> Setter {
    Setter { name, class, form: Form::Volts { command, range } }
}

const fn flag(name: &'static str, letter: char) -> Setter {
    Setter { name, class: Limits, form: Form::Flag { letter } }
}

/// The total current has a second command for three digits.
const TOTAL: Form = Form::Amperes { list: List::Total, below_100: "MCHGC", from_100: "MNCHGC" };
const GRID: Form = Form::Amperes { list: List::Grid, below_100: "MUCHGC", from_100: "MUCHGC" };

const CHARGE_CURRENT: Setter = Setter { name: "charge_current_max", class: Limits, form: TOTAL };
const GRID_CURRENT: Setter = Setter { name: "grid_charge_current_max", class: Limits, form: GRID };
const RECHARGE: Setter = volts("battery_recharge_voltage", Limits, "PBCV", Voltages::Recharge);
const REDISCHARGE: Setter = volts("battery_redischarge_voltage", Limits, "PBDV", Voltages::Redischarge);
const INPUT_RANGE: Setter = Setter {
    name: "inverter_input_range",
    class: Limits,
    form: Form::Codes { command: "PGR", codes: RANGE },
};
const BULK: Setter = volts("battery_bulk_voltage", Battery, "PCVV", Voltages::Charging);
const FLOAT: Setter = volts("battery_float_voltage", Battery, "PBFT", Voltages::Charging);
const CUTOFF: Setter = volts("battery_cutoff_voltage", Battery, "PSDV", Voltages::Cutoff);
const DISCHARGE: Setter = Setter {
    name: "discharge_current_max",
    class: Battery,
    form: Form::Discharge { command: "PBATMAXDISC" },
};

// The letters of QFLAG. `d`, feed-in, is not among them.
const BUZZER: Setter = flag("flag_buzzer", 'a');
const OVERLOAD_BYPASS: Setter = flag("flag_overload_bypass", 'b');
const POWER_SAVING: Setter = flag("flag_power_saving", 'j');
const LCD_RETURN: Setter = flag("flag_lcd_return", 'k');
const OVERLOAD_RESTART: Setter = flag("flag_overload_restart", 'u');
const OVER_TEMPERATURE_RESTART: Setter = flag("flag_over_temperature_restart", 'v');
const BACKLIGHT: Setter = flag("flag_backlight", 'x');
const SOURCE_ALARM: Setter = flag("flag_source_alarm", 'y');
const FAULT_RECORD: Setter = flag("flag_fault_record", 'z');

const PI30: &[Setter] = &[
    OUTPUT_PRIORITY,
    charger(CHARGER),
    CHARGE_CURRENT,
    GRID_CURRENT,
    RECHARGE,
    REDISCHARGE,
    INPUT_RANGE,
    BUZZER,
    OVERLOAD_BYPASS,
    POWER_SAVING,
    LCD_RETURN,
    OVERLOAD_RESTART,
    OVER_TEMPERATURE_RESTART,
    BACKLIGHT,
    SOURCE_ALARM,
    FAULT_RECORD,
    BULK,
    FLOAT,
    CUTOFF,
    types(TYPES),
];

const PI30MAX: &[Setter] = &[
    OUTPUT_PRIORITY,
    charger(CHARGER_NEW),
    CHARGE_CURRENT,
    GRID_CURRENT,
    RECHARGE,
    REDISCHARGE,
    INPUT_RANGE,
    BUZZER,
    OVERLOAD_BYPASS,
    POWER_SAVING,
    LCD_RETURN,
    OVERLOAD_RESTART,
    OVER_TEMPERATURE_RESTART,
    BACKLIGHT,
    SOURCE_ALARM,
    FAULT_RECORD,
    BULK,
    FLOAT,
    CUTOFF,
    types(TYPES_MAX),
    DISCHARGE,
];

const PI41: &[Setter] = &[
    OUTPUT_PRIORITY,
    charger(CHARGER_NEW),
    CHARGE_CURRENT,
    GRID_CURRENT,
    RECHARGE,
    REDISCHARGE,
    INPUT_RANGE,
    BUZZER,
    OVERLOAD_BYPASS,
    LCD_RETURN,
    OVERLOAD_RESTART,
    OVER_TEMPERATURE_RESTART,
    BACKLIGHT,
    SOURCE_ALARM,
    FAULT_RECORD,
    BULK,
    FLOAT,
    CUTOFF,
    types(TYPES),
];

// The letters of PI18 are others. `I`, the grid tie, is not among them.
const PI18: &[Setter] = &[
    Setter {
        name: "output_priority",
        class: Priorities,
        form: Form::Codes { command: "POP", codes: OUTPUT_PI18 },
    },
    Setter {
        name: "charger_priority",
        class: Priorities,
        form: Form::NumberedCodes { command: "PCP", codes: CHARGER_PI18 },
    },
    Setter {
        name: "charge_current_max",
        class: Limits,
        form: Form::AmperesComma { list: List::Total, command: "MCHGC" },
    },
    Setter {
        name: "grid_charge_current_max",
        class: Limits,
        form: Form::AmperesComma { list: List::Grid, command: "MUCHGC" },
    },
    Setter {
        name: "battery_recharge_voltage",
        class: Limits,
        form: Form::VoltsPair {
            command: "BUCD",
            range: Voltages::Recharge,
            place: Place::First(Metric::BatteryRedischargeVoltage),
        },
    },
    Setter {
        name: "battery_redischarge_voltage",
        class: Limits,
        form: Form::VoltsPair {
            command: "BUCD",
            range: Voltages::Redischarge,
            place: Place::Second(Metric::BatteryRechargeVoltage),
        },
    },
    Setter {
        name: "inverter_input_range",
        class: Limits,
        form: Form::Codes { command: "PGR", codes: RANGE_PI18 },
    },
    flag("flag_buzzer", 'A'),
    flag("flag_overload_bypass", 'B'),
    flag("flag_lcd_return", 'C'),
    flag("flag_overload_restart", 'D'),
    flag("flag_over_temperature_restart", 'E'),
    flag("flag_backlight", 'F'),
    flag("flag_source_alarm", 'G'),
    flag("flag_fault_record", 'H'),
    Setter {
        name: "battery_bulk_voltage",
        class: Battery,
        form: Form::VoltsPair {
            command: "MCHGV",
            range: Voltages::Charging,
            place: Place::First(Metric::BatteryFloatVoltage),
        },
    },
    Setter {
        name: "battery_float_voltage",
        class: Battery,
        form: Form::VoltsPair {
            command: "MCHGV",
            range: Voltages::Charging,
            place: Place::Second(Metric::BatteryBulkVoltage),
        },
    },
    Setter {
        name: "battery_cutoff_voltage",
        class: Battery,
        form: Form::DeciVolts { command: "PSDV", range: Voltages::Cutoff },
    },
    types(TYPES_PI18),
];

/// What can be set on units of a family; nothing on those that are only read.
pub(crate) fn of(family: Family) -> &'static [Setter] {
    match family {
        Family::Pi30 => PI30,
        Family::Pi30Max => PI30MAX,
        Family::Pi41 => PI41,
        Family::Pi18 => PI18,
        _ => &[],
    }
}
