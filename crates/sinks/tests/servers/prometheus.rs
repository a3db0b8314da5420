//! Prometheus and `VictoriaMetrics` as Debian has them. Skipped where they are not installed.

use std::process::Command;

use crate::house::{House, START, Sink, an_hour, point};
use crate::process::{Server, find, free_port, http_until};
use ohmstead_model::{Metric, Value};

/// What Prometheus needs to take what is older than what it has.
const WINDOW: &str = "storage: { tsdb: { out_of_order_time_window: 520w } }\n";

async fn prometheus(config: &str) -> Option<Server> {
    let program = find("prometheus", &[])?;
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
    let file = folder.path().join("prometheus.yml");
    std::fs::write(&file, config).expect("written");
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg("--storage.tsdb.retention.time=20y")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--web.enable-remote-write-receiver");
    let server = Server::start(command, port, folder).await;
    http_until(port, "/-/ready", |answer| answer.contains("Ready")).await;
    Some(server)
}

async fn victoria_metrics() -> Option<Server> {
    let program = find("victoria-metrics", &[])?;
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
    let mut command = Command::new(program);
    command
        .arg(format!("-storageDataPath={}", folder.path().join("data").display()))
        .arg("-retentionPeriod=100y")
        .arg(format!("-httpListenAddr=127.0.0.1:{port}"));
    Some(Server::start(command, port, folder).await)
}

fn yaml(server: &Server) -> String {
    format!(
        "prometheus: {{ url: 'http://127.0.0.1:{}/api/v1/write', from: all, labels: {{ site: home }} }}",
        server.port
    )
}

/// Everything within the hour, at the end of it.
fn question(what: &str) -> String {
    format!("/api/v1/query?time={}&query={what}", (START / 1000) + 3600)
}

/// Whether the answer's only value is `value`.
fn is(value: &'static str) -> impl Fn(&str) -> bool {
    move |answer| answer.contains(&format!(",\"{value}\"]")) || answer.contains(&format!(", \"{value}\"]"))
}

async fn has_the_hour(port: u16) {
    let count = |name: &str| question(&format!("sum(count_over_time({name}[70m]))"));
    http_until(port, &count("ohmstead_battery_power_watts"), is("720")).await;
    http_until(port, &question("sum(sum_over_time(ohmstead_battery_power_watts[70m]))"), is("323100")).await;
    http_until(port, &count("ohmstead_grid_import_energy_watthours_total"), is("120")).await;
    let hold = "sum(sum_over_time(ohmstead_battery_mode%7Bstate=%22hold%22,site=%22home%22%7D[70m]))";
    http_until(port, &question(hold), is("60")).await;
    let highest =
        "max(max_over_time(ohmstead_grid_import_energy_watthours_total%7Bdevice=%22garage%22%7D[70m]))";
    http_until(port, &question(highest), is("35400")).await;
}

#[tokio::test]
async fn prometheus_has_the_hour_once_however_often_it_is_sent() {
    let Some(server) = prometheus(WINDOW).await else { return };
    let house = House::with(an_hour());
    let mut sink = Sink::start("a", &yaml(&server), &house);
    let status = sink.caught_up().await;
    assert_eq!((status.sent, status.refused), (house.len(), 0));
    sink.stop().await;
    has_the_hour(server.port).await;
    house.forget_all_answers("a");
    let mut sink = Sink::start("a", &yaml(&server), &house);
    assert_eq!(sink.caught_up().await.refused, 0);
    house.store(point(START + 5000, "cellar", Metric::BatterySoc, Value::Number(12.5)));
    sink.until(|status| status.sent > house.len()).await;
    sink.stop().await;
    has_the_hour(server.port).await;
    http_until(server.port, &question("max_over_time(ohmstead_battery_soc_percent[70m])"), is("12.5")).await;
}

/// A Prometheus that takes nothing old refuses what it has already: that is skipped, and what is new arrives.
#[tokio::test]
async fn prometheus_without_a_window_skips_what_it_has_and_takes_the_rest() {
    let Some(server) = prometheus("").await else { return };
    let first: Vec<_> = an_hour().into_iter().filter(|point| point.at.0 < START + 600_000).collect();
    let house = House::with(first);
    let mut sink = Sink::start("a", &yaml(&server), &house);
    assert_eq!(sink.caught_up().await.refused, 0);
    sink.stop().await;
    house.forget_all_answers("a");
    for point in an_hour() {
        house.store(point);
    }
    house.forget_all_answers("a");
    let mut sink = Sink::start("a", &yaml(&server), &house);
    let status = sink.caught_up().await;
    assert_eq!(status.sent + status.refused, house.len());
    assert!(status.refused < 170, "not more than the ten minutes: {status:?}");
    sink.stop().await;
    has_the_hour(server.port).await;
}

#[tokio::test]
async fn victoria_metrics_has_the_hour() {
    let Some(server) = victoria_metrics().await else { return };
    let house = House::with(an_hour());
    let mut sink = Sink::start("a", &yaml(&server), &house);
    let status = sink.caught_up().await;
    sink.stop().await;
    assert_eq!((status.sent, status.refused), (house.len(), 0));
    http_until(server.port, "/internal/force_flush", |_| true).await;
    has_the_hour(server.port).await;
}
