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
        replays[0].play(&mut tree, second * 1_000);
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
        ("{\"service\": \"com.victronenergy.x\", \"initial\": {}}\nnonsense", 2, "no JSON"),
        ("{\"service\": \"com.victronenergy.x\", \"initial\": {}}\n[-1]", 2, "second"),
    ] {
        let (at, said) = Recording::parse(text).unwrap_err();
        assert!(at == line && said.contains(what), "{text}: {at}: {said}");
    }
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
        for replay in &mut replays {
            replay.play(&mut tree, second * 1_000);
        }
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
            replays[0].play(&mut tree, 20_000);
        }
    }
}
