//! Plans, writes and reading back against the simulated units.

use ohmstead_drivers::DeviceError;
use ohmstead_drivers::voltronic::{Settings, WriteClass};
use ohmstead_model::{Allowed, Metric, Wish};
use ohmstead_plant::house::{ChargerPriority, OutputPriority};
use ohmstead_units::Timespan;
use rstest::rstest;

use crate::support::{Driven, World, secs};

fn everything(settings: &mut Settings) {
    settings.write = vec![WriteClass::Priorities, WriteClass::Limits, WriteClass::Battery];
}

async fn ready(profile: &str, switches: &str) -> (World, Driven) {
    let world = World::new(&[("a", profile, switches)]);
    let mut driven = world.driven_with("a", None, everything);
    driven.run(secs(120)).await;
    assert!(driven.is_online());
    (world, driven)
}

#[rstest]
#[case("pi30-21", "hold", OutputPriority::UtilityFirst, "USB", "POP00")]
#[case("pi30-21", "native:sub", OutputPriority::SolarFirst, "SUB", "POP01")]
#[case("pi30-17", "hold", OutputPriority::UtilityFirst, "USB", "POP00")]
#[case("pi30-mk", "hold", OutputPriority::UtilityFirst, "USB", "POP00")]
#[case("pi30-max", "hold", OutputPriority::UtilityFirst, "USB", "POP00")]
#[case("pi41", "hold", OutputPriority::UtilityFirst, "USB", "POP00")]
#[case("pi18", "native:sub", OutputPriority::SolarFirst, "SUB", "^S007POP0")]
#[case("pi18-lv5048", "native:sub", OutputPriority::SolarFirst, "SUB", "^S007POP0")]
#[tokio::test(start_paused = true)]
async fn a_mode_is_written_and_read_back(
    #[case] profile: &str,
    #[case] mode: &str,
    #[case] priority: OutputPriority,
    #[case] word: &str,
    #[case] frame: &str,
) {
    let (world, mut driven) = ready(profile, "").await;
    let plan = driven.device.plan(&mode.parse().unwrap(), None).unwrap();
    assert_eq!(
        (plan.writes.as_slice(), plan.expect_word.as_str(), plan.word_is_all),
        (&[frame.to_owned()][..], word, true)
    );
    let wear = plan.wear.unwrap();
    assert_eq!((wear.part.as_str(), wear.interval, wear.per_day), ("output_priority", secs(60), 24));
    let (reply, now) = driven.write(mode).await;
    assert!(reply.accepted && reply.reply == "ACK", "{reply:?}");
    assert_eq!((world.truth("a").output_priority, now.native.as_str()), (priority, word));
    assert!(now.soc.is_some() && now.power.is_some());
    let (reply, now) = driven.write("auto").await;
    assert!(reply.accepted && now.native == "SBU");
    assert_eq!(
        (world.truth("a").output_priority, world.setters("a")),
        (OutputPriority::SolarBatteryUtility, 2)
    );
    driven.run(secs(30)).await;
    assert_eq!(
        (driven.text(Metric::BatteryMode), driven.text(Metric::BatteryModeNative)),
        ("auto".into(), "SBU".into())
    );
}

/// The voltages that are set one by one or two at once.
fn volts(orders: &ohmstead_plant::house::Orders) -> [f64; 5] {
    [orders.recharge_v, orders.redischarge_v, orders.bulk_v, orders.float_v, orders.cutoff_v]
}

/// Two values in one command: the other one stays as it is at the unit now, not as it was read a while ago.
#[rstest]
#[case("battery_float_voltage=53.2", |orders: &mut ohmstead_plant::house::Orders| orders.bulk_v = 55.1)]
#[case("battery_bulk_voltage=55.6", |orders: &mut ohmstead_plant::house::Orders| orders.float_v = 53.3)]
#[case("battery_recharge_voltage=47", |orders: &mut ohmstead_plant::house::Orders| orders.redischarge_v = 54.0)]
#[case("battery_redischarge_voltage=53", |orders: &mut ohmstead_plant::house::Orders| orders.recharge_v = 49.0)]
#[tokio::test(start_paused = true)]
async fn the_other_half_of_a_pair_is_what_the_unit_has_now(
    #[case] wish: &str,
    #[case] at_the_panel: fn(&mut ohmstead_plant::house::Orders),
) {
    let (world, mut driven) = ready("pi18", "").await;
    let wish: Wish = wish.parse().unwrap();
    let old = driven.device.plan(&wish, None).unwrap();
    world.cables.unit("a", |unit| at_the_panel(&mut unit.eeprom.orders));
    let before = world.truth("a").eeprom.orders;
    driven.device.read_back(&wish).await.unwrap();
    let error = driven.device.write(&old).await.unwrap_err();
    assert!(matches!(error, DeviceError::NotSent { .. }), "a plan that is out of date is not sent: {error}");
    let (reply, now) = driven.write(&wish.to_string()).await;
    let after = world.truth("a").eeprom.orders;
    let changed = volts(&before).into_iter().zip(volts(&after)).filter(|(a, b)| (a - b).abs() > 0.01).count();
    assert!(reply.accepted && changed == 1, "{before:?} became {after:?}");
    let plan = driven.device.plan(&wish, None).unwrap();
    assert_eq!(now.native, plan.expect_word);
    assert_eq!(now.native.matches(" V").count(), 2, "the verdict looks at both: {}", now.native);
    world.cables.unit("a", |unit| at_the_panel(&mut unit.eeprom.orders));
    world.cables.unit("a", |unit| {
        unit.eeprom.orders.bulk_v += 0.3;
        unit.eeprom.orders.float_v += 0.3;
        unit.eeprom.orders.recharge_v += 1.0;
        unit.eeprom.orders.redischarge_v += 1.0;
    });
    assert_ne!(driven.device.read_back(&wish).await.unwrap().native, plan.expect_word);
}

/// Two values in one command are the same cells of the memory: one budget.
#[tokio::test(start_paused = true)]
async fn two_values_of_one_command_have_one_budget() {
    let (_world, driven) = ready("pi18", "").await;
    let part = |wish: &str| driven.device.plan(&wish.parse().unwrap(), None).unwrap().wear.unwrap().part;
    assert_eq!(part("battery_float_voltage=53.2"), part("battery_bulk_voltage=55.6"));
    assert_eq!(part("battery_recharge_voltage=47"), part("battery_redischarge_voltage=53"));
    assert_ne!(part("battery_recharge_voltage=47"), part("battery_float_voltage=53.2"));
}

/// Every setting that a unit offers is taken by it, and reads back as asked, for every family.
#[rstest]
#[tokio::test(start_paused = true)]
async fn what_is_offered_is_taken(
    #[values("pi30-17", "pi30-21", "pi30-mk", "pi30-max", "pi30-max21", "pi41", "pi18", "pi18-lv5048")]
    profile: &str,
) {
    let (world, mut driven) = ready(profile, "").await;
    driven.run(secs(900)).await;
    let settings = driven.device.info().settings;
    let (mut tried, mut contradict) = ((0_u64, 0_u64, Vec::new()), Vec::new());
    for setting in &settings {
        // What follows from the type is set while the type is `user`.
        if setting.metric == Metric::BatteryType {
            continue;
        }
        let values: Vec<String> = match &setting.allowed {
            Allowed::States(keys) => keys.iter().map(|key| (*key).to_owned()).collect(),
            Allowed::Numbers(numbers) => numbers.iter().step_by(3).map(ToString::to_string).collect(),
            Allowed::Range { min, max, .. } | Allowed::RangeOrNone { min, max, .. } => {
                vec![format!("{:.1}", f64::midpoint(*min, *max)), format!("{max:.1}")]
            }
        };
        for value in values {
            let wish: Wish = format!("{}={value}", setting.metric).parse().unwrap();
            // Values that contradict others are refused before anything is sent.
            let plan = match driven.device.plan(&wish, None) {
                Ok(plan) => plan,
                Err(error) => {
                    contradict.push(format!("{wish}: {error}"));
                    continue;
                }
            };
            let before = world.truth("a").eeprom.orders;
            let (reply, now) = driven.write(&wish.to_string()).await;
            tried.0 += 1;
            if reply.accepted {
                assert_eq!(now.native, plan.expect_word, "{profile} {wish}: {reply:?}");
                tried.1 += 1;
                let after = world.truth("a").eeprom.orders;
                let changed = volts(&before)
                    .into_iter()
                    .zip(volts(&after))
                    .filter(|(a, b)| (a - b).abs() > 0.01)
                    .count();
                assert!(changed <= 1, "{profile} {wish}: {before:?} became {after:?}");
            } else {
                assert_ne!(now.native, plan.expect_word, "{profile} {wish}: {reply:?}");
                tried.2.push(format!("{wish}: {}", reply.reply));
            }
        }
    }
    eprintln!(
        "{profile}: {} settings, {} writes, {} taken, refused: {:?}, not sent: {contradict:?}",
        settings.len(),
        tried.0,
        tried.1,
        tried.2
    );
    // Some values are on the wrong side of another setting; a table that refuses more is wrong itself.
    assert!(contradict.len() <= 6 && tried.0 >= 30, "{contradict:?}");
    assert!(settings.len() >= 8 && tried.1 * 10 >= tried.0 * 8, "{tried:?}");
    assert_eq!(world.setters("a"), tried.0);
}

#[tokio::test(start_paused = true)]
async fn only_what_the_owner_allows_is_offered() {
    let world = World::new(&[("a", "pi30-21", "")]);
    for (write, modes, settings) in [(vec![WriteClass::Priorities], 5, 2), (vec![], 0, 0)] {
        let mut driven = world.driven_with("a", None, |settings| settings.write.clone_from(&write));
        driven.run(secs(60)).await;
        let info = driven.device.info();
        assert_eq!((info.modes.len(), info.settings.len()), (modes, settings), "{info:?}");
    }
}

#[rstest]
#[case("revo", "a PI30REVO inverter is only read: its commands write the whole configuration at once")]
#[case("pi17", "a PI17 inverter is only read: its commands are not proven yet")]
#[tokio::test(start_paused = true)]
async fn families_that_are_only_read_say_why(#[case] profile: &str, #[case] why: &str) {
    let (world, driven) = ready(profile, "").await;
    let info = driven.device.info();
    assert!(info.modes.is_empty() && info.settings.is_empty());
    let refused = driven.device.plan(&"auto".parse().unwrap(), None).unwrap_err();
    assert_eq!(refused.to_string(), why);
    assert_eq!(world.setters("a"), 0);
}

/// The family that the owner names and the unit does not confirm is read, not written to.
#[tokio::test(start_paused = true)]
async fn a_family_that_is_not_proven_is_only_read() {
    let world = World::new(&[("a", "pi30-21", "")]);
    let mut driven = world.driven_with("a", None, |settings| {
        everything(settings);
        settings.family = ohmstead_drivers::voltronic::FamilySetting::Pi41;
    });
    driven.run(secs(60)).await;
    assert!(driven.has_notice("family_not_proven") && driven.device.info().modes.is_empty());
    assert!(driven.device.plan(&"auto".parse().unwrap(), None).is_err());
}

/// Whoever asks for a time has to end it.
#[tokio::test(start_paused = true)]
async fn the_unit_ends_nothing_by_itself() {
    let (_world, driven) = ready("pi30-21", "").await;
    let plan = driven.device.plan(&"hold".parse().unwrap(), Some(Timespan::from_secs(3600))).unwrap();
    assert_eq!(plan.lasts, None);
    let back = driven.device.way_back(&"hold".parse().unwrap(), "utility_first");
    assert_eq!(back.to_string(), "output_priority=utility_first");
}

#[tokio::test(start_paused = true)]
async fn a_no_is_reported_with_its_likely_reason() {
    let (world, mut driven) = ready("pi30-21", "nak-setters").await;
    let (reply, now) = driven.write("hold").await;
    assert!(!reply.accepted && reply.reply.starts_with("NAK: "), "{reply:?}");
    assert_eq!((now.native.as_str(), world.setters("a")), ("SBU", 1), "one frame, not repeated");
}

/// A yes proves nothing, and silence neither: what is read back counts.
#[tokio::test(start_paused = true)]
async fn a_yes_without_effect_and_an_effect_without_yes() {
    let (world, mut driven) = ready("pi30-21", "ack-without-effect").await;
    let (reply, now) = driven.write("hold").await;
    assert!(reply.accepted && now.native == "SBU", "{now:?}");
    world.switch("a", "ack-without-effect=off");
    world.switch("a", "effect-without-ack");
    let wish: Wish = "hold".parse().unwrap();
    let plan = driven.device.plan(&wish, None).unwrap();
    let error = driven.device.write(&plan).await.unwrap_err();
    assert!(matches!(error, DeviceError::NoAnswer { tries: 1, .. }), "{error}");
    assert_eq!(world.setters("a"), 2, "silence is no reason to send a setter again");
    let now = driven.device.read_back(&wish).await.unwrap();
    assert_eq!(
        (now.native.as_str(), world.truth("a").output_priority),
        ("USB", OutputPriority::UtilityFirst)
    );
}

/// Noise on the line: a setter goes out once, and what is read back is the truth.
#[rstest]
#[case("flip=30")]
#[case("late=5000:40")]
#[case("nao=100")]
#[case("double=60")]
#[case("second-reader")]
#[case("truncate=30")]
#[case("garbage=60")]
#[tokio::test(start_paused = true)]
async fn what_is_read_back_is_the_truth(#[case] fault: &str) {
    let (world, mut driven) = ready("pi30-21", "").await;
    world.switch("a", fault);
    let (mut read, mut sent) = (0, 0);
    for round in 0..24 {
        let mode = ["hold", "native:sub", "auto"][round % 3];
        let wish: Wish = mode.parse().unwrap();
        let Ok(plan) = driven.device.plan(&wish, None) else { panic!("known by now") };
        let _ = driven.device.write(&plan).await;
        sent += 1;
        driven.run(secs(3)).await;
        if let Ok(now) = driven.device.read_back(&wish).await {
            let truth = match world.truth("a").output_priority {
                OutputPriority::UtilityFirst => "USB",
                OutputPriority::SolarFirst => "SUB",
                OutputPriority::SolarBatteryUtility => "SBU",
            };
            assert_eq!(now.native, truth, "round {round}");
            read += 1;
        }
        driven.run(secs(20)).await;
    }
    assert!(world.setters("a") <= sent, "{} setters for {sent} wishes", world.setters("a"));
    assert!(read >= 12, "{read} of {sent}");
}

/// A checksum byte of zero: the unit that wants it escaped is found out.
#[tokio::test(start_paused = true)]
async fn a_zero_in_the_checksum_is_sent_the_way_the_unit_wants() {
    for switch in ["crc-zero=classic", "crc-zero=escaped"] {
        let (world, mut driven) = ready("pi30-21", switch).await;
        // PBFT48.8 has one: 1500.
        let (reply, now) = driven.write("battery_float_voltage=48.8").await;
        assert!(reply.accepted && now.native == "48.8 V", "{switch}: {reply:?} {now:?}");
        assert!((world.truth("a").eeprom.orders.float_v - 48.8).abs() < 1e-9);
    }
}

/// Silence is no reason to send a setter again, also where its checksum can be sent in two ways: only a "no" is, or a read
/// back that shows that nothing changed.
#[tokio::test(start_paused = true)]
async fn a_zero_in_the_checksum_is_no_reason_to_repeat_after_silence() {
    let (world, mut driven) = ready("pi30-21", "effect-without-ack").await;
    let wish: Wish = "battery_float_voltage=48.8".parse().unwrap();
    let plan = driven.device.plan(&wish, None).unwrap();
    let error = driven.device.write(&plan).await.unwrap_err();
    assert!(matches!(error, DeviceError::NoAnswer { tries: 1, .. }), "{error}");
    assert_eq!(world.setters("a"), 1);
    assert_eq!(driven.device.read_back(&wish).await.unwrap().native, "48.8 V");
}

#[tokio::test(start_paused = true)]
async fn a_setter_that_was_sent_twice_is_counted_twice() {
    let (world, mut driven) = ready("pi30-21", "crc-zero=escaped").await;
    let plan = driven.device.plan(&"battery_float_voltage=48.8".parse().unwrap(), None).unwrap();
    let reply = driven.device.write(&plan).await.unwrap();
    assert_eq!((reply.accepted, reply.tries, world.setters("a")), (true, 2, 2));
    // Never answered, and nothing changed: the other way to send it was tried too.
    let (world, mut driven) = ready("pi30-21", "").await;
    world.cables.garble("PBFT48.8", Some(crate::support::Garbled::Lost));
    let plan = driven.device.plan(&"battery_float_voltage=48.8".parse().unwrap(), None).unwrap();
    let error = driven.device.write(&plan).await.unwrap_err();
    assert!(matches!(error, DeviceError::NoAnswer { tries: 2, .. }), "{error}");
}

/// Where answers are still on their way nothing is sent, and that is what is said.
#[tokio::test(start_paused = true)]
async fn a_line_that_does_not_clear_is_told_as_such() {
    let (world, mut driven) = ready("pi30-21", "").await;
    let plan = driven.device.plan(&"hold".parse().unwrap(), None).unwrap();
    world.switch("a", "shift");
    driven.run(secs(40)).await;
    let mut seen = 0;
    for _ in 0..10 {
        let Err(error) = driven.device.write(&plan).await else { continue };
        if let DeviceError::NotSent { .. } = error {
            assert!(error.to_string().contains("nothing was sent"), "{error}");
            seen += 1;
        }
        driven.run(secs(10)).await;
    }
    assert!(seen > 0 || world.setters("a") > 0);
}

/// A UPS in the inverter's place: that is what the error says.
#[tokio::test(start_paused = true)]
async fn somebody_else_at_the_port_is_named() {
    let world = World::new(&[("a", "pi30-21", ""), ("b", "ups", "")]);
    let mut driven = world.driven_with("a", None, everything);
    driven.run(secs(60)).await;
    world.cables.pull("a");
    world.cables.plug("b", "1-1");
    driven.run(secs(60)).await;
    let error = driven.device.read_back(&"hold".parse().unwrap()).await.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("UPS"), "{error}: {cause}");
}

#[tokio::test(start_paused = true)]
async fn nothing_but_the_table_leaves() {
    let (world, mut driven) = ready("pi30-21", "").await;
    let mut plan = driven.device.plan(&"hold".parse().unwrap(), None).unwrap();
    for command in ["PF", "F50", "V230", "POPM01", "PEd", "PBATCD000", "POP03", "S01R0001", ""] {
        plan.writes = vec![command.to_owned()];
        let error = driven.device.write(&plan).await.unwrap_err();
        assert!(matches!(error, DeviceError::Refused { .. }), "{command}: {error}");
    }
    assert_eq!(world.setters("a"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_charger_is_set_and_read_back() {
    let (world, mut driven) = ready("pi30-max", "").await;
    let (reply, now) = driven.write("charger_priority=solar_only").await;
    assert!(reply.accepted && now.native == "solar_only");
    assert_eq!(world.truth("a").charger_priority, ChargerPriority::SolarOnly);
    let (reply, now) = driven.write("grid_charge_current_max=20").await;
    assert!(reply.accepted && now.native == "20 A", "{reply:?} {now:?}");
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_is_gone_is_an_error_and_hears_nothing() {
    let (world, mut driven) = ready("pi30-21", "").await;
    let plan = driven.device.plan(&"hold".parse().unwrap(), None).unwrap();
    world.cables.pull("a");
    let error = driven.device.write(&plan).await.unwrap_err();
    assert!(matches!(error, DeviceError::Send { .. }) && error.is_transient(), "{error}");
    let error = driven.device.read_back(&"hold".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, DeviceError::Send { .. }), "{error}");
    assert_eq!(world.setters("a"), 0);
}
