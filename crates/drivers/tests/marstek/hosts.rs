//! Units behind host names.

use crate::support::{World, secs};

#[tokio::test(start_paused = true)]
async fn a_name_is_resolved_when_it_can_be() {
    let world = World::new(&[("a", "e3-150", "")]);
    let mut unit = world.unit_with("a", None, |settings| settings.host = "venus.lan".to_owned());
    unit.run(secs(120)).await;
    assert!(!unit.is_online() && unit.has_notice("host_unknown") && !unit.has_notice("api_silent"));
    assert!(world.air.requests().is_empty());
    world.air.name("venus.lan", "192.168.1.2:30000");
    unit.until("it is found", |told| told.state().is_online()).await;
    unit.run(secs(10)).await;
    assert!(unit.told.notices().is_empty(), "{:?}", unit.told.notices());
}

/// The name follows the unit to its new address, without any search.
#[tokio::test(start_paused = true)]
async fn a_name_is_resolved_again_when_the_unit_is_absent() {
    let world = World::new(&[("a", "e3-150", "")]);
    world.air.name("venus.lan", "192.168.1.2:30000");
    let mut unit = world.unit_with("a", None, |settings| {
        settings.host = "venus.lan".to_owned();
        settings.rediscover = Some(Vec::new());
    });
    unit.run(secs(120)).await;
    world.switch("a", "move-to=192.168.1.77:30000");
    world.air.name("venus.lan", "192.168.1.77:30000");
    unit.until("it is gone", |told| !told.state().is_online()).await;
    unit.until("it is found again", |told| told.state().is_online()).await;
    assert_eq!(unit.device.info().address, "venus.lan:30000");
    assert!(!unit.has_notice("moved"));
}
