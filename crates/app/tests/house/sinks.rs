//! The history is sent on: through an outage of the receiver and a death of the program, and nothing is missing there.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::DEADLINE;
use crate::broker::{now, pause};
use crate::plant::{Batteries, Unit};
use crate::program::{Daemon, Place};

/// Takes `InfluxDB` lines, or says that it cannot.
struct Receiver {
    port: u16,
    is_down: Arc<AtomicBool>,
    lines: Arc<Mutex<BTreeSet<String>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let receiver = Self { port, is_down: Arc::default(), lines: Arc::default() };
        let (is_down, lines) = (Arc::clone(&receiver.is_down), Arc::clone(&receiver.lines));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (is_down, lines) = (Arc::clone(&is_down), Arc::clone(&lines));
                std::thread::spawn(move || while serve(&stream, &is_down, &lines).is_some() {});
            }
        });
        receiver
    }

    fn lines(&self) -> BTreeSet<String> {
        self.lines.lock().unwrap().clone()
    }
}

/// One request of a connection.
fn serve(stream: &TcpStream, is_down: &AtomicBool, lines: &Mutex<BTreeSet<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let status = if is_down.load(Ordering::Relaxed) {
        "503 Busy"
    } else {
        lines.lock().unwrap().extend(String::from_utf8(body).ok()?.lines().map(str::to_owned));
        "204 No Content"
    };
    (&mut &*stream).write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).ok()
}

fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// The times of all stored values of the battery's charge, as REST tells them.
fn stored(place: &Place) -> Vec<i64> {
    let path = "/api/v1/history?device=garage&metric=battery_soc&from=2020-01-01T00:00:00Z";
    let Some(answer) = get(place.web, path) else { return Vec::new() };
    let json: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
    let points = json["points"].as_array().cloned().unwrap_or_default();
    points.iter().filter_map(|point| point[0].as_i64()).collect()
}

fn sent(receiver: &Receiver) -> Vec<i64> {
    let is_of_garage =
        |line: &&String| line.starts_with("ohmstead,device=garage ") && line.contains("battery_soc=");
    let time = |line: &String| line.rsplit(' ').next().and_then(|time| time.parse().ok());
    receiver
        .lines()
        .iter()
        .filter(is_of_garage)
        .filter_map(time)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

#[track_caller]
fn wait_until(what: &str, daemon: &Daemon, is_so: impl Fn() -> bool) {
    let end = now() + DEADLINE;
    while !is_so() {
        assert!(now() < end, "not {what}:\n{}", daemon.log());
        pause();
    }
}

#[test]
fn an_outage_and_a_death_leave_no_gap() {
    let (place, receiver) = (Place::new(), Receiver::start());
    let batteries = Batteries::start(&[Unit("garage", "e3-150", &[], 50.0)]);
    let sinks = format!(
        "history: {{ commit: 1 s }}\nsinks: {{ far: {{ influxdb: {{ url: \"http://127.0.0.1:{}\", database: d, every: 1 s, from: all }} }} }}",
        receiver.port
    );
    place.configure(&[batteries.device("garage", "")], &sinks);
    let mut daemon = place.run();
    wait_until("sent", &daemon, || sent(&receiver).len() >= 2);
    receiver.is_down.store(true, Ordering::Relaxed);
    daemon.wait_for_log(
        "nothing can be sent, and it is tried again: it cannot take them now (503 Service Unavailable)",
    );
    let (known, kept) = (sent(&receiver).len(), stored(&place).len());
    wait_until("waiting", &daemon, || stored(&place).len() >= kept + 3);
    assert_eq!(sent(&receiver).len(), known, "it is down");
    let figures = get(place.web, "/metrics").unwrap();
    assert!(figures.contains("ohmstead_sink_working{sink=\"far\"} 0"), "{figures}");
    daemon.kill();
    receiver.is_down.store(false, Ordering::Relaxed);
    let mut daemon = place.run();
    wait_until("sending again", &daemon, || sent(&receiver).len() >= known + 5);
    let all = stored(&place);
    wait_until("complete", &daemon, || {
        let sent = sent(&receiver);
        all.iter().all(|at| sent.binary_search(at).is_ok())
    });
    let figures = get(place.web, "/metrics").unwrap();
    assert!(figures.contains("ohmstead_sink_working{sink=\"far\"} 1"), "{figures}");
    assert_eq!(daemon.terminate(), Some(0), "{}", daemon.log());
    // Values that were read in the last second before the death and not committed may be there, and only there.
    let more = sent(&receiver).iter().filter(|at| **at < all[all.len() - 1] && !all.contains(at)).count();
    assert!(more <= 3, "{more} values that nobody stored");
}
