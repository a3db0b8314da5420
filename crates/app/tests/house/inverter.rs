//! An Axpert-type inverter behind the binary: the topics of pv-inverter-monitor, and writes that are read back.

use std::path::Path;
use std::thread::JoinHandle;

use ohmstead_plant::voltronic::Front;
use ohmstead_plant::{InverterSetup, Plant, PlantHandle, Settings};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::Broker;
use crate::program::{Place, text};

/// A simulated inverter in a thread of its own.
pub(crate) struct Inverter {
    handle: PlantHandle,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Inverter {
    /// In a folder that looks like a machine.
    fn start(profile: &str, machine: &Path) -> Self {
        Self::at(profile, Front::Tree(machine.to_owned(), "1-1".to_owned()))
    }

    pub(crate) fn at(profile: &str, front: Front) -> Self {
        Self::as_node(profile, front, 0)
    }

    /// With another number of its device file than 0.
    pub(crate) fn as_node(profile: &str, front: Front, node: u32) -> Self {
        let mut setup = InverterSetup::new("axpert", profile.parse().unwrap());
        setup.node = node;
        // A full battery: what the priority asks for happens.
        setup.soc_pct = 90.0;
        let files = match &front {
            Front::Tree(machine, _) => ["sys/class/hidraw/hidraw", "dev/hidraw"]
                .map(|file| machine.join(format!("{file}{node}")))
                .to_vec(),
            Front::Packet(socket) => vec![socket.clone()],
            _ => Vec::new(),
        };
        let plant = Plant::builder(Settings::default()).inverter(setup, vec![front]).speed(4.0);
        let stop = CancellationToken::new();
        let (sender, started) = std::sync::mpsc::sync_channel(1);
        let stopping = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let tracker = TaskTracker::new();
                sender.send(plant.start(&tracker, stopping.clone()).unwrap()).unwrap();
                stopping.cancelled().await;
                tracker.close();
                tracker.wait().await;
            });
        });
        let inverter = Self { handle: started.recv().unwrap(), stop, thread: Some(thread) };
        let end = crate::broker::now() + crate::DEADLINE;
        while !files.iter().all(|file| file.exists()) {
            assert!(crate::broker::now() < end, "the unit was not plugged in");
            crate::broker::pause();
        }
        inverter
    }

    /// Frames that would change something, accepted or not.
    pub(crate) fn setters(&self) -> u64 {
        self.handle.with_site(|site| site.inverter_counters("axpert").unwrap().setters)
    }

    /// Every command that reached it.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.handle.with_site(|site| site.inverter_counters("axpert").unwrap().commands.into_keys().collect())
    }
}

impl Drop for Inverter {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Found by itself, with impatient timing.
fn device(machine: &Path) -> String {
    format!(
        "  axpert: {{ voltronic: {{ path: auto, interval: 1 s, write_interval: 10 s, sys_root: {0}/sys, dev_root: {0}/dev }} }}\n",
        machine.display()
    )
}

fn monitor(broker: &Broker) -> String {
    format!("mqtt: {{ port: {}, compat: [pv-inverter-monitor] }}\nread_only: false", broker.port)
}

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

#[test]
fn the_topics_of_pv_inverter_monitor_go_on_and_its_command_is_proven() {
    let place = Place::new();
    let machine = place.path().join("machine");
    let inverter = Inverter::start("pi30-21", &machine);
    let broker = Broker::start(place.path());
    let mut subscriber = broker.subscribe();
    place.configure(&[device(&machine)], &monitor(&broker));
    let _daemon = place.run();
    subscriber.wait_for("homeassistant/inverter/availability", "online");
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    for (topic, decimals) in
        [("utility_voltage", true), ("battery_voltage", true), ("load_w", false), ("solar_power", true)]
    {
        let topic = format!("homeassistant/inverter/{topic}");
        let message = subscriber.wait(&topic, |message| message.topic == topic);
        let payload = message.payload.clone();
        assert!(is_number(&payload) && payload.contains('.') == decimals, "{topic} {payload}");
    }
    subscriber.wait("the status bits", |message| {
        message.topic == "homeassistant/inverter/device_status" && message.payload.len() == 8
    });
    subscriber.wait("a mode", |message| {
        message.topic == "homeassistant/inverter/actual_mode" && message.payload.len() == 1
    });
    subscriber.wait_for("homeassistant/inverter/desired_mode", "B");
    let before = inverter.setters();
    broker.publish("homeassistant/inverter/set_mode", "L", &[]);
    let result = |message: &crate::broker::Message| message.topic == "homeassistant/inverter/set_mode/result";
    let is = |outcome: &'static str| {
        move |message: &crate::broker::Message| result(message) && message.json()["outcome"] == outcome
    };
    let proven = subscriber.wait("a result", move |message| {
        result(message) && message.json()["request"] == "output_priority=utility_first"
    });
    let row = proven.json();
    assert_eq!(row["new"], "POP00", "{row}");
    assert!(row["read_back"].as_str().is_some_and(|text| text.starts_with("USB")), "{row}");
    subscriber.wait_for("homeassistant/inverter/desired_mode", "L");
    assert_eq!(inverter.setters(), before + 1);
    broker.publish("homeassistant/inverter/set_mode", "L", &[]);
    subscriber.wait("no second write", is("unchanged"));
    broker.publish("homeassistant/inverter/set_mode", "POP01", &[]);
    subscriber.wait("a refusal", is("refused"));
    assert_eq!(inverter.setters(), before + 1, "{:?}", inverter.commands());
    let rows = json(&place.verb(&["ledger", "--json"]));
    assert_eq!(rows.as_array().map(Vec::len), Some(2), "{rows}");
}

/// `B` is written once, however often it is asked for: at once, or when the time between two writes is over.
#[test]
fn the_other_command_of_pv_inverter_monitor_is_written_once() {
    let place = Place::new();
    let machine = place.path().join("machine");
    let inverter = Inverter::start("pi30-21", &machine);
    let broker = Broker::start(place.path());
    let mut subscriber = broker.subscribe();
    place.configure(&[device(&machine)], &monitor(&broker));
    let first = place.verb(&["set", "axpert", "output_priority=utility_first"]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first));
    let before = inverter.setters();
    let _daemon = place.run();
    subscriber.wait_for("homeassistant/inverter/desired_mode", "L");
    broker.publish("homeassistant/inverter/set_mode", "B", &[]);
    subscriber.wait_for("homeassistant/inverter/desired_mode", "B");
    assert_eq!(inverter.setters(), before + 1);
    broker.publish("homeassistant/inverter/set_mode", "B", &[]);
    subscriber.wait("no second write", |message| {
        message.topic == "homeassistant/inverter/set_mode/result" && message.json()["outcome"] == "unchanged"
    });
    assert_eq!(inverter.setters(), before + 1, "{:?}", inverter.commands());
    let rows = json(&place.verb(&["ledger", "--json"]));
    let is_written = |row: &&Value| row["new"] == "POP02" && row["reply"] == "ACK";
    let written: Vec<_> = rows.as_array().unwrap().iter().filter(is_written).collect();
    assert_eq!(written.len(), 1, "{rows}");
    assert!(written[0]["read_back"].as_str().is_some_and(|text| text.starts_with("SBU")), "{rows}");
}

#[test]
fn settings_are_offered_by_the_unit_and_set_from_mqtt_and_the_command_line() {
    let place = Place::new();
    let machine = place.path().join("machine");
    let inverter = Inverter::start("pi30-max", &machine);
    let broker = Broker::start(place.path());
    let mut subscriber = broker.subscribe();
    place.configure(&[device(&machine)], &monitor(&broker));
    let _daemon = place.run();
    let announced = subscriber.wait("the select", |message| {
        message.topic == "homeassistant/device/ohmstead_axpert/config"
            && message.payload.contains("charger_priority_set")
    });
    let options = &announced.json()["components"]["charger_priority_set"]["options"];
    assert_eq!(options.as_array().map(Vec::len), Some(3), "{options}");
    broker.publish("ohmstead/axpert/charger_priority/set", "solar_only", &[]);
    let result =
        subscriber.wait("a result", |message| message.topic == "ohmstead/axpert/charger_priority/result");
    assert_eq!(result.json()["outcome"], "accepted_unmeasured", "{result:?}");
    let limits = place.verb(&["set", "axpert", "charge_current_max=30"]);
    assert_eq!(limits.status.code(), Some(5), "{}", text(&limits));
    assert!(text(&limits).contains("add `limits` to `write:`"), "{}", text(&limits));
    let unknown = place.verb(&["set", "axpert", "factory_defaults=yes"]);
    assert_eq!(unknown.status.code(), Some(5), "{}", text(&unknown));
    assert!(text(&unknown).contains("factory_defaults"), "{}", text(&unknown));
    assert_eq!(inverter.setters(), 1, "{:?}", inverter.commands());
    let read = json(&place.verb(&["read", "axpert", "--json"]));
    assert_eq!(read["values"]["charger_priority"]["value"], "solar_only", "{read}");
    let explained = text(&place.verb(&["read", "axpert", "--explain"]));
    assert!(explained.contains("PI30MAX"), "{explained}");
}

#[test]
fn a_ups_with_the_same_usb_number_gets_not_one_setter() {
    let place = Place::new();
    let machine = place.path().join("machine");
    let ups = Inverter::start("ups", &machine);
    let broker = Broker::start(place.path());
    let mut subscriber = broker.subscribe();
    place.configure(&[device(&machine)], &monitor(&broker));
    let daemon = place.run();
    daemon.wait_for_log("not_an_inverter");
    for wish in ["auto", "native:sbu", "output_priority=solar_first"] {
        assert_ne!(place.verb(&["set", "axpert", wish]).status.code(), Some(0));
    }
    broker.publish("homeassistant/inverter/set_mode", "B", &[]);
    let result = subscriber.wait("what became of the command", |message| {
        message.topic == "homeassistant/inverter/set_mode/result"
    });
    assert_eq!(result.json()["outcome"], "refused", "{result:?}");
    assert_eq!(ups.setters(), 0, "{:?}", ups.commands());
    let asked = ups.commands();
    let harmless = |command: &String| command == "QPI" || command.starts_with("^P00");
    assert!(asked.iter().all(harmless), "{asked:?}");
}

#[test]
fn the_path_is_printed_as_find_inverter_did() {
    let place = Place::new();
    let machine = place.path().join("machine");
    let roots = [format!("{}/sys", machine.display()), format!("{}/dev", machine.display())];
    let find = || {
        let verb = ["discover", "voltronic", "--path-only", "--sys-root", &roots[0], "--dev-root", &roots[1]];
        std::process::Command::new(env!("CARGO_BIN_EXE_ohmstead")).args(verb).output().unwrap()
    };
    assert_eq!(find().status.code(), Some(1));
    let inverter = Inverter::start("pi30-21", &machine);
    let path = format!("{}/dev/hidraw0\n", machine.display());
    let end = crate::broker::now() + crate::DEADLINE;
    while find().stdout != path.as_bytes() {
        assert!(crate::broker::now() < end, "{}", text(&find()));
        crate::broker::pause();
    }
    drop(inverter);
}
