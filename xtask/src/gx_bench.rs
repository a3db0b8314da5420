//! Figures of the running daemon with a GX device: the simulated one on a `dbus-daemon` of our own, at the rate of life,
//! with broker, store, page and the port-8088 interface served. Real processes, asked over their sockets.

use std::{
    fs,
    io::{BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{ChildStdin, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    bench::{Budget, Figure},
    console::{self, timed},
    daemon_bench::{Broker, Running, WATCH_SECONDS, figure, free_port, spawn, wait},
    process::is_installed,
};

/// Answers that are asked for, and the pause between two.
const ANSWERS: usize = 1000;
const BETWEEN: Duration = Duration::from_millis(10);
/// Changes that are made.
const CHANGES: usize = 1000;
/// A socket that says nothing for so long is dead.
const SILENCE: Duration = Duration::from_secs(10);

/// Memory, processor, batch answers and the way of a change.
pub fn figures(binary: &Path) -> Result<Vec<Figure>> {
    if !is_installed("dbus-daemon") {
        console::print("no dbus-daemon on this machine: the figures with a GX device are left out");
        return Ok(Vec::new());
    }
    let mut site = Site::start(binary)?;
    // Start-up is not steady state.
    wait(Duration::from_secs(5));
    let cpu = site.cpu_share()?;
    let memory = site.daemon.memory_mb()?;
    Ok(vec![
        figure("RSS of run, a GX on D-Bus", "MB", Budget::AtMost(20.0), memory),
        figure("CPU of run, a GX on D-Bus", "% of a core", Budget::AtMost(3.0), cpu),
        figure("port 8088 over HTTP: batch answer, p99", "ms", Budget::AtMost(5.0), site.batches()?),
        figure("D-Bus: change of a value to live stream, p99", "ms", Budget::AtMost(2.0), site.changes()?),
    ])
}

/// A daemon with everything around it; all end when it is dropped.
struct Site {
    daemon: Running,
    /// Where the simulated device takes its orders.
    orders: ChildStdin,
    api: u16,
    page: u16,
    _gx: Running,
    _broker: Broker,
    _bus: Running,
    _folder: tempfile::TempDir,
}

impl Site {
    fn start(binary: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (bus, address) = bus(folder.path())?;
        let broker = Broker::start(folder.path())?;
        let mut gx = Command::new(binary);
        gx.args(["sim", "venus", "--bus", &address]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut gx = Running(gx.stderr(Stdio::null()).spawn().context("cannot start the simulated device")?);
        let orders = gx.0.stdin.take().context("it takes no orders")?;
        let (api, page) = (free_port()?, free_port()?);
        let config = folder.path().join("ohmstead.yaml");
        let text = format!(
            "mqtt: {{ port: {} }}\nweb: {{ listen: 127.0.0.1:{page} }}\n\
             devices: {{ gx: {{ victron: {{ dbus: \"{address}\", serve_dbus_api: \"127.0.0.1:{api}\" }} }} }}\n",
            broker.port
        );
        fs::write(&config, text)?;
        let daemon = spawn(binary, &config, folder.path())?;
        let site = Self { daemon, orders, api, page, _gx: gx, _broker: broker, _bus: bus, _folder: folder };
        site.until_complete()?;
        Ok(site)
    }

    /// Waits until every class that is asked for later has told its values.
    fn until_complete(&self) -> Result<()> {
        for _ in 0..300 {
            if BATCHES.iter().all(|target| get(self.api, target).is_ok()) {
                return Ok(());
            }
            wait(Duration::from_millis(50));
        }
        bail!("the daemon does not tell the values of the simulated device")
    }

    /// Processor time of the daemon, % of the time that passes.
    fn cpu_share(&self) -> Result<f64> {
        let before = self.daemon.on_processor()?;
        wait(Duration::from_secs(WATCH_SECONDS));
        let spent = self.daemon.on_processor()?.saturating_sub(before);
        Ok(spent.as_secs_f64() / WATCH_SECONDS as f64 * 100.0)
    }

    /// The 99th of 100 batch answers, ms; every one by a connection of its own, as Python's clients make it.
    fn batches(&self) -> Result<f64> {
        let mut spans = Vec::new();
        for target in BATCHES.iter().cycle().take(ANSWERS) {
            let (answer, span) = timed(|| get(self.api, target));
            answer?;
            spans.push(span);
            wait(BETWEEN);
        }
        told("batch answers", spans)
    }

    /// The 99th of 100 changes, ms: from the order to the simulated device, over the bus, the driver and the hub, to a
    /// listener of the live stream, who hears of it when the snapshot has it.
    fn changes(&mut self) -> Result<f64> {
        let mut stream = BufReader::new(ask(self.page, "/api/v1/stream")?);
        let mut spans = Vec::new();
        for number in 1..=CHANGES {
            let (heard, span) = timed(|| {
                writeln!(self.orders, "switch pin=hub4:/Overrides/Setpoint:{number}")?;
                until_heard(&mut stream, number)
            });
            heard?;
            spans.push(span);
            wait(BETWEEN);
        }
        told("changes", spans)
    }
}

/// What is asked for: the largest services, and the settings with their limits.
const BATCHES: [&str; 5] = [
    "/value?service=com.victronenergy.vebus&path=/",
    "/value?service=com.victronenergy.solarcharger&path=/",
    "/value?service=com.victronenergy.system&path=/",
    "/value?service=com.victronenergy.settings&path=/",
    "/settings",
];

/// A bus of our own and its address.
fn bus(folder: &Path) -> Result<(Running, String)> {
    let (config, socket) = (folder.join("bus.conf"), folder.join("bus"));
    let address = format!("unix:path={}", socket.display());
    let text = format!(
        "<busconfig><type>session</type><listen>{address}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
         <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>"
    );
    fs::write(&config, text)?;
    let mut command = Command::new("dbus-daemon");
    command.arg("--nofork").arg(format!("--config-file={}", config.display())).stderr(Stdio::null());
    let bus = Running(command.spawn().context("cannot start dbus-daemon")?);
    for _ in 0..200 {
        if socket.exists() {
            return Ok((bus, address));
        }
        wait(Duration::from_millis(20));
    }
    bail!("dbus-daemon does not listen at {address}")
}

/// A request on its way.
fn ask(port: u16, target: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(SILENCE))?;
    write!(stream, "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    Ok(stream)
}

/// The JSON of a good answer.
fn get(port: u16, target: &str) -> Result<Value> {
    let mut answer = String::new();
    ask(port, target)?.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no body")?;
    if !head.starts_with("HTTP/1.1 200 ") {
        bail!("{target}: {}", head.lines().next().unwrap_or_default());
    }
    Ok(serde_json::from_str(body)?)
}

/// Reads the stream up to the reading with this set point.
fn until_heard(stream: &mut impl std::io::BufRead, number: usize) -> Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            bail!("the live stream ended");
        }
        let data =
            line.strip_prefix("data:").and_then(|data| serde_json::from_str::<Value>(data.trim()).ok());
        let heard = data.and_then(|data| data["values"]["grid_setpoint"]["value"].as_f64());
        if heard == Some(number as f64) {
            return Ok(());
        }
    }
}

/// Shows the spread, and gives the 99th of 100, ms.
fn told(what: &str, mut spans: Vec<Duration>) -> Result<f64> {
    spans.sort();
    let at = |part: usize| spans.get(spans.len() * part / 100).copied().context("nothing was measured");
    let (median, p99) = (at(50)?, at(99)?);
    let slowest = spans.last().copied().unwrap_or_default();
    console::print(&format!("{} {what}: median {median:?}, p99 {p99:?}, slowest {slowest:?}", spans.len()));
    Ok(p99.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_heard_among_others() {
        let stream = "1f\r\nevent: reading\ndata: {\"device\":\"gx\",\"values\":{\"grid_setpoint\":{\"value\":6.0}}}\n\n\r\n\
                      event: reading\ndata: {\"values\":{\"battery_soc\":{\"value\":7.0}}}\n\n\
                      event: reading\ndata: {\"values\":{\"grid_setpoint\":{\"value\":7.0}}}\n\nrest";
        let mut stream = stream.as_bytes();
        until_heard(&mut stream, 7).unwrap();
        assert_eq!(stream, b"\nrest");
        assert!(until_heard(&mut stream, 8).unwrap_err().to_string().contains("ended"));
    }

    #[test]
    fn the_99th_of_100_counts() {
        let spans = (1..=200).map(Duration::from_millis).collect();
        assert!((told("x", spans).unwrap() - 199.0).abs() < 1e-9);
        assert!(told("x", Vec::new()).is_err());
    }
}
