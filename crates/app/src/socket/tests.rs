//! The socket with real connections, friendly and hostile.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::WallClock;
use crate::testing::TestHouse;

/// How long an event may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

struct Scene {
    house: TestHouse,
    stop: CancellationToken,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let house = TestHouse::new(folder.path(), std::sync::Arc::new(WallClock::real())).await;
        let stop = CancellationToken::new();
        let (dir, desk, token) =
            (folder.path().to_owned(), std::sync::Arc::clone(&house.house), stop.clone());
        house.tracker.spawn(async move { serve(&dir, desk, token).await });
        let scene = Self { house, stop, folder };
        eventually(|| scene.path().exists()).await;
        scene
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join(NAME)
    }

    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = UnixStream::connect(self.path()).await.unwrap();
        // The server may refuse before everything is sent.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut reply = Vec::new();
        let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut reply)).await;
        read.expect("an end").ok();
        String::from_utf8(reply).unwrap()
    }
}

async fn eventually(mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.expect("it happens in time");
}

async fn client(dir: &Path) -> Client {
    Client::connect(dir).await.expect("a daemon")
}

#[tokio::test]
async fn the_verbs_have_answers() {
    let scene = Scene::new().await;
    eventually(|| scene.house.house.hub.snapshot().device("a").is_some_and(|device| device.is_online()))
        .await;
    let mut client = client(scene.folder.path()).await;
    let device = client.ask(&Question::Read { device: "a".to_owned() }).await.unwrap();
    assert_eq!(
        (&device["name"], &device["values"]["battery_soc"]["value"]),
        (&json!("Title of a"), &json!(50.0))
    );
    let devices = client.ask(&Question::Devices {}).await.unwrap();
    assert_eq!(devices.as_array().unwrap().len(), 1);
    let set = Question::Set { device: "a".to_owned(), wish: "auto".to_owned(), for_s: None };
    let row = client.ask(&set).await.unwrap();
    assert_eq!((&row["outcome"], &row["asked_by"]), (&json!("accepted_unmeasured"), &json!("cli")));
    let rows = client
        .ask(&Question::Ledger { limit: 5, device: None, outcome: None, since_unix_ms: None })
        .await
        .unwrap();
    assert_eq!(rows, Value::Array(vec![row]));
    let status = client.ask(&Question::Status {}).await.unwrap();
    assert_eq!((&status["pid"], &status["devices"]), (&json!(std::process::id()), &json!(["a"])));
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let scene = Scene::new().await;
    let mut client = client(scene.folder.path()).await;
    let mut refused = async |question| match client.ask(&question).await {
        Err(AskFailed::Refused(failure)) => {
            format!("{}: {}; {}", failure.code, failure.message, failure.hint)
        }
        other => panic!("{other:?}"),
    };
    let read = Question::Read { device: "b".to_owned() };
    assert_eq!(refused(read).await, "unknown_device: no device \"b\" is configured; configured: a");
    let set = |device: &str, mode: &str| Question::Set {
        device: device.to_owned(),
        wish: mode.to_owned(),
        for_s: None,
    };
    assert!(refused(set("a", "on")).await.starts_with("bad_mode: \"on\" is no battery mode"));
    assert!(refused(set("../a", "auto")).await.starts_with("unknown_device: "));
    assert!(refused(set("site", "auto")).await.starts_with("unknown_device: "));
}

#[tokio::test]
async fn hostile_lines_are_refused_and_the_next_peer_is_served() {
    let scene = Scene::new().await;
    let long = format!("{{\"verb\":\"read\",\"device\":\"{}\"}}\n", "x".repeat(200_000));
    let deep = "[".repeat(10_000) + "\n";
    for bytes in [
        &b"\n"[..],
        b"{}\n",
        b"\xff\xfe\n",
        b"{\"verb\":\"rm\"}\n",
        b"no line end",
        long.as_bytes(),
        deep.as_bytes(),
    ] {
        let reply = scene.raw(bytes).await;
        assert!(reply.starts_with("{\"error\":{\"code\":\"bad_request\""), "{bytes:?}: {reply}");
    }
    assert_eq!(scene.raw(b"").await, "");
    assert!(scene.raw(b"{\"verb\":\"status\"}\n{\"verb\":\"devices\"}\n").await.lines().count() == 2);
}

#[tokio::test]
async fn more_peers_than_places_wait_for_their_turn() {
    let scene = Scene::new().await;
    let mut silent = Vec::new();
    for _ in 0..16 {
        silent.push(UnixStream::connect(scene.path()).await.unwrap());
    }
    let late = async { scene.raw(b"{\"verb\":\"status\"}\n").await };
    let free = async {
        tokio::task::yield_now().await;
        silent.pop();
    };
    let (reply, ()) = tokio::join!(late, free);
    assert!(reply.starts_with("{\"ok\":"), "{reply}");
}

#[tokio::test]
async fn it_belongs_to_the_user_alone_and_goes_at_the_end() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new().await;
    let mode = std::fs::metadata(scene.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    scene.stop.cancel();
    eventually(|| !scene.path().exists()).await;
    assert!(Client::connect(scene.folder.path()).await.is_none());
}

#[tokio::test]
async fn the_socket_of_a_dead_one_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(NAME)).unwrap());
    let house = TestHouse::new(folder.path(), std::sync::Arc::new(WallClock::real())).await;
    let (dir, desk) = (folder.path().to_owned(), std::sync::Arc::clone(&house.house));
    house.tracker.spawn(async move { serve(&dir, desk, CancellationToken::new()).await });
    let connected = async {
        while Client::connect(folder.path()).await.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, connected).await.expect("a daemon in time");
}

/// Nobody is there who could take it back.
#[tokio::test]
async fn a_release_of_all_says_what_it_could_not_take_back() {
    let scene = Scene::new().await;
    let all = Question::Release { device: None };
    let answer = desk::answer(&scene.house.house, all).await.unwrap();
    assert_eq!(answer["ahead_stays"], json!("the program is stopping"));
    scene.stop.cancel();
}

#[tokio::test]
async fn a_power_that_no_battery_has_is_refused() {
    let scene = Scene::new().await;
    let wish = "charge 2000000 kW".to_owned();
    let set = Question::Set { device: "a".to_owned(), wish, for_s: None };
    let refused = desk::answer(&scene.house.house, set).await.unwrap_err();
    assert_eq!(refused.code, "bad_power");
    scene.stop.cancel();
}
