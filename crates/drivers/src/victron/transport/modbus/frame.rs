//! Modbus TCP frames, as far as reading goes.
//!
//! ```text
//! request  | number 2 | 0 0 | length 2 | unit 1 | 3 | first register 2 | count 2 |
//! answer   | number 2 | 0 0 | length 2 | unit 1 | 3 | bytes 1 | registers ...      |
//!          |          |     |          |        | 0x83 | exception 1               |
//! ```

/// Registers in one answer; the protocol allows 125.
pub(super) const COUNT_MAX: u16 = 120;
/// Length of what precedes a frame's body.
pub(super) const HEAD: usize = 7;
/// The most that can follow.
const BODY_MAX: usize = 253;
const READ_HOLDING: u8 = 3;

/// A question for registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) number: u16,
    pub(super) unit: u8,
    pub(super) first: u16,
    pub(super) count: u16,
}

/// Why there are no registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exception {
    /// 2: no such register, or a gap in the range.
    NoRegister,
    /// 10 or 11: no such service at this unit.
    NoService,
    /// Any other code.
    Other(u8),
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Registers(Vec<u16>),
    Exception(Exception),
}

/// The head of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) number: u16,
    pub(super) unit: u8,
    /// Bytes that follow.
    pub(super) body: usize,
}

impl Question {
    pub(super) fn frame(self) -> [u8; 12] {
        let ([n1, n0], [f1, f0], [c1, c0]) =
            (self.number.to_be_bytes(), self.first.to_be_bytes(), self.count.to_be_bytes());
        [n1, n0, 0, 0, 0, 6, self.unit, READ_HOLDING, f1, f0, c1, c0]
    }

    /// The registers in the body of an answer; `None` for what is no answer to this question.
    pub(super) fn reply(self, body: &[u8]) -> Option<Reply> {
        match body {
            [function, code] if *function == READ_HOLDING | 0x80 => Some(Reply::Exception(match code {
                2 => Exception::NoRegister,
                10 | 11 => Exception::NoService,
                other => Exception::Other(*other),
            })),
            [function, count, rest @ ..] if *function == READ_HOLDING => {
                let is_whole = usize::from(*count) == rest.len() && rest.len() == usize::from(self.count) * 2;
                let pairs =
                    rest.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes));
                is_whole.then(|| Reply::Registers(pairs.collect()))
            }
            _ => None,
        }
    }
}

/// Reads the head of an answer; `None` for what is no Modbus.
pub(super) fn head(bytes: [u8; HEAD]) -> Option<Head> {
    let [n1, n0, p1, p0, l1, l0, unit] = bytes;
    let length = usize::from(u16::from_be_bytes([l1, l0]));
    let body = length.checked_sub(1).filter(|body| (2..=BODY_MAX).contains(body))?;
    (p1 == 0 && p0 == 0).then_some(Head { number: u16::from_be_bytes([n1, n0]), unit, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUESTION: Question = Question { number: 0x1234, unit: 100, first: 840, count: 2 };

    #[test]
    fn frames_are_those_of_the_protocol() {
        assert_eq!(QUESTION.frame(), [0x12, 0x34, 0, 0, 0, 6, 100, 3, 0x03, 0x48, 0, 2]);
        assert_eq!(
            QUESTION.reply(&[3, 4, 0x02, 0x08, 0xff, 0xf6]),
            Some(Reply::Registers(vec![520, 65_526]))
        );
        assert_eq!(QUESTION.reply(&[0x83, 10]), Some(Reply::Exception(Exception::NoService)));
        assert_eq!(QUESTION.reply(&[3, 2, 0, 1]), None);
        assert_eq!(head([0x12, 0x34, 0, 0, 0, 7, 100]), Some(Head { number: 0x1234, unit: 100, body: 6 }));
        assert_eq!(head([0x12, 0x34, 0, 1, 0, 7, 100]), None);
        assert_eq!(head([0x12, 0x34, 0, 0, 9, 7, 100]), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes: [u8; HEAD], body in proptest::collection::vec(any::<u8>(), 0..260), count: u16) {
            let _ = head(bytes);
            if let Some(Reply::Registers(registers)) = (Question { count, ..QUESTION }).reply(&body) {
                prop_assert_eq!(registers.len(), usize::from(count));
            }
        }
    }
}
