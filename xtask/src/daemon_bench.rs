//! Figures of the running daemon: the release binary against a real broker and batteries that answer at once.
//!
//! The batteries here are the smallest thing that answers `ES.GetMode`, so that what is measured is the daemon: decoding,
//! storing, publishing, serving. Every answer differs from the one before, so that every poll publishes.

use std::{
    fmt::Write as _,
    fs,
    net::UdpSocket,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    bench::{Budget, Figure},
    console::timed,
};

/// How long a steady state is watched.
pub const WATCH_SECONDS: u64 = 20;

/// Resident memory of an ordinary house: three batteries every 5 s, MQTT, store, page.
pub fn memory(binary: &Path) -> Result<Figure> {
    let house = House::start(binary, 3, "5 s", "300 ms")?;
    wait(Duration::from_secs(WATCH_SECONDS));
    Ok(figure("RSS of run, three batteries", "MB", Budget::AtMost(20.0), house.daemon.memory_mb()?))
}

/// From exec to the first discovery message that a subscriber sees.
pub fn first_discovery(binary: &Path) -> Result<Figure> {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let folder = tempfile::tempdir()?;
        let broker = Broker::start(folder.path())?;
        let batteries = Batteries::start(3)?;
        let config = write_config(folder.path(), &batteries, broker.port, "5 s", "300 ms")?;
        let port = broker.port.to_string();
        let mut subscriber = Command::new("mosquitto_sub");
        subscriber.args(["-p", &port, "-t", "homeassistant/#", "-C", "1", "-W", "20"]).stdout(Stdio::null());
        let mut subscriber = Running(subscriber.spawn().context("cannot start mosquitto_sub")?);
        broker.wait_for_clients(1)?;
        let (daemon, elapsed) = timed(|| {
            let daemon = spawn(binary, &config, folder.path())?;
            subscriber.0.wait()?;
            anyhow::Ok(daemon)
        });
        drop(daemon?);
        best = best.min(elapsed.as_secs_f64() * 1000.0);
    }
    Ok(figure("exec to first discovery message, best of 5", "ms", Budget::AtMost(50.0), best))
}

/// Processor time of one poll: request, answer, decode, store, publish on change.
pub fn cpu_per_poll(binary: &Path) -> Result<Figure> {
    let house = House::start(binary, 40, "100 ms", "0 ms")?;
    let (cpu, polls) = house.watch()?;
    Ok(figure(
        "CPU per poll, 40 batteries, every poll a change",
        "ms",
        Budget::AtMost(0.1),
        cpu * 1000.0 / polls,
    ))
}

/// Polls a second when batteries answer at once and nothing holds the daemon back.
pub fn polls_per_second(binary: &Path) -> Result<Figure> {
    let house = House::start(binary, 200, "1 ms", "0 ms")?;
    let (_, polls) = house.watch()?;
    Ok(figure(
        "polls, 200 batteries at full speed",
        "polls/s",
        Budget::AtLeast(1000.0),
        polls / WATCH_SECONDS as f64,
    ))
}

pub fn figure(name: &str, unit: &str, budget: Budget, measured: f64) -> Figure {
    Figure { name: name.to_owned(), unit: unit.to_owned(), budget, measured }
}

/// A daemon with its broker and batteries; all end when it is dropped.
struct House {
    daemon: Running,
    batteries: Batteries,
    _broker: Broker,
    _folder: tempfile::TempDir,
}

impl House {
    fn start(binary: &Path, batteries: u16, interval: &str, quiet_gap: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let broker = Broker::start(folder.path())?;
        let batteries = Batteries::start(batteries)?;
        let config = write_config(folder.path(), &batteries, broker.port, interval, quiet_gap)?;
        let daemon = spawn(binary, &config, folder.path())?;
        // Start-up is not steady state.
        wait(Duration::from_secs(5));
        Ok(Self { daemon, batteries, _broker: broker, _folder: folder })
    }

    /// Processor seconds and polls within [`WATCH_SECONDS`].
    fn watch(&self) -> Result<(f64, f64)> {
        let (cpu, polls) = (self.daemon.cpu_s()?, self.batteries.answered());
        wait(Duration::from_secs(WATCH_SECONDS));
        let (cpu, polls) = (self.daemon.cpu_s()? - cpu, self.batteries.answered() - polls);
        if polls == 0 {
            bail!("the daemon polled nothing in {WATCH_SECONDS} s");
        }
        Ok((cpu, polls as f64))
    }
}

/// A process that ends with this value.
pub struct Running(pub Child);

impl Running {
    /// Resident memory, MB.
    pub fn memory_mb(&self) -> Result<f64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024.0 / 1e6)
    }

    /// Time on a processor, exact: what runs for a moment only is often missed by the kernel's hundredths of a second.
    pub fn on_processor(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(self.proc("task"))? {
            // A thread may end in between.
            let Ok(stat) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            nanoseconds += stat.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// User and system time; the kernel counts in hundredths of a second.
    pub fn cpu_s(&self) -> Result<f64> {
        let stat = fs::read_to_string(self.proc("stat"))?;
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).context("no times in /proc/PID/stat")?;
        Ok((user + system) / 100.0)
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.0.id().to_string()).join(file)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn spawn(binary: &Path, config: &Path, folder: &Path) -> Result<Running> {
    let mut command = Command::new(binary);
    command.args(["run", "--log", "warn", "--config"]).arg(config).arg("--data-dir").arg(folder.join("data"));
    let child = command.stdout(Stdio::null()).spawn();
    child.map(Running).with_context(|| format!("cannot start {}", binary.display()))
}

fn write_config(
    folder: &Path,
    batteries: &Batteries,
    broker: u16,
    interval: &str,
    quiet_gap: &str,
) -> Result<PathBuf> {
    let mut text =
        format!("mqtt: {{ port: {broker} }}\nweb: {{ listen: 127.0.0.1:{} }}\ndevices:\n", free_port()?);
    for (index, port) in batteries.ports.iter().enumerate() {
        writeln!(
            text,
            "  battery{index}: {{ marstek: {{ host: 127.0.0.1, port: {port}, interval: {interval}, quiet_gap: {quiet_gap}, methods: [ES.GetMode] }} }}"
        )?;
    }
    let path = folder.join("ohmstead.yaml");
    fs::write(&path, text)?;
    Ok(path)
}

pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A mosquitto of our own.
pub struct Broker {
    pub port: u16,
    log: PathBuf,
    _process: Running,
}

impl Broker {
    pub fn start(folder: &Path) -> Result<Self> {
        let (port, config, log) = (free_port()?, folder.join("mosquitto.conf"), folder.join("mosquitto.log"));
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n");
        fs::write(&config, text)?;
        let mut command = Command::new("mosquitto");
        command.arg("-v").arg("-c").arg(&config).stdout(Stdio::null()).stderr(fs::File::create(&log)?);
        let process =
            Running(command.spawn().context("cannot start mosquitto; `cargo xtask test` installs it")?);
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Self { port, log, _process: process });
            }
            wait(Duration::from_millis(20));
        }
        bail!("mosquitto does not listen on port {port}")
    }

    /// Waits until so many subscriptions have been made.
    fn wait_for_clients(&self, clients: usize) -> Result<()> {
        for _ in 0..200 {
            if fs::read_to_string(&self.log)?.matches("Received SUBSCRIBE").count() >= clients {
                return Ok(());
            }
            wait(Duration::from_millis(20));
        }
        bail!("mosquitto_sub did not subscribe")
    }
}

/// Batteries that answer `ES.GetMode` at once, one thread for all.
struct Batteries {
    ports: Vec<u16>,
    answered: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Batteries {
    fn start(count: u16) -> Result<Self> {
        let sockets: Vec<UdpSocket> =
            (0..count).map(|_| UdpSocket::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        sockets.iter().try_for_each(|socket| socket.set_nonblocking(true))?;
        let ports = sockets.iter().map(|socket| Ok(socket.local_addr()?.port())).collect::<Result<_>>()?;
        let (answered, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (counter, stopping) = (Arc::clone(&answered), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !stopping.load(Ordering::Relaxed) {
                let round: u64 = sockets.iter().map(|socket| answer_all(socket, &counter)).sum();
                if round == 0 {
                    wait(Duration::from_micros(500));
                }
            }
        });
        Ok(Self { ports, answered, stop, thread: Some(thread) })
    }

    fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Batteries {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer_all(socket: &UdpSocket, counter: &AtomicU64) -> u64 {
    let mut buffer = [0; 2048];
    let mut answered = 0;
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let request: Value = serde_json::from_slice(&buffer[..length]).unwrap_or_default();
        let turn = counter.fetch_add(1, Ordering::Relaxed);
        let power = 100 + turn % 1000;
        let id = &request["id"];
        let reply = format!(
            "{{\n\t\"id\":\t{id},\n\t\"src\":\t\"VenusE 3.0-0200000{:05x}\",\n\t\"result\":\t{{\n\t\t\"id\":\t0,\n\t\t\"mode\":\t\"Auto\",\n\t\t\"ongrid_power\":\t{power},\n\t\t\"offgrid_power\":\t0,\n\t\t\"bat_soc\":\t{}\n\t}}\n}}",
            socket.local_addr().map_or(0, |address| u64::from(address.port())),
            turn % 100
        );
        if socket.send_to(reply.as_bytes(), from).is_ok() {
            answered += 1;
        }
    }
    answered
}

#[expect(clippy::disallowed_methods, reason = "a benchmark watches a real process in real time")]
pub fn wait(span: Duration) {
    std::thread::sleep(span);
}
