//! The committed tables: what each family lets itself be set to, and the command of every value.

use std::fmt::Write as _;

use expect_test::expect;

use super::*;

/// The committed table: every mode on every family, with the exact write.
#[test]
#[expect(clippy::too_many_lines, reason = "the table")]
fn modes_by_family() {
    let modes = [
        "auto",
        "hold",
        "hold_charge",
        "idle",
        "charge",
        "charge 800 W",
        "discharge 500 W",
        "native:usb",
        "native:sub",
        "native:sbu",
        "native:eco",
    ];
    let mut table = String::new();
    for family in FAMILIES {
        writeln!(table, "{}", family.name()).expect("a string takes it");
        for mode in modes {
            let mode: BatteryMode = mode.parse().expect(mode);
            let planned = plan_mode(&mode, &known(*family), ALL);
            let shown = planned
                .map_or_else(|error| error.reason, |write| format!("{} -> {}", write.command, write.word));
            writeln!(table, "  {mode}: {shown}").expect("a string takes it");
        }
    }
    expect![[r#"
        PI30
          auto: POP02 -> SBU
          hold: POP00 -> USB
          hold_charge: hold_charge: no command of the unit does this; it can do auto, hold, native:usb, native:sub, native:sbu
          idle: idle: no command of the unit does this; it can do auto, hold, native:usb, native:sub, native:sbu
          charge: charge: the unit charges by its own rules and takes no power for it; charger_priority decides whether the grid may charge; it can do auto, hold, native:usb, native:sub, native:sbu
          charge 800 W: charge: the unit charges by its own rules and takes no power for it; charger_priority decides whether the grid may charge; it can do auto, hold, native:usb, native:sub, native:sbu
          discharge 500 W: discharge: the unit discharges as much as its loads take, and no power can be set; it can do auto, hold, native:usb, native:sub, native:sbu
          native:usb: POP00 -> USB
          native:sub: POP01 -> SUB
          native:sbu: POP02 -> SBU
          native:eco: native:eco: the unit has no such mode; it can do auto, hold, native:usb, native:sub, native:sbu
        PI30MAX
          auto: POP02 -> SBU
          hold: POP00 -> USB
          hold_charge: hold_charge: no command of the unit does this; it can do auto, hold, native:usb, native:sub, native:sbu
          idle: idle: no command of the unit does this; it can do auto, hold, native:usb, native:sub, native:sbu
          charge: charge: the unit charges by its own rules and takes no power for it; charger_priority decides whether the grid may charge; it can do auto, hold, native:usb, native:sub, native:sbu
          charge 800 W: charge: the unit charges by its own rules and takes no power for it; charger_priority decides whether the grid may charge; it can do auto, hold, native:usb, native:sub, native:sbu
          discharge 500 W: discharge: the unit discharges as much as its loads take, and no power can be set; it can do auto, hold, native:usb, native:sub, native:sbu
          native:usb: POP00 -> USB
          native:sub: POP01 -> SUB
          native:sbu: POP02 -> SBU
          native:eco: native:eco: the unit has no such mode; it can do auto, hold, native:usb, native:sub, native:sbu
        PI30REVO
          auto: a PI30REVO inverter is only read: its commands write the whole configuration at once
          hold: a PI30REVO inverter is only read: its commands write the whole configuration at once
          hold_charge: a PI30REVO inverter is only read: its commands write the whole configuration at once
          idle: a PI30REVO inverter is only read: its commands write the whole configuration at once
          charge: a PI30REVO inverter is only read: its commands write the whole configuration at once
          charge 800 W: a PI30REVO inverter is only read: its commands write the whole configuration at once
          discharge 500 W: a PI30REVO inverter is only read: its commands write the whole configuration at once
          native:usb: a PI30REVO inverter is only read: its commands write the whole configuration at once
          native:sub: a PI30REVO inverter is only read: its commands write the whole configuration at once
          native:sbu: a PI30REVO inverter is only read: its commands write the whole configuration at once
          native:eco: a PI30REVO inverter is only read: its commands write the whole configuration at once
        PI41
          auto: POP02 -> SBU
          hold: POP00 -> USB
          hold_charge: hold_charge: no command of the unit does this; it can do auto, hold, native:usb, native:sub, native:sbu
          idle: idle: no command of the unit does this; it can do auto, hold, native:usb, native:sub, native:sbu
          charge: charge: the unit charges by its own rules and takes no power for it; charger_priority decides whether the grid may charge; it can do auto, hold, native:usb, native:sub, native:sbu
          charge 800 W: charge: the unit charges by its own rules and takes no power for it; charger_priority decides whether the grid may charge; it can do auto, hold, native:usb, native:sub, native:sbu
          discharge 500 W: discharge: the unit discharges as much as its loads take, and no power can be set; it can do auto, hold, native:usb, native:sub, native:sbu
          native:usb: POP00 -> USB
          native:sub: POP01 -> SUB
          native:sbu: POP02 -> SBU
          native:eco: native:eco: the unit has no such mode; it can do auto, hold, native:usb, native:sub, native:sbu
        PI18
          auto: POP1 -> SBU
          hold: hold: a PI18 inverter has no priority that puts the grid first; it can do auto, native:sub, native:sbu
          hold_charge: hold_charge: no command of the unit does this; it can do auto, native:sub, native:sbu
          idle: idle: no command of the unit does this; it can do auto, native:sub, native:sbu
          charge: charge: the unit charges by its own rules and takes no power for it; charger_priority decides whether the grid may charge; it can do auto, native:sub, native:sbu
          charge 800 W: charge: the unit charges by its own rules and takes no power for it; charger_priority decides whether the grid may charge; it can do auto, native:sub, native:sbu
          discharge 500 W: discharge: the unit discharges as much as its loads take, and no power can be set; it can do auto, native:sub, native:sbu
          native:usb: native:usb: a PI18 inverter has no priority that puts the grid first; it can do auto, native:sub, native:sbu
          native:sub: POP0 -> SUB
          native:sbu: POP1 -> SBU
          native:eco: native:eco: the unit has no such mode; it can do auto, native:sub, native:sbu
        PI17
          auto: a PI17 inverter is only read: its commands are not proven yet
          hold: a PI17 inverter is only read: its commands are not proven yet
          hold_charge: a PI17 inverter is only read: its commands are not proven yet
          idle: a PI17 inverter is only read: its commands are not proven yet
          charge: a PI17 inverter is only read: its commands are not proven yet
          charge 800 W: a PI17 inverter is only read: its commands are not proven yet
          discharge 500 W: a PI17 inverter is only read: its commands are not proven yet
          native:usb: a PI17 inverter is only read: its commands are not proven yet
          native:sub: a PI17 inverter is only read: its commands are not proven yet
          native:sbu: a PI17 inverter is only read: its commands are not proven yet
          native:eco: a PI17 inverter is only read: its commands are not proven yet
    "#]].assert_eq(&table);
}

/// The committed table: every setting of every family with every value, or the ends of a range.
#[test]
#[expect(clippy::too_many_lines, reason = "the table")]
fn settings_by_family() {
    let mut table = String::new();
    for family in FAMILIES {
        writeln!(table, "{}", family.name()).expect("a string takes it");
        for setting in offered(&known(*family), ALL) {
            let values: Vec<String> = match &setting.allowed {
                Allowed::States(keys) => keys.iter().map(|key| (*key).to_owned()).collect(),
                Allowed::Numbers(numbers) => numbers.iter().map(ToString::to_string).collect(),
                Allowed::Range { min, max, .. } | Allowed::RangeOrNone { min, max, .. } => {
                    vec![format!("{min:.1}"), format!("{max:.1}")]
                }
            };
            writeln!(table, "  {setting}").expect("a string takes it");
            for value in values {
                let shown = match set(&known(*family), setting.metric.id(), &value) {
                    Ok((command, word)) => format!("{command} -> {word}"),
                    Err(reason) => reason,
                };
                writeln!(table, "    {value}: {shown}").expect("a string takes it");
            }
        }
    }
    expect![[r#"
        PI30
          output_priority: one of utility_first, solar_first, solar_battery_utility
            utility_first: POP00 -> USB
            solar_first: POP01 -> SUB
            solar_battery_utility: POP02 -> SBU
          charger_priority: one of utility_first, solar_first, solar_and_utility, solar_only
            utility_first: PCP00 -> utility_first
            solar_first: PCP01 -> solar_first
            solar_and_utility: PCP02 -> solar_and_utility
            solar_only: PCP03 -> solar_only
          charge_current_max: one of 10, 60, 100, 120 A
            10: charging altogether with 10 A is less than charging from the grid, 30 A: lower grid_charge_current_max first
            60: MCHGC060 -> 60 A
            100: MNCHGC0100 -> 100 A
            120: MNCHGC0120 -> 120 A
          grid_charge_current_max: one of 2, 30, 100 A
            2: MUCHGC002 -> 2 A
            30: MUCHGC030 -> 30 A
            100: MUCHGC0100 -> 100 A
          battery_recharge_voltage: one of 44, 45, 46, 47, 48, 49, 50, 51 V
            44: PBCV44.0 -> 44.0 V
            45: PBCV45.0 -> 45.0 V
            46: PBCV46.0 -> 46.0 V
            47: PBCV47.0 -> 47.0 V
            48: PBCV48.0 -> 48.0 V
            49: PBCV49.0 -> 49.0 V
            50: PBCV50.0 -> 50.0 V
            51: PBCV51.0 -> 51.0 V
          battery_redischarge_voltage: one of 0, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58 V
            0: PBDV00.0 -> 0.0 V
            48: PBDV48.0 -> 48.0 V
            49: PBDV49.0 -> 49.0 V
            50: PBDV50.0 -> 50.0 V
            51: PBDV51.0 -> 51.0 V
            52: PBDV52.0 -> 52.0 V
            53: PBDV53.0 -> 53.0 V
            54: PBDV54.0 -> 54.0 V
            55: PBDV55.0 -> 55.0 V
            56: PBDV56.0 -> 56.0 V
            57: PBDV57.0 -> 57.0 V
            58: PBDV58.0 -> 58.0 V
          inverter_input_range: one of appliance, ups
            appliance: PGR00 -> appliance
            ups: PGR01 -> ups
          flag_buzzer: one of no, yes
            no: PDa -> no
            yes: PEa -> yes
          flag_overload_bypass: one of no, yes
            no: PDb -> no
            yes: PEb -> yes
          flag_power_saving: one of no, yes
            no: PDj -> no
            yes: PEj -> yes
          flag_lcd_return: one of no, yes
            no: PDk -> no
            yes: PEk -> yes
          flag_overload_restart: one of no, yes
            no: PDu -> no
            yes: PEu -> yes
          flag_over_temperature_restart: one of no, yes
            no: PDv -> no
            yes: PEv -> yes
          flag_backlight: one of no, yes
            no: PDx -> no
            yes: PEx -> yes
          flag_source_alarm: one of no, yes
            no: PDy -> no
            yes: PEy -> yes
          flag_fault_record: one of no, yes
            no: PDz -> no
            yes: PEz -> yes
          battery_bulk_voltage: 48 to 58.4 V in steps of 0.1 V
            48.0: battery_float_voltage must not be above battery_bulk_voltage: 54 V and 48 V
            58.4: PCVV58.4 -> 58.4 V
          battery_float_voltage: 48 to 58.4 V in steps of 0.1 V
            48.0: PBFT48.0 -> 48.0 V
            58.4: battery_float_voltage must not be above battery_bulk_voltage: 58.4 V and 56.4 V
          battery_cutoff_voltage: 42 to 48 V in steps of 0.1 V
            42.0: PSDV42.0 -> 42.0 V
            48.0: battery_cutoff_voltage must be below battery_recharge_voltage: 48 V and 46 V
          battery_type: one of agm, flooded, user
            agm: PBT00 -> agm
            flooded: PBT01 -> flooded
            user: PBT02 -> user
        PI30MAX
          output_priority: one of utility_first, solar_first, solar_battery_utility
            utility_first: POP00 -> USB
            solar_first: POP01 -> SUB
            solar_battery_utility: POP02 -> SBU
          charger_priority: one of solar_first, solar_and_utility, solar_only
            solar_first: PCP01 -> solar_first
            solar_and_utility: PCP02 -> solar_and_utility
            solar_only: PCP03 -> solar_only
          charge_current_max: one of 10, 60, 100, 120 A
            10: charging altogether with 10 A is less than charging from the grid, 30 A: lower grid_charge_current_max first
            60: MCHGC060 -> 60 A
            100: MNCHGC0100 -> 100 A
            120: MNCHGC0120 -> 120 A
          grid_charge_current_max: one of 2, 30, 100 A
            2: MUCHGC002 -> 2 A
            30: MUCHGC030 -> 30 A
            100: MUCHGC0100 -> 100 A
          battery_recharge_voltage: one of 44, 45, 46, 47, 48, 49, 50, 51 V
            44: PBCV44.0 -> 44.0 V
            45: PBCV45.0 -> 45.0 V
            46: PBCV46.0 -> 46.0 V
            47: PBCV47.0 -> 47.0 V
            48: PBCV48.0 -> 48.0 V
            49: PBCV49.0 -> 49.0 V
            50: PBCV50.0 -> 50.0 V
            51: PBCV51.0 -> 51.0 V
          battery_redischarge_voltage: one of 0, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58 V
            0: PBDV00.0 -> 0.0 V
            48: PBDV48.0 -> 48.0 V
            49: PBDV49.0 -> 49.0 V
            50: PBDV50.0 -> 50.0 V
            51: PBDV51.0 -> 51.0 V
            52: PBDV52.0 -> 52.0 V
            53: PBDV53.0 -> 53.0 V
            54: PBDV54.0 -> 54.0 V
            55: PBDV55.0 -> 55.0 V
            56: PBDV56.0 -> 56.0 V
            57: PBDV57.0 -> 57.0 V
            58: PBDV58.0 -> 58.0 V
          inverter_input_range: one of appliance, ups
            appliance: PGR00 -> appliance
            ups: PGR01 -> ups
          flag_buzzer: one of no, yes
            no: PDa -> no
            yes: PEa -> yes
          flag_overload_bypass: one of no, yes
            no: PDb -> no
            yes: PEb -> yes
          flag_power_saving: one of no, yes
            no: PDj -> no
            yes: PEj -> yes
          flag_lcd_return: one of no, yes
            no: PDk -> no
            yes: PEk -> yes
          flag_overload_restart: one of no, yes
            no: PDu -> no
            yes: PEu -> yes
          flag_over_temperature_restart: one of no, yes
            no: PDv -> no
            yes: PEv -> yes
          flag_backlight: one of no, yes
            no: PDx -> no
            yes: PEx -> yes
          flag_source_alarm: one of no, yes
            no: PDy -> no
            yes: PEy -> yes
          flag_fault_record: one of no, yes
            no: PDz -> no
            yes: PEz -> yes
          battery_bulk_voltage: 48 to 58.4 V in steps of 0.1 V
            48.0: battery_float_voltage must not be above battery_bulk_voltage: 54 V and 48 V
            58.4: PCVV58.4 -> 58.4 V
          battery_float_voltage: 48 to 58.4 V in steps of 0.1 V
            48.0: PBFT48.0 -> 48.0 V
            58.4: battery_float_voltage must not be above battery_bulk_voltage: 58.4 V and 56.4 V
          battery_cutoff_voltage: 42 to 48 V in steps of 0.1 V
            42.0: PSDV42.0 -> 42.0 V
            48.0: battery_cutoff_voltage must be below battery_recharge_voltage: 48 V and 46 V
          battery_type: one of agm, flooded, user, pylontech, shinheung, weco, soltaro, bak, lib, lic
            agm: PBT00 -> agm
            flooded: PBT01 -> flooded
            user: PBT02 -> user
            pylontech: PBT03 -> pylontech
            shinheung: PBT04 -> shinheung
            weco: PBT05 -> weco
            soltaro: PBT06 -> soltaro
            bak: PBT07 -> bak
            lib: PBT08 -> lib
            lic: PBT09 -> lic
          discharge_current_max: one of 0, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150 A
            0: PBATMAXDISC000 -> 0 A
            30: PBATMAXDISC030 -> 30 A
            40: PBATMAXDISC040 -> 40 A
            50: PBATMAXDISC050 -> 50 A
            60: PBATMAXDISC060 -> 60 A
            70: PBATMAXDISC070 -> 70 A
            80: PBATMAXDISC080 -> 80 A
            90: PBATMAXDISC090 -> 90 A
            100: PBATMAXDISC100 -> 100 A
            110: PBATMAXDISC110 -> 110 A
            120: PBATMAXDISC120 -> 120 A
            130: PBATMAXDISC130 -> 130 A
            140: PBATMAXDISC140 -> 140 A
            150: PBATMAXDISC150 -> 150 A
        PI30REVO
        PI41
          output_priority: one of utility_first, solar_first, solar_battery_utility
            utility_first: POP00 -> USB
            solar_first: POP01 -> SUB
            solar_battery_utility: POP02 -> SBU
          charger_priority: one of solar_first, solar_and_utility, solar_only
            solar_first: PCP01 -> solar_first
            solar_and_utility: PCP02 -> solar_and_utility
            solar_only: PCP03 -> solar_only
          charge_current_max: one of 10, 60, 100, 120 A
            10: charging altogether with 10 A is less than charging from the grid, 30 A: lower grid_charge_current_max first
            60: MCHGC060 -> 60 A
            100: MNCHGC0100 -> 100 A
            120: MNCHGC0120 -> 120 A
          grid_charge_current_max: one of 2, 30, 100 A
            2: MUCHGC002 -> 2 A
            30: MUCHGC030 -> 30 A
            100: MUCHGC0100 -> 100 A
          battery_recharge_voltage: one of 44, 45, 46, 47, 48, 49, 50, 51 V
            44: PBCV44.0 -> 44.0 V
            45: PBCV45.0 -> 45.0 V
            46: PBCV46.0 -> 46.0 V
            47: PBCV47.0 -> 47.0 V
            48: PBCV48.0 -> 48.0 V
            49: PBCV49.0 -> 49.0 V
            50: PBCV50.0 -> 50.0 V
            51: PBCV51.0 -> 51.0 V
          battery_redischarge_voltage: one of 0, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58 V
            0: PBDV00.0 -> 0.0 V
            48: PBDV48.0 -> 48.0 V
            49: PBDV49.0 -> 49.0 V
            50: PBDV50.0 -> 50.0 V
            51: PBDV51.0 -> 51.0 V
            52: PBDV52.0 -> 52.0 V
            53: PBDV53.0 -> 53.0 V
            54: PBDV54.0 -> 54.0 V
            55: PBDV55.0 -> 55.0 V
            56: PBDV56.0 -> 56.0 V
            57: PBDV57.0 -> 57.0 V
            58: PBDV58.0 -> 58.0 V
          inverter_input_range: one of appliance, ups
            appliance: PGR00 -> appliance
            ups: PGR01 -> ups
          flag_buzzer: one of no, yes
            no: PDa -> no
            yes: PEa -> yes
          flag_overload_bypass: one of no, yes
            no: PDb -> no
            yes: PEb -> yes
          flag_lcd_return: one of no, yes
            no: PDk -> no
            yes: PEk -> yes
          flag_overload_restart: one of no, yes
            no: PDu -> no
            yes: PEu -> yes
          flag_over_temperature_restart: one of no, yes
            no: PDv -> no
            yes: PEv -> yes
          flag_backlight: one of no, yes
            no: PDx -> no
            yes: PEx -> yes
          flag_source_alarm: one of no, yes
            no: PDy -> no
            yes: PEy -> yes
          flag_fault_record: one of no, yes
            no: PDz -> no
            yes: PEz -> yes
          battery_bulk_voltage: 48 to 58.4 V in steps of 0.1 V
            48.0: battery_float_voltage must not be above battery_bulk_voltage: 54 V and 48 V
            58.4: PCVV58.4 -> 58.4 V
          battery_float_voltage: 48 to 58.4 V in steps of 0.1 V
            48.0: PBFT48.0 -> 48.0 V
            58.4: battery_float_voltage must not be above battery_bulk_voltage: 58.4 V and 56.4 V
          battery_cutoff_voltage: 42 to 48 V in steps of 0.1 V
            42.0: PSDV42.0 -> 42.0 V
            48.0: battery_cutoff_voltage must be below battery_recharge_voltage: 48 V and 46 V
          battery_type: one of agm, flooded, user
            agm: PBT00 -> agm
            flooded: PBT01 -> flooded
            user: PBT02 -> user
        PI18
          output_priority: one of solar_first, solar_battery_utility
            solar_first: POP0 -> SUB
            solar_battery_utility: POP1 -> SBU
          charger_priority: one of solar_first, solar_and_utility, solar_only
            solar_first: PCP0,0 -> solar_first
            solar_and_utility: PCP0,1 -> solar_and_utility
            solar_only: PCP0,2 -> solar_only
          charge_current_max: one of 10, 60, 100, 120 A
            10: charging altogether with 10 A is less than charging from the grid, 30 A: lower grid_charge_current_max first
            60: MCHGC0,060 -> 60 A
            100: MCHGC0,100 -> 100 A
            120: MCHGC0,120 -> 120 A
          grid_charge_current_max: one of 2, 30, 100 A
            2: MUCHGC0,002 -> 2 A
            30: MUCHGC0,030 -> 30 A
            100: MUCHGC0,100 -> 100 A
          battery_recharge_voltage: one of 44, 45, 46, 47, 48, 49, 50, 51 V
            44: BUCD440,540 -> 44.0 V, battery_redischarge_voltage 54.0 V
            45: BUCD450,540 -> 45.0 V, battery_redischarge_voltage 54.0 V
            46: BUCD460,540 -> 46.0 V, battery_redischarge_voltage 54.0 V
            47: BUCD470,540 -> 47.0 V, battery_redischarge_voltage 54.0 V
            48: BUCD480,540 -> 48.0 V, battery_redischarge_voltage 54.0 V
            49: BUCD490,540 -> 49.0 V, battery_redischarge_voltage 54.0 V
            50: BUCD500,540 -> 50.0 V, battery_redischarge_voltage 54.0 V
            51: BUCD510,540 -> 51.0 V, battery_redischarge_voltage 54.0 V
          battery_redischarge_voltage: one of 0, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58 V
            0: BUCD460,000 -> 0.0 V, battery_recharge_voltage 46.0 V
            48: BUCD460,480 -> 48.0 V, battery_recharge_voltage 46.0 V
            49: BUCD460,490 -> 49.0 V, battery_recharge_voltage 46.0 V
            50: BUCD460,500 -> 50.0 V, battery_recharge_voltage 46.0 V
            51: BUCD460,510 -> 51.0 V, battery_recharge_voltage 46.0 V
            52: BUCD460,520 -> 52.0 V, battery_recharge_voltage 46.0 V
            53: BUCD460,530 -> 53.0 V, battery_recharge_voltage 46.0 V
            54: BUCD460,540 -> 54.0 V, battery_recharge_voltage 46.0 V
            55: BUCD460,550 -> 55.0 V, battery_recharge_voltage 46.0 V
            56: BUCD460,560 -> 56.0 V, battery_recharge_voltage 46.0 V
            57: BUCD460,570 -> 57.0 V, battery_recharge_voltage 46.0 V
            58: BUCD460,580 -> 58.0 V, battery_recharge_voltage 46.0 V
          inverter_input_range: one of appliance, ups
            appliance: PGR0 -> appliance
            ups: PGR1 -> ups
          flag_buzzer: one of no, yes
            no: PDA -> no
            yes: PEA -> yes
          flag_overload_bypass: one of no, yes
            no: PDB -> no
            yes: PEB -> yes
          flag_lcd_return: one of no, yes
            no: PDC -> no
            yes: PEC -> yes
          flag_overload_restart: one of no, yes
            no: PDD -> no
            yes: PED -> yes
          flag_over_temperature_restart: one of no, yes
            no: PDE -> no
            yes: PEE -> yes
          flag_backlight: one of no, yes
            no: PDF -> no
            yes: PEF -> yes
          flag_source_alarm: one of no, yes
            no: PDG -> no
            yes: PEG -> yes
          flag_fault_record: one of no, yes
            no: PDH -> no
            yes: PEH -> yes
          battery_bulk_voltage: 48 to 58.4 V in steps of 0.1 V
            48.0: battery_float_voltage must not be above battery_bulk_voltage: 54 V and 48 V
            58.4: MCHGV584,540 -> 58.4 V, battery_float_voltage 54.0 V
          battery_float_voltage: 48 to 58.4 V in steps of 0.1 V
            48.0: MCHGV564,480 -> 48.0 V, battery_bulk_voltage 56.4 V
            58.4: battery_float_voltage must not be above battery_bulk_voltage: 58.4 V and 56.4 V
          battery_cutoff_voltage: 42 to 48 V in steps of 0.1 V
            42.0: PSDV420 -> 42.0 V
            48.0: battery_cutoff_voltage must be below battery_recharge_voltage: 48 V and 46 V
          battery_type: one of agm, flooded, user
            agm: PBT0 -> agm
            flooded: PBT1 -> flooded
            user: PBT2 -> user
        PI17
    "#]]
    .assert_eq(&table);
}
