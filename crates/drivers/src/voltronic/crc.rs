//! The checksum of these frames: CRC-16/XMODEM (polynomial 0x1021, start 0) over everything before it, high byte first.
//!
//! A byte of it that would be `(`, CR or LF is sent as one more. Whether a byte of 0x00 is left as it is (the vendor's
//! published algorithm) or sent as 0x01 (some firmware, and mpp-solar since December 2023) differs: both are accepted.

/// The checksum, not yet made safe for sending.
pub(crate) fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// The two bytes as they are sent by the vendor's algorithm.
pub(crate) fn classic(bytes: &[u8]) -> [u8; 2] {
    crc(bytes).to_be_bytes().map(|byte| if matches!(byte, b'(' | b'\r' | b'\n') { byte + 1 } else { byte })
}

/// The two bytes as firmware sends them that escapes 0x00 too.
pub(crate) fn zero_escaped(bytes: &[u8]) -> [u8; 2] {
    classic(bytes).map(|byte| if byte == 0 { 1 } else { byte })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_checksums() {
        // Vendor documents and captures.
        for (text, sent) in [
            ("QPIGS", [0xB7, 0xA9]),
            ("(ACK", [0x39, 0x20]),
            ("(NAK", [0x73, 0x73]),
            // Each of these has a byte that must be escaped.
            ("POP02", [0xE2, 0x0B]),
            ("QGMN", [0x49, 0x29]),
            ("QBOOT", [0x0B, 0x88]),
            ("PSDV41.4", [0x0B, 0xC4]),
        ] {
            assert_eq!(classic(text.as_bytes()), sent, "{text}");
        }
        assert_eq!(classic(b"PBFT48.8"), [0x15, 0x00]);
        assert_eq!(zero_escaped(b"PBFT48.8"), [0x15, 0x01]);
    }
}
