//! An inverter without a daemon: what a verb finds out by itself, and what it must not get around.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ohmstead_plant::voltronic::Front;
use serde_json::Value;

use crate::inverter::Inverter;
use crate::program::{Place, text};

/// An inverter at a packet socket, and a configuration with it under the name `axpert`.
struct Scene {
    place: Place,
    inverter: Inverter,
    socket: PathBuf,
}

impl Scene {
    fn new(profile: &str, settings: &str) -> Self {
        let place = Place::new();
        let socket = place.path().join("unit.sock");
        let inverter = Inverter::at(profile, Front::Packet(socket.clone()));
        let scene = Self { place, inverter, socket };
        scene.configure("axpert", &format!("path: 'unixpacket:{}', {settings}", scene.socket.display()));
        scene
    }

    fn configure(&self, name: &str, settings: &str) {
        let device = format!("  {name}: {{ voltronic: {{ {settings} }} }}\n");
        self.place.configure(&[device], "read_only: false");
    }

    fn set(&self, device: &str, wish: &str) -> (Option<i32>, String) {
        let output = self.place.verb(&["set", device, wish]);
        (output.status.code(), text(&output))
    }
}

fn address(path: &Path) -> String {
    format!("voltronic://{}", path.display())
}

#[test]
fn no_spelling_of_its_address_gets_around_what_is_configured() {
    let scene = Scene::new("pi30-21", "read_only: true");
    let folder = scene.place.path();
    symlink(&scene.socket, folder.join("link")).unwrap();
    symlink(folder, folder.join("here")).unwrap();
    // The same device by links and detours is the configured one, with its settings.
    for path in [
        folder.join("link"),
        folder.join("here/unit.sock"),
        folder.join("here/../").join(folder.file_name().unwrap()).join("unit.sock"),
        PathBuf::from(format!("unixpacket:{}", folder.join("link").display())),
    ] {
        let (code, said) = scene.set(&address(&path), "output_priority=solar_first");
        assert_eq!(code, Some(5), "{} {said}", path.display());
        assert!(said.contains("axpert: output_priority=solar_first: dry_run"), "{said}");
    }
    // What may be it, and cannot be told, is refused for writing and allowed for reading.
    let copy = folder.join("elsewhere.sock");
    std::fs::hard_link(&scene.socket, &copy).unwrap();
    for address in [address(&copy), "voltronic://auto".to_owned()] {
        let (code, said) = scene.set(&address, "output_priority=solar_first");
        assert_eq!(code, Some(5), "{address} {said}");
        assert!(said.contains("Give the device's name, such as axpert"), "{said}");
    }
    assert_eq!(scene.inverter.setters(), 0, "{:?}", scene.inverter.commands());
    let read = scene.place.verb(&["read", &address(&copy)]);
    assert_eq!(read.status.code(), Some(0), "{}", text(&read));
}

#[test]
fn a_configured_battery_is_written_to_by_its_name_only() {
    let place = Place::new();
    place.configure(
        &["  a: { marstek: { host: battery.lan, read_only: true } }\n".to_owned()],
        "read_only: false",
    );
    let output = place.verb(&["set", "marstek://127.0.41.77:30000", "auto"]);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
    assert!(text(&output).contains("such as a"), "{}", text(&output));
    place.configure(&["  gx: { victron: { http: 'gx.lan:8088' } }\n".to_owned()], "read_only: false");
    let output = place.verb(&["set", "victron+modbus://127.0.41.77:502", "auto"]);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
}

#[test]
fn nor_around_what_a_daemon_has_whose_configuration_is_not_at_hand() {
    let place = Place::new();
    let machine = place.path().join("machine");
    let inverter = Inverter::at("pi30-21", Front::Tree(machine.clone(), "1-1".to_owned()));
    let roots = format!("sys_root: '{0}/sys', dev_root: '{0}/dev'", machine.display());
    let device = format!("  axpert: {{ voltronic: {{ path: auto, read_only: true, {roots} }} }}\n");
    place.configure(&[device], "read_only: false");
    let daemon = place.run();
    daemon.wait_for_log("axpert");
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ohmstead"))
        .args(["set", &address(&machine.join("dev/hidraw0")), "output_priority=solar_first", "--data-dir"])
        .arg(place.path().join("data"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
    assert!(text(&output).contains("axpert"), "{}", text(&output));
    assert_eq!(inverter.setters(), 0, "{:?}", inverter.commands());
}

#[test]
fn another_name_gives_no_new_budget() {
    let scene = Scene::new("pi30-21", "writes_per_day: 1");
    let (code, said) = scene.set("axpert", "output_priority=solar_first");
    assert_eq!(code, Some(0), "{said}");
    scene.configure("roof", &format!("path: '{}', writes_per_day: 1", scene.socket.display()));
    let (code, said) = scene.set("roof", "output_priority=utility_first");
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("wears out"), "{said}");
    std::fs::remove_file(scene.place.path().join("ohmstead.yaml")).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ohmstead"))
        .args(["set", &address(&scene.socket), "output_priority=utility_first", "--data-dir"])
        .arg(scene.place.path().join("data"))
        .current_dir(scene.place.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
    assert_eq!(scene.inverter.setters(), 1, "{:?}", scene.inverter.commands());
}

/// Limits and the battery's own settings depend on more than who the unit is.
fn settings_are_set(profile: &str) {
    let scene = Scene::new(profile, "write: [priorities, limits, battery], write_interval: 10 s");
    for wish in ["charge_current_max=30", "battery_type=user"] {
        let (code, said) = scene.set("axpert", wish);
        assert_eq!(code, Some(0), "{said}");
    }
    let output = scene.place.verb(&["read", "axpert", "--json"]);
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read["values"]["charge_current_max"]["value"].as_f64(), Some(30.0), "{read}");
    assert_eq!(read["values"]["battery_type"]["value"], "user", "{read}");
}

#[test]
fn settings_of_pi30_are_set_without_a_daemon() {
    settings_are_set("pi30-max");
}

#[test]
fn settings_of_pi18_are_set_without_a_daemon() {
    settings_are_set("pi18");
}

#[test]
fn what_cannot_be_set_has_its_true_reason() {
    let scene = Scene::new("pi30-21", "write: [priorities]");
    let (code, said) = scene.set("axpert", "charge_current_max=30");
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("`write:`"), "{said}");
}

#[test]
fn of_a_ups_and_an_inverter_the_inverter_is_found() {
    let place = Place::new();
    let machine = place.path().join("machine");
    let roots = [format!("{}/sys", machine.display()), format!("{}/dev", machine.display())];
    let discover = |more: &str| {
        let verb = ["discover", "voltronic", more, "--sys-root", &roots[0], "--dev-root", &roots[1]];
        std::process::Command::new(env!("CARGO_BIN_EXE_ohmstead")).args(verb).output().unwrap()
    };
    let _ups = Inverter::at("ups", Front::Tree(machine.clone(), "1-1".to_owned()));
    let alone = discover("--yaml");
    assert_eq!(alone.status.code(), Some(4), "{}", text(&alone));
    assert!(
        text(&alone).contains("# voltronic://") && text(&alone).contains("devices: {}"),
        "{}",
        text(&alone)
    );
    let _inverter = Inverter::as_node("pi30-21", Front::Tree(machine.clone(), "1-2".to_owned()), 1);
    let both = discover("--yaml");
    assert_eq!(both.status.code(), Some(0), "{}", text(&both));
    let printed = text(&both);
    assert_eq!(printed.lines().filter(|line| !line.trim_start().starts_with('#')).count(), 2, "{printed}");
    let path = discover("--path-only");
    assert_eq!(text(&path), format!("{}/dev/hidraw1\n", machine.display()));
}

/// As `find_inverter.sh` did: a unit of systemd must not start with a UPS, or without its device file.
#[test]
fn where_there_is_no_inverter_no_path_is_printed() {
    let place = Place::new();
    let machine = place.path().join("machine");
    let roots = [format!("{}/sys", machine.display()), format!("{}/dev", machine.display())];
    let find = |dev: &str| {
        let verb = ["discover", "voltronic", "--path-only", "--sys-root", &roots[0], "--dev-root", dev];
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ohmstead")).args(verb).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), text(&output))
    };
    let refused = |dev: &str, why: &str| {
        let (code, printed, said) = find(dev);
        assert_eq!((code, printed.as_str()), (Some(1), ""), "{said}");
        assert!(said.contains(why), "{said}");
    };
    let _one = Inverter::at("ups", Front::Tree(machine.clone(), "1-1".to_owned()));
    refused(&roots[1], "hidraw0: UPS, not an inverter");
    let _other = Inverter::as_node("ups", Front::Tree(machine.clone(), "1-2".to_owned()), 1);
    refused(&roots[1], "hidraw1: UPS, not an inverter");
    let _inverter = Inverter::as_node("pi30-21", Front::Tree(machine.clone(), "1-3".to_owned()), 2);
    let elsewhere = place.path().join("nothing");
    refused(elsewhere.to_str().unwrap(), "hidraw2: the device file does not exist");
    assert_eq!(find(&roots[1]).1, format!("{}/dev/hidraw2\n", machine.display()));
}

/// What wears out is not written where nobody counts.
#[test]
fn without_a_place_to_count_nothing_that_wears_out_is_written() {
    let scene = Scene::new("pi30-21", "");
    let folder = tempfile::tempdir().unwrap();
    let set = |data_dir: &Path| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ohmstead"))
            .args(["set", &address(&scene.socket), "output_priority=solar_first", "--data-dir"])
            .arg(data_dir)
            .current_dir(folder.path())
            .output()
            .unwrap();
        (output.status.code(), text(&output))
    };
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let (code, said) = set(&file);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("--data-dir DIR"), "{said}");
    assert_eq!(scene.inverter.setters(), 0, "{:?}", scene.inverter.commands());
    let (code, said) = set(&folder.path().join("data"));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(scene.inverter.setters(), 1);
}

#[test]
fn the_doctor_looks_where_the_configuration_points() {
    let place = Place::new();
    let device = |settings: &str| format!("  axpert: {{ voltronic: {{ {settings} }} }}\n");
    let findings = || -> Vec<Value> {
        let output = place.verb(&["doctor", "--json"]);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let of = |findings: &[Value], text: &str| -> Option<String> {
        let found = findings.iter().find(|finding| finding["text"].as_str().unwrap().contains(text))?;
        Some(format!("{} {}", found["id"].as_str().unwrap(), found["severity"].as_str().unwrap()))
    };
    place.configure(&[device("path: /dev/ttyUSB77")], "");
    let found = findings();
    assert_eq!(of(&found, "/dev/ttyUSB77 does not exist").as_deref(), Some("port alarm"), "{found:?}");
    assert_eq!(of(&found, "is plugged in"), None, "{found:?}");
    let mut daemon = place.run();
    daemon.wait_for_log("axpert");
    let found = findings();
    assert_eq!(of(&found, "runs and answers").as_deref(), Some("daemon info"), "{found:?}");
    assert_eq!(of(&found, "/dev/ttyUSB77 does not exist").as_deref(), Some("port alarm"), "{found:?}");
    daemon.terminate();
    let machine = place.path().join("machine");
    let roots = format!("sys_root: '{0}/sys', dev_root: '{0}/dev'", machine.display());
    place.configure(&[device(&roots)], "");
    let found = findings();
    assert_eq!(of(&found, "configured: axpert").as_deref(), Some("no_inverter alarm"), "{found:?}");
    let _inverter = Inverter::at("pi30-21", Front::Tree(machine, "1-1".to_owned()));
    let found = findings();
    assert_eq!(of(&found, "/dev/hidraw0").as_deref(), Some("port_ready info"), "{found:?}");
}

#[test]
fn the_doctor_names_who_else_has_a_configured_path_open() {
    let place = Place::new();
    let path = place.path().join("hidraw5");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    place.configure(&[format!("  axpert: {{ voltronic: {{ path: '{}' }} }}\n", path.display())], "");
    let opened = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    // It reads its own input for ever and writes nothing.
    let mut other = std::process::Command::new("cat").stdin(opened).spawn().unwrap();
    let said = text(&place.verb(&["doctor"]));
    other.kill().unwrap();
    other.wait().unwrap();
    let told = format!("axpert: cat (process {}) has {} open too", other.id(), path.display());
    assert!(said.contains("port_shared") && said.contains(&told), "{said}");
}

#[test]
fn the_doctor_speaks_of_usb_where_nothing_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ohmstead"))
        .args(["doctor", "--sys-root", "nothing", "--data-dir", "data"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(text(&output).contains("no_inverter"), "{}", text(&output));
}
