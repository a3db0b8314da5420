//! Recordings, synthetic and real.

use super::*;

const TWO: &str = r#"{"service": "com.victronenergy.battery.ttyO0", "initial": {"/Soc": ["d", 50.0, "50%"], "/DeviceInstance": ["u", 258, "258"], "/Dc/1/Voltage": ["ai", [], ""]}}
[2, "/Soc", "d", 51.0, "51%"]
[5, "/Soc", "d", 52.0, "52%"]
"#;

#[test]
fn a_recording_is_repeated() {
    let mut replays = vec![Replay::new(Recording::parse(TWO).unwrap(), 1.0, 0)];
    let mut tree = tree(&replays);
    assert_eq!(tree.service("battery/258").unwrap().bus_name(), "com.victronenergy.battery.ttyO0");
    let mut socs = Vec::new();
    for second in 0..14 {
        tree.next_revision();
        play(&mut replays, &mut tree, second * 1_000);
        socs.push(tree.service("battery").unwrap().number("/Soc").unwrap());
    }
    assert_eq!(socs, [50.0, 50.0, 51.0, 51.0, 51.0, 52.0, 50.0, 50.0, 51.0, 51.0, 51.0, 52.0, 50.0, 50.0]);
    assert!(tree.service("battery").unwrap().item("/Dc/1/Voltage").unwrap().value().is_invalid());
}

#[test]
fn a_wrong_recording_says_where() {
    for (text, line, what) in [
        ("", 1, "empty"),
        ("{}", 1, "bus name"),
        ("{\"service\": \"com.victronenergy.a b\", \"initial\": {}}", 1, "bus name"),
        ("{\"service\": \"com.victronenergy.x\", \"initial\": 1}", 1, "object"),
        ("{\"service\": \"com.victronenergy.x\", \"initial\": {\"\": [\"i\", 1, \"\"]}}", 1, "no path"),
        (
            "{\"service\": \"com.victronenergy.x\", \"initial\": {}}\n[1, \"/a\", \"i\", \"one\", \"\"]",
            2,
            "not of the type",
        ),
        (
            "{\"service\": \"com.victronenergy.x\", \"initial\": {}}\n[1, \"/a\", \"ay\", [256], \"\"]",
            2,
            "not of the type ay",
        ),
        ("{\"service\": \"com.victronenergy.x\", \"initial\": {}}\nnonsense", 2, "no JSON"),
        ("{\"service\": \"com.victronenergy.x\", \"initial\": {}}\n[-1]", 2, "second"),
    ] {
        let (at, said) = Recording::parse(text).unwrap_err();
        assert!(at == line && said.contains(what), "{text}: {at}: {said}");
    }
}

/// One value of each type that services have.
const TYPES: &str = r#"{"service": "com.victronenergy.vebus.ttyS4", "initial": {
    "/B": ["b", true, ""], "/Y": ["y", 7, ""], "/N": ["n", -7, ""], "/Q": ["q", 7, ""], "/I": ["i", -7, ""],
    "/U": ["u", 7, ""], "/X": ["x", 9007199254740993, ""], "/T": ["t", 18446744073709551615, ""],
    "/D": ["d", 1, ""], "/S": ["s", "7", ""], "/Nothing": ["ai", [], ""], "/Ints": ["ai", [-1], ""],
    "/Devices/0/Assistants": ["ay", [0, 255], "None"], "/Words": ["au", [4294967295], ""], "/NoWords": ["au", [], ""]
}}"#;

/// `/path: the type in the file, the type on the bus` wherever the two differ.
fn retyped(text: &str) -> Vec<String> {
    let mut lines = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let head = lines.next().unwrap();
    let recording = Recording::parse(text).unwrap();
    let first = recording.initial.iter().map(|(path, value, _)| {
        let told = head["initial"][path][0].as_str().unwrap().to_owned();
        (path.clone(), told, value.signature())
    });
    // Those of one moment stay in their order.
    let mut told: Vec<_> = lines.filter(|line| line[1] != "/").collect();
    told.sort_by(|one, two| one[0].as_f64().unwrap().total_cmp(&two[0].as_f64().unwrap()));
    let then = recording.changes.iter().zip(&told).map(|(change, line)| {
        (change.path.clone(), line[2].as_str().unwrap().to_owned(), change.value.signature())
    });
    let differ = first.chain(then).filter(|(_, told, sent)| told != sent);
    differ.map(|(path, told, sent)| format!("{path}: {told}, {sent}")).collect()
}

#[test]
fn a_value_keeps_its_type() {
    let text = TYPES.replace('\n', "") + "\n[1, \"/Devices/0/Assistants\", \"ay\", [1, 2], \"None\"]";
    assert_eq!(retyped(&text), Vec::<String>::new());
    let recording = Recording::parse(&text).unwrap();
    let at = |path: &str| recording.initial.iter().find(|(known, ..)| known == path).unwrap().1.clone();
    assert_eq!(at("/X"), Value::I64(9_007_199_254_740_993));
    assert_eq!(at("/T"), Value::U64(u64::MAX));
    assert_eq!(at("/Devices/0/Assistants"), Value::Bytes(vec![0, 255]));
}

/// Every value of every recording of a real site, if they are at hand.
#[test]
fn real_values_keep_their_types() {
    let Some(shared) = std::env::var_os("OHMSTEAD_SHARED") else {
        eprintln!("skipped: OHMSTEAD_SHARED does not say where the recordings are");
        return;
    };
    let mut files = 0;
    for entry in fs::read_dir(PathBuf::from(shared).join("data/victron/recordings")).unwrap() {
        let path = entry.unwrap().path();
        let mut text = String::new();
        if path.extension().is_some_and(|extension| extension == "gz") {
            flate2::read::GzDecoder::new(fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
            assert_eq!(retyped(&text), Vec::<String>::new(), "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 50, "{files}");
}

/// All recordings of real sites, if they are at hand.
#[test]
fn real_recordings_can_be_repeated() {
    let Some(shared) = std::env::var_os("OHMSTEAD_SHARED") else {
        eprintln!("skipped: OHMSTEAD_SHARED does not say where the recordings are");
        return;
    };
    let recordings = Recording::load(&PathBuf::from(shared).join("data/victron/recordings")).unwrap();
    assert!(recordings.len() > 50, "{}", recordings.len());
    let mut replays: Vec<_> =
        recordings.into_iter().map(|recording| Replay::new(recording, 10.0, 0)).collect();
    let mut tree = tree(&replays);
    let mut changed = 0;
    for second in 1..200 {
        let before = tree.revision();
        tree.next_revision();
        play(&mut replays, &mut tree, second * 1_000);
        changed += tree.services().iter().map(|service| service.changed_since(before).count()).sum::<usize>();
    }
    assert!(changed > 10_000, "{changed}");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    /// A damaged file is refused or read, never more.
    #[test]
    fn any_text_is_a_recording_or_an_error(at in 0..400_usize, with in proptest::prelude::any::<char>()) {
        let mut text: Vec<char> = TWO.chars().collect();
        let at = at % text.len();
        text[at] = with;
        if let Ok(recording) = Recording::parse(&text.into_iter().collect::<String>()) {
            let mut replays = vec![Replay::new(recording, 1.0, 0)];
            let mut tree = tree(&replays);
            play(&mut replays, &mut tree, 20_000);
        }
    }
}
