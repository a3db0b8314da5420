//! A receiver of our own: what goes over the wire, and what a sink makes of the answers.

use std::sync::{Arc, Mutex};

use expect_test::expect;
use ohmstead_model::{Metric, Value};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::house::{House, START, Sink, an_hour, point};

/// A request: its head without what differs from run to run, and its body.
#[derive(Debug, Clone)]
struct Request {
    head: String,
    body: Vec<u8>,
}

type Answer = Box<dyn Fn(usize) -> (u16, &'static str) + Send + Sync>;

/// Answers the n-th request as it is told to.
struct Receiver {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    tasks: TaskTracker,
}

impl Receiver {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let (requests, tasks) = (Arc::<Mutex<Vec<Request>>>::default(), TaskTracker::new());
        let (known, answer, of_connections) = (Arc::clone(&requests), Arc::new(answer), tasks.clone());
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                of_connections.spawn(serve(stream, Arc::clone(&known), Arc::clone(&answer)));
            }
        });
        Self { port, requests, tasks }
    }

    fn requests(&self) -> Vec<Request> {
        assert!(!self.tasks.is_empty(), "it runs");
        self.requests.lock().expect("sound").clone()
    }
}

async fn serve(stream: TcpStream, requests: Arc<Mutex<Vec<Request>>>, answer: Arc<Answer>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            } else if line == "\r\n" {
                break;
            } else if !lower.starts_with("host:") {
                head.push_str(line.trim_end());
                head.push('\n');
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("a body");
        let number = {
            let mut requests = requests.lock().expect("sound");
            requests.push(Request { head, body });
            requests.len()
        };
        let (status, words) = answer(number);
        let reply = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{words}", words.len());
        if stream.write_all(reply.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn two() -> Arc<House> {
    House::with(vec![
        point(START, "a", Metric::BatterySoc, Value::Number(81.5)),
        point(START + 1, "b", Metric::BatteryMode, Value::State("auto")),
    ])
}

#[tokio::test]
async fn influxdb_2_gets_lines_and_a_token() {
    let receiver = Receiver::start(Box::new(|_| (204, ""))).await;
    let yaml = format!(
        "influxdb: {{ url: 'http://127.0.0.1:{}', org: o, bucket: b, token: s3cret, from: all, tags: {{ site: home }} }}",
        receiver.port
    );
    let mut sink = Sink::start("a", &yaml, &two());
    let status = sink.caught_up().await;
    sink.stop().await;
    let request = &receiver.requests()[0];
    expect![[r#"
        POST /api/v2/write?bucket=b&org=o&precision=ms HTTP/1.1
        content-type: text/plain; charset=utf-8
        authorization: Token s3cret
        accept: */*
        user-agent: ohmstead
    "#]]
    .assert_eq(&request.head);
    expect![[r#"
        ohmstead,device=a,site=home battery_soc=81.5 1795248000000
        ohmstead,device=b,site=home battery_mode="auto" 1795248000001
    "#]]
    .assert_eq(std::str::from_utf8(&request.body).expect("text"));
    assert_eq!((status.sent, receiver.requests().len()), (2, 1));
}

#[tokio::test]
async fn influxdb_1_gets_a_user_whose_password_is_in_a_file() {
    let receiver = Receiver::start(Box::new(|_| (204, ""))).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("password"), "pw\n").expect("written");
    let yaml = format!(
        "influxdb: {{ url: 'http://127.0.0.1:{}', database: house, username: u, password_file: {}, from: all, snap: 1 s }}",
        receiver.port,
        folder.path().join("password").display()
    );
    let mut sink = Sink::start("a", &yaml, &two());
    sink.caught_up().await;
    sink.stop().await;
    expect![[r#"
        POST /write?db=house&precision=ms HTTP/1.1
        content-type: text/plain; charset=utf-8
        authorization: Basic dTpwdw==
        accept: */*
        user-agent: ohmstead
    "#]]
    .assert_eq(&receiver.requests()[0].head);
    expect![[r#"
        ohmstead,device=a battery_soc=81.5 1795248000000
        ohmstead,device=b battery_mode="auto" 1795248000000
    "#]]
    .assert_eq(std::str::from_utf8(&receiver.requests()[0].body).expect("text"));
}

#[tokio::test]
async fn prometheus_gets_what_snappy_and_its_headers_promise() {
    let receiver = Receiver::start(Box::new(|_| (204, ""))).await;
    let yaml = format!(
        "prometheus: {{ url: 'http://127.0.0.1:{}/api/v1/write', bearer_token: t, from: all }}",
        receiver.port
    );
    let mut sink = Sink::start("a", &yaml, &two());
    sink.caught_up().await;
    sink.stop().await;
    let request = &receiver.requests()[0];
    expect![[r#"
        POST /api/v1/write HTTP/1.1
        content-encoding: snappy
        content-type: application/x-protobuf
        x-prometheus-remote-write-version: 0.1.0
        authorization: Bearer t
        accept: */*
        user-agent: ohmstead
    "#]]
    .assert_eq(&request.head);
    let message = snap::raw::Decoder::new().decompress_vec(&request.body).expect("snappy's block format");
    let name = b"ohmstead_battery_soc_percent";
    assert!(message.windows(name.len()).any(|window| window == name));
}

/// Down, busy, too large, a lost table: everything but bad data is tried until it goes.
#[tokio::test]
async fn whatever_can_pass_is_waited_for() {
    let answers = [
        (503, "busy"),
        (429, ""),
        (500, "no leader"),
        (401, "who?"),
        (404, "no database"),
        (413, ""),
        (302, ""),
    ];
    let receiver =
        Receiver::start(Box::new(move |number| answers.get(number - 1).copied().unwrap_or((204, "")))).await;
    let yaml = format!("influxdb: {{ url: 'http://127.0.0.1:{}', database: d, from: all }}", receiver.port);
    let house = House::with(an_hour());
    let mut sink = Sink::start("a", &yaml, &house);
    let status = sink.caught_up().await;
    sink.stop().await;
    assert_eq!((status.sent, status.refused, status.trouble), (house.len(), 0, None));
}

#[tokio::test]
async fn nobody_there_is_told_in_words() {
    let port = crate::process::free_port();
    let yaml = format!("influxdb: {{ url: 'http://127.0.0.1:{port}', database: d, from: all }}");
    let mut sink = Sink::start("a", &yaml, &two());
    let trouble = sink.until(|status| status.trouble.is_some()).await.trouble.expect("trouble");
    sink.stop().await;
    assert!(trouble.starts_with(&format!("nothing answers at 127.0.0.1:{port} (")), "{trouble}");
    assert!(trouble.contains("Connection refused"), "{trouble}");
}
