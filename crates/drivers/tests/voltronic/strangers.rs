//! What is no inverter is asked nothing but its kind, and never written to.

use ohmstead_model::Wish;
use rstest::rstest;

use crate::support::{World, secs};

/// The only questions that may reach somebody who is not proven to be an inverter.
const KIND: &[&str] = &["QPI", "^P005PI", "^P003PI"];

#[rstest]
#[case::ups_that_echoes("ups", "stranger=echo")]
#[case::ups_that_refuses("ups", "stranger=nak")]
#[case::charger("charger", "")]
#[tokio::test(start_paused = true)]
async fn a_stranger_hears_nothing_but_the_question_for_its_kind(
    #[case] profile: &str,
    #[case] switches: &str,
    #[values("", "flip=30 truncate=20 late=5000:20 garbage=20", "mute")] noise: &str,
) {
    let world = World::new(&[("a", profile, switches)]);
    noise.split(' ').filter(|switch| !switch.is_empty()).for_each(|switch| world.switch("a", switch));
    let mut driven = world.driven_with("a", None, |settings| {
        settings.write = ["priorities", "limits", "battery"]
            .iter()
            .map(|class| serde_json::from_str(&format!("{class:?}")).unwrap())
            .collect();
    });
    driven.run(secs(3600)).await;
    let heard = world.heard_texts("a");
    assert!(!heard.is_empty() && heard.iter().all(|text| KIND.contains(&text.as_str())), "{heard:?}");
    assert_eq!(world.setters("a"), 0);
    assert!(!driven.is_online());
    if noise.is_empty() {
        // Who refuses like an inverter cannot be called a UPS, but is left alone all the same.
        let code = if switches == "stranger=nak" { "family_unknown" } else { "not_an_inverter" };
        let notices = driven.told.notices();
        assert!(notices.len() == 1 && notices[0].code == code, "{notices:?}");
        assert!(heard.len() < 60, "asked {} times in an hour", heard.len());
    }
    let wish: Wish = "auto".parse().unwrap();
    let refused = driven.device.plan(&wish, None).unwrap_err().to_string();
    assert_eq!(refused, "the inverter has not told yet what it is");
    assert!(driven.device.info().modes.is_empty() && driven.device.info().settings.is_empty());
    assert_eq!(world.setters("a"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_inverter_behind_a_ups_is_found() {
    let world = World::new(&[("ups", "ups", ""), ("charger", "charger", ""), ("axpert", "pi30-21", "")]);
    let mut driven = world.driven("axpert");
    let took = driven.until("found", |told| told.state().is_online()).await;
    assert!(took < secs(90), "{took:?}");
    driven.run(secs(600)).await;
    assert_eq!(driven.device.info().address, "/dev/hidraw2");
    assert_eq!(world.setters("ups") + world.setters("charger"), 0);
    assert!(!driven.has_notice("not_an_inverter"));
}
