//! The check of a frame: CRC-16/XMODEM (polynomial 0x1021, start 0) over everything before it, with three bytes that
//! cannot stand in it.
//!
//! Where the check of a text is `x 00`, that of the text without its last character c is `c x`, always: a frame whose zero
//! was taken for padding has a right check, and lost a character. One frame in 256 is such a one.

/// The two bytes of a frame's check as a classic unit sends them: `(`, CR and LF are sent as the next higher byte.
pub(crate) fn classic(bytes: &[u8]) -> [u8; 2] {
    remainder(bytes)
        .to_be_bytes()
        .map(|byte| if matches!(byte, b'(' | b'\r' | b'\n') { byte + 1 } else { byte })
}

/// As [`classic`], and 0x00, which on USB is padding, sent as 0x01.
pub(crate) fn escaped(bytes: &[u8]) -> [u8; 2] {
    classic(bytes).map(|byte| byte.max(1))
}

/// Whether a check fits, by either rule: units differ in what they send, and take both.
pub(crate) fn fits(bytes: &[u8], check: [u8; 2]) -> bool {
    check == classic(bytes) || check == escaped(bytes)
}

/// The one-byte check of some commands of the REVO: the sum of the bytes, plus one.
pub(crate) fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(1, |sum: u8, byte| sum.wrapping_add(*byte))
}

fn remainder(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, byte| {
        (0..8).fold(
            crc ^ u16::from(*byte) << 8,
            |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("123456789", [0x31, 0xc3])]
    #[case("(ACK", [0x39, 0x20])]
    #[case("QPIGS", [0xb7, 0xa9])]
    // 0A88, 4928, E20A and 9E28 without the rule.
    #[case("QBOOT", [0x0b, 0x88])]
    #[case("QGMN", [0x49, 0x29])]
    #[case("POP02", [0xe2, 0x0b])]
    #[case("PBFT57.5", [0x9e, 0x29])]
    #[case("PBFT48.8", [0x15, 0x00])]
    fn the_check_is_the_documents(#[case] text: &str, #[case] check: [u8; 2]) {
        assert_eq!(classic(text.as_bytes()), check);
    }

    #[test]
    fn a_zero_byte_is_taken_both_ways_and_nothing_else_is() {
        assert_eq!(escaped(b"PBFT48.8"), [0x15, 0x01]);
        assert!(fits(b"PBFT48.8", [0x15, 0x00]) && fits(b"PBFT48.8", [0x15, 0x01]));
        assert!(!fits(b"PBFT48.8", [0x15, 0x02]) && !fits(b"QPIGS", [0xb7, 0xaa]));
    }

    #[test]
    fn a_frame_that_lost_the_zero_of_its_check_has_a_right_one() {
        let mut seen = 0;
        for text in (0..10_000_u32).map(|number| format!("({number:08}").into_bytes()) {
            if let [high, 0] = classic(&text) {
                let (last, torso) = text.split_last().unwrap();
                assert_eq!(classic(torso), [*last, high]);
                seen += 1;
            }
        }
        assert!(seen > 30, "{seen}");
    }

    #[test]
    fn the_sum_of_the_revo() {
        assert_eq!(sum(b"(000100 56.0 54.0 44.0 42.0 030 010 2018 06 01 20 00 00 00"), 0x3c);
    }
}
