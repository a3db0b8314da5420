//! Whatever goes wrong over there, it is said in words, tried again at a decent pace, and nobody else is held up.

use std::time::Duration;

use ohmstead_outlook::http::BODY_BYTES_MAX;
use rstest::rstest;

use crate::clocks::{Hand, instant};
use crate::house::{House, all_have_tried, everything, pause, secrets, source};
use crate::server::{Canned, Server};
use crate::sources::documented;

const MINUTE: Duration = Duration::from_secs(60);
const NOON: &str = "2025-12-10T12:00:00+01:00";

/// All sources meet the same fault. `words` are in what is said of each, `least` and `most` bound the pause.
async fn all_meet(fault: Canned, words: &str, least: Duration, most: Duration) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(move |_| fault.clone()).await;
    let clock = Hand::at(instant(NOON));
    let yaml = everything(server.port, &secrets(folder.path()));
    let mut house = House::on_sockets(&yaml, &clock, folder.path());
    let outlook = house.until(&clock, all_have_tried).await;
    assert_eq!(outlook.sources.len(), 14);
    for (name, status) in &outlook.sources {
        let trouble = status.trouble.as_deref().unwrap_or("none");
        assert!(trouble.contains(words), "{name}: {trouble}");
        assert!(!trouble.contains("SECRET"), "{name}: {trouble}");
        // The answer comes a few seconds after the question.
        assert!(
            (least..=most + Duration::from_secs(60)).contains(&pause(status)),
            "{name}: {:?}",
            pause(status)
        );
        assert_eq!(status.fetched_at, None, "{name}");
    }
    assert!(outlook.series.is_empty() && outlook.colours.is_empty() && outlook.grids.is_empty());
    house.stop().await;
}

/// The shortest pause is the least distance of two asks, 5 to 30 minutes; a refusal waits an hour.
#[rstest]
#[case::fault(500, "", "cannot answer now (500: oh", MINUTE * 5, MINUTE * 30)]
#[case::token(401, "", "does not let us in (401: oh", MINUTE * 60, MINUTE * 60)]
#[case::forbidden(403, "", "does not let us in (403: oh", MINUTE * 60, MINUTE * 60)]
#[case::busy(
    429,
    "retry-after: 7000\r\n",
    "we ask too often (429: oh",
    Duration::from_secs(7000),
    Duration::from_secs(7000)
)]
#[case::busy_without_a_word(429, "", "we ask too often", MINUTE * 15, MINUTE * 30)]
#[case::maintenance(503, "retry-after: 7200\r\n", "is not available", MINUTE * 120, MINUTE * 120)]
#[case::elsewhere(302, "location: http://other.example/x\r\n", "sends us elsewhere, to http://other.example/x (302: oh)", MINUTE * 60, MINUTE * 60)]
#[case::bad_request(400, "", "refuses the request (400: oh", MINUTE * 60, MINUTE * 60)]
#[tokio::test]
async fn a_status(
    #[case] status: u16,
    #[case] headers: &'static str,
    #[case] words: &str,
    #[case] least: Duration,
    #[case] most: Duration,
) {
    all_meet(Canned::Answer(status, headers, b"{\"error\": \"oh\"}".to_vec()), words, least, most).await;
}

#[rstest]
#[case::html("<!doctype html><html><body>Maintenance</body></html>", "it is an HTML page, not data")]
#[case::broken("{\"values\": [", "its answer cannot be read: it is no ")]
#[case::binary("\u{0}\u{1}", "its answer cannot be read: it is no ")]
#[tokio::test]
async fn a_body(#[case] body: &'static str, #[case] words: &str) {
    all_meet(Canned::ok(body), words, MINUTE * 5, MINUTE * 30).await;
}

#[rstest]
#[case::empty("")]
#[case::blank(" \r\n")]
#[tokio::test]
async fn an_empty_body(#[case] body: &'static str) {
    all_meet(Canned::ok(body), "gave an empty answer (200)", MINUTE * 5, MINUTE * 30).await;
}

/// "No content" is no failure: it is asked again as if that were usual.
#[rstest]
#[case::no_content(204, "")]
#[tokio::test]
async fn nothing_yet(#[case] status: u16, #[case] body: &'static str) {
    let fault = Canned::Answer(status, "", body.as_bytes().to_vec());
    all_meet(fault, "not published yet", MINUTE * 15, MINUTE * 60 * 27).await;
}

/// ENTSO-E says that there is nothing yet with status 400.
#[tokio::test]
async fn nothing_yet_that_looks_like_a_refusal() {
    let folder = tempfile::tempdir().expect("a folder");
    let server =
        Server::start(|_| Canned::Answer(400, "", include_bytes!("../answers/entsoe_nothing.xml").to_vec()))
            .await;
    let clock = Hand::at(instant(NOON));
    let yaml = everything(server.port, &secrets(folder.path()));
    let mut house = House::on_sockets(&yaml, &clock, folder.path());
    let outlook = house.until(&clock, all_have_tried).await;
    let status = source(&outlook, "prices.entsoe");
    assert_eq!((status.trouble.as_deref(), status.failures), (Some("not published yet"), 0));
    assert_eq!(source(&outlook, "prices.awattar").failures, 1);
    house.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    let fault = Canned::ok(vec![b' '; BODY_BYTES_MAX + 1]);
    all_meet(fault, "larger than 4194304 bytes", MINUTE * 5, MINUTE * 30).await;
}

#[tokio::test]
async fn a_connection_that_is_cut() {
    all_meet(Canned::Cut, "no answer at 127.0.0.1", MINUTE * 5, MINUTE * 30).await;
}

#[tokio::test]
async fn silence() {
    all_meet(Canned::Hang, "has not answered for 30 s", MINUTE * 5, MINUTE * 30).await;
}

#[tokio::test]
async fn nobody_listens() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(documented).await;
    let yaml = everything(server.port, &secrets(folder.path()));
    drop(server);
    tokio::task::yield_now().await;
    let clock = Hand::at(instant(NOON));
    let mut house = House::on_sockets(&yaml, &clock, folder.path());
    let outlook = house.until(&clock, all_have_tried).await;
    for (name, status) in &outlook.sources {
        let trouble = status.trouble.as_deref().unwrap_or("none");
        assert!(trouble.contains("at 127.0.0.1"), "{name}: {trouble}");
    }
    house.stop().await;
}

#[tokio::test]
async fn one_that_hangs_holds_nobody_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(|heard| {
        if heard.line.contains("/energy_charts") || heard.line.contains("/rte_token") {
            return Canned::Hang;
        }
        documented(heard)
    })
    .await;
    let clock = Hand::at(instant(NOON));
    let yaml = everything(server.port, &secrets(folder.path()));
    let mut house = House::on_sockets(&yaml, &clock, folder.path());
    let others = |name: &str| !matches!(name, "prices.energy_charts" | "tempo.rte_api");
    let outlook = house
        .until(&clock, |outlook| {
            let mut fetched = outlook.sources.iter().filter(|(name, _)| others(name));
            !outlook.sources.is_empty() && fetched.all(|(_, status)| status.fetched_at.is_some())
        })
        .await;
    assert_eq!(source(&outlook, "prices.energy_charts").fetched_at, None);
    let outlook = house.until(&clock, all_have_tried).await;
    let trouble = source(&outlook, "tempo.rte_api").trouble.as_deref();
    assert!(trouble.is_some_and(|it| it.contains("has not answered for 30 s")), "{trouble:?}");
    house.stop().await;
}

/// A server that repeats what it was sent shall not bring a token into the log.
#[tokio::test]
async fn secrets_do_not_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(|heard| {
        let echo = format!("bad: {} {} {}", heard.line, heard.headers.replace('\n', " "), heard.body);
        Canned::Answer(400, "", echo.into_bytes())
    })
    .await;
    let clock = Hand::at(instant(NOON));
    let yaml = everything(server.port, &secrets(folder.path()));
    let mut house = House::on_sockets(&yaml, &clock, folder.path());
    let outlook = house.until(&clock, all_have_tried).await;
    let all = format!("{:?}", outlook.sources);
    assert!(all.contains("***"), "there was something to hide: {all}");
    for form in ["TOP+SECRET/1", "TOP%2BSECRET%2F1", "SECRET", "bWU6VE9QK1NFQ1JFVC8x"] {
        assert!(!all.contains(form), "{form} in {all}");
    }
    house.stop().await;
}

/// Nor does what a service says in an answer that is in order.
#[tokio::test]
async fn secrets_in_good_answers_do_not_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(|heard| {
        if heard.line.contains("/tibber") {
            return Canned::ok(r#"{"errors": [{"message": "bad token TOP+SECRET/1"}]}"#);
        }
        Canned::ok("<Acknowledgement_MarketDocument><Reason><text>securityToken=TOP%2BSECRET%2F1 is bad</text></Reason></Acknowledgement_MarketDocument>")
    })
    .await;
    let clock = Hand::at(instant(NOON));
    let yaml = everything(server.port, &secrets(folder.path()));
    let mut house = House::on_sockets(&yaml, &clock, folder.path());
    let outlook = house.until(&clock, all_have_tried).await;
    let said = |name| source(&outlook, name).trouble.clone().unwrap_or_default();
    assert_eq!(said("prices.tibber"), "it does not let us in (bad token ***); check the key or token");
    assert_eq!(
        said("prices.entsoe"),
        "it does not let us in (securityToken=*** is bad); check the key or token"
    );
    house.stop().await;
}

/// A redirection within the server is followed, one to another port is not, and no token goes there.
#[tokio::test]
async fn nobody_is_followed_to_another_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = Server::start(documented).await;
    let to: &'static str = Box::leak(format!("location: http://127.0.0.1:{}/entsoe\r\n", other.port).into());
    let server = Server::start(move |heard| match &heard.line {
        line if line.contains("/rte_site?") => Canned::Answer(301, "location: /rte_site/new\r\n", Vec::new()),
        line if line.contains("/awattar") => Canned::Answer(302, "location: /awattar\r\n", Vec::new()),
        line if line.contains("/entsoe") => Canned::Answer(302, to, Vec::new()),
        _ => documented(heard),
    })
    .await;
    let clock = Hand::at(instant(NOON));
    let yaml = everything(server.port, &secrets(folder.path()));
    let mut house = House::on_sockets(&yaml, &clock, folder.path());
    let outlook = house.until(&clock, all_have_tried).await;
    assert_eq!(source(&outlook, "tempo.rte_site").trouble, None);
    let trouble = source(&outlook, "prices.entsoe").trouble.clone();
    let place = format!("sends us elsewhere, to http://127.0.0.1:{}/entsoe (302)", other.port);
    assert!(trouble.as_ref().is_some_and(|it| it.contains(&place)), "{trouble:?}");
    let trouble = source(&outlook, "prices.awattar").trouble.clone().unwrap_or_default();
    assert!(trouble.contains("sends us round in a circle (302)"), "{trouble}");
    assert!(other.heard().is_empty());
    house.stop().await;
}

/// RTE's token is used again, and renewed when it is refused before its time.
#[tokio::test]
async fn the_token_of_rte_is_kept_and_renewed() {
    let folder = tempfile::tempdir().expect("a folder");
    let calls = std::sync::atomic::AtomicU32::new(0);
    let server = Server::start(move |heard| {
        let is_calendar = heard.line.contains("/rte_api");
        // The second question for the calendar finds the token withdrawn.
        if is_calendar && calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            return Canned::Answer(401, "", Vec::new());
        }
        documented(heard)
    })
    .await;
    let at = format!("http://127.0.0.1:{}", server.port);
    let secret = secrets(folder.path());
    let yaml = format!(
        "tempo: {{ rte_api: {{ client_id: me, client_secret_file: {}, url: '{at}/rte_api', token_url: '{at}/rte_token' }} }}",
        secret.display()
    );
    let clock = Hand::at(instant("2025-12-10T10:20:00+01:00"));
    let mut house = House::on_sockets(&yaml, &clock, folder.path());
    house.until(&clock, all_have_tried).await;
    for minutes in [21, 30] {
        let before = source(&house.now(), "tempo.rte_api").tried_at;
        clock.advance(MINUTE * minutes);
        house
            .until(&clock, |outlook| {
                all_have_tried(outlook) && source(outlook, "tempo.rte_api").tried_at > before
            })
            .await;
    }
    let lines: Vec<_> = server.heard().iter().map(|it| it.line[..14].trim().to_owned()).collect();
    let [token, calendar] = ["POST /rte_toke", "GET /rte_api?s"];
    assert_eq!(lines, [token, calendar, calendar, token, calendar, calendar]);
    assert_eq!(source(&house.now(), "tempo.rte_api").trouble, None);
    house.stop().await;
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(documented).await;
    let clock = Hand::at(instant(NOON));
    let yaml = everything(server.port, &folder.path().join("none"));
    let mut house = House::on_sockets(&yaml, &clock, folder.path());
    let outlook = house.until(&clock, all_have_tried).await;
    let trouble = source(&outlook, "prices.tibber").trouble.clone().unwrap_or_default();
    assert!(trouble.contains("none cannot be read"), "{trouble}");
    assert_eq!(source(&outlook, "prices.awattar").trouble, None);
    let errors: Vec<_> =
        ohmstead_outlook::check(&crate::house::settings(&yaml)).iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 6, "{errors:?}");
    assert!(errors[0].starts_with("tariffs.market.entsoe.token_file: "), "{errors:?}");
    house.stop().await;
}
