//! Whole days of the outlook in a moment, under paused time: when who is asked, and what is known when.

use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use expect_test::expect;
use futures_util::future::BoxFuture;
use jiff::civil::Date;
use ohmstead_model::{Clock, Moment, Sleep, TempoColour, TimeSpan, Timeline, UnixMillis};
use ohmstead_outlook::http::{NoReply, Reply, Request, Wire};
use ohmstead_outlook::{Outlook, Quantity};

use crate::clocks::{Paused, instant};
use crate::house::{House, local, secrets, settings, source};

const HOUR: Duration = Duration::from_secs(3600);

/// What the outside does when it is asked.
pub(crate) enum Outside {
    Says(u16, String),
    IsSilent,
}

type Answers = Box<dyn Fn(&str, UnixMillis) -> Outside + Send + Sync>;

/// The outside as a test says it is.
pub(crate) struct Script {
    clock: Arc<dyn Clock>,
    answer: Answers,
    asked: Mutex<Vec<(UnixMillis, String)>>,
}

impl Script {
    pub(crate) fn of(
        clock: &Arc<Paused>,
        answer: impl Fn(&str, UnixMillis) -> Outside + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { clock: Arc::clone(clock) as _, answer: Box::new(answer), asked: Mutex::default() })
    }

    /// The minutes at which an address was asked, `10 06:45`.
    pub(crate) fn asked(&self, part: &str) -> Vec<String> {
        let asked = self.asked.lock().expect("no test panics with it");
        asked.iter().filter(|(_, path)| path.contains(part)).map(|(at, _)| local(*at)).collect()
    }
}

impl Wire for Script {
    fn exchange<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Reply, NoReply>> {
        let (now, path) = (self.clock.now().unix, request.path_and_query());
        let answer = (self.answer)(&path, now);
        self.asked.lock().expect("no test panics with it").push((now, path));
        Box::pin(async move {
            match answer {
                Outside::Says(status, body) => {
                    Ok(Reply { status, body: body.into_bytes(), ..Reply::default() })
                }
                Outside::IsSilent => std::future::pending().await,
            }
        })
    }
}

pub(crate) fn ok(body: impl Into<String>) -> Outside {
    Outside::Says(200, body.into())
}

const TWO_OF_TEMPO: &str =
    "tempo: [ rte_site: { url: 'http://x/rte' }, api_couleur_tempo: { url: 'http://x/couleur' } ]";

pub(crate) fn start(yaml: &str, clock: &Arc<Paused>, wire: &Arc<Script>, folder: &Path) -> House {
    House::start(settings(yaml), Arc::clone(clock) as _, Arc::clone(wire) as _, folder)
}

/// Lives until `end` and tells each change of what `shown` makes of the outlook.
async fn live(
    house: &mut House,
    clock: &Paused,
    end: UnixMillis,
    shown: impl Fn(&Outlook) -> String,
) -> String {
    let (mut diary, mut last) = (String::new(), String::new());
    let until = TimeSpan::new(clock.now().unix, end).length();
    let ended = clock.sleep(until);
    tokio::pin!(ended);
    loop {
        tokio::select! {
            () = &mut ended => return diary,
            changed = house.outlook.changed() => changed.expect("it runs"),
        }
        let now = shown(&house.outlook.borrow_and_update());
        if now != last {
            writeln!(diary, "{} {now}", local(clock.now().unix)).expect("a string takes all");
            last = now;
        }
    }
}

fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

fn tomorrow(outlook: &Outlook) -> String {
    match outlook.colours.get(&day("2025-12-11")) {
        None => "unknown".to_owned(),
        Some(it) => format!(
            "{} by {}{}{}",
            it.colour,
            it.source,
            if it.is_provisional { ", provisional" } else { "" },
            if it.is_disputed() { ", disputed" } else { "" }
        ),
    }
}

/// A hint in the morning that was wrong, the colour at 10:30, a second source that is late.
#[tokio::test(start_paused = true)]
async fn a_day_of_tempo() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T00:00:00+01:00"));
    let at = |hour: &str| instant(&format!("2025-12-10T{hour}:00+01:00"));
    let (hint, official, late) = (at("06:35"), at("10:30"), at("17:00"));
    let wire = Script::of(&clock, move |path, now| {
        if path.starts_with("/rte") {
            let colour = if now >= official {
                "RED"
            } else if now >= hint {
                "WHITE"
            } else {
                ""
            };
            return ok(format!(r#"{{"values": {{"2025-12-10": "BLUE", "2025-12-11": "{colour}"}}}}"#));
        }
        let code = if now >= late { 3 } else { 0 };
        ok(format!(
            r#"[{{"dateJour": "2025-12-10", "codeJour": 1}}, {{"dateJour": "2025-12-11", "codeJour": {code}}}]"#
        ))
    });
    let mut house = start(TWO_OF_TEMPO, &clock, &wire, folder.path());
    let diary = live(&mut house, &clock, instant("2025-12-11T00:00:00+01:00"), tomorrow).await;
    expect![[r#"
        10 00:00 unknown
        10 06:47 white by tempo.rte_site, provisional
        10 10:41 red by tempo.rte_site
    "#]]
    .assert_eq(&diary);
    expect!["10 00:00, 10 06:47, 10 10:41, 10 10:46, 10 22:29"].assert_eq(&wire.asked("/rte").join(", "));
    expect!["10 00:00, 10 06:49, 10 10:42, 10 10:55, 10 11:27, 10 12:01, 10 12:31, 10 13:00, 10 13:34, 10 14:05, 10 14:35, 10 15:05, 10 15:32, 10 16:06, 10 16:41, 10 17:10"].assert_eq(&wire.asked("/couleur").join(", "));
    house.stop().await;
}

/// As in October 2023: no colour of the next day all day. It is asked for until midnight, today stays known.
#[tokio::test(start_paused = true)]
async fn a_colour_that_never_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T00:00:00+01:00"));
    let wire = Script::of(&clock, |path, _| match path {
        path if path.starts_with("/rte") => ok(r#"{"values": {"2025-12-10": "WHITE"}}"#),
        _ => ok(r#"[{"dateJour": "2025-12-11", "codeJour": 0}]"#),
    });
    let mut house = start(TWO_OF_TEMPO, &clock, &wire, folder.path());
    let diary = live(&mut house, &clock, instant("2025-12-11T00:00:00+01:00"), tomorrow).await;
    assert_eq!(diary, "10 00:00 unknown\n");
    let outlook = house.now();
    assert_eq!(outlook.colours[&day("2025-12-10")].colour, TempoColour::White);
    assert_eq!(source(&outlook, "tempo.rte_site").trouble, None);
    assert_eq!(source(&outlook, "tempo.api_couleur_tempo").trouble.as_deref(), Some("not published yet"));
    for part in ["/rte", "/couleur"] {
        let asked = wire.asked(part);
        let after = asked.iter().filter(|at| at.as_str() > "10 10:35").count();
        assert!((24..=34).contains(&after), "{asked:?}");
        assert!(asked.last().is_some_and(|at| at.as_str() > "10 23:20"), "{asked:?}");
    }
    house.stop().await;
}

/// RTE is away all morning: the other source speaks, and is told apart.
#[tokio::test(start_paused = true)]
async fn a_source_that_is_down_all_morning() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T05:00:00+01:00"));
    let back = instant("2025-12-10T13:00:00+01:00");
    let wire = Script::of(&clock, move |path, now| match path {
        path if path.starts_with("/rte") && now < back => Outside::Says(500, "COMMON_ERROR_T03".to_owned()),
        path if path.starts_with("/rte") => ok(r#"{"values": {"2025-12-11": "RED"}}"#),
        _ => ok(r#"[{"dateJour": "2025-12-11", "codeJour": 3}]"#),
    });
    let mut house = start(TWO_OF_TEMPO, &clock, &wire, folder.path());
    let end = instant("2025-12-10T15:00:00+01:00");
    let diary = live(&mut house, &clock, end, |outlook| {
        let trouble = outlook.sources.get("tempo.rte_site").and_then(|it| it.trouble.clone());
        format!("{} / {}", tomorrow(outlook), trouble.unwrap_or_default())
    });
    expect![[r#"
        10 05:00 unknown / 
        10 05:00 unknown / x cannot answer now (500: COMMON_ERROR_T03)
        10 05:00 red by tempo.api_couleur_tempo, provisional / x cannot answer now (500: COMMON_ERROR_T03)
        10 10:42 red by tempo.api_couleur_tempo / x cannot answer now (500: COMMON_ERROR_T03)
        10 13:12 red by tempo.rte_site / 
    "#]]
    .assert_eq(&diary.await);
    assert!(wire.asked("/rte").len() <= 20, "{:?}", wire.asked("/rte"));
    house.stop().await;
}

pub(crate) fn quarters(days: &[&str], price: f64) -> String {
    let stamps = days.iter().flat_map(|day| {
        let first = instant(&format!("{day}T00:00:00+01:00")).0 / 1000;
        (0..96).map(move |quarter| first + quarter * 900)
    });
    let stamps: Vec<i64> = stamps.collect();
    let prices = vec![price; stamps.len()];
    format!(r#"{{"unix_seconds": {stamps:?}, "price": {prices:?}, "unit": "EUR / MWh"}}"#)
}

/// Prices of tomorrow are late, and the first source stays away: the second fills in.
#[tokio::test(start_paused = true)]
async fn a_day_of_prices() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T09:00:00+01:00"));
    let (published, gone) = (instant("2025-12-10T13:25:00+01:00"), instant("2025-12-10T12:00:00+01:00"));
    let wire = Script::of(&clock, move |path, now| match path {
        path if path.starts_with("/first") && now >= gone => Outside::IsSilent,
        path if path.starts_with("/first") => ok(quarters(&["2025-12-10"], 50.0)),
        _ if now < published => ok(quarters(&["2025-12-10"], 60.0)),
        _ => ok(quarters(&["2025-12-10", "2025-12-11"], 60.0)),
    });
    let yaml = "prices: [ energy_charts: { zone: FR, url: 'http://x/first' }, energy_charts: { zone: FR, url: 'http://x/second' } ]";
    let mut house = start(yaml, &clock, &wire, folder.path());
    let end = instant("2025-12-10T20:00:00+01:00");
    let diary = live(&mut house, &clock, end, |outlook| {
        let at = |text: &str| outlook.series.get(&Quantity::SpotPrice)?.at(instant(text)).cloned();
        let shown = |figure: Option<ohmstead_outlook::Sourced>| {
            figure.map_or("unknown".to_owned(), |it| {
                format!("{:.2} {} of {}", it.value, it.source, local(it.fetched_at))
            })
        };
        format!("{} | {}", shown(at("2025-12-10T12:07:00Z")), shown(at("2025-12-11T12:07:00Z")))
    });
    expect![[r#"
        10 09:00 unknown | unknown
        10 09:00 0.05 prices.energy_charts of 10 09:00 | unknown
        10 13:34 0.05 prices.energy_charts of 10 09:00 | 0.06 prices.energy_charts.2 of 10 13:34
    "#]]
    .assert_eq(&diary.await);
    expect!["10 09:00, 10 13:06, 10 13:15, 10 13:24, 10 13:34"].assert_eq(&wire.asked("/second").join(", "));
    let prices = house.now().figures(Quantity::SpotPrice);
    let days = TimeSpan::new(instant("2025-12-10T00:00:00+01:00"), instant("2025-12-12T00:00:00+01:00"));
    assert_eq!((prices.gaps(days), prices.slots().len()), (vec![], 192));
    house.stop().await;
}

/// Nord Pool is asked for each day by itself. That tomorrow's fails is nobody's trouble before it is due, and one afterwards;
/// today's prices are known all the same.
#[tokio::test(start_paused = true)]
async fn a_tomorrow_that_fails_is_told_once_it_is_due() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T09:00:00+01:00"));
    let (late, back) = (instant("2025-12-10T13:30:00+01:00"), instant("2025-12-10T15:00:00+01:00"));
    let wire = Script::of(&clock, move |path, now| match path {
        path if path.contains("2025-12-10") => ok(hours("2025-12-10")),
        _ if now >= back => ok(hours("2025-12-11")),
        _ if now >= late || now < instant("2025-12-10T12:00:00+01:00") => Outside::Says(500, "oh".to_owned()),
        _ => Outside::Says(204, String::new()),
    });
    let yaml = "prices: { nordpool: { area: FR, url: 'http://x/' } }";
    let mut house = start(yaml, &clock, &wire, folder.path());
    let end = instant("2025-12-10T20:00:00+01:00");
    let diary = live(&mut house, &clock, end, |outlook| {
        let known = outlook.series.get(&Quantity::SpotPrice).map_or(0, |known| known.slots().len());
        let status = outlook.sources.get("prices.nordpool");
        let trouble = status.and_then(|it| it.trouble.clone()).unwrap_or_default();
        format!("{known} hours, {} failures {trouble}", status.map_or(0, |it| it.failures.min(1)))
    });
    expect![[r#"
        10 09:00 0 hours, 0 failures 
        10 09:00 24 hours, 0 failures 
        10 13:34 24 hours, 1 failures no prices of tomorrow: x cannot answer now (500: oh)
        10 15:03 48 hours, 0 failures 
    "#]]
    .assert_eq(&diary.await);
    expect!["10 09:00, 10 13:13, 10 13:24, 10 13:34, 10 13:39, 10 13:44, 10 13:49, 10 13:55, 10 14:05, 10 14:15, 10 14:25, 10 14:34, 10 14:44, 10 14:54, 10 15:03"].assert_eq(&wire.asked("2025-12-11").join(", "));
    house.stop().await;
}

/// A day of delivery as the portal tells it.
fn hours(day: &str) -> String {
    let first = instant(&format!("{day}T00:00:00+01:00"));
    let entries = (0..24).map(|hour| {
        let stamp = |hour: u32| {
            jiff::Timestamp::from_millisecond(first.plus(HOUR * hour).0).expect("a stamp").to_string()
        };
        format!(
            r#"{{"deliveryStart": "{}", "deliveryEnd": "{}", "entryPerArea": {{"FR": 61.2}}}}"#,
            stamp(hour),
            stamp(hour + 1)
        )
    });
    let entries = entries.collect::<Vec<_>>().join(", ");
    format!(r#"{{"currency": "EUR", "multiAreaEntries": [{entries}]}}"#)
}

/// Solcast is away until the afternoon: its ten calls are not spent by then, and it is heard soon after it is back.
#[tokio::test(start_paused = true)]
async fn a_small_budget_outlasts_an_outage() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-06-10T05:00:00+02:00"));
    let secret = secrets(folder.path());
    let yaml =
        format!("pv: {{ solcast: {{ sites: [a], api_key_file: {}, url: 'http://x/' }} }}", secret.display());
    let back = instant("2025-06-10T14:30:00+02:00");
    let forecast =
        r#"{"forecasts": [{"pv_estimate": 1.5, "period_end": "2025-06-11T13:00:00Z", "period": "PT30M"}]}"#;
    let wire = Script::of(
        &clock,
        move |_, now| {
            if now < back { Outside::Says(500, String::new()) } else { ok(forecast) }
        },
    );
    let house = start(&yaml, &clock, &wire, folder.path());
    clock.sleep(HOUR * 48).await;
    expect!["10 05:00, 10 05:30, 10 06:00, 10 06:30, 10 08:00, 10 10:00, 10 12:00, 10 14:00, 10 16:00, 10 18:02, 11 05:00, 11 07:11, 11 09:13, 11 11:03, 11 12:57, 11 14:57, 11 17:01, 11 18:56, 12 04:00"].assert_eq(&wire.asked("/rooftop_sites/a/").join(", "));
    house.stop().await;
}

/// However often the power is cut: ten calls a day are ten calls a day.
#[tokio::test(start_paused = true)]
async fn a_budget_outlives_power_cuts() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-06-10T08:00:00+02:00"));
    let secret = secrets(folder.path());
    let yaml =
        format!("pv: {{ solcast: {{ sites: [a], api_key_file: {}, url: 'http://x/' }} }}", secret.display());
    let fine = instant("2025-06-10T12:00:00+02:00");
    let forecast =
        r#"{"forecasts": [{"pv_estimate": 1.5, "period_end": "2025-06-10T13:00:00Z", "period": "PT30M"}]}"#;
    let wire = Script::of(
        &clock,
        move |_, now| {
            if now < fine { Outside::Says(500, String::new()) } else { ok(forecast) }
        },
    );
    for cut in 0..40 {
        let house = start(&yaml, &clock, &wire, folder.path());
        clock.sleep(Duration::from_secs(60 + cut % 4 * 900)).await;
        house.kill().await;
    }
    let asked = wire.asked("/rooftop_sites/a/");
    assert!((5..=10).contains(&asked.len()), "{asked:?}");
    let house = start(&yaml, &clock, &wire, folder.path());
    clock.sleep(Duration::from_secs(10)).await;
    let outlook = house.now();
    let known = outlook.series[&Quantity::PvPower].at(instant("2025-06-10T12:45:00Z")).cloned();
    assert_eq!(known.map(|it| (it.value, it.fetched_at >= fine)), Some((1500.0, true)));
    house.stop().await;
}

/// Without a network of its own will: what is in the cache, and what the owner says.
#[tokio::test(start_paused = true)]
async fn offline_nobody_is_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T12:00:00+01:00"));
    let wire = Script::of(&clock, |path, _| match path {
        path if path.starts_with("/rte") => ok(r#"{"values": {"2025-12-10": "WHITE", "2025-12-11": "RED"}}"#),
        _ => Outside::IsSilent,
    });
    let house = start(TWO_OF_TEMPO, &clock, &wire, folder.path());
    clock.sleep(HOUR).await;
    house.stop().await;
    let asked = wire.asked("/").len();
    let mut house = start(&format!("offline: true\n{TWO_OF_TEMPO}"), &clock, &wire, folder.path());
    clock.sleep(HOUR * 24).await;
    let outlook = house.now();
    assert_eq!(wire.asked("/").len(), asked);
    assert_eq!((outlook.offline, source(&outlook, "tempo.rte_site").next_try), (true, None));
    assert_eq!(outlook.colours[&day("2025-12-11")].colour, TempoColour::Red);
    house.outlook.borrow_and_update();
    house.manual.send_modify(|manual| {
        manual.colours.insert(day("2025-12-11"), TempoColour::Blue);
        let noon = instant("2025-12-11T12:00:00+01:00");
        manual.prices = Timeline::of([(TimeSpan::lasting(noon, HOUR), 0.5)]);
    });
    house.outlook.changed().await.expect("it runs");
    let outlook = house.now();
    let tomorrow = &outlook.colours[&day("2025-12-11")];
    assert_eq!(
        (tomorrow.colour, &*tomorrow.source, tomorrow.is_disputed()),
        (TempoColour::Blue, "manual", true)
    );
    let price = outlook.series[&Quantity::SpotPrice].at(instant("2025-12-11T12:30:00+01:00"));
    assert!(price.is_some_and(|it| (&*it.source, it.value) == ("manual", 0.5)));
    house.stop().await;
}

/// A gateway without a battery begins in 1970.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_not_set() {
    struct Late(Arc<Paused>);
    impl Clock for Late {
        fn now(&self) -> Moment {
            let now = self.0.now();
            let is_set = now.mono > HOUR;
            Moment { unix: if is_set { now.unix } else { UnixMillis(0).plus(now.mono) }, ..now }
        }
        fn sleep(&self, span: Duration) -> Sleep {
            self.0.sleep(span)
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T12:00:00+01:00"));
    let wire = Script::of(&clock, |_, _| ok(r#"{"values": {"2025-12-11": "RED"}}"#));
    let yaml = "tempo: { rte_site: { url: 'http://x/rte' } }";
    let house = House::start(
        settings(yaml),
        Arc::new(Late(Arc::clone(&clock))),
        Arc::clone(&wire) as _,
        folder.path(),
    );
    clock.sleep(HOUR / 2).await;
    let trouble = source(&house.now(), "tempo.rte_site").trouble.clone();
    assert_eq!(trouble.as_deref(), Some("the clock of this machine is not set"));
    assert_eq!(wire.asked("/rte").len(), 0);
    clock.sleep(HOUR).await;
    assert_eq!(wire.asked("/rte").len(), 1, "{:?}", wire.asked("/rte"));
    assert_eq!(source(&house.now(), "tempo.rte_site").trouble, None);
    assert_eq!(house.now().colours.len(), 1);
    house.stop().await;
}

/// Flash wears: what only becomes older is not written more than once an hour.
#[tokio::test(start_paused = true)]
async fn a_cache_that_is_seldom_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T00:00:00+01:00"));
    let wire = Script::of(&clock, |_, _| {
        ok(
            r#"{"utc_offset_seconds": 0, "hourly": {"time": [1765368000], "global_tilted_irradiance": [100]}}"#,
        )
    });
    let yaml = "pv: { open_meteo: { planes: [{ peak: 1 kWp, tilt: 0, azimuth: 0 }], every: 15 min, url: 'http://x/m' } }";
    let mut house = start(yaml, &clock, &wire, folder.path());
    let file = folder.path().join("outlook/pv.open_meteo.json");
    let seen = Mutex::new(Vec::new());
    let end = instant("2025-12-10T10:00:00+01:00");
    live(&mut house, &clock, end, |_| {
        seen.lock()
            .expect("no test panics with it")
            .extend(std::fs::metadata(&file).map(|it| (it.ino(), it.mtime_nsec())));
        String::new()
    })
    .await;
    house.stop().await;
    let mut written = seen.into_inner().expect("no test panics with it");
    written.dedup();
    assert!(wire.asked("/m").len() >= 36, "{:?}", wire.asked("/m"));
    assert!((9..=13).contains(&written.len()), "{} times", written.len());
}

/// Another zone is another market: what is kept of the one is not taken for the other.
#[tokio::test(start_paused = true)]
async fn figures_of_other_settings_are_not_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Paused::at(instant("2025-12-10T09:00:00+01:00"));
    let wire = Script::of(&clock, |path, _| match path {
        path if path.contains("bzn=FR") => ok(quarters(&["2025-12-10"], 50.0)),
        _ => Outside::IsSilent,
    });
    let yaml = |zone: &str| format!("prices: {{ energy_charts: {{ zone: {zone}, url: 'http://x/' }} }}");
    let house = start(&yaml("FR"), &clock, &wire, folder.path());
    clock.sleep(HOUR / 60).await;
    assert!(!house.now().figures(Quantity::SpotPrice).is_empty());
    house.stop().await;
    let house = start(&yaml("NL"), &clock, &wire, folder.path());
    clock.sleep(HOUR / 60).await;
    assert!(house.now().figures(Quantity::SpotPrice).is_empty());
    house.stop().await;
}
