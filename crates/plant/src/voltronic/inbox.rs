//! The way into a unit: bytes become commands at a CR, whatever padding stands between them.

use super::crc;

/// The firmware's buffer; a longer command is cut off and so fails its check.
const COMMAND_BYTES_MAX: usize = 96;

/// What has come of a command so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    /// Whether a NUL stood before the last byte, and after it: padding, or a zero in the check.
    nul: (bool, bool),
}

/// What a firmware makes of NULs inside a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nuls {
    /// Padding, unless the check needs them.
    MayBeCheck,
    /// Padding always: the client has to send a check byte 0x00 as 0x01.
    Padding,
}

impl Inbox {
    /// Takes a byte; gives the whole command, without its CR, when this was the end of one.
    pub(crate) fn take(&mut self, byte: u8, nuls: Nuls) -> Option<Vec<u8>> {
        match byte {
            0 => self.nul.1 |= !self.bytes.is_empty(),
            b'\n' if self.bytes.is_empty() => {}
            b'\r' => return Some(self.finish(nuls)),
            _ => {
                if self.bytes.len() < COMMAND_BYTES_MAX {
                    self.bytes.push(byte);
                }
                self.nul = (self.nul.1, false);
            }
        }
        None
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn finish(&mut self, nuls: Nuls) -> Vec<u8> {
        let Self { bytes, nul: (before, after) } = std::mem::take(self);
        if nuls == Nuls::Padding {
            return bytes;
        }
        // The guesses come first: where the CRC of `PBFT48.8` is 15 00, that of `PBFT48.` is `8` 15, always, so that the
        // frame which lost its zero fits as well, one character short.
        let with = |at: usize, zeros: &[u8]| {
            let mut bytes = bytes.clone();
            bytes.splice(at..at, zeros.iter().copied());
            bytes
        };
        let end = bytes.len();
        let guesses = [
            after.then(|| with(end, &[0])),
            after.then(|| with(end, &[0, 0])),
            before.then(|| with(end.saturating_sub(1), &[0])),
        ];
        guesses.into_iter().flatten().find(|guess| fits(guess)).unwrap_or(bytes)
    }
}

fn fits(bytes: &[u8]) -> bool {
    let command = bytes.split_last_chunk::<2>();
    command.is_some_and(|(text, check)| text.iter().all(u8::is_ascii_graphic) && crc::fits(text, *check))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(bytes: &[u8], nuls: Nuls) -> Option<Vec<u8>> {
        let mut inbox = Inbox::default();
        bytes.iter().find_map(|byte| inbox.take(*byte, nuls))
    }

    #[rstest::rstest]
    #[case::padded(b"QP\0\0I\xbe\0\xac\r", Nuls::MayBeCheck, b"QPI\xbe\xac")]
    #[case::check_ends_with_zero(b"PBFT48.8\x15\0\r", Nuls::MayBeCheck, b"PBFT48.8\x15\0")]
    #[case::check_begins_with_zero(b"QED20240615\0\x90\r", Nuls::MayBeCheck, b"QED20240615\0\x90")]
    #[case::zeros_are_padding(b"PBFT48.8\x15\0\r", Nuls::Padding, b"PBFT48.8\x15")]
    #[case::line_feed_before(b"\nQPI\xbe\xac\r", Nuls::Padding, b"QPI\xbe\xac")]
    #[case::nothing(b"\0\0\r", Nuls::MayBeCheck, b"")]
    fn padding_is_no_part_of_a_command(#[case] bytes: &[u8], #[case] nuls: Nuls, #[case] expected: &[u8]) {
        assert_eq!(command(bytes, nuls).as_deref(), Some(expected));
    }

    #[test]
    fn a_command_without_end_does_not_grow() {
        let mut inbox = Inbox::default();
        assert!((0..10_000).all(|_| inbox.take(b'Q', Nuls::Padding).is_none()));
        assert_eq!(inbox.take(b'\r', Nuls::Padding).map(|bytes| bytes.len()), Some(COMMAND_BYTES_MAX));
    }
}
