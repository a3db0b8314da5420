//! The contracts: what exactly is published for a known house, committed as text under `contracts/` and reviewed.
//! Update with `UPDATE_EXPECT=1`. Every discovery payload is also held against the rules of Home Assistant.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use expect_test::{ExpectFile, expect_file};
use jiff::tz::TimeZone;
use ohmstead_model::{
    Answer, AskError, Asker, Clock, Commands, ControlPhase, ControlState, DeviceId, DeviceInfo, DeviceState,
    LimitName, LimitRefused, Limited, Metric, Moment, Notice, Online, Part, Reading, Request, Role, Severity,
    SiteLimit, Sleep, Snapshot, Switched, Switches, Ttl, UnixMillis, Unknown, Value, catalogue, house,
};
use ohmstead_units::{Currency, Watts};
use rstest::rstest;
use serde_json::Value as Json;
use tokio::sync::watch;

use crate::discovery::{self, Announcement, Controls};
use crate::inventory::Inventory;
use crate::scheme::{Message, Scheme};
use crate::settings::{Compat, Discovery, Settings};
use crate::{Links, Remembered, Status, command, compat, control, limits, monitor, render, switches};

mod inverter;
mod prices;
mod rules;

use rules::check_announcement;

/// 2026-11-21 12:00:00 UTC.
const NOW: Moment = Moment { mono: Duration::from_secs(1000), unix: UnixMillis(1_795_262_400_000) };

/// A house with limits and a schedule, and without a rotation.
const SWITCHES: Switches =
    Switches { limits: Some(true), plan: None, tempo: None, schedule: Some(false), rotation: None };

/// One that is lowered, one that is not, and one that cannot be.
const LIMITS: [SiteLimit; 3] = [
    SiteLimit {
        name: LimitName::MultiOutput,
        max: Watts(30_000.0),
        lowest: Watts(1000.0),
        asked: Some(Watts(20_000.0)),
    },
    SiteLimit { name: LimitName::FeedIn, max: Watts(5000.5), lowest: Watts(0.0), asked: None },
    SiteLimit { name: LimitName::GridImport, max: Watts(0.0), lowest: Watts(0.0), asked: None },
];

fn controls() -> Controls {
    Controls { parts: SWITCHES.parts().collect(), limits: LIMITS.to_vec() }
}

struct Nothing;

impl Commands for Nothing {
    fn ask(&self, _: Request) -> Answer {
        Box::pin(async { Err(AskError::UnknownDevice) })
    }

    fn release(&self, _: DeviceId, _: Asker) -> Answer {
        Box::pin(async { Err(AskError::UnknownDevice) })
    }

    fn switch(&self, _: Part, _: bool, _: Asker) -> Switched {
        Box::pin(async { Err(AskError::Stopping) })
    }

    fn switches(&self) -> Switches {
        Switches::default()
    }

    fn limit(&self, _: LimitName, _: Option<Watts>, _: Asker) -> Limited {
        Box::pin(async { Err(LimitRefused::Stopping) })
    }

    fn limits(&self) -> Vec<SiteLimit> {
        Vec::new()
    }
}

impl Clock for Nothing {
    fn now(&self) -> Moment {
        NOW
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::pending())
    }
}

impl Remembered for Nothing {
    fn load(&self) -> Option<String> {
        None
    }

    fn save(&self, _: &str) {}
}

fn scheme(settings: &Settings, language: &str) -> Scheme {
    let links = Links {
        snapshot: watch::channel(Arc::default()).1,
        commands: Arc::new(Nothing),
        switches: watch::channel(None).1,
        limits: watch::channel(None).1,
        clock: Arc::new(Nothing),
        site_slug: "home".to_owned(),
        language: language.to_owned(),
        time_zone: TimeZone::get("Europe/Paris").expect("the zone is compiled in"),
        version: "1.2.3",
        remembered: Arc::new(Nothing),
        status: watch::channel(Status::default()).0,
    };
    Scheme::new(settings, &links)
}

fn id(name: &str) -> DeviceId {
    name.parse().expect("a valid name")
}

fn marstek(name: &str, title: &str) -> DeviceInfo {
    let mut info = DeviceInfo::new(id(name), "marstek", "192.0.2.80:30000");
    info.title = title.to_owned();
    info.manufacturer = "Marstek";
    info.roles = vec![Role::Battery];
    info.modes = ["auto", "hold", "charge", "discharge", "idle", "native:ai"].map(str::to_owned).to_vec();
    info.metrics = vec![
        Metric::BatterySoc,
        Metric::BatteryPower,
        Metric::BatteryMode,
        Metric::BatteryModeNative,
        Metric::InverterPower,
        Metric::InverterBackupPower,
        Metric::AnswerTime,
    ];
    info
}

/// Three batteries and the house: one that answers, one that is gone, one that has not been asked yet.
fn three_batteries() -> Snapshot {
    let mut snapshot = Snapshot::default();
    let mut a = marstek("fase_a", "Fase A");
    a.device_id = Some("marstek_fasea_d828".to_owned());
    a.entity_id = Some("marstek_venuse_d828_state_of_charge".to_owned());
    a.model = Some("VenusE".to_owned());
    a.firmware = Some("155".to_owned());
    a.serial = Some("0123456789ab".to_owned());
    let mut b = marstek("fase_b", "Fase B");
    b.entity_id = Some("marstek_b_soc".to_owned());
    for info in [a, b, marstek("fase_c", "Fase C")] {
        snapshot.insert(DeviceState::new(Arc::new(info)));
    }
    snapshot.insert(DeviceState::new(Arc::new(house::info("Home", Ttl::default()))));
    let values = |soc: f64| {
        vec![
            (Metric::BatterySoc, Ok(Value::Number(soc))),
            (Metric::BatteryMode, Ok(Value::State("auto"))),
            (Metric::BatteryModeNative, Ok(Value::text("auto"))),
            (Metric::BatteryPower, Ok(Value::Number(-0.4))),
            (Metric::InverterPower, Ok(Value::Number(1200.0))),
            (Metric::InverterBackupPower, Err(Unknown::NotReported)),
            (Metric::BatteryChargeEnergy, Ok(Value::Number(1234.567))),
        ]
    };
    let earlier = Moment { mono: Duration::from_secs(900), unix: UnixMillis(NOW.unix.0 - 100_000) };
    assert!(snapshot.apply(&Reading { device: id("fase_a"), at: NOW, values: values(81.26) }));
    assert!(snapshot.apply(&Reading { device: id("fase_b"), at: earlier, values: values(40.0) }));
    let a = snapshot.device_mut("fase_a").expect("inserted");
    a.online = Online::Yes(NOW);
    a.control = Some(Arc::new(ControlState {
        wants: Some("auto".to_owned()),
        by: Some("override"),
        phase: ControlPhase::AcceptedUnmeasured,
        code: "asked",
        reason: "asked by hand (mqtt)".to_owned(),
        ends: Some(NOW.unix.plus(Duration::from_secs(3600))),
    }));
    a.notices = vec![Notice {
        code: "risky_firmware",
        severity: Severity::Warning,
        text: "Firmware 155 may stop answering.".to_owned(),
        hint: "Keep the polling interval at 30 s or more.".to_owned(),
    }];
    snapshot.device_mut("fase_b").expect("inserted").online = Online::No(NOW);
    snapshot.apply(&house::compute(&snapshot, NOW));
    snapshot
}

fn announcements(scheme: &Scheme, snapshot: &Snapshot) -> Vec<Announcement> {
    let controls = controls();
    let mut all: Vec<_> =
        snapshot.all().flat_map(|device| discovery::announcements(scheme, device, &controls)).collect();
    for (device, names) in compat::names(scheme, snapshot) {
        let device = snapshot.device(device.as_str()).expect("named after a device");
        all.extend(compat::announcements(scheme, &device.info, &names));
    }
    for (device, prefix) in monitor::prefixes(scheme, snapshot, &compat::names(scheme, snapshot)) {
        let device = snapshot.device(device.as_str()).expect("named after a device");
        all.extend(monitor::announcements(scheme, device, &prefix));
    }
    all
}

fn values(scheme: &Scheme, snapshot: &Snapshot) -> Vec<Message> {
    let names = compat::names(scheme, snapshot);
    let prefixes = monitor::prefixes(scheme, snapshot, &names);
    let mut all = Vec::new();
    for device in snapshot.all() {
        all.push(render::availability(scheme, device).message);
        all.push(render::state(scheme, device, NOW).0.message);
        all.push(render::info(scheme, device).message);
        if control::takes_commands(&device.info) {
            all.push(controlled(scheme, device));
        }
        if device.info.id.is_site() {
            let said = switches::said(scheme, SWITCHES).into_iter().chain(limits::said(scheme, &LIMITS));
            all.extend(said.map(|said| said.message));
            if scheme.commands {
                all.push(refused_limit(scheme));
            }
        }
        if let Some(names) = names.get(&device.info.id) {
            all.push(compat::availability(scheme, device, names).message);
            all.push(compat::state(scheme, device, names, NOW).0.message);
        }
        if let Some(prefix) = prefixes.get(&device.info.id) {
            all.push(monitor::availability(device, prefix).message);
            all.extend(monitor::values(device, prefix, NOW).into_iter().map(|said| said.message));
        }
    }
    all
}

/// What a device says of control, after a command that is no mode.
fn controlled(scheme: &Scheme, device: &DeviceState) -> Message {
    let answer = command::refused(&device.info.id, None, "\"on\" is no battery mode");
    let last = control::Last::answered(&answer, NOW.unix);
    let mode = control::mode(device, NOW, None, None);
    control::said(scheme, device, mode.as_deref(), device.is_online().then_some(&last)).message
}

/// What the house says of control, after a limit that the configuration does not allow.
fn refused_limit(scheme: &Scheme) -> Message {
    let refused =
        LimitRefused::OutOfBounds { asked: Watts(40_000.0), lowest: LIMITS[0].lowest, max: LIMITS[0].max };
    let request = limits::request(LimitName::MultiOutput, Some(Watts(40_000.0)));
    let last = control::Last::answered(&limits::answer(&request, &Err(refused)), NOW.unix);
    control::said_of_site(scheme, Some(&last)).message
}

fn text(announcements: &[Announcement], values: &[Message]) -> String {
    let mut text = String::new();
    for announcement in announcements {
        let pretty = serde_json::to_string_pretty(&announcement.payload).expect("JSON");
        writeln!(text, "{} retained\n{pretty}\n", announcement.topic).expect("a String takes everything");
    }
    for message in values {
        let kept = if message.retain { "retained" } else { "passing" };
        writeln!(text, "{} {kept}\n{}\n", message.topic, message.payload).expect("a String takes everything");
    }
    text
}

fn with_compat(discovery: Discovery) -> Settings {
    Settings { discovery, compat: vec![Compat::MarstekPoller], ..Settings::default() }
}

fn custom_prefixes() -> Settings {
    Settings {
        topic: "second/house".to_owned(),
        discovery_prefix: "ha/discovery".to_owned(),
        state_topic_prefix: "home/energy/batteries".to_owned(),
        ..with_compat(Discovery::Off)
    }
}

#[rstest]
#[case::device(Settings::default(), "en", expect_file!["../contracts/device-discovery.txt"])]
#[case::entity(Settings { discovery: Discovery::Entity, commands: false, ..Settings::default() }, "fr", expect_file!["../contracts/entity-discovery.txt"])]
#[case::poller(with_compat(Discovery::Off), "en", expect_file!["../contracts/marstek-poller.txt"])]
#[case::prefixes(custom_prefixes(), "en", expect_file!["../contracts/custom-prefixes.txt"])]
fn contracts(#[case] settings: Settings, #[case] language: &str, #[case] expected: ExpectFile) {
    let (scheme, snapshot) = (scheme(&settings, language), three_batteries());
    expected.assert_eq(&text(&announcements(&scheme, &snapshot), &values(&scheme, &snapshot)));
}

/// What owners made of these entities hangs on them, whatever becomes of the entities.
#[test]
fn entities_keep_their_unique_ids() {
    let scheme = scheme(&Settings::default(), "en");
    let all = announcements(&scheme, &three_batteries());
    let ids = |owner: &str| {
        let of_owner = all.iter().find(|one| one.owner == owner).expect("announced");
        let components = of_owner.payload["components"].as_object().expect("a map");
        let entities = components
            .values()
            .filter(|config| config["platform"] != "sensor" || config["state_topic"].is_string());
        entities
            .map(|config| format!("{} {}", config["platform"], config["unique_id"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids("ohmstead_fase_a"),
        [
            "select ohmstead_fase_a.battery_mode_set",
            "sensor ohmstead_fase_a.control",
            "sensor ohmstead_fase_a.control_ends",
            "button ohmstead_fase_a.release",
            "sensor ohmstead_fase_a.last_command",
        ]
    );
    assert_eq!(
        ids("ohmstead_site"),
        [
            "switch ohmstead_site.limits_switch",
            "switch ohmstead_site.schedule_switch",
            "number ohmstead_site.multi_output_limit",
            "number ohmstead_site.feed_in_limit",
            "sensor ohmstead_site.last_command",
        ]
    );
}

/// A device that reports everything that the catalogue has, beside batteries and inverters.
fn everything() -> Snapshot {
    let mut snapshot = three_batteries();
    inverter::add_two(&mut snapshot);
    let mut info = marstek("Every-Thing_", "Everything");
    info.metrics = catalogue::CORE.iter().map(|metric| metric.in_currency(Currency::EUR)).collect();
    snapshot.insert(DeviceState::new(Arc::new(info)));
    snapshot
}

#[rstest]
fn every_announcement_keeps_the_rules_of_home_assistant(
    #[values(Discovery::Device, Discovery::Entity)] discovery: Discovery,
    #[values("en", "fr", "nl", "et", "de", "xx")] language: &str,
) {
    let mut settings = with_compat(discovery);
    settings.compat.push(Compat::PvInverterMonitor);
    let scheme = scheme(&settings, language);
    let (mut unique, mut topics) = (BTreeSet::new(), BTreeSet::new());
    for announcement in announcements(&scheme, &everything()) {
        assert!(topics.insert(announcement.topic.clone()), "{} is there twice", announcement.topic);
        check_announcement(&settings.discovery_prefix, &announcement, &mut unique);
        assert!(announcement.payload.to_string().len() < 64 * 1024, "larger than some brokers take");
    }
    assert!(unique.len() > catalogue::CORE.len());
}

/// What a template reads must be in the state, or Home Assistant logs a warning at every message.
#[test]
fn every_announced_value_is_in_the_state() {
    let (scheme, snapshot) = (scheme(&Settings::default(), "en"), everything());
    let said: BTreeMap<String, String> =
        values(&scheme, &snapshot).into_iter().map(|message| (message.topic, message.payload)).collect();
    for announcement in announcements(&scheme, &snapshot) {
        for (component, config) in announcement.payload["components"].as_object().expect("a map") {
            let Some(template) = config["value_template"].as_str() else { continue };
            let topic = config.get("state_topic").unwrap_or(&announcement.payload["state_topic"]);
            let state: Json = serde_json::from_str(&said[topic.as_str().expect("a topic")]).expect("JSON");
            let templates = [Some(template), config["json_attributes_template"].as_str()];
            for read in
                templates.into_iter().flatten().flat_map(|template| template.split("value_json.").skip(1))
            {
                let id: String =
                    read.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                assert!(state.get(&id).is_some(), "{component} reads {id}");
            }
        }
    }
}

#[test]
fn home_assistants_energy_dashboard_finds_what_it_needs() {
    let scheme = scheme(&Settings::default(), "en");
    let mut found = BTreeMap::new();
    for announcement in announcements(&scheme, &everything()) {
        for (id, config) in announcement.payload["components"].as_object().expect("a map") {
            let rate = (config["device_class"].clone(), config["state_class"].clone());
            found.insert(id.clone(), rate);
        }
    }
    for id in [
        "battery_charge_energy",
        "battery_discharge_energy",
        "grid_import_energy",
        "grid_export_energy",
        "pv_energy",
    ] {
        assert_eq!(found[id], ("energy".into(), "total_increasing".into()), "{id}");
    }
    for id in ["battery_power", "grid_power", "pv_power"] {
        assert_eq!(found[id], ("power".into(), "measurement".into()), "{id}");
    }
}

#[test]
fn a_value_that_is_too_old_becomes_null_without_news() {
    let (scheme, snapshot) = (scheme(&with_compat(Discovery::Device), "en"), three_batteries());
    let device = snapshot.device("fase_a").expect("inserted");
    let (fresh, expires) = render::state(&scheme, device, NOW);
    let expires = expires.expect("something is known");
    assert_eq!(expires, NOW.mono + device.info.ttl.fast);
    let at_the_limit = Moment { mono: expires, ..NOW };
    assert_eq!(render::state(&scheme, device, at_the_limit).0, fresh);
    let after = NOW.plus(device.info.ttl.fast + Duration::from_millis(1));
    let (stale, next) = render::state(&scheme, device, after);
    let stale: Json = serde_json::from_str(&stale.message.payload).expect("JSON");
    assert_eq!((&stale["battery_soc"], &stale["battery_charge_energy"]), (&Json::Null, &Json::from(1234.57)));
    assert_eq!(next, Some(NOW.mono + device.info.ttl.medium));
    let names = compat::names(&scheme, &snapshot);
    let legacy = compat::state(&scheme, device, &names[&id("fase_a")], after).0.message.payload;
    assert_eq!(
        legacy,
        r#"{"soc":null,"mode":null,"ongrid_power":null,"offgrid_power":null,"timestamp":null}"#
    );
}

/// Home Assistant refuses a state of more than 255 characters.
#[test]
fn a_long_text_is_cut_at_a_character() {
    let long = Value::text("é".repeat(1000));
    let json = render::published(Metric::WifiSsid, &long);
    assert_eq!(json.as_str().map(|text| text.chars().count()), Some(255));
}

#[rstest]
#[case("x_state_of_charge", "x_mode", "x_power")]
#[case("x_soc", "x_mode", "x_power")]
#[case("x", "x_mode", "x_power")]
#[case("sensor.x_soc", "x_mode", "x_power")]
fn entity_ids_derive_from_the_state_of_charge(#[case] soc: &str, #[case] mode: &str, #[case] power: &str) {
    let mut snapshot = Snapshot::default();
    let mut info = marstek("a", "A");
    info.entity_id = Some(soc.to_owned());
    snapshot.insert(DeviceState::new(Arc::new(info)));
    let scheme = scheme(&with_compat(Discovery::Off), "en");
    let ids: Vec<_> = announcements(&scheme, &snapshot)
        .iter()
        .map(|announcement| announcement.payload["unique_id"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(ids, [soc.trim_start_matches("sensor."), mode, power]);
}

/// The same ids twice, ids that hold what topics may not hold, ids that differ only in what is replaced.
#[test]
fn hostile_or_repeated_ids_of_the_earlier_program_do_not_collide() {
    let mut snapshot = Snapshot::default();
    let ids = [Some("a/b"), Some("a b"), Some("a+b#"), Some("a_b"), Some(""), Some("Ä"), None, None];
    for (i, device_id) in ids.into_iter().enumerate() {
        let mut info = marstek(&format!("d{i}"), "Same title");
        info.device_id = device_id.map(str::to_owned);
        info.entity_id = (i % 2 == 0).then(|| "same_soc".to_owned());
        snapshot.insert(DeviceState::new(Arc::new(info)));
    }
    let scheme = scheme(&with_compat(Discovery::Device), "en");
    let (mut unique, mut topics) = (BTreeSet::new(), BTreeSet::new());
    for announcement in announcements(&scheme, &snapshot) {
        check_announcement("homeassistant", &announcement, &mut unique);
        assert!(topics.insert(announcement.topic.clone()), "{} is there twice", announcement.topic);
    }
    for message in values(&scheme, &snapshot) {
        assert!(topics.insert(message.topic.clone()), "{} is there twice", message.topic);
        assert!(
            !message.topic.contains(['+', '#']) && message.topic.matches('/').count() == 2,
            "{}",
            message.topic
        );
    }
}

#[test]
fn instances_at_one_broker_differ_in_client_id_topics_and_unique_ids() {
    let other = Settings { topic: "second/house".to_owned(), ..Settings::default() };
    assert_eq!(Settings::default().client_id_at("home"), "ohmstead-home");
    assert_eq!(Settings::default().client_id_at("Chalet d'été"), "ohmstead-Chalet_d__t_");
    assert_eq!(other.client_id_at("home"), "ohmstead-home-second_house");
    let snapshot = three_batteries();
    let all_of = |settings: &Settings| -> BTreeSet<String> {
        let scheme = scheme(settings, "en");
        let mut all: BTreeSet<String> =
            values(&scheme, &snapshot).into_iter().map(|message| message.topic).collect();
        for announcement in announcements(&scheme, &snapshot) {
            check_announcement("homeassistant", &announcement, &mut all);
            all.insert(announcement.topic);
        }
        all
    };
    assert!(all_of(&Settings::default()).is_disjoint(&all_of(&other)));
}

fn inventory(settings: &Settings, snapshot: &Snapshot) -> Inventory {
    let scheme = scheme(settings, "en");
    let mut inventory = Inventory::default();
    for message in values(&scheme, snapshot) {
        inventory.add_value(message.topic);
    }
    for announcement in announcements(&scheme, snapshot) {
        inventory.add(&announcement);
    }
    Inventory::read(&inventory.write())
}

fn topics(messages: Vec<Message>) -> Vec<String> {
    messages.into_iter().map(|message| format!("{} {}", message.topic, message.payload)).collect()
}

#[test]
fn a_device_that_is_gone_is_emptied_and_the_others_stay() {
    let (all, mut fewer) = (three_batteries(), three_batteries());
    fewer.remove("fase_b");
    let settings = with_compat(Discovery::Device);
    let (before, after) = (inventory(&settings, &all), inventory(&settings, &fewer));
    assert_eq!(
        topics(before.emptied(&after)),
        [
            "marstek/fase_b/availability ",
            "marstek/fase_b/state ",
            "ohmstead/fase_b/availability ",
            "ohmstead/fase_b/control ",
            "ohmstead/fase_b/info ",
            "ohmstead/fase_b/state ",
            "homeassistant/device/ohmstead_fase_b/config ",
            "homeassistant/sensor/fase_b_mode/config ",
            "homeassistant/sensor/fase_b_power/config ",
            "homeassistant/sensor/fase_b_soc/config ",
        ]
    );
    assert!(before.migrations(&after).is_empty());
    assert!(after.emptied(&before).is_empty());
}

#[test]
fn a_component_that_is_gone_is_told_by_its_platform_alone() {
    let all = three_batteries();
    let mut fewer = three_batteries();
    let device = fewer.device_mut("fase_c").expect("inserted");
    let mut info = DeviceInfo::clone(&device.info);
    info.metrics.retain(|metric| *metric != Metric::AnswerTime);
    info.modes.clear();
    device.info = Arc::new(info);
    let settings = Settings::default();
    let (before, after) = (inventory(&settings, &all), inventory(&settings, &fewer));
    let topic = "homeassistant/device/ohmstead_fase_c/config";
    let gone = before.removed_components(&after, topic);
    let scheme = scheme(&settings, "en");
    let announcement =
        announcements(&scheme, &fewer).into_iter().find(|one| one.topic == topic).expect("there");
    let message = announcement.with_removed(&gone).expect("of a whole device");
    let payload: Json = serde_json::from_str(&message.payload).expect("JSON");
    assert_eq!(payload["components"]["answer_time"].to_string(), r#"{"platform":"sensor"}"#);
    assert_eq!(payload["components"]["battery_mode_set"].to_string(), r#"{"platform":"select"}"#);
    assert!(payload["components"]["battery_soc"]["unique_id"].is_string());
    assert!(announcement.payload["components"].get("answer_time").is_none());
}

/// Between the kinds of discovery entities move, with their names and history; with discovery off they go.
#[test]
fn another_kind_of_discovery_migrates() {
    let snapshot = three_batteries();
    let of = |discovery| inventory(&Settings { discovery, ..Settings::default() }, &snapshot);
    let (device, entity, off) = (of(Discovery::Device), of(Discovery::Entity), of(Discovery::Off));
    let to_entity = topics(device.migrations(&entity));
    assert_eq!(to_entity.len(), 4);
    assert_eq!(to_entity[0], r#"homeassistant/device/ohmstead_fase_a/config {"migrate_discovery":true}"#);
    let to_device = topics(entity.migrations(&device));
    assert!(
        to_device
            .iter()
            .any(|line| line.starts_with("homeassistant/sensor/ohmstead_fase_a/battery_soc/config "))
    );
    assert_eq!(to_device.len(), entity.emptied(&device).len());
    assert!(device.migrations(&off).is_empty());
    assert_eq!(device.emptied(&off).len(), 4);
}

#[test]
fn an_unreadable_list_is_an_empty_one() {
    for text in ["", "null", "[1]", "{\"topics\":5}"] {
        assert_eq!(Inventory::read(text), Inventory::default(), "{text}");
    }
}
