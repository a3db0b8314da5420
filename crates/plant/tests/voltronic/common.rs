//! A unit in a house, and the client's side of the cable.

use ohmstead_plant::house::Settings;
use ohmstead_plant::voltronic::{Counters, InverterSetup, Port, Profile, Unit};
use ohmstead_plant::{InMemory, InverterTruth};

/// 2025-06-02T10:00Z, a Monday, noon at the site.
pub(crate) const MONDAY_NOON_MS: i64 = 1_748_858_400_000;

/// One inverter called `a`, and a clock that the test moves.
pub(crate) struct Bench {
    pub(crate) site: InMemory,
    pub(crate) now_ms: i64,
}

/// A unit of a profile, as it comes, with switches.
pub(crate) fn bench(profile: &str, switches: &str) -> Bench {
    bench_with(profile, switches, |_| {})
}

/// The same, with something changed.
pub(crate) fn bench_with(profile: &str, switches: &str, change: impl FnOnce(&mut InverterSetup)) -> Bench {
    let profile: Profile = profile.parse().unwrap();
    let mut setup = InverterSetup::new("a", profile);
    setup.switches = switches.parse().unwrap();
    change(&mut setup);
    let settings = Settings { start_unix_ms: MONDAY_NOON_MS, ..Settings::default() };
    let site = InMemory::new(settings, Vec::new()).unwrap().with_inverters(vec![setup]).unwrap();
    Bench { site, now_ms: MONDAY_NOON_MS }
}

/// CRC-16/XMODEM bit by bit, written from the description: not the plant's own.
pub(crate) fn crc(bytes: &[u8]) -> [u8; 2] {
    let mut crc = 0_u16;
    for bit in bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)) {
        let carry = crc >> 15 ^ u16::from(bit);
        crc <<= 1;
        if carry == 1 {
            crc ^= 0x1021;
        }
    }
    crc.to_be_bytes().map(|byte| if [0x28, 0x0d, 0x0a].contains(&byte) { byte + 1 } else { byte })
}

/// A command with its check and CR.
pub(crate) fn framed(command: &str) -> Vec<u8> {
    [command.as_bytes(), &crc(command.as_bytes()), b"\r"].concat()
}

/// PI18: `^P` or `^S`, the length, the command and its check.
pub(crate) fn caret(kind: &str, command: &str) -> Vec<u8> {
    framed(&format!("^{kind}{:03}{command}", command.len() + 3))
}

/// Zero-padded reports of eight.
pub(crate) fn reports(frame: &[u8]) -> Vec<Vec<u8>> {
    frame.chunks(8).map(|chunk| [chunk, &[0; 8][chunk.len()..]].concat()).collect()
}

impl Bench {
    pub(crate) fn unit(&mut self) -> &mut Unit {
        self.site.inverter_mut("a").unwrap()
    }

    pub(crate) fn truth(&self) -> InverterTruth {
        self.site.truth().inverters[0].clone()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.site.inverter_counters("a").unwrap()
    }

    pub(crate) fn switch(&mut self, text: &str) {
        self.site.set_inverter_switch("a", text).unwrap();
    }

    /// Lets the house live for a while.
    pub(crate) fn wait(&mut self, ms: i64) {
        self.now_ms += ms;
        self.site.advance(self.now_ms);
    }

    /// Lets it live until something is so; fails after some hours.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&InverterTruth) -> bool) {
        for _ in 0..2_000 {
            if is_so(&self.truth()) {
                return;
            }
            self.wait(30_000);
        }
        panic!("{what} never came: {:?}", self.truth());
    }

    pub(crate) fn send(&mut self, frame: &[u8]) {
        let now_ms = self.now_ms;
        for report in reports(frame) {
            self.unit().receive(now_ms, &report);
        }
    }

    /// Everything that arrives until the line is quiet for good, report by report, with the moments.
    pub(crate) fn arrivals(&mut self) -> Vec<(i64, Vec<u8>)> {
        let mut arrived = Vec::new();
        while let Some(due_ms) = self.unit().due_ms() {
            let now_ms = due_ms.max(self.now_ms);
            let taken = self.unit().take(now_ms);
            arrived.extend(taken.into_iter().map(|bytes| (now_ms, bytes)));
            self.now_ms = now_ms;
            if self.unit().node(now_ms).is_none() {
                break;
            }
        }
        self.site.advance(self.now_ms);
        arrived
    }

    /// Sends a frame; gives all bytes that come, without NULs.
    pub(crate) fn exchange(&mut self, frame: &[u8]) -> Vec<u8> {
        self.send(frame);
        self.arrivals().into_iter().flat_map(|(_, bytes)| bytes).filter(|byte| *byte != 0).collect()
    }

    /// Sends a PI30 command; gives the answer's text, after its check was found right.
    pub(crate) fn ask(&mut self, command: &str) -> String {
        let bytes = self.exchange(&framed(command));
        text(&bytes)
    }

    /// Sends a PI18 command likewise.
    pub(crate) fn ask_18(&mut self, kind: &str, command: &str) -> String {
        let bytes = self.exchange(&caret(kind, command));
        text(&bytes)
    }

    /// Fields of a PI30 answer.
    pub(crate) fn fields(&mut self, command: &str) -> Vec<String> {
        self.ask(command).trim_start_matches('(').split(' ').map(str::to_owned).collect()
    }
}

/// The text of a good frame.
pub(crate) fn text(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "silence".to_owned();
    }
    let (body, end) = bytes.split_at(bytes.len().saturating_sub(3));
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(end, [&crc(body.as_bytes())[..], b"\r"].concat(), "{body}: check {end:02x?}");
    body
}
