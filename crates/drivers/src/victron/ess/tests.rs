use super::super::canonical::tests::house_with;
use super::super::tree::Tree;
use super::*;
use expect_test::expect;
use ohmstead_model::Assignment;
use std::fmt::Write as _;

/// Service, path, value.
type Changes = &'static [(&'static str, &'static str, &'static str)];

const BUDGET: Budget = Budget { interval: Duration::from_secs(60), per_day: 24 };

fn planned(wish: &str, tree: &Tree, kind: Kind) -> String {
    let wish: Wish = wish.parse().expect(wish);
    match plan(&wish, &Site::of(tree), kind, BUDGET) {
        Err(error) => error.to_string(),
        Ok(plan) => {
            let wear = plan.wear.map(|wear| format!(" [wears {}]", wear.part)).unwrap_or_default();
            let power = plan.expect_power.map(|power| format!(", {}", power.supplied())).unwrap_or_default();
            format!("{} -> {}{power}{wear}", plan.writes.join("; "), plan.expect_word)
        }
    }
}

/// The committed table: every wish in every state of a system, with the exact writes.
#[test]
#[expect(clippy::too_many_lines, reason = "the table")]
fn wishes_by_system() {
    const WISHES: &[&str] = &[
        "auto",
        "hold",
        "charge",
        "charge 800 W",
        "charge 800 W until 90 %",
        "discharge 800 W",
        "discharge",
        "hold_charge",
        "idle",
        "native:keep_charged",
        "native:optimized",
        "native:ups",
        "grid_setpoint=-800",
        "grid_setpoint=none",
        "max_discharge_power=-1",
        "max_discharge_power=none",
        "max_discharge_power=2500 W",
        "max_feed_in_power=5000",
        "minimum_soc=20",
        "minimum_soc=120",
        "max_charge_current=25",
        "grid_code=1",
    ];
    const OLD: &[(&str, &str, &str)] = &[("platform", "/Firmware/Installed/Version", "v3.22")];
    let systems: &[(&str, Changes)] = &[("Venus OS 3.70, ESS", &[]), ("Venus OS 3.22, ESS", OLD)];
    let refusals: &[(&str, Changes)] = &[
        ("no ESS assistant", &[("vebus.ttyS4", "/Hub4/AssistantId", "")]),
        ("another assistant", &[("vebus.ttyS4", "/Hub4/AssistantId", "3")]),
        ("external control", &[("settings", "/Settings/CGwacs/Hub4Mode", "3")]),
        ("individual phases", &[("settings", "/Settings/CGwacs/Hub4Mode", "2")]),
        ("BMS forbids charging", &[("battery.can0", "/Info/MaxChargeCurrent", "0")]),
        ("load unknown", &[("system", "/Ac/Consumption/L3/Power", "")]),
        ("Dynamic ESS", &[("system", "/DynamicEss/Active", "1")]),
        ("a scheduled charge", &[("system", "/Control/ScheduledCharge", "1")]),
        ("no meter", &[("hub4", "/Alarms/NoGridMeter", "2")]),
        ("off", &[("vebus.ttyS4", "/State", "0")]),
        ("no grid", &[("vebus.ttyS4", "/Ac/ActiveIn/Connected", "0")]),
    ];
    let mut table = String::new();
    for (name, changes) in systems {
        writeln!(table, "{name}").expect("a string takes it");
        let tree = house_with(changes);
        for wish in WISHES {
            writeln!(table, "  {wish}: {}", planned(wish, &tree, Kind::Dbus)).expect("a string takes it");
        }
    }
    for (name, changes) in refusals {
        writeln!(
            table,
            "{name}\n  charge 800 W: {}",
            planned("charge 800 W", &house_with(changes), Kind::Dbus)
        )
        .expect("a string takes it");
    }
    let empty = house_with(&[("system", "/Dc/Battery/Soc", "10")]);
    writeln!(table, "empty\n  discharge 800 W: {}", planned("discharge 800 W", &empty, Kind::Dbus))
        .expect("a string takes it");
    writeln!(table, "over Modbus\n  hold: {}", planned("hold", &house_with(&[]), Kind::Modbus))
        .expect("a string takes it");
    writeln!(table, "nothing there\n  hold: {}", planned("hold", &Tree::default(), Kind::Dbus))
        .expect("a string takes it");
    expect![[r#"
        Venus OS 3.70, ESS
          auto: com.victronenergy.hub4 /Overrides/ForceCharge = 0; com.victronenergy.hub4 /Overrides/Setpoint = []; com.victronenergy.hub4 /Overrides/MaxDischargePower = -1 -> no override
          hold: com.victronenergy.hub4 /Overrides/MaxDischargePower = 1; com.victronenergy.hub4 /Overrides/ForceCharge = 0; com.victronenergy.hub4 /Overrides/Setpoint = [] -> discharge up to 1 W
          charge: com.victronenergy.hub4 /Overrides/ForceCharge = 1; com.victronenergy.hub4 /Overrides/Setpoint = []; com.victronenergy.hub4 /Overrides/MaxDischargePower = -1 -> force charge
          charge 800 W: com.victronenergy.hub4 /Overrides/MaxDischargePower = 1; com.victronenergy.hub4 /Overrides/ForceCharge = 0; com.victronenergy.hub4 /Overrides/Setpoint = -453 -> set point -453 W, discharge up to 1 W, -900 W
          charge 800 W until 90 %: the GX device cannot stop a charge at a state of charge by itself; leave `until` out and give a time instead
          discharge 800 W: com.victronenergy.hub4 /Overrides/MaxDischargePower = 1615; com.victronenergy.hub4 /Overrides/ForceCharge = 0; com.victronenergy.hub4 /Overrides/Setpoint = -3115 -> set point -3115 W, discharge up to 1615 W, 800 W
          discharge: say how much, such as 800 W: what exceeds the house's needs is fed into the grid
          hold_charge: hold_charge: no override of a GX device forbids charging; to forbid it until you change it back, set max_charge_current=0, and hold against discharging
          idle: idle: no override of a GX device forbids charging; to forbid it until you change it back, set max_charge_current=0, and hold against discharging
          native:keep_charged: com.victronenergy.settings /Settings/CGwacs/BatteryLife/State = 9 -> keep_charged [wears ess_state]
          native:optimized: com.victronenergy.settings /Settings/CGwacs/BatteryLife/State = 10 -> optimized [wears ess_state]
          native:ups: native:ups: a GX device has native:optimized_with_batterylife, native:keep_charged, native:optimized
          grid_setpoint=-800: com.victronenergy.hub4 /Overrides/Setpoint = -800 -> -800 W
          grid_setpoint=none: com.victronenergy.hub4 /Overrides/Setpoint = [] -> none
          max_discharge_power=-1: com.victronenergy.hub4 /Overrides/MaxDischargePower = -1 -> -1 W
          max_discharge_power=none: com.victronenergy.hub4 /Overrides/MaxDischargePower = -1 -> -1 W
          max_discharge_power=2500 W: com.victronenergy.hub4 /Overrides/MaxDischargePower = 2500 -> 2500 W
          max_feed_in_power=5000: com.victronenergy.settings /Settings/CGwacs/MaxFeedInPower = 5000 -> 5000 W [wears max_feed_in_power]
          minimum_soc=20: com.victronenergy.settings /Settings/CGwacs/BatteryLife/MinimumSocLimit = 20 -> 20 % [wears minimum_soc]
          minimum_soc=120: minimum_soc cannot be "120": expected 0 to 100 % in steps of 1 %
          max_charge_current=25: com.victronenergy.settings /Settings/SystemSetup/MaxChargeCurrent = 25 -> 25 A [wears max_charge_current]
          grid_code=1: grid_code cannot be set on a GX device; it has grid_setpoint, max_discharge_power, max_feed_in_power, minimum_soc, max_charge_current
        Venus OS 3.22, ESS
          auto: com.victronenergy.settings /Settings/CGwacs/MaxDischargePower = -1 -> no limit [wears max_discharge_power]
          hold: com.victronenergy.settings /Settings/CGwacs/MaxDischargePower = 0 -> discharge up to 0 W [wears max_discharge_power]
          charge: this needs the overrides of Venus OS 3.50 or later: settings could do it too, but each write would wear the flash; see the settings grid_setpoint and max_discharge_power
          charge 800 W: this needs the overrides of Venus OS 3.50 or later: settings could do it too, but each write would wear the flash; see the settings grid_setpoint and max_discharge_power
          charge 800 W until 90 %: the GX device cannot stop a charge at a state of charge by itself; leave `until` out and give a time instead
          discharge 800 W: this needs the overrides of Venus OS 3.50 or later: settings could do it too, but each write would wear the flash; see the settings grid_setpoint and max_discharge_power
          discharge: this needs the overrides of Venus OS 3.50 or later: settings could do it too, but each write would wear the flash; see the settings grid_setpoint and max_discharge_power
          hold_charge: hold_charge: no override of a GX device forbids charging; to forbid it until you change it back, set max_charge_current=0, and hold against discharging
          idle: idle: no override of a GX device forbids charging; to forbid it until you change it back, set max_charge_current=0, and hold against discharging
          native:keep_charged: com.victronenergy.settings /Settings/CGwacs/BatteryLife/State = 9 -> keep_charged [wears ess_state]
          native:optimized: com.victronenergy.settings /Settings/CGwacs/BatteryLife/State = 10 -> optimized [wears ess_state]
          native:ups: native:ups: a GX device has native:optimized_with_batterylife, native:keep_charged, native:optimized
          grid_setpoint=-800: com.victronenergy.settings /Settings/CGwacs/AcPowerSetPoint = -800 -> -800 W [wears grid_setpoint]
          grid_setpoint=none: grid_setpoint cannot be "none": expected -300000 to 300000 W in steps of 1 W
          max_discharge_power=-1: com.victronenergy.settings /Settings/CGwacs/MaxDischargePower = -1 -> -1 W [wears max_discharge_power]
          max_discharge_power=none: com.victronenergy.settings /Settings/CGwacs/MaxDischargePower = -1 -> -1 W [wears max_discharge_power]
          max_discharge_power=2500 W: com.victronenergy.settings /Settings/CGwacs/MaxDischargePower = 2500 -> 2500 W [wears max_discharge_power]
          max_feed_in_power=5000: com.victronenergy.settings /Settings/CGwacs/MaxFeedInPower = 5000 -> 5000 W [wears max_feed_in_power]
          minimum_soc=20: com.victronenergy.settings /Settings/CGwacs/BatteryLife/MinimumSocLimit = 20 -> 20 % [wears minimum_soc]
          minimum_soc=120: minimum_soc cannot be "120": expected 0 to 100 % in steps of 1 %
          max_charge_current=25: com.victronenergy.settings /Settings/SystemSetup/MaxChargeCurrent = 25 -> 25 A [wears max_charge_current]
          grid_code=1: grid_code cannot be set on a GX device; it has grid_setpoint, max_discharge_power, max_feed_in_power, minimum_soc, max_charge_current
        no ESS assistant
          charge 800 W: the inverter has no ESS assistant: it must be installed with VEConfigure first
        another assistant
          charge 800 W: the inverter has an assistant that is not ESS (number 3)
        external control
          charge 800 W: ESS is set to external control: the GX device leaves control to another program
        individual phases
          charge 800 W: com.victronenergy.hub4 /Overrides/MaxDischargePower = 1; com.victronenergy.hub4 /Overrides/ForceCharge = 0; com.victronenergy.hub4 /Overrides/Setpoint = -453 -> set point -453 W, discharge up to 1 W, -900 W
        BMS forbids charging
          charge 800 W: the battery's BMS allows no charging at present (0 A)
        load unknown
          charge 800 W: the consumption of the house is not known, so no set point can be told; a charge without a power needs none
        Dynamic ESS
          charge 800 W: Dynamic ESS is in control of the battery: it is left alone until that ends
        a scheduled charge
          charge 800 W: a scheduled charge of the GX device is in control of the battery: it is left alone until that ends
        no meter
          charge 800 W: ESS does not measure the grid at present: its meter is lost
        off
          charge 800 W: the inverter is off
        no grid
          charge 800 W: the inverter is not connected to the grid at present
        empty
          discharge 800 W: the battery is at 10 %, and ESS does not discharge it below 10 %
        over Modbus
          hold: Modbus TCP is only read: it cannot write "no value", which is how an override ends; configure dbus or mqtt as well
        nothing there
          hold: no Multi or Quattro is connected to the GX device
    "#]].assert_eq(&table);
}

#[test]
fn what_is_offered_can_be_planned() {
    let tree = house_with(&[]);
    let site = Site::of(&tree);
    assert_eq!(
        modes(&site, Kind::Dbus),
        [
            "auto",
            "hold",
            "charge",
            "discharge",
            "native:optimized_with_batterylife",
            "native:keep_charged",
            "native:optimized"
        ]
    );
    for mode in modes(&site, Kind::Dbus) {
        let power = if mode == "discharge" { " 800 W" } else { "" };
        assert!(
            plan(&format!("{mode}{power}").parse().expect("a wish"), &site, Kind::Dbus, BUDGET).is_ok(),
            "{mode}"
        );
    }
    let offered = settings(&site, Kind::Dbus);
    assert_eq!(offered.len(), LEVERS.len());
    assert!(modes(&site, Kind::Modbus).is_empty() && settings(&site, Kind::Modbus).is_empty());
}

#[test]
fn only_a_forced_charge_ends_by_itself() {
    let tree = house_with(&[]);
    let lasts = |wish: &str| {
        let plan = plan(&wish.parse().expect(wish), &Site::of(&tree), Kind::Dbus, BUDGET).expect(wish);
        (plan.lasts, plan.follow_every.is_some())
    };
    assert_eq!(lasts("charge"), (Some(Duration::from_secs(300)), false));
    assert_eq!(lasts("hold"), (None, false), "stays until it is taken back");
    assert_eq!(lasts("charge 800 W"), (None, true), "the house changes meanwhile");
    assert_eq!(lasts("discharge 800 W"), (None, true));
    assert_eq!(lasts("grid_setpoint=-800"), (None, false));
}

#[test]
fn the_way_back() {
    let (new, old) = (house_with(&[]), house_with(&[("platform", "/Firmware/Installed/Version", "v3.22")]));
    let on = |tree: &Tree, wish: &str, native: &str| {
        way_back(&wish.parse().expect(wish), native, &Site::of(tree)).to_string()
    };
    let back = |wish: &str, native: &str| on(&new, wish, native);
    assert_eq!(back("hold", "discharge up to 4000 W"), "auto", "an override is somebody's of the moment");
    assert_eq!(on(&old, "hold", "discharge up to 4000 W"), "max_discharge_power=4000", "a setting stays");
    assert_eq!(on(&old, "hold", "no limit"), "auto");
    assert_eq!(back("charge 800 W", "set point -30 W"), "auto");
    assert_eq!(back("native:keep_charged", "optimized"), "native:optimized");
    assert_eq!(back("native:keep_charged", "ESS state 6"), "auto");
    assert_eq!(back("max_feed_in_power=0", "5000 W"), "max_feed_in_power=5000");
}

/// What is written is what the words of a read back are made from, once the device has taken it.
#[test]
fn what_is_read_back_is_what_was_expected() {
    let tree = house_with(&[]);
    let site = Site::of(&tree);
    for text in [
        "auto",
        "hold",
        "charge",
        "charge 800 W",
        "discharge 800 W",
        "native:keep_charged",
        "grid_setpoint=-800",
        "grid_setpoint=none",
        "max_discharge_power=none",
        "minimum_soc=20",
    ] {
        let wish: Wish = text.parse().expect(text);
        let plan = plan(&wish, &site, Kind::Dbus, BUDGET).expect(text);
        let writes: Vec<_> = plan.writes.iter().map(|write| Write::parse(write).expect(write)).collect();
        let read: Vec<_> = read_spots(&wish, &site)
            .into_iter()
            .map(|spot| {
                let written = writes.iter().find(|write| write.spot == spot);
                let value = written.map_or_else(
                    || tree.service(&spot.service).and_then(|part| part.value(&spot.path).cloned()),
                    |write| write.value.clone(),
                );
                (spot, value)
            })
            .collect();
        assert_eq!(read_word(&wish, &read), plan.expect_word, "{text}");
    }
}

#[test]
fn nothing_else_is_ever_written() {
    for text in [
        "com.victronenergy.vebus.ttyS4 /Mode = 4",
        "com.victronenergy.settings /Settings/System/AutoUpdate = 1",
        "com.victronenergy.hub4 /Overrides/FeedInExcess = 2",
        "com.victronenergy.platform /Device/Reboot = 1",
        "/Overrides/Setpoint = 5",
        "com.victronenergy.hub4 /Overrides/Setpoint",
        "com.victronenergy.hub4 /Overrides/Setpoint = five",
    ] {
        assert_eq!(Write::parse(text), None, "{text}");
    }
    let end = Write::parse("com.victronenergy.hub4 /Overrides/Setpoint = []").expect("an override may end");
    assert_eq!(end.value, None);
    let assignment = Assignment { name: "grid_setpoint".into(), value: "1".into() };
    assert!(!read_spots(&Wish::Setting(assignment), &Site::of(&house_with(&[]))).is_empty());
}
