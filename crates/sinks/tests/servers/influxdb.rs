//! `InfluxDB` 1 as Debian has it. Skipped where it is not installed.

use std::process::Command;

use crate::house::{House, START, Sink, an_hour, point};
use crate::process::{Server, find, free_port, http};
use ohmstead_model::{Metric, Value};

async fn start() -> Option<Server> {
    let program = find("influxd", &[])?;
    let folder = tempfile::tempdir().expect("a folder");
    let (port, rpc) = (free_port(), free_port());
    let at = folder.path().display();
    let text = format!(
        "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc}\"\n[meta]\ndir = \"{at}/meta\"\n\
         [data]\ndir = \"{at}/data\"\nwal-dir = \"{at}/wal\"\n[http]\nbind-address = \"127.0.0.1:{port}\"\n"
    );
    let file = folder.path().join("influxdb.conf");
    std::fs::write(&file, text).expect("written");
    let mut command = Command::new(program);
    command.arg("-config").arg(file);
    Some(Server::start(command, port, folder).await)
}

async fn ask(port: u16, query: &str) -> String {
    let query = query.replace(' ', "%20").replace('"', "%22").replace('=', "%3D");
    http(port, "GET", &format!("/query?db=house&epoch=ms&q={query}")).await
}

#[tokio::test]
async fn an_hour_arrives_once_however_often_it_is_sent() {
    let Some(server) = start().await else { return };
    let house = House::with(an_hour());
    let yaml = format!(
        "influxdb: {{ url: 'http://127.0.0.1:{}', database: house, from: all, max_batch: 100 }}",
        server.port
    );
    let mut sink = Sink::start("a", &yaml, &house);
    let trouble =
        sink.until(|status| status.trouble.is_some()).await.trouble.expect("there is no database yet");
    assert!(trouble.contains("database not found"), "{trouble}");
    http(server.port, "POST", "/query?q=CREATE%20DATABASE%20house").await;
    let status = sink.caught_up().await;
    assert_eq!((status.sent, status.refused), (house.len(), 0));
    sink.stop().await;
    house.forget_all_answers("a");
    let mut sink = Sink::start("a", &yaml, &house);
    sink.caught_up().await;
    house.store(point(START + 5000, "cellar", Metric::BatterySoc, Value::Number(12.5)));
    sink.until(|status| status.sent > house.len()).await;
    sink.stop().await;
    let counts = ask(server.port, "SELECT count(battery_power),count(grid_import_energy),count(battery_mode),sum(battery_power) FROM ohmstead").await;
    assert!(counts.contains("720,120,120,323100]"), "{counts}");
    let text = ask(
        server.port,
        "SELECT battery_mode_native,battery_soc FROM ohmstead WHERE battery_soc > 0 OR time = 1795248005s",
    )
    .await;
    assert!(text.contains(r#"[1795248005000,"it's \"UPS\", \\o/\tok",12.5]"#), "{text}");
}
