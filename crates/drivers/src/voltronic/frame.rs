//! Frames: making questions, and finding answers in whatever bytes come.
//!
//! ```text
//! PI30, PI41, REVO   QPIGS <crc> <crc> CR                ->  (230.0 50.0 ... <crc> <crc> CR
//! PI18               ^P005GS <crc> <crc> CR, ^S for setters -> ^D106... <crc> <crc> CR, ^1 yes, ^0 no
//! PI17               ^P003GS CR                          ->  ^D110... <crc> <crc> CR
//! ```
//!
//! What comes may begin with garbage, carry the zero bytes of padded reports anywhere, end with LF or CR LF, and have a
//! checksum byte of 0x00 that looks like padding. A frame counts only if its checksum fits; whatever does not is dropped
//! and named, so that it can be counted.

use std::fmt;

use super::crc;

/// How a family's frames look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `(` and fields with blanks: PI30, PI41, REVO.
    Paren,
    /// `^P005` and fields with commas: PI18.
    Caret18,
    /// The same without a checksum in questions: PI17.
    Caret17,
}

/// What ends a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CrcOut {
    /// The checksum of the vendor's published algorithm.
    #[default]
    Classic,
    /// The same with 0x00 sent as 0x01.
    ZeroEscaped,
    /// None.
    None,
    /// One byte: the sum of the others plus one (some REVO commands).
    Sum,
}

/// What a setter of a `^` family begins with in our spelling: `S:POP0` goes out as `^S...POP0`.
pub(crate) const SETTER: &str = "S:";

/// The bytes of a command.
pub(crate) fn encode(dialect: Dialect, command: &str, crc: CrcOut) -> Vec<u8> {
    let (kind, command) = command.strip_prefix(SETTER).map_or(('P', command), |setter| ('S', setter));
    let crc = if dialect == Dialect::Caret17 { CrcOut::None } else { crc };
    let tail = match crc {
        CrcOut::Classic | CrcOut::ZeroEscaped => 2,
        CrcOut::Sum => 1,
        CrcOut::None => 0,
    };
    let mut frame = match dialect {
        Dialect::Paren => command.as_bytes().to_vec(),
        Dialect::Caret18 => {
            let length = command.len() + tail + 1 - usize::from(command == SHORT_BY_ONE);
            format!("^{kind}{length:03}{command}").into_bytes()
        }
        Dialect::Caret17 => pi17(kind, command),
    };
    match crc {
        CrcOut::Classic => frame.extend(crc::classic(&frame)),
        CrcOut::ZeroEscaped => frame.extend(crc::zero_escaped(&frame)),
        CrcOut::Sum => frame.push(frame.iter().fold(1, |sum: u8, byte| sum.wrapping_add(*byte))),
        CrcOut::None => {}
    }
    frame.push(b'\r');
    frame
}

/// The document and captures of units that answer have `^P005FWS`, one less than the rule for the length gives.
const SHORT_BY_ONE: &str = "FWS";

/// Questions for the energy of a year, month, day or hour carry a sum of their own, in three digits.
fn pi17(kind: char, command: &str) -> Vec<u8> {
    let dated = command.len() > 4 && ["EY", "EM", "ED", "EH"].iter().any(|name| command.starts_with(name));
    let digits = if dated && command[2..].bytes().all(|byte| byte.is_ascii_digit()) { 3 } else { 0 };
    let mut frame = format!("^{kind}{:03}{command}", command.len() + digits + 1).into_bytes();
    if digits > 0 {
        let sum = frame.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        frame.extend(format!("{sum:03}").into_bytes());
    }
    frame
}

/// A good frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    text: String,
}

impl Payload {
    /// A payload as it stands between the start of a frame and its checksum, its marker included: `(230.0 ...`. For tests
    /// and fuzzing: from the wire it comes out of a [`Receiver`].
    pub(crate) fn of(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    /// Everything but the checksum.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The unit says yes.
    pub(crate) fn is_ack(&self) -> bool {
        matches!(self.text.as_str(), "(ACK" | "^1")
    }

    /// The unit says no.
    pub(crate) fn is_nak(&self) -> bool {
        matches!(self.text.as_str(), "(NAK" | "^0")
    }

    /// What is told, without the marker and the length.
    pub(crate) fn body(&self) -> &str {
        if let Some(rest) = self.text.strip_prefix("^D") {
            return rest.get(3..).unwrap_or_default();
        }
        self.text.get(1..).unwrap_or_default()
    }

    /// Whether it is as long as it says: the `^` families tell the length of what follows, checksum and CR included.
    pub(crate) fn is_whole(&self) -> bool {
        const END: usize = 3;
        let Some(rest) = self.text.strip_prefix("^D") else { return true };
        let told = rest.get(..3).and_then(|digits| digits.parse::<usize>().ok());
        told == Some(rest.len().saturating_sub(3) + END)
    }

    /// Whether this is a frame of the `^` families.
    pub(crate) fn is_caret(&self) -> bool {
        self.text.starts_with('^')
    }
}

/// Why something that came is no frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Corrupt {
    /// The checksum does not fit.
    Checksum,
    /// It has only one byte of the checksum, or none.
    Short,
    /// It is longer than any answer.
    TooLong,
    /// The checksum fits, but it is no text.
    NotText,
    /// A line without a marker; it may be another kind of device.
    Foreign(String),
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checksum => f.write_str("the checksum does not fit"),
            Self::Short => f.write_str("a part of the checksum is missing"),
            Self::TooLong => write!(f, "longer than {LONGEST} bytes"),
            Self::NotText => f.write_str("not text"),
            Self::Foreign(text) => write!(f, "no frame of an inverter: {text:?}"),
        }
    }
}

impl std::error::Error for Corrupt {}

/// No answer is longer; the longest known has 220.
const LONGEST: usize = 512;
/// Markers that are tried as the start of one frame: garbage may hold some.
const STARTS_MAX: usize = 8;
/// What is kept of a line that is no frame.
const FOREIGN_KEPT: usize = 48;

/// Finds frames in a stream of bytes.
#[derive(Debug)]
pub(crate) struct Receiver {
    buffer: Vec<u8>,
    /// Bytes that are dropped until the next line ends: the frame was too long.
    skipping: bool,
    found: std::collections::VecDeque<Result<Payload, Corrupt>>,
}

/// Frames that wait to be taken.
const FOUND_MAX: usize = 16;

impl Receiver {
    /// All dialects are told from each other by the first byte of a frame.
    pub(crate) fn new(_dialect: Dialect) -> Self {
        Self { buffer: Vec::new(), skipping: false, found: std::collections::VecDeque::new() }
    }

    /// Takes in what was received.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.take(*byte);
        }
    }

    /// The next frame, good or not.
    pub(crate) fn next(&mut self) -> Option<Result<Payload, Corrupt>> {
        self.found.pop_front()
    }

    fn take(&mut self, byte: u8) {
        match byte {
            b'\r' => {
                if !self.skipping {
                    let line = std::mem::take(&mut self.buffer);
                    self.line(&line);
                }
                self.buffer.clear();
                self.skipping = false;
            }
            // Some rebrands end with LF. In the middle of a line it is noise, unless what stands before it fits.
            b'\n' if !self.skipping => {
                if let Some(payload) = frame_in(&self.buffer) {
                    self.buffer.clear();
                    self.push_found(Ok(payload));
                } else if self.buffer.iter().any(|byte| *byte != 0) {
                    self.buffer.push(byte);
                }
            }
            _ if self.skipping => {}
            _ => {
                self.buffer.push(byte);
                if self.buffer.len() > LONGEST {
                    self.shorten();
                }
            }
        }
    }

    /// Keeps the last marker and what follows: garbage without end may be followed by a good frame.
    fn shorten(&mut self) {
        let start = self.buffer.iter().rposition(|byte| is_marker(*byte)).filter(|start| *start > 0);
        if let Some(start) = start {
            self.buffer.drain(..start);
        } else if self.buffer.iter().all(|byte| *byte == 0) {
            self.buffer.clear();
        } else {
            let was_frame = self.buffer.first().is_some_and(|byte| is_marker(*byte));
            self.buffer.clear();
            self.skipping = was_frame;
            if was_frame {
                self.push_found(Err(Corrupt::TooLong));
            }
        }
    }

    fn line(&mut self, line: &[u8]) {
        if let Some(payload) = frame_in(line) {
            return self.push_found(Ok(payload));
        }
        if line.iter().all(|byte| matches!(byte, 0 | b'\n')) {
            return;
        }
        self.push_found(Err(what_is_wrong(line)));
    }

    fn push_found(&mut self, frame: Result<Payload, Corrupt>) {
        if self.found.len() < FOUND_MAX {
            self.found.push_back(frame);
        }
    }
}

fn is_marker(byte: u8) -> bool {
    matches!(byte, b'(' | b'^')
}

/// The frame that ends with `line`, wherever it begins.
fn frame_in(line: &[u8]) -> Option<Payload> {
    let starts = line.iter().enumerate().filter(|(_, byte)| is_marker(**byte)).map(|(index, _)| index);
    starts.take(STARTS_MAX).find_map(|start| checked(line.get(start..)?))
}

/// The frame, if its checksum fits.
///
/// A zero may be padding or a part of the checksum, and this checksum is linear: where it is `hi 00`, that of the text
/// without its last character `c` is always `c hi`. So a frame can be read in up to three ways. If there are several, the
/// one counts in which each zero is the checksum's; if there is none, nobody can tell, and nothing is taken.
fn checked(raw: &[u8]) -> Option<Payload> {
    // A refusal is often sent without a checksum.
    let bare: Vec<u8> = raw.iter().copied().filter(|byte| *byte != 0).collect();
    if bare == b"(NAK" {
        return text(&bare);
    }
    let ways = [plain(&bare), one_zero(raw, &bare), two_zeros(raw, &bare)];
    let zeros = raw.len() - bare.len();
    let mut possible = ways.iter().flatten();
    let first = possible.next()?;
    if possible.next().is_none() {
        return text(first);
    }
    ways.get(zeros).copied().flatten().and_then(text)
}

/// The payload, if both bytes of its checksum are there.
fn plain(bare: &[u8]) -> Option<&[u8]> {
    let (payload, sent) = bare.split_last_chunk::<2>()?;
    fits(payload, *sent).then_some(payload)
}

/// The payload, if one byte of its checksum is 0x00.
fn one_zero<'a>(raw: &[u8], bare: &'a [u8]) -> Option<&'a [u8]> {
    if !raw.last_chunk::<2>()?.contains(&0) {
        return None;
    }
    let (other, payload) = bare.split_last()?;
    let expected = crc::classic(payload);
    let is_it = expected == [0, *other] || expected == [*other, 0];
    (is_it && !payload.is_empty()).then_some(payload)
}

/// The payload, if both bytes of its checksum are 0x00.
fn two_zeros<'a>(raw: &[u8], bare: &'a [u8]) -> Option<&'a [u8]> {
    (raw.ends_with(&[0, 0]) && crc::classic(bare) == [0, 0] && !bare.is_empty()).then_some(bare)
}

fn fits(payload: &[u8], sent: [u8; 2]) -> bool {
    !payload.is_empty() && (crc::classic(payload) == sent || crc::zero_escaped(payload) == sent)
}

fn text(payload: &[u8]) -> Option<Payload> {
    let is_text = payload.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let text = is_text.then(|| String::from_utf8(payload.to_vec()).ok()).flatten()?;
    Some(Payload { text })
}

fn what_is_wrong(line: &[u8]) -> Corrupt {
    let Some(start) = line.iter().position(|byte| is_marker(*byte)) else {
        let kept = line.iter().filter(|byte| **byte != 0).take(FOREIGN_KEPT);
        return Corrupt::Foreign(
            kept.map(|byte| char::from(*byte)).filter(|c| matches!(c, ' '..='~')).collect(),
        );
    };
    let bare: Vec<u8> = line.iter().skip(start).copied().filter(|byte| *byte != 0).collect();
    let [payload @ .., last] = bare.as_slice() else { return Corrupt::Short };
    let expected = crc::classic(payload);
    if expected.contains(last) && *last != 0 {
        return Corrupt::Short;
    }
    match payload {
        [payload @ .., high] if fits(payload, [*high, *last]) => Corrupt::NotText,
        _ => Corrupt::Checksum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn answer(text: &str) -> Vec<u8> {
        let mut frame = text.as_bytes().to_vec();
        frame.extend(crc::classic(text.as_bytes()));
        frame.push(b'\r');
        frame
    }

    fn all(bytes: &[u8]) -> Vec<Result<String, Corrupt>> {
        let mut receiver = Receiver::new(Dialect::Paren);
        receiver.push(bytes);
        std::iter::from_fn(|| receiver.next()).map(|frame| frame.map(|payload| payload.text)).collect()
    }

    fn good(text: &str) -> Vec<Result<String, Corrupt>> {
        vec![Ok(text.to_owned())]
    }

    const QPIGS: &str = "(230.0 49.9 229.9 50.0 0161 0119 003 460 52.50 012 100 0069 0014 103.8 52.45 00000 00110110 00 00 00856 010";

    #[rstest]
    #[case(Dialect::Paren, "QPIGS", CrcOut::Classic, "5150494753b7a90d")]
    #[case(Dialect::Paren, "PBFT48.8", CrcOut::Classic, "5042465434382e3815000d")]
    #[case(Dialect::Paren, "PBFT48.8", CrcOut::ZeroEscaped, "5042465434382e3815010d")]
    #[case(Dialect::Paren, "QT", CrcOut::None, "51540d")]
    #[case(Dialect::Caret18, "PI", CrcOut::Classic, "5e503030355049718b0d")]
    #[case(Dialect::Caret17, "PI", CrcOut::Classic, "5e5030303350490d")]
    fn questions(#[case] dialect: Dialect, #[case] command: &str, #[case] crc: CrcOut, #[case] hex: &str) {
        let sent: Vec<String> =
            encode(dialect, command, crc).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sent.concat(), hex);
    }

    #[test]
    fn setters_of_caret_families_say_so() {
        assert!(encode(Dialect::Caret18, "S:POP0", CrcOut::Classic).starts_with(b"^S007POP0"));
        assert_eq!(encode(Dialect::Caret17, "EY2021", CrcOut::None), b"^P010EY2021162\r");
    }

    #[test]
    fn frames_are_found_in_what_surrounds_them() {
        let frame = answer(QPIGS);
        assert_eq!(all(&frame), good(QPIGS));
        let padded: Vec<u8> = frame.chunks(8).flat_map(|chunk| [chunk, &[0, 0, 0]].concat()).collect();
        assert_eq!(all(&padded), good(QPIGS), "zeros between the reports");
        assert_eq!(all(&[b"\0\0", frame.as_slice()].concat()), good(QPIGS), "zeros in front");
        assert_eq!(all(&[b"5 0(0 \xf6", frame.as_slice()].concat()), good(QPIGS), "garbage in front");
        assert_eq!(all(&[frame.as_slice(), b"\n\0\0"].concat()), good(QPIGS), "CR LF");
        let mut line_feed = frame.clone();
        *line_feed.last_mut().unwrap() = b'\n';
        assert_eq!(all(&line_feed), good(QPIGS), "LF");
        let twice = [frame.as_slice(), &frame].concat();
        assert_eq!(all(&twice).len(), 2);
    }

    /// A payload whose checksum has a zero byte at `place`.
    fn with_zero_at(place: usize) -> String {
        let texts = (0..).map(|number| format!("({number:08}"));
        texts.into_iter().find(|text| crc::classic(text.as_bytes())[place] == 0).expect("one of 256")
    }

    #[rstest]
    #[case(with_zero_at(0))]
    #[case(with_zero_at(1))]
    #[case("(00000292".to_owned())]
    #[case("(9(5".to_owned())]
    fn a_zero_in_the_checksum_is_no_padding(#[case] text: String) {
        let frame = answer(&text);
        assert_eq!(all(&frame), good(&text));
        let mut escaped = text.as_bytes().to_vec();
        escaped.extend(crc::zero_escaped(text.as_bytes()));
        escaped.push(b'\r');
        assert_eq!(all(&escaped), good(&text));
        let nuls: Vec<u8> = frame.iter().flat_map(|byte| [*byte, 0]).collect();
        // With padding everywhere besides, nobody can tell which zero is the checksum's: right, or nothing.
        let found = all(&nuls);
        assert!(found == good(&text) || found.iter().all(Result::is_err), "{found:?}");
    }

    #[rstest]
    #[case(b"(NAKss\r", Ok("(NAK"))]
    #[case(b"(NAK\r", Ok("(NAK"))]
    #[case(b"(ACK9 \r", Ok("(ACK"))]
    #[case(b"(NAOss\r", Err(Corrupt::Checksum))]
    #[case(b"(ACK\r", Err(Corrupt::Checksum))]
    #[case(b"NAK\r", Err(Corrupt::Foreign("NAK".to_owned())))]
    #[case(b"#230.0 005 024.0 50.0\r", Err(Corrupt::Foreign("#230.0 005 024.0 50.0".to_owned())))]
    fn short_answers(#[case] bytes: &[u8], #[case] expected: Result<&str, Corrupt>) {
        assert_eq!(all(bytes), [expected.map(str::to_owned)]);
    }

    #[test]
    fn a_missing_byte_of_the_checksum_is_named() {
        let mut frame = answer(QPIGS);
        frame.remove(frame.len() - 2);
        assert_eq!(all(&frame), [Err(Corrupt::Short)]);
    }

    #[test]
    fn what_never_ends_takes_no_memory() {
        let mut receiver = Receiver::new(Dialect::Paren);
        for _ in 0..1000 {
            receiver.push(b"(0000000");
            assert!(receiver.buffer.len() <= LONGEST + 1 && receiver.found.len() <= FOUND_MAX);
        }
        receiver.push(&answer("\r(B")[..]);
        while receiver.next().is_some() {}
        receiver.push(&answer("(B"));
        assert_eq!(receiver.next(), Some(Ok(Payload::of("(B"))));
    }

    /// One place that is damaged, in every way: dropped, or the very same text, never another one.
    #[test]
    fn damage_is_never_another_value() {
        let frame = answer(QPIGS);
        let check = |damaged: &[u8], how: &str| {
            for payload in all(damaged).into_iter().flatten() {
                assert_eq!(payload, QPIGS, "{how}");
            }
        };
        for at in 0..frame.len() {
            let mut damaged = frame.clone();
            damaged.remove(at);
            check(&damaged, &format!("without byte {at}"));
            for with in 0..=u8::MAX {
                damaged.clone_from(&frame);
                damaged[at] = with;
                check(&damaged, &format!("{with:02x} at {at}"));
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            for payload in all(&bytes).into_iter().flatten() {
                prop_assert!(payload.is_ascii());
            }
        }

        #[test]
        fn a_good_frame_is_found_after_any_garbage(garbage in prop::collection::vec(any::<u8>(), 0..1500)) {
            let garbage: Vec<u8> = garbage.into_iter().filter(|byte| !matches!(byte, b'\r' | b'(' | b'^')).collect();
            let found = all(&[garbage, answer(QPIGS)].concat());
            prop_assert_eq!(found.last(), Some(&Ok(QPIGS.to_owned())));
        }
    }
}
