//! PostgreSQL as Debian has it, and TimescaleDB where it is found. Skipped where they are not installed.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::house::{House, START, Sink, an_hour, point};
use crate::process::{Server, find, free_port};
use ohmstead_model::{Metric, Value};

/// `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// Where Debian keeps the server's programs, newest last.
fn folders() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(folder).expect("a folder"));
    if owner == NOBODY {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

async fn start() -> Option<(Server, PathBuf)> {
    let (initdb, postgres) = (find("initdb", &folders())?, find("postgres", &folders())?);
    let psql = find("psql", &folders())?;
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
    // Only root may give a folder away, and only root has to.
    let _ = chown(folder.path(), Some(NOBODY), Some(NOBODY));
    let data = folder.path().join("data");
    let made = command(&initdb, folder.path())
        .args(["--no-sync", "-A", "trust", "-U", "ohmstead", "-E", "UTF8", "-D"])
        .arg(&data)
        .output()
        .expect("initdb runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut server = command(&postgres, folder.path());
    server.arg("-D").arg(&data).args([
        "-p",
        &port.to_string(),
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "fsync=off",
    ]);
    server.args(["-c", "unix_socket_directories="]);
    let timescale = folders()
        .iter()
        .any(|bin| bin.parent().is_some_and(|version| version.join("lib/timescaledb.so").is_file()));
    if timescale {
        server.args(["-c", "shared_preload_libraries=timescaledb"]);
    }
    Some((Server::start(server, port, folder).await, psql))
}

fn ask(server: &Server, psql: &Path, database: &str, sql: &str) -> Result<String, String> {
    let output = Command::new(psql)
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &server.port.to_string(),
            "-U",
            "ohmstead",
            "-d",
            database,
            "-AtX",
            "-c",
            sql,
        ])
        .output()
        .expect("psql runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// A server that has just begun to listen may still be starting up.
async fn asked(server: &Server, psql: &Path, database: &str, sql: &str) -> String {
    let mut last = String::new();
    for _ in 0..100 {
        match ask(server, psql, database, sql) {
            Ok(answer) => return answer,
            Err(error) => last = error,
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{sql}: {last}");
}

const FIGURES: &str = "SELECT count(value), count(text), sum(value) FILTER (WHERE metric = 'battery_power') FROM house.readings";

#[tokio::test]
async fn an_hour_arrives_once_however_often_it_is_sent() {
    let Some((server, psql)) = start().await else { return };
    let house = House::with(an_hour());
    let yaml = format!(
        "postgresql: {{ host: 127.0.0.1, port: {}, database: home, table: house.readings, from: all, max_batch: 100 }}",
        server.port
    );
    let mut sink = Sink::start("a", &yaml, &house);
    let missing = |status: &ohmstead_sinks::Status| {
        status.trouble.as_ref().is_some_and(|it| it.contains("create the database"))
    };
    sink.until(missing).await;
    asked(&server, &psql, "postgres", "CREATE DATABASE home").await;
    asked(&server, &psql, "home", "CREATE SCHEMA house").await;
    let status = sink.caught_up().await;
    assert_eq!((status.sent, status.refused), (house.len(), 0));
    sink.stop().await;
    assert_eq!(asked(&server, &psql, "home", FIGURES).await, "840|121|323100");
    house.forget_all_answers("a");
    let mut sink = Sink::start("a", &yaml, &house);
    sink.caught_up().await;
    house.store(point(START + 5000, "cellar", Metric::BatteryModeNative, Value::text("changed")));
    sink.until(|status| status.sent > house.len()).await;
    sink.stop().await;
    assert_eq!(asked(&server, &psql, "home", FIGURES).await, "840|121|323100");
    let text = "SELECT extract(epoch FROM time) * 1000, device, text FROM house.readings WHERE metric = 'battery_mode_native'";
    assert_eq!(asked(&server, &psql, "home", text).await, "1795248005000.000000|cellar|changed");
    let exact = "SELECT count(*) FROM house.readings WHERE metric = 'battery_power' AND device = 'garage' AND
                 extract(epoch FROM time) * 1000 = 1795248000000 + value * 1000 + (value * 7919)::bigint % 300";
    assert_eq!(asked(&server, &psql, "home", exact).await, "360", "each under its own millisecond");
}

/// A constraint that somebody put on the table refuses one value, and one only.
#[tokio::test]
async fn a_value_that_the_table_refuses_is_skipped() {
    let Some((mut server, psql)) = start().await else { return };
    let house = House::with(an_hour());
    asked(&server, &psql, "postgres", "CREATE DATABASE ohmstead").await;
    let table = "CREATE TABLE ohmstead (time timestamptz NOT NULL, device text, metric text, value double precision, text text,
                 PRIMARY KEY (device, metric, time), CHECK (value IS DISTINCT FROM 1230))";
    asked(&server, &psql, "ohmstead", table).await;
    let yaml = format!("postgresql: {{ host: 127.0.0.1, port: {}, from: all }}", server.port);
    let mut sink = Sink::start("a", &yaml, &house);
    let status = sink.caught_up().await;
    assert_eq!((status.sent, status.refused), (house.len() - 1, 1));
    let count = asked(&server, &psql, "ohmstead", "SELECT count(*) FROM ohmstead").await;
    assert_eq!(count, (house.len() - 1).to_string());
    server.kill();
    house.store(point(START + 7_100_000, "cellar", Metric::BatterySoc, Value::Number(1.0)));
    let trouble = sink.until(|status| status.trouble.is_some()).await.trouble.expect("trouble");
    assert!(trouble.contains("lost") || trouble.contains("connect"), "{trouble}");
    sink.stop().await;
}

#[tokio::test]
async fn timescaledb_gets_a_hypertable() {
    let Some((server, psql)) = start().await else { return };
    asked(&server, &psql, "postgres", "CREATE DATABASE ohmstead").await;
    if let Err(error) = ask(&server, &psql, "ohmstead", "CREATE EXTENSION timescaledb") {
        println!("SKIPPED: TimescaleDB is not installed: {error}");
        return;
    }
    let house = House::with(an_hour());
    let yaml = format!("postgresql: {{ host: 127.0.0.1, port: {}, from: all }}", server.port);
    let mut sink = Sink::start("a", &yaml, &house);
    sink.caught_up().await;
    sink.stop().await;
    let chunks = "SELECT hypertable_name, num_dimensions FROM timescaledb_information.hypertables";
    assert_eq!(asked(&server, &psql, "ohmstead", chunks).await, "ohmstead|1");
}
